/* kernels_body.h - one instruction set's kernels: kernels_plain.c, kernels_avx2.c and
 * kernels_avx512.c define WIDTH and TABLE and include this. Three instances each: d = 8 in
 * FP32, d = 8 in TF32, and any d in TF32, which is FP32 where operands keep all their bits. */
#include "kernels.h"

#include "elementary.h"

enum {
    BLOCK = 12, /* tokens that go through the MLP together: their activations stay in L1 */
    TILE = 16,  /* hidden units whose backward is done together */
    CHUNK = 32, /* keys between two looks at the running maximum in evaluation */
};

/* Buffers of one block of rows in the MLP: BLOCK x d; BLOCK x TILE. */
struct block {
    vf *y, *xhat, *out, *dy;
    vf *act, *da;
};

/* Everything of WIDTH training sequences. Arrays are N x d unless said otherwise. */
struct lanes {
    int N, has_terms; /* of the loss, beside cross-entropy, on attention */
    vf *X, *Y, *Q, *K, *V, *xhat, *Zp;
    vf *dZ, *dX, *dY, *dA, *dQ, *dK, *dV;
    vf *Z, *A;                             /* (T + 1) x N x d, T x N x d */
    vf *weights;                           /* T x pair_offset(): of attention, before scaling */
    vf *S;                                 /* pair_offset(): derivatives by the scores */
    vf *entropy, *entropy_slope;           /* N */
    vf *scale, *power_sum, *largest;       /* T x N: of the rows of attention */
    vf *mean_1, *rstd_1, *mean_2, *rstd_2; /* T x N: of the layer norms */
    vi *tokens, *labels;                   /* N */
    vf *G;                                 /* P parameters */
    vf *dM; /* 2 x d x d: the derivative by W_Q W_K^T; its transpose */
    struct block block;
    vf sum[FAST_TERMS], present, potential_slope;
};

/* Of a pair of rows of attention: the largest score and the first key that has it; the sums of e
 * and e^q; and what the derivatives by their scores are made of (train_body.h, slopes_tile). */
struct largest {
    vf top[2], at[2];
};
struct sums {
    vf one[2], q[2];
};
struct slopes {
    vf constant[2], by_root[2], largest[2], at_largest[2], factor[2];
};

/* Everything of one evaluated sequence: ceil(N / WIDTH) blocks x d. */
struct stream {
    int N;
    vf *X, *Z, *Y, *K, *V;
    struct block block;
};

/* Where the pair of rows i, i + 1 (i even) of an attention matrix begins: 2 x N values, or 2 x (i +
 * 2) under a causal mask, the two rows' values for a key side by side. */
INLINE size_t pair_offset(const struct fast_problem *p, int N, int i)
{
    return (size_t)i * (size_t)(p->causal ? i / 2 + 1 : N);
}

/* Gives out consecutive pieces of a memory; with no memory it only counts. */
struct carver {
    char *base;
    size_t used;
};

static void *carve(struct carver *c, size_t elements)
{
    void *piece = c->base ? c->base + c->used : NULL;
    c->used += elements * sizeof(vf);
    return piece;
}

static void lay_out_block(const struct fast_problem *p, struct block *b, struct carver *c)
{
    const size_t d = (size_t)p->d;
    vf **rows[] = {&b->y, &b->xhat, &b->out, &b->dy};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        *rows[k] = carve(c, BLOCK * d);
    b->act = carve(c, BLOCK * TILE);
    b->da = carve(c, BLOCK * TILE);
}

static size_t lay_out_lanes(const struct fast_problem *p, struct lanes *s, int rows, void *memory)
{
    struct carver c = {memory, 0};
    const size_t N = (size_t)rows, d = (size_t)p->d;
    vf **states[] = {&s->X,  &s->Y,  &s->Q,  &s->K,  &s->V,  &s->xhat, &s->Zp,
                     &s->dZ, &s->dX, &s->dY, &s->dA, &s->dQ, &s->dK,   &s->dV};
    vf **columns[] = {&s->entropy, &s->entropy_slope};
    s->N = rows;
    for (size_t k = 0; k < sizeof states / sizeof *states; k++)
        *states[k] = carve(&c, N * d);
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
        *columns[k] = carve(&c, N);
    vf **rows_sums[] = {&s->scale,  &s->power_sum, &s->largest, &s->mean_1,
                        &s->rstd_1, &s->mean_2,    &s->rstd_2};
    for (size_t k = 0; k < sizeof rows_sums / sizeof *rows_sums; k++)
        *rows_sums[k] = carve(&c, (size_t)p->T * N);
    s->tokens = carve(&c, N);
    s->labels = carve(&c, N);
    s->G = carve(&c, (size_t)p->layout.size);
    s->dM = carve(&c, 2 * d * d);
    lay_out_block(p, &s->block, &c);
    s->S = carve(&c, pair_offset(p, rows, rows + rows % 2));
    s->Z = carve(&c, (size_t)(p->T + 1) * N * d);
    s->A = carve(&c, (size_t)p->T * N * d);
    s->weights = carve(&c, (size_t)p->T * pair_offset(p, rows, rows + rows % 2));
    return c.used;
}

static size_t lay_out_stream(const struct fast_problem *p, struct stream *s, int rows, void *memory)
{
    struct carver c = {memory, 0};
    const size_t size = (size_t)((rows + WIDTH - 1) / WIDTH) * (size_t)p->d;
    vf **states[] = {&s->X, &s->Z, &s->Y, &s->K, &s->V};
    s->N = rows;
    for (size_t k = 0; k < sizeof states / sizeof *states; k++)
        *states[k] = carve(&c, size);
    lay_out_block(p, &s->block, &c);
    return c.used;
}

#define D_FIXED 8
#define D       8
#define TF      0
#define NAME(x) x##_8_fp32
#include "instance_body.h"
#undef TF
#undef NAME
#define TF      1
#define NAME(x) x##_8_tf32
#include "instance_body.h"
#undef D_FIXED
#undef D
#undef TF
#undef NAME
#define D_FIXED 0
#define D       (p->d)
#define TF      1
#define NAME(x) x##_any
#include "instance_body.h"

static size_t train_size(const struct fast_problem *p, int L)
{
    struct lanes s;
    return (lay_out_lanes(p, &s, L + p->bos, NULL) + 63) / 64 * 64;
}

static size_t evaluate_size(const struct fast_problem *p, int L)
{
    struct stream s;
    return (lay_out_stream(p, &s, L + p->bos, NULL) + 63) / 64 * 64;
}

static void train(const struct fast_problem *p, const struct fast_objective *f,
                  const struct eer_batch *batch, int first, int count, void *memory, float *sums,
                  float *gradient)
{
    const int tf32 = p->operand != p->theta;
    if (p->d != 8)
        train_any(p, f, batch, first, count, memory, sums, gradient);
    else if (tf32)
        train_8_tf32(p, f, batch, first, count, memory, sums, gradient);
    else
        train_8_fp32(p, f, batch, first, count, memory, sums, gradient);
}

static void evaluate(const struct fast_problem *p, const int *tokens, int L, int loops,
                     void *memory, int *predicted)
{
    const int tf32 = p->operand != p->theta;
    if (p->d != 8)
        evaluate_any(p, tokens, L, loops, memory, predicted);
    else if (tf32)
        evaluate_8_tf32(p, tokens, L, loops, memory, predicted);
    else
        evaluate_8_fp32(p, tokens, L, loops, memory, predicted);
}

/* An elementary function over an array; the last, partial vector is filled up with ones. */
#define ON_ARRAY(name, expression)                                                                 \
    static void name(const float *x, float *y, size_t n)                                           \
    {                                                                                              \
        for (size_t k = 0; k < n; k += WIDTH) {                                                    \
            const size_t lanes = n - k < WIDTH ? n - k : WIDTH;                                    \
            vf v = v_set(1.0f);                                                                    \
            memcpy(&v, x + k, lanes * sizeof *x);                                                  \
            v = expression;                                                                        \
            memcpy(y + k, &v, lanes * sizeof *y);                                                  \
        }                                                                                          \
    }
ON_ARRAY(exp2_array, v_exp2(v))
ON_ARRAY(log2_array, v_log2(v))
ON_ARRAY(gelu_array, v_gelu(v))
ON_ARRAY(gelu_slope_array, v_gelu_slope(v, v_phi(v)))

const struct fast_kernels TABLE = {
    .name = ISA_NAME,
    .width = WIDTH,
    .train_size = train_size,
    .evaluate_size = evaluate_size,
    .train = train,
    .evaluate = evaluate,
    .exp2 = exp2_array,
    .log2 = log2_array,
    .gelu = gelu_array,
    .gelu_slope = gelu_slope_array,
};
