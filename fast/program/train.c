/* train.c - `eer train`: options, the configuration they make, and a run from start to report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <getopt.h>

#include "begin.h"
#include "clock.h"
#include "closing.h"
#include "command.h"
#include "configuration.h"
#include "fail.h"
#include "pictures.h"
#include "signals.h"
#include "verified.h"

enum {
    CONFIGURATION,
    SEED = CONFIGURATION + EER_CONFIGURATION_OPTIONS,
    PRINT_CONFIG,
    RUN,
    EXECUTION = RUN + EER_RUN_OPTIONS
};

static const struct eer_option options[] = {
    [CONFIGURATION] = EER_CONFIGURATION_ROWS,
    [SEED] = {"seed", "N", "the same as --set seed=N"},
    [PRINT_CONFIG] = {"print-config", NULL, "print the whole configuration and do nothing"},
    [RUN + EER_RUN_STEPS] = {"steps", "N", "the same as --set steps=N"},
    [RUN + EER_RUN_OUT] = {"out", "DIR", "directory of the run (default runs/PRESET-SEED)"},
    [RUN + EER_RUN_RESUME] = {"resume", "[PATH]",
                              "continue the run in this directory or from this checkpoint"},
    [RUN + EER_RUN_FORCE] = {"force", NULL, "replace the run that is in the directory"},
    [RUN + EER_RUN_CHECKPOINT_EVERY] = {"checkpoint-every", "N",
                                        "steps (default: at each evaluation)"},
    [RUN +
        EER_RUN_QUIET] = {"quiet", NULL, "print errors only; no closing evaluation, no pictures"},
    [EXECUTION] = EER_EXECUTION_ROWS,
    [EXECUTION + EER_EXECUTION_OPTIONS] = {NULL, NULL, NULL},
};

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct eer_arguments *a = context;
    if (option == SEED)
        a->seed = value;
    else if (option == PRINT_CONFIG)
        a->print_config = 1;
    else
        return eer_begin_run_option(a, option, RUN, value, error);
    return EER_OK;
}

static enum eer_status take_options(struct eer_arguments *a, int argc, char **argv,
                                    struct eer_error *error)
{
    enum eer_status status = eer_options(options, argc, argv, take_option, a, error);
    if (status != EER_OK)
        return status;
    if (a->resuming && !a->resume && optind < argc)
        a->resume = argv[optind++];
    if (optind < argc)
        return eer_fail(error, EER_USAGE, "\"%.60s\": train takes options only", argv[optind]);
    if (a->resume && a->out)
        return eer_fail(error, EER_USAGE, "--resume %.200s says where the run is: leave out --out",
                        a->resume);
    return EER_OK;
}

static void say_first(const struct eer_arguments *a, const struct eer_training *t)
{
    const struct eer_checkpoint *c = &t->checkpoint;
    const char *preset = a->preset || t->saved >= 0 ? a->preset : "eer";
    printf("eer %s, %s (%s), %s%s%sseed %llu, %d parameters; verified: %s\n", eer_version(),
           t->backend->name, t->backend->describe(t->engine), preset ? "preset " : "",
           preset ? preset : "", preset ? ", " : "", (unsigned long long)c->config.seed,
           c->layout.size, c->verified);
    if (t->saved >= 0)
        printf("continuing %s after step %d of %d\n", t->directory, c->state.step, c->config.steps);
    else
        printf("writing to %s\n", t->directory);
    fflush(stdout);
}

/* The closing table and the pictures. */
static enum eer_status close_run(struct eer_training *t, double began, struct eer_error *error)
{
    enum eer_status status = eer_closing_table(&t->execution, &t->checkpoint, error);
    if (status != EER_OK)
        return status;
    printf("%.1f s in all; %s\n", eer_seconds() - began, t->path);
    return eer_pictures(t->directory, error);
}

static enum eer_status train(const struct eer_arguments *a, struct eer_training *t,
                             const struct eer_config *config, const char *named,
                             struct eer_error *error)
{
    double began = eer_seconds();
    enum eer_status status = eer_begin(a, config, named, t, error);
    if (status == EER_OK)
        status = eer_training_open(t, error);
    if (status == EER_OK && t->saved < 0) /* only now: what cannot run replaces nothing */
        status = eer_directory_start(t->directory, &t->checkpoint.config, error);
    if (status != EER_OK)
        return status;
    if (!a->quiet)
        say_first(a, t);
    eer_signals_watch();
    status = eer_training_run(&t, 1, error);
    eer_signals_restore();
    if (status == EER_STOPPED && !a->quiet)
        printf("stopped after step %d of %d; to continue: eer train --resume %s\n", t->saved,
               t->checkpoint.config.steps, t->directory);
    if (status == EER_OK && !a->quiet && !eer_signals_stop())
        status = close_run(t, began, error);
    return status;
}

static enum eer_status print_config(const struct eer_config *config)
{
    char text[EER_CONFIG_TEXT];
    eer_config_print(config, 1, text, sizeof text);
    fputs(text, stdout);
    return EER_OK;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct eer_arguments a = {0};
    struct eer_training t;
    struct eer_config config;
    char directory[EER_PATH], named[EER_PATH];
    memset(&t, 0, sizeof t);
    eer_execution_unset(&a.execution);
    a.set = calloc((size_t)argc, sizeof *a.set);
    if (!a.set)
        return eer_fail(error, EER_NO_MEMORY, "no memory for the command line");
    enum eer_status status = take_options(&a, argc, argv, error);
    if (status == EER_OK)
        status = eer_config_preset(&config, "eer", error);
    if (status == EER_OK)
        status = eer_begin_configure(&a, &config, error);
    if (status == EER_OK && a.print_config)
        status = print_config(&config);
    else if (status == EER_OK)
        status = eer_begin_paths(&a, &config, directory, named, error);
    if (status == EER_OK && !a.print_config) {
        t.execution = a.execution;
        t.directory = directory;
        t.checkpoint_every = a.checkpoint_every;
        t.quiet = a.quiet;
        status = train(&a, &t, &config, named, error);
        eer_training_close(&t);
        eer_checkpoint_free(&t.checkpoint);
    }
    free(a.set);
    return status;
}

const struct eer_command eer_train_command = {
    "train",
    "",
    "Train a model; show and save what comes of it.",
    "The directory holds config.conf, metrics.jsonl (a line for each evaluation),\n"
    "last.safetensors and, at the end, report.svg, report.png and report.gp. SIGINT and\n"
    "SIGTERM write a checkpoint and stop. A run that is resumed gives the same bits as one\n"
    "that was never stopped.",
    options,
    run,
};
