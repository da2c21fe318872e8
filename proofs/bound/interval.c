/* interval.c - see interval.h and, for the way from a ball, norm.h. */
#include "interval.h"

enum bound_answer bound_above(struct bound_interval a, struct bound_interval b)
{
    if (a.lo > b.hi)
        return BOUND_YES;
    if (a.hi <= b.lo)
        return BOUND_NO;
    return BOUND_UNDECIDED;
}

enum bound_answer bound_at_most(struct bound_interval a, struct bound_interval b)
{
    if (a.hi <= b.lo)
        return BOUND_YES;
    if (a.lo > b.hi)
        return BOUND_NO;
    return BOUND_UNDECIDED;
}
