/* safetensors.h - what every reader of a safetensors file needs: the header and single numbers. The
 * file is the header's length (8 bytes, little-endian), the header (JSON), and the tensors' bytes
 * (little-endian), which the header's offsets count from 0. */
#ifndef EER_SAFETENSORS_H
#define EER_SAFETENSORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "../../spec/error.h"

enum { EER_SAFETENSORS_LENGTH = 8 }; /* bytes of the header's length */

uint64_t eer_little_endian(const unsigned char *from, int bytes);
/* A float (element_size 4) or double (8). */
double eer_decode(const unsigned char *from, int element_size);

/* The header, an object without duplicate keys of at most `most` bytes, a new reference; data: the
 * bytes after it. `name` goes into the messages. Error: EER_FORMAT. */
enum eer_status eer_safetensors_header(const void *bytes, size_t size, const char *name,
                                       size_t most, json_t **header, const unsigned char **data,
                                       size_t *data_size, struct eer_error *);

#endif
