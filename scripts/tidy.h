/* scripts/tidy.h - tells clang-tidy what it cannot see: a recorded failure is never NAS_OK.
 * Included before every source but the three that define these functions. An expression, not a
 * function: deep down in calls the analyzer steps into no more functions. */
#include <nas/core.h>

#define tidy_failed(call)                                                                          \
    __extension__({                                                                                \
        nas_status tidy_status = (call);                                                           \
        if (tidy_status == NAS_OK)                                                                 \
            __builtin_unreachable();                                                               \
        tidy_status;                                                                               \
    })

#undef nas_fail
#define nas_fail(status, ...)    tidy_failed(nas_fail_at((status), __FILE__, __LINE__, __VA_ARGS__))
#define nas_fail_memory(bytes)   tidy_failed(nas_fail_memory(bytes))
#define nas_fail_prefix(st, ...) tidy_failed(nas_fail_prefix(st, __VA_ARGS__))
#define nas_yaml_fail(node, ...) tidy_failed(nas_yaml_fail(node, __VA_ARGS__))
