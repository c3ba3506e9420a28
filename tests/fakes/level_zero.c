/* tests/fakes/level_zero.c - a Level Zero with one card at 0000:4d:00.0, which draws 120 W. */
#include <stdint.h>
#include <time.h>

int zesInit(uint32_t flags);
int zesDriverGet(uint32_t *n, void **out);
int zesDeviceGet(void *driver, uint32_t *n, void **out);
int zesDevicePciGetProperties(void *device, void *out);
int zesDeviceEnumPowerDomains(void *device, uint32_t *n, void **out);
int zesPowerGetEnergyCounter(void *domain, void *out);

static int driver_, card, power;

static int one(uint32_t *n, void **out, void *what) {
    *n = 1;
    out[0] = what;
    return 0;
}

int zesInit(uint32_t flags) {
    return flags == 0 ? 0 : 1;
}

int zesDriverGet(uint32_t *n, void **out) {
    return one(n, out, &driver_);
}

int zesDeviceGet(void *driver, uint32_t *n, void **out) {
    return driver == &driver_ ? one(n, out, &card) : 1;
}

int zesDevicePciGetProperties(void *device, void *out) {
    struct head {
        uint32_t stype;
        void *next;
        uint32_t domain, bus, device, function;
    } *p = out;
    p->domain = 0;
    p->bus = 0x4d;
    p->device = 0;
    p->function = 0;
    return device == &card && p->stype == 2 ? 0 : 1;
}

int zesDeviceEnumPowerDomains(void *device, uint32_t *n, void **out) {
    return device == &card ? one(n, out, &power) : 1;
}

int zesPowerGetEnergyCounter(void *domain, void *out) {
    struct counter {
        uint64_t microjoules, microseconds;
    } *c = out;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    c->microseconds = 0;
    c->microjoules = (uint64_t)(((double)t.tv_sec + (double)t.tv_nsec * 1e-9) * 120e6);
    return domain == &power ? 0 : 1;
}
