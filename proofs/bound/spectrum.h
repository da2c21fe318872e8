/* spectrum.h - enclosures of the spectral norm and the spectral radius of every matrix of a ball
 * (matrix_ball.h), and of the norm of a non-negative matrix, all in doubles rounded outwards. */
#ifndef BOUND_SPECTRUM_H
#define BOUND_SPECTRUM_H

#include "interval.h"
#include "matrix_ball.h"

/* ||A||_2. Below by ||A x|| / ||x|| for an x from the power iteration. Above: if Cholesky's
 * algorithm in doubles runs through for mu^2 I - A^T A, then ||A||^2 is at most mu^2 and its
 * backward error (Rump, "Verification of positive definiteness", BIT 46, 2006). */
struct bound_interval bound_spectral_interval(const struct bound_matrix *A);

/* rho(A), A square. Above by ||A^m||_F^(1/m), below by |trace(A^m) / columns|^(1/m), over m = 2^k
 * and 3 2^k up to 16384 (1024 for more than 64 rows, 128 for more than 256). */
struct bound_interval bound_spectral_radius(const struct bound_matrix *A);

/* At least ||N||_2 of a matrix n x n, each of whose entries is 0 or from 2^-200 to 2^200, so that
 * no product underflows: Collatz and Wielandt, ||N||^2 <= max_j (N^T N x)_j / x_j for any x > 0. */
double bound_nonnegative_above(const double *N, int n);

#endif
