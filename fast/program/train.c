/* train.c - `eer train`: options, the configuration they make, and a run from start to report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <getopt.h>
#include <sys/stat.h>

#include "clock.h"
#include "closing.h"
#include "command.h"
#include "configuration.h"
#include "fail.h"
#include "pictures.h"
#include "signals.h"
#include "training.h"
#include "verified.h"

enum {
    PRESET,
    CONFIG,
    SET,
    SEED,
    STEPS,
    OUT,
    RESUME,
    FORCE,
    CHECKPOINT_EVERY,
    PRINT_CONFIG,
    QUIET,
    EXECUTION
};

static const struct eer_option options[] = {
    [PRESET] = {"preset", "NAME", "paper, reproduction, eer or ce (default eer)"},
    [CONFIG] = {"config", "FILE", "lines \"key = value\", applied over the preset"},
    [SET] = {"set", "KEY=VALUE", "one key, applied last; may be repeated"},
    [SEED] = {"seed", "N", "the same as --set seed=N"},
    [STEPS] = {"steps", "N", "the same as --set steps=N"},
    [OUT] = {"out", "DIR", "directory of the run (default runs/PRESET-SEED)"},
    [RESUME] = {"resume", "[PATH]", "continue the run in this directory or from this checkpoint"},
    [FORCE] = {"force", NULL, "replace the run that is in the directory"},
    [CHECKPOINT_EVERY] = {"checkpoint-every", "N", "steps (default: at each evaluation)"},
    [PRINT_CONFIG] = {"print-config", NULL, "print the whole configuration and do nothing"},
    [QUIET] = {"quiet", NULL, "print errors only; no closing evaluation, no pictures"},
    [EXECUTION] = EER_EXECUTION_ROWS,
    [EXECUTION + EER_EXECUTION_OPTIONS] = {NULL, NULL, NULL},
};

struct arguments {
    const char *preset, *config, *out, *resume; /* NULL: not given */
    const char *seed, *steps;
    char **set;
    int sets;
    int resuming, force, print_config, quiet, checkpoint_every;
    struct eer_execution execution;
};

static enum eer_status take_option(struct arguments *a, int option, const char *value,
                                   struct eer_error *error)
{
    long long number = 0;
    enum eer_status status;
    switch (option) {
    case PRESET:
        a->preset = value;
        return EER_OK;
    case CONFIG:
        a->config = value;
        return EER_OK;
    case SET:
        if (!strchr(value, '='))
            return eer_fail(error, EER_USAGE, "--set %.60s: expected KEY=VALUE", value);
        a->set[a->sets++] = (char *)value;
        return EER_OK;
    case SEED:
        a->seed = value;
        return EER_OK;
    case STEPS:
        a->steps = value;
        return EER_OK;
    case OUT:
        a->out = value;
        return EER_OK;
    case RESUME:
        a->resuming = 1;
        a->resume = value;
        return EER_OK;
    case CHECKPOINT_EVERY:
        status = eer_parse_whole(value, 1, EER_MAX_STEPS, "--checkpoint-every", &number, error);
        a->checkpoint_every = (int)number;
        return status;
    case FORCE:
        a->force = 1;
        return EER_OK;
    case PRINT_CONFIG:
        a->print_config = 1;
        return EER_OK;
    case QUIET:
        a->quiet = 1;
        return EER_OK;
    default:
        return eer_execution_set(&a->execution, option - EXECUTION, value, error);
    }
}

static enum eer_status take_options(struct arguments *a, int argc, char **argv,
                                    struct eer_error *error)
{
    const char *value = NULL;
    int option;
    while ((option = eer_option_next(options, argc, argv, &value, error)) >= 0) {
        enum eer_status status = take_option(a, option, value, error);
        if (status != EER_OK)
            return status;
    }
    if (option == EER_OPTION_ERROR)
        return EER_USAGE;
    if (a->resuming && !a->resume && optind < argc)
        a->resume = argv[optind++];
    if (optind < argc)
        return eer_fail(error, EER_USAGE, "\"%.60s\": train takes options only", argv[optind]);
    if (a->resume && a->out)
        return eer_fail(error, EER_USAGE, "--resume %.200s says where the run is: leave out --out",
                        a->resume);
    return EER_OK;
}

/* Applies what the command line says of the configuration: preset, file, then single keys. */
static enum eer_status configure(const struct arguments *a, struct eer_config *config,
                                 struct eer_error *error)
{
    enum eer_status status = EER_OK;
    if (a->preset)
        status = eer_config_preset(config, a->preset, error);
    if (status == EER_OK && a->config)
        status = eer_config_load(config, a->config, error);
    if (status == EER_OK && a->seed)
        status = eer_config_set(config, "seed", a->seed, "--seed", error);
    if (status == EER_OK && a->steps)
        status = eer_config_set(config, "steps", a->steps, "--steps", error);
    for (int i = 0; i < a->sets && status == EER_OK; i++) {
        char key[64];
        size_t length = strcspn(a->set[i], "=");
        snprintf(key, sizeof key, "%.*s", length < sizeof key ? (int)length : (int)sizeof key - 1,
                 a->set[i]);
        status = eer_config_set(config, key, a->set[i] + length + 1, "--set", error);
    }
    return status == EER_OK ? eer_config_check(config, error) : status;
}

/* What was configured when the run began must be what the command line says, if it says anything.
 */
static enum eer_status agree(const struct arguments *a, const struct eer_config *began,
                             struct eer_error *error)
{
    struct eer_config now = *began;
    char then_text[EER_CONFIG_TEXT], now_text[EER_CONFIG_TEXT];
    enum eer_status status = configure(a, &now, error);
    if (status != EER_OK)
        return status;
    eer_config_print(began, 0, then_text, sizeof then_text);
    eer_config_print(&now, 0, now_text, sizeof now_text);
    const char *x = then_text, *y = now_text;
    for (; *x && *y; x += strcspn(x, "\n") + 1, y += strcspn(y, "\n") + 1) {
        int length_x = (int)strcspn(x, "\n"), length_y = (int)strcspn(y, "\n");
        if (length_x != length_y || strncmp(x, y, (size_t)length_x) != 0)
            return eer_fail(error, EER_USAGE,
                            "the run was started with %.*s and cannot continue with %.*s", length_x,
                            x, length_y, y);
    }
    return EER_OK;
}

static int is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The directory of a checkpoint's path. */
static void directory_of(const char *path, char directory[EER_PATH])
{
    snprintf(directory, EER_PATH, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash == directory)
        slash[1] = '\0';
    else if (slash)
        *slash = '\0';
    else
        strcpy(directory, ".");
}

/* Where the run is or will be, and the checkpoint to start from: "" if none is named. */
static enum eer_status find_paths(const struct arguments *a, const struct eer_config *config,
                                  char directory[EER_PATH], char checkpoint[EER_PATH],
                                  struct eer_error *error)
{
    checkpoint[0] = '\0';
    if (!a->resume) {
        if (a->out)
            snprintf(directory, EER_PATH, "%s", a->out);
        else
            snprintf(directory, EER_PATH, "runs/%s-%llu", a->preset ? a->preset : "eer",
                     (unsigned long long)config->seed);
        return EER_OK;
    }
    if (is_directory(a->resume)) {
        snprintf(directory, EER_PATH, "%s", a->resume);
        return EER_OK;
    }
    directory_of(a->resume, directory);
    snprintf(checkpoint, EER_PATH, "%s", a->resume);
    const char *name = strrchr(a->resume, '/');
    name = name ? name + 1 : a->resume;
    if (strcmp(name, "last.safetensors") != 0 && !a->force &&
        eer_directory_has(directory, "last.safetensors"))
        return eer_fail(error, EER_USAGE,
                        "continuing from %.200s would replace last.safetensors beside it: --force "
                        "does so",
                        a->resume);
    return EER_OK;
}

/* A run from step 0: the configuration is the command line's. */
static enum eer_status start(const struct arguments *a, struct eer_training *t,
                             const struct eer_config *config, struct eer_error *error)
{
    struct eer_checkpoint *c = &t->checkpoint;
    c->config = *config;
    if (a->resuming && eer_directory_has(t->directory, "config.conf")) {
        char path[EER_PATH];
        enum eer_status status = eer_directory_path(t->directory, "config.conf", path, error);
        if (status == EER_OK)
            status = eer_config_load(&c->config, path, error);
        if (status == EER_OK)
            status = agree(a, &c->config, error);
        if (status != EER_OK)
            return status;
    }
    eer_layout(&c->config, &c->layout);
    enum eer_status status = eer_state_new(&c->config, &c->state, error);
    if (status == EER_OK)
        status = eer_directory_config(t->directory, &c->config, error);
    if (status != EER_OK)
        return status;
    eer_execution_settle(&t->execution);
    eer_execution_backend(&t->execution)->init(&c->config, &c->state);
    t->saved = -1;
    return EER_OK;
}

static enum eer_status resume(const struct arguments *a, struct eer_training *t,
                              const char *checkpoint, struct eer_error *error)
{
    enum eer_status status = eer_checkpoint_read(checkpoint, &t->checkpoint, error);
    if (status == EER_OK)
        status = agree(a, &t->checkpoint.config, error);
    if (status == EER_OK)
        status = eer_execution_follow(&t->execution, &t->checkpoint, 1, error);
    eer_execution_settle(&t->execution);
    t->saved = t->checkpoint.state.step;
    return status;
}

static enum eer_status prepare(const struct arguments *a, struct eer_training *t,
                               const struct eer_config *config, const char *named,
                               struct eer_error *error)
{
    char path[EER_PATH];
    enum eer_claim claim = a->resuming ? EER_CLAIM_RESUME : EER_CLAIM_NEW;
    if (a->force && !a->resuming)
        claim = EER_CLAIM_FORCE;
    enum eer_status status = EER_OK;
    if (named[0])
        snprintf(path, sizeof path, "%s", named);
    else
        status = eer_directory_path(t->directory, "last.safetensors", path, error);
    if (status == EER_OK)
        status = eer_directory_claim(t->directory, claim, error);
    if (status != EER_OK)
        return status;
    if (named[0] || (a->resuming && eer_directory_has(t->directory, "last.safetensors")))
        status = resume(a, t, path, error);
    else
        status = start(a, t, config, error);
    if (status != EER_OK)
        return status;
    eer_execution_record(&t->execution, &t->checkpoint);
    snprintf(t->checkpoint.source, sizeof t->checkpoint.source, "%s", eer_source_hash());
    snprintf(t->checkpoint.version, sizeof t->checkpoint.version, "%s", eer_version());
    eer_verified(t->checkpoint.verified, sizeof t->checkpoint.verified);
    return EER_OK;
}

static void say_first(const struct arguments *a, const struct eer_training *t)
{
    const struct eer_checkpoint *c = &t->checkpoint;
    printf("eer %s, %s (%s), preset %s, seed %llu, %d parameters; verified: %s\n", eer_version(),
           t->backend->name, t->backend->describe(t->engine),
           a->preset ? a->preset : (t->saved < 0 ? "eer" : "of the run"),
           (unsigned long long)c->config.seed, c->layout.size, c->verified);
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

static enum eer_status train(const struct arguments *a, struct eer_training *t,
                             const struct eer_config *config, const char *named,
                             struct eer_error *error)
{
    double began = eer_seconds();
    enum eer_status status = prepare(a, t, config, named, error);
    if (status == EER_OK)
        status = eer_training_open(t, error);
    if (status != EER_OK)
        return status;
    if (!a->quiet)
        say_first(a, t);
    status = eer_training_run(t, error);
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
    struct arguments a = {0};
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
        status = configure(&a, &config, error);
    if (status == EER_OK && a.print_config)
        status = print_config(&config);
    else if (status == EER_OK)
        status = find_paths(&a, &config, directory, named, error);
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
