// rows.cuh - what treats one row by itself, or all of a block's threads alike: layer norm,
// activations, scores, sums over rows. Training and evaluation share it.
#ifndef CUDA_ROWS_CUH
#define CUDA_ROWS_CUH

#include <type_traits>

#include "problem.h"

// D is the latent dimension where it is known (8), otherwise a bound, of which the first d are
// used: arrays of D numbers stay in registers either way.
#define EACH(D, d, k)                                                                              \
    _Pragma("unroll") for (int k = 0; k < (D); k++) if ((D) == 8 || (D) == (d) || k < (d))

// Rows, or elements, of this thread.
#define MINE(i, n)                                                                                 \
    for (int i = static_cast<int>(threadIdx.x); i < (n); i += static_cast<int>(blockDim.x))

__device__ inline void announce(volatile int *begun, enum cuda_kernel kernel)
{
    if (threadIdx.x == 0 && blockIdx.x == 0 && blockIdx.y == 0)
        *begun = kernel;
}

__device__ inline float mean_of(float sum, int d)
{
    return sum / static_cast<float>(d);
}

// y = LN(z + x) (x: may be nullptr) and xhat (may be nullptr) of one row; returns 1 / deviation.
// D: d, if that is 8: the row then is in registers, where no store keeps it from staying.
template <int D = 0, class Xhat, class X>
__device__ inline float norm(float *y, Xhat xhat, const float *z, X x, const float *gain,
                             const float *bias, int d)
{
    const auto u = [=](int k) {
        if constexpr (std::is_null_pointer<X>::value)
            return z[k];
        else
            return z[k] + x[k];
    };
    if constexpr (D == 8) {
        float row[D];
#pragma unroll
        for (int k = 0; k < D; k++)
            row[k] = u(k);
        return norm(y, xhat, row, nullptr, gain, bias, D);
    }
    float sum = 0.0f, squares = 0.0f;
    for (int k = 0; k < d; k++)
        sum += u(k);
    const float mean = mean_of(sum, d);
    for (int k = 0; k < d; k++) {
        const float off = u(k) - mean;
        squares += off * off;
    }
    const float rstd = 1.0f / sqrtf(mean_of(squares, d) + 1e-5f);
    for (int k = 0; k < d; k++) {
        const float h = (u(k) - mean) * rstd;
        if constexpr (!std::is_null_pointer<Xhat>::value)
            xhat[k] = h;
        y[k] = h * gain[k] + bias[k];
    }
    return rstd;
}

// dx of a row from dy; not in place.
__device__ inline void norm_backward(float *__restrict__ dx, const float *__restrict__ dy,
                                     const float *__restrict__ xhat, float rstd,
                                     const float *__restrict__ gain, int d)
{
    float sum = 0.0f, product = 0.0f;
    for (int k = 0; k < d; k++) {
        sum += dy[k] * gain[k];
        product += dy[k] * gain[k] * xhat[k];
    }
    const float mean = mean_of(sum, d), slope = mean_of(product, d);
    for (int k = 0; k < d; k++)
        dx[k] = rstd * (dy[k] * gain[k] - mean - xhat[k] * slope);
}

// Phi(x), the normal distribution.
__device__ inline float phi_of(float x)
{
    return 0.5f * (1.0f + erff(x * 0.70710678118654752f));
}

__device__ inline float activation(float x, int relu)
{
    return relu ? fmaxf(x, 0.0f) : x * phi_of(x);
}

__device__ inline float activation_slope(float x, int relu)
{
    if (relu)
        return x > 0.0f ? 1.0f : 0.0f;
    return phi_of(x) + x * expf(-0.5f * x * x) * 0.39894228040143268f;
}

__device__ __attribute__((noinline)) inline float called_power(float x, float q)
{
    return powf(x, q);
}

// x^q for x >= 0. CALL: for loops over arrays in registers, in each step of which powf would be
// inlined, at the cost of registers and compile time.
template <bool CALL = false> __device__ inline float power(float x, float q)
{
    if (q == 1.5f)
        return x * sqrtf(x);
    if (q == 2.0f)
        return x * x;
    return CALL ? called_power(x, q) : powf(x, q);
}

// A vector of d numbers that stays while others pass: of 8 in registers, longer ones where they
// are, in shared memory, since sums of as many need the registers.
template <int D> struct fixed {
    const float *x;
    __device__ fixed(const float *from, int) : x(from)
    {
    }
    __device__ float dot(const float *y, int d) const
    {
        float sum = 0.0f;
        for (int k = 0; k < d; k++)
            sum += x[k] * y[k];
        return sum;
    }
};

template <> struct fixed<8> {
    float x[8];
    __device__ fixed(const float *from, int)
    {
#pragma unroll
        for (int k = 0; k < 8; k++)
            x[k] = from[k];
    }
    __device__ float dot(const float *y, int) const
    {
        float sum = 0.0f;
#pragma unroll
        for (int k = 0; k < 8; k++)
            sum += x[k] * y[k];
        return sum;
    }
};

// The sum over the CUDA_LANES threads of a row, in all of them.
__device__ inline float lanes_sum(float x)
{
    for (int apart = 1; apart < CUDA_LANES; apart *= 2)
        x += __shfl_xor_sync(0xffffffffu, x, apart);
    return x;
}

// to[k] = factor times the sum of x[k] over the CUDA_LANES = 4 threads of a row; NULL: they only
// come along. In each of two steps a thread gives away half of its sums, and ends with those of
// every fourth k, which it writes.
template <int D>
__device__ inline void write_sums(float *to, const float (&x)[D], float factor, int d)
{
    static_assert(CUDA_LANES == 4 && D % 4 == 0, "two steps, and d is a multiple of 4");
    const unsigned lane = threadIdx.x % CUDA_LANES;
    const bool odd = lane & 1, upper = lane & 2;
#pragma unroll
    for (int k = 0; k < D / 4; k++) {
        if (4 * k >= d)
            continue;
        const float *four = x + 4 * k;
        float low = odd ? four[1] : four[0], high = odd ? four[3] : four[2];
        low += __shfl_xor_sync(0xffffffffu, odd ? four[0] : four[1], 1);
        high += __shfl_xor_sync(0xffffffffu, odd ? four[2] : four[3], 1);
        float sum = upper ? high : low;
        sum += __shfl_xor_sync(0xffffffffu, upper ? low : high, 2);
        if (to)
            to[4 * k + static_cast<int>(lane)] = sum * factor;
    }
}

// A term's sum over rows first .. end - 1, from the rows' own numbers.
template <class Arrays>
__device__ inline float term_sum(const Arrays &s, const cuda_problem &p, int term, int first,
                                 int end)
{
    const float *of = term == CUDA_TASK        ? s.task
                      : term == CUDA_POTENTIAL ? s.potential
                      : term == CUDA_KINETIC   ? s.kinetic
                      : term == CUDA_CORRECT   ? s.correct
                                               : s.entropy;
    float sum = 0.0f;
    for (int i = first; i < end; i++)
        sum += term == CUDA_PENALTY ? fabsf(of[i] / static_cast<float>(p.T) - p.eta) : of[i];
    return sum;
}

// The score of query row i on key j, from their product. Rounded as written, since ties, and that
// no score is above the top, depend on the same bits wherever it is computed again.
__device__ inline float score(const struct cuda_problem &p, float product, int i, int j)
{
    const float distance = static_cast<float>(i < j ? j - i : i - j);
    return __fmaf_rn(product, p.scale, -__fmul_rn(p.slope, distance));
}

#endif
