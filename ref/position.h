#ifndef EER_REF_POSITION_H
#define EER_REF_POSITION_H

#include "types.h"

void ref_add_position(double *x, int i, double pe_scale, int d);
int ref_embedding_row(const int *tokens, int i, const struct eer_config *c);
void ref_input(double *X, const double *E, const int *tokens, const struct eer_config *c, int N);
void ref_input_backward(double *dE, const double *dX, const int *tokens, const struct eer_config *c,
                        int N);

#endif
