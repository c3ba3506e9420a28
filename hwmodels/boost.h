/* hwmodels/boost.h - gradient boosting of small symmetric trees: what is left of measurements when
 * a formula has had its say. */
#ifndef NAS_HWMODELS_BOOST_H
#define NAS_HWMODELS_BOOST_H

#include <nas/core.h>

enum { BOOST_DEPTH = 4, BOOST_LEAVES = 1 << BOOST_DEPTH, BOOST_MOST_TREES = 200 };

/* Every node of a level asks the same question: a row's leaf has bit k set where its number
 * feature[k] is above threshold[k]. */
typedef struct boost_tree {
    uint32_t feature[BOOST_DEPTH];
    double threshold[BOOST_DEPTH], leaf[BOOST_LEAVES];
} boost_tree;

typedef struct boost { /* start + the leaves that a row falls into */
    double start;
    uint32_t n;
    boost_tree *tree;
} boost;

/* Least squares on y, x being n rows of d numbers. How many trees there are is decided by leaving
 * every fifth row out in turn: none where they do not help. */
nas_status boost_fit(boost *out, const double *x, const double *y, uint32_t n,
                     uint32_t d) NAS_MUST_USE;
double boost_predict(const boost *b, const double *x);
void boost_free(boost *b);

#endif
