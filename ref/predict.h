#ifndef EER_REF_PREDICT_H
#define EER_REF_PREDICT_H

#include "types.h"

int ref_predict(int *predicted, const double *Z, struct ref_work *work, const struct ref_tensors *w,
                const struct eer_config *c, int L);
int ref_evaluate(int *predicted, const int *tokens, int loops, struct ref_work *work,
                 const struct ref_tensors *w, const struct eer_config *c, int L);

#endif
