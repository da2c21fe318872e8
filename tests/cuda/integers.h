// integers.h - random cases of sizes of our own, and such of small integers, in which float rounds
// nothing: there two backends have to agree to the last bit.
#ifndef TESTS_CUDA_INTEGERS_H
#define TESTS_CUDA_INTEGERS_H

extern "C" {
#include "../../fast/program/gradcheck/cases.h"
}

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEED = 5 };

template <class T> static T *host(size_t count)
{
    T *memory = static_cast<T *>(calloc(count + 1, sizeof(T)));
    if (!memory) {
        printf("not ok: out of memory\n");
        exit(1);
    }
    return memory;
}

static void new_case(struct eer_case *c, int index, enum eer_case_size size)
{
    if (eer_case_new(c, SEED, index, size) != EER_OK) {
        printf("not ok: out of memory\n");
        exit(1);
    }
}

static uint64_t state;

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), 0 .. n - 1.
static int below(int n)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return static_cast<int>(((x ^ (x >> 31)) >> 33) % static_cast<uint64_t>(n));
}

// Gives a case its memory and data for the sizes in its configuration.
static void set_sizes(struct eer_case *c)
{
    const size_t tokens = static_cast<size_t>(c->config.batch * c->config.length_max);
    eer_case_free(c);
    eer_layout(&c->config, &c->layout);
    c->batch.B = c->config.batch;
    c->batch.L = c->config.length_min = c->config.length_max;
    c->batch.tokens = host<int>(tokens);
    c->batch.labels = host<int>(tokens);
    c->theta = host<double>(static_cast<size_t>(c->layout.size));
    ref_backend.draw(&c->config, SEED, EER_DRAW_TRAIN, 1, &c->batch);
}

static void integers(struct eer_case *c, int tensor, int scale)
{
    for (int k = 0; k < c->layout.rows[tensor] * c->layout.columns[tensor]; k++)
        c->theta[c->layout.offset[tensor] + k] = scale * below(2) * (below(3) - 1);
}

// Without layer norm, with ReLU, q = 2, W_Q or W_K zero (p = 1/N), means over powers of two and
// logits that are multiples of 64 apart, everything but log N and what is left of exp is a sum of
// products of small integers over powers of two. Now and then one has too many bits, or some of
// three logits are equal: whoever takes a case has to see whether it is exact.
static void new_integer_case(struct eer_case *c, int index)
{
    static const int d[] = {4, 16, 64}, m[] = {0, 2, 5, 8};
    const int keys = 1 << below(3);
    new_case(c, index, EER_CASE_TINY);
    struct eer_config *a = &c->config;
    a->d = d[below(3)];
    a->mlp = m[below(4)];
    a->vocab = 2 + below(2);
    a->bos = keys > 1 && below(2);
    a->loops = 1 + below(2);
    a->batch = 1 << below(3);
    a->length_max = keys - a->bos;
    a->tau = 1;
    a->form = EER_FULL;
    a->mask = keys == 1 && below(2) ? EER_MASK_CAUSAL : EER_MASK_NONE;
    a->slope = a->pe_scale = 0;
    a->norm = EER_NORM_NONE;
    a->final_norm = 0;
    a->activation = EER_RELU;
    a->kinetic = below(2) ? EER_KINETIC_SQUARED : EER_KINETIC_PATH;
    a->q = 2;
    a->eta = below(2) ? 0.25 : -1;
    set_sizes(c);
    c->weights.lambda_P = 0.5;
    c->weights.lambda_K = 0.25 * keys;
    c->weights.lambda_S = 2;
    for (int tensor :
         {EER_EMBEDDING, EER_W_Q, EER_W_K, EER_W_V, EER_W_1, EER_B_1, EER_W_2, EER_B_2})
        integers(c, tensor, 1);
    integers(c, below(2) ? EER_W_Q : EER_W_K, 0);
    integers(c, EER_W_O, 256);
    for (int k = 0; k <= a->vocab; k++)
        c->theta[c->layout.offset[EER_B_O] + k] = 64 * k;
    int kept = 1;
    while (2 * kept <= a->batch * a->length_max)
        kept *= 2;
    for (int k = kept; k < a->batch * a->length_max; k++)
        c->batch.labels[k] = -1;
}

#endif
