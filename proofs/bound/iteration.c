/* iteration.c - see iteration.h: a row's way through layer norms and MLP in balls. The products of
 * blocks are in blocks.c. */
#include "iteration.h"

#include <arb_hypgeom.h>

#include "../../spec/layout.h"
#include "blocks.h"

/* What a row of the trained map needs; matrices d x d unless said otherwise. */
struct parameters {
    const struct eer_config *config;
    struct eer_layout layout;
    arb_mat_t tensor[EER_TENSORS];
    slong precision;
};

static void parameters_init(struct parameters *p, const struct bound_model *model, slong precision)
{
    p->config = model->config;
    p->precision = precision;
    eer_layout(model->config, &p->layout);
    for (int t = 0; t < EER_TENSORS; t++) {
        int rows = p->layout.rows[t], columns = p->layout.columns[t];
        arb_mat_init(p->tensor[t], rows, columns);
        for (int i = 0; i < rows * columns; i++)
            arb_set_d(arb_mat_entry(p->tensor[t], i / columns, i % columns),
                      model->theta[p->layout.offset[t] + i]);
    }
}

static void parameters_clear(struct parameters *p)
{
    for (int t = 0; t < EER_TENSORS; t++)
        arb_mat_clear(p->tensor[t]);
}

/* --- layer norm ---------------------------------------------------------------------------------
 */

/* xhat = (x - mean) / sqrt(var + 1e-5), rstd = 1 / sqrt(var + 1e-5). x and xhat 1 x d. */
static void standardise(arb_ptr xhat, arb_t rstd, arb_srcptr x, int d, slong precision)
{
    arb_t mean, square;

    arb_init(mean);
    arb_init(square);
    for (int a = 0; a < d; a++)
        arb_add(mean, mean, x + a, precision);
    arb_div_si(mean, mean, d, precision);
    arb_zero(rstd);
    for (int a = 0; a < d; a++) {
        arb_sub(xhat + a, x + a, mean, precision);
        arb_sqr(square, xhat + a, precision);
        arb_add(rstd, rstd, square, precision);
    }
    arb_div_si(rstd, rstd, d, precision);
    arb_one(square);
    arb_div_ui(square, square, 100000, precision);
    arb_add(rstd, rstd, square, precision);
    arb_rsqrt(rstd, rstd, precision);
    for (int a = 0; a < d; a++)
        arb_mul(xhat + a, xhat + a, rstd, precision);
    arb_clear(mean);
    arb_clear(square);
}

/* y = LN(x) and its Jacobian: J_ba = d y_a / d x_b = gain_a rstd ([a = b] - 1/d - xhat_a xhat_b /
 * d). y may be x. */
static void layer_norm(arb_ptr y, arb_mat_t J, arb_srcptr x, const struct parameters *p, int gain)
{
    int d = p->config->d;
    slong precision = p->precision;
    arb_ptr xhat = _arb_vec_init(d);
    arb_t rstd, entry;

    arb_init(rstd);
    arb_init(entry);
    standardise(xhat, rstd, x, d, precision);
    for (int b = 0; b < d; b++)
        for (int a = 0; a < d; a++) {
            arb_mul(entry, xhat + a, xhat + b, precision);
            arb_add_ui(entry, entry, 1, precision);
            arb_div_si(entry, entry, -d, precision);
            arb_add_ui(entry, entry, a == b, precision);
            arb_mul(entry, entry, rstd, precision);
            arb_mul(arb_mat_entry(J, b, a), entry, arb_mat_entry(p->tensor[gain], 0, a), precision);
        }
    for (int a = 0; a < d; a++) {
        arb_mul(y + a, xhat + a, arb_mat_entry(p->tensor[gain], 0, a), precision);
        arb_add(y + a, y + a, arb_mat_entry(p->tensor[gain + 1], 0, a), precision); /* the bias */
    }
    arb_clear(rstd);
    arb_clear(entry);
    _arb_vec_clear(xhat, d);
}

/* --- the MLP ------------------------------------------------------------------------------------
 */

/* x Phi(x) and Phi(x) + x phi(x) */
static void gelu(arb_t value, arb_t slope, const arb_t x, slong precision)
{
    arb_t distribution, density;

    arb_init(distribution);
    arb_init(density);
    arb_sqrt_ui(density, 2, precision);
    arb_div(distribution, x, density, precision);
    arb_neg(distribution, distribution);
    arb_hypgeom_erfc(distribution, distribution, precision);
    arb_mul_2exp_si(distribution, distribution, -1);
    arb_sqr(density, x, precision);
    arb_mul_2exp_si(density, density, -1);
    arb_neg(density, density);
    arb_exp(density, density, precision);
    arb_const_sqrt_pi(slope, precision);
    arb_div(density, density, slope, precision);
    arb_sqrt_ui(slope, 2, precision);
    arb_div(density, density, slope, precision);
    arb_mul(slope, x, density, precision);
    arb_add(slope, slope, distribution, precision);
    arb_mul(value, x, distribution, precision);
    arb_clear(distribution);
    arb_clear(density);
}

/* max(x, 0) and its derivative; 1 if x may be 0. */
static int relu(arb_t value, arb_t slope, const arb_t x, slong precision)
{
    if (arb_is_positive(x)) {
        arb_set(value, x);
        arb_one(slope);
        return 0;
    }
    if (arb_is_negative(x)) {
        arb_zero(value);
        arb_zero(slope);
        return 0;
    }
    arb_zero(slope);
    arb_max(value, x, slope, precision);
    arb_set_d(slope, 0.5);
    mag_set_d(arb_radref(slope), 0.5);
    return 1;
}

/* o = act(y W_1 + b_1) W_2 + b_2 and D = W_1 diag(act') W_2; the number of kinks. y and o 1 x d. */
static int mlp(arb_ptr o, arb_mat_t D, arb_srcptr y, const struct parameters *p)
{
    int d = p->config->d, m = p->config->mlp, kinks = 0;
    slong precision = p->precision;
    arb_mat_t left;
    arb_t a, value, slope;

    arb_init(a);
    arb_init(value);
    arb_init(slope);
    arb_mat_init(left, d, m);
    for (int b = 0; b < d; b++)
        arb_set(o + b, arb_mat_entry(p->tensor[EER_B_2], 0, b));
    for (int k = 0; k < m; k++) {
        arb_set(a, arb_mat_entry(p->tensor[EER_B_1], 0, k));
        for (int b = 0; b < d; b++)
            arb_addmul(a, y + b, arb_mat_entry(p->tensor[EER_W_1], b, k), precision);
        if (p->config->activation == EER_RELU)
            kinks += relu(value, slope, a, precision);
        else
            gelu(value, slope, a, precision);
        for (int b = 0; b < d; b++) {
            arb_addmul(o + b, value, arb_mat_entry(p->tensor[EER_W_2], k, b), precision);
            arb_mul(arb_mat_entry(left, b, k), arb_mat_entry(p->tensor[EER_W_1], b, k), slope,
                    precision);
        }
    }
    arb_mat_mul(D, left, p->tensor[EER_W_2], precision);
    arb_clear(a);
    arb_clear(value);
    arb_clear(slope);
    arb_mat_clear(left);
    return kinks;
}

/* --- a row's way --------------------------------------------------------------------------------
 */

/* z + M(z + x) with its norms, in place; R becomes R times its Jacobian. The number of kinks. */
static int mlp_half(arb_ptr z, arb_mat_t R, arb_srcptr x, const struct parameters *p)
{
    int d = p->config->d, kinks;
    slong precision = p->precision;
    arb_ptr u = _arb_vec_init(d), o = _arb_vec_init(d);
    arb_mat_t D, norm;

    arb_mat_init(D, d, d);
    arb_mat_init(norm, d, d);
    _arb_vec_add(u, z, x, d, precision);
    if (p->config->norm == EER_NORM_PRE)
        layer_norm(u, norm, u, p, EER_LN2_GAIN);
    kinks = mlp(o, D, u, p);
    if (p->config->norm == EER_NORM_PRE)
        arb_mat_mul(D, norm, D, precision);
    for (int a = 0; a < d; a++)
        arb_add_ui(arb_mat_entry(D, a, a), arb_mat_entry(D, a, a), 1, precision);
    _arb_vec_add(z, z, o, d, precision);
    arb_mat_mul(R, R, D, precision);
    if (p->config->norm == EER_NORM_POST) {
        layer_norm(z, norm, z, p, EER_LN2_GAIN);
        arb_mat_mul(R, R, norm, precision);
    }
    arb_mat_clear(D);
    arb_mat_clear(norm);
    _arb_vec_clear(u, d);
    _arb_vec_clear(o, d);
    return kinks;
}

/* Row i from Z + A on: the image and R_i. */
static int after_attention(struct bound_iteration *t, int i, const struct parameters *p,
                           const arb_mat_t X, const arb_mat_t Z)
{
    int d = p->config->d, kinks = 0;
    slong precision = p->precision;
    arb_ptr z = t->image->rows[i];
    arb_mat_struct *R = &t->R[i];

    arb_mat_one(R);
    _arb_vec_add(z, Z->rows[i], t->F->rows[i], d, precision);
    if (p->config->norm == EER_NORM_POST)
        layer_norm(z, R, z, p, EER_LN1_GAIN);
    if (p->config->mlp > 0)
        kinks = mlp_half(z, R, X->rows[i], p);
    return kinks;
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static arb_mat_struct *matrices(int n, int d)
{
    arb_mat_struct *A = flint_malloc((size_t)n * sizeof *A);

    for (int i = 0; i < n; i++)
        arb_mat_init(&A[i], d, d);
    return A;
}

static void free_matrices(arb_mat_struct *A, int n)
{
    for (int i = 0; A && i < n; i++)
        arb_mat_clear(&A[i]);
    flint_free(A);
}

/* The matrices of attend(), of the right sizes. */
static void init_matrices(struct bound_iteration *t)
{
    int n = t->attention.n, d = t->attention.d;

    arb_mat_init(t->S, n, n);
    arb_mat_init(t->Q, n, d);
    arb_mat_init(t->K, n, d);
    arb_mat_init(t->V, n, d);
    arb_mat_init(t->F, n, d);
    arb_mat_init(t->image, n, d);
}

static void copy_attention(struct bound_attention *to, const struct bound_attention *from)
{
    bound_attention_init(to, from->n, from->d);
    to->map = from->map;
    to->causal = from->causal;
    arb_set(to->scale, from->scale);
    arb_set(to->slope, from->slope);
    arb_mat_set(to->Y, from->Y);
    arb_mat_set(to->W_Q, from->W_Q);
    arb_mat_set(to->W_K, from->W_K);
    arb_mat_set(to->W_V, from->W_V);
}

/* Queries, keys, values, probabilities and the output of t->attention, which is set. */
static void attend(struct bound_iteration *t, slong precision)
{
    const struct bound_attention *a = &t->attention;

    init_matrices(t);
    arb_mat_mul(t->Q, a->Y, a->W_Q, precision);
    arb_mat_mul(t->K, a->Y, a->W_K, precision);
    arb_mat_mul(t->V, a->Y, a->W_V, precision);
    bound_softmax(t->S, a, precision);
    bound_image(t->F, a, t->S, precision);
}

/* Y and, with norm = pre, G. */
static void attention_input(struct bound_iteration *t, const struct parameters *p,
                            const arb_mat_t X, const arb_mat_t Z)
{
    const struct eer_config *c = p->config;
    struct bound_attention *a = &t->attention;

    a->map = BOUND_MAP_S;
    a->causal = c->mask == EER_MASK_CAUSAL;
    arb_set_d(a->slope, c->slope);
    arb_sqrt_ui(a->scale, (ulong)c->d, p->precision);
    arb_t tau;
    arb_init(tau);
    arb_set_d(tau, c->tau);
    arb_mul(a->scale, a->scale, tau, p->precision);
    arb_inv(a->scale, a->scale, p->precision);
    arb_clear(tau);
    arb_mat_set(a->W_Q, p->tensor[EER_W_Q]);
    arb_mat_set(a->W_K, p->tensor[EER_W_K]);
    arb_mat_set(a->W_V, p->tensor[EER_W_V]);
    arb_mat_add(a->Y, Z, X, p->precision);
    if (c->norm == EER_NORM_PRE)
        for (int i = 0; i < a->n; i++)
            layer_norm(a->Y->rows[i], &t->G[i], a->Y->rows[i], p, EER_LN1_GAIN);
}

void bound_iteration_trained(struct bound_iteration *t, const struct bound_model *model,
                             const arb_mat_t X, const arb_mat_t Z, int modulo, slong precision)
{
    struct parameters p;
    int n = (int)arb_mat_nrows(Z), d = (int)arb_mat_ncols(Z);

    *t = (struct bound_iteration){.residual = 1};
    parameters_init(&p, model, precision);
    if (model->config->norm == EER_NORM_PRE)
        t->G = matrices(n, d);
    t->R = matrices(n, d);
    bound_attention_init(&t->attention, n, d);
    attention_input(t, &p, X, Z);
    attend(t, precision);
    for (int i = 0; i < n; i++)
        t->kinks += after_attention(t, i, &p, X, Z) > 0;
    parameters_clear(&p);
    if (modulo)
        bound_iteration_modulo(t, precision);
    else
        t->blocks = bound_blocks_new(t, precision);
}

/* Subtracts the mean of a row. */
static void centre_row(arb_ptr x, int d, slong precision)
{
    arb_t mean;

    arb_init(mean);
    for (int a = 0; a < d; a++)
        arb_add(mean, mean, x + a, precision);
    arb_div_si(mean, mean, d, precision);
    for (int a = 0; a < d; a++)
        arb_sub(x + a, x + a, mean, precision);
    arb_clear(mean);
}

void bound_iteration_modulo(struct bound_iteration *t, slong precision)
{
    int d = t->attention.d;

    for (int i = 0; i < t->attention.n; i++) {
        centre_row(t->image->rows[i], d, precision);
        for (int b = 0; b < d; b++)
            centre_row(t->R[i].rows[b], d, precision);
    }
    bound_blocks_free(t->blocks);
    t->blocks = bound_blocks_new(t, precision);
}

void bound_iteration_attention(struct bound_iteration *t, const struct bound_attention *a,
                               const arb_mat_t Z, int residual, slong precision)
{
    *t = (struct bound_iteration){.residual = residual};
    copy_attention(&t->attention, a);
    attend(t, precision);
    arb_mat_set(t->image, t->F);
    if (residual)
        arb_mat_add(t->image, t->image, Z, precision);
    t->blocks = bound_blocks_new(t, precision);
}

void bound_iteration_alone(struct bound_iteration *t, const struct bound_iteration *whole,
                           slong precision)
{
    *t = (struct bound_iteration){0};
    copy_attention(&t->attention, &whole->attention);
    init_matrices(t);
    arb_mat_set(t->S, whole->S);
    arb_mat_set(t->Q, whole->Q);
    arb_mat_set(t->K, whole->K);
    arb_mat_set(t->V, whole->V);
    arb_mat_set(t->F, whole->F);
    arb_mat_set(t->image, whole->F);
    t->blocks = bound_blocks_new(t, precision);
}

void bound_iteration_clear(struct bound_iteration *t)
{
    int n = t->attention.n;

    bound_blocks_free(t->blocks);
    free_matrices(t->G, n);
    free_matrices(t->R, n);
    arb_mat_clear(t->S);
    arb_mat_clear(t->Q);
    arb_mat_clear(t->K);
    arb_mat_clear(t->V);
    arb_mat_clear(t->F);
    arb_mat_clear(t->image);
    bound_attention_clear(&t->attention);
}

/* Row i of A becomes row i times M_i, if there are M. */
static void times_rows(arb_mat_t A, arb_mat_struct *M, slong precision)
{
    slong d = arb_mat_ncols(A);
    arb_mat_t row, product;

    arb_mat_init(product, 1, d);
    for (slong i = 0; M && i < arb_mat_nrows(A); i++) {
        arb_mat_window_init(row, A, i, 0, i + 1, d);
        arb_mat_mul(product, row, &M[i], precision);
        arb_mat_set(row, product);
        arb_mat_window_clear(row);
    }
    arb_mat_clear(product);
}

void bound_iteration_derivative(arb_mat_t result, const struct bound_iteration *t,
                                const arb_mat_t D, slong precision)
{
    arb_mat_t inner;

    arb_mat_init(inner, arb_mat_nrows(D), arb_mat_ncols(D));
    arb_mat_set(inner, D);
    times_rows(inner, t->G, precision);
    bound_derivative(result, &t->attention, t->S, inner, precision);
    if (t->residual)
        arb_mat_add(result, result, D, precision);
    times_rows(result, t->R, precision);
    arb_mat_clear(inner);
}
