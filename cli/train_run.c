/* cli/train_run.c - one full training: checkpoint after each epoch, test once, model file at the
 * end. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct talker {
    const char *label;
    double started;
    int32_t first_epoch; /* epochs done when this run began */
} talker;

static void tell(void *ctx, const nas_progress *p) {
    talker *t = ctx;
    char eta[TALK_TEXT], rate[TALK_TEXT];
    double done = p->epoch - 1 + (double)p->image / (double)(p->images ? p->images : 1);
    double per_epoch =
        (nas_clock() - t->started) / (done - t->first_epoch > 0 ? done - t->first_epoch : 1);
    talk_live("%s: epoch %d/%d %3.0f %%  loss %.3f  accuracy %.2f %%  %s images/s  ETA %s",
              t->label, p->epoch, p->epochs, 100.0 * (double)p->image / (double)p->images, p->loss,
              100 * p->accuracy, talk_count(rate, p->images_per_s),
              talk_time(eta, per_epoch * (p->epochs - done)));
}

static nas_status checkpoint(const cli_training *t, nas_trainer *trainer, const char *path,
                             double test_accuracy, bool resume) {
    const char *const *names = NULL;
    NAS_TRY(cli_class_names(&names, t->data));
    nas_status st = nas_model_save(path, trainer, t->network, names,
                                   nas_data_info_of(t->data)->classes, test_accuracy, resume);
    nas_free((void *)names);
    return st;
}

/* Goes on from a checkpoint of an earlier run, if there is one. */
static nas_status resume(int32_t *epochs, nas_trainer *trainer, const char *path) {
    nas_model *m = NULL;
    nas_status st;
    *epochs = 0;
    if (!nas_file_exists(path))
        return NAS_OK;
    NAS_GO(nas_model_open(&m, path));
    NAS_GO(nas_trainer_restore(trainer, m));
    *epochs = nas_trainer_epochs_done(trainer);
done:
    nas_model_free(m);
    if (st != NAS_OK)
        return nas_fail_prefix(st, "%s cannot be gone on from (remove it to start anew)", path);
    return NAS_OK;
}

static nas_status run_epochs(cli_trained *out, const cli_training *t, nas_trainer *trainer,
                             const char *partial, talker *talk) {
    char eta[TALK_TEXT], loss[TALK_TEXT];
    for (int32_t e = nas_trainer_epochs_done(trainer); e < t->config.epochs; e++) {
        NAS_TRY(nas_trainer_epoch(trainer, &out->train));
        double per_epoch = (nas_clock() - talk->started) / (e + 1 - talk->first_epoch);
        if (!t->progress)
            talk_line("%s: epoch %d/%d  loss %s  training accuracy %.2f %%  %.1f s/epoch  ETA %s",
                      t->label, e + 1, t->config.epochs, talk_loss(loss, out->train.loss),
                      100 * out->train.accuracy, per_epoch,
                      talk_time(eta, per_epoch * (t->config.epochs - e - 1)));
        if (e + 1 < t->config.epochs)
            NAS_TRY(checkpoint(t, trainer, partial, -1, true));
    }
    return NAS_OK;
}

nas_status cli_train_network(cli_trained *out, nas_device *d, const cli_training *t) {
    nas_trainer *trainer = NULL;
    nas_text partial = {0};
    nas_status st;
    talker talk = {.label = t->label, .started = nas_clock()};
    nas_trainer_options o = {.data = t->data,
                             .train = t->train,
                             .n_train = t->n_train,
                             .config = t->config,
                             .progress = t->progress ? t->progress : tell,
                             .progress_ctx = t->progress ? t->progress_ctx : &talk,
                             .stop = t->stop};
    memset(out, 0, sizeof *out);
    nas_text_add(&partial, "%s.resume", t->out);
    NAS_GO(nas_text_check(&partial));
    NAS_GO(nas_data_statistics(o.mean, o.std, t->data, t->train, t->n_train));
    NAS_GO(nas_trainer_create(&trainer, d, t->model, &o));
    NAS_GO(resume(&out->resumed_from, trainer, nas_text_str(&partial)));
    talk.first_epoch = out->resumed_from;
    talk.started = nas_clock();
    NAS_GO(run_epochs(out, t, trainer, nas_text_str(&partial), &talk));
    if (t->test)
        NAS_GO(nas_trainer_evaluate(&out->test, trainer, t->test, t->n_test));
    NAS_GO(checkpoint(t, trainer, t->out, t->test ? out->test.accuracy : -1, false));
    remove(nas_text_str(&partial));
    out->seconds = nas_clock() - talk.started;
done:
    nas_trainer_free(trainer);
    nas_text_free(&partial);
    return st;
}
