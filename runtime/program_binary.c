/* runtime/program_binary.c - kernels that were built elsewhere, and what is needed to build them
 * there: one binary with all kernels in and out, sources with their includes put in out. */
#include "device.h"

#include <core/embedded.h>
#include <string.h>

enum { FILE_MAX = 1 << 30 };

/* Columns of the tile that the kernels of the binary were built with; the host's launches must fit.
 */
static nas_status ask_tile(nas_device *d) {
    nas_status st = NAS_OK;
    nas_buffer *b = NULL;
    int32_t v[4] = {0};
    NAS_GO(nas_buffer_create(&b, d, NAS_I32, 4));
    NAS_GO(nas_device_launch(d, "build.cl", "built_with", (size_t[3]){1, 1, 1},
                             (size_t[3]){1, 1, 1}, (nas_arg[]){NAS_ARG_B(b)}, 1));
    NAS_GO(nas_buffer_read(b, 0, v, 4));
    if ((v[0] != 4 && v[0] != 8 && v[0] != 16) || v[1] < 1 || v[2] < 1 || v[3] < 1)
        NAS_GO(nas_fail(NAS_E_BUILD, "%s was built with a tile of %d %d %d %d, which is none",
                        d->binary_path, (int)v[0], (int)v[1], (int)v[2], (int)v[3]));
    d->tile = (device_tile){.vw = v[0], .nv = v[1], .mr = v[2], .mr1 = v[3]};
done:
    nas_buffer_free(b);
    return st;
}

nas_status program_load_binary(nas_device *d) {
    nas_status st = NAS_OK;
    char *bytes = NULL;
    size_t n = 0;
    cl_int one = CL_SUCCESS, err = CL_SUCCESS;
    NAS_GO(nas_file_read(&bytes, &n, d->binary_path, FILE_MAX));
    const unsigned char *data = (const unsigned char *)bytes;
    d->binary = clCreateProgramWithBinary(d->context, 1, &d->id, &n, &data, &one, &err);
    if (err == CL_SUCCESS)
        err = one;
    if (err == CL_SUCCESS)
        err = clBuildProgram(d->binary, 1, &d->id, "", NULL, NULL);
    if (err != CL_SUCCESS)
        NAS_GO(nas_fail(NAS_E_BUILD, "%s is no program for %s: %s (%d)", d->binary_path,
                        d->info.name, ocl_code_name(err), (int)err));
    NAS_GO(ask_tile(d));
done:
    nas_free(bytes);
    return st;
}

static bool is_program(const nas_device *d, const char *file) {
    size_t n = strlen(file);
    return n > 3 && !strcmp(file + n - 3, ".cl") &&
           (d->subgroups || strncmp(file, "subgroup", 8) != 0);
}

static nas_status fail_with_log(const nas_device *d, cl_program p, const char *what, cl_int err) {
    char log[1500] = "";
    if (p)
        (void)clGetProgramBuildInfo(p, d->id, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
    for (char *c = log; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    return nas_fail(NAS_E_BUILD, "%s on %s: %s (%d): %s", what, d->info.name, ocl_code_name(err),
                    (int)err, log);
}

static nas_status compile_one(cl_program *out, nas_device *d, const char *file) {
    nas_status st = NAS_OK;
    nas_text source = {0}, options = {0};
    cl_int err;
    NAS_GO(program_source(&source, file));
    program_options(&options, d, file);
    NAS_GO(nas_text_check(&options));
    const char *text = source.s;
    *out = clCreateProgramWithSource(d->context, 1, &text, &source.n, &err);
    NAS_GO(ocl_check(err, "clCreateProgramWithSource"));
    err = clCompileProgram(*out, 1, &d->id, options.s, 0, NULL, NULL, NULL, NULL);
    if (err != CL_SUCCESS)
        NAS_GO(fail_with_log(d, *out, file, err));
done:
    nas_text_free(&source);
    nas_text_free(&options);
    return st;
}

static nas_status write_binary(const char *path, cl_program p) {
    nas_status st = NAS_OK;
    size_t size = 0;
    unsigned char *bytes = NULL;
    NAS_GO(ocl_check(clGetProgramInfo(p, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL),
                     "clGetProgramInfo"));
    bytes = nas_malloc(size + 1);
    if (!bytes)
        NAS_GO(nas_fail_memory(size));
    NAS_GO(ocl_check(clGetProgramInfo(p, CL_PROGRAM_BINARIES, sizeof bytes, &bytes, NULL),
                     "clGetProgramInfo"));
    NAS_GO(nas_file_write(path, bytes, size));
done:
    nas_free(bytes);
    return st;
}

static bool is_wanted(const nas_device *d, const char *file, const char *const *files) {
    if (!files)
        return is_program(d, file);
    while (*files && strcmp(*files, file) != 0)
        files++;
    return *files != NULL;
}

nas_status program_save_binary(nas_device *d, const char *path, const char *const *files) {
    nas_status st = NAS_OK;
    cl_program *part = NULL, whole = NULL;
    size_t cap = 0;
    cl_uint n = 0;
    cl_int err;
    if (d->ref || d->binary)
        return nas_fail(NAS_E_UNSUPPORTED, "%s builds no programs", d->info.name);
    for (const nas_embedded *f = nas_embedded_kernels; f->name; f++) {
        if (!is_wanted(d, f->name, files))
            continue;
        NAS_GO(nas_grow(&part, &cap, n + 1, sizeof(cl_program)));
        part[n++] = NULL;
        NAS_GO(compile_one(&part[n - 1], d, f->name));
    }
    whole = clLinkProgram(d->context, 1, &d->id, "", n, part, NULL, NULL, &err);
    if (err != CL_SUCCESS)
        NAS_GO(fail_with_log(d, whole, "clLinkProgram", err));
    NAS_GO(write_binary(path, whole));
done:
    for (cl_uint i = 0; i < n; i++)
        if (part[i])
            clReleaseProgram(part[i]);
    if (whole)
        clReleaseProgram(whole);
    nas_free(part);
    return st;
}

nas_status nas_device_save_binary(nas_device *d, const char *path) {
    return program_save_binary(d, path, NULL);
}

nas_status nas_device_save_sources(nas_device *d, const char *folder) {
    nas_status st = NAS_OK;
    nas_text path = {0}, text = {0}, list = {0};
    if (d->ref)
        return nas_fail(NAS_E_UNSUPPORTED, "%s builds no programs", d->info.name);
    NAS_GO(nas_dir_make(folder));
    for (const nas_embedded *f = nas_embedded_kernels; f->name; f++) {
        if (!is_program(d, f->name))
            continue;
        nas_text_free(&path);
        nas_text_free(&text);
        nas_text_add(&path, "%s/%s", folder, f->name);
        NAS_GO(nas_text_check(&path));
        NAS_GO(program_source(&text, f->name));
        NAS_GO(nas_file_write(path.s, text.s, text.n));
        nas_text_add(&list, "%s ", f->name);
        program_options(&list, d, f->name);
        nas_text_add(&list, "\n");
    }
    nas_text_free(&path);
    nas_text_add(&path, "%s/options.txt", folder);
    NAS_GO(nas_text_check(&path));
    NAS_GO(nas_text_check(&list));
    NAS_GO(nas_file_write(path.s, list.s, list.n));
done:
    nas_text_free(&path);
    nas_text_free(&text);
    nas_text_free(&list);
    return st;
}
