/* training.h - the training loop, for one model or several at once: length, draw, gradient, update;
 * evaluations, metrics, checkpoints. */
#ifndef EER_TRAINING_H
#define EER_TRAINING_H

#include "accuracy.h"
#include "checkpoint.h"
#include "directory.h"
#include "execution.h"
#include "metrics.h"
#include "progress.h"

struct eer_training {
    /* Set by the caller; the checkpoint's state is where the run starts or continues. */
    struct eer_execution execution;
    struct eer_checkpoint checkpoint;
    const char *directory;
    int checkpoint_every; /* steps; 0: at every evaluation */
    int quiet;
    int saved; /* step of the last good checkpoint in the directory; -1: none */

    /* What came of it. */
    int step;               /* steps done */
    struct eer_row row;     /* the last evaluation's; all zero: none */
    struct eer_error error; /* EER_NOT_FINITE: the model stopped early, and why */

    /* The loop's own. */
    const struct eer_backend *backend;
    struct eer_engine *engine;
    struct eer_batch batch; /* room for length_max */
    struct eer_examples progress_set[EER_PROGRESS_LENGTHS];
    struct eer_metrics metrics;
    char path[EER_PATH];        /* of the checkpoint */
    struct eer_terms terms;     /* of the last step */
    struct eer_weights weights; /* in it */
    double before;              /* seconds of earlier parts of the run */
    double begin;               /* clock at the loop's start */
    double stepping;            /* seconds spent on steps since the last row */
    int counted_from;           /* step of that row */
};

/* Takes all memory and opens the engine. */
enum eer_status eer_training_open(struct eer_training *, struct eer_error *);
/* Runs models of one configuration but for the seed, executed alike, to the last step, or to a
 * signal (eer_signals_watch): EER_STOPPED. Those furthest behind go first, until they reach the
 * next; those at the same step go together where the backend can. The checkpoints in the
 * directories are then those of the last step done; after an error the last good ones. A model
 * that is not finite stops alone; once the others are at the end, the status is EER_NOT_FINITE with
 * the first such model's sentence. */
enum eer_status eer_training_run(struct eer_training *const *, int models, struct eer_error *);
/* The row stays. */
void eer_training_close(struct eer_training *);

#endif
