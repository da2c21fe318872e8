#ifndef EER_REF_BACKWARD_H
#define EER_REF_BACKWARD_H

#include "types.h"

void ref_mlp_half_backward(double *dz, double *dx, const struct ref_tensors *dw, const double *r_1,
                           const double *x, struct ref_work *work, const struct ref_tensors *w,
                           const struct eer_config *c);
void ref_attention_row_backward(const double *df, const struct ref_slopes *slopes,
                                struct ref_work *work, const struct eer_config *c, int i, int N);
void ref_attention_rows_backward(const struct ref_tensors *dw, const double *R,
                                 const struct ref_slopes *slopes, struct ref_work *work,
                                 const struct ref_tensors *w, const struct eer_config *c, int N);
void ref_projections_backward(const struct ref_tensors *dw, struct ref_work *work,
                              const struct ref_tensors *w, const struct eer_config *c, int N);
void ref_attention_half_backward(const struct ref_tensors *dw, const double *Z, const double *R,
                                 const struct ref_slopes *slopes, struct ref_work *work,
                                 const struct ref_tensors *w, const struct eer_config *c, int N);
void ref_iteration_backward(const struct ref_tensors *dw, const double *Z, const double *R,
                            const struct ref_slopes *slopes, struct ref_work *work,
                            const struct ref_tensors *w, const struct eer_config *c, int N);
void ref_loop_backward(const struct ref_tensors *dw, const struct ref_slopes *slopes,
                       struct ref_work *work, const struct ref_tensors *w,
                       const struct eer_config *c, int N);

#endif
