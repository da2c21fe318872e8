/* problem.h - what host and kernels share: the configuration as the kernels use it, what a launch
 * is given, and how a block's memory is laid out. */
#ifndef CUDA_PROBLEM_H
#define CUDA_PROBLEM_H

#include <cuda_runtime.h>

extern "C" {
#include "task.h"
}

enum {
    CUDA_THREADS = 256, /* of the largest block */
    CUDA_LANES = 4,     /* threads that share a query row or a key */
    CUDA_TILE = 16,     /* hidden units, or classes, that are in shared memory at a time */
    CUDA_MAX_D = 32,
    CUDA_MATRICES = 15, /* N x d arrays of a training block */
    CUDA_VECTORS = 14,  /* arrays of N numbers */
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
    int causal, pre, post, final_norm, relu;
    int kinetic; /* enum eer_kinetic */
    float scale; /* 1 / (tau sqrt d) */
    float slope, q, eta;
    int offset[EER_TENSORS];
};

/* Coefficients of the sums above in the mean loss (spec/model.md, 4). */
struct cuda_objective {
    float task, potential, penalty, kinetic;
};

/* Of a training block: where the arrays lie that need not be in shared memory. */
struct cuda_places {
    int weights, gradient, history; /* 1: shared memory, 0: global */
};

struct cuda_training {
    const float *theta, *position; /* P; rows x d, or NULL without positions */
    const int *tokens, *labels;    /* B x L */
    float *history;                /* B x (T + 1) N d, where it is not in shared memory */
    float *parts;                  /* B x P: each sequence's gradient */
    float *sums;                   /* B x CUDA_TERMS */
    int L;
    struct cuda_places places;
};

/* Evaluation of `count` sequences of L tokens; all arrays but tokens are count x N x d. */
struct cuda_evaluation {
    const float *theta, *position;
    const int *tokens;
    float *X, *Z, *Y, *K, *V;
    int *predicted; /* count x L; -1 where the logits are not finite */
    int L;
};

/* Numbers of 4 bytes that a training block holds in shared memory, for N rows. */
static inline size_t cuda_training_numbers(const struct cuda_problem *p,
                                           const struct cuda_places *at, int N)
{
    const size_t matrix = (size_t)N * (size_t)p->d, P = (size_t)p->P;
    return CUDA_MATRICES * matrix + 2 * (size_t)N * CUDA_TILE + CUDA_VECTORS * (size_t)N +
           (at->weights ? P : 0) + (at->gradient ? P : 0) +
           (at->history ? ((size_t)p->T + 1) * matrix : 0);
}

/* The kernels; the wrappers around cudaLaunchKernel return its error. The training kernel of this d
 * has to be allowed its shared memory once. */
cudaError_t cuda_train_allow(const struct cuda_problem *, size_t shared);
cudaError_t cuda_train(const struct cuda_problem *, const struct cuda_objective *,
                       const struct cuda_training *, int B);
/* gradient[x] = sum over the sequences b of parts[b][x], in the order of b. */
cudaError_t cuda_reduce(float *gradient, const float *parts, int P, int B);
/* One step of AdamW (spec/model.md, 5.7) in the order of operations of the backend cpu. */
struct cuda_adamw {
    float clip, beta1, beta2, rest1, rest2, decay, rate, second, epsilon;
};
cudaError_t cuda_adamw(float *theta, float *m, float *v, const float *gradient,
                       const struct cuda_adamw *, int P);
cudaError_t cuda_evaluate(const struct cuda_problem *, const struct cuda_evaluation *, int count,
                          int loops);

#endif
