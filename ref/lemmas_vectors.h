/* lemmas_vectors.h - the sum of the same vector is the same. */
#ifndef EER_REF_LEMMAS_VECTORS_H
#define EER_REF_LEMMAS_VECTORS_H

#include "contracts.h"

/*@ lemma sum_same{L1, L2}: \forall double *x, integer n; 0 <= n ==>
      same{L1, L2}(x, n) ==> sum{L1}(x, n) == sum{L2}(x, n); */

#endif
