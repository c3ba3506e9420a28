/* cli/slot.h - a place where jobs run: one device with one child process, started when it is needed
 * and anew when it dies; with a time limit and a count of faults. */
#ifndef NAS_CLI_SLOT_H
#define NAS_CLI_SLOT_H

#include "worker.h"

typedef struct slot {
    char device[128]; /* as the study names it */
    char name[128];   /* as it calls itself; "": not known yet */
    worker *worker;   /* NULL until it is needed */
    bool trains;      /* false: it only measures */
    bool dropped;
    int faults; /* in a row */
    bool busy;
    job job;      /* while busy */
    double since; /* clock: when the job was given */
    bool told;    /* it has told anything of this job */
    news progress;
} slot;

/* Gives an idle slot a job; starts its child when there is none. */
nas_status slot_give(slot *s, const worker_study *study, const job *j) NAS_MUST_USE;
/* Next message, without waiting. A death, and a job over limit_s (0: none), are NEWS_DONE with the
 * reason; after NEWS_DONE the slot is idle. */
bool slot_news(news *out, slot *s, double limit_s);
/* Waits for any of n slots to have news, at most timeout_s. */
void slots_wait(slot *s, uint32_t n, double timeout_s);
/* Ends the child, if there is one. */
void slot_end(slot *s, double grace_s);

enum { SLOT_FAULTS = 3 }; /* so many in a row and the device is given up */
/* Counts what a finished job says of the device; true when it is given up now. */
bool slot_judge(slot *s, const news *done);

#endif
