/* oracle.c - see oracle.h.
 *
 * A number is an index into the tape; a matrix is the index of its first element, its elements
 * following row by row. Operations that make a matrix therefore make one number for each element,
 * in order. Nothing is shifted against overflow: MPFR's exponents reach far enough. */
#include "oracle.h"

#include <math.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BITS = 12, BLOCK = 1 << BLOCK_BITS };

enum operation {
    LEAF,  /* a parameter or a constant */
    ADD,   /* a + b */
    SUB,   /* a - b */
    DOT,   /* sum over k < n of a[k a_step] b[k b_step] */
    SUM,   /* sum over k < n of a[k a_step] */
    UNARY, /* f(a), with `partial` = f'(a) */
};

struct node {
    enum operation operation;
    int a, b, n, a_step, b_step;
    mpfr_t value, partial;
    mpfr_t slope; /* d node / d parameter (dual), or d total / d node (reverse) */
};

struct oracle {
    struct node **block;
    int blocks, block_room;
    int size;    /* nodes in use */
    mpfr_t x, y; /* scratch */
};

/* The loss being recorded: what every stage of the forward pass needs. */
struct record {
    struct oracle *o;
    const struct eer_config *c;
    const struct eer_batch *batch;
    const struct eer_weights *weights;
    struct eer_layout layout;
    int N;      /* rows of the state */
    int theta;  /* the first P nodes */
    int offset; /* slope * distance, N constants */
    int *row;   /* scratch, one number a row */
    int *S;     /* sums over t of S_i,t, one a row of the present sequence */
    /* Sums over the batch, as numbers. */
    int task, potential, kinetic, entropy, penalty, total;
    double correct, counted;
    struct oracle_margin margin;
};

static struct node *at(const struct oracle *o, int index)
{
    return &o->block[index >> BLOCK_BITS][index & (BLOCK - 1)];
}

/* Memory that runs out ends the test: there is no result to report without it. */
static void *need(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "oracle: no memory\n");
        abort();
    }
    return memory;
}

static void add_block(struct oracle *o)
{
    if (o->blocks == o->block_room) {
        o->block_room = o->block_room > 0 ? 2 * o->block_room : 64;
        o->block = need(realloc(o->block, (size_t)o->block_room * sizeof *o->block));
    }
    struct node *nodes = need(malloc(BLOCK * sizeof *nodes));
    for (int k = 0; k < BLOCK; k++) {
        mpfr_init2(nodes[k].value, ORACLE_BITS);
        mpfr_init2(nodes[k].partial, ORACLE_BITS);
        mpfr_init2(nodes[k].slope, ORACLE_BITS);
    }
    o->block[o->blocks++] = nodes;
}

struct oracle *oracle_open(void)
{
    struct oracle *o = need(calloc(1, sizeof *o));
    mpfr_init2(o->x, ORACLE_BITS);
    mpfr_init2(o->y, ORACLE_BITS);
    return o;
}

void oracle_close(struct oracle *o)
{
    for (int b = 0; b < o->blocks; b++) {
        for (int k = 0; k < BLOCK; k++)
            mpfr_clears(o->block[b][k].value, o->block[b][k].partial, o->block[b][k].slope,
                        (mpfr_ptr)0);
        free(o->block[b]);
    }
    free(o->block);
    mpfr_clears(o->x, o->y, (mpfr_ptr)0);
    free(o);
    mpfr_free_cache();
}

/* ---- numbers ------------------------------------------------------------------------------- */

static int node(struct oracle *o, enum operation operation, int a, int b)
{
    if (o->size == o->blocks * BLOCK)
        add_block(o);
    struct node *n = at(o, o->size);
    n->operation = operation;
    n->a = a;
    n->b = b;
    n->n = 1;
    n->a_step = n->b_step = 0;
    return o->size++;
}

static int constant(struct oracle *o, double value)
{
    int r = node(o, LEAF, 0, 0);
    mpfr_set_d(at(o, r)->value, value, MPFR_RNDN);
    return r;
}

/* numerator / denominator */
static int ratio(struct oracle *o, double numerator, double denominator)
{
    int r = constant(o, numerator);
    mpfr_div_d(at(o, r)->value, at(o, r)->value, denominator, MPFR_RNDN);
    return r;
}

static int add(struct oracle *o, int a, int b)
{
    int r = node(o, ADD, a, b);
    mpfr_add(at(o, r)->value, at(o, a)->value, at(o, b)->value, MPFR_RNDN);
    return r;
}

static int sub(struct oracle *o, int a, int b)
{
    int r = node(o, SUB, a, b);
    mpfr_sub(at(o, r)->value, at(o, a)->value, at(o, b)->value, MPFR_RNDN);
    return r;
}

static int dot(struct oracle *o, int n, int a, int a_step, int b, int b_step)
{
    int r = node(o, DOT, a, b);
    struct node *p = at(o, r);
    p->n = n;
    p->a_step = a_step;
    p->b_step = b_step;
    mpfr_set_zero(p->value, 1);
    for (int k = 0; k < n; k++) {
        mpfr_mul(o->x, at(o, a + k * a_step)->value, at(o, b + k * b_step)->value, MPFR_RNDN);
        mpfr_add(p->value, p->value, o->x, MPFR_RNDN);
    }
    return r;
}

static int mul(struct oracle *o, int a, int b)
{
    return dot(o, 1, a, 0, b, 0);
}

static int sum(struct oracle *o, int n, int a, int a_step)
{
    int r = node(o, SUM, a, 0);
    struct node *p = at(o, r);
    p->n = n;
    p->a_step = a_step;
    mpfr_set_zero(p->value, 1);
    for (int k = 0; k < n; k++)
        mpfr_add(p->value, p->value, at(o, a + k * a_step)->value, MPFR_RNDN);
    return r;
}

static int exponential(struct oracle *o, int a)
{
    int r = node(o, UNARY, a, 0);
    mpfr_exp(at(o, r)->value, at(o, a)->value, MPFR_RNDN);
    mpfr_set(at(o, r)->partial, at(o, r)->value, MPFR_RNDN);
    return r;
}

static int logarithm(struct oracle *o, int a)
{
    int r = node(o, UNARY, a, 0);
    mpfr_log(at(o, r)->value, at(o, a)->value, MPFR_RNDN);
    mpfr_ui_div(at(o, r)->partial, 1, at(o, a)->value, MPFR_RNDN);
    return r;
}

static int reciprocal(struct oracle *o, int a)
{
    int r = node(o, UNARY, a, 0);
    struct node *p = at(o, r);
    mpfr_ui_div(p->value, 1, at(o, a)->value, MPFR_RNDN);
    mpfr_sqr(p->partial, p->value, MPFR_RNDN);
    mpfr_neg(p->partial, p->partial, MPFR_RNDN);
    return r;
}

/* sqrt; its derivative at 0 is taken as 0 (model.md, 4.2: of a norm). */
static int root(struct oracle *o, int a)
{
    int r = node(o, UNARY, a, 0);
    struct node *p = at(o, r);
    mpfr_sqrt(p->value, at(o, a)->value, MPFR_RNDN);
    mpfr_set_zero(p->partial, 1);
    if (!mpfr_zero_p(p->value)) {
        mpfr_ui_div(p->partial, 1, p->value, MPFR_RNDN);
        mpfr_div_2ui(p->partial, p->partial, 1, MPFR_RNDN);
    }
    return r;
}

/* a^q for a > 0 */
static int power(struct oracle *o, int a, double q)
{
    int r = node(o, UNARY, a, 0);
    struct node *p = at(o, r);
    mpfr_set_d(o->x, q, MPFR_RNDN);
    mpfr_pow(p->value, at(o, a)->value, o->x, MPFR_RNDN);
    mpfr_sub_ui(o->y, o->x, 1, MPFR_RNDN);
    mpfr_pow(p->partial, at(o, a)->value, o->y, MPFR_RNDN);
    mpfr_mul(p->partial, p->partial, o->x, MPFR_RNDN);
    return r;
}

/* |a|, derivative 0 at 0 */
static int absolute(struct oracle *o, int a)
{
    int r = node(o, UNARY, a, 0);
    mpfr_abs(at(o, r)->value, at(o, a)->value, MPFR_RNDN);
    mpfr_set_si(at(o, r)->partial, mpfr_sgn(at(o, a)->value), MPFR_RNDN);
    return r;
}

/* max(a, 0), derivative 0 at 0 */
static int relu(struct oracle *o, int a)
{
    int r = node(o, UNARY, a, 0);
    int positive = mpfr_sgn(at(o, a)->value) > 0;
    mpfr_mul_si(at(o, r)->value, at(o, a)->value, positive, MPFR_RNDN);
    mpfr_set_si(at(o, r)->partial, positive, MPFR_RNDN);
    return r;
}

/* (1 + erf(a / sqrt 2)) / 2, with derivative exp(-a^2 / 2) / sqrt(2 pi) */
static int normal_distribution(struct oracle *o, int a)
{
    int r = node(o, UNARY, a, 0);
    struct node *p = at(o, r);
    mpfr_set_ui(o->x, 2, MPFR_RNDN);
    mpfr_sqrt(o->x, o->x, MPFR_RNDN);
    mpfr_div(o->x, at(o, a)->value, o->x, MPFR_RNDN);
    mpfr_erf(p->value, o->x, MPFR_RNDN);
    mpfr_add_ui(p->value, p->value, 1, MPFR_RNDN);
    mpfr_div_2ui(p->value, p->value, 1, MPFR_RNDN);
    mpfr_sqr(o->x, o->x, MPFR_RNDN);
    mpfr_neg(o->x, o->x, MPFR_RNDN);
    mpfr_exp(p->partial, o->x, MPFR_RNDN);
    mpfr_const_pi(o->y, MPFR_RNDN);
    mpfr_mul_2ui(o->y, o->y, 1, MPFR_RNDN);
    mpfr_sqrt(o->y, o->y, MPFR_RNDN);
    mpfr_div(p->partial, p->partial, o->y, MPFR_RNDN);
    return r;
}

/* ---- matrices ------------------------------------------------------------------------------ */

/* y W: y is rows x inner, W is inner x columns */
static int product(struct oracle *o, int rows, int inner, int columns, int y, int w)
{
    int r = o->size;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            dot(o, inner, y + i * inner, 1, w + j, columns);
    return r;
}

static int plus(struct oracle *o, int n, int a, int b)
{
    int r = o->size;
    for (int k = 0; k < n; k++)
        add(o, a + k, b + k);
    return r;
}

static int plus_row(struct oracle *o, int rows, int columns, int y, int bias)
{
    int r = o->size;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            add(o, y + i * columns + j, bias + j);
    return r;
}

static int tensor(const struct record *r, int name)
{
    return r->theta + r->layout.offset[name];
}

/* ---- the model (section 3) ----------------------------------------------------------------- */

/* pe_scale * PE(i)_j (3.1) as a constant */
static int position(struct record *r, int i, int j)
{
    struct oracle *o = r->o;
    int result = constant(o, 0);
    mpfr_ptr value = at(o, result)->value;
    mpfr_set_si(o->x, -(j - j % 2), MPFR_RNDN);
    mpfr_div_si(o->x, o->x, r->c->d, MPFR_RNDN);
    mpfr_ui_pow(o->y, 10000, o->x, MPFR_RNDN);
    mpfr_mul_si(o->y, o->y, i, MPFR_RNDN);
    if (j % 2 == 0)
        mpfr_sin(value, o->y, MPFR_RNDN);
    else
        mpfr_cos(value, o->y, MPFR_RNDN);
    mpfr_mul_d(value, value, r->c->pe_scale, MPFR_RNDN);
    return result;
}

/* 3.1: X, N x d, of sequence b */
static int input(struct record *r, int b)
{
    const struct eer_config *c = r->c;
    int d = c->d, pe = r->o->size;
    for (int i = 0; i < r->N; i++)
        for (int j = 0; j < d; j++)
            position(r, i, j);
    int X = r->o->size;
    for (int i = 0; i < r->N; i++) {
        int token = i < c->bos ? c->vocab : r->batch->tokens[b * r->batch->L + i - c->bos];
        for (int j = 0; j < d; j++)
            add(r->o, tensor(r, EER_EMBEDDING) + token * d + j, pe + i * d + j);
    }
    return X;
}

/* 3.2 */
static int layer_norm(struct record *r, int x, int gain, int bias)
{
    struct oracle *o = r->o;
    int N = r->N, d = r->c->d, share = ratio(o, 1, d), epsilon = ratio(o, 1, 100000);
    for (int i = 0; i < N; i++)
        r->row[i] = mul(o, share, sum(o, d, x + i * d, 1));
    int centred = o->size;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < d; j++)
            sub(o, x + i * d + j, r->row[i]);
    for (int i = 0; i < N; i++) {
        int variance = mul(o, share, dot(o, d, centred + i * d, 1, centred + i * d, 1));
        r->row[i] = reciprocal(o, root(o, add(o, variance, epsilon)));
    }
    int xhat = o->size;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < d; j++)
            mul(o, centred + i * d + j, r->row[i]);
    int scaled = o->size;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < d; j++)
            mul(o, xhat + i * d + j, tensor(r, gain) + j);
    return plus_row(o, N, d, scaled, tensor(r, bias));
}

/* Below 2^-150 two numbers are equal but for the roundings on their ways. */
static void note_margin(double *margin, double distance)
{
    if (distance > 0x1p-150 && distance < *margin)
        *margin = distance;
}

/* 4.3 for one row of n scores: adds -log p of the first maximal key to the potential. */
static void row_potential(struct record *r, int n, int s, int log_sum)
{
    struct oracle *o = r->o;
    int top = s;
    for (int j = 1; j < n; j++)
        if (mpfr_greater_p(at(o, s + j)->value, at(o, top)->value))
            top = s + j;
    for (int j = 0; j < n; j++) {
        mpfr_sub(o->x, at(o, top)->value, at(o, s + j)->value, MPFR_RNDN);
        note_margin(&r->margin.maximum, mpfr_get_d(o->x, MPFR_RNDN));
    }
    r->potential = add(o, r->potential, sub(o, log_sum, top));
}

/* 4.4 for one row of n probabilities: S_q */
static int row_entropy(struct record *r, int n, int p)
{
    struct oracle *o = r->o;
    int powers = o->size;
    for (int j = 0; j < n; j++)
        power(o, p + j, r->c->q);
    int factor = constant(o, r->c->q);
    mpfr_sub_ui(at(o, factor)->value, at(o, factor)->value, 1, MPFR_RNDN);
    mpfr_ui_div(at(o, factor)->value, 1, at(o, factor)->value, MPFR_RNDN);
    return mul(o, factor, sub(o, constant(o, 1), sum(o, n, powers, 1)));
}

/* 3.3, attention of Y, with the loss terms of its probabilities */
static int attention(struct record *r, int Y)
{
    struct oracle *o = r->o;
    int N = r->N, d = r->c->d;
    int Q = product(o, N, d, d, Y, tensor(r, EER_W_Q));
    int K = product(o, N, d, d, Y, tensor(r, EER_W_K));
    int V = product(o, N, d, d, Y, tensor(r, EER_W_V));
    int scale = ratio(o, 1, d);
    mpfr_sqrt(at(o, scale)->value, at(o, scale)->value, MPFR_RNDN);
    mpfr_div_d(at(o, scale)->value, at(o, scale)->value, r->c->tau, MPFR_RNDN);
    for (int i = 0; i < N; i++) {
        int n = r->c->mask == EER_MASK_CAUSAL ? i + 1 : N;
        int qk = o->size;
        for (int j = 0; j < n; j++)
            dot(o, d, Q + i * d, 1, K + j * d, 1);
        int scaled = o->size;
        for (int j = 0; j < n; j++)
            mul(o, qk + j, scale);
        int s = o->size;
        for (int j = 0; j < n; j++)
            sub(o, scaled + j, r->offset + abs(i - j));
        int e = o->size;
        for (int j = 0; j < n; j++)
            exponential(o, s + j);
        int total = sum(o, n, e, 1), share = reciprocal(o, total);
        int p = o->size;
        for (int j = 0; j < n; j++)
            mul(o, e + j, share);
        r->row[i] = p;
        row_potential(r, n, s, logarithm(o, total));
        r->S[i] = add(o, r->S[i], row_entropy(r, n, p));
    }
    int A = o->size;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < d; j++)
            dot(o, r->c->mask == EER_MASK_CAUSAL ? i + 1 : N, r->row[i], 1, V + j, d);
    return A;
}

static int activation(struct record *r, int n, int a)
{
    struct oracle *o = r->o;
    int result = o->size;
    if (r->c->activation == EER_RELU) {
        for (int k = 0; k < n; k++) {
            relu(o, a + k);
            note_margin(&r->margin.relu, fabs(mpfr_get_d(at(o, a + k)->value, MPFR_RNDN)));
        }
        return result;
    }
    for (int k = 0; k < n; k++)
        normal_distribution(o, a + k);
    int gelu = o->size;
    for (int k = 0; k < n; k++)
        mul(o, a + k, result + k);
    return gelu;
}

static int mlp(struct record *r, int y)
{
    struct oracle *o = r->o;
    int N = r->N, d = r->c->d, m = r->c->mlp;
    int a = product(o, N, d, m, y, tensor(r, EER_W_1));
    a = activation(r, N * m, plus_row(o, N, m, a, tensor(r, EER_B_1)));
    return plus_row(o, N, d, product(o, N, m, d, a, tensor(r, EER_W_2)), tensor(r, EER_B_2));
}

/* 3.3: Z_(t+1) from Z_t */
static int iteration(struct record *r, int Z, int X)
{
    struct oracle *o = r->o;
    int n = r->N * r->c->d, pre = r->c->norm == EER_NORM_PRE, post = r->c->norm == EER_NORM_POST;
    int u = plus(o, n, Z, X);
    Z = plus(o, n, Z, attention(r, pre ? layer_norm(r, u, EER_LN1_GAIN, EER_LN1_BIAS) : u));
    if (post)
        Z = layer_norm(r, Z, EER_LN1_GAIN, EER_LN1_BIAS);
    if (r->c->mlp == 0)
        return Z;
    u = plus(o, n, Z, X);
    Z = plus(o, n, Z, mlp(r, pre ? layer_norm(r, u, EER_LN2_GAIN, EER_LN2_BIAS) : u));
    return post ? layer_norm(r, Z, EER_LN2_GAIN, EER_LN2_BIAS) : Z;
}

/* ---- the loss (section 4) ------------------------------------------------------------------ */

/* 3.4 and 4.1 for one sequence */
static void read_out(struct record *r, int b, int Z)
{
    struct oracle *o = r->o;
    const struct eer_config *c = r->c;
    int classes = c->vocab + 1;
    int h = c->final_norm ? layer_norm(r, Z, EER_LNF_GAIN, EER_LNF_BIAS) : Z;
    int logits = product(o, r->N, c->d, classes, h, tensor(r, EER_W_O));
    logits = plus_row(o, r->N, classes, logits, tensor(r, EER_B_O));
    for (int i = 0; i < r->batch->L; i++) {
        int label = r->batch->labels[b * r->batch->L + i];
        if (label < 0)
            continue;
        int row = logits + (i + c->bos) * classes, top = 0, e = o->size;
        for (int k = 0; k < classes; k++)
            exponential(o, row + k);
        for (int k = 1; k < classes; k++)
            if (mpfr_greater_p(at(o, row + k)->value, at(o, row + top)->value))
                top = k;
        r->task = add(o, r->task, sub(o, logarithm(o, sum(o, classes, e, 1)), row + label));
        r->correct += top == label;
        r->counted += 1;
    }
}

/* Adds |a - b|^2 over n elements (from step to step), or its root, to the kinetic sum. */
static void add_distance(struct record *r, int n, int a, int b, int norm)
{
    struct oracle *o = r->o;
    int difference = o->size;
    for (int k = 0; k < n; k++)
        sub(o, a + k, b + k);
    int square = dot(o, n, difference, 1, difference, 1);
    r->kinetic = add(o, r->kinetic, norm ? root(o, square) : square);
}

/* 4.2: the sum of one sequence at its end. Z_0 = 0, but is subtracted as written. */
static void end_kinetic(struct record *r, int Z, int Z_0)
{
    int N = r->N, d = r->c->d;
    if (r->c->kinetic == EER_KINETIC_FROBENIUS)
        add_distance(r, N * d, Z, Z_0, 1);
    else if (r->c->kinetic != EER_KINETIC_PATH)
        for (int i = 0; i < N; i++)
            add_distance(r, d, Z + i * d, Z_0 + i * d, r->c->kinetic == EER_KINETIC_NORM);
}

static void sequence(struct record *r, int b)
{
    struct oracle *o = r->o;
    int N = r->N, d = r->c->d;
    int X = input(r, b), Z_0 = o->size, zero;
    for (int k = 0; k < N * d; k++)
        constant(o, 0);
    zero = constant(o, 0);
    for (int i = 0; i < N; i++)
        r->S[i] = zero;
    int Z = Z_0;
    for (int t = 0; t < r->c->loops; t++) {
        int next = iteration(r, Z, X);
        if (r->c->kinetic == EER_KINETIC_PATH)
            add_distance(r, N * d, next, Z, 0);
        Z = next;
    }
    end_kinetic(r, Z, Z_0);
    int eta = constant(o, r->c->eta), share = ratio(o, 1, r->c->loops);
    for (int i = 0; i < N; i++) {
        int gap = sub(o, mul(o, share, r->S[i]), eta);
        note_margin(&r->margin.absolute, fabs(mpfr_get_d(at(o, gap)->value, MPFR_RNDN)));
        r->penalty = add(o, r->penalty, absolute(o, gap));
        r->entropy = add(o, r->entropy, r->S[i]);
    }
    read_out(r, b, Z);
}

/* 4.1 to 4.4: sums become means, and the weighted total */
static void combine(struct record *r)
{
    struct oracle *o = r->o;
    const struct eer_weights *w = r->weights;
    double B = r->batch->B, N = r->N, T = r->c->loops;
    double denominator[] = {2 * B * N, 2 * B * N, 2 * B * N * T, 2 * B}; /* by enum eer_kinetic */
    r->task = mul(o, r->task, ratio(o, 1, r->counted));
    r->kinetic = mul(o, r->kinetic, ratio(o, 1, denominator[r->c->kinetic]));
    r->potential = mul(o, r->potential, ratio(o, 1, B * N * T));
    r->entropy = mul(o, r->entropy, ratio(o, 1, B * N * T));
    r->penalty = mul(o, r->penalty, ratio(o, 1, B * N));
    r->total = add(o, r->task, mul(o, constant(o, w->lambda_P), r->potential));
    r->total = add(o, r->total, mul(o, constant(o, w->lambda_K), r->kinetic));
    r->total = add(o, r->total, mul(o, constant(o, w->lambda_S), r->penalty));
}

/* Records the whole loss at theta + step e_k; scratch: 2 N ints. */
static void record_loss(struct record *r, const double *theta, int k, double step, int *scratch)
{
    struct oracle *o = r->o;
    r->row = scratch;
    r->S = scratch + r->N;
    o->size = 0;
    r->theta = 0;
    for (int p = 0; p < r->layout.size; p++) {
        int leaf = constant(o, theta[p]);
        if (p == k)
            mpfr_add_d(at(o, leaf)->value, at(o, leaf)->value, step, MPFR_RNDN);
    }
    r->offset = o->size;
    for (int i = 0; i < r->N; i++) {
        int distance = constant(o, r->c->slope);
        mpfr_mul_si(at(o, distance)->value, at(o, distance)->value, i, MPFR_RNDN);
    }
    r->task = r->potential = r->kinetic = r->entropy = r->penalty = constant(o, 0);
    r->correct = r->counted = 0;
    r->margin = (struct oracle_margin){HUGE_VAL, HUGE_VAL, HUGE_VAL};
    for (int b = 0; b < r->batch->B; b++)
        sequence(r, b);
    combine(r);
}

/* ---- the two sweeps ------------------------------------------------------------------------ */

/* slope += factor * other */
static void accumulate(struct oracle *o, mpfr_ptr slope, mpfr_srcptr factor, mpfr_srcptr other)
{
    if (mpfr_zero_p(factor) || mpfr_zero_p(other))
        return;
    mpfr_mul(o->x, factor, other, MPFR_RNDN);
    mpfr_add(slope, slope, o->x, MPFR_RNDN);
}

static void node_dual(struct oracle *o, struct node *p)
{
    mpfr_set_zero(p->slope, 1);
    switch (p->operation) {
    case LEAF:
        break;
    case ADD:
        mpfr_add(p->slope, at(o, p->a)->slope, at(o, p->b)->slope, MPFR_RNDN);
        break;
    case SUB:
        mpfr_sub(p->slope, at(o, p->a)->slope, at(o, p->b)->slope, MPFR_RNDN);
        break;
    case SUM:
        for (int k = 0; k < p->n; k++)
            mpfr_add(p->slope, p->slope, at(o, p->a + k * p->a_step)->slope, MPFR_RNDN);
        break;
    case DOT:
        for (int k = 0; k < p->n; k++) {
            struct node *a = at(o, p->a + k * p->a_step), *b = at(o, p->b + k * p->b_step);
            accumulate(o, p->slope, a->slope, b->value);
            accumulate(o, p->slope, a->value, b->slope);
        }
        break;
    case UNARY:
        accumulate(o, p->slope, p->partial, at(o, p->a)->slope);
        break;
    }
}

static void node_reverse(struct oracle *o, struct node *p)
{
    struct node *a = at(o, p->a), *b = at(o, p->b);
    if (mpfr_zero_p(p->slope))
        return;
    switch (p->operation) {
    case LEAF:
        break;
    case ADD:
        mpfr_add(a->slope, a->slope, p->slope, MPFR_RNDN);
        mpfr_add(b->slope, b->slope, p->slope, MPFR_RNDN);
        break;
    case SUB:
        mpfr_add(a->slope, a->slope, p->slope, MPFR_RNDN);
        mpfr_sub(b->slope, b->slope, p->slope, MPFR_RNDN);
        break;
    case SUM:
        for (int k = 0; k < p->n; k++) {
            a = at(o, p->a + k * p->a_step);
            mpfr_add(a->slope, a->slope, p->slope, MPFR_RNDN);
        }
        break;
    case DOT:
        for (int k = 0; k < p->n; k++) {
            a = at(o, p->a + k * p->a_step);
            b = at(o, p->b + k * p->b_step);
            accumulate(o, a->slope, p->slope, b->value);
            accumulate(o, b->slope, p->slope, a->value);
        }
        break;
    case UNARY:
        accumulate(o, a->slope, p->partial, p->slope);
        break;
    }
}

static void sweep_dual(struct record *r, double *gradient)
{
    struct oracle *o = r->o;
    for (int k = 0; k < r->layout.size; k++) {
        for (int index = 0; index <= r->total; index++) {
            node_dual(o, at(o, index));
            if (index == r->theta + k)
                mpfr_set_ui(at(o, index)->slope, 1, MPFR_RNDN);
        }
        gradient[k] = mpfr_get_d(at(o, r->total)->slope, MPFR_RNDN);
    }
}

static void sweep_reverse(struct record *r, double *gradient)
{
    struct oracle *o = r->o;
    for (int index = 0; index < r->total; index++)
        mpfr_set_zero(at(o, index)->slope, 1);
    mpfr_set_ui(at(o, r->total)->slope, 1, MPFR_RNDN);
    for (int index = r->total; index >= 0; index--)
        node_reverse(o, at(o, index));
    for (int k = 0; k < r->layout.size; k++)
        gradient[k] = mpfr_get_d(at(o, r->theta + k)->slope, MPFR_RNDN);
}

/* ---- the face ------------------------------------------------------------------------------ */

static struct record open_record(struct oracle *o, const struct eer_config *c,
                                 const struct eer_batch *batch, const struct eer_weights *w)
{
    struct record r = {.o = o, .c = c, .batch = batch, .weights = w, .N = batch->L + c->bos};
    eer_layout(c, &r.layout);
    return r;
}

static double value_of(const struct record *r, int number)
{
    return mpfr_get_d(at(r->o, number)->value, MPFR_RNDN);
}

static enum eer_status state_of(const struct record *r)
{
    return mpfr_number_p(at(r->o, r->total)->value) ? EER_OK : EER_NOT_FINITE;
}

enum eer_status oracle_gradient(struct oracle *o, const struct eer_config *c,
                                const struct eer_batch *batch, const struct eer_weights *w,
                                const double *theta, enum oracle_mode mode, struct eer_terms *terms,
                                double *gradient, struct oracle_margin *margin)
{
    struct record r = open_record(o, c, batch, w);
    int *scratch = need(malloc(2 * (size_t)r.N * sizeof *scratch));
    record_loss(&r, theta, -1, 0, scratch);
    free(scratch);
    enum eer_status status = state_of(&r);
    if (status != EER_OK)
        return status;
    *terms = (struct eer_terms){.total = value_of(&r, r.total),
                                .task = value_of(&r, r.task),
                                .potential = value_of(&r, r.potential),
                                .kinetic = value_of(&r, r.kinetic),
                                .entropy = value_of(&r, r.entropy),
                                .entropy_penalty = value_of(&r, r.penalty),
                                .correct = r.correct,
                                .counted = r.counted};
    if (margin != NULL)
        *margin = r.margin;
    if (gradient != NULL && mode == ORACLE_DUAL)
        sweep_dual(&r, gradient);
    else if (gradient != NULL)
        sweep_reverse(&r, gradient);
    return EER_OK;
}

enum eer_status oracle_quotient(struct oracle *o, const struct eer_config *c,
                                const struct eer_batch *batch, const struct eer_weights *w,
                                const double *theta, int k, double *quotient)
{
    const double h = 0x1p-66;
    struct record r = open_record(o, c, batch, w);
    int *scratch = need(malloc(2 * (size_t)r.N * sizeof *scratch));
    mpfr_t difference;
    mpfr_init2(difference, ORACLE_BITS);
    record_loss(&r, theta, k, h, scratch);
    enum eer_status status = state_of(&r);
    if (status == EER_OK) {
        mpfr_set(difference, at(o, r.total)->value, MPFR_RNDN);
        record_loss(&r, theta, k, -h, scratch);
        status = state_of(&r);
    }
    if (status == EER_OK) {
        mpfr_sub(difference, difference, at(o, r.total)->value, MPFR_RNDN);
        mpfr_div_d(difference, difference, 2 * h, MPFR_RNDN);
        *quotient = mpfr_get_d(difference, MPFR_RNDN);
    }
    mpfr_clear(difference);
    free(scratch);
    return status;
}
