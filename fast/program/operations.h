/* operations.h - how many floating-point operations a step needs at least (spec/model.md, 3 to 5).
 *
 * One operation is one add, product, fused multiply-add, maximum, division or square root of one
 * number. Not counted: loads, stores, shuffles, random numbers and labels. Nothing is computed
 * twice; what the backward pass needs of the forward pass is taken as kept. So it is a floor for
 * programs that work as the specification says, whatever order they choose. */
#ifndef EER_OPERATIONS_H
#define EER_OPERATIONS_H

#include "../../spec/config.h"

enum {
    EER_OPERATIONS_EXP = 10,        /* range reduction 3, polynomial 6, exponent 1 */
    EER_OPERATIONS_GELU = 20,       /* clamp 2, argument 2, polynomial 14, two products */
    EER_OPERATIONS_GELU_SLOPE = 15, /* an exponential and 5, Phi known from the forward pass */
    EER_OPERATIONS_ADAMW = 10,      /* a parameter */
};

struct eer_operations {
    double attention;   /* what is done for every pair of query and key */
    double projections; /* W_Q, W_K, W_V */
    double mlp;
    double norms; /* layer norms and the sums around them */
    double ends;  /* embedding, read-out, task loss, kinetic term */
    double adamw;
    double all;
};

/* A whole training step on sequences of length L. */
struct eer_operations eer_operations_train(const struct eer_config *, int L);
/* The prediction of `sequences` sequences of length L. */
struct eer_operations eer_operations_evaluate(const struct eer_config *, int L, int sequences);

#endif
