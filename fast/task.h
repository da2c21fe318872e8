/* task.h - the induction-head task (spec/model.md, 2; spec/random.h) and initial parameters (3.6).
 */
#ifndef FAST_TASK_H
#define FAST_TASK_H

#include "../spec/backend.h"

int fast_length(const struct eer_config *, int step);
void fast_draw(const struct eer_config *, uint64_t seed, enum eer_purpose, int step,
               struct eer_batch *);
/* Labels of one sequence of L tokens. */
void fast_labels(const struct eer_config *, const int *tokens, int L, int *labels);
void fast_init(const struct eer_config *, struct eer_state *);

#endif
