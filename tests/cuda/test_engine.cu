// test_engine.cu - the backend "cuda" through its face (spec/backend.h): what gradients alone do
// not show.
//
//     test_engine [CASES]
//
// The same bits in every order of threads and wherever a block's arrays lie; whole steps on the
// device are single steps, several models in one launch are those models alone, a run that is put
// into a new engine goes on as if nothing had happened; from the same gradient AdamW's bits are the
// backend cpu's; predictions are the reference's; every call that fails is reported, and all memory
// is given back. A plain main, so that it runs under every checker and, linked with nvcc's objects,
// on a GPU. Prints lines; exit status 0, 1, or 77 without a device.
#include "check.h"
#include "integers.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 4 };

// ---- a case, an engine, and what comes out of it ------------------------------------------------

static const struct eer_backend *const cuda = &cuda_backend;
static enum eer_precision precision = EER_FP32;

static struct eer_state new_state(const struct eer_case *c)
{
    const size_t P = static_cast<size_t>(c->layout.size);
    struct eer_state s = {0, host<double>(P), host<double>(P), host<double>(P)};
    return s;
}

static void free_state(struct eer_state *s)
{
    free(s->theta);
    free(s->m);
    free(s->v);
}

static bool same_state(const struct eer_case *c, const struct eer_state *a,
                       const struct eer_state *b)
{
    const size_t bytes = static_cast<size_t>(c->layout.size) * sizeof(double);
    return a->step == b->step && !memcmp(a->theta, b->theta, bytes) && !memcmp(a->m, b->m, bytes) &&
           !memcmp(a->v, b->v, bytes);
}

// Of the random configurations; d beyond what the fused kernel has, so that cuBLAS trains, in every
// eighth.
static void new_case(struct eer_case *c, int index)
{
    new_case(c, index, index % 4 == 3 ? EER_CASE_SMALL : EER_CASE_TINY);
    if (index % 8 == 5) {
        c->config.d = 36;
        eer_layout(&c->config, &c->layout);
        free(c->theta);
        c->theta = host<double>(static_cast<size_t>(c->layout.size));
        struct eer_state s = new_state(c);
        cuda->init(&c->config, &s);
        memcpy(c->theta, s.theta, static_cast<size_t>(c->layout.size) * sizeof *c->theta);
        free_state(&s);
    }
    // Steps draw lengths of their own.
    c->config.length_max = c->batch.L;
    c->config.length_min = c->batch.L > 2 ? c->batch.L - 2 : 1;
    c->config.batch = c->batch.B;
    c->config.clip = index % 3 == 0 ? 0.05 : 0.0;
}

static struct eer_engine *open_engine(const struct eer_config *config, int train, int eval,
                                      struct eer_error *error)
{
    struct eer_run run = {};
    struct eer_engine *e = nullptr;
    run.precision = precision;
    run.threads = 1;
    run.train_length = train;
    run.eval_length = eval;
    return cuda->open(config, &run, &e, error) == EER_OK ? e : nullptr;
}

static struct eer_engine *start(const struct eer_case *c, const struct eer_config *config)
{
    struct eer_error error;
    struct eer_engine *e = open_engine(config, c->batch.L, 3 * c->batch.L, &error);
    struct eer_state s = new_state(c);
    if (!e) {
        printf("not ok: %s\n", error.text);
        exit(1);
    }
    memcpy(s.theta, c->theta, static_cast<size_t>(c->layout.size) * sizeof *s.theta);
    cuda->put(e, &s);
    free_state(&s);
    return e;
}

static void plan(const struct eer_case *c, struct eer_weights *weights, double *lr)
{
    for (int s = 0; s < STEPS; s++) {
        weights[s] = c->weights;
        weights[s].lambda_P *= 1.0 + s;
        lr[s] = 0.01 / (1 + s);
    }
}

// STEPS steps, each by itself, with the host's data.
static enum eer_status single_steps(struct eer_engine *e, const struct eer_case *c,
                                    const struct eer_config *config, int first,
                                    struct eer_terms *terms, struct eer_error *error)
{
    struct eer_weights weights[STEPS];
    double lr[STEPS];
    struct eer_batch batch;
    const size_t numbers = static_cast<size_t>(config->batch * config->length_max);
    batch.B = config->batch;
    batch.tokens = host<int>(numbers);
    batch.labels = host<int>(numbers);
    plan(c, weights, lr);
    enum eer_status status = EER_OK;
    for (int s = first; s < STEPS && status == EER_OK; s++) {
        batch.L = cuda->length(config, s + 1);
        cuda->draw(config, config->seed, EER_DRAW_TRAIN, s + 1, &batch);
        status = cuda->gradient(e, &batch, weights + s, terms + s, nullptr, error);
        if (status == EER_OK)
            cuda->update(e, lr[s]);
    }
    free(batch.tokens);
    free(batch.labels);
    return status;
}

// ---- bits ---------------------------------------------------------------------------------------

struct numbers {
    struct eer_terms terms, stepped[STEPS];
    double *gradient;
    struct eer_state state;
    int *predicted;
};

static void everything(struct numbers *x, const struct eer_case *c)
{
    struct eer_error error = {};
    struct eer_weights weights[STEPS];
    double lr[STEPS];
    struct eer_engine *e = start(c, &c->config);
    *x = {};
    x->gradient = host<double>(static_cast<size_t>(c->layout.size));
    x->predicted = host<int>(static_cast<size_t>(c->batch.B) * static_cast<size_t>(c->batch.L));
    x->state = new_state(c);
    plan(c, weights, lr);
    enum eer_status status =
        cuda->gradient(e, &c->batch, &c->weights, &x->terms, x->gradient, &error);
    if (status == EER_OK)
        status = cuda->evaluate(e, &c->batch, c->config.loops, x->predicted, &error);
    if (status == EER_OK)
        status = cuda->steps(&e, 1, STEPS, weights, lr, x->stepped, &error);
    cuda->get(e, &x->state);
    if (status != EER_OK || cuda->check(e, &error) != EER_OK) {
        printf("not ok: %s\n", error.text);
        exit(1);
    }
    cuda->close(e);
}

static bool equal(const struct numbers *a, const struct numbers *b, const struct eer_case *c)
{
    const size_t P = static_cast<size_t>(c->layout.size);
    const size_t numbers = static_cast<size_t>(c->batch.B) * static_cast<size_t>(c->batch.L);
    return !memcmp(&a->terms, &b->terms, sizeof a->terms) &&
           !memcmp(a->stepped, b->stepped, sizeof a->stepped) &&
           !memcmp(a->gradient, b->gradient, P * sizeof(double)) &&
           same_state(c, &a->state, &b->state) &&
           !memcmp(a->predicted, b->predicted, numbers * sizeof(int));
}

static void release(struct numbers *x)
{
    free(x->gradient);
    free(x->predicted);
    free_state(&x->state);
}

// Another order of threads, and a device with less shared memory, where arrays lie elsewhere.
static void test_bits(int cases)
{
    static const char *const order[] = {"forward", "reversed", "random:1", "random:2"};
    int different = 0;
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        struct numbers first, again;
        new_case(&c, index);
        everything(&first, &c);
        for (int k = 0; k < 4; k++) {
#ifndef __CUDACC__
            emulation::order(order[k]);
            emulation::sm(k % 2 ? 120 : 90);
#else
            (void)order;
#endif
            everything(&again, &c);
            different += !equal(&first, &again, &c);
            release(&again);
        }
#ifndef __CUDACC__
        emulation::order("forward");
        emulation::sm(80);
#endif
        release(&first);
        eer_case_free(&c);
    }
    expect(different == 0, "%d cases, each five times: %d runs with other bits", cases, different);
}

// Another size of model, with initial values and a batch.
static void resize(struct eer_case *c, int d, int mlp, int loops, int batch, int L)
{
    c->config.d = d;
    c->config.mlp = mlp;
    c->config.loops = loops;
    c->config.batch = batch;
    c->config.length_max = L;
    set_sizes(c);
    struct eer_state s = new_state(c);
    cuda->init(&c->config, &s);
    memcpy(c->theta, s.theta, static_cast<size_t>(c->layout.size) * sizeof *c->theta);
    free_state(&s);
}

// A block's arrays in shared memory, and what does not fit elsewhere: on sm_90 nothing, on sm_120
// of a long sequence the states, of a large model everything that may.
static void test_places(bool large)
{
#ifndef __CUDACC__
    static const int sm[] = {90, 120};
    struct eer_case c;
    struct eer_error error = {};
    struct eer_terms terms[2] = {};
    double *gradient[2];
    char text[2][512];
    bool right = true;
    new_case(&c, 0);
    c.config.bos = 1;
    if (large)
        resize(&c, 32, 256, 1, 2, 20);
    else
        resize(&c, 8, 32, 25, 2, 100);
    const size_t P = static_cast<size_t>(c.layout.size);
    for (int k = 0; k < 2; k++) {
        emulation::sm(sm[k]);
        gradient[k] = host<double>(P);
        struct eer_engine *e = start(&c, &c.config);
        snprintf(text[k], sizeof text[k], "%s", cuda->describe(e));
        right = right &&
                cuda->gradient(e, &c.batch, &c.weights, terms + k, gradient[k], &error) == EER_OK;
        cuda->close(e);
    }
    emulation::sm(80);
    right = right && !memcmp(gradient[0], gradient[1], P * sizeof(double)) &&
            !memcmp(terms, terms + 1, sizeof *terms);
    expect(right && !strstr(text[0], "global") &&
               strstr(text[1], large ? "weights too" : "states in global"),
           "the same bits from shared and from global memory (%s; %s)", text[0], text[1]);
    free(gradient[0]);
    free(gradient[1]);
    eer_case_free(&c);
#endif
}

// ---- steps --------------------------------------------------------------------------------------

static void test_steps(int cases)
{
    int wrong = 0, resumed_wrong = 0;
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        struct eer_error error;
        struct eer_weights weights[STEPS];
        double lr[STEPS];
        struct eer_terms one[STEPS], all[STEPS], half[STEPS];
        new_case(&c, index);
        plan(&c, weights, lr);
        struct eer_engine *a = start(&c, &c.config), *b = start(&c, &c.config);
        struct eer_engine *d = start(&c, &c.config);
        struct eer_state x = new_state(&c), y = new_state(&c), z = new_state(&c);
        memset(one, 0, sizeof one);
        memset(all, 0, sizeof all);
        bool right = single_steps(a, &c, &c.config, 0, one, &error) == EER_OK &&
                     cuda->steps(&b, 1, STEPS, weights, lr, all, &error) == EER_OK;
        cuda->get(a, &x);
        cuda->get(b, &y);
        wrong += !right || memcmp(one, all, sizeof one) != 0 || !same_state(&c, &x, &y);
        // Half of them, and the rest in another engine, by itself.
        right = cuda->steps(&d, 1, STEPS / 2, weights, lr, half, &error) == EER_OK;
        cuda->get(d, &z);
        cuda->close(d);
        d = start(&c, &c.config);
        cuda->put(d, &z);
        right = right && single_steps(d, &c, &c.config, STEPS / 2, half, &error) == EER_OK;
        cuda->get(d, &z);
        resumed_wrong += !right || !same_state(&c, &x, &z);
        for (struct eer_engine *e : {a, b, d})
            cuda->close(e);
        free_state(&x);
        free_state(&y);
        free_state(&z);
        eer_case_free(&c);
    }
    expect(wrong == 0, "%d times %d steps on the device and one by one: %d differ", cases, STEPS,
           wrong);
    expect(resumed_wrong == 0, "%d runs resumed half way: %d differ", cases, resumed_wrong);
}

enum { MODELS = 3 };

static void spoil(const struct eer_case *c, struct eer_engine *e)
{
    struct eer_state s = new_state(c);
    cuda->get(e, &s);
    s.theta[c->layout.offset[EER_B_O]] = NAN;
    cuda->put(e, &s);
    free_state(&s);
}

// Of odd sweeps the middle model has a parameter that is not a number, which is its own affair.
static void test_models(int cases)
{
    int wrong = 0;
    for (int sweep = 0; sweep < cases; sweep++) {
        struct eer_case c;
        struct eer_error error;
        struct eer_weights weights[STEPS];
        double lr[STEPS];
        struct eer_engine *together[MODELS], *alone;
        struct eer_terms terms[MODELS * STEPS], own[STEPS];
        new_case(&c, 5 * sweep); // the second by cuBLAS
        plan(&c, weights, lr);
        struct eer_config config[MODELS];
        for (int k = 0; k < MODELS; k++) {
            config[k] = c.config;
            config[k].seed = static_cast<uint64_t>(100 * sweep + k);
            together[k] = start(&c, config + k);
        }
        const bool odd = sweep % 2;
        if (odd)
            spoil(&c, together[1]);
        bool right =
            (cuda->steps(together, MODELS, STEPS, weights, lr, terms, &error) == EER_OK) != odd;
        for (int k = 0; k < MODELS; k++) {
            struct eer_state x = new_state(&c), y = new_state(&c);
            if (odd && k == 1) {
                cuda->get(together[k], &x);
                wrong += x.step != 0;
                cuda->close(together[k]);
                free_state(&x);
                free_state(&y);
                continue;
            }
            alone = start(&c, config + k);
            right = right && cuda->steps(&alone, 1, STEPS, weights, lr, own, &error) == EER_OK;
            cuda->get(alone, &x);
            cuda->get(together[k], &y);
            wrong += !right || !same_state(&c, &x, &y) ||
                     memcmp(own, terms + k * STEPS, sizeof own) != 0;
            cuda->close(alone);
            cuda->close(together[k]);
            free_state(&x);
            free_state(&y);
        }
        eer_case_free(&c);
    }
    expect(wrong == 0, "%d sweeps of %d models and each alone: %d differ", cases, MODELS, wrong);
}

// Steps of which the second is not finite, whether its loss, its gradient alone or its terms alone:
// what is left is the state after the first, although the third would be finite again.
static void test_not_finite(const char *what)
{
    struct eer_case c;
    struct eer_error error = {};
    new_case(&c, 1, EER_CASE_TINY);
    c.config.norm = EER_NORM_NONE;
    c.config.clip = 0.0;
    c.config.activation = EER_RELU;
    c.config.kinetic = EER_KINETIC_SQUARED;
    struct eer_weights weights[3] = {c.weights, c.weights, c.weights};
    double lr[3] = {0.01, 0.01, 0.01};
    struct eer_terms terms[3];
    resize(&c, 8, c.config.mlp, 1, c.config.batch, c.batch.L);
    if (!strcmp(what, "loss"))
        lr[0] = 1e37;
    if (!strcmp(what, "gradient")) // more than float has, but not more than double
        weights[1].lambda_K = 1e300;
    if (!strcmp(what, "terms")) { // squares overflow, of states alone
        c.config.mlp = 0;
        resize(&c, 8, 0, 1, c.config.batch, c.batch.L);
        for (int k = 0; k < c.layout.rows[EER_W_V] * c.layout.columns[EER_W_V]; k++)
            c.theta[c.layout.offset[EER_W_V] + k] *= 1e20;
        for (struct eer_weights &w : weights)
            w = {0.0, 0.0, 0.0};
    }
    const int done = strcmp(what, "terms") ? 1 : 0;
    struct eer_state x = new_state(&c), y = new_state(&c);
    struct eer_engine *a = start(&c, &c.config), *b = start(&c, &c.config);
    if (done)
        cuda->steps(&a, 1, 1, weights, lr, terms, &error);
    cuda->get(a, &x);
    const enum eer_status status = cuda->steps(&b, 1, 3, weights, lr, terms, &error);
    cuda->get(b, &y);
    expect(status == EER_NOT_FINITE && x.step == done && same_state(&c, &x, &y),
           "after a step whose %s is not finite the state is that before it (status %d, step %d)",
           what, status, y.step);
    bool finite = true;
    for (int k = 0; k < c.layout.size; k++)
        finite = finite && isfinite(x.theta[k]);
    const enum eer_status again = cuda->gradient(b, &c.batch, weights + 1, terms, nullptr, &error);
    expect(again == EER_NOT_FINITE && (finite || !strcmp(what, "loss")),
           "and its gradient is refused (status %d)", again);
    cuda->close(a);
    cuda->close(b);
    free_state(&x);
    free_state(&y);
    eer_case_free(&c);
}

// ---- the task -----------------------------------------------------------------------------------

// The host's lengths, data and initial values; the device's data are the host's (test_steps).
static void test_task(int cases)
{
    int other = 0;
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        new_case(&c, index);
        const size_t numbers = static_cast<size_t>(c.batch.B * c.batch.L);
        struct eer_batch mine = c.batch;
        struct eer_state x = new_state(&c), y = new_state(&c);
        mine.tokens = host<int>(numbers);
        mine.labels = host<int>(numbers);
        for (int step = 1; step < 20; step++)
            other += cuda->length(&c.config, step) != ref_backend.length(&c.config, step);
        cuda->draw(&c.config, SEED, EER_DRAW_TRAIN, 7, &mine);
        ref_backend.draw(&c.config, SEED, EER_DRAW_TRAIN, 7, &c.batch);
        other += memcmp(mine.tokens, c.batch.tokens, numbers * sizeof(int)) != 0;
        other += memcmp(mine.labels, c.batch.labels, numbers * sizeof(int)) != 0;
        cuda->init(&c.config, &x);
        ref_backend.init(&c.config, &y);
        other += !same_state(&c, &x, &y);
        free(mine.tokens);
        free(mine.labels);
        free_state(&x);
        free_state(&y);
        eer_case_free(&c);
    }
    expect(other == 0, "%d configurations: %d times another length, batch or beginning", cases,
           other);
}

// ---- AdamW --------------------------------------------------------------------------------------

struct moved {
    struct eer_state state;
    double *gradient;
};

static struct moved move_by(const struct eer_backend *backend, const struct eer_case *c,
                            const struct eer_state *from)
{
    struct eer_error error = {};
    struct eer_run run = {};
    struct eer_terms terms = {};
    struct eer_engine *e = nullptr;
    struct moved x = {new_state(c), host<double>(static_cast<size_t>(c->layout.size))};
    run.precision = EER_FP32;
    run.threads = 1;
    run.train_length = c->batch.L;
    if (backend->open(&c->config, &run, &e, &error) == EER_OK) {
        backend->put(e, from);
        backend->gradient(e, &c->batch, &c->weights, &terms, x.gradient, &error);
        backend->update(e, 0.3);
        backend->get(e, &x.state);
    }
    if (error.status != EER_OK) {
        printf("not ok: %s\n", error.text);
        exit(1);
    }
    backend->close(e);
    return x;
}

// One step from anywhere, with the same gradient: theta, M and v to the last bit.
static void test_adamw(int cases)
{
    int same_gradient = 0, wrong = 0, decided = 0;
    state = SEED;
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        new_integer_case(&c, index);
        const int P = c.layout.size;
        // Four classes with equal logits, so that nothing is left of exp: p = 1/4.
        integers(&c, EER_W_O, 0);
        integers(&c, EER_B_O, 0);
        c.config.clip = index % 2 ? 0.05 : 0.0;
        c.config.weight_decay = 0.1;
        struct eer_state from = new_state(&c);
        from.step = below(20);
        for (int k = 0; k < P; k++) {
            from.theta[k] = c.theta[k];
            from.m[k] = below(2) * (below(2001) - 1000) * 0x1p-10;
            from.v[k] = below(2) * below(1000) * 0x1p-10;
        }
        struct moved a = move_by(cuda, &c, &from), b = move_by(&fast_backend, &c, &from);
        bool equal = true;
        for (int k = 0; k < P; k++)
            equal = equal && fabs(a.gradient[k] - b.gradient[k]) <= 0.0;
        same_gradient += equal;
        wrong += equal && !same_state(&c, &a.state, &b.state);
        for (int k = 0; k < P && equal; k++)
            decided += fabs(a.gradient[k]) > 0.0;
        for (struct moved *x : {&a, &b}) {
            free(x->gradient);
            free_state(&x->state);
        }
        free_state(&from);
        eer_case_free(&c);
    }
    expect(wrong == 0 && same_gradient >= cases / 4 && decided > same_gradient,
           "%d cases, of which %d have the backend cpu's gradient, %d numbers of it not 0: in %d "
           "AdamW's bits are others",
           cases, same_gradient, decided, wrong);
}

// ---- predictions --------------------------------------------------------------------------------

// Positions where reference and device choose another class: only where two logits lie closer than
// rounding, and none of these cases has such a place. `correct` comes from the training kernel.
static void test_predictions(int cases)
{
    int positions = 0, other = 0, correct_other = 0;
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        struct eer_error error = {};
        struct eer_run run = {};
        struct eer_engine *ref = nullptr;
        struct eer_terms terms = {};
        struct eer_batch longer;
        new_case(&c, index);
        longer = c.batch;
        longer.L = 3 * c.batch.L;
        const size_t numbers = static_cast<size_t>(longer.B) * static_cast<size_t>(longer.L);
        longer.tokens = host<int>(numbers);
        longer.labels = host<int>(numbers);
        int *a = host<int>(numbers);
        int *b = host<int>(numbers);
        cuda->draw(&c.config, SEED, EER_DRAW_EVAL, 1, &longer);
        run.threads = 1;
        run.eval_length = longer.L;
        struct eer_engine *e = start(&c, &c.config);
        struct eer_state s = new_state(&c);
        cuda->get(e, &s);
        bool right = ref_backend.open(&c.config, &run, &ref, &error) == EER_OK;
        if (right)
            ref_backend.put(ref, &s);
        right = right && cuda->evaluate(e, &longer, c.config.loops + 1, a, &error) == EER_OK &&
                ref_backend.evaluate(ref, &longer, c.config.loops + 1, b, &error) == EER_OK;
        for (size_t k = 0; k < numbers; k++)
            other += !right || a[k] != b[k];
        positions += static_cast<int>(numbers);
        right = cuda->gradient(e, &c.batch, &c.weights, &terms, nullptr, &error) == EER_OK &&
                cuda->evaluate(e, &c.batch, c.config.loops, a, &error) == EER_OK;
        int correct = 0;
        for (int k = 0; k < c.batch.B * c.batch.L; k++)
            correct += a[k] == c.batch.labels[k];
        correct_other += !right || fabs(correct - terms.correct) > 0.5;
        ref_backend.close(ref);
        cuda->close(e);
        free(a);
        free(b);
        free(longer.tokens);
        free(longer.labels);
        free_state(&s);
        eer_case_free(&c);
    }
    expect(other == 0, "%d predictions: %d are not the reference's", positions, other);
    expect(correct_other == 0, "%d batches: in %d training counts other right answers", cases,
           correct_other);
}

// Predictions of the case's batch that are not the reference's, or in TF32 the backend cpu's.
static int other_predictions(const struct eer_case *c)
{
    struct eer_error error = {};
    struct eer_run run = {};
    const struct eer_backend *judge = precision == EER_TF32 ? &fast_backend : &ref_backend;
    struct eer_engine *ref = nullptr;
    struct eer_state s = new_state(c);
    const int numbers = c->batch.B * c->batch.L;
    int *a = host<int>(static_cast<size_t>(numbers)), *b = host<int>(static_cast<size_t>(numbers));
    int other = 0;
    memcpy(s.theta, c->theta, static_cast<size_t>(c->layout.size) * sizeof *s.theta);
    run.precision = precision == EER_TF32 ? EER_TF32 : EER_FP64;
    run.threads = 1;
    run.eval_length = c->batch.L;
    struct eer_engine *e = open_engine(&c->config, 0, c->batch.L, &error);
    bool right = e && judge->open(&c->config, &run, &ref, &error) == EER_OK;
    if (right) {
        cuda->put(e, &s);
        judge->put(ref, &s);
        right = cuda->evaluate(e, &c->batch, c->config.loops, a, &error) == EER_OK &&
                judge->evaluate(ref, &c->batch, c->config.loops, b, &error) == EER_OK;
    }
    for (int k = 0; k < numbers; k++)
        other += !right || a[k] != b[k];
    cuda->close(e);
    judge->close(ref);
    free(a);
    free(b);
    free_state(&s);
    return other;
}

// More sequences than are evaluated at once (1024, or what fits), and not a multiple of them; more
// keys than fit into a tile; the first of several classes with equal logits.
static void test_sizes(bool quick)
{
    static const int varied[] = {5, 6, 7, 9}; // of which not all predictions are the same
    int many = 0, ties, is_long = 0;
    struct eer_case c;
    if (!quick) {
        new_case(&c, varied[0], EER_CASE_TINY);
        resize(&c, 4, 3, 1, 1024 + 100, 2);
        many = other_predictions(&c);
        eer_case_free(&c);
    }
    for (int index = 0; index < 4; index++) {
        new_case(&c, varied[index], EER_CASE_TINY);
        c.config.mask = index % 2 ? EER_MASK_CAUSAL : EER_MASK_NONE;
        resize(&c, index < 2 ? 8 : 12, 3, 2, 1, 130);
        is_long += other_predictions(&c);
        eer_case_free(&c);
    }
    new_case(&c, 2, EER_CASE_TINY);
    for (int tensor : {EER_W_O, EER_B_O})
        integers(&c, tensor, 0);
    ties = other_predictions(&c);
    eer_case_free(&c);
    expect(many + is_long + ties == 0,
           "predictions that are others: of many sequences %d, of long ones %d, of "
           "equal logits %d",
           many, is_long, ties);
}

// What is not finite, or larger than was announced.
static void test_refused()
{
    struct eer_case c;
    struct eer_error error = {};
    struct eer_terms terms;
    new_case(&c, 2);
    int *predicted = host<int>(static_cast<size_t>(4 * c.batch.B * c.batch.L));
    struct eer_engine *e = start(&c, &c.config);
    struct eer_batch larger = c.batch, longer = c.batch;
    larger.B++;
    longer.L = 3 * c.batch.L + 1;
    const bool usage =
        cuda->gradient(e, &larger, &c.weights, &terms, nullptr, &error) == EER_USAGE &&
        cuda->gradient(e, &longer, &c.weights, &terms, nullptr, &error) == EER_USAGE &&
        cuda->evaluate(e, &longer, 1, predicted, &error) == EER_USAGE;
    spoil(&c, e);
    const enum eer_status status = cuda->evaluate(e, &c.batch, 1, predicted, &error);
    expect(usage && status == EER_NOT_FINITE,
           "too large batches are refused, and logits that are not finite (status %d)", status);
    cuda->close(e);
    free(predicted);
    eer_case_free(&c);
}

// ---- what goes wrong ----------------------------------------------------------------------------

#ifndef __CUDACC__
// Opens, computes, closes: whether someone reported an error, with a name in it. A state that could
// not be had is full of NaN.
static bool life(const struct eer_case *c, struct eer_error *error)
{
    struct eer_weights weights[STEPS];
    double lr[STEPS];
    struct eer_terms terms[STEPS];
    const size_t rows = static_cast<size_t>(c->batch.B) * static_cast<size_t>(c->batch.L);
    int *predicted = host<int>(rows);
    struct eer_state s = new_state(c);
    plan(c, weights, lr);
    struct eer_engine *e = open_engine(&c->config, c->batch.L, c->batch.L, error);
    bool failed = !e;
    if (e) {
        cuda->init(&c->config, &s);
        cuda->put(e, &s);
        // A batch that is gone afterwards: no copy may then be waiting for its turn.
        struct eer_batch batch = c->batch;
        batch.tokens = host<int>(rows);
        batch.labels = host<int>(rows);
        memcpy(batch.tokens, c->batch.tokens, rows * sizeof(int));
        memcpy(batch.labels, c->batch.labels, rows * sizeof(int));
        failed = cuda->gradient(e, &batch, &c->weights, terms, nullptr, error) != EER_OK;
        free(batch.tokens);
        free(batch.labels);
        if (!failed) {
            cuda->update(e, 0.01);
            failed = cuda->steps(&e, 1, 2, weights, lr, terms, error) != EER_OK;
        }
        failed =
            failed || cuda->evaluate(e, &c->batch, c->config.loops, predicted, error) != EER_OK;
        const bool before = failed;
        cuda->get(e, &s);
        failed = failed || cuda->check(e, error) != EER_OK;
        if (failed && !before && !isnan(s.theta[0]) && !isnan(s.m[0]) && !isnan(s.v[0]))
            snprintf(error->text, sizeof error->text, "no NaN in a state that is none");
        cuda->close(e);
    }
    free(predicted);
    free_state(&s);
    return failed;
}

// One call is in close(), which has nobody to tell.
static void test_faults(int index)
{
    struct eer_case c;
    static const char *const names[] = {"launching kernel draw",
                                        "launching kernel train",
                                        "launching kernel reduce",
                                        "launching kernel adamw",
                                        "launching kernel evaluate",
                                        "allocating device memory",
                                        "copy to the device",
                                        "copy from the device",
                                        "waiting for the device",
                                        "begin: none",
                                        "begin: reduce",
                                        "begin: adamw",
                                        "begin: evaluate: predict"};
    const int every = sizeof names / sizeof *names;
    bool said[every] = {};
    int unnoticed = 0, unnamed = 0, kept = 0, calls = 0, unsaid = 0;
    new_case(&c, index);
    for (bool done = false; !done; calls++) {
        struct eer_error error = {};
        int devices;
        emulation::fail(calls + 1);
        const bool noticed = life(&c, &error);
        // The call was not reached: the next one, here, is the one that fails.
        done = cudaGetDeviceCount(&devices) != cudaSuccess;
        emulation::fail(0);
        unnoticed += !noticed && !done;
        unnamed += noticed && strncmp(error.text, "backend cuda: ", 14) != 0;
        kept += emulation::held() > 0;
        for (int k = 0; k < every; k++)
            said[k] = said[k] || (noticed && strstr(error.text, names[k]));
    }
    for (int k = 0; k < every; k++)
        if (!said[k] && !(k == 1 && index % 8 == 5)) { // that one's gradients are by cuBLAS
            printf("no error says: %s\n", names[k]);
            unsaid++;
        }
    expect(unnoticed == 1 && unnamed == 0 && kept == 0 && unsaid == 0,
           "configuration %d: each of %d calls fails: %d unnoticed (1 in close), %d without a "
           "name, something kept %d times",
           index, calls, unnoticed, unnamed, kept);
    eer_case_free(&c);
}

static void test_memory()
{
    struct eer_case c;
    struct eer_error error = {};
    new_case(&c, 2);
    emulation::memory((64 << 20) + 1000); // all but what is left for CUDA itself
    struct eer_engine *e = open_engine(&c.config, c.batch.L, c.batch.L, &error);
    expect(!e && error.status == EER_NO_MEMORY && emulation::held() == 0, "%s", error.text);
    emulation::memory(static_cast<size_t>(8) << 30);
    eer_case_free(&c);
}
#endif

int main(int argc, char **argv)
{
    const int cases = argc > 1 ? atoi(argv[1]) : 32;
    setvbuf(stdout, nullptr, _IOLBF, 0);
    if (!has_device())
        return SKIPPED;
    test_task(cases);
    test_adamw(cases);
    test_predictions(cases);
    test_refused();
#ifndef __CUDACC__
    test_faults(1);
    if (cases >= 16)
        test_faults(5); // cuBLAS: hundreds of calls
    test_memory();
#endif
    for (const enum eer_precision each : {EER_FP32, EER_TF32}) {
        precision = each;
        printf("%s:\n", each == EER_TF32 ? "tf32" : "fp32");
        test_sizes(cases < 8);
        test_bits(cases / 2);
        test_places(true);
        test_steps(cases / 2);
        test_models(cases / 4);
        for (const char *what : {"loss", "gradient", "terms"})
            test_not_finite(what);
    }
    precision = EER_FP32;
    if (cases >= 8)
        test_places(false);
    return failures != 0;
}
