/* runtime/meter_level_zero.c - energy of Intel cards by Level Zero's Sysman. The declarations are
 * those of zes_api.h, as far as they are used. */
#include "meter.h"

#include <dlfcn.h>
#include <string.h>

enum { MOST = 16, PCI_PROPERTIES = 0x2 }; /* ZES_STRUCTURE_TYPE_PCI_PROPERTIES */

typedef struct pci_properties { /* zes_pci_properties_t up to what is read, and room for the rest */
    uint32_t stype;
    void *next;
    uint32_t domain, bus, device, function;
    uint64_t rest[16];
} pci_properties;
typedef struct energy_counter { /* zes_power_energy_counter_t */
    uint64_t microjoules, microseconds;
} energy_counter;

typedef int (*init_fn)(uint32_t flags); /* ze_result_t: 0 is success */
typedef int (*list_fn)(uint32_t *n, void **out);
typedef int (*list_of_fn)(void *of, uint32_t *n, void **out);
typedef int (*pci_fn)(void *device, pci_properties *out);
typedef int (*energy_fn)(void *domain, energy_counter *out);

static nas_status read_energy(double *values, const meter_reader *r) {
    energy_counter c = {0};
    int err = ((energy_fn)r->call)(r->handle, &c);
    values[0] = (double)c.microjoules * 1e-6;
    return err == 0 ? NAS_OK : nas_fail(NAS_E_DATA, "zesPowerGetEnergyCounter: error %d", err);
}

static void close_library(meter_reader *r) {
    dlclose(r->library);
}

static bool at_address(void *library, void *device, const char *pci) {
    pci_fn get = (pci_fn)meter_symbol(library, "zesDevicePciGetProperties");
    pci_properties p = {.stype = PCI_PROPERTIES};
    char text[32];
    if (!get || get(device, &p) != 0)
        return false;
    snprintf(text, sizeof text, "%04x:%02x:%02x.%x", p.domain & 0xffff, p.bus & 0xff,
             p.device & 0xff, p.function & 0xf);
    return !strcmp(text, pci);
}

/* The card at the address; without one, the only card. */
static nas_status find(void **out, void *library, const char *pci) {
    list_fn drivers = (list_fn)meter_symbol(library, "zesDriverGet");
    list_of_fn devices = (list_of_fn)meter_symbol(library, "zesDeviceGet");
    void *driver[MOST], *device[MOST];
    uint32_t n = MOST, cards = 0;
    if (!drivers || !devices || drivers(&n, driver) != 0)
        return nas_fail(NAS_E_NOT_FOUND, "Level Zero lists no drivers");
    for (uint32_t i = 0; i < n && i < MOST; i++) {
        uint32_t m = MOST;
        if (devices(driver[i], &m, device) != 0)
            continue;
        for (uint32_t k = 0; k < m && k < MOST; k++)
            if (!pci[0] || at_address(library, device[k], pci)) {
                *out = device[k];
                cards++;
            }
    }
    return cards == 1
               ? NAS_OK
               : nas_fail(NAS_E_NOT_FOUND, "Level Zero has %u cards at '%s'", (unsigned)cards, pci);
}

nas_status meter_open_level_zero(meter_reader *r, const nas_device_info *device) {
    static const char *const names[] = {"libze_loader.so.1", NULL};
    void *card = NULL, *domain[MOST];
    uint32_t n = MOST;
    NAS_TRY(meter_library(&r->library, "CLNAS_LEVEL_ZERO", names));
    r->close = close_library;
    init_fn init = (init_fn)meter_symbol(r->library, "zesInit");
    list_of_fn domains = (list_of_fn)meter_symbol(r->library, "zesDeviceEnumPowerDomains");
    r->call = meter_symbol(r->library, "zesPowerGetEnergyCounter");
    int err = init && domains && r->call ? init(0) : -1;
    if (err != 0)
        return nas_fail(NAS_E_NOT_FOUND, "zesInit: error %d", err);
    NAS_TRY(find(&card, r->library, device->pci));
    err = domains(card, &n, domain);
    if (err != 0 || n == 0)
        return nas_fail(NAS_E_UNSUPPORTED, "the card has no power domain: error %d", err);
    snprintf(r->name, sizeof r->name, "level_zero");
    r->handle = domain[0]; /* the first is that of the whole card */
    r->n = 1;
    r->read = read_energy;
    return NAS_OK;
}
