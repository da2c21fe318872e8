/* lemmas_rows.h - rows of matrices: where they lie, for the proofs of functions over rows. */
#ifndef EER_REF_LEMMAS_ROWS_H
#define EER_REF_LEMMAS_ROWS_H

#include "contracts.h"

/*@ lemma products_fit: \forall integer m, n;
      0 <= m <= EER_MAX_EVAL_LENGTH + 1 && 0 <= n <= EER_MAX_MLP ==> product_fits(m, n);
    lemma rows_fewer: \forall integer m, M, n; m <= M && 0 <= n ==> fewer_rows(m, M, n);
    lemma rows_inside: \forall integer k, m, n; 0 <= k < m && 0 <= n ==> row_inside(k, m, n);
    lemma row_entry{L}: \forall double *B, integer n, k, j;
      row_of(B, n, k)[j] == entry{L}(B, n, k, j);
    lemma rows_apart{L}: \forall double *A, integer n, r, i; 0 <= r < i && 0 <= n ==>
      apart(row_of(A, n, r), n, row_of(A, n, i), n); */

#endif
