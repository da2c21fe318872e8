/* wide.h - loss and gradient of a training step by cuBLAS, for shapes that the fused kernel of
 * train.cu cannot hold: d to EER_MAX_D, L to EER_MAX_LENGTH, any configuration.
 *
 * The same design as the fused path - of the forward pass only the states Z_t are kept - but all
 * arrays lie in device memory, attention as two N x N matrices a sequence. A sequence takes
 * 2 N N + N (d (18 + T) + 3 m + C + 9) floats; sequences are worked on in chunks of at most 256 MiB
 * (or one sequence), beside 64 P floats of sums and cuBLAS' workspace, 32 MiB. Chunks follow from
 * the configuration alone, and sums are taken in a fixed order: the same numbers give the same bits
 * on the same device and version of cuBLAS.
 *
 * Meant for a shared object of its own, loaded when needed: cuBLAS is large. */
#ifndef CUDA_WIDE_H
#define CUDA_WIDE_H

#include "problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All that the shared object shows where it is compiled with -fvisibility=hidden. */
#define CUDA_WIDE_API __attribute__((visibility("default")))

struct cuda_wide; /* handle and device memory */

/* Bytes of device memory for batches of B sequences of at most L tokens. */
CUDA_WIDE_API size_t cuda_wide_size(const struct cuda_problem *, int B, int L);

/* memory: that many bytes on the device, from cudaMalloc. tf32: 0 or 1. begun: pinned; the last
 * kernel to begin, but for cuBLAS's own. NULL, or a sentence about what went wrong, which stays as
 * it is until the next call; there is nothing to close then. */
CUDA_WIDE_API const char *cuda_wide_open(struct cuda_wide **, const struct cuda_problem *, int B,
                                         int L, int tf32, void *memory, volatile int *begun,
                                         cudaStream_t);
CUDA_WIDE_API void cuda_wide_close(struct cuda_wide *);

/* sums: B x CUDA_TERMS, the sums of each sequence; gradient: P, of the whole batch. All pointers
 * are to device memory; position, rows x d, may be NULL. Does not synchronise. NULL, or a sentence
 * that names the call or kernel that failed, as above. */
CUDA_WIDE_API const char *cuda_wide_gradient(struct cuda_wide *, const struct cuda_objective *,
                                             const float *theta, const float *position,
                                             const int *tokens, const int *labels, int B, int L,
                                             float *gradient, float *sums);

#ifdef __cplusplus
}
#endif
#endif
