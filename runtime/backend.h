/* runtime/backend.h - what training, evaluation and measuring use of a device, whichever it is.
 *
 * The executor half (runtime/device.c, buffer.c, program.c, plan.c, exec*.c, rows*.c) implements
 * this; the training half (trainer.c, optimizer.c, batch.c, checkpoint.c, predictor.c …) is written
 * against it and never includes CL/. A device is OpenCL or the reference; a buffer of the reference
 * is host memory that holds double where OpenCL holds float, and bytes or int32 where OpenCL holds
 * those.
 */
#ifndef NAS_RUNTIME_BACKEND_H
#define NAS_RUNTIME_BACKEND_H

#include <nas/runtime.h>

bool nas_device_is_ref(const nas_device *d);

/* ---- buffers ---- */
typedef struct nas_buffer nas_buffer;
typedef enum nas_elem { NAS_F32, NAS_I32, NAS_U8 } nas_elem;
nas_status nas_buffer_create(nas_buffer **out, nas_device *d, nas_elem elem,
                             size_t count) NAS_MUST_USE;
void nas_buffer_free(nas_buffer *b);
size_t nas_buffer_count(const nas_buffer *b);
/* Bytes that one element takes on this device. */
size_t nas_elem_bytes(const nas_device *d, nas_elem elem);
/* Bytes of all buffers of the device that are alive. */
uint64_t nas_device_taken(const nas_device *d);
/* Copies count elements; src/dst are float, int32_t or uint8_t by the buffer's kind (the reference
 * converts). write returns when src may be reused; read waits for all work enqueued before it. */
nas_status nas_buffer_write(nas_buffer *b, size_t offset, const void *src,
                            size_t count) NAS_MUST_USE;
nas_status nas_buffer_read(const nas_buffer *b, size_t offset, void *dst,
                           size_t count) NAS_MUST_USE;
nas_status nas_buffer_fill(nas_buffer *b, size_t offset, double value,
                           size_t count) NAS_MUST_USE; /* NAS_F32, NAS_I32; enqueues */
/* The reference's memory: double*, int32_t* or uint8_t*. NULL on OpenCL. */
void *nas_buffer_host(nas_buffer *b);

/* ---- parts of an executor as buffers: borrowed, die with it ---- */
nas_buffer *nas_exec_buffer(nas_exec *e, nas_value v); /* a leaf or a kept value */
/* All PARAMs one after the other, those with decay first; each starts at a multiple of
 * NAS_PARAM_ALIGN elements, the gap is zero in params and gradients alike. */
enum { NAS_PARAM_ALIGN = 64 };
typedef struct nas_param_block {
    nas_buffer *params, *grads; /* grads: the `together` values; NULL when none were given */
    size_t count, n_decay;      /* elements in all, and of those that decay (a prefix) */
} nas_param_block;
nas_param_block nas_exec_params(nas_exec *e);
/* Where a PARAM starts in the block. */
size_t nas_exec_param_offset(const nas_exec *e, nas_value param);

/* ---- kernels outside the graph (OpenCL only; the reference computes on nas_buffer_host) ---- */
typedef struct nas_arg {
    enum { NAS_ARG_BUFFER, NAS_ARG_I32, NAS_ARG_U32, NAS_ARG_F32 } kind;
    nas_buffer *buffer;
    int32_t i;
    uint32_t u;
    float f;
} nas_arg;
#define NAS_ARG_B(b) ((nas_arg){.kind = NAS_ARG_BUFFER, .buffer = (b)})
#define NAS_ARG_I(x) ((nas_arg){.kind = NAS_ARG_I32, .i = (int32_t)(x)})
#define NAS_ARG_U(x) ((nas_arg){.kind = NAS_ARG_U32, .u = (uint32_t)(x)})
#define NAS_ARG_F(x) ((nas_arg){.kind = NAS_ARG_F32, .f = (float)(x)})
/* Enqueues kernel `entry` of cl_kernels/<file> (e.g. "train.cl") over at least global[0..2] items;
 * the kernel guards the excess itself. local is fixed by the kernel's own row: one local size a
 * kernel. */
nas_status nas_device_launch(nas_device *d, const char *file, const char *entry,
                             const size_t global[3], const size_t local[3], const nas_arg *args,
                             uint32_t n_args) NAS_MUST_USE;
nas_status nas_device_flush(nas_device *d) NAS_MUST_USE;  /* submits what is queued */
nas_status nas_device_finish(nas_device *d) NAS_MUST_USE; /* waits */

#endif
