#ifndef EER_REF_TENSORS_H
#define EER_REF_TENSORS_H

#include "types.h"

void ref_tensors(struct ref_tensors *w, const struct eer_layout *layout, double *theta);

#endif
