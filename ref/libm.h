#ifndef EER_REF_LIBM_H
#define EER_REF_LIBM_H

#include "types.h"

double ref_exp(double x);
double ref_log(double x);
double ref_sqrt(double x);
double ref_pow(double x, double y);
double ref_erf(double x);
double ref_sin(double x);
double ref_cos(double x);

#endif
