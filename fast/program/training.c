#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fail.h"
#include "schedule.h"
#include "signals.h"

enum { MOST_AT_ONCE = 256 }; /* steps that a backend does by itself */

/* The models of a run, and those of them that do the next steps. */
struct group {
    struct eer_training *const *all;
    int models;
    struct eer_training **now;   /* all at one step */
    struct eer_engine **engines; /* theirs */
    int count;
    int room;                /* steps to where the next model is, or the end */
    struct eer_terms *terms; /* models x MOST_AT_ONCE */
    int pace;                /* steps in one call, where a backend does several */
    struct eer_progress progress;
};

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
    t->engine = NULL;
    for (int i = 0; i < EER_PROGRESS_LENGTHS; i++)
        eer_examples_free(&t->progress_set[i]);
    free(t->batch.tokens);
    free(t->batch.labels);
    t->batch.tokens = t->batch.labels = NULL;
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

/* The terms of the next step's batch at the present parameters; the engine keeps the gradient. */
static enum eer_status look(struct eer_training *t, struct eer_error *error)
{
    const struct eer_config *config = &t->checkpoint.config;
    const int step = t->step + 1;
    t->weights = eer_weights_at(config, step);
    t->batch.L = t->backend->length(config, step);
    t->backend->draw(config, config->seed, EER_DRAW_TRAIN, step, &t->batch);
    return t->backend->gradient(t->engine, &t->batch, &t->weights, &t->terms, NULL, error);
}

static enum eer_status do_step(struct eer_training *t, struct eer_error *error)
{
    enum eer_status status = look(t, error);
    if (status != EER_OK)
        return status;
    t->step++;
    t->backend->update(t->engine, eer_learning_rate(&t->checkpoint.config, t->step));
    return EER_OK;
}

/* Evaluates after the steps done and writes the row. */
static enum eer_status evaluate(struct eer_training *t, struct eer_error *error)
{
    const struct eer_config *config = &t->checkpoint.config;
    struct eer_row row = {.step = t->step,
                          .length = t->batch.L,
                          .terms = t->terms,
                          .weights = t->weights,
                          .lr = eer_learning_rate(config, t->step > 0 ? t->step : 1)};
    for (int i = 0; i < EER_PROGRESS_LENGTHS; i++) {
        struct eer_accuracy accuracy;
        enum eer_status status = eer_measure(t->backend, t->engine, config->vocab, config->loops,
                                             &t->progress_set[i], &accuracy, error);
        if (status != EER_OK)
            return status;
        row.accuracy[i] = eer_percent(accuracy.positions);
    }
    row.seconds = t->before + eer_seconds() - t->begin;
    if (t->step > t->counted_from)
        row.steps_per_second = (t->step - t->counted_from) / t->stepping;
    t->stepping = 0.0;
    t->counted_from = t->step;
    t->row = row;
    return eer_metrics_write(&t->metrics, &row, error);
}

/* Does `what` for those of g->now that have not stopped; step: where an error is said to be. One
 * that is not finite stops there, all other errors are the run's. */
static enum eer_status each(struct group *g, int step,
                            enum eer_status what(struct eer_training *, struct eer_error *),
                            struct eer_error *error)
{
    for (int k = 0; k < g->count; k++) {
        struct eer_training *t = g->now[k];
        if (t->error.status != EER_OK || what(t, error) == EER_OK)
            continue;
        if (at_step(t, step, error) != EER_NOT_FINITE)
            return error->status;
        t->error = *error;
    }
    return EER_OK;
}

/* What progress shows: means over g->now, and the worst accuracies. 0: all have stopped. */
static int means(const struct group *g, struct eer_row *mean, double worst[EER_PROGRESS_LENGTHS])
{
    int count = 0;
    memset(mean, 0, sizeof *mean);
    for (int k = 0; k < g->count; k++)
        count += g->now[k]->error.status == EER_OK;
    for (int i = 0; i < EER_PROGRESS_LENGTHS; i++)
        worst[i] = 100.0;
    for (int k = 0; k < g->count; k++) {
        const struct eer_training *t = g->now[k];
        if (t->error.status != EER_OK)
            continue;
        mean->step = t->step;
        mean->terms.total += t->terms.total / count;
        mean->terms.task += t->terms.task / count;
        mean->terms.entropy += t->terms.entropy / count;
        mean->terms.potential += t->terms.potential / count;
        mean->terms.kinetic += t->terms.kinetic / count;
        mean->steps_per_second += t->row.steps_per_second / count;
        for (int i = 0; i < EER_PROGRESS_LENGTHS; i++) {
            mean->accuracy[i] += t->row.accuracy[i] / count;
            worst[i] = fmin(worst[i], t->row.accuracy[i]);
        }
    }
    return count;
}

static enum eer_status evaluate_all(struct group *g, int step, struct eer_error *error)
{
    struct eer_row mean;
    enum eer_status status = each(g, step, evaluate, error);
    if (status == EER_OK && means(g, &mean, g->progress.worst) > 0)
        eer_progress_row(&g->progress, &mean);
    return status;
}

/* The step 0 of those that have no checkpoint yet. */
static enum eer_status begin(struct group *g, struct eer_error *error)
{
    g->count = 0;
    for (int k = 0; k < g->models; k++)
        if (g->all[k]->saved < 0)
            g->now[g->count++] = g->all[k];
    enum eer_status status = each(g, 0, look, error);
    if (status == EER_OK)
        status = evaluate_all(g, 0, error);
    return status == EER_OK ? each(g, 0, save, error) : status;
}

/* Who does the next steps. 0: no one, all have stopped or are at the end. */
static int choose(struct group *g)
{
    const int steps = g->all[0]->checkpoint.config.steps;
    int least = steps, next = steps;
    for (int k = 0; k < g->models; k++)
        if (g->all[k]->error.status == EER_OK && g->all[k]->step < least)
            least = g->all[k]->step;
    g->count = 0;
    for (int k = 0; k < g->models && least < steps; k++) {
        struct eer_training *t = g->all[k];
        if (t->error.status == EER_OK && t->step == least) {
            g->engines[g->count] = t->engine;
            g->now[g->count++] = t;
        } else if (t->error.status == EER_OK && t->step < next)
            next = t->step;
    }
    g->room = next - least;
    return g->count;
}

/* How many steps after `step` the backend may do by itself: to the next evaluation, checkpoint,
 * model or end, and so few that progress shows and a signal is answered. */
static int steps_at_once(const struct group *g, int step)
{
    const struct eer_training *t = g->now[0];
    const int every[] = {t->checkpoint.config.eval_every, t->checkpoint_every};
    int count = g->room;
    if (!t->backend->steps)
        return 1;
    for (int k = 0; k < 2; k++)
        if (every[k] > 0 && every[k] - step % every[k] < count)
            count = every[k] - step % every[k];
    return count < g->pace ? count : g->pace;
}

/* `count` steps after `step` in one call; terms and weights are the last one's. */
static enum eer_status do_steps(struct group *g, int step, int count, struct eer_error *error)
{
    const struct eer_backend *backend = g->now[0]->backend;
    struct eer_weights plan[MOST_AT_ONCE];
    double lr[MOST_AT_ONCE];
    for (int s = 0; s < count; s++) {
        plan[s] = eer_weights_at(&g->now[0]->checkpoint.config, step + 1 + s);
        lr[s] = eer_learning_rate(&g->now[0]->checkpoint.config, step + 1 + s);
    }
    enum eer_status status = backend->steps(g->engines, g->count, count, plan, lr, g->terms, error);
    struct eer_error inner = {EER_OK, ""};
    if (status != EER_OK)
        inner = *error;
    for (int k = 0; k < g->count; k++) {
        struct eer_training *t = g->now[k];
        t->step = step + count;
        t->terms = g->terms[k * count + count - 1];
        t->weights = plan[count - 1];
        t->batch.L = backend->length(&t->checkpoint.config, step + count);
        if (status == EER_OK)
            continue;
        backend->get(t->engine, &t->checkpoint.state); /* says how far it came */
        t->step = t->checkpoint.state.step;
        *error = inner;
        if (status != EER_NOT_FINITE)
            return at_step(t, t->step + 1, error);
        if (t->step < step + count) {
            at_step(t, t->step + 1, error);
            t->error = *error;
        }
    }
    return EER_OK;
}

/* The steps that g->now does in one call, and what is due after them. */
static enum eer_status advance(struct group *g, struct eer_error *error)
{
    const struct eer_training *lead = g->now[0];
    const struct eer_config *config = &lead->checkpoint.config;
    const int first = lead->step, count = steps_at_once(g, first), step = first + count;
    double start = eer_seconds();
    enum eer_status status =
        lead->backend->steps ? do_steps(g, first, count, error) : each(g, step, do_step, error);
    if (status != EER_OK)
        return status;
    double seconds = eer_seconds() - start;
    for (int k = 0; k < g->count; k++)
        g->now[k]->stepping += seconds;
    g->pace = seconds < 0.05 && g->pace < MOST_AT_ONCE ? 2 * g->pace
              : seconds > 0.2 && g->pace > 1           ? g->pace / 2
                                                       : g->pace;
    int last = step == config->steps;
    int evaluated = last || step % config->eval_every == 0;
    if (evaluated)
        status = evaluate_all(g, step, error);
    int due = lead->checkpoint_every > 0 ? step % lead->checkpoint_every == 0 : evaluated;
    int stop = eer_signals_stop() && !last;
    if (status == EER_OK && (due || last || stop))
        status = each(g, step, save, error);
    struct eer_row mean;
    double worst[EER_PROGRESS_LENGTHS];
    if (means(g, &mean, worst) > 0)
        eer_progress_step(&g->progress, step, &mean.terms);
    return status == EER_OK && stop ? EER_STOPPED : status;
}

static enum eer_status loop(struct group *g, struct eer_error *error)
{
    enum eer_status status = begin(g, error);
    while (status == EER_OK && choose(g) > 0)
        status = advance(g, error);
    if ((status != EER_OK && status != EER_STOPPED) || choose(g) > 0)
        return status;
    for (int k = 0; k < g->models; k++)
        if (g->all[k]->error.status != EER_OK) {
            *error = g->all[k]->error;
            return error->status;
        }
    return status;
}

static enum eer_status take_group(struct group *g, struct eer_error *error)
{
    size_t models = (size_t)g->models;
    g->now = calloc(models, sizeof *g->now);
    g->engines = calloc(models, sizeof *g->engines);
    g->terms = calloc(models * MOST_AT_ONCE, sizeof *g->terms);
    if (!g->now || !g->engines || !g->terms)
        return eer_fail(error, EER_NO_MEMORY, "no memory for %d models", g->models);
    g->pace = 1;
    return EER_OK;
}

/* From where the checkpoint is. */
static enum eer_status prepare(struct eer_training *t, struct eer_error *error)
{
    t->step = t->counted_from = t->checkpoint.state.step;
    enum eer_status status =
        eer_metrics_open(&t->metrics, t->directory, t->saved < 0 ? -1 : t->step, &t->row, error);
    t->before = t->row.seconds;
    t->begin = eer_seconds();
    return status;
}

static void begin_progress(struct group *g)
{
    struct eer_row mean;
    if (choose(g) == 0)
        g->now[g->count++] = g->all[0];
    eer_progress_begin(&g->progress, g->now[0]->quiet, g->now[0]->step,
                       g->now[0]->checkpoint.config.steps, g->models);
    means(g, &mean, g->progress.worst);
    memcpy(g->progress.accuracy, mean.accuracy, sizeof mean.accuracy);
}

enum eer_status eer_training_run(struct eer_training *const *all, int models,
                                 struct eer_error *error)
{
    struct group g = {.all = all, .models = models};
    struct eer_error ignored;
    int opened = 0;
    enum eer_status status = take_group(&g, error);
    while (status == EER_OK && opened < models) {
        status = prepare(all[opened], error);
        opened += status == EER_OK;
    }
    if (status == EER_OK) {
        begin_progress(&g);
        status = loop(&g, error);
        eer_progress_end(&g.progress);
    }
    for (int k = 0; k < opened; k++)
        eer_metrics_close(&all[k]->metrics, status == EER_OK ? error : &ignored);
    free(g.now);
    free(g.engines);
    free(g.terms);
    return status;
}
