/* search/numerics/mlp.c - a small multi-layer perceptron with one output, trained by Adam (Kingma
 * and Ba 2015). */
#include "numerics.h"

#include <math.h>
#include <string.h>

static const double beta1 = 0.9, beta2 = 0.999, tiny = 1e-8;

typedef struct layer {
    uint32_t in, out;
    size_t weight, bias; /* where they start in the parameters; weight is [in][out] */
    double *y, *dy;      /* output after its activation, gradient */
} layer;

struct num_mlp {
    num_mlp_options o;
    uint32_t n_layers;
    layer *layer;
    size_t n;
    double *param, *grad, *m, *v, *room;
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
        l->out = i + 1 == p->n_layers ? 1 : p->o.width;
        l->weight = p->n;
        l->bias = p->n + (size_t)l->in * l->out;
        p->n = l->bias + l->out;
        units += l->out;
    }
    p->param = nas_calloc(4 * p->n, sizeof *p->param);
    p->room = nas_calloc(2 * units, sizeof *p->room);
    if (p->param == NULL || p->room == NULL)
        return nas_fail_memory(4 * p->n * sizeof *p->param);
    p->grad = p->param + p->n;
    p->m = p->grad + p->n;
    p->v = p->m + p->n;
    double *room = p->room;
    for (uint32_t i = 0; i < p->n_layers; i++) {
        p->layer[i].y = room;
        p->layer[i].dy = room + p->layer[i].out;
        room += 2 * (size_t)p->layer[i].out;
    }
    return NAS_OK;
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
    for (uint32_t i = 0; i < p->n_layers; i++) {
        layer *l = &p->layer[i];
        double sd = sqrt(2.0 / l->in);
        for (size_t k = l->weight; k < l->bias; k++)
            p->param[k] = sd * nas_rng_normal(r);
    }
    *out = p;
    p = NULL;
done:
    num_mlp_free(p);
    return st;
}

/* y = x W + b; inputs that are 0 cost nothing, which most of a one-hot row is. */
static void affine(layer *l, const double *param, const double *x, const float *row) {
    memcpy(l->y, param + l->bias, l->out * sizeof *l->y);
    for (uint32_t i = 0; i < l->in; i++) {
        double v = row != NULL ? (double)row[i] : x[i];
        const double *w = param + l->weight + (size_t)i * l->out;
        if (v == 0)
            continue;
        for (uint32_t k = 0; k < l->out; k++)
            l->y[k] += v * w[k];
    }
}

double num_mlp_predict(num_mlp *p, const float *x) {
    for (uint32_t i = 0; i < p->n_layers; i++) {
        layer *l = &p->layer[i];
        affine(l, p->param, i ? p->layer[i - 1].y : NULL, i ? NULL : x);
        for (uint32_t k = 0; i + 1 < p->n_layers && k < l->out; k++)
            l->y[k] = l->y[k] > 0 ? l->y[k] : 0;
    }
    return p->layer[p->n_layers - 1].y[0];
}

/* Adds the gradient of the loss of one row, whose output was just predicted, to grad. */
static void backward(num_mlp *p, const float *x, double slope) {
    p->layer[p->n_layers - 1].dy[0] = slope;
    for (uint32_t i = p->n_layers; i-- > 0;) {
        layer *l = &p->layer[i], *below = i ? l - 1 : NULL;
        for (uint32_t k = 0; k < l->out; k++)
            p->grad[l->bias + k] += l->dy[k];
        for (uint32_t j = 0; j < l->in; j++) {
            double v = below ? below->y[j] : (double)x[j], sum = 0;
            const double *w = p->param + l->weight + (size_t)j * l->out;
            double *dw = p->grad + l->weight + (size_t)j * l->out;
            if (v == 0) {
                if (below)
                    below->dy[j] = 0;
                continue;
            }
            for (uint32_t k = 0; k < l->out; k++) {
                dw[k] += v * l->dy[k];
                sum += w[k] * l->dy[k];
            }
            if (below)
                below->dy[j] = sum;
        }
    }
}

static void adam(num_mlp *p, double scale) {
    p->step++;
    double c1 = 1 - pow(beta1, (double)p->step), c2 = 1 - pow(beta2, (double)p->step);
    double rate = p->o.rate / c1, shrink = 1 - p->o.rate * p->o.decay, root = 1 / sqrt(c2);
    for (size_t i = 0; i < p->n; i++) {
        double g = p->grad[i] * scale;
        p->m[i] = beta1 * p->m[i] + (1 - beta1) * g;
        p->v[i] = beta2 * p->v[i] + (1 - beta2) * g * g;
        p->param[i] = shrink * p->param[i] - rate * p->m[i] / (sqrt(p->v[i]) * root + tiny);
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
