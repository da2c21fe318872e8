/* test_fast_task.c - fast's random numbers, lengths, sequences, labels and first parameters:
 * against published vectors, against the definitions and, bit for bit, against ref. */
#include "../../fast/philox.h"
#include "../../fast/program/gradcheck/cases.h"
#include "../../fast/task.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 60, STEPS = 5, SEED = 3 };

/* The first two words of the published vectors of Random123, philox4x32 with 10 rounds. */
Test(fast_task, philox_gives_the_published_vectors)
{
    static const struct {
        uint64_t seed;
        uint32_t counter[4], w0, w1;
    } known[] = {
        {0, {0, 0, 0, 0}, 0x6627e8d5, 0xe169c58d},
        {0xffffffffffffffff,
         {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         0x408f276d,
         0x41c83b0e},
        {0x299f31d0a4093822,
         {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         0xd16cfe09,
         0x94fdcceb},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        const uint32_t *c = known[k].counter;
        const struct fast_words w = fast_philox(known[k].seed, c[0], c[1], c[2], c[3]);
        cr_expect_eq(w.w0, known[k].w0, "vector %zu", k);
        cr_expect_eq(w.w1, known[k].w1, "vector %zu", k);
    }
}

/* The first vector again, through the backend: V = 64 takes the first six bits of w0. */
Test(fast_task, a_token_is_made_of_the_published_word)
{
    struct eer_config c = {.vocab = 64};
    int token, label;
    struct eer_batch batch = {1, 1, &token, &label};
    fast_backend.draw(&c, 0, EER_DRAW_INIT, 0, &batch);
    cr_expect_eq(token, 0x6627e8d5 >> 26);
    cr_expect_eq(label, 64);
}

static struct eer_case case_of(int index)
{
    struct eer_case c;
    cr_assert_eq(eer_case_new(&c, SEED, index, EER_CASE_LARGE), EER_OK);
    c.config.seed = 0x123456789abcdefu * (uint64_t)index; /* uses the high word of the key */
    c.config.length_max += index;
    return c;
}

/* Of the last earlier equal token, the token after it; from the text of spec/model.md, 2. */
static int label_by_definition(const struct eer_config *c, const int *tokens, int L, int i)
{
    if (c->form == EER_LAST && i != L - 1)
        return -1;
    for (int j = i - 1; j >= 0; j--)
        if (tokens[j] == tokens[i])
            return tokens[j + 1];
    return c->vocab;
}

Test(fast_task, lengths_are_those_of_ref)
{
    for (int index = 0; index < CASES; index++) {
        struct eer_case c = case_of(index);
        for (int step = 1; step <= 1000; step++)
            cr_assert_eq(fast_backend.length(&c.config, step), ref_backend.length(&c.config, step),
                         "case %d, step %d", index, step);
        eer_case_free(&c);
    }
}

static void expect_same_draw(struct eer_case *c, enum eer_purpose purpose, int step)
{
    struct eer_batch *a = &c->batch;
    const size_t n = (size_t)(a->B * a->L), bytes = n * sizeof(int);
    struct eer_batch b = {a->B, a->L, malloc(bytes), malloc(bytes)};
    cr_assert(b.tokens && b.labels);
    fast_backend.draw(&c->config, c->config.seed, purpose, step, a);
    ref_backend.draw(&c->config, c->config.seed, purpose, step, &b);
    cr_assert_arr_eq(a->tokens, b.tokens, bytes);
    cr_assert_arr_eq(a->labels, b.labels, bytes);
    for (size_t k = 0; k < n; k++) {
        const int *sequence = a->tokens + k / (size_t)a->L * (size_t)a->L;
        const int i = (int)(k % (size_t)a->L);
        cr_assert(a->tokens[k] >= 0 && a->tokens[k] < c->config.vocab);
        cr_assert(c->config.generator == EER_IID || i == 0 || sequence[i] != sequence[i - 1]);
        cr_assert_eq(a->labels[k], label_by_definition(&c->config, sequence, a->L, i));
    }
    free(b.tokens);
    free(b.labels);
}

Test(fast_task, sequences_and_labels_are_those_of_ref_and_of_the_definition)
{
    static const enum eer_purpose purposes[] = {EER_DRAW_TRAIN, EER_DRAW_EVAL, EER_DRAW_FRESH};
    for (int index = 0; index < CASES; index++) {
        struct eer_case c = case_of(index);
        for (int step = 1; step <= STEPS; step++)
            expect_same_draw(&c, purposes[step % 3], step * step * 10007);
        eer_case_free(&c);
    }
}

/* Tokens that the generator would not draw: every sequence of 6 over 3 letters. */
Test(fast_task, labels_of_all_short_sequences_follow_the_definition)
{
    enum { L = 6, ALL = 729 };
    for (int number = 0; number < 2 * ALL; number++) {
        const struct eer_config c = {.vocab = 3, .form = number < ALL ? EER_FULL : EER_LAST};
        int tokens[L], labels[L];
        for (int i = 0, rest = number % ALL; i < L; i++, rest /= 3)
            tokens[i] = rest % 3;
        fast_labels(&c, tokens, L, labels);
        for (int i = 0; i < L; i++)
            cr_assert_eq(labels[i], label_by_definition(&c, tokens, L, i), "sequence %d", number);
    }
}

Test(fast_task, first_parameters_are_those_of_ref)
{
    for (int index = 0; index < CASES; index++) {
        struct eer_case c = case_of(index);
        const size_t P = (size_t)c.layout.size;
        double *numbers = calloc(6 * P, sizeof *numbers);
        cr_assert_not_null(numbers);
        struct eer_state a = {-1, numbers, numbers + P, numbers + 2 * P};
        struct eer_state b = {-1, numbers + 3 * P, numbers + 4 * P, numbers + 5 * P};
        fast_backend.init(&c.config, &a);
        ref_backend.init(&c.config, &b);
        cr_expect_eq(a.step, b.step);
        cr_assert_arr_eq(numbers, numbers + 3 * P, 3 * P * sizeof *numbers, "case %d", index);
        free(numbers);
        eer_case_free(&c);
    }
}
