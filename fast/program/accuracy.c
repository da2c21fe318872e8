#include "accuracy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fail.h"

double eer_percent(struct eer_count count)
{
    return count.all > 0 ? 100.0 * (double)count.right / (double)count.all : 0.0;
}

enum eer_status eer_examples_new(struct eer_examples *examples, int sequences, int length,
                                 struct eer_error *error)
{
    size_t size = (size_t)sequences * (size_t)length;
    examples->batch = (struct eer_batch){.B = sequences, .L = length};
    examples->batch.tokens = malloc(size * sizeof(int));
    examples->batch.labels = malloc(size * sizeof(int));
    examples->predicted = malloc(size * sizeof(int));
    if (examples->batch.tokens && examples->batch.labels && examples->predicted)
        return EER_OK;
    eer_examples_free(examples);
    return eer_fail(error, EER_NO_MEMORY, "no memory for %d sequences of %d tokens", sequences,
                    length);
}

void eer_examples_free(struct eer_examples *examples)
{
    free(examples->batch.tokens);
    free(examples->batch.labels);
    free(examples->predicted);
    memset(examples, 0, sizeof *examples);
}

/* The 97.5 % quantile of Student's t: exact to three decimals up to 3 degrees of freedom, beyond
 * that Cornish and Fisher's expansion in 1/n, below 0.3 % off. */
static double student(int freedom)
{
    static const double small[] = {0.0, 12.706, 4.303, 3.182};
    if (freedom <= 3)
        return small[freedom];
    const double z = 1.959964;
    double n = freedom, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n);
}

/* squares: the sum over the sequences of (right_b - p all_b)^2. */
static void set_interval(struct eer_accuracy *a, double squares)
{
    a->low = 0.0;
    a->high = 1.0;
    if (a->sequences < 2 || a->positions.all == 0)
        return;
    double all = (double)a->positions.all, p = (double)a->positions.right / all;
    double between = squares * a->sequences / (a->sequences - 1.0); /* variance of the sum */
    double effect = p > 0.0 && p < 1.0 ? between / (all * p * (1.0 - p)) : 1.0;
    double n = effect > 1.0 ? all / effect : all;
    double z = student(a->sequences - 1), z2 = z * z / n;
    double centre = (p + z2 / 2) / (1 + z2);
    double half = z * sqrt(p * (1 - p) / n + z2 / (4 * n)) / (1 + z2);
    a->low = p > 0.0 ? fmax(0.0, centre - half) : 0.0;
    a->high = p < 1.0 ? fmin(1.0, centre + half) : 1.0;
}

static void count_sequence(const int *labels, const int *predicted, int length, int vocab,
                           struct eer_accuracy *a)
{
    for (int i = 0; i < length; i++) {
        if (labels[i] < 0)
            continue;
        struct eer_count *kind = labels[i] == vocab ? &a->unmatched : &a->matched;
        int right = labels[i] == predicted[i];
        kind->right += right;
        kind->all++;
        a->positions.right += right;
        a->positions.all++;
    }
}

void eer_count_right(const struct eer_examples *examples, int vocab, struct eer_accuracy *a)
{
    int B = examples->batch.B, L = examples->batch.L;
    const int *labels = examples->batch.labels, *predicted = examples->predicted;
    double squares = 0.0;
    *a = (struct eer_accuracy){.length = L, .sequences = B};
    for (int b = 0; b < B; b++)
        count_sequence(labels + (size_t)b * L, predicted + (size_t)b * L, L, vocab, a);
    double p = eer_percent(a->positions) / 100.0;
    for (int b = 0; b < B; b++) {
        struct eer_accuracy one = {0};
        count_sequence(labels + (size_t)b * L, predicted + (size_t)b * L, L, vocab, &one);
        double off = (double)one.positions.right - p * (double)one.positions.all;
        squares += off * off;
    }
    set_interval(a, squares);
}

enum eer_status eer_measure(const struct eer_backend *backend, struct eer_engine *engine, int vocab,
                            int loops, const struct eer_examples *examples, struct eer_accuracy *a,
                            struct eer_error *error)
{
    double start = eer_seconds();
    enum eer_status status =
        backend->evaluate(engine, &examples->batch, loops, examples->predicted, error);
    if (status != EER_OK)
        return status;
    eer_count_right(examples, vocab, a);
    a->seconds = eer_seconds() - start;
    return EER_OK;
}
