/*
 * Shared memory, so that one source compiles under nvcc and under the emulation of
 * tests/cuda/emulation.
 *
 *     CUDA_SHARED(float, tile, 64);       an array float tile[64] for each block, aligned to 16
 *                                         bytes
 *     CUDA_DYNAMIC_SHARED(float, state);  a pointer float *const state to the launch's dynamic
 *                                         shared memory, aligned to 32 bytes, as tensor cores want
 *                                         it; at most once in a kernel
 *
 * Both are declarations inside a kernel or a device function; count is a constant expression.
 * Contents are indeterminate when a block starts.
 */
#ifndef EER_CUDA_SHARED_H
#define EER_CUDA_SHARED_H

#ifdef __CUDACC__

#define CUDA_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define CUDA_DYNAMIC_SHARED(type, name)                                                            \
    extern __shared__ __align__(32) unsigned char cuda_dynamic_shared[];                           \
    type *const name = reinterpret_cast<type *>(cuda_dynamic_shared)

#else

/* The address of key tells one declaration (and one instance of a template) from another. */
#define CUDA_SHARED(type, name, count)                                                             \
    type(&name)[count] = *static_cast<type(*)[count]>(emulation::shared(                           \
        [] {                                                                                       \
            static char key;                                                                       \
            return &key;                                                                           \
        }(),                                                                                       \
        sizeof(type[count]), #name))
#define CUDA_DYNAMIC_SHARED(type, name)                                                            \
    type *const name = static_cast<type *>(emulation::dynamic_shared())

#endif
#endif
