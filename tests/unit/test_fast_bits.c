/* test_fast_bits.c - what must never change a bit of fast: the number of threads, the instruction
 * set, the place of a sequence in the batch, and the lanes that are left over. */
#include "../../fast/program/gradcheck/cases.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 12, STEPS = 3, SEED = 5, MOST_THREADS = 4, EVALUATED = 70, TERMS = 6 };

static const char *const isa_name[] = {"best", "plain", "avx2", "avx512"};
static struct eer_error error;

/* Everything that a run of some steps leaves behind. */
struct outcome {
    struct eer_terms terms[STEPS];
    double *gradient, *theta, *m, *v; /* P each, after the last step */
    int *predicted;                   /* B x EVALUATED */
    size_t P, positions;
};

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    cr_assert_not_null(memory);
    return memory;
}

/* What `run` can do on this machine: 0 if it lacks the instruction set. */
static int can_run(const struct eer_case *c, enum eer_isa isa)
{
    const struct eer_run run = {.precision = EER_FP32, .isa = isa, .threads = 1};
    struct eer_engine *engine;
    enum eer_status status = fast_backend.open(&c->config, &run, &engine, &error);
    cr_assert(status == EER_OK || status == EER_UNAVAILABLE, "%s", error.text);
    fast_backend.close(engine);
    return status == EER_OK;
}

static struct eer_batch evaluation_batch(const struct eer_case *c)
{
    const size_t n = (size_t)c->batch.B * EVALUATED;
    struct eer_batch batch = {c->batch.B, EVALUATED, take(n, sizeof(int)), take(n, sizeof(int))};
    fast_backend.draw(&c->config, c->config.seed, EER_DRAW_FRESH, EVALUATED, &batch);
    return batch;
}

static struct outcome train(const struct eer_case *c, struct eer_run run)
{
    const size_t P = (size_t)c->layout.size;
    double *numbers = take(4 * P, sizeof *numbers);
    struct outcome o = {.gradient = numbers,
                        .theta = numbers + P,
                        .m = numbers + 2 * P,
                        .v = numbers + 3 * P,
                        .P = P,
                        .positions = (size_t)c->batch.B * EVALUATED};
    struct eer_state state = {0, o.theta, o.m, o.v};
    struct eer_engine *engine;
    struct eer_batch fresh = evaluation_batch(c);
    o.predicted = take(o.positions, sizeof *o.predicted);
    run.train_length = c->batch.L;
    run.eval_length = EVALUATED;
    cr_assert_eq(fast_backend.open(&c->config, &run, &engine, &error), EER_OK, "%s", error.text);
    memcpy(o.theta, c->theta, P * sizeof *o.theta);
    fast_backend.put(engine, &state);
    for (int step = 0; step < STEPS; step++) {
        cr_assert_eq(fast_backend.gradient(engine, &c->batch, &c->weights, &o.terms[step],
                                           o.gradient, &error),
                     EER_OK, "%s", error.text);
        fast_backend.update(engine, 0.01);
    }
    fast_backend.get(engine, &state);
    cr_assert_eq(fast_backend.evaluate(engine, &fresh, c->config.loops, o.predicted, &error),
                 EER_OK);
    fast_backend.close(engine);
    free(fresh.tokens);
    free(fresh.labels);
    return o;
}

static void outcome_free(struct outcome *o)
{
    free(o->gradient);
    free(o->predicted);
}

static void expect_same(const struct eer_case *c, const struct outcome *a, const struct outcome *b,
                        struct eer_run run)
{
    char text[512];
    eer_case_text(c, text, sizeof text);
    cr_assert_arr_eq(a->terms, b->terms, sizeof a->terms, "terms, %s, %d threads: %s",
                     isa_name[run.isa], run.threads, text);
    cr_assert_arr_eq(a->gradient, b->gradient, 4 * a->P * sizeof *a->gradient,
                     "gradient or state, %s, %d threads: %s", isa_name[run.isa], run.threads, text);
    cr_assert_arr_eq(a->predicted, b->predicted, a->positions * sizeof *a->predicted,
                     "predictions, %s, %d threads: %s", isa_name[run.isa], run.threads, text);
}

/* Sizes 1 .. 21 and 33, 34: less than a width, whole groups, and remainders of every width. */
static struct eer_case case_of(int index)
{
    static const int sizes[] = {1, 3, 16, 17, 33, 8, 5, 34, 13, 19};
    struct eer_case c;
    cr_assert_eq(eer_case_new(&c, SEED, index, index % 2 ? EER_CASE_LARGE : EER_CASE_SMALL),
                 EER_OK);
    const int B = sizes[index % 10];
    const size_t n = (size_t)(B * c.batch.L);
    c.config.batch = c.batch.B = B;
    c.config.loops = c.config.loops > 4 ? 4 : c.config.loops;
    free(c.batch.tokens);
    free(c.batch.labels);
    c.batch.tokens = take(n, sizeof(int));
    c.batch.labels = take(n, sizeof(int));
    fast_backend.draw(&c.config, SEED, EER_DRAW_TRAIN, index + 1, &c.batch);
    return c;
}

static void compare_all(enum eer_precision precision)
{
    int compared = 0;
    for (int index = 0; index < CASES; index++) {
        struct eer_case c = case_of(index);
        struct eer_run run = {.precision = precision,
                              .tf32_rounding = (enum eer_tf32_rounding)(index % 3),
                              .isa = EER_ISA_PLAIN,
                              .threads = 1};
        struct outcome plain = train(&c, run);
        for (int isa = EER_ISA_BEST; isa <= EER_ISA_AVX512; isa++)
            for (run.threads = 1; run.threads <= MOST_THREADS; run.threads++) {
                run.isa = (enum eer_isa)isa;
                if (!can_run(&c, run.isa)) {
                    if (index == 0 && run.threads == 1)
                        printf("same bits: %s skipped, this machine lacks it\n", isa_name[isa]);
                    continue;
                }
                struct outcome other = train(&c, run);
                expect_same(&c, &plain, &other, run);
                outcome_free(&other);
                compared++;
            }
        outcome_free(&plain);
        eer_case_free(&c);
    }
    printf("same bits, %s: %d configurations, %d runs of %d steps compared\n",
           precision == EER_TF32 ? "tf32" : "fp32", CASES, compared, STEPS);
    fflush(stdout);
}

Test(fast_bits, threads_and_instruction_sets_fp32)
{
    compare_all(EER_FP32);
}

Test(fast_bits, threads_and_instruction_sets_tf32)
{
    compare_all(EER_TF32);
}

/* ---- lanes --------------------------------------------------------------------------------- */

/* Loss sums and gradient as floats: what one lane, or the tree over lanes, holds. */
struct lane {
    float sum[TERMS];
    float *gradient;
};

/* The sums that the means of terms were made of: a float divided and multiplied by the same number
 * in double is off by 2^-52 at most, and rounds back to itself. */
static void sums_of_terms(const struct eer_case *c, const struct eer_terms *t, float *sum)
{
    const double B = c->batch.B, N = c->batch.L + c->config.bos, T = c->config.loops;
    double kinetic = 2.0 * B * N;
    if (c->config.kinetic == EER_KINETIC_PATH)
        kinetic *= T;
    if (c->config.kinetic == EER_KINETIC_FROBENIUS)
        kinetic /= N;
    const double values[TERMS] = {t->task * t->counted,         t->potential * (B * N * T),
                                  t->kinetic * kinetic,         t->entropy * (B * N * T),
                                  t->entropy_penalty * (B * N), t->correct};
    for (int k = 0; k < TERMS; k++)
        sum[k] = (float)values[k];
}

static struct lane run_batch(const struct eer_case *c, const struct eer_weights *weights,
                             enum eer_isa isa, enum eer_precision precision)
{
    const size_t P = (size_t)c->layout.size;
    const struct eer_run run = {
        .precision = precision, .isa = isa, .threads = 1, .train_length = c->batch.L};
    const struct eer_state state = {0, c->theta, c->theta, c->theta};
    struct eer_engine *engine;
    struct eer_terms terms;
    struct lane lane = {.gradient = take(P, sizeof(float))};
    double *gradient = take(P, sizeof *gradient);
    cr_assert_eq(fast_backend.open(&c->config, &run, &engine, &error), EER_OK, "%s", error.text);
    fast_backend.put(engine, &state);
    cr_assert_eq(fast_backend.gradient(engine, &c->batch, weights, &terms, gradient, &error),
                 EER_OK);
    fast_backend.close(engine);
    for (size_t k = 0; k < P; k++)
        lane.gradient[k] = (float)gradient[k];
    free(gradient);
    sums_of_terms(c, &terms, lane.sum);
    return lane;
}

/* into += other: one pair of the tree. */
static void add(struct lane *into, const struct lane *other, size_t P)
{
    for (int k = 0; k < TERMS; k++)
        into->sum[k] += other->sum[k];
    for (size_t k = 0; k < P; k++)
        into->gradient[k] += other->gradient[k];
}

/* Sequence b counts one position, or two: together `total`, the power of two from B on. So 1 /
 * counted differs by a power of two between a batch and its sequence alone, and every rounding is
 * the same in both. */
static int counted_of(int b, int B, int total)
{
    return b < total - B ? 2 : 1;
}

static void count_few(struct eer_batch *batch, int total)
{
    for (int b = 0; b < batch->B; b++)
        for (int i = 0; i < batch->L - counted_of(b, batch->B, total); i++)
            batch->labels[b * batch->L + i] = -1;
}

/* Sequence b alone, its gradient scaled to what it is within the batch. */
static struct lane alone(const struct eer_case *c, int b, int total, enum eer_isa isa,
                         enum eer_precision precision)
{
    struct eer_case one = *c;
    const int counted = counted_of(b, c->batch.B, total);
    const double scale = (double)total / counted, share = scale / c->batch.B;
    const struct eer_weights weights = {c->weights.lambda_P * share, c->weights.lambda_K * share,
                                        c->weights.lambda_S * share};
    one.batch = (struct eer_batch){1, c->batch.L, c->batch.tokens + b * c->batch.L,
                                   c->batch.labels + b * c->batch.L};
    one.config.batch = 1;
    struct lane lane = run_batch(&one, &weights, isa, precision);
    for (int k = 0; k < c->layout.size; k++)
        lane.gradient[k] /= (float)scale;
    return lane;
}

static void expect_tree(struct eer_case *c, enum eer_isa isa, enum eer_precision precision)
{
    const int B = c->batch.B, P = c->layout.size;
    struct lane *lanes = take((size_t)B, sizeof *lanes);
    int total = 1;
    char text[512];
    while (total < B)
        total *= 2;
    count_few(&c->batch, total);
    struct lane batch = run_batch(c, &c->weights, isa, precision);
    for (int b = 0; b < B; b++)
        lanes[b] = alone(c, b, total, isa, precision);
    for (int apart = 1; apart < B; apart *= 2)
        for (int b = 0; b + apart < B; b += 2 * apart)
            add(&lanes[b], &lanes[b + apart], (size_t)P);
    eer_case_text(c, text, sizeof text);
    for (int k = 0; k < TERMS; k++)
        cr_assert_eq(batch.sum[k], lanes[0].sum[k], "term %d, %s: %a instead of %a, %s", k,
                     isa_name[isa], (double)batch.sum[k], (double)lanes[0].sum[k], text);
    for (int k = 0; k < P; k++)
        cr_assert_eq(batch.gradient[k], lanes[0].gradient[k],
                     "parameter %d, %s: %a instead of %a, %s", k, isa_name[isa],
                     (double)batch.gradient[k], (double)lanes[0].gradient[k], text);
    for (int b = 0; b < B; b++)
        free(lanes[b].gradient);
    free(batch.gradient);
    free(lanes);
}

/* The weights are B times powers of two, so that dividing them by B is exact. */
Test(fast_bits, a_batch_is_the_tree_of_its_sequences)
{
    for (int index = 0; index < CASES; index++) {
        struct eer_case c = case_of(index);
        const double B = c.batch.B;
        c.weights = (struct eer_weights){0x1p-6 * B, 0x1p-8 * B, 0x1p-5 * B};
        c.config.form = EER_FULL;
        if (c.batch.L >= 2)
            for (int isa = EER_ISA_PLAIN; isa <= EER_ISA_AVX512; isa++)
                if (can_run(&c, (enum eer_isa)isa)) {
                    struct eer_batch *batch = &c.batch;
                    fast_backend.draw(&c.config, SEED, EER_DRAW_TRAIN, index + 1, batch);
                    expect_tree(&c, (enum eer_isa)isa, index % 4 < 2 ? EER_FP32 : EER_TF32);
                }
        eer_case_free(&c);
    }
}
