/* clock.h - seconds of a clock that never goes back. */
#ifndef EER_CLOCK_H
#define EER_CLOCK_H

#include <time.h>

static inline double eer_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif
