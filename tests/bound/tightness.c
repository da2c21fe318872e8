/* tightness.c - how near ||DF|| comes to its bounds for random weights: medians of ||DF|| / bound.
 *
 * d = 8; Y, W_Q, W_K and W_V Gaussian; M = s W_Q W_K^T, s such that the rows' mean entropy S_1.5 is
 * 1.1. ||DF|| is approached from below by the power iteration with products DF[D] and their
 * adjoints, in doubles, so that every ratio of a bound is at most the exact one; norms of S and of
 * the blocks' norms are taken from above (Collatz and Wielandt). At n = 16 all is compared with
 * claims.c, which forms the Jacobian. */
#include "claims.h"

#include "../../proofs/bound/attention.h"
#include "../../ref/ref.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = COLUMNS, SQUARE = WIDTH * WIDTH, LENGTHS = 3, INSTANCES = 15 };

/* n tokens; instances; steps of the power iteration. */
static const struct {
    int n, instances, steps;
} length_of[LENGTHS] = {{16, INSTANCES, 1000}, {64, 9, 400}, {1000, 3, 60}};

enum column {
    COLUMN_A,
    COLUMN_A_LAMBDA,
    COLUMN_SUMS,
    COLUMN_A_PRIME,
    COLUMN_R,
    COLUMN_CASTIN,
    COLUMN_BLOCKS,
    COLUMN_SCHUR,
    COLUMN_PRINTED,
    COLUMN_TABLE,
};
static const char *const column_name[COLUMN_TABLE] = {
    "A (i)", "A (iii)", "A, sums", "A'", "R", "Castin", "||N||", "Schur", "(printed)",
};

struct problem {
    int n, transposed;
    double *Y, *a, *values, *mean; /* n x d: a_i = M^T y_i, Y W_V, S Y */
    double *keys;                  /* n x d: M y_j */
    double *D, *image, *product;   /* n x d */
    double *S, *N;                 /* n x n */
    double *x, *y;                 /* n */
    double W_Q[SQUARE], W_K[SQUARE], W_V[SQUARE], M[SQUARE];
    double norm, bound[COLUMN_TABLE];
};

static double memory_G[SQUARE], memory_H[SQUARE], memory_row[WIDTH];

static double dot(const double *x, const double *y)
{
    double sum = 0;
    for (int b = 0; b < WIDTH; b++)
        sum += x[b] * y[b];
    return sum;
}

static void add(double *x, double factor, const double *y)
{
    for (int b = 0; b < WIDTH; b++)
        x[b] += factor * y[b];
}

static double spectral_norm(const double *A, int rows)
{
    return ref_spectral_norm(memory_G, memory_H, memory_row, A, rows, WIDTH);
}

static void normal(double *x, int count, uint64_t *random)
{
    for (int k = 0; k < count; k++)
        x[k] = random_normal(random);
}

/* --- the map
 * --------------------------------------------------------------------------------------
 */

/* S for the logits factor a_i . y_j; the rows' mean S_1.5. */
static double attention(struct problem *p, double factor)
{
    double powers = 0;
    for (int i = 0; i < p->n; i++) {
        double *r = p->S + (size_t)i * (size_t)p->n, largest = -INFINITY, sum = 0;
        for (int j = 0; j < p->n; j++)
            largest = fmax(largest, r[j] = factor * dot(p->a + i * WIDTH, p->Y + j * WIDTH));
        for (int j = 0; j < p->n; j++)
            sum += r[j] = exp(r[j] - largest);
        for (int j = 0; j < p->n; j++) {
            r[j] /= sum;
            powers += r[j] * sqrt(r[j]);
        }
    }
    return 2 * (1 - powers / p->n);
}

/* Random weights, scaled by bisection: the sharper, the smaller the entropy. */
static void draw(struct problem *p, uint64_t *random)
{
    enum { BISECTIONS = 30 };
    int n = p->n;
    double low = -20, high = 20; /* log2 of the factor */

    normal(p->Y, n * WIDTH, random);
    normal(p->W_Q, SQUARE, random);
    normal(p->W_K, SQUARE, random);
    normal(p->W_V, SQUARE, random);
    for (int b = 0; b < WIDTH; b++)
        for (int c = 0; c < WIDTH; c++)
            p->M[b * WIDTH + c] = dot(p->W_Q + b * WIDTH, p->W_K + c * WIDTH);
    multiply(p->a, p->Y, 0, p->M, n, WIDTH, WIDTH);
    for (int k = 0; k < BISECTIONS; k++) {
        double middle = (low + high) / 2;
        if (attention(p, exp2(middle)) > 1.1)
            low = middle;
        else
            high = middle;
    }
    ref_multiply(p->W_Q, exp2(low), SQUARE);
    ref_multiply(p->M, exp2(low), SQUARE);
    multiply(p->a, p->Y, 0, p->M, n, WIDTH, WIDTH);
    attention(p, 1);
    multiply(p->mean, p->S, 0, p->Y, n, n, WIDTH);
    multiply(p->values, p->Y, 0, p->W_V, n, WIDTH, WIDTH);
    for (int j = 0; j < n; j++)
        multiply(p->keys + j * WIDTH, p->M, 0, p->Y + j * WIDTH, WIDTH, WIDTH, 1);
}

/* J_i u in place, J_i = diag(r) - r r^T. */
static void softmax_product(double *u, const double *r, int n)
{
    double mean = 0;
    for (int j = 0; j < n; j++)
        mean += r[j] * u[j];
    for (int j = 0; j < n; j++)
        u[j] = r[j] * (u[j] - mean);
}

/* image = DF[D] */
static void derivative(struct problem *p)
{
    int n = p->n;
    double row[WIDTH];

    memset(p->image, 0, (size_t)(n * WIDTH) * sizeof *p->image);
    multiply(p->product, p->D, 0, p->W_V, n, WIDTH, WIDTH);
    for (int i = 0; i < n; i++) {
        const double *r = p->S + (size_t)i * (size_t)n;
        for (int j = 0; j < n; j++)
            p->x[j] = dot(p->D + i * WIDTH, p->keys + j * WIDTH) +
                      dot(p->a + i * WIDTH, p->D + j * WIDTH);
        softmax_product(p->x, r, n);
        memset(row, 0, sizeof row);
        for (int j = 0; j < n; j++) {
            int from = p->transposed ? i : j;
            double *to = p->transposed ? p->image + j * WIDTH : row;
            add(to, p->x[j], p->values + from * WIDTH);
            add(to, r[j], p->product + from * WIDTH);
        }
        add(p->image + i * WIDTH, 1, row);
    }
}

/* D = DF^T[image] */
static void adjoint(struct problem *p)
{
    int n = p->n;

    memset(p->D, 0, (size_t)(n * WIDTH) * sizeof *p->D);
    memset(p->product, 0, (size_t)(n * WIDTH) * sizeof *p->product);
    for (int i = 0; i < n; i++) {
        const double *r = p->S + (size_t)i * (size_t)n;
        for (int j = 0; j < n; j++) {
            int from = p->transposed ? i : j, to = p->transposed ? j : i;
            p->x[j] = dot(p->values + from * WIDTH, p->image + to * WIDTH);
            add(p->product + from * WIDTH, r[j], p->image + to * WIDTH);
        }
        softmax_product(p->x, r, n);
        for (int j = 0; j < n; j++) {
            add(p->D + i * WIDTH, p->x[j], p->keys + j * WIDTH);
            add(p->D + j * WIDTH, p->x[j], p->a + i * WIDTH);
        }
    }
    for (int i = 0; i < n; i++)
        for (int b = 0; b < WIDTH; b++)
            p->D[i * WIDTH + b] += dot(p->W_V + b * WIDTH, p->product + i * WIDTH);
}

/* ||DF|| from below; D ends where it was found. */
static void derivative_norm(struct problem *p, int steps, uint64_t *random)
{
    int size = p->n * WIDTH;
    normal(p->D, size, random);
    for (int k = 0;; k++) {
        ref_multiply(p->D, 1 / ref_frobenius(p->D, size), size);
        derivative(p);
        p->norm = ref_frobenius(p->image, size);
        if (k == steps)
            return;
        adjoint(p);
    }
}

/* --- bounds --------------------------------------------------------------------------------------
 */

/* ||A|| of a positive n x n matrix from above: max_j (A^T A x)_j / x_j for an x > 0. */
static double positive_norm(struct problem *p, const double *A)
{
    enum { STEPS = 100 };
    int n = p->n;
    double most = 0;

    for (int j = 0; j < n; j++)
        p->x[j] = 1;
    for (int step = 0; step < STEPS; step++) {
        multiply(p->y, A, 0, p->x, n, n, 1);
        memset(p->product, 0, (size_t)n * sizeof *p->product);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                p->product[j] += A[(size_t)i * (size_t)n + (size_t)j] * p->y[i];
        most = 0;
        for (int j = 0; j < n; j++)
            most = fmax(most, p->product[j] / p->x[j]);
        for (int j = 0; j < n; j++)
            p->x[j] = fmax(p->product[j] / most, 0x1p-30);
    }
    return sqrt(most);
}

/* x = y_j - mu_i */
static void deviation(double *x, const struct problem *p, int i, int j)
{
    for (int b = 0; b < WIDTH; b++)
        x[b] = p->Y[j * WIDTH + b] - p->mean[i * WIDTH + b];
}

/* block += factor left right^T */
static void add_outer(double *block, double factor, const double *left, const double *right)
{
    for (int b = 0; b < WIDTH; b++)
        add(block + b * WIDTH, factor * left[b], right);
}

/* C = sum_j weight_j (y_j - mu_i)(y_j - mu_i)^T, weight_j = r_ij or its square. */
static void covariance(double *C, const struct problem *p, int i, int squared)
{
    double x[WIDTH];
    memset(C, 0, SQUARE * sizeof *C);
    for (int j = 0; j < p->n; j++) {
        double r = p->S[(size_t)i * (size_t)p->n + (size_t)j];
        deviation(x, p, i, j);
        add_outer(C, squared ? r * r : r, x, x);
    }
}

/* ||T x|| = sqrt(||T x x^T T^T||) for x^T of rows r_ij (y_j - mu_i): the norm of J_i Y T^T. */
static double deviations_norm(const struct problem *p, const double *T, int transposed, int i)
{
    double C[SQUARE], left[SQUARE], right[SQUARE];
    covariance(C, p, i, 1);
    for (int b = 0; b < WIDTH; b++)
        for (int c = 0; c < WIDTH; c++)
            right[b * WIDTH + c] = transposed ? T[b * WIDTH + c] : T[c * WIDTH + b];
    multiply(left, C, 0, right, WIDTH, WIDTH, WIDTH);
    multiply(C, right, 1, left, WIDTH, WIDTH, WIDTH);
    return sqrt(spectral_norm(C, WIDTH));
}

static double sums(struct problem *p, double S, double v)
{
    double C[SQUARE], left[SQUARE], most = 0;
    for (int i = 0; i < p->n; i++) {
        double norm, factor;
        if (p->transposed) {
            norm = deviations_norm(p, p->M, 0, i);
            factor = ref_row_lambda(p->S + (size_t)i * (size_t)p->n, p->n);
        } else {
            covariance(C, p, i, 0);
            multiply(left, p->M, 0, C, WIDTH, WIDTH, WIDTH);
            multiply(C, left, 0, p->W_V, WIDTH, WIDTH, WIDTH);
            norm = spectral_norm(C, WIDTH);
            factor = deviations_norm(p, p->W_V, 1, i);
        }
        most = fmax(most, norm);
        memset(p->product + i * WIDTH, 0, WIDTH * sizeof *p->product);
        add(p->product + i * WIDTH, factor, p->a + i * WIDTH);
    }
    most += spectral_norm(p->product, p->n);
    return most * (p->transposed ? spectral_norm(p->values, p->n) : 1) + S * v;
}

/* The block that takes row j of a direction to row i: spec/theorem.md, "Blocks". */
static void block_S(double *block, const struct problem *p, int i, int j)
{
    double r = p->S[(size_t)i * (size_t)p->n + (size_t)j], C[SQUARE], left[SQUARE];
    double x[WIDTH], value[WIDTH];

    deviation(x, p, i, j);
    multiply(value, x, 0, p->W_V, 1, WIDTH, WIDTH);
    for (int e = 0; e < SQUARE; e++)
        block[e] = r * p->W_V[e];
    add_outer(block, r, p->a + i * WIDTH, value);
    if (i != j)
        return;
    covariance(C, p, i, 0);
    multiply(left, p->M, 0, C, WIDTH, WIDTH, WIDTH);
    multiply(C, left, 0, p->W_V, WIDTH, WIDTH, WIDTH);
    for (int e = 0; e < SQUARE; e++)
        block[e] += C[e];
}

static void block_ST(double *block, const struct problem *p, int i, int j)
{
    int n = p->n;
    double r = p->S[j * n + i], x[WIDTH], M_x[WIDTH];

    deviation(x, p, j, i);
    multiply(M_x, p->M, 0, x, WIDTH, WIDTH, 1);
    for (int e = 0; e < SQUARE; e++)
        block[e] = r * p->W_V[e];
    add_outer(block, r, M_x, p->values + j * WIDTH);
    for (int k = 0; k < n; k++) {
        double weight = p->S[k * n + i] * ((i == j) - p->S[k * n + j]);
        add_outer(block, weight, p->a + k * WIDTH, p->values + k * WIDTH);
    }
}

static void block_norms(struct problem *p)
{
    int n = p->n;
    double block[SQUARE], row = 0, column = 0;

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (p->transposed)
                block_ST(block, p, i, j);
            else
                block_S(block, p, i, j);
            p->N[(size_t)i * (size_t)n + (size_t)j] = spectral_norm(block, WIDTH);
        }
    for (int i = 0; i < n; i++) {
        double across = 0, down = 0;
        for (int j = 0; j < n; j++) {
            across += p->N[(size_t)i * (size_t)n + (size_t)j];
            down += p->N[(size_t)j * (size_t)n + (size_t)i];
        }
        row = fmax(row, across);
        column = fmax(column, down);
    }
    p->bound[COLUMN_BLOCKS] = positive_norm(p, p->N);
    p->bound[COLUMN_SCHUR] = sqrt(row * column);
}

static void bounds(struct problem *p)
{
    int n = p->n;
    double v = spectral_norm(p->W_V, WIDTH), m = spectral_norm(p->M, WIDTH);
    double Y = spectral_norm(p->Y, n), S = positive_norm(p, p->S), R;
    double lambda = ref_lambda(p->S, n), centred = ref_centred_norm(p->S, n);
    double fixed = ref_static_term(1, spectral_norm(p->W_Q, WIDTH), spectral_norm(p->W_K, WIDTH));

    R = ref_largest_row(p->Y, n, WIDTH);
    p->bound[COLUMN_A] = ref_bound_A(0.5, Y, m, S, v);
    p->bound[COLUMN_A_LAMBDA] = ref_bound_A(lambda, Y, m, S, v);
    p->bound[COLUMN_SUMS] = sums(p, S, v);
    p->bound[COLUMN_A_PRIME] = ref_bound_A_prime(lambda, Y, m, centred, v);
    p->bound[COLUMN_R] = v * (S + m * R * R + m * R * Y / sqrt(2));
    p->bound[COLUMN_CASTIN] = sqrt(3) * v * sqrt(m * m * pow(R, 4) * (4 * n + 1) + n);
    p->bound[COLUMN_PRINTED] =
        ref_printed_bound(fixed, ref_dynamic_term(p->S, 1.5, n), ref_frobenius(p->W_V, SQUARE));
    block_norms(p);
}

/* --- the table -----------------------------------------------------------------------------------
 */

static int defined(enum column c, int transposed)
{
    return c == COLUMN_A_PRIME ? transposed
                               : !((c == COLUMN_R || c == COLUMN_CASTIN) && transposed);
}

/* 1 if ||DF[D]|| and the bounds are those of claims.c, to the errors derived there, once for each
 * side, and to what norms from above may differ by. */
static int agrees(const struct problem *p)
{
    static const int claim_of[COLUMN_TABLE] = {
        [COLUMN_A] = CLAIM_A,         [COLUMN_A_LAMBDA] = CLAIM_A_LAMBDA,
        [COLUMN_SUMS] = CLAIM_SUMS,   [COLUMN_A_PRIME] = CLAIM_A_PRIME,
        [COLUMN_R] = CLAIM_R,         [COLUMN_BLOCKS] = CLAIM_BLOCKS,
        [COLUMN_SCHUR] = CLAIM_SCHUR,
    };
    static struct evaluation e;
    struct trial t = {.n = p->n, .d = WIDTH, .transposed = p->transposed, .scale = 1};
    const struct claim_sides *sides = &e.claim[CLAIM_A];

    memcpy(t.entry[Z], p->Y, (size_t)(p->n * WIDTH) * sizeof *p->Y);
    memcpy(t.entry[W_Q], p->W_Q, sizeof p->W_Q);
    memcpy(t.entry[W_K], p->W_K, sizeof p->W_K);
    memcpy(t.entry[W_V], p->W_V, sizeof p->W_V);
    memcpy(t.direction, p->D, (size_t)(p->n * WIDTH) * sizeof *p->D);
    if (!claims_evaluate(&e, &t, 0) || !(fabs(sides->truth - p->norm) <= 2 * sides->truth_error))
        return 0;
    for (enum column c = 0; c < COLUMN_TABLE; c++) {
        if (claim_of[c] == CLAIM_PRINTED || !defined(c, p->transposed))
            continue; /* none there: outside the paper's domain */
        sides = &e.claim[claim_of[c]];
        double slack = 2 * sides->bound_error + (sides->excess - 1) * sides->bound;
        if (!sides->applies || !(fabs(sides->bound - p->bound[c]) <= slack))
            return 0;
    }
    return 1;
}

static int compare(const void *left, const void *right)
{
    double x = *(const double *)left, y = *(const double *)right;
    return (x > y) - (x < y);
}

static void allocate(struct problem *p, int n)
{
    size_t narrow = (size_t)(n * WIDTH), wide = (size_t)n * (size_t)n;
    double **parts[] = {&p->Y,     &p->a,       &p->values, &p->mean, &p->keys, &p->D,
                        &p->image, &p->product, &p->S,      &p->N,    &p->x,    &p->y};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        *parts[k] = calloc(k < 8 ? narrow : k < 10 ? wide : (size_t)n, sizeof(double));
        if (*parts[k] == NULL) {
            fprintf(stderr, "violations: no memory for n = %d\n", n);
            exit(1);
        }
    }
    p->n = n;
}

static void release(struct problem *p)
{
    double *parts[] = {p->Y,     p->a,       p->values, p->mean, p->keys, p->D,
                       p->image, p->product, p->S,      p->N,    p->x,    p->y};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
        free(parts[k]);
}

/* One line of the table; how many instances exceeded a bound or disagreed with claims.c. */
static int line(int length, int transposed, uint64_t *random)
{
    int n = length_of[length].n, instances = length_of[length].instances, wrong = 0;
    double ratio[COLUMN_TABLE][INSTANCES];
    struct problem p;

    allocate(&p, n);
    p.transposed = transposed;
    for (int k = 0; k < instances; k++) {
        draw(&p, random);
        bounds(&p);
        derivative_norm(&p, length_of[length].steps, random);
        for (enum column c = 0; c < COLUMN_TABLE; c++) {
            ratio[c][k] = p.norm / p.bound[c];
            if (c != COLUMN_PRINTED && defined(c, transposed) && !(ratio[c][k] <= 1))
                wrong += printf("n = %d: ||DF|| is %.17g times %s\n", n, ratio[c][k],
                                column_name[c]) > 0;
        }
        if (n <= ROWS && !agrees(&p))
            wrong += printf("n = %d: claims.c has another norm or bound\n", n) > 0;
    }
    printf("share %-4s n = %4d ", transposed ? "S^T," : "S,", n);
    for (enum column c = 0; c < COLUMN_TABLE; c++) {
        qsort(ratio[c], (size_t)instances, sizeof ratio[c][0], compare);
        if (defined(c, transposed))
            printf(" %9.2g", ratio[c][instances / 2]);
        else
            printf(" %9s", "-");
    }
    printf("  (%d)\n", instances);
    fflush(stdout);
    release(&p);
    return wrong;
}

int tightness(uint64_t seed)
{
    int wrong = 0;

    printf("share ||DF|| / bound, median; (printed) is no bound\nshare %-15s", "map, tokens");
    for (enum column c = 0; c < COLUMN_TABLE; c++)
        printf(" %9s", column_name[c]);
    printf("  (instances)\n");
    for (int length = 0; length < LENGTHS; length++)
        wrong += line(length, 0, &seed);
    for (int length = 0; length < LENGTHS - 1; length++)
        wrong += line(length, 1, &seed);
    if (wrong > 0)
        printf("FAILED: %d ratios or comparisons\n", wrong);
    return wrong > 0;
}
