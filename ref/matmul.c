/* matmul.c - every matrix product of the model and of its gradient, and nothing else.
 *
 * The list is in spec/model.md, 5.8. Three forms of one row against a matrix, and the same three
 * for all rows; a mask needs no form of its own, because a row sees the first n keys. */
#include "ref.h"

double ref_dot(const double *a, const double *b, int n)
{
    double sum = 0;
    /*@ loop invariant 0 <= j <= n;
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

void ref_add_multiple(double *c, double a, const double *b, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop assigns j, c[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        c[j] += a * b[j];
}

void ref_row(double *c, const double *a, const double *B, int m, int n)
{
    ref_fill(c, 0, n);
    /*@ loop invariant 0 <= k <= m;
        loop assigns k, c[0 .. n - 1];
        loop variant m - k; */
    for (int k = 0; k < m; k++)
        ref_add_multiple(c, a[k], B + k * n, n);
}

void ref_row_nt(double *c, const double *a, const double *B, int m, int n)
{
    /*@ loop invariant 0 <= k <= m;
        loop assigns k, c[0 .. m - 1];
        loop variant m - k; */
    for (int k = 0; k < m; k++)
        c[k] = ref_dot(a, B + k * n, n);
}

void ref_row_tn(double *C, const double *a, const double *b, int m, int n)
{
    /*@ loop invariant 0 <= k <= m;
        loop assigns k, C[0 .. m * n - 1];
        loop variant m - k; */
    for (int k = 0; k < m; k++)
        ref_add_multiple(C + k * n, a[k], b, n);
}

void ref_matmul(double *C, const double *A, const double *B, int rows, int m, int n)
{
    /*@ loop invariant 0 <= i <= rows;
        loop assigns i, C[0 .. rows * n - 1];
        loop variant rows - i; */
    for (int i = 0; i < rows; i++)
        ref_row(C + i * n, A + i * m, B, m, n);
}

void ref_matmul_nt(double *C, const double *A, const double *B, int rows, int m, int n)
{
    /*@ loop invariant 0 <= i <= rows;
        loop assigns i, C[0 .. rows * m - 1];
        loop variant rows - i; */
    for (int i = 0; i < rows; i++)
        ref_row_nt(C + i * m, A + i * n, B, m, n);
}

void ref_matmul_tn(double *C, const double *A, const double *B, int rows, int m, int n)
{
    /*@ loop invariant 0 <= i <= rows;
        loop assigns i, C[0 .. m * n - 1];
        loop variant rows - i; */
    for (int i = 0; i < rows; i++)
        ref_row_tn(C, A + i * m, B + i * n, m, n);
}
