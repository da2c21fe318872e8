/* model.h - a trained model as proofs/bound takes it: configuration, parameters, input. */
#ifndef BOUND_MODEL_H
#define BOUND_MODEL_H

#include "../../spec/config.h"

struct bound_model {
    const struct eer_config *config;
    const double *theta; /* spec/layout.h */
};

#endif
