#ifndef EER_REF_LOOP_H
#define EER_REF_LOOP_H

#include "types.h"

void ref_queries_keys_values(struct ref_work *work, const double *Z, const struct ref_tensors *w,
                             const struct eer_config *c, int N);
void ref_attention_half(double *z_prime, double *r, const double *z, struct ref_work *work,
                        const struct ref_tensors *w, const struct eer_config *c, int i, int N,
                        int measured);
void ref_mlp_half(double *z_next, double *r, const double *z_prime, const double *x,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c);
void ref_iteration(double *Z_next, double *R, const double *Z, struct ref_work *work,
                   const struct ref_tensors *w, const struct eer_config *c, int N, int measured);
void ref_loop_kept(struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                   int N);
const double *ref_loop_last(struct ref_work *work, const struct ref_tensors *w,
                            const struct eer_config *c, int loops, int N);

#endif
