/* decide.c - the claims of claims.h in balls (Arb). */
#include "claims.h"

#include "../../proofs/bound/attention.h"
#include "../../proofs/bound/directed.h"
#include "../../proofs/bound/norm.h"

#include <math.h>

/* One state in balls, and the two sides of the claim at hand. */
struct balls {
    struct bound_attention map;
    struct bound_values values;
    arb_mat_t S, J, mean;             /* mean = S Y */
    arb_t norm, rho, R;               /* ||DF||, ||Y||_F, max_i |y_i| */
    arb_t E, cosine, sine, limit;     /* of U: cosh(E/2), sinh(E/2), the largest entry's */
    arb_t truth, bound, part, factor; /* the last two: memory */
    slong precision;
};

/* Does something with each number. */
static void numbers(struct balls *b, void (*action)(arb_t))
{
    arb_ptr all[] = {b->norm,  b->rho,   b->R,     b->E,    b->cosine, b->sine,
                     b->limit, b->truth, b->bound, b->part, b->factor};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        action(all[k]);
}

static void matrix(arb_mat_t A, const double *x)
{
    slong columns = arb_mat_ncols(A);
    for (slong i = 0; i < arb_mat_nrows(A); i++)
        for (slong j = 0; j < columns; j++)
            arb_set_d(arb_mat_entry(A, i, j), x[i * columns + j]);
}

static void row_norm(arb_t norm, const arb_mat_t A, slong i, slong precision)
{
    arb_dot(norm, NULL, 0, A->rows[i], 1, A->rows[i], 1, arb_mat_ncols(A), precision);
    arb_sqrtpos(norm, norm, precision);
}

/* E and what follows from it for rho = ||Y||_F. */
static void spread(struct balls *b)
{
    slong p = b->precision;

    arb_sqrt_ui(b->E, 2, p);
    arb_add_ui(b->E, b->E, 1, p);
    arb_mul_2exp_si(b->E, b->E, -1);
    arb_mul(b->E, b->E, b->values.M, p);
    arb_mul(b->E, b->E, b->rho, p);
    arb_mul(b->E, b->E, b->rho, p);
    arb_mul_2exp_si(b->part, b->E, -1);
    arb_sinh_cosh(b->sine, b->cosine, b->part, p);
    arb_neg(b->limit, b->E);
    arb_exp(b->limit, b->limit, p);
    arb_mul_si(b->limit, b->limit, b->map.n - 1, p);
    arb_add_ui(b->limit, b->limit, 1, p);
    arb_inv(b->limit, b->limit, p);
}

/* derivative: whether J and its norm are needed. */
static void open_balls(struct balls *b, const struct trial *t, const struct evaluation *e,
                       int derivative, slong precision)
{
    int n = t->n, d = t->d;

    b->precision = precision;
    bound_attention_init(&b->map, n, d);
    bound_values_init(&b->values);
    arb_mat_init(b->S, n, n);
    arb_mat_init(b->J, n * d, n * d);
    arb_mat_init(b->mean, n, d);
    numbers(b, arb_init);
    b->map.map = t->transposed ? BOUND_MAP_ST : BOUND_MAP_S;
    b->map.causal = t->causal;
    arb_set_d(b->map.scale, t->scale);
    arb_set_d(b->map.slope, t->slope);
    matrix(b->map.Y, e->Y);
    matrix(b->map.W_Q, t->entry[W_Q]);
    matrix(b->map.W_K, t->entry[W_K]);
    matrix(b->map.W_V, t->entry[W_V]);
    bound_softmax(b->S, &b->map, precision);
    bound_values(&b->values, &b->map, b->S, precision);
    if (derivative) {
        bound_jacobian(b->J, &b->map, b->S, precision);
        bound_spectral_norm(b->norm, b->J, precision);
    }
    arb_mat_mul(b->mean, b->S, b->map.Y, precision);
    arb_set(b->rho, b->values.Y_frobenius);
    for (int i = 0; i < n; i++) {
        row_norm(b->part, b->map.Y, i, precision);
        arb_max(b->R, b->R, b->part, precision);
    }
    spread(b);
}

static void close_balls(struct balls *b)
{
    bound_attention_clear(&b->map);
    bound_values_clear(&b->values);
    arb_mat_clear(b->S);
    arb_mat_clear(b->J);
    arb_mat_clear(b->mean);
    numbers(b, arb_clear);
}

/* --- truths --------------------------------------------------------------------------------------
 */

/* A ball around the operator norm for max_i |D_i|: below, the largest row of DF[D] for D from the
 * search; above, the largest row sum of the blocks' norms. */
static void maximum_norm(struct balls *b, const double *direction)
{
    int n = b->map.n, d = b->map.d;
    slong p = b->precision;
    arb_mat_t D, image, block;
    arb_t low, high, sum, size;
    arf_t lo, hi;

    arb_init(low);
    arb_init(high);
    arb_init(sum);
    arb_init(size);
    arf_init(lo);
    arf_init(hi);
    arb_mat_init(D, n, d);
    arb_mat_init(image, n, d);
    matrix(D, direction);
    bound_derivative(image, &b->map, b->S, D, p);
    for (int i = 0; i < n; i++) {
        row_norm(sum, D, i, p);
        arb_max(size, size, sum, p);
        row_norm(sum, image, i, p);
        arb_max(low, low, sum, p);
        arb_zero(sum);
        for (int j = 0; j < n; j++) {
            arb_mat_window_init(block, b->J, i * d, j * d, (i + 1) * d, (j + 1) * d);
            bound_spectral_norm(b->part, block, p);
            arb_add(sum, sum, b->part, p);
            arb_mat_window_clear(block);
        }
        arb_max(high, high, sum, p);
    }
    if (arb_is_positive(size))
        arb_div(low, low, size, p);
    arb_get_lbound_arf(lo, low, p);
    arb_get_ubound_arf(hi, high, p);
    if (arb_is_finite(low) && arb_is_finite(high) && arf_cmp(lo, hi) <= 0)
        arb_set_interval_arf(b->truth, lo, hi, p);
    else
        arb_indeterminate(b->truth);
    arb_mat_clear(D);
    arb_mat_clear(image);
    arb_clear(low);
    arb_clear(high);
    arb_clear(sum);
    arb_clear(size);
    arf_clear(lo);
    arf_clear(hi);
}

/* max_i ||diag(r_i) - r_i r_i^T||; r_ij - r_ij^2 as the sum of r_ij r_ik over k != j, which keeps
 * the digits of a sharp row. */
static void row_jacobians(struct balls *b)
{
    slong n = b->map.n, p = b->precision;
    arb_mat_t J;

    arb_mat_init(J, n, n);
    arb_zero(b->truth);
    for (slong i = 0; i < n; i++) {
        arb_mat_zero(J);
        for (slong j = 0; j < n; j++)
            for (slong k = 0; k < n; k++) {
                if (j == k)
                    continue;
                arb_mul(b->part, arb_mat_entry(b->S, i, j), arb_mat_entry(b->S, i, k), p);
                arb_neg(arb_mat_entry(J, j, k), b->part);
                arb_add(arb_mat_entry(J, j, j), arb_mat_entry(J, j, j), b->part, p);
            }
        bound_spectral_norm(b->part, J, p);
        arb_max(b->truth, b->truth, b->part, p);
    }
    arb_mat_clear(J);
}

/* max_ijk a_ij - a_ik */
static void logits(struct balls *b)
{
    slong n = b->map.n, p = b->precision;
    arb_mat_t A;

    arb_mat_init(A, n, n);
    bound_logits(A, &b->map, p);
    arb_zero(b->truth);
    for (slong i = 0; i < n; i++)
        for (slong j = 0; j < n; j++)
            for (slong k = 0; k < n; k++) {
                arb_sub(b->part, arb_mat_entry(A, i, j), arb_mat_entry(A, i, k), p);
                arb_max(b->truth, b->truth, b->part, p);
            }
    arb_mat_clear(A);
}

/* ||S - 1 1^T / n||_F = ||S Pi||_F, since S 1 = 1 */
static void centred(struct balls *b)
{
    slong n = b->map.n, p = b->precision;

    arb_zero(b->truth);
    for (slong i = 0; i < n; i++)
        for (slong j = 0; j < n; j++) {
            arb_set_si(b->part, n);
            arb_inv(b->part, b->part, p);
            arb_sub(b->part, arb_mat_entry(b->S, i, j), b->part, p);
            arb_addmul(b->truth, b->part, b->part, p);
        }
    arb_sqrtpos(b->truth, b->truth, p);
}

static void image(struct balls *b)
{
    arb_mat_t F;

    arb_mat_init(F, b->map.n, b->map.d);
    bound_image(F, &b->map, b->S, b->precision);
    bound_frobenius(b->truth, F, b->precision);
    arb_mat_clear(F);
}

static void truth(struct balls *b, const struct evaluation *e, enum claim k)
{
    switch (k) {
    case CLAIM_B:
        maximum_norm(b, e->largest);
        break;
    case CLAIM_G1:
        row_jacobians(b);
        break;
    case CLAIM_U_SPREAD:
        logits(b);
        break;
    case CLAIM_U_ENTRY:
        arb_set(b->truth, b->values.row_max_most);
        break;
    case CLAIM_U_NORM:
        arb_set(b->truth, b->values.S_frobenius);
        break;
    case CLAIM_U_CENTRED:
        centred(b);
        break;
    case CLAIM_C_IMAGE:
        image(b);
        break;
    default:
        arb_set(b->truth, b->norm);
    }
}

/* --- bounds --------------------------------------------------------------------------------------
 */

/* factor = g1(r_i); part is lost. */
static void row_g1(struct balls *b, slong i)
{
    slong n = b->map.n, p = b->precision;
    arb_t lesser;

    arb_init(lesser);
    arb_zero(b->factor);
    arb_zero(b->part);
    for (slong j = 0; j < n; j++) {
        arb_min(lesser, b->factor, arb_mat_entry(b->S, i, j), p);
        arb_max(b->factor, b->factor, arb_mat_entry(b->S, i, j), p);
        arb_max(b->part, b->part, lesser, p);
    }
    arb_sub(b->part, b->part, b->factor, p);
    arb_add_ui(b->part, b->part, 1, p);
    arb_mul(b->factor, b->factor, b->part, p);
    arb_clear(lesser);
}

struct sums {
    arb_mat_t M, a, x, product, turned, square; /* a = Y M; x = J_i Y; the others: memory */
};

/* Row i's part of A's sums: the number of the first maximum in part, the factor of a_i in factor.
 */
static void row_sums(struct balls *b, struct sums *s, slong i)
{
    slong n = b->map.n, d = b->map.d, p = b->precision;

    for (slong j = 0; j < n; j++)
        for (slong c = 0; c < d; c++) {
            arb_ptr entry = arb_mat_entry(s->x, j, c);
            arb_sub(entry, arb_mat_entry(b->map.Y, j, c), arb_mat_entry(b->mean, i, c), p);
            arb_mul(entry, entry, arb_mat_entry(b->S, i, j), p);
        }
    if (b->map.map == BOUND_MAP_ST) {
        row_g1(b, i);
        arb_mat_transpose(s->square, s->M);
        arb_mat_mul(s->product, s->x, s->square, p);
        bound_spectral_norm(b->part, s->product, p);
    } else {
        arb_mat_mul(s->product, s->x, b->map.W_V, p);
        bound_spectral_norm(b->factor, s->product, p);
        arb_mat_transpose(s->turned, s->x);
        arb_mat_mul(s->square, s->turned, b->map.Y, p);
        arb_mat_mul(s->square, s->M, s->square, p);
        arb_mat_mul(s->square, s->square, b->map.W_V, p);
        bound_spectral_norm(b->part, s->square, p);
    }
}

/* A's sums before they are majorised; see claims.c. */
static void sums(struct balls *b)
{
    slong n = b->map.n, d = b->map.d, p = b->precision;
    struct sums s;

    arb_mat_init(s.M, d, d);
    arb_mat_init(s.a, n, d);
    arb_mat_init(s.x, n, d);
    arb_mat_init(s.product, n, d);
    arb_mat_init(s.turned, d, n);
    arb_mat_init(s.square, d, d);
    arb_mat_transpose(s.square, b->map.W_K);
    arb_mat_mul(s.M, b->map.W_Q, s.square, p);
    arb_mat_scalar_mul_arb(s.M, s.M, b->map.scale, p);
    arb_mat_mul(s.a, b->map.Y, s.M, p);
    arb_zero(b->bound);
    for (slong i = 0; i < n; i++) {
        row_sums(b, &s, i);
        arb_max(b->bound, b->bound, b->part, p);
        for (slong c = 0; c < d; c++)
            arb_mul(arb_mat_entry(s.a, i, c), arb_mat_entry(s.a, i, c), b->factor, p);
    }
    bound_spectral_norm(b->part, s.a, p);
    arb_add(b->bound, b->bound, b->part, p);
    if (b->map.map == BOUND_MAP_ST) {
        arb_mat_mul(s.product, b->map.Y, b->map.W_V, p);
        bound_spectral_norm(b->part, s.product, p);
        arb_mul(b->bound, b->bound, b->part, p);
    }
    arb_addmul(b->bound, b->values.S, b->values.W_V, p);
    arb_mat_clear(s.M);
    arb_mat_clear(s.a);
    arb_mat_clear(s.x);
    arb_mat_clear(s.product);
    arb_mat_clear(s.turned);
    arb_mat_clear(s.square);
}

/* v (||S|| + m R^2 + m R ||Y|| / sqrt 2), or v (sqrt n + (1 + sqrt(n/2)) m R^2) */
static void theorem_R(struct balls *b, int uniform)
{
    slong p = b->precision;

    arb_sqrt_ui(b->part, 2, p);
    if (uniform) {
        arb_sqrt_ui(b->bound, (ulong)b->map.n, p);
        arb_div(b->part, b->bound, b->part, p);
        arb_add_ui(b->part, b->part, 1, p);
        arb_mul(b->part, b->part, b->R, p);
    } else {
        arb_set(b->bound, b->values.S);
        arb_div(b->part, b->values.Y, b->part, p);
        arb_add(b->part, b->part, b->R, p);
    }
    arb_mul(b->part, b->part, b->R, p);
    arb_addmul(b->bound, b->part, b->values.M, p);
    arb_mul(b->bound, b->bound, b->values.W_V, p);
}

static void theorem_C(struct balls *b)
{
    slong p = b->precision;

    arb_set_d(b->part, 0.5);
    arb_min(b->bound, b->limit, b->part, p);
    arb_mul_2exp_si(b->bound, b->bound, 1);
    arb_mul(b->bound, b->bound, b->values.M, p);
    arb_mul(b->bound, b->bound, b->rho, p);
    arb_mul(b->bound, b->bound, b->rho, p);
    if (b->map.map == BOUND_MAP_ST) {
        arb_add(b->bound, b->bound, b->sine, p);
        arb_mul(b->bound, b->bound, b->bound, p);
        arb_add_ui(b->bound, b->bound, 1, p);
        arb_sqrt(b->bound, b->bound, p);
    } else
        arb_add(b->bound, b->bound, b->cosine, p);
    arb_mul(b->bound, b->bound, b->values.W_V, p);
}

static void bound(struct balls *b, const struct trial *t, enum claim k)
{
    switch (k) {
    case CLAIM_PRINTED:
        arb_set(b->bound, b->values.printed[t->index]);
        break;
    case CLAIM_A_DOMAIN:
        arb_set(b->bound, b->values.A_domain[t->index]);
        break;
    case CLAIM_A:
        arb_set(b->bound, b->values.A);
        break;
    case CLAIM_A_LAMBDA:
        arb_set(b->bound, b->values.A_lambda);
        break;
    case CLAIM_A_PRIME:
        arb_set(b->bound, b->values.A_prime);
        break;
    case CLAIM_SUMS:
        sums(b);
        break;
    case CLAIM_BLOCKS:
        bound_block_norms(b->bound, b->part, b->J, t->d, b->precision);
        break;
    case CLAIM_SCHUR:
        bound_block_norms(b->part, b->bound, b->J, t->d, b->precision);
        break;
    case CLAIM_R:
    case CLAIM_R_UNIFORM:
        theorem_R(b, k == CLAIM_R_UNIFORM);
        break;
    case CLAIM_B:
        arb_set(b->bound, b->values.B);
        break;
    case CLAIM_G1:
        arb_set(b->bound, b->values.lambda);
        break;
    case CLAIM_U_SPREAD:
        arb_set(b->bound, b->E);
        break;
    case CLAIM_U_ENTRY:
        arb_set(b->bound, b->limit);
        break;
    case CLAIM_U_NORM:
        arb_set(b->bound, b->cosine);
        break;
    case CLAIM_U_CENTRED:
        arb_set(b->bound, b->sine);
        break;
    case CLAIM_C_RATE:
        theorem_C(b);
        break;
    case CLAIM_C_IMAGE:
        arb_mul(b->bound, b->values.W_V, b->cosine, b->precision);
        arb_mul(b->bound, b->bound, b->rho, b->precision);
        break;
    case CLAIMS:
        arb_indeterminate(b->bound);
    }
}

/* The upper ends that MPFR has, infinite for the others and if they are not asked for. */
static void directed(double *most, const struct trial *t, const struct evaluation *e,
                     struct balls *b, int asked)
{
    const struct bound_interval zero = {0, 0};
    struct bound_directed v;
    struct bound_directed_contraction c;

    for (int k = 0; k < CLAIMS; k++)
        most[k] = INFINITY;
    if (t->causal || !asked)
        return;
    bound_directed(&v, e->Y, t->entry[W_Q], t->entry[W_K], t->entry[W_V], t->scale,
                   bound_index[t->index], t->n, t->d);
    bound_directed_contraction(&c, bound_interval(b->values.M), bound_interval(b->values.W_V), zero,
                               bound_interval(b->rho).hi, t->n);
    most[CLAIM_A] = v.A.hi;
    most[CLAIM_A_LAMBDA] = v.A_lambda.hi;
    most[CLAIM_A_PRIME] = v.A_prime.hi;
    most[CLAIM_B] = v.B.hi;
    most[CLAIM_G1] = v.lambda.hi;
    most[CLAIM_U_SPREAD] = c.spread.hi;
    most[CLAIM_C_IMAGE] = c.image.hi;
    if (t->transposed)
        most[CLAIM_C_RATE] = c.rate.hi;
}

/* --- verdicts ------------------------------------------------------------------------------------
 */

/* Of b->truth and b->bound, and of the bounds of ref and MPFR. */
static void judge(struct decision *decision, struct balls *b, const struct claim_sides *sides,
                  double most, enum claim k)
{
    struct bound_interval truth = bound_interval(b->truth), ratio;

    arb_div(b->part, b->truth, b->bound, b->precision);
    ratio = bound_interval(b->part); /* unbounded if the bound may be 0 */
    decision->ratio[k] = fmax(0, ratio.lo);
    decision->excess[k] = 0;
    decision->by[k] = "";
    if (!arb_is_finite(b->truth) || !arb_is_finite(b->bound) || isnan(most)) {
        decision->verdict[k] = VERDICT_UNKNOWN;
        return;
    }
    if (arb_gt(b->truth, b->bound))
        decision->by[k] = "above the bound in balls";
    else if (k != CLAIM_PRINTED && truth.lo > sides->bound + sides->bound_error)
        decision->by[k] = "above the bound of ref";
    else if (truth.lo > most)
        decision->by[k] = "above the bound of MPFR";
    if (decision->by[k][0] != '\0') {
        decision->verdict[k] = VERDICT_VIOLATED;
    } else if (arb_le(b->truth, b->bound)) {
        decision->verdict[k] = VERDICT_HELD;
    } else {
        decision->verdict[k] = VERDICT_UNDECIDED;
        decision->excess[k] = ratio.hi - 1;
    }
}

/* ||J in doubles - J||_F / the error claimed for it */
static double jacobian_share(struct balls *b, const struct evaluation *e)
{
    arb_mat_t difference;
    slong m = arb_mat_nrows(b->J);
    double distance;

    arb_mat_init(difference, m, m);
    matrix(difference, e->J);
    arb_mat_sub(difference, difference, b->J, b->precision);
    bound_frobenius(b->part, difference, b->precision);
    distance = bound_interval(b->part).hi;
    arb_mat_clear(difference);
    return distance > 0 ? distance / e->J_error : 0;
}

/* Whether a side of the claim stands on DF. */
static int of_derivative(enum claim k)
{
    return k < CLAIM_G1 || k == CLAIM_C_RATE;
}

void claims_decide(struct decision *decision, const struct trial *t, const struct evaluation *e,
                   const int *wanted, int MPFR, long precision)
{
    struct balls b;
    double most[CLAIMS];
    int derivative = 0;

    for (enum claim k = 0; k < CLAIMS; k++)
        derivative |= wanted[k] && of_derivative(k);
    open_balls(&b, t, e, derivative, precision);
    directed(most, t, e, &b, MPFR);
    for (enum claim k = 0; k < CLAIMS; k++) {
        if (!wanted[k])
            continue;
        truth(&b, e, k);
        bound(&b, t, k);
        judge(decision, &b, &e->claim[k], most[k], k);
    }
    decision->share = derivative ? jacobian_share(&b, e) : 0;
    close_balls(&b);
}
