/* configuration.h - reading, checking and printing struct eer_config.
 *
 * The text form is one "key = value" a line; '#' starts a comment that runs to the end of the line.
 */
#ifndef EER_CONFIGURATION_H
#define EER_CONFIGURATION_H

#include <stddef.h>

#include "../../spec/config.h"
#include "../../spec/error.h"

enum { EER_CONFIG_TEXT = 8192 }; /* bytes that any configuration fits in as text, with its NUL */

void eer_config_default(struct eer_config *);

/* Sets one key. `where` goes into the message, e.g. "my.conf:12" or "--set". EER_USAGE otherwise.
 */
enum eer_status eer_config_set(struct eer_config *, const char *key, const char *value,
                               const char *where, struct eer_error *);

/* Applies a text of `size` bytes (need not end in NUL) to *config; `name` is the file's. A key
 * given twice in one text is an error. *config is unchanged on error. */
enum eer_status eer_config_parse(struct eer_config *, const char *text, size_t size,
                                 const char *name, struct eer_error *);
enum eer_status eer_config_load(struct eer_config *, const char *path, struct eer_error *);

/* A preset compiled in from spec/presets/NAME.conf: paper, reproduction, eer, ce. */
enum eer_status eer_config_preset(struct eer_config *, const char *name, struct eer_error *);

/* What no single key can say: d a multiple of 4, length_min <= length_max, warmup < steps, ... */
enum eer_status eer_config_check(const struct eer_config *, struct eer_error *);

/* The text form with every key (comments = 1: the table's notes too). Numbers are printed with the
 * fewest digits that read back to the same double. Returns the length, as snprintf does. */
int eer_config_print(const struct eer_config *, int comments, char *text, size_t size);

#endif
