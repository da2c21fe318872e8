/* attention.c - attention of one row on the keys that it sees (spec/model.md, 3.3 and 5.4). */
#include "ref.h"

int ref_keys(enum eer_mask mask, int i, int N)
{
    return mask == EER_MASK_CAUSAL ? i + 1 : N;
}

double ref_scale(const struct eer_config *c)
{
    return c->tau * ref_sqrt(c->d);
}

void ref_subtract_slope(double *s, double slope, int i, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop assigns j, s[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        s[j] -= slope * (j < i ? i - j : j - i);
}

void ref_scores(double *s, const double *q_i, const double *k, const struct eer_config *c, int i,
                int n)
{
    ref_row_nt(s, q_i, k, n, c->d);
    ref_divide(s, ref_scale(c), n);
    ref_subtract_slope(s, c->slope, i, n);
}

double ref_attention(double *f, double *p, double *s, const double *q_i, const double *k,
                     const double *v, const struct eer_config *c, int i, int n)
{
    double potential;

    ref_scores(s, q_i, k, c, i, n);
    potential = ref_softmax(p, s, n);
    ref_row(f, p, v, n, c->d);
    return potential;
}

void ref_attention_backward(double *dq_i, double *dk, double *dv, double *dp, double *ds,
                            double *pq, const double *df, const double *q_i, const double *k,
                            const double *v, const double *p, const struct eer_config *c, int top,
                            double weight_P, double weight_S, int n)
{
    ref_row_nt(dp, df, v, n, c->d);
    ref_row_tn(dv, p, df, n, c->d);
    ref_softmax_backward(ds, p, dp, n);
    ref_potential_backward(ds, p, top, weight_P, n);
    ref_tsallis_backward(ds, pq, p, c->q, weight_S, n);
    ref_row(dq_i, ds, k, n, c->d);
    ref_divide(dq_i, ref_scale(c), c->d);
    ref_row_tn(dk, ds, q_i, n, c->d);
}
