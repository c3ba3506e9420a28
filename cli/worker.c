/* cli/worker.c - the parent's side of a worker: fork, pipes, death. */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker {
    pid_t pid;
    int to, from; /* jobs to the child, news from it */
    bool dead;
};

static void close_pair(int fd[2]) {
    for (int i = 0; i < 2; i++)
        if (fd[i] >= 0)
            close(fd[i]);
}

/* The child keeps nothing of the parent's but its own two pipes: the store's connection and the
 * other workers' pipes must end when the parent does. */
static void close_others(int in, int out) {
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < (most > 0 && most < 4096 ? most : 4096); fd++)
        if (fd != in && fd != out)
            close(fd);
}

nas_status worker_start(worker **out, const worker_study *s, const char *device) {
    int jobs[2] = {-1, -1}, tell[2] = {-1, -1};
    worker *w = nas_calloc(1, sizeof *w);
    if (!w)
        return nas_fail_memory(sizeof *w);
    if (pipe(jobs) || pipe(tell) || (fflush(NULL), w->pid = fork()) < 0) {
        nas_status st = nas_fail(NAS_E_IO, "cannot start a worker: %s", strerror(errno));
        close_pair(jobs);
        close_pair(tell);
        nas_free(w);
        return st;
    }
    if (w->pid == 0) {
        close_others(jobs[0], tell[1]);
        _exit(child_main(s, device, jobs[0], tell[1]));
    }
    close(jobs[0]);
    close(tell[1]);
    w->to = jobs[1];
    w->from = tell[0];
    *out = w;
    return NAS_OK;
}

void worker_end(worker *w, double grace_s) {
    if (!w)
        return;
    close(w->to); /* an idle child sees the end of its jobs; a busy one is told */
    if (!w->dead)
        kill(w->pid, SIGTERM);
    double until = nas_clock() + grace_s;
    while (!w->dead && waitpid(w->pid, NULL, WNOHANG) == 0) {
        if (nas_clock() > until) {
            kill(w->pid, SIGKILL);
            waitpid(w->pid, NULL, 0);
            break;
        }
        poll(NULL, 0, 20);
    }
    close(w->from);
    nas_free(w);
}

nas_status worker_send(worker *w, const job *j) {
    const char *p = (const char *)j;
    for (size_t n = sizeof *j; n;) {
        ssize_t k = write(w->to, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return nas_fail(NAS_E_IO, "the worker does not listen: %s", strerror(errno));
        p += k;
        n -= (size_t)k;
    }
    return NAS_OK;
}

/* The child is gone: says how. */
static void obituary(news *out, worker *w) {
    int status = 0;
    w->dead = true;
    memset(out, 0, sizeof *out);
    out->kind = NEWS_DONE;
    out->status = NAS_E_DEVICE;
    waitpid(w->pid, &status, 0);
    if (WIFSIGNALED(status))
        snprintf(out->text, sizeof out->text, "the worker was ended by signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == 0) { /* it was asked to stop, and not by us */
        out->status = NAS_E_STOPPED;
        snprintf(out->text, sizeof out->text, "the worker was stopped");
    } else
        snprintf(out->text, sizeof out->text, "the worker ended with status %d",
                 WEXITSTATUS(status));
}

bool worker_news(news *out, worker *w, double timeout_s) {
    struct pollfd p = {.fd = w->from, .events = POLLIN};
    if (poll(&p, 1, (int)(timeout_s * 1e3)) <= 0)
        return false;
    size_t have = 0;
    while (have < sizeof *out) {
        ssize_t k = read(w->from, (char *)out + have, sizeof *out - have);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            obituary(out, w);
            return true;
        }
        have += (size_t)k;
    }
    return true;
}

bool worker_dead(const worker *w) {
    return w->dead;
}

int worker_fd(const worker *w) {
    return w->from;
}
