/* cli/worker.h - candidates are measured and trained in child processes, so that a driver's crash
 * or hang ends one trial and not the study. The parent never touches OpenCL. */
#ifndef NAS_CLI_WORKER_H
#define NAS_CLI_WORKER_H

#include "cli.h"

typedef enum job_kind {
    JOB_LOOK, /* opens the device and says which it is */
    JOB_MEASURE,
    JOB_TRY,  /* trains on noise for a moment, others beside it */
    JOB_KEEP, /* notes how many of those at once are best */
    JOB_TRIAL,
    JOB_RETRAIN
} job_kind;
typedef struct job {
    job_kind kind;
    uint32_t trial;
    nas_genome genome;
    uint32_t workers; /* TRY: how many there are, 0: whatever is known; KEEP: the best number */
    char out[1024];   /* RETRAIN: model file */
} job;

/* What a worker tells; one message fits a pipe's atomic write. */
typedef enum news_kind {
    NEWS_NONE,
    NEWS_PROGRESS,  /* within an epoch: a = share done of the whole training, b = images/s, c = loss
                     */
    NEWS_EPOCH,     /* after an epoch: epoch, a = validation error, b = validation loss */
    NEWS_LATENCY,   /* a = seconds at latency.batch */
    NEWS_LATENCY_N, /* a = seconds at batch `epoch` */
    NEWS_TEST,      /* a = test accuracy, b = loss */
    NEWS_RATE,      /* a = steps a second; epochs = the most workers to try; or epoch = the best
                     * number, which is known */
    NEWS_DEVICE,    /* text = name of the device */
    NEWS_IDENTITY,  /* text = name and driver of the device */
    NEWS_NOTE,      /* text = a line for people */
    NEWS_DONE,      /* status, text = error line */
} news_kind;
typedef struct news {
    news_kind kind;
    nas_status status;
    uint32_t trial;
    int32_t epoch, epochs;
    double a, b, c;
    bool unopened; /* DONE: the device or the data could not be opened, the trial never began */
    bool late;     /* DONE: it ran into the time limit */
    char text[400];
} news;

/* What the child needs to know of the study; copied by fork. */
typedef struct worker_study {
    const nas_study_config *config;
    const nas_space *space;
    nas_train_config train, retrain;
    bool measure_latency; /* an objective or a constraint is measured latency */
    double latency_limit; /* constraint on it; INFINITY: none */
} worker_study;

typedef struct worker worker;
nas_status worker_start(worker **out, const worker_study *s, const char *device) NAS_MUST_USE;
/* Ends the child: asks, waits up to grace_s, then kills. NULL is fine. */
void worker_end(worker *w, double grace_s);
nas_status worker_send(worker *w, const job *j) NAS_MUST_USE;
/* Next message, or false after timeout_s. A child that died gives NEWS_DONE with what killed it;
 * the worker must then be ended and started anew (worker_dead). */
bool worker_news(news *out, worker *w, double timeout_s);
bool worker_dead(const worker *w);
/* Becomes readable when there is news. */
int worker_fd(const worker *w);

/* child.c: the child's life. Reads jobs from `in`, writes news to `out`, returns its exit status.
 */
int child_main(const worker_study *s, const char *device, int in, int out);

#endif
