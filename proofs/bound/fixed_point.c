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

/* |f| at this share of 1 + |Z|, Z the state to begin with, is rounding; where |z| has grown by this
 * factor, Newton's method has diverged: at last z + Phi's change is z in doubles, and f 0. */
#define REACHED 0x1p-40
#define FAR     0x1p10

struct search {
    const struct bound_subject *subject;
    int n, d, size; /* the rows in play, the first of the sequence; size = n d */
    int modulo;
    arb_mat_t X, Z;
    double *z, *begin, *trial, *f, *move; /* of all rows */
    double *C;                            /* size x size: near the inverse of I - Phi' */
    double *work;                         /* size x size */
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
    s->z = calloc(5 * size + 2 * size * size, sizeof(double));
    if (!s->z)
        return 0;
    s->begin = s->z + size;
    s->trial = s->begin + size;
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

/* The iteration of the rows in play at the box around z of half-width r. */
static void evaluate(struct bound_iteration *t, struct search *s, const double *z, double r)
{
    arb_mat_t X, Z;
    arb_mat_window_init(X, s->X, 0, 0, s->n, s->d);
    arb_mat_window_init(Z, s->Z, 0, 0, s->n, s->d);
    bound_set_doubles(Z, z);
    for (int i = 0; r > 0.0 && i < s->size; i++)
        mag_set_d(arb_radref(arb_mat_entry(Z, i / s->d, i % s->d)), r); /* rounds up */
    bound_subject_iteration(t, s->subject, X, Z, s->modulo);
    arb_mat_window_clear(X);
    arb_mat_window_clear(Z);
}

/* f = z - Phi(z), midpoints; its norm. */
static double defect(double *f, struct search *s, const struct bound_iteration *t, const double *z)
{
    for (int i = 0; i < s->size; i++)
        f[i] =
            z[i] - arf_get_d(arb_midref(arb_mat_entry(t->image, i / s->d, i % s->d)), ARF_RND_NEAR);
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

/* C at the iteration t: of all rows in play, or of their last one alone. 0 if there is none. */
static int set_inverse(struct search *s, const struct bound_iteration *t, int last_alone)
{
    struct bound_matrix J = {0};
    int done = 0;
    if (t->blocks && last_alone) {
        J = bound_matrix_new(s->d, s->d);
        if (J.centre)
            bound_block(&J, t->blocks, s->n - 1, s->n - 1);
    } else if (t->blocks) {
        J = bound_blocks_jacobian(t->blocks);
    }
    if (J.centre && isfinite(J.radius)) {
        identity_minus(&J);
        done = invert(s->C, J.centre, J.rows);
    }
    bound_matrix_free(&J);
    return done;
}

/* The part of the rows in play that moves, and |f| there. */
struct part {
    int from, count;
};

static double residual_of(struct search *s, const double *z, struct part part)
{
    struct bound_iteration t;
    evaluate(&t, s, z, 0.0);
    defect(s->f, s, &t, z);
    bound_iteration_clear(&t);
    return length(s->f + part.from, part.count);
}

/* z + 2^-k move for the first k that makes |f| smaller; 0 if none of them does. */
static int step(struct search *s, struct part part, double *residual)
{
    for (int k = 0; k < HALVINGS; k++) {
        memcpy(s->trial, s->z, (size_t)s->size * sizeof *s->z);
        for (int i = 0; i < part.count; i++)
            s->trial[part.from + i] += ldexp(s->move[i], -k);
        double next = residual_of(s, s->trial, part);
        if (next < *residual) {
            *residual = next;
            memcpy(s->z, s->trial, (size_t)s->size * sizeof *s->z);
            return 1;
        }
    }
    return 0;
}

/* Newton's method on all rows in play, or on the last alone with the others fixed: with vectors as
 * rows the block of rows (b, a) of bound_block is the transposed of the Jacobian, which the whole
 * one is not. 1 if |f| fell to rounding. */
static int newton(struct bound_fixed_point *point, struct search *s, int last_alone)
{
    struct part part = {0, s->size};
    if (last_alone)
        part = (struct part){s->size - s->d, s->d};
    double residual = residual_of(s, s->z, part);
    for (int k = 0; k < STEPS; k++, point->steps++) {
        struct bound_iteration t;
        evaluate(&t, s, s->z, 0.0);
        defect(s->f, s, &t, s->z);
        int inverted = set_inverse(s, &t, last_alone);
        bound_iteration_clear(&t);
        if (!inverted)
            break;
        for (int i = 0; i < part.count; i++) {
            s->move[i] = 0.0;
            for (int j = 0; j < part.count; j++)
                s->move[i] -= s->C[last_alone ? j * part.count + i : i * part.count + j] *
                              s->f[part.from + j];
        }
        if (!step(s, part, &residual))
            break;
    }
    point->residual = residual;
    point->size = length(s->z + part.from, part.count);
    double size = 1.0 + length(s->begin + part.from, part.count);
    point->diverged = !(point->size <= FAR * size);
    return residual <= REACHED * size && !point->diverged;
}

/* With a causal mask a row's fixed point needs the rows before it only: one row after the other,
 * from its last state or, where that fails, from the fixed points of rows before it. */
static void row_by_row(struct bound_fixed_point *point, struct search *s, int n)
{
    enum { STARTS = 8 };
    int reached = 1;
    size_t bytes = (size_t)s->d * sizeof(double);
    point->rows = 0;
    while (reached && point->rows < n) {
        double *row = s->z + point->rows * s->d;
        s->n = point->rows + 1;
        s->size = s->n * s->d;
        reached = newton(point, s, 1);
        for (int k = 1; !reached && k <= STARTS && k < s->n; k++) {
            memcpy(row, s->z + (point->rows - k) * s->d, bytes);
            reached = newton(point, s, 1);
        }
        point->rows += reached;
    }
    s->n = point->rows;
    s->size = s->n * s->d;
}

static int is_causal(const struct bound_subject *subject)
{
    return subject->model && subject->model->config->mask == EER_MASK_CAUSAL;
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

/* At least sup ||I - C (I - Phi')|| over the box of half-width r around z.
 *
 * By the way an enclosure of rho(Phi') at the fixed point, which lies in the box if the test
 * succeeds: J is a ball of all Jacobians in the box, and bound_spectral_radius encloses rho(A) of
 * every single A in a ball. It multiplies balls as if their matrices were independent of each
 * other; the ball of A^m then holds all products of m matrices of J, those of m times the same one
 * among them: wider than need be, never too narrow. So an upper end below 1 is above rho(Phi') at
 * the fixed point, and the iteration is attracted (Ostrowski); a lower end above 1 is below it. At
 * a kink Phi' does not exist, and neither follows. */
static double contraction_up(struct bound_fixed_point *point, struct search *s, double r)
{
    struct bound_iteration t;
    struct bound_matrix C = {s->size, s->size, s->C, 0.0}, J = {0};
    struct bound_matrix product = {s->size, s->size, s->work, 0.0};
    double norm = INFINITY;
    evaluate(&t, s, s->z, r);
    point->kinks = t.kinks;
    if (t.blocks)
        J = bound_blocks_jacobian(t.blocks);
    if (J.centre) {
        point->spectral_radius = bound_iteration_radius(&t, &J);
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
        point->contraction = contraction_up(point, s, r);
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

static void find(struct bound_fixed_point *point, struct search *s, int n)
{
    point->start = residual_of(s, s->z, (struct part){0, s->size});
    if (is_causal(s->subject))
        row_by_row(point, s, n);
    else
        point->rows = newton(point, s, 0) ? n : 0;
    if (point->rows == 0)
        return;
    struct bound_iteration t;
    evaluate(&t, s, s->z, 0.0);
    point->residual = defect(s->f, s, &t, s->z);
    int inverted = set_inverse(s, &t, 0);
    bound_iteration_clear(&t);
    if (inverted)
        krawczyk(point, s);
}

void bound_fixed_point(struct bound_fixed_point *point, const struct bound_subject *subject,
                       const double *X, const double *Z, int n)
{
    int d = subject->model ? subject->model->config->d : subject->loop->d;
    struct search s;
    *point = (struct bound_fixed_point){.start = INFINITY,
                                        .residual = INFINITY,
                                        .distance = INFINITY,
                                        .radius = INFINITY,
                                        .step = INFINITY,
                                        .contraction = INFINITY,
                                        .spectral_radius = {0.0, INFINITY}};
    if (n * d > BOUND_MOST_FIXED)
        return;
    if (search_init(&s, subject, X, n, d)) {
        size_t bytes = (size_t)s.size * sizeof *s.z;
        point->tried = 1;
        memcpy(s.z, Z, bytes);
        if (s.modulo)
            centre_rows(s.z, n, d);
        memcpy(s.begin, s.z, bytes);
        find(point, &s, n);
        for (int i = 0; i < s.size; i++)
            s.begin[i] -= s.z[i];
        point->distance = length(s.begin, s.size);
    }
    search_clear(&s);
}
