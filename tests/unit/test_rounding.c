/* test_rounding.c - the straight-line kernels at d = 8 against 200-bit arithmetic, within the
 * bounds that Gappa proves (spec/rounding.h, spec/tolerances.md).
 *
 * Inputs are random, made for ties and cancellation, and then the worst of them made worse by a
 * search. fast/'s kernels are not visible from outside: their bodies are compiled in here, of the
 * width that runs anywhere (test_fast_bits.c and test_elementary.c: the others have the same bits).
 */
#define WIDTH    4
#define TABLE    kernels_here
#define ISA_NAME "here"
#define FAST_SMALL
#include "../../fast/kernels_body.h"

#include "../../ref/ref.h"
#include "../../spec/rounding.h"

#include <criterion/criterion.h>
#include <mpfr.h>
#include <stdio.h>

enum { BITS = 200, D8 = 8, DRAWS = 20000, STEPS = 40000 };

struct kernel {
    const char *name;
    int inputs;
    double bound;
    double (*error)(const double *in); /* of the kernel, absolute or relative, as the bound is */
    void (*draw)(double *in, uint64_t *state, int round);
    int one_is_1, as_float;
    double smallest, largest; /* of the inputs */
};

static uint64_t random_bits(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state) /* in [0, 1) */
{
    return (double)(random_bits(state) >> 11) * 0x1p-53;
}

/* ---- exact arithmetic ---------------------------------------------------------------------- */

/* |y - exact|, or of that the part of exact */
static double off(double y, mpfr_t exact, int relative)
{
    mpfr_t t;
    double error;
    mpfr_init2(t, BITS);
    mpfr_d_sub(t, y, exact, MPFR_RNDN);
    if (relative && !mpfr_zero_p(t))
        mpfr_div(t, t, exact, MPFR_RNDN);
    error = fabs(mpfr_get_d(t, MPFR_RNDA));
    mpfr_clear(t);
    return error;
}

static void exact_dot(mpfr_t sum, const double *a, const double *b)
{
    mpfr_t x;
    mpfr_init2(x, BITS);
    mpfr_set_zero(sum, 1);
    for (int j = 0; j < D8; j++) {
        mpfr_set_d(x, a[j], MPFR_RNDN);
        mpfr_mul_d(x, x, b[j], MPFR_RNDN);
        mpfr_add(sum, sum, x, MPFR_RNDN);
    }
    mpfr_clear(x);
}

static void exact_sum(mpfr_t sum, const double *x)
{
    mpfr_set_zero(sum, 1);
    for (int j = 0; j < D8; j++)
        mpfr_add_d(sum, sum, x[j], MPFR_RNDN);
}

static void exact_variance(mpfr_t sum, const double *x, double mean)
{
    mpfr_t c;
    mpfr_init2(c, BITS);
    mpfr_set_zero(sum, 1);
    for (int j = 0; j < D8; j++) {
        mpfr_set_d(c, x[j], MPFR_RNDN);
        mpfr_sub_d(c, c, mean, MPFR_RNDN);
        mpfr_sqr(c, c, MPFR_RNDN);
        mpfr_add(sum, sum, c, MPFR_RNDN);
    }
    mpfr_div_ui(sum, sum, D8, MPFR_RNDN);
    mpfr_clear(c);
}

/* ---- the kernels --------------------------------------------------------------------------- */

static double dot_error(const double *in)
{
    mpfr_t exact;
    double error;
    mpfr_init2(exact, BITS);
    exact_dot(exact, in, in + D8);
    error = off(ref_dot(in, in + D8, D8), exact, 0);
    mpfr_clear(exact);
    return error;
}

static double denominator_error(const double *in)
{
    mpfr_t exact;
    double error;
    mpfr_init2(exact, BITS);
    exact_sum(exact, in);
    error = off(ref_sum(in, D8), exact, 1);
    mpfr_clear(exact);
    return error;
}

/* The same of exponentials: in are scores. */
static double softmax_error(const double *in)
{
    double p[D8];
    ref_exponentials(p, in, in[ref_argmax(in, D8)], D8);
    return denominator_error(p);
}

static double mean_error(const double *in)
{
    mpfr_t exact;
    double error;
    mpfr_init2(exact, BITS);
    exact_sum(exact, in);
    mpfr_div_ui(exact, exact, D8, MPFR_RNDN);
    error = off(ref_sum(in, D8) / D8, exact, 0);
    mpfr_clear(exact);
    return error;
}

static double variance_error(const double *in) /* x, mean */
{
    mpfr_t exact;
    double error;
    mpfr_init2(exact, BITS);
    exact_variance(exact, in, in[D8]);
    error = off(ref_variance(in, in[D8], D8), exact, 1);
    mpfr_clear(exact);
    return error;
}

static double fast_dot_error(const double *in)
{
    mpfr_t exact;
    vf x[D8], y;
    float w[D8];
    double error;
    for (int j = 0; j < D8; j++) {
        x[j] = v_set((float)in[j]);
        w[j] = (float)in[D8 + j];
    }
    product_8_fp32(&y, 1, x, D8, 1, w, 1, 1, NULL, D8, 1, 0);
    mpfr_init2(exact, BITS);
    exact_dot(exact, in, in + D8);
    error = off((double)y[0], exact, 0);
    mpfr_clear(exact);
    return error;
}

static void fast_norm(const double *in, float *mean, float *rstd)
{
    static const float gain[D8] = {1, 1, 1, 1, 1, 1, 1, 1}, bias[D8];
    static const struct fast_problem problem;
    vf x[D8], y[D8], vmean, vrstd;
    for (int j = 0; j < D8; j++)
        x[j] = v_set((float)in[j]);
    norms_8_fp32(&problem, y, NULL, &vmean, &vrstd, x, NULL, gain, bias, 0, 1);
    *mean = vmean[0];
    *rstd = vrstd[0];
}

static double fast_mean_error(const double *in)
{
    mpfr_t exact;
    float mean, rstd;
    double error;
    fast_norm(in, &mean, &rstd);
    mpfr_init2(exact, BITS);
    exact_sum(exact, in);
    mpfr_div_ui(exact, exact, D8, MPFR_RNDN);
    error = off((double)mean, exact, 0);
    mpfr_clear(exact);
    return error;
}

/* About the mean that the kernel itself computes. */
static double fast_rstd_error(const double *in)
{
    mpfr_t exact, epsilon;
    float mean, rstd;
    double error;
    fast_norm(in, &mean, &rstd);
    mpfr_inits2(BITS, exact, epsilon, (mpfr_ptr)0);
    exact_variance(exact, in, (double)mean);
    mpfr_set_str(epsilon, "1e-5", 10, MPFR_RNDN);
    mpfr_add(exact, exact, epsilon, MPFR_RNDN);
    mpfr_rec_sqrt(exact, exact, MPFR_RNDN);
    error = off((double)rstd, exact, 1);
    mpfr_clears(exact, epsilon, (mpfr_ptr)0);
    return error;
}

/* ---- inputs -------------------------------------------------------------------------------- */

/* Entries of at most 16: uniform; of one sign, near the end; of all magnitudes; in pairs that
 * cancel. */
static void draw_entries(double *in, uint64_t *state, int n, int round)
{
    for (int j = 0; j < n; j++) {
        const double x = uniform(state), sign = random_bits(state) & 1 ? -1 : 1;
        switch (round % 4) {
        case 0:
            in[j] = 32 * x - 16;
            break;
        case 1:
            in[j] = 16 - x;
            break;
        case 2:
            in[j] = sign * ldexp(1 + x, (int)(random_bits(state) % 40) - 37);
            break;
        default:
            in[j] = j % 2 ? -in[j - 1] * (1 + ldexp(x, -(int)(random_bits(state) % 60))) / 2
                          : 16 * sign * x;
        }
    }
}

static void draw_dot(double *in, uint64_t *state, int round)
{
    draw_entries(in, state, 2 * D8, round);
}

static void draw_row(double *in, uint64_t *state, int round)
{
    draw_entries(in, state, D8, round);
}

/* Rows whose entries lie close together, far from 0, beside the others; then their mean. */
static void draw_row_and_mean(double *in, uint64_t *state, int round)
{
    draw_entries(in, state, D8, round);
    if (round % 3 == 0)
        for (int j = 0; j < D8; j++)
            in[j] = 15 + ldexp(in[j], -(round / 3 % 40) - 4);
    in[D8] = ref_sum(in, D8) / D8;
}

/* Exponentials in [0, 1], one of them 1: uniform; of all magnitudes, down to denormals; 0; or half
 * a unit of 1, which is a tie. */
static void draw_exponentials(double *in, uint64_t *state, int round)
{
    for (int j = 0; j < D8; j++) {
        const double x = uniform(state);
        switch (round % 4) {
        case 0:
            in[j] = x;
            break;
        case 1:
            in[j] = ldexp(x, -(int)(random_bits(state) % 64));
            break;
        case 2:
            in[j] = random_bits(state) % 3 ? ldexp(x, -(int)(random_bits(state) % 1080)) : 0;
            break;
        default:
            in[j] = 0x1p-53;
        }
    }
    in[round % 4 == 3 ? 0 : random_bits(state) % D8] = 1;
}

static void draw_scores(double *in, uint64_t *state, int round)
{
    for (int j = 0; j < D8; j++)
        in[j] = ldexp(uniform(state) - 0.5, round % 11);
}

/* ---- the search ---------------------------------------------------------------------------- */

static void round_inputs(const struct kernel *k, double *in)
{
    for (int j = 0; k->as_float && j < k->inputs; j++)
        in[j] = (double)(float)in[j];
}

/* One entry of the worst input so far replaced, or moved by some of its last bits. */
static void vary(const struct kernel *k, double *in, uint64_t *state)
{
    const int j = (int)(random_bits(state) % (uint64_t)k->inputs);
    const double x = uniform(state);
    if (k->one_is_1 && in[j] == 1)
        return;
    if (random_bits(state) % 4 == 0)
        in[j] = k->smallest + (k->largest - k->smallest) * x;
    else
        in[j] += ldexp(in[j] * (x - 0.5), -(int)(random_bits(state) % 53));
    in[j] = fmin(fmax(in[j], k->smallest), k->largest);
}

static double judge(const struct kernel *k, const double *in)
{
    const double error = k->error(in);
    cr_assert(error <= k->bound, "%s: error %g, proved to be at most %g; first inputs %a %a %a",
              k->name, error, k->bound, in[0], in[1], in[2]);
    return error;
}

static void hold(const struct kernel *k)
{
    uint64_t state = 1;
    double in[2 * D8], worst[2 * D8] = {0}, largest = -1, drawn;
    for (int round = 0; round < DRAWS; round++) {
        k->draw(in, &state, round);
        round_inputs(k, in);
        const double error = judge(k, in);
        if (error > largest) {
            largest = error;
            memcpy(worst, in, sizeof worst);
        }
    }
    drawn = largest;
    for (int step = 0; step < STEPS; step++) {
        memcpy(in, worst, sizeof in);
        vary(k, in, &state);
        round_inputs(k, in);
        const double error = judge(k, in);
        if (error >= largest) {
            largest = error;
            memcpy(worst, in, sizeof worst);
        }
    }
    printf("share of the proved bound, %s: %.3f (%.3f before the search), bound %a\n", k->name,
           largest / k->bound, drawn / k->bound, k->bound);
    fflush(stdout);
}

Test(rounding, dot)
{
    hold(&(struct kernel){"dot", 2 * D8, EER_ROUNDING_DOT, dot_error, draw_dot, 0, 0, -16, 16});
}

Test(rounding, denominator)
{
    hold(&(struct kernel){"denominator", D8, EER_ROUNDING_DENOMINATOR, denominator_error,
                          draw_exponentials, 1, 0, 0, 1});
}

Test(rounding, softmax_denominator)
{
    hold(&(struct kernel){"softmax's denominator", D8, EER_ROUNDING_DENOMINATOR, softmax_error,
                          draw_scores, 0, 0, -800, 800});
}

Test(rounding, mean)
{
    hold(&(struct kernel){"mean", D8, EER_ROUNDING_MEAN, mean_error, draw_row, 0, 0, -16, 16});
}

Test(rounding, variance)
{
    hold(&(struct kernel){"variance", D8 + 1, EER_ROUNDING_VARIANCE, variance_error,
                          draw_row_and_mean, 0, 0, -16, 16});
}

Test(rounding, fast_dot)
{
    hold(&(struct kernel){"dot in fast/", 2 * D8, EER_ROUNDING_FAST_DOT, fast_dot_error, draw_dot,
                          0, 1, -16, 16});
}

Test(rounding, fast_mean)
{
    hold(&(struct kernel){"mean in fast/", D8, EER_ROUNDING_FAST_MEAN, fast_mean_error, draw_row, 0,
                          1, -16, 16});
}

Test(rounding, fast_rstd)
{
    hold(&(struct kernel){"1 / deviation in fast/", D8, EER_ROUNDING_FAST_RSTD, fast_rstd_error,
                          draw_row_and_mean, 0, 1, -16, 16});
}
