/* cli/calibrate_draw.c - draws what was predicted against what was measured. */
#include "calibrate.h"

#include <nas/viz.h>

nas_status calibrate_draw(const calibration *c, const double *predicted, const double *measured,
                          uint32_t n) {
    nas_text subtitle = {0};
    nas_scatter_point *point = nas_calloc(n, sizeof *point);
    nas_status st;
    if (!point)
        return nas_fail_memory(n * sizeof *point);
    for (uint32_t i = 0; i < n; i++)
        point[i] = (nas_scatter_point){.x = measured[i], .y = predicted[i]};
    nas_text_add(&subtitle,
                 "%s: %u networks left out, learnt from %u; Spearman %.4f, %.0f %% within 10 %%",
                 c->column, (unsigned)n, (unsigned)c->samples, c->fitted.spearman,
                 100 * c->fitted.within_10);
    NAS_GO(nas_text_check(&subtitle));
    nas_scatter s = {.title = "Predicted against measured latency",
                     .subtitle = nas_text_str(&subtitle),
                     .x = {.label = "Measured", .unit = "ms", .scale = 1e3, .log = true},
                     .y = {.label = "Predicted", .unit = "ms", .scale = 1e3, .log = true},
                     .point = point,
                     .n = n,
                     .band = 0.1};
    NAS_GO(nas_draw_scatter(c->png, &s));
    talk_line("drew %s", c->png);
done:
    nas_text_free(&subtitle);
    nas_free(point);
    return st;
}
