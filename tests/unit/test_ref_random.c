/* test_ref_random.c - random numbers, sequences, labels and initial parameters of ref. */
#include "../../ref/ref.h"

#include <criterion/criterion.h>
#include <math.h>

static struct eer_config defaults(void)
{
#define EER_DEFAULT_NUMBER(key, value, least, most, doc) .key = value,
#define EER_DEFAULT_WORD(key, enumeration, value, doc)   .key = value,
    struct eer_config c = {
        EER_CONFIG_TABLE(EER_DEFAULT_NUMBER, EER_DEFAULT_NUMBER, EER_DEFAULT_WORD).seed = 1};
#undef EER_DEFAULT_NUMBER
#undef EER_DEFAULT_WORD
    return c;
}

struct known_answer {
    uint32_t key[2], counter[4], block[4];
};

/* The published vectors of Random123, philox4x32 with 10 rounds. */
static const struct known_answer known_answers[] = {
    {{0, 0}, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0xa4093822, 0x299f31d0},
     {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

Test(ref_random, philox_gives_the_published_vectors)
{
    for (size_t i = 0; i < sizeof known_answers / sizeof *known_answers; i++) {
        const struct known_answer *known = &known_answers[i];
        uint32_t x[4];

        for (int j = 0; j < 4; j++)
            x[j] = known->counter[j];
        ref_philox(x, known->key[0], known->key[1]);
        for (int j = 0; j < 4; j++)
            cr_expect_eq(x[j], known->block[j], "vector %zu, word %d: %08x", i, j, x[j]);
    }
}

Test(ref_random, seed_and_counter_are_placed_as_specified)
{
    uint32_t x[4];

    ref_random(x, 0x299f31d0a4093822, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344);
    for (int j = 0; j < 4; j++)
        cr_expect_eq(x[j], known_answers[2].block[j]);
}

Test(ref_random, below_is_the_floor_of_the_product)
{
    cr_expect_eq(ref_below(0, 7), 0);
    cr_expect_eq(ref_below(0xffffffff, 7), 6);
    cr_expect_eq(ref_below(0x80000000, 3), 1);
    cr_expect_eq(ref_below(0x55555555, 3), 0);
    cr_expect_eq(ref_below(0x55555556, 3), 1);
}

Test(ref_random, uniform_numbers_lie_strictly_between_0_and_1)
{
    cr_expect_eq(ref_uniform(0), 0x1p-25);
    cr_expect_eq(ref_uniform(0xffffffff), 1 - 0x1p-25);
}

Test(ref_random, labels_of_a_sequence_by_hand)
{
    const int tokens[] = {0, 1, 0, 2, 0, 0, 1};
    const int expected[] = {3, 3, 1, 3, 2, 0, 0};
    int labels[7];

    ref_labels(labels, tokens, EER_FULL, 3, 7);
    cr_expect_arr_eq(labels, expected, sizeof labels);
    ref_labels(labels, tokens, EER_LAST, 3, 7);
    for (int i = 0; i < 6; i++)
        cr_expect_eq(labels[i], -1);
    cr_expect_eq(labels[6], 0);
}

/* The definition, forward: every earlier match overwrites, so that the last one stays. */
static int label_by_definition(const int *tokens, int i, int V)
{
    int label = V;

    for (int j = 0; j < i; j++)
        if (tokens[j] == tokens[i])
            label = tokens[j + 1];
    return label;
}

Test(ref_random, labels_of_all_short_sequences_follow_the_definition)
{
    enum { L = 7 };
    int tokens[L], labels[L];

    for (int number = 0; number < 2187; number++) { /* 3^7 */
        for (int i = 0, rest = number; i < L; i++, rest /= 3)
            tokens[i] = rest % 3;
        ref_labels(labels, tokens, EER_FULL, 3, L);
        for (int i = 0; i < L; i++)
            cr_assert_eq(labels[i], label_by_definition(tokens, i, 3), "sequence %d", number);
    }
}

Test(ref_random, drawn_tokens_are_in_the_alphabet_and_never_repeat_when_asked)
{
    enum { B = 5, L = 200 };
    static int tokens[B * L], labels[B * L];
    struct eer_batch batch = {B, L, tokens, labels};
    struct eer_config c = defaults();
    int repeats = 0;

    for (int generator = EER_IID; generator <= EER_NEVER_REPEAT; generator++) {
        c.generator = (enum eer_generator)generator;
        ref_draw(&c, c.seed, EER_DRAW_TRAIN, 1, &batch);
        repeats = 0;
        for (int i = 0; i < B * L; i++) {
            cr_assert(tokens[i] >= 0 && tokens[i] < c.vocab);
            repeats += i % L > 0 && tokens[i] == tokens[i - 1];
        }
        cr_expect_eq(repeats > 0, generator == EER_IID);
    }
}

Test(ref_random, a_sequence_does_not_depend_on_the_batch_or_the_length)
{
    int long_tokens[40], short_tokens[10], labels[40];
    struct eer_batch long_batch = {1, 40, long_tokens, labels};
    struct eer_batch short_batch = {1, 10, short_tokens, labels};
    struct eer_config c = defaults();

    ref_draw(&c, 5, EER_DRAW_TRAIN, 3, &long_batch);
    ref_draw(&c, 5, EER_DRAW_TRAIN, 3, &short_batch);
    cr_expect_arr_eq(long_tokens, short_tokens, sizeof short_tokens);
}

Test(ref_random, lengths_cover_their_range)
{
    struct eer_config c = defaults();
    int seen[65] = {0};

    for (int step = 1; step <= 2000; step++) {
        int L = ref_length(&c, step);
        cr_assert(L >= c.length_min && L <= c.length_max);
        seen[L] = 1;
    }
    for (int L = c.length_min; L <= c.length_max; L++)
        cr_expect(seen[L], "length %d never drawn", L);
}

static void expect_covering(const struct eer_config *c)
{
    struct eer_layout layout;
    int next = 0;

    eer_layout(c, &layout);
    for (int i = 0; i < EER_TENSORS; i++) {
        cr_assert_eq(layout.offset[i], next, "%s", eer_tensor_name(i));
        next += layout.rows[i] * layout.columns[i];
    }
    cr_assert_eq(layout.size, next);
}

Test(ref_random, layout_offsets_are_disjoint_and_cover_theta)
{
    struct eer_config c = defaults();

    for (int choice = 0; choice < 24; choice++) {
        c.norm = (enum eer_norm)(choice % 3);
        c.mlp = choice / 3 % 2 * 32;
        c.bos = choice / 6 % 2;
        c.final_norm = choice / 12;
        expect_covering(&c);
    }
}

Test(ref_random, initial_parameters_are_floats_with_the_specified_spread)
{
    static double theta[2000], m[2000], v[2000];
    struct eer_state state = {9, theta, m, v};
    struct eer_config c = defaults();
    struct eer_layout layout;
    double bound;

    eer_layout(&c, &layout);
    cr_assert_leq(layout.size, 2000);
    ref_init(&c, &state);
    cr_expect_eq(state.step, 0);
    for (int i = 0; i < layout.size; i++) {
        cr_expect_eq(theta[i], (float)theta[i]);
        cr_expect(m[i] == 0 && v[i] == 0);
    }
    for (int i = 0; i < c.d; i++) {
        cr_expect_eq(theta[layout.offset[EER_LN1_GAIN] + i], 1);
        cr_expect_eq(theta[layout.offset[EER_LN1_BIAS] + i], 0);
    }
    bound = 1 / sqrt(c.mlp);
    for (int i = 0; i < c.mlp * c.d; i++)
        cr_expect_leq(fabs(theta[layout.offset[EER_W_2] + i]), bound);
}
