// evaluate.cu - predictions for sequences of any length, in memory linear in it. Two kernels an
// iteration: attention, in which CUDA_LANES threads share a query row and stream over the keys, a
// tile of them in shared memory at a time; and the rest, a thread a row. In TF32 operands are
// rounded as in training, but multiplied outside the tensor cores.
#include "products.cuh"
#include "shared.h"

enum {
    TILE_KEYS = 64,
    BLOCK_ROWS = CUDA_THREADS / CUDA_LANES,
    MARGIN = 4,                // numbers between two vectors of a tile: lanes read different banks
    ROWS = 64,                 // of a block that has a thread a row
    ROW_STRIDE = EER_MAX_D + 1 // likewise
};
#ifndef CUDA_PAIRS // small in a test, so that there are several launches
#define CUDA_PAIRS (1LL << 36)
#endif
static const long long PAIRS = CUDA_PAIRS;

namespace
{

// One entry of y W; W is that column of it, columns numbers a row.
template <bool TF32>
__device__ inline float entry(const float *y, const float *W, int columns, int d)
{
    float sum = 0.0f;
    for (int k = 0; k < d; k++)
        sum += operand<TF32>(y[k]) * operand<TF32>(W[k * columns]);
    return sum;
}

// z += MLP(y)
template <bool TF32>
__device__ inline void add_mlp(float *z, const float *y, const cuda_problem &p, const float *w)
{
    const int d = p.d, m = p.m;
    const float *W_1 = w + p.offset[EER_W_1], *b_1 = w + p.offset[EER_B_1];
    const float *W_2 = w + p.offset[EER_W_2], *b_2 = w + p.offset[EER_B_2];
    for (int k = 0; k < d; k++)
        z[k] += b_2[k];
    for (int u = 0; u < m; u++) {
        const float unit = activation(b_1[u] + entry<TF32>(y, W_1 + u, m, d), p.relu);
        for (int k = 0; k < d; k++)
            z[k] += operand<TF32>(unit) * operand<TF32>(W_2[u * d + k]);
    }
}

// Where row i of this block's sequence begins in an N x d array of each sequence.
__device__ inline size_t row_of(const cuda_evaluation &e, int i)
{
    const size_t N = static_cast<size_t>(e.L + e.problem.bos), row = static_cast<size_t>(i);
    return (blockIdx.y * N + row) * static_cast<size_t>(e.problem.d);
}

// The first y = Z + X: X itself.
__device__ inline void first_input(float *y, const cuda_evaluation &e, int i)
{
    const cuda_problem &p = e.problem;
    const size_t at = row_of(e, i), tokens = static_cast<size_t>(blockIdx.y) * e.L;
    const int token = i < p.bos ? p.V : e.tokens[tokens + static_cast<size_t>(i - p.bos)];
    const float *E = e.theta + p.offset[EER_EMBEDDING] + token * p.d;
    const float *position = e.position ? e.position + static_cast<size_t>(i) * p.d : nullptr;
    for (int k = 0; k < p.d; k++) {
        y[k] = E[k] + (position ? position[k] : 0.0f);
        e.X[at + k] = y[k];
        e.Z[at + k] = 0.0f;
    }
}

// Ends an iteration from A, which is in Q: z, and y = z + X.
template <bool TF32>
__device__ inline void next_input(float *y, float *z, const cuda_evaluation &e, int i)
{
    const cuda_problem &p = e.problem;
    const int d = p.d;
    const float *w = e.theta;
    const size_t at = row_of(e, i);
    for (int k = 0; k < d; k++)
        z[k] = e.Z[at + k] + e.Q[at + k];
    if (p.post)
        norm(z, nullptr, z, nullptr, w + p.offset[EER_LN1_GAIN], w + p.offset[EER_LN1_BIAS], d);
    if (p.m > 0) {
        for (int k = 0; k < d; k++)
            y[k] = z[k] + e.X[at + k];
        if (p.pre)
            norm(y, nullptr, y, nullptr, w + p.offset[EER_LN2_GAIN], w + p.offset[EER_LN2_BIAS], d);
        add_mlp<TF32>(z, y, p, w);
        if (p.post)
            norm(z, nullptr, z, nullptr, w + p.offset[EER_LN2_GAIN], w + p.offset[EER_LN2_BIAS], d);
    }
    for (int k = 0; k < d; k++) {
        e.Z[at + k] = z[k];
        y[k] = z[k] + e.X[at + k];
    }
}

} // namespace

// Ends an iteration, unless it is before the first; queries, keys and values of the next, which are
// nothing but operands from here on.
template <bool TF32> __global__ void cuda_rows_kernel(cuda_evaluation e, int first)
{
    CUDA_SHARED(float, vectors, 2 * ROWS * ROW_STRIDE);
    const cuda_problem &p = e.problem;
    const int d = p.d, i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    announce(e.begun, CUDA_ROWS_KERNEL);
    if (i >= e.L + p.bos)
        return;
    const size_t at = row_of(e, i);
    const float *W_Q = e.theta + p.offset[EER_W_Q], *W_K = e.theta + p.offset[EER_W_K];
    const float *W_V = e.theta + p.offset[EER_W_V];
    float *y = vectors + threadIdx.x * ROW_STRIDE, *z = y + ROWS * ROW_STRIDE;
    if (first)
        first_input(y, e, i);
    else
        next_input<TF32>(y, z, e, i);
    if (p.pre)
        norm(y, nullptr, y, nullptr, e.theta + p.offset[EER_LN1_GAIN],
             e.theta + p.offset[EER_LN1_BIAS], d);
    for (int j = 0; j < d; j++) {
        e.Q[at + j] = operand<TF32>(entry<TF32>(y, W_Q + j, d, d));
        e.K[at + j] = operand<TF32>(entry<TF32>(y, W_K + j, d, d));
        e.V[at + j] = operand<TF32>(entry<TF32>(y, W_V + j, d, d));
    }
}

// Ends the last iteration; the class with the largest logit, the first if tied.
template <bool TF32> __global__ void cuda_predict_kernel(cuda_evaluation e)
{
    CUDA_SHARED(float, vectors, 2 * ROWS * ROW_STRIDE);
    const cuda_problem &p = e.problem;
    const int d = p.d, i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    announce(e.begun, CUDA_PREDICT_KERNEL);
    if (i >= e.L)
        return;
    float *y = vectors + threadIdx.x * ROW_STRIDE, *z = y + ROWS * ROW_STRIDE, top = -INFINITY;
    next_input<TF32>(y, z, e, i + p.bos);
    if (p.final_norm)
        norm(z, nullptr, z, nullptr, e.theta + p.offset[EER_LNF_GAIN],
             e.theta + p.offset[EER_LNF_BIAS], d);
    int best = 0;
    bool finite = true;
    for (int c = 0; c < p.C; c++) {
        const float x = e.theta[p.offset[EER_B_O] + c] +
                        entry<TF32>(z, e.theta + p.offset[EER_W_O] + c, p.C, d);
        finite = finite && isfinite(x);
        if (x > top) {
            top = x;
            best = c;
        }
    }
    e.predicted[static_cast<size_t>(blockIdx.y) * e.L + static_cast<size_t>(i)] =
        finite ? best : -1;
}

namespace
{

// What a lane knows of its row: the largest score so far, the sum of exp(score - top), and the sum
// of those times v.
template <int D> struct attended {
    float top, sum, a[D];
};

// KEYS keys of a tile for each lane, from key `from` of the n in the tile that begins at key
// `begin`. Beyond d all vectors are 0, as are keys that are none: no conditions here. VALUES:
// whether v counts.
template <int D, int KEYS, bool VALUES>
__device__ inline void attend_keys(attended<D> &s, const cuda_problem &p, const float (&q)[D],
                                   const float *K, const float *V, int i, int begin, int from,
                                   int n)
{
    constexpr int stride = D + MARGIN;
    const int first = from + static_cast<int>(threadIdx.x) % CUDA_LANES;
    float x[KEYS], top = s.top;
#pragma unroll
    for (int c = 0; c < KEYS; c++) {
        const int j = first + c * CUDA_LANES;
        const bool seen = j < n && !(p.causal && begin + j > i);
        float product = 0.0f;
        EACH(D, D, k)
        product += q[k] * K[j * stride + k];
        x[c] = seen ? score(p, product, i, begin + j) : -INFINITY;
        top = fmaxf(top, x[c]);
    }
    if (top == -INFINITY)
        return;
    const float shrink = expf(s.top - top);
    s.top = top;
    s.sum *= shrink;
    EACH(D, D, k)
    s.a[k] *= VALUES ? shrink : 1.0f;
#pragma unroll
    for (int c = 0; c < KEYS; c++) {
        if (x[c] == -INFINITY)
            continue;
        const float e = expf(x[c] - top);
        s.sum += e;
        if constexpr (VALUES) {
            EACH(D, D, k)
            s.a[k] += e * V[(first + c * CUDA_LANES) * stride + k];
        }
    }
}

// The same keys' values times p, once s.top and 1 / sum are those of the whole row.
template <int D, int KEYS>
__device__ inline void add_values(attended<D> &s, const cuda_problem &p, const float (&q)[D],
                                  const float *K, const float *V, int i, int begin, int from, int n,
                                  float inverse)
{
    constexpr int stride = D + MARGIN;
    const int first = from + static_cast<int>(threadIdx.x) % CUDA_LANES;
#pragma unroll(KEYS < 4 ? KEYS : 4)
    for (int c = 0; c < KEYS; c++) {
        const int j = first + c * CUDA_LANES;
        if (j >= n || (p.causal && begin + j > i))
            continue;
        float product = 0.0f;
        EACH(D, D, k)
        product += q[k] * K[j * stride + k];
        const float weight = expf(score(p, product, i, begin + j) - s.top) * inverse;
        const float share = operand<true>(weight);
        EACH(D, D, k)
        s.a[k] += share * V[j * stride + k];
    }
}

} // namespace

// A in the place of Q, which no other row reads. TF32 rounds p, so p's sum has to be known before
// the product: the keys pass by twice.
template <int D, bool TF32>
__global__ void __launch_bounds__(CUDA_THREADS, D == 8 ? 2 : 1)
    cuda_attend_kernel(cuda_evaluation e)
{
    constexpr int stride = D + MARGIN;
    constexpr int KEYS = D > 32 ? 2 : D > 8 ? 4 : 16; // as many as there are registers for
    static_assert(TILE_KEYS % (KEYS * CUDA_LANES) == 0, "no key beyond the tile");
    CUDA_SHARED(float, K, TILE_KEYS *stride);
    CUDA_SHARED(float, V, TILE_KEYS *stride);
    const cuda_problem &p = e.problem;
    const int d = p.d, N = e.L + p.bos;
    const int above = e.above + static_cast<int>(blockIdx.x) * BLOCK_ROWS;
    const int place = above + static_cast<int>(threadIdx.x) / CUDA_LANES;
    const int i = place < N ? place : N - 1; // threads without a row repeat the last
    const int end = p.causal && above + BLOCK_ROWS < N ? above + BLOCK_ROWS : N;
    float *own = e.Q + row_of(e, i);
    announce(e.begun, CUDA_ATTEND_KERNEL);
    attended<D> s;
    float q[D];
    s.top = -INFINITY;
    s.sum = 0.0f;
    EACH(D, D, k)
    {
        q[k] = k < d ? own[k] : 0.0f;
        s.a[k] = 0.0f;
    }
    // visit(begin, from, n) for the keys of each tile, as many at a time as there are registers
    // for.
    const auto each_part = [&](auto visit) {
        for (int begin = 0; begin < end; begin += TILE_KEYS) {
            const int n = end - begin < TILE_KEYS ? end - begin : TILE_KEYS;
            const size_t from = row_of(e, begin);
            __syncthreads(); // the tile before has been read
            MINE(x, TILE_KEYS * D)
            {
                const int j = x / D, k = x % D;
                const bool there = j < n && k < d;
                const size_t place = from + static_cast<size_t>(j * d + k);
                K[j * stride + k] = there ? e.K[place] : 0.0f;
                V[j * stride + k] = there ? e.V[place] : 0.0f;
            }
            __syncthreads();
#pragma unroll 1
            for (int part = 0; part < n; part += KEYS * CUDA_LANES)
                visit(begin, part, n);
        }
    };
    each_part([&](int begin, int from, int n) {
        attend_keys<D, KEYS, !TF32>(s, p, q, K, V, i, begin, from, n);
    });
    float top = s.top;
    for (int apart = 1; apart < CUDA_LANES; apart *= 2)
        top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, apart));
    const float shrink = expf(s.top - top), sum = lanes_sum(s.sum * shrink);
    if constexpr (TF32) {
        s.top = top;
        each_part([&, inverse = 1.0f / sum](int begin, int from, int n) {
            add_values<D, KEYS>(s, p, q, K, V, i, begin, from, n, inverse);
        });
    } else {
        const float share = shrink / sum;
        EACH(D, D, k)
        s.a[k] *= share;
    }
    write_sums(place < N ? own : nullptr, s.a, 1.0f, d);
}

// Attention of all rows, at most PAIRS pairs of a query and a key a launch, some tenths of a
// second: at a million tokens one launch would take seconds, and a device that also draws a screen
// ends those. With fewer pairs a launch's last blocks would leave most of a device idle too often.
template <int D, bool TF32> static cudaError_t attend(struct cuda_evaluation e, cudaStream_t stream)
{
    const long long N = e.L + e.problem.bos, blocks = (N + BLOCK_ROWS - 1) / BLOCK_ROWS;
    const long long fit = PAIRS / (BLOCK_ROWS * N * e.count), most = fit > 1 ? fit : 1;
    void *arguments[] = {&e};
    cudaError_t error = cudaSuccess;
    for (long long first = 0; first < blocks && error == cudaSuccess; first += most) {
        const long long n = blocks - first < most ? blocks - first : most;
        e.above = static_cast<int>(first * BLOCK_ROWS);
        error = cudaLaunchKernel(cuda_attend_kernel<D, TF32>,
                                 dim3(static_cast<unsigned>(n), static_cast<unsigned>(e.count)),
                                 dim3(CUDA_THREADS), arguments, 0, stream);
    }
    return error;
}

template <int D, bool TF32>
static cudaError_t launch(const struct cuda_evaluation *evaluation, int loops, cudaStream_t stream)
{
    struct cuda_evaluation e = *evaluation;
    int first = 1;
    const int N = e.L + e.problem.bos;
    const unsigned count = static_cast<unsigned>(e.count);
    const dim3 rows(static_cast<unsigned>((N + ROWS - 1) / ROWS), count);
    void *arguments[] = {&e, &first};
    cudaError_t error = cudaSuccess;
    for (int t = 0; t < loops && error == cudaSuccess; t++) {
        error = cudaLaunchKernel(cuda_rows_kernel<TF32>, rows, dim3(ROWS), arguments, 0, stream);
        if (error == cudaSuccess)
            error = attend<D, TF32>(e, stream);
        first = 0;
    }
    if (error == cudaSuccess)
        error = cudaLaunchKernel(cuda_predict_kernel<TF32>, rows, dim3(ROWS), arguments, 0, stream);
    return error;
}

template <bool TF32>
static cudaError_t launch(const struct cuda_evaluation *e, int loops, cudaStream_t stream)
{
    if (e->problem.d == 8)
        return launch<8, TF32>(e, loops, stream);
    if (e->problem.d <= CUDA_MAX_D)
        return launch<CUDA_MAX_D, TF32>(e, loops, stream);
    return launch<EER_MAX_D, TF32>(e, loops, stream);
}

cudaError_t cuda_evaluate_launch(const struct cuda_evaluation *e, int loops, cudaStream_t stream)
{
    return e->problem.tf32 ? launch<true>(e, loops, stream) : launch<false>(e, loops, stream);
}
