/* outward.h - doubles rounded outwards: each result of one operation, rounded to nearest, lies next
 * to the exact one or is it; sums of many terms by counting their roundings. */
#ifndef BOUND_OUTWARD_H
#define BOUND_OUTWARD_H

#include <math.h>

#include "strict.h"

#define BOUND_UNIT      0x1p-53   /* unit roundoff u */
#define BOUND_UNDERFLOW 0x1p-1074 /* more than one product loses below the normal numbers */

/* At least the exact result of the one operation that gave x; NaN stays NaN. */
static inline double bound_up(double x)
{
    return nextafter(x, INFINITY);
}

/* At most the exact result. */
static inline double bound_down(double x)
{
    return nextafter(x, -INFINITY);
}

/* gamma_k = k u / (1 - k u), from above; k < 2^50. */
static inline double bound_gamma(double k)
{
    return bound_up(k * BOUND_UNIT / (1.0 - k * BOUND_UNIT));
}

/* At least a sum of k non-negative terms or products of two, computed as `sum`: its roundings are
 * at most k + 1 factors within 1 +- u, and 1 + 2 (k + 2) u, exact in double, outweighs their
 * inverse. */
static inline double bound_sum_up(double sum, double k)
{
    double raised = bound_up(sum * (1.0 + 2.0 * (k + 2.0) * BOUND_UNIT));
    return bound_up(raised + k * BOUND_UNDERFLOW);
}

/* At most such a sum. */
static inline double bound_sum_down(double sum, double k)
{
    double lowered = bound_down(sum * (1.0 - 2.0 * (k + 2.0) * BOUND_UNIT));
    double rest = bound_down(lowered - k * BOUND_UNDERFLOW);
    return rest < 0.0 ? 0.0 : rest;
}

#endif
