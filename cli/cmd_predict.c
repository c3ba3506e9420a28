/* cli/cmd_predict.c - clnas predict: what a model sees in image files. */
#include "cli.h"

enum { TOP = 3 };

/* The indices of the TOP largest of p[0 … n-1], largest first; returns how many there are. */
static int largest(int top[TOP], const float *p, int32_t n) {
    int k = 0;
    for (int32_t i = 0; i < n; i++) {
        int at = k < TOP ? k++ : TOP;
        for (; at > 0 && p[i] > p[top[at - 1]]; at--)
            if (at < TOP)
                top[at] = top[at - 1];
        if (at < TOP)
            top[at] = i;
    }
    return k;
}

static void row(nas_text *t, const char *path, const float *p, const nas_model *m, bool json,
                bool first) {
    int top[TOP] = {0};
    int n = largest(top, p, nas_model_info_of(m)->classes);
    if (json) {
        nas_text_add(t, "%s\n  {\"image\": ", first ? "" : ",");
        nas_text_json(t, path);
        nas_text_add(t, ", \"class\": ");
        nas_text_json(t, nas_model_class_name(m, top[0]));
        nas_text_add(t, ", \"probabilities\": {");
        for (int32_t i = 0; i < nas_model_info_of(m)->classes; i++) {
            nas_text_add(t, "%s", i ? ", " : "");
            nas_text_json(t, nas_model_class_name(m, i));
            nas_text_add(t, ": ");
            nas_text_json_number(t, p[i]);
        }
        nas_text_add(t, "}}");
        return;
    }
    nas_text_add(t, "%s:", path);
    for (int i = 0; i < n; i++)
        nas_text_add(t, "%s %s %.1f %%", i ? "," : "", nas_model_class_name(m, top[i]),
                     100 * p[top[i]]);
    nas_text_add(t, "\n");
}

static nas_status predict(nas_text *t, const cli_args *a) {
    nas_model *m = NULL;
    nas_graph *g = NULL;
    nas_device *dev = NULL;
    nas_predictor *p = NULL;
    uint8_t *image = NULL;
    float *prob = NULL;
    nas_status st;
    NAS_GO(nas_model_open(&m, a->word[0]));
    const nas_model_info *i = nas_model_info_of(m);
    size_t bytes = (size_t)i->height * (size_t)i->width * (size_t)i->channels;
    NAS_GO(cli_model_graph(&g, m, 1));
    NAS_GO(cli_device_open(&dev, a));
    NAS_GO(nas_predictor_create(&p, dev, g, m, 1));
    image = nas_malloc(bytes);
    prob = nas_malloc((size_t)i->classes * sizeof *prob);
    if (!image || !prob)
        NAS_GO(nas_fail_memory(bytes));
    bool json = cli_has(a, "json");
    nas_text_add(t, "%s", json ? "[" : "");
    for (int k = 1; k < a->n_words; k++) {
        NAS_GO(nas_image_read(image, a->word[k], i->height, i->width, i->channels));
        NAS_GO(nas_predictor_run(prob, p, image, 1));
        row(t, a->word[k], prob, m, json, k == 1);
    }
    nas_text_add(t, "%s", json ? "\n]\n" : "");
done:
    nas_free(image);
    nas_free(prob);
    nas_predictor_free(p);
    nas_device_close(dev);
    nas_graph_free(g);
    nas_model_free(m);
    return st;
}

static int run(cli_args *a) {
    nas_text t = {0};
    if (predict(&t, a) != NAS_OK) {
        nas_text_free(&t);
        return cli_fail(a);
    }
    return cli_print(a, &t);
}

static const cli_option options[] = {
    {"device", "SPEC", "number, type or part of the name (clnas devices)"},
    {"binary", "FILE", "kernels from a program that was built elsewhere (docs/fpga.md)"},
    {"json", NULL, "all probabilities, machine-readable"},
    {NULL, NULL, NULL}};
extern const cli_command cmd_predict;
const cli_command cmd_predict = {.name = "predict",
                                 .synopsis = "MODEL IMAGE.png… [--json]",
                                 .about = "classes of PNG or JPEG images by a trained model",
                                 .example = "clnas predict cnn.safetensors shoe.png",
                                 .options = options,
                                 .min_words = 2,
                                 .max_words = 64,
                                 .run = run};
