/* runtime/buffer.c - buffers of a device: cl_mem on OpenCL, host memory on the reference. */
#include "device.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t cl_size[] = {[NAS_F32] = 4, [NAS_I32] = 4, [NAS_U8] = 1};
static const size_t ref_size[] = {[NAS_F32] = 8, [NAS_I32] = 4, [NAS_U8] = 1};

size_t nas_elem_bytes(const nas_device *d, nas_elem elem) {
    return d->ref ? ref_size[elem] : cl_size[elem];
}

uint64_t nas_device_taken(const nas_device *d) {
    return d->taken;
}

/* What b takes of its device; a part takes nothing. */
static uint64_t taken_by(const nas_buffer *b) {
    bool own = !b->parent && (b->mem || b->host);
    return own ? (uint64_t)(b->count ? b->count : 1) * nas_elem_bytes(b->device, b->elem) : 0;
}

static nas_status new_buffer(nas_buffer **out, nas_device *d, nas_elem elem, size_t count) {
    nas_buffer *b = nas_calloc(1, sizeof *b);
    if (!b)
        return nas_fail_memory(sizeof *b);
    b->device = d;
    b->elem = elem;
    b->count = count;
    *out = b;
    return NAS_OK;
}

/* A large buffer of a CPU in large pages, where the system has them: fewer misses of the cache of
 * addresses. Where a mapped buffer is a copy this does nothing, and so does any failure. */
static void use_large_pages(nas_device *d, cl_mem mem, size_t bytes) {
#ifdef MADV_HUGEPAGE
    enum { LEAST = 4 << 20 };
    cl_int err;
    if (strcmp(d->info.type, "cpu") != 0 || bytes < LEAST)
        return;
    char *p = clEnqueueMapBuffer(d->queue, mem, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0, bytes,
                                 0, NULL, NULL, &err);
    if (err != CL_SUCCESS)
        return;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), lead = (page - (uintptr_t)p % page) % page;
    (void)madvise(p + lead, (bytes - lead) / page * page, MADV_HUGEPAGE);
    (void)clEnqueueUnmapMemObject(d->queue, mem, p, 0, NULL, NULL);
#else
    (void)d, (void)mem, (void)bytes;
#endif
}

nas_status nas_buffer_create(nas_buffer **out, nas_device *d, nas_elem elem, size_t count) {
    nas_status st = NAS_OK;
    nas_buffer *b = NULL;
    size_t n = count ? count : 1;
    NAS_GO(new_buffer(&b, d, elem, count));
    if (d->ref) {
        b->host = nas_calloc(n, ref_size[elem]);
        if (!b->host)
            NAS_GO(nas_fail_memory(n * ref_size[elem]));
    } else {
        size_t bytes = n * cl_size[elem];
        if (bytes > d->info.max_alloc_bytes)
            NAS_GO(nas_fail(NAS_E_TOO_BIG,
                            "a buffer of %zu bytes is over the device's limit of %llu", bytes,
                            (unsigned long long)d->info.max_alloc_bytes));
        cl_int err;
        b->mem = clCreateBuffer(d->context, CL_MEM_READ_WRITE, bytes, NULL, &err);
        NAS_GO(ocl_check(err, "clCreateBuffer"));
        use_large_pages(d, b->mem, bytes);
    }
    d->taken += taken_by(b);
    *out = b;
    b = NULL;
done:
    nas_buffer_free(b);
    return st;
}

nas_status buffer_sub(nas_buffer **out, nas_buffer *parent, size_t first, size_t count) {
    nas_status st = NAS_OK;
    nas_buffer *b = NULL;
    assert(first + count <= parent->count && !parent->parent);
    NAS_GO(new_buffer(&b, parent->device, parent->elem, count));
    b->parent = parent;
    if (parent->host) {
        b->host = (char *)parent->host + first * ref_size[parent->elem];
    } else {
        cl_buffer_region r = {first * cl_size[parent->elem], count * cl_size[parent->elem]};
        cl_int err;
        b->mem = clCreateSubBuffer(parent->mem, 0, CL_BUFFER_CREATE_TYPE_REGION, &r, &err);
        NAS_GO(ocl_check(err, "clCreateSubBuffer"));
    }
    *out = b;
    b = NULL;
done:
    nas_buffer_free(b);
    return st;
}

void nas_buffer_free(nas_buffer *b) {
    if (!b)
        return;
    b->device->taken -= taken_by(b);
    if (b->mem)
        clReleaseMemObject(b->mem);
    if (!b->parent)
        nas_free(b->host);
    nas_free(b);
}

size_t nas_buffer_count(const nas_buffer *b) {
    return b->count;
}

void *nas_buffer_host(nas_buffer *b) {
    return b->host;
}

static nas_status check_range(const nas_buffer *b, size_t offset, size_t count) {
    if (offset > b->count || count > b->count - offset)
        return nas_fail(NAS_E_ARG, "buffer of %zu elements: no elements %zu to %zu", b->count,
                        offset, offset + count);
    return NAS_OK;
}

nas_status nas_buffer_write(nas_buffer *b, size_t offset, const void *src, size_t count) {
    NAS_TRY(check_range(b, offset, count));
    if (!count)
        return NAS_OK;
    if (!b->host)
        return ocl_check(clEnqueueWriteBuffer(b->device->queue, b->mem, CL_TRUE,
                                              offset * cl_size[b->elem], count * cl_size[b->elem],
                                              src, 0, NULL, NULL),
                         "clEnqueueWriteBuffer");
    if (b->elem == NAS_F32) {
        double *to = (double *)b->host + offset;
        for (size_t i = 0; i < count; i++)
            to[i] = ((const float *)src)[i];
    } else {
        memcpy((char *)b->host + offset * ref_size[b->elem], src, count * ref_size[b->elem]);
    }
    return NAS_OK;
}

nas_status nas_buffer_read(const nas_buffer *b, size_t offset, void *dst, size_t count) {
    NAS_TRY(check_range(b, offset, count));
    if (!count)
        return NAS_OK;
    if (!b->host) {
        b->device->queued = 0;
        return ocl_check(clEnqueueReadBuffer(b->device->queue, b->mem, CL_TRUE,
                                             offset * cl_size[b->elem], count * cl_size[b->elem],
                                             dst, 0, NULL, NULL),
                         "clEnqueueReadBuffer");
    }
    if (b->elem == NAS_F32) {
        const double *from = (const double *)b->host + offset;
        for (size_t i = 0; i < count; i++)
            ((float *)dst)[i] = (float)from[i];
    } else {
        memcpy(dst, (const char *)b->host + offset * ref_size[b->elem], count * ref_size[b->elem]);
    }
    return NAS_OK;
}

nas_status nas_buffer_fill(nas_buffer *b, size_t offset, double value, size_t count) {
    NAS_TRY(check_range(b, offset, count));
    if (b->elem == NAS_U8)
        return nas_fail(NAS_E_ARG, "buffer of bytes: only float and int buffers are filled");
    if (!count)
        return NAS_OK;
    float f = (float)value;
    int32_t i = b->elem == NAS_I32 ? (int32_t)value : 0;
    if (!b->host)
        return ocl_check(
            clEnqueueFillBuffer(b->device->queue, b->mem,
                                b->elem == NAS_F32 ? (const void *)&f : (const void *)&i, 4,
                                offset * 4, count * 4, 0, NULL, NULL),
            "clEnqueueFillBuffer");
    for (size_t k = offset; k < offset + count; k++)
        if (b->elem == NAS_F32)
            ((double *)b->host)[k] = value;
        else
            ((int32_t *)b->host)[k] = i;
    return NAS_OK;
}
