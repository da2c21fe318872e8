/* attention.h - attention of row i on the n keys that it sees, which are always the first n
 * [3.3, 5.4]: q_i 1 x d, k and v n x d, s and p 1 x n. */
#ifndef EER_REF_ATTENTION_H
#define EER_REF_ATTENTION_H

#include "contracts.h"

/* n: how many of the N keys row i sees */
/*@ requires 0 <= i < N;
    terminates \true;
    assigns \nothing;
    ensures keys: \result == (mask == EER_MASK_CAUSAL ? i + 1 : N);
    ensures range: 1 <= \result <= N; */
int ref_keys(enum eer_mask mask, int i, int N);

/* tau sqrt d */
/*@ requires sizes(c);
    terminates \true;
    assigns \nothing;
    ensures scale: REAL(\result == scale(c));
    ensures positive: REAL(c->tau > 0 ==> \result > 0); */
double ref_scale(const struct eer_config *c);

/* s_j -= slope |i - j| */
/*@ requires i >= 0 && n >= 0 && writable(s, n);
    terminates \true;
    assigns s[0 .. n - 1];
    ensures slope: REAL(\forall integer j; 0 <= j < n ==>
      s[j] == \old(s[j]) - away(slope, i, j)); */
void ref_subtract_slope(double *s, double slope, int i, int n);

/* s_j = q_i . k_j / (tau sqrt d) - slope |i - j| */
/*@ requires sizes(c) && i >= 0 && rows(n);
    requires writable(s, n) && readable(q_i, c->d) && readable(k, n * c->d);
    requires apart(s, n, q_i, c->d) && apart(s, n, k, n * c->d);
    requires \base_addr(s) != \base_addr(c);
    terminates \true;
    assigns s[0 .. n - 1];
    ensures scores: REAL(\forall integer j; 0 <= j < n ==> s[j] == score{Pre}(q_i, k, c, i, j)); */
void ref_scores(double *s, const double *q_i, const double *k, const struct eer_config *c, int i,
                int n);

/* f = sum_j p_j v_j, p = softmax(s), of the scores s; returns the potential */
/*@ requires sizes(c) && i >= 0 && rows(n);
    requires writable(f, c->d) && writable(p, n) && writable(s, n);
    requires readable(q_i, c->d) && readable(k, n * c->d) && readable(v, n * c->d);
    requires distinct(f, p) && distinct(f, s) && distinct(f, v) && distinct(p, s) &&
      distinct(p, v);
    requires distinct(s, q_i) && distinct(s, k) && distinct(s, v) && distinct(f, q_i);
    requires \base_addr(s) != \base_addr(c) && \base_addr(p) != \base_addr(c);
    terminates \true;
    assigns f[0 .. c->d - 1], p[0 .. n - 1], s[0 .. n - 1];
    ensures scores: REAL(\forall integer j; 0 <= j < n ==> s[j] == score{Pre}(q_i, k, c, i, j));
    ensures distribution: REAL(is_distribution(p, n));
    ensures softmax: REAL(\forall integer top; 0 <= top < n && is_first_largest(s, n, top) ==>
      is_softmax{Post, Post}(p, s, s[top], n) && \result == \log(exponentials(s, s[top], n)));
    ensures values: REAL(is_row{Post, Post}(f, p, v, n, c->d));
    ensures sign: REAL(\result >= 0); */
double ref_attention(double *f, double *p, double *s, const double *q_i, const double *k,
                     const double *v, const struct eer_config *c, int i, int n);

/* dq_i = derivative; dv += its, dk += its times tau sqrt d; dp, ds, pq: memory of n.
 * df: of f; top: the first largest score; weight_P, weight_S: of this row's potential and S_i,t */
/*@ requires sizes(c) && rows(n) && 0 <= top < n;
    requires writable(dq_i, c->d) && writable(dk, n * c->d) && writable(dv, n * c->d);
    requires writable(dp, n) && writable(ds, n) && writable(pq, n);
    requires readable(df, c->d) && readable(q_i, c->d) && readable(k, n * c->d);
    requires readable(v, n * c->d) && readable(p, n);
    requires REAL(\forall integer j; 0 <= j < n ==> p[j] >= 0);
    requires dp_apart: distinct(dp, df) && distinct(dp, v) && distinct(dp, p) &&
      distinct(dp, ds) &&
      distinct(dp, dv) && distinct(dp, k) && distinct(dp, q_i) && distinct(dp, dk);
    requires dv_apart: distinct(dv, df) && distinct(dv, p) && distinct(dv, k) &&
      distinct(dv, q_i) && distinct(dv, dk) && distinct(dv, dq_i);
    requires ds_apart: distinct(ds, p) && distinct(ds, pq) && distinct(ds, k) &&
      distinct(ds, dk) &&
      distinct(ds, q_i) && distinct(ds, dv) && distinct(ds, dq_i) && distinct(ds, df);
    requires pq_apart: distinct(pq, p) && distinct(pq, dp) && distinct(pq, dv) &&
      distinct(pq, k) && distinct(pq, q_i) && distinct(pq, dk) && distinct(pq, dq_i) &&
      distinct(pq, df);
    requires dq_apart: distinct(dq_i, k) && distinct(dq_i, q_i) && distinct(dq_i, dk) &&
      distinct(dq_i, p) && distinct(dq_i, dp) && distinct(dq_i, df);
    requires dk_apart: distinct(dk, q_i) && distinct(dk, k) && distinct(dk, p) && distinct(dk, df);
    requires c_apart: \base_addr(dp) != \base_addr(c) && \base_addr(dv) != \base_addr(c) &&
      \base_addr(ds) != \base_addr(c) && \base_addr(pq) != \base_addr(c) &&
      \base_addr(dq_i) != \base_addr(c) && \base_addr(dk) != \base_addr(c);
    terminates \true;
    assigns dq_i[0 .. c->d - 1], dk[0 .. n * c->d - 1], dv[0 .. n * c->d - 1], dp[0 .. n - 1],
            ds[0 .. n - 1], pq[0 .. n - 1];
    ensures dp: REAL(is_row_nt{Post, Pre}(dp, df, v, n, c->d));
    ensures dv: REAL(\forall integer j; 0 <= j < n ==>
      is_multiple_added{Post, Pre}(row_of(dv, c->d, j), p[j], df, c->d));
    ensures ds: REAL(\forall integer j; 0 <= j < n ==>
      ds[j] == softmax_slope(p, dp, n, j) + potential_slope(p, top, weight_P, j) +
               tsallis_slope(p, c->q, weight_S, n, j));
    ensures dq: REAL(\forall integer x; 0 <= x < c->d ==>
      dq_i[x] == over(row_column(ds, k, c->d, x, n), scale(c)));
    ensures dk: REAL(\forall integer j; 0 <= j < n ==>
      is_multiple_added{Post, Pre}(row_of(dk, c->d, j), ds[j], q_i, c->d)); */
void ref_attention_backward(double *dq_i, double *dk, double *dv, double *dp, double *ds,
                            double *pq, const double *df, const double *q_i, const double *k,
                            const double *v, const double *p, const struct eer_config *c, int top,
                            double weight_P, double weight_S, int n);

#endif
