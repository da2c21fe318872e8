/* matrix_ball.c - see matrix_ball.h. */
#include "matrix_ball.h"

#include <stdlib.h>
#include <string.h>

#include "outward.h"

struct bound_matrix bound_matrix_new(int rows, int columns)
{
    size_t count = (size_t)rows * (size_t)columns;
    return (struct bound_matrix){rows, columns, calloc(count > 0 ? count : 1, sizeof(double)), 0.0};
}

void bound_matrix_free(struct bound_matrix *A)
{
    free(A->centre);
    A->centre = NULL;
}

static size_t entries(const struct bound_matrix *A)
{
    return (size_t)A->rows * (size_t)A->columns;
}

static double sum_of_squares(const double *x, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sum;
}

double bound_norm_up(const double *x, size_t count)
{
    return bound_up(sqrt(bound_sum_up(sum_of_squares(x, count), (double)count)));
}

double bound_norm_down(const double *x, size_t count)
{
    double root = bound_down(sqrt(bound_sum_down(sum_of_squares(x, count), (double)count)));
    return root > 0.0 ? root : 0.0;
}

/* a b + c, from above; all at least 0. */
static double multiply_add(double a, double b, double c)
{
    return bound_up(bound_up(a * b) + c);
}

void bound_matrix_product(struct bound_matrix *C, const struct bound_matrix *A,
                          const struct bound_matrix *B)
{
    int inner = A->columns, columns = B->columns;
    memset(C->centre, 0, entries(C) * sizeof(double));
    for (int i = 0; i < A->rows; i++)
        for (int k = 0; k < inner; k++) {
            double factor = A->centre[(size_t)i * (size_t)inner + (size_t)k];
            const double *from = B->centre + (size_t)k * (size_t)columns;
            double *to = C->centre + (size_t)i * (size_t)columns;
            for (int j = 0; j < columns; j++)
                to[j] += factor * from[j];
        }
    double norm_A = bound_norm_up(A->centre, entries(A));
    double norm_B = bound_norm_up(B->centre, entries(B));
    /* |fl(A B) - A B| <= gamma_inner |A| |B| in every entry, and what underflows */
    double radius = bound_up(entries(C) * (double)inner * BOUND_UNDERFLOW);
    radius = multiply_add(bound_gamma(inner), bound_up(norm_A * norm_B), radius);
    radius = multiply_add(norm_A, B->radius, radius);
    radius = multiply_add(A->radius, bound_up(norm_B + B->radius), radius);
    C->radius = radius;
}

void bound_matrix_add(struct bound_matrix *C, const struct bound_matrix *A,
                      const struct bound_matrix *B)
{
    size_t count = entries(A);
    for (size_t i = 0; i < count; i++)
        C->centre[i] = A->centre[i] + B->centre[i];
    double rounding = bound_up(BOUND_UNIT * bound_norm_up(C->centre, count));
    C->radius = bound_up(bound_up(A->radius + B->radius) + rounding);
}

void bound_matrix_scale(struct bound_matrix *C, const struct bound_matrix *A, double factor,
                        double deviation)
{
    size_t count = entries(A);
    double norm_A = bound_norm_up(A->centre, count), radius_A = A->radius;
    for (size_t i = 0; i < count; i++)
        C->centre[i] = factor * A->centre[i];
    double radius = bound_up((double)count * BOUND_UNDERFLOW);
    radius = multiply_add(BOUND_UNIT, bound_norm_up(C->centre, count), radius);
    radius = multiply_add(deviation, bound_up(norm_A + radius_A), radius);
    C->radius = multiply_add(fabs(factor), radius_A, radius);
}

void bound_matrix_add_identity(struct bound_matrix *C)
{
    double rounding = 0.0;
    for (int i = 0; i < C->rows; i++) {
        double *x = &C->centre[(size_t)i * (size_t)C->columns + (size_t)i];
        *x += 1.0;
        rounding = bound_up(rounding + bound_up(BOUND_UNIT * fabs(*x)));
    }
    C->radius = bound_up(C->radius + rounding);
}

double bound_matrix_frobenius(const struct bound_matrix *A)
{
    double norm = bound_up(bound_norm_up(A->centre, entries(A)) + A->radius);
    return isfinite(norm) ? norm : INFINITY;
}

enum { SQUARINGS = 4, MOST_EXPONENT = 1000 };

/* e with the largest entry in [2^(e-1), 2^e), or as near as 2^-e is a normal number. */
static int exponent(const double *x, size_t count)
{
    double most = 0.0;
    int e = 0;
    for (size_t i = 0; i < count; i++)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    if (most > 0.0 && isfinite(most))
        frexp(most, &e);
    if (e > MOST_EXPONENT)
        return MOST_EXPONENT;
    return e < -MOST_EXPONENT ? -MOST_EXPONENT : e;
}

/* A 2^-e; exact but for what underflows. */
static void shift(struct bound_matrix *A, int e)
{
    size_t count = entries(A);
    double factor = ldexp(1.0, -e);
    for (size_t i = 0; i < count; i++)
        A->centre[i] *= factor;
    A->radius = bound_up(bound_up(A->radius * factor) + (double)count * BOUND_UNDERFLOW);
}

/* G = T A, T = A^T. */
static void gram(struct bound_matrix *G, struct bound_matrix *T, const struct bound_matrix *A)
{
    for (int i = 0; i < A->rows; i++)
        for (int j = 0; j < A->columns; j++)
            T->centre[j * A->rows + i] = A->centre[i * A->columns + j];
    T->radius = A->radius;
    bound_matrix_product(G, T, A);
}

/* At least ||A||_2; A is scaled. G and H: memory of columns x columns. */
static double gram_powers(struct bound_matrix *A, struct bound_matrix *T, struct bound_matrix *G,
                          struct bound_matrix *H)
{
    int e = exponent(A->centre, entries(A)), scale = 0; /* the power is G 2^scale */
    shift(A, e);
    gram(G, T, A);
    for (int k = 0; k < SQUARINGS; k++) {
        int shifted = exponent(G->centre, entries(G));
        shift(G, shifted);
        bound_matrix_product(H, G, G);
        struct bound_matrix swap = *G;
        *G = *H;
        *H = swap;
        scale = 2 * (scale + shifted);
    }
    /* The root of order 2^(SQUARINGS + 1); the exponent's whole part is taken out of it. */
    int order = 1 << (SQUARINGS + 1), whole = (int)floor((double)scale / order);
    double root = bound_up(ldexp(bound_matrix_frobenius(G), scale - order * whole));
    for (int k = 0; k <= SQUARINGS; k++)
        root = bound_up(sqrt(root));
    return bound_up(ldexp(root, whole + e));
}

double bound_matrix_norm(const struct bound_matrix *A)
{
    struct bound_matrix centre = bound_matrix_new(A->rows, A->columns);
    struct bound_matrix T = bound_matrix_new(A->columns, A->rows);
    struct bound_matrix G = bound_matrix_new(A->columns, A->columns);
    struct bound_matrix H = bound_matrix_new(A->columns, A->columns);
    double norm = INFINITY;
    if (centre.centre && T.centre && G.centre && H.centre) {
        memcpy(centre.centre, A->centre, entries(A) * sizeof(double));
        norm = bound_up(gram_powers(&centre, &T, &G, &H) + A->radius);
    }
    bound_matrix_free(&centre);
    bound_matrix_free(&T);
    bound_matrix_free(&G);
    bound_matrix_free(&H);
    return isfinite(norm) ? norm : INFINITY;
}
