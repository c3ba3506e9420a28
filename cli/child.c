/* cli/child.c - the worker process: opens device and data once, then measures and trains on
 * request. */
#include "worker.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { LATENCY_N = 128 }; /* the second batch size at which chosen models are measured */

typedef struct child {
    const worker_study *s;
    const char *spec; /* of its device */
    int in, out;
    nas_device *device;
    nas_dataset *data;
    nas_split split, all; /* with the validation images held out; without */
    const job *job;
} child;

static volatile int stop; /* set by SIGTERM, or when nobody reads the news any more */

static void on_term(int sig) {
    (void)sig;
    stop = 1;
}

static void tell(child *c, news n) {
    n.trial = c->job ? c->job->trial : 0;
    const char *p = (const char *)&n;
    for (size_t left = sizeof n; left;) {
        ssize_t k = write(c->out, p, left);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            stop = 1;
            return;
        }
        p += k;
        left -= (size_t)k;
    }
}

static void on_progress(void *ctx, const nas_progress *p) {
    child *c = ctx;
    double done = p->epoch - 1 + (double)p->image / (double)(p->images ? p->images : 1);
    tell(c, (news){.kind = NEWS_PROGRESS,
                   .epoch = p->epoch,
                   .epochs = p->epochs,
                   .a = done / p->epochs,
                   .b = p->images_per_s,
                   .c = p->loss});
}

static void on_log(void *ctx, nas_log_level level, const char *line) {
    news n = {.kind = NEWS_NOTE};
    if (level < NAS_LOG_INFO) {
        talk_log(NULL, level, line);
        return;
    }
    snprintf(n.text, sizeof n.text, "%.*s", (int)sizeof n.text - 1, line);
    tell(ctx, n);
}

static nas_status open_device(child *c) {
    if (c->device)
        return NAS_OK;
    NAS_TRY(nas_device_open(&c->device, c->spec[0] ? c->spec : NULL));
    news n = {.kind = NEWS_DEVICE};
    snprintf(n.text, sizeof n.text, "%s", nas_device_info_of(c->device)->name);
    tell(c, n);
    return NAS_OK;
}

static nas_status look(child *c) {
    NAS_TRY(open_device(c));
    const nas_device_info *i = nas_device_info_of(c->device);
    news n = {.kind = NEWS_IDENTITY};
    snprintf(n.text, sizeof n.text, "%s%s%s", i->name, i->driver[0] ? ", driver " : "", i->driver);
    tell(c, n);
    return NAS_OK;
}

static nas_status open_once(child *c) {
    int32_t hwc[3], classes;
    NAS_TRY(open_device(c));
    bool images = c->job->kind == JOB_TRIAL || c->job->kind == JOB_RETRAIN;
    if (c->data || !images)
        return NAS_OK;
    nas_space_input(c->s->space, hwc, &classes);
    NAS_TRY(cli_data(&c->data, c->s->config->data, hwc, c->s->config->resize));
    NAS_TRY(nas_split_make(&c->split, c->data, c->s->config->validation, c->s->config->train_images,
                           c->s->config->seed));
    return nas_split_make(&c->all, c->data, 0, 0, c->s->config->seed);
}

static nas_status latency(double *out, child *c, const nas_graph *g, int32_t batch,
                          news_kind kind) {
    nas_latency l;
    NAS_TRY(nas_measure_latency(&l, c->device, g, batch));
    *out = l.median_s;
    tell(c, (news){.kind = kind, .a = l.median_s, .epoch = batch});
    return NAS_OK;
}

/* Short training with the validation error after each epoch. */
static nas_status train_trial(child *c, const nas_graph *g) {
    nas_trainer *t = NULL;
    nas_status st;
    nas_trainer_options o = {.data = c->data,
                             .train = c->split.train,
                             .n_train = c->split.n_train,
                             .config = c->s->train,
                             .progress = on_progress,
                             .progress_ctx = c,
                             .stop = &stop};
    nas_rng r = nas_rng_stream(c->s->config->seed, "trial", c->job->trial);
    o.config.seed = nas_rng_u64(&r);
    NAS_GO(nas_data_statistics(o.mean, o.std, c->data, c->split.train, c->split.n_train));
    NAS_GO(nas_trainer_create(&t, c->device, g, &o));
    for (int32_t e = 1; e <= o.config.epochs; e++) {
        nas_eval_result train, val;
        NAS_GO(nas_trainer_epoch(t, &train));
        NAS_GO(nas_trainer_evaluate(&val, t, c->split.validation, c->split.n_validation));
        tell(c, (news){.kind = NEWS_EPOCH,
                       .epoch = e,
                       .epochs = o.config.epochs,
                       .a = 1 - val.accuracy,
                       .b = val.loss});
    }
done:
    nas_trainer_free(t);
    return st;
}

static nas_status measure(child *c, const nas_graph *g) {
    double l;
    return latency(&l, c, g, c->s->config->latency_batch, NEWS_LATENCY);
}

static nas_status try_rate(child *c, const nas_graph *g) {
    static const double seconds = 0.8;
    enum { MOST = 4 }; /* of a device that is not shared by cores */
    const nas_device_info *i = nas_device_info_of(c->device);
    news n = {.kind = NEWS_RATE, .epochs = strcmp(i->type, "reference") == 0 ? 1 : MOST};
    if (strcmp(i->type, "cpu") == 0) /* more would only take the cores from other programs */
        n.epochs = (int32_t)i->compute_units;
    if (c->job->workers == 0)
        n.epoch = (int32_t)nas_device_jobs_known(c->device, g, c->s->train.batch);
    if (n.epoch == 0)
        NAS_TRY(nas_measure_rate(&n.a, c->device, g, &c->s->train, seconds));
    tell(c, n);
    return NAS_OK;
}

static nas_status keep_rate(child *c, const nas_graph *g) {
    nas_device_jobs_keep(c->device, g, c->s->train.batch, c->job->workers);
    return NAS_OK;
}

static nas_status run_retrain(child *c, const nas_graph *g) {
    nas_text yaml = {0};
    cli_trained r;
    nas_status st;
    double l;
    nas_rng rng = nas_rng_stream(c->s->config->seed, "retrain", c->job->trial);
    NAS_GO(latency(&l, c, g, c->s->config->latency_batch, NEWS_LATENCY));
    NAS_GO(latency(&l, c, g, LATENCY_N, NEWS_LATENCY_N));
    NAS_GO(nas_space_network(&yaml, c->s->space, &c->job->genome));
    cli_training t = {.model = g,
                      .network = nas_text_str(&yaml),
                      .data = c->data,
                      .train = c->all.train,
                      .n_train = c->all.n_train,
                      .test = c->all.n_test ? c->all.test : NULL,
                      .n_test = c->all.n_test,
                      .config = c->s->retrain,
                      .out = c->job->out,
                      .label = "retrain",
                      .stop = &stop,
                      .progress = on_progress,
                      .progress_ctx = c};
    t.config.seed = nas_rng_u64(&rng);
    NAS_GO(cli_train_network(&r, c->device, &t));
    if (r.test.images)
        tell(c, (news){.kind = NEWS_TEST, .a = r.test.accuracy, .b = r.test.loss});
done:
    nas_text_free(&yaml);
    return st;
}

static nas_status (*const jobs[])(child *, const nas_graph *) = {[JOB_MEASURE] = measure,
                                                                 [JOB_TRY] = try_rate,
                                                                 [JOB_KEEP] = keep_rate,
                                                                 [JOB_TRIAL] = train_trial,
                                                                 [JOB_RETRAIN] = run_retrain};

static void work(child *c, const job *j) {
    nas_graph *g = NULL;
    nas_status st;
    bool open = false;
    c->job = j;
    if (j->kind == JOB_LOOK)
        NAS_GO(look(c));
    else
        NAS_GO(open_once(c));
    open = true;
    if (j->kind == JOB_LOOK)
        goto done;
    NAS_GO(nas_space_graph(&g, c->s->space, &j->genome, 1));
    NAS_GO(jobs[j->kind](c, g));
done:
    nas_graph_free(g);
    news n = {.kind = NEWS_DONE, .status = st, .unopened = !open};
    if (st != NAS_OK)
        snprintf(n.text, sizeof n.text, "%s", nas_error_text());
    tell(c, n);
}

static bool read_job(job *j, int in) {
    for (size_t have = 0; have < sizeof *j;) {
        ssize_t k = read(in, (char *)j + have, sizeof *j - have);
        if (k < 0 && errno == EINTR && !stop)
            continue;
        if (k <= 0)
            return false;
        have += (size_t)k;
    }
    return true;
}

int child_main(const worker_study *s, const char *device, int in, int out) {
    child c = {.s = s, .spec = device, .in = in, .out = out};
    job j;
    struct sigaction term = {.sa_handler = on_term};
    sigaction(SIGTERM, &term, NULL);
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C goes to the parent, which then tells us */
    signal(SIGPIPE, SIG_IGN);
    talk_quiet(true);
    nas_log_set(NAS_LOG_INFO, on_log, &c);
    while (!stop && read_job(&j, in))
        work(&c, &j);
    nas_split_free(&c.split);
    nas_split_free(&c.all);
    nas_data_free(c.data);
    nas_device_close(c.device);
    return 0;
}
