/* iteration.h - one iteration of the loop at one state, Z -> Phi(Z), and its Jacobian: of the map
 * that is trained (spec/model.md, 3.3) or of an attention map alone.
 *
 * Both have the form  dPhi_i = (residual dZ_i + sum_j dZ_j G_j B_ij) R_i  with rows as vectors: G_j
 * is the inner layer norm's d x d Jacobian at row j, B_ij the attention's (attention.h), R_i what a
 * row goes through afterwards (outer layer norm, MLP with its residual). G and R are NULL where
 * they are I. Rows, queries, probabilities, layer norms and the MLP are computed in balls (Arb);
 * products of d x d blocks in matrix_ball.h.
 *
 * The state may be a box: then everything encloses the values at all of its points. ReLU's
 * derivative at 0 is the set [0, 1], so that where a pre-activation may be 0 what is enclosed is
 * Clarke's generalised Jacobian. X is taken as given, tau and slope as the doubles they are, 1e-5
 * in layer norm as 1/100000. */
#ifndef BOUND_ITERATION_H
#define BOUND_ITERATION_H

#include "attention.h"
#include "model.h"

struct bound_blocks;

struct bound_iteration {
    int residual;
    int kinks; /* rows with a ReLU whose pre-activation may be 0 */
    struct bound_attention attention;
    arb_mat_t S;                 /* n x n */
    arb_mat_t Q, K, V, F;        /* n x d: queries, keys, values, the attention's output */
    arb_mat_t image;             /* n x d: Phi(Z) */
    arb_mat_struct *G, *R;       /* n matrices d x d, or NULL */
    struct bound_blocks *blocks; /* the same in matrix balls: blocks.h */
};

/* The trained map at Z, n x d. modulo = 1: each row's mean is subtracted from Phi, whose fixed
 * points then are Phi's modulo row means, and its Jacobian that of Phi on the quotient (norm = pre:
 * LN(Z + c 1^T) = LN(Z), so that Phi(Z + c 1^T) = Phi(Z) + c 1^T). */
void bound_iteration_trained(struct bound_iteration *, const struct bound_model *,
                             const arb_mat_t X, const arb_mat_t Z, int modulo, slong precision);

/* F at *a, or Z + F if residual. Copies *a. */
void bound_iteration_attention(struct bound_iteration *, const struct bound_attention *a,
                               const arb_mat_t Z, int residual, slong precision);

/* The attention map of another iteration alone, without residual. */
void bound_iteration_alone(struct bound_iteration *, const struct bound_iteration *whole,
                           slong precision);

/* An iteration of a model with norm = pre becomes that with modulo = 1. */
void bound_iteration_modulo(struct bound_iteration *, slong precision);

void bound_iteration_clear(struct bound_iteration *);

/* DPhi[D], n x d, in balls throughout. */
void bound_iteration_derivative(arb_mat_t result, const struct bound_iteration *, const arb_mat_t D,
                                slong precision);

#endif
