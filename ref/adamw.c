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
        loop invariant \forall integer i; 0 <= i < n ==> v[i] >= 0;
        loop assigns j, m[0 .. n - 1], v[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        m[j] = beta1 * m[j] + (1 - beta1) * g[j];
        v[j] = beta2 * v[j] + (1 - beta2) * g[j] * g[j];
    }
}

void ref_adamw(double *theta, double *m, double *v, const double *g, const struct eer_config *c,
               int step, double lr, int n)
{
    double correction1 = 1 - ref_pow(c->beta1, step);
    double correction2 = 1 - ref_pow(c->beta2, step);

    ref_moments(m, v, g, c->beta1, c->beta2, n);
    /*@ loop invariant 0 <= j <= n;
        loop assigns j, theta[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        double direction = m[j] / correction1 / (ref_sqrt(v[j] / correction2) + c->epsilon);
        theta[j] -= lr * c->weight_decay * theta[j] + lr * direction;
    }
}
