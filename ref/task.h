#ifndef EER_REF_TASK_H
#define EER_REF_TASK_H

#include "types.h"

int ref_length(const struct eer_config *c, int step);
int ref_token(const struct eer_config *c, uint32_t word, int previous);
void ref_tokens(int *tokens, const struct eer_config *c, uint64_t seed, enum eer_purpose purpose,
                int step, int sequence, int L);
int ref_label(const int *tokens, int i, int V);
void ref_labels(int *labels, const int *tokens, enum eer_form form, int V, int L);
void ref_draw(const struct eer_config *c, uint64_t seed, enum eer_purpose purpose, int step,
              struct eer_batch *batch);

#endif
