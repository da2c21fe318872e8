// check.h - for the plain programs of this folder: a line a check, and whether one failed.
#ifndef TESTS_CUDA_CHECK_H
#define TESTS_CUDA_CHECK_H

#include <cuda_runtime.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SKIPPED = 77 };

static int failures;

__attribute__((format(printf, 2, 3))) static inline void expect(bool right, const char *format, ...)
{
    va_list arguments;
    printf("%s: ", right ? "ok" : "not ok");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    failures += !right;
}

// A call of CUDA's without which there is nothing to check.
#define CHECK(call)                                                                                \
    do {                                                                                           \
        const cudaError_t error = call;                                                            \
        if (error != cudaSuccess) {                                                                \
            printf("not ok: %s: %s\n", #call, cudaGetErrorString(error));                          \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

// Says so if there is none: then the program's exit status is SKIPPED.
static inline bool has_device()
{
    int devices = 0;
    const bool there = cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
    if (!there)
        printf("skipped: no device\n");
    return there;
}

#endif
