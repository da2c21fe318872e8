/* adamw.h - clipping and one step of AdamW on n parameters [5.7]. */
#ifndef EER_REF_ADAMW_H
#define EER_REF_ADAMW_H

#include "contracts.h"

/* g *= clip / |g| where clip > 0 and |g| > clip */
/*@ requires n >= 0 && writable(g, n);
    terminates \true;
    assigns g[0 .. n - 1]; */
void ref_clip(double *g, double clip, int n);

/* m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2 */
/*@ requires n >= 0 && writable(m, n) && writable(v, n) && readable(g, n);
    requires 0 <= beta1 < 1 && 0 <= beta2 < 1;
    requires \separated(m + (0 .. n - 1), v + (0 .. n - 1), g + (0 .. n - 1));
    requires \forall integer j; 0 <= j < n ==> v[j] >= 0;
    terminates \true;
    assigns m[0 .. n - 1], v[0 .. n - 1];
    ensures sign: \forall integer j; 0 <= j < n ==> v[j] >= 0; */
void ref_moments(double *m, double *v, const double *g, double beta1, double beta2, int n);

/* theta after step number `step`, which counts from 1 */
/*@ requires configured(c) && step >= 1 && n >= 0;
    requires writable(theta, n) && writable(m, n) && writable(v, n) && readable(g, n);
    requires \separated(theta + (0 .. n - 1), m + (0 .. n - 1), v + (0 .. n - 1), g + (0 .. n - 1),
                        c);
    requires \forall integer j; 0 <= j < n ==> v[j] >= 0;
    terminates \true;
    assigns theta[0 .. n - 1], m[0 .. n - 1], v[0 .. n - 1];
    ensures sign: \forall integer j; 0 <= j < n ==> v[j] >= 0; */
void ref_adamw(double *theta, double *m, double *v, const double *g, const struct eer_config *c,
               int step, double lr, int n);

#endif
