/* Counting right positions, and the interval around their share. */
#include <criterion/criterion.h>
#include <math.h>

#include "../../fast/program/accuracy.h"

enum { VOCAB = 3, B = 2, L = 4 };

static struct eer_examples examples(int *labels, int *predicted, int sequences, int length)
{
    return (struct eer_examples){.batch = {.B = sequences, .L = length, .labels = labels},
                                 .predicted = predicted};
}

Test(accuracy, counts_matched_and_unmatched_positions_apart)
{
    int labels[B * L] = {3, 3, 1, 0, 3, 2, -1, 1};
    int predicted[B * L] = {3, 0, 1, 3, 3, 2, 0, 2};
    struct eer_examples e = examples(labels, predicted, B, L);
    struct eer_accuracy a;
    eer_count_right(&e, VOCAB, &a);
    cr_assert_eq(a.length, L);
    cr_assert_eq(a.sequences, B);
    cr_assert(a.unmatched.right == 2 && a.unmatched.all == 3);
    cr_assert(a.matched.right == 2 && a.matched.all == 4);
    cr_assert(a.positions.right == 4 && a.positions.all == 7, "-1 is not counted");
    cr_assert(a.low > 0.0 && a.low < 4.0 / 7 && a.high > 4.0 / 7 && a.high < 1.0);
}

Test(accuracy, one_sequence_says_nothing_of_the_spread)
{
    int labels[L] = {0, 1, 2, 3}, predicted[L] = {0, 1, 2, 0};
    struct eer_examples e = examples(labels, predicted, 1, L);
    struct eer_accuracy a;
    eer_count_right(&e, VOCAB, &a);
    cr_assert(a.low == 0.0 && a.high == 1.0);
}

Test(accuracy, all_right_still_leaves_room_for_error)
{
    static int labels[100 * 10], predicted[100 * 10];
    struct eer_examples e = examples(labels, predicted, 100, 10);
    struct eer_accuracy a;
    eer_count_right(&e, VOCAB, &a);
    cr_assert(a.high == 1.0);
    /* Wilson at p = 1: 1 / (1 + t^2 / n), and t for 99 degrees of freedom is 1.984. */
    cr_assert_float_eq(a.low, 1.0 / (1.0 + 1.984 * 1.984 / 1000), 1e-5);
}

Test(accuracy, sequences_that_are_all_right_or_all_wrong_count_as_one_position_each)
{
    static int labels[50 * 20], predicted[50 * 20];
    for (int i = 0; i < 50 * 20; i++)
        predicted[i] = i / 20 % 2;
    struct eer_examples e = examples(labels, predicted, 50, 20);
    struct eer_accuracy a;
    eer_count_right(&e, VOCAB, &a);
    /* p = 1/2, n = 49 (50 with the variance's correction), t for 49 degrees of freedom is 2.0096.
     */
    double half =
        2.0096 * sqrt(0.25 / 49 + 2.0096 * 2.0096 / (4.0 * 49 * 49)) / (1 + 2.0096 * 2.0096 / 49);
    cr_assert_float_eq(a.high - a.low, 2 * half, 1e-4);
    cr_assert_float_eq((a.high + a.low) / 2, 0.5, 1e-12);
}

Test(accuracy, the_interval_of_independent_positions_covers_what_it_should)
{
    /* 400 experiments of 20 sequences with 30 positions, each right with probability 0.9: the
     * interval must hold 0.9 in 95 % of them; 3.5 standard errors are 3.8 %. */
    static int labels[20 * 30], predicted[20 * 30];
    uint64_t state = 88172645463325252u;
    int covered = 0;
    for (int experiment = 0; experiment < 400; experiment++) {
        for (int i = 0; i < 20 * 30; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            predicted[i] = state % 1000 >= 900;
        }
        struct eer_examples e = examples(labels, predicted, 20, 30);
        struct eer_accuracy a;
        eer_count_right(&e, VOCAB, &a);
        covered += a.low <= 0.9 && 0.9 <= a.high;
    }
    cr_assert(covered >= 365, "covered %d of 400", covered);
}

Test(accuracy, per_cent_of_nothing_is_0)
{
    cr_assert(eer_percent((struct eer_count){0, 0}) == 0.0);
    cr_assert(eer_percent((struct eer_count){1, 4}) == 25.0);
}
