/* tsan.c - training and evaluation with several threads, for ThreadSanitizer (which Criterion does
 * not survive): a race is reported by the sanitizer, a difference from one thread by this program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../spec/backend.h"

enum { B = 40, L = 9, STEPS = 30, P_MOST = 2000 };

static void set_defaults(struct eer_config *c)
{
#define SET(key, value, least, most, doc)      c->key = value;
#define SET_WORD(key, enumeration, value, doc) c->key = value;
    EER_CONFIG_TABLE(SET, SET, SET_WORD)
    c->seed = 1;
    c->batch = B;
    c->loops = 3;
    c->mask = EER_MASK_CAUSAL;
}

/* Parameters after STEPS steps, and the predictions of the last batch. */
static int run(int threads, enum eer_isa isa, double *theta, int *predicted)
{
    static double m[P_MOST], v[P_MOST];
    static int tokens[B * L], labels[B * L];
    struct eer_config c;
    set_defaults(&c);
    const struct eer_run how = {EER_FP32, EER_TF32_TIES_AWAY, isa, threads, L, L};
    const struct eer_weights weights = {c.lambda_P, c.lambda_K, c.lambda_S};
    struct eer_batch batch = {B, L, tokens, labels};
    struct eer_state state = {0, theta, m, v};
    struct eer_terms terms;
    struct eer_engine *engine;
    struct eer_error error;
    if (fast_backend.open(&c, &how, &engine, &error)) {
        printf("%s\n", error.text);
        return 1;
    }
    fast_backend.init(&c, &state);
    fast_backend.put(engine, &state);
    for (int step = 1; step <= STEPS; step++) {
        fast_backend.draw(&c, c.seed, EER_DRAW_TRAIN, step, &batch);
        fast_backend.gradient(engine, &batch, &weights, &terms, NULL, &error);
        fast_backend.update(engine, 1e-3);
    }
    fast_backend.evaluate(engine, &batch, c.loops, predicted, &error);
    fast_backend.get(engine, &state);
    fast_backend.close(engine);
    return 0;
}

int main(void)
{
    static double one[P_MOST], many[P_MOST];
    static int predicted_one[B * L], predicted_many[B * L];
    int failed = run(1, EER_ISA_PLAIN, one, predicted_one);
    for (int threads = 2; threads <= 5; threads++) {
        failed |= run(threads, EER_ISA_PLAIN, many, predicted_many);
        failed |= memcmp(one, many, sizeof one) != 0;
        failed |= memcmp(predicted_one, predicted_many, sizeof predicted_one) != 0;
    }
    printf("%s\n", failed ? "0 passed, 1 failed" : "1 passed, 0 failed");
    return failed;
}
