/* Fuzzes fast against ref: any configuration of small size with any weights. Every instruction set
 * of the machine gives the same bits, in FP32 and in TF32; and where the weights are tame, both
 * backends give a finite loss, the same one but for rounding, and the same predictions.
 *
 * "But for rounding": the spread of the reference under random roundings of its operations
 * (fast/program/gradcheck/spread.h), plus a first-order bound, because a fuzzer looks for the cases
 * in which the reference's order of operations cancels exactly and so has no spread. That bound
 * takes a loss as a chain of OPERATIONS roundings, each of the size of the largest number in it. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../fast/program/gradcheck/spread.h"
#include "../fast/task.h"
#include "../ref/task.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

enum { MOST_L = 9, MOST_B = 5, MOST_V = 6, MOST_THETA = 4096, SAMPLES = 9, SEED = 1 };

/* T (<= 3) iterations of at most eight sums in a row (layer norm: 2, projection, score, softmax,
 * values, two of the MLP) of at most 16 terms, and the mean over rows and sequences. */
enum { OPERATIONS = 3 * 8 * 16 + MOST_L * MOST_B };

struct input {
    const unsigned char *bytes;
    size_t size, at;
};

/* The next byte modulo n; 0 after the end. */
static int next(struct input *in, int n)
{
    return in->at < in->size ? in->bytes[in->at++] % n : 0;
}

static void must(int holds)
{
    if (!holds)
        abort();
}

static const struct eer_config standard = {
#define NUMBER(key, value, least, most, doc) .key = value,
#define WORD(key, enumeration, value, doc)   .key = value,
    EER_CONFIG_TABLE(NUMBER, NUMBER, WORD)
#undef NUMBER
#undef WORD
};

static struct eer_config read_config(struct input *in)
{
    static const int d[] = {8, 4, 12, 16}, mlp[] = {0, 1, 5, 8, 11};
    static const double tau[] = {1, 0.5, 4, 0.01}, slope[] = {0, 0.25, 3}, pe[] = {0.15, 0, 2};
    static const double q[] = {1.5, 2, 1.25, 1.015625}, eta[] = {0, 0.4, -1};
    struct eer_config c = standard;
    c.d = d[next(in, 4)];
    c.mlp = mlp[next(in, 5)];
    c.vocab = 2 + next(in, MOST_V - 1);
    c.loops = 1 + next(in, 3);
    c.batch = 1 + next(in, MOST_B);
    c.length_min = c.length_max = 1 + next(in, MOST_L);
    c.form = (enum eer_form)next(in, 2);
    c.mask = (enum eer_mask)next(in, 2);
    c.norm = (enum eer_norm)next(in, 3);
    c.activation = (enum eer_activation)next(in, 2);
    c.kinetic = (enum eer_kinetic)next(in, 4);
    c.bos = next(in, 2);
    c.final_norm = next(in, 2);
    c.tau = tau[next(in, 4)];
    c.slope = slope[next(in, 3)];
    c.pe_scale = pe[next(in, 3)];
    c.q = q[next(in, 4)];
    c.eta = eta[next(in, 3)];
    return c;
}

static void read_tokens(struct input *in, const struct eer_config *c, struct eer_batch *batch)
{
    int labels[MOST_L];
    for (int k = 0; k < batch->B * batch->L; k++)
        batch->tokens[k] = next(in, c->vocab);
    for (int b = 0; b < batch->B; b++) {
        const int *tokens = batch->tokens + b * batch->L;
        ref_labels(labels, tokens, c->form, c->vocab, batch->L);
        fast_labels(c, tokens, batch->L, batch->labels + b * batch->L);
        must(memcmp(labels, batch->labels + b * batch->L, (size_t)batch->L * sizeof *labels) == 0);
    }
}

/* Multiples of 1/64 up to 2; a wild input has them times 2^-60 to 2^60, tensor by tensor. Weights
 * after the input's end repeat it, so that short inputs have some. */
static void read_theta(struct input *in, const struct eer_layout *layout, int wild, double *theta)
{
    const size_t first = in->at;
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        const double scale = wild ? ldexp(1.0, (next(in, 9) - 4) * 15) : 1.0;
        for (int k = 0; k < layout->rows[tensor] * layout->columns[tensor]; k++) {
            if (in->at >= in->size)
                in->at = first;
            theta[layout->offset[tensor] + k] = scale * (next(in, 256) - 128) / 64.0;
        }
    }
}

/* What one backend makes of a case. */
struct outcome {
    enum eer_status status, evaluated;
    struct eer_terms terms;
    double gradient[MOST_THETA];
    int predicted[MOST_B * MOST_L];
};

struct problem {
    struct eer_config config;
    struct eer_layout layout;
    struct eer_weights weights;
    struct eer_batch batch;
    double theta[MOST_THETA];
    int tokens[MOST_B * MOST_L], labels[MOST_B * MOST_L];
};

/* 0 if the machine lacks the instruction set. */
static int compute(struct outcome *o, struct problem *p, const struct eer_backend *backend,
                   struct eer_run run)
{
    const struct eer_state state = {0, p->theta, p->theta, p->theta};
    struct eer_engine *engine;
    struct eer_error error;
    run.threads = 1;
    run.train_length = run.eval_length = p->batch.L;
    memset(o, 0, sizeof *o);
    enum eer_status status = backend->open(&p->config, &run, &engine, &error);
    if (status == EER_UNAVAILABLE)
        return 0;
    must(status == EER_OK);
    backend->put(engine, &state);
    o->status = backend->gradient(engine, &p->batch, &p->weights, &o->terms, o->gradient, &error);
    must(o->status == EER_OK || o->status == EER_NOT_FINITE);
    o->evaluated = backend->evaluate(engine, &p->batch, p->config.loops, o->predicted, &error);
    backend->update(engine, 0.01);
    backend->close(engine);
    return 1;
}

/* Same bits, unless they are NaN. */
static void must_be_same(const struct outcome *a, const struct outcome *b)
{
    must(a->status == b->status);
    if (a->status == EER_OK) {
        must(memcmp(&a->terms, &b->terms, sizeof a->terms) == 0);
        must(memcmp(a->gradient, b->gradient, sizeof a->gradient) == 0);
        must(memcmp(a->predicted, b->predicted, sizeof a->predicted) == 0);
    }
}

static void compare_instruction_sets(struct problem *p, enum eer_precision precision,
                                     enum eer_tf32_rounding rounding, struct outcome *plain)
{
    static struct outcome other;
    struct eer_run run = {.precision = precision, .tf32_rounding = rounding, .isa = EER_ISA_PLAIN};
    must(compute(plain, p, &fast_backend, run));
    for (int isa = EER_ISA_AVX2; isa <= EER_ISA_AVX512; isa++) {
        run.isa = (enum eer_isa)isa;
        if (compute(&other, p, &fast_backend, run))
            must_be_same(plain, &other);
    }
}

/* The largest size of what the terms are made of: states, logits and scores, all sums of products
 * of weights of at most 2 with layer-normed rows or with states. */
static double magnitude(const struct eer_terms *t)
{
    const double values[] = {1.0,
                             t->task,
                             t->potential,
                             t->entropy,
                             t->entropy_penalty,
                             sqrt(2 * MOST_L * MOST_B * t->kinetic)};
    double largest = 0.0;
    for (size_t k = 0; k < sizeof values / sizeof *values; k++)
        largest = fmax(largest, fabs(values[k]));
    return largest * largest;
}

static void compare_terms(const struct spread *s, const struct outcome *fast,
                          const struct outcome *ref)
{
    const struct eer_terms *a = &fast->terms, *b = &ref->terms;
    const double x[] = {a->total,   a->task,    a->potential,
                        a->kinetic, a->entropy, a->entropy_penalty};
    const double y[] = {b->total,   b->task,    b->potential,
                        b->kinetic, b->entropy, b->entropy_penalty};
    const double floor = OPERATIONS * 0x1p-23 * magnitude(b);
    for (int k = 0; k < SPREAD_TERMS; k++)
        must(fabs(x[k] - y[k]) <= s->tolerance[s->layout.size + k] + floor);
}

/* Where no two logits of a counted position lie within rounding. */
static void compare_predictions(const struct problem *p, const struct outcome *fast,
                                const struct outcome *ref)
{
    must(fast->terms.correct == ref->terms.correct);
    for (int k = 0; k < p->batch.B * p->batch.L; k++)
        must(p->labels[k] < 0 || fast->predicted[k] == ref->predicted[k]);
}

static void compare_with_ref(struct problem *p, const struct outcome *fast)
{
    static struct outcome ref;
    struct spread s;
    must(compute(&ref, p, &ref_backend, (struct eer_run){.precision = EER_FP64}));
    must(fast->status == EER_OK && ref.status == EER_OK && ref.evaluated == EER_OK);
    if (spread_measure(&s, &p->config, &p->batch, &p->weights, p->theta, SPREAD_FP32,
                       EER_TF32_TIES_AWAY, SAMPLES, SEED) != EER_OK)
        return;
    compare_terms(&s, fast, &ref);
    if (s.unsafe[SPREAD_ANSWER] == 0)
        compare_predictions(p, fast, &ref);
    spread_free(&s);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    static struct problem p;
    static struct outcome fp32, tf32;
    struct input in = {bytes, size, 0};
    memset(&p, 0, sizeof p);
    const int wild = next(&in, 4) == 3;
    p.config = read_config(&in);
    p.weights = (struct eer_weights){next(&in, 3) * 0.25, next(&in, 3) * 0.25, next(&in, 3) * 0.25};
    eer_layout(&p.config, &p.layout);
    must(p.layout.size <= MOST_THETA);
    p.batch = (struct eer_batch){p.config.batch, p.config.length_max, p.tokens, p.labels};
    const enum eer_tf32_rounding rounding = (enum eer_tf32_rounding)next(&in, 3);
    read_tokens(&in, &p.config, &p.batch);
    read_theta(&in, &p.layout, wild, p.theta);
    compare_instruction_sets(&p, EER_FP32, EER_TF32_TIES_AWAY, &fp32);
    compare_instruction_sets(&p, EER_TF32, rounding, &tf32);
    if (!wild)
        compare_with_ref(&p, &fp32);
    return 0;
}
