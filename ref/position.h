/* position.h - the input X, N x d: embedding plus position [3.1], and its derivative [5.6]. */
#ifndef EER_REF_POSITION_H
#define EER_REF_POSITION_H

#include "contracts.h"

/* PE(i) by pairs: entries 2k and 2k + 1. */
/*@ logic real angle(integer i, integer k, integer d) = i / power(10000.0, 2.0 * k / d);

    logic real even{L}(double *x, integer k) = x[2 * k];
    logic real odd{L}(double *x, integer k) = x[2 * k + 1];

    logic real with_sine(real x, integer i, real pe_scale, integer k, integer d) =
      x + pe_scale * \sin(angle(i, k, d));
    logic real with_cosine(real x, integer i, real pe_scale, integer k, integer d) =
      x + pe_scale * \cos(angle(i, k, d));

    // the first n pairs of x at L1 are those of e at L2 plus the position
    predicate is_positioned{L1, L2}(double *x, double *e, integer i, real pe_scale, integer n,
                                    integer d) =
      \forall integer k; 0 <= k < n ==>
        even{L1}(x, k) == with_sine(even{L2}(e, k), i, pe_scale, k, d) &&
        odd{L1}(x, k) == with_cosine(odd{L2}(e, k), i, pe_scale, k, d);

    predicate same_pairs{L1, L2}(double *x, integer k, integer n) =
      \forall integer l; k <= l < n ==>
        even{L1}(x, l) == even{L2}(x, l) && odd{L1}(x, l) == odd{L2}(x, l);

    logic integer embedding_row{L}(int *tokens, integer i, struct eer_config *c) =
      i < c->bos ? c->vocab : tokens[i - c->bos]; */

/* x += pe_scale PE(i), d even */
/*@ requires d >= 2 && d % 2 == 0 && i >= 0 && writable(x, d);
    terminates \true;
    assigns x[0 .. d - 1];
    ensures position: REAL(is_positioned{Post, Pre}(x, x, i, pe_scale, d / 2, d)); */
void ref_add_position(double *x, int i, double pe_scale, int d);

/* The row of E that row i of the state starts from; tokens: N - bos */
/*@ requires sizes(c) && i >= 0 && (i >= c->bos ==> \valid_read(tokens + (i - c->bos)));
    terminates \true;
    assigns \nothing;
    ensures row: \result == embedding_row(tokens, i, c); */
int ref_embedding_row(const int *tokens, int i, const struct eer_config *c);

/* x = e + pe_scale PE(i) */
/*@ requires d >= 2 && d % 2 == 0 && i >= 0 && writable(x, d) && readable(e, d);
    requires apart(x, d, e, d);
    terminates \true;
    assigns x[0 .. d - 1];
    ensures position: REAL(is_positioned{Post, Pre}(x, e, i, pe_scale, d / 2, d)); */
void ref_input_row(double *x, const double *e, int i, double pe_scale, int d);

/* X_i = E[row i] + pe_scale PE(i) */
/*@ requires sizes(c) && rows(N) && N >= c->bos && tokens_valid(tokens, N - c->bos, c);
    requires writable(X, N * c->d) && readable(E, (c->vocab + c->bos) * c->d);
    requires apart(X, N * c->d, E, (c->vocab + c->bos) * c->d);
    requires \separated(X + (0 .. N * c->d - 1), c, tokens + (0 .. N - c->bos - 1));
    terminates \true;
    assigns X[0 .. N * c->d - 1];
    ensures input: REAL(\forall integer i; 0 <= i < N ==>
      is_positioned{Post, Pre}(row_of(X, c->d, i),
        row_of(E, c->d, embedding_row{Pre}(tokens, i, c)), i, c->pe_scale, c->d / 2, c->d)); */
void ref_input(double *X, const double *E, const int *tokens, const struct eer_config *c, int N);

/* Column j of the sum of the first n rows of dX whose token has row r. */
/*@ logic real row_entry_if{L}(double *dX, int *tokens, struct eer_config *c, integer r, integer j,
                               integer i) =
      embedding_row(tokens, i, c) == r ? entry(dX, c->d, i, j) : 0.0;

    logic real embedding_slope{L}(double *dX, int *tokens, struct eer_config *c, integer r,
                                  integer j, integer n) =
      n <= 0 ? 0.0 : embedding_slope(dX, tokens, c, r, j, n - 1) +
                     row_entry_if(dX, tokens, c, r, j, n - 1);

    predicate is_embedding_slope{L1, L2}(double *dE, double *dX, int *tokens, struct eer_config *c,
                                         integer r, integer d, integer n) =
      \forall integer j; 0 <= j < d ==> entry{L1}(dE, d, r, j) ==
        entry{L2}(dE, d, r, j) + embedding_slope{L2}(dX, tokens, c, r, j, n); */

/* dE[row i] += dX_i */
/*@ requires sizes(c) && rows(N) && N >= c->bos && tokens_valid(tokens, N - c->bos, c);
    requires writable(dE, (c->vocab + c->bos) * c->d) && readable(dX, N * c->d);
    requires apart(dX, N * c->d, dE, (c->vocab + c->bos) * c->d);
    requires \separated(dE + (0 .. (c->vocab + c->bos) * c->d - 1), c,
                        tokens + (0 .. N - c->bos - 1));
    terminates \true;
    assigns dE[0 .. (c->vocab + c->bos) * c->d - 1];
    ensures sums: REAL(\forall integer r; 0 <= r < c->vocab + c->bos ==>
      is_embedding_slope{Post, Pre}(dE, dX, tokens, c, r, c->d, N)); */
void ref_input_backward(double *dE, const double *dX, const int *tokens, const struct eer_config *c,
                        int N);

#endif
