/* tests/runtime/test_schedule.c - learning rates against values worked out by hand, and the ranges
 * of the training settings. */
#include "training_fixture.h"

#include <math.h>
#include <runtime/train.h>
#include <string.h>

/* 10 epochs of 10 steps, peak 1. */
typedef struct rate_case {
    const char *name;
    nas_schedule schedule;
    double warmup_epochs, final_lr, step_epochs, step_factor;
    int64_t step;
    double lr;
} rate_case;

static const rate_case rates[] = {
    {"constant_is_constant", NAS_CONSTANT, 0, 0, 1, 1, 57, 1},
    {"warmup_starts_at_lr_over_its_steps", NAS_CONSTANT, 2, 0, 1, 1, 0, 1.0 / 20},
    {"warmup_ends_at_the_peak", NAS_CONSTANT, 2, 0, 1, 1, 19, 1},
    {"warmup_of_half_an_epoch", NAS_CONSTANT, 0.5, 0, 1, 1, 2, 3.0 / 5},
    {"cosine_starts_at_the_peak", NAS_COSINE, 0, 0, 1, 1, 0, 1},
    {"cosine_is_half_in_the_middle", NAS_COSINE, 0, 0, 1, 1, 50, 0.5},
    {"cosine_of_a_quarter", NAS_COSINE, 0, 0, 1, 1, 25, 0.85355339059327373},
    {"cosine_ends_at_the_share", NAS_COSINE, 0, 0.1, 1, 1, 100, 0.1},
    {"cosine_between_share_and_peak", NAS_COSINE, 0, 0.1, 1, 1, 50, 0.55},
    {"cosine_begins_behind_the_warmup", NAS_COSINE, 2, 0, 1, 1, 60, 0.5},
    {"step_before_the_first_drop", NAS_STEP, 0, 0, 3, 0.1, 29, 1},
    {"step_at_the_first_drop", NAS_STEP, 0, 0, 3, 0.1, 30, 0.1},
    {"step_after_two_drops", NAS_STEP, 0, 0, 3, 0.1, 65, 0.01},
};

static void check_rate(void **state) {
    const rate_case *c = *state;
    nas_train_config t = nas_train_config_default();
    t.epochs = 10;
    t.lr = 1;
    t.schedule = c->schedule;
    t.warmup_epochs = c->warmup_epochs;
    t.final_lr = c->final_lr;
    t.step_epochs = c->step_epochs;
    t.step_factor = c->step_factor;
    double lr = nas_lr_at(&t, c->step, 10);
    if (fabs(lr - c->lr) > 1e-12)
        fail_msg("lr %.17g, wanted %.17g", lr, c->lr);
}

static void defaults_are_in_range(void **state) {
    (void)state;
    nas_train_config c = nas_train_config_default();
    must(nas_train_config_check(&c));
}

static void settings_out_of_range_are_named(void **state) {
    (void)state;
    const nas_train_config good = nas_train_config_default();
    nas_train_config c = good;
    c.epochs = 0;
    must_fail(nas_train_config_check(&c), NAS_E_ARG, "epochs is 0");
    c = good;
    c.lr = NAN;
    must_fail(nas_train_config_check(&c), NAS_E_ARG, "lr is nan");
    c = good;
    c.momentum = 1;
    must_fail(nas_train_config_check(&c), NAS_E_ARG, "momentum is 1");
    c = good;
    c.crop_pad = -1;
    must_fail(nas_train_config_check(&c), NAS_E_ARG, "crop_pad is -1");
    c = good;
    c.warmup_epochs = good.epochs + 1;
    must_fail(nas_train_config_check(&c), NAS_E_ARG, "warmup_epochs");
    c = good;
    c.optimizer = NAS_SGD;
    c.momentum = 0;
    must_fail(nas_train_config_check(&c), NAS_E_ARG, "nesterov");
}

static void printed_settings_match_and_differences_are_named(void **state) {
    (void)state;
    nas_train_config c = nas_train_config_default();
    nas_text text = {0};
    c.seed = UINT64_MAX;
    c.lr = 0.1 + 0.2;
    nas_train_config_print(&text, &c);
    must(nas_train_config_match(&c, nas_text_str(&text)));
    c.seed--;
    must_fail(nas_train_config_match(&c, nas_text_str(&text)), NAS_E_ARG, "seed");
    c.seed++;
    c.lr = 0.3;
    must_fail(nas_train_config_match(&c, nas_text_str(&text)), NAS_E_ARG, "lr");
    must_fail(nas_train_config_match(&c, "{}"), NAS_E_ARG, "no setting epochs");
    nas_text_free(&text);
}

int main(void) {
    enum { N = sizeof rates / sizeof *rates, OTHERS = 3 };
    struct CMUnitTest tests[N + OTHERS];
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){rates[i].name, check_rate, NULL, NULL, (void *)&rates[i]};
    tests[N] = (struct CMUnitTest)cmocka_unit_test(defaults_are_in_range);
    tests[N + 1] = (struct CMUnitTest)cmocka_unit_test(settings_out_of_range_are_named);
    tests[N + 2] =
        (struct CMUnitTest)cmocka_unit_test(printed_settings_match_and_differences_are_named);
    return _cmocka_run_group_tests("schedule", tests, N + OTHERS, NULL, NULL);
}
