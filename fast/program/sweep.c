/* sweep.c - `eer sweep`: many seeds of one configuration, each a run in a folder of its own, all at
 * once where the backend can; and a table of what became of them. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "begin.h"
#include "clock.h"
#include "command.h"
#include "configuration.h"
#include "fail.h"
#include "file.h"
#include "signals.h"
#include "sweep_table.h"
#include "verified.h"

enum { MOST_SEEDS = 1024 };

struct sweep {
    struct eer_arguments arguments;
    const char *list; /* the seeds as they were given */
    uint64_t seeds[MOST_SEEDS];
    int models;
    char out[EER_PATH], table[EER_PATH];
    struct eer_config config; /* of the model that began last: where the next one's starts from */
    char directories[MOST_SEEDS][EER_PATH];
    struct eer_training training[MOST_SEEDS], *all[MOST_SEEDS];
};

enum {
    CONFIGURATION,
    SEEDS = CONFIGURATION + EER_CONFIGURATION_OPTIONS,
    RUN,
    EXECUTION = RUN + EER_RUN_OPTIONS
};

static const struct eer_option options[] = {
    [CONFIGURATION] = EER_CONFIGURATION_ROWS,
    [SEEDS] = {"seeds", "LIST",
               "A-B, or A,B,C, or both: the models, 1024 at most; a file's seed has no say"},
    [RUN + EER_RUN_STEPS] = {"steps", "N", "the same as --set steps=N"},
    [RUN + EER_RUN_OUT] = {"out", "DIR", "directory of the runs (default runs/PRESET-sweep)"},
    [RUN + EER_RUN_RESUME] = {"resume", NULL, "continue the runs that are there"},
    [RUN + EER_RUN_FORCE] = {"force", NULL, "replace the runs that are there"},
    [RUN + EER_RUN_CHECKPOINT_EVERY] = {"checkpoint-every", "N",
                                        "steps (default: at each evaluation)"},
    [RUN + EER_RUN_QUIET] = {"quiet", NULL, "print errors only"},
    [EXECUTION] = EER_EXECUTION_ROWS,
    [EXECUTION + EER_EXECUTION_OPTIONS] = {NULL, NULL, NULL},
};

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct sweep *s = context;
    if (option != SEEDS)
        return eer_begin_run_option(&s->arguments, option, RUN, value, error);
    if (s->list)
        return eer_fail(error, EER_USAGE, "--seeds %.60s and --seeds %.60s: give all in one list",
                        s->list, value);
    s->list = value;
    return eer_parse_seeds(value, "--seeds", s->seeds, MOST_SEEDS, &s->models, error);
}

static enum eer_status take_options(struct sweep *s, int argc, char **argv, struct eer_error *error)
{
    const struct eer_arguments *a = &s->arguments;
    enum eer_status status = eer_options(options, argc, argv, take_option, s, error);
    if (status != EER_OK)
        return status;
    if (optind < argc)
        return eer_fail(error, EER_USAGE, "\"%.60s\": sweep takes options only", argv[optind]);
    if (s->models == 0)
        return eer_fail(error, EER_USAGE, "sweep needs the models' seeds: --seeds 1-8");
    if (a->out)
        snprintf(s->out, sizeof s->out, "%s", a->out);
    else
        snprintf(s->out, sizeof s->out, "runs/%s-sweep", a->preset ? a->preset : "eer");
    if (!a->resuming && !a->force && eer_directory_has(s->out, "sweep.txt"))
        return eer_fail(error, EER_USAGE,
                        "%.300s holds a sweep: --resume continues it, --force replaces it, --out "
                        "names another directory",
                        s->out);
    return eer_directory_path(s->out, "sweep.txt", s->table, error);
}

/* Each model has two files open, its folder's lock and its metrics: for many of them more than a
 * process is given at first. */
static enum eer_status allow_files(int models, struct eer_error *error)
{
    enum { OTHERS = 64 }; /* the program's own, a library's, a device's */
    const rlim_t needed = 2 * (rlim_t)models + OTHERS;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return EER_OK;
    limit.rlim_cur = needed;
    if (needed <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return EER_OK;
    return eer_fail(error, EER_FAILED,
                    "%d models need %llu open files, but only %llu are allowed (ulimit -n)", models,
                    (unsigned long long)needed, (unsigned long long)limit.rlim_max);
}

static enum eer_status of_seed(const struct sweep *s, int k, struct eer_error *error)
{
    struct eer_error inner = *error;
    return eer_fail(error, inner.status, "seed %llu: %.470s", (unsigned long long)s->seeds[k],
                    inner.text);
}

/* Models that go together may differ in nothing but the seed: a folder could hold another run. */
static enum eer_status check_same(const struct sweep *s, const struct eer_config *other,
                                  struct eer_error *error)
{
    struct eer_config config = *other;
    char expected[EER_CONFIG_TEXT], found[EER_CONFIG_TEXT];
    config.seed = s->config.seed;
    eer_config_print(&s->config, 0, expected, sizeof expected);
    eer_config_print(&config, 0, found, sizeof found);
    if (strcmp(expected, found) == 0)
        return EER_OK;
    return eer_fail(error, EER_USAGE,
                    "its run was started with another configuration than seed %llu's",
                    (unsigned long long)s->config.seed);
}

static enum eer_status begin_one(struct sweep *s, int k, int is_first, struct eer_error *error)
{
    struct eer_arguments a = s->arguments;
    struct eer_training *t = s->training + k;
    struct eer_config config = s->config;
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)s->seeds[k]);
    a.seed = seed;
    t->execution = a.execution;
    t->directory = s->directories[k];
    t->checkpoint_every = a.checkpoint_every;
    t->quiet = a.quiet;
    enum eer_status status = eer_begin_configure(&a, &config, error);
    if (status == EER_OK && config.seed != s->seeds[k])
        status =
            eer_fail(error, EER_USAGE, "--set seed: the seeds of a sweep are those of --seeds");
    if (status != EER_OK)
        return status;
    status = eer_begin(&a, &config, "", t, error);
    if (status == EER_OK && !is_first)
        status = check_same(s, &t->checkpoint.config, error);
    if (status != EER_OK)
        return of_seed(s, k, error);
    s->config = t->checkpoint.config;
    s->arguments.execution = t->execution;
    return EER_OK;
}

/* Runs in the sweep's directory of other seeds than this sweep's. */
static int count_others(const struct sweep *s)
{
    char path[EER_PATH];
    struct eer_error ignored;
    DIR *stream = opendir(s->out);
    int count = 0;
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        int own = strncmp(entry->d_name, "seed-", 5) != 0 ||
                  eer_directory_path(s->out, entry->d_name, path, &ignored) != EER_OK;
        for (int k = 0; k < s->models && !own; k++)
            own = strcmp(path, s->directories[k]) == 0;
        count += !own && eer_directory_has(path, "config.conf");
    }
    if (stream)
        closedir(stream);
    return count;
}

/* What is left out of the command line is as in the runs that are there: one has to be named. */
static enum eer_status check_resumed(const struct sweep *s, struct eer_error *error)
{
    int there = 0;
    for (int k = 0; k < s->models; k++)
        there += eer_directory_has(s->directories[k], "config.conf");
    if (!s->arguments.resuming || there > 0 || count_others(s) == 0)
        return EER_OK;
    return eer_fail(error, EER_USAGE,
                    "--resume: %.300s holds runs of other seeds only: name one of them too, whose "
                    "configuration is to hold",
                    s->out);
}

/* Those that have a checkpoint come first: what it says and the command line does not then holds
 * for the others too. */
static enum eer_status begin(struct sweep *s, struct eer_error *error)
{
    char name[32];
    int begun = 0;
    enum eer_status status = eer_config_preset(&s->config, "eer", error);
    for (int k = 0; k < s->models && status == EER_OK; k++) {
        s->all[k] = s->training + k;
        snprintf(name, sizeof name, "seed-%llu", (unsigned long long)s->seeds[k]);
        status = eer_directory_path(s->out, name, s->directories[k], error);
    }
    if (status == EER_OK)
        status = check_resumed(s, error);
    for (int later = 0; later < 2; later++)
        for (int k = 0; k < s->models && status == EER_OK; k++)
            if (later == (s->arguments.resuming &&
                          !eer_directory_has(s->directories[k], "last.safetensors")))
                status = begin_one(s, k, begun++ == 0, error);
    return status;
}

static int together(const struct sweep *s)
{
    return eer_execution_backend(&s->arguments.execution)->steps != NULL;
}

static enum eer_status open_engines(struct sweep *s, struct eer_error *error)
{
    int models = together(s) ? s->models : 1;
    for (int k = 0; k < models; k++) {
        enum eer_status status = eer_training_open(s->training + k, error);
        struct eer_error inner = *error;
        if (status == EER_NO_MEMORY && k > 0)
            eer_fail(error, status, "only %d of the %d models fit: %.400s", k, models, inner.text);
        if (status != EER_OK)
            return status;
    }
    return EER_OK;
}

/* Only now that all can run is something replaced; and all of it before one trains, so that a sweep
 * that is stopped does not go on with what it was to replace. */
static enum eer_status start(const struct sweep *s, struct eer_error *error)
{
    enum eer_status status = EER_OK;
    if (!s->arguments.resuming && unlink(s->table) != 0 && errno != ENOENT)
        return eer_fail(error, EER_IO, "%.300s: cannot remove: %s", s->table, strerror(errno));
    for (int k = 0; k < s->models && status == EER_OK; k++) {
        const struct eer_training *t = s->training + k;
        if (t->saved < 0)
            status = eer_directory_start(t->directory, &t->checkpoint.config, error);
    }
    return status;
}

static void say_first(const struct sweep *s)
{
    const struct eer_training *t = s->training;
    int saved = 0;
    for (int k = 0; k < s->models; k++)
        saved += s->training[k].saved >= 0;
    printf("eer %s, %s (%s), %d models of %d parameters, %s; verified: %s\n", eer_version(),
           t->backend->name, t->backend->describe(t->engine), s->models, t->checkpoint.layout.size,
           together(s) ? "all at once" : "one after the other", t->checkpoint.verified);
    if (saved > 0)
        printf("continuing in %s, where %d of them are\n", s->out, saved);
    else
        printf("writing to %s\n", s->out);
    fflush(stdout);
}

static enum eer_status run_in_turn(struct sweep *s, struct eer_error *error)
{
    enum eer_status status = EER_OK;
    for (int k = 0; k < s->models; k++) {
        if (eer_signals_stop())
            return EER_STOPPED;
        if (k > 0)
            status = eer_training_open(s->all[k], error);
        if (status == EER_OK && !s->arguments.quiet)
            printf("seed %llu, %d of %d\n", (unsigned long long)s->seeds[k], k + 1, s->models);
        if (status == EER_OK)
            status = eer_training_run(s->all + k, 1, error);
        eer_training_close(s->all[k]);
        if (status != EER_OK && status != EER_NOT_FINITE)
            return status == EER_STOPPED ? status : of_seed(s, k, error);
        status = EER_OK;
    }
    return EER_OK;
}

/* The table, for the person and in the file; an error if a model stopped early. */
static enum eer_status conclude(struct sweep *s, double began, struct eer_error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    int stopped = file ? eer_sweep_table(file, s->all, s->models) : 0;
    int others = count_others(s);
    enum eer_status status = EER_OK;
    if (file && others > 0)
        fprintf(file, "\nNot in this table: %d run%s of other seeds in the same directory.\n",
                others, others == 1 ? "" : "s");
    if (!file || fclose(file) != 0)
        status = eer_fail(error, EER_NO_MEMORY, "no memory for a table of %d models", s->models);
    else
        status = eer_file_replace(s->table, text, size, error);
    if (status == EER_OK && !s->arguments.quiet)
        printf("\n%s\n%.1f s in all; %s\n", text, eer_seconds() - began, s->table);
    free(text);
    for (int k = 0; k < s->models && status == EER_OK; k++)
        if (s->training[k].error.status != EER_OK)
            status = eer_fail(error, s->training[k].error.status,
                              "%d of %d models stopped; seed %llu: %.450s", stopped, s->models,
                              (unsigned long long)s->seeds[k], s->training[k].error.text);
    return status;
}

static enum eer_status sweep(struct sweep *s, struct eer_error *error)
{
    double began = eer_seconds();
    enum eer_status status = begin(s, error);
    if (status == EER_OK)
        status = open_engines(s, error);
    if (status == EER_OK)
        status = start(s, error);
    if (status != EER_OK) {
        for (int k = 0; k < s->models; k++)
            rmdir(s->directories[k]); /* where there is nothing in it */
        return status;
    }
    if (!s->arguments.quiet)
        say_first(s);
    eer_signals_watch();
    status = together(s) ? eer_training_run(s->all, s->models, error) : run_in_turn(s, error);
    eer_signals_restore();
    if (status == EER_STOPPED && !s->arguments.quiet)
        printf("stopped; to continue: eer sweep --resume --seeds %s --out '%s'\n", s->list, s->out);
    return status == EER_OK || status == EER_NOT_FINITE ? conclude(s, began, error) : status;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct sweep *s = calloc(1, sizeof *s);
    char **set = calloc((size_t)argc, sizeof *set);
    enum eer_status status = EER_OK;
    if (!s || !set)
        status = eer_fail(error, EER_NO_MEMORY, "no memory for the command line");
    if (status == EER_OK) {
        s->arguments.set = set;
        eer_execution_unset(&s->arguments.execution);
        status = take_options(s, argc, argv, error);
    }
    if (status == EER_OK)
        status = allow_files(s->models, error);
    if (status == EER_OK)
        status = sweep(s, error);
    for (int k = 0; s && k < s->models; k++) {
        eer_training_close(s->training + k);
        eer_checkpoint_free(&s->training[k].checkpoint);
    }
    free(set);
    free(s);
    return status;
}

const struct eer_command eer_sweep_command = {
    "sweep",
    "",
    "Train one model a seed, all at once where the backend can; compare them.",
    "Each seed has a folder DIR/seed-N with what eer train writes there: the same bits. With the\n"
    "backend cuda all train at once, with the others one after the other. A model that is not\n"
    "finite stops alone. DIR/sweep.txt is the table that is printed at the end.",
    options,
    run,
};
