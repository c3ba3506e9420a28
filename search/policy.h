/* search/policy.h - a factorised softmax over the options of every gene, trained with Adam. */
#ifndef NAS_SEARCH_POLICY_H
#define NAS_SEARCH_POLICY_H

#include "strategy.h"

typedef struct policy {
    uint32_t n;      /* options of all genes */
    uint32_t *first; /* gene g's options are first[g] … first[g + 1] - 1 */
    double *logit, *gradient, *mean, *square;
    double steps;
    double baseline; /* moving average of rewards */
    bool has_baseline;
} policy;

nas_status policy_create(policy **out, const nas_space *s) NAS_MUST_USE;
void policy_free(policy *p);
void policy_sample(nas_genome *x, const policy *p, const nas_space *s, nas_rng *r);
/* Over the genes that are active in x. */
double policy_log_probability(const policy *p, const nas_space *s, const nas_genome *x);
/* Adds weight * d log p(x) and entropy * d H to the gradient, which policy_step follows upwards and
 * sets back to zero. */
void policy_gradient(policy *p, const nas_space *s, const nas_genome *x, double weight,
                     double entropy);
void policy_step(policy *p, double learning_rate);
/* How much better the reward is than usual; keeps `keep` of the usual. */
double policy_advantage(policy *p, double reward, double keep);

#endif
