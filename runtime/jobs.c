/* runtime/jobs.c - how many networks are best trained at once on a device, by trying; and what
 * others found by trying with processes, kept. */
#include "device_spec.h"
#include "exec.h"
#include "tune.h"

#include <pthread.h>
#include <string.h>

enum { JOBS_MAX = 8 };
static const double TRY_SECONDS = 0.3, WORTH = 1.05;

typedef struct job { /* one network on its part of the device */
    nas_device *device;
    nas_exec *exec;
    double runs_per_s;
    nas_status status;
    char error[256]; /* of its thread */
} job;

static nas_status job_open(job *j, const device_spec *s, const nas_graph *g) {
    char text[1024];
    NAS_TRY(device_spec_write(text, sizeof text, s));
    NAS_TRY(nas_device_open(&j->device, text));
    NAS_TRY(nas_exec_create(&j->exec, j->device, g, NULL, 0, NULL, 0));
    for (uint32_t v = 0; v < nas_graph_count(g); v++)
        if (nas_graph_node(g, (nas_value){v})->op == NAS_OP_INPUT) {
            nas_buffer *b = nas_exec_buffer(j->exec, (nas_value){v});
            NAS_TRY(nas_buffer_fill(b, 0, 0.0, nas_buffer_count(b)));
        }
    NAS_TRY(nas_exec_init(j->exec, 1));
    NAS_TRY(nas_exec_run(j->exec));
    return nas_exec_wait(j->exec);
}

static nas_status job_run(job *j) {
    double from = nas_clock();
    uint32_t runs = 0;
    do {
        NAS_TRY(nas_exec_run(j->exec));
        NAS_TRY(nas_exec_wait(j->exec));
        runs++;
    } while (nas_clock() - from < TRY_SECONDS);
    j->runs_per_s = runs / (nas_clock() - from);
    return NAS_OK;
}

static void *job_thread(void *p) {
    job *j = p;
    j->status = job_run(j);
    if (j->status != NAS_OK)
        (void)snprintf(j->error, sizeof j->error, "%s", nas_error_text());
    return NULL;
}

/* Steps a second of n jobs at once, each on its part. */
static nas_status measure(double *out, const device_spec *s, const nas_graph *g, uint32_t n) {
    nas_status st = NAS_OK;
    job jobs[JOBS_MAX] = {0};
    pthread_t thread[JOBS_MAX];
    uint32_t started = 0;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        device_spec part = *s;
        part.part = i + 1;
        part.parts = n;
        NAS_GO(job_open(&jobs[i], &part, g));
    }
    for (; started < n; started++)
        if (pthread_create(&thread[started], NULL, job_thread, &jobs[started]))
            NAS_GO(nas_fail(NAS_E_MEMORY, "no thread for job %u", (unsigned)started));
done:
    for (uint32_t i = 0; i < started; i++)
        (void)pthread_join(thread[i], NULL);
    for (uint32_t i = 0; i < n; i++) {
        if (st == NAS_OK && jobs[i].status != NAS_OK)
            st = nas_fail(jobs[i].status, "%s", jobs[i].error);
        sum += jobs[i].runs_per_s;
        nas_exec_free(jobs[i].exec);
        nas_device_close(jobs[i].device);
    }
    if (st == NAS_OK)
        *out = sum;
    return st;
}

nas_status nas_device_jobs_hint(uint32_t *jobs, const char *spec, const nas_graph *model,
                                int32_t batch) {
    nas_status st = NAS_OK;
    device_spec s;
    nas_graph *sized = NULL;
    nas_training training = {0};
    nas_device *d = NULL;
    double best = 0, next = 0;
    uint32_t best_jobs = 1, most = JOBS_MAX;
    NAS_TRY(device_spec_read(&s, spec ? spec : ""));
    NAS_GO(nas_device_open(&d, spec));
    if (d->ref || s.parts > 1) {
        most = 1;
    } else if (!strcmp(d->info.type, "cpu") && d->info.compute_units < most) {
        most = d->info.compute_units;
    }
    if (most > 1) {
        NAS_GO(nas_graph_rebatch(&sized, model, batch));
        NAS_GO(nas_graph_training(&training, sized, &(nas_training_options){0}));
        NAS_GO(measure(&best, &s, training.graph, 1));
        for (uint32_t n = 2; n <= most; n *= 2) {
            if (measure(&next, &s, training.graph, n) != NAS_OK || next < WORTH * best)
                break; /* does not fit, or is not worth it */
            best = next;
            best_jobs = n;
        }
    }
    *jobs = best_jobs;
done:
    nas_device_close(d);
    nas_training_free(&training);
    nas_graph_free(sized);
    return st;
}

static uint64_t key_of(const nas_graph *model, int32_t batch) {
    return nas_hash_bytes(nas_graph_hash(model), &batch, sizeof batch);
}

uint32_t nas_device_jobs_known(nas_device *d, const nas_graph *model, int32_t batch) {
    const tune_table *t = tune_table_of(d);
    const tune_jobs *known = t ? tune_find_jobs(t, key_of(model, batch)) : NULL;
    return known ? known->jobs : 0;
}

void nas_device_jobs_keep(nas_device *d, const nas_graph *model, int32_t batch, uint32_t jobs) {
    tune_table *t = tune_table_of(d);
    tune_jobs j = {.key = key_of(model, batch), .jobs = jobs};
    if (t && !d->ref && !tune_find_jobs(t, j.key) && tune_set_jobs(t, j) == NAS_OK)
        tune_save(d);
}
