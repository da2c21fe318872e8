/* sweep.c - `eer sweep`: many seeds of one configuration, each a run in a folder of its own, all at
 * once where the backend can; and a table of what became of them. */
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
#include "verified.h"

enum { MOST_SEEDS = 1024, COLUMNS = 1 + EER_PROGRESS_LENGTHS };

struct sweep {
    struct eer_arguments arguments;
    const char *list; /* the seeds as they were given */
    uint64_t seeds[MOST_SEEDS];
    int models;
    char out[EER_PATH];
    struct eer_config config;      /* the last begun model's: what the next one's starts from */
    struct eer_training *training; /* one a seed */
    struct eer_training **all;     /* the same, as eer_training_run wants them */
    char (*directories)[EER_PATH];
};

enum {
    CONFIGURATION,
    SEEDS = CONFIGURATION + EER_CONFIGURATION_OPTIONS,
    STEPS,
    OUT,
    RESUME,
    FORCE,
    CHECKPOINT_EVERY,
    QUIET,
    EXECUTION
};

static const struct eer_option options[] = {
    [CONFIGURATION] = EER_CONFIGURATION_ROWS,
    [SEEDS] = {"seeds", "LIST", "A-B, or A,B,C, or both: the models, 1024 at most"},
    [STEPS] = {"steps", "N", "the same as --set steps=N"},
    [OUT] = {"out", "DIR", "directory of the runs (default runs/PRESET-sweep)"},
    [RESUME] = {"resume", NULL, "continue the runs that are there"},
    [FORCE] = {"force", NULL, "replace the runs that are there"},
    [CHECKPOINT_EVERY] = {"checkpoint-every", "N", "steps (default: at each evaluation)"},
    [QUIET] = {"quiet", NULL, "print errors only"},
    [EXECUTION] = EER_EXECUTION_ROWS,
    [EXECUTION + EER_EXECUTION_OPTIONS] = {NULL, NULL, NULL},
};

static enum eer_status add_seeds(struct sweep *s, uint64_t first, uint64_t last,
                                 struct eer_error *error)
{
    if (last < first)
        return eer_fail(error, EER_USAGE, "--seeds: the range %llu-%llu is empty",
                        (unsigned long long)first, (unsigned long long)last);
    if (last - first >= (uint64_t)(MOST_SEEDS - s->models))
        return eer_fail(error, EER_USAGE, "--seeds: more than %d of them", MOST_SEEDS);
    for (uint64_t count = last - first + 1, i = 0; i < count; i++) {
        for (int k = 0; k < s->models; k++)
            if (s->seeds[k] == first + i)
                return eer_fail(error, EER_USAGE, "--seeds: %llu is there twice",
                                (unsigned long long)(first + i));
        s->seeds[s->models++] = first + i;
    }
    return EER_OK;
}

static enum eer_status parse_seeds(struct sweep *s, const char *text, struct eer_error *error)
{
    enum eer_status status = EER_OK;
    s->list = text;
    s->models = 0;
    for (size_t length = 0; status == EER_OK; text += length + 1) {
        char item[48]; /* two numbers of 20 digits, and what makes longer ones wrong */
        uint64_t first = 0, last = 0;
        length = strcspn(text, ",");
        snprintf(item, sizeof item, "%.*s", length < sizeof item ? (int)length : 47, text);
        char *dash = strchr(item, '-');
        if (dash)
            *dash = '\0';
        status = eer_parse_seed(item, "--seeds", &first, error);
        if (status == EER_OK)
            status = eer_parse_seed(dash ? dash + 1 : item, "--seeds", &last, error);
        if (status == EER_OK)
            status = add_seeds(s, first, last, error);
        if (text[length] == '\0')
            break;
    }
    return status;
}

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct sweep *s = context;
    struct eer_arguments *a = &s->arguments;
    long long number = 0;
    enum eer_status status = EER_OK;
    if (option < CONFIGURATION + EER_CONFIGURATION_OPTIONS)
        return eer_begin_option(a, option - CONFIGURATION, value, error);
    if (option >= EXECUTION)
        return eer_execution_set(&a->execution, option - EXECUTION, value, error);
    switch (option) {
    case SEEDS:
        return parse_seeds(s, value, error);
    case STEPS:
        a->steps = value;
        break;
    case OUT:
        a->out = value;
        break;
    case CHECKPOINT_EVERY:
        status = eer_parse_whole(value, 1, EER_MAX_STEPS, "--checkpoint-every", &number, error);
        a->checkpoint_every = (int)number;
        break;
    case RESUME:
        a->resuming = 1;
        break;
    case FORCE:
        a->force = 1;
        break;
    default:
        a->quiet = 1;
    }
    return status;
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
    return EER_OK;
}

/* Each model has two files open, its folder's lock and its metrics: for many of them more than a
 * process is given at first. Where the limit cannot be raised, opening them says so. */
static void allow_files(int models)
{
    struct rlimit limit;
    rlim_t needed = 2 * (rlim_t)models + 256;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
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
        return eer_fail(error, EER_USAGE, "--set seed: the seeds of a sweep are those of --seeds");
    if (status == EER_OK)
        status = eer_begin(&a, &config, "", t, error);
    if (status == EER_OK && !is_first)
        status = check_same(s, &t->checkpoint.config, error);
    if (status != EER_OK)
        return of_seed(s, k, error);
    s->config = t->checkpoint.config;
    s->arguments.execution = t->execution;
    return EER_OK;
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

/* Only now that all can run is something replaced; and all get their configuration before one
 * trains, so that a sweep that is stopped can go on without being told. */
static enum eer_status start(const struct sweep *s, const char *summary, struct eer_error *error)
{
    enum eer_status status = EER_OK;
    if (!s->arguments.resuming && unlink(summary) != 0 && errno != ENOENT)
        return eer_fail(error, EER_IO, "%.300s: cannot remove: %s", summary, strerror(errno));
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
    const char *preset = s->arguments.preset;
    int saved = 0;
    for (int k = 0; k < s->models; k++)
        saved += s->training[k].saved >= 0;
    if (!preset && saved == 0)
        preset = "eer";
    printf("eer %s, %s (%s), %s%s%sseeds %.60s: %d models of %d parameters, %s; verified: %s\n",
           eer_version(), t->backend->name, t->backend->describe(t->engine),
           preset ? "preset " : "", preset ? preset : "", preset ? ", " : "", s->list, s->models,
           t->checkpoint.layout.size, together(s) ? "all at once" : "one after the other",
           t->checkpoint.verified);
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
        struct eer_training *t = s->training + k;
        if (eer_signals_stop())
            return EER_STOPPED;
        if (k > 0)
            status = eer_training_open(t, error);
        if (status == EER_OK && !s->arguments.quiet)
            printf("seed %llu, %d of %d\n", (unsigned long long)s->seeds[k], k + 1, s->models);
        if (status == EER_OK)
            status = eer_training_run(s->all + k, 1, error);
        eer_training_close(t);
        if (status != EER_OK && status != EER_NOT_FINITE)
            return status == EER_STOPPED ? status : of_seed(s, k, error);
        status = EER_OK;
    }
    return EER_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void write_values(FILE *file, const double x[COLUMNS])
{
    fprintf(file, "  %10.6f", x[0]);
    for (int c = 1; c < COLUMNS; c++)
        fprintf(file, "  %8.3f", x[c]);
}

static void write_statistics(FILE *file, int width, double *values[COLUMNS], int count)
{
    static const char *const names[] = {"mean", "median", "min", "max"};
    double x[4][COLUMNS] = {{0.0}};
    for (int c = 0; c < COLUMNS; c++) {
        const double *v = values[c];
        qsort(values[c], (size_t)count, sizeof **values, ascending);
        for (int k = 0; k < count; k++)
            x[0][c] += v[k] / count;
        x[1][c] = (v[(count - 1) / 2] + v[count / 2]) / 2.0;
        x[2][c] = v[0];
        x[3][c] = v[count - 1];
    }
    fprintf(file, "\n");
    for (int i = 0; i < 4; i++) {
        fprintf(file, "%*s  %7s", width, names[i], "");
        write_values(file, x[i]);
        fprintf(file, "\n");
    }
}

static void write_table(const struct sweep *s, FILE *file, double *values[COLUMNS])
{
    int count = 0, width = 6;
    for (int k = 0; k < s->models; k++) {
        int digits = snprintf(NULL, 0, "%llu", (unsigned long long)s->seeds[k]);
        width = digits > width ? digits : width;
    }
    fprintf(file, "Loss and accuracy (per cent, by length) at the last evaluation\n\n");
    fprintf(file, "%*s  %7s  %10s  %8d  %8d  %8d\n", width, "seed", "step", "loss",
            eer_progress_length[0], eer_progress_length[1], eer_progress_length[2]);
    for (int k = 0; k < s->models; k++) {
        const struct eer_training *t = s->training + k;
        double x[COLUMNS] = {t->row.terms.total};
        memcpy(x + 1, t->row.accuracy, sizeof t->row.accuracy);
        fprintf(file, "%*llu  %7d", width, (unsigned long long)s->seeds[k], t->row.step);
        write_values(file, x);
        fprintf(file, "%s\n", t->error.status == EER_OK ? "" : "  stopped");
        for (int c = 0; c < COLUMNS && t->error.status == EER_OK; c++)
            values[c][count] = x[c];
        count += t->error.status == EER_OK;
    }
    if (count > 0)
        write_statistics(file, width, values, count);
    if (count < s->models)
        fprintf(file, "\n%d of %d models stopped before the end and do not count:\n",
                s->models - count, s->models);
    for (int k = 0; k < s->models; k++)
        if (s->training[k].error.status != EER_OK)
            fprintf(file, "seed %llu: %s\n", (unsigned long long)s->seeds[k],
                    s->training[k].error.text);
}

/* The table, in the file and for the person. */
static enum eer_status summarise(const struct sweep *s, const char *path, struct eer_error *error)
{
    double *values[COLUMNS];
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    double *room = malloc(COLUMNS * (size_t)s->models * sizeof *room);
    enum eer_status status = EER_OK;
    for (int c = 0; c < COLUMNS && room; c++)
        values[c] = room + c * s->models;
    if (file && room)
        write_table(s, file, values);
    if ((file && fclose(file) != 0) || !text || !room)
        status = eer_fail(error, EER_NO_MEMORY, "no memory for a table of %d models", s->models);
    if (status == EER_OK && !s->arguments.quiet)
        printf("\n%s\n", text);
    if (status == EER_OK)
        status = eer_file_replace(path, text, size, error);
    free(text);
    free(room);
    return status;
}

/* The models that are not finite, in one sentence. */
static enum eer_status judge(const struct sweep *s, struct eer_error *error)
{
    int stopped = 0, first = 0;
    for (int k = s->models - 1; k >= 0; k--)
        if (s->training[k].error.status != EER_OK) {
            first = k;
            stopped++;
        }
    if (stopped == 0)
        return EER_OK;
    *error = s->training[first].error;
    of_seed(s, first, error);
    struct eer_error inner = *error;
    if (stopped == 1)
        return inner.status;
    return eer_fail(error, inner.status, "%d of %d models stopped; %.460s", stopped, s->models,
                    inner.text);
}

static enum eer_status sweep(struct sweep *s, struct eer_error *error)
{
    char summary[EER_PATH];
    double began = eer_seconds();
    enum eer_status status = eer_directory_path(s->out, "sweep.txt", summary, error);
    if (status == EER_OK)
        status = begin(s, error);
    if (status == EER_OK)
        status = open_engines(s, error);
    if (status == EER_OK)
        status = start(s, summary, error);
    if (status != EER_OK)
        return status;
    if (!s->arguments.quiet)
        say_first(s);
    eer_signals_watch();
    status = together(s) ? eer_training_run(s->all, s->models, error) : run_in_turn(s, error);
    eer_signals_restore();
    if (status == EER_STOPPED && !s->arguments.quiet)
        printf("stopped; to continue: eer sweep --resume --seeds %s --out %s\n", s->list, s->out);
    if (status != EER_OK && status != EER_NOT_FINITE)
        return status;
    status = summarise(s, summary, error);
    if (status == EER_OK && !s->arguments.quiet)
        printf("%.1f s in all; %s\n", eer_seconds() - began, summary);
    return status == EER_OK ? judge(s, error) : status;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (s)
        s->arguments.set = calloc((size_t)argc, sizeof *s->arguments.set);
    if (!s || !s->arguments.set) {
        free(s);
        return eer_fail(error, EER_NO_MEMORY, "no memory for the command line");
    }
    eer_execution_unset(&s->arguments.execution);
    enum eer_status status = take_options(s, argc, argv, error);
    if (status == EER_OK) {
        size_t models = (size_t)s->models;
        allow_files(s->models);
        s->training = calloc(models, sizeof *s->training);
        s->all = calloc(models, sizeof *s->all);
        s->directories = calloc(models, sizeof *s->directories);
        status = s->training && s->all && s->directories
                     ? sweep(s, error)
                     : eer_fail(error, EER_NO_MEMORY, "no memory for %d models", s->models);
    }
    for (int k = 0; k < s->models && s->training; k++) {
        eer_training_close(s->training + k);
        eer_checkpoint_free(&s->training[k].checkpoint);
    }
    free(s->training);
    free(s->all);
    free(s->directories);
    free(s->arguments.set);
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
