/* tests/fakes/rocm_smi.c - a rocm_smi with two cards; the second, at 0000:03:00.0, draws 150 W. */
#include <stdint.h>
#include <time.h>

int rsmi_init(uint64_t flags);
int rsmi_shut_down(void);
int rsmi_num_monitor_devices(uint32_t *n);
int rsmi_dev_pci_id_get(uint32_t device, uint64_t *address);
int rsmi_dev_energy_count_get(uint32_t device, uint64_t *count, float *microjoules, uint64_t *when);

int rsmi_init(uint64_t flags) {
    return flags == 0 ? 0 : 1;
}

int rsmi_shut_down(void) {
    return 0;
}

int rsmi_num_monitor_devices(uint32_t *n) {
    *n = 2;
    return 0;
}

int rsmi_dev_pci_id_get(uint32_t device, uint64_t *address) {
    *address = device == 1 ? 0x300 : 0x4300;
    return 0;
}

int rsmi_dev_energy_count_get(uint32_t device, uint64_t *count, float *microjoules,
                              uint64_t *when) {
    struct timespec t;
    if (device != 1)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &t);
    *when = 0;
    *microjoules = 15.3f;
    *count = (uint64_t)(((double)t.tv_sec + (double)t.tv_nsec * 1e-9) * 150e6 / 15.3);
    return 0;
}
