/* norm.c - see norm.h. Doubles only propose a vector or a number here; balls decide. */
#include "norm.h"

#include <math.h>

enum {
    ITERATIONS =
        300,       /* of the power iteration; what it does not reach costs tightness, not truth */
    SQUARINGS = 6, /* of a Gram matrix, where Cholesky does not settle it */
    END_BITS = 64, /* of an end on its way to a double: exactly, 1 +- 2^-2^40 has 2^40 of them */
};

struct bound_interval bound_interval(const arb_t x)
{
    struct bound_interval interval = {-INFINITY, INFINITY};
    arf_t lo, hi;

    if (!arb_is_finite(x))
        return interval;
    arf_init(lo);
    arf_init(hi);
    arb_get_interval_arf(lo, hi, x, END_BITS);
    interval.lo = arf_get_d(lo, ARF_RND_FLOOR);
    interval.hi = arf_get_d(hi, ARF_RND_CEIL);
    arf_clear(lo);
    arf_clear(hi);
    return interval;
}

void bound_frobenius(arb_t norm, const arb_mat_t A, slong precision)
{
    arb_mat_frobenius_norm(norm, A, precision);
}

/* ball = [low, high], of which the low end is that of one ball and the high end that of another. */
static void between(arb_t ball, const arb_t low, const arb_t high, slong precision)
{
    arf_t lo, hi;

    arf_init(lo);
    arf_init(hi);
    arb_get_lbound_arf(lo, low, precision);
    arb_get_ubound_arf(hi, high, precision);
    if (arf_sgn(lo) < 0)
        arf_zero(lo);
    if (arb_is_finite(high) && arf_cmp(lo, hi) <= 0)
        arb_set_interval_arf(ball, lo, hi, precision);
    else
        arb_indeterminate(ball);
    arf_clear(lo);
    arf_clear(hi);
}

/* The binary exponent of the largest midpoint; 0 if all are 0. */
static slong exponent(const arb_mat_t A)
{
    slong largest = 0, found = 0;

    for (slong i = 0; i < arb_mat_nrows(A); i++)
        for (slong j = 0; j < arb_mat_ncols(A); j++) {
            const arf_struct *mid = arb_midref(arb_mat_entry(A, i, j));
            if (arf_is_special(mid))
                continue;
            slong e = arf_abs_bound_lt_2exp_si(mid);
            if (!found || e > largest)
                largest = e;
            found = 1;
        }
    return largest;
}

/* x, of norm near 1, from the power iteration with the midpoints of G, m x m, whose entries are at
 * most 1. */
static void power_iteration(double *x, const arb_mat_t G)
{
    slong m = arb_mat_nrows(G);
    double *g = flint_calloc((size_t)(m * m + m), sizeof *g), *y = g + m * m;
    slong widest = 0;

    for (slong i = 0; i < m * m; i++)
        g[i] = arf_get_d(arb_midref(arb_mat_entry(G, i / m, i % m)), ARF_RND_NEAR);
    for (slong i = 1; i < m; i++)
        if (g[i * m + i] > g[widest * m + widest])
            widest = i;
    /* Not the widest column alone: it may be orthogonal to the first eigenvector. */
    for (slong i = 0; i < m; i++)
        x[i] = g[i * m + widest] + 1e-3 * (double)(1 + i % 7);
    for (int step = 0; step < ITERATIONS; step++) {
        double sum = 0.0;
        for (slong i = 0; i < m; i++) {
            y[i] = 0.0;
            for (slong j = 0; j < m; j++)
                y[i] += g[i * m + j] * x[j];
            sum += y[i] * y[i];
        }
        if (!(sum > 0.0 && isfinite(sum)))
            break;
        for (slong i = 0; i < m; i++)
            x[i] = y[i] / sqrt(sum);
    }
    flint_free(g);
}

/* ||A x|| / ||x||: at most ||A||. */
static void rayleigh(arb_t quotient, const arb_mat_t A, const double *x, slong precision)
{
    arb_mat_t vector, image;
    arb_t length;

    arb_init(length);
    arb_mat_init(vector, arb_mat_ncols(A), 1);
    arb_mat_init(image, arb_mat_nrows(A), 1);
    for (slong i = 0; i < arb_mat_ncols(A); i++)
        arb_set_d(arb_mat_entry(vector, i, 0), x[i]);
    arb_mat_mul(image, A, vector, precision);
    arb_mat_frobenius_norm(quotient, image, precision);
    arb_mat_frobenius_norm(length, vector, precision);
    if (arb_is_positive(length))
        arb_div(quotient, quotient, length, precision);
    else
        arb_zero(quotient);
    arb_mat_clear(vector);
    arb_mat_clear(image);
    arb_clear(length);
}

/* square >= the largest eigenvalue of the Gram matrix G: the first of some numbers a little above
 * `guess` for which square I - G has a Cholesky factor; 0 if none has. */
static int cholesky(arb_t square, const arb_mat_t G, const arb_t guess, slong precision)
{
    static const slong excess[] = {-44, -34, -24, -16, -10, -6};
    arb_mat_t shifted, factor;
    arb_t part;
    int found = 0;

    arb_init(part);
    arb_mat_init(shifted, arb_mat_nrows(G), arb_mat_ncols(G));
    arb_mat_init(factor, arb_mat_nrows(G), arb_mat_ncols(G));
    for (size_t k = 0; !found && k < sizeof excess / sizeof excess[0]; k++) {
        arb_mul_2exp_si(part, guess, excess[k]);
        arb_add(square, guess, part, precision);
        arf_t top;
        arf_init(top);
        arb_get_ubound_arf(top, square, precision);
        arb_set_arf(square, top);
        arf_clear(top);
        arb_mat_neg(shifted, G);
        for (slong i = 0; i < arb_mat_nrows(G); i++)
            arb_add(arb_mat_entry(shifted, i, i), arb_mat_entry(shifted, i, i), square, precision);
        found = arb_mat_cho(factor, shifted, precision);
    }
    arb_mat_clear(shifted);
    arb_mat_clear(factor);
    arb_clear(part);
    return found;
}

/* square = ||G^(2^k)||_F^(1/2^k) >= the largest eigenvalue of G. */
static void gram_powers(arb_t square, const arb_mat_t G, slong precision)
{
    arb_mat_t power;
    arf_t top;

    arb_mat_init(power, arb_mat_nrows(G), arb_mat_ncols(G));
    arb_mat_set(power, G);
    for (int k = 0; k < SQUARINGS; k++)
        arb_mat_mul(power, power, power, precision);
    arb_mat_frobenius_norm(square, power, precision);
    /* Of the upper end: of 0, or of a ball around it, arb_root_ui knows no root. */
    arf_init(top);
    arb_get_ubound_arf(top, square, precision);
    arb_set_arf(square, top);
    if (!arb_is_zero(square))
        arb_root_ui(square, square, 1UL << SQUARINGS, precision);
    arf_clear(top);
    arb_mat_clear(power);
}

/* G = A^T A or A A^T, whichever is smaller. */
static void gram(arb_mat_t G, const arb_mat_t A, const arb_mat_t transposed, slong precision)
{
    if (arb_mat_ncols(A) <= arb_mat_nrows(A))
        arb_mat_mul(G, transposed, A, precision);
    else
        arb_mat_mul(G, A, transposed, precision);
}

/* As bound_spectral_norm, of an A whose largest entry lies near 1. */
static void scaled_norm(arb_t norm, const arb_mat_t A, slong precision)
{
    slong rows = arb_mat_nrows(A), columns = arb_mat_ncols(A);
    slong m = rows < columns ? rows : columns;
    arb_mat_t transposed, G;
    arb_t low, high;
    double *x = flint_calloc((size_t)m, sizeof *x);

    arb_init(low);
    arb_init(high);
    arb_mat_init(transposed, columns, rows);
    arb_mat_init(G, m, m);
    arb_mat_transpose(transposed, A);
    gram(G, A, transposed, precision);
    slong e = exponent(G);
    arb_mat_scalar_mul_2exp_si(G, G, -e);
    power_iteration(x, G);
    rayleigh(low, columns <= rows ? A : transposed, x, precision);
    arb_mul(high, low, low, precision);
    arb_mul_2exp_si(high, high, -e);
    if (!cholesky(high, G, high, precision))
        gram_powers(high, G, precision);
    arb_mul_2exp_si(high, high, e);
    arb_sqrtpos(high, high, precision);
    between(norm, low, high, precision);
    arb_mat_clear(transposed);
    arb_mat_clear(G);
    arb_clear(low);
    arb_clear(high);
    flint_free(x);
}

void bound_spectral_norm(arb_t norm, const arb_mat_t A, slong precision)
{
    arb_mat_t scaled;

    if (!arb_mat_is_finite(A)) {
        arb_indeterminate(norm);
        return;
    }
    if (arb_mat_is_zero(A)) {
        arb_zero(norm);
        return;
    }
    slong e = exponent(A);
    arb_mat_init(scaled, arb_mat_nrows(A), arb_mat_ncols(A));
    arb_mat_scalar_mul_2exp_si(scaled, A, -e);
    scaled_norm(norm, scaled, precision);
    arb_mul_2exp_si(norm, norm, e);
    arb_mat_clear(scaled);
}

void bound_spectral_norm_above(arb_t norm, const arb_mat_t A, slong precision)
{
    arb_mat_t transposed, G;
    slong rows = arb_mat_nrows(A), columns = arb_mat_ncols(A);
    slong m = rows < columns ? rows : columns;

    arb_mat_init(transposed, columns, rows);
    arb_mat_init(G, m, m);
    arb_mat_transpose(transposed, A);
    gram(G, A, transposed, precision);
    gram_powers(norm, G, precision);
    arb_sqrtpos(norm, norm, precision);
    arb_mat_clear(transposed);
    arb_mat_clear(G);
}

/* x > 0, near the first right singular vector of A; the floor keeps it positive. */
static void positive_vector(double *x, const double *a, double *y, slong rows, slong columns)
{
    enum { STEPS = 40 };

    for (slong j = 0; j < columns; j++)
        x[j] = 1.0;
    for (int step = 0; step < STEPS; step++) {
        double most = 0.0;
        for (slong i = 0; i < rows; i++) {
            y[i] = 0.0;
            for (slong j = 0; j < columns; j++)
                y[i] += a[i * columns + j] * x[j];
        }
        for (slong j = 0; j < columns; j++)
            x[j] = 0.0;
        for (slong i = 0; i < rows; i++)
            for (slong j = 0; j < columns; j++)
                x[j] += a[i * columns + j] * y[i];
        for (slong j = 0; j < columns; j++)
            most = fmax(most, x[j]);
        for (slong j = 0; j < columns; j++)
            x[j] = most > 0.0 && isfinite(most) ? x[j] / most + 1e-9 : 1.0;
    }
}

/* high = sqrt(max_j (A^T A x)_j / x_j), low = ||A x|| / ||x|| */
static void collatz_wielandt(arb_t low, arb_t high, const arb_mat_t A, const double *x,
                             slong precision)
{
    slong rows = arb_mat_nrows(A), columns = arb_mat_ncols(A);
    arb_mat_t vector, image, back, transposed;
    arb_t ratio;

    arb_init(ratio);
    arb_mat_init(vector, columns, 1);
    arb_mat_init(image, rows, 1);
    arb_mat_init(back, columns, 1);
    arb_mat_init(transposed, columns, rows);
    arb_mat_transpose(transposed, A);
    for (slong j = 0; j < columns; j++)
        arb_set_d(arb_mat_entry(vector, j, 0), x[j]);
    arb_mat_mul(image, A, vector, precision);
    arb_mat_mul(back, transposed, image, precision);
    arb_zero(high);
    for (slong j = 0; j < columns; j++) {
        arb_div(ratio, arb_mat_entry(back, j, 0), arb_mat_entry(vector, j, 0), precision);
        arb_max(high, high, ratio, precision);
    }
    arb_sqrtpos(high, high, precision);
    rayleigh(low, A, x, precision);
    arb_mat_clear(vector);
    arb_mat_clear(image);
    arb_mat_clear(back);
    arb_mat_clear(transposed);
    arb_clear(ratio);
}

void bound_nonnegative_norm(arb_t norm, const arb_mat_t A, slong precision)
{
    slong rows = arb_mat_nrows(A), columns = arb_mat_ncols(A);
    double *a = flint_calloc((size_t)(rows * columns + rows + columns), sizeof *a);
    double *y = a + rows * columns, *x = y + rows;
    arb_t low, high;

    if (!arb_mat_is_finite(A)) {
        arb_indeterminate(norm);
        flint_free(a);
        return;
    }
    slong e = exponent(A);
    for (slong i = 0; i < rows; i++)
        for (slong j = 0; j < columns; j++) {
            arf_t entry;
            arf_init(entry);
            arf_mul_2exp_si(entry, arb_midref(arb_mat_entry(A, i, j)), -e);
            a[i * columns + j] = arf_get_d(entry, ARF_RND_NEAR);
            arf_clear(entry);
        }
    positive_vector(x, a, y, rows, columns);
    arb_init(low);
    arb_init(high);
    collatz_wielandt(low, high, A, x, precision);
    between(norm, low, high, precision);
    arb_clear(low);
    arb_clear(high);
    flint_free(a);
}
