/* runtime/meter.c - finds the meter of a device and counts with it: a thread reads it meanwhile. */
#include "meter.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { READ_EVERY_MS = 20 };

struct nas_meter {
    meter_reader reader;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running, stop;
    double start, at, joules, last[METER_MOST_COUNTERS];
    nas_status failed;
    char why[256];
};

/* ---- which one ---- */

typedef struct kind {
    const char *type, *vendor; /* vendor: a part of its name, letter case ignored; "" any */
    meter_open_fn open[4];
} kind;

static const kind kinds[] = {
    {"gpu", "nvidia", {meter_open_nvml}},
    {"gpu", "advanced micro", {meter_open_rocm, meter_open_amd_hwmon}},
    {"gpu", "amd", {meter_open_rocm, meter_open_amd_hwmon}},
    {"gpu", "intel", {meter_open_intel_hwmon, meter_open_level_zero, meter_open_rapl}},
    {"cpu", "", {meter_open_rapl}},
};

static bool has_part(const char *text, const char *part) {
    size_t n = strlen(part);
    for (; strlen(text) >= n; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return false;
}

static const kind *kind_of(const nas_device_info *d) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(d->type, kinds[i].type) && has_part(d->vendor, kinds[i].vendor))
            return &kinds[i];
    return NULL;
}

static nas_status open_first(meter_reader *r, const nas_device_info *d) {
    const kind *k = kind_of(d);
    nas_text why = {0};
    double values[METER_MOST_COUNTERS];
    for (size_t i = 0; k && i < sizeof k->open / sizeof *k->open && k->open[i]; i++) {
        memset(r, 0, sizeof *r);
        nas_status st = k->open[i](r, d);
        if (st == NAS_OK)
            st = r->read(values, r);
        if (st == NAS_OK)
            break;
        nas_text_add(&why, "%s%s", why.n ? "; " : "", nas_error_text());
        if (r->close)
            r->close(r);
        r->read = NULL;
    }
    nas_status st = NAS_OK;
    if (!k)
        st = nas_fail(NAS_E_UNSUPPORTED, "no meter is known for a %s of %s", d->type, d->vendor);
    else if (!r->read)
        st = nas_fail(NAS_E_UNSUPPORTED, "energy of %s cannot be measured: %s", d->name,
                      nas_text_str(&why));
    nas_text_free(&why);
    return st;
}

nas_status nas_meter_open(nas_meter **out, const nas_device_info *device) {
    nas_meter *m = nas_calloc(1, sizeof *m);
    if (!m)
        return nas_fail_memory(sizeof *m);
    nas_status st = open_first(&m->reader, device);
    if (st != NAS_OK) {
        nas_free(m);
        return st;
    }
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->wake, &attr);
    pthread_condattr_destroy(&attr);
    *out = m;
    return NAS_OK;
}

void nas_meter_free(nas_meter *m) {
    if (!m)
        return;
    double joules, seconds;
    if (m->running && nas_meter_stop(&joules, &seconds, m) != NAS_OK)
        nas_log(NAS_LOG_DEBUG, "meter: %s", nas_error_text());
    if (m->reader.close)
        m->reader.close(&m->reader);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
    nas_free(m);
}

const char *nas_meter_source(const nas_meter *m) {
    return m->reader.name;
}

/* ---- counting ---- */

/* What a counter counted from `from` to `to`. */
static nas_status counted(double *out, const meter_reader *r, uint32_t i, double from, double to) {
    *out = to - from;
    if (to < from && r->range[i] > 0)
        *out += r->range[i];
    if (*out < 0)
        return nas_fail(NAS_E_DATA, "%s: the counter went back from %.6g J to %.6g J", r->name,
                        from, to);
    return NAS_OK;
}

static nas_status take(nas_meter *m) {
    const meter_reader *r = &m->reader;
    double values[METER_MOST_COUNTERS], now;
    NAS_TRY(r->read(values, r));
    now = nas_clock();
    for (uint32_t i = 0; i < r->n; i++) {
        double more = (now - m->at) * (values[i] + m->last[i]) / 2; /* power */
        if (!r->power)
            NAS_TRY(counted(&more, r, i, m->last[i], values[i]));
        m->joules += more;
        m->last[i] = values[i];
    }
    m->at = now;
    return NAS_OK;
}

static void *loop(void *arg) {
    nas_meter *m = arg;
    pthread_mutex_lock(&m->lock);
    while (!m->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += READ_EVERY_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&m->wake, &m->lock, &until);
        if (!m->stop && m->failed == NAS_OK && (m->failed = take(m)) != NAS_OK)
            snprintf(m->why, sizeof m->why, "%s", nas_error_text());
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

nas_status nas_meter_start(nas_meter *m) {
    if (m->running)
        return nas_fail(NAS_E_ARG, "the meter is running");
    NAS_TRY(m->reader.read(m->last, &m->reader));
    m->start = m->at = nas_clock();
    m->joules = 0;
    m->failed = NAS_OK;
    m->stop = false;
    if (pthread_create(&m->thread, NULL, loop, m) != 0)
        return nas_fail(NAS_E_MEMORY, "no thread for the meter");
    m->running = true;
    return NAS_OK;
}

nas_status nas_meter_stop(double *joules, double *seconds, nas_meter *m) {
    if (!m->running)
        return nas_fail(NAS_E_ARG, "the meter is not running");
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    m->running = false;
    if (m->failed == NAS_OK)
        NAS_TRY(take(m)); /* what came after its last reading */
    if (m->failed != NAS_OK)
        return nas_fail(m->failed, "%s", m->why);
    *joules = m->joules;
    *seconds = m->at - m->start;
    return NAS_OK;
}

/* ---- libraries ---- */

nas_status meter_library(void **out, const char *variable, const char *const *names) {
    const char *own = getenv(variable);
    if (own && own[0]) {
        *out = dlopen(own, RTLD_NOW | RTLD_LOCAL);
        return *out ? NAS_OK : nas_fail(NAS_E_NOT_FOUND, "%s: %s", variable, dlerror());
    }
    for (size_t i = 0; names[i]; i++)
        if ((*out = dlopen(names[i], RTLD_NOW | RTLD_LOCAL)) != NULL)
            return NAS_OK;
    return nas_fail(NAS_E_NOT_FOUND, "%s is not installed", names[0]);
}

meter_fn meter_symbol(void *library, const char *name) {
    meter_fn f = NULL;
    void *p = dlsym(library, name); /* POSIX: a pointer to data holds one to a function */
    memcpy(&f, &p, sizeof f);
    return f;
}
