/* softmax.c - softmax of one row, the potential that falls out of it, and the Tsallis entropy
 * (spec/model.md, 3.3, 4.3 and 4.4) with their derivatives with respect to the scores (5.4). */
#include "ref.h"
#include "lemmas_sums.h"

void ref_exponentials(double *p, const double *s, double largest, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==> p[i] == exp_term{Pre}(s, largest,
          i));
        loop assigns j, p[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        p[j] = ref_exp(s[j] - largest);
}

double ref_softmax(double *p, const double *s, int n)
{
    int top = ref_argmax(s, n);
    double largest = s[top];
    double sum;

    ref_exponentials(p, s, largest, n);
    //@ assert signs: REAL(\forall integer j; 0 <= j < n ==> 0 <= p[j]);
    //@ assert one: REAL(p[top] == 1);
    sum = ref_sum(p, n);
    //@ assert at_least_one: REAL(sum >= 1);
    //@ assert total: REAL(sum == exponentials{Pre}(s, largest, n));
    //@ assert parts: REAL(\forall integer j; 0 <= j < n ==> 0 <= quotient(p, j, sum) <= 1);
    /*@ assert weights: REAL(\forall integer j; 0 <= j < n ==>
          quotient(p, j, sum) * sum == exp_term{Pre}(s, largest, j)); */
    ref_divide(p, sum, n);
    //@ assert whole: REAL(sum(p, n) == 1);
    //@ assert distribution: REAL(is_distribution(p, n));
    //@ assert softmax: REAL(is_softmax{Here, Pre}(p, s, largest, n));
    /*@ assert unique: REAL(\forall integer t; 0 <= t < n && is_first_largest{Pre}(s, n, t) ==>
          \at(s[t], Pre) == largest); */
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
        loop invariant REAL(\forall integer i; 0 <= i < j ==> pq[i] == power_term{Pre}(p, q, i));
        loop assigns j, pq[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        pq[j] = ref_power(p[j], q);
}

double ref_tsallis(double *pq, const double *p, double q, int n)
{
    double sum;

    ref_powers(pq, p, q, n);
    sum = ref_sum(pq, n);
    //@ assert total: REAL(sum == powers{Pre}(p, q, n));
    //@ assert below: REAL(1 < q && is_distribution{Pre}(p, n) ==> powers{Pre}(p, q, n) <= 1);
    return (1 - sum) / (q - 1);
}

void ref_softmax_backward(double *ds, const double *p, const double *dp, int n)
{
    double D = ref_sum_of_products(p, dp, n);

    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          ds[i] == softmax_slope{Pre}(p, dp, n, i));
        loop assigns j, ds[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        //@ assert same: REAL(same{Here, Pre}(p, n) && same{Here, Pre}(dp, n));
        //@ assert share: REAL(centred_share(p[j], dp[j], D) == p[j] * (dp[j] - D));
        //@ assert term: REAL(softmax_slope{Pre}(p, dp, n, j) == centred_share(p[j], dp[j], D));
        ds[j] = p[j] * (dp[j] - D);
    }
}

void ref_potential_backward(double *ds, const double *p, int top, double weight, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          ds[i] == \at(ds[i], Pre) + potential_slope{Pre}(p, top, weight, i));
        loop invariant REAL(\forall integer i; j <= i < n ==> ds[i] == \at(ds[i], Pre));
        loop assigns j, ds[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        /*@ assert term: REAL(potential_slope{Pre}(p, top, weight, j) ==
              weight * (p[j] - (double)(j == top ? 1 : 0))); */
        ds[j] += weight * (p[j] - (j == top));
    }
}

void ref_tsallis_backward(double *ds, double *pq, const double *p, double q, double weight, int n)
{
    double sum;

    ref_powers(pq, p, q, n);
    sum = ref_sum(pq, n);
    //@ assert total: REAL(sum == powers{Pre}(p, q, n));
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==> pq[i] == powers_slope{Pre}(p, q,
          n, i));
        loop invariant REAL(\forall integer i; j <= i < n ==> pq[i] == power_term{Pre}(p, q, i));
        loop assigns j, pq[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        //@ assert same_p: REAL(same{Here, Pre}(p, n));
        //@ assert product: REAL(scaled{Pre}(sum, p, j) == p[j] * sum);
        //@ assert term: REAL(powers_slope{Pre}(p, q, n, j) == pq[j] - p[j] * sum);
        pq[j] -= p[j] * sum;
    }
    /*@ assert slopes: REAL(\forall integer j; 0 <= j < n ==>
          scaled(-weight * q / (q - 1), pq, j) == tsallis_slope{Pre}(p, q, weight, n, j)); */
    ref_add_scaled(ds, -weight * q / (q - 1), pq, n);
}
