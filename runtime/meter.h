/* runtime/meter.h - sources of measured energy, between the meter and the files that read them. */
#ifndef NAS_RUNTIME_METER_H
#define NAS_RUNTIME_METER_H

#include <nas/energy.h>

enum { METER_MOST_COUNTERS = 32, METER_PATH = 400 };

/* A source that was opened: numbers that count up, or watts. */
typedef struct meter_reader {
    char name[32];
    bool power;                        /* read gives watts; else joules of each counter */
    uint32_t n;                        /* counters; 1 for power */
    double range[METER_MOST_COUNTERS]; /* joules at which a counter begins anew; 0: it does not */
    char path[METER_MOST_COUNTERS][METER_PATH]; /* of files */
    double si;                                  /* of what stands in the files */
    void *library, *handle;                     /* of libraries */
    uint32_t card;                              /* where they count them */
    void (*call)(void);                         /* whatever the source calls */
    nas_status (*read)(double *values, const struct meter_reader *r);
    void (*close)(struct meter_reader *r);
} meter_reader;

typedef nas_status (*meter_open_fn)(meter_reader *r, const nas_device_info *device);
nas_status meter_open_nvml(meter_reader *r, const nas_device_info *device);
nas_status meter_open_rocm(meter_reader *r, const nas_device_info *device);
nas_status meter_open_level_zero(meter_reader *r, const nas_device_info *device);
nas_status meter_open_amd_hwmon(meter_reader *r, const nas_device_info *device);
nas_status meter_open_intel_hwmon(meter_reader *r, const nas_device_info *device);
nas_status meter_open_rapl(meter_reader *r, const nas_device_info *device);

/* dlopen of the file that the environment variable names, or of the first of `names` (NULL ends
 * them) that is there. */
nas_status meter_library(void **out, const char *variable, const char *const *names);
/* The function of a library; NULL: it has none. */
typedef void (*meter_fn)(void);
meter_fn meter_symbol(void *library, const char *name);

#endif
