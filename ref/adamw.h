#ifndef EER_REF_ADAMW_H
#define EER_REF_ADAMW_H

#include "types.h"

void ref_clip(double *g, double clip, int n);
void ref_moments(double *m, double *v, const double *g, double beta1, double beta2, int n);
void ref_adamw(double *theta, double *m, double *v, const double *g, const struct eer_config *c,
               int step, double lr, int n);

#endif
