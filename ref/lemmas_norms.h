/* lemmas_norms.h - norms that are computed of quotients. */
#ifndef EER_REF_LEMMAS_NORMS_H
#define EER_REF_LEMMAS_NORMS_H

#include "contracts.h"

/*@ lemma quotient_back{L}: \forall double *x, integer j, real divisor; divisor != 0 ==>
      quotient(x, j, divisor) * divisor == x[j];
    lemma square_of_product: \forall real x, y; square(x) * square(y) == square(x * y);
    lemma root_of_square: \forall real x; 0 <= x ==> square(\sqrt(x)) == x;
    lemma product_sign: \forall real x, y; 0 <= x ==> 0 <= y ==> 0 <= x * y; */

#endif
