/* matmul.h - every matrix product of the model and of its gradient [5.8]. Sums go in the order of
 * the indices; no factor, bias or mask is applied here. */
#ifndef EER_REF_MATMUL_H
#define EER_REF_MATMUL_H

#include "contracts.h"

/* a . b */
/*@ requires n >= 0 && readable(a, n) && readable(b, n);
    terminates \true;
    assigns \nothing;
    ensures sum: REAL(\result == dot(a, b, n)); */
double ref_dot(const double *a, const double *b, int n);

/* c += a b, with a number a */
/*@ requires n >= 0 && writable(c, n) && readable(b, n) && apart(c, n, b, n);
    terminates \true;
    assigns c[0 .. n - 1];
    ensures added: REAL(is_multiple_added{Post, Pre}(c, a, b, n)); */
void ref_add_multiple(double *c, double a, const double *b, int n);

/* c = a B: c 1 x n, a 1 x m, B m x n */
/*@ requires size(m, n) && writable(c, n) && readable(a, m) && readable(B, m * n);
    requires apart(c, n, a, m) && apart(c, n, B, m * n);
    terminates \true;
    assigns c[0 .. n - 1];
    ensures product: REAL(is_row{Post, Pre}(c, a, B, m, n)); */
void ref_row(double *c, const double *a, const double *B, int m, int n);

/* c = a B^T: c 1 x m, a 1 x n, B m x n */
/*@ requires size(m, n) && writable(c, m) && readable(a, n) && readable(B, m * n);
    requires apart(c, m, a, n) && apart(c, m, B, m * n);
    terminates \true;
    assigns c[0 .. m - 1];
    ensures product: REAL(is_row_nt{Post, Pre}(c, a, B, m, n)); */
void ref_row_nt(double *c, const double *a, const double *B, int m, int n);

/* C += a^T b: C m x n, a 1 x m, b 1 x n */
/*@ requires size(m, n) && writable(C, m * n) && readable(a, m) && readable(b, n);
    requires apart(C, m * n, a, m) && apart(C, m * n, b, n);
    terminates \true;
    assigns C[0 .. m * n - 1];
    ensures product: REAL(\forall integer k; 0 <= k < m ==>
      is_multiple_added{Post, Pre}(row_of(C, n, k), \old(a[k]), b, n)); */
void ref_row_tn(double *C, const double *a, const double *b, int m, int n);

/* C = A B: C rows x n, A rows x m, B m x n */
/*@ requires size(rows, n) && size(rows, m) && size(m, n);
    requires writable(C, rows * n) && readable(A, rows * m) && readable(B, m * n);
    requires apart(C, rows * n, A, rows * m) && apart(C, rows * n, B, m * n);
    terminates \true;
    assigns C[0 .. rows * n - 1];
    ensures product: REAL(\forall integer i; 0 <= i < rows ==>
      is_row{Post, Pre}(row_of(C, n, i), row_of(A, m, i), B, m, n)); */
void ref_matmul(double *C, const double *A, const double *B, int rows, int m, int n);

/* C = A B^T: C rows x m, A rows x n, B m x n */
/*@ requires size(rows, n) && size(rows, m) && size(m, n);
    requires writable(C, rows * m) && readable(A, rows * n) && readable(B, m * n);
    requires apart(C, rows * m, A, rows * n) && apart(C, rows * m, B, m * n);
    terminates \true;
    assigns C[0 .. rows * m - 1];
    ensures product: REAL(\forall integer i; 0 <= i < rows ==>
      is_row_nt{Post, Pre}(row_of(C, m, i), row_of(A, n, i), B, m, n)); */
void ref_matmul_nt(double *C, const double *A, const double *B, int rows, int m, int n);

/* C += A^T B: C m x n, A rows x m, B rows x n */
/*@ requires size(rows, n) && size(rows, m) && size(m, n);
    requires writable(C, m * n) && readable(A, rows * m) && readable(B, rows * n);
    requires apart(C, m * n, A, rows * m) && apart(C, m * n, B, rows * n);
    terminates \true;
    assigns C[0 .. m * n - 1];
    ensures product: REAL(\forall integer k; 0 <= k < m ==>
      is_row_tn{Post, Pre}(row_of(C, n, k), A, m, k, B, n, rows)); */
void ref_matmul_tn(double *C, const double *A, const double *B, int rows, int m, int n);

#endif
