/*
 * An emulation of the CUDA run time on a CPU: an unchanged .cu file, compiled as C++17 with this
 * folder first on the include path and linked with emulation.cpp, runs its kernels here. build.sh
 * has the flags. Every CUDA thread is a fiber, all of them on one OS thread, so that a run is
 * deterministic; blocks run one after the other.
 *
 * What a .cu file has to keep to: a launch is cudaLaunchKernel with the kernel's typed pointer,
 * never <<<>>>; shared memory is declared by the macros of cuda/shared.h; only what is declared
 * below exists.
 *
 * Work on a stream waits until something synchronises with the stream, copies to and from pageable
 * memory too, so that a missing synchronisation shows as stale data. The work of all streams is
 * done in the order of the calls. Shared memory and cudaMalloc's are filled with NaN and lie
 * between guard zones that are inspected after each block.
 *
 * A message on stderr and exit status 70 follow: a barrier that some thread never reaches or that
 * threads reach on different lines; a deadlock; a mask that does not match the lanes that come;
 * writes in guard zones; static shared memory above 48 KB; copies in the wrong direction or out of
 * range. Launches that a device would refuse (grid, block, dynamic shared memory) return its error
 * code. Under TSan each CUDA thread is a fiber of its own to it, ordered by launches, __syncthreads
 * and __syncwarp alone (shuffles and votes order no memory, as in CUDA): it reports races between
 * threads and between blocks. Of a launch, 1536 threads are told apart with certainty; beyond, a
 * race is missed where both threads happen to have the same fiber.
 *
 * What it does not show: nothing of ptxas, SASS, registers, spills, timing, memory coalescing or
 * bank conflicts. No hardware's rounding of __expf, rsqrtf and the like (here libm's, rounded
 * once), nor nvcc's contraction to FMA. No interleaving finer than from one synchronisation to the
 * next: waiting for another thread's store hangs. No missing order between streams, no host pointer
 * used in a kernel, no exceeded __launch_bounds__. A thread that returns before a barrier, which
 * recent devices bear, is an error here.
 *
 * Environment:
 *
 *     EMULATION_ORDER=forward|reversed|random:SEED  of threads and of blocks
 *     EMULATION_SM=80|90|100|120                    whose limits hold; 80 unless told
 *     EMULATION_MEMORY=BYTES                        device memory; 8 GiB unless told
 *     EMULATION_DEVICES=0                           as on a machine without a driver
 *     EMULATION_FAIL=N                              the Nth call that can fail does, with 999
 *     EMULATION_TF32=ties-away|ties-even|truncate   rounding of TF32 operands (mma.h, cublas_v2.h)
 *
 * The functions of namespace emulation do the same from within the program.
 */
#ifndef EER_EMULATION_CUDA_RUNTIME_H
#define EER_EMULATION_CUDA_RUNTIME_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>
#include <math.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define CUDART_VERSION 13000

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z)
    {
    }
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
inline float2 make_float2(float x, float y)
{
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}

/* Of the running thread. */
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

/* The codes and their numbers are CUDA's. */
#define EMULATION_ERRORS(E)                                                                        \
    E(cudaSuccess, 0, "no error")                                                                  \
    E(cudaErrorInvalidValue, 1, "invalid argument")                                                \
    E(cudaErrorMemoryAllocation, 2, "out of memory")                                               \
    E(cudaErrorInvalidConfiguration, 9, "invalid configuration argument")                          \
    E(cudaErrorInvalidMemcpyDirection, 21, "invalid copy direction for memcpy")                    \
    E(cudaErrorInsufficientDriver, 35, "CUDA driver version is insufficient for CUDA runtime")     \
    E(cudaErrorNoDevice, 100, "no CUDA-capable device is detected")                                \
    E(cudaErrorInvalidDevice, 101, "invalid device ordinal")                                       \
    E(cudaErrorInvalidResourceHandle, 400, "invalid resource handle")                              \
    E(cudaErrorNotReady, 600, "device not ready")                                                  \
    E(cudaErrorIllegalAddress, 700, "an illegal memory access was encountered")                    \
    E(cudaErrorLaunchOutOfResources, 701, "too many resources requested for launch")               \
    E(cudaErrorLaunchFailure, 719, "unspecified launch failure")                                   \
    E(cudaErrorUnknown, 999, "unknown error")
#define EMULATION_ENUMERATOR(name, number, text) name = number,
enum cudaError { EMULATION_ERRORS(EMULATION_ENUMERATOR) };
#undef EMULATION_ENUMERATOR
typedef cudaError cudaError_t;

enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaFuncAttributePreferredSharedMemoryCarveout = 9
};
enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };
/* Registers and constant memory are not emulated; static shared memory is known after a first run.
 */
struct cudaFuncAttributes {
    size_t sharedSizeBytes, constSizeBytes, localSizeBytes;
    int maxThreadsPerBlock, numRegs, ptxVersion, binaryVersion, cacheModeCA;
    int maxDynamicSharedSizeBytes;
};
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
    int regsPerBlock, warpSize, maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3];
    int major, minor, multiProcessorCount, maxThreadsPerMultiProcessor, maxBlocksPerMultiProcessor;
};
typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;

cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char *cudaGetErrorString(cudaError_t);
const char *cudaGetErrorName(cudaError_t);
cudaError_t cudaGetDeviceCount(int *);
cudaError_t cudaGetDevice(int *);
cudaError_t cudaSetDevice(int);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *, int device);
cudaError_t cudaDriverGetVersion(int *);
cudaError_t cudaRuntimeGetVersion(int *);
cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaMalloc(void **, size_t);
cudaError_t cudaFree(void *);
cudaError_t cudaMallocHost(void **, size_t);
cudaError_t cudaFreeHost(void *);
cudaError_t cudaMemcpy(void *to, const void *from, size_t, cudaMemcpyKind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t, cudaMemcpyKind,
                            cudaStream_t = nullptr);
cudaError_t cudaMemset(void *, int byte, size_t);
cudaError_t cudaMemsetAsync(void *, int byte, size_t, cudaStream_t = nullptr);
cudaError_t cudaStreamCreate(cudaStream_t *);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *, unsigned);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaEventCreate(cudaEvent_t *);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *, unsigned);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t stop);

namespace emulation
{
void order(const char *); /* as EMULATION_ORDER */
void sm(int);
void memory(size_t bytes);
void fail(long calls_from_now); /* 0: never */
size_t held(); /* pieces of memory, streams, events, cuBLAS' handles: not yet released */

/* As a default argument, here() is the caller's place. */
struct Where {
    const char *file;
    int line;
    static constexpr Where here(const char *file = __builtin_FILE(), int line = __builtin_LINE())
    {
        return {file, line};
    }
};

/* A launch: call(kernel, arguments) runs one thread; arguments is a copy that drop deletes. */
struct Launch {
    const void *kernel;
    void (*call)(const void *kernel, void *arguments);
    void (*drop)(void *arguments);
    void *arguments;
    dim3 grid, block;
    size_t shared;
    /* The arguments' bytes, for an executor. */
    size_t count;
    const size_t *sizes;
    void (*list)(void *arguments, void **pointers);
};
/* What runs a launch's threads instead of call (../ptx); without one, null. */
struct Executor {
    void (*launch)(const Launch &); /* all three before any thread of the launch or block runs */
    void (*block)();
    void (*thread)();
    /* What the threads first, first + 1, .. that bits name did comes before what they do next. */
    void (*order)(unsigned first, unsigned count, unsigned bits);
};
extern const Executor *executor;
unsigned thread();                        /* the running thread's number in its block */
const char *symbol(const void *function); /* its mangled name, or null */
/* The array of cudaMalloc or cudaMallocHost that p lies in, or near; false without one. */
bool device_array(const void *p, char **data, size_t *bytes);
[[noreturn]] void fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

cudaError_t launch(const Launch &, cudaStream_t);
cudaError_t set_attribute(const void *kernel, cudaFuncAttribute, int);
cudaError_t get_attributes(cudaFuncAttributes *, const void *kernel);
cudaError_t occupancy(int *blocks, const void *kernel, int block, size_t dynamic);

void *shared(const void *key, size_t bytes, const char *name);
void *dynamic_shared();
void barrier(Where);
/* Waits for the lanes of mask; what names the function for messages. */
void warp(const char *what, unsigned mask, bool orders_memory, Where);
void *slot(unsigned lane); /* 8 bytes for each lane of the running thread's warp */
unsigned lane(), live_lanes();
void poison(void *, size_t); /* NaN, and uninitialised for MemorySanitizer */

/* What the libraries beside the run time need (mma.h, cublas.cpp). */
cudaError_t can_fail(); /* counts a call that can fail; what went wrong with it, if anything */
void enqueue(void (*call)(void *), void *argument, cudaStream_t); /* call(argument), in its turn */
void hold(int change);                                            /* of held() */
size_t room(const void *); /* bytes from here to the end of its cudaMalloc, 0: none */
enum Tf32 { TIES_AWAY, TIES_EVEN, TRUNCATE };
void tf32(const char *);            /* as EMULATION_TF32 */
Tf32 tf32_rounding(Tf32 otherwise); /* as told, else this */

template <class... P> struct Kernel {
    typedef std::tuple<std::remove_const_t<P>...> Arguments;
    static_assert((std::is_trivially_copyable<P>::value && ...), "kernels get bytes");
    static constexpr size_t sizes[] = {sizeof(P)..., 0};
    template <size_t... I> static Arguments *copy(void **arguments, std::index_sequence<I...>)
    {
        (void)arguments;
        return new Arguments(*static_cast<std::remove_const_t<P> *>(arguments[I])...);
    }
    static void call(const void *kernel, void *arguments)
    {
        std::apply(reinterpret_cast<void (*)(P...)>(const_cast<void *>(kernel)),
                   *static_cast<Arguments *>(arguments));
    }
    static void list(void *arguments, void **pointers)
    {
        std::apply([&](auto &...each) { ((void)(*pointers++ = &each), ...); },
                   *static_cast<Arguments *>(arguments));
    }
    static void drop(void *arguments)
    {
        delete static_cast<Arguments *>(arguments);
    }
};

/* No data race: the values pass from register to register on a device. */
template <class T>
__attribute__((no_sanitize("thread"), noinline)) T exchange(const char *what, unsigned mask,
                                                            T value, unsigned source, Where where)
{
    static_assert(std::is_arithmetic<T>::value && sizeof(T) <= 8, "shuffles move numbers");
    *static_cast<T *>(slot(lane())) = value;
    warp(what, mask, false, where);
    T got;
    if (mask >> source & 1)
        got = *static_cast<T *>(slot(source));
    else
        poison(&got, sizeof got);
    warp(what, mask, false, where);
    return got;
}
__attribute__((no_sanitize("thread"), noinline)) inline unsigned
vote(const char *what, unsigned mask, bool predicate, Where where)
{
    unsigned ballot = 0;
    *static_cast<unsigned *>(slot(lane())) = predicate;
    warp(what, mask, false, where);
    for (unsigned l = 0; l < 32; l++)
        if (mask >> l & 1)
            ballot |= *static_cast<unsigned *>(slot(l)) << l;
    warp(what, mask, false, where);
    return ballot;
}

/* One OS thread makes every update indivisible; ThreadSanitizer has to be told. */
template <class T, class F> T atomic(T *address, F update)
{
#if defined __SANITIZE_THREAD__
#define EMULATION_TSAN
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define EMULATION_TSAN
#endif
#endif
#ifdef EMULATION_TSAN
    T old, updated;
    __atomic_load(address, &old, __ATOMIC_RELAXED);
    updated = update(old);
    __atomic_store(address, &updated, __ATOMIC_RELAXED);
    return old;
#else
    T old = *address;
    *address = update(old);
    return old;
#endif
}
} /* namespace emulation */

template <class... P>
cudaError_t cudaLaunchKernel(void (*kernel)(P...), dim3 grid, dim3 block, void **arguments,
                             size_t shared = 0, cudaStream_t stream = nullptr)
{
    typedef emulation::Kernel<P...> K;
    return emulation::launch({reinterpret_cast<const void *>(kernel), K::call, K::drop,
                              K::copy(arguments, std::index_sequence_for<P...>()), grid, block,
                              shared, sizeof...(P), K::sizes, K::list},
                             stream);
}
template <class... P>
cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute, int value)
{
    return emulation::set_attribute(reinterpret_cast<const void *>(kernel), attribute, value);
}
template <class... P>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, void (*kernel)(P...))
{
    return emulation::get_attributes(attributes, reinterpret_cast<const void *>(kernel));
}
template <class... P>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void (*kernel)(P...),
                                                          int block, size_t dynamic)
{
    return emulation::occupancy(blocks, reinterpret_cast<const void *>(kernel), block, dynamic);
}
template <class T> cudaError_t cudaMalloc(T **pointer, size_t bytes)
{
    void *got = *pointer;
    cudaError_t error = cudaMalloc(&got, bytes);
    *pointer = static_cast<T *>(got);
    return error;
}
template <class T> cudaError_t cudaMallocHost(T **pointer, size_t bytes)
{
    void *got = *pointer;
    cudaError_t error = cudaMallocHost(&got, bytes);
    *pointer = static_cast<T *>(got);
    return error;
}

inline void __syncthreads(emulation::Where where = emulation::Where::here())
{
    emulation::barrier(where);
}
inline void __syncwarp(unsigned mask = 0xffffffffu,
                       emulation::Where where = emulation::Where::here())
{
    emulation::warp("__syncwarp", mask, true, where);
}

/* The source lane: within the segment of width lanes, else the lane itself (PTX, shfl.sync). */
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              emulation::Where where = emulation::Where::here())
{
    unsigned segment = emulation::lane() & ~(width - 1u);
    return emulation::exchange("__shfl_sync", mask, value, segment | (source & (width - 1u)),
                               where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 emulation::Where where = emulation::Where::here())
{
    unsigned l = emulation::lane(), inside = l & (width - 1u);
    return emulation::exchange("__shfl_up_sync", mask, value, delta <= inside ? l - delta : l,
                               where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   emulation::Where where = emulation::Where::here())
{
    unsigned l = emulation::lane(), inside = l & (width - 1u);
    return emulation::exchange("__shfl_down_sync", mask, value,
                               delta < width - inside ? l + delta : l, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  emulation::Where where = emulation::Where::here())
{
    unsigned l = emulation::lane(), source = l ^ bits, last = l | (width - 1u);
    return emulation::exchange("__shfl_xor_sync", mask, value, source <= last ? source : l, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              emulation::Where where = emulation::Where::here())
{
    return emulation::vote("__ballot_sync", mask, predicate, where);
}
inline int __any_sync(unsigned mask, int predicate,
                      emulation::Where where = emulation::Where::here())
{
    return emulation::vote("__any_sync", mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      emulation::Where where = emulation::Where::here())
{
    return emulation::vote("__all_sync", mask, predicate, where) == mask;
}
/* The lanes that have not returned; a device may answer with any part of them that runs together.
 */
inline unsigned __activemask()
{
    return emulation::live_lanes();
}

#define EMULATION_ATOMIC(name, expression)                                                         \
    template <class T> T name(T *address, std::common_type_t<T> value)                             \
    {                                                                                              \
        return emulation::atomic(address, [value](T old) -> T { return expression; });             \
    }
EMULATION_ATOMIC(atomicAdd, old + value)
EMULATION_ATOMIC(atomicMax, old < value ? value : old)
EMULATION_ATOMIC(atomicMin, value < old ? value : old)
EMULATION_ATOMIC(atomicOr, old | value)
EMULATION_ATOMIC(atomicExch, ((void)old, value))
#undef EMULATION_ATOMIC
template <class T>
T atomicCAS(T *address, std::common_type_t<T> expected, std::common_type_t<T> value)
{
    return emulation::atomic(address, [=](T old) -> T { return old == expected ? value : old; });
}

template <class T> T __ldg(const T *address)
{
    return *address;
}
inline float __fadd_rn(float a, float b)
{
    return a + b;
}
inline float __fsub_rn(float a, float b)
{
    return a - b;
}
inline float __fmul_rn(float a, float b)
{
    return a * b;
}
inline float __fdiv_rn(float a, float b)
{
    return a / b;
}
inline float __fdividef(float a, float b)
{
    return a / b;
}
inline float __frcp_rn(float a)
{
    return 1 / a;
}
inline float __fsqrt_rn(float a)
{
    return sqrtf(a);
}
inline float __fmaf_rn(float a, float b, float c)
{
    return fmaf(a, b, c);
}
inline float rsqrtf(float a)
{
    return static_cast<float>(1 / sqrt(static_cast<double>(a)));
}
inline float __frsqrt_rn(float a)
{
    return rsqrtf(a);
}
inline float __expf(float a)
{
    return static_cast<float>(exp(static_cast<double>(a)));
}
inline float __logf(float a)
{
    return static_cast<float>(log(static_cast<double>(a)));
}
template <class To, class From> To emulation_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "same size");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}
inline int __float_as_int(float a)
{
    return emulation_bits<int>(a);
}
inline unsigned __float_as_uint(float a)
{
    return emulation_bits<unsigned>(a);
}
inline float __int_as_float(int a)
{
    return emulation_bits<float>(a);
}
inline float __uint_as_float(unsigned a)
{
    return emulation_bits<float>(a);
}
inline int __popc(unsigned a)
{
    return __builtin_popcount(a);
}
inline int __ffs(int a)
{
    return __builtin_ffs(a);
}
inline int __clz(int a)
{
    return a ? __builtin_clz(static_cast<unsigned>(a)) : 32;
}
inline unsigned __umulhi(unsigned a, unsigned b)
{
    return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32);
}
template <class A, class B> std::common_type_t<A, B> min(A a, B b)
{
    std::common_type_t<A, B> x = a, y = b;
    if constexpr (std::is_floating_point<decltype(x)>::value)
        return std::fmin(x, y);
    else
        return y < x ? y : x;
}
template <class A, class B> std::common_type_t<A, B> max(A a, B b)
{
    std::common_type_t<A, B> x = a, y = b;
    if constexpr (std::is_floating_point<decltype(x)>::value)
        return std::fmax(x, y);
    else
        return x < y ? y : x;
}

#endif
