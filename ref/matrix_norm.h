/* matrix_norm.h - norms of matrices of any finite size of entries: what they square was divided by
 * the largest entry before, so that nothing overflows or vanishes on the way. Entries that are not
 * finite are the caller's to find (ref_all_finite): a NaN may be lost in a comparison here. */
#ifndef EER_REF_MATRIX_NORM_H
#define EER_REF_MATRIX_NORM_H

#include "contracts.h"

/* |x| */
/*@ terminates \true;
    assigns \nothing;
    ensures magnitude: REAL(\result == magnitude(x));
    ensures sign: REAL(\result >= 0); */
double ref_magnitude(double x);

/* max_j |x_j|; 0 for no numbers */
/*@ requires n >= 0 && readable(x, n);
    terminates \true;
    assigns \nothing;
    ensures sign: REAL(\result >= 0);
    ensures above: REAL(\forall integer j; 0 <= j < n ==> -\result <= x[j] <= \result);
    ensures attained: REAL(\result == 0 ||
      \exists integer j; 0 <= j < n && \result == magnitude(x[j])); */
double ref_largest(const double *x, int n);

/* sqrt(sum_j x_j^2): the Frobenius norm of a matrix of n entries */
/*@ requires n >= 0 && readable(x, n);
    terminates \true;
    assigns \nothing;
    ensures sign: REAL(\result >= 0);
    ensures root: REAL(square(\result) == dot(x, x, n)); */
double ref_frobenius(const double *x, int n);

/* x^(1/2^k) */
/*@ requires k >= 0;
    requires REAL(x >= 0);
    terminates \true;
    assigns \nothing;
    ensures sign: REAL(\result >= 0); */
double ref_repeated_root(double x, int k);

/* G = (A / divisor)^T (A / divisor): G columns x columns, A rows x columns; row: memory of columns
 */
/*@ requires size(rows, columns) && size(columns, columns);
    requires writable(G, columns * columns) && writable(row, columns);
    requires readable(A, rows * columns) && apart(G, columns * columns, row, columns);
    requires apart(G, columns * columns, A, rows * columns);
    requires apart(row, columns, A, rows * columns);
    terminates \true;
    assigns G[0 .. columns * columns - 1], row[0 .. columns - 1]; */
void ref_gram(double *G, double *row, const double *A, double divisor, int rows, int columns);

/* How often a Gram matrix is squared. */
enum { REF_SQUARINGS = 6 };

/* ||G^(2^k)||_F^(1/2^k), k = REF_SQUARINGS: without rounding at least the largest eigenvalue of G,
 * m x m and symmetric without negative eigenvalues, and at most m^(1/2^(k+1)) times it. H: memory
 * of m x m; G is lost. */
/*@ requires size(m, m) && writable(G, m * m) && writable(H, m * m);
    requires apart(G, m * m, H, m * m);
    terminates \true;
    assigns G[0 .. m * m - 1], H[0 .. m * m - 1];
    ensures sign: REAL(\result >= 0); */
double ref_eigenvalue_above(double *G, double *H, int m);

/* ||(A^T A)^(2^k)||_F^(1/2^(k+1)), k = REF_SQUARINGS: without rounding at least ||A||_2 and at most
 * columns^(1/2^(k+2)) times it. A rows x columns; G, H: memory of columns x columns; row: of
 * columns. */
/*@ requires size(rows, columns) && size(columns, columns);
    requires writable(G, columns * columns) && writable(H, columns * columns);
    requires writable(row, columns) && readable(A, rows * columns);
    requires apart(G, columns * columns, H, columns * columns);
    requires apart(G, columns * columns, row, columns);
    requires apart(G, columns * columns, A, rows * columns);
    requires apart(row, columns, A, rows * columns);
    terminates \true;
    assigns G[0 .. columns * columns - 1], H[0 .. columns * columns - 1], row[0 .. columns - 1];
    ensures sign: REAL(\result >= 0); */
double ref_spectral_norm(double *G, double *H, double *row, const double *A, int rows, int columns);

#endif
