/* spectrum.c - see spectrum.h. */
#include "spectrum.h"

#include <stdlib.h>
#include <string.h>

#include "outward.h"

static const struct bound_interval unknown = {-INFINITY, INFINITY};

enum { ITERATIONS = 300, LEAST_STEPS = 20 };

/* H = fl(A^T A), upper triangle, n x n. */
static void gram(double *H, const double *A, int rows, int n)
{
    memset(H, 0, (size_t)n * (size_t)n * sizeof *H);
    for (int k = 0; k < rows; k++)
        for (int i = 0; i < n; i++) {
            double factor = A[(size_t)k * (size_t)n + (size_t)i];
            const double *from = A + (size_t)k * (size_t)n;
            double *to = H + (size_t)i * (size_t)n;
            if (factor !=
                0.0) /* half of a causal Jacobian is 0; 0 times a finite number adds none */
                for (int j = i; j < n; j++)
                    to[j] += factor * from[j];
        }
}

/* An estimate of the first eigenvector of H, of norm near 1, from its upper triangle. */
static void power_iteration(double *x, double *y, const double *H, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = 1.0 + 0.01 * (double)(i % 17);
    for (int step = 0; step < ITERATIONS; step++) {
        double sum = 0.0;
        memset(y, 0, (size_t)n * sizeof *y);
        for (int i = 0; i < n; i++) {
            const double *row = H + (size_t)i * (size_t)n;
            double dot = row[i] * x[i];
            for (int j = i + 1; j < n; j++) {
                dot += row[j] * x[j];
                y[j] += row[j] * x[i];
            }
            y[i] += dot;
        }
        for (int i = 0; i < n; i++)
            sum += y[i] * y[i];
        if (!(sum > 0.0 && isfinite(sum)))
            return;
        for (int i = 0; i < n; i++)
            x[i] = y[i] / sqrt(sum);
    }
}

/* Cholesky's algorithm on R, upper triangle, in place; 1 if it runs to its end. */
static int cholesky(double *R, int n)
{
    for (int i = 0; i < n; i++) {
        double *row = R + (size_t)i * (size_t)n;
        if (!(row[i] > 0.0 && isfinite(row[i])))
            return 0;
        row[i] = sqrt(row[i]);
        for (int j = i + 1; j < n; j++)
            row[j] /= row[i];
        for (int k = i + 1; k < n; k++) {
            double *to = R + (size_t)k * (size_t)n, factor = row[k];
            if (factor != 0.0)
                for (int j = k; j < n; j++)
                    to[j] -= factor * row[j];
        }
    }
    return 1;
}

/* At least the largest eigenvalue of the exact A^T A, given H = fl(A^T A) and its estimate;
 * infinite if no attempt succeeds. R: memory of n x n. */
static double largest_eigenvalue_up(double *R, const double *H, double estimate, double frobenius,
                                    int rows, int n)
{
    for (double excess = 1e-10; excess < 0.2; excess *= 10.0) {
        double square = estimate * (1.0 + excess), trace = 0.0, largest = 0.0;
        for (int i = 0; i < n; i++) {
            const double *from = H + (size_t)i * (size_t)n;
            double *to = R + (size_t)i * (size_t)n;
            for (int j = i + 1; j < n; j++)
                to[j] = -from[j];
            to[i] = square - from[i];
            trace = bound_up(trace + fabs(to[i]));
            largest = fabs(to[i]) > largest ? fabs(to[i]) : largest;
        }
        if (!cholesky(R, n))
            continue;
        /* R^T R = (square I - H) + E, ||E||_2 <= gamma_(n+1) / (1 - gamma_(n+1)) trace (Higham,
         * theorem 10.3, summed); rounding of the diagonal; H against A^T A; what underflows. */
        double gamma = bound_gamma(n + 1);
        double error = bound_up(bound_up(gamma * trace) / bound_down(1.0 - gamma));
        error = bound_up(error + bound_up(BOUND_UNIT * largest));
        double square_of_norm = bound_up(frobenius * frobenius);
        error = bound_up(error + bound_up(bound_gamma(rows) * square_of_norm));
        double lost = (double)n * (double)n * (double)(n + rows + 2) * 2.0 * BOUND_UNDERFLOW;
        return bound_up(bound_up(square + error) + lost);
    }
    return INFINITY;
}

/* At most ||A x|| / ||x|| of the centre; y: memory of A->rows. */
static double rayleigh_down(const struct bound_matrix *A, const double *x, double *y,
                            double frobenius)
{
    int n = A->columns;
    for (int i = 0; i < A->rows; i++) {
        y[i] = 0.0;
        for (int j = 0; j < n; j++)
            y[i] += A->centre[(size_t)i * (size_t)n + (size_t)j] * x[j];
    }
    double length = bound_norm_up(x, (size_t)n);
    double error = bound_up(bound_gamma(n) * bound_up(frobenius * length));
    error = bound_up(error + (double)A->rows * (double)n * BOUND_UNDERFLOW);
    double image = bound_down(bound_norm_down(y, (size_t)A->rows) - error);
    return length > 0.0 && image > 0.0 ? bound_down(image / length) : 0.0;
}

struct bound_interval bound_spectral_interval(const struct bound_matrix *A)
{
    int n = A->columns;
    size_t square = (size_t)n * (size_t)n;
    double frobenius = bound_norm_up(A->centre, (size_t)A->rows * (size_t)n);
    struct bound_interval norm = unknown;
    double *memory = calloc(2 * square + 2 * (size_t)n + (size_t)A->rows, sizeof *memory);
    if (!memory || !isfinite(frobenius) || !isfinite(A->radius)) {
        free(memory);
        return unknown;
    }
    double *H = memory, *R = H + square, *x = R + square, *y = x + n, *image = y + n;
    gram(H, A->centre, A->rows, n);
    power_iteration(x, y, H, n);
    norm.lo = rayleigh_down(A, x, image, frobenius);
    double eigenvalue = largest_eigenvalue_up(R, H, norm.lo * norm.lo, frobenius, A->rows, n);
    double above = bound_up(sqrt(eigenvalue));
    norm.hi = bound_up((above < frobenius ? above : frobenius) + A->radius);
    norm.lo = bound_down(norm.lo - A->radius);
    if (!(norm.lo > 0.0))
        norm.lo = 0.0;
    free(memory);
    return norm;
}

/* --- the spectral radius ------------------------------------------------------------------------
 */

/* As many as the time of a power allows. */
static int doublings_for(int n)
{
    return n <= 64 ? 14 : n <= 256 ? 10 : 7;
}

/* A power of a matrix: A^order is P 2^scale. */
struct power {
    struct bound_matrix P;
    double scale, order;
};

static void normalise(struct power *p)
{
    double frobenius = bound_matrix_frobenius(&p->P);
    int e = 0;
    if (!(frobenius > 0x1p-900 && frobenius < 0x1p900))
        return;
    frexp(frobenius, &e);
    bound_matrix_scale(&p->P, &p->P, ldexp(1.0, -e), 0.0);
    p->scale += e;
}

/* (value 2^scale)^(1/order), widened by what logarithms and exponentials of libm may err: 4 ulp of
 * each intermediate (glibc documents at most 1) on quantities below 2^11 in size. */
static double root(double value, double scale, double order, int upwards)
{
    double logarithm = (log2(value) + scale) / order;
    double error = 16.0 * BOUND_UNIT * (1.0 + (fabs(log2(value)) + fabs(scale)) / order);
    double result = exp2(upwards ? logarithm + error : logarithm - error);
    return upwards ? result * (1.0 + 16.0 * BOUND_UNIT) : result * (1.0 - 16.0 * BOUND_UNIT);
}

/* Narrows rho by what this power says. */
static void judge(struct bound_interval *rho, const struct power *p)
{
    int n = p->P.columns;
    double above = bound_matrix_frobenius(&p->P), trace = 0.0, sizes = 0.0;
    if (!isfinite(above))
        return;
    double hi = above > 0.0 ? root(above, p->scale, p->order, 1) : 0.0;
    if (hi < rho->hi)
        rho->hi = hi;
    for (int i = 0; i < n; i++) {
        double entry = p->P.centre[(size_t)i * (size_t)n + (size_t)i];
        trace += entry;
        sizes += fabs(entry);
    }
    /* |trace(P)| <= n rho^order; trace(E) <= sqrt(n) ||E||_F */
    double error = bound_up(bound_gamma(n) * bound_sum_up(sizes, n));
    error = bound_up(error + bound_up(bound_up(sqrt((double)n)) * p->P.radius));
    double below = bound_down(bound_down(fabs(trace) - error) / (double)n);
    if (below > 0x1p-900) {
        double lo = root(below, p->scale, p->order, 0);
        if (lo > rho->lo)
            rho->lo = lo;
    }
}

static void square(struct power *to, const struct power *from)
{
    bound_matrix_product(&to->P, &from->P, &from->P);
    to->scale = 2.0 * from->scale;
    to->order = 2.0 * from->order;
    normalise(to);
}

struct bound_interval bound_spectral_radius(const struct bound_matrix *A)
{
    int n = A->columns, doublings = doublings_for(n);
    size_t bytes = (size_t)n * (size_t)n * sizeof(double);
    struct bound_interval rho = {0.0, INFINITY};
    struct power p = {bound_matrix_new(n, n), 0.0, 1.0}, next = {bound_matrix_new(n, n), 0.0, 1.0};
    struct power third = {bound_matrix_new(n, n), 0.0, 3.0};
    if (p.P.centre && next.P.centre && third.P.centre) {
        memcpy(p.P.centre, A->centre, bytes);
        p.P.radius = A->radius;
        normalise(&p);
        for (int k = 0; k < doublings; k++) {
            judge(&rho, &p);
            square(&next, &p);
            bound_matrix_product(&third.P, &next.P, &p.P);
            third.scale = next.scale + p.scale;
            third.order = next.order + p.order;
            judge(&rho, &third);
            struct power swap = p;
            p = next;
            next = swap;
        }
        judge(&rho, &p);
    }
    bound_matrix_free(&p.P);
    bound_matrix_free(&next.P);
    bound_matrix_free(&third.P);
    return rho;
}

/* --- non-negative matrices ----------------------------------------------------------------------
 */

/* z = N^T N x */
static void apply(double *z, double *y, const double *N, const double *x, int n)
{
    memset(z, 0, (size_t)n * sizeof *z);
    for (int i = 0; i < n; i++) {
        const double *row = N + (size_t)i * (size_t)n;
        y[i] = 0.0;
        for (int j = 0; j < n; j++)
            y[i] += row[j] * x[j];
        for (int j = 0; j < n; j++)
            z[j] += row[j] * y[i];
    }
}

/* At least max_j (N^T N x)_j / x_j, given z = fl(N^T N x): each z_j is a sum of n products with a
 * sum of n products. */
static double largest_ratio(const double *z, const double *x, int n)
{
    double most = 0.0;
    for (int j = 0; j < n; j++) {
        double ratio = bound_up(bound_sum_up(z[j], 2.0 * n + 2.0) / x[j]);
        if (!isfinite(ratio))
            return INFINITY;
        if (ratio > most)
            most = ratio;
    }
    return most;
}

double bound_nonnegative_above(const double *N, int n)
{
    double *x = calloc(3 * (size_t)n, sizeof *x), least = INFINITY;
    if (!x)
        return INFINITY;
    double *y = x + n, *z = y + n;
    for (int j = 0; j < n; j++)
        x[j] = 1.0;
    for (int step = 0; step < ITERATIONS; step++) {
        double most = 0.0;
        apply(z, y, N, x, n);
        double ratio = largest_ratio(z, x, n);
        if (step > LEAST_STEPS && ratio > least * (1.0 - 1e-9))
            break; /* it no longer falls */
        if (ratio < least)
            least = ratio;
        for (int j = 0; j < n; j++)
            most = z[j] > most ? z[j] : most;
        if (!(most > 0.0 && isfinite(most)))
            break;
        /* The floor keeps x positive, and small components from ruling the maximum. */
        for (int j = 0; j < n; j++)
            x[j] = z[j] / most + 1e-9;
    }
    free(x);
    double norm = bound_up(sqrt(least));
    return isfinite(norm) ? norm : INFINITY;
}
