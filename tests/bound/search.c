/* search.c - looks for instances that violate the inequality of theorem 3.2.1 (spec/theorem.md).
 *
 *   search MAP N D Q LIMIT SEED RESTARTS STEPS
 *
 * MAP is ST (F = S^T Y W_V, as the theorem prints it) or S (F = S Y W_V); N <= 32 rows, D <= 8
 * columns, 1 < Q <= 2. Over ||X||_F <= 1, ||Z||_F <= 1, ||W_V||_F = 1/2, ||W_Q||_2 <= 1 and
 * ||W_K||_2 <= LIMIT it climbs the ratio
 *     ||DF||_2 / ((2 ||W_Q||_2 ||W_K||_2 + sqrt(sum_i (1 - (q-1) S_q(r_i))^(2/q))) ||W_V||_F),
 * which the theorem claims to be at most 1, from RESTARTS random points with STEPS trials each.
 * (Both sides are linear in W_V, so its norm is fixed; ||W_Q|| = 1 costs nothing either.)
 *
 * One line a restart on stderr: its number, the ratio where it began and where it ended. On stdout
 * the best point as an instance for `eer theorem`, its entries rounded towards 0 to multiples of
 * 1/1024, so that no Frobenius norm grows. Exit status: 0 if the rounded instance's ratio is above
 * 1, 1 if not, 2 if the arguments are wrong.
 *
 * All in double: it proposes, `eer theorem` proves. It errs on the careful side: ||DF|| is
 * approached from below (power iteration), ||W_Q|| and ||W_K|| from above. The same arguments give
 * the same instance wherever the C library's exp, log and pow round alike. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 32, COLUMNS = 8, SIZE = ROWS * COLUMNS };
enum matrix { X, Z, W_Q, W_K, W_V, MATRICES };
enum { SQUARINGS = 12, FIRST_ITERATIONS = 100, ITERATIONS = 8, GRID = 1024 };

static const char *const name[MATRICES] = {"X", "Z", "W_Q", "W_K", "W_V"};

struct problem {
    int n, d, transposed; /* transposed: the S^T map */
    double q, limit;
};

struct point {
    double entry[MATRICES][SIZE]; /* X and Z n x d, the others d x d */
    double direction[SIZE];       /* n x d, of norm 1: where DF was found largest */
    double ratio;
};

/* What the derivative at one point is made of. */
struct state {
    double Y[SIZE], M[COLUMNS * COLUMNS];
    double S[ROWS * ROWS];
    double mean[SIZE];   /* mu_i = sum_j r_ij y_j */
    double values[SIZE]; /* Y W_V */
    double a[SIZE];      /* a_i = M^T y_i */
};

/* Row j d + b: DF of the unit direction (j, b). */
static double jacobian[SIZE * SIZE];

static uint64_t random_bits(uint64_t *state) /* splitmix64 (Steele, Lea and Flood 2014) */
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

/* Uniform in [-1, 1). */
static double random_sign(uint64_t *state)
{
    return (double)(random_bits(state) >> 11) / 0x1p52 - 1;
}

static int size_of(const struct problem *p, enum matrix k)
{
    return k == X || k == Z ? p->n * p->d : p->d * p->d;
}

static double frobenius(const double *x, int size)
{
    double sum = 0;
    for (int k = 0; k < size; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

/* C = A B, or A^T B: rows x inner times inner x columns. */
static void multiply(double *C, const double *A, int transposed, const double *B, int rows,
                     int inner, int columns)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < inner; k++)
                sum += A[transposed ? k * rows + i : i * inner + k] * B[k * columns + j];
            C[i * columns + j] = sum;
        }
}

/* ||W||_2 of a d x d matrix from above, by at most a factor of d^(1/2^(SQUARINGS + 2)):
 * ||W||^2 <= ||G^(2^k)||_F^(1/2^k) for G = W^T W. */
static double spectral_norm(const double *W, int d)
{
    double G[COLUMNS * COLUMNS] = {0}, square[COLUMNS * COLUMNS];
    double logarithm = 0, weight = 1; /* of what has been divided out of G^(2^k) */
    multiply(G, W, 1, W, d, d, d);
    for (int k = 0;; k++) {
        double norm = frobenius(G, d * d);
        if (!(norm > 0))
            return 0;
        logarithm += weight * log(norm);
        if (k == SQUARINGS)
            return exp(logarithm / 2);
        for (int e = 0; e < d * d; e++)
            G[e] /= norm;
        multiply(square, G, 0, G, d, d, d);
        memcpy(G, square, (size_t)(d * d) * sizeof *G);
        weight /= 2;
    }
}

static void scale(double *x, int size, double factor)
{
    for (int k = 0; k < size; k++)
        x[k] *= factor;
}

/* Back into the hypotheses; W_V onto its sphere. */
static void project(const struct problem *p, struct point *point)
{
    for (enum matrix k = X; k <= W_V; k++) {
        int size = size_of(p, k);
        double norm = k == W_Q || k == W_K ? spectral_norm(point->entry[k], p->d)
                                           : frobenius(point->entry[k], size);
        double most = k == W_K ? p->limit : k == W_V ? 0.5 : 1;
        if (norm > most || (k == W_V && norm > 0))
            scale(point->entry[k], size, most / norm);
    }
}

/* r = softmax(r) */
static void softmax(double *r, int n)
{
    double largest = r[0], sum = 0;
    for (int j = 1; j < n; j++)
        largest = fmax(largest, r[j]);
    for (int j = 0; j < n; j++)
        sum += r[j] = exp(r[j] - largest);
    for (int j = 0; j < n; j++)
        r[j] /= sum;
}

static void attention(const struct problem *p, const struct point *point, struct state *s)
{
    int n = p->n, d = p->d;
    for (int k = 0; k < n * d; k++)
        s->Y[k] = point->entry[X][k] + point->entry[Z][k];
    for (int b = 0; b < d; b++)
        for (int c = 0; c < d; c++) {
            double sum = 0;
            for (int e = 0; e < d; e++)
                sum += point->entry[W_Q][b * d + e] * point->entry[W_K][c * d + e];
            s->M[b * d + c] = sum;
        }
    multiply(s->a, s->Y, 0, s->M, n, d, d);
    multiply(s->values, s->Y, 0, point->entry[W_V], n, d, d);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            double logit = 0;
            for (int b = 0; b < d; b++)
                logit += s->a[i * d + b] * s->Y[j * d + b];
            s->S[i * n + j] = logit;
        }
        softmax(s->S + i * n, n);
    }
    multiply(s->mean, s->S, 0, s->Y, n, n, d);
}

/* Adds factor left right^T to the block of the Jacobian that takes row j of a direction to row k.
 */
static void add_block(const struct problem *p, int j, int k, double factor, const double *left,
                      const double *right)
{
    for (int b = 0; b < p->d; b++)
        for (int c = 0; c < p->d; c++)
            jacobian[(j * p->d + b) * p->n * p->d + k * p->d + c] += factor * left[b] * right[c];
}

/* x = y_j - mu_i, and M x */
static void deviation(const struct problem *p, const struct state *s, int j, int i, double *x,
                      double *M_x)
{
    for (int b = 0; b < p->d; b++)
        x[b] = s->Y[j * p->d + b] - s->mean[i * p->d + b];
    multiply(M_x, s->M, 0, x, p->d, p->d, 1);
}

/* spec/theorem.md, "Blocks". */
static void differentiate(const struct problem *p, const struct point *point, const struct state *s)
{
    int n = p->n, d = p->d;
    double x[COLUMNS], M_x[COLUMNS], value[COLUMNS];
    memset(jacobian, 0, (size_t)(n * d * n * d) * sizeof *jacobian);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double r = s->S[i * n + j];
            const double *a = s->a + i * d;
            /* Row i attends to key j: its value goes to row i (S) or row i's to j (S^T). */
            int from = p->transposed ? i : j, to = p->transposed ? j : i;
            for (int b = 0; b < d; b++)
                for (int c = 0; c < d; c++)
                    jacobian[(from * d + b) * n * d + to * d + c] +=
                        r * point->entry[W_V][b * d + c];
            deviation(p, s, j, i, x, M_x);
            if (p->transposed) {
                const double *w = s->values + i * d;
                add_block(p, i, j, r, M_x, w);
                add_block(p, j, j, r, a, w);
                for (int k = 0; k < n; k++)
                    add_block(p, k, j, -r * s->S[i * n + k], a, w);
            } else {
                multiply(value, x, 0, point->entry[W_V], 1, d, d);
                add_block(p, i, i, r, M_x, value);
                add_block(p, j, i, r, a, value);
            }
        }
}

/* ||DF||_2 from below, by power iteration from `direction`, which ends at the best one. */
static double derivative_norm(const struct problem *p, double *direction, int iterations)
{
    int size = p->n * p->d;
    double image[SIZE], norm = 0;
    for (int k = 0; k < iterations; k++) {
        multiply(image, direction, 0, jacobian, 1, size, size);
        norm = frobenius(image, size);
        if (!(norm > 0) || k == iterations - 1)
            break;
        multiply(direction, jacobian, 0, image, size, size, 1);
        scale(direction, size, 1 / frobenius(direction, size));
    }
    return norm;
}

/* sqrt(sum_i (1 - (q-1) S_q(r_i))^(2/q)) */
static double dynamic_term(const struct problem *p, const struct state *s)
{
    double sum = 0;
    for (int i = 0; i < p->n; i++) {
        double powers = 0;
        for (int j = 0; j < p->n; j++)
            powers += pow(s->S[i * p->n + j], p->q);
        sum += pow(powers, 2 / p->q);
    }
    return sqrt(sum);
}

/* Sets the point's ratio; `iterations` from its direction. */
static void evaluate(const struct problem *p, struct point *point, int iterations)
{
    static struct state s;
    attention(p, point, &s);
    differentiate(p, point, &s);
    double norms = spectral_norm(point->entry[W_Q], p->d) * spectral_norm(point->entry[W_K], p->d);
    double printed = (2 * norms + dynamic_term(p, &s)) * frobenius(point->entry[W_V], p->d * p->d);
    double norm = derivative_norm(p, point->direction, iterations);
    point->ratio = printed > 0 ? norm / printed : 0;
}

static void random_direction(const struct problem *p, struct point *point, uint64_t *random)
{
    int size = p->n * p->d;
    for (int k = 0; k < size; k++)
        point->direction[k] = random_sign(random);
    scale(point->direction, size, 1 / frobenius(point->direction, size));
}

/* What a step of size 1 changes an entry of this matrix by. */
static double step_of(const struct problem *p, enum matrix k)
{
    return k == W_K ? p->limit : k == W_V ? 0.5 : 1;
}

/* Every second trial moves one matrix only, the others all five. */
static void move(const struct problem *p, struct point *point, double step, uint64_t *random)
{
    uint64_t choice = random_bits(random) % (2 * MATRICES);
    for (enum matrix k = X; k <= W_V; k++)
        if (choice >= MATRICES || choice == (uint64_t)k)
            for (int e = 0; e < size_of(p, k); e++)
                point->entry[k][e] += step * step_of(p, k) * random_sign(random);
    project(p, point);
}

/* Climbs from a random point: a trial is kept if the ratio grows, steps grow with successes and
 * shrink with failures, so that about one trial in five succeeds (Rechenberg's rule). */
static void climb(const struct problem *p, struct point *best, int steps, uint64_t *random)
{
    double step = 1, first;
    memset(best, 0, sizeof *best);
    for (enum matrix k = X; k <= W_V; k++)
        for (int e = 0; e < size_of(p, k); e++)
            best->entry[k][e] = step_of(p, k) * random_sign(random);
    project(p, best);
    random_direction(p, best, random);
    evaluate(p, best, FIRST_ITERATIONS);
    first = best->ratio;
    for (int k = 0; k < steps; k++) {
        struct point trial = *best;
        move(p, &trial, step, random);
        evaluate(p, &trial, ITERATIONS);
        if (trial.ratio > best->ratio) {
            *best = trial;
            step = fmin(1, step * 1.5);
        } else {
            step = fmax(0x1p-30, step * 0.9);
        }
    }
    fprintf(stderr, "%.6f -> %.6f\n", first, best->ratio);
}

static void round_entries(const struct problem *p, struct point *point)
{
    for (enum matrix k = X; k <= W_V; k++)
        for (int e = 0; e < size_of(p, k); e++)
            point->entry[k][e] = trunc(point->entry[k][e] * GRID) / GRID;
    evaluate(p, point, FIRST_ITERATIONS);
    for (int e = 0; e < p->n * p->d; e++)
        point->direction[e] = trunc(point->direction[e] * GRID) / GRID;
}

static void print_matrix(const char *key, const double *x, int rows, int columns)
{
    printf(",\n \"%s\": [", key);
    for (int i = 0; i < rows; i++) {
        printf("%s[", i > 0 ? ", " : "");
        for (int j = 0; j < columns; j++)
            printf("%s\"%.0f/%d\"", j > 0 ? ", " : "", x[i * columns + j] * GRID, GRID);
        printf("]");
    }
    printf("]");
}

static void print_instance(const struct problem *p, const struct point *point)
{
    printf(
        "{\"about\": \"found by search: ||DF|| is at least %.4f of the printed bound at q = %g\"",
        point->ratio, p->q);
    for (enum matrix k = X; k <= W_V; k++)
        print_matrix(name[k], point->entry[k], k == X || k == Z ? p->n : p->d, p->d);
    printf(",\n \"map\": \"%s\",\n \"scale\": \"1\"", p->transposed ? "ST" : "S");
    print_matrix("direction", point->direction, p->n, p->d);
    printf("}\n");
}

int main(int count, char **arguments)
{
    struct problem p;
    struct point best = {.ratio = -1}, point;
    if (count != 9) {
        fprintf(stderr, "usage: search ST|S N D Q LIMIT SEED RESTARTS STEPS\n");
        return 2;
    }
    p.transposed = strcmp(arguments[1], "ST") == 0;
    p.n = atoi(arguments[2]);
    p.d = atoi(arguments[3]);
    p.q = atof(arguments[4]);
    p.limit = atof(arguments[5]);
    uint64_t random = strtoull(arguments[6], NULL, 10);
    int restarts = atoi(arguments[7]), steps = atoi(arguments[8]);
    if ((!p.transposed && strcmp(arguments[1], "S") != 0) || p.n < 1 || p.n > ROWS || p.d < 1 ||
        p.d > COLUMNS || !(p.q > 1 && p.q <= 2) || !(p.limit > 0) || restarts < 1 || steps < 0) {
        fprintf(stderr,
                "search: MAP is ST or S, 1 <= N <= %d, 1 <= D <= %d, 1 < Q <= 2, LIMIT > 0, "
                "RESTARTS >= 1, STEPS >= 0\n",
                ROWS, COLUMNS);
        return 2;
    }
    for (int k = 0; k < restarts; k++) {
        fprintf(stderr, "%d: ", k);
        climb(&p, &point, steps, &random);
        if (point.ratio > best.ratio)
            best = point;
    }
    round_entries(&p, &best);
    fprintf(stderr, "rounded: %.6f\n", best.ratio);
    print_instance(&p, &best);
    return best.ratio > 1 ? 0 : 1;
}
