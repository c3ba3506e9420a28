/* runtime/config.c - training settings: defaults, their ranges, and their text in a model file. */
#include "json.h"
#include "train.h"

#include <math.h>
#include <string.h>

nas_train_config nas_train_config_default(void) {
    return (nas_train_config){
        .epochs = 10,
        .batch = 128,
        .optimizer = NAS_ADAMW,
        .lr = 2e-3,
        .momentum = 0.9,
        .nesterov = true,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .eps = 1e-8,
        .weight_decay = 0.05,
        .schedule = NAS_COSINE,
        .warmup_epochs = 0.5,
        .final_lr = 0.0,
        .step_epochs = 30,
        .step_factor = 0.1,
    };
}

typedef enum field_kind { WHOLE, NUMBER, TRUTH, U64, OPTIMIZER, SCHEDULE } field_kind;

typedef struct field {
    const char *name;
    size_t offset;
    double min, max;
    field_kind kind;
    bool open_min, open_max; /* the bound itself is not allowed */
} field;

#define FIELD(field, kind_of, least, most, not_least, not_most)                                    \
    {                                                                                              \
        .name = #field, .offset = offsetof(nas_train_config, field), .kind = kind_of,              \
        .min = least, .max = most, .open_min = not_least, .open_max = not_most                     \
    }
static const field fields[] = {
#define NAS_TRAIN_KEY(name, kind, least, most, not_least, not_most)                                \
    FIELD(name, kind, least, most, not_least, not_most),
#include <nas/train_keys.def>
    FIELD(seed, U64, 0, 0, false, false),
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static const char *const optimizer_names[] = {
    [NAS_SGD] = "sgd", [NAS_ADAM] = "adam", [NAS_ADAMW] = "adamw"};
static const char *const schedule_names[] = {
    [NAS_COSINE] = "cosine", [NAS_STEP] = "step", [NAS_CONSTANT] = "constant"};

static double field_value(const field *f, const nas_train_config *c) {
    const char *at = (const char *)c + f->offset;
    switch (f->kind) {
    case WHOLE:
        return *(const int32_t *)(const void *)at;
    case NUMBER:
        return *(const double *)(const void *)at;
    case TRUTH:
        return *(const bool *)at;
    case OPTIMIZER:
        return (double)c->optimizer;
    case SCHEDULE:
        return (double)c->schedule;
    default:
        return 0; /* U64: any value is fine, so none is compared */
    }
}

nas_status nas_train_config_check(const nas_train_config *c) {
    for (int i = 0; i < N_FIELDS; i++) {
        const field *f = &fields[i];
        double v = field_value(f, c);
        bool low = f->open_min ? v <= f->min : v < f->min;
        bool high = f->open_max ? v >= f->max : v > f->max;
        if (!isfinite(v) || low || high)
            return nas_fail(NAS_E_ARG, "%s is %g, but must be in %c%g, %g%c", f->name, v,
                            f->open_min ? ']' : '[', f->min, f->max, f->open_max ? '[' : ']');
    }
    if (c->warmup_epochs > c->epochs)
        return nas_fail(NAS_E_ARG, "warmup_epochs %g is more than epochs %d", c->warmup_epochs,
                        c->epochs);
    if (c->optimizer == NAS_SGD && c->nesterov && c->momentum == 0)
        return nas_fail(NAS_E_ARG, "nesterov needs a momentum above 0");
    return NAS_OK;
}

nas_status nas_train_config_fits(const nas_train_config *c, int32_t height, int32_t width) {
    int32_t side = height < width ? height : width;
    if (c->crop_pad >= side)
        return nas_fail(NAS_E_ARG, "crop_pad is %d, but must be smaller than the images (%dx%d)",
                        c->crop_pad, height, width);
    return NAS_OK;
}

/* The value as JSON. A seed can be above 2^53, which JSON numbers need not hold: it is a string. */
static void field_print(nas_text *out, const field *f, const nas_train_config *c) {
    char digits[24];
    switch (f->kind) {
    case TRUTH:
        nas_text_add(out, "%s", field_value(f, c) != 0 ? "true" : "false");
        break;
    case U64:
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)c->seed);
        nas_text_json(out, digits);
        break;
    case OPTIMIZER:
        nas_text_json(out, optimizer_names[c->optimizer]);
        break;
    case SCHEDULE:
        nas_text_json(out, schedule_names[c->schedule]);
        break;
    default:
        nas_text_json_number(out, field_value(f, c));
    }
}

void nas_train_config_print(nas_text *out, const nas_train_config *c) {
    for (int i = 0; i < N_FIELDS; i++) {
        nas_text_add(out, "%s\"%s\": ", i == 0 ? "{" : ", ", fields[i].name);
        field_print(out, &fields[i], c);
    }
    nas_text_add(out, "}");
}

nas_status nas_train_config_match(const nas_train_config *c, const char *json) {
    nas_status st = NAS_OK;
    nas_json *saved = NULL, *mine = NULL;
    nas_text text = {0};
    nas_train_config_print(&text, c);
    NAS_GO(nas_text_check(&text));
    NAS_GO(nas_json_read(&mine, text.s, text.n, "config"));
    NAS_GO(nas_json_read(&saved, json, strlen(json), "saved config"));
    for (int i = 0; i < N_FIELDS; i++) {
        const nas_json_node *a = nas_json_get(mine, nas_json_root(mine), fields[i].name);
        const nas_json_node *b = nas_json_get(saved, nas_json_root(saved), fields[i].name);
        if (b == NULL)
            NAS_GO(nas_fail(NAS_E_ARG, "the saved training has no setting %s", fields[i].name));
        if (strcmp(a->text, b->text) != 0)
            NAS_GO(nas_fail(NAS_E_ARG, "%s is %s, but the saved training has %s", fields[i].name,
                            a->text, b->text));
    }
done:
    nas_json_free(saved);
    nas_json_free(mine);
    nas_text_free(&text);
    return st;
}
