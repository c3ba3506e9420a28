/* runtime/program.c - programs of cl_kernels/: include lines resolved, built once, cached on disk.
 */
#include "ahead.h"

#include <core/embedded.h>
#include <stdlib.h>
#include <string.h>

enum { INCLUDE_DEPTH = 4, BINARY_MAX = 1 << 28 };

static const nas_embedded *find_file(const char *name, size_t n) {
    for (const nas_embedded *f = nas_embedded_kernels; f->name; f++)
        if (strlen(f->name) == n && !memcmp(f->name, name, n))
            return f;
    return NULL;
}

/* Copies a file's text, putting the text of x.clh where a line says #include "x.clh". A driver's
 * own include paths are of no use for embedded files; including a file twice with other macros is
 * how tile variants are made. */
static nas_status add_source(nas_text *out, const char *name, size_t n, int depth) {
    static const char word[] = "#include \"";
    const nas_embedded *f = find_file(name, n);
    if (!f || depth > INCLUDE_DEPTH)
        return nas_fail(NAS_E_NOT_FOUND, "no kernel file %.*s in this library", (int)n, name);
    for (const char *line = f->text, *end = f->text + f->n; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        const char *from = line + sizeof word - 1, *quote;
        if (!strncmp(line, word, sizeof word - 1) &&
            (quote = memchr(from, '"', (size_t)(next - from))) != NULL)
            NAS_TRY(add_source(out, from, (size_t)(quote - from), depth + 1));
        else
            nas_text_bytes(out, line, (size_t)(next - line));
        line = next;
    }
    return nas_text_check(out);
}

/* What a CPU and a GPU want differs in the work-group: PoCL runs single-item groups of tile kernels
 * best, a GPU must have its lanes filled. */
void program_options(nas_text *t, const nas_device *d, const char *file) {
    bool cpu = !strcmp(d->info.type, "cpu");
    /* sub-groups came after 1.2; the file that uses them is built only where they are */
    nas_text_add(t, "-cl-std=%s", strncmp(file, "subgroup", 8) ? "CL1.2" : d->subgroup_std);
    nas_text_add(t, " -cl-mad-enable -cl-no-signed-zeros -DVW=%d -DNV=%d -DMR=%d -DMR1=%d",
                 (int)d->tile.vw, (int)d->tile.nv, (int)d->tile.mr, (int)d->tile.mr1);
#define NAS_ACT(symbol, name) nas_text_add(t, " -DACT_" #symbol "=%d", NAS_ACT_##symbol);
#include <nas/act.def>
#undef NAS_ACT
    nas_text_add(t,
                 cpu ? " -DTILE_X=1 -DTILE_Y=1 -DFLAT_X=64" : " -DTILE_X=8 -DTILE_Y=8 -DFLAT_X=64");
    if (!d->fma)
        nas_text_add(t, " -DNO_FMA");
    if (d->hints)
        nas_text_add(t, " -D%s", d->hints);
}

nas_status program_source(nas_text *out, const char *file) {
    return add_source(out, file, strlen(file), 0);
}

/* ---- disk cache: every failure here only means that the source is built ---- */

bool program_cache_dir(nas_text *path) {
    const char *dir = getenv("CLNAS_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    if (dir && *dir)
        nas_text_add(path, "%s", dir);
    else if (xdg && *xdg)
        nas_text_add(path, "%s/clnas", xdg);
    else if (home && *home)
        nas_text_add(path, "%s/.cache/clnas", home);
    else
        return false;
    return !path->failed && nas_dir_make(nas_text_str(path)) == NAS_OK;
}

static bool cache_path(nas_text *path, const nas_device *d, const char *file,
                       const nas_text *source, const nas_text *options) {
    if (!program_cache_dir(path))
        return false;
    const char *parts[] = {
        nas_text_str(source), nas_text_str(options), d->info.platform, d->info.name,
        d->info.vendor,       d->info.driver,        d->info.version,  NAS_VERSION};
    uint64_t a = 1, b = 2;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        a = nas_hash_bytes(a, parts[i], strlen(parts[i]) + 1);
        b = nas_hash_bytes(b, parts[i], strlen(parts[i]) + 1);
    }
    nas_text_add(path, "/%s-%016llx%016llx.bin", file, (unsigned long long)a,
                 (unsigned long long)b);
    return !path->failed;
}

/* A cache file is a magic word, the hash of the binary, and the binary: a torn or foreign file must
 * not reach the driver, some of which crash on one. */
typedef struct cache_head {
    char magic[8];
    uint64_t hash, size;
} cache_head;
static const char cache_magic[8] = "CLNASB1";

static cl_program load_cached(nas_device *d, const char *path, const char *options) {
    char *bytes = NULL;
    size_t n = 0;
    cl_program p = NULL;
    cache_head h;
    if (!nas_file_exists(path) || nas_file_read(&bytes, &n, path, BINARY_MAX) != NAS_OK)
        return NULL;
    if (n > sizeof h) {
        memcpy(&h, bytes, sizeof h);
        const unsigned char *bin = (const unsigned char *)bytes + sizeof h;
        size_t size = n - sizeof h;
        cl_int status = CL_SUCCESS, err = CL_SUCCESS;
        if (!memcmp(h.magic, cache_magic, sizeof h.magic) && h.size == size &&
            h.hash == nas_hash_bytes(0, bin, size)) {
            p = clCreateProgramWithBinary(d->context, 1, &d->id, &size, &bin, &status, &err);
            if (p && (err != CL_SUCCESS || status != CL_SUCCESS ||
                      clBuildProgram(p, 1, &d->id, options, NULL, NULL) != CL_SUCCESS)) {
                clReleaseProgram(p);
                p = NULL;
            }
        }
    }
    nas_free(bytes);
    return p;
}

static void store_cached(cl_program p, const char *path) {
    size_t size = 0;
    if (clGetProgramInfo(p, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS ||
        !size || size > BINARY_MAX)
        return;
    unsigned char *bytes = nas_malloc(sizeof(cache_head) + size);
    if (!bytes)
        return;
    unsigned char *bin = bytes + sizeof(cache_head);
    if (clGetProgramInfo(p, CL_PROGRAM_BINARIES, sizeof bin, &bin, NULL) == CL_SUCCESS) {
        cache_head h = {.hash = nas_hash_bytes(0, bin, size), .size = size};
        memcpy(h.magic, cache_magic, sizeof h.magic);
        memcpy(bytes, &h, sizeof h);
        if (nas_file_write(path, bytes, sizeof h + size) != NAS_OK)
            nas_log(NAS_LOG_DEBUG, "program cache: %s", nas_error_text());
    }
    nas_free(bytes);
}

/* ---- building ---- */

static nas_status fail_build(nas_device *d, cl_program p, cl_int err, const char *file,
                             const char *options) {
    size_t n = 0;
    (void)clGetProgramBuildInfo(p, d->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &n);
    char *log = nas_calloc(n + 1, 1);
    if (log)
        (void)clGetProgramBuildInfo(p, d->id, CL_PROGRAM_BUILD_LOG, n, log, NULL);
    for (char *c = log; c && *c; c++)
        if (*c == '\n')
            *c = ' ';
    nas_status st = nas_fail(NAS_E_BUILD, "%s does not build on %s with %s: %s: %.1500s", file,
                             d->info.name, options, ocl_code_name(err), log ? log : "");
    nas_free(log);
    return st;
}

static nas_status build(cl_program *out, nas_device *d, const char *file) {
    nas_status st = NAS_OK;
    nas_text source = {0}, options = {0}, path = {0};
    cl_program p = NULL;
    cl_int err;
    NAS_GO(add_source(&source, file, strlen(file), 0));
    program_options(&options, d, file);
    NAS_GO(nas_text_check(&options));
    bool cache = !d->keeps_kernels && cache_path(&path, d, file, &source, &options);
    if (cache && (p = load_cached(d, path.s, options.s)) != NULL) {
        d->cached++;
    } else {
        const char *text = source.s;
        size_t n = source.n;
        p = clCreateProgramWithSource(d->context, 1, &text, &n, &err);
        NAS_GO(ocl_check(err, "clCreateProgramWithSource"));
        double from = nas_clock();
        err = clBuildProgram(p, 1, &d->id, options.s, NULL, NULL);
        if (err != CL_SUCCESS)
            NAS_GO(fail_build(d, p, err, file, options.s));
        d->built++;
        ahead_built(d, nas_clock() - from);
        if (cache)
            store_cached(p, path.s);
    }
    *out = p;
    p = NULL;
done:
    if (p)
        clReleaseProgram(p);
    nas_text_free(&source);
    nas_text_free(&options);
    nas_text_free(&path);
    return st;
}

nas_status program_get(cl_program *out, nas_device *d, const char *file) {
    if (d->binary) {
        *out = d->binary;
        return NAS_OK;
    }
    for (size_t i = 0; i < d->n_programs; i++)
        if (!strcmp(d->programs[i].file, file)) {
            *out = d->programs[i].program;
            return NAS_OK;
        }
    const nas_embedded *f = find_file(file, strlen(file));
    if (!f)
        return nas_fail(NAS_E_NOT_FOUND, "no kernel file %s in this library", file);
    cl_program p = NULL;
    NAS_TRY(nas_grow(&d->programs, &d->cap_programs, d->n_programs + 1, sizeof *d->programs));
    NAS_TRY(build(&p, d, file));
    d->programs[d->n_programs++] = (program_entry){.file = f->name, .program = p};
    *out = p;
    return NAS_OK;
}

nas_status program_kernel(cl_kernel *out, size_t local[3], nas_device *d, const char *file,
                          const char *name) {
    cl_program p;
    cl_int err;
    NAS_TRY(program_get(&p, d, file));
    cl_kernel k = clCreateKernel(p, name, &err);
    if (err != CL_SUCCESS)
        return nas_fail(NAS_E_BUILD, "clCreateKernel %s of %s: %s (%d)", name,
                        d->binary ? d->binary_path : file, ocl_code_name(err), err);
    err = clGetKernelWorkGroupInfo(k, d->id, CL_KERNEL_COMPILE_WORK_GROUP_SIZE, 3 * sizeof *local,
                                   local, NULL);
    if (err != CL_SUCCESS) {
        clReleaseKernel(k);
        return ocl_fail(err, "clGetKernelWorkGroupInfo");
    }
    *out = k;
    return NAS_OK;
}

void program_free_all(nas_device *d) {
    if (d->binary)
        clReleaseProgram(d->binary);
    for (size_t i = 0; i < d->n_kernels; i++)
        clReleaseKernel(d->kernels[i].kernel);
    for (size_t i = 0; i < d->n_programs; i++)
        clReleaseProgram(d->programs[i].program);
    nas_free(d->kernels);
    nas_free(d->programs);
}
