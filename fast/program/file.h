/* file.h - whole files: read at once, replaced at once. */
#ifndef EER_FILE_H
#define EER_FILE_H

#include <stddef.h>

#include "../../spec/error.h"

/* Writes a temporary file in the path's directory, syncs it, renames it, syncs the directory:
 * whatever happens meanwhile, the path holds the whole old file or the whole new one. A temporary
 * file stays only if the process is killed. The mode follows the umask. Error: EER_IO. */
enum eer_status eer_file_replace(const char *path, const void *bytes, size_t size,
                                 struct eer_error *);

/* Reads a regular file of at most `most` bytes; its size is checked before memory is taken. *bytes
 * is for free(). Errors: EER_IO, EER_FORMAT (not a regular file, or larger), EER_NO_MEMORY. */
enum eer_status eer_file_read(const char *path, size_t most, unsigned char **bytes, size_t *size,
                              struct eer_error *);

#endif
