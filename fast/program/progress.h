/* progress.h - what a person sees of a training run while it goes: on a terminal one line that is
 * rewritten at most ten times a second, elsewhere a line at each evaluation. */
#ifndef EER_PROGRESS_H
#define EER_PROGRESS_H

#include "metrics.h"

struct eer_progress {
    int quiet, terminal;
    int steps;
    int models;          /* more than one: means are shown, and the worst */
    int first_step;      /* done before this process began */
    double begin, shown; /* clock, seconds */
    double accuracy[EER_PROGRESS_LENGTHS];
    double worst[EER_PROGRESS_LENGTHS]; /* among the models */
};

void eer_progress_begin(struct eer_progress *, int quiet, int first_step, int steps, int models);
/* After a step. */
void eer_progress_step(struct eer_progress *, int step, const struct eer_terms *);
/* After an evaluation, whose row was just written. */
void eer_progress_row(struct eer_progress *, const struct eer_row *);
/* Leaves the rewritten line. */
void eer_progress_end(struct eer_progress *);

#endif
