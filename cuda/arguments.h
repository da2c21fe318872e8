/* arguments.h - what kernels are given and what becomes of what they leave: pure functions of the
 * configuration, on the host. */
#ifndef CUDA_ARGUMENTS_H
#define CUDA_ARGUMENTS_H

#include <cmath>
#include <cstring>

#include "problem.h"

static inline struct cuda_problem cuda_problem_of(const struct eer_config *c)
{
    struct cuda_problem p = {};
    struct eer_layout layout;
    eer_layout(c, &layout);
    p.V = c->vocab;
    p.C = c->vocab + 1;
    p.bos = c->bos;
    p.d = c->d;
    p.m = c->mlp;
    p.T = c->loops;
    p.P = layout.size;
    p.causal = c->mask == EER_MASK_CAUSAL;
    p.pre = c->norm == EER_NORM_PRE;
    p.post = c->norm == EER_NORM_POST;
    p.final_norm = c->final_norm;
    p.relu = c->activation == EER_RELU;
    p.never_repeat = c->generator == EER_NEVER_REPEAT;
    p.last_only = c->form == EER_LAST;
    p.kinetic = c->kinetic;
    p.scale = static_cast<float>(1.0 / (c->tau * sqrt(static_cast<double>(c->d))));
    p.slope = static_cast<float>(c->slope);
    p.q = static_cast<float>(c->q);
    p.eta = static_cast<float>(c->eta);
    memcpy(p.offset, layout.offset, sizeof p.offset);
    return p;
}

static inline double cuda_count_labels(const struct eer_batch *batch)
{
    double counted = 0.0;
    for (int x = 0; x < batch->B * batch->L; x++)
        counted += batch->labels[x] >= 0;
    return counted;
}

// The coefficients of the kernels' sums in the mean loss (spec/model.md, 4).
static inline struct cuda_objective cuda_objective_of(const struct eer_config *c, int sequences,
                                                      int L, double counted,
                                                      const struct eer_weights *w)
{
    const double B = sequences, N = L + c->bos, T = c->loops;
    double kinetic = w->lambda_K / (2.0 * B * N);
    if (c->kinetic == EER_KINETIC_PATH)
        kinetic /= T;
    if (c->kinetic == EER_KINETIC_FROBENIUS)
        kinetic *= N;
    return {static_cast<float>(1.0 / counted), static_cast<float>(w->lambda_P / (B * N * T)),
            static_cast<float>(w->lambda_S / (B * N * T)), static_cast<float>(kinetic)};
}

// The loss and its parts from those sums over the batch.
static inline void cuda_set_terms(const struct eer_config *c, int sequences, int L, double counted,
                                  const struct eer_weights *w, const float *sums,
                                  struct eer_terms *terms)
{
    const double B = sequences, N = L + c->bos, T = c->loops;
    terms->task = sums[CUDA_TASK] / counted;
    terms->potential = sums[CUDA_POTENTIAL] / (B * N * T);
    terms->kinetic = sums[CUDA_KINETIC] / (2.0 * B * N);
    if (c->kinetic == EER_KINETIC_PATH)
        terms->kinetic /= T;
    if (c->kinetic == EER_KINETIC_FROBENIUS)
        terms->kinetic *= N;
    terms->entropy = sums[CUDA_ENTROPY] / (B * N * T);
    terms->entropy_penalty = sums[CUDA_PENALTY] / (B * N);
    terms->total = terms->task + w->lambda_P * terms->potential + w->lambda_K * terms->kinetic +
                   w->lambda_S * terms->entropy_penalty;
    terms->correct = sums[CUDA_CORRECT];
    terms->counted = counted;
}

// Of step number `step`, counted from 1.
static inline struct cuda_adamw cuda_adamw_of(const struct eer_config *c, int step, double lr)
{
    struct cuda_adamw a;
    a.beta1 = static_cast<float>(c->beta1);
    a.beta2 = static_cast<float>(c->beta2);
    a.rest1 = static_cast<float>(1.0 - c->beta1);
    a.rest2 = static_cast<float>(1.0 - c->beta2);
    a.decay = static_cast<float>(lr * c->weight_decay);
    a.rate = static_cast<float>(lr / (1.0 - pow(c->beta1, step)));
    a.second = static_cast<float>(1.0 / (1.0 - pow(c->beta2, step)));
    a.epsilon = static_cast<float>(c->epsilon);
    a.clip = c->clip;
    return a;
}

#endif
