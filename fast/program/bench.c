/* bench.c - `eer bench`: whole training steps (draw, gradient, update) and whole evaluations, timed
 * length by length, beside the least time that their operations would take on this core. */
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
#include "execution.h"
#include "fail.h"
#include "operations.h"
#include "peak.h"
#include "schedule.h"

enum {
    CONFIGURATION,
    LENGTHS = CONFIGURATION + EER_CONFIGURATION_OPTIONS,
    EVAL_LENGTH,
    SECONDS,
    JSON,
    SERVE,
    EXECUTION,
};

static const struct eer_option options[] = {
    [CONFIGURATION] = EER_CONFIGURATION_ROWS,
    [LENGTHS] = {"lengths", "L,L,...", "of training sequences, at most 16 (default 16,40,64)"},
    [EVAL_LENGTH] = {"eval-length", "L", "of evaluated sequences; 0: none (default 1000)"},
    [SECONDS] = {"seconds", "N", "to measure for, 1 to 3600 (default 5)"},
    [JSON] = {"json", NULL, "print JSON"},
    [SERVE] = {"serve", NULL, "answer \"train L K\", \"eval L K\" and \"loss STEP\", a line each"},
    [EXECUTION] = EER_EXECUTION_ROWS,
    [EXECUTION + EER_EXECUTION_OPTIONS] = {NULL, NULL, NULL},
};

static const int default_lengths[] = {16, 40, 64};
enum { MOST_LENGTHS = 16, MOST_ROUNDS = 1001, LEAST_ROUNDS = 3 };

/* One row of the table: what is timed, and how long one step took in each round. */
struct job {
    int evaluation, L;
    int count; /* steps a round */
    double operations;
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
    struct job job[MOST_LENGTHS + 1];
    int jobs, rounds;
    double peak; /* fused multiply-adds a second of one thread, the best of all rounds */
};

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct bench *b = context;
    long long number = 0;
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
    case JSON:
        b->json = 1;
        return EER_OK;
    default:
        b->serve = 1;
        return EER_OK;
    }
}

static void add_job(struct bench *b, int evaluation, int L)
{
    const struct eer_config *c = &b->config;
    struct job *job = &b->job[b->jobs++];
    *job = (struct job){.evaluation = evaluation, .L = L};
    if (evaluation) {
        job->operations = eer_operations_evaluate(c, L, c->eval_sequences).all;
        return;
    }
    job->operations = eer_operations_train(c, L).all;
    if (L > b->train_length)
        b->train_length = L;
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
    for (int i = 0; status == EER_OK && i < b->lengths; i++)
        add_job(b, 0, b->length[i]);
    if (status == EER_OK && b->eval_length > 0)
        add_job(b, 1, b->eval_length);
    return status;
}

static enum eer_status open_engine(struct bench *b, struct eer_error *error)
{
    const struct eer_config *c = &b->config;
    struct eer_layout layout;
    eer_layout(c, &layout);
    eer_execution_settle(&b->arguments.execution);
    b->backend = eer_execution_backend(&b->arguments.execution);
    int longest = b->train_length > c->length_max ? b->train_length : c->length_max;
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

static void close_engine(struct bench *b)
{
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

static enum eer_status evaluation(struct bench *b, int L, struct eer_error *error)
{
    const struct eer_config *c = &b->config;
    struct eer_accuracy accuracy;
    b->eval.batch.L = L;
    b->backend->draw(c, c->seed, EER_DRAW_EVAL, L, &b->eval.batch);
    return eer_measure(b->backend, b->engine, c->vocab, c->loops, &b->eval, &accuracy, error);
}

static enum eer_status repeat(struct bench *b, int evaluating, int L, int count, double *seconds,
                              struct eer_error *error)
{
    enum eer_status status = EER_OK;
    double start = eer_seconds();
    for (int i = 0; i < count && status == EER_OK; i++)
        status = evaluating ? evaluation(b, L, error) : train_step(b, L, error);
    *seconds = eer_seconds() - start;
    return status;
}

/* Round robin: one burst of every job and of the peak's loop, again and again. */
static enum eer_status measure(struct bench *b, struct eer_error *error)
{
    const char *isa = b->backend->describe(b->engine);
    double seconds, begin = eer_seconds();
    for (int i = 0; i < b->jobs; i++) { /* the first steps touch memory for the first time */
        struct job *j = &b->job[i];
        enum eer_status status = repeat(b, j->evaluation, j->L, 1, &seconds, error);
        if (status == EER_OK)
            status = repeat(b, j->evaluation, j->L, 1, &seconds, error);
        if (status != EER_OK)
            return status;
        j->count = (int)fmin(1000, ceil(0.02 / seconds)); /* 20 ms or more a burst */
    }
    while (b->rounds < MOST_ROUNDS &&
           (b->rounds < LEAST_ROUNDS || eer_seconds() - begin < (double)b->seconds)) {
        for (int i = 0; i < b->jobs; i++) {
            struct job *j = &b->job[i];
            enum eer_status status = repeat(b, j->evaluation, j->L, j->count, &seconds, error);
            if (status != EER_OK)
                return status;
            j->ms[b->rounds] = 1e3 * seconds / j->count;
        }
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

static json_t *results(struct bench *b, double peak)
{
    json_t *rows = json_array();
    for (int i = 0; i < b->jobs; i++) {
        struct job *j = &b->job[i];
        double ms = median(j->ms, b->rounds);
        json_t *row =
            json_pack("{ss si sf sf sf}", "what", j->evaluation ? "eval" : "train", "length", j->L,
                      "ms", ms, "fastest_ms", j->ms[0], "operations", j->operations);
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

static enum eer_status report(struct bench *b, struct eer_error *error)
{
    /* In double there is no yardstick: the loop of peak.h is in single precision. */
    int known = b->arguments.execution.precision != EER_FP64;
    double peak = known ? b->peak * b->arguments.execution.threads : 0.0;
    const char *engine = b->backend->describe(b->engine);
    json_t *rows = results(b, peak);
    if (b->json) {
        json_t *whole = json_pack("{ss ss si sf so}", "backend", b->backend->name, "engine", engine,
                                  "rounds", b->rounds, "peak", b->peak, "results", rows);
        char *text = json_dumps(whole, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        json_decref(whole);
        if (!text)
            return eer_fail(error, EER_NO_MEMORY, "no memory for the results");
        puts(text);
        free(text);
        return EER_OK;
    }
    printf("%s (%s), medians of %d rounds\n", b->backend->name, engine, b->rounds);
    if (known)
        printf("this core's peak: %.0f GFLOP/s (%.1f thousand million fused multiply-adds a "
               "second)\n",
               2e-9 * b->peak, 1e-9 * b->peak);
    print_table(rows, b->config.batch, b->config.eval_sequences);
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
        status = take_options(b, argc, argv, error);
        if (status == EER_OK)
            status = open_engine(b, error);
        if (status == EER_OK && b->serve)
            status = serve(b, error);
        else if (status == EER_OK)
            status = measure(b, error);
        if (status == EER_OK && !b->serve)
            status = report(b, error);
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
        "threads), \"share\" the part of the measured time that this is.",
    .options = options,
    .run = run,
};
