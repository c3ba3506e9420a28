/* tests/fakes/nvml.c - an NVML with one card, which draws 200 W. CLNAS_FAKE=power: it has no
 * counter of energy, as cards before Volta; lost: it fails to be read; two: a second card. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *n);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out);
int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, void **out);
int nvmlDeviceGetTotalEnergyConsumption(void *d, unsigned long long *mj);
int nvmlDeviceGetPowerUsage(void *d, unsigned *mw);

static int card;

static int mode_is(const char *mode) {
    const char *is = getenv("CLNAS_FAKE");
    return is && !strcmp(is, mode);
}

int nvmlInit_v2(void) {
    return 0;
}

int nvmlShutdown(void) {
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *n) {
    *n = mode_is("two") ? 2 : 1;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out) {
    *out = &card;
    return index == 0 ? 0 : 2;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, void **out) {
    *out = &card;
    return strcmp(pci, "0000:65:00.0") == 0 ? 0 : 6;
}

int nvmlDeviceGetTotalEnergyConsumption(void *d, unsigned long long *mj) {
    struct timespec t;
    if (d != &card || mode_is("power"))
        return 3;
    if (mode_is("lost"))
        return 15;
    clock_gettime(CLOCK_MONOTONIC, &t);
    *mj = (unsigned long long)(((double)t.tv_sec + (double)t.tv_nsec * 1e-9) * 200e3);
    return 0;
}

int nvmlDeviceGetPowerUsage(void *d, unsigned *mw) {
    if (d != &card || mode_is("lost"))
        return 15;
    *mw = 200000;
    return 0;
}
