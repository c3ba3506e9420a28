/* scripts/tidy.h - tells clang-tidy what it cannot see: a recorded failure is never NAS_OK.
 * Included before every source outside of core/, where these functions are defined. */
#include <nas/core.h>

static inline nas_status tidy_failed(nas_status st) {
    if (st == NAS_OK)
        __builtin_unreachable();
    return st;
}

#undef nas_fail
#define nas_fail(status, ...)    tidy_failed(nas_fail_at((status), __FILE__, __LINE__, __VA_ARGS__))
#define nas_fail_memory(bytes)   tidy_failed(nas_fail_memory(bytes))
#define nas_fail_prefix(st, ...) tidy_failed(nas_fail_prefix(st, __VA_ARGS__))
#define nas_yaml_fail(node, ...) tidy_failed(nas_yaml_fail(node, __VA_ARGS__))
