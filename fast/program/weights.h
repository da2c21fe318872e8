/* weights.h - the three matrices of an attention map from a safetensors file of any program: W_Q,
 * W_K and W_V, each d x d, F32 or F64. Other tensors of the file are left alone. */
#ifndef EER_WEIGHTS_H
#define EER_WEIGHTS_H

#include <stddef.h>

#include "../../spec/error.h"

struct eer_weights_file {
    int d;
    double *W_Q, *W_K, *W_V; /* d x d each, row-major, finite */
};

/* d at most most_d; checked before memory is taken. */
enum eer_status eer_weights_read(const char *path, int most_d, struct eer_weights_file *,
                                 struct eer_error *);
enum eer_status eer_weights_parse(const void *bytes, size_t size, const char *name, int most_d,
                                  struct eer_weights_file *, struct eer_error *);
void eer_weights_free(struct eer_weights_file *);

#endif
