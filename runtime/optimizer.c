/* runtime/optimizer.c - SGD, Adam and AdamW over the flat block of params, and gradient clipping.
 */
#include "train.h"

#include <math.h>

enum { N_PARTIAL = 4096, MAX_MOMENTS = 2 };

struct nas_optim {
    nas_device *device;
    nas_param_block block;
    nas_train_config config;
    nas_buffer *moment[MAX_MOMENTS];
    nas_buffer *scale;   /* one element: the factor on every gradient */
    nas_buffer *partial; /* N_PARTIAL sums of squares; NULL without clipping */
};

typedef struct rates { /* of one step, in double; devices get them as float */
    double lr, rate, root, shrink, l2;
} rates;

/* The rules: Sutskever et al. 2013 (momentum, as PyTorch writes it), Kingma and Ba 2015 (Adam),
 * Loshchilov and Hutter 2019 (AdamW). */
typedef struct rule {
    uint32_t moments;
    void (*ref)(const nas_optim *o, const rates *r);
    nas_status (*launch)(const nas_optim *o, const rates *r);
} rule;

static const size_t group[3] = {64, 1, 1};

static void sgd_ref(const nas_optim *o, const rates *r) {
    double *p = nas_buffer_host(o->block.params), *m = nas_buffer_host(o->moment[0]);
    const double *g = nas_buffer_host(o->block.grads);
    double s = *(double *)nas_buffer_host(o->scale), mu = o->config.momentum;
    for (size_t i = 0; i < o->block.count; i++) {
        double d = s * g[i] + (i < o->block.n_decay ? o->config.weight_decay : 0) * p[i];
        m[i] = mu * m[i] + d;
        p[i] -= r->lr * (o->config.nesterov ? d + mu * m[i] : m[i]);
    }
}

static nas_status sgd_launch(const nas_optim *o, const rates *r) {
    const nas_param_block *b = &o->block;
    const nas_arg args[] = {NAS_ARG_B(b->params),
                            NAS_ARG_B(b->grads),
                            NAS_ARG_B(o->moment[0]),
                            NAS_ARG_B(o->scale),
                            NAS_ARG_I(b->count),
                            NAS_ARG_I(b->n_decay),
                            NAS_ARG_F(r->lr),
                            NAS_ARG_F(o->config.weight_decay),
                            NAS_ARG_F(o->config.momentum),
                            NAS_ARG_I(o->config.nesterov)};
    return nas_device_launch(o->device, "train.cl", "sgd", (size_t[]){b->count / 4, 1, 1}, group,
                             args, sizeof args / sizeof *args);
}

static void adam_ref(const nas_optim *o, const rates *r) {
    double *p = nas_buffer_host(o->block.params);
    double *m = nas_buffer_host(o->moment[0]), *v = nas_buffer_host(o->moment[1]);
    const double *grad = nas_buffer_host(o->block.grads);
    double s = *(double *)nas_buffer_host(o->scale);
    double b1 = o->config.beta1, b2 = o->config.beta2;
    for (size_t i = 0; i < o->block.count; i++) {
        bool decays = i < o->block.n_decay;
        double g = s * grad[i] + (decays ? r->l2 : 0) * p[i];
        m[i] = b1 * m[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        p[i] = (decays ? r->shrink : 1) * p[i] -
               r->rate * m[i] / (sqrt(v[i]) * r->root + o->config.eps);
    }
}

static nas_status adam_launch(const nas_optim *o, const rates *r) {
    const nas_param_block *b = &o->block;
    const nas_arg args[] = {
        NAS_ARG_B(b->params),       NAS_ARG_B(b->grads),     NAS_ARG_B(o->moment[0]),
        NAS_ARG_B(o->moment[1]),    NAS_ARG_B(o->scale),     NAS_ARG_I(b->count),
        NAS_ARG_I(b->n_decay),      NAS_ARG_F(r->rate),      NAS_ARG_F(r->root),
        NAS_ARG_F(r->shrink),       NAS_ARG_F(r->l2),        NAS_ARG_F(o->config.beta1),
        NAS_ARG_F(o->config.beta2), NAS_ARG_F(o->config.eps)};
    return nas_device_launch(o->device, "train.cl", "adam", (size_t[]){b->count / 4, 1, 1}, group,
                             args, sizeof args / sizeof *args);
}

static const rule rules[] = {
    [NAS_SGD] = {1, sgd_ref, sgd_launch},
    [NAS_ADAM] = {2, adam_ref, adam_launch},
    [NAS_ADAMW] = {2, adam_ref, adam_launch},
};

nas_status nas_optim_create(nas_optim **out, nas_device *d, const nas_param_block *block,
                            const nas_train_config *c) {
    nas_status st = NAS_OK;
    nas_optim *o = nas_calloc(1, sizeof *o);
    if (o == NULL)
        return nas_fail_memory(sizeof *o);
    o->device = d;
    o->block = *block;
    o->config = *c;
    for (uint32_t i = 0; i < rules[c->optimizer].moments; i++) {
        NAS_GO(nas_buffer_create(&o->moment[i], d, NAS_F32, block->count));
        NAS_GO(nas_buffer_fill(o->moment[i], 0, 0, block->count));
    }
    NAS_GO(nas_buffer_create(&o->scale, d, NAS_F32, 1));
    NAS_GO(nas_buffer_fill(o->scale, 0, 1, 1));
    if (c->clip_norm > 0)
        NAS_GO(nas_buffer_create(&o->partial, d, NAS_F32, N_PARTIAL));
    *out = o;
    o = NULL;
done:
    nas_optim_free(o);
    return st;
}

void nas_optim_free(nas_optim *o) {
    if (o == NULL)
        return;
    for (int i = 0; i < MAX_MOMENTS; i++)
        nas_buffer_free(o->moment[i]);
    nas_buffer_free(o->scale);
    nas_buffer_free(o->partial);
    nas_free(o);
}

uint64_t nas_optim_bytes(uint64_t count, const nas_device *d, const nas_train_config *c) {
    uint64_t partial = c->clip_norm > 0 ? N_PARTIAL : 0;
    return nas_elem_bytes(d, NAS_F32) * (count * rules[c->optimizer].moments + partial + 1);
}

static void clip_ref(const nas_optim *o) {
    const double *g = nas_buffer_host(o->block.grads);
    double sum = 0;
    for (size_t i = 0; i < o->block.count; i++)
        sum += g[i] * g[i];
    double s = o->config.clip_norm / (sqrt(sum) + 1e-6);
    *(double *)nas_buffer_host(o->scale) = s > 1 ? 1 : s;
}

/* The norm never comes to the host: the update reads the factor from the device. */
static nas_status clip(const nas_optim *o) {
    if (nas_device_is_ref(o->device)) {
        clip_ref(o);
        return NAS_OK;
    }
    const nas_arg first[] = {NAS_ARG_B(o->block.grads), NAS_ARG_B(o->partial), NAS_ARG_I(N_PARTIAL),
                             NAS_ARG_I(o->block.count)};
    const nas_arg second[] = {NAS_ARG_B(o->partial), NAS_ARG_B(o->scale), NAS_ARG_I(N_PARTIAL),
                              NAS_ARG_F(o->config.clip_norm)};
    NAS_TRY(nas_device_launch(o->device, "train.cl", "norm_partial", (size_t[]){N_PARTIAL, 1, 1},
                              group, first, 4));
    return nas_device_launch(o->device, "train.cl", "norm_scale", group, group, second, 4);
}

nas_status nas_optim_step(nas_optim *o, double lr, int64_t step) {
    const nas_train_config *c = &o->config;
    const rule *how = &rules[c->optimizer];
    bool decoupled = c->optimizer == NAS_ADAMW;
    rates r = {.lr = lr,
               .rate = lr / (1 - pow(c->beta1, (double)step)),
               .root = 1 / sqrt(1 - pow(c->beta2, (double)step)),
               .shrink = decoupled ? 1 - lr * c->weight_decay : 1,
               .l2 = decoupled ? 0 : c->weight_decay};
    if (c->clip_norm > 0)
        NAS_TRY(clip(o));
    if (nas_device_is_ref(o->device)) {
        how->ref(o, &r);
        return NAS_OK;
    }
    return how->launch(o, &r);
}

uint32_t nas_optim_moments(const nas_optim *o) {
    return rules[o->config.optimizer].moments;
}

nas_buffer *nas_optim_moment(nas_optim *o, uint32_t i) {
    return o->moment[i];
}
