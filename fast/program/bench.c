/* bench.c - `eer bench`: whole training steps (draw, gradient, update) and whole evaluations, timed
 * length by length, beside the least time that their operations would take on this core, or on a
 * device of the backend cuda beside the times that predict.h expects. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accuracy.h"
#include "begin.h"
#include "clock.h"
#include "command.h"
#include "configuration.h"
#include "cuda.h"
#include "execution.h"
#include "fail.h"
#include "operations.h"
#include "peak.h"
#include "predict.h"
#include "schedule.h"

enum {
    CONFIGURATION,
    LENGTHS = CONFIGURATION + EER_CONFIGURATION_OPTIONS,
    EVAL_LENGTH,
    SECONDS,
    MODELS,
    DEVICE,
    JSON,
    SERVE,
    EXECUTION,
};

static const struct eer_option options[] = {
    [CONFIGURATION] = EER_CONFIGURATION_ROWS,
    [LENGTHS] = {"lengths", "L,L,...", "of training sequences, at most 16 (default 16,40,64)"},
    [EVAL_LENGTH] = {"eval-length", "L", "of evaluated sequences; 0: none (default 1000)"},
    [SECONDS] = {"seconds", "N", "to measure for, 1 to 3600 (default 5)"},
    [MODELS] = {"models", "N", "of a sweep, side by side on a GPU, 1 to 256 (default 64)"},
    [DEVICE] = {"device", EER_WORDS_device, "only predict backend cuda's times for this GPU"},
    [JSON] = {"json", NULL, "print JSON"},
    [SERVE] = {"serve", NULL, "answer \"train L K\", \"eval L K\" and \"loss STEP\", a line each"},
    [EXECUTION] = EER_EXECUTION_ROWS,
    [EXECUTION + EER_EXECUTION_OPTIONS] = {NULL, NULL, NULL},
};

static const int default_lengths[] = {16, 40, 64};
enum { MOST_LENGTHS = 16, MOST_ROUNDS = 1001, LEAST_ROUNDS = 3 };
enum { MOST_MODELS = 256, AT_ONCE = 50 }; /* steps in one call of a device's backend */

/* One row of the table: what is timed, and how long one step took in each round. */
struct job {
    int evaluation, L;
    int count; /* steps a round */
    double operations;
    int models;                  /* on a device: trained side by side */
    struct eer_engine **engines; /* each model's, on a device */
    struct eer_prediction predicted;
    double ms[MOST_ROUNDS];
};

struct bench {
    struct eer_arguments arguments;
    struct eer_config config;
    const struct eer_backend *backend;
    struct eer_engine *engine;
    struct eer_state state;
    struct eer_examples train, eval; /* room for the longest */
    double *gradient;
    int length[MOST_LENGTHS], lengths;
    int train_length, eval_length; /* the longest */
    int step;
    long long seconds;
    int json, serve;
    int models;
    int predict;                     /* predictions only */
    const struct eer_device *device; /* to predict for, or NULL */
    struct eer_terms *terms;         /* MOST_MODELS x AT_ONCE */
    struct job job[2 * MOST_LENGTHS + 1];
    int jobs, rounds;
    double peak; /* fused multiply-adds a second of one thread, the best of all rounds */
};

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct bench *b = context;
    long long number = 0;
    int place = 0;
    enum eer_status status;
    if (option < CONFIGURATION + EER_CONFIGURATION_OPTIONS)
        return eer_begin_option(&b->arguments, option - CONFIGURATION, value, error);
    if (option >= EXECUTION)
        return eer_execution_set(&b->arguments.execution, option - EXECUTION, value, error);
    switch (option) {
    case LENGTHS:
        return eer_parse_list(value, 1, EER_MAX_LENGTH, "--lengths", b->length, MOST_LENGTHS,
                              &b->lengths, error);
    case EVAL_LENGTH:
        status = eer_parse_whole(value, 0, EER_MAX_EVAL_LENGTH, "--eval-length", &number, error);
        b->eval_length = (int)number;
        return status;
    case SECONDS:
        return eer_parse_whole(value, 1, 3600, "--seconds", &b->seconds, error);
    case MODELS:
        status = eer_parse_whole(value, 1, MOST_MODELS, "--models", &number, error);
        b->models = (int)number;
        return status;
    case DEVICE:
        status = eer_parse_word(value, EER_WORDS_device, "--device", &place, error);
        b->device = status == EER_OK ? eer_device(place) : NULL;
        b->predict = 1;
        return status;
    case JSON:
        b->json = 1;
        return EER_OK;
    default:
        b->serve = 1;
        return EER_OK;
    }
}

static void add_job(struct bench *b, int evaluation, int L, int models)
{
    const struct eer_config *c = &b->config;
    struct job *job = &b->job[b->jobs++];
    *job = (struct job){.evaluation = evaluation, .L = L, .models = models};
    if (evaluation) {
        job->operations = eer_operations_evaluate(c, L, c->eval_sequences).all;
        return;
    }
    job->operations = models * eer_operations_train(c, L).all;
    if (L > b->train_length)
        b->train_length = L;
}

static enum eer_status choose_backend(struct bench *b, struct eer_error *error)
{
    struct eer_execution *e = &b->arguments.execution;
    const struct eer_execution unset = *e;
    eer_execution_settle(e);
    b->backend = eer_execution_backend(e);
    if (!b->predict)
        return EER_OK;
    if (unset.backend >= 0 && !b->backend->steps)
        return eer_fail(error, EER_USAGE, "--device is for --backend cuda");
    if (b->serve)
        return eer_fail(error, EER_USAGE, "--device predicts: there is nothing to --serve");
    if (e->precision != EER_FP32)
        return eer_fail(error, EER_USAGE, "--device predicts precision fp32 only");
    b->backend = &eer_cuda_backend;
    return EER_OK;
}

static enum eer_status take_options(struct bench *b, int argc, char **argv, struct eer_error *error)
{
    enum eer_status status = eer_options(options, argc, argv, take_option, b, error);
    if (status != EER_OK)
        return status;
    if (optind < argc)
        return eer_fail(error, EER_USAGE, "\"%.60s\": bench takes options only", argv[optind]);
    if (!b->arguments.preset)
        b->arguments.preset = "eer";
    eer_config_default(&b->config);
    status = eer_begin_configure(&b->arguments, &b->config, error);
    if (status == EER_OK)
        status = choose_backend(b, error);
    for (int i = 0; status == EER_OK && i < b->lengths; i++) {
        add_job(b, 0, b->length[i], 1);
        if (b->backend->steps && b->models > 1)
            add_job(b, 0, b->length[i], b->models);
    }
    if (status == EER_OK && b->eval_length > 0)
        add_job(b, 1, b->eval_length, 1);
    return status;
}

/* Of training, as a run of this configuration would announce it. */
static int longest_of(const struct bench *b)
{
    return b->train_length > b->config.length_max ? b->train_length : b->config.length_max;
}

static enum eer_status open_engine(struct bench *b, struct eer_error *error)
{
    const struct eer_config *c = &b->config;
    struct eer_layout layout;
    eer_layout(c, &layout);
    const int longest = longest_of(b);
    b->gradient = malloc((size_t)layout.size * sizeof(double));
    if (!b->gradient)
        return eer_fail(error, EER_NO_MEMORY, "no memory for %d gradients", layout.size);
    enum eer_status status = eer_state_new(c, &b->state, error);
    if (status == EER_OK)
        status = eer_examples_new(&b->train, c->batch, longest, error);
    if (status == EER_OK && b->eval_length > 0)
        status = eer_examples_new(&b->eval, c->eval_sequences, b->eval_length, error);
    if (status == EER_OK)
        status = eer_execution_open(&b->arguments.execution, c, longest, b->eval_length, &b->engine,
                                    error);
    if (status != EER_OK)
        return status;
    b->backend->init(c, &b->state);
    b->backend->put(b->engine, &b->state);
    return EER_OK;
}

/* Engines of a job on a device: as many models as it says, all steps of its length. */
static enum eer_status open_models(struct bench *b, struct job *job, struct eer_error *error)
{
    struct eer_config c = b->config;
    c.length_min = c.length_max = job->L;
    job->engines = calloc((size_t)job->models, sizeof(struct eer_engine *));
    if (!job->engines)
        return eer_fail(error, EER_NO_MEMORY, "no memory for %d models", job->models);
    for (int k = 0; k < job->models; k++, c.seed++) {
        enum eer_status status = eer_execution_open(&b->arguments.execution, &c, longest_of(b), 0,
                                                    &job->engines[k], error);
        if (status != EER_OK)
            return status;
        b->backend->init(&c, &b->state);
        b->backend->put(job->engines[k], &b->state);
        status = b->backend->check(job->engines[k], error);
        if (status != EER_OK)
            return status;
    }
    return EER_OK;
}

static void close_models(struct bench *b, struct job *job)
{
    for (int k = 0; job->engines && k < job->models; k++)
        b->backend->close(job->engines[k]);
    free(job->engines);
    job->engines = NULL;
}

/* Where the device has no room for many models, their row is left out. */
static enum eer_status open_device(struct bench *b, struct eer_error *error)
{
    int kept = 0;
    b->device = eer_device_of(b->backend->describe(b->engine));
    b->terms = malloc((size_t)MOST_MODELS * AT_ONCE * sizeof *b->terms);
    if (!b->terms)
        return eer_fail(error, EER_NO_MEMORY, "no memory for the terms of %d steps", AT_ONCE);
    for (int i = 0; i < b->jobs; i++) {
        struct job *job = &b->job[i];
        enum eer_status status = job->evaluation ? EER_OK : open_models(b, job, error);
        if (status == EER_NO_MEMORY && job->models > 1) {
            fprintf(stderr, "eer bench: without L = %d, %d models: %s\n", job->L, job->models,
                    error->text);
            close_models(b, job);
            continue;
        }
        if (status != EER_OK)
            return status;
        if (kept < i) {
            b->job[kept] = *job;
            job->engines = NULL;
        }
        kept++;
    }
    b->jobs = kept;
    return EER_OK;
}

static void predict(struct bench *b)
{
    const struct eer_config *c = &b->config;
    for (int i = 0; b->device && i < b->jobs; i++) {
        struct job *j = &b->job[i];
        j->predicted = j->evaluation
                           ? eer_predict_evaluate(c, b->device, j->L, c->eval_sequences)
                           : eer_predict_train(c, b->device, j->L, j->models, longest_of(b));
    }
}

static void close_engine(struct bench *b)
{
    for (int i = 0; i < b->jobs; i++)
        close_models(b, &b->job[i]);
    free(b->terms);
    if (b->engine)
        b->backend->close(b->engine);
    eer_examples_free(&b->train);
    eer_examples_free(&b->eval);
    eer_state_free(&b->state);
    free(b->gradient);
}

static enum eer_status train_step(struct bench *b, int L, struct eer_error *error)
{
    const struct eer_config *c = &b->config;
    int step = b->step++ % c->steps + 1;
    struct eer_weights weights = eer_weights_at(c, 1); /* the schedule must not switch a term off */
    struct eer_terms terms;
    b->train.batch.L = L;
    b->backend->draw(c, c->seed, EER_DRAW_TRAIN, step, &b->train.batch);
    enum eer_status status =
        b->backend->gradient(b->engine, &b->train.batch, &weights, &terms, NULL, error);
    if (status == EER_OK)
        b->backend->update(b->engine, eer_learning_rate(c, step));
    return status;
}

static enum eer_status repeat(struct bench *b, int evaluating, int L, int count, double *seconds,
                              struct eer_error *error)
{
    const struct eer_config *c = &b->config;
    const struct eer_examples *x = &b->eval;
    enum eer_status status = EER_OK;
    if (evaluating) { /* the predictions alone: drawing would be a third more on a GPU */
        b->eval.batch.L = L;
        b->backend->draw(c, c->seed, EER_DRAW_EVAL, L, &b->eval.batch);
    }
    double start = eer_seconds();
    for (int i = 0; i < count && status == EER_OK; i++)
        status = evaluating
                     ? b->backend->evaluate(b->engine, &x->batch, c->loops, x->predicted, error)
                     : train_step(b, L, error);
    *seconds = eer_seconds() - start;
    return status;
}

/* `count` steps of a job's models, as training does them: many in one call. */
static enum eer_status device_steps(struct bench *b, struct job *job, int count, double *seconds,
                                    struct eer_error *error)
{
    const struct eer_config *c = &b->config;
    struct eer_weights weights[AT_ONCE];
    double lr[AT_ONCE];
    enum eer_status status = EER_OK;
    double start = eer_seconds();
    for (int done = 0, now; done < count && status == EER_OK; done += now) {
        now = count - done < AT_ONCE ? count - done : AT_ONCE;
        for (int s = 0; s < now; s++) {
            weights[s] = eer_weights_at(c, 1);
            lr[s] = eer_learning_rate(c, b->step++ % c->steps + 1);
        }
        status = b->backend->steps(job->engines, job->models, now, weights, lr, b->terms, error);
    }
    *seconds = eer_seconds() - start;
    return status;
}

static enum eer_status burst(struct bench *b, struct job *job, int count, double *seconds,
                             struct eer_error *error)
{
    return job->engines ? device_steps(b, job, count, seconds, error)
                        : repeat(b, job->evaluation, job->L, count, seconds, error);
}

/* Round robin: one burst of every job and of the peak's loop, again and again. */
static enum eer_status measure(struct bench *b, struct eer_error *error)
{
    const char *isa = b->backend->describe(b->engine);
    double seconds, begin = eer_seconds();
    for (int i = 0; i < b->jobs; i++) { /* the first steps touch memory for the first time */
        struct job *j = &b->job[i];
        enum eer_status status = burst(b, j, 1, &seconds, error);
        if (status == EER_OK)
            status = burst(b, j, 1, &seconds, error);
        if (status != EER_OK)
            return status;
        j->count = (int)fmin(1000, ceil(0.02 / seconds)); /* 20 ms or more a burst */
    }
    while (b->rounds < MOST_ROUNDS &&
           (b->rounds < LEAST_ROUNDS || eer_seconds() - begin < (double)b->seconds)) {
        for (int i = 0; i < b->jobs; i++) {
            struct job *j = &b->job[i];
            enum eer_status status = burst(b, j, j->count, &seconds, error);
            if (status != EER_OK)
                return status;
            j->ms[b->rounds] = 1e3 * seconds / j->count;
        }
        if (!b->backend->steps)
            b->peak = fmax(b->peak, eer_peak(isa, 0.005));
        b->rounds++;
    }
    return EER_OK;
}

static int ascending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* What is predicted of a job, if there is a prediction: a row's members. */
static void add_prediction(json_t *row, const struct job *j)
{
    const struct eer_prediction *p = &j->predicted;
    const struct eer_block *k = &p->block;
    char bound[16];
    if (!(p->ms > 0.0))
        return;
    eer_word(EER_WORDS_bound, (int)p->bound, bound);
    json_t *block = json_pack("{si si sI sf sf sf sf sf sf sf sf}", "threads", k->threads,
                              "barriers", k->barriers, "shared_bytes", (json_int_t)k->shared,
                              "instructions", k->instructions, "wavefronts", k->wavefronts, "fp32",
                              k->fp32, "exponentials", k->exps, "roots", k->roots, "global_bytes",
                              k->global, "least_clocks", k->least, "alone_clocks", k->alone);
    json_t *whole = json_pack("{sf sf ss si si si so}", "predicted_ms", p->ms, "predicted_floor_ms",
                              p->floor_ms, "bound", bound, "launches", p->launches, "blocks",
                              p->blocks, "resident", p->resident, "block", block);
    json_object_update(row, whole);
    json_decref(whole);
}

static json_t *results(struct bench *b, double peak)
{
    json_t *rows = json_array();
    for (int i = 0; i < b->jobs; i++) {
        struct job *j = &b->job[i];
        json_t *row =
            json_pack("{ss si}", "what", j->evaluation ? "eval" : "train", "length", j->L);
        double ms = 0.0;
        if (!b->predict) {
            ms = median(j->ms, b->rounds);
            json_object_set_new(row, "ms", json_real(ms));
            json_object_set_new(row, "fastest_ms", json_real(j->ms[0]));
        }
        json_object_set_new(row, "operations", json_real(j->operations));
        if (b->backend->steps)
            json_object_set_new(row, "models", json_integer(j->models));
        add_prediction(row, j);
        if (peak > 0.0) {
            double floor = 1e3 * j->operations / peak;
            json_object_set_new(row, "floor_ms", json_real(floor));
            json_object_set_new(row, "share", json_real(floor / ms));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

static void print_table(const json_t *rows, int train, int eval)
{
    printf("\n%-8s%6s%6s%12s%12s%12s\n", "", "B", "L", "ms", "floor ms", "share");
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *what = json_string_value(json_object_get(row, "what"));
        json_t *floor = json_object_get(row, "floor_ms");
        printf("%-8s%6d%6d%12.3f", what, strcmp(what, "eval") == 0 ? eval : train,
               (int)json_integer_value(json_object_get(row, "length")),
               json_real_value(json_object_get(row, "ms")));
        if (floor)
            printf("%12.3f%10.1f %%", json_real_value(floor),
                   100 * json_real_value(json_object_get(row, "share")));
        printf("\n");
    }
}

/* A number of a row, or "-" where it has none. */
static void print_number(const json_t *row, const char *key, int width, int digits)
{
    const json_t *number = json_object_get(row, key);
    if (number)
        printf("%*.*f", width, digits, json_number_value(number));
    else
        printf("%*s", width, "-");
}

static void print_device_table(const struct bench *b, const json_t *rows)
{
    const struct eer_config *c = &b->config;
    size_t i;
    int missing = 0;
    json_t *row;
    printf("\n%-6s%5s%6s%8s%11s%14s%10s%8s  %s\n", "", "B", "L", "models", "ms", "predicted ms",
           "floor ms", "share", "bound");
    json_array_foreach(rows, i, row)
    {
        const char *what = json_string_value(json_object_get(row, "what"));
        const char *bound = json_string_value(json_object_get(row, "bound"));
        const double ms = json_real_value(json_object_get(row, "ms"));
        missing += !json_object_get(row, "predicted_ms");
        printf("%-6s%5d", what, strcmp(what, "eval") == 0 ? c->eval_sequences : c->batch);
        print_number(row, "length", 6, 0);
        print_number(row, "models", 8, 0);
        print_number(row, "ms", 11, 3);
        print_number(row, "predicted_ms", 14, 3);
        print_number(row, "predicted_floor_ms", 10, 3);
        if (ms > 0.0 && bound)
            printf("%6.1f %%",
                   100 * json_real_value(json_object_get(row, "predicted_floor_ms")) / ms);
        else
            printf("%8s", "-");
        printf("  %s\n", bound ? bound : "-");
    }
    if (b->device && missing > 0)
        printf("-: no counts: training by cuBLAS, and evaluation unless d = 8\n");
    if (b->device && c->d != 8 && missing < (int)json_array_size(rows))
        printf("d = %d: scaled from counts at d = 8, whose rows are read faster: too low\n", c->d);
}

/* Of a block of the largest kernel, what the predictions are made of. */
static void print_blocks(const json_t *rows)
{
    static const char *const key[] = {
        "threads",      "barriers", "shared_bytes", "instructions", "wavefronts",  "fp32",
        "exponentials", "roots",    "global_bytes", "least_clocks", "alone_clocks"};
    size_t i;
    json_t *row;
    printf("\na block:\n%-6s%6s%8s%9s%8s%13s%11s%11s%10s%8s%8s%10s%10s%9s\n", "", "L", "threads",
           "barriers", "shared", "instructions", "wavefronts", "fp32", "exps", "roots", "global",
           "least", "alone", "resident");
    json_array_foreach(rows, i, row)
    {
        static const int width[] = {8, 9, 8, 13, 11, 11, 10, 8, 8, 10, 10};
        const json_t *block = json_object_get(row, "block");
        if (!block || json_integer_value(json_object_get(row, "models")) > 1)
            continue;
        printf("%-6s", json_string_value(json_object_get(row, "what")));
        print_number(row, "length", 6, 0);
        for (size_t k = 0; k < sizeof key / sizeof *key; k++)
            print_number(block, key[k], width[k], 0);
        print_number(row, "resident", 9, 0);
        printf("\n");
    }
}

static enum eer_status print_json(json_t *whole, struct eer_error *error)
{
    char *text = json_dumps(whole, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(whole);
    if (!text)
        return eer_fail(error, EER_NO_MEMORY, "no memory for the results");
    puts(text);
    free(text);
    return EER_OK;
}

static enum eer_status report_prediction(struct bench *b, struct eer_error *error)
{
    json_t *rows = results(b, 0.0);
    if (b->json)
        return print_json(json_pack("{ss ss so}", "backend", b->backend->name, "predicted_for",
                                    b->device->match, "results", rows),
                          error);
    printf("%s, fp32, on %s: predicted, not measured (spec/cuda.md)\n", b->backend->name,
           b->device->match);
    print_device_table(b, rows);
    print_blocks(rows);
    json_decref(rows);
    return EER_OK;
}

static enum eer_status report(struct bench *b, struct eer_error *error)
{
    /* In double there is no yardstick: the loop of peak.h is in single precision. */
    int known = b->arguments.execution.precision != EER_FP64 && !b->backend->steps;
    double peak = known ? b->peak * b->arguments.execution.threads : 0.0;
    const char *engine = b->backend->describe(b->engine);
    json_t *rows = results(b, peak);
    if (b->json)
        return print_json(json_pack("{ss ss si sf so}", "backend", b->backend->name, "engine",
                                    engine, "rounds", b->rounds, "peak", b->peak, "results", rows),
                          error);
    printf("%s (%s), medians of %d rounds\n", b->backend->name, engine, b->rounds);
    if (known)
        printf("this core's peak: %.0f GFLOP/s (%.1f thousand million fused multiply-adds a "
               "second)\n",
               2e-9 * b->peak, 1e-9 * b->peak);
    if (!b->backend->steps) {
        print_table(rows, b->config.batch, b->config.eval_sequences);
    } else {
        if (!b->device)
            printf("no figures of this device: nothing is predicted for it\n");
        print_device_table(b, rows);
    }
    json_decref(rows);
    return EER_OK;
}

/* The loss and the gradient's norm of a training step at the initial parameters, so that whoever
 * compares times can first see that the same thing is computed. */
static enum eer_status answer_loss(struct bench *b, int step, struct eer_error *error)
{
    const struct eer_config *c = &b->config;
    struct eer_layout layout;
    struct eer_weights weights = eer_weights_at(c, step);
    struct eer_terms terms;
    double squares = 0.0;
    eer_layout(c, &layout);
    b->backend->init(c, &b->state);
    b->backend->put(b->engine, &b->state);
    b->train.batch.L = b->backend->length(c, step);
    b->backend->draw(c, c->seed, EER_DRAW_TRAIN, step, &b->train.batch);
    enum eer_status status =
        b->backend->gradient(b->engine, &b->train.batch, &weights, &terms, b->gradient, error);
    if (status != EER_OK)
        return status;
    for (int i = 0; i < layout.size; i++)
        squares += b->gradient[i] * b->gradient[i];
    printf("%.9g %.9g\n", terms.total, sqrt(squares));
    return EER_OK;
}

static enum eer_status answer(struct bench *b, const char *line, struct eer_error *error)
{
    char what[8], rest;
    int first, count, longest;
    int fields = sscanf(line, "%7s %d %d %c", what, &first, &count, &rest);
    if (fields == 2 && strcmp(what, "loss") == 0 && first >= 1 && first <= b->config.steps)
        return answer_loss(b, first, error);
    int evaluating = fields == 3 && strcmp(what, "eval") == 0;
    if (!evaluating && (fields != 3 || strcmp(what, "train") != 0))
        return eer_fail(error, EER_USAGE,
                        "\"%.60s\": expected \"train L K\", \"eval L K\" or \"loss STEP\"", line);
    longest = evaluating ? b->eval_length : b->train_length;
    if (first < 1 || first > longest || count < 1)
        return eer_fail(error, EER_USAGE, "\"%.60s\": expected a length from 1 to %d and a count",
                        line, longest);
    double seconds;
    enum eer_status status = repeat(b, evaluating, first, count, &seconds, error);
    if (status == EER_OK)
        printf("%.9f\n", seconds);
    return status;
}

static enum eer_status serve(struct bench *b, struct eer_error *error)
{
    char line[128];
    enum eer_status status = EER_OK;
    while (status == EER_OK && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        status = answer(b, line, error);
        fflush(stdout);
    }
    return status;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct bench *b = calloc(1, sizeof *b);
    char **sets = calloc((size_t)argc, sizeof *sets);
    enum eer_status status = EER_NO_MEMORY;
    if (!b || !sets) {
        eer_fail(error, status, "no memory to begin with");
    } else {
        eer_execution_unset(&b->arguments.execution);
        b->arguments.set = sets;
        memcpy(b->length, default_lengths, sizeof default_lengths);
        b->lengths = sizeof default_lengths / sizeof *default_lengths;
        b->eval_length = 1000;
        b->seconds = 5;
        b->models = 64;
        status = take_options(b, argc, argv, error);
        if (status == EER_OK && !b->predict)
            status = open_engine(b, error);
        if (status == EER_OK && !b->predict && !b->serve && b->backend->steps)
            status = open_device(b, error);
        if (status == EER_OK && b->arguments.execution.precision == EER_FP32)
            predict(b);
        if (status == EER_OK && b->serve)
            status = serve(b, error);
        else if (status == EER_OK && !b->predict)
            status = measure(b, error);
        if (status == EER_OK && !b->serve)
            status = b->predict ? report_prediction(b, error) : report(b, error);
        close_engine(b);
    }
    free(sets);
    free(b);
    return status;
}

const struct eer_command eer_bench_command = {
    .name = "bench",
    .operands = "",
    .summary = "Time training steps and evaluations on this machine.",
    .details =
        "A training step is everything: drawing the batch, gradient, update. \"floor\" is the "
        "time\n"
        "that the least number of operations would take at this core's peak rate (times the\n"
        "threads), \"share\" the part of the measured time that this is. On a GPU both floor and\n"
        "prediction are those of spec/cuda.md; --device predicts without one.",
    .options = options,
    .run = run,
};
