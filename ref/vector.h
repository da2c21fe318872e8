#ifndef EER_REF_VECTOR_H
#define EER_REF_VECTOR_H

#include "types.h"

void ref_fill(double *x, double value, int n);
void ref_copy(double *y, const double *x, int n);
void ref_add(double *y, const double *x, int n);
void ref_sum_of_two(double *y, const double *a, const double *b, int n);
void ref_divide(double *x, double divisor, int n);
double ref_sum(const double *x, int n);
double ref_sum_of_products(const double *x, const double *y, int n);
double ref_norm(const double *x, int n);
int ref_argmax(const double *x, int n);
void ref_products(double *y, const double *a, const double *b, int n);
void ref_multiply(double *x, double factor, int n);
void ref_add_scaled(double *y, double factor, const double *x, int n);
int ref_all_finite(const double *x, int n);

#endif
