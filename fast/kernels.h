/* kernels.h - what the kernels compute, and the table of one instruction set's kernels.
 *
 * Two vectorisations (spec/fast.md argues them): training puts one sequence into each lane, so that
 * a batch of equal lengths needs neither masks nor shuffles; evaluation puts query rows of one
 * sequence into the lanes and streams over the keys, so that a single long sequence fills them too.
 */
#ifndef FAST_KERNELS_H
#define FAST_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "../spec/backend.h"

/* Sums over a sequence's rows and iterations, not yet divided by anything. */
enum fast_term {
    FAST_TASK,      /* cross-entropy, nats */
    FAST_POTENTIAL, /* -log max p, nats */
    FAST_KINETIC,   /* the reading's sum: norms, squares, or the Frobenius norm */
    FAST_ENTROPY,   /* S_q */
    FAST_PENALTY,   /* |time mean of S_q - eta| */
    FAST_CORRECT,
    FAST_TERMS
};

/* What turns two rows y_i, y_j of attention's input into a score: y_i M y_j, where M = scale W_Q
 * W_K^T (d x d); or, in the instances that round operands, scale q_i . k_j. scale is log2 e / (tau
 * sqrt d) or half of it. And bias[n] = -slope n in the same unit for keys n places back.
 */
struct fast_scores {
    float scale;
    const float *M, *bias;
};

/* The configuration as the kernels use it. */
struct fast_problem {
    struct eer_layout layout;
    int V, C, bos, d, m, T;
    int causal, pre, post, final_norm, relu;
    enum eer_kinetic kinetic;
    float q, eta;
    float scale; /* 1 / (tau sqrt d) */
    /* Scores are kept in units of log 2, so that 2^x gives their exponential; in training with q =
     * 1.5 in units of 2 log 2 (unit = 1/2), so that it gives the square root, which is p^(q-1). */
    struct fast_scores evaluation, training;
    float unit;
    const float *position; /* pe_scale PE(i), rows of d */
    const float *theta;    /* the parameters */
    const float *operand;  /* the parameters as operands of products: theta, or TF32 */
    const float *W_1T;     /* m x d: W_1 of `operand`, transposed */
    const float *M;        /* d x d: W_Q W_K^T / (tau sqrt d) */
    /* An operand x becomes (x + add + (bit 13 of x and even)) and mask, on its bits: TF32 with the
     * chosen rounding, or x itself. */
    uint32_t tf32_add, tf32_even, tf32_mask;
};

/* What the gradient of one training step is a gradient of: coefficients of the sums above. */
struct fast_objective {
    float task, potential, penalty, kinetic;
};

struct fast_kernels {
    const char *name;
    int width;

    /* Memory for sequences of L tokens, in bytes (a multiple of 64). */
    size_t (*train_size)(const struct fast_problem *, int L);
    size_t (*evaluate_size)(const struct fast_problem *, int L);

    /* Sequences first .. first + count - 1 of the batch, count <= width. sums: FAST_TERMS floats;
     * gradient: P floats, or NULL for the loss alone. Both are sums over the lanes in the order of
     * a binary tree over neighbours, which does not depend on the width. */
    void (*train)(const struct fast_problem *, const struct fast_objective *,
                  const struct eer_batch *, int first, int count, void *memory, float *sums,
                  float *gradient);

    /* One sequence of L tokens; predicted: L classes. */
    void (*evaluate)(const struct fast_problem *, const int *tokens, int L, int loops, void *memory,
                     int *predicted);

    /* The elementary functions on arrays of n floats, for the tests. */
    void (*exp2)(const float *x, float *y, size_t n);
    void (*log2)(const float *x, float *y, size_t n);
    void (*gelu)(const float *x, float *y, size_t n);
    void (*gelu_slope)(const float *x, float *y, size_t n);
};

extern const struct fast_kernels fast_kernels_plain, fast_kernels_avx2, fast_kernels_avx512;

#endif
