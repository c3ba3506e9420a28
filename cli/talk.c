/* cli/talk.c - progress and numbers for people, and the stop flag of Ctrl-C. */
#include "cli.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The terminal is one for the whole program, so its state is too. */
static bool quiet;
static int live_width;

void talk_quiet(bool q) {
    quiet = q;
}

bool talk_is_terminal(void) {
    static int terminal = -1;
    if (terminal < 0) {
        const char *term = getenv("TERM");
        terminal = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
    }
    return terminal;
}

void talk_end(void) {
    if (live_width)
        fprintf(stderr, "\r%*s\r", live_width, "");
    live_width = 0;
    fflush(stderr);
}

void talk_line(const char *fmt, ...) {
    if (quiet)
        return;
    talk_end();
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

void talk_log(void *ctx, nas_log_level level, const char *line) {
    (void)ctx;
    if (level >= NAS_LOG_INFO) { /* talk, which --quiet keeps back */
        talk_line("%s", line);
        return;
    }
    talk_end();
    fprintf(stderr, "clnas: %s: %s\n", level == NAS_LOG_WARN ? "warning" : "error", line);
}

void talk_live(const char *fmt, ...) {
    if (quiet || !talk_is_terminal())
        return;
    char line[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    int width = (int)strlen(line);
    fprintf(stderr, "\r%s%*s", line, width < live_width ? live_width - width : 0, "");
    fflush(stderr);
    live_width = width > live_width ? width : live_width;
}

const char *talk_count(char buf[TALK_TEXT], double v) {
    char digits[TALK_TEXT];
    int n = snprintf(digits, sizeof digits, "%.0f", fabs(v)), o = 0;
    if (v < 0)
        buf[o++] = '-';
    for (int i = 0; i < n && o < TALK_TEXT - 2; i++) {
        if (i && (n - i) % 3 == 0)
            buf[o++] = ',';
        buf[o++] = digits[i];
    }
    buf[o] = 0;
    return buf;
}

const char *talk_time(char buf[TALK_TEXT], double s) {
    if (!(s >= 0) || s > 1e7)
        snprintf(buf, TALK_TEXT, "-:--");
    else if (s >= 3600)
        snprintf(buf, TALK_TEXT, "%d:%02d:%02d", (int)s / 3600, (int)s / 60 % 60, (int)s % 60);
    else
        snprintf(buf, TALK_TEXT, "%d:%02d", (int)s / 60, (int)s % 60);
    return buf;
}

const char *talk_seconds(char buf[TALK_TEXT], double s) {
    if (s < 1e-3)
        snprintf(buf, TALK_TEXT, "%.3g us", s * 1e6);
    else if (s < 1)
        snprintf(buf, TALK_TEXT, "%.3g ms", s * 1e3);
    else
        snprintf(buf, TALK_TEXT, "%.3g s", s);
    return buf;
}

const char *talk_bytes(char buf[TALK_TEXT], double b) {
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;
    while (b >= 1024 && u < 4) {
        b /= 1024;
        u++;
    }
    snprintf(buf, TALK_TEXT, u && b < 100 ? "%.1f %s" : "%.0f %s", b, unit[u]);
    return buf;
}

const char *talk_loss(char buf[TALK_TEXT], double v) {
    snprintf(buf, TALK_TEXT, fabs(v) < 1e4 ? "%.4f" : "%.4g", v);
    return buf;
}

const char *talk_measure(char buf[TALK_TEXT], const nas_measure *m, double v) {
    if (!isfinite(v))
        snprintf(buf, TALK_TEXT, "-");
    else if (strcmp(m->quantity, "error") == 0)
        snprintf(buf, TALK_TEXT, "%.2f %%", 100 * v);
    else if (strcmp(m->unit, "s") == 0)
        talk_seconds(buf, v);
    else if (strcmp(m->unit, "B") == 0)
        talk_bytes(buf, v);
    else if (strcmp(m->unit, "J") == 0)
        snprintf(buf, TALK_TEXT, v < 1e-3 ? "%.3g uJ" : "%.3g mJ", v < 1e-3 ? v * 1e6 : v * 1e3);
    else if (fabs(v) >= 1000)
        talk_count(buf, v);
    else
        snprintf(buf, TALK_TEXT, "%.4g", v);
    return buf;
}

static volatile sig_atomic_t stop_asked;
static volatile int stop_flag;

static void on_signal(int sig) {
    stop_flag = 1;
    if (stop_asked) {
        signal(sig, SIG_DFL);
        raise(sig);
    }
    stop_asked = 1;
}

const volatile int *cli_stop(void) {
    return &stop_flag;
}

void cli_catch_signals(void) {
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
}
