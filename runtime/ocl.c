/* runtime/ocl.c - OpenCL calls with checked results: names of codes, error lines, info queries. */
#include "ocl.h"

#include <string.h>

typedef struct code_row {
    cl_int code;
    nas_status status;
    const char *name;
} code_row;

#define CODE(name, status)                                                                         \
    { name, status, #name }
static const code_row codes[] = {
    CODE(CL_SUCCESS, NAS_OK),
    CODE(CL_DEVICE_NOT_FOUND, NAS_E_DEVICE),
    CODE(CL_DEVICE_NOT_AVAILABLE, NAS_E_DEVICE),
    CODE(CL_COMPILER_NOT_AVAILABLE, NAS_E_BUILD),
    CODE(CL_MEM_OBJECT_ALLOCATION_FAILURE, NAS_E_TOO_BIG),
    CODE(CL_OUT_OF_RESOURCES, NAS_E_DEVICE),
    CODE(CL_OUT_OF_HOST_MEMORY, NAS_E_MEMORY),
    CODE(CL_PROFILING_INFO_NOT_AVAILABLE, NAS_E_DEVICE),
    CODE(CL_BUILD_PROGRAM_FAILURE, NAS_E_BUILD),
    CODE(CL_MISALIGNED_SUB_BUFFER_OFFSET, NAS_E_DEVICE),
    CODE(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, NAS_E_DEVICE),
    CODE(CL_INVALID_VALUE, NAS_E_DEVICE),
    CODE(CL_INVALID_DEVICE_TYPE, NAS_E_DEVICE),
    CODE(CL_INVALID_PLATFORM, NAS_E_DEVICE),
    CODE(CL_INVALID_DEVICE, NAS_E_DEVICE),
    CODE(CL_INVALID_CONTEXT, NAS_E_DEVICE),
    CODE(CL_INVALID_COMMAND_QUEUE, NAS_E_DEVICE),
    CODE(CL_INVALID_MEM_OBJECT, NAS_E_DEVICE),
    CODE(CL_INVALID_BINARY, NAS_E_BUILD),
    CODE(CL_INVALID_BUILD_OPTIONS, NAS_E_BUILD),
    CODE(CL_INVALID_PROGRAM, NAS_E_BUILD),
    CODE(CL_INVALID_PROGRAM_EXECUTABLE, NAS_E_BUILD),
    CODE(CL_INVALID_KERNEL_NAME, NAS_E_BUILD),
    CODE(CL_INVALID_KERNEL, NAS_E_BUILD),
    CODE(CL_INVALID_ARG_INDEX, NAS_E_DEVICE),
    CODE(CL_INVALID_ARG_VALUE, NAS_E_DEVICE),
    CODE(CL_INVALID_ARG_SIZE, NAS_E_DEVICE),
    CODE(CL_INVALID_KERNEL_ARGS, NAS_E_DEVICE),
    CODE(CL_INVALID_WORK_DIMENSION, NAS_E_DEVICE),
    CODE(CL_INVALID_WORK_GROUP_SIZE, NAS_E_DEVICE),
    CODE(CL_INVALID_WORK_ITEM_SIZE, NAS_E_DEVICE),
    CODE(CL_INVALID_GLOBAL_OFFSET, NAS_E_DEVICE),
    CODE(CL_INVALID_EVENT, NAS_E_DEVICE),
    CODE(CL_INVALID_OPERATION, NAS_E_DEVICE),
    CODE(CL_INVALID_BUFFER_SIZE, NAS_E_TOO_BIG),
    CODE(CL_INVALID_GLOBAL_WORK_SIZE, NAS_E_DEVICE),
    {-1001, NAS_E_DEVICE, "CL_PLATFORM_NOT_FOUND_KHR"},
};
#undef CODE

static const code_row *find_code(cl_int code) {
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == code)
            return &codes[i];
    return NULL;
}

const char *ocl_code_name(cl_int code) {
    const code_row *r = find_code(code);
    return r ? r->name : "unknown code";
}

nas_status ocl_fail(cl_int code, const char *call) {
    const code_row *r = find_code(code);
    return nas_fail(r ? r->status : NAS_E_DEVICE, "%s: %s (%d)", call, ocl_code_name(code), code);
}

/* Some drivers pad names with blanks. */
static void trim(char *s) {
    size_t n = strlen(s), skip = strspn(s, " \t");
    while (n > skip && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        s[--n] = '\0';
    memmove(s, s + skip, n - skip + 1);
}

void ocl_device_text(char *out, size_t cap, cl_device_id id, cl_device_info what) {
    char text[1024] = "";
    if (clGetDeviceInfo(id, what, sizeof text, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
    text[sizeof text - 1] = '\0';
    trim(text);
    (void)snprintf(out, cap, "%s", text);
}

bool ocl_device_has(cl_device_id id, const char *extension) {
    size_t n = 0, len = strlen(extension);
    bool has = false;
    if (clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, 0, NULL, &n) != CL_SUCCESS || !n)
        return false;
    char *all = nas_calloc(n + 1, 1);
    if (all && clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, n, all, NULL) == CL_SUCCESS)
        for (const char *at = all; !has && (at = strstr(at, extension)) != NULL; at += len)
            has = (at == all || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0');
    nas_free(all);
    return has;
}

void ocl_platform_text(char *out, size_t cap, cl_platform_id id, cl_platform_info what) {
    char text[1024] = "";
    if (clGetPlatformInfo(id, what, sizeof text, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
    text[sizeof text - 1] = '\0';
    trim(text);
    (void)snprintf(out, cap, "%s", text);
}

cl_ulong ocl_device_number(cl_device_id id, cl_device_info what, size_t size, cl_ulong otherwise) {
    union {
        cl_uint u;
        cl_ulong l;
        unsigned char bytes[64];
    } v = {.bytes = {0}};
    size_t got = 0;
    if (clGetDeviceInfo(id, what, sizeof v, &v, &got) != CL_SUCCESS || got != size)
        return otherwise;
    return size == sizeof(cl_uint) ? v.u : v.l;
}
