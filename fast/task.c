/* task.c - data, a function of the configuration and the seed alone: sequences, labels, first
 * weights. */
#include "task.h"

#include <math.h>
#include <stddef.h>

#include "philox.h"

int fast_length(const struct eer_config *c, int step)
{
    const struct fast_words w = fast_philox(c->seed, EER_DRAW_LENGTH, (uint32_t)step, 0, 0);
    return c->length_min + fast_below(w.w0, c->length_max - c->length_min + 1);
}

/* next[x] is the token after the last x so far: one look per position, where the definition
 * searches. */
void fast_labels(const struct eer_config *c, const int *tokens, int L, int *labels)
{
    int next[EER_MAX_VOCAB];
    for (int x = 0; x < c->vocab; x++)
        next[x] = c->vocab;
    for (int i = 0; i < L; i++) {
        labels[i] = next[tokens[i]];
        if (i + 1 < L)
            next[tokens[i]] = tokens[i + 1];
        if (c->form == EER_LAST && i + 1 < L)
            labels[i] = -1;
    }
}

void fast_draw(const struct eer_config *c, uint64_t seed, enum eer_purpose purpose, int step,
               struct eer_batch *batch)
{
    for (int b = 0; b < batch->B; b++) {
        int *tokens = batch->tokens + (size_t)b * (size_t)batch->L;
        for (int i = 0; i < batch->L; i++) {
            const uint32_t w =
                fast_philox(seed, purpose, (uint32_t)step, (uint32_t)b, (uint32_t)i).w0;
            if (c->generator == EER_NEVER_REPEAT && i > 0)
                tokens[i] = (tokens[i - 1] + 1 + fast_below(w, c->vocab - 1)) % c->vocab;
            else
                tokens[i] = fast_below(w, c->vocab);
        }
        fast_labels(c, tokens, batch->L, batch->labels + (size_t)b * (size_t)batch->L);
    }
}

static double uniform(uint32_t w)
{
    return ((double)(w >> 8) + 0.5) / 16777216.0;
}

void fast_init(const struct eer_config *c, struct eer_state *state)
{
    struct eer_layout layout;
    eer_layout(c, &layout);
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        const int rows = layout.rows[tensor], size = rows * layout.columns[tensor];
        const int gain = tensor == EER_LN1_GAIN || tensor == EER_LN2_GAIN || tensor == EER_LNF_GAIN;
        for (int x = 0; x < size; x++) {
            const struct fast_words w =
                fast_philox(c->seed, EER_DRAW_INIT, (uint32_t)tensor, 0, (uint32_t)x);
            double value = gain ? 1.0 : 0.0;
            if (tensor == EER_EMBEDDING)
                value = sqrt(-2.0 * log(uniform(w.w0))) *
                        cos(2.0 * 3.14159265358979323846 * uniform(w.w1));
            else if (!eer_tensor_is_vector(tensor))
                value = (2.0 * uniform(w.w0) - 1.0) / sqrt((double)rows);
            state->theta[layout.offset[tensor] + x] = (double)(float)value;
        }
    }
    for (int x = 0; x < layout.size; x++)
        state->m[x] = state->v[x] = 0.0;
    state->step = 0;
}
