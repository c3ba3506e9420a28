/* cli/cmd_eval.c - clnas eval: accuracy of a model file on a data set. */
#include "cli.h"

#include <string.h>

enum { BATCH = 100 };

/* All images of a part, as indices; *index is the caller's. */
static nas_status part(uint32_t **index, uint32_t *n, const nas_dataset *d, const char *name) {
    const nas_data_info *i = nas_data_info_of(d);
    bool test = strcmp(name, "test") == 0;
    uint32_t count = test ? i->n_test : i->n_train, first = test ? i->n_train : 0;
    if (!count)
        return nas_fail(NAS_E_DATA, "%s has no %s part%s", nas_data_path(d), name,
                        test ? "; --part train takes the other one" : "");
    uint32_t *list = nas_malloc(count * sizeof *list);
    if (!list)
        return nas_fail_memory(count * sizeof *list);
    for (uint32_t k = 0; k < count; k++)
        list[k] = first + k;
    *index = list;
    *n = count;
    return NAS_OK;
}

static nas_status evaluate(nas_eval_result *r, const cli_args *a, const char *which) {
    nas_model *m = NULL;
    nas_graph *g = NULL;
    nas_dataset *data = NULL;
    nas_device *dev = NULL;
    nas_predictor *p = NULL;
    uint32_t *index = NULL, n = 0;
    nas_status st;
    NAS_GO(nas_model_open(&m, a->word[0]));
    const nas_model_info *info = nas_model_info_of(m);
    NAS_GO(cli_model_graph(&g, m, BATCH));
    const int32_t hwc[3] = {info->height, info->width, info->channels};
    NAS_GO(cli_data(&data, cli_get(a, "data"), hwc, cli_has(a, "resize")));
    if (nas_data_info_of(data)->classes != info->classes)
        NAS_GO(nas_fail(NAS_E_SHAPE, "the model knows %d classes but the data in %s have %d",
                        info->classes, cli_get(a, "data"), nas_data_info_of(data)->classes));
    NAS_GO(part(&index, &n, data, which));
    NAS_GO(cli_device_open(&dev, a));
    NAS_GO(nas_predictor_create(&p, dev, g, m, BATCH));
    NAS_GO(nas_predictor_evaluate(r, p, data, index, n, cli_stop()));
done:
    nas_predictor_free(p);
    nas_device_close(dev);
    nas_free(index);
    nas_data_free(data);
    nas_graph_free(g);
    nas_model_free(m);
    return st;
}

static int run(cli_args *a) {
    const char *which = cli_get(a, "part") ? cli_get(a, "part") : "test";
    nas_eval_result r;
    nas_text t = {0};
    char loss[TALK_TEXT];
    if (!cli_has(a, "data"))
        return cli_usage(a, "usage: clnas eval %s", a->command->synopsis);
    if (strcmp(which, "test") != 0 && strcmp(which, "train") != 0)
        return cli_usage(a, "--part wants test or train, not '%s'", which);
    cli_catch_signals();
    if (evaluate(&r, a, which) != NAS_OK)
        return cli_fail(a);
    if (cli_has(a, "json")) {
        nas_text_add(&t, "{\"accuracy\": ");
        nas_text_json_number(&t, r.accuracy);
        nas_text_add(&t, ", \"loss\": ");
        nas_text_json_number(&t, r.loss);
        nas_text_add(&t, ", \"images\": %u}\n", r.images);
    } else {
        nas_text_add(&t, "accuracy %.2f %%, loss %s, %u images (%s part)\n", 100 * r.accuracy,
                     talk_loss(loss, r.loss), r.images, which);
    }
    return cli_print(a, &t);
}

static const cli_option options[] = {
    {"data", "DIR", "data set, of the model's classes"},
    {"part", "NAME", "test (default) or train"},
    {"resize", NULL, "bring images of another size to the model's (folders: always)"},
    {"device", "SPEC", "number, type or part of the name (clnas devices)"},
    {"binary", "FILE", "kernels from a program that was built elsewhere (docs/fpga.md)"},
    {"json", NULL, "machine-readable, to stdout"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_eval;
const cli_command cmd_eval = {
    .name = "eval",
    .synopsis = "MODEL --data DIR [--json]",
    .about = "accuracy and loss of a trained model",
    .example = "clnas eval cnn.safetensors --data /usr/share/datasets/fashion-mnist",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run};
