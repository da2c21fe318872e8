/* backend.h - the one face of ref, fast and cuda: what the trainer and the tests call.
 *
 * A backend is a table of functions over an engine, which owns all memory (taken once, at open).
 * All numbers cross this face as double; float backends convert exactly (state) or once
 * (gradients). */
#ifndef EER_BACKEND_H
#define EER_BACKEND_H

#include "config.h"
#include "error.h"
#include "layout.h"
#include "random.h"

enum eer_precision { EER_FP64, EER_FP32, EER_TF32 };
enum eer_tf32_rounding { EER_TF32_TIES_AWAY, EER_TF32_TIES_EVEN, EER_TF32_TRUNCATE };
enum eer_isa { EER_ISA_BEST, EER_ISA_PLAIN, EER_ISA_AVX2, EER_ISA_AVX512 };

#define EER_WORDS_precision     "fp64|fp32|tf32"
#define EER_WORDS_tf32_rounding "ties-away|ties-even|truncate"
#define EER_WORDS_isa           "best|plain|avx2|avx512"

/* How a run is executed, as opposed to what is computed. Threads and isa never change a bit. */
struct eer_run {
    enum eer_precision precision;
    enum eer_tf32_rounding tf32_rounding;
    enum eer_isa isa;
    int threads;      /* 1 to 64 */
    int train_length; /* longest L that gradient() will be given; 0: none */
    int eval_length;  /* longest L that evaluate() will be given; 0: none */
};

/* B sequences of L tokens. tokens and labels are B x L, row-major. A label is a class in [0, V]
 * (V is "no match") or -1 where the position is not counted (form = last, all but the last). */
struct eer_batch {
    int B, L;
    int *tokens;
    int *labels;
};

/* The weights of the loss terms at one step, after lambda_schedule. */
struct eer_weights {
    double lambda_P, lambda_K, lambda_S;
};

/* The loss of a batch and its parts, unweighted (eq. 2 to 5). */
struct eer_terms {
    double total;           /* task + lambda_P potential + lambda_K kinetic + lambda_S penalty */
    double task;            /* mean cross-entropy over the counted positions, nats */
    double potential;       /* mean of -log max p, nats (eq. 4) */
    double kinetic;         /* in the configured reading (eq. 3) */
    double entropy;         /* mean S_q */
    double entropy_penalty; /* mean |time mean of S_q - eta| (eq. 5) */
    double correct; /* counted positions whose largest logit (the first, if tied) is right */
    double counted;
};

/* Everything a checkpoint holds besides the configuration; arrays of P elements each. */
struct eer_state {
    int step;      /* steps done */
    double *theta; /* parameters */
    double *m, *v; /* AdamW's moments */
};

struct eer_engine;

struct eer_backend {
    const char *name;

    /* Takes all memory. Errors: EER_UNAVAILABLE, EER_NO_MEMORY, EER_USAGE. */
    enum eer_status (*open)(const struct eer_config *, const struct eer_run *, struct eer_engine **,
                            struct eer_error *);
    void (*close)(struct eer_engine *);

    /* The initial parameters of the configured seed (spec/model.md, 3.6), moments 0, step 0. */
    void (*init)(const struct eer_config *, struct eer_state *);
    /* The length of a training step, and B x L tokens and labels; step counts from 1. */
    int (*length)(const struct eer_config *, int step);
    void (*draw)(const struct eer_config *, uint64_t seed, enum eer_purpose, int step,
                 struct eer_batch *);

    void (*put)(struct eer_engine *, const struct eer_state *);
    void (*get)(const struct eer_engine *, struct eer_state *);

    /* Loss and gradient of a batch at the engine's parameters. gradient: P elements, or NULL. The
     * engine keeps the gradient for update(). Error: EER_NOT_FINITE; the parameters are unchanged.
     */
    enum eer_status (*gradient)(struct eer_engine *, const struct eer_batch *,
                                const struct eer_weights *, struct eer_terms *, double *gradient,
                                struct eer_error *);
    /* One AdamW step with the gradient of the last gradient(); adds 1 to the engine's step. */
    void (*update)(struct eer_engine *, double lr);

    /* Forward with `loops` iterations; predicted: B x L classes. Memory linear in L. */
    enum eer_status (*evaluate)(struct eer_engine *, const struct eer_batch *, int loops,
                                int *predicted, struct eer_error *);

    /* What the engine really runs, e.g. "fp32, avx512, 2 threads". */
    const char *(*describe)(const struct eer_engine *);

    /* The rest is for backends on a device of their own; NULL elsewhere. */

    /* The next `count` whole steps - draw(), gradient(), update() - without the host in between, of
     * several engines of one configuration but for the seed, all at the same step. weights, lr:
     * count each, the same for all models; terms: models x count. The bits are those of single
     * steps. A model whose loss or gradient is not finite stays as it was before that step; then
     * get() says which step that is, and the status is EER_NOT_FINITE. */
    enum eer_status (*steps)(struct eer_engine **, int models, int count,
                             const struct eer_weights *, const double *lr, struct eer_terms *,
                             struct eer_error *);
    /* What went wrong in put(), get() or update(), which cannot say so themselves. */
    enum eer_status (*check)(const struct eer_engine *, struct eer_error *);
};

extern const struct eer_backend ref_backend;
extern const struct eer_backend fast_backend;
#ifdef __cplusplus
extern "C" const struct eer_backend cuda_backend;
#else
extern const struct eer_backend cuda_backend;
#endif

#endif
