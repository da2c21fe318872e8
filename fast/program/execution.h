/* execution.h - how a run is executed: backend, precision, instruction set, threads; what of it the
 * command line says, what a checkpoint says, and the engine that follows. */
#ifndef EER_EXECUTION_H
#define EER_EXECUTION_H

#include "../../spec/backend.h"
#include "checkpoint.h"
#include "command.h"

/* The words of --backend, in the order of the table in execution.c. */
#define EER_WORDS_backend "cpu|ref|cuda"

/* Places in the words of spec/backend.h, or -1 where nothing was said. */
struct eer_execution {
    int backend, precision, tf32_rounding, isa;
    int threads; /* 0: nothing was said */
};

enum { EER_EXECUTION_OPTIONS = 5 };
#define EER_EXECUTION_ROWS                                                                         \
    {"threads", "N", "threads, 1 to 64; any number gives the same bits (default: the CPUs)"},      \
        {"backend", EER_WORDS_backend,                                                             \
         "the fast kernels, the reference in double, or an NVIDIA GPU (default cpu, or "           \
         "as the checkpoint says)"},                                                               \
        {"precision", EER_WORDS_precision, "of the arithmetic (default fp32; ref: fp64)"},         \
        {"tf32-rounding", EER_WORDS_tf32_rounding, "of operands, with tf32 (default ties-away)"},  \
    {                                                                                              \
        "isa", EER_WORDS_isa, "instruction set; all give the same bits (default best)"             \
    }

void eer_execution_unset(struct eer_execution *);

/* The option at a place of EER_EXECUTION_ROWS was given. */
enum eer_status eer_execution_set(struct eer_execution *, int option, const char *value,
                                  struct eer_error *);

/* What was not said is taken from the checkpoint. With strict = 1 it is an error if something that
 * changes bits was said and differs. */
enum eer_status eer_execution_follow(struct eer_execution *, const struct eer_checkpoint *,
                                     int strict, struct eer_error *);

/* Defaults for what is still unset. */
void eer_execution_settle(struct eer_execution *);

/* Records backend, precision and rounding in a checkpoint's metadata. */
void eer_execution_record(const struct eer_execution *, struct eer_checkpoint *);

const struct eer_backend *eer_execution_backend(const struct eer_execution *);

/* 4 or 8: bytes a number in checkpoints. */
int eer_execution_element_size(const struct eer_execution *);

enum eer_status eer_execution_open(const struct eer_execution *, const struct eer_config *,
                                   int train_length, int eval_length, struct eer_engine **,
                                   struct eer_error *);

#endif
