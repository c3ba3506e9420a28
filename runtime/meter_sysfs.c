/* runtime/meter_sysfs.c - energy by files of the kernel: RAPL, and hwmon of AMD and Intel cards. */
#include "meter.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *root(void) {
    const char *own = getenv("CLNAS_SYSFS");
    return own && own[0] ? own : "/sys";
}

/* The first line of a small file. */
static nas_status read_line(char *out, size_t cap, const char *path) {
    FILE *f = fopen(path, "r");
    if (!f)
        return nas_fail(NAS_E_IO, "%s: %s%s", path, strerror(errno),
                        errno == EACCES ? " (only root may read it)" : "");
    bool got = fgets(out, (int)cap, f) != NULL;
    int why = errno;
    fclose(f);
    if (!got)
        return nas_fail(NAS_E_IO, "%s: %s", path, why ? strerror(why) : "empty");
    out[strcspn(out, "\n")] = 0;
    return NAS_OK;
}

static nas_status read_number(double *out, const char *path) {
    char line[64];
    NAS_TRY(read_line(line, sizeof line, path));
    if (!nas_number_read(out, line) || *out < 0)
        return nas_fail(NAS_E_DATA, "%s: '%s' is no reading of a meter", path, line);
    return NAS_OK;
}

static nas_status read_files(double *values, const meter_reader *r) {
    for (uint32_t i = 0; i < r->n; i++) {
        NAS_TRY(read_number(&values[i], r->path[i]));
        values[i] *= r->si;
    }
    return NAS_OK;
}

static bool join(char out[METER_PATH], const char *folder, const char *name) {
    int n = snprintf(out, METER_PATH, "%s/%s", folder, name);
    return n > 0 && n < METER_PATH;
}

/* Calls take with every entry of a folder that begins with `prefix`; true when the folder is there.
 */
static bool each_entry(const char *folder, const char *prefix, void *ctx,
                       void (*take)(void *ctx, const char *path, const char *name)) {
    char path[METER_PATH];
    DIR *d = opendir(folder);
    if (!d)
        return false;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (!strncmp(e->d_name, prefix, strlen(prefix)) && join(path, folder, e->d_name))
            take(ctx, path, e->d_name);
    closedir(d);
    return true;
}

/* ---- RAPL: packages, and the memory beside them; cores are in the package already ---- */

static void take_zone(void *ctx, const char *path, const char *name) {
    meter_reader *r = ctx;
    char file[METER_PATH], what[64];
    bool zone = strchr(name, ':') != NULL, part = zone && strchr(name, ':') != strrchr(name, ':');
    if (!zone || r->n == METER_MOST_COUNTERS || !join(file, path, "name") ||
        read_line(what, sizeof what, file) != NAS_OK)
        return;
    if (strncmp(what, part ? "dram" : "package", part ? 4 : 7) != 0)
        return;
    if (!join(r->path[r->n], path, "energy_uj") || !join(file, path, "max_energy_range_uj"))
        return;
    double range = 0;
    if (read_number(&range, file) == NAS_OK)
        r->range[r->n] = range * 1e-6;
    r->n++;
}

nas_status meter_open_rapl(meter_reader *r, const nas_device_info *device) {
    char folder[METER_PATH];
    (void)device; /* every package: a CPU device may have cores of all */
    snprintf(folder, sizeof folder, "%s/class/powercap", root());
    if (!each_entry(folder, "intel-rapl:", r, take_zone) || r->n == 0)
        return nas_fail(NAS_E_NOT_FOUND, "%s has no RAPL packages", folder);
    snprintf(r->name, sizeof r->name, "rapl");
    r->si = 1e-6;
    r->read = read_files;
    return NAS_OK;
}

/* ---- hwmon of cards ---- */

typedef struct card_search {
    const char *vendor, *pci; /* "0x1002"; "": any address */
    const char *const *files; /* names of what to read, the best first; NULL ends them */
    char path[METER_PATH], file[32], folder[METER_PATH];
    uint32_t cards; /* of this vendor and address, with such a file */
} card_search;

static void take_hwmon(void *ctx, const char *path, const char *name) {
    card_search *s = ctx;
    char file[METER_PATH], line[64];
    (void)name;
    for (size_t i = 0; s->files[i]; i++)
        if (join(file, path, s->files[i]) && read_line(line, sizeof line, file) == NAS_OK) {
            memcpy(s->path, file, sizeof file);
            snprintf(s->file, sizeof s->file, "%s", s->files[i]);
            s->cards++;
            return;
        }
}

/* Whether `uevent` of a card has its address. */
static bool has_address(const char *device, const char *pci) {
    char path[METER_PATH], line[160];
    bool same = false;
    if (!pci[0])
        return true;
    FILE *f = join(path, device, "uevent") ? fopen(path, "r") : NULL;
    while (f && !same && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        same = !strncmp(line, "PCI_SLOT_NAME=", 14) && !strcmp(line + 14, pci);
    }
    if (f)
        fclose(f);
    return same;
}

static void take_card(void *ctx, const char *path, const char *name) {
    card_search *s = ctx;
    char device[METER_PATH], file[METER_PATH], vendor[32];
    if (strchr(name, '-') || !join(device, path, "device") || !join(file, device, "vendor"))
        return; /* card0-HDMI-A-1 is a connector */
    if (read_line(vendor, sizeof vendor, file) != NAS_OK || strcmp(vendor, s->vendor) != 0 ||
        !has_address(device, s->pci) || !join(file, device, "hwmon"))
        return;
    (void)each_entry(file, "hwmon", s, take_hwmon);
}

static nas_status open_hwmon(meter_reader *r, const nas_device_info *device, const char *vendor,
                             const char *const *files, const char *name) {
    card_search s = {.vendor = vendor, .pci = device->pci, .files = files};
    snprintf(s.folder, sizeof s.folder, "%s/class/drm", root());
    (void)each_entry(s.folder, "card", &s, take_card);
    if (s.cards == 0)
        return nas_fail(NAS_E_NOT_FOUND, "%s has no card of vendor %s%s%s with %s", s.folder,
                        vendor, s.pci[0] ? " at " : "", s.pci, files[0]);
    if (s.cards > 1)
        return nas_fail(NAS_E_NOT_FOUND,
                        "%s has %u such cards, and the driver does not say which one it is",
                        s.folder, (unsigned)s.cards);
    memcpy(r->path[0], s.path, sizeof s.path);
    snprintf(r->name, sizeof r->name, "%s", name);
    r->power = !strncmp(s.file, "power", 5);
    r->n = 1;
    r->si = 1e-6; /* microwatts, microjoules */
    r->read = read_files;
    return NAS_OK;
}

nas_status meter_open_amd_hwmon(meter_reader *r, const nas_device_info *device) {
    static const char *const files[] = {"energy1_input", "power1_average", "power1_input", NULL};
    return open_hwmon(r, device, "0x1002", files, "amd hwmon");
}

nas_status meter_open_intel_hwmon(meter_reader *r, const nas_device_info *device) {
    static const char *const files[] = {"energy1_input", "power1_input", NULL};
    return open_hwmon(r, device, "0x8086", files, "intel hwmon");
}
