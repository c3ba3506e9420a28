/* hwmodels/device_file.c - reads and checks a device file (docs/device-files.md). */
#include "residual.h"

#include <stddef.h>
#include <string.h>

/* Models, in the order of the bits below. */
static const nas_hw_model *const models[] = {&nas_hw_roofline, &nas_hw_loop_tiled, &nas_hw_dataflow,
                                             &nas_hw_systolic, &nas_hw_spatial};
enum { N_MODELS = sizeof models / sizeof *models };
enum { ROOF = 1, FPGA = 2 | 4, SYSTOLIC = 8, SPATIAL = 16, ARRAY = SYSTOLIC | SPATIAL };
enum { CHIP = FPGA | ARRAY, ALL = ROOF | CHIP };

/* A number of a device file: {value: 48, source: "..."} under a key that ends in its unit. */
typedef struct number {
    const char *key, *unit;
    size_t offset; /* in nas_hw */
    double si;     /* factor to SI units */
    double min, max;
    unsigned needed, optional; /* for which models */
} number;

#define INFO(member) offsetof(nas_hw, info.member)
#define OWN(member)  offsetof(nas_hw, member)
static const number numbers[] = {
    {"peak_gflops", "GFLOP/s", INFO(peak_flops), 1e9, 0.01, 1e6, ROOF, 0},
    {"bandwidth_gb_s", "GB/s", INFO(bandwidth), 1e9, 0.01, 1e5, ALL, 0},
    {"cache_mib", "MiB", INFO(cache_bytes), 1048576, 0.01, 4096, ROOF, 0},
    {"cache_bandwidth_gb_s", "GB/s", INFO(cache_bandwidth), 1e9, 0.01, 1e6, ROOF, 0},
    {"launch_us", "us", INFO(launch_s), 1e-6, 0, 1e5, ROOF | ARRAY, FPGA},
    {"memory_gib", "GiB", INFO(memory_bytes), 1073741824, 0.001, 1e5, 0, ALL},
    {"idle_w", "W", INFO(idle_w), 1, 0, 1e4, SPATIAL, ALL},
    {"max_w", "W", INFO(max_w), 1, 0.001, 1e4, 0, ROOF},
    {"flop_pj", "pJ", OWN(flop_j), 1e-12, 0.001, 1e6, 0, ROOF | FPGA | SYSTOLIC},
    {"byte_pj", "pJ", OWN(byte_j), 1e-12, 0.001, 1e6, 0, ROOF | FPGA | SYSTOLIC},
    {"units_count", "units", OWN(units), 1, 1, 1e5, ROOF, 0},
    {"lanes_count", "lanes", OWN(lanes), 1, 1, 1024, ROOF, 0},
    {"tile_rows_count", "rows", OWN(tile_rows), 1, 1, 4096, ROOF, 0},
    {"tile_columns_count", "columns", OWN(tile_columns), 1, 1, 4096, ROOF, 0},
    {"clock_mhz", "MHz", INFO(clock_hz), 1e6, 1, 1e4, CHIP, 0},
    {"bits_count", "bits", INFO(bits), 1, 4, 32, CHIP, 0},
    {"dsp_count", "DSP blocks", INFO(dsp), 1, 1, 1e6, FPGA, 0},
    {"bram18_count", "blocks of 18 Kbit", INFO(bram18), 1, 1, 1e6, FPGA, 0},
    {"lut_count", "look-up tables", INFO(lut), 1, 100, 1e8, FPGA, 0},
    {"dsp_per_mac_32_count", "DSP blocks", OWN(dsp_per_mac_32), 1, 0.1, 16, 0, FPGA},
    {"dsp_per_mac_16_count", "DSP blocks", OWN(dsp_per_mac_16), 1, 0.1, 16, 0, FPGA},
    {"dsp_per_mac_8_count", "DSP blocks", OWN(dsp_per_mac_8), 1, 0.1, 16, 0, FPGA},
    {"rows_count", "rows", OWN(rows), 1, 1, 4096, ARRAY, 0},
    {"columns_count", "columns", OWN(columns), 1, 1, 4096, ARRAY, 0},
    {"buffer_kib", "KiB", OWN(buffer_bytes), 1024, 1, 1e7, ARRAY, 0},
    {"mac_pj", "pJ", OWN(mac_j), 1e-12, 0.001, 1e6, SPATIAL, 0},
    {"register_pj", "pJ", OWN(register_j), 1e-12, 0.001, 1e6, SPATIAL, 0},
    {"array_pj", "pJ", OWN(array_j), 1e-12, 0.001, 1e6, SPATIAL, 0},
    {"buffer_pj", "pJ", OWN(buffer_j), 1e-12, 0.001, 1e6, SPATIAL, 0},
    {"dram_pj", "pJ", OWN(dram_j), 1e-12, 0.001, 1e6, SPATIAL, 0},
};
#undef INFO
#undef OWN
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static const char *const text_keys[] = {"name", "title", "kind", "model", "source"};
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

/* The model's own keys only: a key that it does not use is a mistake. */
static nas_status known_keys(const nas_yaml_node *root, unsigned model) {
    const char *keys[N_NUMBERS + N_TEXTS + 3];
    size_t n = 0;
    for (size_t i = 0; i < N_TEXTS; i++)
        keys[n++] = text_keys[i];
    for (size_t i = 0; i < N_NUMBERS; i++)
        if ((numbers[i].needed | numbers[i].optional) & model)
            keys[n++] = numbers[i].key;
    if (model & ROOF) {
        keys[n++] = "efficiency";
        keys[n++] = "residual";
    }
    keys[n++] = "learnt";
    return nas_yaml_only(root, keys, n);
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

static nas_status read_number(nas_hw *h, const nas_yaml_node *root, const number *k,
                              unsigned model) {
    static const char *const keys[] = {"value", "source"};
    const nas_yaml_node *map = nas_yaml_get(root, k->key);
    const char *source = NULL;
    double v = 0;
    if (!map && (k->needed & model))
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

static nas_status check_kind(const nas_hw *h, const nas_yaml_node *root) {
    static const char *const kinds[] = {"cpu", "gpu", "fpga", "asic"};
    const nas_yaml_node *at = nas_yaml_get(root, "kind");
    const char *kind = h->info.kind;
    bool known = false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        known |= !strcmp(kind, kinds[i]);
    if (!known)
        return nas_yaml_fail(at, "kind '%s' is neither cpu, gpu, fpga nor asic", kind);
    if (!strstr(h->model->kinds, kind))
        return nas_yaml_fail(at, "model %s is for %s, not for a device of kind %s", h->model->name,
                             h->model->kinds, kind);
    return NAS_OK;
}

/* What single ranges cannot see. */
static nas_status check_together(const nas_hw *h, const nas_yaml_node *root) {
    const nas_hw_info *f = &h->info;
    if (f->cache_bandwidth < f->bandwidth)
        return nas_yaml_fail(nas_yaml_get(root, "cache_bandwidth_gb_s"),
                             "the cache (%g GB/s) is slower than the memory (%g GB/s)",
                             f->cache_bandwidth / 1e9, f->bandwidth / 1e9);
    bool idle = nas_yaml_get(root, "idle_w") != NULL, max = nas_yaml_get(root, "max_w") != NULL;
    bool flop = h->flop_j > 0, byte = h->byte_j > 0;
    if (max && f->max_w < f->idle_w)
        return nas_yaml_fail(nas_yaml_get(root, "max_w"), "max_w %g W is below idle_w %g W",
                             f->max_w, f->idle_w);
    if (h->model == &nas_hw_spatial)
        return NAS_OK;
    if ((max && !idle) || flop != byte || (flop && !idle) || (idle && !max && !flop))
        return nas_yaml_fail(root, "energy takes idle_w and max_w, or idle_w, flop_pj and byte_pj");
    return NAS_OK;
}

static nas_status read_model(nas_hw *h, unsigned *bit, const nas_yaml_node *root) {
    const nas_yaml_node *n = nas_yaml_get(root, "model");
    const char *names[N_MODELS], *name = models[0]->name;
    if (n)
        NAS_TRY(nas_yaml_string(&name, n));
    for (size_t i = 0; i < N_MODELS; i++) {
        names[i] = models[i]->name;
        if (strcmp(name, names[i]) != 0)
            continue;
        h->model = models[i];
        *bit = 1u << i;
        return NAS_OK;
    }
    const char *near = nas_nearest(name, names, N_MODELS);
    return nas_yaml_fail(n, "there is no model '%s'%s%s%s", name, near ? "; did you mean '" : "",
                         near ? near : "", near ? "'?" : "");
}

nas_status nas_hw_parse(nas_hw *h, nas_yaml *doc, const char *file) {
    const nas_yaml_node *root = nas_yaml_root(doc);
    unsigned model = 0;
    h->dsp_per_mac_32 = 5;
    h->dsp_per_mac_16 = 1;
    h->dsp_per_mac_8 = 0.5;
    NAS_TRY(read_model(h, &model, root));
    NAS_TRY(known_keys(root, model));
    NAS_TRY(read_text(&h->info.name, root, "name"));
    NAS_TRY(read_text(&h->info.title, root, "title"));
    NAS_TRY(read_text(&h->info.kind, root, "kind"));
    NAS_TRY(read_text(&h->info.source, root, "source"));
    NAS_TRY(check_kind(h, root));
    for (size_t i = 0; i < N_NUMBERS; i++)
        if ((numbers[i].needed | numbers[i].optional) & model)
            NAS_TRY(read_number(h, root, &numbers[i], model));
    NAS_TRY(read_efficiency(h, root));
    h->model->complete(h);
    h->info.model = h->model->name;
    NAS_TRY(check_together(h, root));
    if (nas_yaml_get(root, "residual"))
        NAS_TRY(nas_residual_read(&h->residual, nas_yaml_get(root, "residual")));
    if (nas_yaml_get(root, "learnt"))
        NAS_TRY(nas_learnt_read(&h->learnt, nas_yaml_get(root, "learnt")));
    h->info.file = file;
    h->doc = doc;
    return NAS_OK;
}
