/* search/policy.c - a factorised softmax over the options of every gene, trained with Adam. */
#include "policy.h"

#include <math.h>
#include <string.h>

static const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

void policy_free(policy *p) {
    if (p == NULL)
        return;
    nas_free(p->first);
    nas_free(p->logit);
    nas_free(p->gradient);
    nas_free(p->mean);
    nas_free(p->square);
    nas_free(p);
}

nas_status policy_create(policy **out, const nas_space *s) {
    nas_status st = NAS_OK;
    uint32_t genes = nas_space_gene_count(s);
    policy *p = nas_calloc(1, sizeof *p);
    if (p == NULL)
        return nas_fail_memory(sizeof *p);
    p->first = nas_calloc(genes + 1, sizeof *p->first);
    for (uint32_t i = 0; p->first != NULL && i < genes; i++)
        p->n = p->first[i + 1] = p->first[i] + nas_space_gene(s, i)->n;
    p->logit = nas_calloc(p->n + 1, sizeof *p->logit);
    p->gradient = nas_calloc(p->n + 1, sizeof *p->gradient);
    p->mean = nas_calloc(p->n + 1, sizeof *p->mean);
    p->square = nas_calloc(p->n + 1, sizeof *p->square);
    if (!p->first || !p->logit || !p->gradient || !p->mean || !p->square)
        NAS_GO(nas_fail_memory(p->n * sizeof *p->logit));
    *out = p;
    p = NULL;
done:
    policy_free(p);
    return st;
}

/* Log of the sum of exponentials of gene g's logits. */
static double log_sum(const policy *p, uint32_t g) {
    double top = -INFINITY, sum = 0;
    for (uint32_t i = p->first[g]; i < p->first[g + 1]; i++)
        top = fmax(top, p->logit[i]);
    for (uint32_t i = p->first[g]; i < p->first[g + 1]; i++)
        sum += exp(p->logit[i] - top);
    return top + log(sum);
}

void policy_sample(nas_genome *x, const policy *p, const nas_space *s, nas_rng *r) {
    *x = (nas_genome){.n = nas_space_gene_count(s)};
    for (uint32_t g = 0; g < x->n; g++) {
        double total = log_sum(p, g), u = nas_rng_uniform(r);
        uint32_t k = p->first[g];
        while (k + 1 < p->first[g + 1] && (u -= exp(p->logit[k] - total)) >= 0)
            k++;
        x->gene[g] = (uint16_t)(k - p->first[g]);
    }
    nas_space_canonical(x, s);
}

double policy_log_probability(const policy *p, const nas_space *s, const nas_genome *x) {
    bool active[NAS_MAX_GENES];
    double sum = 0;
    nas_space_active(active, s, x);
    for (uint32_t g = 0; g < x->n; g++)
        if (active[g])
            sum += p->logit[p->first[g] + x->gene[g]] - log_sum(p, g);
    return sum;
}

void policy_gradient(policy *p, const nas_space *s, const nas_genome *x, double weight,
                     double entropy) {
    bool active[NAS_MAX_GENES];
    nas_space_active(active, s, x);
    for (uint32_t g = 0; g < x->n; g++) {
        if (!active[g])
            continue;
        double total = log_sum(p, g), h = 0;
        for (uint32_t i = p->first[g]; i < p->first[g + 1]; i++)
            h -= exp(p->logit[i] - total) * (p->logit[i] - total);
        for (uint32_t i = p->first[g]; i < p->first[g + 1]; i++) {
            double log_p = p->logit[i] - total, chosen = i - p->first[g] == x->gene[g];
            p->gradient[i] += weight * (chosen - exp(log_p)) - entropy * exp(log_p) * (log_p + h);
        }
    }
}

void policy_step(policy *p, double learning_rate) {
    p->steps++;
    double c1 = 1 - pow(beta1, p->steps), c2 = 1 - pow(beta2, p->steps);
    for (uint32_t i = 0; i < p->n; i++) {
        double g = p->gradient[i];
        p->mean[i] = beta1 * p->mean[i] + (1 - beta1) * g;
        p->square[i] = beta2 * p->square[i] + (1 - beta2) * g * g;
        p->logit[i] += learning_rate * (p->mean[i] / c1) / (sqrt(p->square[i] / c2) + epsilon);
    }
    memset(p->gradient, 0, p->n * sizeof *p->gradient);
}

double policy_advantage(policy *p, double reward, double keep) {
    if (!p->has_baseline)
        p->baseline = reward;
    p->has_baseline = true;
    double better = reward - p->baseline;
    p->baseline = keep * p->baseline + (1 - keep) * reward;
    return better;
}
