/* cli/main.c - clnas: finds the verb and runs it. */
#include "cli.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const cli_command cmd_search, cmd_status, cmd_front, cmd_report, cmd_train, cmd_eval,
    cmd_predict, cmd_cost, cmd_spaces, cmd_hardware, cmd_devices, cmd_bench, cmd_worker,
    cmd_calibrate, cmd_tune, cmd_kernels;

const cli_command *const cli_commands[] = {
    &cmd_search,  &cmd_status,    &cmd_front,  &cmd_report,   &cmd_train,   &cmd_eval,
    &cmd_predict, &cmd_cost,      &cmd_spaces, &cmd_hardware, &cmd_devices, &cmd_bench,
    &cmd_worker,  &cmd_calibrate, &cmd_tune,   &cmd_kernels,  NULL};

enum { FD_MOST = 1024 };
static const char own_program[] = "/proc/self/exe";

static void overview(FILE *f) {
    fprintf(f, "clnas %s: neural architecture search on any OpenCL device\n\n", NAS_VERSION);
    fprintf(f, "usage: clnas VERB [arguments]; clnas VERB --help tells more\n\n");
    for (int i = 0; cli_commands[i]; i++)
        fprintf(f, "  %-10s %s\n", cli_commands[i]->name, cli_commands[i]->about);
}

static const cli_command *find(const char *name) {
    for (int i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

static int unknown(const char *name) {
    const char *names[32];
    size_t n = 0;
    for (; cli_commands[n] && n < 32; n++)
        names[n] = cli_commands[n]->name;
    const char *near = nas_nearest(name, names, n);
    fprintf(stderr, "clnas: there is no verb '%s'%s%s%s; clnas --help lists them\n", name,
            near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    return CLI_USAGE;
}

/* This program again helps to compile in a cold start. */
static int compile_ahead(void) {
    for (int fd = STDERR_FILENO + 1; fd < FD_MOST; fd++)
        close(fd); /* what the parent has open ends with it */
    return nas_compile_listed(stdin) == NAS_OK ? CLI_OK : CLI_FAILED;
}

/* Asks PoCL to keep each of its threads on a core of its own: often the system wakes two of them
 * on one core and leaves the other idle. Only where this program may use all cores, as PoCL counts
 * from the first one; POCL_AFFINITY=0 declines. */
static void keep_threads_apart(void) {
    cpu_set_t mine;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1 || cores > CPU_SETSIZE || sched_getaffinity(0, sizeof mine, &mine) != 0)
        return;
    for (long i = 0; i < cores; i++)
        if (!CPU_ISSET((size_t)i, &mine))
            return;
    (void)setenv("POCL_AFFINITY", "1", 0);
}

int main(int argc, char **argv) {
    keep_threads_apart();
    if (argc == 2 && strcmp(argv[1], "compile-ahead") == 0)
        return compile_ahead();
    nas_log_set(NAS_LOG_INFO, talk_log, NULL);
    nas_compile_helper_set(access(own_program, X_OK) == 0 ? own_program : NULL);
    if (argc < 2) {
        overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        overview(stdout);
        return fflush(stdout) ? CLI_FAILED : CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("clnas %s\n", NAS_VERSION);
        return fflush(stdout) ? CLI_FAILED : CLI_OK;
    }
    const cli_command *c = find(argv[1]);
    if (!c)
        return unknown(argv[1]);
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            cli_help(c);
            return fflush(stdout) ? CLI_FAILED : CLI_OK;
        }
    cli_args a;
    int status = cli_parse(&a, c, argc - 2, argv + 2);
    a.program = argv[0];
    return status == CLI_OK ? c->run(&a) : status;
}
