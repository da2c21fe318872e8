/* task.h - the induction-head task (spec/model.md, 2; spec/random.h) and initial parameters (3.6),
 * on the host: a few thousand integers a step. */
#ifndef CUDA_TASK_H
#define CUDA_TASK_H

#include "../spec/backend.h"

int cuda_length(const struct eer_config *, int step);
void cuda_draw(const struct eer_config *, uint64_t seed, enum eer_purpose, int step,
               struct eer_batch *);
void cuda_init(const struct eer_config *, struct eer_state *);

#endif
