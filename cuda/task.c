/* task.c - see task.h. */
#include "task.h"

#include <math.h>
#include <stddef.h>

/* The first two words of Philox4x32-10's block at a counter. */
static void philox(uint32_t word[2], uint64_t seed, uint32_t purpose, uint32_t step,
                   uint32_t sequence, uint32_t position)
{
    uint32_t counter[4] = {purpose, step, sequence, position};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (int round = 0; round < 10; round++) {
        const uint64_t first = counter[0] * UINT64_C(0xD2511F53);
        const uint64_t second = counter[2] * UINT64_C(0xCD9E8D57);
        counter[0] = (uint32_t)(second >> 32) ^ counter[1] ^ key[0];
        counter[1] = (uint32_t)second;
        counter[2] = (uint32_t)(first >> 32) ^ counter[3] ^ key[1];
        counter[3] = (uint32_t)first;
        key[0] += UINT32_C(0x9E3779B9);
        key[1] += UINT32_C(0xBB67AE85);
    }
    word[0] = counter[0];
    word[1] = counter[1];
}

/* floor(w n / 2^32) */
static int below(uint32_t w, int n)
{
    return (int)((uint64_t)w * (uint64_t)n >> 32);
}

int cuda_length(const struct eer_config *c, int step)
{
    uint32_t word[2];
    philox(word, c->seed, EER_DRAW_LENGTH, (uint32_t)step, 0, 0);
    return c->length_min + below(word[0], c->length_max - c->length_min + 1);
}

/* Labels of L tokens. last[x] is the place of the last x so far, or -1. */
static void set_labels(const struct eer_config *c, const int *tokens, int L, int *labels)
{
    int last[EER_MAX_VOCAB];
    for (int x = 0; x < c->vocab; x++)
        last[x] = -1;
    for (int i = 0; i < L; i++) {
        const int before = last[tokens[i]];
        labels[i] = before >= 0 ? tokens[before + 1] : c->vocab;
        last[tokens[i]] = i;
    }
    for (int i = 0; c->form == EER_LAST && i < L - 1; i++)
        labels[i] = -1;
}

void cuda_draw(const struct eer_config *c, uint64_t seed, enum eer_purpose purpose, int step,
               struct eer_batch *batch)
{
    const int L = batch->L, V = c->vocab;
    for (int b = 0; b < batch->B; b++) {
        int *tokens = batch->tokens + (size_t)b * (size_t)L;
        for (int i = 0; i < L; i++) {
            uint32_t word[2];
            philox(word, seed, purpose, (uint32_t)step, (uint32_t)b, (uint32_t)i);
            if (i > 0 && c->generator == EER_NEVER_REPEAT)
                tokens[i] = (tokens[i - 1] + 1 + below(word[0], V - 1)) % V;
            else
                tokens[i] = below(word[0], V);
        }
        set_labels(c, tokens, L, batch->labels + (size_t)b * (size_t)L);
    }
}

/* In (0, 1). */
static double uniform(uint32_t word)
{
    return ((word >> 8) + 0.5) / 16777216.0;
}

static double initial(uint64_t seed, int tensor, int rows, int element)
{
    const double two_pi = 6.28318530717958647693;
    uint32_t word[2];
    if (tensor == EER_LN1_GAIN || tensor == EER_LN2_GAIN || tensor == EER_LNF_GAIN)
        return 1.0;
    if (eer_tensor_is_vector(tensor))
        return 0.0;
    philox(word, seed, EER_DRAW_INIT, (uint32_t)tensor, 0, (uint32_t)element);
    if (tensor == EER_EMBEDDING)
        return sqrt(-2.0 * log(uniform(word[0]))) * cos(two_pi * uniform(word[1]));
    return (2.0 * uniform(word[0]) - 1.0) / sqrt((double)rows);
}

void cuda_init(const struct eer_config *c, struct eer_state *state)
{
    struct eer_layout layout;
    eer_layout(c, &layout);
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        const int rows = layout.rows[tensor], offset = layout.offset[tensor];
        for (int k = 0; k < rows * layout.columns[tensor]; k++)
            state->theta[offset + k] = (double)(float)initial(c->seed, tensor, rows, k);
    }
    for (int k = 0; k < layout.size; k++)
        state->m[k] = state->v[k] = 0.0;
    state->step = 0;
}
