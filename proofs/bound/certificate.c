/* certificate.c - see certificate.h. */
#include "certificate.h"

#include <math.h>
#include <stdlib.h>

#include "blocks.h"
#include "direction.h"
#include "norm.h"
#include "spectrum.h"
#include "subject.h"

enum { FIRST_Q = 1, SECOND_Q = 3 }; /* 1.5 and 2 in bound_index */

static const struct bound_interval unknown = {-INFINITY, INFINITY};

/* --- the subject --------------------------------------------------------------------------------
 */

void bound_set_doubles(arb_mat_t A, const double *x)
{
    slong columns = arb_mat_ncols(A);

    for (slong i = 0; i < arb_mat_nrows(A); i++)
        for (slong j = 0; j < columns; j++)
            arb_set_d(arb_mat_entry(A, i, j), x[i * columns + j]);
}

int bound_subject_has_quotient(const struct bound_subject *subject)
{
    return subject->model && subject->model->config->norm == EER_NORM_PRE;
}

static void loop_iteration(struct bound_iteration *t, const struct bound_loop *loop,
                           const arb_mat_t X, const arb_mat_t Z)
{
    struct bound_attention a;

    bound_attention_init(&a, (int)arb_mat_nrows(X), loop->d);
    a.map = loop->transposed ? BOUND_MAP_ST : BOUND_MAP_S;
    arb_set_d(a.scale, loop->scale);
    bound_set_doubles(a.W_Q, loop->W_Q);
    bound_set_doubles(a.W_K, loop->W_K);
    bound_set_doubles(a.W_V, loop->W_V);
    arb_mat_add(a.Y, X, Z, BOUND_PRECISION);
    bound_iteration_attention(t, &a, Z, loop->residual, BOUND_PRECISION);
    bound_attention_clear(&a);
}

void bound_subject_iteration(struct bound_iteration *t, const struct bound_subject *subject,
                             const arb_mat_t X, const arb_mat_t Z, int modulo)
{
    if (subject->model)
        bound_iteration_trained(t, subject->model, X, Z, modulo, BOUND_PRECISION);
    else
        loop_iteration(t, subject->loop, X, Z);
}

/* --- the Jacobian -------------------------------------------------------------------------------
 */

/* At most ||J||: ||J D|| / ||D|| along one direction, in balls. */
static double norm_below(const struct bound_iteration *t)
{
    int n = t->attention.n, d = t->attention.d;
    double *x = calloc((size_t)n * (size_t)d, sizeof *x), below = 0.0;
    arb_mat_t D, image;
    arb_t ratio, length;

    if (!x)
        return 0.0;
    arb_mat_init(D, n, d);
    arb_mat_init(image, n, d);
    arb_init(ratio);
    arb_init(length);
    bound_direction(x, t->blocks);
    bound_set_doubles(D, x);
    if (!arb_mat_is_zero(D)) {
        bound_iteration_derivative(image, t, D, BOUND_PRECISION);
        bound_frobenius(ratio, image, BOUND_PRECISION);
        bound_frobenius(length, D, BOUND_PRECISION);
        arb_div(ratio, ratio, length, BOUND_PRECISION);
        below = bound_interval(ratio).lo;
    }
    arb_mat_clear(D);
    arb_mat_clear(image);
    arb_clear(ratio);
    arb_clear(length);
    free(x);
    return below > 0.0 ? below : 0.0;
}

/* n^2 products of d x d matrices take n^2 d^3 operations, a dozen times; the S^T map's blocks are
 * sums over all rows. */
static int blocks_in_reach(const struct bound_iteration *t)
{
    enum { MOST_ROWS_ST = 256 };
    double n = t->attention.n, d = t->attention.d;
    return t->blocks && n * n * d * d * d <= 0x1p30 &&
           (t->attention.map == BOUND_MAP_S || n <= MOST_ROWS_ST);
}

double bound_iteration_by_blocks(const struct bound_iteration *t)
{
    size_t n = (size_t)t->attention.n;
    double *N = blocks_in_reach(t) ? malloc(n * n * sizeof *N) : NULL, norm = INFINITY;

    if (N) {
        bound_blocks_norms(N, t->blocks);
        norm = bound_nonnegative_above(N, (int)n);
    }
    free(N);
    return norm;
}

static int full_in_reach(const struct bound_iteration *t)
{
    return blocks_in_reach(t) && t->attention.n * t->attention.d <= BOUND_MOST_FULL;
}

static struct bound_interval largest_diagonal(const struct bound_iteration *t)
{
    int d = t->attention.d;
    struct bound_matrix block = bound_matrix_new(d, d);
    struct bound_interval radius = {0.0, 0.0};

    for (int i = 0; block.centre && i < t->attention.n; i++) {
        bound_block(&block, t->blocks, i, i);
        struct bound_interval one = bound_spectral_radius(&block);
        radius.lo = fmax(radius.lo, one.lo);
        radius.hi = fmax(radius.hi, one.hi);
    }
    if (!block.centre)
        radius.hi = INFINITY;
    bound_matrix_free(&block);
    return radius;
}

struct bound_interval bound_iteration_radius(const struct bound_iteration *t,
                                             const struct bound_matrix *J)
{
    if (t->blocks && t->attention.causal && t->attention.map == BOUND_MAP_S)
        return largest_diagonal(t);
    return J && J->centre ? bound_spectral_radius(J) : (struct bound_interval){0.0, INFINITY};
}

/* The smaller of two upper ends, the larger of two lower ones. */
static struct bound_interval both(struct bound_interval a, struct bound_interval b)
{
    return (struct bound_interval){a.lo > b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
}

/* by_blocks: where to put the bound by block norms, or NULL if it is wanted only where nothing
 * better is. */
static void jacobian(struct bound_jacobian_values *v, const struct bound_iteration *t,
                     double *by_blocks, int with_radius)
{
    v->norm = (struct bound_interval){t->blocks ? norm_below(t) : 0.0, INFINITY};
    v->radius = (struct bound_interval){0.0, INFINITY};
    if (full_in_reach(t)) {
        struct bound_matrix J = bound_blocks_jacobian(t->blocks);
        if (J.centre)
            v->norm = both(v->norm, bound_spectral_interval(&J));
        if (with_radius)
            v->radius = bound_iteration_radius(t, &J);
        bound_matrix_free(&J);
    } else if (with_radius) {
        v->radius = bound_iteration_radius(t, NULL);
    }
    if (blocks_in_reach(t) && (by_blocks || !full_in_reach(t))) {
        double norm = bound_iteration_by_blocks(t);
        v->norm = both(v->norm, (struct bound_interval){0.0, norm});
        if (by_blocks)
            *by_blocks = norm;
    }
    v->radius = both(v->radius, (struct bound_interval){0.0, v->norm.hi});
}

/* --- the attention map --------------------------------------------------------------------------
 */

static void spectral(struct bound_interval *to, const arb_mat_t A)
{
    arb_t norm;

    arb_init(norm);
    bound_spectral_norm(norm, A, BOUND_PRECISION);
    *to = bound_interval(norm);
    arb_clear(norm);
}

static void frobenius(struct bound_interval *to, const arb_mat_t A)
{
    arb_t norm;

    arb_init(norm);
    bound_frobenius(norm, A, BOUND_PRECISION);
    *to = bound_interval(norm);
    arb_clear(norm);
}

static void copy_values(struct bound_attention_values *to, const struct bound_values *v)
{
    static const int index[2] = {FIRST_Q, SECOND_Q};

    to->W_Q = bound_interval(v->W_Q);
    to->W_K = bound_interval(v->W_K);
    to->W_V = bound_interval(v->W_V);
    to->W_V_frobenius = bound_interval(v->W_V_frobenius);
    to->M = bound_interval(v->M);
    to->Y = bound_interval(v->Y);
    to->Y_frobenius = bound_interval(v->Y_frobenius);
    to->S = bound_interval(v->S);
    for (int k = 0; k < 2; k++) {
        to->entropy[k] = bound_interval(v->entropy[index[k]]);
        to->entropy_least[k] = bound_interval(v->entropy_min[index[k]]);
        to->printed[k] = bound_interval(v->printed[index[k]]);
    }
    to->row_max_least = bound_interval(v->row_max_least);
    to->row_max_most = bound_interval(v->row_max_most);
    to->lambda = bound_interval(v->lambda);
    to->A = bound_interval(v->A);
    to->A_lambda = bound_interval(v->A_lambda);
    to->A_prime = bound_interval(v->A_prime);
}

static void domain(struct bound_attention_values *v)
{
    struct bound_interval one = {1.0, 1.0}, half = {0.5, 0.5};

    v->X_in = bound_at_most(v->X_frobenius, one);
    v->Z_in = bound_at_most(v->Z_frobenius, one);
    v->W_V_in = bound_at_most(v->W_V_frobenius, half);
}

/* The map F alone, at the Y of the iteration t. */
static void attention(struct bound_attention_values *v, const struct bound_iteration *t,
                      const arb_mat_t X, const arb_mat_t Z)
{
    struct bound_values values;
    struct bound_iteration alone;
    struct bound_jacobian_values norms;
    double by_blocks = INFINITY;

    bound_values_init(&values);
    bound_values(&values, &t->attention, t->S, BOUND_PRECISION);
    copy_values(v, &values);
    bound_values_clear(&values);
    spectral(&v->X, X);
    spectral(&v->Z, Z);
    frobenius(&v->X_frobenius, X);
    frobenius(&v->Z_frobenius, Z);
    domain(v);
    bound_iteration_alone(&alone, t, BOUND_PRECISION);
    jacobian(&norms, &alone, &by_blocks, 0);
    bound_iteration_clear(&alone);
    v->blocks = (struct bound_interval){0.0, by_blocks};
    v->norm = both(norms.norm, (struct bound_interval){0.0, v->A.hi});
    v->norm = both(v->norm, (struct bound_interval){0.0, v->A_lambda.hi});
    v->norm = both(v->norm, (struct bound_interval){0.0, v->A_prime.hi});
    v->tightness = unknown;
    if (v->A_lambda.lo > 0.0 && isfinite(v->A_lambda.hi))
        v->tightness = (struct bound_interval){nextafter(v->norm.lo / v->A_lambda.hi, 0.0),
                                               nextafter(v->norm.hi / v->A_lambda.lo, INFINITY)};
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* J's own radius from that of the quotient: on the row means J is the identity. */
static struct bound_interval with_one(struct bound_interval radius)
{
    return (struct bound_interval){fmax(radius.lo, 1.0), fmax(radius.hi, 1.0)};
}

void bound_certify(struct bound_certificate *c, const struct bound_subject *subject,
                   const double *X, const double *Z, int n)
{
    int d = subject->model ? subject->model->config->d : subject->loop->d;
    struct bound_iteration t;
    arb_mat_t X_ball, Z_ball;

    arb_mat_init(X_ball, n, d);
    arb_mat_init(Z_ball, n, d);
    bound_set_doubles(X_ball, X);
    bound_set_doubles(Z_ball, Z);
    *c = (struct bound_certificate){.has_quotient = bound_subject_has_quotient(subject)};
    bound_subject_iteration(&t, subject, X_ball, Z_ball, 0);
    c->full = full_in_reach(&t);
    c->kinks = t.kinks;
    attention(&c->attention, &t, X_ball, Z_ball);
    jacobian(&c->jacobian, &t, NULL, !c->has_quotient);
    if (subject->loop) { /* J = DF, or I + DF */
        double above = nextafter(subject->loop->residual + c->attention.norm.hi, INFINITY);
        c->jacobian.norm = both(c->jacobian.norm, (struct bound_interval){0.0, above});
        c->jacobian.radius = both(c->jacobian.radius, (struct bound_interval){0.0, above});
    }
    if (c->has_quotient) {
        bound_iteration_modulo(&t, BOUND_PRECISION);
        jacobian(&c->quotient, &t, NULL, 1);
        /* The quotient's J is a projection times J. */
        c->quotient.norm.hi = fmin(c->quotient.norm.hi, c->jacobian.norm.hi);
        c->jacobian.norm.lo = fmax(c->jacobian.norm.lo, c->quotient.norm.lo);
        c->jacobian.radius = with_one(c->quotient.radius);
    }
    bound_iteration_clear(&t);
    arb_mat_clear(X_ball);
    arb_mat_clear(Z_ball);
}
