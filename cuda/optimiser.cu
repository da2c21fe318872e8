// optimiser.cu - the sum of the sequences' gradients, and AdamW (spec/model.md, 5.7).
#include "rows.cuh"
#include "shared.h"

// Number x of the gradient, or one of the terms behind it, summed over the sequences.
__global__ void cuda_reduce_kernel(cuda_work w, int has_gradient)
{
    const int P = w.problem.P, x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    const cuda_model &model = w.model[blockIdx.y];
    announce(w.begun, CUDA_REDUCE_KERNEL);
    if (x >= P + CUDA_TERMS || (x < P && has_gradient))
        return;
    const bool term = x >= P;
    const float *part = term ? model.sums + (x - P) : model.parts + x;
    const int apart = term ? CUDA_TERMS : P;
    float sum = 0.0f;
    for (int b = 0; b < w.B; b++)
        sum += part[static_cast<size_t>(b) * static_cast<size_t>(apart)];
    if (term)
        w.result[blockIdx.y].sums[x - P] = sum;
    else
        model.gradient[x] = sum;
}

// The gradient's squares, in all threads; every block sums them in the same order. In double, as
// the backend cpu, so that they are finite if the numbers are.
__device__ static inline double squares_of(const float *gradient, int P)
{
    CUDA_SHARED(double, partial, CUDA_THREADS);
    const int thread = static_cast<int>(threadIdx.x);
    double sum = 0.0;
    MINE(x, P)
    sum += static_cast<double>(gradient[x]) * static_cast<double>(gradient[x]);
    partial[thread] = sum;
    for (int apart = CUDA_THREADS / 2; apart > 0; apart /= 2) {
        __syncthreads();
        if (thread < apart)
            partial[thread] += partial[thread + apart];
    }
    __syncthreads();
    return partial[0];
}

// Each operation is rounded by itself, so that a device's FMA cannot change a bit: the backend
// cpu's numbers from the same gradient.
__global__ void cuda_adamw_kernel(cuda_work w)
{
    const int P = w.problem.P, x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    const cuda_model &model = w.model[blockIdx.y];
    const cuda_adamw &a = w.step[blockIdx.y].adamw;
    cuda_result &result = w.result[blockIdx.y];
    announce(w.begun, CUDA_ADAMW_KERNEL);
    const double squares = squares_of(model.gradient, P);
    bool finite = isfinite(squares) && !(w.before && w.before[blockIdx.y].stopped);
    for (int term = 0; term < CUDA_TERMS; term++)
        finite = finite && isfinite(result.sums[term]);
    if (x == 0)
        result.stopped = !finite;
    if (x >= P || !finite)
        return;
    const double length = sqrt(squares);
    const float clip = static_cast<float>(a.clip > 0.0 && length > a.clip ? a.clip / length : 1.0);
    const float g = __fmul_rn(model.gradient[x], clip);
    const float first = __fadd_rn(__fmul_rn(a.beta1, model.m[x]), __fmul_rn(a.rest1, g));
    const float second =
        __fadd_rn(__fmul_rn(a.beta2, model.v[x]), __fmul_rn(__fmul_rn(a.rest2, g), g));
    const float root = __fadd_rn(__fsqrt_rn(__fmul_rn(second, a.second)), a.epsilon);
    const float move = __fdiv_rn(__fmul_rn(a.rate, first), root);
    model.m[x] = first;
    model.v[x] = second;
    model.theta[x] = __fsub_rn(model.theta[x], __fadd_rn(__fmul_rn(a.decay, model.theta[x]), move));
}

static dim3 blocks_of(int numbers, int models)
{
    return dim3(static_cast<unsigned>((numbers + CUDA_THREADS - 1) / CUDA_THREADS),
                static_cast<unsigned>(models));
}

cudaError_t cuda_reduce_launch(const struct cuda_work *work, int has_gradient, cudaStream_t stream)
{
    struct cuda_work w = *work;
    void *arguments[] = {&w, &has_gradient};
    return cudaLaunchKernel(cuda_reduce_kernel, blocks_of(w.problem.P + CUDA_TERMS, w.models),
                            dim3(CUDA_THREADS), arguments, 0, stream);
}

cudaError_t cuda_adamw_launch(const struct cuda_work *work, cudaStream_t stream)
{
    struct cuda_work w = *work;
    void *arguments[] = {&w};
    return cudaLaunchKernel(cuda_adamw_kernel, blocks_of(w.problem.P, w.models), dim3(CUDA_THREADS),
                            arguments, 0, stream);
}
