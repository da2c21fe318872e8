#include "begin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configuration.h"
#include "cuda.h"
#include "fail.h"
#include "verified.h"

enum eer_status eer_begin_option(struct eer_arguments *a, int option, const char *value,
                                 struct eer_error *error)
{
    if (option == 0)
        a->preset = value;
    else if (option == 1)
        a->config = value;
    else if (strchr(value, '='))
        a->set[a->sets++] = (char *)value;
    else
        return eer_fail(error, EER_USAGE, "--set %.60s: expected KEY=VALUE", value);
    return EER_OK;
}

static enum eer_status one_of_both(const struct eer_arguments *a, struct eer_error *error)
{
    if (a->resuming && a->force)
        return eer_fail(error, EER_USAGE,
                        "--resume continues what is there, --force replaces it: take one of them");
    return EER_OK;
}

enum eer_status eer_begin_run_option(struct eer_arguments *a, int option, int run,
                                     const char *value, struct eer_error *error)
{
    const int execution = run + EER_RUN_OPTIONS;
    long long number = 0;
    enum eer_status status = EER_OK;
    if (option < EER_CONFIGURATION_OPTIONS)
        return eer_begin_option(a, option, value, error);
    if (option >= execution)
        return eer_execution_set(&a->execution, option - execution, value, error);
    switch (option - run) {
    case EER_RUN_STEPS:
        a->steps = value;
        break;
    case EER_RUN_OUT:
        if (!value[0])
            return eer_fail(error, EER_USAGE, "--out: \"\" is no name of a directory");
        a->out = value;
        break;
    case EER_RUN_RESUME:
        a->resuming = 1;
        a->resume = value;
        status = one_of_both(a, error);
        break;
    case EER_RUN_FORCE:
        a->force = 1;
        status = one_of_both(a, error);
        break;
    case EER_RUN_CHECKPOINT_EVERY:
        status = eer_parse_whole(value, 1, EER_MAX_STEPS, "--checkpoint-every", &number, error);
        a->checkpoint_every = (int)number;
        break;
    default:
        a->quiet = 1;
    }
    return status;
}

enum eer_status eer_begin_configure(const struct eer_arguments *a, struct eer_config *config,
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
static enum eer_status agree(const struct eer_arguments *a, const struct eer_config *began,
                             struct eer_error *error)
{
    struct eer_config now = *began;
    char then_text[EER_CONFIG_TEXT], now_text[EER_CONFIG_TEXT];
    enum eer_status status = eer_begin_configure(a, &now, error);
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
        snprintf(directory, EER_PATH, ".");
}

enum eer_status eer_begin_paths(const struct eer_arguments *a, const struct eer_config *config,
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
        if (eer_directory_has(directory, "last.safetensors") ||
            eer_directory_has(directory, "config.conf"))
            return EER_OK;
        return eer_fail(error, EER_USAGE, "--resume %.200s: this directory holds no run",
                        a->resume);
    }
    if (access(a->resume, F_OK) != 0)
        return eer_fail(error, EER_IO, "--resume %.200s: %s", a->resume, strerror(errno));
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
static enum eer_status start(const struct eer_arguments *a, struct eer_training *t,
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
    if (status != EER_OK)
        return status;
    eer_execution_settle(&t->execution);
    eer_execution_backend(&t->execution)->init(&c->config, &c->state);
    t->saved = -1;
    return EER_OK;
}

static enum eer_status resume(const struct eer_arguments *a, struct eer_training *t,
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

/* No GPU has run the kernels of cuda/, so no record can say more of them. */
static void set_verified(struct eer_training *t)
{
    char *text = t->checkpoint.verified;
    eer_verified(text, sizeof t->checkpoint.verified);
    const size_t length = strlen(text);
    if (strncmp(text, "yes", 3) == 0 && eer_execution_backend(&t->execution) == &eer_cuda_backend)
        snprintf(text + length, sizeof t->checkpoint.verified - length, "; cuda on CPUs only");
}

enum eer_status eer_begin(const struct eer_arguments *a, const struct eer_config *config,
                          const char *named, struct eer_training *t, struct eer_error *error)
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
    set_verified(t);
    return EER_OK;
}
