/* test_spread.c - the measuring instrument of the gradient checks: cases, spread and judgement. */
#include "../../fast/program/gradcheck/gradcheck.h"

#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 17, SEED = 3 };

/* Quantiles from the tables (e.g. NIST/SEMATECH e-Handbook, 1.3.6.7.2), given to 3 decimals; for
 * two degrees of freedom t = (1 - p) sqrt(2 / (p (2 - p))). */
Test(spread, student)
{
    const double half = 0.0005, p = 1e-9;
    cr_assert(fabs(spread_student(0.05, 10) - 2.228) <= half);
    cr_assert(fabs(spread_student(0.002, 30) - 3.385) <= half);
    cr_assert(fabs(spread_student(0.01, 2) - 9.925) <= half);
    /* 1 - sin(a) ... cancels: 2^-53 over p is a relative error of 1.1e-7 in p, half of it in t. */
    double exact = (1 - p) * sqrt(2 / (p * (2 - p)));
    cr_assert(fabs(spread_student(p, 2) / exact - 1) <= 2 * 0x1p-53 / p);
}

/* Every value of every enumeration, and both sides of each switch, within few consecutive cases. */
Test(spread, cases_cover_every_option)
{
    enum { CASES = 16 };
    int seen[10][8] = {{0}}, sizes[] = {2, 2, 2, 3, 2, 4, 2, 2, 2, 3};
    for (int index = 0; index < CASES; index++) {
        struct eer_case c;
        cr_assert_eq(eer_gradcheck_case(&c, SEED, index), EER_OK);
        int q = c.config.q == 1.5 ? 0 : c.config.q == 2 ? 1 : 2;
        const int values[] = {(int)c.config.generator,
                              (int)c.config.form,
                              (int)c.config.mask,
                              (int)c.config.norm,
                              (int)c.config.activation,
                              (int)c.config.kinetic,
                              c.config.bos,
                              c.config.final_norm,
                              c.config.mlp > 0,
                              q};
        for (int k = 0; k < 10; k++)
            seen[k][values[k]]++;
        eer_case_free(&c);
    }
    for (int k = 0; k < 10; k++)
        for (int value = 0; value < sizes[k]; value++)
            cr_expect(seen[k][value] > 0, "option %d never has value %d", k, value);
}

/* Unperturbed, the variant in double is the reference bit for bit; the caller's rounding mode is
 * kept; the same seed gives the same tolerances. */
Test(spread, unperturbed_is_the_reference)
{
    for (int index = 0; index < 12; index++) {
        struct eer_case c;
        struct spread a, b;
        struct eer_terms terms;
        struct eer_backend_run ref = {.backend = &ref_backend, .run = {.threads = 1}};
        cr_assert_eq(eer_case_new(&c, SEED, index, EER_CASE_TINY), EER_OK);
        double *gradient = calloc((size_t)c.layout.size, sizeof *gradient);
        cr_assert(gradient != NULL);
        fesetround(FE_TONEAREST);
        cr_assert_eq(spread_measure(&a, &c.config, &c.batch, &c.weights, c.theta, SPREAD_FP32,
                                    EER_TF32_TIES_AWAY, SAMPLES, SEED),
                     EER_OK);
        cr_assert_eq(spread_measure(&b, &c.config, &c.batch, &c.weights, c.theta, SPREAD_FP32,
                                    EER_TF32_TIES_AWAY, SAMPLES, SEED),
                     EER_OK);
        cr_assert_eq(fegetround(), FE_TONEAREST);
        cr_assert_eq(eer_backend_evaluator(&ref, &c, &c.weights, &terms, gradient), EER_OK);
        cr_expect_eq(memcmp(gradient, a.centre, (size_t)c.layout.size * sizeof *gradient), 0);
        cr_expect_eq(memcmp(a.tolerance, b.tolerance, (size_t)a.n * sizeof *a.tolerance), 0);
        spread_free(&a);
        spread_free(&b);
        free(gradient);
        eer_case_free(&c);
    }
}

/* The reference, with 2^-14 of the largest entry added to one entry of the gradient. */
static enum eer_status wrong_by_little(void *context, const struct eer_case *c,
                                       const struct eer_weights *weights, struct eer_terms *terms,
                                       double *gradient)
{
    enum eer_status status = eer_backend_evaluator(context, c, weights, terms, gradient);
    double largest = 0;
    for (int k = 0; k < c->layout.size; k++)
        largest = fmax(largest, fabs(gradient[k]));
    gradient[c->layout.size / 2] += 0x1p-14 * largest;
    return status;
}

/* A mistake of 2^-14, hundreds of roundings in float but no more, in one parameter is beyond the
 * bound of FP32; the reference itself is well within. */
Test(spread, a_small_mistake_is_seen)
{
    for (int index = 0; index < 12; index++) {
        struct eer_case c;
        struct eer_judgement right, wrong;
        struct eer_backend_run ref = {.backend = &ref_backend, .run = {.threads = 1}};
        struct eer_question question = {.c = &c,
                                        .arithmetic = SPREAD_FP32,
                                        .judged = eer_backend_evaluator,
                                        .judged_context = &ref,
                                        .K = SAMPLES,
                                        .seed = SEED};
        cr_assert_eq(eer_case_new(&c, SEED, index, EER_CASE_TINY), EER_OK);
        cr_assert_eq(eer_judge(&right, &question), EER_OK);
        question.judged = wrong_by_little;
        cr_assert_eq(eer_judge(&wrong, &question), EER_OK);
        cr_expect(right.share == 0, "case %d: %g", index, right.share);
        cr_expect(wrong.no_gradient || wrong.share > 1, "case %d: %g", index, wrong.share);
        eer_case_free(&c);
    }
}

/* Whichever number it is in, before or after larger and smaller shares. */
Test(spread, a_nan_is_never_within)
{
    enum { P = 3 };
    double centre[P + SPREAD_TERMS] = {0}, tolerance[P + SPREAD_TERMS];
    struct spread s = {.layout.size = P, .n = P + SPREAD_TERMS, .centre = centre};
    struct eer_terms terms = {0};
    s.tolerance = tolerance;
    for (int k = 0; k < s.n; k++)
        tolerance[k] = 1;
    for (int k = 0; k < P; k++) {
        double gradient[P] = {0.5, 2, 0.25};
        int where;
        cr_expect(spread_share(&s, 0, gradient, &terms, &where) == 2 && where == 1);
        gradient[k] = NAN;
        cr_expect(isnan(spread_share(&s, 0, gradient, &terms, &where)) && where == k, "%d", k);
    }
}

/* Found by `eer gradcheck --seed 5`: an operand so close to a tie of TF32 that fast tips it over
 * and the reference in float, however perturbed, does not. */
Test(spread, an_operand_next_to_a_tie_is_no_mistake)
{
    struct eer_case c;
    struct eer_judgement judgement;
    struct eer_backend_run fast = {
        .backend = &fast_backend,
        .run = {.precision = EER_TF32, .tf32_rounding = EER_TF32_TIES_EVEN, .threads = 1}};
    struct eer_question question = {.c = &c,
                                    .arithmetic = SPREAD_TF32,
                                    .rounding = EER_TF32_TIES_EVEN,
                                    .judged = eer_backend_evaluator,
                                    .judged_context = &fast,
                                    .K = 33,
                                    .seed = 5};
    cr_assert_eq(eer_gradcheck_case(&c, 5, 1), EER_OK);
    cr_assert_eq(eer_judge(&judgement, &question), EER_OK);
    cr_expect(!judgement.no_gradient && judgement.share < 1, "share %g", judgement.share);
    eer_case_free(&c);
}
