#ifndef EER_REF_MATMUL_H
#define EER_REF_MATMUL_H

#include "types.h"

double ref_dot(const double *a, const double *b, int n);
void ref_add_multiple(double *c, double a, const double *b, int n);
void ref_row(double *c, const double *a, const double *B, int m, int n);
void ref_row_nt(double *c, const double *a, const double *B, int m, int n);
void ref_row_tn(double *C, const double *a, const double *b, int m, int n);
void ref_matmul(double *C, const double *A, const double *B, int rows, int m, int n);
void ref_matmul_nt(double *C, const double *A, const double *B, int rows, int m, int n);
void ref_matmul_tn(double *C, const double *A, const double *B, int rows, int m, int n);

#endif
