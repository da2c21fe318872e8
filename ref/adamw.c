/* adamw.c - clipping and one step of AdamW (spec/model.md, 5.7). */
#include "ref.h"
#include "lemmas_elementary.h"

/* What the proofs of this file need. */
/*@ lemma first_moment_same{L1, L2}: \forall double *m, *g, real beta, integer j;
      \at(m[j], L1) == \at(m[j], L2) && \at(g[j], L1) == \at(g[j], L2) ==>
      first_moment{L1}(m, g, beta, j) == first_moment{L2}(m, g, beta, j);
    lemma second_moment_same{L1, L2}: \forall double *v, *g, real beta, integer j;
      \at(v[j], L1) == \at(v[j], L2) && \at(g[j], L1) == \at(g[j], L2) ==>
      second_moment{L1}(v, g, beta, j) == second_moment{L2}(v, g, beta, j);
    lemma moments_same{L1, L2, L3}: \forall double *m, *v, *g, real beta1, beta2, integer n;
      same{L1, L2}(m, n) && same{L1, L2}(v, n) ==>
      are_moments{L1, L3}(m, v, g, beta1, beta2, n) ==>
      are_moments{L2, L3}(m, v, g, beta1, beta2, n);
    lemma adam_product_sign: \forall real x, y; 0 <= x && 0 <= y ==> 0 <= x * y;
    lemma adam_square_sign: \forall real x; 0 <= x * x;
    lemma blended_sign: \forall real beta, v, g; 0 <= v && 0 <= beta < 1 ==>
      0 <= blended_square(beta, v, g);
    lemma second_moment_sign{L}: \forall double *v, *g, real beta, integer j;
      0 <= v[j] && 0 <= beta < 1 ==> 0 <= second_moment(v, g, beta, j);
    lemma direction_same{L1, L2}: \forall double *m, *v, real a, b, epsilon, integer j, n;
      0 <= j < n && same{L1, L2}(m, n) && same{L1, L2}(v, n) ==>
      direction{L1}(m, v, a, b, epsilon, j) == direction{L2}(m, v, a, b, epsilon, j);
    lemma stepped_same{L1, L2, L3, L4}: \forall double *theta, *m, *v, struct eer_config *c,
      real step, lr, integer n; same{L2, L3}(m, n) && same{L2, L3}(v, n) ==>
      is_stepped{L1, L2, L4}(theta, m, v, c, step, lr, n) ==>
      is_stepped{L1, L3, L4}(theta, m, v, c, step, lr, n); */

void ref_clip(double *g, double clip, int n)
{
    double norm = ref_norm(g, n);

    if (clip > 0 && norm > clip)
        ref_multiply(g, clip / norm, n);
}

void ref_moments(double *m, double *v, const double *g, double beta1, double beta2, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant done: REAL(are_moments{Here, Pre}(m, v, g, beta1, beta2, j));
        loop invariant left: REAL(\forall integer i; j <= i < n ==>
          m[i] == \at(m[i], Pre) && v[i] == \at(v[i], Pre));
        loop invariant sign: REAL(none_negative(v, n));
        loop assigns j, m[0 .. n - 1], v[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        //@ assert same_g: REAL(same{Here, Pre}(g, n));
        //@ assert first: REAL(first_moment{Pre}(m, g, beta1, j) == first_moment(m, g, beta1, j));
        /*@ assert second: REAL(second_moment{Pre}(v, g, beta2, j) == second_moment(v, g, beta2,
              j)); */
        //@ assert sign: REAL(0 <= second_moment(v, g, beta2, j));
        m[j] = beta1 * m[j] + (1 - beta1) * g[j];
        /*@ assert still: REAL(second_moment{Pre}(v, g, beta2, j) == second_moment(v, g, beta2,
              j)); */
        v[j] = beta2 * v[j] + (1 - beta2) * g[j] * g[j];
        //@ assert new_m: REAL(m[j] == first_moment{Pre}(m, g, beta1, j));
        //@ assert new_v: REAL(v[j] == second_moment{Pre}(v, g, beta2, j));
    }
}

void ref_adamw(double *theta, double *m, double *v, const double *g, const struct eer_config *c,
               int step, double lr, int n)
{
    double correction1 = 1 - ref_pow(c->beta1, step);
    double correction2 = 1 - ref_pow(c->beta2, step);
    double decay = c->weight_decay, epsilon = c->epsilon;

    //@ assert correction1: REAL(correction1 == correction(\at(c->beta1, Pre), step));
    //@ assert correction2: REAL(correction2 == correction(\at(c->beta2, Pre), step));
    //@ assert corrections: REAL(correction1 > 0 && correction2 > 0 && epsilon > 0);
    ref_moments(m, v, g, c->beta1, c->beta2, n);
    /*@ assert moments: REAL(are_moments{Here, Pre}(m, v, g, \at(c->beta1, Pre),
                                                    \at(c->beta2, Pre), n)); */
    //@ ghost Moved: ;
    //@ assert same_theta: REAL(same{Here, Pre}(theta, n));
    /*@ loop invariant 0 <= j <= n;
        loop invariant done: REAL(is_stepped{Here, Moved, Pre}(theta, m, v, c, step, lr, j));
        loop invariant left: REAL(\forall integer i; j <= i < n ==>
          theta[i] == \at(theta[i], Pre));
        loop assigns j, theta[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        //@ assert same: REAL(same{Here, Moved}(m, n) && same{Here, Moved}(v, n));
        //@ assert sign: REAL(v[j] >= 0);
        //@ assert square: REAL(0 <= v[j] / correction2);
        double root = ref_sqrt(v[j] / correction2);
        //@ assert root: REAL(root == \sqrt(v[j] / correction2));
        double direction = m[j] / correction1 / (root + epsilon);
        /*@ assert here: REAL(direction ==
              direction(m, v, correction1, correction2, epsilon, j)); */
        /*@ assert term: REAL(direction ==
              direction{Moved}(m, v, correction1, correction2, epsilon, j)); */
        /*@ assert step: REAL(stepped_by(theta[j], lr, decay, direction) ==
              stepped{Moved, Pre}(theta, m, v, c, step, lr, j)); */
        /*@ assert value: REAL(theta[j] - (lr * decay * theta[j] + lr * direction) ==
              stepped_by(theta[j], lr, decay, direction)); */
        theta[j] -= lr * decay * theta[j] + lr * direction;
    }
    //@ assert kept: REAL(same{Moved, Here}(m, n) && same{Moved, Here}(v, n));
}
