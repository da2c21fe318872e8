/* engine.c - ref/engine.c, instrumented like the rest, and the numbers of its blocks.
 *
 * The contracts say that the arrays of an engine lie in blocks of their own by giving each a
 * number; for which function from blocks to numbers, they leave open. Here it is this one. */
#define ref_backend plain_backend
#include "ref/engine.c"
#undef ref_backend

#include "numbers.h"

static void number_blocks(const struct eer_engine *e)
{
    const struct ref_work *k = &e->work;
    const void *const block[BLOCKS] = {
        e,           e->theta,   k->X,         k->Z,       k->R,  k->Y,  k->Q,
        k->K,        k->V,       k->potential, k->entropy, k->s,  k->p,  k->pq,
        e->gradient, k->dZ,      k->dX,        k->dR,      k->dY, k->dQ, k->dK,
        k->dV,       k->product, k->sigma,     k->dp,      k->ds};

    for (int number = 0; number < BLOCKS; number++)
        number_block(number, block[number]);
}

static enum eer_status open_numbered(const struct eer_config *config, const struct eer_run *run,
                                     struct eer_engine **engine, struct eer_error *error)
{
    enum eer_status status = engine_open(config, run, engine, error);

    if (status == EER_OK)
        number_blocks(*engine);
    return status;
}

static enum eer_status gradient_numbered(struct eer_engine *e, const struct eer_batch *batch,
                                         const struct eer_weights *weights, struct eer_terms *terms,
                                         double *gradient, struct eer_error *error)
{
    number_block(TOKENS, batch->tokens);
    return engine_gradient(e, batch, weights, terms, gradient, error);
}

static enum eer_status evaluate_numbered(struct eer_engine *e, const struct eer_batch *batch,
                                         int loops, int *predicted, struct eer_error *error)
{
    number_block(TOKENS, batch->tokens);
    return engine_evaluate(e, batch, loops, predicted, error);
}

const struct eer_backend ref_backend = {
    .name = "ref",
    .open = open_numbered,
    .close = engine_close,
    .init = ref_init,
    .length = ref_length,
    .draw = ref_draw,
    .put = engine_put,
    .get = engine_get,
    .gradient = gradient_numbered,
    .update = engine_update,
    .evaluate = evaluate_numbered,
    .describe = engine_describe,
};
