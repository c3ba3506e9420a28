/* runtime/ocl.h - OpenCL calls with checked results: names of codes, error lines, info queries. */
#ifndef NAS_RUNTIME_OCL_H
#define NAS_RUNTIME_OCL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <nas/core.h>

const char *ocl_code_name(cl_int code);

/* Records "call: CL_NAME (code)" and returns the status that fits: E_TOO_BIG where the device is
 * out of memory, E_MEMORY where the host is, else E_DEVICE. */
nas_status ocl_fail(cl_int code, const char *call) NAS_MUST_USE;

static inline NAS_MUST_USE nas_status ocl_check(cl_int code, const char *call) {
    return code == CL_SUCCESS ? NAS_OK : ocl_fail(code, call);
}

/* Text of a device or platform property; "" when the driver does not answer. */
void ocl_device_text(char *out, size_t cap, cl_device_id id, cl_device_info what);
/* Has the device this extension? */
bool ocl_device_has(cl_device_id id, const char *extension);
void ocl_platform_text(char *out, size_t cap, cl_platform_id id, cl_platform_info what);
/* A number of a device property; `otherwise` when the driver does not answer. */
cl_ulong ocl_device_number(cl_device_id id, cl_device_info what, size_t size, cl_ulong otherwise);

#endif
