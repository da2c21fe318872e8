/* norm.h - enclosures of the spectral norm, in balls (Arb). */
#ifndef BOUND_NORM_H
#define BOUND_NORM_H

#include <arb_mat.h>

#include "interval.h"

/* The interval of a ball, rounded outwards; unknown if the ball is not finite. */
struct bound_interval bound_interval(const arb_t x);

/* ||A||_F. */
void bound_frobenius(arb_t norm, const arb_mat_t A, slong precision);

/* ||A||_2 of any shape. Below by ||A x|| / ||x|| for an x from the power iteration; above by the
 * first mu a little larger for which mu^2 I - G has a Cholesky factor in balls, G the smaller Gram
 * matrix, or by bound_spectral_norm_above. */
void bound_spectral_norm(arb_t norm, const arb_mat_t A, slong precision);

/* A number at least ||A||_2, quickly: ||A||_2^2 <= ||G^(2^k)||_F^(1/2^k), k = 6. Up to
 * m^(1/256) times too large for an m x m Gram matrix. */
void bound_spectral_norm_above(arb_t norm, const arb_mat_t A, slong precision);

/* ||A||_2 of a matrix without negative entries, in time linear in their number: above by Collatz
 * and Wielandt, ||A||_2^2 <= max_j (A^T A x)_j / x_j for any x > 0; below as above. */
void bound_nonnegative_norm(arb_t norm, const arb_mat_t A, slong precision);

#endif
