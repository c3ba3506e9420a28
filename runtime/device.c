/* runtime/device.c - finding, opening and driving devices: one context and one in-order queue each.
 */
#include "ahead.h"
#include "device_spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Launches between two flushes: enough to amortise the call, few enough for a driver's watchdog. */
enum { FLUSH_EVERY = 64, PLATFORMS_MAX = 32, DEVICES_MAX = 64 };

typedef struct found {
    nas_device_info info;
    cl_device_id id;
} found;

typedef struct type_row {
    cl_device_type bit;
    const char *name;
} type_row;
/* In the order of preference of "auto". */
static const type_row types[] = {{CL_DEVICE_TYPE_GPU, "gpu"},
                                 {CL_DEVICE_TYPE_ACCELERATOR, "accelerator"},
                                 {CL_DEVICE_TYPE_CPU, "cpu"}};
enum { N_TYPES = sizeof types / sizeof types[0] };

/* Register tiles: accumulators nv * mr plus nv columns and one broadcast must fit the registers of
 * the width (16 of 4 or 8 floats, 32 of 16). */
static const device_tile tiles[] = {{.vw = 16, .nv = 2, .mr = 8, .mr1 = 8},
                                    {.vw = 8, .nv = 2, .mr = 6, .mr1 = 8},
                                    {.vw = 4, .nv = 2, .mr = 6, .mr1 = 8}};

const device_tile *device_tile_of(uint32_t width) {
    for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++)
        if (width >= (uint32_t)tiles[i].vw)
            return &tiles[i];
    return &tiles[sizeof tiles / sizeof tiles[0] - 1];
}

static const char *const kernels_of_type[][2] = {
    {"cpu", "cpu"}, {"gpu", "gpu tiles"}, {"accelerator", "single work-item"}};

static void say_kernels(nas_device_info *o) {
    for (size_t i = 0; i < sizeof kernels_of_type / sizeof kernels_of_type[0]; i++)
        if (!strcmp(o->type, kernels_of_type[i][0]))
            (void)snprintf(o->kernels, sizeof o->kernels, "%s float%d", kernels_of_type[i][1],
                           (int)device_tile_of(o->vector_width)->vw);
}

/* Where a card sits, by whichever extension tells; the constants are those of cl_ext.h. */
static void find_address(char out[16], cl_device_id id) {
    enum {
        NV_BUS = 0x4008,
        NV_SLOT = 0x4009,
        NV_DOMAIN = 0x400A,
        KHR_BUS = 0x410F,
        AMD_TOPO = 0x4037
    };
    cl_uint khr[4]; /* domain, bus, device, function */
    struct {
        cl_uint type;
        cl_char unused[17], bus, device, function;
    } amd;
    if (ocl_device_has(id, "cl_khr_pci_bus_info") &&
        clGetDeviceInfo(id, KHR_BUS, sizeof khr, khr, NULL) == CL_SUCCESS)
        (void)snprintf(out, 16, "%04x:%02x:%02x.%x", khr[0] & 0xffff, khr[1] & 0xff, khr[2] & 0xff,
                       khr[3] & 0xf);
    else if (ocl_device_has(id, "cl_nv_device_attribute_query"))
        (void)snprintf(out, 16, "%04x:%02x:%02x.0",
                       (unsigned)ocl_device_number(id, NV_DOMAIN, sizeof(cl_uint), 0) & 0xffff,
                       (unsigned)ocl_device_number(id, NV_BUS, sizeof(cl_uint), 0) & 0xff,
                       (unsigned)ocl_device_number(id, NV_SLOT, sizeof(cl_uint), 0) >> 3 & 0xff);
    else if (ocl_device_has(id, "cl_amd_device_attribute_query") &&
             clGetDeviceInfo(id, AMD_TOPO, sizeof amd, &amd, NULL) == CL_SUCCESS && amd.type == 1)
        (void)snprintf(out, 16, "0000:%02x:%02x.%x", (unsigned)amd.bus & 0xff,
                       (unsigned)amd.device & 0xff, (unsigned)amd.function & 0xf);
}

static void fill_info(nas_device_info *o, cl_platform_id platform, cl_device_id id, int32_t index) {
    *o = (nas_device_info){.index = index};
    ocl_device_text(o->name, sizeof o->name, id, CL_DEVICE_NAME);
    ocl_device_text(o->vendor, sizeof o->vendor, id, CL_DEVICE_VENDOR);
    ocl_device_text(o->driver, sizeof o->driver, id, CL_DRIVER_VERSION);
    ocl_device_text(o->version, sizeof o->version, id, CL_DEVICE_VERSION);
    ocl_platform_text(o->platform, sizeof o->platform, platform, CL_PLATFORM_NAME);
    cl_device_type type = ocl_device_number(id, CL_DEVICE_TYPE, sizeof type, CL_DEVICE_TYPE_CPU);
    (void)snprintf(o->type, sizeof o->type, "%s", "accelerator");
    for (size_t i = 0; i < N_TYPES; i++)
        if (type & types[i].bit)
            (void)snprintf(o->type, sizeof o->type, "%s", types[i].name);
    o->compute_units =
        (uint32_t)ocl_device_number(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint), 1);
    o->vector_width =
        (uint32_t)ocl_device_number(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof(cl_uint), 1);
    o->memory_bytes = ocl_device_number(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong), 0);
    o->max_alloc_bytes = ocl_device_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(cl_ulong), 0);
    o->local_bytes = ocl_device_number(id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong), 0);
    o->cache_bytes = ocl_device_number(id, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof(cl_ulong), 0);
    o->fp64 = ocl_device_has(id, "cl_khr_fp64");
    o->fp16 = ocl_device_has(id, "cl_khr_fp16");
    find_address(o->pci, id);
    say_kernels(o);
}

static nas_status find_all(found **out, uint32_t *n) {
    cl_platform_id platforms[PLATFORMS_MAX];
    cl_uint n_platforms = 0;
    cl_int err = clGetPlatformIDs(PLATFORMS_MAX, platforms, &n_platforms);
    if (err != CL_SUCCESS || n_platforms == 0)
        return nas_fail(NAS_E_DEVICE,
                        "no OpenCL platform (%s): install a driver, or pocl-opencl-icd for the CPU",
                        ocl_code_name(err));
    found *f = NULL;
    size_t cap = 0, count = 0;
    for (cl_uint p = 0; p < n_platforms && p < PLATFORMS_MAX; p++) {
        cl_device_id ids[DEVICES_MAX];
        cl_uint k = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, DEVICES_MAX, ids, &k) != CL_SUCCESS)
            continue; /* a platform without devices is normal */
        for (cl_uint i = 0; i < k && i < DEVICES_MAX; i++) {
            nas_status st = nas_grow(&f, &cap, count + 1, sizeof *f);
            if (st != NAS_OK) {
                nas_free(f);
                return st;
            }
            f[count].id = ids[i];
            fill_info(&f[count].info, platforms[p], ids[i], (int32_t)count);
            count++;
        }
    }
    *out = f;
    *n = (uint32_t)count;
    return NAS_OK;
}

nas_status nas_device_list(nas_device_info **info, uint32_t *n) {
    found *f = NULL;
    uint32_t count = 0;
    NAS_TRY(find_all(&f, &count));
    nas_device_info *list = nas_calloc(count ? count : 1, sizeof *list);
    for (uint32_t i = 0; list && i < count; i++)
        list[i] = f[i].info;
    nas_free(f);
    if (!list)
        return nas_fail_memory(count * sizeof *list);
    *info = list;
    *n = count;
    return NAS_OK;
}

static bool contains(const char *text, const char *part) {
    size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && text[i] &&
               tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

static nas_status fail_choose(const found *f, uint32_t n, const char *spec, const char *why) {
    nas_text t = {0};
    if (n == 0)
        return nas_fail(
            NAS_E_NOT_FOUND,
            "device \"%s\": no OpenCL device answers here: is a driver installed (for a "
            "CPU pocl-opencl-icd), and can it write to $HOME? ref is always there, but slow",
            spec);
    for (uint32_t i = 0; i < n; i++)
        nas_text_add(&t, "%s%d %s (%s)", i ? ", " : "", (int)f[i].info.index, f[i].info.name,
                     f[i].info.type);
    nas_status st = nas_fail(NAS_E_NOT_FOUND, "device \"%s\": %s; there is: %s, and ref", spec, why,
                             nas_text_str(&t));
    nas_text_free(&t);
    return st;
}

/* NULL: none, and *why. */
static const found *choose(const char **why, const found *f, uint32_t n, const char *spec) {
    for (size_t t = 0; t < N_TYPES; t++)
        if (!strcmp(spec, "auto") || !strcmp(spec, types[t].name))
            for (uint32_t i = 0; i < n; i++)
                if (!strcmp(f[i].info.type, types[t].name))
                    return &f[i];
    char *end = NULL;
    long index = strtol(spec, &end, 10);
    if (*spec && !*end) {
        *why = "no such number";
        return index >= 0 && (unsigned long)index < n ? &f[index] : NULL;
    }
    *why = "none of that kind or name";
    const found *hit = NULL;
    for (uint32_t i = 0; i < n; i++)
        if (*spec && contains(f[i].info.name, spec)) {
            if (hit) {
                *why = "more than one has that in its name";
                return NULL;
            }
            hit = &f[i];
        }
    return hit;
}

static void open_ref(nas_device *d) {
    d->ref = true;
    d->info = (nas_device_info){.index = -1,
                                .name = "reference",
                                .platform = "clnas",
                                .vendor = "clnas",
                                .type = "reference",
                                .kernels = "plain C in double",
                                .fp64 = true,
                                .compute_units = 1,
                                .vector_width = 1,
                                .version = NAS_VERSION,
                                .memory_bytes = UINT64_C(1) << 40,
                                .max_alloc_bytes = UINT64_C(1) << 40};
    d->align = NAS_PARAM_ALIGN;
}

/* What the host needs to know of a device beside nas_device_info. */
static void find_limits(nas_device *d) {
    d->group_items =
        (size_t)ocl_device_number(d->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(size_t), 1);
    d->subgroups =
        ocl_device_has(d->id, "cl_khr_subgroups") || ocl_device_has(d->id, "cl_intel_subgroups");
    /* "OpenCL 3.0 …"; 3.0 may lack what 2.0 has, so it is asked for by its own number */
    d->subgroup_std = !strncmp(d->info.version, "OpenCL 2.", 9)   ? "CL2.0"
                      : !strncmp(d->info.version, "OpenCL 1.", 9) ? "CL1.2"
                                                                  : "CL3.0";
    d->fma = (ocl_device_number(d->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof(cl_device_fp_config), 0) &
              CL_FP_FMA) != 0;
    cl_ulong bits = ocl_device_number(d->id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof(cl_uint), 4096);
    d->align = bits / 32 > NAS_PARAM_ALIGN ? (size_t)(bits / 32) : NAS_PARAM_ALIGN;
}

/* Compilers of FPGAs are known by their platform, or named. */
typedef struct hints_row {
    const char *name, *platform, *macro;
} hints_row;
static const hints_row hints[] = {{"intel", "FPGA", "HINTS_INTEL"},
                                  {"xilinx", "Xilinx", "HINTS_XILINX"}};

static const char *find_hints(const device_spec *s, const nas_device_info *info) {
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (s->hints[0] ? !strcmp(s->hints, hints[i].name)
                        : contains(info->platform, hints[i].platform))
            return hints[i].macro;
    return NULL;
}

/* Part k of n: a sub-device where the driver has such, else the whole device with a queue of its
 * own, which is what a GPU shares its units by. */
static nas_status take_part(nas_device *d, const device_spec *s) {
    nas_status st = NAS_OK;
    uint32_t units = d->info.compute_units / s->parts, first = 0;
    cl_device_id *ids = NULL;
    cl_uint n = 0;
    if (s->parts == 1 || strcmp(d->info.type, "cpu") != 0)
        return NAS_OK;
    if (!units)
        return nas_fail(NAS_E_ARG, "device %s has %u compute units: not enough for %u parts",
                        d->info.name, (unsigned)d->info.compute_units, (unsigned)s->parts);
    const cl_device_partition_property how[] = {CL_DEVICE_PARTITION_EQUALLY,
                                                (cl_device_partition_property)units, 0};
    if (clCreateSubDevices(d->id, how, 0, NULL, &n) != CL_SUCCESS || n < s->parts)
        return NAS_OK;
    ids = nas_calloc(n, sizeof(cl_device_id));
    if (!ids)
        return nas_fail_memory(n * sizeof(cl_device_id));
    NAS_GO(ocl_check(clCreateSubDevices(d->id, how, n, ids, NULL), "clCreateSubDevices"));
    for (first = 0; first < n; first++)
        if (first != s->part - 1)
            clReleaseDevice(ids[first]);
    d->id = ids[s->part - 1];
    d->part = true;
    d->info.compute_units = units;
done:
    nas_free(ids);
    return st;
}

bool device_is_pocl(const nas_device *d) {
    return !strcmp(d->info.platform, "Portable Computing Language");
}

/* PoCL keeps what it compiles. Asked for a binary it would compile every kernel of the program once
 * more, for any local size, which takes longer than the kernels that run. */
static bool keeps_kernels(const nas_device *d) {
    const char *cache = getenv("POCL_KERNEL_CACHE");
    return device_is_pocl(d) && !(cache && *cache == '0');
}

static nas_status open_ocl(nas_device *d, const device_spec *s) {
    nas_status st = NAS_OK;
    found *f = NULL;
    const found *pick = NULL;
    const char *why = NULL;
    uint32_t n = 0;
    cl_int err;
    NAS_GO(find_all(&f, &n));
    pick = choose(&why, f, n, s->name);
    if (!pick) {
        st = fail_choose(f, n, s->name, why);
        goto done;
    }
    d->info = pick->info;
    d->id = pick->id;
    d->keeps_kernels = keeps_kernels(d);
    d->tile = *device_tile_of(d->info.vector_width);
    NAS_GO(take_part(d, s));
    find_limits(d);
    d->hints = find_hints(s, &d->info);
    if (s->as[0]) {
        (void)snprintf(d->info.type, sizeof d->info.type, "%s", s->as);
        say_kernels(&d->info);
    }
    d->context = clCreateContext(NULL, 1, &d->id, NULL, NULL, &err);
    NAS_GO(ocl_check(err, "clCreateContext"));
    d->queue = clCreateCommandQueue(d->context, d->id, 0, &err);
    NAS_GO(ocl_check(err, "clCreateCommandQueue"));
    NAS_GO(nas_buffer_create(&d->zero, d, NAS_F32, DEVICE_ZEROS));
    NAS_GO(nas_buffer_fill(d->zero, 0, 0.0, DEVICE_ZEROS));
    if (s->binary[0]) {
        (void)snprintf(d->binary_path, sizeof d->binary_path, "%s", s->binary);
        NAS_GO(program_load_binary(d));
    }
done:
    nas_free(f);
    return st;
}

nas_status nas_device_open(nas_device **out, const char *spec) {
    device_spec s;
    NAS_TRY(device_spec_read(&s, spec ? spec : ""));
    nas_device *d = nas_calloc(1, sizeof *d);
    if (!d)
        return nas_fail_memory(sizeof *d);
    nas_status st = device_spec_write(d->spec, sizeof d->spec, &s);
    if (st == NAS_OK && !strcmp(s.name, "ref"))
        open_ref(d);
    else if (st == NAS_OK)
        st = open_ocl(d, &s);
    if (st == NAS_OK)
        *out = d;
    else
        nas_device_close(d);
    return st;
}

void nas_device_close(nas_device *d) {
    if (!d)
        return;
    if (d->queue)
        (void)clFinish(d->queue);
    nas_buffer_free(d->zero);
    program_free_all(d);
    tune_free(d->tune);
    ahead_free(d);
    if (d->queue)
        clReleaseCommandQueue(d->queue);
    if (d->context)
        clReleaseContext(d->context);
    /* A thread of PoCL 3.1 looks at the device of the last command after that has ended, and
     * nothing says when it is done: a part of a device is left to the end of the process. */
    if (d->part && !device_is_pocl(d))
        clReleaseDevice(d->id);
    nas_free(d);
}

const nas_device_info *nas_device_info_of(const nas_device *d) {
    return &d->info;
}

bool nas_device_is_ref(const nas_device *d) {
    return d->ref;
}

void nas_device_builds(const nas_device *d, uint32_t *built, uint32_t *cached) {
    *built = d->built;
    *cached = d->cached;
}

nas_status nas_device_flush(nas_device *d) {
    d->queued = 0;
    return d->ref ? NAS_OK : ocl_check(clFlush(d->queue), "clFlush");
}

nas_status nas_device_finish(nas_device *d) {
    d->queued = 0;
    return d->ref ? NAS_OK : ocl_check(clFinish(d->queue), "clFinish");
}

nas_status device_enqueue(nas_device *d, cl_command_queue q, cl_kernel k, const char *name,
                          const size_t global[3], const size_t local[3], cl_event *event) {
    size_t g[3];
    for (int i = 0; i < 3; i++) {
        size_t n = global[i] ? global[i] : 1;
        g[i] = (n + local[i] - 1) / local[i] * local[i];
    }
    cl_int err = clEnqueueNDRangeKernel(q, k, 3, NULL, g, local, 0, NULL, event);
    if (err != CL_SUCCESS) {
        nas_status st = ocl_fail(err, "clEnqueueNDRangeKernel");
        return nas_fail_prefix(st, "%s [%zu %zu %zu]", name, g[0], g[1], g[2]);
    }
    if (++d->queued >= FLUSH_EVERY) {
        d->queued = 0;
        return ocl_check(clFlush(q), "clFlush");
    }
    return NAS_OK;
}

/* ---- launches from outside the graph ---- */

static nas_status kernel_of(kernel_entry **out, nas_device *d, const char *file, const char *entry,
                            const size_t local[3]) {
    for (size_t i = 0; i < d->n_kernels; i++)
        if (!strcmp(d->kernels[i].name, entry) && !strcmp(d->kernels[i].file, file)) {
            *out = &d->kernels[i];
            return NAS_OK;
        }
    NAS_TRY(nas_grow(&d->kernels, &d->cap_kernels, d->n_kernels + 1, sizeof *d->kernels));
    kernel_entry k = {.file = file, .name = entry};
    NAS_TRY(program_kernel(&k.kernel, k.local, d, file, entry));
    if (!k.local[0]) /* the source leaves it open */
        memcpy(k.local, local, sizeof k.local);
    d->kernels[d->n_kernels] = k;
    *out = &d->kernels[d->n_kernels++];
    return NAS_OK;
}

static nas_status set_arg(cl_kernel k, cl_uint i, const nas_arg *a) {
    const void *value[] = {[NAS_ARG_BUFFER] = a->kind == NAS_ARG_BUFFER ? &a->buffer->mem : NULL,
                           [NAS_ARG_I32] = &a->i,
                           [NAS_ARG_U32] = &a->u,
                           [NAS_ARG_F32] = &a->f};
    size_t size = a->kind == NAS_ARG_BUFFER ? sizeof(cl_mem) : 4;
    return ocl_check(clSetKernelArg(k, i, size, value[a->kind]), "clSetKernelArg");
}

nas_status nas_device_launch(nas_device *d, const char *file, const char *entry,
                             const size_t global[3], const size_t local[3], const nas_arg *args,
                             uint32_t n_args) {
    if (d->ref)
        return nas_fail(NAS_E_UNSUPPORTED, "kernel %s: the reference runs no OpenCL", entry);
    kernel_entry *k;
    NAS_TRY(kernel_of(&k, d, file, entry, local));
    for (uint32_t i = 0; i < n_args; i++) {
        nas_status st = set_arg(k->kernel, i, &args[i]);
        if (st != NAS_OK)
            return nas_fail_prefix(st, "%s argument %u", entry, (unsigned)i);
    }
    return device_enqueue(d, d->queue, k->kernel, entry, global, k->local, NULL);
}
