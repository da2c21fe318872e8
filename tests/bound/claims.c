/* claims.c - both sides of each claim in doubles; see claims.h.
 *
 * Errors. u = 2^-53, a dot product of k terms errs by at most k u of the sum of magnitudes (k u
 * small; a factor 1.01 covers the second order). With m_F = |scale| ||W_Q||_F ||W_K||_F and R =
 * max_i |y_i|:
 * - a logit errs by at most delta = (3d + 8) u (R^2 m_F + |slope| n), the subtraction of the row's
 *   largest included; so, with exp good to one ulp, a probability errs by at most a factor
 *   1 + rho, rho = expm1(2 delta) + (n + 8) u;
 * - each entry of the Jacobian is a sum of products with at most three probabilities and fewer than
 *   4d + 2n + 12 roundings on the way: it errs by at most epsilon = expm1(3 log1p(rho) + (4d + 2n +
 *   12) u) of the same sum of magnitudes. That sum is the Jacobian of A's proof without its
 *   cancellations, |y_j| + |mu_i| for y_j - mu_i and diag(r) + r r^T for J_i, whose norm the same
 *   steps bound by size = (max(4, 6 ||Y||_F^2) m_F + sqrt(n)) ||W_V||_F, and so is every bound made
 *   of such norms;
 * - ref's spectral norm errs (apart from lying above) by at most theta of it: a squaring of an m x
 * m Gram matrix by m^(3/2) u, since ||G||_F^2 <= sqrt(m) ||G^2||_F, and by twice what it is given,
 *   which the 64th root divides out again; six of them, the first Gram matrix and the roots give
 *   less than theta = 2 (7 m^(3/2) + m + 16) u;
 * - lambda errs by at most 4 (rho + (n + 4) u): g1 and S_2 are sums of at most three products of
 *   probabilities that sum to 1. */
#include "claims.h"

#include "../../proofs/bound/attention.h"
#include "../../ref/ref.h"

#include <float.h>
#include <math.h>
#include <string.h>

const char *const claim_name[CLAIMS] = {
    "printed",       "A (ii), domain", "A (i)",      "A (iii), lambda", "A, sums", "A'",
    "blocks, ||N||", "blocks, Schur",  "R",          "R, uniform",      "B",       "g1",
    "U: logits",     "U: entry",       "U: ||S||_F", "U: ||S Pi||_F",   "C: rate", "C: image",
};

static const double U = DBL_EPSILON / 2;

/* What the errors above are made of, and what the norms were divided by. */
struct sizes {
    double R, f, Y_F, m_F;
    double delta, rho, rounded, epsilon, theta, size;
    double weights, attention; /* factors: the most that ref's norms of W_Q, W_K, W_V, M and Y lie
                                  above them; of S */
};

/* Scratch memory: matrices of at most SIZE x SIZE and rows. */
static double memory_Q[SIZE], memory_K[SIZE], memory_S[ROWS * ROWS], memory_M[COLUMNS * COLUMNS];
static double memory_G[ROWS * ROWS], memory_H[ROWS * ROWS], memory_row[ROWS];

uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

double random_sign(uint64_t *state)
{
    return (double)(random_bits(state) >> 11) / 0x1p52 - 1;
}

double random_normal(uint64_t *state) /* Box and Muller */
{
    double u = ((double)(random_bits(state) >> 11) + 0.5) / 0x1p53;
    return sqrt(-2 * log(u)) * cos(3.14159265358979323846 * random_sign(state));
}

void multiply(double *C, const double *A, int transposed, const double *B, int rows, int inner,
              int columns)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < inner; k++)
                sum += A[transposed ? k * rows + i : i * inner + k] * B[k * columns + j];
            C[i * columns + j] = sum;
        }
}

static double dot(const double *x, const double *y, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += x[k] * y[k];
    return sum;
}

static double length(const double *x, int n)
{
    return sqrt(dot(x, x, n));
}

int claim_rows_keys(const struct trial *t, int i)
{
    return t->causal ? i + 1 : t->n;
}

static double spectral_norm(const double *A, int rows, int columns)
{
    return ref_spectral_norm(memory_G, memory_H, memory_row, A, rows, columns);
}

/* By what factor ref's norm of A, the number `above`, may be too large: against |A x| / |x|, x from
 * a few steps of the power iteration, but no more than the formula allows. */
static double overshoot(double above, const double *A, int rows, int columns)
{
    enum { STEPS = 12 };
    double x[ROWS], y[ROWS], most = pow(columns, 0x1p-8), norm = 0; /* m^(1/2^(k+2)), k = 6 */
    int longest = 0;

    if (columns == 1 || !(above > 0))
        return 1;
    for (int i = 1; i < rows; i++)
        if (length(A + i * columns, columns) > length(A + longest * columns, columns))
            longest = i;
    memcpy(x, A + longest * columns, (size_t)columns * sizeof *x);
    for (int step = 0; step < STEPS; step++) {
        double size = length(x, columns);
        for (int j = 0; j < columns; j++)
            x[j] /= size;
        multiply(y, A, 0, x, rows, columns, 1);
        norm = length(y, rows);
        multiply(x, A, 1, y, columns, rows, 1);
    }
    return above < most * norm ? fmax(1, above / norm) : most;
}

/* --- the map and its derivative ------------------------------------------------------------------
 */

static void softmax(double *r, const double *logits, int keys, int n)
{
    double largest = logits[0], sum = 0;
    for (int j = 1; j < keys; j++)
        largest = fmax(largest, logits[j]);
    for (int j = 0; j < keys; j++)
        sum += r[j] = exp(logits[j] - largest);
    for (int j = 0; j < n; j++)
        r[j] = j < keys ? r[j] / sum : 0;
}

static void attention(struct evaluation *e, const struct trial *t)
{
    int n = t->n, d = t->d;
    for (int k = 0; k < n * d; k++)
        e->Y[k] = t->entry[X][k] + t->entry[Z][k];
    for (int b = 0; b < d; b++)
        for (int c = 0; c < d; c++)
            e->M[b * d + c] = t->scale * dot(t->entry[W_Q] + b * d, t->entry[W_K] + c * d, d);
    multiply(e->a, e->Y, 0, e->M, n, d, d);
    multiply(e->values, e->Y, 0, t->entry[W_V], n, d, d);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            e->logits[i * n + j] =
                dot(e->a + i * d, e->Y + j * d, d) - t->slope * (i < j ? j - i : i - j);
        softmax(e->S + i * n, e->logits + i * n, claim_rows_keys(t, i), n);
    }
    multiply(e->mean, e->S, 0, e->Y, n, n, d);
}

/* Adds factor left right^T to the block that takes row j of a direction to row i of DF. */
static void add_block(struct evaluation *e, const struct trial *t, int i, int j, double factor,
                      const double *left, const double *right)
{
    int n = t->n, d = t->d;
    for (int c = 0; c < d; c++)
        for (int b = 0; b < d; b++)
            e->J[(i * d + c) * n * d + j * d + b] += factor * left[b] * right[c];
}

/* What row i's attention to key j gives: spec/theorem.md, "Blocks". x: y_j - mu_i. */
static void differentiate_pair(struct evaluation *e, const struct trial *t, int i, int j)
{
    int n = t->n, d = t->d;
    double r = e->S[i * n + j], x[COLUMNS], M_x[COLUMNS], value[COLUMNS];
    const double *a = e->a + i * d, *w = e->values + i * d;
    int to = t->transposed ? j : i, from = t->transposed ? i : j;

    for (int b = 0; b < d; b++)
        x[b] = e->Y[j * d + b] - e->mean[i * d + b];
    multiply(M_x, e->M, 0, x, d, d, 1);
    for (int c = 0; c < d; c++)
        for (int b = 0; b < d; b++)
            e->J[(to * d + c) * n * d + from * d + b] += r * t->entry[W_V][b * d + c];
    if (t->transposed) {
        add_block(e, t, j, i, r, M_x, w);
        add_block(e, t, j, j, r, a, w);
        for (int k = 0; k < n; k++)
            add_block(e, t, j, k, -r * e->S[i * n + k], a, w);
    } else {
        multiply(value, x, 0, t->entry[W_V], 1, d, d);
        add_block(e, t, i, i, r, M_x, value);
        add_block(e, t, i, j, r, a, value);
    }
}

static void differentiate(struct evaluation *e, const struct trial *t)
{
    int m = t->n * t->d;
    memset(e->J, 0, (size_t)(m * m) * sizeof *e->J);
    for (int i = 0; i < t->n; i++)
        for (int j = 0; j < claim_rows_keys(t, i); j++)
            differentiate_pair(e, t, i, j);
}

/* ||J|| from below; `direction` ends at the best one. */
static double derivative_norm(const struct evaluation *e, double *direction, int m, int iterations)
{
    double image[SIZE], back[SIZE], norm = 0;
    for (int k = 0;; k++) {
        multiply(image, e->J, 0, direction, m, m, 1);
        norm = length(image, m) / length(direction, m);
        if (!(norm > 0) || k == iterations)
            return norm;
        multiply(back, e->J, 1, image, m, m, 1);
        double size = length(back, m);
        if (!(size > 0))
            return norm;
        for (int b = 0; b < m; b++)
            direction[b] = back[b] / size;
    }
}

/* |row i of DF[D]| for the D, max_j |D_j| = 1, that a few ascents from u find: for a unit vector u
 * the best D_j is (row i's block j) u, normalised; for a D the best u is row i of DF[D]. */
static double largest_row(const struct evaluation *e, double *D, int n, int d, int i)
{
    enum { ASCENTS = 6 };
    double u[COLUMNS], row[COLUMNS], norm = 0;
    const double *J = e->J + i * d * n * d;

    for (int c = 0; c < d; c++)
        u[c] = length(J + c * n * d, n * d);
    for (int step = 0; step < ASCENTS; step++) {
        multiply(D, J, 1, u, n * d, d, 1);
        for (int j = 0; j < n; j++) {
            double size = length(D + j * d, d);
            for (int b = 0; b < d; b++)
                D[j * d + b] = size > 0 ? D[j * d + b] / size : 0;
        }
        multiply(row, J, 0, D, d, n * d, 1);
        norm = length(row, d);
        memcpy(u, row, (size_t)d * sizeof *u);
    }
    return norm;
}

/* ||DF|| in the norm max_i |D_i|, from below. */
static double maximum_norm(struct evaluation *e, int n, int d)
{
    double D[SIZE], most = -1;
    for (int i = 0; i < n; i++) {
        double norm = largest_row(e, D, n, d, i);
        if (norm > most) {
            most = norm;
            memcpy(e->largest, D, sizeof D);
        }
    }
    return most;
}

/* ||diag(r) - r r^T|| from below, from the difference of the two largest entries' directions. */
static double row_jacobian_norm(const double *r, int n)
{
    enum { STEPS = 8 };
    double x[ROWS] = {0}, y[ROWS], norm = 0;
    int first = 0, second = n > 1;

    for (int j = 1; j < n; j++)
        if (r[j] > r[first]) {
            second = first;
            first = j;
        } else if (second == first || r[j] > r[second]) {
            second = j;
        }
    x[first] = 1;
    if (second != first)
        x[second] = -1;
    for (int step = 0; step < STEPS; step++) {
        double mean = dot(r, x, n), size = length(x, n);
        for (int j = 0; j < n; j++)
            y[j] = r[j] * (x[j] - mean);
        norm = length(y, n) / size;
        if (!(norm > 0))
            return 0;
        for (int j = 0; j < n; j++)
            x[j] = y[j] / (norm * size);
    }
    return norm;
}

/* --- bounds --------------------------------------------------------------------------------------
 */

static void measure(struct sizes *s, const struct evaluation *e, const struct trial *t)
{
    int n = t->n, d = t->d, m = n < d ? d : n;
    *s = (struct sizes){.R = ref_largest_row(e->Y, n, d)};
    s->f = length(t->entry[W_V], d * d);
    s->Y_F = length(e->Y, n * d);
    s->m_F = fabs(t->scale) * length(t->entry[W_Q], d * d) * length(t->entry[W_K], d * d);
    s->delta = 1.01 * (3 * d + 8) * U * (s->R * s->R * s->m_F + fabs(t->slope) * n);
    s->rho = 1.01 * (expm1(2 * s->delta) + (n + 8) * U);
    s->rounded = s->rho + (n + 4) * U;
    s->epsilon = 1.01 * expm1(3 * log1p(s->rho) + (4 * d + 2 * n + 12) * U);
    s->theta = 2 * (7 * m * sqrt(m) + m + 16) * U;
    s->size = 1.01 * (fmax(4, 6 * s->Y_F * s->Y_F) * s->m_F + sqrt(n)) * s->f;
}

/* How far ref's norms may lie above the exact ones. */
static void measure_excess(struct sizes *s, const struct evaluation *e, const struct trial *t,
                           const struct ref_bound *b)
{
    int n = t->n, d = t->d;
    s->attention = overshoot(b->S, e->S, n, n);
    s->weights = overshoot(b->Y, e->Y, n, d);
    s->weights = fmax(s->weights, overshoot(b->M, e->M, d, d));
    s->weights = fmax(s->weights, overshoot(b->W_Q, t->entry[W_Q], d, d));
    s->weights = fmax(s->weights, overshoot(b->W_K, t->entry[W_K], d, d));
    s->weights = fmax(s->weights, overshoot(b->W_V, t->entry[W_V], d, d));
}

/* ref_bound, or of its parts what holds under a mask, which ref does not know. */
static int ref_values(struct ref_bound *b, const struct evaluation *e, const struct trial *t)
{
    struct ref_bound_work work = {memory_Q, memory_K, memory_S,  memory_M,
                                  memory_G, memory_H, memory_row};
    int n = t->n, d = t->d;
    double q = bound_index[t->index];

    if (!t->causal) {
        ref_bound(b, &work, e->Y, t->entry[W_Q], t->entry[W_K], t->entry[W_V], t->scale, q, n, d);
        return b->known;
    }
    memcpy(memory_S, e->S, (size_t)(n * n) * sizeof *e->S);
    ref_bound_rows(b, memory_S, q, n);
    ref_bound_norms(b, &work, e->Y, t->entry[W_Q], t->entry[W_K], t->entry[W_V], t->scale, n, d);
    b->B = ref_bound_B(memory_row, memory_S, e->Y, b->M, b->W_V, n, d);
    b->static_term = ref_static_term(t->scale, b->W_Q, b->W_K);
    b->printed = ref_printed_bound(b->static_term, b->dynamic_term, b->W_V_frobenius);
    b->A = ref_bound_A(0.5, b->Y, b->M, b->S, b->W_V);
    b->A_lambda = ref_bound_A(b->lambda, b->Y, b->M, b->S, b->W_V);
    b->A_prime = ref_bound_A_prime(b->lambda, b->Y, b->M, b->S_centred, b->W_V);
    return ref_bound_finite(b);
}

static void set(struct evaluation *e, enum claim k, double truth, double truth_error, double bound,
                double bound_error, double excess)
{
    e->claim[k] = (struct claim_sides){1, truth, truth_error, bound, bound_error, excess};
}

/* ||X||_F <= 1 and ||Z||_F <= 1, beyond rounding */
static int on_domain(const struct trial *t)
{
    int size = t->n * t->d;
    double most = 1 - (size + 2) * U;
    return length(t->entry[X], size) <= most && length(t->entry[Z], size) <= most;
}

static void theorem_A(struct evaluation *e, const struct trial *t, const struct ref_bound *b,
                      const struct sizes *s, double norm, double norm_error)
{
    double error = (6 * s->theta + 4 * s->rounded) * s->size;
    double excess = pow(s->weights, 4) * s->attention;
    double twice = ref_printed_bound(2 * b->static_term, b->dynamic_term, b->W_V_frobenius);

    if (on_domain(t) && t->scale == 1) {
        if (!t->causal && length(t->entry[W_V], t->d * t->d) <= 0.5)
            set(e, CLAIM_PRINTED, norm, norm_error, b->printed, error, excess);
        set(e, CLAIM_A_DOMAIN, norm, norm_error, twice, error, excess);
    }
    set(e, CLAIM_A, norm, norm_error, b->A, error, excess);
    set(e, CLAIM_A_LAMBDA, norm, norm_error, b->A_lambda, error, excess);
    if (t->transposed)
        set(e, CLAIM_A_PRIME, norm, norm_error, b->A_prime, error, excess);
}

/* x_j = factor_j (y_j - mu_i) for each j: J_i Y for factor = r_i. */
static void row_deviations(double *x, const struct evaluation *e, const struct trial *t, int i)
{
    for (int j = 0; j < t->n; j++)
        for (int b = 0; b < t->d; b++)
            x[j * t->d + b] = e->S[i * t->n + j] * (e->Y[j * t->d + b] - e->mean[i * t->d + b]);
}

/* max_i ||M C_i W_V|| + ||diag(||J_i Y W_V||) Y M|| + ||S|| v for the S map, and (max_i ||J_i Y
 * M^T|| + ||diag(lambda_i) Y M||) ||Y W_V|| + ||S|| v for the S^T map. */
static double sums(const struct evaluation *e, const struct trial *t, const struct ref_bound *b)
{
    int n = t->n, d = t->d;
    double x[SIZE], product[SIZE], C[COLUMNS * COLUMNS], left[COLUMNS * COLUMNS], most = 0;
    double weighted[SIZE];

    for (int i = 0; i < n; i++) {
        double factor, norm;
        row_deviations(x, e, t, i);
        if (t->transposed) {
            for (int j = 0; j < n; j++)
                multiply(product + j * d, e->M, 0, x + j * d, d, d, 1);
            norm = spectral_norm(product, n, d);
            factor = ref_row_lambda(e->S + i * n, n);
        } else {
            multiply(C, x, 1, e->Y, d, n, d);
            multiply(left, e->M, 0, C, d, d, d);
            multiply(C, left, 0, t->entry[W_V], d, d, d);
            norm = spectral_norm(C, d, d);
            multiply(product, x, 0, t->entry[W_V], n, d, d);
            factor = spectral_norm(product, n, d);
        }
        most = fmax(most, norm);
        for (int c = 0; c < d; c++)
            weighted[i * d + c] = factor * e->a[i * d + c];
    }
    most += spectral_norm(weighted, n, d);
    return most * (t->transposed ? spectral_norm(e->values, n, d) : 1) + b->S * b->W_V;
}

/* ||N|| and Schur's bound of it; within, above: how far ref's norms of the blocks and of N may lie
 * above the exact ones. */
static void block_norms(double *norm, double *schur, double *within, double *above,
                        const struct evaluation *e, int n, int d)
{
    double N[ROWS * ROWS], block[COLUMNS * COLUMNS], row = 0, column = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            for (int c = 0; c < d; c++)
                memcpy(block + c * d, e->J + (i * d + c) * n * d + j * d, (size_t)d * sizeof *N);
            N[i * n + j] = spectral_norm(block, d, d);
            *within = fmax(*within, overshoot(N[i * n + j], block, d, d));
        }
    for (int i = 0; i < n; i++) {
        double across = 0, down = 0;
        for (int j = 0; j < n; j++) {
            across += N[i * n + j];
            down += N[j * n + i];
        }
        row = fmax(row, across);
        column = fmax(column, down);
    }
    *norm = spectral_norm(N, n, n);
    *above = overshoot(*norm, N, n, n);
    *schur = sqrt(row * column);
}

static void from_blocks(struct evaluation *e, const struct trial *t, const struct sizes *s,
                        double norm, double norm_error)
{
    int n = t->n, d = t->d;
    double blocks, schur, error, within = 1, above;
    block_norms(&blocks, &schur, &within, &above, e, n, d);
    error = e->J_error + 3 * s->theta * length(e->J, n * d * n * d);
    set(e, CLAIM_BLOCKS, norm, norm_error, blocks, error, within * above);
    /* Row and column sums err by sqrt(n) times as much, and the root of their product by at most
     * sqrt(n) times that: the larger is at most n times the smaller. */
    set(e, CLAIM_SCHUR, norm, norm_error, schur, n * error, within);
}

static void in_a_ball(struct evaluation *e, const struct trial *t, const struct ref_bound *b,
                      const struct sizes *s, double norm, double norm_error)
{
    int n = t->n, d = t->d;
    double R = s->R, error = (6 * s->theta + 4 * s->rounded) * s->size;
    double excess = pow(s->weights, 3) * s->attention;
    double change = 4 * R * R * (s->rho + (n + d + 4) * U); /* of R^2 - |mu_i|^2 */

    set(e, CLAIM_R, norm, norm_error, b->W_V * (b->S + b->M * R * R + b->M * R * b->Y / sqrt(2)),
        error, excess);
    set(e, CLAIM_R_UNIFORM, norm, norm_error,
        b->W_V * (sqrt(n) + (1 + sqrt(n / 2.0)) * b->M * R * R), error, excess);
    set(e, CLAIM_B, maximum_norm(e, n, d), sqrt(n) * norm_error, b->B,
        b->W_V * b->M * (change + R * sqrt(change)) + 6 * s->theta * b->B, excess);
}

static void of_rows(struct evaluation *e, const struct trial *t, const struct ref_bound *b,
                    const struct sizes *s)
{
    double most = 0;
    for (int i = 0; i < t->n; i++)
        most = fmax(most, row_jacobian_norm(e->S + i * t->n, t->n));
    set(e, CLAIM_G1, most, 4 * s->rounded, b->lambda, 4 * s->rounded, 1);
}

static double logit_spread(const struct evaluation *e, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int k = 0; k < n; k++)
                most = fmax(most, e->logits[i * n + j] - e->logits[i * n + k]);
    return most;
}

/* U and C, with rho = ||Y||_F. */
static void uniform(struct evaluation *e, const struct trial *t, const struct ref_bound *b,
                    const struct sizes *s, double norm, double norm_error)
{
    int n = t->n, d = t->d;
    double rho = b->Y_frobenius, F[SIZE], cosine, sine, spread_error, error, excess, rate;
    struct ref_contraction c;

    ref_theorem_C(&c, b->M, b->W_V, 0, rho, n);
    cosine = ref_cosh(c.spread / 2);
    sine = ref_sinh(c.spread / 2);
    if (!c.known || !isfinite(cosine))
        return;
    spread_error = 3 * s->theta * c.spread;
    /* ||M|| is at most `weights` times too large, hence cosh and sinh of half the spread at most:
     */
    excess = s->weights * exp((s->weights - 1) * c.spread);
    error = cosine * (spread_error + 8 * U);
    set(e, CLAIM_U_SPREAD, logit_spread(e, n), 2 * s->delta, c.spread, spread_error, s->weights);
    set(e, CLAIM_U_ENTRY, b->row_max_most, s->rho, ref_entry_limit(c.spread, n),
        spread_error + 8 * U, excess);
    set(e, CLAIM_U_NORM, b->S_frobenius, (s->rho + (n * n + 4) * U) * sqrt(n), cosine, error,
        excess);
    set(e, CLAIM_U_CENTRED, b->S_centred, (s->rho + (n * n + 4) * U) * sqrt(n), sine, error,
        excess);
    rate = t->transposed
               ? c.rate
               : ref_bound_A(fmin(0.5, ref_entry_limit(c.spread, n)), rho, b->M, cosine, b->W_V);
    set(e, CLAIM_C_RATE, norm, norm_error, rate,
        (6 * s->theta + 4 * s->rounded) * s->size + 2 * s->f * error,
        excess * excess * pow(s->weights, 2));
    multiply(F, e->S, t->transposed, e->values, n, n, d);
    set(e, CLAIM_C_IMAGE, length(F, n * d),
        1.01 * (s->rho + (n + 2 * d + 4) * U) * sqrt(n) * s->Y_F * s->f, c.image,
        3 * s->theta * c.image + s->f * rho * error, excess * s->weights);
}

int claims_evaluate(struct evaluation *e, struct trial *t, int iterations)
{
    int m = t->n * t->d;
    struct sizes s;
    struct ref_bound b;
    double norm, norm_error;

    memset(e->claim, 0, sizeof e->claim);
    attention(e, t);
    differentiate(e, t);
    measure(&s, e, t);
    if (!ref_values(&b, e, t))
        return 0;
    measure_excess(&s, e, t, &b);
    norm = derivative_norm(e, t->direction, m, iterations);
    norm_error = s.epsilon * s.size + 1.01 * (2 * m + 6) * U * length(e->J, m * m);
    e->J_error = s.epsilon * sqrt(m) * s.size;
    theorem_A(e, t, &b, &s, norm, norm_error);
    set(e, CLAIM_SUMS, norm, norm_error, sums(e, t, &b),
        (6 * s.theta + 4 * s.rounded + s.epsilon) * s.size,
        pow(t->d, 2 * 0x1p-8) * s.weights * s.attention);
    from_blocks(e, t, &s, norm, norm_error);
    if (!t->transposed)
        in_a_ball(e, t, &b, &s, norm, norm_error);
    of_rows(e, t, &b, &s);
    if (!t->causal)
        uniform(e, t, &b, &s, norm, norm_error);
    return isfinite(norm) && isfinite(norm_error);
}
