/* cli/calibrate_draw.c - draws what was predicted against what was measured. */
#include "calibrate.h"

#include <nas/viz.h>

nas_status calibrate_draw(const char *png, const char *subtitle, const double *predicted,
                          const double *measured, uint32_t n, const uint32_t *group,
                          const char *const *group_name, uint32_t n_groups) {
    nas_scatter_point *point = nas_calloc(n, sizeof *point);
    if (!point)
        return nas_fail_memory(n * sizeof *point);
    for (uint32_t i = 0; i < n; i++)
        point[i] =
            (nas_scatter_point){.x = measured[i], .y = predicted[i], .group = group ? group[i] : 0};
    nas_scatter s = {.title = "Predicted against measured latency",
                     .subtitle = subtitle,
                     .x = {.label = "Measured", .unit = "ms", .scale = 1e3, .log = true},
                     .y = {.label = "Predicted", .unit = "ms", .scale = 1e3, .log = true},
                     .point = point,
                     .n = n,
                     .group = group_name,
                     .n_groups = n_groups,
                     .band = 0.1};
    nas_status st = nas_draw_scatter(png, &s);
    if (st == NAS_OK)
        talk_line("drew %s", png);
    nas_free(point);
    return st;
}
