/* init.c - the initial parameters (spec/model.md, 3.6). */
#include "ref.h"

double ref_rounded_to_float(double x)
{
    return (float)x;
}

double ref_uniform(uint32_t word)
{
    return ((word >> 8) + 0.5) / 16777216; /* 2^24 */
}

double ref_normal(uint32_t word_0, uint32_t word_1)
{
    const double two_pi = 6.283185307179586476925286766559;
    double radius = ref_sqrt(-2 * ref_log(ref_uniform(word_0)));

    return radius * ref_cos(two_pi * ref_uniform(word_1));
}

void ref_init_normal(double *x, uint64_t seed, int tensor, int n)
{
    uint32_t word[4];

    /*@ loop invariant 0 <= j <= n;
        loop assigns j, word[0 .. 3], x[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        ref_random(word, seed, EER_DRAW_INIT, (uint32_t)tensor, 0, (uint32_t)j);
        x[j] = ref_rounded_to_float(ref_normal(word[0], word[1]));
    }
}

void ref_init_uniform(double *x, uint64_t seed, int tensor, int rows, int n)
{
    uint32_t word[4];
    double bound = ref_sqrt(rows);

    /*@ loop invariant 0 <= j <= n;
        loop assigns j, word[0 .. 3], x[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        ref_random(word, seed, EER_DRAW_INIT, (uint32_t)tensor, 0, (uint32_t)j);
        x[j] = ref_rounded_to_float((2 * ref_uniform(word[0]) - 1) / bound);
    }
}

void ref_init_tensor(double *x, uint64_t seed, int tensor, int rows, int n)
{
    int is_gain = tensor == EER_LN1_GAIN || tensor == EER_LN2_GAIN || tensor == EER_LNF_GAIN;

    if (tensor == EER_EMBEDDING)
        ref_init_normal(x, seed, tensor, n);
    else if (eer_tensor_is_vector(tensor))
        ref_fill(x, is_gain, n);
    else
        ref_init_uniform(x, seed, tensor, rows, n);
}

void ref_init(const struct eer_config *c, struct eer_state *state)
{
    struct eer_layout layout;

    eer_layout(c, &layout);
    state->step = 0;
    ref_fill(state->m, 0, layout.size);
    ref_fill(state->v, 0, layout.size);
    /*@ loop invariant 0 <= tensor <= EER_TENSORS;
        loop assigns tensor, state->theta[0 .. layout.size - 1];
        loop variant EER_TENSORS - tensor; */
    for (int tensor = 0; tensor < EER_TENSORS; tensor++)
        ref_init_tensor(state->theta + layout.offset[tensor], c->seed, tensor, layout.rows[tensor],
                        layout.rows[tensor] * layout.columns[tensor]);
}
