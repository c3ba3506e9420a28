/* search/numerics/mlp.c - a small multi-layer perceptron with one output, trained by Adam (Kingma
 * and Ba 2015). */
#include "numerics.h"

#include <math.h>
#include <string.h>

static const float beta1 = 0.9f, beta2 = 0.999f, tiny = 1e-8f;

/* Rows of weights are padded to whole lanes, because a loop over lanes of known width is what
 * compilers turn into vector instructions without being asked to reorder sums. */
enum { LANES = 4 };
typedef float lane __attribute__((vector_size(LANES * sizeof(float))));

typedef struct layer {
    uint32_t in, lanes;  /* outputs in lanes */
    size_t weight, bias; /* where they start in the parameters, in lanes; weight is [in][lanes] */
    lane *y, *dy;        /* output after its activation, gradient */
} layer;

struct num_mlp {
    num_mlp_options o;
    uint32_t n_layers;
    layer *layer;
    size_t n; /* lanes of parameters */
    lane *param, *grad, *m, *v, *room;
    uint64_t step;
};

void num_mlp_free(num_mlp *p) {
    if (p == NULL)
        return;
    nas_free(p->layer);
    nas_free(p->param);
    nas_free(p->room);
    nas_free(p);
}

static nas_status lay_out(num_mlp *p) {
    size_t units = 0;
    for (uint32_t i = 0; i < p->n_layers; i++) {
        layer *l = &p->layer[i];
        l->in = i == 0 ? p->o.inputs : p->o.width;
        l->lanes = i + 1 == p->n_layers ? 1 : (p->o.width + LANES - 1) / LANES;
        l->weight = p->n;
        l->bias = p->n + (size_t)l->in * l->lanes;
        p->n = l->bias + l->lanes;
        units += l->lanes;
    }
    p->param = nas_calloc(4 * p->n, sizeof *p->param);
    p->room = nas_calloc(2 * units, sizeof *p->room);
    if (p->param == NULL || p->room == NULL)
        return nas_fail_memory(4 * p->n * sizeof *p->param);
    p->grad = p->param + p->n;
    p->m = p->grad + p->n;
    p->v = p->m + p->n;
    lane *room = p->room;
    for (uint32_t i = 0; i < p->n_layers; i++) {
        p->layer[i].y = room;
        p->layer[i].dy = room + p->layer[i].lanes;
        room += 2 * (size_t)p->layer[i].lanes;
    }
    return NAS_OK;
}

/* He-normal weights; what is only padding stays 0, and then so do its outputs and gradients. */
static void start_weights(num_mlp *p, nas_rng *r) {
    for (uint32_t i = 0; i < p->n_layers; i++) {
        const layer *l = &p->layer[i];
        double sd = sqrt(2.0 / l->in);
        uint32_t out = i + 1 == p->n_layers ? 1 : p->o.width;
        for (uint32_t j = 0; j < l->in; j++) {
            float *row = (float *)(p->param + l->weight + (size_t)j * l->lanes);
            for (uint32_t k = 0; k < out; k++)
                row[k] = (float)(sd * nas_rng_normal(r));
        }
    }
}

nas_status num_mlp_create(num_mlp **out, const num_mlp_options *o, nas_rng *r) {
    nas_status st = NAS_OK;
    num_mlp *p = nas_calloc(1, sizeof *p);
    if (p == NULL)
        return nas_fail_memory(sizeof *p);
    p->o = *o;
    p->n_layers = o->layers + 1;
    p->layer = nas_calloc(p->n_layers, sizeof *p->layer);
    if (p->layer == NULL)
        NAS_GO(nas_fail_memory(p->n_layers * sizeof *p->layer));
    NAS_GO(lay_out(p));
    start_weights(p, r);
    *out = p;
    p = NULL;
done:
    num_mlp_free(p);
    return st;
}

/* y = x W + b; inputs that are 0 cost nothing, which most of a one-hot row is. */
static void affine(layer *l, const lane *param, const float *x) {
    memcpy(l->y, param + l->bias, l->lanes * sizeof *l->y);
    for (uint32_t i = 0; i < l->in; i++) {
        const lane *w = param + l->weight + (size_t)i * l->lanes;
        const float v = x[i];
        if (v == 0)
            continue;
        for (uint32_t k = 0; k < l->lanes; k++)
            l->y[k] += v * w[k];
    }
}

static void relu(layer *l) {
    float *y = (float *)l->y;
    for (uint32_t k = 0; k < l->lanes * LANES; k++)
        y[k] = y[k] > 0 ? y[k] : 0;
}

double num_mlp_predict(num_mlp *p, const float *x) {
    for (uint32_t i = 0; i < p->n_layers; i++) {
        affine(&p->layer[i], p->param, i ? (const float *)p->layer[i - 1].y : x);
        if (i + 1 < p->n_layers)
            relu(&p->layer[i]);
    }
    return (double)p->layer[p->n_layers - 1].y[0][0];
}

static float sum_of(lane v) {
    return (v[0] + v[1]) + (v[2] + v[3]);
}

/* Adds the gradient of the loss of one row, whose output was just predicted, to grad. */
static void backward(num_mlp *p, const float *x, double slope) {
    p->layer[p->n_layers - 1].dy[0] = (lane){(float)slope};
    for (uint32_t i = p->n_layers; i-- > 0;) {
        layer *l = &p->layer[i], *below = i ? l - 1 : NULL;
        const float *in = below ? (const float *)below->y : x;
        for (uint32_t k = 0; k < l->lanes; k++)
            p->grad[l->bias + k] += l->dy[k];
        if (below)
            memset(below->dy, 0, below->lanes * sizeof *below->dy);
        for (uint32_t j = 0; j < l->in; j++) {
            const lane *w = p->param + l->weight + (size_t)j * l->lanes;
            lane *dw = p->grad + l->weight + (size_t)j * l->lanes, sum = {0};
            const float v = in[j];
            if (v == 0)
                continue;
            for (uint32_t k = 0; k < l->lanes; k++) {
                dw[k] += v * l->dy[k];
                sum += w[k] * l->dy[k];
            }
            if (below)
                ((float *)below->dy)[j] = sum_of(sum);
        }
    }
}

static void adam(num_mlp *p, double scale) {
    p->step++;
    const float c1 = (float)(1 - pow((double)beta1, (double)p->step)),
                root = (float)(1 / sqrt(1 - pow((double)beta2, (double)p->step))),
                rate = (float)p->o.rate / c1, shrink = (float)(1 - p->o.rate * p->o.decay),
                each = (float)scale;
    float *param = (float *)p->param, *m = (float *)p->m, *v = (float *)p->v;
    const float *grad = (const float *)p->grad;
    for (size_t i = 0; i < p->n * LANES; i++) {
        float g = grad[i] * each;
        if (g == 0 && m[i] == 0) /* an input that was never there, or padding */
            continue;
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        param[i] = shrink * param[i] - rate * m[i] / (sqrtf(v[i]) * root + tiny);
    }
}

static double slope_of(num_loss loss, double error) {
    return loss == NUM_SQUARED ? 2 * error : (double)(error > 0) - (double)(error < 0);
}

nas_status num_mlp_train(num_mlp *p, const float *x, const double *y, uint32_t n, nas_rng *r) {
    uint32_t *order = nas_malloc((n + 1) * sizeof *order);
    if (order == NULL)
        return nas_fail_memory((n + 1) * sizeof *order);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t e = 0; e < p->o.epochs; e++) {
        nas_rng_shuffle(r, order, n);
        for (uint32_t at = 0; at < n;) {
            uint32_t end = at + p->o.batch < n ? at + p->o.batch : n;
            double scale = 1.0 / (end - at);
            memset(p->grad, 0, p->n * sizeof *p->grad);
            for (; at < end; at++) {
                const float *row = x + (size_t)order[at] * p->o.inputs;
                double error = num_mlp_predict(p, row) - y[order[at]];
                backward(p, row, slope_of(p->o.loss, error));
            }
            adam(p, scale);
        }
    }
    nas_free(order);
    return NAS_OK;
}
