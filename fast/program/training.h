/* training.h - the training loop: length, draw, gradient, update; evaluations, metrics,
 * checkpoints. */
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

    /* The loop's own. */
    const struct eer_backend *backend;
    struct eer_engine *engine;
    struct eer_batch batch; /* room for length_max */
    struct eer_examples progress_set[EER_PROGRESS_LENGTHS];
    struct eer_metrics metrics;
    struct eer_progress progress;
    char path[EER_PATH]; /* of the checkpoint */
    double before;       /* seconds of earlier parts of the run */
    double begin;        /* clock at the loop's start */
    double stepping;     /* seconds spent on steps since the last row */
    int counted_from;    /* step of that row */
    int pace;            /* steps in one call, where a backend does several */
};

/* Takes all memory and opens the engine. */
enum eer_status eer_training_open(struct eer_training *, struct eer_error *);
/* Runs to the last step, or to a signal: EER_STOPPED. The checkpoint in the directory is then the
 * one of the last step done; after an error it is the last good one. */
enum eer_status eer_training_run(struct eer_training *, struct eer_error *);
void eer_training_close(struct eer_training *);

#endif
