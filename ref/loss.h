/* loss.h - the parts of the loss for a position or a sequence [4], and their derivatives [5.1].
 * The loss takes the mean of the former over the counted positions, of the latter over the
 * batch. */
#ifndef EER_REF_LOSS_H
#define EER_REF_LOSS_H

#include "contracts.h"

/* -log softmax(logits)_label; p = softmax(logits), both 1 x C */
/*@ requires 0 <= label < C && writable(p, C) && readable(logits, C) && apart(p, C, logits, C);
    terminates \true;
    assigns p[0 .. C - 1];
    ensures softmax: REAL(is_distribution(p, C) && \forall integer top; 0 <= top < C &&
      is_first_largest{Pre}(logits, C, top) ==> is_softmax{Post, Pre}(p, logits, \old(logits[top]),
        C));
    ensures formula: REAL(\forall integer top; 0 <= top < C &&
      is_first_largest{Pre}(logits, C, top) ==> \result ==
        \log(exponentials{Pre}(logits, \old(logits[top]), C)) -
        (\old(logits[label]) - \old(logits[top])));
    ensures sign: REAL(\result >= 0); */
double ref_cross_entropy(double *p, const double *logits, int label, int C);

/* dlogits = (p - onehot(label)) / counted */
/*@ requires 0 <= label < C && REAL(counted >= 1);
    requires writable(dlogits, C) && readable(p, C) && apart(dlogits, C, p, C);
    terminates \true;
    assigns dlogits[0 .. C - 1];
    ensures slope: REAL(\forall integer j; 0 <= j < C ==>
      dlogits[j] == over(share_error{Pre}(p, label, j), counted)); */
void ref_cross_entropy_backward(double *dlogits, const double *p, int label, double counted, int C);

/* sum_i |Z_i|, Z N x d */
/*@ requires size(N, d) && readable(Z, N * d);
    terminates \true;
    assigns \nothing;
    ensures formula: REAL(\result == norms(Z, d, N));
    ensures sign: REAL(\result >= 0); */
double ref_sum_of_norms(const double *Z, int N, int d);

/* |x - y|^2 */
/*@ requires n >= 0 && readable(x, n) && readable(y, n);
    terminates \true;
    assigns \nothing;
    ensures formula: REAL(\result == squared_distance(x, y, n));
    ensures sign: REAL(\result >= 0); */
double ref_squared_distance(const double *x, const double *y, int n);

/* sum_t |Z_t - Z_(t-1)|^2, Z (T+1) x size */
/*@ requires size(T + 1, size) && T >= 0 && readable(Z, (T + 1) * size);
    terminates \true;
    assigns \nothing;
    ensures formula: REAL(\result == path(Z, size, T));
    ensures sign: REAL(\result >= 0); */
double ref_path(const double *Z, int T, int size);

/* The kinetic term of a sequence in the configured reading, Z (T+1) x N x d. */
/*@ requires sizes(c) && rows(N) && size(c->loops + 1, N * c->d);
    requires readable(Z, (c->loops + 1) * (N * c->d));
    terminates \true;
    assigns \nothing;
    ensures formula: REAL(\result == kinetic(Z, c, N, N * c->d));
    ensures sign: REAL(\result >= 0); */
double ref_kinetic(const double *Z, const struct eer_config *c, int N);

/* dx += weight x / |x|, nothing at x = 0 */
/*@ requires n >= 0 && writable(dx, n) && readable(x, n) && apart(dx, n, x, n);
    terminates \true;
    assigns dx[0 .. n - 1];
    ensures slope: REAL(is_length_slope_added{Post, Pre}(dx, x, weight, n)); */
void ref_norm_backward(double *dx, const double *x, double weight, int n);

/* The same for each of the N rows. */
/*@ requires size(N, d) && writable(dZ, N * d) && readable(Z, N * d) && apart(dZ, N * d, Z, N * d);
    terminates \true;
    assigns dZ[0 .. N * d - 1];
    ensures slopes: REAL(are_length_slopes_added{Post, Pre}(dZ, Z, weight, N, d)); */
void ref_sum_of_norms_backward(double *dZ, const double *Z, double weight, int N, int d);

/* dZ += weight (Z_t - Z_(t-1)), and before the last iteration weight (Z_t - Z_(t+1)) */
/*@ requires size(T + 1, size) && 1 <= t <= T;
    requires writable(dZ, size) && readable(Z, (T + 1) * size);
    requires apart(dZ, size, Z, (T + 1) * size);
    terminates \true;
    assigns dZ[0 .. size - 1];
    ensures slope: REAL(is_path_slope_added{Post, Pre}(dZ, Z, weight, t, T, size)); */
void ref_path_backward(double *dZ, const double *Z, double weight, int t, int T, int size);

/* dZ (N x d), of Z_t, += weight times the derivative of the sequence's kinetic term */
/*@ requires sizes(c) && rows(N) && size(c->loops + 1, N * c->d) && 1 <= t <= c->loops;
    requires writable(dZ, N * c->d) && readable(Z, (c->loops + 1) * (N * c->d));
    requires apart(dZ, N * c->d, Z, (c->loops + 1) * (N * c->d));
    requires \base_addr(dZ) != \base_addr(c);
    terminates \true;
    assigns dZ[0 .. N * c->d - 1];
    ensures path: REAL(c->kinetic == EER_KINETIC_PATH ==> is_path_slope_added{Post, Pre}(dZ, Z,
      over(weight, 1.0 * N * c->loops), t, c->loops, N * c->d));
    ensures before: REAL(c->kinetic != EER_KINETIC_PATH && t < c->loops ==>
      same{Post, Pre}(dZ, N * c->d));
    ensures norm: REAL(c->kinetic == EER_KINETIC_NORM && t == c->loops ==>
      are_length_slopes_added{Post, Pre}(dZ, row_of(Z, N * c->d, t), over(weight, 2.0 * N), N,
                                         c->d));
    ensures squared: REAL(c->kinetic == EER_KINETIC_SQUARED && t == c->loops ==>
      \forall integer j; 0 <= j < N * c->d ==>
        dZ[j] == \old(dZ[j]) + scaled{Pre}(over(weight, N), row_of(Z, N * c->d, t), j));
    ensures frobenius: REAL(c->kinetic == EER_KINETIC_FROBENIUS && t == c->loops ==>
      is_length_slope_added{Post, Pre}(dZ, row_of(Z, N * c->d, t), weight / 2, N * c->d)); */
void ref_kinetic_backward(double *dZ, const double *Z, const struct eer_config *c, double weight,
                          int t, int N);

/* Mean over the rows of |entropy_i / T - eta|; sigma_i = its sign, 0 at 0.
 * entropy_i: sum over t */
/*@ requires N >= 1 && T >= 1 && writable(sigma, N) && readable(entropy, N);
    requires apart(sigma, N, entropy, N);
    terminates \true;
    assigns sigma[0 .. N - 1];
    ensures signs: REAL(\forall integer i; 0 <= i < N ==>
      sigma[i] == signum(excess{Pre}(entropy, eta, T, i)));
    ensures mean: REAL(\result == over(penalties{Pre}(entropy, eta, T, N), N));
    ensures sign: REAL(\result >= 0); */
double ref_penalty(double *sigma, const double *entropy, double eta, int T, int N);

#endif
