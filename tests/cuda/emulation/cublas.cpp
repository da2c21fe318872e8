/* cublas.cpp - see cublas_v2.h. Compiled with the sanitizer of the program, so that products are
 * seen as accesses of the host's fiber, which launches are ordered with. */
#include "cublas_v2.h"
#include "mma.h"

#include <cstdlib>

struct cublasContext {
    cublasHandle_t next; /* of those alive */
    cudaStream_t stream;
    void *workspace;
    size_t bytes;
    cublasMath_t math;
};

namespace
{
constexpr size_t SPOILED = 64 << 10; /* bytes of the workspace that a product overwrites */
cublasHandle_t alive;

/* What a product needs once its turn comes. */
struct Product {
    bool transposed_a, transposed_b;
    size_t m, n, k, lda, ldb, ldc, batch;
    long long stride_a, stride_b, stride_c;
    const float *A, *B;
    float *C, alpha, beta;
    bool tf32;
    emulation::Tf32 rounding;
    void *workspace;
    size_t bytes;
};

float operand(const Product &p, float x)
{
    return p.tf32 ? emulation::to_tf32(x, p.rounding) : x;
}

void multiply(const Product &p, const float *A, const float *B, float *C)
{
    const size_t over_a = p.transposed_a ? 1 : p.lda, down_a = p.transposed_a ? p.lda : 1;
    const size_t over_b = p.transposed_b ? p.ldb : 1, down_b = p.transposed_b ? 1 : p.ldb;
    for (size_t j = 0; j < p.n; j++)
        for (size_t i = 0; i < p.m; i++) {
            float sum = 0.0f, *c = C + j * p.ldc + i;
            for (size_t k = 0; k < p.k && p.alpha != 0.0f; k++)
                sum +=
                    operand(p, A[i * down_a + k * over_a]) * operand(p, B[k * over_b + j * down_b]);
            sum = p.alpha != 0.0f ? p.alpha * sum : 0.0f;
            *c = p.beta != 0.0f ? sum + p.beta * *c : sum;
        }
}

void run(void *argument)
{
    const Product *p = static_cast<Product *>(argument);
    for (size_t b = 0; b < p->batch; b++) {
        const long long at = static_cast<long long>(b);
        multiply(*p, p->A + at * p->stride_a, p->B + at * p->stride_b, p->C + at * p->stride_c);
    }
    emulation::poison(p->workspace, p->bytes < SPOILED ? p->bytes : SPOILED);
    delete p;
}

/* Null: not initialised. A destroyed handle is nothing that cuBLAS would notice. */
bool usable(cublasHandle_t handle)
{
    if (!handle)
        return false;
    for (cublasHandle_t h = alive; h; h = h->next)
        if (h == handle)
            return true;
    emulation::fatal("cuBLAS: handle %p does not exist, or no longer", static_cast<void *>(handle));
}
#define CAN_FAIL(handle)                                                                           \
    do {                                                                                           \
        if (emulation::can_fail() != cudaSuccess)                                                  \
            return CUBLAS_STATUS_INTERNAL_ERROR;                                                   \
        if (!usable(handle))                                                                       \
            return CUBLAS_STATUS_NOT_INITIALIZED;                                                  \
    } while (0)

/* Floats from the first to behind the last of a batch of matrices. */
struct Extent {
    const float *first;
    size_t count;
};
Extent extent(const void *data, size_t rows, size_t columns, size_t ld, long long stride,
              size_t batch)
{
    const long long way = static_cast<long long>(batch - 1) * stride;
    const size_t one = (columns - 1) * ld + rows;
    return {static_cast<const float *>(data) + (way < 0 ? way : 0),
            one + static_cast<size_t>(way < 0 ? -way : way)};
}
void check_extent(const char *name, const Extent &e)
{
    const size_t room = emulation::room(e.first) / sizeof(float);
    if (reinterpret_cast<uintptr_t>(e.first) % sizeof(float) != 0)
        emulation::fatal("cublasGemmStridedBatchedEx: %s is no aligned pointer", name);
    if (room == 0)
        emulation::fatal("cublasGemmStridedBatchedEx: %s is no device memory", name);
    if (room < e.count)
        emulation::fatal("cublasGemmStridedBatchedEx: %s takes %zu floats, %zu are left of its "
                         "memory",
                         name, e.count, room);
}
void check_apart(const char *name, const Extent &c, const Extent &e)
{
    if (c.first < e.first + e.count && e.first < c.first + c.count)
        emulation::fatal("cublasGemmStridedBatchedEx: C overlaps %s", name);
}

bool operation(cublasOperation_t o)
{
    return o == CUBLAS_OP_N || o == CUBLAS_OP_T || o == CUBLAS_OP_C;
}
bool leading(int ld, int rows)
{
    return ld >= (rows > 1 ? rows : 1);
}

void check_memory(const Product &p)
{
    const size_t one = (p.n - 1) * p.ldc + p.m;
    if (p.batch > 1 && static_cast<size_t>(llabs(p.stride_c)) < one)
        emulation::fatal("cublasGemmStridedBatchedEx: matrices C of %zu floats %lld apart overlap",
                         one, p.stride_c);
    const Extent c = extent(p.C, p.m, p.n, p.ldc, p.stride_c, p.batch);
    check_extent("C", c);
    if (p.alpha == 0.0f || p.k == 0)
        return;
    const Extent a = extent(p.A, p.transposed_a ? p.k : p.m, p.transposed_a ? p.m : p.k, p.lda,
                            p.stride_a, p.batch);
    const Extent b = extent(p.B, p.transposed_b ? p.n : p.k, p.transposed_b ? p.k : p.n, p.ldb,
                            p.stride_b, p.batch);
    check_extent("A", a);
    check_extent("B", b);
    check_apart("A", c, a);
    check_apart("B", c, b);
}
} /* namespace */

cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
    const cudaError_t error = emulation::can_fail();
    if (error != cudaSuccess)
        return error == cudaErrorInsufficientDriver ? CUBLAS_STATUS_NOT_INITIALIZED
                                                    : CUBLAS_STATUS_ALLOC_FAILED;
    if (!handle)
        return CUBLAS_STATUS_INVALID_VALUE;
    *handle = alive = new cublasContext{alive, nullptr, nullptr, 0, CUBLAS_DEFAULT_MATH};
    emulation::hold(1);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    if (!usable(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    cublasHandle_t *link = &alive;
    while (*link != handle)
        link = &(*link)->next;
    *link = handle->next;
    delete handle;
    emulation::hold(-1);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGetVersion(cublasHandle_t handle, int *version)
{
    CAN_FAIL(handle);
    if (!version)
        return CUBLAS_STATUS_INVALID_VALUE;
    *version = 130100;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    CAN_FAIL(handle);
    handle->stream = stream;
    handle->workspace = nullptr;
    handle->bytes = 0;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void *workspace, size_t bytes)
{
    CAN_FAIL(handle);
    if (reinterpret_cast<uintptr_t>(workspace) % 256 != 0)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (emulation::room(workspace) < bytes)
        emulation::fatal("cublasSetWorkspace: %p has no %zu bytes of device memory", workspace,
                         bytes);
    handle->workspace = workspace;
    handle->bytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math)
{
    CAN_FAIL(handle);
    if (math != CUBLAS_DEFAULT_MATH && math != CUBLAS_PEDANTIC_MATH &&
        math != CUBLAS_TF32_TENSOR_OP_MATH)
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->math = math;
    return CUBLAS_STATUS_SUCCESS;
}

#define NAME(name, number, text)                                                                   \
    case name:                                                                                     \
        return #name;
const char *cublasGetStatusName(cublasStatus_t status)
{
    switch (status) {
        EMULATION_STATUSES(NAME)
    }
    return "CUBLAS_STATUS_UNKNOWN";
}
#undef NAME
#define TEXT(name, number, text)                                                                   \
    case name:                                                                                     \
        return text;
const char *cublasGetStatusString(cublasStatus_t status)
{
    switch (status) {
        EMULATION_STATUSES(TEXT)
    }
    return "unknown status";
}
#undef TEXT

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t a,
                                          cublasOperation_t b, int m, int n, int k,
                                          const void *alpha, const void *A, cudaDataType type_a,
                                          int lda, long long stride_a, const void *B,
                                          cudaDataType type_b, int ldb, long long stride_b,
                                          const void *beta, void *C, cudaDataType type_c, int ldc,
                                          long long stride_c, int batch,
                                          cublasComputeType_t compute, cublasGemmAlgo_t algorithm)
{
    CAN_FAIL(handle);
    if (m < 0 || n < 0 || k < 0 || batch < 0 || !operation(a) || !operation(b) || !alpha || !beta ||
        algorithm != CUBLAS_GEMM_DEFAULT || !leading(lda, a == CUBLAS_OP_N ? m : k) ||
        !leading(ldb, b == CUBLAS_OP_N ? k : n) || !leading(ldc, m))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (type_a != CUDA_R_32F || type_b != CUDA_R_32F || type_c != CUDA_R_32F ||
        (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_PEDANTIC &&
         compute != CUBLAS_COMPUTE_32F_FAST_TF32))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (m == 0 || n == 0 || batch == 0)
        return CUBLAS_STATUS_SUCCESS;
    if (emulation::room(alpha) > 0 || emulation::room(beta) > 0)
        emulation::fatal("cublasGemmStridedBatchedEx: alpha and beta are read on the host");
    const char *override = getenv("NVIDIA_TF32_OVERRIDE");
    const bool wanted =
        compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
        (compute == CUBLAS_COMPUTE_32F && handle->math == CUBLAS_TF32_TENSOR_OP_MATH);
    const Product p = {a != CUBLAS_OP_N,
                       b != CUBLAS_OP_N,
                       static_cast<size_t>(m),
                       static_cast<size_t>(n),
                       static_cast<size_t>(k),
                       static_cast<size_t>(lda),
                       static_cast<size_t>(ldb),
                       static_cast<size_t>(ldc),
                       static_cast<size_t>(batch),
                       stride_a,
                       stride_b,
                       stride_c,
                       static_cast<const float *>(A),
                       static_cast<const float *>(B),
                       static_cast<float *>(C),
                       *static_cast<const float *>(alpha),
                       *static_cast<const float *>(beta),
                       wanted && !(override && override[0] == '0' && override[1] == '\0'),
                       emulation::tf32_rounding(emulation::TIES_AWAY),
                       handle->workspace,
                       handle->bytes};
    check_memory(p);
    emulation::enqueue(run, new Product(p), handle->stream);
    return CUBLAS_STATUS_SUCCESS;
}
