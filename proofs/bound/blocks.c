/* blocks.c - see blocks.h. With p = S_ij, u_i = scale W_K q_i^T (a column), f_i = the attention's
 * output:
 *
 *   S map    B_ij = p_ij (W_V + u_i (v_j - f_i)) + [i = j] scale W_Q sum_k p_ik k_k^T (v_k - f_i)
 *   S^T map  B_ij = p_ji (W_V + scale W_Q (k_i - kbar_j)^T v_j)
 *                   + sum_k ([i = j] p_ki - p_ki p_kj) u_k v_k,   kbar_j = sum_l p_jl k_l
 *
 * and the block is ([i = j] residual I + G_j B_ij) R_i. */
#include "blocks.h"

#include <stdlib.h>
#include <string.h>

#include "outward.h"

/* The nearest double of x; *error: at least what it may differ from any number of the ball. */
static double nearest(const arb_t x, double *error)
{
    arf_t radius;
    double centre = arf_get_d(arb_midref(x), ARF_RND_NEAR);

    arf_init(radius);
    arf_set_mag(radius, arb_radref(x));
    *error = bound_up(bound_up(BOUND_UNIT * fabs(centre)) + BOUND_UNDERFLOW);
    *error = bound_up(*error + arf_get_d(radius, ARF_RND_UP));
    arf_clear(radius);
    if (!arb_is_finite(x) || !isfinite(centre)) {
        *error = INFINITY;
        return 0.0;
    }
    return centre;
}

/* Nearest doubles of `count` balls; at least the sum of the squares of the errors. */
static double set_entries(double *centre, arb_srcptr x, int count)
{
    double squares = 0.0, error;

    for (int i = 0; i < count; i++) {
        centre[i] = nearest(x + i, &error);
        squares = bound_up(squares + bound_up(error * error));
    }
    return squares;
}

void bound_matrix_set_arb(struct bound_matrix *C, const arb_mat_t A)
{
    double squares = 0.0;

    for (int i = 0; i < C->rows; i++)
        squares = bound_up(squares + set_entries(C->centre + (size_t)i * (size_t)C->columns,
                                                 A->rows[i], C->columns));
    C->radius = bound_up(sqrt(squares));
}

/* --- memory -------------------------------------------------------------------------------------
 */

static int rows_new(struct bound_rows *r, const arb_mat_t A)
{
    size_t n = (size_t)arb_mat_nrows(A), d = (size_t)arb_mat_ncols(A);

    r->centre = malloc(n * d * sizeof(double));
    r->radius = malloc(n * sizeof(double));
    r->norm = malloc(n * sizeof(double));
    if (!r->centre || !r->radius || !r->norm)
        return 0;
    for (size_t i = 0; i < n; i++) {
        double squares = set_entries(r->centre + i * d, A->rows[i], (int)d);
        r->radius[i] = bound_up(sqrt(squares));
        r->norm[i] = bound_up(bound_norm_up(r->centre + i * d, d) + r->radius[i]);
    }
    return 1;
}

static void rows_free(struct bound_rows *r)
{
    free(r->centre);
    free(r->radius);
    free(r->norm);
}

static void negate(struct bound_rows *r, int n, int d)
{
    for (int i = 0; r->centre && i < n * d; i++)
        r->centre[i] = -r->centre[i];
}

static int matrices_new(struct bound_matrix **to, double **norm, const arb_mat_struct *A, int n,
                        int d)
{
    if (!A)
        return 1;
    *to = calloc((size_t)n, sizeof **to);
    *norm = calloc((size_t)n, sizeof **norm);
    for (int i = 0; *to && *norm && i < n; i++) {
        (*to)[i] = bound_matrix_new(d, d);
        if (!(*to)[i].centre)
            return 0;
        bound_matrix_set_arb(&(*to)[i], &A[i]);
        (*norm)[i] = bound_matrix_norm(&(*to)[i]);
    }
    return *to && *norm;
}

static void matrices_free(struct bound_matrix *A, int n)
{
    for (int i = 0; A && i < n; i++)
        bound_matrix_free(&A[i]);
    free(A);
}

static int probabilities_new(struct bound_blocks *b, const arb_mat_t S)
{
    size_t n = (size_t)b->n;

    b->p = malloc(n * n * sizeof(double));
    b->deviation = malloc(n * n * sizeof(double));
    if (!b->p || !b->deviation)
        return 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            if (arb_is_zero(arb_mat_entry(S, i, j)))
                b->p[i * n + j] = b->deviation[i * n + j] = 0.0;
            else
                b->p[i * n + j] = nearest(arb_mat_entry(S, i, j), &b->deviation[i * n + j]);
        }
    return 1;
}

/* What follows from several of the attention's matrices: u, kbar, scale W_Q. */
static int products_new(struct bound_blocks *b, const struct bound_iteration *t, slong precision)
{
    arb_mat_t transposed, product;
    int d = b->d, done;

    arb_mat_init(transposed, d, d);
    arb_mat_init(product, b->n, d);
    arb_mat_transpose(transposed, t->attention.W_K);
    arb_mat_mul(product, t->Q, transposed, precision);
    arb_mat_scalar_mul_arb(product, product, t->attention.scale, precision);
    done = rows_new(&b->u, product);
    arb_mat_mul(product, t->S, t->K, precision);
    done = done && rows_new(&b->kbar, product);
    arb_mat_scalar_mul_arb(transposed, t->attention.W_Q, t->attention.scale, precision);
    bound_matrix_set_arb(&b->W_Q, transposed);
    arb_mat_clear(transposed);
    arb_mat_clear(product);
    negate(&b->kbar, b->n, d);
    return done;
}

static int fill(struct bound_blocks *b, const struct bound_iteration *t, slong precision)
{
    int n = b->n, d = b->d;

    for (int k = 0; k < BOUND_SCRATCH; k++)
        if (!(b->scratch[k] = bound_matrix_new(d, d)).centre)
            return 0;
    b->W_V = bound_matrix_new(d, d);
    b->W_Q = bound_matrix_new(d, d);
    b->weighted = bound_matrix_new(d, n);
    b->values = bound_matrix_new(n, d);
    b->weight = calloc(2 * (size_t)n, sizeof(double));
    if (!b->W_V.centre || !b->W_Q.centre || !b->weighted.centre || !b->values.centre || !b->weight)
        return 0;
    b->weight_deviation = b->weight + n;
    bound_matrix_set_arb(&b->W_V, t->attention.W_V);
    if (!rows_new(&b->k, t->K) || !rows_new(&b->v, t->V) || !rows_new(&b->f, t->F))
        return 0;
    negate(&b->f, n, d);
    return probabilities_new(b, t->S) && products_new(b, t, precision) &&
           matrices_new(&b->G, &b->G_norm, t->G, n, d) &&
           matrices_new(&b->R, &b->R_norm, t->R, n, d);
}

struct bound_blocks *bound_blocks_new(const struct bound_iteration *t, slong precision)
{
    struct bound_blocks *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->n = t->attention.n;
    b->d = t->attention.d;
    b->residual = t->residual;
    b->causal = t->attention.causal;
    b->map = t->attention.map;
    if (fill(b, t, precision))
        return b;
    bound_blocks_free(b);
    return NULL;
}

void bound_blocks_free(struct bound_blocks *b)
{
    if (!b)
        return;
    free(b->p);
    free(b->deviation);
    rows_free(&b->k);
    rows_free(&b->v);
    rows_free(&b->u);
    rows_free(&b->f);
    rows_free(&b->kbar);
    matrices_free(b->G, b->n);
    matrices_free(b->R, b->n);
    free(b->G_norm);
    free(b->R_norm);
    for (int k = 0; k < BOUND_SCRATCH; k++)
        bound_matrix_free(&b->scratch[k]);
    bound_matrix_free(&b->W_V);
    bound_matrix_free(&b->W_Q);
    bound_matrix_free(&b->weighted);
    bound_matrix_free(&b->values);
    free(b->weight);
    free(b);
}

/* --- one block ----------------------------------------------------------------------------------
 */

static struct bound_matrix row(const struct bound_rows *r, int i, int d)
{
    return (struct bound_matrix){1, d, r->centre + (size_t)i * (size_t)d, r->radius[i]};
}

static struct bound_matrix column(const struct bound_rows *r, int i, int d)
{
    return (struct bound_matrix){d, 1, r->centre + (size_t)i * (size_t)d, r->radius[i]};
}

/* to = sum_k weight_k left_k^T right_k over the rows `first` to n - 1 or, with last, 0 to last;
 * left rows of `left`, right those of b->values. */
static void sum_over_rows(struct bound_matrix *to, struct bound_blocks *b,
                          const struct bound_rows *left, int first, int last)
{
    int d = b->d, count = last - first + 1;
    double radius = 0.0;
    struct bound_matrix A = {d, count, b->weighted.centre, 0.0};
    struct bound_matrix B = {count, d, b->values.centre + (size_t)first * (size_t)d,
                             b->values.radius};

    for (int k = 0; k < count; k++) {
        double weight = b->weight[first + k], norm = left->norm[first + k];
        const double *from = left->centre + (size_t)(first + k) * (size_t)d;
        for (int a = 0; a < d; a++)
            A.centre[(size_t)a * (size_t)count + (size_t)k] = weight * from[a];
        /* |w l - w' l'| <= |w| radius + deviation |l'|, the product's rounding, what underflows */
        double error = bound_up(fabs(weight) * left->radius[first + k]);
        error = bound_up(error + bound_up(b->weight_deviation[first + k] * norm));
        error = bound_up(error + bound_up(BOUND_UNIT * bound_up(fabs(weight) * norm)));
        radius = bound_up(radius + bound_up(error + d * BOUND_UNDERFLOW));
    }
    A.radius = radius;
    bound_matrix_product(to, &A, &B);
}

/* sum_k p_ik k_k^T (v_k - f_i), the query's share in B_ii of the S map without scale W_Q. */
static void covariance(struct bound_matrix *to, struct bound_blocks *b, int i)
{
    int n = b->n, d = b->d, last = b->causal ? i : n - 1;
    size_t at = (size_t)i * (size_t)n;
    double squares = 0.0;
    struct bound_matrix f = row(&b->f, i, d);

    memcpy(b->weight, b->p + at, (size_t)n * sizeof(double));
    memcpy(b->weight_deviation, b->deviation + at, (size_t)n * sizeof(double));
    for (int k = 0; k <= last; k++) {
        struct bound_matrix v = row(&b->v, k, d);
        struct bound_matrix difference = row(&b->v, k, d);
        difference.centre = b->values.centre + (size_t)k * (size_t)d;
        bound_matrix_add(&difference, &v, &f);
        squares = bound_up(squares + bound_up(difference.radius * difference.radius));
    }
    b->values.radius = bound_up(sqrt(squares));
    sum_over_rows(to, b, &b->k, 0, last);
}

/* W_V + left right, left a column and right a row. */
static void value_part(struct bound_matrix *to, struct bound_blocks *b,
                       const struct bound_matrix *left, const struct bound_matrix *right)
{
    bound_matrix_product(to, left, right);
    bound_matrix_add(to, to, &b->W_V);
}

/* B_ij / p_ij of the S map, without the query's share; b->scratch[3] is used. */
static void direct_S(struct bound_matrix *to, struct bound_blocks *b, int i, int j)
{
    int d = b->d;
    struct bound_matrix u = column(&b->u, i, d), v = row(&b->v, j, d), f = row(&b->f, i, d);
    struct bound_matrix difference = {1, d, b->scratch[3].centre, 0.0};

    bound_matrix_add(&difference, &v, &f);
    value_part(to, b, &u, &difference);
}

static void attention_S(struct bound_matrix *to, struct bound_blocks *b, int i, int j)
{
    size_t at = (size_t)i * (size_t)b->n + (size_t)j;

    direct_S(to, b, i, j);
    bound_matrix_scale(to, to, b->p[at], b->deviation[at]);
    if (i != j)
        return;
    covariance(&b->scratch[2], b, i);
    bound_matrix_product(&b->scratch[3], &b->W_Q, &b->scratch[2]);
    bound_matrix_add(to, to, &b->scratch[3]);
}

/* weight_k = [i = j] p_ki - p_ki p_kj; its deviation. */
static void weights_ST(struct bound_blocks *b, int i, int j)
{
    size_t n = (size_t)b->n;

    for (size_t k = 0; k < n; k++) {
        double x = b->p[k * n + (size_t)i], y = b->p[k * n + (size_t)j];
        double dx = b->deviation[k * n + (size_t)i], dy = b->deviation[k * n + (size_t)j];
        double product = x * y,
               error = bound_up(bound_up(x * dy) + bound_up(dx * bound_up(y + dy)));
        double weight = i == j ? x - product : -product;
        error = bound_up(error + bound_up(BOUND_UNIT * product));
        error = bound_up(error + bound_up(BOUND_UNIT * fabs(weight)));
        if (i == j)
            error = bound_up(error + dx);
        b->weight[k] = weight;
        b->weight_deviation[k] = bound_up(error + BOUND_UNDERFLOW);
    }
}

static void attention_ST(struct bound_matrix *to, struct bound_blocks *b, int i, int j)
{
    int n = b->n, d = b->d, later = i > j ? i : j;
    size_t at = (size_t)j * (size_t)n + (size_t)i;
    struct bound_matrix k = column(&b->k, i, d), mean = column(&b->kbar, j, d);
    struct bound_matrix left = {d, 1, b->scratch[2].centre, 0.0};
    struct bound_matrix difference = {d, 1, b->scratch[3].centre, 0.0}, v = row(&b->v, j, d);
    double squares = 0.0;

    bound_matrix_add(&difference, &k, &mean);
    bound_matrix_product(&left, &b->W_Q, &difference);
    value_part(to, b, &left, &v);
    bound_matrix_scale(to, to, b->p[at], b->deviation[at]);
    weights_ST(b, i, j);
    memcpy(b->values.centre, b->v.centre, (size_t)n * (size_t)d * sizeof(double));
    for (int l = 0; l < n; l++)
        squares = bound_up(squares + bound_up(b->v.radius[l] * b->v.radius[l]));
    b->values.radius = bound_up(sqrt(squares));
    /* A row sees both i and j only from the later of them on. */
    sum_over_rows(&b->scratch[2], b, &b->u, b->causal ? later : 0, n - 1);
    bound_matrix_add(to, to, &b->scratch[2]);
}

/* ([i = j] residual I + G_j B) R_i in place; b->scratch[1] is used. */
static void frame(struct bound_matrix *B, struct bound_blocks *b, int i, int j, int residual)
{
    size_t bytes = (size_t)b->d * (size_t)b->d * sizeof(double);

    if (b->G) {
        bound_matrix_product(&b->scratch[1], &b->G[j], B);
        memcpy(B->centre, b->scratch[1].centre, bytes);
        B->radius = b->scratch[1].radius;
    }
    if (residual && i == j)
        bound_matrix_add_identity(B);
    if (b->R) {
        bound_matrix_product(&b->scratch[1], B, &b->R[i]);
        memcpy(B->centre, b->scratch[1].centre, bytes);
        B->radius = b->scratch[1].radius;
    }
}

/* The S^T map's row i of the image hears of row j through any row that sees both. */
static int is_zero(const struct bound_blocks *b, int i, int j)
{
    return b->map == BOUND_MAP_S && b->causal && j > i;
}

void bound_block(struct bound_matrix *block, struct bound_blocks *b, int i, int j)
{
    if (is_zero(b, i, j)) {
        memset(block->centre, 0, (size_t)b->d * (size_t)b->d * sizeof(double));
        block->radius = 0.0;
        return;
    }
    if (b->map == BOUND_MAP_S)
        attention_S(block, b, i, j);
    else
        attention_ST(block, b, i, j);
    frame(block, b, i, j, b->residual);
}

/* --- all blocks ---------------------------------------------------------------------------------
 */

struct bound_matrix bound_blocks_jacobian(struct bound_blocks *b)
{
    int n = b->n, d = b->d;
    struct bound_matrix J = bound_matrix_new(n * d, n * d);
    struct bound_matrix *block = &b->scratch[0];
    double squares = 0.0;

    for (int i = 0; J.centre && i < n; i++)
        for (int j = 0; j < n; j++) {
            bound_block(block, b, i, j);
            squares = bound_up(squares + bound_up(block->radius * block->radius));
            for (int a = 0; a < d; a++)
                for (int c = 0; c < d; c++)
                    J.centre[((size_t)i * (size_t)d + (size_t)a) * (size_t)J.columns +
                             (size_t)j * (size_t)d + (size_t)c] = block->centre[c * d + a];
        }
    J.radius = bound_up(sqrt(squares));
    return J;
}

/* At least ||B_ij||, i != j, of the S map, by norms of its factors alone. */
static double quick_norm(const struct bound_blocks *b, int i, int j, double W_V)
{
    size_t at = (size_t)i * (size_t)b->n + (size_t)j;
    double value = bound_up(b->v.norm[j] + b->f.norm[i]);
    double norm = bound_up(W_V + bound_up(b->u.norm[i] * value));

    norm = bound_up(norm * bound_up(b->p[at] + b->deviation[at]));
    if (b->G)
        norm = bound_up(norm * b->G_norm[j]);
    return b->R ? bound_up(norm * b->R_norm[i]) : norm;
}

/* At least ||J_ij||. A block far below the others is bounded by its factors' norms: n^2 of them add
 * at most n 2^-40 to the norm. Elsewhere p_ij is taken out first, so that nothing underflows. */
static double block_norm(struct bound_blocks *b, int i, int j, double W_V)
{
    size_t at = (size_t)i * (size_t)b->n + (size_t)j;
    struct bound_matrix *block = &b->scratch[0];

    if (is_zero(b, i, j))
        return 0.0;
    if (b->map == BOUND_MAP_S && i != j) {
        double quick = quick_norm(b, i, j, W_V);
        if (quick < 0x1p-40)
            return quick;
        direct_S(block, b, i, j);
        frame(block, b, i, j, 0);
        return bound_up(bound_matrix_norm(block) * bound_up(b->p[at] + b->deviation[at]));
    }
    bound_block(block, b, i, j);
    return bound_matrix_norm(block);
}

void bound_blocks_norms(double *N, struct bound_blocks *b)
{
    size_t n = (size_t)b->n;
    double W_V = bound_matrix_norm(&b->W_V);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double norm = block_norm(b, (int)i, (int)j, W_V);
            N[i * n + j] = norm > 0.0 && norm < 0x1p-100 ? 0x1p-100 : norm;
        }
}
