/* engine.c - the backend "cpu": memory, threads, the choice of kernels, the optimiser. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels.h"
#include "pool.h"
#include "task.h"

struct eer_engine {
    struct eer_config config;
    struct eer_run run;
    struct fast_problem problem;
    const struct fast_kernels *kernels;
    struct fast_pool *pool;
    int groups; /* of the largest batch: ceil(batch / width) */
    int step;
    float *bias[2]; /* tables of evaluation and training; the problem points to their middles */
    float *position;
    float *theta, *m, *v, *operand, *gradient;
    float *W_1T;   /* of operand */
    float *M[3];   /* of evaluation, of training, and in the scores' own unit: d x d */
    float *parts;  /* groups x P: gradients of the groups */
    float *sums;   /* groups x FAST_TERMS */
    char **memory; /* the kernels', one a thread */
    char text[64];
};

static enum eer_status fail(struct eer_error *error, enum eer_status status, const char *text)
{
    error->status = status;
    snprintf(error->text, sizeof error->text, "%s", text);
    return status;
}

/* x to TF32's 11 significant bits, as the kernels' operand() does it. */
static float tf32(const struct fast_problem *p, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += p->tf32_add + ((bits >> 13) & p->tf32_even);
    bits &= p->tf32_mask;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int machine_has(enum eer_isa isa)
{
#ifdef __x86_64__
    if (isa == EER_ISA_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (isa == EER_ISA_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return isa == EER_ISA_PLAIN;
}

/* The kernels asked for, or NULL. With more threads than groups of 16 sequences, AVX2's groups of 8
 * occupy more of them; the bits are the same. */
static const struct fast_kernels *choose(const struct eer_config *c, const struct eer_run *run)
{
    enum eer_isa isa = run->isa;
    if (isa == EER_ISA_BEST) {
        isa = EER_ISA_AVX512;
        if (run->train_length > 0 && run->threads > (c->batch + 15) / 16)
            isa = EER_ISA_AVX2;
        while (!machine_has(isa))
            isa = isa == EER_ISA_AVX512 ? EER_ISA_AVX2 : EER_ISA_PLAIN;
    }
    if (!machine_has(isa))
        return NULL;
#ifdef __x86_64__
    if (isa == EER_ISA_AVX512)
        return &fast_kernels_avx512;
    if (isa == EER_ISA_AVX2)
        return &fast_kernels_avx2;
#endif
    return &fast_kernels_plain;
}

static void set_problem(struct eer_engine *e)
{
    const struct eer_config *c = &e->config;
    struct fast_problem *p = &e->problem;
    static const uint32_t add[] = {0x1000, 0x0fff, 0}, even[] = {0, 1, 0};
    eer_layout(c, &p->layout);
    p->V = c->vocab;
    p->C = c->vocab + 1;
    p->bos = c->bos;
    p->d = c->d;
    p->m = c->mlp;
    p->T = c->loops;
    p->causal = c->mask == EER_MASK_CAUSAL;
    p->pre = c->norm == EER_NORM_PRE;
    p->post = c->norm == EER_NORM_POST;
    p->final_norm = c->final_norm;
    p->relu = c->activation == EER_RELU;
    p->kinetic = c->kinetic;
    p->q = (float)c->q;
    p->eta = (float)c->eta;
    p->scale = (float)(1.0 / (c->tau * sqrt((double)c->d)));
    const int rounds = e->run.precision == EER_TF32;
    const double log_2 = 0.69314718055994530942, scale = 1.0 / (c->tau * sqrt((double)c->d));
    p->unit = c->q == 1.5 ? 0.5f : 1.0f;
    p->evaluation.scale = (float)(scale / log_2);
    p->training.scale = (float)(scale / log_2) * p->unit;
    p->tf32_add = rounds ? add[e->run.tf32_rounding] : 0;
    p->tf32_even = rounds ? even[e->run.tf32_rounding] : 0;
    p->tf32_mask = rounds ? ~(uint32_t)0x1fff : ~(uint32_t)0;
}

/* The scores' bias over the distances i - j from -rows to rows: evaluation reads a width of them at
 * once, and looks up to two widths ahead of a causal row. */
static enum eer_status set_tables(struct eer_engine *e, int rows)
{
    const struct eer_config *c = &e->config;
    const int margin = 64, d = c->d, reach = rows + margin;
    for (int k = 0; k < 2; k++)
        if (!(e->bias[k] = malloc((size_t)(2 * reach + 1) * sizeof(float))))
            return EER_NO_MEMORY;
    e->position = c->pe_scale > 0.0 ? malloc((size_t)rows * (size_t)d * sizeof(float)) : NULL;
    if (c->pe_scale > 0.0 && !e->position)
        return EER_NO_MEMORY;
    for (int n = -reach; n <= reach; n++) {
        const int hidden = n < 0 && c->mask == EER_MASK_CAUSAL;
        const double bias = -c->slope * fabs((double)n) / 0.69314718055994530942;
        e->bias[0][n + reach] = hidden ? -INFINITY : (float)bias;
        e->bias[1][n + reach] = e->bias[0][n + reach] * e->problem.unit;
    }
    for (int i = 0; e->position && i < rows; i++)
        for (int k = 0; k < d / 2; k++) {
            const double angle = (double)i / pow(10000.0, 2.0 * k / d);
            e->position[(size_t)i * (size_t)d + 2 * (size_t)k] = (float)(c->pe_scale * sin(angle));
            e->position[(size_t)i * (size_t)d + 2 * (size_t)k + 1] =
                (float)(c->pe_scale * cos(angle));
        }
    e->problem.evaluation.bias = e->bias[0] + reach;
    e->problem.training.bias = e->bias[1] + reach;
    e->problem.position = e->position;
    return EER_OK;
}

/* Memory on large pages, where the system has them: fewer misses in the table of pages. */
static void *take_pages(size_t size)
{
    const size_t page = (size_t)2 << 20;
    void *memory = aligned_alloc(page, (size / page + 1) * page);
    if (memory)
        madvise(memory, (size / page + 1) * page, MADV_HUGEPAGE);
    return memory;
}

static enum eer_status take_memory(struct eer_engine *e)
{
    const struct eer_run *run = &e->run;
    const size_t P = (size_t)e->problem.layout.size;
    const int longest = run->train_length > run->eval_length ? run->train_length : run->eval_length;
    size_t size =
        run->train_length > 0 ? e->kernels->train_size(&e->problem, run->train_length) : 0;
    if (run->eval_length > 0) {
        const size_t other = e->kernels->evaluate_size(&e->problem, run->eval_length);
        size = other > size ? other : size;
    }
    float **vectors[] = {&e->theta, &e->m, &e->v, &e->operand, &e->gradient};
    for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
        if (!(*vectors[k] = calloc(P, sizeof(float))))
            return EER_NO_MEMORY;
    for (int k = 0; k < 3; k++)
        if (!(e->M[k] = calloc((size_t)(e->config.d * e->config.d), sizeof(float))))
            return EER_NO_MEMORY;
    if (!(e->W_1T = calloc((size_t)e->config.mlp * (size_t)e->config.d + 1, sizeof(float))))
        return EER_NO_MEMORY;
    e->groups = (e->config.batch + e->kernels->width - 1) / e->kernels->width;
    e->parts = malloc((size_t)e->groups * P * sizeof(float));
    e->sums = malloc((size_t)e->groups * FAST_TERMS * sizeof(float));
    e->memory = calloc((size_t)run->threads, sizeof *e->memory);
    if (!e->parts || !e->sums || !e->memory)
        return EER_NO_MEMORY;
    for (int t = 0; t < run->threads; t++)
        if (!(e->memory[t] = take_pages(size)))
            return EER_NO_MEMORY;
    return set_tables(e, longest + e->config.bos);
}

static void engine_close(struct eer_engine *e)
{
    if (!e)
        return;
    if (e->pool)
        fast_pool_close(e->pool);
    for (int t = 0; e->memory && t < e->run.threads; t++)
        free(e->memory[t]);
    float *all[] = {e->bias[0], e->bias[1], e->position, e->M[0],     e->M[1],  e->M[2], e->theta,
                    e->m,       e->v,       e->operand,  e->gradient, e->parts, e->sums, e->W_1T};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    free(e->memory);
    free(e);
}

static enum eer_status engine_open(const struct eer_config *config, const struct eer_run *run,
                                   struct eer_engine **engine, struct eer_error *error)
{
    *engine = NULL;
    if (run->precision != EER_FP32 && run->precision != EER_TF32)
        return fail(error, EER_USAGE, "backend cpu: precision must be fp32 or tf32");
    if (run->threads < 1 || run->threads > 64)
        return fail(error, EER_USAGE, "backend cpu: threads must be 1 to 64");
    struct eer_engine *e = calloc(1, sizeof *e);
    if (!e)
        return fail(error, EER_NO_MEMORY, "backend cpu: out of memory");
    e->config = *config;
    e->run = *run;
    set_problem(e);
    e->kernels = choose(config, run);
    if (!e->kernels) {
        engine_close(e);
        return fail(error, EER_UNAVAILABLE,
                    "backend cpu: this processor lacks the instruction set asked for with --isa");
    }
    if (take_memory(e) != EER_OK || !(e->pool = fast_pool_open(run->threads))) {
        engine_close(e);
        return fail(error, EER_NO_MEMORY,
                    "backend cpu: not enough memory or threads for this batch and these lengths");
    }
    e->problem.theta = e->theta;
    e->problem.W_1T = e->W_1T;
    e->problem.evaluation.M = e->M[0];
    e->problem.training.M = e->M[1];
    e->problem.M = e->M[2];
    e->problem.operand = run->precision == EER_TF32 ? e->operand : e->theta;
    snprintf(e->text, sizeof e->text, "%s, %s, %d thread%s",
             run->precision == EER_TF32 ? "tf32" : "fp32", e->kernels->name, run->threads,
             run->threads > 1 ? "s" : "");
    *engine = e;
    return EER_OK;
}

/* W_Q W_K^T times the scale, in each unit (kernels.h, struct fast_scores). */
static void set_score_matrices(struct eer_engine *e)
{
    const struct fast_problem *p = &e->problem;
    const int d = p->d;
    const float *W_Q = e->theta + p->layout.offset[EER_W_Q];
    const float *W_K = e->theta + p->layout.offset[EER_W_K];
    const float scale[3] = {p->evaluation.scale, p->training.scale, p->scale};
    for (int k = 0; k < d; k++)
        for (int c = 0; c < d; c++) {
            double sum = 0.0;
            for (int x = 0; x < d; x++)
                sum += (double)W_Q[k * d + x] * (double)W_K[c * d + x];
            for (int unit = 0; unit < 3; unit++)
                e->M[unit][k * d + c] = (float)(sum * (double)scale[unit]);
        }
}

/* The parameters as operands of matrix products; biases and gains are none, but rounding their
 * copies costs nothing: nobody reads them. */
static void set_operands(struct eer_engine *e)
{
    const int d = e->config.d, m = e->config.mlp;
    const float *W_1 = e->problem.operand + e->problem.layout.offset[EER_W_1];
    if (e->run.precision == EER_TF32)
        for (int x = 0; x < e->problem.layout.size; x++)
            e->operand[x] = tf32(&e->problem, e->theta[x]);
    for (int k = 0; k < d; k++)
        for (int j = 0; j < m; j++)
            e->W_1T[j * d + k] = W_1[k * m + j];
    set_score_matrices(e);
}

static void engine_put(struct eer_engine *e, const struct eer_state *state)
{
    for (int x = 0; x < e->problem.layout.size; x++) {
        e->theta[x] = (float)state->theta[x];
        e->m[x] = (float)state->m[x];
        e->v[x] = (float)state->v[x];
    }
    e->step = state->step;
    set_operands(e);
}

static void engine_get(const struct eer_engine *e, struct eer_state *state)
{
    for (int x = 0; x < e->problem.layout.size; x++) {
        state->theta[x] = e->theta[x];
        state->m[x] = e->m[x];
        state->v[x] = e->v[x];
    }
    state->step = e->step;
}

struct training {
    struct eer_engine *engine;
    const struct eer_batch *batch;
    struct fast_objective objective;
};

static void train_group(void *context, int thread, int group)
{
    const struct training *t = context;
    struct eer_engine *e = t->engine;
    const int width = e->kernels->width, first = group * width, left = t->batch->B - first;
    const size_t P = (size_t)e->problem.layout.size;
    e->kernels->train(&e->problem, &t->objective, t->batch, first, left < width ? left : width,
                      e->memory[thread], e->sums + group * FAST_TERMS,
                      e->parts + (size_t)group * P);
}

/* parts[0] += all other parts, neighbours first: the upper levels of the kernels' tree_sum. Lanes
 * that are left over add +0, which makes +0 of a sum of nothing but -0; how many are left over
 * depends on the width, so +0 is added in any case. */
static void reduce(float *parts, size_t size, int count)
{
    for (int apart = 1; apart < count; apart *= 2)
        for (int g = 0; g + apart < count; g += 2 * apart) {
            float *to = parts + (size_t)g * size, *from = parts + (size_t)(g + apart) * size;
            for (size_t x = 0; x < size; x++)
                to[x] += from[x];
        }
    for (size_t x = 0; x < size; x++)
        parts[x] += 0.0f;
}

static double count_labels(const struct eer_batch *batch)
{
    double counted = 0.0;
    for (int x = 0; x < batch->B * batch->L; x++)
        counted += batch->labels[x] >= 0;
    return counted;
}

/* The coefficients of the kernels' sums in the mean loss (spec/model.md, 4). */
static void set_objective(const struct eer_engine *e, const struct eer_batch *batch,
                          const struct eer_weights *w, double counted, struct fast_objective *f)
{
    const double B = batch->B, N = batch->L + e->config.bos, T = e->config.loops;
    double kinetic = w->lambda_K / (2.0 * B * N);
    if (e->config.kinetic == EER_KINETIC_PATH)
        kinetic /= T;
    if (e->config.kinetic == EER_KINETIC_FROBENIUS)
        kinetic *= N;
    f->task = (float)(1.0 / counted);
    f->potential = (float)(w->lambda_P / (B * N * T));
    f->penalty = (float)(w->lambda_S / (B * N * T));
    f->kinetic = (float)kinetic;
}

static void set_terms(const struct eer_engine *e, const struct eer_batch *batch,
                      const struct eer_weights *w, double counted, struct eer_terms *terms)
{
    const double B = batch->B, N = batch->L + e->config.bos, T = e->config.loops;
    const float *sums = e->sums;
    terms->task = sums[FAST_TASK] / counted;
    terms->potential = sums[FAST_POTENTIAL] / (B * N * T);
    terms->kinetic = sums[FAST_KINETIC] / (2.0 * B * N);
    if (e->config.kinetic == EER_KINETIC_PATH)
        terms->kinetic /= T;
    if (e->config.kinetic == EER_KINETIC_FROBENIUS)
        terms->kinetic *= N;
    terms->entropy = sums[FAST_ENTROPY] / (B * N * T);
    terms->entropy_penalty = sums[FAST_PENALTY] / (B * N);
    terms->total = terms->task + w->lambda_P * terms->potential + w->lambda_K * terms->kinetic +
                   w->lambda_S * terms->entropy_penalty;
    terms->correct = sums[FAST_CORRECT];
    terms->counted = counted;
}

static enum eer_status engine_gradient(struct eer_engine *e, const struct eer_batch *batch,
                                       const struct eer_weights *weights, struct eer_terms *terms,
                                       double *gradient, struct eer_error *error)
{
    const size_t P = (size_t)e->problem.layout.size;
    const int groups = (batch->B + e->kernels->width - 1) / e->kernels->width;
    const double counted = count_labels(batch);
    struct training training = {.engine = e, .batch = batch};
    if (groups > e->groups || batch->L > e->run.train_length)
        return fail(error, EER_USAGE, "backend cpu: the batch is larger than was announced");
    set_objective(e, batch, weights, counted, &training.objective);
    fast_pool_run(e->pool, train_group, &training, groups);
    reduce(e->parts, P, groups);
    reduce(e->sums, FAST_TERMS, groups);
    set_terms(e, batch, weights, counted, terms);
    double squares = 0.0;
    for (size_t x = 0; x < P; x++) {
        e->gradient[x] = e->parts[x];
        squares += (double)e->gradient[x] * (double)e->gradient[x];
        if (gradient)
            gradient[x] = e->gradient[x];
    }
    if (!isfinite(terms->total) || !isfinite(squares))
        return fail(error, EER_NOT_FINITE, "backend cpu: the loss or its gradient is not finite");
    return EER_OK;
}

static void engine_update(struct eer_engine *e, double lr)
{
    const struct eer_config *c = &e->config;
    const int P = e->problem.layout.size;
    double squares = 0.0, factor = 1.0;
    e->step++;
    for (int x = 0; x < P; x++)
        squares += (double)e->gradient[x] * (double)e->gradient[x];
    if (c->clip > 0.0 && sqrt(squares) > c->clip)
        factor = c->clip / sqrt(squares);
    const float clip = (float)factor;
    const float b1 = (float)c->beta1, b2 = (float)c->beta2, rest1 = (float)(1.0 - c->beta1),
                rest2 = (float)(1.0 - c->beta2);
    const float decay = (float)(lr * c->weight_decay), epsilon = (float)c->epsilon;
    const float rate = (float)(lr / (1.0 - pow(c->beta1, e->step)));
    const float second = (float)(1.0 / (1.0 - pow(c->beta2, e->step)));
    for (int x = 0; x < P; x++) {
        const float g = e->gradient[x] * clip;
        e->m[x] = b1 * e->m[x] + rest1 * g;
        e->v[x] = b2 * e->v[x] + rest2 * g * g;
        e->theta[x] -= decay * e->theta[x] + rate * e->m[x] / (sqrtf(e->v[x] * second) + epsilon);
    }
    set_operands(e);
}

struct evaluation {
    struct eer_engine *engine;
    const struct eer_batch *batch;
    int loops;
    int *predicted;
};

static void evaluate_sequence(void *context, int thread, int b)
{
    const struct evaluation *v = context;
    struct eer_engine *e = v->engine;
    const size_t at = (size_t)b * (size_t)v->batch->L;
    e->kernels->evaluate(&e->problem, v->batch->tokens + at, v->batch->L, v->loops,
                         e->memory[thread], v->predicted + at);
}

static enum eer_status engine_evaluate(struct eer_engine *e, const struct eer_batch *batch,
                                       int loops, int *predicted, struct eer_error *error)
{
    struct evaluation evaluation = {e, batch, loops, predicted};
    if (batch->L > e->run.eval_length)
        return fail(error, EER_USAGE, "backend cpu: the sequence is longer than was announced");
    fast_pool_run(e->pool, evaluate_sequence, &evaluation, batch->B);
    return EER_OK;
}

static const char *engine_describe(const struct eer_engine *e)
{
    return e->text;
}

const struct eer_backend fast_backend = {
    .name = "cpu",
    .open = engine_open,
    .close = engine_close,
    .init = fast_init,
    .length = fast_length,
    .draw = fast_draw,
    .put = engine_put,
    .get = engine_get,
    .gradient = engine_gradient,
    .update = engine_update,
    .evaluate = engine_evaluate,
    .describe = engine_describe,
};
