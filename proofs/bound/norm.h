/* norm.h - enclosures of the spectral norm, in balls (Arb). */
#ifndef BOUND_NORM_H
#define BOUND_NORM_H

#include <arb_mat.h>

#include "interval.h"

/* The interval of a ball, rounded outwards; unknown if the ball is not finite. */
struct bound_interval bound_interval(const arb_t x);

/* ||A||_F. */
void bound_frobenius(arb_t norm, const arb_mat_t A, slong precision);

/* ||A||_2 of any shape: above by powers of the smaller Gram matrix G,
 * ||A||_2^2 <= ||G^(2^k)||_F^(1/2^k); below by ||A x|| / ||x|| for an x from the power iteration. */
void bound_spectral_norm(arb_t norm, const arb_mat_t A, slong precision);

/* ||A||_2 of a matrix without negative entries, of any size, in time linear in its entries: above by
 * Collatz and Wielandt, ||A||_2^2 <= max_j (A^T A x)_j / x_j for any x > 0. */
void bound_nonnegative_norm(arb_t norm, const arb_mat_t A, slong precision);

#endif
