#include "fresh.h"

#include <stdio.h>

const char eer_fresh_note[] =
    "95 % intervals: Wilson's, over the sequences (positions divided by the design effect, "
    "Student's quantile).";

static enum eer_status measure(const struct eer_backend *backend, struct eer_engine *engine,
                               const struct eer_config *config, struct eer_fresh *fresh, int i,
                               struct eer_error *error)
{
    struct eer_examples examples;
    enum eer_status status =
        eer_examples_new(&examples, fresh->sequences[i], fresh->length[i], error);
    if (status != EER_OK)
        return status;
    backend->draw(config, fresh->seed, EER_DRAW_FRESH, fresh->length[i], &examples.batch);
    status = eer_measure(backend, engine, config->vocab, fresh->loops, &examples,
                         &fresh->accuracy[i], error);
    eer_examples_free(&examples);
    return status;
}

/* From the length before, as attention grows: with the square. */
static double expected_seconds(const struct eer_fresh *fresh, int i)
{
    if (i == 0)
        return 0.0;
    double ratio = (double)fresh->length[i] / fresh->length[i - 1];
    return fresh->accuracy[i - 1].seconds * ratio * ratio * fresh->sequences[i] /
           fresh->sequences[i - 1];
}

enum eer_status eer_fresh_measure(const struct eer_execution *execution,
                                  const struct eer_checkpoint *checkpoint, struct eer_fresh *fresh,
                                  struct eer_error *error)
{
    const struct eer_backend *backend = eer_execution_backend(execution);
    struct eer_engine *engine;
    int longest = 0;
    for (int i = 0; i < fresh->count; i++)
        longest = fresh->length[i] > longest ? fresh->length[i] : longest;
    enum eer_status status =
        eer_execution_open(execution, &checkpoint->config, 0, longest, &engine, error);
    if (status != EER_OK)
        return status;
    backend->put(engine, &checkpoint->state);
    snprintf(fresh->engine, sizeof fresh->engine, "%s: %s", backend->name,
             backend->describe(engine));
    fresh->measured = 0;
    for (int i = 0; i < fresh->count && status == EER_OK; i++) {
        if (fresh->patience > 0.0 && expected_seconds(fresh, i) > fresh->patience)
            break;
        status = measure(backend, engine, &checkpoint->config, fresh, i, error);
        fresh->measured += status == EER_OK;
    }
    backend->close(engine);
    return status;
}
