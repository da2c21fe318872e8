/* gradcheck.c - `eer gradcheck`; see gradcheck.h. */
#include "gradcheck.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../cuda.h"
#include "../fail.h"

/* Samples of the spread. TF32 has more: an operand that rounding tips over must show in one of
 * them. */
enum { SAMPLES_FP32 = 17, SAMPLES_TF32 = 33 };

enum eer_status eer_gradcheck_case(struct eer_case *c, uint64_t seed, int index)
{
    static const enum eer_case_size sizes[] = {EER_CASE_TINY, EER_CASE_SMALL, EER_CASE_TINY,
                                               EER_CASE_LARGE};
    return eer_case_new(c, seed, index, sizes[index % 4]);
}

static void count(struct eer_gradcheck_result *result, const struct eer_judgement *j, int index)
{
    result->undetermined += j->undetermined;
    result->not_finite += j->not_finite;
    if (j->undetermined || j->not_finite)
        return;
    result->judged++;
    result->failed += !(j->share <= 1) || j->wrong_answers;
    result->no_potential += j->no_potential;
    result->no_penalty += j->no_penalty;
    result->no_gradient += j->no_gradient;
    result->no_answers += j->no_answers;
    if (!(j->share <= result->share) && !isnan(result->share)) { /* the first NaN stays */
        result->share = j->share;
        result->where = j->where;
        result->index = index;
    }
}

static enum eer_status check_case(struct eer_gradcheck_result *result,
                                  const struct eer_gradcheck *g, enum eer_precision precision,
                                  int index, const struct eer_case *c, struct eer_error *error)
{
    /* The device rounds ties away; the backend cpu can do all three. */
    const enum eer_tf32_rounding rounding =
        g->backend == &eer_cuda_backend ? EER_TF32_TIES_AWAY : (enum eer_tf32_rounding)(index % 3);
    struct eer_backend_run ref = {.backend = &ref_backend, .run = {.threads = 1}};
    struct eer_backend_run run = {.backend = g->backend,
                                  .run = {.precision = precision,
                                          .tf32_rounding = rounding,
                                          .isa = g->isa,
                                          .threads = g->threads}};
    int tf32 = precision == EER_TF32;
    struct eer_question question = {.c = c,
                                    .arithmetic = tf32 ? SPREAD_TF32 : SPREAD_FP32,
                                    .rounding = run.run.tf32_rounding,
                                    .truth = tf32 ? NULL : eer_backend_evaluator,
                                    .truth_context = &ref,
                                    .judged = eer_backend_evaluator,
                                    .judged_context = &run,
                                    .K = tf32 ? SAMPLES_TF32 : SAMPLES_FP32,
                                    .seed = g->seed};
    struct eer_judgement judgement;
    enum eer_status status = eer_judge(&judgement, &question);
    if (status == EER_NOT_FINITE) { /* only the backend's result is */
        judgement.share = INFINITY;
        status = EER_OK;
    }
    if (status == EER_OK)
        count(result, &judgement, index);
    else
        eer_fail(error, status, "configuration %d: %.400s", index, run.error.text);
    return status;
}

enum eer_status eer_gradcheck(struct eer_gradcheck_result *result, const struct eer_gradcheck *g,
                              enum eer_precision precision, struct eer_error *error)
{
    enum eer_status status = EER_OK;
    *result = (struct eer_gradcheck_result){.where = "-"};
    for (int i = g->first; i < g->first + g->configurations && status == EER_OK; i++) {
        struct eer_case c;
        status = eer_gradcheck_case(&c, g->seed, i);
        if (status == EER_OK)
            status = check_case(result, g, precision, i, &c, error);
        else
            eer_fail(error, status, "no memory for configuration %d", i);
        eer_case_free(&c);
    }
    return status;
}

/* ---- the command --------------------------------------------------------------------------- */

enum { CONFIGS, SEED, CASE, BACKEND, PRECISION, ISA, THREADS, JSON };

#define WORDS_BACKEND   "cpu|cuda"
#define WORDS_PRECISION "fp32|tf32|both"

static const struct eer_option options[] = {
    [CONFIGS] = {"configs", "N", "configurations, 1 to 1000000 (default 100)"},
    [SEED] = {"seed", "N", "they are drawn from (default 1)"},
    [CASE] = {"case", "I", "only configuration I of the seed, and say what it is"},
    [BACKEND] = {"backend", WORDS_BACKEND, "to be checked (default cpu)"},
    [PRECISION] = {"precision", WORDS_PRECISION, "of the arithmetic (default both)"},
    [ISA] = {"isa", EER_WORDS_isa, "instruction set (default best)"},
    [THREADS] = {"threads", "N", "1 to 64 (default 1)"},
    [JSON] = {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

struct arguments {
    long long configurations, index, threads; /* index -1: all */
    uint64_t seed;
    int backend, precision, isa, json;
};

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct arguments *a = context;
    switch (option) {
    case CONFIGS:
        return eer_parse_whole(value, 1, 1000000, "--configs", &a->configurations, error);
    case SEED:
        return eer_parse_seed(value, "--seed", &a->seed, error);
    case CASE:
        return eer_parse_whole(value, 0, 1000000, "--case", &a->index, error);
    case BACKEND:
        return eer_parse_word(value, WORDS_BACKEND, "--backend", &a->backend, error);
    case PRECISION:
        return eer_parse_word(value, WORDS_PRECISION, "--precision", &a->precision, error);
    case ISA:
        return eer_parse_word(value, EER_WORDS_isa, "--isa", &a->isa, error);
    case THREADS:
        return eer_parse_whole(value, 1, 64, "--threads", &a->threads, error);
    default:
        a->json = 1;
        return EER_OK;
    }
}

static enum eer_status take_options(struct arguments *a, int argc, char **argv,
                                    struct eer_error *error)
{
    enum eer_status status = eer_options(options, argc, argv, take_option, a, error);
    if (status != EER_OK)
        return status;
    if (optind != argc)
        return eer_fail(error, EER_USAGE, "gradcheck takes no operand, but %.60s is given",
                        argv[optind]);
    return EER_OK;
}

static void reproduce(char text[128], const struct eer_gradcheck *g, int index,
                      const char *precision)
{
    snprintf(text, 128, "eer gradcheck --backend %s --seed %llu --case %d --precision %s",
             g->backend->name, (unsigned long long)g->seed, index, precision);
}

static void print_text(const struct eer_gradcheck *g, const char *precision,
                       const struct eer_gradcheck_result *r)
{
    char command[128];
    printf("%-4s  %7d %7d %7d  %-9.3g  %s of configuration %d\n", precision, g->configurations,
           r->judged, r->failed, r->share, r->where, r->index);
    if (r->no_potential + r->no_penalty + r->no_gradient + r->no_answers > 0)
        printf("      left out where the gradient jumps: potential %d, entropy %d, all %d; right "
               "answers %d\n",
               r->no_potential, r->no_penalty, r->no_gradient, r->no_answers);
    if (r->undetermined + r->not_finite > 0)
        printf("      not judged: %d without a digit that rounding determines, %d overflowing\n",
               r->undetermined, r->not_finite);
    reproduce(command, g, r->index, precision);
    printf("      again: %s\n", command);
}

static json_t *result_json(const struct eer_gradcheck *g, const char *precision,
                           const struct eer_gradcheck_result *r)
{
    char command[128];
    reproduce(command, g, r->index, precision);
    json_t *object = json_pack("{ss si si si}", "precision", precision, "configurations",
                               g->configurations, "judged", r->judged, "failed", r->failed);
    json_object_set_new(object, "largest_share",
                        isfinite(r->share) ? json_real(r->share) : json_null());
    json_object_update_missing_new(
        object,
        json_pack("{ss si ss s{si si si si} s{si si}}", "where", r->where, "configuration",
                  r->index, "reproduce", command, "left_out", "potential", r->no_potential,
                  "entropy", r->no_penalty, "gradient", r->no_gradient, "answers", r->no_answers,
                  "not_judged", "undetermined", r->undetermined, "not_finite", r->not_finite));
    return object;
}

/* One case by itself: what it is. */
static void print_case(const struct eer_gradcheck *g)
{
    struct eer_case c;
    char text[512];
    if (eer_gradcheck_case(&c, g->seed, g->first) == EER_OK)
        printf("configuration %d: %s\n", g->first, eer_case_text(&c, text, sizeof text));
    eer_case_free(&c);
}

static enum eer_status check(const struct arguments *a, const struct eer_gradcheck *g,
                             json_t *results, struct eer_error *error)
{
    int failed = 0;
    for (int precision = 0; precision < 2; precision++) {
        const char *name = precision == 0 ? "fp32" : "tf32";
        struct eer_gradcheck_result result;
        if (a->precision != 2 && a->precision != precision)
            continue;
        enum eer_status status =
            eer_gradcheck(&result, g, precision == 0 ? EER_FP32 : EER_TF32, error);
        if (status != EER_OK)
            return status;
        if (a->json)
            json_array_append_new(results, result_json(g, name, &result));
        else
            print_text(g, name, &result);
        failed += result.failed;
    }
    if (failed > 0)
        return eer_fail(error, EER_FAILED, "gradients beyond what rounding can do: %d", failed);
    return EER_OK;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct arguments a = {
        .configurations = 100, .index = -1, .threads = 1, .seed = 1, .precision = 2};
    enum eer_status status = take_options(&a, argc, argv, error);
    if (status != EER_OK)
        return status;
    struct eer_gradcheck g = {.backend = a.backend == 0 ? &fast_backend : &eer_cuda_backend,
                              .isa = (enum eer_isa)a.isa,
                              .threads = (int)a.threads,
                              .seed = a.seed,
                              .first = a.index < 0 ? 0 : (int)a.index,
                              .configurations = a.index < 0 ? (int)a.configurations : 1};
    json_t *results = json_array();
    if (!a.json && a.index >= 0)
        print_case(&g);
    if (!a.json)
        printf("      configs  judged  failed  share of the bound, largest\n");
    status = check(&a, &g, results, error);
    if (a.json && (status == EER_OK || status == EER_FAILED)) {
        json_t *object =
            json_pack("{ss sI sb sO}", "backend", g.backend->name, "seed", (json_int_t)a.seed,
                      "passed", status == EER_OK, "results", results);
        json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
        printf("\n");
        json_decref(object);
    }
    json_decref(results);
    return status;
}

const struct eer_command eer_gradcheck_command = {
    "gradcheck",
    "",
    "Hold a backend's gradients against the reference's over random configurations.",
    "Each configuration's bound is measured: the reference with random roundings of its\n"
    "operations, in float, shows what rounding alone can do. A share above 1 is a failure.",
    options,
    run,
};
