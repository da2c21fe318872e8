#ifndef EER_REF_READ_OUT_H
#define EER_REF_READ_OUT_H

#include "types.h"

void ref_logits(double *logits, double *h, const double *z, const struct ref_tensors *w,
                const struct eer_config *c);
void ref_logits_backward(double *dz, const struct ref_tensors *dw, double *dh, double *xhat,
                         double *g, const double *dlogits, const double *h, const double *z,
                         const struct ref_tensors *w, const struct eer_config *c);

#endif
