/* lemmas_blocks.h - blocks of memory in which nothing changed. */
#ifndef EER_REF_LEMMAS_BLOCKS_H
#define EER_REF_LEMMAS_BLOCKS_H

#include "contracts.h"

/* untouched says that all of a block is the same, without sizes. */
/*@ predicate untouched{L1, L2}(double *x) = \forall integer j; \at(x[j], L1) == \at(x[j], L2);
    lemma untouched_same{L1, L2}: \forall double *x, integer n; untouched{L1, L2}(x) ==>
      same{L1, L2}(x, n);
    lemma untouched_row{L1, L2}: \forall double *x, integer n, k; untouched{L1, L2}(x) ==>
      same{L1, L2}(row_of(x, n, k), n);
    lemma untouched_column{L1, L2}: \forall double *x, integer n, j, m; untouched{L1, L2}(x) ==>
      same_column{L1, L2}(x, n, j, m);
    lemma row_column_untouched{L1, L2}: \forall double *a, *B, integer n, j, m; 0 <= m ==>
      same{L1, L2}(a, m) ==> untouched{L1, L2}(B) ==>
      row_column{L1}(a, B, n, j, m) == row_column{L2}(a, B, n, j, m); */

#endif
