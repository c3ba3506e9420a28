/* runtime/meter_rocm.c - energy of AMD cards by rocm_smi. The declarations are those of rocm_smi.h,
 * as far as they are used. */
#include "meter.h"

#include <dlfcn.h>
#include <stdlib.h>

typedef int (*init_fn)(uint64_t flags); /* rsmi_status_t: 0 is success */
typedef int (*shut_fn)(void);
typedef int (*count_fn)(uint32_t *n);
typedef int (*pci_fn)(uint32_t device, uint64_t *address);
typedef int (*energy_fn)(uint32_t device, uint64_t *count, float *microjoules, uint64_t *time);

static nas_status read_energy(double *values, const meter_reader *r) {
    uint64_t count = 0, time = 0;
    float microjoules = 0;
    int err = ((energy_fn)r->call)(r->card, &count, &microjoules, &time);
    values[0] = (double)count * microjoules * 1e-6;
    return err == 0 ? NAS_OK : nas_fail(NAS_E_DATA, "rsmi_dev_energy_count_get: error %d", err);
}

static void close_rocm(meter_reader *r) {
    shut_fn shut = (shut_fn)meter_symbol(r->library, "rsmi_shut_down");
    if (shut)
        (void)shut();
    dlclose(r->library);
}

/* domain << 32 | bus << 8 | device << 3 | function, as rocm_smi counts */
static uint64_t address_of(const char *pci) {
    static const char after[] = "::.";
    uint64_t part[sizeof after]; /* domain, bus, device, function */
    for (size_t i = 0; i < sizeof after; i++) {
        char *end;
        part[i] = strtoul(pci, &end, 16);
        if (end == pci || *end != after[i])
            return UINT64_MAX;
        pci = end + 1;
    }
    return part[0] << 32 | (part[1] & 0xff) << 8 | (part[2] & 0x1f) << 3 | (part[3] & 7);
}

static nas_status find(uint32_t *out, void *library, const char *pci) {
    count_fn count = (count_fn)meter_symbol(library, "rsmi_num_monitor_devices");
    pci_fn get = (pci_fn)meter_symbol(library, "rsmi_dev_pci_id_get");
    uint32_t n = 0;
    if (!count || !get || count(&n) != 0)
        return nas_fail(NAS_E_NOT_FOUND, "rocm_smi does not count its cards");
    if (!pci[0] && n == 1) {
        *out = 0;
        return NAS_OK;
    }
    for (uint32_t i = 0; i < n && pci[0]; i++) {
        uint64_t address = 0;
        if (get(i, &address) == 0 && address == address_of(pci)) {
            *out = i;
            return NAS_OK;
        }
    }
    return nas_fail(NAS_E_NOT_FOUND, "rocm_smi has %u cards, none at '%s'", (unsigned)n, pci);
}

nas_status meter_open_rocm(meter_reader *r, const nas_device_info *device) {
    static const char *const names[] = {"librocm_smi64.so", "librocm_smi64.so.7",
                                        "librocm_smi64.so.6", "librocm_smi64.so.5", NULL};
    NAS_TRY(meter_library(&r->library, "CLNAS_ROCM_SMI", names));
    init_fn init = (init_fn)meter_symbol(r->library, "rsmi_init");
    int err = init ? init(0) : -1;
    if (err != 0) {
        dlclose(r->library);
        return nas_fail(NAS_E_NOT_FOUND, "rsmi_init: error %d", err);
    }
    r->close = close_rocm;
    NAS_TRY(find(&r->card, r->library, device->pci));
    r->call = meter_symbol(r->library, "rsmi_dev_energy_count_get");
    if (!r->call)
        return nas_fail(NAS_E_UNSUPPORTED, "this rocm_smi has no counter of energy");
    snprintf(r->name, sizeof r->name, "rocm_smi");
    r->n = 1;
    r->read = read_energy;
    return NAS_OK;
}
