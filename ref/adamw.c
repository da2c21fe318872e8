/* adamw.c - clipping and one step of AdamW (spec/model.md, 5.7). */
#include "ref.h"

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
