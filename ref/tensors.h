/* tensors.h - theta, or its gradient, by the names of its tensors [3.5]. */
#ifndef EER_REF_TENSORS_H
#define EER_REF_TENSORS_H

#include "contracts.h"

/*@ predicate is_at{L}(double *x, double *theta, struct eer_layout *layout, integer tensor) =
      x == theta + layout->offset[tensor]; */

/*@ requires \valid(w) && \valid_read(layout) && \separated(w, layout);
    terminates \true;
    assigns *w;
    ensures embedding: is_at(w->E, theta, layout, EER_EMBEDDING);
    ensures queries: is_at(w->W_Q, theta, layout, EER_W_Q);
    ensures keys: is_at(w->W_K, theta, layout, EER_W_K);
    ensures values: is_at(w->W_V, theta, layout, EER_W_V);
    ensures gain_1: is_at(w->gain_1, theta, layout, EER_LN1_GAIN);
    ensures bias_1: is_at(w->bias_1, theta, layout, EER_LN1_BIAS);
    ensures gain_2: is_at(w->gain_2, theta, layout, EER_LN2_GAIN);
    ensures bias_2: is_at(w->bias_2, theta, layout, EER_LN2_BIAS);
    ensures in: is_at(w->W_1, theta, layout, EER_W_1) && is_at(w->b_1, theta, layout, EER_B_1);
    ensures out: is_at(w->W_2, theta, layout, EER_W_2) && is_at(w->b_2, theta, layout, EER_B_2);
    ensures gain_f: is_at(w->gain_f, theta, layout, EER_LNF_GAIN);
    ensures bias_f: is_at(w->bias_f, theta, layout, EER_LNF_BIAS);
    ensures logits: is_at(w->W_O, theta, layout, EER_W_O) &&
                    is_at(w->b_O, theta, layout, EER_B_O); */
void ref_tensors(struct ref_tensors *w, const struct eer_layout *layout, double *theta);

#endif
