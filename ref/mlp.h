#ifndef EER_REF_MLP_H
#define EER_REF_MLP_H

#include "types.h"

double ref_normal_distribution(double x);
double ref_normal_density(double x);
double ref_activation(double x, enum eer_activation activation);
double ref_activation_derivative(double x, enum eer_activation activation);
void ref_activations(double *g, const double *a, enum eer_activation activation, int m);
void ref_activations_backward(double *da, const double *dg, const double *a,
                              enum eer_activation activation, int m);
void ref_mlp(double *o, double *a, double *g, const double *y, const struct ref_tensors *w,
             const struct eer_config *c);
void ref_mlp_backward(double *dy, const struct ref_tensors *dw, double *da, double *dg,
                      const double *dout, const double *y, const double *a, const double *g,
                      const struct ref_tensors *w, const struct eer_config *c);

#endif
