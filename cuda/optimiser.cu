// optimiser.cu - the sum of the sequences' gradients, and AdamW (spec/model.md, 5.7).
#include "problem.h"

static __global__ void reduce_kernel(float *gradient, const float *parts, int P, int B)
{
    const int x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (x >= P)
        return;
    float sum = 0.0f;
    for (int b = 0; b < B; b++)
        sum += parts[static_cast<size_t>(b) * static_cast<size_t>(P) + static_cast<size_t>(x)];
    gradient[x] = sum;
}

// Each operation is rounded by itself, so that a device's FMA cannot change a bit: the backend
// cpu's numbers from the same gradient.
static __global__ void adamw_kernel(float *theta, float *m, float *v, const float *gradient,
                                    struct cuda_adamw a, int P)
{
    const int x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (x >= P)
        return;
    const float g = __fmul_rn(gradient[x], a.clip);
    const float first = __fadd_rn(__fmul_rn(a.beta1, m[x]), __fmul_rn(a.rest1, g));
    const float second = __fadd_rn(__fmul_rn(a.beta2, v[x]), __fmul_rn(__fmul_rn(a.rest2, g), g));
    const float root = __fadd_rn(__fsqrt_rn(__fmul_rn(second, a.second)), a.epsilon);
    const float move = __fdiv_rn(__fmul_rn(a.rate, first), root);
    m[x] = first;
    v[x] = second;
    theta[x] = __fsub_rn(theta[x], __fadd_rn(__fmul_rn(a.decay, theta[x]), move));
}

static dim3 blocks_of(int P)
{
    return dim3(static_cast<unsigned>((P + CUDA_THREADS - 1) / CUDA_THREADS));
}

cudaError_t cuda_reduce(float *gradient, const float *parts, int P, int B)
{
    void *arguments[] = {&gradient, &parts, &P, &B};
    return cudaLaunchKernel(reduce_kernel, blocks_of(P), dim3(CUDA_THREADS), arguments, 0, nullptr);
}

cudaError_t cuda_adamw(float *theta, float *m, float *v, const float *gradient,
                       const struct cuda_adamw *how, int P)
{
    struct cuda_adamw copy = *how;
    void *arguments[] = {&theta, &m, &v, &gradient, &copy, &P};
    return cudaLaunchKernel(adamw_kernel, blocks_of(P), dim3(CUDA_THREADS), arguments, 0, nullptr);
}
