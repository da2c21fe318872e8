/* directed.c - see directed.h. Each function says in what order the reference computes, where that
 * is not the obvious one. */
#include "directed.h"

#include <math.h>
#include <mpfr.h>
#include <stdlib.h>

typedef struct bound_interval interval;

/* --- MPFR as doubles rounded up or down ---------------------------------------------------------
 */

enum { BITS = 53, LEAST_EXPONENT = -1073, MOST_EXPONENT = 1024 };

struct range {
    mpfr_exp_t least, most;
};

static struct range enter(void)
{
    struct range before = {mpfr_get_emin(), mpfr_get_emax()};

    mpfr_set_emin(LEAST_EXPONENT);
    mpfr_set_emax(MOST_EXPONENT);
    return before;
}

static void leave(struct range before)
{
    mpfr_set_emin(before.least);
    mpfr_set_emax(before.most);
}

typedef int unary(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
typedef int binary(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);

static double of_one(unary *f, double x, mpfr_rnd_t rounding)
{
    MPFR_DECL_INIT(argument, BITS);
    MPFR_DECL_INIT(result, BITS);
    int inexact;

    mpfr_set_d(argument, x, rounding);
    inexact = f(result, argument, rounding);
    mpfr_subnormalize(result, inexact, rounding);
    return mpfr_get_d(result, rounding);
}

static double of_two(binary *f, double x, double y, mpfr_rnd_t rounding)
{
    MPFR_DECL_INIT(first, BITS);
    MPFR_DECL_INIT(second, BITS);
    MPFR_DECL_INIT(result, BITS);
    int inexact;

    mpfr_set_d(first, x, rounding);
    mpfr_set_d(second, y, rounding);
    inexact = f(result, first, second, rounding);
    mpfr_subnormalize(result, inexact, rounding);
    return mpfr_get_d(result, rounding);
}

/* --- intervals ----------------------------------------------------------------------------------
 */

static const interval zero = {0, 0}, one = {1, 1}, half = {0.5, 0.5}, two = {2, 2};

static interval point(double x)
{
    interval result = {x, x};
    return result;
}

static interval unknown(void)
{
    interval result = {-INFINITY, INFINITY};
    return result;
}

static interval ordered(double lo, double hi)
{
    interval result = {lo, hi};
    return isnan(lo) || isnan(hi) ? unknown() : result;
}

static int finite_ends(interval x)
{
    return isfinite(x.lo) && isfinite(x.hi);
}

/* What is known to lie at or above least, and within [least, most]. */
static interval at_least(interval x, double least)
{
    return ordered(fmax(x.lo, least), fmax(x.hi, least));
}

static interval within(interval x, double least, double most)
{
    return ordered(fmin(fmax(x.lo, least), most), fmax(fmin(x.hi, most), least));
}

static interval add(interval a, interval b)
{
    return ordered(of_two(mpfr_add, a.lo, b.lo, MPFR_RNDD),
                   of_two(mpfr_add, a.hi, b.hi, MPFR_RNDU));
}

static interval subtract(interval a, interval b)
{
    return ordered(of_two(mpfr_sub, a.lo, b.hi, MPFR_RNDD),
                   of_two(mpfr_sub, a.hi, b.lo, MPFR_RNDU));
}

/* The least and the largest of the four results at the ends; a NaN among them: unknown. */
static interval corners(binary *f, interval a, interval b)
{
    const double x[] = {a.lo, a.lo, a.hi, a.hi}, y[] = {b.lo, b.hi, b.lo, b.hi};
    interval result = {INFINITY, -INFINITY};

    for (int k = 0; k < 4; k++) {
        double lo = of_two(f, x[k], y[k], MPFR_RNDD), hi = of_two(f, x[k], y[k], MPFR_RNDU);
        if (isnan(lo) || isnan(hi))
            return unknown();
        result.lo = fmin(result.lo, lo);
        result.hi = fmax(result.hi, hi);
    }
    return result;
}

static interval multiply(interval a, interval b)
{
    if (a.lo >= 0 && b.lo >= 0)
        return ordered(of_two(mpfr_mul, a.lo, b.lo, MPFR_RNDD),
                       of_two(mpfr_mul, a.hi, b.hi, MPFR_RNDU));
    return corners(mpfr_mul, a, b);
}

static interval divide(interval a, interval b)
{
    return b.lo > 0 || b.hi < 0 ? corners(mpfr_div, a, b) : unknown();
}

/* x / largest where |x| <= largest, in doubles as well: rounding is monotone. */
static interval share(interval x, interval largest)
{
    return within(divide(x, largest), -1, 1);
}

static interval root(interval x)
{
    x = at_least(x, 0);
    return ordered(of_one(mpfr_sqrt, x.lo, MPFR_RNDD), of_one(mpfr_sqrt, x.hi, MPFR_RNDU));
}

static interval magnitude(interval x)
{
    double larger = fmax(-x.lo, x.hi);

    return ordered(x.lo > 0 ? x.lo : x.hi < 0 ? -x.hi : 0, larger);
}

static interval larger(interval a, interval b)
{
    return ordered(fmax(a.lo, b.lo), fmax(a.hi, b.hi));
}

static interval smaller(interval a, interval b)
{
    return ordered(fmin(a.lo, b.lo), fmin(a.hi, b.hi));
}

/* A unit in the last place outwards of ends that were rounded outwards: next to a power of two it
 * is two doubles. */
static interval outwards(interval x)
{
    for (int k = 0; k < 2; k++) {
        x.lo = nextafter(x.lo, -INFINITY);
        x.hi = nextafter(x.hi, INFINITY);
    }
    return x;
}

/* Of the C library, and of increasing functions. */
static interval of_library(unary *f, interval x)
{
    return outwards(ordered(of_one(f, x.lo, MPFR_RNDD), of_one(f, x.hi, MPFR_RNDU)));
}

static interval exponential(interval x)
{
    return at_least(of_library(mpfr_exp, x), 0);
}

/* x^y for x >= 0 and y > 0 */
static interval power(interval x, interval y)
{
    return at_least(outwards(corners(mpfr_pow, at_least(x, 0), y)), 0);
}

/* --- sums and products in the order of the indices ----------------------------------------------
 */

static interval total(const interval *x, int n)
{
    interval sum = zero;

    for (int j = 0; j < n; j++)
        sum = add(sum, x[j]);
    return sum;
}

static interval largest(const interval *x, int n)
{
    interval result = zero;

    for (int j = 0; j < n; j++)
        result = larger(result, magnitude(x[j]));
    return result;
}

static interval dot(const interval *a, const interval *b, int n)
{
    interval sum = zero;

    for (int j = 0; j < n; j++)
        sum = add(sum, multiply(a[j], b[j]));
    return sum;
}

/* C = A B: C rows x n, A rows x m, B m x n */
static void product(interval *C, const interval *A, const interval *B, int rows, int m, int n)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < n; j++) {
            interval sum = zero;
            for (int k = 0; k < m; k++)
                sum = add(sum, multiply(A[i * m + k], B[k * n + j]));
            C[i * n + j] = sum;
        }
}

/* C = factor A B^T: C rows x m, A rows x n, B m x n */
static void product_transposed(interval *C, const interval *A, const interval *B, double factor,
                               int rows, int m, int n)
{
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < m; k++)
            C[i * m + k] = multiply(dot(A + i * n, B + k * n, n), point(factor));
}

/* --- norms --------------------------------------------------------------------------------------
 */

/* As sqrt(sum (x / largest)^2) largest. The sum is at least 1, of the largest itself. */
static interval frobenius(const interval *x, int n)
{
    interval most = largest(x, n), sum = zero;

    if (most.hi == 0)
        return zero;
    for (int j = 0; j < n; j++) {
        interval ratio = magnitude(share(x[j], most));
        sum = add(sum, multiply(ratio, ratio));
    }
    return multiply(most, root(at_least(sum, 1)));
}

static interval repeated_root(interval x, int k)
{
    while (k-- > 0)
        x = root(x);
    return x;
}

enum { SQUARINGS = 6 };

/* ||G^(2^k)||_F^(1/2^k), k = SQUARINGS, of m x m, by the roots of the largest entries before each
 * squaring. They are at least 1: a symmetric matrix with an entry of 1 has one on the diagonal of
 * its square, and the first G is such a square. */
static interval eigenvalue(interval *G, interval *H, int m)
{
    interval result = one;

    for (int k = 0; k < SQUARINGS; k++) {
        interval most = at_least(largest(G, m * m), 1);
        for (int j = 0; j < m * m; j++)
            G[j] = share(G[j], most);
        result = multiply(result, repeated_root(most, k));
        product(H, G, G, m, m, m);
        for (int j = 0; j < m * m; j++)
            G[j] = H[j];
    }
    return multiply(result, repeated_root(frobenius(G, m * m), SQUARINGS));
}

/* A rows x columns; G, H: columns x columns */
static interval spectral(interval *G, interval *H, const interval *A, int rows, int columns)
{
    interval most = largest(A, rows * columns);

    if (most.hi == 0)
        return zero;
    for (int j = 0; j < columns * columns; j++)
        G[j] = zero;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            for (int k = 0; k < columns; k++)
                G[j * columns + k] =
                    add(G[j * columns + k],
                        multiply(share(A[i * columns + j], most), share(A[i * columns + k], most)));
    return multiply(most, root(eigenvalue(G, H, columns)));
}

/* --- the attention matrix -----------------------------------------------------------------------
 */

/* p = softmax(s). The largest score is subtracted, so that no argument of exp is above 0, and one
 * is 0, whose exp is 1; no term is above the sum. */
static void softmax(interval *p, const interval *s, int n)
{
    interval top = s[0], sum;

    for (int j = 1; j < n; j++)
        top = larger(top, s[j]);
    for (int j = 0; j < n; j++)
        p[j] = exponential(within(subtract(s[j], top), -INFINITY, 0));
    sum = at_least(total(p, n), 1);
    for (int j = 0; j < n; j++)
        p[j] = within(divide(p[j], sum), 0, 1);
}

/* --- a row r of n numbers within [0, 1] ---------------------------------------------------------
 */

/* x - x^q; as x (1 - x) for q = 2, else -x expm1((q-1) log x). A logarithm of at most 1 is not
 * above 0, nor is expm1 then. */
static interval entropy_loss(interval x, double q)
{
    interval change;

    if (q == 2)
        return multiply(x, subtract(one, x));
    if (x.hi == 0)
        return zero;
    change = within(of_library(mpfr_log, x), -INFINITY, 0);
    change = within(of_library(mpfr_expm1, multiply(point(q - 1), change)), -INFINITY, 0);
    return multiply(x, subtract(zero, change));
}

static interval entropy(const interval *r, double q, int n)
{
    interval sum = zero;

    for (int j = 0; j < n; j++)
        sum = add(sum, entropy_loss(r[j], q));
    return divide(sum, point(q - 1));
}

/* x^q; as x sqrt(x) for q = 3/2, x x for q = 2 */
static interval index_power(interval x, double q)
{
    if (q == 1.5)
        return multiply(x, root(x));
    return q == 2 ? multiply(x, x) : power(x, point(q));
}

static interval sum_of_powers(const interval *r, double q, int n)
{
    interval sum = zero;

    for (int j = 0; j < n; j++)
        sum = add(sum, index_power(r[j], q));
    return sum;
}

/* min(g1, S_2): the largest number and the second largest increase with every entry. */
static interval row_lambda(const interval *r, int n)
{
    interval first = zero, second = zero, gini = zero, g1;

    for (int j = 0; j < n; j++) {
        second = larger(second, smaller(first, r[j]));
        first = larger(first, r[j]);
        gini = add(gini, multiply(r[j], subtract(one, r[j])));
    }
    g1 = multiply(first, add(subtract(one, first), second));
    return smaller(g1, gini);
}

static interval squares(const interval *r, interval mean, int n)
{
    interval sum = zero;

    for (int j = 0; j < n; j++) {
        interval away = magnitude(subtract(r[j], mean));
        sum = add(sum, multiply(away, away));
    }
    return sum;
}

/* --- what follows from S ------------------------------------------------------------------------
 */

static void of_rows(struct bound_directed *v, const interval *S, double q, int n)
{
    interval entropies = zero, powers = zero, spread = zero;
    interval mean = divide(one, point(n)), exponent = divide(two, point(q));

    v->lambda = zero;
    for (int i = 0; i < n; i++) {
        const interval *r = S + i * n;
        interval most = largest(r, n), least = entropy(r, q, n);
        v->row_max_least = i == 0 ? most : smaller(v->row_max_least, most);
        v->row_max_most = i == 0 ? most : larger(v->row_max_most, most);
        v->entropy_least = i == 0 ? least : smaller(v->entropy_least, least);
        entropies = add(entropies, least);
        powers = add(powers, power(sum_of_powers(r, q, n), exponent));
        spread = add(spread, squares(r, mean, n));
        v->lambda = larger(v->lambda, row_lambda(r, n));
    }
    v->lambda = smaller(v->lambda, half);
    v->entropy = divide(entropies, point(n));
    v->dynamic_term = root(powers);
    v->S_frobenius = frobenius(S, n * n);
    v->S_centred = root(spread);
}

/* --- bounds from norms --------------------------------------------------------------------------
 */

/* 2 lambda ||Y||^2 ||M|| */
static interval softmax_term(interval lambda, interval Y, interval M)
{
    return multiply(multiply(multiply(two, lambda), multiply(Y, Y)), M);
}

static interval theorem_A(interval lambda, const struct bound_directed *v)
{
    return multiply(add(softmax_term(lambda, v->Y, v->M), v->S), v->W_V);
}

/* ||W_V|| sqrt(1 + (2 lambda ||Y||^2 ||M|| + centred)^2) */
static interval theorem_A_prime(interval lambda, interval Y, interval M, interval centred,
                                interval W_V)
{
    interval term = add(softmax_term(lambda, Y, M), centred);

    return multiply(W_V, root(add(one, multiply(term, term))));
}

/* ||W_V|| (1 + ||M|| max_i (s_i + R sqrt(s_i))), s_i = (R - |mu_i|)(R + |mu_i|) >= 0, mu_i = r_i Y;
 * mean: memory of d */
static interval theorem_B(interval *mean, const interval *S, const interval *Y, interval M,
                          interval W_V, int n, int d)
{
    interval R = zero, worst = zero;

    for (int i = 0; i < n; i++)
        R = larger(R, frobenius(Y + i * d, d));
    for (int i = 0; i < n; i++) {
        product(mean, S + i * n, Y, 1, n, d);
        interval length = frobenius(mean, d);
        interval spread = at_least(multiply(subtract(R, length), add(R, length)), 0);
        worst = larger(worst, add(spread, multiply(R, root(spread))));
    }
    return multiply(W_V, add(one, multiply(M, worst)));
}

/* --- all of them --------------------------------------------------------------------------------
 */

struct memory {
    interval *Y, *Q, *K;           /* n x d */
    interval *W_Q, *W_K, *W_V, *M; /* d x d */
    interval *S;                   /* n x n */
    interval *G, *H;               /* m x m, m = max(n, d) */
    interval *row;                 /* m */
};

static void points(interval *x, const double *from, int n)
{
    for (int j = 0; j < n; j++)
        x[j] = point(from[j]);
}

static int all_finite(const double *x, int n)
{
    for (int j = 0; j < n; j++)
        if (!isfinite(x[j]))
            return 0;
    return 1;
}

/* Returns 0 if a logit is not finite. */
static int compute(struct bound_directed *v, const struct memory *w, double scale, double q, int n,
                   int d)
{
    int bounded = 1;

    product(w->Q, w->Y, w->W_Q, n, d, d);
    product(w->K, w->Y, w->W_K, n, d, d);
    for (int i = 0; i < n; i++) {
        product_transposed(w->row, w->Q + i * d, w->K, scale, 1, n, d);
        for (int j = 0; j < n; j++)
            bounded = bounded && finite_ends(w->row[j]);
        softmax(w->S + i * n, w->row, n);
    }
    of_rows(v, w->S, q, n);
    product_transposed(w->M, w->W_Q, w->W_K, scale, d, d, d);
    v->W_Q = spectral(w->G, w->H, w->W_Q, d, d);
    v->W_K = spectral(w->G, w->H, w->W_K, d, d);
    v->W_V = spectral(w->G, w->H, w->W_V, d, d);
    v->W_V_frobenius = frobenius(w->W_V, d * d);
    v->M = spectral(w->G, w->H, w->M, d, d);
    v->Y = spectral(w->G, w->H, w->Y, n, d);
    v->Y_frobenius = frobenius(w->Y, n * d);
    v->S = spectral(w->G, w->H, w->S, n, n);
    v->B = theorem_B(w->row, w->S, w->Y, v->M, v->W_V, n, d);
    v->static_term = multiply(multiply(multiply(two, point(fabs(scale))), v->W_Q), v->W_K);
    v->printed = multiply(add(v->static_term, v->dynamic_term), v->W_V_frobenius);
    v->A = theorem_A(half, v);
    v->A_lambda = theorem_A(v->lambda, v);
    v->A_prime = theorem_A_prime(v->lambda, v->Y, v->M, v->S_centred, v->W_V);
    return bounded;
}

static int all_known(const struct bound_directed *v)
{
    const interval members[] = {
        v->W_Q,
        v->W_K,
        v->W_V,
        v->W_V_frobenius,
        v->M,
        v->Y,
        v->Y_frobenius,
        v->S,
        v->S_frobenius,
        v->S_centred,
        v->row_max_least,
        v->row_max_most,
        v->entropy,
        v->entropy_least,
        v->lambda,
        v->static_term,
        v->dynamic_term,
        v->printed,
        v->A,
        v->A_lambda,
        v->A_prime,
        v->B,
    };

    for (size_t k = 0; k < sizeof members / sizeof members[0]; k++)
        if (!finite_ends(members[k]))
            return 0;
    return 1;
}

static void nothing_known(struct bound_directed *v)
{
    interval none = unknown();

    v->known = 0;
    v->W_Q = v->W_K = v->W_V = v->W_V_frobenius = v->M = v->Y = v->Y_frobenius = none;
    v->S = v->S_frobenius = v->S_centred = v->row_max_least = v->row_max_most = none;
    v->entropy = v->entropy_least = v->lambda = v->static_term = v->dynamic_term = none;
    v->printed = v->A = v->A_lambda = v->A_prime = v->B = none;
}

void bound_directed(struct bound_directed *v, const double *Y, const double *W_Q, const double *W_K,
                    const double *W_V, double scale, double q, int n, int d)
{
    size_t N = (size_t)n, D = (size_t)d, m = N < D ? D : N;
    struct memory w;
    struct range before;

    nothing_known(v);
    if (!all_finite(Y, n * d) || !all_finite(W_Q, d * d) || !all_finite(W_K, d * d) ||
        !all_finite(W_V, d * d) || !isfinite(scale))
        return;
    w.Y = calloc(3 * N * D + 4 * D * D + N * N + 2 * m * m + m, sizeof *w.Y);
    if (!w.Y)
        return;
    w.Q = w.Y + N * D;
    w.K = w.Q + N * D;
    w.W_Q = w.K + N * D;
    w.W_K = w.W_Q + D * D;
    w.W_V = w.W_K + D * D;
    w.M = w.W_V + D * D;
    w.S = w.M + D * D;
    w.G = w.S + N * N;
    w.H = w.G + m * m;
    w.row = w.H + m * m;
    points(w.Y, Y, n * d);
    points(w.W_Q, W_Q, d * d);
    points(w.W_K, W_K, d * d);
    points(w.W_V, W_V, d * d);
    before = enter();
    v->known = compute(v, &w, scale, q, n, d) && all_known(v);
    leave(before);
    free(w.Y);
}

void bound_directed_contraction(struct bound_directed_contraction *c, interval M, interval W_V,
                                interval X, double rho, int n)
{
    struct range before;
    interval radius = point(rho), less_one, e, cosine, sine, lambda;

    if (!(rho >= 0)) { /* no ball: of what follows nothing would mean anything */
        c->holds = BOUND_UNDECIDED;
        c->spread = c->image = c->rate = unknown();
        return;
    }
    before = enter();
    c->spread = multiply(multiply(divide(add(one, root(two)), two), M), multiply(radius, radius));
    less_one = at_least(of_library(mpfr_expm1, divide(c->spread, two)), 0);
    e = add(less_one, one);
    cosine = divide(add(e, divide(one, e)), two);
    sine = divide(add(less_one, divide(less_one, e)), two);
    c->image = add(multiply(multiply(W_V, cosine), radius), X);
    lambda = exponential(subtract(zero, c->spread));
    lambda = divide(one, add(one, multiply(point(n - 1), lambda)));
    c->rate = theorem_A_prime(smaller(lambda, half), radius, M, sine, W_V);
    leave(before);
    if (!finite_ends(c->spread) || !finite_ends(c->image) || !finite_ends(c->rate))
        c->holds = BOUND_UNDECIDED;
    else if (c->image.hi <= rho && c->rate.hi < 1)
        c->holds = BOUND_YES;
    else if (c->image.lo > rho || c->rate.lo >= 1)
        c->holds = BOUND_NO;
    else
        c->holds = BOUND_UNDECIDED;
}
