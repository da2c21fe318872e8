/* softmax.h - softmax of n scores, the potential and the Tsallis entropy that follow from it
 * [3.3, 4.3, 4.4], and the derivatives with respect to the scores [5.4]. */
#ifndef EER_REF_SOFTMAX_H
#define EER_REF_SOFTMAX_H

#include "contracts.h"

/* p_j = exp(s_j - largest) */
/*@ requires n >= 1 && writable(p, n) && readable(s, n) && apart(p, n, s, n);
    terminates \true;
    assigns p[0 .. n - 1];
    ensures exponentials: REAL(\forall integer j; 0 <= j < n ==>
      p[j] == exp_term{Pre}(s, \old(largest), j)); */
void ref_exponentials(double *p, const double *s, double largest, int n);

/* p = softmax(s); returns log sum_j exp(s_j - max_k s_k) = -log max_j p_j, the potential */
/*@ requires n >= 1 && writable(p, n) && readable(s, n) && apart(p, n, s, n);
    terminates \true;
    assigns p[0 .. n - 1];
    ensures distribution: REAL(is_distribution(p, n));
    ensures softmax: REAL(\forall integer top; 0 <= top < n && is_first_largest{Pre}(s, n, top) ==>
      is_softmax{Post, Pre}(p, s, \old(s[top]), n) &&
      \result == \log(exponentials{Pre}(s, \old(s[top]), n)));
    ensures sign: REAL(\result >= 0); */
double ref_softmax(double *p, const double *s, int n);

/* x^q */
/*@ requires REAL(x >= 0);
    terminates \true;
    assigns \nothing;
    ensures power: REAL(\result == power(x, q)); */
double ref_power(double x, double q);

/* pq_j = p_j^q */
/*@ requires n >= 0 && writable(pq, n) && readable(p, n) && apart(pq, n, p, n);
    requires REAL(\forall integer j; 0 <= j < n ==> p[j] >= 0);
    terminates \true;
    assigns pq[0 .. n - 1];
    ensures powers: REAL(\forall integer j; 0 <= j < n ==> pq[j] == power_term{Pre}(p, q, j)); */
void ref_powers(double *pq, const double *p, double q, int n);

/* S_q(p) = (1 - sum_j p_j^q) / (q - 1); pq: memory */
/*@ requires n >= 0 && writable(pq, n) && readable(p, n) && apart(pq, n, p, n);
    requires REAL(\forall integer j; 0 <= j < n ==> p[j] >= 0);
    terminates \true;
    assigns pq[0 .. n - 1];
    ensures entropy: REAL(\result == tsallis{Pre}(p, q, n));
    ensures range: REAL(n >= 1 && 1 < q && is_distribution{Pre}(p, n) ==>
      0 <= \result <= (1 - power(n, 1 - q)) / (q - 1)); */
double ref_tsallis(double *pq, const double *p, double q, int n);

/* ds_j = p_j (dp_j - sum_k p_k dp_k) */
/*@ requires n >= 0 && writable(ds, n) && readable(p, n) && readable(dp, n);
    requires apart(ds, n, p, n) && apart(ds, n, dp, n);
    terminates \true;
    assigns ds[0 .. n - 1];
    ensures slope: REAL(\forall integer j; 0 <= j < n ==>
      ds[j] == softmax_slope{Pre}(p, dp, n, j)); */
void ref_softmax_backward(double *ds, const double *p, const double *dp, int n);

/* ds_j += weight (p_j - [j = top]), top the first largest score */
/*@ requires n >= 0 && writable(ds, n) && readable(p, n) && apart(ds, n, p, n);
    terminates \true;
    assigns ds[0 .. n - 1];
    ensures slope: REAL(\forall integer j; 0 <= j < n ==>
      ds[j] == \old(ds[j]) + potential_slope{Pre}(p, top, weight, j)); */
void ref_potential_backward(double *ds, const double *p, int top, double weight, int n);

/* ds_j -= weight q/(q-1) (p_j^q - p_j sum_k p_k^q), weight that of S_q; pq: memory */
/*@ requires n >= 0 && writable(ds, n) && writable(pq, n) && readable(p, n);
    requires apart(ds, n, p, n) && apart(pq, n, p, n) && apart(ds, n, pq, n);
    requires REAL(\forall integer j; 0 <= j < n ==> p[j] >= 0);
    terminates \true;
    assigns ds[0 .. n - 1], pq[0 .. n - 1];
    ensures slope: REAL(\forall integer j; 0 <= j < n ==>
      ds[j] == \old(ds[j]) + tsallis_slope{Pre}(p, q, weight, n, j)); */
void ref_tsallis_backward(double *ds, double *pq, const double *p, double q, double weight, int n);

#endif
