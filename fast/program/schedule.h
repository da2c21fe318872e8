/* schedule.h - the learning rate and the weights of the loss terms at a step, counted from 1
 * (spec/model.md, 4.5 and 5.7). Pure functions of the configuration, in double. */
#ifndef EER_SCHEDULE_H
#define EER_SCHEDULE_H

#include "../../spec/backend.h"

double eer_learning_rate(const struct eer_config *, int step);
struct eer_weights eer_weights_at(const struct eer_config *, int step);

#endif
