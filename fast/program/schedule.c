#include "schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* From 1 at x = 0 to `last` at x = 1. */
static double fall(enum eer_schedule schedule, double x, double last)
{
    switch (schedule) {
    case EER_LINEAR:
        return 1.0 - (1.0 - last) * x;
    case EER_COSINE:
        return last + (1.0 - last) * (1.0 + cos(pi * x)) / 2.0;
    default:
        return 1.0;
    }
}

double eer_learning_rate(const struct eer_config *c, int step)
{
    if (step <= c->warmup)
        return c->lr * step / c->warmup;
    double x = (double)(step - 1 - c->warmup) / (c->steps - c->warmup);
    return c->lr * fall(c->lr_schedule, x, 0.0);
}

struct eer_weights eer_weights_at(const struct eer_config *c, int step)
{
    double x = c->steps > 1 ? (double)(step - 1) / (c->steps - 1) : 0.0;
    double factor = fall(c->lambda_schedule, x, c->lambda_final);
    return (struct eer_weights){c->lambda_P * factor, c->lambda_K * factor, c->lambda_S * factor};
}
