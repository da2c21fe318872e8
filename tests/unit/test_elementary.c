/* test_elementary.c - 2^x, log2 x, GELU and its derivative as the kernels compute them, against the
 * truth over every float of their domain, and the instruction sets against each other.
 *
 * The bounds are derived in spec/tolerances.md ("Elementary functions"), 2^x's by Gappa. The screen
 * is glibc in double, whose own error (below 1 ulp, 2^-52) is 2^-28 of the unit of 2^-24 used here;
 * MPFR at 100 bits judges again the worst float of every block, the first of every block, and each
 * one that comes within 1/16 of its bound. Neighbouring bit patterns share a block, so that a block
 * of floats lies in one binade. */
#include "../../fast/kernels.h"
#include "../../spec/rounding.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <mpfr.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 1 << 15, BITS = 100 };

static const double U = 0x1p-24;

typedef void on_array(const float *x, float *y, size_t n);
typedef double in_double(double x, double phi);
typedef void in_mpfr(mpfr_t y, float x);

enum unit { OF_VALUE, OF_ARGUMENT, ABSOLUTE }; /* what U is relative to */

struct function {
    const char *name;
    size_t member; /* of struct fast_kernels */
    enum unit unit;
    int needs_phi;     /* the screen wants phi = Phi(x), which gelu and its derivative share */
    in_double *screen; /* nearly the truth */
    in_mpfr *truth;
    double bound; /* of |y - truth| / (U unit), spec/tolerances.md */
};

static on_array *kernel(const struct fast_kernels *k, const struct function *f)
{
    on_array *call;
    memcpy(&call, (const char *)k + f->member, sizeof call);
    return call;
}

/* The widest instruction set of this machine: the others are compared with it. */
static const struct fast_kernels *widest(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return &fast_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &fast_kernels_avx2;
#endif
    return &fast_kernels_plain;
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* |y - truth|, given as difference, in units. */
static double in_units(const struct function *f, double difference, double x, double truth)
{
    const double of = f->unit == OF_VALUE ? fabs(truth) : f->unit == OF_ARGUMENT ? fabs(x) : 1.0;
    return difference == 0.0 ? 0.0 : fabs(difference) / (U * of);
}

struct extent {
    double worst, worst_mpfr; /* in units of U scale */
    float at;
    unsigned long floats, judged;
};

static double exact_error(const struct function *f, float x, float y)
{
    mpfr_t t;
    mpfr_init2(t, BITS);
    f->truth(t, x);
    const double truth = mpfr_get_d(t, MPFR_RNDN);
    mpfr_sub_d(t, t, (double)y, MPFR_RNDN);
    const double error = in_units(f, mpfr_get_d(t, MPFR_RNDN), (double)x, truth);
    mpfr_clear(t);
    return error;
}

static void judge(struct extent *e, const struct function *f, float x, float y)
{
    double error = exact_error(f, x, y);
    e->judged++;
    cr_assert(error <= f->bound, "%s(%a) = %a is off by %.4f units, allowed %.4f", f->name,
              (double)x, (double)y, error, f->bound);
    if (error > e->worst_mpfr) {
        e->worst_mpfr = error;
        e->at = x;
    }
}

static void judge_block(struct extent *e, const struct function *f, const float *x, const float *y,
                        const double *phi, int n)
{
    double worst = 0.0;
    int at = 0;
    for (int k = 0; k < n; k++) {
        const double truth = f->screen((double)x[k], phi[k]);
        const double error = in_units(f, (double)y[k] - truth, (double)x[k], truth);
        if (!(error <= f->bound * 0.9375))
            judge(e, f, x[k], y[k]);
        if (!(error <= worst)) {
            worst = error;
            at = k;
        }
    }
    judge(e, f, x[0], y[0]);
    judge(e, f, x[at], y[at]);
    e->floats += (unsigned long)n;
    if (worst > e->worst)
        e->worst = worst;
}

/* Every step-th bit pattern of [first, last], a range of one sign, for `count` functions that share
 * the screen's phi. */
static void cover(struct extent *e, const struct function *const *f, int count, float first,
                  float last, uint32_t step)
{
    static float x[BLOCK], y[BLOCK];
    static double phi[BLOCK];
    const uint32_t end = to_bits(last);
    uint64_t next = to_bits(first);
    while (next <= end) {
        int n = 0;
        for (; n < BLOCK && next <= end; next += step)
            x[n++] = from_bits((uint32_t)next);
        for (int k = 0; k < n && f[0]->needs_phi; k++)
            phi[k] = 0.5 * erfc(-(double)x[k] * 0.70710678118654752440);
        for (int g = 0; g < count; g++) {
            kernel(widest(), f[g])(x, y, (size_t)n);
            judge_block(&e[g], f[g], x, y, phi, n);
        }
    }
}

static void report(const struct extent *e, const struct function *f, const char *range)
{
    printf("%s %s: %lu floats, %lu by MPFR, largest error %.4f units of 2^-24 (at %a), bound %.4f, "
           "share %.3f\n",
           f->name, range, e->floats, e->judged, e->worst_mpfr, (double)e->at, f->bound,
           e->worst_mpfr / f->bound);
    fflush(stdout);
    /* the screen's own error: 2^-28 units, with room for erfc's few ulps */
    cr_expect(fabs(e->worst - e->worst_mpfr) <= 0x1p-24, "%s: the screen and MPFR disagree: %g, %g",
              f->name, e->worst, e->worst_mpfr);
}

/* Every float of (-limit, limit), where rounding leaves the value at 0: y = a x + b, exactly. */
static void expect_line(const struct function *f, float limit, float a, float b)
{
    static float x[BLOCK], y[BLOCK];
    on_array *call = kernel(widest(), f);
    const uint32_t end = to_bits(limit);
    for (uint32_t sign = 0; sign < 2; sign++)
        for (uint32_t next = 0; next < end;) {
            int n = 0, wrong = 0;
            for (; n < BLOCK && next < end; next++)
                x[n++] = from_bits(next | sign << 31);
            call(x, y, (size_t)n);
            for (int k = 0; k < n; k++)
                wrong += y[k] != a * x[k] + b;
            cr_assert_eq(wrong, 0, "%s near %a", f->name, (double)x[0]);
        }
}

/* ---- the four functions -------------------------------------------------------------------- */

static double exp2_screen(double x, double phi)
{
    (void)phi;
    return exp2(x);
}

static void exp2_truth(mpfr_t y, float x)
{
    mpfr_set_d(y, (double)x, MPFR_RNDN);
    mpfr_exp2(y, y, MPFR_RNDN);
}

static double log2_screen(double x, double phi)
{
    (void)phi;
    return log2(x);
}

static void log2_truth(mpfr_t y, float x)
{
    mpfr_set_d(y, (double)x, MPFR_RNDN);
    mpfr_log2(y, y, MPFR_RNDN);
}

static double gelu_screen(double x, double phi)
{
    return x * phi;
}

/* y = Phi(x) */
static void phi_truth(mpfr_t y, float x)
{
    mpfr_t root;
    mpfr_init2(root, BITS);
    mpfr_sqrt_ui(root, 2, MPFR_RNDN);
    mpfr_d_div(y, -(double)x, root, MPFR_RNDN);
    mpfr_erfc(y, y, MPFR_RNDN);
    mpfr_div_ui(y, y, 2, MPFR_RNDN);
    mpfr_clear(root);
}

static void gelu_truth(mpfr_t y, float x)
{
    phi_truth(y, x);
    mpfr_mul_d(y, y, (double)x, MPFR_RNDN);
}

static double slope_screen(double x, double phi)
{
    return phi + x * exp(-0.5 * x * x) * 0.39894228040143267794;
}

static void slope_truth(mpfr_t y, float x)
{
    mpfr_t density, root;
    mpfr_inits2(BITS, density, root, (mpfr_ptr)0);
    mpfr_set_d(density, (double)x, MPFR_RNDN);
    mpfr_sqr(density, density, MPFR_RNDN);
    mpfr_div_si(density, density, -2, MPFR_RNDN);
    mpfr_exp(density, density, MPFR_RNDN);
    mpfr_mul_d(density, density, (double)x, MPFR_RNDN);
    mpfr_const_pi(root, MPFR_RNDN);
    mpfr_mul_ui(root, root, 2, MPFR_RNDN);
    mpfr_sqrt(root, root, MPFR_RNDN);
    mpfr_div(density, density, root, MPFR_RNDN);
    phi_truth(y, x);
    mpfr_add(y, y, density, MPFR_RNDN);
    mpfr_clears(density, root, (mpfr_ptr)0);
}

#define MEMBER(name) offsetof(struct fast_kernels, name)
static const struct function f_exp2 = {
    "exp2", MEMBER(exp2), OF_VALUE, 0, exp2_screen, exp2_truth, EER_ROUNDING_FAST_EXP2 / 0x1p-24};
static const struct function f_log2 = {"log2",      MEMBER(log2), OF_VALUE, 0,
                                       log2_screen, log2_truth,   2.53};
static const struct function f_gelu = {"gelu / |x|", MEMBER(gelu), OF_ARGUMENT, 1,
                                       gelu_screen,  gelu_truth,   3.22};
static const struct function f_slope = {"gelu's derivative", MEMBER(gelu_slope), ABSOLUTE, 1,
                                        slope_screen,        slope_truth,        4.22};
static const struct function *const of_exp2[] = {&f_exp2}, *const of_log2[] = {&f_log2},
                                    *const of_mlp[] = {&f_gelu, &f_slope};

/* ---- every float --------------------------------------------------------------------------- */

/* Below 2^-26 the polynomial adds less than half a unit to 1: 1 it stays, within .7 2^-26. */
static const float tiny = 0x1p-26f;

Test(elementary, exp2_of_nothing_is_one)
{
    expect_line(&f_exp2, tiny, 0.0f, 1.0f);
}

Test(elementary, exp2_upwards)
{
    struct extent e = {.at = 0.0f};
    cover(&e, of_exp2, 1, tiny, 127.0f, 1);
    report(&e, &f_exp2, "of [2^-26, 127]");
}

Test(elementary, exp2_downwards)
{
    struct extent e = {.at = 0.0f};
    cover(&e, of_exp2, 1, -tiny, -126.0f, 1);
    report(&e, &f_exp2, "of [-126, -2^-26]");
}

/* log2 x = n + log2 m: beyond the two binades on each side of 1 only the last addition differs, and
 * there the sum has a unit that is no smaller. A stride of a prime meets every n with 2000 m. */
Test(elementary, log2_near_one)
{
    struct extent e = {.at = 0.0f};
    cover(&e, of_log2, 1, 0.25f, 4.0f, 1);
    report(&e, &f_log2, "of [1/4, 4]");
}

Test(elementary, log2_of_all_exponents)
{
    struct extent e = {.at = 0.0f};
    cover(&e, of_log2, 1, FLT_MIN, FLT_MAX, 4093);
    report(&e, &f_log2, "of all normal floats, every 4093rd");
}

/* Below 2^-25 Phi(x) rounds to 1/2: GELU is x / 2 and its derivative lies within x phi(0) of it. */
static const float small = 0x1p-25f;

Test(elementary, gelu_of_nothing_is_half)
{
    expect_line(&f_gelu, small, 0.5f, 0.0f);
}

static void cover_mlp(float first, float last, uint32_t step, const char *range)
{
    struct extent e[2] = {{.at = 0.0f}, {.at = 0.0f}};
    cover(e, of_mlp, 2, first, last, step);
    report(&e[0], &f_gelu, range);
    report(&e[1], &f_slope, range);
}

Test(elementary, gelu_and_slope_upwards)
{
    cover_mlp(small, 8.0f, 1, "of [2^-25, 8]");
}

Test(elementary, gelu_and_slope_downwards)
{
    cover_mlp(-small, -8.0f, 1, "of [-8, -2^-25]");
}

/* Beyond 8 both are what they are at the end of the clamped range: x Phi(5.25) and Phi(5.25), but
 * for 2^-126 x / sqrt(2 pi), which the clamped exponential leaves and which at 2^100 is still 0.1
 * units. Below 2^-25 the derivative is 1/2 + x sqrt(2 / pi). */
Test(elementary, gelu_and_slope_elsewhere)
{
    cover_mlp(8.0f, 0x1p100f, 1009, "of [8, 2^100], every 1009th");
    cover_mlp(-8.0f, -0x1p100f, 1009, "of [-2^100, -8], every 1009th");
    cover_mlp(FLT_MIN, small, 1009, "of (0, 2^-25], every 1009th");
    cover_mlp(-FLT_MIN, -small, 1009, "of [-2^-25, 0), every 1009th");
}

/* ---- instruction sets ---------------------------------------------------------------------- */

static void expect_same_bits(const struct fast_kernels *other, const struct function *f, float last,
                             uint32_t step)
{
    static float x[BLOCK], y[BLOCK], z[BLOCK];
    on_array *call = kernel(widest(), f), *other_call = kernel(other, f);
    const uint32_t sign = to_bits(last) & 0x80000000u, end = to_bits(last);
    uint64_t next = sign;
    while (next <= end) {
        int n = 0;
        for (; n < BLOCK - 3 && next <= end; next += step)
            x[n++] = from_bits((uint32_t)next);
        call(x, y, (size_t)n);
        other_call(x, z, (size_t)n);
        cr_assert_arr_eq(y, z, (size_t)n * sizeof *y, "%s near %a: %s and %s differ", f->name,
                         (double)x[0], widest()->name, other->name);
    }
}

static void expect_same_functions(const struct fast_kernels *other, uint32_t step)
{
    if (other == widest()) {
        printf("bits of %s: skipped, nothing to compare with\n", other->name);
        return;
    }
    expect_same_bits(other, &f_exp2, 127.0f, step);
    expect_same_bits(other, &f_exp2, -126.0f, step);
    expect_same_bits(other, &f_log2, FLT_MAX, step);
    expect_same_bits(other, &f_gelu, FLT_MAX, step);
    expect_same_bits(other, &f_gelu, -FLT_MAX, step);
    expect_same_bits(other, &f_slope, FLT_MAX, step);
    expect_same_bits(other, &f_slope, -FLT_MAX, step);
}

Test(elementary, plain_has_the_same_bits)
{
    expect_same_functions(&fast_kernels_plain, 1021);
}

Test(elementary, avx2_has_the_same_bits)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        expect_same_functions(&fast_kernels_avx2, 61);
        return;
    }
#endif
    printf("bits of avx2: skipped, this machine has none\n");
}
