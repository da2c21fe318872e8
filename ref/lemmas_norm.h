/* lemmas_norm.h - layer norm of the same row is the same. */
#ifndef EER_REF_LEMMAS_NORM_H
#define EER_REF_LEMMAS_NORM_H

#include "lemmas_vectors.h"

/*@ lemma squares_same{L1, L2}: \forall double *x, real mean, integer n; 0 <= n ==>
      same{L1, L2}(x, n) ==> squares{L1}(x, mean, n) == squares{L2}(x, mean, n);
    // over is a function to the solvers: equals give equals
    lemma mean_over{L}: \forall double *x, integer d; mean(x, d) == over(sum(x, d), d);
    lemma deviation_over{L}: \forall double *x, integer d; deviation(x, d) ==
      \sqrt(over(squares(x, mean(x, d), d), d) + 1e-5);
    lemma standardised_over{L}: \forall double *x, integer d, j;
      standardised(x, d, j) == over(x[j] - mean(x, d), deviation(x, d));
    lemma mean_same{L1, L2}: \forall double *x, integer d; 0 <= d ==>
      same{L1, L2}(x, d) ==> mean{L1}(x, d) == mean{L2}(x, d);
    lemma deviation_same{L1, L2}: \forall double *x, integer d; 0 <= d ==>
      same{L1, L2}(x, d) ==> deviation{L1}(x, d) == deviation{L2}(x, d);
    lemma standardised_same{L1, L2}: \forall double *x, integer d, j; 0 <= j < d ==>
      same{L1, L2}(x, d) ==> standardised{L1}(x, d, j) == standardised{L2}(x, d, j);
    lemma layer_norm_same{L1, L2, L3}: \forall double *y, *x, *gain, *bias, integer d; 0 <= d ==>
      same{L2, L3}(x, d) ==> same{L2, L3}(gain, d) ==> same{L2, L3}(bias, d) ==>
      is_layer_norm{L1, L2}(y, x, gain, bias, d) ==> is_layer_norm{L1, L3}(y, x, gain, bias, d); */

#endif
