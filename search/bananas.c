/* search/bananas.c - BANANAS (White, Neiswanger and Savani 2021): an ensemble of perceptrons on the
 * path encoding, independent Thompson sampling, mutants of the best as candidates. */
#include "predictor.h"

static nas_status create(nas_strategy *t) {
    return predictor_create(t, &(predictor_options){.members = 5,
                                                    .layers = 4,
                                                    .width = 20,
                                                    .epochs = 150,
                                                    .rate = 0.01,
                                                    .absolute = true,
                                                    .encoding = NAS_ENCODE_PATH,
                                                    .mutants = 150,
                                                    .random = 30});
}

static const char *const takes[] = {"batch", NULL};

const strategy_kind strategy_bananas = {.name = "bananas",
                                        .takes = takes,
                                        .create = create,
                                        .free = predictor_free,
                                        .horizon = predictor_horizon,
                                        .propose = predictor_propose};
