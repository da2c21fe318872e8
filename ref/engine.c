/* engine.c - the reference behind the backend interface: memory and checks, no mathematics.
 *
 * Outside the proved set, and the only such file of ref: it allocates. What it calls has
 * contracts that take the memory taken here as given; proofs/ledger.txt says which are proved. */
#include "ref.h"

#include <stdio.h>
#include <stdlib.h>

struct eer_engine {
    struct eer_config config;
    struct eer_run run;
    struct eer_layout layout;
    int step;
    double *theta, *gradient, *m, *v; /* P elements each */
    struct ref_tensors w, dw;         /* into theta and gradient */
    struct ref_work work;
    double *taken[64]; /* all that was allocated */
    int takings;
    int out_of_memory;
};

static enum eer_status fail(struct eer_error *error, enum eer_status status, const char *text)
{
    error->status = status;
    snprintf(error->text, sizeof error->text, "%s", text);
    return status;
}

/* n numbers, or one if n is 0; remembered for engine_close. NULL: no memory. */
static double *take(struct eer_engine *e, size_t n)
{
    double *x = calloc(n > 0 ? n : 1, sizeof *x);

    if (x == NULL)
        e->out_of_memory = 1;
    else
        e->taken[e->takings++] = x;
    return x;
}

static void take_parameters(struct eer_engine *e)
{
    size_t P = (size_t)e->layout.size;

    e->theta = take(e, P);
    e->gradient = take(e, P);
    e->m = take(e, P);
    e->v = take(e, P);
}

/* N rows, and room for that many numbers of kept states. */
static void take_forward(struct eer_engine *e, size_t N, size_t states)
{
    struct ref_work *work = &e->work;
    size_t matrix = N * (size_t)e->config.d;

    work->Z = take(e, states);
    work->R = take(e, states);
    work->X = take(e, matrix);
    work->Y = take(e, matrix);
    work->Q = take(e, matrix);
    work->K = take(e, matrix);
    work->V = take(e, matrix);
    work->potential = take(e, N);
    work->entropy = take(e, N);
    work->s = take(e, N);
    work->p = take(e, N);
    work->pq = take(e, N);
}

static void take_backward(struct eer_engine *e, size_t N)
{
    struct ref_work *work = &e->work;
    size_t matrix = N * (size_t)e->config.d;

    work->dZ = take(e, matrix);
    work->dX = take(e, matrix);
    work->dR = take(e, matrix);
    work->dY = take(e, matrix);
    work->dQ = take(e, matrix);
    work->dK = take(e, matrix);
    work->dV = take(e, matrix);
    work->product = take(e, matrix);
    work->sigma = take(e, N);
    work->dp = take(e, N);
    work->ds = take(e, N);
}

/* A gradient keeps the states of all iterations, an evaluation those of two. */
static void take_work(struct eer_engine *e)
{
    size_t bos = (size_t)e->config.bos, iterations = (size_t)e->config.loops;
    size_t train = e->run.train_length > 0 ? (size_t)e->run.train_length + bos : 0;
    size_t eval = e->run.eval_length > 0 ? (size_t)e->run.eval_length + bos : 0;
    size_t kept = train * (iterations + 1), passing = eval * 2;

    take_forward(e, train > eval ? train : eval,
                 (kept > passing ? kept : passing) * (size_t)e->config.d);
    take_backward(e, train);
}

static void engine_close(struct eer_engine *e)
{
    if (e == NULL)
        return;
    for (int i = 0; i < e->takings; i++)
        free(e->taken[i]);
    free(e);
}

static enum eer_status engine_open(const struct eer_config *config, const struct eer_run *run,
                                   struct eer_engine **engine, struct eer_error *error)
{
    struct eer_engine *e;

    *engine = NULL;
    if (run->precision != EER_FP64)
        return fail(error, EER_USAGE, "the backend ref computes in precision fp64 only");
    e = calloc(1, sizeof *e);
    if (e == NULL)
        return fail(error, EER_NO_MEMORY, "no memory for the engine of the backend ref");
    e->config = *config;
    e->run = *run;
    eer_layout(config, &e->layout);
    take_parameters(e);
    take_work(e);
    if (e->out_of_memory) {
        engine_close(e);
        return fail(error, EER_NO_MEMORY, "no memory for the states of the backend ref");
    }
    ref_tensors(&e->w, &e->layout, e->theta);
    ref_tensors(&e->dw, &e->layout, e->gradient);
    *engine = e;
    return EER_OK;
}

static void engine_put(struct eer_engine *e, const struct eer_state *state)
{
    e->step = state->step;
    ref_copy(e->theta, state->theta, e->layout.size);
    ref_copy(e->m, state->m, e->layout.size);
    ref_copy(e->v, state->v, e->layout.size);
}

static void engine_get(const struct eer_engine *e, struct eer_state *state)
{
    state->step = e->step;
    ref_copy(state->theta, e->theta, e->layout.size);
    ref_copy(state->m, e->m, e->layout.size);
    ref_copy(state->v, e->v, e->layout.size);
}

static enum eer_status check_finite(const struct eer_engine *e, const struct eer_terms *terms,
                                    struct eer_error *error)
{
    const struct eer_layout *layout = &e->layout;

    if (!ref_all_finite(&terms->total, 1)) {
        snprintf(error->text, sizeof error->text, "the loss after step %d is not finite", e->step);
        return error->status = EER_NOT_FINITE;
    }
    for (int i = 0; i < EER_TENSORS; i++)
        if (!ref_all_finite(e->gradient + layout->offset[i],
                            layout->rows[i] * layout->columns[i])) {
            snprintf(error->text, sizeof error->text,
                     "the gradient of %s after step %d is not finite", eer_tensor_name(i), e->step);
            return error->status = EER_NOT_FINITE;
        }
    return EER_OK;
}

static enum eer_status engine_gradient(struct eer_engine *e, const struct eer_batch *batch,
                                       const struct eer_weights *weights, struct eer_terms *terms,
                                       double *gradient, struct eer_error *error)
{
    ref_fill(e->gradient, 0, e->layout.size);
    ref_gradient(terms, &e->dw, batch, weights, &e->work, &e->w, &e->config);
    if (gradient != NULL)
        ref_copy(gradient, e->gradient, e->layout.size);
    return check_finite(e, terms, error);
}

static void engine_update(struct eer_engine *e, double lr)
{
    e->step++;
    ref_clip(e->gradient, e->config.clip, e->layout.size);
    ref_adamw(e->theta, e->m, e->v, e->gradient, &e->config, e->step, lr, e->layout.size);
}

static enum eer_status engine_evaluate(struct eer_engine *e, const struct eer_batch *batch,
                                       int loops, int *predicted, struct eer_error *error)
{
    int L = batch->L;

    for (int b = 0; b < batch->B; b++)
        if (!ref_evaluate(predicted + b * L, batch->tokens + b * L, loops, &e->work, &e->w,
                          &e->config, L)) {
            snprintf(error->text, sizeof error->text,
                     "the logits of sequence %d of length %d are not finite", b, L);
            return error->status = EER_NOT_FINITE;
        }
    return EER_OK;
}

static const char *engine_describe(const struct eer_engine *e)
{
    (void)e;
    return "fp64, reference, 1 thread";
}

const struct eer_backend ref_backend = {
    .name = "ref",
    .open = engine_open,
    .close = engine_close,
    .init = ref_init,
    .length = ref_length,
    .draw = ref_draw,
    .put = engine_put,
    .get = engine_get,
    .gradient = engine_gradient,
    .update = engine_update,
    .evaluate = engine_evaluate,
    .describe = engine_describe,
};
