/* hwmodels/device_file.c - reads and checks a device file (docs/device-files.md). */
#include "device.h"

#include <stddef.h>
#include <string.h>

/* A number of a device file: {value: 48, source: "…"} under a key that ends in its unit. */
typedef struct number {
    const char *key, *unit;
    size_t offset; /* in nas_hw */
    double si;     /* factor to SI units */
    double min, max;
    bool required;
} number;

#define INFO(member) offsetof(nas_hw, info.member)
static const number numbers[] = {
    {"peak_gflops", "GFLOP/s", INFO(peak_flops), 1e9, 0.01, 1e6, true},
    {"bandwidth_gb_s", "GB/s", INFO(bandwidth), 1e9, 0.01, 1e5, true},
    {"cache_mib", "MiB", INFO(cache_bytes), 1048576, 0.01, 4096, true},
    {"cache_bandwidth_gb_s", "GB/s", INFO(cache_bandwidth), 1e9, 0.01, 1e6, true},
    {"launch_us", "us", INFO(launch_s), 1e-6, 0, 1e5, true},
    {"memory_gib", "GiB", INFO(memory_bytes), 1073741824, 0.001, 1e5, false},
    {"idle_w", "W", INFO(idle_w), 1, 0, 1e4, false},
    {"max_w", "W", INFO(max_w), 1, 0.001, 1e4, false},
    {"flop_pj", "pJ", offsetof(nas_hw, flop_j), 1e-12, 0.001, 1e6, false},
    {"byte_pj", "pJ", offsetof(nas_hw, byte_j), 1e-12, 0.001, 1e6, false},
    {"units_count", "units", offsetof(nas_hw, units), 1, 1, 1e5, true},
    {"lanes_count", "lanes", offsetof(nas_hw, lanes), 1, 1, 1024, true},
    {"tile_rows_count", "rows", offsetof(nas_hw, tile_rows), 1, 1, 4096, true},
    {"tile_columns_count", "columns", offsetof(nas_hw, tile_columns), 1, 1, 4096, true},
};
#undef INFO
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static const char *const text_keys[] = {"name", "title", "kind", "source", "efficiency"};
enum { N_TEXTS = sizeof text_keys / sizeof *text_keys };

static const char *const class_names[NAS_KERNEL_CLASS_COUNT] = {
#define X(symbol, name) [NAS_KERNEL_##symbol] = #name,
    NAS_KERNEL_CLASS_MAP(X)
#undef X
};

/* What a class reaches where a file does not say: common shares, from published measurements of
 * portable kernels (products) and of streaming ones (bandwidth). Documented in device-files.md. */
static const nas_efficiency priors[NAS_KERNEL_CLASS_COUNT] = {
    [NAS_KERNEL_ELEMENTWISE] = {0.10, 0.80}, [NAS_KERNEL_GEMM] = {0.55, 0.75},
    [NAS_KERNEL_CONV] = {0.35, 0.75},        [NAS_KERNEL_CONV1X1] = {0.45, 0.75},
    [NAS_KERNEL_DEPTHWISE] = {0.10, 0.75},   [NAS_KERNEL_POOL] = {0.10, 0.75},
    [NAS_KERNEL_NORM] = {0.10, 0.60},        [NAS_KERNEL_ATTENTION] = {0.20, 0.60},
};

static nas_status known_keys(const nas_yaml_node *root) {
    const char *keys[N_NUMBERS + N_TEXTS];
    for (size_t i = 0; i < N_TEXTS; i++)
        keys[i] = text_keys[i];
    for (size_t i = 0; i < N_NUMBERS; i++)
        keys[N_TEXTS + i] = numbers[i].key;
    return nas_yaml_only(root, keys, N_NUMBERS + N_TEXTS);
}

static nas_status read_text(const char **out, const nas_yaml_node *map, const char *key) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    if (!n)
        return nas_yaml_fail(map, "'%s' is missing", key);
    NAS_TRY(nas_yaml_string(out, n));
    if (!**out)
        return nas_yaml_fail(n, "'%s' is empty", key);
    return NAS_OK;
}

static nas_status read_number(nas_hw *h, const nas_yaml_node *root, const number *k) {
    static const char *const keys[] = {"value", "source"};
    const nas_yaml_node *map = nas_yaml_get(root, k->key);
    const char *source = NULL;
    double v = 0;
    if (!map && k->required)
        return nas_yaml_fail(root, "'%s' (%s) is missing", k->key, k->unit);
    if (!map)
        return NAS_OK;
    if (nas_yaml_kind_of(map) != NAS_YAML_MAP)
        return nas_yaml_fail(map, "'%s' is to be {value: NUMBER in %s, source: TEXT}", k->key,
                             k->unit);
    NAS_TRY(nas_yaml_only(map, keys, 2));
    const nas_yaml_node *value = nas_yaml_get(map, "value");
    if (!value)
        return nas_yaml_fail(map, "'%s' has no value in %s", k->key, k->unit);
    NAS_TRY(read_text(&source, map, "source"));
    NAS_TRY(nas_yaml_double(&v, value, -1e300, 1e300));
    if (v < k->min || v > k->max)
        return nas_yaml_fail(value, "%s: %g %s is outside %g ... %g %s", k->key, v, k->unit, k->min,
                             k->max, k->unit);
    memcpy((char *)h + k->offset, &(double){v * k->si}, sizeof(double));
    return NAS_OK;
}

static nas_status read_share(double *out, const nas_yaml_node *class, const char *key) {
    const nas_yaml_node *n = nas_yaml_get(class, key);
    double v = 0;
    if (!n)
        return NAS_OK;
    NAS_TRY(nas_yaml_double(&v, n, -1e300, 1e300));
    if (v < 0.001 || v > 1)
        return nas_yaml_fail(n, "%s: %g is outside 0.001 ... 1, a share of the peak", key, v);
    *out = v;
    return NAS_OK;
}

static nas_status read_efficiency(nas_hw *h, const nas_yaml_node *root) {
    static const char *const shares[] = {"compute", "bandwidth"};
    const char *keys[NAS_KERNEL_CLASS_COUNT + 1], *source = NULL;
    const nas_yaml_node *map = nas_yaml_get(root, "efficiency");
    memcpy(h->efficiency, priors, sizeof priors);
    if (!map)
        return NAS_OK;
    for (int k = 0; k < NAS_KERNEL_CLASS_COUNT; k++)
        keys[k] = class_names[k];
    keys[NAS_KERNEL_CLASS_COUNT] = "source";
    NAS_TRY(nas_yaml_only(map, keys, NAS_KERNEL_CLASS_COUNT + 1));
    NAS_TRY(read_text(&source, map, "source"));
    for (int k = 0; k < NAS_KERNEL_CLASS_COUNT; k++) {
        const nas_yaml_node *class = nas_yaml_get(map, class_names[k]);
        if (!class)
            continue;
        NAS_TRY(nas_yaml_only(class, shares, 2));
        NAS_TRY(read_share(&h->efficiency[k].compute, class, "compute"));
        NAS_TRY(read_share(&h->efficiency[k].bandwidth, class, "bandwidth"));
    }
    return NAS_OK;
}

/* What single ranges cannot see. */
static nas_status check_together(const nas_hw *h, const nas_yaml_node *root) {
    const nas_hw_info *f = &h->info;
    if (strcmp(f->kind, "cpu") != 0 && strcmp(f->kind, "gpu") != 0)
        return nas_yaml_fail(nas_yaml_get(root, "kind"), "kind '%s' is neither cpu nor gpu",
                             f->kind);
    if (f->cache_bandwidth < f->bandwidth)
        return nas_yaml_fail(nas_yaml_get(root, "cache_bandwidth_gb_s"),
                             "the cache (%g GB/s) is slower than the memory (%g GB/s)",
                             f->cache_bandwidth / 1e9, f->bandwidth / 1e9);
    bool idle = nas_yaml_get(root, "idle_w") != NULL, max = nas_yaml_get(root, "max_w") != NULL;
    bool flop = h->flop_j > 0, byte = h->byte_j > 0;
    if (max && f->max_w < f->idle_w)
        return nas_yaml_fail(nas_yaml_get(root, "max_w"), "max_w %g W is below idle_w %g W",
                             f->max_w, f->idle_w);
    if ((max && !idle) || flop != byte || (flop && !idle) || (idle && !max && !flop))
        return nas_yaml_fail(root, "energy takes idle_w and max_w, or idle_w, flop_pj and byte_pj");
    return NAS_OK;
}

nas_status nas_hw_parse(nas_hw *h, nas_yaml *doc, const char *file) {
    const nas_yaml_node *root = nas_yaml_root(doc);
    NAS_TRY(known_keys(root));
    NAS_TRY(read_text(&h->info.name, root, "name"));
    NAS_TRY(read_text(&h->info.title, root, "title"));
    NAS_TRY(read_text(&h->info.kind, root, "kind"));
    NAS_TRY(read_text(&h->info.source, root, "source"));
    for (size_t i = 0; i < N_NUMBERS; i++)
        NAS_TRY(read_number(h, root, &numbers[i]));
    NAS_TRY(read_efficiency(h, root));
    NAS_TRY(check_together(h, root));
    h->info.file = file;
    h->doc = doc;
    return NAS_OK;
}
