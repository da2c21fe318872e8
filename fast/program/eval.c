/* eval.c - `eer eval`: a checkpoint's accuracy on fresh sequences of any length. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "fail.h"
#include "fresh.h"

enum { LENGTHS, SEQUENCES, SEED, LOOPS, JSON, EXECUTION };

static const struct eer_option options[] = {
    [LENGTHS] = {"lengths", "L,L,...", "lengths, 1 to 1000000 (default 10,100,1000)"},
    [SEQUENCES] = {"sequences", "N", "sequences of each length (default 100)"},
    [SEED] = {"seed", "N", "of the sequences (default: the run's)"},
    [LOOPS] = {"loops", "T", "iterations of the block (default: the run's)"},
    [JSON] = {"json", NULL, "print JSON"},
    [EXECUTION] = EER_EXECUTION_ROWS,
    [EXECUTION + EER_EXECUTION_OPTIONS] = {NULL, NULL, NULL},
};

enum { MOST_SEQUENCES = 1000000 };

struct arguments {
    const char *path;
    const char *lengths, *seed;
    long long sequences, loops; /* loops 0: the run's */
    int json;
    struct eer_execution execution;
};

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct arguments *a = context;
    switch (option) {
    case LENGTHS:
        a->lengths = value;
        return EER_OK;
    case SEQUENCES:
        return eer_parse_whole(value, 1, MOST_SEQUENCES, "--sequences", &a->sequences, error);
    case SEED:
        a->seed = value;
        return EER_OK;
    case LOOPS:
        return eer_parse_whole(value, 1, EER_MAX_LOOPS, "--loops", &a->loops, error);
    case JSON:
        a->json = 1;
        return EER_OK;
    default:
        return eer_execution_set(&a->execution, option - EXECUTION, value, error);
    }
}

static enum eer_status take_options(struct arguments *a, int argc, char **argv,
                                    struct eer_error *error)
{
    enum eer_status status = eer_options(options, argc, argv, take_option, a, error);
    if (status != EER_OK)
        return status;
    if (optind + 1 != argc)
        return eer_fail(error, EER_USAGE, "eval takes one checkpoint, but %d are given",
                        argc - optind);
    a->path = argv[optind];
    return EER_OK;
}

static enum eer_status request(const struct arguments *a, const struct eer_config *config,
                               struct eer_fresh *fresh, struct eer_error *error)
{
    *fresh = (struct eer_fresh){.seed = config->seed, .loops = config->loops};
    if (a->loops > 0)
        fresh->loops = (int)a->loops;
    enum eer_status status = eer_parse_list(a->lengths, 1, EER_MAX_EVAL_LENGTH, "--lengths",
                                            fresh->length, EER_FRESH_LENGTHS, &fresh->count, error);
    for (int i = 0; i < fresh->count; i++)
        fresh->sequences[i] = (int)a->sequences;
    if (status == EER_OK && a->seed)
        status = eer_parse_seed(a->seed, "--seed", &fresh->seed, error);
    return status;
}

static json_t *count_json(struct eer_count count)
{
    json_t *object =
        json_pack("{sI sI}", "right", (json_int_t)count.right, "positions", (json_int_t)count.all);
    json_t *accuracy =
        count.all > 0 ? json_real((double)count.right / (double)count.all) : json_null();
    json_object_set_new(object, "accuracy", accuracy);
    return object;
}

static json_t *accuracy_json(const struct eer_accuracy *a)
{
    json_t *object = json_pack("{si si}", "length", a->length, "sequences", a->sequences);
    json_t *all = count_json(a->positions);
    json_object_update(object, all);
    json_decref(all);
    json_object_set_new(object, "low", json_real(a->low));
    json_object_set_new(object, "high", json_real(a->high));
    json_object_set_new(object, "matched", count_json(a->matched));
    json_object_set_new(object, "no_match", count_json(a->unmatched));
    json_object_set_new(object, "seconds", json_real(a->seconds));
    return object;
}

static enum eer_status print_json(const struct arguments *a, const struct eer_checkpoint *c,
                                  const struct eer_fresh *fresh, struct eer_error *error)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)fresh->seed);
    json_t *lengths = json_array();
    for (int i = 0; i < fresh->measured; i++)
        json_array_append_new(lengths, accuracy_json(&fresh->accuracy[i]));
    json_t *object = json_pack("{ss si ss ss ss si so}", "checkpoint", a->path, "step",
                               c->state.step, "engine", fresh->engine, "seed", seed, "interval",
                               eer_fresh_note, "loops", fresh->loops, "lengths", lengths);
    if (!object)
        return eer_fail(error, EER_FORMAT, "%.300s: not UTF-8, which JSON needs", a->path);
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10));
    printf("\n");
    json_decref(object);
    return EER_OK;
}

static void print_table(const struct arguments *a, const struct eer_checkpoint *c,
                        const struct eer_fresh *fresh)
{
    printf("%s, step %d; %s; T = %d; sequences of seed %llu\n\n", a->path, c->state.step,
           fresh->engine, fresh->loops, (unsigned long long)fresh->seed);
    printf(
        " length  sequences   accuracy   95 %% interval          matched   no match    seconds\n");
    for (int i = 0; i < fresh->measured; i++) {
        const struct eer_accuracy *r = &fresh->accuracy[i];
        printf("%7d  %9d   %8.3f   [%8.3f, %8.3f]   %8.3f   %8.3f   %8.2f\n", r->length,
               r->sequences, eer_percent(r->positions), 100.0 * r->low, 100.0 * r->high,
               eer_percent(r->matched), eer_percent(r->unmatched), r->seconds);
    }
    printf("\nAccuracies in per cent. %s\n", eer_fresh_note);
}

static enum eer_status evaluate(struct arguments *a, const struct eer_checkpoint *c,
                                struct eer_error *error)
{
    struct eer_fresh fresh;
    enum eer_status status = request(a, &c->config, &fresh, error);
    if (status == EER_OK)
        status = eer_execution_follow(&a->execution, c, 0, error);
    if (status != EER_OK)
        return status;
    eer_execution_settle(&a->execution);
    status = eer_fresh_measure(&a->execution, c, &fresh, error);
    if (status != EER_OK)
        return status;
    if (a->json)
        return print_json(a, c, &fresh, error);
    print_table(a, c, &fresh);
    return EER_OK;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct arguments a = {.lengths = "10,100,1000", .sequences = 100};
    struct eer_checkpoint checkpoint;
    eer_execution_unset(&a.execution);
    enum eer_status status = take_options(&a, argc, argv, error);
    if (status == EER_OK)
        status = eer_checkpoint_read(a.path, &checkpoint, error);
    if (status != EER_OK)
        return status;
    status = evaluate(&a, &checkpoint, error);
    eer_checkpoint_free(&checkpoint);
    return status;
}

const struct eer_command eer_eval_command = {
    "eval",
    "CHECKPOINT",
    "Measure a checkpoint's accuracy on sequences that training never saw.",
    "Sequences follow from the seed and the length alone. \"matched\" are the positions whose\n"
    "token came before, \"no match\" the others.",
    options,
    run,
};
