/* test_fast_stages.c - fast's arithmetic piece by piece: configurations where it makes no rounding
 * at all, where the only roundings are TF32's, where only one stage is left, and evaluation.
 *
 * Integers. Without layer norm, with ReLU, with W_Q or W_K zero (uniform attention), logits that
 * are multiples of 64 with no ties, and every mean over a power of two, loss and gradient are sums
 * and products of small integers over powers of two. Whether a drawn case really is exact is not
 * taken on trust: four builds of the reference's own sources (fast/program/gradcheck/problem.h)
 * compute it in double and in float, with and without TF32 operands, and the cases kept are those
 * where they agree. fast shares no code with them.
 *
 * What is not exact are the remains of exp: fast's 2^-80 and 2^-126 instead of what double has for
 * e^-64 and less. Values of an exact case are multiples of 2^-40 (GRAIN), so two of them that
 * differ by less than half of it are the same number. */
#include "../../fast/program/gradcheck/judge.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 7, CASES = 240, SAMPLES = 17 };

static const double GRAIN = 0x1p-40;
static const char *const isa_name[] = {"best", "plain", "avx2", "avx512"};
static struct eer_error error;

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    cr_assert_not_null(memory);
    return memory;
}

/* A case, and what it should give. */
struct integers {
    struct eer_case c;
    struct eer_terms terms;
    double *gradient;
};

/* ---- drawing ------------------------------------------------------------------------------- */

static uint64_t state;

/* SplitMix64, 0 .. n-1 */
static int below(int n)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (int)((x ^ (x >> 31)) >> 33) % n;
}

/* Every other entry, at random: fewer terms, fewer bits in a sum. */
static void fill(struct eer_case *c, int tensor, int largest, double unit)
{
    const int n = c->layout.rows[tensor] * c->layout.columns[tensor];
    for (int k = 0; k < n; k++)
        c->theta[c->layout.offset[tensor] + k] =
            below(2) * unit * (below(2 * largest + 1) - largest);
}

static void draw_sizes(struct eer_config *c, int keys)
{
    static const int d[] = {4, 8, 16}, mlp[] = {0, 2, 5, 8, 11}, vocab[] = {2, 3};
    c->d = d[below(3)];
    c->mlp = mlp[below(5)];
    c->vocab = vocab[below(2)];
    c->bos = keys > 1 && below(2);
    c->loops = 1 + below(2);
    c->batch = 1 << below(4);
    c->length_min = c->length_max = keys - c->bos;
    c->tau = c->d == 8 ? sqrt(0.125) : 1.0; /* 1 / (tau sqrt d) is a power of two */
}

/* Without rounding: norm none, ReLU, no positions, q = 2. counted is made a power of two. */
static void draw_config(struct eer_config *c, int keys)
{
    draw_sizes(c, keys);
    c->form = EER_FULL;
    c->generator = EER_IID;
    c->mask = keys == 1 && below(2) ? EER_MASK_CAUSAL : EER_MASK_NONE;
    c->slope = 0.0;
    c->pe_scale = 0.0;
    c->norm = EER_NORM_NONE;
    c->final_norm = 0;
    c->activation = EER_RELU;
    c->kinetic = below(2) ? EER_KINETIC_SQUARED : EER_KINETIC_PATH;
    c->q = 2.0;
    c->eta = below(2) ? 0.25 : -1.0;
}

static void count_power_of_two(struct eer_batch *batch)
{
    const int n = batch->B * batch->L;
    int kept = 1;
    while (2 * kept <= n)
        kept *= 2;
    for (int k = kept; k < n; k++)
        batch->labels[k] = -1;
}

/* Each entry has at most 11 bits, a sum of two has more: 1 + 2^-11 lies half way between two TF32
 * numbers, 1 + 3 2^-12 beyond it. */
static void refine(struct eer_case *c, int tensor)
{
    static const double part[] = {1.0, 1.0, 0x1p-11, 0x3p-12};
    const int n = c->layout.rows[tensor] * c->layout.columns[tensor];
    for (int k = 0; k < n; k++)
        c->theta[c->layout.offset[tensor] + k] *= part[below(4)];
}

enum { NO_TENSOR = -1 };

/* Whole numbers up to `largest` in every matrix and bias, but finer ones in one tensor. */
static void draw_theta(struct eer_case *c, int largest, int fine)
{
    static const int all[] = {EER_EMBEDDING, EER_W_Q, EER_W_K, EER_W_V, EER_W_1,
                              EER_B_1,       EER_W_2, EER_B_2, EER_W_O};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        fill(c, all[k], all[k] == EER_W_O ? 1 : largest, all[k] == EER_W_O ? 256.0 : 1.0);
    if (fine == EER_W_Q || fine == EER_W_K) /* uniform attention: the other one is zero */
        fill(c, fine == EER_W_K ? EER_W_Q : EER_W_K, 0, 1.0);
    else
        fill(c, below(2) ? EER_W_Q : EER_W_K, 0, 1.0);
    if (fine != NO_TENSOR)
        refine(c, fine);
    for (int k = 0; k <= c->config.vocab; k++) /* no ties: 64 apart below the 256 of W_O */
        c->theta[c->layout.offset[EER_B_O] + k] = 64.0 * k;
}

/* keys rows a sequence; with_scores: with entropy and potential. */
static struct eer_case draw_case(int keys, int largest, int with_scores, int fine)
{
    struct eer_case c;
    cr_assert_eq(eer_case_new(&c, SEED, 0, EER_CASE_TINY), EER_OK);
    eer_case_free(&c);
    draw_config(&c.config, keys);
    const size_t n = (size_t)(c.config.batch * c.config.length_max);
    c.weights = (struct eer_weights){with_scores ? 0.5 * (1 << below(3)) : 0.0,
                                     0.25 * keys, /* divided by N again */
                                     with_scores ? 2.0 : 0.0};
    eer_layout(&c.config, &c.layout);
    c.batch = (struct eer_batch){c.config.batch, c.config.length_max, take(n, sizeof(int)),
                                 take(n, sizeof(int))};
    c.theta = take((size_t)c.layout.size, sizeof *c.theta);
    ref_backend.draw(&c.config, (uint64_t)below(1 << 30), EER_DRAW_TRAIN, 1, &c.batch);
    if ((keys & (keys - 1)) == 0) /* else means are rounded anyway */
        count_power_of_two(&c.batch);
    draw_theta(&c, largest, fine);
    return c;
}

/* ---- the reference's variants -------------------------------------------------------------- */

/* Float's sqrt 8 is not double's: here tau is the float that makes tau sqrt 8 = 1 in float. */
static double tau_of(const struct eer_config *c, spread_variant *variant)
{
    const int in_float = variant == spread_float || variant == spread_float_tf32;
    return c->d == 8 && in_float ? (double)0x1.6a09e8p-2f : c->tau;
}

static struct integers by_variant(const struct eer_case *c, spread_variant *variant,
                                  enum eer_tf32_rounding rounding)
{
    struct integers x = {.c = *c, .gradient = take((size_t)c->layout.size, sizeof(double))};
    x.c.config.tau = tau_of(&c->config, variant);
    cr_assert_eq(spread_unperturbed(&x.terms, x.gradient, &x.c.config, &x.c.batch, &x.c.weights,
                                    x.c.theta, variant, rounding),
                 EER_OK);
    return x;
}

/* ---- fast ---------------------------------------------------------------------------------- */

/* 0 if this machine lacks the instruction set. */
static int by_fast(struct integers *x, const struct eer_case *c, struct eer_run run)
{
    const struct eer_state s = {0, c->theta, c->theta, c->theta};
    struct eer_engine *engine;
    run.threads = 1;
    run.train_length = c->batch.L;
    *x = (struct integers){.c = *c, .gradient = take((size_t)c->layout.size, sizeof(double))};
    enum eer_status status = fast_backend.open(&c->config, &run, &engine, &error);
    if (status == EER_UNAVAILABLE)
        return 0;
    cr_assert_eq(status, EER_OK, "%s", error.text);
    fast_backend.put(engine, &s);
    status = fast_backend.gradient(engine, &c->batch, &c->weights, &x->terms, x->gradient, &error);
    cr_assert_eq(status, EER_OK, "%s", error.text);
    fast_backend.close(engine);
    return 1;
}

/* ---- comparing ----------------------------------------------------------------------------- */

enum { EVERYTHING, WITHOUT_SCORES }; /* the latter: only what no probability's rounding reaches */

static int same(double a, double b)
{
    return fabs(a - b) < GRAIN / 2;
}

/* With WITHOUT_SCORES p is rounded (one third ...), and the gradient of the scores is left out, as
 * are means over N; dlogits, a third or the like of 1, are rounded, but for b_O's gradient. */
static int compared_tensor(int tensor, int what)
{
    return what == EVERYTHING ||
           (tensor != EER_EMBEDDING && tensor != EER_W_Q && tensor != EER_W_K && tensor != EER_B_O);
}

/* The first tensor or term that differs; NULL if none does. Potential: log n, not exact in binary;
 * it enters the total with its weight. */
static const char *difference(const struct integers *a, const struct integers *b, int what)
{
    const struct eer_terms *s = &a->terms, *t = &b->terms;
    const struct eer_layout *layout = &a->c.layout;
    if (what == EVERYTHING && !same(s->task, t->task))
        return "task";
    if (what == EVERYTHING && !same(s->kinetic, t->kinetic))
        return "kinetic";
    if (what == EVERYTHING &&
        !(same(s->entropy, t->entropy) && same(s->entropy_penalty, t->entropy_penalty)))
        return "entropy";
    if (s->correct != t->correct)
        return "correct";
    for (int tensor = 0; tensor < EER_TENSORS; tensor++)
        for (int k = 0; k < layout->rows[tensor] * layout->columns[tensor]; k++) {
            const int p = layout->offset[tensor] + k;
            if (compared_tensor(tensor, what) && !same(a->gradient[p], b->gradient[p]))
                return eer_tensor_name(tensor);
        }
    return NULL;
}

static void release(struct integers *x)
{
    free(x->gradient);
}

/* Does fast agree, with every instruction set? */
static void expect_fast(const struct integers *expected, enum eer_precision precision,
                        enum eer_tf32_rounding rounding, int what, int index)
{
    for (int isa = EER_ISA_PLAIN; isa <= EER_ISA_AVX512; isa++) {
        const struct eer_run run = {
            .precision = precision, .tf32_rounding = rounding, .isa = (enum eer_isa)isa};
        struct integers got;
        char text[512];
        if (by_fast(&got, &expected->c, run)) {
            const char *where = difference(&got, expected, what);
            cr_assert_null(where, "%s differs: %s, rounding %d, %s, case %d: %s", where,
                           precision == EER_TF32 ? "tf32" : "fp32", (int)rounding, isa_name[isa],
                           index, eer_case_text(&expected->c, text, sizeof text));
        }
        release(&got);
    }
}

/* Two variants on one case: do they agree, so that the case is exact? */
static int agree(const struct integers *a, const struct eer_case *c, spread_variant *variant,
                 enum eer_tf32_rounding rounding, int what)
{
    struct integers b = by_variant(c, variant, rounding);
    const int agreed = difference(a, &b, what) == NULL;
    release(&b);
    return agreed;
}

/* Which tensors had a gradient in some case. */
static void note_tensors(int *seen, const struct integers *x)
{
    for (int tensor = 0; tensor < EER_TENSORS; tensor++)
        for (int k = 0; k < x->c.layout.rows[tensor] * x->c.layout.columns[tensor]; k++)
            seen[tensor] += fabs(x->gradient[x->c.layout.offset[tensor] + k]) >= GRAIN;
}

static void expect_seen(const int *seen, int what)
{
    static const int all[] = {EER_EMBEDDING, EER_W_Q, EER_W_K, EER_W_V, EER_W_1,
                              EER_B_1,       EER_W_2, EER_B_2, EER_W_O, EER_B_O};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        cr_expect(!compared_tensor(all[k], what) || seen[all[k]] > 0, "no case moved %s",
                  eer_tensor_name(all[k]));
}

/* ---- no rounding at all -------------------------------------------------------------------- */

static int exact_everywhere(const struct integers *x)
{
    int exact = agree(x, &x->c, spread_float, EER_TF32_TIES_AWAY, EVERYTHING);
    for (int rounding = 0; rounding < 3; rounding++)
        exact = exact &&
                agree(x, &x->c, spread_double_tf32, (enum eer_tf32_rounding)rounding, EVERYTHING);
    return exact;
}

Test(fast_stages, small_integers_are_exact_in_every_mode)
{
    int kept = 0, seen[EER_TENSORS] = {0};
    state = SEED;
    for (int index = 0; index < CASES; index++) {
        struct eer_case c = draw_case(1 << below(3), 1, 1, NO_TENSOR);
        struct integers expected = by_variant(&c, spread_double, EER_TF32_TIES_AWAY);
        expected.c.config.tau = c.config.tau;
        if (exact_everywhere(&expected)) {
            kept++;
            note_tensors(seen, &expected);
            expect_fast(&expected, EER_FP32, EER_TF32_TIES_AWAY, EVERYTHING, index);
            for (int rounding = 0; rounding < 3; rounding++)
                expect_fast(&expected, EER_TF32, (enum eer_tf32_rounding)rounding, EVERYTHING,
                            index);
        }
        release(&expected);
        eer_case_free(&c);
    }
    printf("small integers: %d of %d cases are exact, and equal in fp32 and tf32\n", kept, CASES);
    fflush(stdout);
    cr_expect(kept >= CASES / 8);
    expect_seen(seen, EVERYTHING);
}

/* ---- TF32's roundings alone ---------------------------------------------------------------- */

/* Integers so large that operands need more than TF32's 11 bits, but no sum more than FP32's 24:
 * then the roundings of the operands are all there is, and missing any one shows. */
static void only_tf32_rounds(int what, const int *keys, int choices, int largest, int fine)
{
    int kept[3] = {0}, rounded[3] = {0}, seen[EER_TENSORS] = {0};
    for (int index = 0; index < CASES; index++) {
        struct eer_case c = draw_case(keys[below(choices)], largest, 0, fine);
        struct integers fp64 = by_variant(&c, spread_double, EER_TF32_TIES_AWAY);
        for (int k = 0; k < 3; k++) {
            const enum eer_tf32_rounding rounding = (enum eer_tf32_rounding)k;
            struct integers expected = by_variant(&c, spread_double_tf32, rounding);
            expected.c.config.tau = c.config.tau;
            if (agree(&expected, &c, spread_float_tf32, rounding, what)) {
                kept[k]++;
                rounded[k] += difference(&fp64, &expected, what) != NULL;
                note_tensors(seen, &expected);
                expect_fast(&expected, EER_TF32, rounding, what, index);
            }
            release(&expected);
        }
        release(&fp64);
        eer_case_free(&c);
    }
    printf("tf32 alone, up to %d, finer in %s: of %d cases %d, %d, %d are exact after its rounding "
           "(ties away, "
           "even, truncated), in %d, %d, %d of them it rounds\n",
           largest, fine == NO_TENSOR ? "none" : eer_tensor_name(fine), CASES, kept[0], kept[1],
           kept[2], rounded[0], rounded[1], rounded[2]);
    fflush(stdout);
    for (int k = 0; k < 3; k++)
        cr_expect(rounded[k] >= CASES / 40);
    if (fine == EER_W_Q || fine == EER_W_K)
        seen[fine] = 1; /* the other one is zero, and with it this one's gradient */
    expect_seen(seen, what);
}

Test(fast_stages, tf32_rounds_every_operand_as_specified)
{
    static const int keys[] = {1, 2, 4};
    state = SEED + 1;
    for (int largest = 3; largest <= 24; largest *= 2)
        only_tf32_rounds(EVERYTHING, keys, 3, largest, NO_TENSOR);
}

/* The results of one product after another need more than 11 bits before they are operands. */
Test(fast_stages, tf32_rounds_the_results_of_finer_weights)
{
    static const int keys[] = {1, 2, 4};
    static const int all[] = {EER_EMBEDDING, EER_W_Q, EER_W_K, EER_W_V, EER_W_1, EER_W_2, EER_W_O};
    state = SEED + 4;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        only_tf32_rounds(EVERYTHING, keys, 3, 1, all[k]);
}

/* One third and the like: p itself is rounded, forward and in p^T dA; and so are dlogits. */
Test(fast_stages, tf32_rounds_probabilities_after_they_are_normalised)
{
    static const int keys[] = {3, 5, 6, 7};
    state = SEED + 2;
    only_tf32_rounds(WITHOUT_SCORES, keys, 4, 1, NO_TENSOR);
}

/* ---- one stage at a time ------------------------------------------------------------------- */

struct stage {
    const char *name;
    enum eer_norm norm;
    int mlp, final_norm, loops, without_attention;
    enum eer_activation activation;
};

static const struct stage stages[] = {
    {"attention", EER_NORM_NONE, 0, 0, 1, 0, EER_GELU},
    {"layer norm, then attention", EER_NORM_PRE, 0, 0, 1, 0, EER_GELU},
    {"attention, then layer norm", EER_NORM_POST, 0, 0, 1, 0, EER_GELU},
    {"mlp with gelu", EER_NORM_NONE, 13, 0, 1, 1, EER_GELU},
    {"mlp with relu", EER_NORM_NONE, 13, 0, 1, 1, EER_RELU},
    {"layer norm, then mlp", EER_NORM_PRE, 13, 0, 1, 1, EER_GELU},
    {"mlp, then final norm", EER_NORM_NONE, 8, 1, 1, 1, EER_GELU},
    {"attention twice", EER_NORM_NONE, 0, 0, 2, 0, EER_GELU},
    {"attention and mlp", EER_NORM_NONE, 8, 0, 1, 0, EER_GELU},
};

static struct eer_case stage_case(const struct stage *stage, int index)
{
    struct eer_case c, whole;
    cr_assert_eq(eer_case_new(&whole, SEED, index, EER_CASE_TINY), EER_OK);
    c = whole;
    c.config.norm = stage->norm;
    c.config.mlp = stage->mlp;
    c.config.final_norm = stage->final_norm;
    c.config.loops = stage->loops;
    c.config.activation = stage->activation;
    eer_layout(&c.config, &c.layout);
    c.theta = take((size_t)c.layout.size, sizeof *c.theta);
    free(whole.theta);
    struct eer_state first = {0, c.theta, take((size_t)c.layout.size, sizeof(double)),
                              take((size_t)c.layout.size, sizeof(double))};
    ref_backend.init(&c.config, &first);
    free(first.m);
    free(first.v);
    if (stage->without_attention)
        memset(c.theta + c.layout.offset[EER_W_V], 0,
               (size_t)(c.config.d * c.config.d) * sizeof *c.theta);
    return c;
}

/* In FP32 only. With TF32 a stage this small has a handful of operands, and one that is tipped to
 * its other neighbour is a jump that 17 samples need not have met; the exact cases above are
 * sharper there. With a single key the scores' derivatives cancel to 0 in the reference's order of
 * operations and so in all its samples, though not in every order. */
static void judge_stage(const struct stage *stage)
{
    double share = 0.0;
    const char *where = "-";
    int judged = 0;
    for (int index = 0; index < 12; index++) {
        struct eer_case c = stage_case(stage, index);
        struct eer_backend_run fast = {.backend = &fast_backend,
                                       .run = {.precision = EER_FP32, .threads = 1}};
        struct eer_question question = {.c = &c,
                                        .arithmetic = SPREAD_FP32,
                                        .judged = eer_backend_evaluator,
                                        .judged_context = &fast,
                                        .K = SAMPLES,
                                        .seed = SEED};
        struct eer_judgement j;
        char text[512];
        eer_case_text(&c, text, sizeof text);
        cr_assert_eq(eer_judge(&j, &question), EER_OK, "%s", fast.error.text);
        if (!j.undetermined && !j.not_finite && c.batch.L + c.config.bos > 1) {
            judged++;
            cr_expect(j.share <= 1 && !j.wrong_answers, "%s: %.3g of the bound in %s: %s",
                      stage->name, j.share, j.where, text);
            if (!(j.share <= share)) {
                share = j.share;
                where = j.where;
            }
        }
        eer_case_free(&c);
    }
    cr_expect(judged >= 8, "%s: only %d cases could be judged", stage->name, judged);
    printf("stage %s: %d cases, largest share of the bound %.3f in %s\n", stage->name, judged,
           share, where);
    fflush(stdout);
}

Test(fast_stages, each_stage_within_the_spread_of_rounding)
{
    for (size_t k = 0; k < sizeof stages / sizeof *stages; k++)
        judge_stage(&stages[k]);
}

/* ---- the causal mask ----------------------------------------------------------------------- */

/* Rows 0 and 1 of a sequence of two tokens. Only token 1 has a value, 2^60, and W_O makes a 2^22
 * times larger logit of it: were a 2^-80th of the hidden key left, row 0's logits would be 4 apart.
 * Without it they are 0, and its share of b_O's gradient is (1/3 - hit) / 2. Rounded are
 * 1/3, the difference and half of it, each below 1: within 1.5 u. */
static struct eer_case hidden_case(int d, double q)
{
    static int tokens[] = {0, 1}, labels[] = {2, 2};
    struct eer_case c;
    cr_assert_eq(eer_case_new(&c, SEED, 0, EER_CASE_TINY), EER_OK);
    eer_case_free(&c);
    draw_config(&c.config, 2);
    c.config.d = d;
    c.config.mlp = c.config.bos = 0;
    c.config.vocab = 2;
    c.config.loops = c.config.batch = 1;
    c.config.length_min = c.config.length_max = 2;
    c.config.mask = EER_MASK_CAUSAL;
    c.config.q = q;
    c.weights = (struct eer_weights){0.0, 0.0, 0.0};
    eer_layout(&c.config, &c.layout);
    c.batch = (struct eer_batch){1, 2, tokens, labels};
    c.theta = take((size_t)c.layout.size, sizeof *c.theta);
    c.theta[c.layout.offset[EER_EMBEDDING] + d] = 1.0;
    c.theta[c.layout.offset[EER_W_V]] = 0x1p60;
    for (int k = 0; k < 3; k++)
        c.theta[c.layout.offset[EER_W_O] + k] = 0x1p22 * k;
    return c;
}

Test(fast_stages, a_causal_mask_hides_a_key_altogether)
{
    static const double q[] = {1.25, 1.5, 2.0};
    for (int n = 0; n < 3 * 2 * 2 * 3; n++) {
        struct eer_case c = hidden_case(n / 3 % 2 ? 8 : 12, q[n % 3]);
        const struct eer_run run = {.precision = n / 6 % 2 ? EER_TF32 : EER_FP32,
                                    .isa = (enum eer_isa)(EER_ISA_PLAIN + n / 12)};
        const int at = c.layout.offset[EER_B_O];
        struct integers x;
        if (by_fast(&x, &c, run))
            for (int k = 0; k < 3; k++) /* row 1's answer is 2, and right */
                cr_expect_float_eq(x.gradient[at + k], (1.0 / 3.0 - (k == 2)) / 2.0, 1.5 * 0x1p-24,
                                   "d %d, q %g, %s, %s: b_O %d: %.9g", c.config.d, q[n % 3],
                                   run.precision == EER_TF32 ? "tf32" : "fp32", isa_name[run.isa],
                                   k, x.gradient[at + k]);
        release(&x);
        free(c.theta);
    }
}

/* ---- evaluation ---------------------------------------------------------------------------- */

/* B x L classes; 0 if this machine lacks the instruction set. */
static int predict(const struct eer_case *c, const struct eer_batch *batch, int loops,
                   struct eer_run run, int *predicted)
{
    const struct eer_state s = {0, c->theta, c->theta, c->theta};
    struct eer_engine *engine;
    run.eval_length = batch->L;
    run.threads = 1;
    enum eer_status status = fast_backend.open(&c->config, &run, &engine, &error);
    if (status == EER_UNAVAILABLE)
        return 0;
    cr_assert_eq(status, EER_OK, "%s", error.text);
    fast_backend.put(engine, &s);
    cr_assert_eq(fast_backend.evaluate(engine, batch, loops, predicted, &error), EER_OK);
    fast_backend.close(engine);
    return 1;
}

/* Exact cases have no ties and no rounding: every prediction must be the reference's, after any
 * number of iterations for which the numbers stay exact. */
Test(fast_stages, evaluation_of_small_integers_is_the_reference)
{
    int compared = 0;
    state = SEED + 3;
    for (int index = 0; index < CASES; index++) {
        struct eer_case c = draw_case(1 << below(3), 1, 0, NO_TENSOR);
        c.config.loops = 1 + below(3); /* of the exactness test, too */
        struct integers expected = by_variant(&c, spread_double, EER_TF32_TIES_AWAY);
        const size_t n = (size_t)(c.batch.B * c.batch.L);
        int *wanted = take(n, sizeof *wanted), *got = take(n, sizeof *got);
        const struct eer_run of_ref = {
            .precision = EER_FP64, .threads = 1, .eval_length = c.batch.L};
        const struct eer_state s = {0, c.theta, c.theta, c.theta};
        struct eer_engine *ref;
        const int loops = c.config.loops;
        expected.c.config.tau = c.config.tau;
        if (exact_everywhere(&expected)) {
            int right = 0;
            c.config.loops = 1; /* evaluate() is told how often, whatever the configuration says */
            cr_assert_eq(ref_backend.open(&c.config, &of_ref, &ref, &error), EER_OK);
            ref_backend.put(ref, &s);
            cr_assert_eq(ref_backend.evaluate(ref, &c.batch, loops, wanted, &error), EER_OK);
            ref_backend.close(ref);
            for (int isa = EER_ISA_PLAIN; isa <= EER_ISA_AVX512; isa++)
                for (int precision = EER_FP32; precision <= EER_TF32; precision++) {
                    const struct eer_run run = {.precision = (enum eer_precision)precision,
                                                .isa = (enum eer_isa)isa};
                    if (predict(&c, &c.batch, loops, run, got))
                        cr_assert_arr_eq(got, wanted, n * sizeof *got, "case %d, %s", index,
                                         isa_name[isa]);
                }
            for (size_t k = 0; k < n; k++)
                right += wanted[k] == c.batch.labels[k];
            cr_assert_eq(right, expected.terms.correct);
            compared++;
        }
        free(wanted);
        free(got);
        release(&expected);
        eer_case_free(&c);
    }
    printf("evaluation: %d exact cases equal to the reference\n", compared);
    fflush(stdout);
    cr_expect(compared >= CASES / 8);
}

/* Training keeps all scores of a row, evaluation streams over them: with a random batch of
 * training's length both must find the same number of right answers. Case by case a tie within
 * rounding could go either way; these cases are fixed, and have none. */
Test(fast_stages, evaluation_counts_what_the_gradient_counts)
{
    for (int index = 0; index < 24; index++) {
        struct eer_case c;
        struct integers trained;
        cr_assert_eq(eer_case_new(&c, SEED, index, EER_CASE_LARGE), EER_OK);
        const size_t n = (size_t)(c.batch.B * c.batch.L);
        int *predicted = take(n, sizeof *predicted), right = 0;
        const struct eer_run run = {.precision = index % 2 ? EER_TF32 : EER_FP32};
        cr_assert(by_fast(&trained, &c, run));
        cr_assert(predict(&c, &c.batch, c.config.loops, run, predicted));
        for (size_t k = 0; k < n; k++)
            right += predicted[k] == c.batch.labels[k];
        cr_expect_eq(right, trained.terms.correct, "case %d", index);
        free(predicted);
        release(&trained);
        eer_case_free(&c);
    }
}

/* Two tokens; row 1 gives key 0 the share p = 1 / (1 + exp(s_1 - s_0)), which is its logit of class
 * 0; the caller sets that of class 1. */
static struct eer_case share_case(int d, double q, double *p)
{
    struct eer_case c = hidden_case(d, q);
    struct eer_config *a = &c.config;
    a->tau = 0.75;
    a->slope = 0.375;
    memset(c.theta, 0, (size_t)c.layout.size * sizeof *c.theta);
    const int *o = c.layout.offset;
    c.theta[o[EER_EMBEDDING]] = c.theta[o[EER_EMBEDDING] + d + 1] = 1.0;
    c.theta[o[EER_W_Q] + d + 2] = 4.0;  /* q_1 = (0, 0, 4, ...) */
    c.theta[o[EER_W_K] + 2] = 1.25;     /* k_0 = (0, 0, 1.25, ...) */
    c.theta[o[EER_W_K] + d + 2] = 0.75; /* k_1 */
    c.theta[o[EER_W_V] + 3] = 1.0;      /* v_0 */
    c.theta[o[EER_W_O] + 3 * 3] = 1.0;
    c.theta[o[EER_B_O] + 2] = -100.0;
    *p = 1.0 / (1.0 + exp(4.0 * (0.75 - 1.25) / (a->tau * sqrt((double)d)) + a->slope));
    return c;
}

/* Predictions say little of the weights; here they bracket one. In FP32 the two scores come with
 * three roundings each, below 1, and p with 2 x 1.77 u of the exponentials and four roundings: less
 * than 16 u. TF32 rounds p to 11 bits. */
Test(fast_stages, evaluation_weighs_keys_by_their_softmax)
{
    static const double q[] = {1.25, 1.5, 2.0};
    for (int n = 0; n < 3 * 2 * 2 * 3; n++) {
        const struct eer_run run = {.precision = n / 6 % 2 ? EER_TF32 : EER_FP32,
                                    .isa = (enum eer_isa)(EER_ISA_PLAIN + n / 12)};
        const double far = run.precision == EER_TF32 ? 0x1p-11 : 16 * 0x1p-24;
        for (int above = 0; above < 2; above++) {
            int predicted[2] = {-1, -1};
            double p;
            struct eer_case c = share_case(n / 3 % 2 ? 8 : 12, q[n % 3], &p);
            c.theta[c.layout.offset[EER_B_O] + 1] = p * (above ? 1.0 + far : 1.0 - far);
            if (predict(&c, &c.batch, 1, run, predicted))
                cr_expect_eq(predicted[1], above, "d %d, q %g, %s, %s: p is not within %g of %g",
                             c.config.d, q[n % 3], run.precision == EER_TF32 ? "tf32" : "fp32",
                             isa_name[run.isa], far * p, p);
            free(c.theta);
        }
    }
}

/* Several chunks of keys, with the largest score of most rows in a late one: the streamed sums have
 * to be rescaled. The queries are stretched so that few keys matter. No ties here either. */
Test(fast_stages, evaluation_of_long_sequences_is_the_reference)
{
    enum { LONG = 150 };
    static int tokens[LONG], labels[LONG], wanted[LONG], got[LONG];
    struct eer_batch batch = {1, LONG, tokens, labels};
    for (int index = 0; index < 12; index++) {
        struct eer_case c;
        struct eer_engine *ref;
        cr_assert_eq(eer_case_new(&c, SEED, index, EER_CASE_SMALL), EER_OK);
        for (int k = 0; k < c.config.d * c.config.d; k++)
            c.theta[c.layout.offset[EER_W_Q] + k] *= 4.0;
        const struct eer_state s = {0, c.theta, c.theta, c.theta};
        const struct eer_run of_ref = {.precision = EER_FP64, .threads = 1, .eval_length = LONG};
        ref_backend.draw(&c.config, SEED, EER_DRAW_FRESH, LONG, &batch);
        cr_assert_eq(ref_backend.open(&c.config, &of_ref, &ref, &error), EER_OK);
        ref_backend.put(ref, &s);
        cr_assert_eq(ref_backend.evaluate(ref, &batch, 2, wanted, &error), EER_OK);
        ref_backend.close(ref);
        cr_assert(predict(&c, &batch, 2, (struct eer_run){.precision = EER_FP32}, got));
        cr_expect_arr_eq(got, wanted, sizeof got, "case %d", index);
        eer_case_free(&c);
    }
}

/* Many chunks of keys, rows that end within a vector, and every instruction set. */
Test(fast_stages, long_sequences_give_the_same_classes_on_every_instruction_set)
{
    enum { LONG = 3001 };
    static int tokens[LONG], labels[LONG], plain[LONG], other[LONG];
    const struct eer_batch batch = {1, LONG, tokens, labels};
    for (int index = 0; index < 4; index++) {
        struct eer_case c;
        cr_assert_eq(eer_case_new(&c, SEED, index, EER_CASE_SMALL), EER_OK);
        fast_backend.draw(&c.config, SEED, EER_DRAW_FRESH, LONG,
                          &(struct eer_batch){1, LONG, tokens, labels});
        for (int precision = EER_FP32; precision <= EER_TF32; precision++) {
            struct eer_run run = {.precision = (enum eer_precision)precision, .isa = EER_ISA_PLAIN};
            cr_assert(predict(&c, &batch, 2, run, plain));
            for (int isa = EER_ISA_AVX2; isa <= EER_ISA_AVX512; isa++) {
                run.isa = (enum eer_isa)isa;
                if (predict(&c, &batch, 2, run, other))
                    cr_assert_arr_eq(plain, other, sizeof plain, "case %d, %s", index,
                                     isa_name[isa]);
                else if (index == 0 && precision == EER_FP32)
                    printf("long sequences: %s skipped, this machine lacks it\n", isa_name[isa]);
            }
        }
        eer_case_free(&c);
    }
}
