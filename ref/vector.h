/* vector.h - sums and copies of vectors of n numbers, in the order of the indices. */
#ifndef EER_REF_VECTOR_H
#define EER_REF_VECTOR_H

#include "contracts.h"

/* x_j = value */
/*@ requires n >= 0 && writable(x, n);
    terminates \true;
    assigns x[0 .. n - 1];
    ensures filled: REAL(is_filled(x, value, n)); */
void ref_fill(double *x, double value, int n);

/* y = x */
/*@ requires n >= 0 && writable(y, n) && readable(x, n) && apart(y, n, x, n);
    terminates \true;
    assigns y[0 .. n - 1];
    ensures copied: REAL(\forall integer i; 0 <= i < n ==> y[i] == x[i]); */
void ref_copy(double *y, const double *x, int n);

/* y += x */
/*@ requires n >= 0 && writable(y, n) && readable(x, n) && apart(y, n, x, n);
    terminates \true;
    assigns y[0 .. n - 1];
    ensures added: REAL(is_added{Post, Pre}(y, x, n)); */
void ref_add(double *y, const double *x, int n);

/* y += factor x */
/*@ requires n >= 0 && writable(y, n) && readable(x, n) && apart(y, n, x, n);
    terminates \true;
    assigns y[0 .. n - 1];
    ensures added: REAL(\forall integer i; 0 <= i < n ==>
      y[i] == \old(y[i]) + scaled{Pre}(factor, x, i)); */
void ref_add_scaled(double *y, double factor, const double *x, int n);

/* y = a + b */
/*@ requires n >= 0 && writable(y, n) && readable(a, n) && readable(b, n);
    requires apart(y, n, a, n) && apart(y, n, b, n);
    terminates \true;
    assigns y[0 .. n - 1];
    ensures sum: REAL(\forall integer i; 0 <= i < n ==> y[i] == a[i] + b[i]); */
void ref_sum_of_two(double *y, const double *a, const double *b, int n);

/* y_j = a_j b_j */
/*@ requires n >= 0 && writable(y, n) && readable(a, n) && readable(b, n);
    requires apart(y, n, a, n) && apart(y, n, b, n);
    terminates \true;
    assigns y[0 .. n - 1];
    ensures products: REAL(\forall integer i; 0 <= i < n ==> y[i] == \at(product(a, b, i),
      Pre)); */
void ref_products(double *y, const double *a, const double *b, int n);

/* x_j *= factor */
/*@ requires n >= 0 && writable(x, n);
    terminates \true;
    assigns x[0 .. n - 1];
    ensures multiplied: REAL(\forall integer i; 0 <= i < n ==> x[i] == \old(x[i]) * factor); */
void ref_multiply(double *x, double factor, int n);

/* x_j /= divisor */
/*@ requires n >= 0 && writable(x, n);
    terminates \true;
    assigns x[0 .. n - 1];
    ensures divided: REAL(is_divided{Post, Pre}(x, divisor, n)); */
void ref_divide(double *x, double divisor, int n);

/* sum_j x_j */
/*@ requires n >= 0 && readable(x, n);
    terminates \true;
    assigns \nothing;
    ensures sum: REAL(\result == sum(x, n)); */
double ref_sum(const double *x, int n);

/* sum_j x_j y_j; not one of the products that TF32 rounds (those are in matmul.h) */
/*@ requires n >= 0 && readable(x, n) && readable(y, n);
    terminates \true;
    assigns \nothing;
    ensures sum: REAL(\result == dot(x, y, n)); */
double ref_sum_of_products(const double *x, const double *y, int n);

/* |x|^2 */
/*@ requires n >= 0 && readable(x, n);
    terminates \true;
    assigns \nothing;
    ensures sum: REAL(\result == dot(x, x, n));
    ensures sign: REAL(\result >= 0); */
double ref_sum_of_squares(const double *x, int n);

/* |x| */
/*@ requires n >= 0 && readable(x, n);
    terminates \true;
    assigns \nothing;
    ensures root: REAL(\result == norm(x, n));
    ensures sign: REAL(\result >= 0); */
double ref_norm(const double *x, int n);

/* the first index of the largest x_j */
/*@ requires n >= 1 && readable(x, n);
    terminates \true;
    assigns \nothing;
    ensures index: 0 <= \result < n;
    ensures largest: REAL(is_first_largest(x, n, \result)); */
int ref_argmax(const double *x, int n);

/* 1 if no x_j is NaN or infinite, else 0 */
/*@ requires n >= 0 && readable(x, n);
    terminates \true;
    assigns \nothing;
    ensures \result == 0 || \result == 1; */
int ref_all_finite(const double *x, int n);

#endif
