/* lemmas_sums.h - sums: equal summands give equal sums, and what follows from their signs. */
#ifndef EER_REF_LEMMAS_SUMS_H
#define EER_REF_LEMMAS_SUMS_H

#include "lemmas_elementary.h"
#include "lemmas_vectors.h"

/*@ lemma quotient_times{L}: \forall double *x, integer j, real divisor; divisor != 0 ==>
      quotient(x, j, divisor) * divisor == x[j];
    lemma quotient_sign: \forall real x, y; 0 <= x && 0 < y ==> 0 <= x / y;
    lemma quotient_below: \forall real x, y; x <= y && 0 < y ==> x / y <= 1;
    lemma over_sign: \forall real x, y; 0 <= x && 0 < y ==> 0 <= over(x, y);
    lemma over_below: \forall real x, y; x <= y && 0 < y ==> over(x, y) <= 1;
    lemma part_of_whole{L}: \forall double *x, integer j, real whole;
      0 <= x[j] <= whole && 0 < whole ==> 0 <= quotient(x, j, whole) <= 1;
    lemma sum_nonnegative{L}: \forall double *x, integer n; 0 <= n ==>
      (\forall integer i; 0 <= i < n ==> 0 <= x[i]) ==> 0 <= sum(x, n);
    lemma part_of_sum{L}: \forall double *x, integer n, j;
      0 <= j < n && (\forall integer i; 0 <= i < n ==> 0 <= x[i]) ==> x[j] <= sum(x, n);
    lemma sum_of_exponentials{L1, L2}: \forall double *p, *s, real largest, integer n; 0 <= n ==>
      (\forall integer j; 0 <= j < n ==> \at(p[j], L1) == exp_term{L2}(s, largest, j)) ==>
      sum{L1}(p, n) == exponentials{L2}(s, largest, n);
    lemma sum_of_powers{L1, L2}: \forall double *pq, *p, real q, integer n; 0 <= n ==>
      (\forall integer j; 0 <= j < n ==> \at(pq[j], L1) == power_term{L2}(p, q, j)) ==>
      sum{L1}(pq, n) == powers{L2}(p, q, n);
    lemma powers_below_sum{L}: \forall double *p, real q, integer n; 0 <= n ==> 1 <= q ==>
      (\forall integer j; 0 <= j < n ==> 0 <= p[j] <= 1) ==> powers(p, q, n) <= sum(p, n);
    lemma exponentials_same{L1, L2}: \forall double *s, real largest, integer n; 0 <= n ==>
      same{L1, L2}(s, n) ==> exponentials{L1}(s, largest, n) == exponentials{L2}(s, largest, n);
    lemma powers_same{L1, L2}: \forall double *p, real q, integer n; 0 <= n ==>
      same{L1, L2}(p, n) ==> powers{L1}(p, q, n) == powers{L2}(p, q, n);
    lemma tsallis_sign{L}: \forall double *p, real q, integer n;
      1 < q && powers(p, q, n) <= 1 ==> 0 <= tsallis(p, q, n);
    lemma sum_of_products{L1, L2}: \forall double *g, *x, *y, integer n; 0 <= n ==>
      (\forall integer j; 0 <= j < n ==> \at(g[j], L1) == product{L2}(x, y, j)) ==>
      sum{L1}(g, n) == dot{L2}(x, y, n);
    lemma sum_of_gained{L1, L2}: \forall double *g, *xhat, *dy, *gain, *x, integer d, n; 0 <= n ==>
      (\forall integer j; 0 <= j < n ==> \at(g[j], L1) == product{L2}(dy, gain, j)) ==>
      (\forall integer j; 0 <= j < n ==> \at(xhat[j], L1) == standardised{L2}(x, d, j)) ==>
      dot{L1}(g, xhat, n) == gained_dot{L2}(dy, gain, x, d, n);

    // Beyond the solvers; theorems of the same names in proofs/coq/facts.v.
    axiomatic Sums {
      axiom sum_of_shares{L1, L2}: \forall double *p, integer n; 0 <= n ==>
        sum{L2}(p, n) != 0 ==> is_divided{L1, L2}(p, sum{L2}(p, n), n) ==> sum{L1}(p, n) == 1;
      axiom tsallis_maximum{L}: \forall double *p, real q, integer n;
        1 <= n && 1 < q && sum(p, n) == 1 && (\forall integer j; 0 <= j < n ==> 0 <= p[j]) ==>
        tsallis(p, q, n) <= (1 - power(n, 1 - q)) / (q - 1);
    } */

#endif
