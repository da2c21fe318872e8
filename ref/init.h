#ifndef EER_REF_INIT_H
#define EER_REF_INIT_H

#include "types.h"

double ref_rounded_to_float(double x);
double ref_uniform(uint32_t word);
double ref_normal(uint32_t word_0, uint32_t word_1);
void ref_init_normal(double *x, uint64_t seed, int tensor, int n);
void ref_init_uniform(double *x, uint64_t seed, int tensor, int rows, int n);
void ref_init_tensor(double *x, uint64_t seed, int tensor, int rows, int n);
void ref_init(const struct eer_config *c, struct eer_state *state);

#endif
