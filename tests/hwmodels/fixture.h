/* tests/hwmodels/fixture.h - small graphs and device files for the tests of cost models. */
#ifndef TESTS_HWMODELS_FIXTURE_H
#define TESTS_HWMODELS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nas/hw.h>

/* y = conv(x, w): kernel k x k at stride s, `pad` on each side. */
nas_value net_conv(nas_graph *g, nas_value x, int32_t k, int32_t out, int32_t groups, int32_t s,
                   int32_t pad);
/* A graph with its INPUT "x". */
nas_graph *net_open(nas_value *x, int32_t batch, int32_t side, int32_t channels);
/* The five convolutions of AlexNet in two groups, as Zhang et al. (2015) count them. */
nas_graph *net_alexnet(void);
/* `n` convolutions of 3 x 3, 1 x 1 and depthwise in turn. */
nas_graph *net_chain(int32_t n, int32_t side, int32_t channels);

nas_hw *hw_open(const char *name);
/* From the text of a device file. */
nas_hw *hw_from_text(const char *text);
nas_estimate hw_price(const nas_hw *h, const nas_graph *g);

#endif
