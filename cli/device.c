/* cli/device.c - opens the device that --device and --binary name. */
#include "cli.h"

#include <string.h>

nas_status cli_device_spec(char *out, size_t cap, const cli_args *a) {
    const char *device = cli_get(a, "device"), *binary = cli_get(a, "binary");
    int n = snprintf(out, cap, "%s%s%s", device ? device : "auto", binary ? ":binary=" : "",
                     binary ? binary : "");
    if (n < 0 || (size_t)n >= cap)
        return nas_fail(NAS_E_ARG, "--device and --binary are longer than %zu characters together",
                        cap - 1);
    return NAS_OK;
}

nas_status cli_device_open(nas_device **out, const cli_args *a) {
    char spec[700];
    NAS_TRY(cli_device_spec(spec, sizeof spec, a));
    return nas_device_open(out, spec);
}
