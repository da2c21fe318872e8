#ifndef EER_REF_LOSS_H
#define EER_REF_LOSS_H

#include "types.h"

double ref_cross_entropy(double *p, const double *logits, int label, int C);
void ref_cross_entropy_backward(double *dlogits, const double *p, int label, double counted, int C);
double ref_sum_of_norms(const double *Z, int N, int d);
double ref_squared_distance(const double *x, const double *y, int n);
double ref_path(const double *Z, int T, int size);
double ref_kinetic(const double *Z, const struct eer_config *c, int N);
void ref_norm_backward(double *dx, const double *x, double weight, int n);
void ref_sum_of_norms_backward(double *dZ, const double *Z, double weight, int N, int d);
void ref_path_backward(double *dZ, const double *Z, double weight, int t, int T, int size);
void ref_kinetic_backward(double *dZ, const double *Z, const struct eer_config *c, double weight,
                          int t, int N);
double ref_penalty(double *sigma, const double *entropy, double eta, int T, int N);

#endif
