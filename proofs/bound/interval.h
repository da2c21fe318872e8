/* interval.h - what leaves proofs/bound: an enclosure as two doubles, rounded outwards. */
#ifndef BOUND_INTERVAL_H
#define BOUND_INTERVAL_H

#include "strict.h"

/* lo <= the value <= hi. Unknown is [-infinity, infinity]; a NaN never leaves. */
struct bound_interval {
    double lo, hi;
};

/* What a comparison of enclosures can say. */
enum bound_answer { BOUND_NO, BOUND_YES, BOUND_UNDECIDED };

/* Is a > b? */
enum bound_answer bound_above(struct bound_interval a, struct bound_interval b);
/* Is a <= b? */
enum bound_answer bound_at_most(struct bound_interval a, struct bound_interval b);

#endif
