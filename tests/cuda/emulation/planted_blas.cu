/*
 * The test of the emulation's cuBLAS and WMMA, as planted.cu is of its kernels: programs that are
 * right, which every checker has to pass, and programs with one bug each, which at least one has to
 * see (planted_blas.sh has the table).
 *
 *     planted_blas --correct | --bugs      the names
 *     planted_blas NAME                    runs one; exit 0 where the results are as they should
 *                                          be, else 1
 */
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <mma.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../cuda/shared.h"

#define CHECK(call)                                                                                \
    do {                                                                                           \
        const cudaError_t error = call;                                                            \
        if (error != cudaSuccess) {                                                                \
            printf("%s: %s\n", #call, cudaGetErrorString(error));                                  \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)
#define BLAS(call)                                                                                 \
    do {                                                                                           \
        const cublasStatus_t status = call;                                                        \
        if (status != CUBLAS_STATUS_SUCCESS) {                                                     \
            printf("%s: %s\n", #call, cublasGetStatusName(status));                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* --- cuBLAS: C = A B for a batch of 3, 5 x 4 with an inner dimension of 6 --- */

enum { M = 5, N = 4, K = 6, BATCH = 3, SIZE = 256 };

/* Arrays of SIZE floats. Entries of A and B are small integers unless told otherwise, so that sums
 * and products are exact. */
struct data {
    cublasHandle_t handle;
    cudaStream_t stream;
    float *A, *B, *C;
    float a[SIZE], b[SIZE], *c; /* c: pinned */
};

/* How to call; the defaults are right. */
struct call {
    cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
    int lda = M, ldb = K, ldc = M;
    long long stride_a = M * K, stride_b = K * N, stride_c = M * N;
    float alpha = 1, beta = 0;
    cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
};

static data start()
{
    data x = data();
    for (int i = 0; i < SIZE; i++) {
        x.a[i] = static_cast<float>(i * 7 % 11 - 5);
        x.b[i] = static_cast<float>(i * 5 % 13 - 6);
    }
    CHECK(cudaStreamCreate(&x.stream));
    CHECK(cudaMallocHost(&x.c, sizeof x.a));
    memset(x.c, 0, sizeof x.a);
    for (float **p : {&x.A, &x.B, &x.C})
        CHECK(cudaMalloc(p, sizeof x.a));
    BLAS(cublasCreate(&x.handle));
    BLAS(cublasSetStream(x.handle, x.stream));
    return x;
}
static void put(data &x)
{
    CHECK(cudaMemcpyAsync(x.A, x.a, sizeof x.a, cudaMemcpyHostToDevice, x.stream));
    CHECK(cudaMemcpyAsync(x.B, x.b, sizeof x.b, cudaMemcpyHostToDevice, x.stream));
    CHECK(cudaMemsetAsync(x.C, 0xff, sizeof x.a, x.stream));
}
static cublasStatus_t multiply(data &x, const call &how, const float *A, const float *B, float *C)
{
    return cublasGemmStridedBatchedEx(x.handle, how.a, how.b, M, N, K, &how.alpha, A, CUDA_R_32F,
                                      how.lda, how.stride_a, B, CUDA_R_32F, how.ldb, how.stride_b,
                                      &how.beta, C, CUDA_R_32F, how.ldc, how.stride_c, BATCH,
                                      how.compute, CUBLAS_GEMM_DEFAULT);
}
static void finish(data &x)
{
    BLAS(cublasDestroy(x.handle));
    CHECK(cudaStreamDestroy(x.stream));
    for (float *p : {x.A, x.B, x.C})
        CHECK(cudaFree(p));
    CHECK(cudaFreeHost(x.c));
}

/* One more definition of the product, by subscripts. */
static int compare(const data &x, const call &how)
{
    for (int b = 0; b < BATCH; b++)
        for (int j = 0; j < N; j++)
            for (int i = 0; i < M; i++) {
                float sum = 0;
                for (int k = 0; k < K; k++)
                    sum += x.a[b * M * K + (how.a == CUBLAS_OP_N ? k * M + i : i * K + k)] *
                           x.b[b * K * N + (how.b == CUBLAS_OP_N ? j * K + k : k * N + j)];
                const float got = x.c[b * M * N + j * M + i];
                if (got != how.alpha * sum) {
                    printf("wrong result: [%d](%d, %d) is %g, %g is right\n", b, i, j,
                           static_cast<double>(got), static_cast<double>(how.alpha * sum));
                    return 1;
                }
            }
    return 0;
}

/* Runs `wrong` and expects what `right` gives. wait: before looking. */
static int product(const call &wrong, const call &right = call(), bool check = true,
                   bool wait = true)
{
    data x = start();
    put(x);
    const cublasStatus_t answer = multiply(x, wrong, x.A, x.B, x.C);
    if (check)
        BLAS(answer);
    CHECK(cudaMemcpyAsync(x.c, x.C, sizeof x.a, cudaMemcpyDeviceToHost, x.stream));
    if (wait)
        CHECK(cudaStreamSynchronize(x.stream));
    const int different = compare(x, right);
    finish(x);
    return different;
}

static int run_products()
{
    int different = 0;
    for (cublasOperation_t a : {CUBLAS_OP_N, CUBLAS_OP_T})
        for (cublasOperation_t b : {CUBLAS_OP_N, CUBLAS_OP_T, CUBLAS_OP_C}) {
            call how;
            how.a = a;
            how.b = b;
            how.lda = a == CUBLAS_OP_N ? M : K;
            how.ldb = b == CUBLAS_OP_N ? K : N;
            how.alpha = -2;
            different |= product(how, how);
            how.compute = CUBLAS_COMPUTE_32F_FAST_TF32; /* integers are exact in TF32 too */
            different |= product(how, how);
        }
    return different;
}
/* Factors of 0: nothing is read. Factor 1: C is added to. */
static int run_factors()
{
    data x = start();
    call how;
    put(x);
    how.alpha = 0;
    BLAS(multiply(x, how, nullptr, nullptr, x.C));
    how.beta = 1;
    how.alpha = 1;
    for (int time = 0; time < 2; time++)
        BLAS(multiply(x, how, x.A, x.B, x.C));
    how.alpha = 2;
    CHECK(cudaMemcpyAsync(x.c, x.C, sizeof x.a, cudaMemcpyDeviceToHost, x.stream));
    CHECK(cudaStreamSynchronize(x.stream));
    const int different = compare(x, how);
    finish(x);
    return different;
}
static int run_codes()
{
    data x = start();
    call how, wrong = how;
    float one = 1;
    int version = 0, bad = 0;
    const cublasHandle_t handle = x.handle;
    put(x);
    bad += cublasGetVersion(handle, &version) != CUBLAS_STATUS_SUCCESS || version < 11000;
    bad += cublasGetVersion(handle, nullptr) != CUBLAS_STATUS_INVALID_VALUE;
    bad += cublasCreate(nullptr) != CUBLAS_STATUS_INVALID_VALUE;
    bad += cublasSetStream(nullptr, nullptr) != CUBLAS_STATUS_NOT_INITIALIZED;
    bad += cublasSetMathMode(handle, static_cast<cublasMath_t>(77)) != CUBLAS_STATUS_INVALID_VALUE;
    bad += cublasSetWorkspace(handle, x.C + 1, 4) != CUBLAS_STATUS_INVALID_VALUE;
    x.handle = nullptr;
    bad += multiply(x, how, x.A, x.B, x.C) != CUBLAS_STATUS_NOT_INITIALIZED;
    x.handle = handle;
    for (int *ld : {&wrong.lda, &wrong.ldb, &wrong.ldc}) {
        wrong = how;
        *ld = 3;
        bad += multiply(x, wrong, x.A, x.B, x.C) != CUBLAS_STATUS_INVALID_VALUE;
    }
    wrong = how;
    wrong.a = CUBLAS_OP_T; /* lda = M < K */
    bad += multiply(x, wrong, x.A, x.B, x.C) != CUBLAS_STATUS_INVALID_VALUE;
    for (int m : {-1, 0})
        bad += cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, m, N, K, &one, x.A,
                                          CUDA_R_32F, M, 0, x.B, CUDA_R_32F, K, 0, &one, x.C,
                                          CUDA_R_32F, M, 0, 1, how.compute, CUBLAS_GEMM_DEFAULT) !=
               (m < 0 ? CUBLAS_STATUS_INVALID_VALUE : CUBLAS_STATUS_SUCCESS);
    bad += cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, M, N, K, nullptr, x.A,
                                      CUDA_R_32F, M, 0, x.B, CUDA_R_32F, K, 0, &one, x.C,
                                      CUDA_R_32F, M, 0, 1, how.compute,
                                      CUBLAS_GEMM_DEFAULT) != CUBLAS_STATUS_INVALID_VALUE;
    finish(x);
    return bad;
}
/* 1 + 2^-12 is 1 in TF32, whichever way operands are rounded; asked for by type or by mode. */
static int run_tf32()
{
    int bad = 0;
    const char *override = getenv("NVIDIA_TF32_OVERRIDE");
    const bool off = override && !strcmp(override, "0");
    for (int way = 0; way < 4; way++) {
        data x = start();
        call how;
        for (int i = 0; i < SIZE; i++) {
            x.a[i] = 1 + 0x1p-12f;
            x.b[i] = i % K == 0;
        }
        put(x);
        if (way == 1)
            how.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
        if (way >= 2)
            BLAS(cublasSetMathMode(x.handle, CUBLAS_TF32_TENSOR_OP_MATH));
        if (way == 3)
            how.compute = CUBLAS_COMPUTE_32F_PEDANTIC;
        BLAS(multiply(x, how, x.A, x.B, x.C));
        CHECK(cudaMemcpyAsync(x.c, x.C, sizeof x.a, cudaMemcpyDeviceToHost, x.stream));
        CHECK(cudaStreamSynchronize(x.stream));
        bad += x.c[0] != ((way == 1 || way == 2) && !off ? 1 : 1 + 0x1p-12f);
        finish(x);
    }
    return bad;
}

static int run_host_pointer()
{
    data x = start();
    put(x);
    BLAS(multiply(x, call(), x.a, x.B, x.C));
    return 0;
}
static int run_device_factor()
{
    data x = start();
    const call how;
    put(x);
    BLAS(cublasGemmStridedBatchedEx(x.handle, how.a, how.b, M, N, K, x.A, x.A, CUDA_R_32F, M, 0,
                                    x.B, CUDA_R_32F, K, 0, &how.beta, x.C, CUDA_R_32F, M, 0, 1,
                                    how.compute, CUBLAS_GEMM_DEFAULT));
    return 0;
}
static int run_in_place()
{
    data x = start();
    put(x);
    BLAS(multiply(x, call(), x.A, x.B, x.A));
    return 0;
}
static int run_destroyed_handle()
{
    data x = start();
    put(x);
    BLAS(cublasDestroy(x.handle));
    BLAS(multiply(x, call(), x.A, x.B, x.C));
    return 0;
}
/* A product may overwrite the workspace. */
static int run_data_in_workspace()
{
    data x = start();
    put(x);
    BLAS(cublasSetWorkspace(x.handle, x.A, sizeof x.a));
    for (int time = 0; time < 2; time++)
        BLAS(multiply(x, call(), x.A, x.B, x.C));
    CHECK(cudaMemcpyAsync(x.c, x.C, sizeof x.a, cudaMemcpyDeviceToHost, x.stream));
    CHECK(cudaStreamSynchronize(x.stream));
    const int different = compare(x, call());
    finish(x);
    return different;
}

/* --- WMMA: one warp, C = A B, A 16 x 8, B 8 x 16, through shared memory --- */

using namespace nvcuda;
typedef wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> Left;
typedef wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::col_major> Right;
typedef wmma::fragment<wmma::accumulator, 16, 16, 8, float> Sum;

enum bug {
    NONE,
    HALF_WARP,
    WRONG_LDM,
    ODD_LDM,
    WRONG_LAYOUT,
    MISALIGNED,
    NOT_CONVERTED,
    ASSUMED_MAP,
    LOAD_WITHOUT_SYNC,
    READ_WITHOUT_SYNC,
    UNINITIALISED
};

/* A by rows, B by columns, C by rows. */
template <int BUG> __global__ void tile(const float *A, const float *B, float *C)
{
    CUDA_SHARED(float, left, 128 + 8);
    CUDA_SHARED(float, right, 128 + 8);
    CUDA_SHARED(float, out, 256);
    const unsigned lane = threadIdx.x;
    float *aligned = left + (8 - reinterpret_cast<size_t>(left) / 4 % 8) % 8;
    float *other = right + (8 - reinterpret_cast<size_t>(right) / 4 % 8) % 8;
    if (BUG == MISALIGNED)
        aligned++;
    for (unsigned i = lane; i < 128; i += 32) {
        aligned[i] = A[i];
        other[i] = B[i];
    }
    if (BUG != LOAD_WITHOUT_SYNC)
        __syncwarp();
    Left a;
    Right b;
    Sum sum;
    if (BUG == HALF_WARP && lane >= 16)
        return;
    if (BUG != UNINITIALISED)
        wmma::fill_fragment(sum, 0.0f);
    wmma::load_matrix_sync(a, aligned, BUG == WRONG_LDM ? 4 : BUG == ODD_LDM ? 6 : 8);
    wmma::load_matrix_sync(b, other, 8);
    for (int k = 0; k < a.num_elements && BUG != NOT_CONVERTED; k++)
        a.x[k] = wmma::__float_to_tf32(a.x[k]);
    for (int k = 0; k < b.num_elements && BUG != NOT_CONVERTED; k++)
        b.x[k] = wmma::__float_to_tf32(b.x[k]);
    wmma::mma_sync(sum, a, b, sum);
    for (int k = 0; k < sum.num_elements; k++)
        sum.x[k] *= 2;      /* alike in all elements: needs no map */
    if (BUG == ASSUMED_MAP) /* lane l: half a row */
        for (int k = 0; k < sum.num_elements; k++)
            out[lane * 8 + static_cast<unsigned>(k)] = sum.x[k];
    else
        wmma::store_matrix_sync(out, sum, 16,
                                BUG == WRONG_LAYOUT ? wmma::mem_col_major : wmma::mem_row_major);
    if (BUG != READ_WITHOUT_SYNC)
        __syncwarp();
    for (unsigned i = lane; i < 256; i += 32)
        C[i] = out[i];
}

/* Entries have 13 significant bits, the last a tie or not: what is rounded to nearest differs from
 * what is cut off. Sums of eight products of 11 bits each are exact. */
static float entry(int i)
{
    return static_cast<float>(i * 7 % 11 - 5) + static_cast<float>(i % 4) * 0x1p-11f;
}
static float nearest(float x)
{
    return static_cast<float>(copysign(floor(fabs(x) * 0x1p10 / exp2(floor(log2(fabs(x)))) + 0.5) *
                                           exp2(floor(log2(fabs(x)))) * 0x1p-10,
                                       x));
}
static int run_tile(void (*kernel)(const float *, const float *, float *))
{
    float a[128], b[128], c[256], *A, *B, *C;
    int different = 0;
    for (int i = 0; i < 128; i++) {
        a[i] = entry(i + 1);
        b[i] = entry(3 * i + 2);
    }
    CHECK(cudaMalloc(&A, sizeof a));
    CHECK(cudaMalloc(&B, sizeof b));
    CHECK(cudaMalloc(&C, sizeof c));
    CHECK(cudaMemcpy(A, a, sizeof a, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(B, b, sizeof b, cudaMemcpyHostToDevice));
    void *arguments[] = {&A, &B, &C};
    CHECK(cudaLaunchKernel(kernel, dim3(1), dim3(32), arguments, 0, nullptr));
    CHECK(cudaMemcpy(c, C, sizeof c, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 256; i++) {
        double sum = 0;
        for (int k = 0; k < 8; k++) {
            const float x = a[i / 16 * 8 + k], y = b[i % 16 * 8 + k];
            sum += (x != 0 ? static_cast<double>(nearest(x)) : 0) *
                   (y != 0 ? static_cast<double>(nearest(y)) : 0);
        }
        if (fabs(static_cast<double>(c[i]) - 2 * sum) > 0x1p-20 * 8 * 36 || isnan(c[i]))
            different = 1;
    }
    for (float *p : {A, B, C})
        CHECK(cudaFree(p));
    return different;
}

static call with(void (*change)(call &))
{
    call how;
    change(how);
    return how;
}

static const struct {
    const char *name;
    int (*run)();
} correct[] = {{"products", run_products},
               {"factors", run_factors},
               {"codes", run_codes},
               {"tf32", run_tf32},
               {"tile", [] { return run_tile(tile<NONE>); }}},
  bugs[] = {
      {"wrong_transpose",
       [] {
           return product(with([](call &how) {
               how.a = CUBLAS_OP_T;
               how.lda = K;
           }));
       }},
      {"leading_dimension_short", [] { return product(with([](call &how) { how.lda = M - 1; })); }},
      {"unchecked_status",
       [] { return product(with([](call &how) { how.lda = M - 1; }), call(), false); }},
      {"no_synchronisation", [] { return product(call(), call(), true, false); }},
      {"wrong_stride", [] { return product(with([](call &how) { how.stride_b = K * N - 1; })); }},
      {"stride_past_memory", [] { return product(with([](call &how) { how.stride_b = SIZE; })); }},
      {"overlapping_c", [] { return product(with([](call &how) { how.stride_c = M; })); }},
      {"forgotten_beta", [] { return product(with([](call &how) { how.beta = 1; })); }},
      {"host_pointer", run_host_pointer},
      {"device_factor", run_device_factor},
      {"in_place", run_in_place},
      {"destroyed_handle", run_destroyed_handle},
      {"data_in_workspace", run_data_in_workspace},
      {"half_warp", [] { return run_tile(tile<HALF_WARP>); }},
      {"wrong_ldm", [] { return run_tile(tile<WRONG_LDM>); }},
      {"odd_ldm", [] { return run_tile(tile<ODD_LDM>); }},
      {"wrong_layout", [] { return run_tile(tile<WRONG_LAYOUT>); }},
      {"misaligned_tile", [] { return run_tile(tile<MISALIGNED>); }},
      {"not_converted", [] { return run_tile(tile<NOT_CONVERTED>); }},
      {"assumed_map", [] { return run_tile(tile<ASSUMED_MAP>); }},
      {"load_without_sync", [] { return run_tile(tile<LOAD_WITHOUT_SYNC>); }},
      {"read_without_sync", [] { return run_tile(tile<READ_WITHOUT_SYNC>); }},
      {"uninitialised_sum", [] { return run_tile(tile<UNINITIALISED>); }}};

int main(int argc, char **argv)
{
    const char *wanted = argc == 2 ? argv[1] : "";
    for (auto &test : correct)
        if (!strcmp(wanted, "--correct"))
            puts(test.name);
        else if (!strcmp(wanted, test.name))
            return test.run() != 0;
    for (auto &test : bugs)
        if (!strcmp(wanted, "--bugs"))
            puts(test.name);
        else if (!strcmp(wanted, test.name))
            return test.run() != 0;
    if (strncmp(wanted, "--", 2)) {
        fprintf(stderr, "usage: planted_blas --correct | --bugs | NAME\n");
        return 2;
    }
    return 0;
}
