#ifndef EER_REF_SOFTMAX_H
#define EER_REF_SOFTMAX_H

#include "types.h"

void ref_exponentials(double *p, const double *s, double largest, int n);
double ref_softmax(double *p, const double *s, int n);
double ref_power(double x, double q);
void ref_powers(double *pq, const double *p, double q, int n);
double ref_tsallis(double *pq, const double *p, double q, int n);
void ref_softmax_backward(double *ds, const double *p, const double *dp, int n);
void ref_potential_backward(double *ds, const double *p, int top, double weight, int n);
void ref_tsallis_backward(double *ds, double *pq, const double *p, double q, double weight, int n);

#endif
