// train.cu - loss and gradient of one training step: one thread block a sequence, all iterations in
// one kernel (spec/model.md, 3 to 5; spec/cuda.md).
//
// Kept from the forward pass are the states Z_t alone; everything inside an iteration is computed
// again. Work is handed out in one of three ways, with a barrier where the way changes: a thread a
// row (layer norms, sums, losses), a thread an element (products with weights, gradients of
// weights: each sums over the rows in their order), or CUDA_LANES threads a query row or key
// (attention). In TF32 a warp a tile of 16 x 16 takes the place of the last two (products.cuh). No
// sum depends on the order of threads, nor on how many there are.
#include "products.cuh"
#include "shared.h"

namespace
{

// A block's arrays. N x d unless said otherwise.
struct memory {
    float *X, *dX, *dZ, *Y, *Q, *K, *V, *A, *Zp, *Y2;
    float *O;     // the MLP's output; derivatives by layer norms' outputs
    float *xhat;  // of the layer norm in work
    float *R, *S; // derivatives on their way, see backward_mlp and backward_rows
    float *dV;
    float *units, *dunits; // N x CUDA_TILE
    float *top, *inverse;  // N: each row's largest score, 1 / sum of exp(score - top)
    float *powers;         // N: sum of p^q
    float *product;        // N: dA . A
    float *entropy, *potential, *kinetic, *task, *correct; // N: sums of the row
    float *sigma;         // N: lambda_S sigma_i q / (q - 1) / (BNT)
    float *rstd;          // N: of the final layer norm
    int *tokens, *labels; // N
    int *first;           // N: the first key with the largest score
    float *history;       // (T + 1) x N x d
    float *G;             // P: the gradient
    const float *w;       // P: the weights
    float *stage;         // CUDA_STAGE: the warp's own, in TF32
    int N;
};

// p.d is a constant where D is the dimension.
template <int D> struct shape : cuda_problem {
};
template <> struct shape<8> : cuda_problem {
    static constexpr int d = 8;
};

__device__ inline float *take(float *&next, int n)
{
    float *taken = next;
    next += n;
    return taken;
}

// Rows of 8 numbers then are read in two loads, and their banks met a quarter as often.
template <int D, class T> __device__ inline T *aligned(T *x)
{
    return D == 8 ? static_cast<T *>(__builtin_assume_aligned(x, 4 * sizeof(float))) : x;
}

template <int D>
__device__ void lay_out(memory &s, const shape<D> &p, const cuda_model &model,
                        const cuda_places &at, int N, float *next)
{
    const int matrix = N * p.d;
    const size_t b = blockIdx.x;
    float **matrices[CUDA_MATRICES] = {&s.X,  &s.dX, &s.dZ, &s.Y,    &s.Q, &s.K, &s.V, &s.A,
                                       &s.Zp, &s.Y2, &s.O,  &s.xhat, &s.R, &s.S, &s.dV};
    float **vectors[] = {&s.top,     &s.inverse, &s.powers,  &s.product, &s.entropy, &s.potential,
                         &s.kinetic, &s.task,    &s.correct, &s.sigma,   &s.rstd};
    s.N = N;
    const size_t states = (static_cast<size_t>(p.T) + 1) * static_cast<size_t>(matrix);
    // First what has to be aligned: tiles, then rows.
    if (p.tf32)
        s.stage = take(next, static_cast<int>(blockDim.x) / 32 * CUDA_STAGE) +
                  static_cast<int>(threadIdx.x) / 32 * CUDA_STAGE;
#pragma unroll
    for (int k = 0; k < CUDA_MATRICES; k++)
        *matrices[k] = aligned<D>(take(next, matrix));
    s.history =
        aligned<D>(at.history ? take(next, (p.T + 1) * matrix) : model.history + b * states);
    s.units = take(next, N * CUDA_TILE);
    s.dunits = take(next, N * CUDA_TILE);
#pragma unroll
    for (int k = 0; k < 11; k++)
        *vectors[k] = take(next, N);
    s.tokens = reinterpret_cast<int *>(take(next, N));
    s.labels = reinterpret_cast<int *>(take(next, N));
    s.first = reinterpret_cast<int *>(take(next, N));
    s.G = at.gradient ? take(next, p.P) : model.parts + b * static_cast<size_t>(p.P);
    float *weights = at.weights ? take(next, p.P) : nullptr;
    MINE(x, p.P)
    {
        s.G[x] = 0.0f;
        if (weights)
            weights[x] = model.theta[x];
    }
    s.w = weights ? weights : model.theta;
}

// ---- gradients of weights ---------------------------------------------------------------------

// G[k gs + j] += sum over rows of x[k] dy[j], K x J of them; rows of x and dy lie xs and ys apart.
template <bool TF32, int D>
__device__ inline void outer(const memory &s, float *G, int gs, const float *x, int xs, int K,
                             const float *dy, int ys, int J, turns &turn)
{
    if constexpr (!TF32 && D == 8)
        // Four columns a thread: a load for each number would be two for every FMA.
        if (J % 4 == 0) {
            const unsigned fours = static_cast<unsigned>(J) / 4;
            turn.elements(K * J / 4, [=, &s](int e) {
                const int k = static_cast<int>(static_cast<unsigned>(e) / fours);
                const int j = (e - k * static_cast<int>(fours)) * 4;
                float sum[4] = {};
                for (int i = 0; i < s.N; i++) {
                    const float *y = aligned<D>(dy + i * ys + j);
                    for (int c = 0; c < 4; c++)
                        sum[c] += x[i * xs + k] * y[c];
                }
                for (int c = 0; c < 4; c++)
                    G[k * gs + j + c] += sum[c];
            });
            return;
        }
    product<TF32>(
        s.stage, K, J, s.N, transposed(x, xs), rows_of(dy, ys), turn, [](int, int) { return 0.0f; },
        [=](int k, int j, float sum) { G[k * gs + j] += sum; });
}

// G[j] += sum over rows of dy[j]
__device__ inline void column_sums(float *G, const float *dy, int ys, int J, int N, turns &turn)
{
    turn.elements(J, [=](int j) {
        float sum = 0.0f;
        for (int i = 0; i < N; i++)
            sum += dy[i * ys + j];
        G[j] += sum;
    });
}

// Gain and bias of the layer norm whose xhat is in s.xhat.
__device__ inline void norm_sums(const memory &s, float *gain, float *bias, const float *dy, int d,
                                 turns &turn)
{
    turn.elements(d, [&](int k) {
        float sum = 0.0f;
        for (int i = 0; i < s.N; i++)
            sum += dy[i * d + k] * s.xhat[i * d + k];
        gain[k] += sum;
    });
    column_sums(bias, dy, d, d, s.N, turn);
}

// ---- attention --------------------------------------------------------------------------------

// Of loops over keys: with long vectors there are no registers for more than one key at a time.
#define KEYS_AT_ONCE(D) _Pragma("unroll ((D) == 8 ? 2 : 1)")

// The largest score of a row and its first key: largest over the keys that these threads saw.
__device__ inline void lanes_largest(float &top, int &first)
{
    for (int apart = 1; apart < CUDA_LANES; apart *= 2) {
        const float other = __shfl_xor_sync(0xffffffffu, top, apart);
        const int key = __shfl_xor_sync(0xffffffffu, first, apart);
        if (other > top || (other == top && key < first)) {
            top = other;
            first = key;
        }
    }
}

// A of all rows from Q, K, V, and each row's top, first, inverse and powers. Threads without a row
// see no key; they come along for the shuffles.
template <int D> __device__ void attend(const memory &s, const shape<D> &p, int count_terms)
{
    const int d = p.d, N = s.N, lane = static_cast<int>(threadIdx.x) % CUDA_LANES;
    const int rows = static_cast<int>(blockDim.x) / CUDA_LANES;
    for (int begin = 0; begin < N; begin += rows) {
        const int place = begin + static_cast<int>(threadIdx.x) / CUDA_LANES;
        const int i = place < N ? place : N - 1;
        const int keys = place < N ? (p.causal ? i + 1 : N) : 0;
        const fixed<D> q(s.Q + i * d, d);
        float a[D], sum = 0.0f, powers = 0.0f, top = -INFINITY;
        int first = 0;
        EACH(D, d, k)
        a[k] = 0.0f;
        KEYS_AT_ONCE(D)
        for (int j = lane; j < keys; j += CUDA_LANES) {
            const float x = score(p, q.dot(s.K + j * d, d), i, j);
            if (x > top) {
                top = x;
                first = j;
            }
        }
        lanes_largest(top, first);
        KEYS_AT_ONCE(D)
        for (int j = lane; j < keys; j += CUDA_LANES) {
            const float e = expf(score(p, q.dot(s.K + j * d, d), i, j) - top);
            sum += e;
            powers += power(e, p.q);
            EACH(D, d, k)
            a[k] += e * s.V[j * d + k];
        }
        sum = lanes_sum(sum);
        powers = lanes_sum(powers);
        const float inverse = 1.0f / sum;
        write_sums(place < N ? s.A + i * d : nullptr, a, inverse, d);
        if (place >= N || lane > 0)
            continue;
        powers *= power(inverse, p.q);
        s.top[i] = top;
        s.first[i] = first;
        s.inverse[i] = inverse;
        s.powers[i] = powers;
        if (count_terms) {
            s.potential[i] += logf(sum);
            s.entropy[i] += (1.0f - powers) / (p.q - 1.0f);
        }
    }
}

// ds of row i and key j (spec/model.md, 5.4); dp = dA_i . v_j.
template <bool TF32>
__device__ inline float score_slope(const memory &s, const cuda_problem &p, const cuda_objective &f,
                                    float weight, float dp, int i, int j)
{
    float ds = weight * (dp - s.product[i]);
    ds += f.potential * (weight - (j == s.first[i] ? 1.0f : 0.0f));
    return ds - s.sigma[i] * (power<TF32>(weight, p.q) - weight * s.powers[i]);
}

// dQ of all rows.
template <int D>
__device__ void attend_backward_queries(const memory &s, const shape<D> &p, const cuda_objective &f,
                                        const float *dA, float *dQ)
{
    const int d = p.d, N = s.N, lane = static_cast<int>(threadIdx.x) % CUDA_LANES;
    const int rows = static_cast<int>(blockDim.x) / CUDA_LANES;
    for (int begin = 0; begin < N; begin += rows) {
        const int place = begin + static_cast<int>(threadIdx.x) / CUDA_LANES;
        const int i = place < N ? place : N - 1;
        const int keys = place < N ? (p.causal ? i + 1 : N) : 0;
        const fixed<D> q(s.Q + i * d, d), g(dA + i * d, d);
        float sum[D];
        EACH(D, d, k)
        sum[k] = 0.0f;
        KEYS_AT_ONCE(D)
        for (int j = lane; j < keys; j += CUDA_LANES) {
            const float x = score(p, q.dot(s.K + j * d, d), i, j);
            const float weight = expf(x - s.top[i]) * s.inverse[i];
            const float ds = score_slope<false>(s, p, f, weight, g.dot(s.V + j * d, d), i, j);
            EACH(D, d, k)
            sum[k] += ds * s.K[j * d + k];
        }
        write_sums(place < N ? dQ + i * d : nullptr, sum, p.scale, d);
    }
}

// dK and dV of all keys.
template <int D>
__device__ void attend_backward_keys(const memory &s, const shape<D> &p, const cuda_objective &f,
                                     const float *dA, float *dK, float *dV)
{
    const int d = p.d, N = s.N, lane = static_cast<int>(threadIdx.x) % CUDA_LANES;
    const int rows = static_cast<int>(blockDim.x) / CUDA_LANES;
    for (int begin = 0; begin < N; begin += rows) {
        const int place = begin + static_cast<int>(threadIdx.x) / CUDA_LANES;
        const int j = place < N ? place : N - 1;
        const int end = place < N ? N : 0;
        const fixed<D> key(s.K + j * d, d), value(s.V + j * d, d);
        float dk[D], dv[D];
        EACH(D, d, k)
        dk[k] = dv[k] = 0.0f;
        KEYS_AT_ONCE(D)
        for (int i = (p.causal ? j : 0) + lane; i < end; i += CUDA_LANES) {
            const float x = score(p, key.dot(s.Q + i * d, d), i, j);
            const float weight = expf(x - s.top[i]) * s.inverse[i];
            const float ds = score_slope<false>(s, p, f, weight, value.dot(dA + i * d, d), i, j);
            EACH(D, d, k)
            {
                dk[k] += ds * s.Q[i * d + k];
                dv[k] += weight * dA[i * d + k];
            }
        }
        write_sums(place < N ? dK + j * d : nullptr, dk, p.scale, d);
        write_sums(place < N ? dV + j * d : nullptr, dv, 1.0f, d);
    }
}

// ---- attention in TF32: in tiles of 16 queries x 16 keys --------------------------------------
//
// A warp has a tile of queries, or of keys, and goes over the others. A lane sees half a row of
// each tile: row lane / 2, columns column_of(0) to column_of(7).

__device__ inline int column_of(int c)
{
    return c / 4 * 8 + lane_of_warp() % 2 * 4 + c % 4;
}

// The tile X Y^T of rows from i and keys from j on.
template <int D>
__device__ inline void dots(float (&x)[8], const memory &s, const float *X, int i, const float *Y,
                            int j, int d)
{
    sums_tile sums;
    nvcuda::wmma::fill_fragment(sums, 0.0f);
#pragma unroll 1 // the loads are long; with d = 8 there is one step
    for (int k = 0; k < (D == DEPTH ? DEPTH : d); k += DEPTH) {
        operand_tile<nvcuda::wmma::matrix_a, true> left;
        operand_tile<nvcuda::wmma::matrix_b, false> right;
        load(left, rows_of(X, d), i, k, s.N, d, s.stage);
        load(right, transposed(Y, d), k, j, d, s.N, s.stage);
        nvcuda::wmma::mma_sync(sums, left, right, sums);
    }
    store(s.stage, sums);
    const float4 *row = reinterpret_cast<const float4 *>(s.stage) + lane_of_warp() / 2 * 4;
#pragma unroll
    for (int c = 0; c < 8; c += 4) {
        const float4 four = row[column_of(c) / 4];
        x[c] = four.x;
        x[c + 1] = four.y;
        x[c + 2] = four.z;
        x[c + 3] = four.w;
    }
}

// Sums over keys or queries for the 16 rows of a warp: 16 x d.
template <int D> struct tile_sums {
    sums_tile tile[(D + TILE_SIDE - 1) / TILE_SIDE];
    __device__ tile_sums()
    {
        for (sums_tile &sums : tile)
            nvcuda::wmma::fill_fragment(sums, 0.0f);
    }
    // Adds the tile that the lanes have in x, or what is transposed to it, times the 16 rows of Y
    // from j on.
    template <bool BY_ROWS>
    __device__ inline void add(const float (&x)[8], const memory &s, const float *Y, int j, int d)
    {
        operand_tile<nvcuda::wmma::matrix_a, BY_ROWS> left[TILE_SIDE / DEPTH];
        operand_tile<nvcuda::wmma::matrix_b, true> right;
        float4 *row = reinterpret_cast<float4 *>(s.stage) + lane_of_warp() / 2 * 4;
        __syncwarp(); // the stage has been read
#pragma unroll
        for (int c = 0; c < 8; c += 4)
            row[column_of(c) / 4] = make_float4(x[c], x[c + 1], x[c + 2], x[c + 3]);
        __syncwarp();
#pragma unroll
        for (int k = 0; k < TILE_SIDE / DEPTH; k++)
            load(left[k], matrix<BY_ROWS>{s.stage, TILE_SIDE}, 0, k * DEPTH, TILE_SIDE, TILE_SIDE,
                 s.stage);
#pragma unroll
        for (int n = 0; n < (D + TILE_SIDE - 1) / TILE_SIDE; n++) {
            if (n * TILE_SIDE >= d)
                continue;
#pragma unroll
            for (int k = 0; k < TILE_SIDE / DEPTH; k++) {
                load(right, rows_of(Y, d), j + k * DEPTH, n * TILE_SIDE, s.N, d, s.stage);
                nvcuda::wmma::mma_sync(tile[n], left[k], right, tile[n]);
            }
        }
    }
    // to, an N x d matrix, gets factor times the sums in its rows from i on.
    __device__ inline void write(float *to, const memory &s, int i, float factor, int d)
    {
#pragma unroll
        for (int n = 0; n < (D + TILE_SIDE - 1) / TILE_SIDE; n++) {
            if (n * TILE_SIDE >= d)
                continue;
            store(s.stage, tile[n]);
#pragma unroll 1
            for (int e = lane_of_warp(); e < CUDA_STAGE; e += 32) {
                const int row = i + e / TILE_SIDE, k = n * TILE_SIDE + e % TILE_SIDE;
                if (row < s.N && k < d)
                    to[row * d + k] = s.stage[e] * factor;
            }
        }
    }
};

__device__ inline bool sees(const memory &s, const cuda_problem &p, int i, int j)
{
    return i < s.N && j < s.N && !(p.causal && j > i);
}

// Of a row, as far as it has been gone over: the largest score and its first key, and the sum of
// exp(score - top).
struct softmax_state {
    float top, sum;
    int first;
    // In two states that meet each gets the same bits from the other.
    __device__ inline void merge(float other_top, float other_sum, int other_first)
    {
        const float above = fmaxf(top, other_top);
        sum = sum * shrink(top, above) + other_sum * shrink(other_top, above);
        if (other_top > top || (other_top == top && other_first < first))
            first = other_first;
        top = above;
    }
    __device__ static inline float shrink(float from, float to)
    {
        return from == -INFINITY ? 0.0f : expf(from - to);
    }
};

// A tile of rows has two warps, of which each takes every second tile of keys, since there are two
// for 16 rows. What they find meets in vectors of 2 N numbers, which lie in `units`.
__device__ inline float *halves(const memory &s, int which)
{
    return s.units + 2 * which * s.N;
}

// The first key of the tile of keys after the last one that row tile i sees.
__device__ inline int keys_end(const memory &s, const cuda_problem &p, int i)
{
    return p.causal && i + TILE_SIDE < s.N ? i + TILE_SIDE : s.N;
}

template <int D>
__device__ void find_softmax(const memory &s, const shape<D> &p, int above, int half)
{
    const int i = above + lane_of_warp() / 2;
    softmax_state row = {-INFINITY, 0.0f, 0};
#pragma unroll 1
    for (int left = half * TILE_SIDE; left < keys_end(s, p, above); left += 2 * TILE_SIDE) {
        float x[8], top = row.top;
        dots<D>(x, s, s.Q, above, s.K, left, p.d);
#pragma unroll
        for (int c = 0; c < 8; c++) {
            const int j = left + column_of(c);
            x[c] = score(p, x[c], i, j);
            if (sees(s, p, i, j) && x[c] > top) {
                top = x[c];
                row.first = j;
            }
        }
        row.sum *= softmax_state::shrink(row.top, top);
        row.top = top;
#pragma unroll
        for (int c = 0; c < 8; c++)
            row.sum += sees(s, p, i, left + column_of(c)) ? expf(x[c] - top) : 0.0f;
    }
    row.merge(__shfl_xor_sync(0xffffffffu, row.top, 1), __shfl_xor_sync(0xffffffffu, row.sum, 1),
              __shfl_xor_sync(0xffffffffu, row.first, 1));
    if (i < s.N && lane_of_warp() % 2 == 0) {
        halves(s, 0)[half * s.N + i] = row.top;
        halves(s, 1)[half * s.N + i] = row.sum;
        reinterpret_cast<int *>(halves(s, 2))[half * s.N + i] = row.first;
    }
}

// p of a tile from its scores' products.
__device__ inline void shares(float (&x)[8], const memory &s, const cuda_problem &p, int i,
                              int left)
{
#pragma unroll
    for (int c = 0; c < 8; c++) {
        const int j = left + column_of(c);
        x[c] = sees(s, p, i, j) ? expf(score(p, x[c], i, j) - s.top[i]) * s.inverse[i] : 0.0f;
    }
}

// Half of A, and of the sum of p^q.
template <int D> __device__ void add_values(const memory &s, const shape<D> &p, int above, int half)
{
    const int i = above + lane_of_warp() / 2;
    float powers = 0.0f;
    tile_sums<D> a;
#pragma unroll 1
    for (int left = half * TILE_SIDE; left < keys_end(s, p, above); left += 2 * TILE_SIDE) {
        float x[8];
        dots<D>(x, s, s.Q, above, s.K, left, p.d);
        shares(x, s, p, i, left);
#pragma unroll
        for (int c = 0; c < 8; c++)
            powers += power<true>(x[c], p.q);
        a.template add<true>(x, s, s.V, left, p.d);
    }
    a.write(half == 0 ? s.A : s.O, s, above, 1.0f, p.d);
    powers += __shfl_xor_sync(0xffffffffu, powers, 1);
    if (i < s.N && lane_of_warp() % 2 == 0)
        halves(s, 3)[half * s.N + i] = powers;
}

// Work of a warp: tile number t / 2 of the rows, half t % 2.
#define EACH_HALF_TILE(t)                                                                          \
    for (int t = static_cast<int>(threadIdx.x / 32); t < (s.N + TILE_SIDE - 1) / TILE_SIDE * 2;    \
         t += static_cast<int>(blockDim.x / 32))

// As attend(), but p is rounded, so that its sum has to be known before the product.
template <int D> __device__ void attend_tiles(const memory &s, const shape<D> &p, int count_terms)
{
    const int N = s.N;
    EACH_HALF_TILE(t)
    find_softmax<D>(s, p, t / 2 * TILE_SIDE, t % 2);
    __syncthreads();
    MINE(i, N)
    {
        const int *first = reinterpret_cast<const int *>(halves(s, 2));
        softmax_state row = {halves(s, 0)[i], halves(s, 1)[i], first[i]};
        row.merge(halves(s, 0)[N + i], halves(s, 1)[N + i], first[N + i]);
        s.top[i] = row.top;
        s.first[i] = row.first;
        s.inverse[i] = 1.0f / row.sum;
        if (count_terms)
            s.potential[i] += logf(row.sum);
    }
    __syncthreads();
    EACH_HALF_TILE(t)
    add_values<D>(s, p, t / 2 * TILE_SIDE, t % 2);
    __syncthreads();
    MINE(e, N * p.d)
    s.A[e] += s.O[e];
    MINE(i, N)
    {
        s.powers[i] = halves(s, 3)[i] + halves(s, 3)[N + i];
        if (count_terms)
            s.entropy[i] += (1.0f - s.powers[i]) / (p.q - 1.0f);
    }
}

// p and dp of a tile.
template <int D>
__device__ inline void slopes(float (&weight)[8], float (&dp)[8], const memory &s,
                              const shape<D> &p, const float *dA, int above, int left)
{
    dots<D>(weight, s, s.Q, above, s.K, left, p.d);
    shares(weight, s, p, above + lane_of_warp() / 2, left);
    dots<D>(dp, s, dA, above, s.V, left, p.d);
}

// Half of the sum of p dp.
template <int D>
__device__ void add_products(const memory &s, const shape<D> &p, const float *dA, int above,
                             int half)
{
    const int i = above + lane_of_warp() / 2;
    float sum = 0.0f;
#pragma unroll 1
    for (int left = half * TILE_SIDE; left < keys_end(s, p, above); left += 2 * TILE_SIDE) {
        float weight[8], dp[8];
        slopes<D>(weight, dp, s, p, dA, above, left);
#pragma unroll
        for (int c = 0; c < 8; c++)
            sum += weight[c] * dp[c];
    }
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    if (i < s.N && lane_of_warp() % 2 == 0)
        halves(s, 0)[half * s.N + i] = sum;
}

// ds from p and dp.
__device__ inline void score_slopes(float (&dp)[8], const float (&weight)[8], const memory &s,
                                    const cuda_problem &p, const cuda_objective &f, int i, int left)
{
#pragma unroll
    for (int c = 0; c < 8; c++) {
        const int j = left + column_of(c);
        dp[c] = sees(s, p, i, j) ? score_slope<true>(s, p, f, weight[c], dp[c], i, j) : 0.0f;
    }
}

// dQ of a tile of rows.
template <int D>
__device__ void tile_backward_queries(const memory &s, const shape<D> &p, const cuda_objective &f,
                                      const float *dA, float *dQ, int above)
{
    tile_sums<D> dq;
#pragma unroll 1
    for (int left = 0; left < keys_end(s, p, above); left += TILE_SIDE) {
        float weight[8], ds[8];
        slopes<D>(weight, ds, s, p, dA, above, left);
        score_slopes(ds, weight, s, p, f, above + lane_of_warp() / 2, left);
        dq.template add<true>(ds, s, s.K, left, p.d);
    }
    dq.write(dQ, s, above, p.scale, p.d);
}

// dK and dV of a tile of keys.
template <int D>
__device__ void tile_backward_keys(const memory &s, const shape<D> &p, const cuda_objective &f,
                                   const float *dA, float *dK, float *dV, int left)
{
    tile_sums<D> dk, dv;
#pragma unroll 1
    for (int above = p.causal ? left : 0; above < s.N; above += TILE_SIDE) {
        float weight[8], ds[8];
        slopes<D>(weight, ds, s, p, dA, above, left);
        score_slopes(ds, weight, s, p, f, above + lane_of_warp() / 2, left);
        dv.template add<false>(weight, s, dA, above, p.d);
        dk.template add<false>(ds, s, s.Q, above, p.d);
    }
    dk.write(dK, s, left, p.scale, p.d);
    dv.write(dV, s, left, 1.0f, p.d);
}

// As attend_backward_queries() and attend_backward_keys(), half of the warps each. dA . A is the
// sum of p dp only without rounding: here that is taken by itself.
template <int D>
__device__ void attend_tiles_backward(const memory &s, const shape<D> &p, const cuda_objective &f,
                                      const float *dA, float *dQ, float *dK, float *dV)
{
    EACH_HALF_TILE(t)
    add_products<D>(s, p, dA, t / 2 * TILE_SIDE, t % 2);
    __syncthreads();
    MINE(i, s.N)
    s.product[i] = halves(s, 0)[i] + halves(s, 0)[s.N + i];
    __syncthreads();
    EACH_HALF_TILE(t)
    if (t % 2 == 0)
        tile_backward_queries<D>(s, p, f, dA, dQ, t / 2 * TILE_SIDE);
    else
        tile_backward_keys<D>(s, p, f, dA, dK, dV, t / 2 * TILE_SIDE);
}

// ---- forward ----------------------------------------------------------------------------------

template <int D>
__device__ void begin(const memory &s, const shape<D> &p, const cuda_model &model,
                      const float *position)
{
    const int d = p.d;
    const float *E = s.w + p.offset[EER_EMBEDDING];
    const size_t at = static_cast<size_t>(blockIdx.x) * static_cast<size_t>(s.N - p.bos);
    MINE(i, s.N)
    {
        const int token = i < p.bos ? p.V : model.tokens[at + static_cast<size_t>(i - p.bos)];
        s.tokens[i] = token;
        s.labels[i] = i < p.bos ? -1 : model.labels[at + static_cast<size_t>(i - p.bos)];
        s.entropy[i] = s.potential[i] = s.kinetic[i] = 0.0f;
        for (int k = 0; k < d; k++) {
            s.X[i * d + k] = E[token * d + k] + (position ? position[i * d + k] : 0.0f);
            s.dX[i * d + k] = s.history[i * d + k] = 0.0f;
        }
    }
}

// to = Y W
template <bool TF32, int D>
__device__ inline void project(const memory &s, const shape<D> &p, float *to, int W, turns &turn)
{
    const int d = p.d;
    product<TF32>(
        s.stage, s.N, d, d, rows_of(s.Y, d), rows_of(s.w + p.offset[W], d), turn,
        [](int, int) { return 0.0f; }, [=](int i, int j, float sum) { to[i * d + j] = sum; });
}

// Y, Q, K, V and A from Z. Ends with a barrier.
template <int D, bool TF32>
__device__ void attention(const memory &s, const shape<D> &p, const float *Z, int count_terms)
{
    const int d = p.d;
    MINE(i, s.N)
    {
        const float *z = Z + i * d, *x = s.X + i * d;
        float *y = s.Y + i * d;
        if (p.pre)
            norm<D>(y, nullptr, z, x, s.w + p.offset[EER_LN1_GAIN], s.w + p.offset[EER_LN1_BIAS],
                    d);
        for (int k = 0; !p.pre && k < d; k++)
            y[k] = z[k] + x[k];
    }
    __syncthreads();
    turns turn;
    project<TF32>(s, p, s.Q, EER_W_Q, turn);
    project<TF32>(s, p, s.K, EER_W_K, turn);
    project<TF32>(s, p, s.V, EER_W_V, turn);
    __syncthreads();
    if constexpr (TF32)
        attend_tiles<D>(s, p, count_terms);
    else
        attend<D>(s, p, count_terms);
    __syncthreads();
}

// Z' and, if there is an MLP, its input Y2. Ends with a barrier.
template <int D>
__device__ void attention_output(const memory &s, const shape<D> &p, const float *Z)
{
    const int d = p.d;
    MINE(i, s.N)
    {
        const float *z = Z + i * d, *a = s.A + i * d, *x = s.X + i * d;
        float *out = s.Zp + i * d, *y = s.Y2 + i * d;
        if (p.post)
            norm<D>(out, nullptr, z, a, s.w + p.offset[EER_LN1_GAIN], s.w + p.offset[EER_LN1_BIAS],
                    d);
        for (int k = 0; !p.post && k < d; k++)
            out[k] = z[k] + a[k];
        if (p.m > 0 && p.pre)
            norm<D>(y, nullptr, out, x, s.w + p.offset[EER_LN2_GAIN], s.w + p.offset[EER_LN2_BIAS],
                    d);
        for (int k = 0; p.m > 0 && !p.pre && k < d; k++)
            y[k] = out[k] + x[k];
    }
    __syncthreads();
}

// end(i, u, a) with the arguments a of n hidden units from `begin` on, of all rows.
template <bool TF32, int D, class End>
__device__ __forceinline__ void hidden(const memory &s, const shape<D> &p, int begin, int n,
                                       turns &turn, End end)
{
    const float *b_1 = s.w + p.offset[EER_B_1] + begin;
    product<TF32>(
        s.stage, s.N, n, p.d, rows_of(s.Y2, p.d), rows_of(s.w + p.offset[EER_W_1] + begin, p.m),
        turn, [=](int, int u) { return b_1[u]; }, end);
}

// O = MLP(Y2), a tile of hidden units at a time. Ends with a barrier.
template <bool TF32, int D> __device__ void mlp(const memory &s, const shape<D> &p)
{
    const int d = p.d;
    const float *W_2 = s.w + p.offset[EER_W_2], *b_2 = s.w + p.offset[EER_B_2];
    turns turn;
    for (int begin = 0; begin < p.m; begin += CUDA_TILE) {
        const int n = p.m - begin < CUDA_TILE ? p.m - begin : CUDA_TILE;
        hidden<TF32>(s, p, begin, n, turn, [&](int i, int u, float x) {
            s.units[i * CUDA_TILE + u] = activation(x, p.relu);
        });
        __syncthreads();
        product<TF32>(
            s.stage, s.N, d, n, rows_of(s.units, CUDA_TILE), rows_of(W_2 + begin * d, d), turn,
            [&](int i, int j) { return begin > 0 ? s.O[i * d + j] : b_2[j]; },
            [&](int i, int j, float sum) { s.O[i * d + j] = sum; });
        __syncthreads();
    }
}

// Z_(t+1) from Z' and O, and with the path reading its way from Z_t. A row's own thread is the only
// one to read it before the next barrier.
template <int D>
__device__ void state(const memory &s, const shape<D> &p, float *next, const float *Z)
{
    const int d = p.d;
    MINE(i, s.N)
    {
        float *out = next + i * d;
        const float *zp = s.Zp + i * d, *o = s.O + i * d;
        if (p.m > 0 && p.post)
            norm<D>(out, nullptr, zp, o, s.w + p.offset[EER_LN2_GAIN], s.w + p.offset[EER_LN2_BIAS],
                    d);
        for (int k = 0; !(p.m > 0 && p.post) && k < d; k++)
            out[k] = zp[k] + (p.m > 0 ? o[k] : 0.0f);
        float squares = 0.0f;
        for (int k = 0; k < d; k++) {
            const float way = out[k] - Z[i * d + k];
            squares += way * way;
        }
        if (p.kinetic == EER_KINETIC_PATH)
            s.kinetic[i] += squares;
    }
}

// ---- the loss ---------------------------------------------------------------------------------

// Products with W_O are taken once a step, not once an iteration, and are C = V + 1 wide: their
// operands are rounded, but a tensor core would gain nothing.
template <bool TF32, int D>
__device__ inline float logit(const memory &s, const shape<D> &p, int i, int c)
{
    const float *W_O = s.w + p.offset[EER_W_O];
    float sum = s.w[p.offset[EER_B_O] + c];
    for (int k = 0; k < p.d; k++)
        sum += operand<TF32>(s.Y[i * p.d + k]) * operand<TF32>(W_O[k * p.C + c]);
    return sum;
}

// Cross-entropy of row i, whose h is in Y; keeps top and 1 / sum of its softmax.
template <bool TF32, int D>
__device__ inline void cross_entropy(const memory &s, const shape<D> &p, int i)
{
    const int label = s.labels[i];
    float top = -INFINITY, right = 0.0f, sum = 0.0f;
    int best = 0;
    for (int c = 0; c < p.C; c++) {
        const float x = logit<TF32>(s, p, i, c);
        if (x > top) {
            top = x;
            best = c;
        }
        if (c == label)
            right = x;
    }
    for (int c = 0; c < p.C; c++)
        sum += expf(logit<TF32>(s, p, i, c) - top);
    s.top[i] = top;
    s.inverse[i] = 1.0f / sum;
    s.task[i] = label >= 0 ? logf(sum) + (top - right) : 0.0f;
    s.correct[i] = best == label ? 1.0f : 0.0f;
}

// h of every row, its loss; each row's own numbers of the other terms.
template <bool TF32, int D>
__device__ void losses(const memory &s, const shape<D> &p, const cuda_objective &f)
{
    const int d = p.d;
    const float *Z = s.history + static_cast<size_t>(p.T) * static_cast<size_t>(s.N * d);
    const float slope = f.penalty * (p.q / (p.q - 1.0f));
    MINE(i, s.N)
    {
        const float *z = Z + i * d;
        float *h = s.Y + i * d, squares = 0.0f;
        if (p.final_norm)
            s.rstd[i] = norm<D>(h, s.xhat + i * d, z, nullptr, s.w + p.offset[EER_LNF_GAIN],
                                s.w + p.offset[EER_LNF_BIAS], d);
        for (int k = 0; k < d; k++) {
            squares += z[k] * z[k];
            if (!p.final_norm)
                h[k] = z[k];
        }
        cross_entropy<TF32>(s, p, i);
        if (p.kinetic != EER_KINETIC_PATH)
            s.kinetic[i] = p.kinetic == EER_KINETIC_NORM ? sqrtf(squares) : squares;
        const float off = s.entropy[i] / static_cast<float>(p.T) - p.eta;
        s.sigma[i] = off > 0.0f ? slope : off < 0.0f ? -slope : 0.0f;
    }
    __syncthreads();
}

// The sums of the terms over the rows, a thread a term. Thread CUDA_KINETIC also leaves the
// Frobenius norm in kinetic[0], for everyone after the next barrier.
__device__ void sum_terms(const memory &s, const cuda_problem &p, float *sums)
{
    const int term = static_cast<int>(threadIdx.x);
    if (term >= CUDA_TERMS)
        return;
    float sum = term_sum(s, p, term, 0, s.N);
    if (term == CUDA_KINETIC && p.kinetic == EER_KINETIC_FROBENIUS)
        s.kinetic[0] = sum = sqrtf(sum);
    sums[static_cast<size_t>(blockIdx.x) * CUDA_TERMS + static_cast<size_t>(term)] = sum;
}

// Gradients of W_O and b_O, and dh in O, a tile of classes at a time. Ends with a barrier.
template <bool TF32, int D>
__device__ void read_out_backward(const memory &s, const shape<D> &p, const cuda_objective &f)
{
    const int d = p.d, N = s.N;
    const float *W_O = s.w + p.offset[EER_W_O];
    for (int begin = 0; begin < p.C; begin += CUDA_TILE) {
        const int n = p.C - begin < CUDA_TILE ? p.C - begin : CUDA_TILE;
        MINE(e, N * n)
        {
            const int i = e / n, c = begin + e % n, label = s.labels[i];
            const float share = expf(logit<TF32>(s, p, i, c) - s.top[i]) * s.inverse[i];
            s.units[i * CUDA_TILE + e % n] =
                label >= 0 ? f.task * (share - (c == label ? 1.0f : 0.0f)) : 0.0f;
        }
        __syncthreads();
        MINE(e, d * n)
        {
            const int k = e / n, u = e % n;
            float sum = 0.0f;
            for (int i = 0; i < N; i++)
                sum += operand<TF32>(s.Y[i * d + k]) * operand<TF32>(s.units[i * CUDA_TILE + u]);
            s.G[p.offset[EER_W_O] + k * p.C + begin + u] += sum;
        }
        turns turn;
        column_sums(s.G + p.offset[EER_B_O] + begin, s.units, CUDA_TILE, n, N, turn);
        MINE(e, N * d)
        {
            const int i = e / d, k = e % d;
            float sum = begin > 0 ? s.O[e] : 0.0f;
            for (int u = 0; u < n; u++)
                sum += operand<TF32>(s.units[i * CUDA_TILE + u]) *
                       operand<TF32>(W_O[k * p.C + begin + u]);
            s.O[e] = sum;
        }
        __syncthreads();
    }
}

// dZ_T from dh and the kinetic term. Ends with a barrier.
template <int D>
__device__ void last_state_backward(const memory &s, const shape<D> &p, const cuda_objective &f)
{
    const int d = p.d, size = s.N * d;
    const float *Z = s.history + static_cast<size_t>(p.T) * static_cast<size_t>(size);
    const float *from = p.kinetic == EER_KINETIC_PATH ? Z - size : s.history; // Z_0 = 0
    MINE(i, s.N)
    {
        float *dz = s.dZ + i * d;
        if (p.final_norm)
            norm_backward(dz, s.O + i * d, s.xhat + i * d, s.rstd[i], s.w + p.offset[EER_LNF_GAIN],
                          d);
        float slope = 2.0f * f.kinetic;
        if (p.kinetic == EER_KINETIC_NORM || p.kinetic == EER_KINETIC_FROBENIUS) {
            const float length = s.kinetic[p.kinetic == EER_KINETIC_NORM ? i : 0];
            slope = length > 0.0f ? f.kinetic / length : 0.0f;
        }
        for (int k = 0; k < d; k++) {
            const float before = p.final_norm ? dz[k] : s.O[i * d + k];
            dz[k] = before + slope * (Z[i * d + k] - from[i * d + k]);
        }
    }
    turns turn;
    if (p.final_norm)
        norm_sums(s, s.G + p.offset[EER_LNF_GAIN], s.G + p.offset[EER_LNF_BIAS], s.O, d, turn);
    __syncthreads();
}

// ---- backward through one iteration -----------------------------------------------------------

// From dZ_(t+1): dY2 in O, and the gradients of the MLP. dO, the derivative by the MLP's output, is
// dZ, or with norm = post R. Ends with a barrier.
template <bool TF32, int D> __device__ void backward_mlp(const memory &s, const shape<D> &p)
{
    const int d = p.d, N = s.N;
    const float *W_1 = s.w + p.offset[EER_W_1], *W_2 = s.w + p.offset[EER_W_2];
    turns turn;
    if (p.post) {
        const float *gain = s.w + p.offset[EER_LN2_GAIN], *bias = s.w + p.offset[EER_LN2_BIAS];
        MINE(i, N)
        {
            float *r = s.R + i * d, *xhat = s.xhat + i * d;
            const float rstd = norm<D>(r, xhat, s.Zp + i * d, s.O + i * d, gain, bias, d);
            norm_backward(r, s.dZ + i * d, xhat, rstd, gain, d);
        }
        __syncthreads();
        norm_sums(s, s.G + p.offset[EER_LN2_GAIN], s.G + p.offset[EER_LN2_BIAS], s.dZ, d, turn);
    }
    const float *dO = p.post ? s.R : s.dZ;
    column_sums(s.G + p.offset[EER_B_2], dO, d, d, N, turn);
    for (int begin = 0; begin < p.m; begin += CUDA_TILE) {
        const int n = p.m - begin < CUDA_TILE ? p.m - begin : CUDA_TILE;
        turns same = turn;
        hidden<TF32>(s, p, begin, n, turn, [&](int i, int u, float x) {
            s.units[i * CUDA_TILE + u] = activation(x, p.relu);
            s.dunits[i * CUDA_TILE + u] = activation_slope(x, p.relu);
        });
        product<TF32>(
            s.stage, N, n, d, rows_of(dO, d), transposed(W_2 + begin * d, d), same,
            [](int, int) { return 0.0f; },
            [&](int i, int u, float sum) { s.dunits[i * CUDA_TILE + u] *= sum; });
        __syncthreads();
        outer<TF32, D>(s, s.G + p.offset[EER_W_2] + begin * d, d, s.units, CUDA_TILE, n, dO, d, d,
                       turn);
        outer<TF32, D>(s, s.G + p.offset[EER_W_1] + begin, p.m, s.Y2, d, d, s.dunits, CUDA_TILE, n,
                       turn);
        column_sums(s.G + p.offset[EER_B_1] + begin, s.dunits, CUDA_TILE, n, N, turn);
        product<TF32>(
            s.stage, N, d, n, rows_of(s.dunits, CUDA_TILE), transposed(W_1 + begin, p.m), turn,
            [&](int i, int k) { return begin > 0 ? s.O[i * d + k] : 0.0f; },
            [&](int i, int k, float sum) { s.O[i * d + k] = sum; });
        __syncthreads();
    }
}

// From dZ_(t+1) and dY2: dZ' in R, dA in R or with norm = post in S, and dA . A, which in FP32 is
// the sum over keys of p dp. Ends with a barrier.
template <int D> __device__ void backward_rows(const memory &s, const shape<D> &p, const float *Z)
{
    const int d = p.d;
    const float *gain_1 = s.w + p.offset[EER_LN1_GAIN], *bias_1 = s.w + p.offset[EER_LN1_BIAS];
    const float *gain_2 = s.w + p.offset[EER_LN2_GAIN], *bias_2 = s.w + p.offset[EER_LN2_BIAS];
    MINE(i, s.N)
    {
        float *r = s.R + i * d, *xhat = s.xhat + i * d, *dx = s.dX + i * d, *du = s.S + i * d;
        const float *dz = s.dZ + i * d;
        if (p.m > 0 && p.pre) {
            const float rstd = norm<D>(du, xhat, s.Zp + i * d, s.X + i * d, gain_2, bias_2, d);
            norm_backward(du, s.O + i * d, xhat, rstd, gain_2, d);
        }
        for (int k = 0; k < d; k++) {
            const float du2 = p.m == 0 ? 0.0f : p.pre ? du[k] : s.O[i * d + k];
            r[k] = (p.m > 0 && p.post ? r[k] : dz[k]) + du2;
            dx[k] += du2;
        }
        if (p.post) {
            const float rstd = norm<D>(du, xhat, Z + i * d, s.A + i * d, gain_1, bias_1, d);
            norm_backward(du, r, xhat, rstd, gain_1, d);
        }
        float product = 0.0f;
        for (int k = 0; k < d; k++)
            product += (p.post ? du[k] : r[k]) * s.A[i * d + k];
        s.product[i] = product;
    }
    __syncthreads();
}

// dY of dy = dq, dk or dv: to = dy W^T, or added to it. A thread has the same elements in each
// call.
__device__ inline void add_projected(const memory &s, float *to, const float *dy, const float *W,
                                     int d, bool add, turns turn)
{
    product<true>(
        s.stage, s.N, d, d, rows_of(dy, d), transposed(W, d), turn,
        [=](int i, int k) { return add ? to[i * d + k] : 0.0f; },
        [=](int i, int k, float sum) { to[i * d + k] = sum; });
}

// From dA: dQ in Y2, dK in Zp, dV, the gradients of the two layer norms that
// backward_rows() went through, then dY in O and the gradients of W_Q, W_K, W_V. Ends with a
// barrier.
template <int D, bool TF32>
__device__ void backward_attention(const memory &s, const shape<D> &p, const cuda_objective &f)
{
    const int d = p.d, N = s.N;
    const float *dA = p.post ? s.S : s.R;
    float *dV = s.dV, *dQ = s.Y2, *dK = s.Zp;
    turns turn;
    if (p.m > 0 && p.pre)
        norm_sums(s, s.G + p.offset[EER_LN2_GAIN], s.G + p.offset[EER_LN2_BIAS], s.O, d, turn);
    if (p.post)
        norm_sums(s, s.G + p.offset[EER_LN1_GAIN], s.G + p.offset[EER_LN1_BIAS], s.R, d, turn);
    if constexpr (TF32) {
        attend_tiles_backward<D>(s, p, f, dA, dQ, dK, dV);
    } else {
        attend_backward_queries<D>(s, p, f, dA, dQ);
        attend_backward_keys<D>(s, p, f, dA, dK, dV);
    }
    __syncthreads();
    const float *W_Q = s.w + p.offset[EER_W_Q], *W_K = s.w + p.offset[EER_W_K];
    const float *W_V = s.w + p.offset[EER_W_V];
    outer<TF32, D>(s, s.G + p.offset[EER_W_Q], d, s.Y, d, d, dQ, d, d, turn);
    outer<TF32, D>(s, s.G + p.offset[EER_W_K], d, s.Y, d, d, dK, d, d, turn);
    outer<TF32, D>(s, s.G + p.offset[EER_W_V], d, s.Y, d, d, dV, d, d, turn);
    if constexpr (TF32) {
        add_projected(s, s.O, dQ, W_Q, d, false, turn);
        add_projected(s, s.O, dK, W_K, d, true, turn);
        add_projected(s, s.O, dV, W_V, d, true, turn);
    } else {
        turn.elements(N * d, [&](int e) {
            const int i = e / d, k = e % d;
            float sum = 0.0f;
            for (int j = 0; j < d; j++)
                sum += dQ[i * d + j] * W_Q[k * d + j] + dK[i * d + j] * W_K[k * d + j] +
                       dV[i * d + j] * W_V[k * d + j];
            s.O[e] = sum;
        });
    }
    __syncthreads();
}

// dZ_t from dY; what the path reading adds to it. Ends with a barrier.
template <int D>
__device__ void backward_state(const memory &s, const shape<D> &p, const cuda_objective &f,
                               const float *Z, int t)
{
    const int d = p.d, size = s.N * d;
    const float *gain = s.w + p.offset[EER_LN1_GAIN], *bias = s.w + p.offset[EER_LN1_BIAS];
    const float path = t > 0 && p.kinetic == EER_KINETIC_PATH ? 2.0f * f.kinetic : 0.0f;
    MINE(i, s.N)
    {
        float *dz = s.dZ + i * d, *dx = s.dX + i * d, *xhat = s.xhat + i * d;
        const float *dy = s.O + i * d, *z = Z + i * d;
        const float *through = (p.post ? s.S : s.R) + i * d;
        if (p.pre) {
            const float rstd = norm<D>(dz, xhat, z, s.X + i * d, gain, bias, d);
            norm_backward(dz, dy, xhat, rstd, gain, d);
        }
        for (int k = 0; k < d; k++) {
            const float du1 = p.pre ? dz[k] : dy[k];
            dx[k] += du1;
            dz[k] = through[k] + du1;
            if (path > 0.0f)
                dz[k] += path * ((z[k] - z[k - size]) - (z[k + size] - z[k]));
        }
    }
    __syncthreads();
    turns turn;
    if (p.pre)
        norm_sums(s, s.G + p.offset[EER_LN1_GAIN], s.G + p.offset[EER_LN1_BIAS], s.O, d, turn);
}

template <int D> __device__ void embedding_backward(const memory &s, const shape<D> &p)
{
    const int d = p.d;
    float *dE = s.G + p.offset[EER_EMBEDDING];
    MINE(e, (p.V + p.bos) * d)
    {
        float sum = 0.0f;
        for (int i = 0; i < s.N; i++)
            if (s.tokens[i] == e / d)
                sum += s.dX[i * d + e % d];
        dE[e] = sum;
    }
}

} // namespace

// ---- the kernel -------------------------------------------------------------------------------

// Blocks of a multiprocessor that have to find registers, with d = 8 and the largest blocks. sm_80
// has not the shared memory for two; on sm_90 TF32 with room for two would spill.
#if defined __CUDA_ARCH__ && __CUDA_ARCH__ < 900
#define BLOCKS(D, TF32) 1
#elif defined __CUDA_ARCH__ && __CUDA_ARCH__ < 1000
#define BLOCKS(D, TF32) ((D) == 8 && !(TF32) ? 2 : 1)
#else
#define BLOCKS(D, TF32) ((D) == 8 ? 2 : 1)
#endif

template <int D, bool TF32>
__global__ void __launch_bounds__(TF32 || D != 8 ? CUDA_THREADS : CUDA_WIDEST, BLOCKS(D, TF32))
    cuda_train_kernel(cuda_work w)
{
    CUDA_DYNAMIC_SHARED(float, shared);
    const shape<D> p = {w.problem};
    const cuda_model &model = w.model[blockIdx.y];
    const cuda_step &step = w.step[blockIdx.y];
    const cuda_objective f = step.objective;
    memory s;
    announce(w.begun, CUDA_TRAIN_KERNEL);
    lay_out(s, p, model, w.places, step.L + p.bos, shared);
    const size_t size = static_cast<size_t>(s.N) * static_cast<size_t>(p.d);
    __syncthreads();
    begin(s, p, model, w.position);
    for (int t = 0; t < p.T; t++) {
        float *Z = s.history + static_cast<size_t>(t) * size;
        attention<D, TF32>(s, p, Z, 1);
        attention_output(s, p, Z);
        mlp<TF32>(s, p);
        state(s, p, Z + size, Z);
    }
    losses<TF32>(s, p, f);
    sum_terms(s, p, model.sums);
    read_out_backward<TF32>(s, p, f);
    last_state_backward(s, p, f);
    for (int t = p.T - 1; t >= 0; t--) {
        const float *Z = s.history + static_cast<size_t>(t) * size;
        attention<D, TF32>(s, p, Z, 0);
        attention_output(s, p, Z);
        if (p.m > 0 && p.post)
            mlp<TF32>(s, p);
        if (p.m > 0)
            backward_mlp<TF32>(s, p);
        backward_rows(s, p, Z);
        backward_attention<D, TF32>(s, p, f);
        backward_state(s, p, f, Z, t);
    }
    embedding_backward(s, p);
    __syncthreads();
    float *part = model.parts + static_cast<size_t>(blockIdx.x) * static_cast<size_t>(p.P);
    MINE(x, w.places.gradient ? p.P : 0)
    part[x] = s.G[x];
}

static auto kernel_of(const struct cuda_problem &p)
{
    return p.tf32     ? p.d == 8 ? cuda_train_kernel<8, true> : cuda_train_kernel<CUDA_MAX_D, true>
               : p.d == 8 ? cuda_train_kernel<8, false>
                      : cuda_train_kernel<CUDA_MAX_D, false>;
}

cudaError_t cuda_train_allow(const struct cuda_problem *p, size_t shared)
{
    return cudaFuncSetAttribute(kernel_of(*p), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                static_cast<int>(shared));
}

cudaError_t cuda_train_launch(const struct cuda_work *work, cudaStream_t stream)
{
    struct cuda_work w = *work;
    const int N = w.longest + w.problem.bos;
    const size_t shared = sizeof(float) * cuda_training_numbers(&w.problem, &w.places, N);
    void *arguments[] = {&w};
    return cudaLaunchKernel(kernel_of(w.problem),
                            dim3(static_cast<unsigned>(w.B), static_cast<unsigned>(w.models)),
                            dim3(static_cast<unsigned>(cuda_training_threads(&w.problem, N))),
                            arguments, shared, stream);
}
