/* softmax.c - softmax of one row, the potential that falls out of it, and the Tsallis entropy
 * (spec/model.md, 3.3, 4.3 and 4.4) with their derivatives with respect to the scores (5.4). */
#include "ref.h"

void ref_exponentials(double *p, const double *s, double largest, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant \forall integer i; 0 <= i < j ==> 0 <= p[i] <= 1;
        loop invariant \forall integer i; 0 <= i < j && s[i] == largest ==> p[i] == 1;
        loop assigns j, p[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        p[j] = ref_exp(s[j] - largest);
}

double ref_softmax(double *p, const double *s, int n)
{
    double sum;

    ref_exponentials(p, s, s[ref_argmax(s, n)], n);
    sum = ref_sum(p, n);
    ref_divide(p, sum, n);
    return ref_log(sum);
}

/* x^q. The default q = 3/2 and q = 2 need no pow, which is most of the time otherwise; sqrt is
 * correctly rounded, so this is as accurate as pow. */
double ref_power(double x, double q)
{
    if (q == 1.5)
        return x * ref_sqrt(x);
    if (q == 2)
        return x * x;
    return ref_pow(x, q);
}

void ref_powers(double *pq, const double *p, double q, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop assigns j, pq[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        pq[j] = ref_power(p[j], q);
}

double ref_tsallis(double *pq, const double *p, double q, int n)
{
    ref_powers(pq, p, q, n);
    return (1 - ref_sum(pq, n)) / (q - 1);
}

void ref_softmax_backward(double *ds, const double *p, const double *dp, int n)
{
    double D = ref_sum_of_products(p, dp, n);

    /*@ loop invariant 0 <= j <= n;
        loop assigns j, ds[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        ds[j] = p[j] * (dp[j] - D);
}

void ref_potential_backward(double *ds, const double *p, int top, double weight, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop assigns j, ds[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        ds[j] += weight * (p[j] - (j == top));
}

void ref_tsallis_backward(double *ds, double *pq, const double *p, double q, double weight, int n)
{
    double factor = weight * q / (q - 1);
    double sum;

    ref_powers(pq, p, q, n);
    sum = ref_sum(pq, n);
    /*@ loop invariant 0 <= j <= n;
        loop assigns j, ds[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        ds[j] -= factor * (pq[j] - p[j] * sum);
}
