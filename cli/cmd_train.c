/* cli/cmd_train.c - clnas train: one network from its file to a tested model. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the verb holds while it works. */
typedef struct job {
    nas_graph *graph;
    char *network;
    nas_dataset *data;
    nas_device *device;
    nas_split split;
} job;

static void job_free(job *j) {
    nas_split_free(&j->split);
    nas_device_close(j->device);
    nas_data_free(j->data);
    nas_graph_free(j->graph);
    nas_free(j->network);
}

/* Before hours of training: whether the model can be written at their end, and not over its own
 * network file. */
static nas_status check_writable(const char *out, const char *network) {
    struct stat a, b;
    if (stat(out, &a) == 0) {
        if (S_ISDIR(a.st_mode))
            return nas_fail(NAS_E_IO, "%s: cannot create: it is a folder", out);
        if (stat(network, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
            return nas_fail(NAS_E_IO, "%s: the model would overwrite its own network file", out);
    }
    const char *slash = strrchr(out, '/');
    nas_text folder = {0};
    nas_text_add(&folder, "%.*s", slash ? (int)(slash - out) + 1 : 1, slash ? out : ".");
    nas_status st = nas_text_check(&folder);
    if (st == NAS_OK && access(nas_text_str(&folder), W_OK | X_OK) != 0)
        st = nas_fail(NAS_E_IO, "%s: cannot create: %s", out, strerror(errno));
    nas_text_free(&folder);
    return st;
}

static nas_status open_all(job *j, const cli_args *a, const nas_train_config *c, int64_t images) {
    int32_t hwc[3], classes;
    NAS_TRY(check_writable(cli_get(a, "out"), a->word[0]));
    NAS_TRY(cli_network(&j->graph, &j->network, a->word[0], c->batch));
    cli_graph_io(j->graph, hwc, &classes);
    NAS_TRY(nas_train_config_fits(c, hwc[0], hwc[1]));
    NAS_TRY(cli_data(&j->data, cli_get(a, "data"), hwc, cli_has(a, "resize")));
    const nas_data_info *info = nas_data_info_of(j->data);
    if (info->classes != classes)
        return nas_fail(NAS_E_SHAPE, "%s has %d classes but the data in %s have %d", a->word[0],
                        classes, cli_get(a, "data"), info->classes);
    NAS_TRY(cli_limit(j->data, (uint32_t)images));
    NAS_TRY(nas_split_make(&j->split, j->data, 0, (uint32_t)images, c->seed));
    return cli_device_open(&j->device, a);
}

static int report(const cli_args *a, const cli_trained *r, const nas_train_config *c) {
    nas_text t = {0};
    char time[TALK_TEXT], loss[TALK_TEXT];
    if (cli_has(a, "json")) {
        nas_text_add(&t, "{\"model\": ");
        nas_text_json(&t, cli_get(a, "out"));
        nas_text_add(&t, ", \"epochs\": %d, \"train_accuracy\": ", c->epochs);
        nas_text_json_number(&t, r->train.accuracy);
        nas_text_add(&t, ", \"test_accuracy\": ");
        nas_text_json_number(&t, r->test.images ? r->test.accuracy : (double)NAN);
        nas_text_add(&t, ", \"test_loss\": ");
        nas_text_json_number(&t, r->test.images ? r->test.loss : (double)NAN);
        nas_text_add(&t, ", \"seconds\": ");
        nas_text_json_number(&t, r->seconds);
        nas_text_add(&t, "}\n");
    } else {
        if (r->test.images)
            nas_text_add(&t, "test accuracy %.2f %% (%u images, loss %s)", 100 * r->test.accuracy,
                         r->test.images, talk_loss(loss, r->test.loss));
        else
            nas_text_add(&t, "the data set has no test part");
        nas_text_add(&t, ", trained in %s\nmodel: %s\n", talk_time(time, r->seconds),
                     cli_get(a, "out"));
    }
    return cli_print(a, &t);
}

static int run(cli_args *a) {
    job j = {0};
    nas_train_config c = nas_train_config_default();
    int64_t seed = 0, images = 0;
    int status = CLI_FAILED;
    cli_trained r;
    if (!cli_has(a, "data"))
        return cli_usage(a, "--data DIR is missing: the data set to train on");
    if (!cli_has(a, "out"))
        return cli_usage(a, "--out FILE is missing: the model file to write");
    if (!cli_get_int(&seed, a, "seed", 0, INT64_MAX) ||
        !cli_get_int(&images, a, "images", 0, UINT32_MAX))
        return CLI_USAGE;
    c.seed = (uint64_t)seed;
    if (cli_train_options(&c, a) != CLI_OK)
        return CLI_USAGE;
    if (nas_train_config_check(&c) != NAS_OK)
        return cli_usage(a, "%s", nas_error_text());
    talk_quiet(cli_has(a, "quiet"));
    cli_catch_signals();
    nas_status st = open_all(&j, a, &c, images);
    if (st == NAS_OK) {
        talk_line("training %s on %s: %u images, %d epoch%s, batch %d", a->word[0],
                  nas_device_info_of(j.device)->name, j.split.n_train, c.epochs,
                  c.epochs == 1 ? "" : "s", c.batch);
        cli_training t = {.model = j.graph,
                          .network = j.network,
                          .data = j.data,
                          .train = j.split.train,
                          .n_train = j.split.n_train,
                          .test = j.split.n_test ? j.split.test : NULL,
                          .n_test = j.split.n_test,
                          .config = c,
                          .out = cli_get(a, "out"),
                          .label = "train",
                          .stop = cli_stop()};
        st = cli_train_network(&r, j.device, &t);
    }
    if (st == NAS_E_STOPPED) {
        talk_line("stopped; the same command goes on after the last whole epoch");
    } else if (st != NAS_OK) {
        cli_fail(a);
    } else {
        if (r.resumed_from)
            talk_line("went on after epoch %d", r.resumed_from);
        status = report(a, &r, &c);
    }
    job_free(&j);
    return status;
}

static const cli_option options[] = {
    {"data", "DIR", "data set: IDX, CIFAR binary, or a folder with one folder a class"},
    {"out", "FILE", "model file to write (safetensors)"},
    {"device", "SPEC",
     "number, type or part of the name (clnas devices); default: a GPU if there is one"},
    {"binary", "FILE", "kernels from a program that was built elsewhere (docs/fpga.md)"},
    {"seed", "N", "random seed (default 0)"},
    {"images", "N", "use only N training images"},
    {"resize", NULL, "bring images of another size to the network's (folders: always)"},
    {"json", NULL, "result as JSON"},
    {"quiet", NULL, "no progress"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_train;
const cli_command cmd_train = {
    .name = "train",
    .synopsis = "NET.yaml --data DIR --out MODEL [options]",
    .about = "train one network; stopped or killed, the same command goes on",
    .example = "clnas train examples/cnn-small.yaml --data /usr/share/datasets/fashion-mnist --out "
               "cnn.safetensors --epochs 8",
    .options = options,
    .more = cli_train_option_table,
    .min_words = 1,
    .max_words = 1,
    .run = run};
