/* fixed_point.c - see certificate.h. Doubles propose the point and the inverse; balls decide. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "certificate.h"
#include "norm.h"
#include "outward.h"
#include "spectrum.h"
#include "subject.h"

enum { STEPS = 40, HALVINGS = 8 };

/* |f| at this share of 1 + |z| is rounding. */
#define REACHED 0x1p-40

struct search {
    const struct bound_subject *subject;
    int n, d, size, modulo; /* size = n d */
    arb_mat_t X, Z;
    double *z, *trial, *f, *move; /* size each */
    double *C;                    /* size x size: near the inverse of I - Phi' */
    double *work;                 /* size x size */
};

static int search_init(struct search *s, const struct bound_subject *subject, const double *X,
                       int n, int d)
{
    s->subject = subject;
    s->n = n;
    s->d = d;
    s->size = n * d;
    s->modulo = bound_subject_has_quotient(subject);
    arb_mat_init(s->X, n, d);
    arb_mat_init(s->Z, n, d);
    bound_set_doubles(s->X, X);
    size_t size = (size_t)s->size;
    s->z = calloc(4 * size + 2 * size * size, sizeof(double));
    if (!s->z)
        return 0;
    s->trial = s->z + size;
    s->f = s->trial + size;
    s->move = s->f + size;
    s->C = s->move + size;
    s->work = s->C + size * size;
    return 1;
}

static void search_clear(struct search *s)
{
    arb_mat_clear(s->X);
    arb_mat_clear(s->Z);
    free(s->z);
}

static double length(const double *x, int count)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* The iteration at the box around z of half-width r. */
static void evaluate(struct bound_iteration *t, struct search *s, const double *z, double r)
{
    bound_set_doubles(s->Z, z);
    for (int i = 0; r > 0.0 && i < s->size; i++)
        mag_set_d(arb_radref(arb_mat_entry(s->Z, i / s->d, i % s->d)), r); /* rounds up */
    bound_subject_iteration(t, s->subject, s->X, s->Z, s->modulo);
}

/* f = z - Phi(z), midpoints; its norm. */
static double defect(double *f, struct search *s, const struct bound_iteration *t, const double *z)
{
    for (int i = 0; i < s->size; i++)
        f[i] = z[i] - arf_get_d(arb_midref(arb_mat_entry(t->image, i / s->d, i % s->d)),
                                ARF_RND_NEAR);
    return length(f, s->size);
}

/* A^-1 by Gauss and Jordan with row pivots, n x n, A is destroyed; 0 if a pivot is 0. */
static int invert(double *inverse, double *A, int n)
{
    memset(inverse, 0, (size_t)n * (size_t)n * sizeof *inverse);
    for (int i = 0; i < n; i++)
        inverse[i * n + i] = 1.0;
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++)
            if (fabs(A[i * n + k]) > fabs(A[pivot * n + k]))
                pivot = i;
        if (!(fabs(A[pivot * n + k]) > 0.0))
            return 0;
        for (int j = 0; j < n && pivot != k; j++) {
            double swap = A[k * n + j];
            A[k * n + j] = A[pivot * n + j];
            A[pivot * n + j] = swap;
            swap = inverse[k * n + j];
            inverse[k * n + j] = inverse[pivot * n + j];
            inverse[pivot * n + j] = swap;
        }
        double scale = 1.0 / A[k * n + k];
        for (int j = 0; j < n; j++) {
            A[k * n + j] *= scale;
            inverse[k * n + j] *= scale;
        }
        for (int i = 0; i < n; i++) {
            double factor = A[i * n + k];
            if (i == k || factor == 0.0)
                continue;
            for (int j = k; j < n; j++)
                A[i * n + j] -= factor * A[k * n + j];
            for (int j = 0; j < n; j++)
                inverse[i * n + j] -= factor * inverse[k * n + j];
        }
    }
    return 1;
}

/* I - J of the ball J, in place. */
static void identity_minus(struct bound_matrix *J)
{
    size_t count = (size_t)J->rows * (size_t)J->columns;
    for (size_t i = 0; i < count; i++)
        J->centre[i] = -J->centre[i];
    bound_matrix_add_identity(J);
}

/* C at the iteration t; 0 if there is none. */
static int set_inverse(struct search *s, const struct bound_iteration *t)
{
    struct bound_matrix J = {0};
    int done = 0;
    if (t->blocks)
        J = bound_blocks_jacobian(t->blocks);
    if (J.centre && isfinite(J.radius)) {
        identity_minus(&J);
        done = invert(s->C, J.centre, s->size);
    }
    bound_matrix_free(&J);
    return done;
}

/* z + 2^-k move for the first k that makes |f| smaller; 0 if none of them does. */
static int step(struct search *s, double *residual)
{
    struct bound_iteration t;
    for (int k = 0; k < HALVINGS; k++) {
        for (int i = 0; i < s->size; i++)
            s->trial[i] = s->z[i] + ldexp(s->move[i], -k);
        evaluate(&t, s, s->trial, 0.0);
        double next = defect(s->f, s, &t, s->trial);
        bound_iteration_clear(&t);
        if (next < *residual) {
            *residual = next;
            memcpy(s->z, s->trial, (size_t)s->size * sizeof *s->z);
            return 1;
        }
    }
    return 0;
}

static void newton(struct bound_fixed_point *point, struct search *s)
{
    struct bound_iteration t;
    evaluate(&t, s, s->z, 0.0);
    point->start = point->residual = defect(s->f, s, &t, s->z);
    bound_iteration_clear(&t);
    for (point->steps = 0; point->steps < STEPS; point->steps++) {
        evaluate(&t, s, s->z, 0.0);
        defect(s->f, s, &t, s->z);
        int inverted = set_inverse(s, &t);
        bound_iteration_clear(&t);
        if (!inverted)
            break;
        for (int i = 0; i < s->size; i++) {
            s->move[i] = 0.0;
            for (int j = 0; j < s->size; j++)
                s->move[i] -= s->C[i * s->size + j] * s->f[j];
        }
        if (!step(s, &point->residual))
            break;
    }
    point->reached = point->residual <= REACHED * (1.0 + length(s->z, s->size));
}

/* At least |C f(z)|. */
static double step_up(struct search *s)
{
    struct bound_iteration t;
    struct bound_matrix C = {s->size, s->size, s->C, 0.0};
    struct bound_matrix f = {s->size, 1, s->f, 0.0}, image = {s->size, 1, s->move, 0.0};
    arb_mat_t column;
    evaluate(&t, s, s->z, 0.0);
    arb_mat_init(column, s->size, 1);
    for (int i = 0; i < s->size; i++)
        arb_sub(arb_mat_entry(column, i, 0), arb_mat_entry(s->Z, i / s->d, i % s->d),
                arb_mat_entry(t.image, i / s->d, i % s->d), BOUND_PRECISION);
    bound_matrix_set_arb(&f, column);
    arb_mat_clear(column);
    bound_iteration_clear(&t);
    bound_matrix_product(&image, &C, &f);
    return bound_matrix_frobenius(&image);
}

/* At least sup ||I - C (I - Phi')|| over the box of half-width r around z; the spectral radius there. */
static double contraction_up(struct search *s, double r, struct bound_interval *radius)
{
    struct bound_iteration t;
    struct bound_matrix C = {s->size, s->size, s->C, 0.0}, J = {0};
    struct bound_matrix product = {s->size, s->size, s->work, 0.0};
    double norm = INFINITY;
    evaluate(&t, s, s->z, r);
    if (t.blocks)
        J = bound_blocks_jacobian(t.blocks);
    if (J.centre) {
        *radius = bound_iteration_radius(&t, &J);
        identity_minus(&J);
        bound_matrix_product(&product, &C, &J);
        identity_minus(&product);
        norm = bound_spectral_interval(&product).hi;
    }
    bound_matrix_free(&J);
    bound_iteration_clear(&t);
    return norm;
}

static void krawczyk(struct bound_fixed_point *point, struct search *s)
{
    enum { ATTEMPTS = 4 };
    point->step = step_up(s);
    double r = 2.0 * point->step;
    for (int k = 0; k < ATTEMPTS && !point->proved && isfinite(r); k++) {
        point->radius = r;
        point->contraction = contraction_up(s, r, &point->spectral_radius);
        double inner = bound_up(point->step + bound_up(point->contraction * r));
        point->proved = inner < r && point->contraction < 1.0;
        r *= 16.0;
    }
}

/* Subtracts each row's mean. */
static void centre_rows(double *z, int n, int d)
{
    for (int i = 0; i < n; i++) {
        double mean = 0.0;
        for (int a = 0; a < d; a++)
            mean += z[i * d + a] / d;
        for (int a = 0; a < d; a++)
            z[i * d + a] -= mean;
    }
}

void bound_fixed_point(struct bound_fixed_point *point, const struct bound_subject *subject,
                       const double *X, const double *Z, int n, double *fixed)
{
    int d = subject->model ? subject->model->config->d : subject->loop->d;
    struct search s;
    *point = (struct bound_fixed_point){.residual = INFINITY,
                                        .radius = INFINITY,
                                        .step = INFINITY,
                                        .contraction = INFINITY,
                                        .spectral_radius = {0.0, INFINITY}};
    if (n * d > BOUND_MOST_FIXED)
        return;
    if (search_init(&s, subject, X, n, d)) {
        point->tried = 1;
        memcpy(s.z, Z, (size_t)s.size * sizeof *s.z);
        if (s.modulo)
            centre_rows(s.z, n, d);
        memcpy(s.trial, s.z, (size_t)s.size * sizeof *s.z);
        double *start = malloc((size_t)s.size * sizeof *start);
        if (start)
            memcpy(start, s.z, (size_t)s.size * sizeof *start);
        newton(point, &s);
        for (int i = 0; start && i < s.size; i++)
            start[i] -= s.z[i];
        point->distance = start ? length(start, s.size) : INFINITY;
        free(start);
        if (point->reached)
            krawczyk(point, &s);
        if (fixed)
            memcpy(fixed, s.z, (size_t)s.size * sizeof *fixed);
    }
    search_clear(&s);
}
