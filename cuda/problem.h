/* problem.h - what host and kernels share: the configuration as the kernels use it, what a launch
 * is given, and how a block's memory is laid out. */
#ifndef CUDA_PROBLEM_H
#define CUDA_PROBLEM_H

#include <cuda_runtime.h>

extern "C" {
#include "../spec/layout.h"
#include "task.h"
}

enum {
    CUDA_THREADS = 256, /* of the largest block but: */
    CUDA_WIDEST = 288,  /* of training in FP32 at d = 8, CUDA_LANES for each of 65 rows */
    CUDA_LANES = 4,     /* threads that share a query row or a key */
    CUDA_TILE = 16,     /* hidden units, or classes, that are in shared memory at a time */
    CUDA_MAX_D = 32,    /* of the fused kernel */
    CUDA_MATRICES = 15, /* N x d arrays of a training block */
    CUDA_VECTORS = 14,  /* arrays of N numbers */
    CUDA_STAGE = 256,   /* numbers of each warp through which tensor cores exchange, in TF32 */
};

/* Sums over a sequence's rows and iterations, not yet divided by anything. */
enum cuda_term {
    CUDA_TASK,      /* cross-entropy, nats */
    CUDA_POTENTIAL, /* -log max p, nats */
    CUDA_KINETIC,   /* the reading's sum: norms, squares, or the Frobenius norm */
    CUDA_ENTROPY,   /* S_q */
    CUDA_PENALTY,   /* |time mean of S_q - eta| */
    CUDA_CORRECT,
    CUDA_TERMS
};

struct cuda_problem {
    int V, C, bos, d, m, T, P;
    int causal, pre, post, final_norm, relu, never_repeat, last_only;
    int kinetic; /* enum eer_kinetic */
    int tf32;    /* operands of matrix products are rounded */
    float scale; /* 1 / (tau sqrt d) */
    float slope, q, eta;
    int offset[EER_TENSORS];
};

/* Coefficients of the sums above in the mean loss (spec/model.md, 4); the penalty's is divided by
 * T, since what it weights is a derivative by one iteration's entropy. */
struct cuda_objective {
    float task, potential, penalty, kinetic;
};

/* Of one step of AdamW (spec/model.md, 5.7), in the order of operations of the backend cpu. */
struct cuda_adamw {
    float beta1, beta2, rest1, rest2, decay, rate, second, epsilon;
    double clip; /* 0: none */
};

/* One model's arrays, all on the device. */
struct cuda_model {
    uint64_t seed;
    float *theta, *m, *v, *gradient; /* P */
    float *parts;                    /* B x P: each sequence's gradient */
    float *sums;                     /* B x CUDA_TERMS */
    float *history;                  /* B x (T + 1) N d, where it is not in shared memory */
    int *tokens, *labels;            /* B x L */
};

/* What one model does in one step. */
struct cuda_step {
    int step, L;
    struct cuda_objective objective;
    struct cuda_adamw adamw;
};

/* What it leaves: the terms' sums over the batch, and whether something was not finite. From then
 * on the model's parameters stay what they are. */
struct cuda_result {
    float sums[CUDA_TERMS];
    int stopped;
};

/* Of a training block: where the arrays lie that need not be in shared memory. */
struct cuda_places {
    int weights, gradient, history; /* 1: shared memory, 0: global */
};

/* The kernels, K(name, text). Each writes its number into `begun`, which the host reads when the
 * device has failed. */
/* clang-format off */
#define CUDA_EACH_KERNEL(K) \
    K(NO, "none") K(DRAW, "draw") K(TRAIN, "train") K(REDUCE, "reduce") K(ADAMW, "adamw") \
    K(ROWS, "evaluate: rows") K(ATTEND, "evaluate: attend") K(PREDICT, "evaluate: predict") \
    K(WIDE_BEGIN, "wide: begin") K(WIDE_INPUT, "wide: input") K(WIDE_SOFTMAX, "wide: softmax") \
    K(WIDE_SOFTMAX_BACKWARD, "wide: softmax backward") K(WIDE_OUTPUT, "wide: output") \
    K(WIDE_UNITS, "wide: units") K(WIDE_STATE, "wide: state") K(WIDE_LAST, "wide: last") \
    K(WIDE_CROSS_ENTROPY, "wide: cross entropy") K(WIDE_TERMS, "wide: terms") \
    K(WIDE_LAST_BACKWARD, "wide: last backward") K(WIDE_POST_BACKWARD, "wide: post backward") \
    K(WIDE_UNITS_BACKWARD, "wide: units backward") \
    K(WIDE_ROWS_BACKWARD, "wide: rows backward") \
    K(WIDE_STATE_BACKWARD, "wide: state backward") K(WIDE_SUMS, "wide: sums") \
    K(WIDE_EMBEDDING, "wide: embedding") K(WIDE_GATHER, "wide: gather")
/* clang-format on */
#define CUDA_KERNEL_NUMBER(name, text) CUDA_##name##_KERNEL,
enum cuda_kernel { CUDA_EACH_KERNEL(CUDA_KERNEL_NUMBER) };
#define CUDA_KERNEL_NAME(name, text) text,

/* One step of `models` models of one configuration, which differ in the seed. */
struct cuda_work {
    struct cuda_problem problem;
    struct cuda_places places;
    int models, B;
    int longest;           /* L, of the models */
    const float *position; /* rows x d, or NULL without positions */
    const struct cuda_model *model;
    const struct cuda_step *step;
    const struct cuda_result *before; /* of the step before, or NULL */
    struct cuda_result *result;
    volatile int *begun;
};

/* Evaluation of `count` sequences of L tokens; X .. V are count x N x d. */
struct cuda_evaluation {
    struct cuda_problem problem;
    int count, L;
    int above; /* of a launch for attention: its first query row */
    const float *theta, *position;
    int *tokens; /* count x L */
    float *X, *Z, *Q, *K, *V;
    int *predicted; /* count x L; -1 where a logit is not finite */
    volatile int *begun;
};

/* Of a training block for N rows: CUDA_LANES for each, in TF32 two warps for each 16. */
static inline int cuda_training_threads(const struct cuda_problem *p, int N)
{
    const int unit = p->tf32 ? 64 : 32;
    const int most = p->tf32 || p->d != 8 ? CUDA_THREADS : CUDA_WIDEST;
    const int wanted = (N * CUDA_LANES + unit - 1) / unit * unit;
    return wanted < most ? wanted : most;
}

/* Numbers of 4 bytes that a training block holds in shared memory, for N rows. */
static inline size_t cuda_training_numbers(const struct cuda_problem *p,
                                           const struct cuda_places *at, int N)
{
    const size_t matrix = (size_t)N * (size_t)p->d, P = (size_t)p->P;
    return CUDA_MATRICES * matrix + 2 * (size_t)N * CUDA_TILE + CUDA_VECTORS * (size_t)N +
           (at->weights ? P : 0) + (at->gradient ? P : 0) +
           (at->history ? ((size_t)p->T + 1) * matrix : 0) +
           (p->tf32 ? (size_t)cuda_training_threads(p, N) / 32 * CUDA_STAGE : 0);
}

/* Launches. They return cudaLaunchKernel's error. */

/* The training kernel has to be allowed its shared memory once. */
cudaError_t cuda_train_allow(const struct cuda_problem *, size_t shared);

/* Tokens and labels of a training step from the seed (spec/model.md, 2). */
cudaError_t cuda_draw_launch(const struct cuda_work *, cudaStream_t);
/* parts and sums of each sequence. */
cudaError_t cuda_train_launch(const struct cuda_work *, cudaStream_t);
/* The gradient, unless it is there already, and the terms: sums over the sequences in their order.
 */
cudaError_t cuda_reduce_launch(const struct cuda_work *, int has_gradient, cudaStream_t);
cudaError_t cuda_adamw_launch(const struct cuda_work *, cudaStream_t);

/* predicted from tokens, through `loops` iterations. */
cudaError_t cuda_evaluate_launch(const struct cuda_evaluation *, int loops, cudaStream_t);

#endif
