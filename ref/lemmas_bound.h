/* lemmas_bound.h - what the proofs of bound.c need: powers by exp, rows of probabilities. */
#ifndef EER_REF_LEMMAS_BOUND_H
#define EER_REF_LEMMAS_BOUND_H

#include "lemmas_elementary.h"
#include "lemmas_rows.h"
#include "lemmas_vectors.h"

/* Theorems of the same names stand in proofs/coq/facts.v. */
/*@ axiomatic PowersByExp {
      axiom power_zero: \forall real y; 0 < y ==> power(0.0, y) == 0.0;
      axiom power_by_exp: \forall real x, q; 0 < x ==>
        power(x, q) == x * \exp((q - 1) * \log(x));
    } */

/*@ lemma bound_product_sign: \forall real x, y; 0 <= x ==> 0 <= y ==> 0 <= x * y;
    lemma bound_over_sign: \forall real x, y; 0 <= x ==> 0 < y ==> 0 <= over(x, y);
    lemma distribution_same{L1, L2}: \forall double *p, integer n; 0 <= n ==>
      same{L1, L2}(p, n) ==> is_distribution{L2}(p, n) ==> is_distribution{L1}(p, n);
    lemma distributions_unit{L}: \forall double *S, integer n, rows;
      distributions(S, n, rows) ==> unit_rows(S, n, rows); */

#endif
