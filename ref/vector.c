/* vector.c - sums and copies of vectors, in the order of the indices. */
#include "ref.h"

#include <math.h>

void ref_fill(double *x, double value, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(is_filled(x, value, j));
        loop assigns j, x[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        x[j] = value;
}

void ref_copy(double *y, const double *x, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==> y[i] == x[i]);
        loop assigns j, y[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        y[j] = x[j];
}

void ref_add(double *y, const double *x, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(is_added{Here, Pre}(y, x, j));
        loop invariant REAL(\forall integer i; j <= i < n ==> y[i] == \at(y[i], Pre));
        loop assigns j, y[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        y[j] += x[j];
}

void ref_add_scaled(double *y, double factor, const double *x, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          y[i] == \at(y[i], Pre) + scaled{Pre}(factor, x, i));
        loop invariant REAL(\forall integer i; j <= i < n ==> y[i] == \at(y[i], Pre));
        loop assigns j, y[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        //@ assert term: REAL(scaled{Pre}(factor, x, j) == factor * x[j]);
        y[j] += factor * x[j];
    }
}

void ref_sum_of_two(double *y, const double *a, const double *b, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==> y[i] == a[i] + b[i]);
        loop assigns j, y[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        y[j] = a[j] + b[j];
}

void ref_products(double *y, const double *a, const double *b, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==> y[i] == \at(product(a, b, i), Pre));
        loop assigns j, y[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        y[j] = a[j] * b[j];
}

void ref_multiply(double *x, double factor, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==> x[i] == \at(x[i], Pre) * factor);
        loop invariant REAL(\forall integer i; j <= i < n ==> x[i] == \at(x[i], Pre));
        loop assigns j, x[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        x[j] *= factor;
}

void ref_divide(double *x, double divisor, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(is_divided{Here, Pre}(x, divisor, j));
        loop invariant REAL(\forall integer i; j <= i < n ==> x[i] == \at(x[i], Pre));
        loop assigns j, x[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        //@ assert term: REAL(quotient{Pre}(x, j, divisor) == x[j] / divisor);
        x[j] /= divisor;
    }
}

double ref_sum(const double *x, int n)
{
    double sum = 0;
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(sum == sum(x, j));
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        sum += x[j];
    return sum;
}

double ref_sum_of_products(const double *x, const double *y, int n)
{
    double sum = 0;
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(sum == dot(x, y, j));
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        sum += x[j] * y[j];
    return sum;
}

double ref_sum_of_squares(const double *x, int n)
{
    double sum = 0;
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(sum == dot(x, x, j) && sum >= 0);
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        sum += x[j] * x[j];
    return sum;
}

double ref_norm(const double *x, int n)
{
    return ref_sqrt(ref_sum_of_squares(x, n));
}

int ref_argmax(const double *x, int n)
{
    int top = 0;
    /*@ loop invariant 1 <= j <= n && 0 <= top < j;
        loop invariant REAL(is_first_largest(x, j, top));
        loop assigns j, top;
        loop variant n - j; */
    for (int j = 1; j < n; j++)
        if (x[j] > x[top])
            top = j;
    return top;
}

int ref_all_finite(const double *x, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop assigns j;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        if (!isfinite(x[j]))
            return 0;
    return 1;
}
