/* lemmas_matrices.h - entries and rows of matrices, and sums over them. */
#ifndef EER_REF_LEMMAS_MATRICES_H
#define EER_REF_LEMMAS_MATRICES_H

#include "lemmas_rows.h"

/*@ lemma dot_same{L1, L2}: \forall double *x, *y, integer n; 0 <= n ==>
      same{L1, L2}(x, n) ==> same{L1, L2}(y, n) ==> dot{L1}(x, y, n) == dot{L2}(x, y, n);
    lemma inside_entry{L1, L2}: \forall double *B, integer m, n, k, j;
      0 <= j < n && row_inside(k, m, n) && same{L1, L2}(B, m * n) ==>
      entry{L1}(B, n, k, j) == entry{L2}(B, n, k, j);
    lemma same_entry{L1, L2}: \forall double *B, integer m, n, k, j;
      0 <= k < m && 0 <= j < n && same_matrix{L1, L2}(B, m, n) ==>
      row_inside(k, m, n) && entry{L1}(B, n, k, j) == entry{L2}(B, n, k, j);
    lemma same_row{L1, L2}: \forall double *B, integer m, n, k;
      0 <= k < m && 0 <= n && same_matrix{L1, L2}(B, m, n) ==> same{L1, L2}(row_of(B, n, k), n);
    lemma same_columns{L1, L2}: \forall double *B, integer m, n, j;
      0 <= j < n && same_matrix{L1, L2}(B, m, n) ==> same_column{L1, L2}(B, n, j, m);
    lemma row_column_same{L1, L2}: \forall double *a, *B, integer n, j, m; 0 <= m ==>
      same{L1, L2}(a, m) ==> same_column{L1, L2}(B, n, j, m) ==>
      row_column{L1}(a, B, n, j, m) == row_column{L2}(a, B, n, j, m);
    lemma column_column_same{L1, L2}: \forall double *A, *B, integer m, k, n, j,
    rows; 0 <= rows ==>
      same_column{L1, L2}(A, m, k, rows) ==> same_column{L1, L2}(B, n, j, rows) ==>
      column_column{L1}(A, m, k, B, n, j, rows) == column_column{L2}(A, m, k, B, n, j, rows); */

#endif
