/* npy.h - a matrix in NumPy's format
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), version 1 or 2:
 * little-endian floats or doubles, C order, two dimensions. */
#ifndef EER_NPY_H
#define EER_NPY_H

#include <stddef.h>

#include "../../spec/error.h"

struct eer_npy {
    int rows, columns;
    double *values; /* rows x columns, row-major, finite */
};

/* At least one row and column, at most as many as given. Everything is checked before memory is
 * taken. */
enum eer_status eer_npy_read(const char *path, int most_rows, int most_columns, struct eer_npy *,
                             struct eer_error *);
/* The same from memory: what the fuzzer calls. `name` goes into the messages. */
enum eer_status eer_npy_parse(const void *bytes, size_t size, const char *name, int most_rows,
                              int most_columns, struct eer_npy *, struct eer_error *);
void eer_npy_free(struct eer_npy *);

#endif
