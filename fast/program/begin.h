/* begin.h - how a run begins: its configuration, its directory, and the state it starts from. */
#ifndef EER_BEGIN_H
#define EER_BEGIN_H

#include "training.h"

/* What the command line of `eer train` says; NULL or 0: nothing. */
struct eer_arguments {
    const char *preset, *config, *out, *resume;
    const char *seed, *steps;
    char **set;
    int sets;
    int resuming, force, print_config, quiet, checkpoint_every;
    struct eer_execution execution;
};

/* The options that choose the configuration. */
enum { EER_CONFIGURATION_OPTIONS = 3 };
#define EER_CONFIGURATION_ROWS                                                                     \
    {"preset", "NAME", "paper, reproduction, eer or ce (default eer)"},                            \
        {"config", "FILE", "lines \"key = value\", applied over the preset"},                      \
    {                                                                                              \
        "set", "KEY=VALUE", "one key, applied last; may be repeated"                               \
    }

/* The option at a place of EER_CONFIGURATION_ROWS was given. */
enum eer_status eer_begin_option(struct eer_arguments *, int option, const char *value,
                                 struct eer_error *);

/* The options of a run, in the order in which train's and sweep's tables have them. */
enum eer_run_option {
    EER_RUN_STEPS,
    EER_RUN_OUT,
    EER_RUN_RESUME,
    EER_RUN_FORCE,
    EER_RUN_CHECKPOINT_EVERY,
    EER_RUN_QUIET,
    EER_RUN_OPTIONS
};
/* An option of train's or sweep's table, which has EER_CONFIGURATION_ROWS first, and from `run` on
 * these and EER_EXECUTION_ROWS. */
enum eer_status eer_begin_run_option(struct eer_arguments *, int option, int run, const char *value,
                                     struct eer_error *);

/* Applies preset, file and single keys, in this order, to *config and checks the whole. */
enum eer_status eer_begin_configure(const struct eer_arguments *, struct eer_config *,
                                    struct eer_error *);

/* Where the run is or will be, and the checkpoint to start from: "" if none is named. */
enum eer_status eer_begin_paths(const struct eer_arguments *, const struct eer_config *,
                                char directory[EER_PATH], char checkpoint[EER_PATH],
                                struct eer_error *);

/* Claims t->directory and fills in t: the state of a new run, or of the one that is continued,
 * which must be what the command line says, if it says anything. `named`: the checkpoint, or "". */
enum eer_status eer_begin(const struct eer_arguments *, const struct eer_config *,
                          const char *named, struct eer_training *, struct eer_error *);

#endif
