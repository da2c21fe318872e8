#ifndef EER_REF_LAYER_NORM_H
#define EER_REF_LAYER_NORM_H

#include "types.h"

double ref_variance(const double *x, double mean, int d);
double ref_standardise(double *xhat, const double *x, int d);
void ref_layer_norm(double *y, const double *x, const double *gain, const double *bias, int d);
void ref_layer_norm_parameters(double *dgain, double *dbias, const double *dy, const double *xhat,
                               int d);
void ref_layer_norm_input(double *dx, const double *g, const double *xhat, double deviation, int d);
void ref_layer_norm_backward(double *dx, double *dgain, double *dbias, double *xhat, double *g,
                             const double *dy, const double *x, const double *gain, int d);

#endif
