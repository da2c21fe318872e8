/* adamw.h - clipping and one step of AdamW on n parameters [5.7]. */
#ifndef EER_REF_ADAMW_H
#define EER_REF_ADAMW_H

#include "contracts.h"

/*@ logic real blended(real beta, real m, real g) = beta * m + (1 - beta) * g;
    logic real blended_square(real beta, real v, real g) = beta * v + (1 - beta) * (g * g);

    logic real first_moment{L}(double *m, double *g, real beta, integer j) =
      blended(beta, m[j], g[j]);
    logic real second_moment{L}(double *v, double *g, real beta, integer j) =
      blended_square(beta, v[j], g[j]);

    predicate are_moments{L1, L2}(double *m, double *v, double *g, real beta1, real beta2,
                                  integer n) =
      \forall integer j; 0 <= j < n ==> \at(m[j], L1) == first_moment{L2}(m, g, beta1, j) &&
                                        \at(v[j], L1) == second_moment{L2}(v, g, beta2, j);

    predicate none_negative{L}(double *v, integer n) =
      \forall integer j; 0 <= j < n ==> v[j] >= 0;

    // Mhat / (sqrt(vhat) + epsilon)
    logic real direction{L}(double *m, double *v, real correction1, real correction2, real epsilon,
                            integer j) =
      m[j] / correction1 / (\sqrt(v[j] / correction2) + epsilon);

    logic real correction(real beta, real step) = 1 - power(beta, step);

    logic real stepped_by(real x, real lr, real decay, real direction) =
      x - (lr * decay * x + lr * direction);

    // theta and the configuration at L2, the moments at L1
    logic real stepped{L1, L2}(double *theta, double *m, double *v, struct eer_config *c,
                               real step, real lr, integer j) =
      stepped_by(\at(theta[j], L2), lr, \at(c->weight_decay, L2),
                 direction{L1}(m, v, correction(\at(c->beta1, L2), step),
                               correction(\at(c->beta2, L2), step), \at(c->epsilon, L2), j));

    predicate is_stepped{L1, L2, L3}(double *theta, double *m, double *v, struct eer_config *c,
                                     real step, real lr, integer n) =
      \forall integer j; 0 <= j < n ==>
        \at(theta[j], L1) == stepped{L2, L3}(theta, m, v, c, step, lr, j); */

/* g *= clip / |g| where clip > 0 and |g| > clip */
/*@ requires n >= 0 && writable(g, n);
    terminates \true;
    assigns g[0 .. n - 1];
    ensures clipped: REAL(clip > 0 && \old(norm(g, n)) > clip ==>
      \forall integer i; 0 <= i < n ==> g[i] == \old(g[i]) * (clip / \old(norm(g, n))));
    ensures kept: REAL(!(clip > 0 && \old(norm(g, n)) > clip) ==> same{Pre, Post}(g, n)); */
void ref_clip(double *g, double clip, int n);

/* m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2 */
/*@ requires n >= 0 && writable(m, n) && writable(v, n) && readable(g, n);
    requires REAL(0 <= beta1 < 1 && 0 <= beta2 < 1 && none_negative(v, n));
    requires \separated(m + (0 .. n - 1), v + (0 .. n - 1), g + (0 .. n - 1));
    terminates \true;
    assigns m[0 .. n - 1], v[0 .. n - 1];
    ensures moments: REAL(are_moments{Post, Pre}(m, v, g, beta1, beta2, n));
    ensures sign: REAL(none_negative(v, n)); */
void ref_moments(double *m, double *v, const double *g, double beta1, double beta2, int n);

/* theta after step number `step`, which counts from 1 */
/*@ requires configured(c) && step >= 1 && n >= 0;
    requires writable(theta, n) && writable(m, n) && writable(v, n) && readable(g, n);
    requires \separated(theta + (0 .. n - 1), m + (0 .. n - 1), v + (0 .. n - 1), g + (0 .. n - 1),
                        c);
    requires REAL(none_negative(v, n));
    terminates \true;
    assigns theta[0 .. n - 1], m[0 .. n - 1], v[0 .. n - 1];
    ensures moments: REAL(are_moments{Post, Pre}(m, v, g, \old(c->beta1),
                                             \old(c->beta2), n));
    ensures sign: REAL(none_negative(v, n));
    ensures step: REAL(is_stepped{Post, Post, Pre}(theta, m, v, c, step, lr, n)); */
void ref_adamw(double *theta, double *m, double *v, const double *g, const struct eer_config *c,
               int step, double lr, int n);

#endif
