/* runtime/schedule.c - the learning rate at each step. */
#include <nas/runtime.h>

#include <math.h>

double nas_lr_at(const nas_train_config *c, int64_t step, int64_t steps_per_epoch) {
    const double pi = 3.14159265358979323846;
    double spe = (double)steps_per_epoch;
    double warm = floor(c->warmup_epochs * spe + 0.5);
    double total = spe * c->epochs, at = (double)step;
    if (at < warm)
        return c->lr * (at + 1) / warm;
    if (c->schedule == NAS_CONSTANT)
        return c->lr;
    if (c->schedule == NAS_STEP)
        return c->lr * pow(c->step_factor, floor(at / (c->step_epochs * spe)));
    /* half a cosine from the end of the warm-up to the last step (Loshchilov and Hutter 2017) */
    double share = total > warm ? (at - warm) / (total - warm) : 1;
    share = share > 1 ? 1 : share;
    return c->lr * (c->final_lr + (1 - c->final_lr) * 0.5 * (1 + cos(pi * share)));
}
