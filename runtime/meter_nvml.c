/* runtime/meter_nvml.c - energy of NVIDIA cards by NVML. The declarations are those of nvml.h, as
 * far as they are used. */
#include "meter.h"

#include <dlfcn.h>

typedef struct nvml_device *nvml_handle;
typedef int (*init_fn)(void); /* nvmlReturn_t: 0 is success */
typedef int (*by_bus_fn)(const char *pci, nvml_handle *out);
typedef int (*by_index_fn)(unsigned index, nvml_handle *out);
typedef int (*count_fn)(unsigned *out);
typedef int (*energy_fn)(nvml_handle d, unsigned long long *millijoules);
typedef int (*power_fn)(nvml_handle d, unsigned *milliwatts);

static nas_status read_energy(double *values, const meter_reader *r) {
    unsigned long long mj = 0;
    int err = ((energy_fn)r->call)(r->handle, &mj);
    values[0] = (double)mj * 1e-3;
    return err == 0 ? NAS_OK
                    : nas_fail(NAS_E_DATA, "nvmlDeviceGetTotalEnergyConsumption: error %d", err);
}

static nas_status read_power(double *values, const meter_reader *r) {
    unsigned mw = 0;
    int err = ((power_fn)r->call)(r->handle, &mw);
    values[0] = mw * 1e-3;
    return err == 0 ? NAS_OK : nas_fail(NAS_E_DATA, "nvmlDeviceGetPowerUsage: error %d", err);
}

static void close_nvml(meter_reader *r) {
    init_fn shut = (init_fn)meter_symbol(r->library, "nvmlShutdown");
    if (shut)
        (void)shut();
    dlclose(r->library);
}

/* By the address on the bus; without one, the only card. */
static nas_status find(nvml_handle *out, void *library, const char *pci) {
    by_bus_fn by_bus = (by_bus_fn)meter_symbol(library, "nvmlDeviceGetHandleByPciBusId_v2");
    by_index_fn by_index = (by_index_fn)meter_symbol(library, "nvmlDeviceGetHandleByIndex_v2");
    count_fn count = (count_fn)meter_symbol(library, "nvmlDeviceGetCount_v2");
    unsigned n = 0;
    if (pci[0] && by_bus && by_bus(pci, out) == 0)
        return NAS_OK;
    if (pci[0])
        return nas_fail(NAS_E_NOT_FOUND, "NVML knows no card at %s", pci);
    if (count && by_index && count(&n) == 0 && n == 1 && by_index(0, out) == 0)
        return NAS_OK;
    return nas_fail(NAS_E_NOT_FOUND,
                    "NVML has %u cards, and the driver does not say which one it is", n);
}

nas_status meter_open_nvml(meter_reader *r, const nas_device_info *device) {
    static const char *const names[] = {"libnvidia-ml.so.1", "libnvidia-ml.so", NULL};
    nvml_handle handle = NULL;
    unsigned long long mj;
    unsigned mw;
    NAS_TRY(meter_library(&r->library, "CLNAS_NVML", names));
    init_fn init = (init_fn)meter_symbol(r->library, "nvmlInit_v2");
    int err = init ? init() : -1;
    if (err != 0) {
        dlclose(r->library);
        return nas_fail(NAS_E_NOT_FOUND, "nvmlInit_v2: error %d", err);
    }
    r->close = close_nvml;
    NAS_TRY(find(&handle, r->library, device->pci));
    r->handle = handle;
    snprintf(r->name, sizeof r->name, "nvml");
    r->n = 1;
    energy_fn energy = (energy_fn)meter_symbol(r->library, "nvmlDeviceGetTotalEnergyConsumption");
    power_fn power = (power_fn)meter_symbol(r->library, "nvmlDeviceGetPowerUsage");
    if (energy && energy(handle, &mj) == 0) {
        r->call = (meter_fn)energy;
        r->read = read_energy;
        return NAS_OK;
    }
    if (power && power(handle, &mw) == 0) { /* before Volta */
        r->call = (meter_fn)power;
        r->read = read_power;
        r->power = true;
        return NAS_OK;
    }
    return nas_fail(NAS_E_UNSUPPORTED, "NVML gives neither energy nor power of this card");
}
