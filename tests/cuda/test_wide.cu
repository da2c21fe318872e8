// test_wide.cu - loss and gradient of the cuBLAS path (cuda/wide.h) against the reference.
//
//     test_wide [--bits | --faults] [CASES]
//
// To be built a second time with -DCUDA_WIDE_FLOATS=5000, for batches of several chunks.
//
// Random configurations that cover every option, and wide and long ones, are held to the
// reference's own measured spread under rounding (fast/program/gradcheck/spread.h), in FP32 and in
// TF32; where small integers make every operation exact, to the reference's very numbers; all
// orders of threads to the same bits (--bits: that alone); and every call that fails has to be
// reported (--faults: that alone). On a GPU TF32 is left out: how its cores add is not what the
// spread measures. Prints lines; exit status 0, 1, or 77 without a device.
#include "../../cuda/arguments.h"
#include "../../cuda/wide.h"
#include "check.h"
#include "integers.h"

extern "C" {
#include "../../fast/program/gradcheck/judge.h"
}

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 17, SAMPLES_TF32 = 33 };

// ---- a case on the device ---------------------------------------------------------------------

static struct cuda_objective objective_of(const struct eer_case *c,
                                          const struct eer_weights *weights)
{
    return cuda_objective_of(&c->config, c->batch.B, c->batch.L, cuda_count_labels(&c->batch),
                             weights);
}

// From the sums of each sequence.
static void read_terms(struct eer_terms *t, const struct eer_case *c,
                       const struct eer_weights *weights, const float *sums)
{
    float sum[CUDA_TERMS] = {};
    for (int b = 0; b < c->batch.B; b++)
        for (int k = 0; k < CUDA_TERMS; k++)
            sum[k] += sums[b * CUDA_TERMS + k];
    cuda_set_terms(&c->config, c->batch.B, c->batch.L, cuda_count_labels(&c->batch), weights, sum,
                   t);
}

// The position encoding (spec/model.md, 3.1).
static float *positions(const struct eer_config *c, int N)
{
    float *x = host<float>(static_cast<size_t>(N * c->d));
    for (int i = 0; i < N; i++)
        for (int k = 0; k < c->d; k++) {
            const double angle = i / pow(10000, (k - k % 2) / static_cast<double>(c->d));
            x[i * c->d + k] = static_cast<float>(c->pe_scale * (k % 2 ? cos(angle) : sin(angle)));
        }
    return x;
}

template <class T> static T *put(const T *from, size_t count)
{
    T *to = nullptr;
    CHECK(cudaMalloc(&to, count * sizeof(T)));
    CHECK(cudaMemcpy(to, from, count * sizeof(T), cudaMemcpyHostToDevice));
    return to;
}

// What a run gives.
struct numbers {
    float *gradient, *sums;
    size_t P, terms;
};

static void release(struct numbers *x)
{
    free(x->gradient);
    free(x->sums);
}

struct device {
    float *theta, *position, *gradient, *sums;
    int *tokens, *labels;
    void *memory;
    int *begun;
    cudaStream_t stream;
};

// The extra room for one token more shows that a shorter batch than the largest is no problem.
static struct device prepare(const struct eer_case *c, const struct cuda_problem *p)
{
    struct device d = {};
    const size_t tokens = static_cast<size_t>(c->batch.B * c->batch.L);
    const int N = c->batch.L + p->bos;
    float *theta = host<float>(static_cast<size_t>(p->P)), *position = positions(&c->config, N);
    for (int k = 0; k < p->P; k++)
        theta[k] = static_cast<float>(c->theta[k]);
    CHECK(cudaStreamCreate(&d.stream));
    CHECK(cudaMallocHost(&d.begun, sizeof *d.begun));
    d.theta = put(theta, static_cast<size_t>(p->P));
    d.position = c->config.pe_scale > 0 ? put(position, static_cast<size_t>(N * p->d)) : nullptr;
    d.tokens = put(c->batch.tokens, tokens);
    d.labels = put(c->batch.labels, tokens);
    CHECK(cudaMalloc(&d.gradient, static_cast<size_t>(p->P) * sizeof(float)));
    CHECK(cudaMalloc(&d.sums, static_cast<size_t>(c->batch.B) * CUDA_TERMS * sizeof(float)));
    CHECK(cudaMalloc(&d.memory, cuda_wide_size(p, c->batch.B, c->batch.L + 1)));
    free(theta);
    free(position);
    return d;
}

static void finish(struct device *d)
{
    CHECK(cudaStreamSynchronize(d->stream));
    CHECK(cudaStreamDestroy(d->stream));
    CHECK(cudaFreeHost(d->begun));
    for (void *memory : {static_cast<void *>(d->theta), static_cast<void *>(d->position),
                         static_cast<void *>(d->gradient), static_cast<void *>(d->sums),
                         static_cast<void *>(d->tokens), static_cast<void *>(d->labels), d->memory})
        CHECK(cudaFree(memory));
}

// Opens, computes `times` gradients, closes: NULL, or what went wrong.
static const char *compute(const struct device *d, const struct eer_case *c,
                           const struct cuda_problem *p, const struct cuda_objective *f, int tf32,
                           int times)
{
    struct cuda_wide *w;
    const char *error =
        cuda_wide_open(&w, p, c->batch.B, c->batch.L + 1, tf32, d->memory, d->begun, d->stream);
    if (error)
        return error;
    for (int time = 0; time < times && !error; time++)
        error = cuda_wide_gradient(w, f, d->theta, d->position, d->tokens, d->labels, c->batch.B,
                                   c->batch.L, d->gradient, d->sums);
    cuda_wide_close(w);
    return error;
}

static struct numbers run(const struct eer_case *c, const struct eer_weights *weights, int tf32,
                          int times)
{
    const struct cuda_problem p = cuda_problem_of(&c->config);
    const struct cuda_objective f = objective_of(c, weights);
    struct device d = prepare(c, &p);
    struct numbers x;
    x.P = static_cast<size_t>(p.P);
    x.terms = static_cast<size_t>(c->batch.B) * CUDA_TERMS;
    x.gradient = host<float>(x.P);
    x.sums = host<float>(x.terms);
    const char *error = compute(&d, c, &p, &f, tf32, times);
    if (error) {
        printf("not ok: %s\n", error);
        exit(1);
    }
    CHECK(cudaStreamSynchronize(d.stream));
    CHECK(cudaMemcpy(x.gradient, d.gradient, x.P * sizeof(float), cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(x.sums, d.sums, x.terms * sizeof(float), cudaMemcpyDeviceToHost));
    finish(&d);
    return x;
}

// ---- against the reference --------------------------------------------------------------------

// An evaluator (judge.h); the context says whether in TF32.
extern "C" {
static enum eer_status wide_evaluator(void *context, const struct eer_case *c,
                                      const struct eer_weights *weights, struct eer_terms *terms,
                                      double *gradient)
{
    struct numbers x = run(c, weights, *static_cast<int *>(context), 1);
    read_terms(terms, c, weights, x.sums);
    bool finite = isfinite(terms->total);
    for (size_t k = 0; k < x.P; k++) {
        gradient[k] = static_cast<double>(x.gradient[k]);
        finite = finite && isfinite(gradient[k]);
    }
    release(&x);
    return finite ? EER_OK : EER_NOT_FINITE;
}
}

struct tally {
    double share;
    const char *where;
    char text[512]; // the configuration
    int judged, failed, no_potential, no_penalty, no_gradient, undetermined, chunked;
};

static void judge(struct tally *tally, const struct eer_case *c, int tf32, int rounding)
{
    struct eer_backend_run ref = {};
    struct eer_question q = {};
    struct eer_judgement j;
    const struct cuda_problem p = cuda_problem_of(&c->config);
    ref.backend = &ref_backend;
    ref.run.threads = 1;
    q.c = c;
    q.arithmetic = tf32 ? SPREAD_TF32 : SPREAD_FP32;
    q.rounding = static_cast<enum eer_tf32_rounding>(rounding);
    q.truth = tf32 ? nullptr : eer_backend_evaluator;
    q.truth_context = &ref;
    q.judged = wide_evaluator;
    q.judged_context = &tf32;
    q.K = tf32 ? SAMPLES_TF32 : SAMPLES;
    q.seed = SEED;
#ifndef __CUDACC__
    static const char *const names[] = {"ties-away", "ties-even", "truncate"};
    emulation::tf32(names[rounding]);
#endif
    const enum eer_status status = eer_judge(&j, &q);
    if (status != EER_OK) {
        char text[512];
        printf("not ok: %s%s: %s\n", status == EER_NOT_FINITE ? "not finite" : "cannot be judged",
               ref.error.text, eer_case_text(c, text, sizeof text));
        tally->failed++;
        return;
    }
    tally->undetermined += j.undetermined || j.not_finite;
    if (j.undetermined || j.not_finite)
        return;
    tally->judged++;
    tally->no_potential += j.no_potential;
    tally->no_penalty += j.no_penalty;
    tally->no_gradient += j.no_gradient;
    // In several chunks, if one sequence less takes no less memory, nor a thousand more any more.
    tally->chunked += c->batch.B > 1 && cuda_wide_size(&p, c->batch.B - 1, c->batch.L + 1) ==
                                            cuda_wide_size(&p, c->batch.B + 1000, c->batch.L + 1);
    if (!(j.share <= 1) || j.wrong_answers) {
        char text[512];
        printf("not ok: %.3g of the bound in %s%s: %s\n", j.share, j.where,
               j.wrong_answers ? ", wrong answers" : "", eer_case_text(c, text, sizeof text));
        tally->failed++;
    }
    if (!(j.share <= tally->share)) {
        tally->share = j.share;
        tally->where = j.where;
        eer_case_text(c, tally->text, sizeof tally->text);
    }
}

static void report(const struct tally *t, const char *what)
{
    char text[1024];
    snprintf(text, sizeof text,
             "%s: %d configurations, at most %.3g of the bound, in %s of %s; left out where the "
             "gradient jumps: potential %d, entropy %d, all %d; not determined %d; in "
             "several chunks %d",
             what, t->judged, t->share, t->where, t->text, t->no_potential, t->no_penalty,
             t->no_gradient, t->undetermined, t->chunked);
    expect(t->failed == 0 && t->judged > 0 && t->undetermined <= t->judged / 4, "%s", text);
}

static void judge_random(const char *what, int tf32, int cases)
{
    static const enum eer_case_size sizes[] = {EER_CASE_TINY, EER_CASE_SMALL, EER_CASE_TINY,
                                               EER_CASE_LARGE};
    struct tally t = {};
    t.where = "-";
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        new_case(&c, index, sizes[index % 4]);
        judge(&t, &c, tf32, index % 3);
        eer_case_free(&c);
    }
    report(&t, what);
#ifdef CUDA_WIDE_FLOATS // compiled with a small one to test just that
    expect(t.chunked > 0, "several chunks");
#endif
}

// ---- other cases: sizes of our own ------------------------------------------------------------

// As in cases.c: uniform, of the size that keeps activations near 1.
static void draw_theta(struct eer_case *c)
{
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        const int rows = c->layout.rows[tensor], n = rows * c->layout.columns[tensor];
        const bool gain =
            tensor == EER_LN1_GAIN || tensor == EER_LN2_GAIN || tensor == EER_LNF_GAIN;
        const double scale = tensor == EER_EMBEDDING        ? 1.7
                             : eer_tensor_is_vector(tensor) ? 0.5
                             : tensor == EER_W_V            ? 1.7 / sqrt(rows) / c->config.loops
                             : tensor == EER_W_2            ? 1.7 / sqrt(rows) / c->config.loops
                                                            : 1.7 / sqrt(rows);
        for (int k = 0; k < n; k++)
            c->theta[c->layout.offset[tensor] + k] = static_cast<double>(
                static_cast<float>(gain + scale * (below(1 << 20) * 0x1p-19 - 1)));
    }
}

static void judge_shape(struct tally *t, int index, int d, int m, int L, int T, int B, int tf32)
{
    struct eer_case c;
    new_case(&c, index, EER_CASE_TINY);
    state = static_cast<uint64_t>(index);
    c.config.d = d;
    c.config.mlp = m;
    c.config.vocab = 3 + index * 7 % 60;
    c.config.length_max = L;
    c.config.loops = T;
    c.config.batch = B;
    set_sizes(&c);
    draw_theta(&c);
    judge(t, &c, tf32, index % 3);
    eer_case_free(&c);
}

static void judge_shapes(const char *what, int tf32, int cases)
{
    static const int d[] = {4, 12, 32, 64}, m[] = {0, 13, 64, 256}, L[] = {1, 7, 24, 40};
    struct tally t = {};
    t.where = "-";
    for (int index = 0; index < cases; index++)
        judge_shape(&t, index, d[index % 4], m[index / 4 % 4], L[index / 2 % 4], 1 + index % 3,
                    1 + index % 2, tf32);
    report(&t, what);
}

// What the convention is where the gradient jumps, exact in every arithmetic: W_V = 0 and no MLP
// keep Z at 0, where norms have derivative 0; W_1 = 0 puts ReLU at 0; equal scores choose the first
// key; one key with eta = 0 has S - eta = 0.
static void judge_conventions(void)
{
    struct tally t = {};
    t.where = "-";
    for (int index = 0; index < 16; index++) {
        struct eer_case c;
        new_case(&c, index, EER_CASE_TINY);
        state = static_cast<uint64_t>(index);
        c.config.norm = EER_NORM_NONE;
        c.config.activation = EER_RELU;
        c.config.eta = c.config.slope = 0;
        c.config.kinetic = index % 2 ? EER_KINETIC_NORM : EER_KINETIC_FROBENIUS;
        c.weights.lambda_P = 0.3;
        c.weights.lambda_K = 0.5;
        c.weights.lambda_S = 0.7;
        set_sizes(&c);
        draw_theta(&c);
        for (int tensor : {EER_W_V, EER_W_1, EER_B_1, EER_B_2, EER_W_Q})
            for (int k = 0; k < c.layout.rows[tensor] * c.layout.columns[tensor]; k++)
                c.theta[c.layout.offset[tensor] + k] = 0;
        judge(&t, &c, 0, 0);
        eer_case_free(&c);
    }
    report(&t, "fp32, where the gradient jumps");
    expect(t.no_potential + t.no_penalty + t.no_gradient == 0, "nothing of that left out");
}

static void judge_long(void)
{
    struct tally t = {};
    t.where = "-";
    judge_shape(&t, 3, 4, 3, EER_MAX_LENGTH, 1, 1, 0);
    judge_shape(&t, 4, 64, 0, 300, 1, 1, 0);
    report(&t, "fp32, long sequences");
}

// ---- small integers ---------------------------------------------------------------------------

// A case counts if the reference gives the same in double, in float, and with TF32's operands. What
// differs by less than GRAIN, of which all numbers are multiples, is what is left of exp.
static const double GRAIN = 0x1p-40;

// Gradient and terms by a variant of the reference (gradcheck/problem.h).
static void by_variant(struct eer_terms *terms, double *gradient, const struct eer_case *c,
                       spread_variant *variant, int rounding)
{
    if (spread_unperturbed(terms, gradient, &c->config, &c->batch, &c->weights, c->theta, variant,
                           static_cast<enum eer_tf32_rounding>(rounding)) != EER_OK) {
        printf("not ok: the reference\n");
        exit(1);
    }
}

// The potential, log N, is not exact.
static bool same(const struct eer_terms *s, const double *g, const struct eer_terms *t,
                 const double *h, int P)
{
    bool equal = fabs(s->task - t->task) < GRAIN / 2 && fabs(s->kinetic - t->kinetic) < GRAIN / 2 &&
                 fabs(s->entropy - t->entropy) < GRAIN / 2 &&
                 fabs(s->entropy_penalty - t->entropy_penalty) < GRAIN / 2 &&
                 fabs(s->correct - t->correct) < GRAIN / 2;
    for (int k = 0; k < P; k++)
        equal = equal && fabs(g[k] - h[k]) < GRAIN / 2;
    return equal;
}

static void test_integers(int cases)
{
    int kept = 0, wrong = 0, moved = 0;
    state = SEED;
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        struct eer_terms s, t;
        new_integer_case(&c, index);
        const int P = c.layout.size;
        double *g = host<double>(static_cast<size_t>(P)), *h = host<double>(static_cast<size_t>(P));
        by_variant(&s, g, &c, spread_double, 0);
        by_variant(&t, h, &c, spread_float, 0);
        bool exact = same(&s, g, &t, h, P);
        for (int rounding = 0; rounding < 3; rounding++) {
            by_variant(&t, h, &c, spread_double_tf32, rounding);
            exact = exact && same(&s, g, &t, h, P);
        }
        for (int k = 0; k < P && exact; k++)
            moved += g[k] != 0;
        for (int tf32 = 0; tf32 < 2 && exact; tf32++) {
            wide_evaluator(&tf32, &c, &c.weights, &t, h);
            kept++;
            wrong += !same(&s, g, &t, h, P);
        }
        free(g);
        free(h);
        eer_case_free(&c);
    }
    char text[160];
    snprintf(text, sizeof text,
             "small integers: of %d cases %d are exact and equal in fp32 and tf32, %d wrong, %d "
             "numbers are not 0",
             cases, kept / 2, wrong, moved);
    expect(wrong == 0 && kept / 2 >= cases / 8 && moved > kept, "%s", text);
}

// ---- bits and faults --------------------------------------------------------------------------

static bool equal_bits(const struct numbers *a, const struct numbers *b)
{
    return !memcmp(a->gradient, b->gradient, a->P * sizeof(float)) &&
           !memcmp(a->sums, b->sums, a->terms * sizeof(float));
}

static void test_bits(int cases)
{
    int different = 0, not_finite = 0;
    for (int index = 0; index < cases; index++) {
        struct eer_case c;
        new_case(&c, index, index % 4 == 3 ? EER_CASE_SMALL : EER_CASE_TINY);
        struct numbers first = run(&c, &c.weights, index % 2, 1);
        for (size_t k = 0; k < first.P; k++)
            not_finite += !isfinite(first.gradient[k]);
        for (const char *order : {"forward", "reversed", "random:1", "random:2"}) {
#ifndef __CUDACC__
            emulation::order(order);
#else
            (void)order;
#endif
            struct numbers again = run(&c, &c.weights, index % 2, 2);
            different += !equal_bits(&first, &again);
            release(&again);
        }
#ifndef __CUDACC__
        emulation::order("forward");
#endif
        release(&first);
        eer_case_free(&c);
    }
    char text[160];
    snprintf(text, sizeof text, "%d cases, each five times: %d runs with other bits, %d not finite",
             cases, different, not_finite);
    expect(different == 0 && not_finite == 0, "%s", text);
}

#ifndef __CUDACC__
// "cuda_wide_softmax_kernel" for "wide: softmax".
static void symbol_of(char *symbol, size_t bytes, const char *text)
{
    size_t n = static_cast<size_t>(snprintf(symbol, bytes, "cuda_"));
    for (; *text && n < bytes; text++)
        if (*text != ':')
            symbol[n++] = *text == ' ' ? '_' : *text;
    snprintf(symbol + n, bytes - n, "_kernel");
}

// Call by call: each that fails has to be reported, by its name, and each kernel says that it
// begins: what was the last before a call that failed is seen there.
static void test_faults(void)
{
    struct eer_case c;
    static const char *const texts[] = {CUDA_EACH_KERNEL(CUDA_KERNEL_NAME)};
    const int kernels = sizeof texts / sizeof *texts;
    bool launched[kernels] = {}, begun[kernels] = {};
    int calls = 0, unnoticed = 0, unnamed = 0, kinds = 0, silent = 0;
    new_case(&c, 5, EER_CASE_TINY);
    const struct cuda_problem p = cuda_problem_of(&c.config);
    const struct cuda_objective f = objective_of(&c, &c.weights);
    struct device d = prepare(&c, &p);
    for (bool done = false; !done; calls++) {
        int devices;
        *d.begun = CUDA_NO_KERNEL;
        emulation::fail(calls + 1);
        const char *error = compute(&d, &c, &p, &f, 0, 1);
        done = !error;
        unnamed += error && !strstr(error, "cublas") && !strstr(error, "cuda");
        if (done) /* none of its calls failed: the next one does */
            unnoticed += cudaGetDeviceCount(&devices) == cudaSuccess;
        emulation::fail(0);
        CHECK(cudaStreamSynchronize(d.stream));
        begun[*d.begun] = true;
        for (int k = 0; k < kernels; k++) {
            char symbol[64];
            symbol_of(symbol, sizeof symbol, texts[k]);
            launched[k] = launched[k] || (error && strstr(error, symbol));
        }
    }
    for (int k = 0; k < kernels; k++) {
        kinds += launched[k];
        silent += launched[k] && !begun[k];
    }
    finish(&d);
    eer_case_free(&c);
    char text[160];
    snprintf(text, sizeof text,
             "%d calls fail one by one: %d unnoticed, %d without a name, %zu things kept; of %d "
             "kernels %d do not say that they begin",
             calls, unnoticed, unnamed, emulation::held(), kinds, silent);
    expect(unnoticed == 0 && unnamed == 0 && calls > 60 && emulation::held() == 0 && kinds >= 15 &&
               silent == 0,
           "%s", text);
}

// After a call that failed the next one is as good as any.
static void test_recovery(void)
{
    struct eer_case c;
    struct cuda_wide *w;
    new_case(&c, 5, EER_CASE_TINY);
    const struct cuda_problem p = cuda_problem_of(&c.config);
    const struct cuda_objective f = objective_of(&c, &c.weights);
    struct numbers right = run(&c, &c.weights, 0, 1);
    struct device d = prepare(&c, &p);
    float *gradient = host<float>(right.P);
    const char *error[3] = {
        cuda_wide_open(&w, &p, c.batch.B, c.batch.L + 1, 0, d.memory, d.begun, d.stream)};
    for (int time = 1; time < 3 && !error[0]; time++) {
        emulation::fail(time == 1 ? 20 : 0);
        error[time] = cuda_wide_gradient(w, &f, d.theta, d.position, d.tokens, d.labels, c.batch.B,
                                         c.batch.L, d.gradient, d.sums);
    }
    CHECK(cudaMemcpy(gradient, d.gradient, right.P * sizeof(float), cudaMemcpyDeviceToHost));
    expect(!error[0] && error[1] && !error[2] &&
               !memcmp(gradient, right.gradient, right.P * sizeof(float)),
           "a gradient after one that failed");
    cuda_wide_close(w);
    finish(&d);
    free(gradient);
    release(&right);
    eer_case_free(&c);
}
#endif

int main(int argc, char **argv)
{
    const char *only = argc > 1 && argv[1][0] == '-' ? argv[1] : "";
    const int cases = argc > 1 && argv[argc - 1][0] != '-' ? atoi(argv[argc - 1]) : 48;
    if (!has_device())
        return SKIPPED;
    if (strcmp(only, "--faults"))
        test_bits(cases / 4);
#ifndef __CUDACC__
    if (strcmp(only, "--bits")) {
        test_faults();
        test_recovery();
    }
#endif
    if (*only)
        return failures != 0;
    test_integers(5 * cases);
    judge_random("fp32", 0, cases);
    judge_shapes("fp32, d of 4, 12, 32, 64", 0, cases / 2);
#ifndef __CUDACC__
    judge_random("tf32", 1, cases / 2);
    judge_shapes("tf32, d of 4, 12, 32, 64", 1, cases / 4);
#endif
    judge_conventions();
    judge_long();
    return failures != 0;
}
