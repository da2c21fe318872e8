/* directed.h - the quantities of attention.h without a mask and a slope, in intervals of doubles
 * whose ends MPFR rounds outwards: the second way to them, beside the balls of Arb.
 *
 * The operations and their order are those of the reference (ref/bound.c), of which no line is
 * used: each interval operation contains the exact result and the rounded one for all numbers of
 * its operands. So an interval that leaves here contains both the exact value of its formula and
 * the double that the reference computes, if the C library's exp, expm1, log and pow are within one
 * unit in the last place of the correctly rounded result. That is what the glibc manual ("Known
 * Maximum Errors in Math Functions") lists for x86-64; it is the largest error that its tests met,
 * not a theorem. sqrt is correctly rounded.
 *
 * MPFR works with the precision and the exponents of a double, subnormal numbers included; while a
 * function of this file runs, the exponent range of MPFR is a double's. */
#ifndef BOUND_DIRECTED_H
#define BOUND_DIRECTED_H

#include "interval.h"

/* Norms without a word are spectral, by the formula (||(A^T A)^(2^k)||_F)^(1/2^(k+1)), k = 6: at
 * least the norm, so that the upper ends bound it; the lower ends may lie above the norm, by a
 * factor of at most columns^(1/2^(k+2)). */
struct bound_directed {
    int known; /* 0: an entry, or an end of an interval, is not finite */
    struct bound_interval W_Q, W_K, W_V, W_V_frobenius;
    struct bound_interval M; /* ||scale W_Q W_K^T|| */
    struct bound_interval Y, Y_frobenius;
    struct bound_interval S, S_frobenius;
    struct bound_interval S_centred;                   /* sqrt(||S||_F^2 - 1) */
    struct bound_interval row_max_least, row_max_most; /* the extremes over i of max_j r_ij */
    struct bound_interval entropy, entropy_least;      /* S_q(r_i): mean over the rows, least */
    struct bound_interval lambda;                      /* min(1/2, max_i min(g1(r_i), S_2(r_i))) */
    struct bound_interval static_term;                 /* 2 |scale| ||W_Q|| ||W_K|| */
    struct bound_interval dynamic_term;                /* sqrt(sum_i (sum_j r_ij^q)^(2/q)) */
    struct bound_interval printed;                     /* NOT a bound of anything */
    struct bound_interval A, A_lambda;
    struct bound_interval A_prime; /* of the map S^T Y W_V alone */
    struct bound_interval B;       /* of the map S Y W_V alone, in the norm max_i |D_i| */
};

/* Y n x d, weights d x d, n >= 1, d >= 1, matrices that an int can count; 1 < q <= 2. Where memory
 * is missing nothing is known. */
void bound_directed(struct bound_directed *, const double *Y, const double *W_Q, const double *W_K,
                    const double *W_V, double scale, double q, int n, int d);

/* Theorem C, of the iteration Z <- S^T (X + Z) W_V on ||Z||_F <= rho - ||X||_F. */
struct bound_directed_contraction {
    enum bound_answer holds;      /* image <= rho and rate < 1? Undecided for rho < 0 */
    struct bound_interval spread; /* E: how far two logits of a row are apart at most */
    struct bound_interval image;  /* ||W_V|| cosh(E/2) rho + ||X||_F */
    struct bound_interval rate;
};

/* M, W_V, X: enclosures of ||M||, ||W_V||, ||X||_F; n >= 1. */
void bound_directed_contraction(struct bound_directed_contraction *, struct bound_interval M,
                                struct bound_interval W_V, struct bound_interval X, double rho,
                                int n);

#endif
