/* metrics.h - DIR/metrics.jsonl: one JSON object a line for every evaluation during training.
 *
 * The loss terms, kinetic, potential and entropy are those of the step's own training batch, so of
 * the parameters before its update; the accuracies are of the parameters after it. Step 0 looks at
 * step 1's batch. "seconds" and "steps_per_second" come last: all before them follows from the
 * configuration alone. */
#ifndef EER_METRICS_H
#define EER_METRICS_H

#include <stdio.h>

#include "../../spec/backend.h"

enum { EER_PROGRESS_LENGTHS = 3 };
extern const int eer_progress_length[EER_PROGRESS_LENGTHS]; /* 10, 100, 1000, as in Table 2 */

struct eer_row {
    int step, length;
    struct eer_terms terms;
    double accuracy[EER_PROGRESS_LENGTHS]; /* per cent */
    double lr;
    struct eer_weights weights;
    double seconds;          /* of training so far, over all resumed parts */
    double steps_per_second; /* since the last row */
};

struct eer_metrics {
    FILE *file;
    char path[4096];
};

/* Opens for appending after the last whole row of a step <= `step`; what follows is cut off (step =
 * -1: all). *last is that row, zero if there is none. */
enum eer_status eer_metrics_open(struct eer_metrics *, const char *directory, int step,
                                 struct eer_row *last, struct eer_error *);
/* On the disk when it returns. */
enum eer_status eer_metrics_write(struct eer_metrics *, const struct eer_row *, struct eer_error *);
enum eer_status eer_metrics_close(struct eer_metrics *, struct eer_error *);

/* All whole rows of DIR/metrics.jsonl, to be freed; a last line without its end is passed over. */
enum eer_status eer_metrics_read(const char *directory, struct eer_row **, int *count,
                                 struct eer_error *);

#endif
