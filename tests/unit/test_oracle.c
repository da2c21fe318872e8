/* test_oracle.c - the oracle against itself: dual numbers, the reverse sweep and difference
 * quotients of the loss must give one gradient. The quotient uses no rule of differentiation at
 * all. */
#include "../oracle/oracle.h"
#include "../../fast/program/gradcheck/cases.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { CASES = 16, STRIDE = 5, SEED = 20260109 };

/* Both sides were rounded to double once: 2^-53 of their size each. Besides, the sweeps differ by
 * their roundings at 2^-200: at most 2^20 operations (counted: below 2^18), each number within 2^40
 * of the loss, which is near 1, makes 2^-140. */
static double sweep_bound(double a)
{
    return 0x1p-52 * fabs(a) + 0x1p-140;
}

/* The quotient: 2^-53 of its size, and for h = 2^-66 at most h^2 / 6 times the third derivative
 * (taken as below 2^30) plus 2^20 roundings of 2^-200 over h, together below 2^-104. */
static double quotient_bound(double a)
{
    return 0x1p-52 * fabs(a) + 0x1p-104;
}

static void check_case(struct oracle *o, int index)
{
    struct eer_case c;
    char text[512];
    cr_assert_eq(eer_case_new(&c, SEED, index, EER_CASE_TINY), EER_OK);
    double *dual = calloc((size_t)c.layout.size, sizeof *dual);
    double *reverse = calloc((size_t)c.layout.size, sizeof *reverse);
    struct eer_terms terms;
    cr_assert(dual != NULL && reverse != NULL);
    eer_case_text(&c, text, sizeof text);
    cr_assert_eq(oracle_gradient(o, &c.config, &c.batch, &c.weights, c.theta, ORACLE_DUAL, &terms,
                                 dual, NULL),
                 EER_OK, "%s", text);
    cr_assert_eq(oracle_gradient(o, &c.config, &c.batch, &c.weights, c.theta, ORACLE_REVERSE,
                                 &terms, reverse, NULL),
                 EER_OK, "%s", text);
    for (int k = 0; k < c.layout.size; k++) {
        cr_assert(fabs(dual[k] - reverse[k]) <= sweep_bound(dual[k]), "%s: parameter %d: %a %a",
                  text, k, dual[k], reverse[k]);
    }
    for (int k = index % STRIDE; k < c.layout.size; k += STRIDE) {
        double quotient;
        cr_assert_eq(oracle_quotient(o, &c.config, &c.batch, &c.weights, c.theta, k, &quotient),
                     EER_OK);
        cr_assert(fabs(dual[k] - quotient) <= quotient_bound(dual[k]), "%s: parameter %d: %a %a",
                  text, k, dual[k], quotient);
    }
    free(dual);
    free(reverse);
    eer_case_free(&c);
}

Test(oracle, three_ways_to_one_gradient)
{
    struct oracle *o = oracle_open();
    for (int index = 0; index < CASES; index++)
        check_case(o, index);
    oracle_close(o);
}

/* The value against arithmetic by hand: one token, so that p = 1 and every term has a closed form.
 * With zero weights and biases the logits are 0. */
Test(oracle, one_token)
{
    struct eer_case c;
    struct eer_terms terms;
    struct oracle *o = oracle_open();
    cr_assert_eq(eer_case_new(&c, SEED, 0, EER_CASE_TINY), EER_OK);
    c.config.vocab = 2;
    c.config.bos = c.config.mlp = c.config.final_norm = 0;
    c.config.norm = EER_NORM_NONE;
    c.config.d = 4;
    c.config.loops = 3;
    c.config.eta = -0.25;
    c.config.pe_scale = 0;
    c.config.kinetic = EER_KINETIC_SQUARED;
    double theta[8 + 48 + 12 + 3] = {1, 2, 3, 4}; /* embedding of token 0; W_V = 1/2 identity */
    for (int k = 0; k < 4; k++)
        theta[8 + 32 + 5 * k] = 0.5;
    int token = 0, label = 2;
    struct eer_batch batch = {1, 1, &token, &label};
    struct eer_weights weights = {2, 0.5, 4};
    cr_assert_eq(
        oracle_gradient(o, &c.config, &batch, &weights, theta, ORACLE_DUAL, &terms, NULL, NULL),
        EER_OK);
    /* Z' = Z + (Z + x)/2: Z_3 = (1.5^3 - 1) x, |x|^2 = 30; S = 0. */
    double z = 1.5 * 1.5 * 1.5 - 1;
    cr_assert(fabs(terms.task - log(3)) <= 0x1p-52); /* libm's log: below one unit */
    cr_assert_eq(terms.potential, 0);
    cr_assert_eq(terms.kinetic, z * z * 30 / 2);
    cr_assert_eq(terms.entropy, 0);
    cr_assert_eq(terms.entropy_penalty, 0.25);
    cr_assert(fabs(terms.total - (log(3) + 0.5 * z * z * 15 + 1)) <= 0x1p-46);
    cr_assert_eq(terms.correct, 0);
    cr_assert_eq(terms.counted, 1);
    eer_case_free(&c);
    oracle_close(o);
}
