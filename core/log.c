/* core/log.c - log lines and the monotonic clock. */
#include <nas/core.h>

#include <time.h>

/* Set before threads start and only read afterwards, as core.h asks. */
static struct {
    nas_log_level level;
    void (*sink)(void *ctx, nas_log_level level, const char *line);
    void *ctx;
} logging = {.level = NAS_LOG_WARN};

void nas_log_set(nas_log_level level,
                 void (*sink)(void *ctx, nas_log_level level, const char *line), void *ctx) {
    logging.level = level;
    logging.sink = sink;
    logging.ctx = ctx;
}

static void to_stderr(nas_log_level level, const char *line) {
    static const char *const prefix[] = {[NAS_LOG_ERROR] = "error: ",
                                         [NAS_LOG_WARN] = "warning: ",
                                         [NAS_LOG_INFO] = "",
                                         [NAS_LOG_DEBUG] = "debug: "};
    fprintf(stderr, "clnas: %s%s\n", prefix[level], line);
}

void nas_log(nas_log_level level, const char *fmt, ...) {
    if (level > logging.level)
        return;
    char line[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (logging.sink != NULL)
        logging.sink(logging.ctx, level, line);
    else
        to_stderr(level, line);
}

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double nas_clock(void) {
    return seconds_of(CLOCK_MONOTONIC);
}

double nas_time(void) {
    return seconds_of(CLOCK_REALTIME);
}
