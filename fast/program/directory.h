/* directory.h - a run's directory: config.conf, metrics.jsonl, last.safetensors, report.*. One
 * process trains in it at a time, and nothing in it is overwritten unless that was asked for. */
#ifndef EER_DIRECTORY_H
#define EER_DIRECTORY_H

#include <stddef.h>

#include "../../spec/config.h"
#include "../../spec/error.h"

enum { EER_PATH = 4096 };

enum eer_claim {
    EER_CLAIM_NEW,    /* the directory must not exist, or be empty */
    EER_CLAIM_FORCE,  /* whatever is in it */
    EER_CLAIM_RESUME, /* it must not exist, be empty, or hold a run */
};

/* Makes the directory, and the ones above it, where missing, and locks it until the process ends.
 */
enum eer_status eer_directory_claim(const char *directory, enum eer_claim, struct eer_error *);

/* directory/name in path; EER_USAGE if that is too long. */
enum eer_status eer_directory_path(const char *directory, const char *name, char path[EER_PATH],
                                   struct eer_error *);

/* 1 if the directory holds a file of this name. */
int eer_directory_has(const char *directory, const char *name);

/* For a run from step 0: removes what an earlier one left and writes config.conf. */
enum eer_status eer_directory_start(const char *directory, const struct eer_config *,
                                    struct eer_error *);

#endif
