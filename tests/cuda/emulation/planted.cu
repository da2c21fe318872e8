/*
 * The emulation's own test: correct kernels, which every checker has to pass, and kernels with one
 * bug each, which at least one has to see (planted.sh has the table).
 *
 *     planted --correct | --bugs      the names
 *     planted NAME                    runs one; exit 0 where the results are as they should be,
 * else 1
 */
#include <cuda_runtime.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../cuda/shared.h"

constexpr int N = 64; /* threads of a block, and floats of an array, unless told otherwise */
constexpr unsigned ALL = 0xffffffffu;

/* --- correct kernels --- */

__device__ float warp_sum(float value)
{
    for (int delta = 16; delta > 0; delta /= 2)
        value += __shfl_xor_sync(ALL, value, delta);
    return value;
}

/* sums[block] = sum of the block's blockDim.x numbers of x[n]; blockDim.x a multiple of 32 */
__global__ void block_sum(const float *x, float *sums, int n)
{
    CUDA_SHARED(float, part, 32);
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float value = warp_sum(i < n ? x[i] : 0);
    if (threadIdx.x % 32 == 0)
        part[threadIdx.x / 32] = value;
    __syncthreads();
    if (threadIdx.x < 32) {
        value = warp_sum(threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0);
        if (threadIdx.x == 0)
            sums[blockIdx.x] = value;
    }
}

/* y[row] = softmax of x[row], columns numbers each, one block a row; dynamic: columns + 1 floats */
__global__ void softmax(const float *x, float *y, int columns)
{
    CUDA_DYNAMIC_SHARED(float, row);
    const float *in = x + blockIdx.x * columns;
    for (int j = threadIdx.x; j < columns; j += blockDim.x)
        row[j] = in[j];
    __syncthreads();
    if (threadIdx.x == 0) {
        float largest = row[0], sum = 0;
        for (int j = 1; j < columns; j++)
            largest = fmaxf(largest, row[j]);
        for (int j = 0; j < columns; j++)
            sum += row[j] = expf(row[j] - largest);
        row[columns] = 1 / sum;
    }
    __syncthreads();
    for (int j = threadIdx.x; j < columns; j += blockDim.x)
        y[blockIdx.x * columns + j] = row[j] * row[columns];
}

constexpr int TILE = 16;
/* c = a b, all n x n, n a multiple of TILE; blocks of TILE x TILE */
template <int FACTOR> __global__ void product(const float *a, const float *b, float *c, int n)
{
    CUDA_SHARED(float, left, TILE *TILE);
    CUDA_SHARED(float, right, TILE *TILE);
    int r = threadIdx.y, s = threadIdx.x;
    int row = blockIdx.y * TILE + r, column = blockIdx.x * TILE + s;
    float sum = 0;
    for (int t = 0; t < n; t += TILE) {
        left[r * TILE + s] = a[row * n + t + s];
        right[r * TILE + s] = b[(t + r) * n + column];
        __syncthreads();
        for (int k = 0; k < TILE; k++)
            sum = __fmaf_rn(left[r * TILE + k], right[k * TILE + s], sum);
        __syncthreads();
    }
    c[row * n + column] = FACTOR * sum;
}

/* counts[k] = how many of the n digits are k, for k < 4; votes and atomics */
__global__ void histogram(const int *digits, int *counts, float *total, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, digit = i < n ? digits[i] : -1;
    for (int k = 0; k < 4; k++) {
        unsigned same = __ballot_sync(ALL, digit == k);
        if (threadIdx.x % 32 == 0)
            atomicAdd(&counts[k], __popc(same));
    }
    if (digit >= 0)
        atomicAdd(total, 1.0f);
}

/* y = x with neighbours exchanged inside each warp, through shared memory */
__global__ void warp_exchange(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    buffer[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    y[threadIdx.x] = buffer[threadIdx.x ^ 1];
}

/* y = x, 4 numbers a thread */
__global__ void vectors(const float *x, float *y)
{
    if (threadIdx.x < N / 4)
        reinterpret_cast<float4 *>(y)[threadIdx.x] =
            reinterpret_cast<const float4 *>(x)[threadIdx.x];
}

/* Neighbours in one word are no race. y = x, as x is whole numbers below 256 */
__global__ void bytes(const float *x, float *y)
{
    CUDA_SHARED(unsigned char, own, N);
    own[threadIdx.x] = static_cast<unsigned char>(x[threadIdx.x]);
    __syncthreads();
    unsigned value = own[threadIdx.x] + __shfl_sync(ALL, threadIdx.x, threadIdx.x % 32);
    own[threadIdx.x] = static_cast<unsigned char>(value);
    __syncthreads();
    y[threadIdx.x ^ 1] =
        static_cast<float>(own[threadIdx.x ^ 1] - static_cast<int>(threadIdx.x ^ 1));
}

/* Sums whose terms pass from lane to lane through shared memory, a tree of __syncwarp, the lower
   half of the lanes left; then from warp to warp. y = x again: the sum's share is 0. */
__global__ void shared_tree(const float *x, float *y)
{
    CUDA_SHARED(float, part, N);
    CUDA_SHARED(float, total, 1);
    part[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    for (unsigned half = 16; half > 0; half /= 2) {
        if (threadIdx.x % 32 < half)
            part[threadIdx.x] += part[threadIdx.x + half];
        __syncwarp();
    }
    __syncthreads();
    if (threadIdx.x == N - 1)
        total[0] = part[0] + part[32];
    __syncthreads();
    y[threadIdx.x] = x[threadIdx.x] + 0 * total[0];
}

/* --- one bug each; all get x[N], y[N], N threads unless the table below says otherwise --- */

__global__ void past_shared_array(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    float *p = buffer;
    p[threadIdx.x + 1] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = p[threadIdx.x + 1];
}
__global__ void into_next_array(const float *x, float *y)
{
    CUDA_SHARED(float, both, 2 * N);
    CUDA_SHARED(float, other, 2 * N);
    other[threadIdx.x] = other[threadIdx.x + N] = 0;
    both[threadIdx.x] = both[threadIdx.x + N] = x[threadIdx.x];
    __syncthreads();
    const float *p = both;
    /* The last thread reads what follows the array. */
    y[threadIdx.x] = p[threadIdx.x + N + 1] * 0 + other[threadIdx.x] + x[threadIdx.x];
}
__global__ void missed_barrier(const float *x, float *y)
{
    if (threadIdx.x == N - 1)
        return;
    __syncthreads();
    y[threadIdx.x] = x[threadIdx.x];
}
__global__ void divergent_barrier(const float *x, float *y)
{
    if (threadIdx.x < N / 2)
        __syncthreads();
    else
        __syncthreads();
    y[threadIdx.x] = x[threadIdx.x];
}
__global__ void read_without_barrier(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    buffer[threadIdx.x] = x[threadIdx.x];
    y[N - 1 - threadIdx.x] = buffer[N - 1 - threadIdx.x];
}
__global__ void write_race(const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x];
    if (threadIdx.x / 2 == 0)
        y[0] = x[0];
}
/* Two blocks of N. */
__global__ void block_race(const float *x, float *y)
{
    if (blockIdx.x == threadIdx.x % 2)
        y[threadIdx.x] = x[threadIdx.x];
    if (threadIdx.x == 0)
        y[1] = x[1];
}
__global__ void half_warp_shuffle(const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x];
    if (threadIdx.x % 32 < 16)
        y[threadIdx.x] = __shfl_sync(ALL, x[threadIdx.x], threadIdx.x % 32);
}
__global__ void mask_without_self(const float *x, float *y)
{
    y[threadIdx.x] = __shfl_sync(0xffffu, x[threadIdx.x], threadIdx.x % 32);
}
__global__ void uninitialised_shared(const float *x, float *y)
{
    CUDA_SHARED(float, largest, N);
    largest[threadIdx.x] = fmaxf(largest[threadIdx.x], x[threadIdx.x]); /* fmaxf drops a NaN */
    y[threadIdx.x] = largest[threadIdx.x];
}
__global__ void past_global_write(const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x];
    if (threadIdx.x == N - 1)
        y[N] = 0;
}
__global__ void past_global_read(const float *x, float *y)
{
    y[threadIdx.x] = fmaxf(x[threadIdx.x], 0 * x[threadIdx.x + 1]); /* fmaxf drops a NaN */
}
__global__ void exchange_without_syncwarp(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    buffer[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x ^ 1] = buffer[threadIdx.x ^ 1];
}
/* A shuffle keeps lanes together but orders no memory. */
__global__ void exchange_over_shuffle(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    buffer[threadIdx.x] = x[threadIdx.x];
    float zero = __shfl_sync(ALL, 0.0f, 0);
    y[threadIdx.x ^ 1] = buffer[threadIdx.x ^ 1] + zero;
}
/* The next round's write may come before a slow thread's read of this one's. */
__global__ void loop_without_second_barrier(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    float value = x[threadIdx.x];
    for (int round = 0; round < 2; round++) {
        buffer[threadIdx.x] = value;
        __syncthreads();
        value = buffer[threadIdx.x ^ 1];
    }
    y[threadIdx.x] = value;
}
/* Between warps, __syncwarp orders nothing. */
__global__ void syncwarp_across_warps(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    buffer[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    y[threadIdx.x ^ 32] = buffer[threadIdx.x ^ 32];
}
/* The last thread writes what others may not have read yet. */
__global__ void write_after_read(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    buffer[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = x[threadIdx.x] + 0 * buffer[0];
    if (threadIdx.x == N - 1)
        buffer[0] = 0;
}
/* In each warp all have read before __syncwarp, but one reads again. */
__global__ void write_after_late_read(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    unsigned first = threadIdx.x / 32 * 32;
    buffer[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    float zero = 0 * buffer[first];
    __syncwarp();
    if (threadIdx.x == first + 5)
        zero += 0 * buffer[first];
    if (threadIdx.x == first + 31)
        buffer[first] = 0;
    y[threadIdx.x] = x[threadIdx.x] + zero;
}
/* The masks name only half of those that exchange. */
__global__ void half_syncwarp(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, N);
    buffer[threadIdx.x] = x[threadIdx.x];
    __syncwarp(threadIdx.x % 32 < 16 ? 0xffffu : 0xffff0000u);
    y[threadIdx.x ^ 16] = buffer[threadIdx.x ^ 16];
}
__global__ void misaligned(const float *x, float *y)
{
    float2 pair = *reinterpret_cast<const float2 *>(x + (threadIdx.x | 1) % (N - 1));
    y[threadIdx.x] = x[threadIdx.x] + 0 * (pair.x + pair.y);
}
/* Two blocks of N: the second reads what the first writes. */
__global__ void block_reads_other(const float *x, float *y)
{
    if (blockIdx.x == 0)
        y[threadIdx.x] = x[threadIdx.x];
    else if (y[threadIdx.x] > 100)
        y[0] = 0;
}
__global__ void atomic_and_plain(const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    atomicAdd(&y[0], 0.0f);
    if (threadIdx.x == N - 1)
        y[0] = x[0];
}
__global__ void __launch_bounds__(N / 2) beyond_launch_bounds(const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x];
}
#if !defined __CUDACC__ || defined PLANTED_PTX /* ptxas refuses it */
__global__ void static_too_large(const float *x, float *y)
{
    CUDA_SHARED(float, buffer, 13 * 1024);
    buffer[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = buffer[threadIdx.x];
}
#endif
__global__ void copy_kernel(const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x];
}
__global__ void dynamic_kernel(const float *x, float *y)
{
    CUDA_DYNAMIC_SHARED(float, buffer);
    buffer[threadIdx.x + 12 * 1024] = x[threadIdx.x];
    y[threadIdx.x] = buffer[threadIdx.x + 12 * 1024];
}

/* --- the host's part --- */

#define CHECK(call)                                                                                \
    do {                                                                                           \
        cudaError_t error = call;                                                                  \
        if (error != cudaSuccess) {                                                                \
            printf("%s: %s\n", #call, cudaGetErrorString(error));                                  \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

template <class T> static T *device(const T *from, size_t count)
{
    T *to = nullptr;
    CHECK(cudaMalloc(&to, count * sizeof(T)));
    if (from)
        CHECK(cudaMemcpy(to, from, count * sizeof(T), cudaMemcpyHostToDevice));
    return to;
}

static int compare(const float *got, const float *wanted, int n, float share)
{
    for (int i = 0; i < n; i++)
        if (!(fabsf(got[i] - wanted[i]) <= share * fabsf(wanted[i]))) {
            printf("wrong result: [%d] is %g, %g is right\n", i, got[i], wanted[i]);
            return 1;
        }
    return 0;
}

/* Small integers: their sums and products are exact, whatever the order. */
static float number(int i)
{
    return static_cast<float>(i * 7 % 11 - 5);
}

static int run_block_sum()
{
    constexpr int n = 900, blocks = 4, size = 256;
    float x[n], got[blocks], wanted[blocks] = {0, 0, 0, 0};
    for (int i = 0; i < n; i++)
        wanted[i / size] += x[i] = number(i);
    float *dx = device(x, n), *dy = device<float>(nullptr, blocks);
    int count = n;
    const float *in = dx;
    void *arguments[] = {&in, &dy, &count};
    CHECK(cudaLaunchKernel(block_sum, blocks, size, arguments, 0, 0));
    CHECK(cudaMemcpy(got, dy, sizeof got, cudaMemcpyDeviceToHost));
    CHECK(cudaFree(dx));
    CHECK(cudaFree(dy));
    return compare(got, wanted, blocks, 0);
}
static int run_softmax()
{
    constexpr int rows = 3;
    int columns = 100;
    static float x[rows * 100], got[rows * 100], wanted[rows * 100];
    for (int r = 0; r < rows; r++) {
        double sum = 0;
        for (int j = 0; j < columns; j++)
            sum += exp(x[r * columns + j] = number(r + j));
        for (int j = 0; j < columns; j++)
            wanted[r * columns + j] = static_cast<float>(exp(x[r * columns + j]) / sum);
    }
    float *dx = device(x, rows * columns), *dy = device<float>(nullptr, rows * columns);
    const float *in = dx;
    void *arguments[] = {&in, &dy, &columns};
    CHECK(cudaLaunchKernel(softmax, rows, N, arguments, (columns + 1) * sizeof(float), 0));
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(got, dy, sizeof got, cudaMemcpyDeviceToHost));
    CHECK(cudaFree(dx));
    CHECK(cudaFree(dy));
    /* expf within 2 ulp twice over, 99 additions, a division, two products: below 110 roundings. */
    return compare(got, wanted, rows * columns, 110 * 0x1p-23f);
}
static int run_product()
{
    constexpr int n = 48;
    static float a[n * n], b[n * n], got[n * n], wanted[n * n];
    for (int i = 0; i < n * n; i++) {
        a[i] = number(i);
        b[i] = number(3 * i + 1);
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            for (int j = 0; j < n; j++)
                wanted[i * n + j] += 2 * a[i * n + k] * b[k * n + j];
    float *da = device(a, n * n), *db = device(b, n * n), *dc = device<float>(nullptr, n * n);
    int size = n;
    cudaStream_t stream;
    cudaEvent_t start, stop;
    float milliseconds = -1;
    CHECK(cudaStreamCreate(&stream));
    CHECK(cudaEventCreate(&start));
    CHECK(cudaEventCreate(&stop));
    CHECK(cudaEventRecord(start, stream));
    void *arguments[] = {&da, &db, &dc, &size};
    CHECK(cudaLaunchKernel(product<2>, dim3(n / TILE, n / TILE), dim3(TILE, TILE), arguments, 0,
                           stream));
    CHECK(cudaEventRecord(stop, stream));
    CHECK(cudaMemcpyAsync(got, dc, sizeof got, cudaMemcpyDeviceToHost, stream));
    CHECK(cudaStreamSynchronize(stream));
    CHECK(cudaEventElapsedTime(&milliseconds, start, stop));
    CHECK(cudaEventDestroy(start));
    CHECK(cudaEventDestroy(stop));
    CHECK(cudaStreamDestroy(stream));
    CHECK(cudaFree(da));
    CHECK(cudaFree(db));
    CHECK(cudaFree(dc));
    return compare(got, wanted, n * n, 0) || !(milliseconds >= 0);
}
static int run_histogram()
{
    constexpr int n = 200;
    int digits[n], got[4], wanted[4] = {0, 0, 0, 0}, count = n;
    float total;
    for (int i = 0; i < n; i++)
        wanted[digits[i] = i * i % 7 % 4]++;
    int *dx = device(digits, n), *dy = device<int>(nullptr, 4);
    float *dt = device<float>(nullptr, 1);
    CHECK(cudaMemset(dy, 0, 4 * sizeof(int)));
    CHECK(cudaMemset(dt, 0, sizeof(float)));
    void *arguments[] = {&dx, &dy, &dt, &count};
    CHECK(cudaLaunchKernel(histogram, 4, N, arguments, 0, 0));
    CHECK(cudaMemcpy(got, dy, sizeof got, cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(&total, dt, sizeof total, cudaMemcpyDeviceToHost));
    CHECK(cudaFree(dx));
    CHECK(cudaFree(dy));
    CHECK(cudaFree(dt));
    return total != n || memcmp(got, wanted, sizeof got) != 0;
}

typedef void Kernel(const float *, float *);
/* y = kernel(x) with x = numbers; then y has to be x, at partner's places. */
static int run(Kernel *kernel, int blocks, int partner, size_t dynamic = 0,
               cudaMemcpyKind back = cudaMemcpyDeviceToHost, size_t extra = 0, bool wait = true)
{
    float x[N], wanted[N], *got = nullptr;
    for (int i = 0; i < N; i++)
        wanted[i ^ partner] = x[i] = number(i) + 6;
    const float *dx = device(x, N);
    float *dy = device<float>(nullptr, N);
    CHECK(cudaMallocHost(&got, sizeof x));
    memset(got, 0, sizeof x);
    void *arguments[] = {&dx, &dy};
    CHECK(cudaLaunchKernel(kernel, blocks, N, arguments, dynamic, 0));
    CHECK(cudaMemcpyAsync(got, dy, sizeof x + extra, back, 0));
    if (wait)
        CHECK(cudaDeviceSynchronize());
    int wrong = compare(got, wanted, N, 0);
    CHECK(cudaFreeHost(got));
    CHECK(cudaFree(const_cast<float *>(dx)));
    CHECK(cudaFree(dy));
    return wrong;
}
static int run_dynamic_allowed()
{
    int bytes = 163 * 1024; /* all that sm_80 has */
    CHECK(cudaFuncSetAttribute(dynamic_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    return run(dynamic_kernel, 1, 0, bytes);
}
static int run_dynamic_beyond_device()
{
    CHECK(
        cudaFuncSetAttribute(dynamic_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20));
    return 0;
}
static int run_block_too_large()
{
    const float *dx = device<float>(nullptr, 2048);
    float *dy = device<float>(nullptr, 2048);
    void *arguments[] = {&dx, &dy};
    CHECK(cudaLaunchKernel(copy_kernel, 1, 2048, arguments, 0, 0));
    return 0;
}
static int run_host_reads_device()
{
    float x[N] = {1}, *dx = device(x, N);
    return *static_cast<volatile float *>(dx) != 1;
}
static int run_host_pointer()
{
    static float x[N], y[N];
    const float *in = x;
    float *out = y;
    void *arguments[] = {&in, &out};
    CHECK(cudaLaunchKernel(copy_kernel, 1, N, arguments, 0, 0));
    CHECK(cudaDeviceSynchronize());
    return 0;
}
static int run_forgotten_free()
{
    device<float>(nullptr, N);
    return 0;
}

static const struct {
    const char *name;
    int (*run)();
} correct[] = {{"block_sum", run_block_sum},
               {"softmax", run_softmax},
               {"product", run_product},
               {"histogram", run_histogram},
               {"warp_exchange", [] { return run(warp_exchange, 1, 1); }},
               {"vectors", [] { return run(vectors, 1, 0); }},
               {"bytes", [] { return run(bytes, 1, 0); }},
               {"shared_tree", [] { return run(shared_tree, 1, 0); }},
               {"dynamic_allowed", run_dynamic_allowed}},
  bugs[] = {
      {"past_shared_array", [] { return run(past_shared_array, 1, 0); }},
      {"into_next_array", [] { return run(into_next_array, 1, 0); }},
      {"missed_barrier", [] { return run(missed_barrier, 1, 0); }},
      {"divergent_barrier", [] { return run(divergent_barrier, 1, 0); }},
      {"read_without_barrier", [] { return run(read_without_barrier, 1, 0); }},
      {"write_race", [] { return run(write_race, 1, 0); }},
      {"block_race", [] { return run(block_race, 2, 0); }},
      {"half_warp_shuffle", [] { return run(half_warp_shuffle, 1, 0); }},
      {"mask_without_self", [] { return run(mask_without_self, 1, 0); }},
      {"uninitialised_shared", [] { return run(uninitialised_shared, 1, 0); }},
      {"past_global_write", [] { return run(past_global_write, 1, 0); }},
      {"past_global_read", [] { return run(past_global_read, 1, 0); }},
      {"exchange_without_syncwarp", [] { return run(exchange_without_syncwarp, 1, 0); }},
      {"exchange_over_shuffle", [] { return run(exchange_over_shuffle, 1, 0); }},
      {"loop_without_second_barrier", [] { return run(loop_without_second_barrier, 1, 0); }},
      {"syncwarp_across_warps", [] { return run(syncwarp_across_warps, 1, 0); }},
      {"write_after_read", [] { return run(write_after_read, 1, 0); }},
      {"write_after_late_read", [] { return run(write_after_late_read, 1, 0); }},
      {"half_syncwarp", [] { return run(half_syncwarp, 1, 0); }},
      {"misaligned", [] { return run(misaligned, 1, 0); }},
      {"block_reads_other", [] { return run(block_reads_other, 2, 0); }},
      {"atomic_and_plain", [] { return run(atomic_and_plain, 1, 0); }},
      {"beyond_launch_bounds", [] { return run(beyond_launch_bounds, 1, 0); }},
      {"host_pointer", run_host_pointer},
#if !defined __CUDACC__ || defined PLANTED_PTX
      {"static_too_large", [] { return run(static_too_large, 1, 0); }},
#endif
      {"block_too_large", run_block_too_large},
      {"forgotten_free", run_forgotten_free},
      {"wrong_direction", [] { return run(copy_kernel, 1, 0, 0, cudaMemcpyHostToDevice); }},
      {"copy_out_of_range", [] { return run(copy_kernel, 1, 0, 0, cudaMemcpyDeviceToHost, 4); }},
      {"no_synchronisation",
       [] { return run(copy_kernel, 1, 0, 0, cudaMemcpyDeviceToHost, 0, false); }},
      {"dynamic_not_allowed", [] { return run(dynamic_kernel, 1, 0, 49 * 1024); }},
      {"dynamic_too_small", [] { return run(dynamic_kernel, 1, 0, 48 * 1024); }},
      {"dynamic_beyond_device", run_dynamic_beyond_device},
      {"host_reads_device", run_host_reads_device}};

int main(int argc, char **argv)
{
    const char *wanted = argc == 2 ? argv[1] : "";
    for (auto &test : correct)
        if (!strcmp(wanted, "--correct"))
            puts(test.name);
        else if (!strcmp(wanted, test.name))
            return test.run();
    for (auto &test : bugs)
        if (!strcmp(wanted, "--bugs"))
            puts(test.name);
        else if (!strcmp(wanted, test.name))
            return test.run();
    if (strncmp(wanted, "--", 2)) {
        fprintf(stderr, "usage: planted --correct | --bugs | NAME\n");
        return 2;
    }
    return 0;
}
