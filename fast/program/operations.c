#include "operations.h"

#include "../../spec/layout.h"

enum { EXP = EER_OPERATIONS_EXP };

/* Of sum_j p_ij^q, for a key. */
static double power(double q)
{
    if (q == 1.5)
        return 2; /* exp(s) = r^2 and exp(s)^q = r^3 from r = exp(s / 2) */
    return q == 2.0 ? 1 : EXP + 2;
}

struct counts {
    double rows, pairs; /* of all sequences, once */
    double passes;      /* rows times iterations */
    double d, m, C, norms;
};

static struct counts count(const struct eer_config *c, int L, int sequences)
{
    double N = L + c->bos;
    double pairs = c->mask == EER_MASK_CAUSAL ? N * (N + 1) / 2 : N * N;
    return (struct counts){
        .rows = sequences * N,
        .pairs = sequences * pairs,
        .passes = sequences * N * c->loops,
        .d = c->d,
        .m = c->mlp,
        .C = c->vocab + 1,
        .norms = c->norm == EER_NORM_NONE ? 0 : (c->mlp > 0 ? 2 : 1),
    };
}

static void add_up(struct eer_operations *o)
{
    o->all = o->attention + o->projections + o->mlp + o->norms + o->ends + o->adamw;
}

struct eer_operations eer_operations_evaluate(const struct eer_config *c, int L, int sequences)
{
    struct counts n = count(c, L, sequences);
    double activation = c->activation == EER_GELU ? EER_OPERATIONS_GELU : 1;
    /* score, bias, maximum, subtraction, exponential, sum, p v */
    double pair = n.d + (c->slope > 0) + 1 + 1 + EXP + 1 + n.d;
    struct eer_operations o = {
        .attention = n.pairs * c->loops * pair + n.passes * n.d,
        .projections = n.passes * 2 * n.d * n.d, /* y W_Q W_K^T, one matrix; y W_V */
        .mlp = n.passes * n.m * (2 * n.d + activation),
        /* sum, centring, squares, scale, gain and bias; Z + X and the residual */
        .norms = n.passes * n.d * (5 * n.norms + 1 + 2 * (n.m > 0)),
        .ends = n.rows * (n.d + 5 * n.d * c->final_norm + n.d * n.C + n.C),
    };
    add_up(&o);
    return o;
}

struct eer_operations eer_operations_train(const struct eer_config *c, int L)
{
    struct counts n = count(c, L, c->batch);
    struct eer_operations o = eer_operations_evaluate(c, L, c->batch);
    struct eer_layout layout;
    eer_layout(c, &layout);
    double slope = c->activation == EER_GELU ? EER_OPERATIONS_GELU_SLOPE : 1;
    /* dp, dv, dq, dk; ds takes a sum with the entropy's derivative and a product with p */
    o.attention += n.pairs * c->loops * (power(c->q) + 4 * n.d + 2) + n.passes * n.d;
    o.projections += n.passes * 4 * n.d * n.d;
    /* dW_2, da, dW_1, dy; times the slope, db_1 */
    o.mlp += n.passes * n.m * (4 * n.d + slope + 2);
    /* dgain, dbias, dy gain, two means, dx in three; dX and the residual */
    o.norms += n.passes * n.d * (8 * n.norms + 2 * (n.m > 0) + 2);
    /* dW_O, dh; the softmax and its derivative; the kinetic term; dE */
    o.ends += n.rows * (2 * n.d * n.C + n.C * (EXP + 3) + 8 * n.d * c->final_norm + 3 * n.d);
    o.adamw = (double)layout.size * EER_OPERATIONS_ADAMW;
    add_up(&o);
    return o;
}
