/* bound.h - the contraction bound of theorem 3.2.1 and its corrected forms [theorem.md] at one
 * state: Y = X + Z is n x d, the weights are d x d, r_i is row i of S = softmax of the logits a_ij
 * = scale (y_i W_Q) . (y_j W_K); no mask. Any n and d whose matrices an int can count.
 *
 * In doubles: nothing is rounded in a direction, so that a comparison with 1 proves nothing. The
 * enclosures of proofs/bound do that; these are the values that they have to contain. */
#ifndef EER_REF_BOUND_H
#define EER_REF_BOUND_H

#include "contracts.h"

/* Norms without a word are spectral, from above (ref_spectral_norm). */
struct ref_bound {
    int known; /* 0: an input or a result is not finite, and no member says anything */
    double W_Q, W_K, W_V, W_V_frobenius;
    double M; /* ||scale W_Q W_K^T|| */
    double Y, Y_frobenius;
    double S, S_frobenius;
    double S_centred;                   /* ||S (I - 1 1^T / n)||_F = sqrt(||S||_F^2 - 1) */
    double row_max_least, row_max_most; /* the extremes over i of max_j r_ij */
    double entropy, entropy_least;      /* S_q(r_i): the mean over the rows, the least */
    double lambda;       /* min(1/2, max_i min(g1(r_i), S_2(r_i))): at least every ||J_i|| */
    double static_term;  /* 2 |scale| ||W_Q|| ||W_K||, as printed */
    double dynamic_term; /* sqrt(sum_i (1 - (q-1) S_q(r_i))^(2/q)), as printed */
    double printed;      /* (static + dynamic) ||W_V||_F; NOT a bound of anything */
    double A, A_lambda;  /* theorem A with lambda = 1/2 and with lambda */
    double A_prime;      /* of the map S^T Y W_V alone */
    double B;            /* of the map S Y W_V alone, in the norm max_i |D_i| */
};

/* Memory, each array in a block of its own. */
struct ref_bound_work {
    double *Q, *K; /* n x d: queries, keys */
    double *S;     /* n x n */
    double *M;     /* d x d */
    double *G, *H; /* m x m, m = max(n, d) */
    double *row;   /* m */
};

/* Theorem C, of the iteration Z <- S^T (X + Z) W_V. */
struct ref_contraction {
    int known;     /* 0: something is not finite, and no member says anything */
    int holds;     /* 1: image <= rho and rate < 1, as doubles */
    double spread; /* D: how far two logits of a row are apart at most */
    double image;  /* ||W_V|| cosh(D/2) rho + ||X||_F */
    double rate;   /* of the contraction */
};

/*@ logic integer wider(integer n, integer d) = n < d ? d : n;
    predicate bound_sizes(integer n, integer d) =
      1 <= n && 1 <= d && size(n, d) && size(n, n) && size(d, d);
    // the block of memory at base holds none of the arrays
    predicate bound_apart{L}(struct ref_bound_work *k, char *base) =
      \base_addr(k->Q) != base && \base_addr(k->K) != base && \base_addr(k->S) != base &&
      \base_addr(k->M) != base && \base_addr(k->G) != base && \base_addr(k->H) != base &&
      \base_addr(k->row) != base;
    predicate bound_memory{L}(struct ref_bound_work *k, integer n, integer d) =
      \valid_read(k) && writable(k->Q, n * d) && writable(k->K, n * d) &&
      writable(k->S, n * n) && writable(k->M, d * d) &&
      writable(k->G, wider(n, d) * wider(n, d)) && writable(k->H, wider(n, d) * wider(n, d)) &&
      writable(k->row, wider(n, d)) &&
      distinct(k->Q, k->K) && distinct(k->Q, k->S) && distinct(k->Q, k->M) &&
      distinct(k->Q, k->G) && distinct(k->Q, k->H) && distinct(k->Q, k->row) &&
      distinct(k->K, k->S) && distinct(k->K, k->M) && distinct(k->K, k->G) &&
      distinct(k->K, k->H) && distinct(k->K, k->row) && distinct(k->S, k->M) &&
      distinct(k->S, k->G) && distinct(k->S, k->H) && distinct(k->S, k->row) &&
      distinct(k->M, k->G) && distinct(k->M, k->H) && distinct(k->M, k->row) &&
      distinct(k->G, k->H) && distinct(k->G, k->row) && distinct(k->H, k->row); */

/* --- a row r of n numbers ----------------------------------------------------------------------
 */

/* x - x^q without the difference: x (1 - e^((q-1) log x)) */
/*@ requires REAL(0 <= x <= 1 && 1 < q);
    terminates \true;
    assigns \nothing;
    ensures loss: REAL(\result == entropy_loss(x, q));
    ensures sign: REAL(\result >= 0); */
double ref_entropy_loss(double x, double q);

/* S_q(r) as (sum_j r_j - r_j^q) / (q - 1), a sum of numbers >= 0: it loses no digits for q near 1
 * or r near one hot, as 1 - sum_j r_j^q does (ref_tsallis) */
/*@ requires n >= 0 && readable(r, n);
    requires REAL(is_unit(r, n) && 1 < q);
    terminates \true;
    assigns \nothing;
    ensures entropy: REAL(\result == entropy(r, q, n));
    ensures tsallis: REAL(sum(r, n) == 1 ==> \result == tsallis(r, q, n));
    ensures sign: REAL(\result >= 0); */
double ref_entropy(const double *r, double q, int n);

/* sum_j r_j^q = 1 - (q-1) S_q(r) */
/*@ requires n >= 0 && readable(r, n);
    requires REAL(is_unit(r, n));
    terminates \true;
    assigns \nothing;
    ensures powers: REAL(\result == powers(r, q, n));
    ensures sign: REAL(\result >= 0); */
double ref_sum_of_powers(const double *r, double q, int n);

/* min(g1(r), S_2(r)), at least ||diag(r) - r r^T||: g1 = r_(1) (1 - r_(1) + r_(2)) of the largest
 * two, S_2 = sum_j r_j (1 - r_j) */
/*@ requires n >= 0 && readable(r, n);
    requires REAL(is_unit(r, n));
    terminates \true;
    assigns \nothing;
    ensures lambda: REAL(\result == row_lambda(r, n)); */
double ref_row_lambda(const double *r, int n);

/* sum_j (r_j - mean)^2 */
/*@ requires n >= 0 && readable(r, n);
    terminates \true;
    assigns \nothing;
    ensures squares: REAL(\result == squares(r, mean, n));
    ensures sign: REAL(\result >= 0); */
double ref_squares(const double *r, double mean, int n);

/* --- the rows of S, n x n ----------------------------------------------------------------------
 */

/* least and most = the extremes over i of max_j r_ij */
/*@ requires n >= 1 && size(n, n) && readable(S, n * n);
    requires \valid(least) && \valid(most) && \separated(least, most);
    requires \separated(least, S + (0 .. n * n - 1)) && \separated(most, S + (0 .. n * n - 1));
    terminates \true;
    assigns *least, *most;
    ensures order: REAL(0 <= *least <= *most); */
void ref_row_maxima(double *least, double *most, const double *S, int n);

/* The mean over i of S_q(r_i). */
/*@ requires n >= 1 && size(n, n) && readable(S, n * n);
    requires REAL(unit_rows(S, n, n) && 1 < q);
    terminates \true;
    assigns \nothing;
    ensures mean: REAL(\result == over(entropies(S, q, n, n), n));
    ensures sign: REAL(\result >= 0); */
double ref_mean_entropy(const double *S, double q, int n);

/* min_i S_q(r_i) */
/*@ requires n >= 1 && size(n, n) && readable(S, n * n);
    requires REAL(unit_rows(S, n, n) && 1 < q);
    terminates \true;
    assigns \nothing;
    ensures below: REAL(\forall integer i; 0 <= i < n ==> \result <= entropy(row_of(S, n, i), q,
      n));
    ensures attained: REAL(\exists integer i; 0 <= i < n &&
      \result == entropy(row_of(S, n, i), q, n)); */
double ref_least_entropy(const double *S, double q, int n);

/* min(1/2, max_i min(g1(r_i), S_2(r_i))) */
/*@ requires n >= 1 && size(n, n) && readable(S, n * n);
    requires REAL(unit_rows(S, n, n));
    terminates \true;
    assigns \nothing;
    ensures lambda: REAL(\result == smaller(0.5, lambdas(S, n, n)));
    ensures range: REAL(0 <= \result <= 0.5); */
double ref_lambda(const double *S, int n);

/* sqrt(sum_i (sum_j r_ij^q)^(2/q)) */
/*@ requires n >= 1 && size(n, n) && readable(S, n * n);
    requires REAL(unit_rows(S, n, n));
    terminates \true;
    assigns \nothing;
    ensures root: REAL(\result == \sqrt(dynamic_terms(S, q, n, n)));
    ensures sign: REAL(\result >= 0); */
double ref_dynamic_term(const double *S, double q, int n);

/* sqrt(sum_ij (r_ij - 1/n)^2) = sqrt(||S||_F^2 - 1), because each row sums to 1 */
/*@ requires n >= 1 && size(n, n) && readable(S, n * n);
    terminates \true;
    assigns \nothing;
    ensures root: REAL(\result == \sqrt(spreads(S, over(1.0, n), n, n)));
    ensures sign: REAL(\result >= 0); */
double ref_centred_norm(const double *S, int n);

/* --- bounds from norms -------------------------------------------------------------------------
 */

/* 2 |scale| ||W_Q|| ||W_K|| */
/*@ terminates \true;
    assigns \nothing;
    ensures term: REAL(\result == static_term(scale, W_Q, W_K)); */
double ref_static_term(double scale, double W_Q, double W_K);

/* The printed formula: (static + dynamic) ||W_V||_F. */
/*@ terminates \true;
    assigns \nothing;
    ensures printed: REAL(\result == printed_bound(static_term, dynamic_term, W_V)); */
double ref_printed_bound(double static_term, double dynamic_term, double W_V);

/* 2 lambda ||Y||^2 ||M||: what bounds the change of S. */
/*@ terminates \true;
    assigns \nothing;
    ensures term: REAL(\result == softmax_term(lambda, Y, M)); */
double ref_softmax_term(double lambda, double Y, double M);

/* Theorem A: (2 lambda ||Y||^2 ||M|| + ||S||) ||W_V||. */
/*@ terminates \true;
    assigns \nothing;
    ensures bound: REAL(\result == bound_A(lambda, Y, M, S, W_V)); */
double ref_bound_A(double lambda, double Y, double M, double S, double W_V);

/* Theorem A': ||W_V|| sqrt(1 + (2 lambda ||Y||^2 ||M|| + ||S_centred||_F)^2). */
/*@ terminates \true;
    assigns \nothing;
    ensures bound: REAL(\result == bound_A_prime(lambda, Y, M, centred, W_V)); */
double ref_bound_A_prime(double lambda, double Y, double M, double centred, double W_V);

/* Theorem B: ||W_V|| max_i (1 + ||M|| (R^2 - |mu_i|^2) + ||M|| R sqrt(R^2 - |mu_i|^2)), R = max_i
 * |y_i|, mu_i = r_i Y. mean: memory of d. */
/*@ requires bound_sizes(n, d) && writable(mean, d) && readable(S, n * n) && readable(Y, n * d);
    requires apart(mean, d, S, n * n) && apart(mean, d, Y, n * d);
    terminates \true;
    assigns mean[0 .. d - 1]; */
double ref_bound_B(double *mean, const double *S, const double *Y, double M, double W_V, int n,
                   int d);

/* max_i |y_i| */
/*@ requires size(n, d) && readable(Y, n * d);
    terminates \true;
    assigns \nothing;
    ensures sign: REAL(\result >= 0); */
double ref_largest_row(const double *Y, int n, int d);

/* --- all of them -------------------------------------------------------------------------------
 */

/* S; Q, K: n x d, row: memory of n */
/*@ requires bound_sizes(n, d) && writable(S, n * n) && writable(Q, n * d) && writable(K, n * d);
    requires writable(row, n);
    requires readable(Y, n * d) && readable(W_Q, d * d) && readable(W_K, d * d);
    requires distinct(S, Q) && distinct(S, K) && distinct(S, row) && distinct(Q, K) &&
      distinct(Q, row) && distinct(K, row);
    requires distinct(S, Y) && distinct(Q, Y) && distinct(K, Y) && distinct(row, Y);
    requires distinct(S, W_Q) && distinct(Q, W_Q) && distinct(K, W_Q) && distinct(row, W_Q);
    requires distinct(S, W_K) && distinct(Q, W_K) && distinct(K, W_K) && distinct(row, W_K);
    terminates \true;
    assigns S[0 .. n * n - 1], Q[0 .. n * d - 1], K[0 .. n * d - 1], row[0 .. n - 1];
    ensures distributions: REAL(distributions(S, n, n)); */
void ref_attention_matrix(double *S, double *Q, double *K, double *row, const double *Y,
                          const double *W_Q, const double *W_K, double scale, int n, int d);

/* What follows from the rows of S alone. */
/*@ requires n >= 1 && size(n, n) && readable(S, n * n) && \valid(b);
    requires \separated(b, S + (0 .. n * n - 1));
    requires REAL(unit_rows(S, n, n) && 1 < q);
    terminates \true;
    assigns b->row_max_least, b->row_max_most, b->entropy, b->entropy_least, b->lambda,
            b->dynamic_term, b->S_centred, b->S_frobenius;
    ensures lambda: REAL(b->lambda == smaller(0.5, lambdas{Pre}(S, n, n)));
    ensures dynamic: REAL(b->dynamic_term == \sqrt(dynamic_terms{Pre}(S, q, n, n))); */
void ref_bound_rows(struct ref_bound *b, const double *S, double q, int n);

/* The norms of the weights, of Y and of S = work->S. */
/*@ requires bound_sizes(n, d) && \valid(b) && bound_memory(work, n, d);
    requires readable(Y, n * d) && readable(W_Q, d * d) && readable(W_K, d * d);
    requires readable(W_V, d * d);
    requires bound_apart(work, \base_addr(b)) && bound_apart(work, \base_addr(Y));
    requires bound_apart(work, \base_addr(W_Q)) && bound_apart(work, \base_addr(W_K));
    requires bound_apart(work, \base_addr(W_V));
    requires \base_addr(b) != \base_addr(Y) && \base_addr(b) != \base_addr(W_Q) &&
      \base_addr(b) != \base_addr(W_K) && \base_addr(b) != \base_addr(W_V);
    terminates \true;
    assigns b->W_Q, b->W_K, b->W_V, b->W_V_frobenius, b->M, b->Y, b->Y_frobenius, b->S,
            work->M[0 .. d * d - 1], work->G[0 .. wider(n, d) * wider(n, d) - 1],
            work->H[0 .. wider(n, d) * wider(n, d) - 1], work->row[0 .. wider(n, d) - 1]; */
void ref_bound_norms(struct ref_bound *b, struct ref_bound_work *work, const double *Y,
                     const double *W_Q, const double *W_K, const double *W_V, double scale, int n,
                     int d);

/* 1 if every member is finite, else 0. */
/*@ requires \valid_read(b);
    terminates \true;
    assigns \nothing;
    ensures \result == 0 || \result == 1; */
int ref_bound_finite(const struct ref_bound *b);

/* Everything. 1 < q <= 2. */
/*@ requires bound_sizes(n, d) && \valid(b) && bound_memory(work, n, d);
    requires readable(Y, n * d) && readable(W_Q, d * d) && readable(W_K, d * d);
    requires readable(W_V, d * d);
    requires bound_apart(work, \base_addr(b)) && bound_apart(work, \base_addr(Y));
    requires bound_apart(work, \base_addr(W_Q)) && bound_apart(work, \base_addr(W_K));
    requires bound_apart(work, \base_addr(W_V));
    requires \base_addr(b) != \base_addr(Y) && \base_addr(b) != \base_addr(W_Q) &&
      \base_addr(b) != \base_addr(W_K) && \base_addr(b) != \base_addr(W_V);
    requires \base_addr(b) != \base_addr(work);
    requires REAL(1 < q);
    terminates \true;
    assigns *b, work->Q[0 .. n * d - 1], work->K[0 .. n * d - 1], work->S[0 .. n * n - 1],
            work->M[0 .. d * d - 1], work->G[0 .. wider(n, d) * wider(n, d) - 1],
            work->H[0 .. wider(n, d) * wider(n, d) - 1], work->row[0 .. wider(n, d) - 1];
    ensures known: b->known == 0 || b->known == 1;
    ensures static: REAL(b->static_term == static_term(scale, b->W_Q, b->W_K));
    ensures printed: REAL(b->printed ==
      printed_bound(b->static_term, b->dynamic_term, b->W_V_frobenius));
    ensures A: REAL(b->A == bound_A(0.5, b->Y, b->M, b->S, b->W_V));
    ensures A_lambda: REAL(b->A_lambda == bound_A(b->lambda, b->Y, b->M, b->S, b->W_V));
    ensures A_prime: REAL(b->A_prime ==
      bound_A_prime(b->lambda, b->Y, b->M, b->S_centred, b->W_V)); */
void ref_bound(struct ref_bound *b, struct ref_bound_work *work, const double *Y, const double *W_Q,
               const double *W_K, const double *W_V, double scale, double q, int n, int d);

/* cosh(x) */
/*@ terminates \true;
    assigns \nothing;
    ensures cosine: REAL(\result == hyperbolic_cosine(x)); */
double ref_cosh(double x);

/* sinh(x) */
/*@ terminates \true;
    assigns \nothing;
    ensures sine: REAL(\result == hyperbolic_sine(x)); */
double ref_sinh(double x);

/* 1 / (1 + (n-1) e^-D): no entry of a row of n is larger if its logits differ by at most D */
/*@ requires n >= 1;
    terminates \true;
    assigns \nothing;
    ensures limit: REAL(\result == entry_limit(spread, n)); */
double ref_entry_limit(double spread, int n);

/* Theorem C: with D = (1 + sqrt 2) / 2 ||M|| rho^2 and lambda = min(1/2, 1 / (1 + (n-1) e^-D)),
 *   image = ||W_V|| cosh(D/2) rho + ||X||_F <= rho,
 *   rate = ||W_V|| sqrt(1 + (2 lambda ||M|| rho^2 + sinh(D/2))^2) < 1. */
/*@ requires n >= 1 && \valid(c);
    terminates \true;
    assigns *c;
    ensures known: c->known == 0 || c->known == 1;
    ensures holds: c->holds == 0 || c->holds == 1;
    ensures unknown: c->known == 0 ==> c->holds == 0;
    ensures spread: REAL(c->spread == logit_spread(M, rho));
    ensures image: REAL(c->image == W_V * hyperbolic_cosine(c->spread / 2) * rho + X);
    ensures rate: REAL(c->rate == bound_A_prime(smaller(0.5, entry_limit(c->spread, n)), rho, M,
      hyperbolic_sine(c->spread / 2), W_V));
    ensures condition: REAL(c->holds == 1 ==> c->image <= rho && c->rate < 1); */
void ref_theorem_C(struct ref_contraction *c, double M, double W_V, double X, double rho, int n);

#endif
