#ifndef EER_REF_GRADIENT_H
#define EER_REF_GRADIENT_H

#include "types.h"

int ref_counted(const int *labels, int n);
void ref_position_loss(struct eer_terms *sums, const struct ref_tensors *dw, double *dz,
                       const double *z, int label, double counted, struct ref_work *work,
                       const struct ref_tensors *w, const struct eer_config *c);
void ref_task_loss(struct eer_terms *sums, const struct ref_tensors *dw, const int *labels,
                   double counted, struct ref_work *work, const struct ref_tensors *w,
                   const struct eer_config *c, int L);
void ref_sequence(struct eer_terms *sums, const struct ref_tensors *dw, const int *tokens,
                  const int *labels, double counted, const struct ref_slopes *slopes,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                  int L);
void ref_means(struct eer_terms *terms, const struct eer_weights *weights, int B, int counted);
void ref_gradient(struct eer_terms *terms, const struct ref_tensors *dw,
                  const struct eer_batch *batch, const struct eer_weights *weights,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c);

#endif
