/* runtime/ahead_helper.c - the process that helps in a cold start: launches listed kernels once. */
#include "device.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ARGS_MAX = 48, WORD = 64, LARGE_GRID = 1 << 16 };

typedef struct listed {
    char file[WORD], kernel[WORD];
    size_t global[3];
    uint32_t n_args;
    struct {
        int32_t bits; /* of a number */
        size_t bytes; /* of a buffer; 0: it is a number */
        void *memory;
        cl_mem mem;
    } arg[ARGS_MAX];
} listed;

static bool read_number(int64_t *out, FILE *f, int64_t least, int64_t most) {
    char word[WORD], *end = NULL;
    if (fscanf(f, "%63s", word) != 1)
        return false;
    *out = strtoll(word, &end, 10);
    return !*end && *out >= least && *out <= most;
}

static bool read_args(listed *l, FILE *f) {
    int64_t n, v;
    if (!read_number(&n, f, 0, ARGS_MAX))
        return false;
    for (; l->n_args < (uint32_t)n; l->n_args++) {
        char kind[2];
        if (fscanf(f, " %1s", kind) != 1)
            return false;
        bool buffer = kind[0] == 'b';
        if (!read_number(&v, f, buffer ? 1 : INT32_MIN, buffer ? INT64_MAX : INT32_MAX))
            return false;
        l->arg[l->n_args].bytes = buffer ? (size_t)v : 0;
        l->arg[l->n_args].bits = buffer ? 0 : (int32_t)v;
    }
    return true;
}

/* E_NOT_FOUND: there is none left. */
static nas_status read_launch(listed *l, FILE *f) {
    int64_t n;
    *l = (listed){.n_args = 0};
    if (fscanf(f, "%63s", l->file) != 1)
        return NAS_E_NOT_FOUND;
    bool ok = fscanf(f, "%63s", l->kernel) == 1;
    for (int i = 0; ok && i < 3; i++) {
        ok = read_number(&n, f, 0, INT64_MAX);
        l->global[i] = ok ? (size_t)n : 0;
    }
    return ok && read_args(l, f) ? NAS_OK : nas_fail(NAS_E_PARSE, "this is no list of launches");
}

/* Memory of the argument's size that no one has touched: it takes none until it is. */
static nas_status set_buffer(cl_kernel k, nas_device *d, listed *l, cl_uint i) {
    cl_int err;
    void *p =
        mmap(NULL, l->arg[i].bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return nas_fail_memory(l->arg[i].bytes);
    l->arg[i].memory = p;
    l->arg[i].mem = clCreateBuffer(d->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR,
                                   l->arg[i].bytes, p, &err);
    NAS_TRY(ocl_check(err, "clCreateBuffer"));
    return ocl_check(clSetKernelArg(k, i, sizeof(cl_mem), &l->arg[i].mem), "clSetKernelArg");
}

static nas_status set_arg(cl_kernel k, nas_device *d, listed *l, cl_uint i) {
    if (l->arg[i].bytes)
        return set_buffer(k, d, l, i);
    return ocl_check(clSetKernelArg(k, i, sizeof(int32_t), &l->arg[i].bits), "clSetKernelArg");
}

static void release(cl_kernel k, listed *l) {
    for (uint32_t i = 0; i < l->n_args; i++) {
        if (l->arg[i].mem)
            clReleaseMemObject(l->arg[i].mem);
        if (l->arg[i].memory)
            munmap(l->arg[i].memory, l->arg[i].bytes);
    }
    if (k)
        clReleaseKernel(k);
}

/* One work-group, or, as PoCL compiles kernels of many items anew, just so many. */
static nas_status launch_once(nas_device *d, listed *l) {
    nas_status st = NAS_OK;
    cl_kernel k = NULL;
    size_t local[3], global[3];
    NAS_GO(program_kernel(&k, local, d, l->file, l->kernel));
    if (!d->keeps_kernels)
        goto done; /* all is compiled with the program */
    for (int i = 0; i < 3; i++) {
        local[i] = local[i] ? local[i] : 1;
        global[i] = l->global[i] < LARGE_GRID ? 1 : LARGE_GRID;
    }
    for (cl_uint i = 0; i < l->n_args; i++)
        NAS_GO(set_arg(k, d, l, i));
    NAS_GO(device_enqueue(d, d->queue, k, l->kernel, global, local, NULL));
    NAS_GO(nas_device_finish(d));
done:
    release(k, l);
    return st;
}

/* Takes the programs of its part: every parts-th, as they come. */
static bool is_mine(char last[WORD], int64_t *programs, const listed *l, int64_t part,
                    int64_t parts) {
    if (strcmp(last, l->file) != 0)
        ++*programs;
    (void)snprintf(last, WORD, "%s", l->file);
    return *programs % parts == part;
}

nas_status nas_compile_listed(FILE *f) {
    nas_status st = NAS_OK;
    nas_device *d = NULL;
    listed l;
    char spec[1024] = "", last[WORD] = "";
    int64_t part, parts, programs = -1;
    if (!fgets(spec, sizeof spec, f) || !read_number(&part, f, 0, INT32_MAX) ||
        !read_number(&parts, f, 1, INT32_MAX))
        return nas_fail(NAS_E_PARSE, "this is no list of launches");
    spec[strcspn(spec, "\n")] = 0;
    NAS_GO(nas_device_open(&d, spec));
    while ((st = read_launch(&l, f)) == NAS_OK)
        if (is_mine(last, &programs, &l, part, parts))
            (void)!launch_once(d, &l); /* the parent finds out what is wrong */
    st = st == NAS_E_NOT_FOUND ? NAS_OK : st;
done:
    nas_device_close(d);
    return st;
}
