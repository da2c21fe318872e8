#ifndef EER_REF_ATTENTION_H
#define EER_REF_ATTENTION_H

#include "types.h"

int ref_keys(enum eer_mask mask, int i, int N);
double ref_scale(const struct eer_config *c);
void ref_subtract_slope(double *s, double slope, int i, int n);
void ref_scores(double *s, const double *q_i, const double *k, const struct eer_config *c, int i,
                int n);
double ref_attention(double *f, double *p, double *s, const double *q_i, const double *k,
                     const double *v, const struct eer_config *c, int i, int n);
void ref_attention_backward(double *dq_i, double *dk, double *dv, double *dp, double *ds,
                            double *pq, const double *df, const double *q_i, const double *k,
                            const double *v, const double *p, const struct eer_config *c, int top,
                            double weight_P, double weight_S, int n);

#endif
