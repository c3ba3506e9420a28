/* search/npenas.c - NPENAS (Wei et al. 2022): evolution whose many children a predictor sorts, so
 * that only the promising ones are trained. The predictor is a perceptron on what the cell
 * computes; the published one is a graph network. */
#include "predictor.h"

static nas_status create(nas_strategy *t) {
    return predictor_create(t, &(predictor_options){.members = 1,
                                                    .layers = 2,
                                                    .width = 32,
                                                    .epochs = 200,
                                                    .rate = 0.005,
                                                    .encoding = NAS_ENCODE_FUNCTION,
                                                    .mutants = 200,
                                                    .random = 30});
}

static const char *const takes[] = {"batch", NULL};

const strategy_kind strategy_npenas = {.name = "npenas",
                                       .takes = takes,
                                       .create = create,
                                       .free = predictor_free,
                                       .horizon = predictor_horizon,
                                       .propose = predictor_propose};
