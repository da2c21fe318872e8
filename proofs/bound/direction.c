/* direction.c - see direction.h. The logits' derivative is ds_ij = u_i . dy_j + h_j . dy_i with u_i
 * = scale W_K q_i^T and h_j = scale W_Q k_j^T. */
#include "direction.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 100 };

/* A probability below adds nothing to a proposal. */
#define NEGLIGIBLE 1e-20

/* y_i = x_i M, or x_i M^T; 1 x d and d x d. */
static void times(double *y, const double *x, const double *M, int d, int transposed)
{
    for (int a = 0; a < d; a++) {
        y[a] = 0.0;
        for (int b = 0; b < d; b++)
            y[a] += x[b] * (transposed ? M[a * d + b] : M[b * d + a]);
    }
}

/* Each row of y is that of x times its matrix of M, or of one matrix for all; x where there is
 * none. */
static void times_rows(double *y, const double *x, const struct bound_matrix *M, int n, int d,
                       int transposed)
{
    if (!M)
        memcpy(y, x, (size_t)n * (size_t)d * sizeof *y);
    for (int i = 0; M && i < n; i++)
        times(y + i * d, x + i * d, M[i].centre, d, transposed);
}

static double dot(const double *x, const double *y, int d)
{
    double sum = 0.0;
    for (int a = 0; a < d; a++)
        sum += x[a] * y[a];
    return sum;
}

static void add(double *to, double factor, const double *x, int d)
{
    for (int a = 0; a < d; a++)
        to[a] += factor * x[a];
}

static int keys(const struct bound_blocks *b, int i)
{
    return b->causal ? i + 1 : b->n;
}

/* h, n x d */
static void query_shares(double *h, const struct bound_blocks *b)
{
    for (int j = 0; j < b->n; j++)
        times(h + j * b->d, b->k.centre + j * b->d, b->W_Q.centre, b->d, 1);
}

/* dF += row i's part, dy and its values dv given; s: memory of n. */
static void forward_row(double *dF, const double *dy, const double *dv, const double *h,
                        const struct bound_blocks *b, int i, double *s)
{
    int d = b->d, n = keys(b, i);
    const double *p = b->p + (size_t)i * (size_t)b->n, *v = b->v.centre;
    double mean = 0.0;
    for (int j = 0; j < n; j++) {
        if (p[j] < NEGLIGIBLE)
            continue;
        s[j] = dot(b->u.centre + i * d, dy + j * d, d) + dot(h + j * d, dy + i * d, d);
        mean += p[j] * s[j];
    }
    for (int j = 0; j < n; j++) {
        if (p[j] < NEGLIGIBLE)
            continue;
        double slope = p[j] * (s[j] - mean);
        int to = b->map == BOUND_MAP_S ? i : j, from = b->map == BOUND_MAP_S ? j : i;
        add(dF + to * d, p[j], dv + from * d, d);
        add(dF + to * d, slope, v + from * d, d);
    }
}

void bound_jacobian_times(double *y, const double *x, const struct bound_blocks *b, double *memory)
{
    int n = b->n, d = b->d;
    double *dy = memory, *dv = dy + n * d, *h = dv + n * d, *dF = h + n * d, *s = dF + n * d;
    times_rows(dy, x, b->G, n, d, 0);
    for (int j = 0; j < n; j++)
        times(dv + j * d, dy + j * d, b->W_V.centre, d, 0);
    query_shares(h, b);
    memset(dF, 0, (size_t)n * (size_t)d * sizeof *dF);
    for (int i = 0; i < n; i++)
        forward_row(dF, dy, dv, h, b, i, s);
    if (b->residual)
        add(dF, 1.0, x, n * d);
    times_rows(y, dF, b->R, n, d, 0);
}

/* Row i's part of the derivatives by dy and dv, of g by dF. */
static void backward_row(double *dy, double *dv, const double *g, const double *h,
                         const struct bound_blocks *b, int i, double *s)
{
    int d = b->d, n = keys(b, i);
    const double *p = b->p + (size_t)i * (size_t)b->n, *v = b->v.centre;
    double mean = 0.0;
    for (int j = 0; j < n; j++) {
        int to = b->map == BOUND_MAP_S ? i : j, from = b->map == BOUND_MAP_S ? j : i;
        if (p[j] < NEGLIGIBLE)
            continue;
        s[j] = dot(g + to * d, v + from * d, d);
        mean += p[j] * s[j];
        add(dv + from * d, p[j], g + to * d, d);
    }
    for (int j = 0; j < n; j++) {
        if (p[j] < NEGLIGIBLE)
            continue;
        double slope = p[j] * (s[j] - mean);
        add(dy + j * d, slope, b->u.centre + i * d, d);
        add(dy + i * d, slope, h + j * d, d);
    }
}

void bound_transposed_times(double *y, const double *x, const struct bound_blocks *b,
                            double *memory)
{
    int n = b->n, d = b->d;
    double *g = memory, *dv = g + n * d, *h = dv + n * d, *dy = h + n * d, *s = dy + n * d;
    times_rows(g, x, b->R, n, d, 1);
    query_shares(h, b);
    memset(dv, 0, (size_t)n * (size_t)d * sizeof *dv);
    memset(dy, 0, (size_t)n * (size_t)d * sizeof *dy);
    for (int i = 0; i < n; i++)
        backward_row(dy, dv, g, h, b, i, s);
    for (int j = 0; j < n; j++)
        for (int a = 0; a < d; a++)
            dy[j * d + a] += dot(dv + j * d, b->W_V.centre + a * d, d);
    times_rows(y, dy, b->G, n, d, 1);
    if (b->residual)
        add(y, 1.0, g, n * d);
}

/* 1 if x could be brought to norm 1. */
static int normalise(double *x, int count)
{
    double norm = sqrt(dot(x, x, count));
    if (!(norm > 0.0 && isfinite(norm)))
        return 0;
    for (int i = 0; i < count; i++)
        x[i] /= norm;
    return 1;
}

void bound_direction(double *x, const struct bound_blocks *b)
{
    int count = b->n * b->d;
    double *memory = calloc(5 * (size_t)count + (size_t)b->n, sizeof *memory), *y = memory;
    /* No symmetry that a singular vector could be orthogonal to. */
    for (int i = 0; i < count; i++)
        x[i] = sin(1.0 + 1.7 * i) + 0.1;
    int going = memory && normalise(x, count);
    for (int step = 0; going && step < ITERATIONS; step++) {
        bound_jacobian_times(y, x, b, memory + count);
        bound_transposed_times(x, y, b, memory + count);
        going = normalise(x, count);
    }
    if (!going)
        memset(x, 0, (size_t)count * sizeof *x);
    free(memory);
}
