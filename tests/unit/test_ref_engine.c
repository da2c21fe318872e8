/* test_ref_engine.c - ref behind the backend interface: whole gradients, steps and evaluations. */
#include "../../ref/ref.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { B = 3, L = 9, MOST = 2000 };

static struct eer_config config;
static struct eer_engine *engine;
static struct eer_error error;
static double theta[MOST], m[MOST], v[MOST];
static struct eer_state state = {0, theta, m, v};
static int tokens[B * L], labels[B * L];
static struct eer_batch batch = {B, L, tokens, labels};
static const struct eer_weights weights = {0.1, 0.001, 0.02};

static void set_defaults(void)
{
#define EER_DEFAULT_NUMBER(key, value, least, most, doc) config.key = value;
#define EER_DEFAULT_WORD(key, enumeration, value, doc)   config.key = value;
    EER_CONFIG_TABLE(EER_DEFAULT_NUMBER, EER_DEFAULT_NUMBER, EER_DEFAULT_WORD)
#undef EER_DEFAULT_NUMBER
#undef EER_DEFAULT_WORD
    config.seed = 11;
    config.loops = 4;
}

/* The parameters and the batch of the present configuration, in a new engine. */
static struct eer_layout reopen(void)
{
    struct eer_run run = {.precision = EER_FP64, .threads = 1, .train_length = L, .eval_length = L};
    struct eer_layout layout;

    eer_layout(&config, &layout);
    cr_assert_leq(layout.size, MOST);
    ref_backend.close(engine);
    cr_assert_eq(ref_backend.open(&config, &run, &engine, &error), EER_OK, "%s", error.text);
    ref_backend.init(&config, &state);
    ref_backend.put(engine, &state);
    ref_backend.draw(&config, config.seed, EER_DRAW_TRAIN, 1, &batch);
    return layout;
}

static struct eer_terms loss(void)
{
    struct eer_terms terms;

    ref_backend.put(engine, &state);
    cr_assert_eq(ref_backend.gradient(engine, &batch, &weights, &terms, NULL, &error), EER_OK, "%s",
                 error.text);
    return terms;
}

static void close_engine(void)
{
    ref_backend.close(engine);
    engine = NULL;
}

TestSuite(ref_engine, .init = set_defaults, .fini = close_engine);

Test(ref_engine, only_fp64_is_offered)
{
    struct eer_run run = {.precision = EER_FP32, .threads = 1};

    cr_expect_eq(ref_backend.open(&config, &run, &engine, &error), EER_USAGE);
    cr_expect_eq(error.status, EER_USAGE);
    cr_expect_null(engine);
}

Test(ref_engine, without_queries_attention_is_uniform)
{
    struct eer_layout layout = reopen();
    struct eer_terms terms;
    double N = L;

    memset(theta + layout.offset[EER_W_Q], 0, (size_t)config.d * (size_t)config.d * sizeof *theta);
    terms = loss();
    cr_expect(fabs(terms.potential - log(N)) <= 64 * DBL_EPSILON * log(N));
    cr_expect(fabs(terms.entropy - (1 - 1 / sqrt(N)) / 0.5) <= 256 * DBL_EPSILON);
    cr_expect(fabs(terms.entropy_penalty - terms.entropy) <= 64 * DBL_EPSILON);
}

Test(ref_engine, the_total_is_the_weighted_sum)
{
    struct eer_terms t;

    reopen();
    t = loss();
    cr_expect_eq(t.total, t.task + weights.lambda_P * t.potential + weights.lambda_K * t.kinetic +
                              weights.lambda_S * t.entropy_penalty);
    cr_expect_eq(t.counted, B * L);
}

Test(ref_engine, form_last_counts_one_position_a_sequence)
{
    config.form = EER_LAST;
    reopen();
    cr_expect_eq(loss().counted, B);
}

static double difference(int i, double h)
{
    double x = theta[i], d;

    theta[i] = x + h;
    d = loss().total;
    theta[i] = x - h;
    d -= loss().total;
    theta[i] = x;
    return d / (2 * h);
}

/* The error of a central difference D(h) is about |D(2h) - D(h)| / 3; the rest is the rounding of
 * two losses, each below 1e3 units (4 iterations of sums over 9 keys and 8 entries), over 2h. */
static void expect_slope(double gradient, int i)
{
    const double h = 0x1p-14;
    double near = difference(i, h), far = difference(i, 2 * h);
    double allowed = fabs(far - near) + 1e3 * DBL_EPSILON * fabs(loss().total) / h;

    cr_assert(fabs(near - gradient) <= allowed, "parameter %d: %.12g, by differences %.12g", i,
              gradient, near);
}

static void expect_gradient_of_differences(void)
{
    struct eer_layout layout = reopen();
    struct eer_terms terms;
    double gradient[MOST];

    cr_assert_eq(ref_backend.gradient(engine, &batch, &weights, &terms, gradient, &error), EER_OK);
    for (int i = 0; i < layout.size; i++)
        expect_slope(gradient[i], i);
}

Test(ref_engine, gradients_agree_with_differences)
{
    for (int choice = 0; choice < 12; choice++) {
        config.norm = (enum eer_norm)(choice % 3);
        config.kinetic = (enum eer_kinetic)(choice / 3);
        config.mask = (enum eer_mask)(choice % 2);
        config.bos = choice / 2 % 2;
        config.final_norm = choice / 4 % 2;
        config.mlp = choice == 7 ? 0 : 6;
        config.q = choice % 4 == 1 ? 2 : 1.3;
        config.slope = choice == 8 ? 0.25 : 0;
        expect_gradient_of_differences();
    }
}

Test(ref_engine, the_gradient_leaves_the_parameters_and_repeats_its_bits)
{
    struct eer_layout layout = reopen();
    struct eer_terms terms;
    double first[MOST], second[MOST], kept[MOST], moment[MOST], other[MOST];
    struct eer_state after = {0, kept, moment, other};

    ref_backend.gradient(engine, &batch, &weights, &terms, first, &error);
    ref_backend.gradient(engine, &batch, &weights, &terms, second, &error);
    ref_backend.get(engine, &after);
    cr_expect_arr_eq(first, second, (size_t)layout.size * sizeof *first);
    cr_expect_arr_eq(kept, theta, (size_t)layout.size * sizeof *theta);
}

Test(ref_engine, a_step_counts_and_follows_adamw)
{
    struct eer_layout layout = reopen();
    struct eer_terms terms;
    double gradient[MOST];
    struct eer_state after = {0, theta, m, v};
    double kept[MOST];

    memcpy(kept, theta, sizeof kept);
    ref_backend.gradient(engine, &batch, &weights, &terms, gradient, &error);
    ref_backend.update(engine, 0.01);
    ref_backend.get(engine, &after);
    cr_expect_eq(after.step, 1);
    for (int i = 0; i < layout.size; i++) {
        double g = gradient[i], expected = kept[i] - 0.001 * kept[i] - 0.01 * g / (fabs(g) + 1e-8);

        cr_expect(fabs(theta[i] - expected) <= 64 * DBL_EPSILON * (fabs(kept[i]) + 0.01));
    }
}

Test(ref_engine, evaluation_predicts_what_the_gradient_counts)
{
    int predicted[B * L], right = 0;

    for (config.bos = 0; config.bos <= 1; config.bos++) {
        reopen();
        right = 0;
        cr_assert_eq(ref_backend.evaluate(engine, &batch, config.loops, predicted, &error), EER_OK);
        for (int i = 0; i < B * L; i++)
            right += predicted[i] == labels[i];
        cr_expect_eq(loss().correct, right);
    }
}

Test(ref_engine, what_is_not_finite_is_an_error)
{
    struct eer_layout layout = reopen();
    struct eer_terms terms;
    int predicted[B * L];

    theta[layout.offset[EER_W_V]] = NAN;
    ref_backend.put(engine, &state);
    cr_expect_eq(ref_backend.gradient(engine, &batch, &weights, &terms, NULL, &error),
                 EER_NOT_FINITE);
    cr_expect_eq(ref_backend.evaluate(engine, &batch, 2, predicted, &error), EER_NOT_FINITE);
    cr_expect_eq(error.status, EER_NOT_FINITE);
}

Test(ref_engine, an_engine_for_evaluation_only)
{
    struct eer_run run = {.precision = EER_FP64, .threads = 1, .eval_length = L};
    int predicted[B * L];

    reopen();
    ref_backend.close(engine);
    cr_assert_eq(ref_backend.open(&config, &run, &engine, &error), EER_OK);
    ref_backend.put(engine, &state);
    cr_expect_eq(ref_backend.evaluate(engine, &batch, 50, predicted, &error), EER_OK);
}
