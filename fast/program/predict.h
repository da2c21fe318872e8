/* predict.h - what a training step or an evaluation of the backend cuda should take on a device
 * (spec/cuda.md): counts of its kernels, the least time for them, and the time that is expected.
 *
 * Predicted, not measured: a pure function of configuration, lengths and the figures below. The
 * costs are counts of the FP32 kernels at d = 8 and m = 16; other widths are scaled from them. */
#ifndef EER_PREDICT_H
#define EER_PREDICT_H

#include <stddef.h>

#include "../../spec/config.h"

/* Figures of a device; sizes in bytes, of a multiprocessor unless said otherwise. */
struct eer_device {
    const char *word;  /* of --device */
    const char *match; /* part of the name that CUDA gives it */
    int multiprocessors;
    double mhz;
    int fp32;      /* multiply-adds a clock */
    int threads;   /* resident at once */
    int registers; /* of the training kernel, a thread, as nvcc reports them for this architecture
                    */
    int shared, shared_block; /* in all; of one block, at most */
};

#define EER_WORDS_device "a100|h100|b200|rtx5090"

/* The row at a place in these words. */
const struct eer_device *eer_device(int place);
/* The row whose match and "N multiprocessors" are in what the engine says of itself; or NULL: names
 * are shared by devices of other sizes. */
const struct eer_device *eer_device_of(const char *text);

/* What bounds the least time: a pipe of the multiprocessors, one block by itself where there are
 * too few to fill them, or the gaps between kernels. */
enum eer_bound {
    EER_BOUND_ISSUE,
    EER_BOUND_FP32,
    EER_BOUND_SHARED,
    EER_BOUND_BLOCK,
    EER_BOUND_LAUNCH
};
#define EER_WORDS_bound "issue|fp32|shared|block|launch"

/* Of one block, which is one sequence of one model; instructions and accesses are a warp's. */
struct eer_block {
    int threads, barriers;
    size_t shared;       /* bytes it occupies */
    double instructions; /* issued */
    double wavefronts;   /* of 128 bytes of shared memory: an access with conflicts takes several */
    double fp32;         /* adds, products, fused multiply-adds of single numbers */
    double exps, roots;  /* single numbers */
    double global;       /* bytes */
    double least, alone; /* clocks by itself: no wait but for its own pipes; with latencies */
};

struct eer_prediction {
    struct eer_block block;
    int launches; /* of kernels */
    int blocks;   /* of the largest kernel */
    int resident; /* blocks a multiprocessor holds at once */
    enum eer_bound bound;
    double floor_ms, ms;
};

/* A whole step of `models` models, which all have L tokens; room: the longest L of the run. d up to
 * 32, and shared memory for L tokens: otherwise ms is 0, for there is no prediction. */
struct eer_prediction eer_predict_train(const struct eer_config *, const struct eer_device *, int L,
                                        int models, int room);
/* `sequences` sequences of L tokens, d = 8; as above otherwise. */
struct eer_prediction eer_predict_evaluate(const struct eer_config *, const struct eer_device *,
                                           int L, int sequences);

#endif
