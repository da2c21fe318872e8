/* test_gradients.c - the reference's loss and gradient against the oracle's 200 bits, every
 * parameter and term of random configurations that cover every option.
 *
 * The bound is the reference's own spread under random roundings of its operations in double
 * (fast/program/gradcheck/spread.h). Printed: the largest share of it, and where. Unless said
 * otherwise the oracle's gradient is by dual numbers. */
#include "../../fast/program/gradcheck/judge.h"
#include "../oracle/oracle.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TINY = 60, SMALL = 24, SAMPLES = 17, SEED = 1 };

struct oracle_context {
    struct oracle *oracle;
    enum oracle_mode mode;
};

static enum eer_status oracle_evaluator(void *context, const struct eer_case *c,
                                        const struct eer_weights *weights, struct eer_terms *terms,
                                        double *gradient)
{
    struct oracle_context *o = context;
    return oracle_gradient(o->oracle, &c->config, &c->batch, weights, c->theta, o->mode, terms,
                           gradient, NULL);
}

struct tally {
    double share;
    int index;
    const char *where;
    int potential, penalty, whole; /* parts of gradients left out */
};

/* The spread takes the reference's operations as they are: a cast to float or an expf among them
 * would widen it unnoticed. But in double every deviation is 2^-29 of that in float, so the ratio
 * of the two spreads is 2^-29 times the root of a ratio of two mean squares of at least SAMPLES - 1
 * = 16 degrees of freedom each, whose quantile (F with 16 and 16) at one in 10^8 is 28.2. */
static void check_precision(const struct eer_case *c, double relative, const char *text)
{
    struct spread s;
    cr_assert_eq(spread_measure(&s, &c->config, &c->batch, &c->weights, c->theta, SPREAD_FP32,
                                EER_TF32_TIES_AWAY, SAMPLES, SEED),
                 EER_OK);
    cr_expect(relative <= sqrt(28.2) * 0x1p-29 * spread_relative(&s),
              "%s: something in the reference is less precise than double: %g against %g in float",
              text, relative, spread_relative(&s));
    spread_free(&s);
}

static void judge_case(struct tally *tally, const struct eer_case *c, enum oracle_mode mode,
                       int index)
{
    struct oracle_context o = {oracle_open(), mode};
    struct eer_backend_run ref = {.backend = &ref_backend, .run = {.threads = 1}};
    struct eer_question question = {.c = c,
                                    .arithmetic = SPREAD_FP64,
                                    .truth = oracle_evaluator,
                                    .truth_context = &o,
                                    .truth_error = 0x1p-140, /* test_oracle.c */
                                    .judged = eer_backend_evaluator,
                                    .judged_context = &ref,
                                    .K = SAMPLES,
                                    .seed = SEED};
    struct eer_judgement j;
    char text[512];
    eer_case_text(c, text, sizeof text);
    cr_assert_eq(eer_judge(&j, &question), EER_OK, "%s: %s", text, ref.error.text);
    cr_expect(!j.undetermined && !j.not_finite, "%s: cannot be judged", text);
    cr_expect(j.share <= 1, "%s: %.3g of the bound in %s", text, j.share, j.where);
    cr_expect(!j.wrong_answers, "%s: a wrong count of right answers", text);
    if (!j.no_potential && !j.no_penalty)
        check_precision(c, j.relative, text);
    if (!(j.share <= tally->share))
        *tally =
            (struct tally){j.share, index, j.where, tally->potential, tally->penalty, tally->whole};
    tally->potential += j.no_potential;
    tally->penalty += j.no_penalty;
    tally->whole += j.no_gradient;
    oracle_close(o.oracle);
}

static void judge_all(const char *what, enum eer_case_size size, enum oracle_mode mode, int cases)
{
    struct tally tally = {.where = "-"};
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        cr_assert_eq(eer_case_new(&c, SEED, index, size), EER_OK);
        judge_case(&tally, &c, mode, index);
        eer_case_free(&c);
    }
    printf(
        "ref against MPFR, %s: %d configurations, largest share of the bound %.3g in %s of "
        "configuration %d; left out where the gradient jumps: potential %d, entropy %d, all %d\n",
        what, cases, tally.share, tally.where, tally.index, tally.potential, tally.penalty,
        tally.whole);
    fflush(stdout);
    cr_expect(tally.potential + tally.penalty + tally.whole <= cases / 4, "too much left out");
}

Test(gradients, ref_against_dual_numbers)
{
    judge_all("dual numbers", EER_CASE_TINY, ORACLE_DUAL, TINY);
}

Test(gradients, ref_against_reverse_sweep)
{
    judge_all("reverse sweep", EER_CASE_SMALL, ORACLE_REVERSE, SMALL);
}

/* The conventions at the jumps themselves (spec/model.md, 3.3 and 4): W_V = 0 keeps Z at 0, where
 * the norms have derivative 0; W_1 = 0 and b_1 = 0 puts ReLU at 0; equal scores choose the first
 * key; one visible key with eta = 0 has S - eta = 0. All of this is exact in every arithmetic, so
 * nothing is left out. */
Test(gradients, conventions_where_the_gradient_jumps)
{
    struct tally tally = {.where = "-"};
    for (int index = 0; index < 16; index++) {
        struct eer_case c;
        cr_assert_eq(eer_case_new(&c, SEED, index, EER_CASE_TINY), EER_OK);
        const int gone[] = {EER_W_V, EER_W_1, EER_B_1, EER_B_2, EER_W_Q, EER_LN2_BIAS};
        c.config.norm = EER_NORM_NONE;
        c.config.activation = EER_RELU;
        c.config.eta = 0;
        c.config.slope = 0;
        c.config.kinetic = index % 2 ? EER_KINETIC_NORM : EER_KINETIC_FROBENIUS;
        c.weights = (struct eer_weights){0.3, 0.5, 0.7};
        eer_layout(&c.config, &c.layout);
        for (size_t k = 0; k < sizeof gone / sizeof *gone; k++)
            for (int p = 0; p < c.layout.rows[gone[k]] * c.layout.columns[gone[k]]; p++)
                c.theta[c.layout.offset[gone[k]] + p] = 0;
        judge_case(&tally, &c, ORACLE_DUAL, index);
        eer_case_free(&c);
    }
    cr_expect_eq(tally.potential + tally.penalty + tally.whole, 0);
}
