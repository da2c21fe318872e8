/* rational.h - theorem 3.2.1 in rational numbers alone, where every row's logits are all equal:
 * then each row of S is uniform, and F and DF[D] are rational. */
#ifndef BOUND_RATIONAL_H
#define BOUND_RATIONAL_H

#include "instance.h"

/* The square of the Frobenius norm. */
void bound_square(fmpq_t square, const fmpq_mat_t A);

/* Is each row of the logits constant at Y = X + Z? */
int bound_uniform(const struct bound_instance *);

/* square = ||DF[D]||_F^2 / ||D||_F^2 of a uniform instance, D != 0 n x d. */
void bound_rational_derivative(fmpq_t square, const struct bound_instance *, const fmpq_mat_t D);

/* The most columns for which bound_rational_norm takes about half a second, at least 1, of
 * matrices of such numbers as W's. */
int bound_rational_most(const fmpq_mat_t W);

/* Is w >= ||W||, W d x d? If it is not negative and w^2 I - W^T W has no negative pivot. */
int bound_rational_norm(const fmpq_t w, const fmpq_mat_t W);

/* A rational number that is at least the printed value P_q of a uniform instance at the k-th q of
 * bound_index, squared; k = BOUND_INDICES: at least the limit for q -> 1, which no P_q reaches.
 * w_Q >= ||W_Q||, w_K >= ||W_K||. */
void bound_rational_printed(fmpq_t square, const struct bound_instance *, const fmpq_t w_Q,
                            const fmpq_t w_K, int k);

#endif
