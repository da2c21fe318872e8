#include "execution.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "fail.h"

enum { CPU, REF, CUDA, MOST_THREADS = 64, DEFAULT_THREADS = 16 };

static const struct eer_backend *const backends[] = {
    [CPU] = &fast_backend, [REF] = &ref_backend, [CUDA] = &eer_cuda_backend};

void eer_execution_unset(struct eer_execution *e)
{
    *e = (struct eer_execution){-1, -1, -1, -1, 0};
}

enum eer_status eer_execution_set(struct eer_execution *e, int option, const char *value,
                                  struct eer_error *error)
{
    long long threads = 0;
    enum eer_status status;
    switch (option) {
    case 0:
        status = eer_parse_whole(value, 1, MOST_THREADS, "--threads", &threads, error);
        e->threads = (int)threads;
        return status;
    case 1:
        return eer_parse_word(value, EER_WORDS_backend, "--backend", &e->backend, error);
    case 2:
        return eer_parse_word(value, EER_WORDS_precision, "--precision", &e->precision, error);
    case 3:
        return eer_parse_word(value, EER_WORDS_tf32_rounding, "--tf32-rounding", &e->tf32_rounding,
                              error);
    default:
        return eer_parse_word(value, EER_WORDS_isa, "--isa", &e->isa, error);
    }
}

static enum eer_status follow(int *said, const char *recorded, const char *words,
                              const char *option, int strict, struct eer_error *error)
{
    int place = 0;
    enum eer_status status =
        eer_parse_word(recorded, words, "the checkpoint's metadata", &place, error);
    if (status != EER_OK) {
        error->status = EER_UNAVAILABLE; /* another build may know the word */
        return EER_UNAVAILABLE;
    }
    if (*said < 0)
        *said = place;
    if (strict && *said != place) {
        char word[16];
        eer_word(words, *said, word);
        return eer_fail(error, EER_USAGE,
                        "the run was started with %s %s and cannot continue with %s", option,
                        recorded, word);
    }
    return EER_OK;
}

enum eer_status eer_execution_follow(struct eer_execution *e, const struct eer_checkpoint *c,
                                     int strict, struct eer_error *error)
{
    /* Another backend computes in its own precision: then the checkpoint's does not bind. */
    int other = !strict && e->backend >= 0;
    enum eer_status status =
        follow(&e->backend, c->backend, EER_WORDS_backend, "--backend", strict, error);
    if (status == EER_OK && !other)
        status =
            follow(&e->precision, c->precision, EER_WORDS_precision, "--precision", strict, error);
    if (status == EER_OK && !other)
        status = follow(&e->tf32_rounding, c->tf32_rounding, EER_WORDS_tf32_rounding,
                        "--tf32-rounding", strict, error);
    return status;
}

/* The control group's quota, "QUOTA PERIOD", in CPUs; 0 if there is none ("max PERIOD"). */
static double cpu_quota(void)
{
    char text[64] = "", *end;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (!file)
        return 0.0;
    char *line = fgets(text, sizeof text, file);
    fclose(file);
    double quota = line ? strtod(line, &end) : 0.0;
    double period = quota > 0.0 ? strtod(end, NULL) : 0.0;
    return period > 0.0 ? quota / period : 0.0;
}

/* CPUs that this process may use: the scheduler's mask, cut to the control group's quota. */
static int cpus(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    double quota = cpu_quota();
    if (quota > 0.0)
        count = (int)fmin(count, ceil(quota));
    return count > 0 ? count : 1;
}

void eer_execution_settle(struct eer_execution *e)
{
    if (e->backend < 0)
        e->backend = CPU;
    if (e->precision < 0)
        e->precision = e->backend == REF ? EER_FP64 : EER_FP32;
    if (e->tf32_rounding < 0)
        e->tf32_rounding = EER_TF32_TIES_AWAY;
    if (e->isa < 0)
        e->isa = EER_ISA_BEST;
    if (e->threads == 0) {
        int count = cpus(); /* more than 16 would wait for each other at these sizes */
        e->threads = count < DEFAULT_THREADS ? count : DEFAULT_THREADS;
    }
}

void eer_execution_record(const struct eer_execution *e, struct eer_checkpoint *c)
{
    eer_word(EER_WORDS_backend, e->backend, c->backend);
    eer_word(EER_WORDS_precision, e->precision, c->precision);
    eer_word(EER_WORDS_tf32_rounding, e->tf32_rounding, c->tf32_rounding);
}

const struct eer_backend *eer_execution_backend(const struct eer_execution *e)
{
    return backends[e->backend];
}

int eer_execution_element_size(const struct eer_execution *e)
{
    return e->backend == REF ? 8 : 4;
}

enum eer_status eer_execution_open(const struct eer_execution *e, const struct eer_config *config,
                                   int train_length, int eval_length, struct eer_engine **engine,
                                   struct eer_error *error)
{
    struct eer_run run = {
        .precision = (enum eer_precision)e->precision,
        .tf32_rounding = (enum eer_tf32_rounding)e->tf32_rounding,
        .isa = (enum eer_isa)e->isa,
        .threads = e->threads,
        .train_length = train_length,
        .eval_length = eval_length,
    };
    return eer_execution_backend(e)->open(config, &run, engine, error);
}
