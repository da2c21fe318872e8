/* info.c - `eer info`: what a checkpoint holds. */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checkpoint.h"
#include "command.h"
#include "configuration.h"
#include "fail.h"

enum { JSON };

static const struct eer_option options[] = {
    [JSON] = {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

static double euclidean(const double *x, int count)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static double largest(const double *x, int count)
{
    double most = 0.0;
    for (int i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

static int elements(const struct eer_layout *layout, int tensor)
{
    return layout->rows[tensor] * layout->columns[tensor];
}

static void print_tensors(const struct eer_checkpoint *c)
{
    printf("tensor       shape       norm        largest\n");
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        const double *x = c->state.theta + c->layout.offset[tensor];
        int count = elements(&c->layout, tensor);
        if (count > 0)
            printf("%-10s %3d x %-3d   %-10.6g  %-10.6g\n", eer_tensor_name(tensor),
                   c->layout.rows[tensor], c->layout.columns[tensor], euclidean(x, count),
                   largest(x, count));
    }
    printf("%d parameters, norm %.6g\n", c->layout.size, euclidean(c->state.theta, c->layout.size));
}

static enum eer_status print_text(const char *path, const struct eer_checkpoint *c)
{
    char text[EER_CONFIG_TEXT];
    eer_config_print(&c->config, 0, text, sizeof text);
    printf("%s: step %d of %d\n", path, c->state.step, c->config.steps);
    printf("backend %s, precision %s, TF32 rounding %s\n", c->backend, c->precision,
           c->tf32_rounding);
    printf("version %s, source %s\nverified: %s\n\n%s\n", c->version, c->source, c->verified, text);
    print_tensors(c);
    return EER_OK;
}

/* The lines "key = value" as an object of strings. */
static json_t *config_json(const struct eer_config *config)
{
    char text[EER_CONFIG_TEXT], key[64], value[64];
    json_t *object = json_object();
    eer_config_print(config, 0, text, sizeof text);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        if (sscanf(line, "%63s = %63s", key, value) == 2)
            json_object_set_new(object, key, json_string(value));
    return object;
}

static json_t *tensors_json(const struct eer_checkpoint *c)
{
    json_t *array = json_array();
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        const double *x = c->state.theta + c->layout.offset[tensor];
        int count = elements(&c->layout, tensor);
        if (count > 0)
            json_array_append_new(
                array, json_pack("{ss s[ii] sf sf}", "name", eer_tensor_name(tensor), "shape",
                                 c->layout.rows[tensor], c->layout.columns[tensor], "norm",
                                 euclidean(x, count), "largest", largest(x, count)));
    }
    return array;
}

static enum eer_status print_json(const char *path, const struct eer_checkpoint *c,
                                  struct eer_error *error)
{
    json_t *object = json_pack("{ss si ss ss ss ss ss ss si so so}", "checkpoint", path, "step",
                               c->state.step, "backend", c->backend, "precision", c->precision,
                               "tf32_rounding", c->tf32_rounding, "version", c->version, "source",
                               c->source, "verified", c->verified, "parameters", c->layout.size,
                               "config", config_json(&c->config), "tensors", tensors_json(c));
    if (!object)
        return eer_fail(error, EER_FORMAT, "%.300s: not UTF-8, which JSON needs", path);
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10));
    printf("\n");
    json_decref(object);
    return EER_OK;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct eer_checkpoint checkpoint;
    const char *value = NULL;
    int option, json = 0;
    while ((option = eer_option_next(options, argc, argv, &value, error)) >= 0)
        json = 1;
    if (option == EER_OPTION_ERROR)
        return EER_USAGE;
    if (optind + 1 != argc)
        return eer_fail(error, EER_USAGE, "info takes one checkpoint, but %d are given",
                        argc - optind);
    const char *path = argv[optind];
    enum eer_status status = eer_checkpoint_read(path, &checkpoint, error);
    if (status != EER_OK)
        return status;
    status = json ? print_json(path, &checkpoint, error) : print_text(path, &checkpoint);
    eer_checkpoint_free(&checkpoint);
    return status;
}

const struct eer_command eer_info_command = {
    "info",
    "CHECKPOINT",
    "Say what a checkpoint holds: configuration, tensors, where it comes from.",
    NULL,
    options,
    run,
};
