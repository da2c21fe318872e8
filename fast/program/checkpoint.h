/* checkpoint.h - a run's state as a safetensors file (https://huggingface.co/docs/safetensors).
 *
 * Tensors: each parameter tensor under its name of layout.h, AdamW's moments as "adam.m.NAME" and
 * "adam.v.NAME"; F32 from float backends, F64 from ref. Metadata (strings): "format" = "eer 1",
 * "step", "config" (the text form of configuration.h, with every key), "source" (hash of the
 * sources), "version", "verified" ("yes ..." or "no ..."), "backend", "precision", "tf32_rounding",
 * and "crc32": zlib's CRC-32, eight hexadecimal digits, of config, step, backend, precision,
 * tf32_rounding, source, version and verified, a NUL after each, and then the numbers' bytes:
 * parameters, m, v. */
#ifndef EER_CHECKPOINT_H
#define EER_CHECKPOINT_H

#include <stddef.h>

#include "../../spec/backend.h"

struct eer_checkpoint {
    struct eer_config config;
    struct eer_layout layout;
    struct eer_state state;
    char backend[16], precision[16], tf32_rounding[16];
    char source[72], version[72], verified[128];
};

/* Memory for the state of a configuration; step 0, all zero. */
enum eer_status eer_state_new(const struct eer_config *, struct eer_state *, struct eer_error *);
void eer_state_free(struct eer_state *);

/* Written to a temporary file in the same directory, synced, renamed, directory synced: afterwards
 * the path holds the whole old file or the whole new one. element_size: 4 (F32) or 8 (F64). */
enum eer_status eer_checkpoint_write(const char *path, const struct eer_checkpoint *,
                                     int element_size, struct eer_error *);

/* Reads and checks everything before it is believed: header length and JSON, dtype, shape, offsets
 * (no hole, no overlap, no duplicate, nothing missing, nothing unknown), the metadata, the file's
 * size, finite values, the checksum. Memory is taken for what the configuration needs only, after
 * its check. */
enum eer_status eer_checkpoint_read(const char *path, struct eer_checkpoint *, struct eer_error *);
/* The same from memory: what the fuzzer calls. `name` goes into the messages. */
enum eer_status eer_checkpoint_parse(const void *bytes, size_t size, const char *name,
                                     struct eer_checkpoint *, struct eer_error *);
void eer_checkpoint_free(struct eer_checkpoint *);

#endif
