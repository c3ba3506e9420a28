/* runtime/metrics.c - sums of loss and correct answers, one pair a step, kept on the device. */
#include "train.h"

#include <math.h>

nas_status nas_metrics_create(nas_metrics *m, nas_device *d, int64_t steps) {
    *m = (nas_metrics){.device = d, .steps = steps};
    return nas_buffer_create(&m->pairs, d, NAS_F32, (size_t)(2 * steps));
}

uint64_t nas_metrics_bytes(const nas_device *d, int64_t steps) {
    return 2 * (uint64_t)steps * nas_elem_bytes(d, NAS_F32);
}

void nas_metrics_free(nas_metrics *m) {
    nas_buffer_free(m->pairs);
    *m = (nas_metrics){0};
}

void nas_metrics_restart(nas_metrics *m) {
    m->read = 0;
    m->loss = m->correct = 0;
}

nas_status nas_metrics_add(nas_metrics *m, int64_t step, nas_buffer *loss, nas_buffer *correct,
                           uint32_t n) {
    if (nas_device_is_ref(m->device)) {
        const double *l = nas_buffer_host(loss), *c = nas_buffer_host(correct);
        double *pair = (double *)nas_buffer_host(m->pairs) + 2 * step;
        pair[0] = pair[1] = 0;
        for (uint32_t i = 0; i < n; i++) {
            pair[0] += l[i];
            pair[1] += c[i];
        }
        return NAS_OK;
    }
    const size_t group[3] = {64, 1, 1};
    const nas_arg args[] = {NAS_ARG_B(loss), NAS_ARG_B(correct), NAS_ARG_B(m->pairs),
                            NAS_ARG_I(step), NAS_ARG_I(n)};
    return nas_device_launch(m->device, "train.cl", "metrics", group, group, args, 5);
}

nas_status nas_metrics_read(nas_metrics *m, int64_t end, int64_t *bad) {
    enum { CHUNK = 512 };
    float pair[2 * CHUNK];
    *bad = -1;
    while (m->read < end) {
        int64_t n = end - m->read < CHUNK ? end - m->read : CHUNK;
        NAS_TRY(nas_buffer_read(m->pairs, (size_t)(2 * m->read), pair, (size_t)(2 * n)));
        for (int64_t i = 0; i < n; i++) {
            if (!isfinite(pair[2 * i]) && *bad < 0)
                *bad = m->read + i;
            m->loss += pair[2 * i];
            m->correct += pair[2 * i + 1];
        }
        m->read += n;
    }
    return NAS_OK;
}
