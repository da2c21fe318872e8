#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "fail.h"
#include "schedule.h"
#include "signals.h"

enum { MOST_AT_ONCE = 256 }; /* steps that a backend does by itself */

static enum eer_status take_memory(struct eer_training *t, struct eer_error *error)
{
    const struct eer_config *config = &t->checkpoint.config;
    size_t size = (size_t)config->batch * (size_t)config->length_max;
    t->batch = (struct eer_batch){.B = config->batch};
    t->batch.tokens = malloc(size * sizeof(int));
    t->batch.labels = malloc(size * sizeof(int));
    if (!t->batch.tokens || !t->batch.labels)
        return eer_fail(error, EER_NO_MEMORY, "no memory for batches of %d sequences of %d tokens",
                        config->batch, config->length_max);
    for (int i = 0; i < EER_PROGRESS_LENGTHS; i++) {
        struct eer_examples *set = &t->progress_set[i];
        int length = eer_progress_length[i];
        enum eer_status status = eer_examples_new(set, config->eval_sequences, length, error);
        if (status != EER_OK)
            return status;
        t->backend->draw(config, config->seed, EER_DRAW_EVAL, length, &set->batch);
    }
    return EER_OK;
}

enum eer_status eer_training_open(struct eer_training *t, struct eer_error *error)
{
    const struct eer_config *config = &t->checkpoint.config;
    t->backend = eer_execution_backend(&t->execution);
    enum eer_status status = eer_directory_path(t->directory, "last.safetensors", t->path, error);
    if (status == EER_OK)
        status = take_memory(t, error);
    if (status == EER_OK)
        status =
            eer_execution_open(&t->execution, config, config->length_max,
                               eer_progress_length[EER_PROGRESS_LENGTHS - 1], &t->engine, error);
    if (status == EER_OK)
        t->backend->put(t->engine, &t->checkpoint.state);
    return status;
}

void eer_training_close(struct eer_training *t)
{
    if (t->engine)
        t->backend->close(t->engine);
    for (int i = 0; i < EER_PROGRESS_LENGTHS; i++)
        eer_examples_free(&t->progress_set[i]);
    free(t->batch.tokens);
    free(t->batch.labels);
}

/* Adds to a failure's sentence at which step it happened and what is left. */
static enum eer_status at_step(const struct eer_training *t, int step, struct eer_error *error)
{
    struct eer_error inner = *error;
    if (t->saved < 0)
        return eer_fail(error, inner.status, "step %d: %.300s; there is no checkpoint yet", step,
                        inner.text);
    return eer_fail(error, inner.status,
                    "step %d: %.300s; the last good checkpoint is %.100s (step %d)", step,
                    inner.text, t->path, t->saved);
}

static int all_finite(const double *x, int count)
{
    for (int i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

static enum eer_status save(struct eer_training *t, struct eer_error *error)
{
    struct eer_state *state = &t->checkpoint.state;
    int size = t->checkpoint.layout.size;
    t->backend->get(t->engine, state);
    if (t->backend->check && t->backend->check(t->engine, error) != EER_OK)
        return error->status;
    if (!all_finite(state->theta, size) || !all_finite(state->m, size) ||
        !all_finite(state->v, size))
        return eer_fail(error, EER_NOT_FINITE, "the update left a parameter that is not finite");
    enum eer_status status = eer_checkpoint_write(t->path, &t->checkpoint,
                                                  eer_execution_element_size(&t->execution), error);
    if (status == EER_OK)
        t->saved = state->step;
    return status;
}

/* The terms of a step's batch at the present parameters; the engine keeps the gradient. */
static enum eer_status look(struct eer_training *t, int step, struct eer_terms *terms,
                            struct eer_weights *weights, struct eer_error *error)
{
    const struct eer_config *config = &t->checkpoint.config;
    *weights = eer_weights_at(config, step);
    t->batch.L = t->backend->length(config, step);
    t->backend->draw(config, config->seed, EER_DRAW_TRAIN, step, &t->batch);
    return t->backend->gradient(t->engine, &t->batch, weights, terms, NULL, error);
}

/* Evaluates after `step` steps and writes the row. */
static enum eer_status evaluate(struct eer_training *t, int step, const struct eer_terms *terms,
                                const struct eer_weights *weights, struct eer_error *error)
{
    const struct eer_config *config = &t->checkpoint.config;
    struct eer_row row = {.step = step,
                          .length = t->batch.L,
                          .terms = *terms,
                          .weights = *weights,
                          .lr = eer_learning_rate(config, step > 0 ? step : 1)};
    for (int i = 0; i < EER_PROGRESS_LENGTHS; i++) {
        struct eer_accuracy accuracy;
        enum eer_status status = eer_measure(t->backend, t->engine, config->vocab, config->loops,
                                             &t->progress_set[i], &accuracy, error);
        if (status != EER_OK)
            return status;
        row.accuracy[i] = eer_percent(accuracy.positions);
    }
    row.seconds = t->before + eer_seconds() - t->begin;
    if (step > t->counted_from)
        row.steps_per_second = (step - t->counted_from) / t->stepping;
    t->stepping = 0.0;
    t->counted_from = step;
    enum eer_status status = eer_metrics_write(&t->metrics, &row, error);
    if (status == EER_OK)
        eer_progress_row(&t->progress, &row);
    return status;
}

static enum eer_status begin(struct eer_training *t, struct eer_error *error)
{
    struct eer_terms terms;
    struct eer_weights weights;
    enum eer_status status = look(t, 1, &terms, &weights, error);
    if (status == EER_OK)
        status = evaluate(t, 0, &terms, &weights, error);
    if (status == EER_OK)
        status = save(t, error);
    return status;
}

/* How many steps from `step` on the backend may do by itself: to the next evaluation, checkpoint or
 * end, and so few that progress shows and a signal is answered. */
static int steps_at_once(const struct eer_training *t, int step)
{
    const struct eer_config *config = &t->checkpoint.config;
    const int every[] = {config->eval_every, t->checkpoint_every};
    int count = config->steps - step + 1;
    if (!t->backend->steps)
        return 1;
    for (int k = 0; k < 2; k++)
        if (every[k] > 0 && every[k] - (step - 1) % every[k] < count)
            count = every[k] - (step - 1) % every[k];
    return count < t->pace ? count : t->pace;
}

/* `count` steps from `step` on in one call; terms and weights are the last one's. */
static enum eer_status do_steps(struct eer_training *t, int step, int count,
                                struct eer_terms *terms, struct eer_weights *weights,
                                struct eer_error *error)
{
    const struct eer_config *config = &t->checkpoint.config;
    struct eer_terms all[MOST_AT_ONCE];
    struct eer_weights plan[MOST_AT_ONCE];
    double lr[MOST_AT_ONCE];
    for (int s = 0; s < count; s++) {
        plan[s] = eer_weights_at(config, step + s);
        lr[s] = eer_learning_rate(config, step + s);
    }
    enum eer_status status = t->backend->steps(&t->engine, 1, count, plan, lr, all, error);
    *terms = all[count - 1];
    *weights = plan[count - 1];
    t->batch.L = t->backend->length(config, step + count - 1);
    return status;
}

/* The steps from `step` on that go in one call, and what is due after them. done: how many. */
static enum eer_status advance(struct eer_training *t, int step, int *done, struct eer_error *error)
{
    const struct eer_config *config = &t->checkpoint.config;
    struct eer_terms terms;
    struct eer_weights weights;
    const int count = steps_at_once(t, step);
    *done = 0;
    double start = eer_seconds();
    enum eer_status status = t->backend->steps ? do_steps(t, step, count, &terms, &weights, error)
                                               : look(t, step, &terms, &weights, error);
    if (status != EER_OK)
        return status;
    if (!t->backend->steps)
        t->backend->update(t->engine, eer_learning_rate(config, step));
    double seconds = eer_seconds() - start;
    t->stepping += seconds;
    t->pace = seconds < 0.05 && t->pace < MOST_AT_ONCE ? 2 * t->pace
              : seconds > 0.2 && t->pace > 1           ? t->pace / 2
                                                       : t->pace;
    *done = count;
    step += count - 1;
    int last = step == config->steps;
    int evaluated = last || step % config->eval_every == 0;
    if (evaluated)
        status = evaluate(t, step, &terms, &weights, error);
    int due = t->checkpoint_every > 0 ? step % t->checkpoint_every == 0 : evaluated;
    int stop = eer_signals_stop() && !last;
    if (status == EER_OK && (due || last || stop))
        status = save(t, error);
    eer_progress_step(&t->progress, step, &terms);
    return status == EER_OK && stop ? EER_STOPPED : status;
}

/* The step that failed, of those from `step` on, `done` of which were done before something else
 * failed; a backend that does several says how far it came. */
static int failing_step(struct eer_training *t, int step, int done)
{
    if (done > 0 || !t->backend->steps)
        return step + (done > 0 ? done - 1 : 0);
    t->backend->get(t->engine, &t->checkpoint.state);
    return t->checkpoint.state.step + 1;
}

static enum eer_status loop(struct eer_training *t, struct eer_error *error)
{
    int step = t->checkpoint.state.step + 1, done = 0;
    enum eer_status status = t->saved < 0 ? begin(t, error) : EER_OK;
    if (status != EER_OK)
        return at_step(t, 0, error);
    for (; step <= t->checkpoint.config.steps && status == EER_OK; step += done) {
        status = advance(t, step, &done, error);
        if (status != EER_OK && status != EER_STOPPED)
            return at_step(t, failing_step(t, step, done), error);
    }
    return status;
}

enum eer_status eer_training_run(struct eer_training *t, struct eer_error *error)
{
    struct eer_error ignored;
    struct eer_row last;
    int done = t->checkpoint.state.step;
    enum eer_status status =
        eer_metrics_open(&t->metrics, t->directory, t->saved < 0 ? -1 : done, &last, error);
    if (status != EER_OK)
        return status;
    t->before = last.seconds;
    t->begin = eer_seconds();
    t->counted_from = done;
    t->pace = 1;
    eer_progress_begin(&t->progress, t->quiet, done, t->checkpoint.config.steps);
    for (int i = 0; i < EER_PROGRESS_LENGTHS; i++)
        t->progress.accuracy[i] = last.accuracy[i];
    eer_signals_watch();
    status = loop(t, error);
    eer_signals_restore();
    eer_progress_end(&t->progress);
    eer_metrics_close(&t->metrics, status == EER_OK ? error : &ignored);
    return status;
}
