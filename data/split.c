/* data/split.c - cuts the training part into training and validation images, class by class. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

typedef struct group { /* the training images of one class, shuffled */
    uint32_t *index;
    uint32_t n, validation, train;
} group;

typedef struct rest { /* for sharing out by largest remainder */
    uint32_t class;
    uint64_t remainder;
} rest;

static int by_remainder(const void *a, const void *b) {
    const rest *x = a, *y = b;
    if (x->remainder != y->remainder)
        return x->remainder < y->remainder ? 1 : -1;
    return x->class < y->class ? -1 : x->class > y->class;
}

/* Shares `want` among classes in proportion to have[], largest remainder first: the parts sum to
 * want and none exceeds have. */
static void share(uint32_t *part, rest *r, const uint32_t *have, uint32_t classes, uint64_t want) {
    uint64_t total = 0, given = 0;
    for (uint32_t k = 0; k < classes; k++)
        total += have[k];
    for (uint32_t k = 0; k < classes; k++) {
        part[k] = total ? (uint32_t)(want * have[k] / total) : 0;
        r[k] = (rest){k, total ? want * have[k] % total : 0};
        given += part[k];
    }
    qsort(r, classes, sizeof *r, by_remainder);
    for (uint32_t i = 0; i < classes && given < want; i++, given++)
        part[r[i].class]++;
}

/* Groups the training part by label; *indices holds all groups one after the other. */
static void group_by_label(group *g, uint32_t *indices, const nas_dataset *d, uint64_t seed) {
    uint32_t classes = (uint32_t)d->info.classes;
    for (uint32_t i = 0; i < d->info.n_train; i++)
        g[d->item[i].label].n++;
    for (uint32_t k = 0; k < classes; k++) {
        g[k].index = indices;
        indices += g[k].n;
        g[k].n = 0;
    }
    for (uint32_t i = 0; i < d->info.n_train; i++) {
        group *of = &g[d->item[i].label];
        of->index[of->n++] = i;
    }
    for (uint32_t k = 0; k < classes; k++) {
        nas_rng r = nas_rng_stream(seed, "split", k);
        nas_rng_shuffle(&r, g[k].index, g[k].n);
    }
}

/* Decides how many images of each class go where. */
static nas_status plan(group *g, uint32_t classes, uint32_t validation, uint32_t train) {
    nas_status st = NAS_OK;
    uint32_t *have = nas_calloc(classes, sizeof *have), *part = nas_calloc(classes, sizeof *part);
    rest *r = nas_calloc(classes, sizeof *r);
    if (!have || !part || !r)
        NAS_GO(nas_fail_memory(classes * sizeof *r));
    for (uint32_t k = 0; k < classes; k++)
        have[k] = g[k].n;
    share(part, r, have, classes, validation);
    for (uint32_t k = 0; k < classes; k++) {
        g[k].validation = part[k];
        have[k] = g[k].n - part[k];
    }
    share(part, r, have, classes, train);
    for (uint32_t k = 0; k < classes; k++)
        g[k].train = part[k];
done:
    nas_free(have);
    nas_free(part);
    nas_free(r);
    return st;
}

static uint32_t *new_list(uint32_t n) {
    return nas_malloc((n ? n : 1) * sizeof(uint32_t));
}

/* Copies the drawn images into the lists and mixes the classes. */
static void fill(nas_split *s, const group *g, const nas_dataset *d, uint64_t seed) {
    uint32_t v = 0, t = 0, classes = (uint32_t)d->info.classes;
    for (uint32_t k = 0; k < classes; k++) {
        memcpy(s->validation + v, g[k].index, g[k].validation * sizeof *s->validation);
        memcpy(s->train + t, g[k].index + g[k].validation, g[k].train * sizeof *s->train);
        v += g[k].validation;
        t += g[k].train;
    }
    nas_rng r = nas_rng_stream(seed, "split", classes);
    nas_rng_shuffle(&r, s->validation, s->n_validation);
    nas_rng_shuffle(&r, s->train, s->n_train);
    for (uint32_t i = 0; i < s->n_test; i++)
        s->test[i] = d->info.n_train + i;
}

nas_status nas_split_make(nas_split *out, const nas_dataset *d, uint32_t validation,
                          uint32_t train_limit, uint64_t seed) {
    nas_status st = NAS_OK;
    const nas_data_info *f = &d->info;
    if (validation >= f->n_train)
        return nas_fail(NAS_E_ARG, "%s: %u validation images leave none of %u for training",
                        d->path, validation, f->n_train);
    uint32_t left = f->n_train - validation, classes = (uint32_t)f->classes;
    nas_split s = {.n_train = train_limit && train_limit < left ? train_limit : left,
                   .n_validation = validation,
                   .n_test = f->n_test};
    group *g = nas_calloc(classes, sizeof *g);
    uint32_t *indices = new_list(f->n_train);
    s.train = new_list(s.n_train);
    s.validation = new_list(s.n_validation);
    s.test = new_list(s.n_test);
    if (!g || !indices || !s.train || !s.validation || !s.test)
        NAS_GO(nas_fail_memory(f->n_train * sizeof *indices));
    group_by_label(g, indices, d, seed);
    NAS_GO(plan(g, classes, validation, s.n_train));
    fill(&s, g, d, seed);
    *out = s;
    s = (nas_split){0};
done:
    nas_split_free(&s);
    nas_free(g);
    nas_free(indices);
    return st;
}

void nas_split_free(nas_split *s) {
    if (!s)
        return;
    nas_free(s->train);
    nas_free(s->validation);
    nas_free(s->test);
    *s = (nas_split){0};
}

uint64_t nas_split_hash(const uint32_t *index, uint32_t n) {
    uint64_t h = nas_mix64(n);
    for (uint32_t i = 0; i < n; i++)
        h = nas_mix64(h ^ index[i]);
    return h;
}
