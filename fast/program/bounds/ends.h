/* ends.h - the ends of enclosures as people and JSON read them. */
#ifndef EER_ENDS_H
#define EER_ENDS_H

#include <fenv.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "../../../proofs/bound/interval.h"

enum { EER_END = 32 };

/* x to some significant digits, rounded by a mode of fenv.h, as glibc's printf does; "unknown" if
 * it is not finite. */
static inline const char *eer_end(char text[EER_END], double x, int digits, int mode)
{
    int before = fegetround();
    if (!isfinite(x))
        return "unknown";
    fesetround(mode);
    snprintf(text, EER_END, "%.*g", digits, x);
    fesetround(before);
    return text;
}

static inline const char *eer_low(char text[EER_END], double x, int digits)
{
    return eer_end(text, x, digits, FE_DOWNWARD);
}

static inline const char *eer_high(char text[EER_END], double x, int digits)
{
    return eer_end(text, x, digits, FE_UPWARD);
}

/* [lo, hi]; an end that is not known is null. */
static inline json_t *eer_interval_json(struct bound_interval x)
{
    return json_pack("[oo]", isfinite(x.lo) ? json_real(x.lo) : json_null(),
                     isfinite(x.hi) ? json_real(x.hi) : json_null());
}

#endif
