/* test_bound_ways.c - the quantities of theorem 3.2.1 in three ways that share no code: the
 * reference in doubles (ref/bound.h), MPFR with directed roundings (proofs/bound/directed.h), and
 * balls of Arb with 128 bits, here and in proofs/bound/attention.h.
 *
 * By inclusion an interval of MPFR holds the reference's double and the exact value, and Arb's ball
 * holds the exact value. So: the double lies in the interval; ball and interval meet; and the
 * double is no farther from the ball than the interval is wide. Printed: the largest share of that
 * width. */
#include "../../proofs/bound/attention.h"
#include "../../proofs/bound/directed.h"
#include "../../proofs/bound/norm.h"
#include "../../ref/ref.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 40 };

/* Enough where logits are small; of a logit near 10^300 it would leave no digit after the point. */
static slong precision = 128;

/* The members that all three have. Those of NORMS depend on spectral norms by the formula of Gram
 * powers; OTHERS do not. */
#define NORMS(X)                                                                                   \
    X(W_Q) X(W_K) X(W_V) X(M) X(Y) X(S) X(static_term) X(printed) X(A) X(A_lambda) X(A_prime) X(B)
#define OTHERS(X)                                                                                  \
    X(W_V_frobenius)                                                                               \
    X(Y_frobenius)                                                                                 \
    X(S_frobenius)                                                                                 \
    X(S_centred)                                                                                   \
    X(row_max_least) X(row_max_most) X(entropy) X(entropy_least) X(lambda) X(dynamic_term)

struct problem {
    const char *name;
    int n, d;
    double scale, q;
    double Y[MOST * MOST], W_Q[MOST * MOST], W_K[MOST * MOST], W_V[MOST * MOST];
};

/* --- inputs --------------------------------------------------------------------------------------
 */

static uint64_t state;

/* In (-1, 1). */
static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(state & ~UINT64_C(1023)) * 0x1p-63;
}

static void fill(double *x, int n, double size)
{
    for (int j = 0; j < n; j++)
        x[j] = size * uniform();
}

static void sized(struct problem *p, const char *name, int n, int d, const double size[5], double q)
{
    p->name = name;
    p->n = n;
    p->d = d;
    p->q = q;
    p->scale = size[4];
    fill(p->Y, n * d, size[0]);
    fill(p->W_Q, d * d, size[1]);
    fill(p->W_K, d * d, size[2]);
    fill(p->W_V, d * d, size[3]);
}

/* --- the reference -------------------------------------------------------------------------------
 */

static double *numbers(int n)
{
    double *x = calloc((size_t)n, sizeof *x);
    cr_assert(x);
    return x;
}

static void reference(struct ref_bound *b, const struct problem *p)
{
    int n = p->n, d = p->d, m = n < d ? d : n;
    struct ref_bound_work work = {numbers(n * d), numbers(n * d), numbers(n * n), numbers(d * d),
                                  numbers(m * m), numbers(m * m), numbers(m)};

    ref_bound(b, &work, p->Y, p->W_Q, p->W_K, p->W_V, p->scale, p->q, n, d);
    free(work.Q);
    free(work.K);
    free(work.S);
    free(work.M);
    free(work.G);
    free(work.H);
    free(work.row);
}

static void directed(struct bound_directed *v, const struct problem *p)
{
    bound_directed(v, p->Y, p->W_Q, p->W_K, p->W_V, p->scale, p->q, p->n, p->d);
}

/* --- Arb: the formulas of ref/bound.h for any q --------------------------------------------------
 */

struct exact {
#define MEMBER(name) arb_t name;
    NORMS(MEMBER) OTHERS(MEMBER)
#undef MEMBER
};

static void set(arb_mat_t A, const double *x)
{
    for (slong i = 0; i < arb_mat_nrows(A); i++)
        for (slong j = 0; j < arb_mat_ncols(A); j++)
            arb_set_d(arb_mat_entry(A, i, j), x[i * arb_mat_ncols(A) + j]);
}

static void attention_of(struct bound_attention *a, const struct problem *p)
{
    bound_attention_init(a, p->n, p->d);
    arb_set_d(a->scale, p->scale);
    set(a->Y, p->Y);
    set(a->W_Q, p->W_Q);
    set(a->W_K, p->W_K);
    set(a->W_V, p->W_V);
}

/* x^y, x in [0, 1], y > 0 */
static void power(arb_t result, const arb_t x, const arb_t y)
{
    arf_t lo, hi;

    if (!arb_contains_zero(x)) {
        arb_pow(result, x, y, precision);
        return;
    }
    arf_init(lo);
    arf_init(hi);
    arb_get_ubound_arf(hi, x, precision);
    if (arf_is_zero(hi))
        arb_zero(result);
    else {
        arb_set_arf(result, hi);
        arb_pow(result, result, y, precision);
        arb_get_ubound_arf(hi, result, precision);
        arb_set_interval_arf(result, lo, hi, precision);
    }
    arf_clear(lo);
    arf_clear(hi);
}

static void sum_of_powers(arb_t sum, arb_srcptr r, int n, const arb_t q)
{
    arb_t term;

    arb_init(term);
    arb_zero(sum);
    for (int j = 0; j < n; j++) {
        power(term, r + j, q);
        arb_add(sum, sum, term, precision);
    }
    arb_clear(term);
}

/* min(g1, 1 - sum_j r_j^2); the second largest entry is the largest of the minima of two. */
static void lambda_of_row(arb_t lambda, arb_srcptr r, int n)
{
    arb_t first, second, square, two;

    arb_init(first);
    arb_init(second);
    arb_init(square);
    arb_init(two);
    arb_set_ui(two, 2);
    for (int j = 0; j < n; j++)
        arb_max(first, first, r + j, precision);
    for (int j = 0; j < n; j++)
        for (int k = 0; k < j; k++) {
            arb_min(square, r + j, r + k, precision);
            arb_max(second, second, square, precision);
        }
    arb_sub(second, second, first, precision);
    arb_add_ui(second, second, 1, precision);
    arb_mul(first, first, second, precision);
    sum_of_powers(square, r, n, two);
    arb_sub_ui(square, square, 1, precision);
    arb_neg(square, square);
    arb_min(lambda, first, square, precision);
    arb_clear(first);
    arb_clear(second);
    arb_clear(square);
    arb_clear(two);
}

static void exact_rows(struct exact *e, const struct problem *p, const arb_mat_t S)
{
    arb_t q, less_one, exponent, sum, term;
    int n = p->n;

    arb_init(q);
    arb_init(less_one);
    arb_init(exponent);
    arb_init(sum);
    arb_init(term);
    arb_set_d(q, p->q);
    arb_sub_ui(less_one, q, 1, precision);
    arb_ui_div(exponent, 2, q, precision);
    for (int i = 0; i < n; i++) {
        arb_srcptr r = S->rows[i];
        sum_of_powers(sum, r, n, q);
        power(term, sum, exponent);
        arb_add(e->dynamic_term, e->dynamic_term, term, precision);
        arb_sub_ui(term, sum, 1, precision);
        arb_div(term, term, less_one, precision);
        arb_neg(term, term);
        arb_add(e->entropy, e->entropy, term, precision);
        if (i == 0)
            arb_set(e->entropy_least, term);
        arb_min(e->entropy_least, e->entropy_least, term, precision);
        arb_zero(term);
        for (int j = 0; j < n; j++)
            arb_max(term, term, r + j, precision);
        if (i == 0)
            arb_set(e->row_max_least, term);
        arb_min(e->row_max_least, e->row_max_least, term, precision);
        arb_max(e->row_max_most, e->row_max_most, term, precision);
        lambda_of_row(term, r, n);
        arb_max(e->lambda, e->lambda, term, precision);
    }
    arb_sqrtpos(e->dynamic_term, e->dynamic_term, precision);
    arb_div_ui(e->entropy, e->entropy, (ulong)n, precision);
    arb_set_d(term, 0.5);
    arb_min(e->lambda, e->lambda, term, precision);
    bound_frobenius(e->S_frobenius, S, precision);
    arb_mul(e->S_centred, e->S_frobenius, e->S_frobenius, precision);
    arb_sub_ui(e->S_centred, e->S_centred, 1, precision);
    arb_sqrtpos(e->S_centred, e->S_centred, precision);
    arb_clear(q);
    arb_clear(less_one);
    arb_clear(exponent);
    arb_clear(sum);
    arb_clear(term);
}

static void exact_norms(struct exact *e, const struct bound_attention *a, const arb_mat_t S)
{
    arb_mat_t M, transposed;

    arb_mat_init(M, a->d, a->d);
    arb_mat_init(transposed, a->d, a->d);
    arb_mat_transpose(transposed, a->W_K);
    arb_mat_mul(M, a->W_Q, transposed, precision);
    arb_mat_scalar_mul_arb(M, M, a->scale, precision);
    bound_spectral_norm_above(e->W_Q, a->W_Q, precision);
    bound_spectral_norm_above(e->W_K, a->W_K, precision);
    bound_spectral_norm_above(e->W_V, a->W_V, precision);
    bound_spectral_norm_above(e->M, M, precision);
    bound_spectral_norm_above(e->Y, a->Y, precision);
    bound_spectral_norm_above(e->S, S, precision);
    bound_frobenius(e->W_V_frobenius, a->W_V, precision);
    bound_frobenius(e->Y_frobenius, a->Y, precision);
    arb_mat_clear(M);
    arb_mat_clear(transposed);
}

/* B = ||W_V|| max_i (1 + ||M|| (R^2 - |mu_i|^2 + R sqrt(R^2 - |mu_i|^2))) */
static void exact_B(struct exact *e, const struct bound_attention *a, const arb_mat_t S)
{
    arb_mat_t mean;
    arb_t R, spread, term;

    arb_init(R);
    arb_init(spread);
    arb_init(term);
    arb_mat_init(mean, a->n, a->d);
    arb_mat_mul(mean, S, a->Y, precision);
    for (int i = 0; i < a->n; i++) {
        arb_dot(term, NULL, 0, a->Y->rows[i], 1, a->Y->rows[i], 1, a->d, precision);
        arb_max(R, R, term, precision); /* R^2 */
    }
    for (int i = 0; i < a->n; i++) {
        arb_dot(term, NULL, 0, mean->rows[i], 1, mean->rows[i], 1, a->d, precision);
        arb_sub(spread, R, term, precision);
        arb_nonnegative_part(spread, spread);
        arb_mul(term, spread, R, precision);
        arb_sqrtpos(term, term, precision);
        arb_add(term, term, spread, precision);
        arb_max(e->B, e->B, term, precision);
    }
    arb_mul(e->B, e->B, e->M, precision);
    arb_add_ui(e->B, e->B, 1, precision);
    arb_mul(e->B, e->B, e->W_V, precision);
    arb_mat_clear(mean);
    arb_clear(R);
    arb_clear(spread);
    arb_clear(term);
}

static void exact_terms(struct exact *e, const struct bound_attention *a)
{
    arb_t term;

    arb_init(term);
    arb_abs(term, a->scale);
    arb_mul_ui(term, term, 2, precision);
    arb_mul(term, term, e->W_Q, precision);
    arb_mul(e->static_term, term, e->W_K, precision);
    arb_add(e->printed, e->static_term, e->dynamic_term, precision);
    arb_mul(e->printed, e->printed, e->W_V_frobenius, precision);
    arb_mul(term, e->Y, e->Y, precision);
    arb_mul(term, term, e->M, precision);
    arb_add(e->A, term, e->S, precision);
    arb_mul(e->A, e->A, e->W_V, precision);
    arb_mul(term, term, e->lambda, precision);
    arb_mul_ui(term, term, 2, precision);
    arb_add(e->A_lambda, term, e->S, precision);
    arb_mul(e->A_lambda, e->A_lambda, e->W_V, precision);
    arb_add(term, term, e->S_centred, precision);
    arb_mul(term, term, term, precision);
    arb_add_ui(term, term, 1, precision);
    arb_sqrtpos(term, term, precision);
    arb_mul(e->A_prime, e->W_V, term, precision);
    arb_clear(term);
}

static void exact(struct exact *e, const struct problem *p, const struct bound_attention *a,
                  const arb_mat_t S)
{
#define INIT(name) arb_init(e->name);
    NORMS(INIT)
    OTHERS(INIT)
#undef INIT
    exact_rows(e, p, S);
    exact_norms(e, a, S);
    exact_B(e, a, S);
    exact_terms(e, a);
}

static void exact_clear(struct exact *e)
{
#define CLEAR(name) arb_clear(e->name);
    NORMS(CLEAR)
    OTHERS(CLEAR)
#undef CLEAR
}

/* --- comparisons ---------------------------------------------------------------------------------
 */

static struct tally {
    int compared, contained, unknown;
    double share; /* of the interval's width, the largest */
    char where[100];
} tally;

/* Do ball and interval meet; does the interval contain the ball? */
static void meet(const arb_t ball, struct bound_interval x, int *meets, int *contains)
{
    arf_t lo, hi;

    arf_init(lo);
    arf_init(hi);
    arb_get_interval_arf(lo, hi, ball, ARF_PREC_EXACT);
    *meets = arf_cmp_d(lo, x.hi) <= 0 && arf_cmp_d(hi, x.lo) >= 0;
    *contains = arf_cmp_d(lo, x.lo) >= 0 && arf_cmp_d(hi, x.hi) <= 0;
    arf_clear(lo);
    arf_clear(hi);
}

/* How far x is from the ball at least. */
static double distance(double x, const arb_t ball)
{
    arb_t difference;
    arf_t least;
    double result;

    arb_init(difference);
    arf_init(least);
    arb_set_d(difference, x);
    arb_sub(difference, difference, ball, ARF_PREC_EXACT);
    arb_get_abs_lbound_arf(least, difference, precision);
    result = arb_is_finite(ball) ? arf_get_d(least, ARF_RND_FLOOR) : 0;
    arb_clear(difference);
    arf_clear(least);
    return result;
}

static void compare(const char *problem, const char *name, double x, struct bound_interval interval,
                    const arb_t ball)
{
    double width = interval.hi - interval.lo, far = distance(x, ball);
    int meets, contains;

    meet(ball, interval, &meets, &contains);
    cr_expect(isfinite(x), "%s: %s: known, and %g", problem, name, x);
    cr_expect(interval.lo <= x && x <= interval.hi,
              "%s: %s: the double %.17g is not in [%.17g, %.17g]", problem, name, x, interval.lo,
              interval.hi);
    cr_expect(meets, "%s: %s: Arb's ball around %.17g misses [%.17g, %.17g]", problem, name,
              arf_get_d(arb_midref(ball), ARF_RND_NEAR), interval.lo, interval.hi);
    cr_expect(far <= width, "%s: %s: the double is %g from the ball, the interval %g wide", problem,
              name, far, width);
    tally.compared++;
    tally.contained += contains;
    if (width > 0 && far / width > tally.share) {
        tally.share = far / width;
        snprintf(tally.where, sizeof tally.where, "%s, %s", problem, name);
    }
}

/* proofs/bound/attention.h encloses the spectral norms themselves: not above the interval's upper
 * end, and not below its lower end by more than the excess of the formula, columns^(1/256) for k
 * = 6. */
static void compare_norm(const char *problem, const char *name, struct bound_interval interval,
                         const arb_t norm, int columns)
{
    arb_t most;
    arf_t lo, hi;

    arb_init(most);
    arf_init(lo);
    arf_init(hi);
    arb_set_ui(most, (ulong)columns);
    arb_root_ui(most, most, 256, precision);
    arb_mul(most, most, norm, precision);
    arb_get_lbound_arf(lo, norm, precision);
    arb_get_ubound_arf(hi, most, precision);
    cr_expect(arf_cmp_d(lo, interval.hi) <= 0, "%s: %s: the norm is above %.17g", problem, name,
              interval.hi);
    cr_expect(arf_cmp_d(hi, interval.lo) >= 0, "%s: %s: the norm is too far below %.17g", problem,
              name, interval.lo);
    arb_clear(most);
    arf_clear(lo);
    arf_clear(hi);
}

/* Nothing may lie above the interval's upper end. */
static void compare_bound(const char *problem, const char *name, struct bound_interval interval,
                          const arb_t bound)
{
    arf_t lo;

    arf_init(lo);
    arb_get_lbound_arf(lo, bound, precision);
    cr_expect(arf_cmp_d(lo, interval.hi) <= 0, "%s: %s: the bound is above %.17g", problem, name,
              interval.hi);
    arf_clear(lo);
}

static void compare_meets(const char *problem, const char *name, struct bound_interval interval,
                          const arb_t ball)
{
    int meets, contains;

    meet(ball, interval, &meets, &contains);
    cr_expect(meets, "%s: %s: not in [%.17g, %.17g]", problem, name, interval.lo, interval.hi);
}

/* With bound_values, for its indices. */
static void compare_values(const struct problem *p, const struct bound_directed *v,
                           struct bound_attention *a, const arb_mat_t S)
{
    struct bound_values b;
    int k = 0;

    while (k < BOUND_INDICES && bound_index[k] != p->q)
        k++;
    if (k == BOUND_INDICES)
        return;
    bound_values_init(&b);
    a->map = BOUND_MAP_ST;
    bound_values(&b, a, S, precision);
    compare_norm(p->name, "W_Q", v->W_Q, b.W_Q, p->d);
    compare_norm(p->name, "W_K", v->W_K, b.W_K, p->d);
    compare_norm(p->name, "W_V", v->W_V, b.W_V, p->d);
    compare_norm(p->name, "M", v->M, b.M, p->d);
    compare_norm(p->name, "Y", v->Y, b.Y, p->d);
    compare_norm(p->name, "S", v->S, b.S, p->n);
    compare_meets(p->name, "||W_V||_F", v->W_V_frobenius, b.W_V_frobenius);
    compare_meets(p->name, "||Y||_F", v->Y_frobenius, b.Y_frobenius);
    compare_meets(p->name, "||S||_F", v->S_frobenius, b.S_frobenius);
    compare_meets(p->name, "entropy", v->entropy, b.entropy[k]);
    compare_meets(p->name, "least entropy", v->entropy_least, b.entropy_min[k]);
    compare_meets(p->name, "least row maximum", v->row_max_least, b.row_max_least);
    compare_meets(p->name, "largest row maximum", v->row_max_most, b.row_max_most);
    compare_meets(p->name, "lambda", v->lambda, b.lambda);
    compare_meets(p->name, "dynamic term", v->dynamic_term, b.dynamic_term[k]);
    compare_bound(p->name, "static term", v->static_term, b.static_term);
    compare_bound(p->name, "printed", v->printed, b.printed[k]);
    compare_bound(p->name, "A", v->A, b.A);
    compare_bound(p->name, "A with lambda", v->A_lambda, b.A_lambda);
    compare_bound(p->name, "A'", v->A_prime, b.A_prime);
    a->map = BOUND_MAP_S;
    bound_values(&b, a, S, precision);
    compare_bound(p->name, "B", v->B, b.B);
    bound_values_clear(&b);
}

/* All three ways; known: all of them have to know. */
static void compare_all(const struct problem *p, int known)
{
    static struct ref_bound r;
    static struct bound_directed v;
    struct bound_attention a;
    struct exact e;
    arb_mat_t S;

    reference(&r, p);
    directed(&v, p);
    cr_expect(r.known || !v.known, "%s: MPFR knows what the double does not", p->name);
    cr_expect(!known || (r.known && v.known), "%s: unknown in doubles (%d) or MPFR (%d)", p->name,
              !r.known, !v.known);
    if (!r.known || !v.known)
        tally.unknown++;
    attention_of(&a, p);
    arb_mat_init(S, p->n, p->n);
    bound_softmax(S, &a, precision);
    exact(&e, p, &a, S);
    if (r.known) {
#define COMPARE(member) compare(p->name, #member, r.member, v.member, e.member);
        NORMS(COMPARE)
        OTHERS(COMPARE)
#undef COMPARE
    }
    compare_values(p, &v, &a, S);
    exact_clear(&e);
    arb_mat_clear(S);
    bound_attention_clear(&a);
}

static void report(const char *test)
{
    printf(
        "share %.3f of an interval's width between double and exact value (%s: %s); %d of %d balls "
        "inside of their interval; %d problems unknown\n",
        tally.share, test, tally.where, tally.contained, tally.compared, tally.unknown);
}

/* --- problems ------------------------------------------------------------------------------------
 */

static const double indices[] = {1.25, 1.5, 1.75, 2.0, 1.1, 1.9375, 1.0001, 1 + 0x1p-52};
enum { INDICES = sizeof indices / sizeof indices[0] };

Test(bound_ways, random_problems)
{
    static struct problem p;

    state = 1;
    for (int k = 0; k < 120; k++) {
        double weight = exp2(4 * uniform()), size[] = {1, weight, weight, 1, exp2(3 * uniform())};
        int n = 1 + k % 9, d = 1 + k / 9 % 8;
        char name[40];
        snprintf(name, sizeof name, "random %d, %d x %d", k, n, d);
        sized(&p, name, n, d, size, k % 3 ? indices[k % INDICES] : 1.5 + 0.499 * uniform());
        compare_all(&p, 1);
    }
    report("random_problems");
}

Test(bound_ways, a_long_sequence)
{
    static struct problem p;
    const double size[] = {1, 0.7, 0.7, 0.5, 0.35};

    state = 2;
    sized(&p, "40 x 8", 40, 8, size, 1.5);
    compare_all(&p, 1);
    sized(&p, "3 x 24", 3, 24, size, 2);
    compare_all(&p, 1);
    report("a_long_sequence");
}

/* Sizes near both ends of the range of doubles. known: no product of them is beyond it; where
 * logits are huge, MPFR does not know which key they choose, and has to allow for any lambda. */
Test(bound_ways, tiny_and_huge_entries)
{
    static struct problem p;
    static const struct {
        const char *name;
        double size[5];
        int known;
    } sizes[] = {
        {"subnormal", {1e-310, 1e-310, 1e-310, 1e-310, 1}, 1},
        {"subnormal state", {1e-310, 1, 1, 1, 1}, 1},
        {"subnormal weights", {1, 1e-310, 1e-310, 1e-310, 1}, 1},
        {"subnormal and huge weights", {1, 1e-310, 1e300, 1, 1e10}, 1},
        {"huge weights, tiny values", {1, 1e150, 1e150, 1e-310, 1}, 0},
        {"huge scale, tiny weights", {1, 1e-150, 1e-160, 1, 1e300}, 1},
        {"huge state, tiny weights", {1e150, 1e-150, 1e-150, 1e-310, 1}, 1},
        {"huge state", {1e300, 1e-300, 1e-300, 1, 1}, 0},
        {"huge values", {1, 1, 1, 1e300, 1}, 1},
        {"huge everything", {1e150, 1e150, 1e150, 1e150, 1}, 0},
        {"weights beyond the range", {1, 1e300, 1e300, 1, 1}, 0},
        {"squares at the end of the range", {1, 1e153, 1e153, 1e-10, 1e-1}, 0},
    };

    state = 3;
    precision = 1400;
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (int j = 0; j < INDICES; j++) {
            sized(&p, sizes[k].name, 5, 4, sizes[k].size, indices[j]);
            compare_all(&p, sizes[k].known);
        }
    report("tiny_and_huge_entries");
}

/* An entry of another size in each matrix. */
Test(bound_ways, entries_of_mixed_sizes)
{
    static struct problem p;
    const double size[] = {1, 1, 1, 1, 1};

    state = 4;
    for (int k = 0; k < 40; k++) {
        sized(&p, "mixed", 1 + k % 6, 1 + k % 5, size, indices[k % INDICES]);
        p.Y[0] *= exp2(30 * uniform());
        p.W_Q[p.d * p.d - 1] *= exp2(100 * uniform());
        p.W_K[0] *= exp2(100 * uniform());
        p.W_V[p.d * p.d / 2] *= exp2(600 * uniform());
        compare_all(&p, 1);
    }
    report("entries_of_mixed_sizes");
}

Test(bound_ways, degenerate_problems)
{
    static struct problem p;
    const double size[] = {1, 1, 1, 0.5, 1}, nothing[] = {0, 0, 0, 0, 1},
                 sharp[] = {1, 60, 60, 1, 9};

    state = 5;
    for (int k = 0; k < INDICES; k++) {
        double q = indices[k];
        sized(&p, "zero", 4, 3, nothing, q);
        compare_all(&p, 1);
        sized(&p, "zero scale", 4, 3, size, q);
        p.scale = 0;
        compare_all(&p, 1);
        sized(&p, "negative scale", 4, 3, size, q);
        p.scale = -1.25;
        compare_all(&p, 1);
        sized(&p, "one row", 1, 5, size, q);
        compare_all(&p, 1);
        sized(&p, "one number", 1, 1, size, q);
        compare_all(&p, 1);
        sized(&p, "equal rows", 6, 4, size, q);
        for (int j = 4; j < 24; j++)
            p.Y[j] = p.Y[j - 4];
        compare_all(&p, 1);
        sized(&p, "one hot", 7, 4, sharp, q);
        compare_all(&p, 1);
        sized(&p, "a column of zeros", 5, 5, size, q);
        for (int i = 0; i < 5; i++)
            p.W_Q[i * 5] = p.W_V[i * 5 + 4] = 0;
        compare_all(&p, 1);
    }
    report("degenerate_problems");
}

/* The reference says what a row without its neighbours would: nothing attends, all probability is
 * on one key, exactly. */
Test(bound_ways, one_hot_rows_have_no_entropy)
{
    static struct problem p;
    static struct ref_bound r;
    static struct bound_directed v;

    p = (struct problem){.n = 2, .d = 2, .scale = 1e4, .q = 1.5};
    p.Y[0] = p.Y[3] = 1;
    p.W_Q[0] = p.W_Q[3] = p.W_K[0] = p.W_K[3] = p.W_V[0] = p.W_V[3] = 1;
    reference(&r, &p);
    directed(&v, &p);
    cr_assert(r.known && v.known);
    cr_expect_eq(r.entropy, 0);
    cr_expect_eq(r.lambda, 0);
    cr_expect_eq(r.row_max_least, 1);
    cr_expect_leq(v.entropy.lo, 0);
    cr_expect_leq(v.row_max_most.hi, 1);
}

/* X = Z = 1/2 [[1,1],[-1,-1]], W_Q = I, W_K = diag(1,-1), W_V = 1/4 [[1,1],[1,1]]: the logits are
 * 0, and the derivative along 1/2 [[1,-1],[-1,1]] has norm 2, above the printed 3/2 (q = 2). The
 * intervals have to be narrow enough to say so. */
Test(bound_ways, the_printed_bound_is_refuted)
{
    static struct problem p;
    static struct bound_directed v;
    const struct bound_interval below = {2, 2}, above = {1.5, 1.5};

    p = (struct problem){.name = "counterexample", .n = 2, .d = 2, .scale = 1, .q = 2};
    p.Y[0] = p.Y[1] = p.W_Q[0] = p.W_Q[3] = p.W_K[0] = 1;
    p.Y[2] = p.Y[3] = p.W_K[3] = -1;
    p.W_V[0] = p.W_V[1] = p.W_V[2] = p.W_V[3] = 0.25;
    compare_all(&p, 1);
    directed(&v, &p);
    cr_assert(v.known);
    cr_expect_eq(bound_above(below, v.printed), BOUND_YES);
    cr_expect_eq(bound_at_most(above, v.printed), BOUND_YES); /* norms are from above */
    cr_expect_eq(bound_at_most(below, v.A), BOUND_YES);
}

static int arb_knows(const struct problem *p)
{
    struct bound_attention a;
    struct bound_values b;
    struct bound_interval A;
    arb_mat_t S;

    attention_of(&a, p);
    arb_mat_init(S, p->n, p->n);
    bound_values_init(&b);
    bound_softmax(S, &a, precision);
    bound_values(&b, &a, S, precision);
    A = bound_interval(b.A);
    bound_values_clear(&b);
    arb_mat_clear(S);
    bound_attention_clear(&a);
    return isfinite(A.lo) && isfinite(A.hi);
}

Test(bound_ways, what_is_not_finite_is_unknown)
{
    static struct problem p;
    static struct ref_bound r;
    static struct bound_directed v;
    const double size[] = {1, 1, 1, 0.5, 1}, bad[] = {NAN, INFINITY, -INFINITY};

    state = 6;
    for (int k = 0; k < 12; k++) {
        sized(&p, "not finite", 4, 3, size, 1.5);
        double *at[] = {p.Y + 5, p.W_Q + 8, p.W_K, p.W_V + 4};
        cr_expect(arb_knows(&p));
        *at[k % 4] = bad[k / 4];
        reference(&r, &p);
        directed(&v, &p);
        cr_expect_not(r.known, "%d: known in doubles", k);
        cr_expect_not(v.known, "%d: known in MPFR", k);
        cr_expect_not(arb_knows(&p), "%d: known in Arb", k);
        cr_expect(v.A.hi == INFINITY && v.A.lo == -INFINITY);
    }
    p = (struct problem){.n = 1, .d = 1, .scale = 1, .q = 2, .W_V = {NAN}};
    reference(&r, &p);
    directed(&v, &p);
    cr_expect_not(r.known || v.known); /* no other number for the NaN to spoil */
}

/* --- theorem C -----------------------------------------------------------------------------------
 */

static void exact_contraction(arb_t spread, arb_t image, arb_t rate, double M, double W_V, double X,
                              double rho, int n)
{
    arb_t m, radius, half, lambda;

    arb_init(m);
    arb_init(radius);
    arb_init(half);
    arb_init(lambda);
    arb_set_d(m, M);
    arb_set_d(radius, rho);
    arb_sqrt_ui(half, 2, precision);
    arb_add_ui(half, half, 1, precision);
    arb_mul(m, m, radius, precision);
    arb_mul(m, m, radius, precision); /* M rho^2 */
    arb_mul(half, half, m, precision);
    arb_mul_2exp_si(spread, half, -1);
    arb_mul_2exp_si(half, half, -2); /* E / 2 */
    arb_cosh(image, half, precision);
    arb_mul(image, image, radius, precision);
    arb_set_d(lambda, W_V);
    arb_mul(image, image, lambda, precision);
    arb_set_d(lambda, X);
    arb_add(image, image, lambda, precision);
    arb_exp(lambda, spread, precision); /* e^E / (e^E + n - 1) */
    arb_add_si(rate, lambda, n - 1, precision);
    arb_div(lambda, lambda, rate, precision);
    arb_set_d(rate, 0.5);
    arb_min(lambda, lambda, rate, precision);
    arb_mul(lambda, lambda, m, precision);
    arb_mul_2exp_si(lambda, lambda, 1);
    arb_sinh(half, half, precision);
    arb_add(lambda, lambda, half, precision);
    arb_mul(lambda, lambda, lambda, precision);
    arb_add_ui(lambda, lambda, 1, precision);
    arb_sqrt(rate, lambda, precision);
    arb_set_d(lambda, W_V);
    arb_mul(rate, rate, lambda, precision);
    arb_clear(m);
    arb_clear(radius);
    arb_clear(half);
    arb_clear(lambda);
}

static enum bound_answer compare_contraction(double M, double W_V, double X, double rho, int n)
{
    struct ref_contraction r;
    struct bound_directed_contraction v;
    struct bound_interval m = {M, M}, w = {W_V, W_V}, x = {X, X};
    arb_t spread, image, rate;
    char name[100];

    snprintf(name, sizeof name, "C: %g, %g, %g, %g, %d", M, W_V, X, rho, n);
    ref_theorem_C(&r, M, W_V, X, rho, n);
    bound_directed_contraction(&v, m, w, x, rho, n);
    arb_init(spread);
    arb_init(image);
    arb_init(rate);
    exact_contraction(spread, image, rate, M, W_V, X, rho, n);
    if (r.known) {
        compare(name, "spread", r.spread, v.spread, spread);
        compare(name, "image", r.image, v.image, image);
        compare(name, "rate", r.rate, v.rate, rate);
    }
    cr_expect(v.holds != BOUND_YES || r.holds, "%s: holds, but not in doubles", name);
    cr_expect(v.holds != BOUND_NO || !r.holds, "%s: does not hold, but in doubles", name);
    cr_expect(r.known || !r.holds, "%s: unknown, but holds", name);
    arb_clear(spread);
    arb_clear(image);
    arb_clear(rate);
    return v.holds;
}

Test(bound_ways, the_contraction_of_theorem_c)
{
    int yes = 0, no = 0;

    state = 7;
    for (int k = 0; k < 2000; k++) {
        double M = exp2(8 * uniform() - 3), W_V = 0.25 * (1 + uniform()), X = exp2(2 * uniform());
        enum bound_answer holds =
            compare_contraction(M, W_V, X, X * (2 + uniform()), 1 + (int)(50 * (1 + uniform())));
        yes += holds == BOUND_YES;
        no += holds == BOUND_NO;
    }
    cr_expect(yes > 100 && no > 100, "%d hold, %d do not", yes, no);
    compare_contraction(0, 0.5, 1, 2, 1);
    compare_contraction(1e-310, 1e-310, 1e-310, 1e-310, 5);
    compare_contraction(1e-300, 0.5, 1, 3, 1000000);
    compare_contraction(1e-17, 0.5, 1, 2.5, 3);
    compare_contraction(300, 0.5, 1, 2, 10);
    report("the_contraction_of_theorem_c");
    cr_expect_eq(compare_contraction(1, 1, 0, 1e200, 2), BOUND_UNDECIDED);
    cr_expect_eq(compare_contraction(1e5, 1, 0, 1, 2), BOUND_UNDECIDED);
    cr_expect_eq(compare_contraction(1, NAN, 0, 1, 2), BOUND_UNDECIDED);
    cr_expect_eq(compare_contraction(NAN, 0.1, 0, 1, 2), BOUND_UNDECIDED);
    cr_expect_eq(compare_contraction(0.1, 0.1, 0, NAN, 2), BOUND_UNDECIDED);
    cr_expect_eq(compare_contraction(0.1, 0.1, 0, INFINITY, 2), BOUND_UNDECIDED);
    /* On a ball of a negative radius the image, -2, would be at most rho. */
    struct bound_directed_contraction v;
    struct bound_interval zero = {0, 0}, fifth = {0.2, 0.2}, two = {2, 2};
    bound_directed_contraction(&v, zero, two, zero, -1, 2);
    cr_expect(v.holds == BOUND_UNDECIDED);
    bound_directed_contraction(&v, zero, fifth, zero, -1, 2);
    cr_expect(v.holds == BOUND_UNDECIDED && !isfinite(v.image.lo) && !isfinite(v.rate.hi));
}
