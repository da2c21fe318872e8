/* attention.h - attention of row i on the n keys that it sees, which are always the first n
 * [3.3, 5.4]: q_i 1 x d, k and v n x d, s and p 1 x n. */
#ifndef EER_REF_ATTENTION_H
#define EER_REF_ATTENTION_H

#include "contracts.h"

/* n: how many of the N keys row i sees */
/*@ requires 0 <= i < N;
    terminates \true;
    assigns \nothing;
    ensures \result == (mask == EER_MASK_CAUSAL ? i + 1 : N);
    ensures 1 <= \result <= N; */
int ref_keys(enum eer_mask mask, int i, int N);

/* tau sqrt d */
/*@ requires configured(c);
    terminates \true;
    assigns \nothing;
    ensures positive: \result > 0; */
double ref_scale(const struct eer_config *c);

/* s_j -= slope |i - j| */
/*@ requires i >= 0 && n >= 0 && writable(s, n);
    terminates \true;
    assigns s[0 .. n - 1]; */
void ref_subtract_slope(double *s, double slope, int i, int n);

/* s_j = q_i . k_j / (tau sqrt d) - slope |i - j| */
/*@ requires configured(c) && i >= 0 && rows(n);
    requires writable(s, n) && readable(q_i, c->d) && readable(k, n * c->d);
    requires apart(s, n, q_i, c->d) && apart(s, n, k, n * c->d) && \separated(s + (0 .. n - 1), c);
    terminates \true;
    assigns s[0 .. n - 1]; */
void ref_scores(double *s, const double *q_i, const double *k, const struct eer_config *c, int i,
                int n);

/* f = sum_j p_j v_j, p = softmax(s), of the scores s; returns the potential */
/*@ requires configured(c) && i >= 0 && rows(n);
    requires writable(f, c->d) && writable(p, n) && writable(s, n);
    requires readable(q_i, c->d) && readable(k, n * c->d) && readable(v, n * c->d);
    requires \separated(f + (0 .. c->d - 1), p + (0 .. n - 1), s + (0 .. n - 1), c);
    requires \separated(f + (0 .. c->d - 1), p + (0 .. n - 1), s + (0 .. n - 1),
                        q_i + (0 .. c->d - 1));
    requires \separated(f + (0 .. c->d - 1), p + (0 .. n - 1), s + (0 .. n - 1),
                        k + (0 .. n * c->d - 1));
    requires \separated(f + (0 .. c->d - 1), p + (0 .. n - 1), s + (0 .. n - 1),
                        v + (0 .. n * c->d - 1));
    terminates \true;
    assigns f[0 .. c->d - 1], p[0 .. n - 1], s[0 .. n - 1]; */
double ref_attention(double *f, double *p, double *s, const double *q_i, const double *k,
                     const double *v, const struct eer_config *c, int i, int n);

/* dq_i = derivative; dv += its, dk += its times tau sqrt d; dp, ds, pq: memory of n.
 * df: of f; top: the first largest score; weight_P, weight_S: of this row's potential and S_i,t */
/*@ requires configured(c) && rows(n) && 0 <= top < n;
    requires writable(dq_i, c->d) && writable(dk, n * c->d) && writable(dv, n * c->d);
    requires writable(dp, n) && writable(ds, n) && writable(pq, n);
    requires readable(df, c->d) && readable(q_i, c->d) && readable(k, n * c->d);
    requires readable(v, n * c->d) && readable(p, n);
    requires \forall integer j; 0 <= j < n ==> p[j] >= 0;
    requires \separated(dq_i + (0 .. c->d - 1), dk + (0 .. n * c->d - 1), dv + (0 .. n * c->d - 1),
                        dp + (0 .. n - 1), ds + (0 .. n - 1), pq + (0 .. n - 1),
                        df + (0 .. c->d - 1), q_i + (0 .. c->d - 1), k + (0 .. n * c->d - 1),
                        v + (0 .. n * c->d - 1), p + (0 .. n - 1), c);
    terminates \true;
    assigns dq_i[0 .. c->d - 1], dk[0 .. n * c->d - 1], dv[0 .. n * c->d - 1], dp[0 .. n - 1],
            ds[0 .. n - 1], pq[0 .. n - 1]; */
void ref_attention_backward(double *dq_i, double *dk, double *dv, double *dp, double *ds,
                            double *pq, const double *df, const double *q_i, const double *k,
                            const double *v, const double *p, const struct eer_config *c, int top,
                            double weight_P, double weight_S, int n);

#endif
