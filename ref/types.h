/* types.h - the structures of ref. */
#ifndef EER_REF_TYPES_H
#define EER_REF_TYPES_H

#include "../spec/backend.h"

/* The tensors of theta, or of its gradient; shapes in spec/layout.h. */
struct ref_tensors {
    double *E;
    double *W_Q, *W_K, *W_V;
    double *gain_1, *bias_1, *gain_2, *bias_2;
    double *W_1, *b_1, *W_2, *b_2;
    double *gain_f, *bias_f;
    double *W_O, *b_O;
};

/* Factors of the derivatives of the parts of the loss, [5.1] and [5.4]. */
struct ref_slopes {
    double kinetic;   /* lambda_K / B */
    double potential; /* lambda_P / (B N T) */
    double penalty;   /* lambda_S / (B N T) */
};

/* Memory for one sequence of N rows. What one row needs is on the stack of the functions of a row:
 * its sizes have small bounds (spec/config.h). */
struct ref_work {
    /* forward */
    double *X;          /* N x d */
    double *Z;          /* (T+1) x N x d: Z_0 .. Z_T; without gradient 2 x N x d */
    double *R;          /* T x N x d: Z + A of each iteration; without gradient N x d */
    double *Y;          /* N x d: what attention reads */
    double *Q, *K, *V;  /* N x d: queries, keys, values */
    double *potential;  /* N: sum over t of -log max_j p_ij */
    double *entropy;    /* N: sum over t of S_i,t */
    double *s, *p, *pq; /* N: scores of a row, their softmax, its powers p^q */
    /* backward */
    double *dZ, *dX, *dR, *dY, *dQ, *dK, *dV; /* N x d */
    double *product;                          /* N x d: one summand of dY */
    double *sigma;                            /* N: sign(mean S_i - eta) */
    double *dp, *ds;                          /* N */
};

#endif
