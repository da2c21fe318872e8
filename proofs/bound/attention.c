/* attention.c - see attention.h. */
#include "attention.h"

#include "norm.h"

const double bound_index[BOUND_INDICES] = {1.25, 1.5, 1.75, 2.0};

void bound_attention_init(struct bound_attention *a, int n, int d)
{
    a->n = n;
    a->d = d;
    a->map = BOUND_MAP_ST;
    a->causal = 0;
    arb_init(a->scale);
    arb_init(a->slope);
    arb_one(a->scale);
    arb_mat_init(a->Y, n, d);
    arb_mat_init(a->W_Q, d, d);
    arb_mat_init(a->W_K, d, d);
    arb_mat_init(a->W_V, d, d);
}

void bound_attention_clear(struct bound_attention *a)
{
    arb_clear(a->scale);
    arb_clear(a->slope);
    arb_mat_clear(a->Y);
    arb_mat_clear(a->W_Q);
    arb_mat_clear(a->W_K);
    arb_mat_clear(a->W_V);
}

static int keys(const struct bound_attention *a, int i)
{
    return a->causal ? i + 1 : a->n;
}

/* --- the softmax --------------------------------------------------------------------------------
 */

void bound_logits(arb_mat_t A, const struct bound_attention *a, slong precision)
{
    arb_mat_t Q, K, transposed;
    arb_t away;

    arb_init(away);
    arb_mat_init(Q, a->n, a->d);
    arb_mat_init(K, a->n, a->d);
    arb_mat_init(transposed, a->d, a->n);
    arb_mat_mul(Q, a->Y, a->W_Q, precision);
    arb_mat_mul(K, a->Y, a->W_K, precision);
    arb_mat_transpose(transposed, K);
    arb_mat_mul(A, Q, transposed, precision);
    arb_mat_scalar_mul_arb(A, A, a->scale, precision);
    for (int i = 0; i < a->n; i++)
        for (int j = 0; j < a->n; j++) {
            arb_mul_si(away, a->slope, i < j ? j - i : i - j, precision);
            arb_sub(arb_mat_entry(A, i, j), arb_mat_entry(A, i, j), away, precision);
        }
    arb_mat_clear(Q);
    arb_mat_clear(K);
    arb_mat_clear(transposed);
    arb_clear(away);
}

/* x cut to [0, 1], where the value it encloses lies; all of it if x could not be divided. Beside
 * [0, 1] x encloses no such value: then something before is wrong, and x holds no number. */
static void cut(arb_t x, slong precision)
{
    arb_t unit;

    arb_init(unit);
    arb_set_d(unit, 0.5);
    mag_set_d(arb_radref(unit), 0.5);
    if (!arb_is_finite(x))
        arb_set(x, unit);
    else if (!arb_intersection(x, x, unit, precision))
        arb_indeterminate(x);
    arb_clear(unit);
}

/* Row i of S from its m exponentials e: p_j = 1 / (1 + (sum of the others) / e_j), where each e
 * occurs once. NaN if an e is not finite. before: memory of m. */
static void normalise(arb_ptr p, arb_srcptr e, arb_ptr before, int m, slong precision)
{
    arb_t after;

    if (!_arb_vec_is_finite(e, m)) {
        _arb_vec_indeterminate(p, m);
        return;
    }
    arb_init(after);
    arb_zero(before);
    for (int j = 1; j < m; j++)
        arb_add(before + j, before + j - 1, e + j - 1, precision);
    for (int j = m - 1; j >= 0; j--) {
        arb_add(p + j, before + j, after, precision);
        arb_div(p + j, p + j, e + j, precision);
        arb_add_ui(p + j, p + j, 1, precision);
        arb_inv(p + j, p + j, precision);
        cut(p + j, precision);
        arb_add(after, after, e + j, precision);
    }
    arb_clear(after);
}

void bound_softmax(arb_mat_t S, const struct bound_attention *a, slong precision)
{
    arb_mat_t A;
    arb_ptr e = _arb_vec_init(a->n), before = _arb_vec_init(a->n);
    arf_t top;

    arf_init(top);
    arb_mat_init(A, a->n, a->n);
    bound_logits(A, a, precision);
    arb_mat_zero(S);
    for (int i = 0; i < a->n; i++) {
        int m = keys(a, i);
        arf_set(top, arb_midref(arb_mat_entry(A, i, 0)));
        for (int j = 1; j < m; j++)
            if (arf_cmp(arb_midref(arb_mat_entry(A, i, j)), top) > 0)
                arf_set(top, arb_midref(arb_mat_entry(A, i, j)));
        /* Any number may be subtracted from a whole row: the softmax stays the same. */
        for (int j = 0; j < m; j++) {
            arb_sub_arf(e + j, arb_mat_entry(A, i, j), top, precision);
            arb_exp(e + j, e + j, precision);
        }
        normalise(S->rows[i], e, before, m, precision);
    }
    arf_clear(top);
    arb_mat_clear(A);
    _arb_vec_clear(e, a->n);
    _arb_vec_clear(before, a->n);
}

/* --- the quantities of a row --------------------------------------------------------------------
 */

/* x^q, x in [0, 1], for the k-th q: products of roots, exact at 0 and 1. */
static void power(arb_t result, const arb_t x, int k, slong precision)
{
    arb_t root, fourth;

    if (k == BOUND_INDICES - 1) {
        arb_mul(result, x, x, precision);
        return;
    }
    arb_init(root);
    arb_init(fourth);
    arb_sqrtpos(root, x, precision);
    arb_sqrtpos(fourth, root, precision);
    arb_set(result, x);
    if (k != 0)
        arb_mul(result, result, root, precision);
    if (k != 1)
        arb_mul(result, result, fourth, precision);
    arb_clear(root);
    arb_clear(fourth);
}

/* sum_j r_j^q for the k-th q */
static void power_sum(arb_t sum, arb_srcptr r, int m, int k, slong precision)
{
    arb_t term;

    arb_init(term);
    arb_zero(sum);
    for (int j = 0; j < m; j++) {
        power(term, r + j, k, precision);
        arb_add(sum, sum, term, precision);
    }
    arb_clear(term);
}

/* The largest and the second largest entry of a row, 0 where there is none. */
static void two_largest(arb_t first, arb_t second, arb_srcptr r, int m, slong precision)
{
    arb_t lesser;

    arb_init(lesser);
    arb_zero(first);
    arb_zero(second);
    for (int j = 0; j < m; j++) {
        arb_min(lesser, first, r + j, precision);
        arb_max(first, first, r + j, precision);
        arb_max(second, second, lesser, precision);
    }
    arb_clear(lesser);
}

/* g1 = r_(1) (1 - r_(1) + r_(2)), at least the norm of diag(r) - r r^T. */
static void g1(arb_t value, const arb_t first, const arb_t second, slong precision)
{
    arb_sub(value, second, first, precision);
    arb_add_ui(value, value, 1, precision);
    arb_mul(value, value, first, precision);
}

/* What the rows of S give: entropies, their least, the dynamic terms, row extremes, lambda. */
struct row_sums {
    arb_t sum, part, first, second, entropy;
};

static void entropies(struct bound_values *v, const struct bound_attention *a, const arb_mat_t S,
                      int k, struct row_sums *w, slong precision)
{
    arb_t exponent, index;

    arb_init(exponent);
    arb_init(index);
    arb_set_d(index, bound_index[k]);
    arb_ui_div(exponent, 2, index, precision);
    arb_sub_ui(index, index, 1, precision);
    arb_zero(v->entropy[k]);
    arb_zero(v->dynamic_term[k]);
    for (int i = 0; i < a->n; i++) {
        power_sum(w->sum, S->rows[i], keys(a, i), k, precision);
        arb_sub_ui(w->entropy, w->sum, 1, precision);
        arb_neg(w->entropy, w->entropy);
        arb_div(w->entropy, w->entropy, index, precision);
        arb_add(v->entropy[k], v->entropy[k], w->entropy, precision);
        if (i == 0)
            arb_set(v->entropy_min[k], w->entropy);
        else
            arb_min(v->entropy_min[k], v->entropy_min[k], w->entropy, precision);
        if (k == BOUND_INDICES - 1)
            arb_set(w->part, w->sum);
        else
            arb_pow(w->part, w->sum, exponent, precision);
        arb_add(v->dynamic_term[k], v->dynamic_term[k], w->part, precision);
    }
    arb_div_si(v->entropy[k], v->entropy[k], a->n, precision);
    arb_sqrtpos(v->dynamic_term[k], v->dynamic_term[k], precision);
    arb_clear(exponent);
    arb_clear(index);
}

/* max_j r_ij over the rows, and lambda. */
static void extremes(struct bound_values *v, const struct bound_attention *a, const arb_mat_t S,
                     struct row_sums *w, slong precision)
{
    arb_zero(v->lambda);
    for (int i = 0; i < a->n; i++) {
        two_largest(w->first, w->second, S->rows[i], keys(a, i), precision);
        if (i == 0) {
            arb_set(v->row_max_least, w->first);
            arb_set(v->row_max_most, w->first);
        } else {
            arb_min(v->row_max_least, v->row_max_least, w->first, precision);
            arb_max(v->row_max_most, v->row_max_most, w->first, precision);
        }
        g1(w->part, w->first, w->second, precision);
        power_sum(w->sum, S->rows[i], keys(a, i), BOUND_INDICES - 1, precision);
        arb_sub_ui(w->entropy, w->sum, 1, precision);
        arb_neg(w->entropy, w->entropy);
        arb_min(w->part, w->part, w->entropy, precision);
        arb_max(v->lambda, v->lambda, w->part, precision);
    }
    arb_set_d(w->part, 0.5);
    arb_min(v->lambda, v->lambda, w->part, precision);
}

static void rows(struct bound_values *v, const struct bound_attention *a, const arb_mat_t S,
                 slong precision)
{
    struct row_sums w;

    arb_init(w.sum);
    arb_init(w.part);
    arb_init(w.first);
    arb_init(w.second);
    arb_init(w.entropy);
    for (int k = 0; k < BOUND_INDICES; k++)
        entropies(v, a, S, k, &w, precision);
    extremes(v, a, S, &w, precision);
    arb_clear(w.sum);
    arb_clear(w.part);
    arb_clear(w.first);
    arb_clear(w.second);
    arb_clear(w.entropy);
}

/* --- norms and bounds ---------------------------------------------------------------------------
 */

_Static_assert(sizeof(struct bound_values) % sizeof(arb_struct) == 0, "balls and nothing else");

void bound_values_init(struct bound_values *v)
{
    for (arb_ptr ball = (arb_ptr)v; ball < (arb_ptr)(v + 1); ball++)
        arb_init(ball);
}

void bound_values_clear(struct bound_values *v)
{
    for (arb_ptr ball = (arb_ptr)v; ball < (arb_ptr)(v + 1); ball++)
        arb_clear(ball);
}

static void norms(struct bound_values *v, const struct bound_attention *a, const arb_mat_t S,
                  slong precision)
{
    arb_mat_t M, transposed;

    arb_mat_init(M, a->d, a->d);
    arb_mat_init(transposed, a->d, a->d);
    arb_mat_transpose(transposed, a->W_K);
    arb_mat_mul(M, a->W_Q, transposed, precision);
    arb_mat_scalar_mul_arb(M, M, a->scale, precision);
    bound_spectral_norm(v->M, M, precision);
    bound_spectral_norm(v->W_Q, a->W_Q, precision);
    bound_spectral_norm(v->W_K, a->W_K, precision);
    bound_spectral_norm(v->W_V, a->W_V, precision);
    bound_frobenius(v->W_V_frobenius, a->W_V, precision);
    bound_spectral_norm(v->Y, a->Y, precision);
    bound_frobenius(v->Y_frobenius, a->Y, precision);
    bound_nonnegative_norm(v->S, S, precision);
    bound_frobenius(v->S_frobenius, S, precision);
    arb_mat_clear(M);
    arb_mat_clear(transposed);
}

/* The formulas as the paper prints them, and A with the static constant 4 in place of 2. */
static void printed(struct bound_values *v, const struct bound_attention *a, slong precision)
{
    arb_t size;

    arb_init(size);
    arb_abs(size, a->scale);
    arb_mul(v->static_term, v->W_Q, v->W_K, precision);
    arb_mul(v->static_term, v->static_term, size, precision);
    arb_mul_2exp_si(v->static_term, v->static_term, 1);
    arb_sqrt_ui(v->dynamic_limit, (ulong)a->n, precision);
    arb_add(v->printed_limit, v->static_term, v->dynamic_limit, precision);
    arb_mul(v->printed_limit, v->printed_limit, v->W_V_frobenius, precision);
    for (int k = 0; k < BOUND_INDICES; k++) {
        arb_add(v->printed[k], v->static_term, v->dynamic_term[k], precision);
        arb_add(v->A_domain[k], v->printed[k], v->static_term, precision);
        arb_mul(v->printed[k], v->printed[k], v->W_V_frobenius, precision);
        arb_mul(v->A_domain[k], v->A_domain[k], v->W_V_frobenius, precision);
    }
    arb_clear(size);
}

/* A, A_lambda, A_prime from the norms. */
static void theorem_A(struct bound_values *v, const struct bound_attention *a, slong precision)
{
    arb_t part, centred;

    arb_init(part);
    arb_init(centred);
    arb_mul(part, v->Y, v->Y, precision);
    arb_mul(part, part, v->M, precision);
    arb_add(v->A, part, v->S, precision);
    arb_mul(v->A, v->A, v->W_V, precision);
    arb_mul(part, part, v->lambda, precision);
    arb_mul_2exp_si(part, part, 1);
    arb_add(v->A_lambda, part, v->S, precision);
    arb_mul(v->A_lambda, v->A_lambda, v->W_V, precision);
    if (a->map == BOUND_MAP_ST) {
        arb_mul(centred, v->S_frobenius, v->S_frobenius, precision);
        arb_sub_ui(centred, centred, 1, precision);
        arb_sqrtpos(centred, centred, precision);
        arb_add(part, part, centred, precision);
        arb_mul(part, part, part, precision);
        arb_add_ui(part, part, 1, precision);
        arb_sqrt(part, part, precision);
        arb_mul(v->A_prime, part, v->W_V, precision);
    } else
        arb_pos_inf(v->A_prime);
    arb_clear(part);
    arb_clear(centred);
}

static void row_norm(arb_t norm, const arb_mat_t A, int i, slong precision)
{
    arb_zero(norm);
    for (slong j = 0; j < arb_mat_ncols(A); j++)
        arb_addmul(norm, arb_mat_entry(A, i, j), arb_mat_entry(A, i, j), precision);
    arb_sqrtpos(norm, norm, precision);
}

/* B = v max_i (1 + m (R^2 - |mu_i|^2) + m R sqrt(R^2 - |mu_i|^2)), R = max_i |y_i|, mu = S Y */
static void theorem_B(struct bound_values *v, const struct bound_attention *a, const arb_mat_t S,
                      slong precision)
{
    arb_mat_t mean;
    arb_t R, square, spread, term;

    if (a->map == BOUND_MAP_ST) {
        arb_pos_inf(v->B);
        return;
    }
    arb_init(R);
    arb_init(square);
    arb_init(spread);
    arb_init(term);
    arb_mat_init(mean, a->n, a->d);
    arb_mat_mul(mean, S, a->Y, precision);
    for (int i = 0; i < a->n; i++) {
        row_norm(term, a->Y, i, precision);
        arb_max(R, R, term, precision);
    }
    arb_mul(square, R, R, precision);
    arb_zero(v->B);
    for (int i = 0; i < a->n; i++) {
        row_norm(spread, mean, i, precision);
        arb_mul(spread, spread, spread, precision);
        arb_sub(spread, square, spread, precision);
        arb_nonnegative_part(spread, spread);
        arb_sqrtpos(term, spread, precision);
        arb_mul(term, term, R, precision);
        arb_add(term, term, spread, precision);
        arb_max(v->B, v->B, term, precision);
    }
    arb_mul(v->B, v->B, v->M, precision);
    arb_add_ui(v->B, v->B, 1, precision);
    arb_mul(v->B, v->B, v->W_V, precision);
    arb_clear(R);
    arb_clear(square);
    arb_clear(spread);
    arb_clear(term);
    arb_mat_clear(mean);
}

void bound_values(struct bound_values *v, const struct bound_attention *a, const arb_mat_t S,
                  slong precision)
{
    rows(v, a, S, precision);
    norms(v, a, S, precision);
    printed(v, a, precision);
    theorem_A(v, a, precision);
    theorem_B(v, a, S, precision);
}

/* --- the derivative ------------------------------------------------------------------------------
 */

/* DS[D]: dS_ij = S_ij (dA_ij - sum_k S_ik dA_ik), dA = scale (D W_Q K^T + Q (D W_K)^T). */
static void softmax_derivative(arb_mat_t dS, const struct bound_attention *a, const arb_mat_t S,
                               const arb_mat_t D, slong precision)
{
    arb_mat_t left, right, product, sum;
    arb_t mean;

    arb_init(mean);
    arb_mat_init(left, a->n, a->d);
    arb_mat_init(right, a->d, a->n);
    arb_mat_init(product, a->n, a->d);
    arb_mat_init(sum, a->n, a->n);
    for (int side = 0; side < 2; side++) { /* the queries' change, then the keys' */
        arb_mat_mul(left, side == 0 ? D : a->Y, a->W_Q, precision);
        arb_mat_mul(product, side == 0 ? a->Y : D, a->W_K, precision);
        arb_mat_transpose(right, product);
        arb_mat_mul(dS, left, right, precision);
        arb_mat_add(sum, sum, dS, precision);
    }
    arb_mat_scalar_mul_arb(sum, sum, a->scale, precision);
    for (int i = 0; i < a->n; i++) {
        arb_dot(mean, NULL, 0, S->rows[i], 1, sum->rows[i], 1, keys(a, i), precision);
        for (int j = 0; j < a->n; j++) {
            arb_ptr entry = arb_mat_entry(dS, i, j);
            arb_sub(entry, arb_mat_entry(sum, i, j), mean, precision);
            arb_mul(entry, entry, arb_mat_entry(S, i, j), precision);
        }
    }
    arb_mat_clear(left);
    arb_mat_clear(right);
    arb_mat_clear(product);
    arb_mat_clear(sum);
    arb_clear(mean);
}

/* P^T A W_V or P A W_V, as the map says; P n x n, A n x d. */
static void apply(arb_mat_t result, const struct bound_attention *a, const arb_mat_t P,
                  const arb_mat_t A, slong precision)
{
    arb_mat_t values, transposed;

    arb_mat_init(values, a->n, a->d);
    arb_mat_init(transposed, a->n, a->n);
    arb_mat_mul(values, A, a->W_V, precision);
    arb_mat_transpose(transposed, P);
    arb_mat_mul(result, a->map == BOUND_MAP_ST ? transposed : P, values, precision);
    arb_mat_clear(values);
    arb_mat_clear(transposed);
}

void bound_image(arb_mat_t F, const struct bound_attention *a, const arb_mat_t S, slong precision)
{
    apply(F, a, S, a->Y, precision);
}

void bound_derivative(arb_mat_t result, const struct bound_attention *a, const arb_mat_t S,
                      const arb_mat_t D, slong precision)
{
    arb_mat_t dS, direct;

    arb_mat_init(dS, a->n, a->n);
    arb_mat_init(direct, a->n, a->d);
    softmax_derivative(dS, a, S, D, precision);
    apply(result, a, dS, a->Y, precision);
    apply(direct, a, S, D, precision);
    arb_mat_add(result, result, direct, precision);
    arb_mat_clear(dS);
    arb_mat_clear(direct);
}

void bound_jacobian(arb_mat_t J, const struct bound_attention *a, const arb_mat_t S,
                    slong precision)
{
    arb_mat_t D, column;

    arb_mat_init(D, a->n, a->d);
    arb_mat_init(column, a->n, a->d);
    for (int j = 0; j < a->n * a->d; j++) {
        arb_one(arb_mat_entry(D, j / a->d, j % a->d));
        bound_derivative(column, a, S, D, precision);
        for (int i = 0; i < a->n * a->d; i++)
            arb_set(arb_mat_entry(J, i, j), arb_mat_entry(column, i / a->d, i % a->d));
        arb_zero(arb_mat_entry(D, j / a->d, j % a->d));
    }
    arb_mat_clear(D);
    arb_mat_clear(column);
}

/* Schur: ||N||^2 <= max row sum * max column sum. */
static void schur_test(arb_t bound, const arb_mat_t N, slong precision)
{
    arb_t row, column, most;
    slong n = arb_mat_nrows(N);

    arb_init(row);
    arb_init(column);
    arb_init(most);
    arb_zero(bound);
    for (slong i = 0; i < n; i++) {
        arb_zero(row);
        arb_zero(column);
        for (slong j = 0; j < n; j++) {
            arb_add(row, row, arb_mat_entry(N, i, j), precision);
            arb_add(column, column, arb_mat_entry(N, j, i), precision);
        }
        arb_max(bound, bound, row, precision);
        arb_max(most, most, column, precision);
    }
    arb_mul(bound, bound, most, precision);
    arb_sqrtpos(bound, bound, precision);
    arb_clear(row);
    arb_clear(column);
    arb_clear(most);
}

void bound_block_norms(arb_t norm, arb_t schur, const arb_mat_t J, int d, slong precision)
{
    slong n = arb_mat_nrows(J) / d;
    arb_mat_t N, block;

    arb_mat_init(N, n, n);
    for (slong i = 0; i < n; i++)
        for (slong j = 0; j < n; j++) {
            arb_mat_window_init(block, J, i * d, j * d, (i + 1) * d, (j + 1) * d);
            bound_spectral_norm_above(arb_mat_entry(N, i, j), block, precision);
            arb_mat_window_clear(block);
        }
    bound_nonnegative_norm(norm, N, precision);
    schur_test(schur, N, precision);
    arb_mat_clear(N);
}
