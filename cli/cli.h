/* cli/cli.h - what the verbs of the program share: command table, arguments, talk, formats. */
#ifndef NAS_CLI_H
#define NAS_CLI_H

#include <nas/hw.h>
#include <nas/runtime.h>
#include <nas/search.h>

/* Exit statuses of every verb. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* ---- commands and arguments (args.c) ---- */

typedef struct cli_option {
    const char *name; /* without "--" */
    const char *arg;  /* what follows it, for the help ("FILE"); NULL: a switch */
    const char *help;
} cli_option;

typedef struct cli_args cli_args;

typedef struct cli_command {
    const char *name;
    const char *synopsis; /* what stands behind the name: "STUDY.yaml --out RUN" */
    const char *about;
    const char *example;
    const cli_option *options; /* ended by a NULL name; --help is added to each */
    const cli_option *more;    /* a second table, shared between verbs; may be NULL */
    int min_words, max_words;  /* positional arguments */
    bool settings;             /* takes --any.dotted.key VALUE as settings of a study */
    int (*run)(cli_args *a);
} cli_command;

struct cli_args {
    const cli_command *command;
    const char *program; /* as it was called */
    const char *word[64];
    int n_words;
    struct {
        const char *name, *value;
    } option[64];
    int n_options;
    const char *setting[128]; /* pairs: dotted key, value */
    int n_settings;           /* pairs */
};

extern const cli_command *const cli_commands[]; /* ended by NULL */

/* Fills *a from what stands behind the verb; prints what is wrong and returns CLI_USAGE. */
int cli_parse(cli_args *a, const cli_command *c, int argc, char **argv);
void cli_help(const cli_command *c);
const char *cli_get(const cli_args *a, const char *option); /* NULL: not given */
bool cli_has(const cli_args *a, const char *option);
/* Whole number in [min,max]; *out is left alone when the option is absent. False: said and wrong.
 */
bool cli_get_int(int64_t *out, const cli_args *a, const char *option, int64_t min, int64_t max);

/* "clnas VERB: message" on stderr; returns the exit status that fits. */
int cli_usage(const cli_args *a, const char *fmt, ...) NAS_PRINTF(2, 3);
/* Prints nas_error_text(). A line that begins with an option ("--seed: …") is about the value that
 * it was given: wrong usage. */
int cli_fail(const cli_args *a);
/* Appends s as one word of a shell's command line, in quotes where it needs them. */
void cli_shell_word(nas_text *t, const char *s);
/* Prints text and checks that stdout took it all. */
int cli_print(const cli_args *a, nas_text *t);

/* ---- talk (talk.c): progress to stderr, one living line on a terminal, plain lines in a log ----
 */

void talk_quiet(bool quiet);
bool talk_is_terminal(void);
void talk_line(const char *fmt, ...) NAS_PRINTF(1, 2);           /* a line that stays */
void talk_log(void *ctx, nas_log_level level, const char *line); /* for nas_log_set */
void talk_live(const char *fmt, ...)
    NAS_PRINTF(1, 2); /* replaces the living line; nothing in a log */
void talk_end(void);  /* wipes the living line */

/* Numbers for people, into the caller's buffer, which they return. */
enum { TALK_TEXT = 64 };
const char *talk_count(char buf[TALK_TEXT], double v);   /* 12,345 */
const char *talk_time(char buf[TALK_TEXT], double s);    /* 1:02:03 or 4:05 */
const char *talk_seconds(char buf[TALK_TEXT], double s); /* 1.23 ms */
const char *talk_bytes(char buf[TALK_TEXT], double b);   /* 12.3 MiB */
const char *talk_loss(char buf[TALK_TEXT], double v);    /* 0.1234; 4.15e+31 */
const char *talk_measure(char buf[TALK_TEXT], const nas_measure *m, double v);

/* Ctrl-C and SIGTERM: the first sets *cli_stop(), the second ends the program. */
const volatile int *cli_stop(void);
void cli_catch_signals(void);

/* ---- shared work ---- */

/* train_config.c: a map of docs/study.md's training keys over *c. node NULL: nothing to do. */
nas_status cli_train_config(nas_train_config *c, const nas_yaml_node *map);
/* The same from options (--epochs 3 …); CLI_OK or CLI_USAGE. */
int cli_train_options(nas_train_config *c, const cli_args *a);
extern const cli_option cli_train_option_table[]; /* ended by a NULL name */

/* measures.c: everything about a network that is known without training it. */
typedef struct cli_costs {
    int64_t params, macs;
    double memory_bytes;
    uint64_t hash;
} cli_costs;
nas_status cli_costs_of(cli_costs *out, const nas_graph *model_batch1);
/* Value of a measure that needs neither training nor a device that is here. */
nas_status cli_measure_modelled(double *out, const nas_measure *m, const nas_graph *model_batch1,
                                const cli_costs *costs);

/* network.c: a network file to its text and model graph; both are the caller's. */
nas_status cli_network(nas_graph **graph, char **text, const char *path, int32_t batch);
/* What the file calls its network; its path where it has no name. */
nas_status cli_network_name(char *out, size_t size, const char *path);
/* device.c: the device that --device and --binary name; and as the text that names it. */
nas_status cli_device_open(nas_device **out, const cli_args *a);
nas_status cli_device_spec(char *out, size_t cap, const cli_args *a);
/* The model graph of a model file. */
nas_status cli_model_graph(nas_graph **graph, const nas_model *m, int32_t batch);
/* Opens a data set for images [H,W,C] of this size; resize: those of IDX and CIFAR are brought to
 * it, too. */
nas_status cli_data(nas_dataset **out, const char *path, const int32_t hwc[3], bool resize);
/* E_ARG when a limit on the training images is more than there are. */
nas_status cli_limit(const nas_dataset *d, uint32_t images);
/* Class names of a data set, for nas_model_save: *names is the caller's (nas_free), its strings are
 * the data set's. */
nas_status cli_class_names(const char *const **names, const nas_dataset *d);
/* Size of the network's input: [H,W,C] and classes of a model graph. */
void cli_graph_io(const nas_graph *g, int32_t hwc[3], int32_t *classes);

/* train_run.c: trains one network from start or checkpoint to its model file. */
typedef struct cli_training {
    const nas_graph *model;
    const char *network; /* text of the network file */
    const nas_dataset *data;
    const uint32_t *train, *test; /* test NULL: not tested */
    uint32_t n_train, n_test;
    nas_train_config config;
    const char *out;   /* model file; checkpoints go to OUT.resume until it is done */
    const char *label; /* for the progress line */
    const volatile int *stop;
    nas_progress_fn progress; /* NULL: talk */
    void *progress_ctx;
} cli_training;
typedef struct cli_trained {
    nas_eval_result train, test; /* test.images 0: not tested */
    double seconds;
    int32_t resumed_from; /* epochs that were done before; 0: none */
} cli_trained;
nas_status cli_train_network(cli_trained *out, nas_device *d, const cli_training *t);

#endif
