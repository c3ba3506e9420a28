/* runtime/device.h - the device's insides, shared by the executor half of runtime/. */
#ifndef NAS_RUNTIME_DEVICE_H
#define NAS_RUNTIME_DEVICE_H

#include "backend.h"
#include "ocl.h"

typedef struct program_entry { /* one cl_kernels file, built */
    const char *file;
    cl_program program;
} program_entry;

typedef struct kernel_entry { /* a kernel that nas_device_launch uses again and again */
    const char *file, *name;
    cl_kernel kernel;
    size_t local[3];
} kernel_entry;

typedef struct device_tile { /* the register tile, from the vector width and the type */
    int32_t vw, nv, mr;      /* columns: nv * vw, rows: mr */
    int32_t mr1;             /* rows where nv is 1 */
} device_tile;

/* The tile for a native vector width; what it says holds for every width, only slower. */
const device_tile *device_tile_of(uint32_t width);

struct nas_device {
    nas_device_info info;
    bool ref;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    device_tile tile;
    size_t align;    /* elements between allowed starts of sub-buffers */
    uint32_t queued; /* launches since the last flush */
    uint64_t taken;  /* bytes of its buffers that are alive */
    uint32_t built, cached;
    program_entry *programs;
    size_t n_programs, cap_programs;
    kernel_entry *kernels;
    size_t n_kernels, cap_kernels;
    nas_buffer *zero; /* zeros: what padding reads, and what stands for an absent input */
    double peak_flops, peak_bytes;
    bool part;                /* id is a sub-device, to be released */
    bool subgroups;           /* it says so; candidates are checked before they are used */
    bool fma;                 /* multiply-adds in hardware */
    bool apart;               /* no launches are joined: for tests */
    const char *subgroup_std; /* language version that has them */
    bool keeps_kernels;       /* its driver does, between runs: no binaries are kept beside */
    size_t group_items;       /* largest work-group */
    const char *hints;        /* macro for fpga.clh; NULL: none */
    cl_program binary;        /* all kernels, built elsewhere; NULL: built from source */
    char binary_path[512];
    const char *force;             /* the candidate that nodes must take; NULL: the best known */
    const struct candidate *trial; /* the one to try, where it can, before all others */
    struct tune_table *tune;       /* read when it is first needed */
    char spec[1024];               /* by which another process opens it */
    struct ahead *ahead;           /* ahead.h: of a cold start */
};

bool device_is_pocl(const nas_device *d);

void tune_free(struct tune_table *t); /* tune_table.c */

/* Elements of `zero`. */
enum { DEVICE_ZEROS = 1 << 16 };

struct nas_buffer {
    nas_device *device;
    nas_buffer *parent; /* not NULL: a part of it */
    nas_elem elem;
    size_t count;
    cl_mem mem; /* OpenCL */
    void *host; /* reference */
};

/* Elements first … first+count-1 of parent; parent must outlive it. */
nas_status buffer_sub(nas_buffer **out, nas_buffer *parent, size_t first,
                      size_t count) NAS_MUST_USE;

/* The program of cl_kernels/<file>: from memory, from the disk cache, or built. */
nas_status program_get(cl_program *out, nas_device *d, const char *file) NAS_MUST_USE;
/* A fresh kernel object of it and its fixed local size. */
nas_status program_kernel(cl_kernel *out, size_t local[3], nas_device *d, const char *file,
                          const char *name) NAS_MUST_USE;
void program_free_all(nas_device *d);
/* Loads d->binary from d->binary_path; its tile is that of the binary. */
nas_status program_load_binary(nas_device *d) NAS_MUST_USE;
/* nas_device_save_binary of these files alone (NULL ends them); NULL: all. */
nas_status program_save_binary(nas_device *d, const char *path,
                               const char *const *files) NAS_MUST_USE;
/* Appends the folder for what is kept between runs, made if need be; false: there is none. */
bool program_cache_dir(nas_text *path);
/* Appends a kernel file with its includes put in; the options that it is built with. */
nas_status program_source(nas_text *out, const char *file) NAS_MUST_USE;
void program_options(nas_text *out, const nas_device *d, const char *file);

/* Enqueues and flushes now and then, so that no driver holds back or piles up work. */
nas_status device_enqueue(nas_device *d, cl_command_queue q, cl_kernel k, const char *name,
                          const size_t global[3], const size_t local[3],
                          cl_event *event) NAS_MUST_USE;

#endif
