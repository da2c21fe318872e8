#ifndef EER_REF_BLOCK_H
#define EER_REF_BLOCK_H

#include "types.h"

void ref_block_input(double *y, double *u, const double *z, const double *x, const double *gain,
                     const double *bias, enum eer_norm norm, int d);
void ref_block_output(double *out, const double *r, const double *gain, const double *bias,
                      enum eer_norm norm, int d);
void ref_block_input_backward(double *du, double *dgain, double *dbias, double *xhat, double *g,
                              const double *dy, const double *u, const double *gain,
                              enum eer_norm norm, int d);
void ref_block_output_backward(double *dr, double *dgain, double *dbias, double *xhat, double *g,
                               const double *dout, const double *r, const double *gain,
                               enum eer_norm norm, int d);

#endif
