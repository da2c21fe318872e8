/* tensors.h - theta, or its gradient, by the names of its tensors [3.5]. */
#ifndef EER_REF_TENSORS_H
#define EER_REF_TENSORS_H

#include "contracts.h"

/*@ requires \valid(w) && \valid_read(layout) && \separated(w, layout);
    requires \forall integer t; 0 <= t < EER_TENSORS ==>
      0 <= layout->offset[t] <= layout->size && \valid_read(theta + (0 .. layout->size - 1));
    terminates \true;
    assigns *w; */
void ref_tensors(struct ref_tensors *w, const struct eer_layout *layout, double *theta);

#endif
