/* fresh.h - accuracy on sequences that training never saw (EER_DRAW_FRESH), length by length. */
#ifndef EER_FRESH_H
#define EER_FRESH_H

#include "accuracy.h"
#include "checkpoint.h"
#include "execution.h"

enum { EER_FRESH_LENGTHS = 32 };

struct eer_fresh {
    int count;
    int length[EER_FRESH_LENGTHS], sequences[EER_FRESH_LENGTHS];
    uint64_t seed;
    int loops;
    double patience;  /* a length that would take longer, in seconds, is left out; 0: none is */
    int measured;     /* lengths that were measured */
    char engine[128]; /* what ran: describe() */
    struct eer_accuracy accuracy[EER_FRESH_LENGTHS];
};

/* Measures at the checkpoint's parameters; lengths must ascend if patience > 0. */
enum eer_status eer_fresh_measure(const struct eer_execution *, const struct eer_checkpoint *,
                                  struct eer_fresh *, struct eer_error *);

/* How the intervals came about, in one sentence. */
extern const char eer_fresh_note[];

#endif
