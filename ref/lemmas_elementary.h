/* lemmas_elementary.h - what the solvers do not know of elementary functions. Theorems of the same
 * names stand in proofs/coq/facts.v. */
#ifndef EER_REF_LEMMAS_ELEMENTARY_H
#define EER_REF_LEMMAS_ELEMENTARY_H

#include "contracts.h"

/*@ lemma square_sign: \forall real x; 0 <= square(x); */

/*@ axiomatic Elementary {
      axiom exp_zero: \exp(0.0) == 1.0;
      axiom exp_positive: \forall real x; 0 < \exp(x);
      axiom exp_increasing: \forall real x, y; x <= y ==> \exp(x) <= \exp(y);
      axiom log_of_exp: \forall real x; \log(\exp(x)) == x;
      axiom log_increasing: \forall real x, y; 0 < x <= y ==> \log(x) <= \log(y);
      axiom log_one: \log(1.0) == 0.0;
      axiom power_positive: \forall real x, y; 0 < x ==> 0 < power(x, y);
      axiom power_nonnegative: \forall real x, y; 0 <= x ==> 0 <= power(x, y);
      axiom power_two: \forall real x; 0 <= x ==> power(x, 2.0) == x * x;
      axiom power_three_halves: \forall real x; 0 <= x ==> power(x, 1.5) == x * \sqrt(x);
      axiom power_below: \forall real x, q; 0 <= x <= 1 && 1 <= q ==> power(x, q) <= x;
      axiom adam_correction: \forall real b, s; 0 <= b < 1 && 1 <= s ==> power(b, s) < 1;
    } */

#endif
