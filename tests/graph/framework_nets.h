/* tests/graph/framework_nets.h - small networks and a reference run for the tests of the framework.
 */
#ifndef FRAMEWORK_NETS_H
#define FRAMEWORK_NETS_H

#include <nas/graph.h>

/* Leaves with the names that blocks use: "NAME.weight", "NAME.bias", "NAME.gamma" ... */
nas_status net_input(nas_value *x, nas_graph *g, nas_shape shape);
nas_status net_param(nas_value *y, nas_graph *g, const char *name, const char *part,
                     nas_shape shape, float scale);
nas_status net_conv(nas_value *y, nas_graph *g, nas_value x, const char *name, int32_t out,
                    int32_t kernel, int32_t stride, int32_t groups);
nas_status net_bias(nas_value *y, nas_graph *g, nas_value x, const char *name);
nas_status net_norm(nas_value *y, nas_graph *g, nas_value x, const char *name);
nas_status net_dense(nas_value *y, nas_graph *g, nas_value x, const char *name, int32_t out);

/* Residual, depthwise, squeeze-excite; batch norm everywhere; x [batch,6,5,2], 3 classes. */
nas_status net_cnn(nas_graph **out, int32_t batch);
/* Patches, class token, positions, one encoder block with dropout and stochastic depth;
 * x [batch,8,8,3], 3 classes. */
nas_status net_vit(nas_graph **out, int32_t batch, float rate);
/* He et al. 2016, CIFAR-10, shortcuts without parameters. */
nas_status net_resnet20(nas_graph **out, int32_t batch);
/* LeNet-5 as in Caffe: 20 and 50 maps, 500 hidden units, x [batch,28,28,1]. */
nas_status net_lenet(nas_graph **out, int32_t batch);

/* Values of every node. Params and states are set at random (variances positive), x is normal,
 * labels count up modulo 3, the seed is 7. */
typedef struct net_run {
    const nas_graph *g;
    double **value;
} net_run;
net_run net_run_create(const nas_graph *g, uint64_t seed);
void net_run_free(net_run *r);
void net_run_go(net_run *r); /* fails the test when the run fails */

/* Fails the test with the library's error line. */
void net_must(nas_status st);
uint32_t net_count(const nas_graph *g, nas_op op);

#endif
