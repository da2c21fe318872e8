/* attention.h - one attention map at one state, in balls (Arb): the quantities of theorem 3.2.1 and
 * of its corrected forms (spec/theorem.md). Y = X + Z is n x d; all logits are a_ij = scale (y_i
 * W_Q) . (y_j W_K) - slope |i - j|, r_i = row i of S = softmax of the logits that row i sees. */
#ifndef BOUND_ATTENTION_H
#define BOUND_ATTENTION_H

#include <arb_mat.h>

#include "strict.h"

enum bound_map {
    BOUND_MAP_ST, /* F = S^T Y W_V, as theorem 3.2.1 prints it */
    BOUND_MAP_S,  /* F = S Y W_V, as section 5 trains it */
};

struct bound_attention {
    int n, d;
    enum bound_map map;
    int causal; /* row i sees the keys j <= i; else all */
    arb_t scale, slope;
    arb_mat_t Y;             /* n x d */
    arb_mat_t W_Q, W_K, W_V; /* d x d */
};

/* All entries 0, scale 1, no slope, no mask. */
void bound_attention_init(struct bound_attention *, int n, int d);
void bound_attention_clear(struct bound_attention *);

/* The logits a_ij of all pairs, seen or not, n x n. */
void bound_logits(arb_mat_t A, const struct bound_attention *, slong precision);

/* S, n x n: probabilities within [0, 1]; exactly 0 where row i does not see key j. An interval that
 * holds no number stays one: NaN in, NaN out. */
void bound_softmax(arb_mat_t S, const struct bound_attention *, slong precision);

enum { BOUND_INDICES = 4 }; /* q = 1.25, 1.5, 1.75, 2 */
extern const double bound_index[BOUND_INDICES];

/* Every member is a ball around the value named; those that bound something say so. */
struct bound_values {
    arb_t W_Q, W_K, W_V; /* spectral norms */
    arb_t W_V_frobenius;
    arb_t M;                           /* ||scale W_Q W_K^T||_2 */
    arb_t Y, Y_frobenius;              /* spectral, Frobenius norm */
    arb_t S, S_frobenius;              /* of the attention matrix */
    arb_t entropy[BOUND_INDICES];      /* mean over the rows of S_q(r_i) */
    arb_t entropy_min[BOUND_INDICES];  /* least of a row */
    arb_t row_max_least, row_max_most; /* the extremes over i of max_j r_ij */
    arb_t lambda;      /* min(1/2, max_i min(g1(r_i), S_2(r_i))), at least every ||J_i||_2 */
    arb_t static_term; /* 2 scale ||W_Q|| ||W_K||, as printed */
    arb_t dynamic_term[BOUND_INDICES]; /* sqrt(sum_i (1 - (q-1) S_q(r_i))^(2/q)), as printed */
    arb_t dynamic_limit;               /* its supremum over q in (1, 2]: sqrt(n) */
    /* The printed formula; NOT a bound of anything. */
    arb_t printed[BOUND_INDICES], printed_limit;
    /* Bounds of ||DF||, corrected (spec/theorem.md): */
    arb_t A_domain[BOUND_INDICES]; /* A on the paper's domain: static constant 4; only where
                                      ||X||_F, ||Z||_F <= 1 */
    arb_t A;                       /* (||Y||^2 ||M|| + ||S||) ||W_V||: theorem A, lambda = 1/2 */
    arb_t A_lambda;                /* (2 lambda ||Y||^2 ||M|| + ||S||) ||W_V|| */
    arb_t A_prime;                 /* the S^T map's alone; infinite for the S map */
    arb_t B; /* the S map's alone, in the norm max_i |D_i|; infinite for the S^T map */
};

void bound_values_init(struct bound_values *);
void bound_values_clear(struct bound_values *);
void bound_values(struct bound_values *, const struct bound_attention *, const arb_mat_t S,
                  slong precision);

/* F, n x d. */
void bound_image(arb_mat_t F, const struct bound_attention *, const arb_mat_t S, slong precision);

/* DF[D] for a direction D, n x d. */
void bound_derivative(arb_mat_t result, const struct bound_attention *, const arb_mat_t S,
                      const arb_mat_t D, slong precision);

/* The Jacobian, (n d) x (n d): column j d + b is DF of the unit direction (j, b), row i d + a its
 * entry (i, a). */
void bound_jacobian(arb_mat_t J, const struct bound_attention *, const arb_mat_t S,
                    slong precision);

/* Above ||J||_2, by the n x n matrix of the spectral norms of its d x d blocks: that matrix's
 * spectral norm, and Schur's sqrt(max row sum * max column sum) of it. */
void bound_block_norms(arb_t norm, arb_t schur, const arb_mat_t J, int d, slong precision);

#endif
