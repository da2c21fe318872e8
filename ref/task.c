/* task.c - sequences and the labels of the induction-head task (spec/model.md, 2). */
#include "ref.h"

int ref_length(const struct eer_config *c, int step)
{
    uint32_t word[4];

    ref_random(word, c->seed, EER_DRAW_LENGTH, (uint32_t)step, 0, 0);
    return c->length_min + ref_below(word[0], c->length_max - c->length_min + 1);
}

int ref_token(const struct eer_config *c, uint32_t word, int previous)
{
    if (c->generator == EER_NEVER_REPEAT && previous >= 0)
        return (previous + 1 + ref_below(word, c->vocab - 1)) % c->vocab;
    return ref_below(word, c->vocab);
}

void ref_tokens(int *tokens, const struct eer_config *c, uint64_t seed, enum eer_purpose purpose,
                int step, int sequence, int L)
{
    uint32_t word[4];
    int previous = -1;

    /*@ loop invariant 0 <= i <= L && -1 <= previous < c->vocab;
        loop invariant \forall integer j; 0 <= j < i ==> 0 <= tokens[j] < c->vocab;
        loop assigns i, previous, word[0 .. 3], tokens[0 .. L - 1];
        loop variant L - i; */
    for (int i = 0; i < L; i++) {
        ref_random(word, seed, purpose, (uint32_t)step, (uint32_t)sequence, (uint32_t)i);
        previous = ref_token(c, word[0], previous);
        tokens[i] = previous;
    }
}

int ref_label(const int *tokens, int i, int V)
{
    /*@ loop invariant -1 <= j < i;
        loop invariant \forall integer k; j < k < i ==> tokens[k] != tokens[i];
        loop assigns j;
        loop variant j; */
    for (int j = i - 1; j >= 0; j--)
        if (tokens[j] == tokens[i])
            return tokens[j + 1];
    return V;
}

void ref_labels(int *labels, const int *tokens, enum eer_form form, int V, int L)
{
    /*@ loop invariant 0 <= i <= L;
        loop invariant \forall integer k; 0 <= k < i ==> -1 <= labels[k] <= V;
        loop invariant \forall integer k; 0 <= k < i ==>
          (labels[k] == -1 <==> form == EER_LAST && k < L - 1);
        loop assigns i, labels[0 .. L - 1];
        loop variant L - i; */
    for (int i = 0; i < L; i++)
        labels[i] = form == EER_LAST && i < L - 1 ? -1 : ref_label(tokens, i, V);
}

void ref_draw(const struct eer_config *c, uint64_t seed, enum eer_purpose purpose, int step,
              struct eer_batch *batch)
{
    int L = batch->L;

    /*@ loop invariant 0 <= b <= batch->B;
        loop assigns b, batch->tokens[0 .. batch->B * L - 1], batch->labels[0 .. batch->B * L - 1];
        loop variant batch->B - b; */
    for (int b = 0; b < batch->B; b++) {
        ref_tokens(batch->tokens + b * L, c, seed, purpose, step, b, L);
        ref_labels(batch->labels + b * L, batch->tokens + b * L, c->form, c->vocab, L);
    }
}
