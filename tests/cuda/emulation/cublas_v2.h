/*
 * The emulation of cuBLAS: handles, settings, and one product, cublasGemmStridedBatchedEx in FP32
 * and TF32. To use it give build.sh cublas.cpp among the arguments.
 *
 * As in cuBLAS: matrices lie column by column; the product takes its turn on the handle's stream;
 * A and B are not read where alpha is 0, C is not read where beta is 0; wrong numbers are answered
 * with cuBLAS' codes. TF32 where the compute type or the math mode asks for it, unless
 * NVIDIA_TF32_OVERRIDE is 0: operands are rounded as EMULATION_TF32 says (ties-away unless told),
 * products and sums are FP32 in the order of k, of which real cuBLAS promises nothing.
 *
 * A message and exit status 70 follow where a device would read or write something else or fail
 * later: a matrix that is not wholly in one cudaMalloc, factors that are not in host memory, a C
 * that overlaps itself, A or B, a workspace that is not on the device, a destroyed handle. The
 * beginning of the workspace is filled with NaN by every product. The calls count for
 * EMULATION_FAIL and fail with CUBLAS_STATUS_INTERNAL_ERROR, cublasCreate with ALLOC_FAILED.
 */
#ifndef EER_EMULATION_CUBLAS_V2_H
#define EER_EMULATION_CUBLAS_V2_H

#include <cuda_runtime.h>

/* Names and numbers are cuBLAS'. */
#define EMULATION_STATUSES(S)                                                                      \
    S(CUBLAS_STATUS_SUCCESS, 0, "success")                                                         \
    S(CUBLAS_STATUS_NOT_INITIALIZED, 1, "the library was not initialized")                         \
    S(CUBLAS_STATUS_ALLOC_FAILED, 3, "the resource allocation failed")                             \
    S(CUBLAS_STATUS_INVALID_VALUE, 7, "an unsupported value or parameter was passed")              \
    S(CUBLAS_STATUS_ARCH_MISMATCH, 8, "the device lacks a feature that is needed")                 \
    S(CUBLAS_STATUS_EXECUTION_FAILED, 13, "the program failed to execute on the device")           \
    S(CUBLAS_STATUS_INTERNAL_ERROR, 14, "an internal operation failed")                            \
    S(CUBLAS_STATUS_NOT_SUPPORTED, 15, "the functionality is not supported")
#define EMULATION_ENUMERATOR(name, number, text) name = number,
typedef enum { EMULATION_STATUSES(EMULATION_ENUMERATOR) } cublasStatus_t;
#undef EMULATION_ENUMERATOR

typedef enum { CUBLAS_OP_N, CUBLAS_OP_T, CUBLAS_OP_C } cublasOperation_t;
typedef enum {
    CUBLAS_DEFAULT_MATH = 0,
    CUBLAS_PEDANTIC_MATH = 2,
    CUBLAS_TF32_TENSOR_OP_MATH = 3
} cublasMath_t;
typedef enum { CUDA_R_32F = 0, CUDA_R_64F = 1, CUDA_R_16F = 2 } cudaDataType;
typedef enum {
    CUBLAS_COMPUTE_32F = 68,
    CUBLAS_COMPUTE_32F_PEDANTIC = 69,
    CUBLAS_COMPUTE_32F_FAST_TF32 = 77
} cublasComputeType_t;
typedef enum { CUBLAS_GEMM_DEFAULT = -1 } cublasGemmAlgo_t;
typedef struct cublasContext *cublasHandle_t;

extern "C" {
cublasStatus_t cublasCreate(cublasHandle_t *);
cublasStatus_t cublasDestroy(cublasHandle_t);
cublasStatus_t cublasGetVersion(cublasHandle_t, int *);
cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t);
/* Aligned to 256 bytes; a handle that changes its stream falls back to its own workspace. */
cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t);
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t);
const char *cublasGetStatusName(cublasStatus_t);
const char *cublasGetStatusString(cublasStatus_t);
/* C = alpha op(A) op(B) + beta C for each of the batch: op(A) m x k, op(B) k x n. */
cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t, cublasOperation_t a, cublasOperation_t b,
                                          int m, int n, int k, const void *alpha, const void *A,
                                          cudaDataType, int lda, long long stride_a, const void *B,
                                          cudaDataType, int ldb, long long stride_b,
                                          const void *beta, void *C, cudaDataType, int ldc,
                                          long long stride_c, int batch, cublasComputeType_t,
                                          cublasGemmAlgo_t);
}

#endif
