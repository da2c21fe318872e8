/* The enclosures behind `eer certify`, against exact products, difference quotients with 300 bits,
 * the oracle of the gradients, and matrices whose norms and eigenvalues are known. */
#include <arb_mat.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../fast/program/bounds/certified.h"
#include "../../fast/program/configuration.h"
#include "../../proofs/bound/blocks.h"
#include "../../proofs/bound/certificate.h"
#include "../../proofs/bound/direction.h"
#include "../../proofs/bound/norm.h"
#include "../../proofs/bound/outward.h"
#include "../../proofs/bound/spectrum.h"
#include "../../proofs/bound/subject.h"
#include "../../ref/ref.h"
#include "../oracle/oracle.h"

enum { BITS = 300 };

static uint64_t random_bits(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* In [-1, 1). */
static double random_number(uint64_t *state)
{
    return ldexp((double)(random_bits(state) >> 11), -52) - 1.0;
}

static struct bound_matrix random_matrix(int rows, int columns, double radius, uint64_t *state)
{
    struct bound_matrix A = bound_matrix_new(rows, columns);
    for (int i = 0; i < rows * columns; i++)
        A.centre[i] = random_number(state) / 3.0; /* no grid: sums are rounded */
    A.radius = radius;
    return A;
}

/* A matrix at the edge of the ball: the centre plus radius times a direction, which is the centre's
 * own or a random one. */
static void edge(arb_mat_t to, const struct bound_matrix *A, int own, double sign, uint64_t *state)
{
    int count = A->rows * A->columns;
    arb_t length, part;
    arb_mat_t direction;
    arb_init(length);
    arb_init(part);
    arb_mat_init(direction, A->rows, A->columns);
    for (int i = 0; i < count; i++)
        arb_set_d(arb_mat_entry(direction, i / A->columns, i % A->columns),
                  own ? A->centre[i] : random_number(state));
    arb_mat_frobenius_norm(length, direction, BITS);
    arb_set_d(part, sign * A->radius);
    arb_div(part, part, length, BITS);
    arb_mat_scalar_mul_arb(direction, direction, part, BITS);
    bound_set_doubles(to, A->centre);
    arb_mat_add(to, to, direction, BITS);
    arb_clear(length);
    arb_clear(part);
    arb_mat_clear(direction);
}

/* ||A - centre||_F, its upper end; the middle of A has to lie in the ball. 2^-200 is what 300 bits
 * leave of a matrix on the very edge. */
static void must_hold(const struct bound_matrix *C, const arb_mat_t A, const char *what)
{
    arb_mat_t centre;
    arb_t distance, radius;
    arb_init(distance);
    arb_init(radius);
    arb_mat_init(centre, C->rows, C->columns);
    bound_set_doubles(centre, C->centre);
    arb_mat_sub(centre, A, centre, BITS);
    arb_mat_frobenius_norm(distance, centre, BITS);
    arb_set_d(radius, C->radius);
    arb_sub(distance, distance, radius, BITS);
    arb_set_d(radius, 0x1p-200);
    cr_expect(arb_le(distance, radius), "%s: outside by %g with radius %g", what,
              arf_get_d(arb_midref(distance), ARF_RND_NEAR), C->radius);
    arb_mat_clear(centre);
    arb_clear(distance);
    arb_clear(radius);
}

/* --- matrix balls -------------------------------------------------------------------------------
 */

static void check_operations(int rows, int inner, int columns, double a, double b, int own,
                             double sign, uint64_t *state)
{
    struct bound_matrix A = random_matrix(rows, inner, a, state);
    struct bound_matrix B = random_matrix(inner, columns, b, state);
    struct bound_matrix C = bound_matrix_new(rows, columns), D = bound_matrix_new(rows, inner);
    arb_mat_t X, Y, Z, W;
    arb_t factor;
    arb_init(factor);
    arb_mat_init(X, rows, inner);
    arb_mat_init(Y, inner, columns);
    arb_mat_init(Z, rows, columns);
    arb_mat_init(W, rows, inner);
    edge(X, &A, own, sign, state);
    edge(Y, &B, own, sign, state);
    bound_matrix_product(&C, &A, &B);
    arb_mat_mul(Z, X, Y, BITS);
    must_hold(&C, Z, "product");

    bound_matrix_add(&D, &A, &A);
    arb_mat_add(W, X, X, BITS);
    must_hold(&D, W, "sum");

    double scale = random_number(state), deviation = fabs(a * random_number(state));
    bound_matrix_scale(&D, &A, scale, deviation);
    arb_set_d(factor, scale > 0 ? deviation : -deviation);
    arf_t exact;
    arf_init(exact);
    arf_set_d(exact, scale);
    arb_add_arf(factor, factor, exact, BITS);
    arf_clear(exact);
    arb_mat_scalar_mul_arb(W, X, factor, BITS);
    must_hold(&D, W, "multiple");

    if (rows == inner) {
        memcpy(D.centre, A.centre, (size_t)(rows * rows) * sizeof(double));
        D.radius = A.radius;
        bound_matrix_add_identity(&D);
        arb_mat_one(W);
        arb_mat_add(W, W, X, BITS);
        must_hold(&D, W, "plus identity");
    }
    arb_mat_frobenius_norm(factor, X, BITS);
    cr_expect(arf_cmpabs_d(arb_midref(factor), bound_matrix_frobenius(&A)) <= 0);
    bound_matrix_free(&A);
    bound_matrix_free(&B);
    bound_matrix_free(&C);
    bound_matrix_free(&D);
    arb_mat_clear(X);
    arb_mat_clear(Y);
    arb_mat_clear(Z);
    arb_mat_clear(W);
    arb_clear(factor);
}

Test(certify, operations_contain)
{
    static const double radii[] = {0.0, 1e-13, 1e-3, 0.5};
    uint64_t state = 1;
    /* 1 x 1: every term of a radius is attained. */
    for (int k = 0; k < 400; k++) {
        double a = radii[k % 4], b = radii[k / 4 % 4];
        int n = k < 200 ? 1 : 1 + k % 9, m = k < 200 ? 1 : 1 + k % 7;
        check_operations(n, m, n + k % 2, a, b, k % 3 > 0, k % 2 ? 1.0 : -1.0, &state);
        check_operations(n, n, n, a, b, k % 3 > 0, k % 2 ? 1.0 : -1.0, &state);
    }
}

Test(certify, sums_are_rounded_outwards)
{
    enum { COUNT = 1000 };
    uint64_t state = 2;
    double x[COUNT];
    for (int round = 0; round < 50; round++) {
        int count = 1 + (int)(random_bits(&state) % COUNT);
        double scale = round % 5 == 0 ? 0x1p-540 : 1.0; /* whose squares vanish */
        arb_t sum, term;
        arb_init(sum);
        arb_init(term);
        for (int i = 0; i < count; i++) {
            x[i] = scale * random_number(&state);
            arb_set_d(term, x[i]);
            arb_addmul(sum, term, term, 2 * BITS);
        }
        arb_sqrt(sum, sum, 2 * BITS);
        double above = bound_norm_up(x, (size_t)count), below = bound_norm_down(x, (size_t)count);
        cr_expect(arf_cmp_d(arb_midref(sum), above) <= 0, "%d terms: above %a", count, above);
        cr_expect(arf_cmp_d(arb_midref(sum), below) >= 0, "%d terms: below %a", count, below);
        cr_expect(scale < 1.0 || above - below <= 16.0 * (count + 4.0) * BOUND_UNIT * above);
        arb_clear(sum);
        arb_clear(term);
    }
}

/* --- norms and radii ----------------------------------------------------------------------------
 */

/* ||A||_2 of doubles, in balls. */
static struct bound_interval exact_norm(const struct bound_matrix *A)
{
    arb_mat_t X;
    arb_t norm;
    arb_init(norm);
    arb_mat_init(X, A->rows, A->columns);
    bound_set_doubles(X, A->centre);
    bound_spectral_norm(norm, X, BITS);
    struct bound_interval result = bound_interval(norm);
    arb_mat_clear(X);
    arb_clear(norm);
    return result;
}

Test(certify, norms_enclose)
{
    uint64_t state = 3;
    for (int k = 0; k < 60; k++) {
        int rows = 1 + (int)(random_bits(&state) % 24),
            columns = 1 + (int)(random_bits(&state) % 24);
        struct bound_matrix A = random_matrix(rows, columns, 0.0, &state);
        double scale = ldexp(1.0, (int)(random_bits(&state) % 400) - 200);
        for (int i = 0; i < rows * columns; i++)
            A.centre[i] *= scale;
        struct bound_interval exact = exact_norm(&A), found = bound_spectral_interval(&A);
        cr_expect(found.lo <= exact.hi && exact.lo <= found.hi && found.lo <= found.hi,
                  "[%a, %a] against [%a, %a]", found.lo, found.hi, exact.lo, exact.hi);
        cr_expect(found.hi <= 1.2 * exact.hi, "%d x %d: loose", rows, columns);
        double quick = bound_matrix_norm(&A);
        cr_expect(quick >= exact.lo, "%a below %a", quick, exact.lo);
        cr_expect(quick <= exact.hi * pow(columns, 1.0 / 64.0) * (1.0 + 1e-9));
        bound_matrix_free(&A);
    }
}

/* diag(3, 1, .., 1): with the radius the norm goes from 3 - r to 3 + r, and the radius too. */
Test(certify, norms_include_the_radius)
{
    enum { N = 6 };
    static const double radii[] = {0.0, 1e-12, 1e-3, 0.25};
    struct bound_matrix A = bound_matrix_new(N, N);
    for (int i = 0; i < N; i++)
        A.centre[i * N + i] = i == 2 ? 3.0 : 1.0;
    for (int k = 0; k < 4; k++) {
        double r = A.radius = radii[k];
        struct bound_interval norm = bound_spectral_interval(&A), rho = bound_spectral_radius(&A);
        cr_expect(norm.lo <= 3.0 - r && norm.hi >= 3.0 + r, "norm [%a, %a]", norm.lo, norm.hi);
        cr_expect(norm.lo >= 3.0 - r - 1e-9 && norm.hi <= 3.0 + r + 1e-9);
        cr_expect(rho.lo <= 3.0 - r && rho.hi >= 3.0 + r, "rho [%a, %a]", rho.lo, rho.hi);
        cr_expect(bound_matrix_norm(&A) >= 3.0 + r && bound_matrix_frobenius(&A) >= sqrt(14.0) + r);
    }
    bound_matrix_free(&A);
}

/* Block triangular matrices and roots of a number. */
Test(certify, spectral_radius_encloses)
{
    enum { N = 4 };
    static const double known[][N * N] = {
        {0.5, 7, -3, 1, 0, -1.25, 2, 9, 0, 0, 1, 4, 0, 0, 0, 0.75},   /* triangular: 1.25 */
        {0, -2, 1, 1, 2, 0, 3, 1, 0, 0, 0.5, 1, 0, 0, 0, -1},         /* +- 2 i: 2 */
        {0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0},             /* nilpotent: 0 */
        {1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1},             /* one Jordan block: 1 */
        {0, 0, 0, 16, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0},            /* fourth roots of 16: 2 */
        {1e-3, 5e-3, 0, 0, 0, -2e-3, 0, 0, 0, 0, 1e-3, 0, 0, 0, 0, 0} /* 2e-3 */
    };
    static const double rho[] = {1.25, 2, 0, 1, 2, 2e-3};
    for (int k = 0; k < 6; k++) {
        struct bound_matrix A = bound_matrix_new(N, N);
        memcpy(A.centre, known[k], sizeof known[k]);
        struct bound_interval found = bound_spectral_radius(&A);
        cr_expect(found.lo <= rho[k] && rho[k] <= found.hi, "%d: %g in [%.17g, %.17g]", k, rho[k],
                  found.lo, found.hi);
        /* Where eigenvectors are missing (2, 3), roundings of the powers move eigenvalues by roots.
         */
        cr_expect(k == 2 || k == 3 || (found.hi <= 1.01 * rho[k] && found.lo >= 0.99 * rho[k]),
                  "%d: [%.17g, %.17g] is wide", k, found.lo, found.hi);
        bound_matrix_free(&A);
    }
}

Test(certify, nonnegative_norm_is_above)
{
    uint64_t state = 5;
    for (int k = 0; k < 40; k++) {
        int n = 1 + (int)(random_bits(&state) % 40);
        struct bound_matrix A = random_matrix(n, n, 0.0, &state);
        for (int i = 0; i < n * n; i++)
            A.centre[i] =
                k % 2 && i % n > i / n ? 0.0 : fabs(A.centre[i]); /* half of them triangular */
        struct bound_interval exact = exact_norm(&A);
        double above = bound_nonnegative_above(A.centre, n);
        cr_expect(above >= exact.lo && above <= 1.001 * exact.hi, "%a for %a", above, exact.hi);
        bound_matrix_free(&A);
    }
}

Test(certify, what_is_not_a_number_is_unknown)
{
    struct bound_matrix A = bound_matrix_new(3, 3);
    double N[9] = {1, 1, 1, 1, NAN, 1, 1, 1, 1};
    A.centre[4] = NAN;
    struct bound_interval norm = bound_spectral_interval(&A), rho = bound_spectral_radius(&A);
    cr_expect(norm.hi == INFINITY && rho.hi == INFINITY && !(norm.lo > 0.0) && !(rho.lo > 0.0));
    cr_expect(bound_matrix_norm(&A) == INFINITY && bound_matrix_frobenius(&A) == INFINITY);
    cr_expect(bound_nonnegative_above(N, 3) == INFINITY);
    A.centre[4] = 1.0;
    A.radius = INFINITY;
    norm = bound_spectral_interval(&A);
    cr_expect(norm.hi == INFINITY && !(norm.lo > 0.0));
    bound_matrix_free(&A);
}

/* --- one iteration ------------------------------------------------------------------------------
 */

/* A small model with random parameters, and a random state. */
struct sample {
    struct eer_config config;
    struct eer_layout layout;
    double *theta;
    struct bound_model model;
    int n;
    arb_mat_t X, Z;
    double *x, *z;
};

enum { CASES = 24, ROWS = 5 };

static void new_sample(struct sample *s, int k, uint64_t *state)
{
    struct eer_error error;
    struct eer_config *c = &s->config;
    eer_config_default(c);
    c->d = 4;
    c->vocab = 3;
    c->norm = (enum eer_norm)(k % 3);
    c->mask = (enum eer_mask)(k / 3 % 2);
    c->mlp = k / 6 % 2 ? 0 : 6;
    c->activation = k / 12 % 2 ? EER_RELU : EER_GELU;
    c->slope = 0.3;
    c->tau = 0.7;
    c->pe_scale = 0.0;
    c->kinetic = EER_KINETIC_SQUARED;
    c->length_min = c->length_max = ROWS;
    cr_assert(eer_config_check(c, &error) == EER_OK, "%s", error.text);
    eer_layout(c, &s->layout);
    s->theta = calloc((size_t)s->layout.size, sizeof(double));
    for (int i = 0; i < s->layout.size; i++)
        s->theta[i] = (double)(float)(0.9 * random_number(state));
    s->model = (struct bound_model){&s->config, s->theta};
    s->n = ROWS;
    s->x = calloc((size_t)(2 * s->n * c->d), sizeof(double));
    s->z = s->x + s->n * c->d;
    for (int i = 0; i < 2 * s->n * c->d; i++)
        s->x[i] = random_number(state);
    arb_mat_init(s->X, s->n, c->d);
    arb_mat_init(s->Z, s->n, c->d);
    bound_set_doubles(s->X, s->x);
    bound_set_doubles(s->Z, s->z);
}

static void free_sample(struct sample *s)
{
    free(s->theta);
    free(s->x);
    arb_mat_clear(s->X);
    arb_mat_clear(s->Z);
}

/* Phi^T(0) against the oracle's kinetic term, 1/(2N) sum |Z_T|^2, which is rounded once. */
Test(certify, image_is_the_models)
{
    uint64_t state = 7;
    struct oracle *oracle = oracle_open();
    for (int k = 0; k < CASES; k++) {
        struct sample s;
        int tokens[ROWS] = {0, 1, 0, 2, 1}, labels[ROWS];
        struct eer_batch batch = {1, ROWS, tokens, labels};
        struct eer_weights weights = {0.1, 0.1, 0.1};
        struct eer_terms terms;
        struct bound_iteration t;
        struct ref_tensors w;
        arb_t kinetic, term;
        new_sample(&s, k, &state);
        s.config.loops = 3;
        ref_tensors(&w, &s.layout, s.theta);
        ref_labels(labels, tokens, s.config.form, s.config.vocab, ROWS);
        ref_input(s.x, w.E, tokens, &s.config, ROWS);
        bound_set_doubles(s.X, s.x);
        arb_mat_zero(s.Z);
        for (int i = 0; i < s.config.loops; i++) {
            bound_iteration_trained(&t, &s.model, s.X, s.Z, 0, BITS);
            arb_mat_set(s.Z, t.image);
            bound_iteration_clear(&t);
        }
        arb_init(kinetic);
        arb_init(term);
        arb_mat_frobenius_norm(kinetic, s.Z, BITS);
        arb_sqr(kinetic, kinetic, BITS);
        arb_div_ui(kinetic, kinetic, 2 * ROWS, BITS);
        cr_assert(oracle_gradient(oracle, &s.config, &batch, &weights, s.theta, ORACLE_REVERSE,
                                  &terms, NULL, NULL) == EER_OK);
        arb_set_d(term, terms.kinetic);
        arb_sub(kinetic, kinetic, term, BITS);
        cr_expect(fabs(arf_get_d(arb_midref(kinetic), ARF_RND_NEAR)) <= BOUND_UNIT * terms.kinetic,
                  "case %d: off by %g of %g", k, arf_get_d(arb_midref(kinetic), ARF_RND_NEAR),
                  terms.kinetic);
        cr_expect(mag_cmp_2exp_si(arb_radref(kinetic), -100) < 0);
        arb_clear(kinetic);
        arb_clear(term);
        free_sample(&s);
    }
    oracle_close(oracle);
}

/* Column (j, b) of the Jacobian as (Phi(Z + h e) - Phi(Z - h e)) / 2h, h = 2^-90: h^2 = 2^-180
 * leaves its error far below any radius in doubles. */
static void quotient(arb_mat_t column, const struct sample *s, int j, int b, int modulo)
{
    struct bound_iteration t;
    arb_mat_t Z, other;
    arb_t h;
    arb_init(h);
    arb_mat_init(Z, s->n, s->config.d);
    arb_mat_init(other, s->n, s->config.d);
    arb_one(h);
    arb_mul_2exp_si(h, h, -90);
    for (int side = 0; side < 2; side++) {
        arb_mat_set(Z, s->Z);
        arb_add(arb_mat_entry(Z, j, b), arb_mat_entry(Z, j, b), h, BITS);
        bound_iteration_trained(&t, &s->model, s->X, Z, modulo, BITS);
        arb_mat_set(side ? other : column, t.image);
        bound_iteration_clear(&t);
        arb_neg(h, h);
    }
    arb_mat_sub(column, column, other, BITS);
    arb_mat_scalar_mul_2exp_si(column, column, 89);
    arb_mat_clear(Z);
    arb_mat_clear(other);
    arb_clear(h);
}

static void quotients(arb_mat_t J, const struct sample *s, int modulo)
{
    int d = s->config.d;
    arb_mat_t column;
    arb_mat_init(column, s->n, d);
    for (int j = 0; j < s->n * d; j++) {
        quotient(column, s, j / d, j % d, modulo);
        for (int i = 0; i < s->n * d; i++)
            arb_set(arb_mat_entry(J, i, j), arb_mat_entry(column, i / d, i % d));
    }
    arb_mat_clear(column);
}

/* Everything about the Jacobian of one iteration, given J in balls. */
static void check_jacobian(const struct bound_iteration *t, const arb_mat_t J, int k)
{
    int n = t->attention.n, d = t->attention.d, size = n * d;
    struct bound_matrix found = bound_blocks_jacobian(t->blocks);
    double norms[ROWS * ROWS], x[ROWS * 8];
    char what[32];
    arb_mat_t D, image, product, vector, block;
    arb_t norm;
    snprintf(what, sizeof what, "Jacobian, case %d", k);
    must_hold(&found, J, what);
    cr_expect(found.radius <= 1e-11 * bound_matrix_frobenius(&found), "case %d: radius %g", k,
              found.radius);

    arb_init(norm);
    bound_blocks_norms(norms, t->blocks);
    for (int i = 0; i < n * n; i++) {
        arb_mat_window_init(block, J, i / n * d, i % n * d, (i / n + 1) * d, (i % n + 1) * d);
        bound_spectral_norm(norm, block, BITS);
        cr_expect(norms[i] >= bound_interval(norm).lo, "case %d: block %d, %d: %a below %a", k,
                  i / n, i % n, norms[i], bound_interval(norm).lo);
        arb_mat_window_clear(block);
    }
    bound_spectral_norm(norm, J, BITS);
    double above = bound_nonnegative_above(norms, n);
    cr_expect(above >= bound_interval(norm).lo, "case %d: block norms", k);

    /* Along the direction that the power iteration proposes, in balls and by J itself. */
    bound_direction(x, t->blocks);
    arb_mat_init(D, n, d);
    arb_mat_init(image, n, d);
    arb_mat_init(vector, size, 1);
    arb_mat_init(product, size, 1);
    bound_set_doubles(D, x);
    bound_set_doubles(vector, x);
    bound_iteration_derivative(image, t, D, BITS);
    arb_mat_mul(product, J, vector, BITS);
    for (int i = 0; i < size; i++) {
        arb_sub(arb_mat_entry(product, i, 0), arb_mat_entry(product, i, 0),
                arb_mat_entry(image, i / d, i % d), BITS);
        cr_expect(fabs(arf_get_d(arb_midref(arb_mat_entry(product, i, 0)), ARF_RND_NEAR)) <
                      0x1p-100,
                  "case %d: directional derivative, entry %d", k, i);
    }
    struct bound_interval whole = bound_interval(norm);
    arb_mat_frobenius_norm(norm, image, BITS);
    cr_expect(bound_interval(norm).hi >= 0.9 * whole.lo, "case %d: a direction of %g, not %g", k,
              bound_interval(norm).hi, whole.lo);
    bound_matrix_free(&found);
    arb_mat_clear(D);
    arb_mat_clear(image);
    arb_mat_clear(vector);
    arb_mat_clear(product);
    arb_clear(norm);
}

Test(certify, jacobian_of_the_trained_map)
{
    uint64_t state = 11;
    for (int k = 0; k < CASES; k++)
        for (int modulo = 0; modulo < 2; modulo++) {
            struct sample s;
            struct bound_iteration t;
            arb_mat_t J;
            new_sample(&s, k, &state);
            arb_mat_init(J, s.n * s.config.d, s.n * s.config.d);
            quotients(J, &s, modulo);
            bound_iteration_trained(&t, &s.model, s.X, s.Z, modulo, BITS);
            check_jacobian(&t, J, 2 * k + modulo);
            bound_iteration_clear(&t);
            arb_mat_clear(J);
            free_sample(&s);
        }
}

Test(certify, jacobian_of_the_attention_map)
{
    uint64_t state = 13;
    for (int k = 0; k < 16; k++) {
        struct bound_attention a;
        struct bound_iteration t;
        int d = 1 + k % 4, residual = k / 8;
        double entries[ROWS * 4];
        arb_mat_t Z, J;
        bound_attention_init(&a, ROWS, d);
        a.map = k % 2 ? BOUND_MAP_ST : BOUND_MAP_S;
        a.causal = k / 2 % 2;
        arb_set_d(a.scale, 0.7);
        arb_set_d(a.slope, k < 12 ? 0.25 : 12.0); /* 12: far keys are negligible */
        arb_mat_struct *const matrices[] = {a.Y, a.W_Q, a.W_K, a.W_V};
        for (int m = 0; m < 4; m++) {
            for (int i = 0; i < ROWS * d; i++)
                entries[i] = 2.0 * random_number(&state);
            bound_set_doubles(matrices[m], entries);
        }
        arb_mat_init(Z, ROWS, d);
        arb_mat_init(J, ROWS * d, ROWS * d);
        bound_iteration_attention(&t, &a, Z, residual, BITS);
        bound_jacobian(J, &a, t.S, BITS);
        for (int i = 0; residual && i < ROWS * d; i++)
            arb_add_ui(arb_mat_entry(J, i, i), arb_mat_entry(J, i, i), 1, BITS);
        check_jacobian(&t, J, k);
        bound_iteration_clear(&t);
        bound_attention_clear(&a);
        arb_mat_clear(Z);
        arb_mat_clear(J);
    }
}

/* Over a box everything at its points has to lie in what is found for the box. */
Test(certify, a_box_contains_its_points)
{
    uint64_t state = 17;
    for (int k = 0; k < CASES; k++) {
        struct sample s;
        struct bound_iteration box, point;
        arb_mat_t J;
        const double r = 1e-4;
        new_sample(&s, k, &state);
        int d = s.config.d;
        arb_mat_init(J, s.n * d, s.n * d);
        for (int i = 0; i < s.n * d; i++) {
            arb_set_d(arb_mat_entry(s.Z, i / d, i % d), s.z[i]);
            mag_set_d(arb_radref(arb_mat_entry(s.Z, i / d, i % d)), r);
        }
        bound_iteration_trained(&box, &s.model, s.X, s.Z, 0, BOUND_PRECISION);
        for (int i = 0; i < s.n * d; i++)
            s.z[i] += random_bits(&state) % 2 ? r : -r;
        bound_set_doubles(s.Z, s.z);
        bound_iteration_trained(&point, &s.model, s.X, s.Z, 0, BITS);
        quotients(J, &s, 0);
        struct bound_matrix found = bound_blocks_jacobian(box.blocks);
        if (box.kinks == 0) /* a kink within the box is not the quotient's matter */
            must_hold(&found, J, "a box");
        cr_expect(arb_mat_overlaps(box.image, point.image));
        bound_matrix_free(&found);
        bound_iteration_clear(&box);
        bound_iteration_clear(&point);
        arb_mat_clear(J);
        free_sample(&s);
    }
}

/* n = 1, X = Z = 0, b_1 = 0: every pre-activation is 0, and the Jacobian anything between that
 * without the MLP and that with all of it. */
Test(certify, a_kink_is_every_derivative)
{
    uint64_t state = 19;
    struct sample s;
    struct bound_iteration t;
    new_sample(&s, 12, &state);
    cr_assert(s.config.activation == EER_RELU && s.config.norm == EER_NORM_NONE &&
              s.config.mlp > 0);
    int d = s.config.d, m = s.config.mlp;
    memset(s.theta + s.layout.offset[EER_B_1], 0, (size_t)m * sizeof(double));
    arb_mat_t X, Z, J, D;
    arb_mat_init(X, 1, d);
    arb_mat_init(Z, 1, d);
    arb_mat_init(J, d, d);
    arb_mat_init(D, d, d);
    bound_iteration_trained(&t, &s.model, X, Z, 0, BITS);
    cr_expect(t.kinks == 1);
    struct bound_matrix found = bound_blocks_jacobian(t.blocks);
    for (int on = 0; on < 2; on++) {
        /* (I + W_V)(I + on W_1 W_2), transposed as the whole Jacobian is */
        arb_mat_one(D);
        for (int a = 0; a < d; a++)
            for (int b = 0; b < d; b++)
                for (int k = 0; on && k < m; k++) {
                    arb_t x, y;
                    arb_init(x);
                    arb_init(y);
                    arb_set_d(x, s.theta[s.layout.offset[EER_W_1] + a * m + k]);
                    arb_set_d(y, s.theta[s.layout.offset[EER_W_2] + k * d + b]);
                    arb_addmul(arb_mat_entry(D, a, b), x, y, BITS);
                    arb_clear(x);
                    arb_clear(y);
                }
        bound_set_doubles(J, s.theta + s.layout.offset[EER_W_V]);
        for (int a = 0; a < d; a++)
            arb_add_ui(arb_mat_entry(J, a, a), arb_mat_entry(J, a, a), 1, BITS);
        arb_mat_mul(J, J, D, BITS);
        arb_mat_transpose(J, J);
        must_hold(&found, J, on ? "all on" : "all off");
    }
    bound_matrix_free(&found);
    bound_iteration_clear(&t);
    arb_mat_clear(X);
    arb_mat_clear(Z);
    arb_mat_clear(J);
    arb_mat_clear(D);
    free_sample(&s);
}

/* --- certificates -------------------------------------------------------------------------------
 */

static int ordered(struct bound_interval x)
{
    return x.lo <= x.hi;
}

Test(certify, certificates_agree_with_themselves)
{
    uint64_t state = 23;
    for (int k = 0; k < CASES; k++) {
        struct sample s;
        struct bound_certificate c;
        new_sample(&s, k, &state);
        struct bound_subject subject = {&s.model, NULL};
        bound_certify(&c, &subject, s.x, s.z, s.n);
        const struct bound_attention_values *v = &c.attention;
        cr_expect(ordered(v->norm) && ordered(v->tightness) && ordered(c.jacobian.norm) &&
                  ordered(c.jacobian.radius));
        cr_expect(v->norm.lo > 0.0 && v->blocks.hi >= v->norm.lo && v->A.hi >= v->norm.lo &&
                  v->A_lambda.hi >= v->norm.lo);
        cr_expect(v->norm.hi <= 1.001 * v->norm.lo &&
                      c.jacobian.norm.hi <= 1.001 * c.jacobian.norm.lo,
                  "case %d: [%g, %g], [%g, %g]", k, v->norm.lo, v->norm.hi, c.jacobian.norm.lo,
                  c.jacobian.norm.hi);
        cr_expect(c.jacobian.radius.hi <= c.jacobian.norm.hi && c.full && c.kinks == 0);
        cr_expect(c.has_quotient == (s.config.norm == EER_NORM_PRE));
        /* By powers of the whole, where the certificate takes the diagonal blocks of a causal
         * model. */
        struct bound_iteration t;
        bound_iteration_trained(&t, &s.model, s.X, s.Z, c.has_quotient, BOUND_PRECISION);
        struct bound_matrix J = bound_blocks_jacobian(t.blocks);
        struct bound_interval whole = bound_spectral_radius(&J);
        struct bound_interval rho = c.has_quotient ? c.quotient.radius : c.jacobian.radius;
        cr_expect(whole.lo <= rho.hi && rho.lo <= whole.hi, "case %d: [%g, %g], [%g, %g]", k,
                  whole.lo, whole.hi, rho.lo, rho.hi);
        bound_matrix_free(&J);
        bound_iteration_clear(&t);
        if (c.has_quotient) {
            cr_expect(ordered(c.quotient.norm) && ordered(c.quotient.radius));
            cr_expect(c.jacobian.radius.lo >= 1.0 && c.jacobian.radius.lo >= c.quotient.radius.lo);
            cr_expect(c.jacobian.norm.hi >= 1.0);
        }
        free_sample(&s);
    }
}

/* The counterexample to the printed inequality: n = d = 2, all hypotheses with equality, the logits
 * 0, m = 1: the norm is at least 2 and the formula 1.5 (q = 2) or 1.5612 (q = 1.5). */
Test(certify, the_printed_formula_is_no_bound)
{
    const double X[] = {0.5, 0.5, -0.5, -0.5}, W_Q[] = {1, 0, 0, 1}, W_K[] = {1, 0, 0, -1};
    const double W_V[] = {0.25, 0.25, 0.25, 0.25};
    for (int transposed = 0; transposed < 2; transposed++) {
        struct bound_loop loop = {2, transposed, 0, 1.0, W_Q, W_K, W_V};
        struct bound_subject subject = {NULL, &loop};
        struct bound_certificate c;
        bound_certify(&c, &subject, X, X, 2);
        const struct bound_attention_values *v = &c.attention;
        cr_expect(bound_above(v->norm, v->printed[0]) == BOUND_YES);
        cr_expect(bound_above(v->norm, v->printed[1]) == BOUND_YES);
        cr_expect(v->printed[1].lo <= 1.5 && 1.5 <= v->printed[1].hi);
        cr_expect(v->norm.hi >= 2.0 && v->norm.lo <= v->A_lambda.hi);
        /* All hypotheses hold, with equality: an enclosure that is no point cannot say so. */
        cr_expect(v->X_in != BOUND_NO && v->Z_in != BOUND_NO && v->W_V_in != BOUND_NO);
    }
}

/* --- fixed points -------------------------------------------------------------------------------
 */

/* Small weights: a contraction; the iteration itself finds its fixed point. */
Test(certify, a_contraction_has_a_fixed_point)
{
    enum { N = 6, D = 3 };
    uint64_t state = 29;
    double X[N * D], Z[N * D] = {0}, W[3][D * D];
    for (int i = 0; i < N * D; i++)
        X[i] = 0.5 * random_number(&state);
    for (int i = 0; i < 3 * D * D; i++)
        W[i / (D * D)][i % (D * D)] = 0.3 * random_number(&state);
    for (int transposed = 0; transposed < 2; transposed++) {
        struct bound_loop loop = {D, transposed, 0, 1.0, W[0], W[1], W[2]};
        struct bound_subject subject = {NULL, &loop};
        struct bound_fixed_point point;
        bound_fixed_point(&point, &subject, X, Z, N);
        cr_expect(point.tried && point.rows == N && point.proved, "%g, %g", point.step,
                  point.contraction);
        cr_expect(point.radius < 1e-12 && point.spectral_radius.hi < 1.0);
    }
}

/* Z <- Z - (Z + X) / 2, from norm = none, W_V = -I / 2, one row: the fixed point is -X. */
Test(certify, a_known_fixed_point)
{
    uint64_t state = 31;
    struct sample s;
    struct bound_fixed_point point;
    new_sample(&s, 6, &state); /* no MLP */
    cr_assert(s.config.norm == EER_NORM_NONE && s.config.mlp == 0);
    struct bound_subject subject = {&s.model, NULL};
    int d = s.config.d;
    double *W_V = s.theta + s.layout.offset[EER_W_V], length = 0.0, zero[8] = {0};
    for (int i = 0; i < d * d; i++)
        W_V[i] = i % (d + 1) == 0 ? -0.5 : 0.0;
    for (int a = 0; a < d; a++)
        length += s.x[a] * s.x[a];
    for (int causal = 0; causal < 2; causal++) {
        s.config.mask = (enum eer_mask)causal;
        bound_fixed_point(&point, &subject, s.x, zero, 1);
        cr_expect(point.proved && point.rows == 1);
        /* d squares, a sum and a root in double, on either side */
        cr_expect(fabs(point.distance - sqrt(length)) <=
                  point.radius + 2.0 * (d + 2) * BOUND_UNIT * sqrt(length));
        cr_expect(point.spectral_radius.lo <= 0.5 && 0.5 <= point.spectral_radius.hi);
    }
    /* W_V = 2^-52 I: the radius of I - J in doubles is its size; nothing may be concluded. */
    for (int i = 0; i < d; i++)
        W_V[i * (d + 1)] = 0x1p-52;
    bound_fixed_point(&point, &subject, s.x, zero, 1);
    cr_expect(point.rows == 1 && !point.proved && point.contraction >= 1.0);
    /* W_V = 0: every point is fixed, none isolated. */
    memset(W_V, 0, (size_t)(d * d) * sizeof(double));
    bound_fixed_point(&point, &subject, s.x, zero, 1);
    cr_expect(!point.proved);
    free_sample(&s);
}

/* X = 0, one row, (I + W_V) z = z / 2: 0 is a fixed point. With b_1 = 0 each unit of the MLP is at
 * 0 there. */
Test(certify, a_fixed_point_at_a_kink)
{
    uint64_t state = 43;
    struct sample s;
    struct bound_fixed_point point;
    new_sample(&s, 12, &state);
    cr_assert(s.config.activation == EER_RELU && s.config.norm == EER_NORM_NONE &&
              s.config.mlp > 0);
    struct bound_subject subject = {&s.model, NULL};
    int d = s.config.d, m = s.config.mlp;
    double *W_V = s.theta + s.layout.offset[EER_W_V], *W_2 = s.theta + s.layout.offset[EER_W_2];
    double *b_1 = s.theta + s.layout.offset[EER_B_1], *b_2 = s.theta + s.layout.offset[EER_B_2];
    const double zero[8] = {0};
    for (int i = 0; i < d * d; i++)
        W_V[i] = i % (d + 1) == 0 ? -0.5 : 0.0;
    for (int i = 0; i < m * d; i++)
        W_2[i] *= 0x1p-6;
    memset(b_2, 0, (size_t)d * sizeof *b_2);
    for (int off = 0; off < 2; off++) {
        for (int i = 0; i < m; i++)
            b_1[i] = -off;
        bound_fixed_point(&point, &subject, zero, zero, 1);
        cr_expect(point.proved && point.kinks == !off && point.spectral_radius.hi < 1.0,
                  "b_1 = %d: %d kinks, rho <= %g", -off, point.kinks, point.spectral_radius.hi);
    }
    free_sample(&s);
}

/* What is printed of one state and this fixed point. */
static void printed(char *text, size_t size, const struct bound_fixed_point *point, int n)
{
    struct eer_certified_state first = {0};
    struct eer_certified c = {
        .n = n, .d = 1, .loops = 7, .count = 1, .state = &first, .fixed = *point};
    struct eer_certified_head head = {.input = "it"};
    struct bound_attention_values *v = &first.certificate.attention;
    v->W_Q.hi = 1.0 / 3.0;
    v->M.hi = 0.25;
    v->X_frobenius.hi = INFINITY;
    FILE *file = tmpfile();
    int before = dup(STDOUT_FILENO);
    cr_assert(file && before >= 0);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    eer_certified_print(&c, &head);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

Test(certify, what_is_printed_of_a_fixed_point)
{
    static const struct {
        struct bound_fixed_point point;
        int n;
        const char *said; /* until the end of the line */
    } cases[] = {
        {{.tried = 0}, BOUND_MOST_FIXED + 1, "not looked for: n d = 521 is above 520"},
        {{.tried = 0}, BOUND_MOST_FIXED, "not looked for: no memory for n d = 520"},
        {{.tried = 1, .rows = 1, .step = 0.01011, .contraction = 2.001},
         1,
         "|C f| <= 0.0102 and ||I - C f'|| <= 2.01 do not suffice"},
        {{.tried = 1, .rows = 1, .proved = 1, .spectral_radius = {0.123456, 0.5}},
         1,
         "rho there    0.12345 to        0.5: it attracts"},
        {{.tried = 1, .rows = 1, .proved = 1, .spectral_radius = {1.5, 1.6000001}},
         1,
         "rho there        1.5 to     1.6001: an eigenvalue above 1 in modulus"},
        {{.tried = 1, .rows = 1, .proved = 1, .spectral_radius = {1, 1}},
         1,
         "rho there          1 to          1"},
        {{.tried = 1, .rows = 1, .proved = 1, .spectral_radius = {0.9, 1.1}},
         1,
         "rho there        0.9 to     1.1001"}, /* 1.1 is above 11/10 */
        {{.tried = 1, .rows = 1, .proved = 1, .kinks = 1, .spectral_radius = {0.25, 0.5}},
         1,
         "to        0.5: a ReLU may be at 0 there, where rho decides nothing"},
        {{.tried = 1, .rows = 1, .proved = 1, .kinks = 1, .spectral_radius = {2, 2}},
         1,
         "to          2: a ReLU may be at 0 there, where rho decides nothing"},
        {{.tried = 1, .rows = 2, .proved = 1, .spectral_radius = {0.5, 0.5}},
         3,
         "to        0.5: it attracts"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        static char text[1 << 16], line[256];
        printed(text, sizeof text, &cases[k].point, cases[k].n);
        snprintf(line, sizeof line, "%s\n", cases[k].said);
        cr_expect(strstr(text, line) != NULL, "case %zu: no \"%s\" in %s", k, cases[k].said,
                  strstr(text, "fixed point"));
        const char *rows = "(first 2 of 3 rows; found for no more) proved, exactly one within";
        cr_expect((strstr(text, rows) != NULL) == (cases[k].n == 3), "case %zu", k);
        cr_expect(strstr(text, "||W_Q|| 0.33334, ") && strstr(text, "||M|| 0.25, ") &&
                      strstr(text, "||X||_F unknown\n"),
                  "case %zu: %.300s", k, text);
    }
}

/* Of norm = pre the states grow without end: Newton's method runs away, until z + b is z in
 * doubles. That is no fixed point. */
Test(certify, a_runaway_is_no_fixed_point)
{
    uint64_t state = 41;
    int runaways = 0;
    for (int k = 0; k < 40; k++) {
        struct sample s;
        struct bound_fixed_point point;
        new_sample(&s, k % 2 ? 4 : 16, &state); /* pre, causal; GELU and ReLU */
        struct bound_subject subject = {&s.model, NULL};
        bound_fixed_point(&point, &subject, s.x, s.z, s.n);
        runaways += point.residual == 0.0;
        cr_expect(point.rows == 0 || point.distance < 1e6, "%d: %d rows at distance %g", k,
                  point.rows, point.distance);
        free_sample(&s);
    }
    cr_expect(runaways > 0, "no case in which z + b is z");
}

/* Phi(Z) = Z + b_2: no fixed point, of either norm that keeps the residual. */
Test(certify, where_there_is_no_fixed_point)
{
    uint64_t state = 37;
    for (int k = 0; k < 2; k++) {
        struct sample s;
        struct bound_fixed_point point;
        new_sample(&s, k, &state); /* none, pre */
        struct bound_subject subject = {&s.model, NULL};
        static const int zero[] = {EER_W_V, EER_W_2};
        for (int t = 0; t < 2; t++)
            memset(s.theta + s.layout.offset[zero[t]], 0,
                   (size_t)(s.layout.rows[zero[t]] * s.layout.columns[zero[t]]) * sizeof(double));
        for (int mask = 0; mask < 2; mask++) {
            s.config.mask = (enum eer_mask)mask;
            bound_fixed_point(&point, &subject, s.x, s.z, s.n);
            cr_expect(point.tried && !point.proved && point.rows == 0, "case %d", k);
        }
        free_sample(&s);
    }
}
