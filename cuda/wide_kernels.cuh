// wide_kernels.cuh - what stands between the products of wide.cu: a thread a row (layer norms,
// states, losses), a warp a row of attention, a thread an element, or a thread a column of sums
// over rows. No sum depends on the order of threads.
#ifndef CUDA_WIDE_KERNELS_CUH
#define CUDA_WIDE_KERNELS_CUH

#include "rows.cuh"

enum {
    CUDA_WIDE_PARTS = 64, // into which rows are divided for sums over all of them
};

// A chunk of sequences, N rows each; matrices have a row for each of all these rows, and d columns
// unless said otherwise.
struct cuda_wide_arrays {
    const float *theta, *position;
    const int *tokens, *labels; // sequences x L
    int L, N, rows;
    float *X, *dX, *dZ, *Y, *A, *Zp, *Y2;
    float *QKV, *dQKV; // 3 matrices, one after the other
    float *O;          // the MLP's output; derivatives by layer norms' outputs
    float *xhat;       // of the layer norm in work
    float *R, *S;      // derivatives on their way, as in train.cu
    float *P, *dP;     // sequences x N x N: p or scores, and their derivatives
    float *H, *U, *dU; // m columns: arguments of hidden units, their values, derivatives
    float *logits;     // C columns; then their derivatives
    float *powers, *entropy, *potential, *kinetic, *task, *correct, *sigma, *rstd; // one a row
    float *frobenius;                                                              // one a sequence
    int *first;     // one a row: the first key with the largest score
    float *history; // T + 1 matrices
    float *parts;   // CUDA_WIDE_PARTS x P: sums over rows for vectors and the embedding
    volatile int *begun;
};

// The row, element or column of this thread; the kernel ends where there is none.
#define CUDA_WIDE_MINE(i, n)                                                                       \
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);                         \
    if (i >= (n))                                                                                  \
    return

__device__ inline int cuda_wide_token(const cuda_wide_arrays &s, const cuda_problem &p, int row)
{
    const int b = row / s.N, i = row % s.N - p.bos;
    return i < 0 ? p.V : s.tokens[b * s.L + i];
}

__device__ inline int cuda_wide_label(const cuda_wide_arrays &s, const cuda_problem &p, int row)
{
    const int b = row / s.N, i = row % s.N - p.bos;
    return i < 0 ? -1 : s.labels[b * s.L + i];
}

// X, Z_0 = 0, and what is summed from 0.
__global__ void cuda_wide_begin_kernel(cuda_problem p, cuda_wide_arrays s)
{
    announce(s.begun, CUDA_WIDE_BEGIN_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const float *E = s.theta + p.offset[EER_EMBEDDING] + cuda_wide_token(s, p, i) * p.d;
    const float *position = s.position ? s.position + i % s.N * p.d : nullptr;
    s.entropy[i] = s.potential[i] = s.kinetic[i] = 0.0f;
    for (int k = 0; k < p.d; k++) {
        const int e = i * p.d + k;
        s.X[e] = E[k] + (position ? position[k] : 0.0f);
        s.dX[e] = s.history[e] = 0.0f;
    }
}

// Y from Z.
__global__ void cuda_wide_input_kernel(cuda_problem p, cuda_wide_arrays s, const float *Z)
{
    announce(s.begun, CUDA_WIDE_INPUT_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const float *z = Z + i * p.d, *x = s.X + i * p.d;
    float *y = s.Y + i * p.d;
    if (p.pre)
        norm(y, nullptr, z, x, s.theta + p.offset[EER_LN1_GAIN], s.theta + p.offset[EER_LN1_BIAS],
             p.d);
    for (int k = 0; !p.pre && k < p.d; k++)
        y[k] = z[k] + x[k];
}

// ---- attention: a warp a row ------------------------------------------------------------------

__device__ inline float cuda_wide_warp_sum(float x)
{
    for (int apart = 1; apart < 32; apart *= 2)
        x += __shfl_xor_sync(0xffffffffu, x, apart);
    return x;
}

// The largest score of a row and its first key: largest over the keys that the lanes saw.
__device__ inline void cuda_wide_warp_largest(float &top, int &first)
{
    for (int apart = 1; apart < 32; apart *= 2) {
        const float other = __shfl_xor_sync(0xffffffffu, top, apart);
        const int key = __shfl_xor_sync(0xffffffffu, first, apart);
        if (other > top || (other == top && key < first)) {
            top = other;
            first = key;
        }
    }
}

// p in the place of q . k; each row's first largest key and sum of p^q; with count_terms its
// potential and entropy.
__global__ void cuda_wide_softmax_kernel(cuda_problem p, cuda_wide_arrays s, int count_terms)
{
    announce(s.begun, CUDA_WIDE_SOFTMAX_KERNEL);
    CUDA_WIDE_MINE(thread, s.rows * 32);
    const int row = thread / 32, lane = thread % 32, i = row % s.N, keys = p.causal ? i + 1 : s.N;
    float *x = s.P + static_cast<size_t>(row) * static_cast<size_t>(s.N);
    float top = -INFINITY, sum = 0.0f, powers = 0.0f;
    int first = 0;
    for (int j = lane; j < keys; j += 32) {
        x[j] = score(p, x[j], i, j);
        if (x[j] > top) {
            top = x[j];
            first = j;
        }
    }
    cuda_wide_warp_largest(top, first);
    for (int j = lane; j < keys; j += 32)
        sum += x[j] = expf(x[j] - top);
    sum = cuda_wide_warp_sum(sum);
    const float inverse = 1.0f / sum;
    for (int j = lane; j < s.N; j += 32) {
        x[j] = j < keys ? x[j] * inverse : 0.0f;
        powers += power(x[j], p.q);
    }
    powers = cuda_wide_warp_sum(powers);
    if (lane > 0)
        return;
    s.first[row] = first;
    s.powers[row] = powers;
    if (count_terms) {
        s.potential[row] += logf(sum);
        s.entropy[row] += (1.0f - powers) / (p.q - 1.0f);
    }
}

// ds in the place of dp (spec/model.md, 5.4). It is 0 for keys that are not seen: p is.
__global__ void cuda_wide_softmax_backward_kernel(cuda_problem p, cuda_objective f,
                                                  cuda_wide_arrays s)
{
    announce(s.begun, CUDA_WIDE_SOFTMAX_BACKWARD_KERNEL);
    CUDA_WIDE_MINE(thread, s.rows * 32);
    const int row = thread / 32, lane = thread % 32;
    const size_t at = static_cast<size_t>(row) * static_cast<size_t>(s.N);
    const float *weight = s.P + at;
    float *dp = s.dP + at, product = 0.0f;
    for (int j = lane; j < s.N; j += 32)
        product += weight[j] * dp[j];
    product = cuda_wide_warp_sum(product);
    for (int j = lane; j < s.N; j += 32) {
        float ds = weight[j] * (dp[j] - product);
        ds += f.potential * (weight[j] - (j == s.first[row] ? 1.0f : 0.0f));
        dp[j] = ds - s.sigma[row] * (power(weight[j], p.q) - weight[j] * s.powers[row]);
    }
}

// ---- forward ----------------------------------------------------------------------------------

// Z' and, if there is an MLP, its input Y2.
__global__ void cuda_wide_output_kernel(cuda_problem p, cuda_wide_arrays s, const float *Z)
{
    announce(s.begun, CUDA_WIDE_OUTPUT_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const float *z = Z + i * p.d, *a = s.A + i * p.d, *x = s.X + i * p.d;
    float *out = s.Zp + i * p.d, *y = s.Y2 + i * p.d;
    if (p.post)
        norm(out, nullptr, z, a, s.theta + p.offset[EER_LN1_GAIN], s.theta + p.offset[EER_LN1_BIAS],
             p.d);
    for (int k = 0; !p.post && k < p.d; k++)
        out[k] = z[k] + a[k];
    if (p.m > 0 && p.pre)
        norm(y, nullptr, out, x, s.theta + p.offset[EER_LN2_GAIN], s.theta + p.offset[EER_LN2_BIAS],
             p.d);
    for (int k = 0; p.m > 0 && !p.pre && k < p.d; k++)
        y[k] = out[k] + x[k];
}

// Hidden units from Y2 W_1.
__global__ void cuda_wide_units_kernel(cuda_problem p, cuda_wide_arrays s)
{
    announce(s.begun, CUDA_WIDE_UNITS_KERNEL);
    CUDA_WIDE_MINE(e, s.rows * p.m);
    const float x = s.H[e] + s.theta[p.offset[EER_B_1] + e % p.m];
    s.H[e] = x;
    s.U[e] = activation(x, p.relu);
}

// O, to which b_2 is still to be added, of a row.
__device__ inline void cuda_wide_add_bias(float *o, const cuda_wide_arrays &s,
                                          const cuda_problem &p)
{
    for (int k = 0; k < p.d; k++)
        o[k] += s.theta[p.offset[EER_B_2] + k];
}

// Z_(t+1) from Z' and U W_2, and with the path reading its way from Z_t.
__global__ void cuda_wide_state_kernel(cuda_problem p, cuda_wide_arrays s, float *next,
                                       const float *Z)
{
    announce(s.begun, CUDA_WIDE_STATE_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    float *out = next + i * p.d, *o = s.O + i * p.d, squares = 0.0f;
    const float *zp = s.Zp + i * p.d, *z = Z + i * p.d;
    if (p.m > 0)
        cuda_wide_add_bias(o, s, p);
    if (p.m > 0 && p.post)
        norm(out, nullptr, zp, o, s.theta + p.offset[EER_LN2_GAIN],
             s.theta + p.offset[EER_LN2_BIAS], p.d);
    for (int k = 0; !(p.m > 0 && p.post) && k < p.d; k++)
        out[k] = zp[k] + (p.m > 0 ? o[k] : 0.0f);
    for (int k = 0; k < p.d; k++)
        squares += (out[k] - z[k]) * (out[k] - z[k]);
    if (p.kinetic == EER_KINETIC_PATH)
        s.kinetic[i] += squares;
}

// ---- the loss ---------------------------------------------------------------------------------

// h in Y from Z_T; the row's own numbers of kinetic term and penalty.
__global__ void cuda_wide_last_kernel(cuda_problem p, cuda_objective f, cuda_wide_arrays s,
                                      const float *Z)
{
    announce(s.begun, CUDA_WIDE_LAST_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const float *z = Z + i * p.d;
    float *h = s.Y + i * p.d, squares = 0.0f;
    if (p.final_norm)
        s.rstd[i] = norm(h, s.xhat + i * p.d, z, nullptr, s.theta + p.offset[EER_LNF_GAIN],
                         s.theta + p.offset[EER_LNF_BIAS], p.d);
    for (int k = 0; k < p.d; k++) {
        squares += z[k] * z[k];
        if (!p.final_norm)
            h[k] = z[k];
    }
    if (p.kinetic != EER_KINETIC_PATH)
        s.kinetic[i] = p.kinetic == EER_KINETIC_NORM ? sqrtf(squares) : squares;
    const float slope = f.penalty * (p.q / (p.q - 1.0f));
    const float off = s.entropy[i] / static_cast<float>(p.T) - p.eta;
    s.sigma[i] = off > 0.0f ? slope : off < 0.0f ? -slope : 0.0f;
}

// Cross-entropy; dlogits in the place of h W_O.
__global__ void cuda_wide_cross_entropy_kernel(cuda_problem p, cuda_objective f, cuda_wide_arrays s)
{
    announce(s.begun, CUDA_WIDE_CROSS_ENTROPY_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const int label = cuda_wide_label(s, p, i);
    float *x = s.logits + i * p.C, top = -INFINITY, sum = 0.0f;
    int best = 0;
    for (int c = 0; c < p.C; c++) {
        x[c] += s.theta[p.offset[EER_B_O] + c];
        if (x[c] > top) {
            top = x[c];
            best = c;
        }
    }
    for (int c = 0; c < p.C; c++)
        sum += expf(x[c] - top);
    s.task[i] = label >= 0 ? logf(sum) + (top - x[label]) : 0.0f;
    s.correct[i] = best == label ? 1.0f : 0.0f;
    const float inverse = 1.0f / sum;
    for (int c = 0; c < p.C; c++)
        x[c] =
            label >= 0 ? f.task * (expf(x[c] - top) * inverse - (c == label ? 1.0f : 0.0f)) : 0.0f;
}

// The sums of the terms over the rows of a sequence: a block a sequence, a thread a term.
__global__ void cuda_wide_terms_kernel(cuda_problem p, cuda_wide_arrays s, float *sums)
{
    announce(s.begun, CUDA_WIDE_TERMS_KERNEL);
    const int term = static_cast<int>(threadIdx.x), b = static_cast<int>(blockIdx.x);
    if (term >= CUDA_TERMS)
        return;
    float sum = term_sum(s, p, term, b * s.N, (b + 1) * s.N);
    if (term == CUDA_KINETIC && p.kinetic == EER_KINETIC_FROBENIUS)
        s.frobenius[b] = sum = sqrtf(sum);
    sums[b * CUDA_TERMS + term] = sum;
}

// dZ_T from dh, in O, and the kinetic term; Z_0 = 0.
__global__ void cuda_wide_last_backward_kernel(cuda_problem p, cuda_objective f, cuda_wide_arrays s,
                                               const float *Z)
{
    announce(s.begun, CUDA_WIDE_LAST_BACKWARD_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const float *z = Z + i * p.d;
    const float *from = p.kinetic == EER_KINETIC_PATH ? z - s.rows * p.d : s.history + i * p.d;
    float *dz = s.dZ + i * p.d, slope = 2.0f * f.kinetic;
    if (p.final_norm)
        norm_backward(dz, s.O + i * p.d, s.xhat + i * p.d, s.rstd[i],
                      s.theta + p.offset[EER_LNF_GAIN], p.d);
    if (p.kinetic == EER_KINETIC_NORM || p.kinetic == EER_KINETIC_FROBENIUS) {
        const float length = p.kinetic == EER_KINETIC_NORM ? s.kinetic[i] : s.frobenius[i / s.N];
        slope = length > 0.0f ? f.kinetic / length : 0.0f;
    }
    for (int k = 0; k < p.d; k++)
        dz[k] = (p.final_norm ? dz[k] : s.O[i * p.d + k]) + slope * (z[k] - from[k]);
}

// ---- backward through one iteration -----------------------------------------------------------

// With norm = post: R, the derivative by Z' + MLP(Y2), from dZ_(t+1).
__global__ void cuda_wide_post_backward_kernel(cuda_problem p, cuda_wide_arrays s)
{
    announce(s.begun, CUDA_WIDE_POST_BACKWARD_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const float *gain = s.theta + p.offset[EER_LN2_GAIN], *bias = s.theta + p.offset[EER_LN2_BIAS];
    float *r = s.R + i * p.d, *xhat = s.xhat + i * p.d, *o = s.O + i * p.d;
    cuda_wide_add_bias(o, s, p);
    const float rstd = norm(r, xhat, s.Zp + i * p.d, o, gain, bias, p.d);
    norm_backward(r, s.dZ + i * p.d, xhat, rstd, gain, p.d);
}

__global__ void cuda_wide_units_backward_kernel(cuda_problem p, cuda_wide_arrays s)
{
    announce(s.begun, CUDA_WIDE_UNITS_BACKWARD_KERNEL);
    CUDA_WIDE_MINE(e, s.rows * p.m);
    s.dU[e] *= activation_slope(s.H[e], p.relu);
}

// From dZ_(t+1) and dY2, in O: dZ' in R, dA in R or with norm = post in S.
__global__ void cuda_wide_rows_backward_kernel(cuda_problem p, cuda_wide_arrays s, const float *Z)
{
    announce(s.begun, CUDA_WIDE_ROWS_BACKWARD_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const int d = p.d;
    const float *gain_1 = s.theta + p.offset[EER_LN1_GAIN];
    const float *gain_2 = s.theta + p.offset[EER_LN2_GAIN];
    float *r = s.R + i * d, *xhat = s.xhat + i * d, *dx = s.dX + i * d, *du = s.S + i * d;
    if (p.m > 0 && p.pre) {
        const float rstd =
            norm(du, xhat, s.Zp + i * d, s.X + i * d, gain_2, s.theta + p.offset[EER_LN2_BIAS], d);
        norm_backward(du, s.O + i * d, xhat, rstd, gain_2, d);
    }
    for (int k = 0; k < d; k++) {
        const float du2 = p.m == 0 ? 0.0f : p.pre ? du[k] : s.O[i * d + k];
        r[k] = (p.m > 0 && p.post ? r[k] : s.dZ[i * d + k]) + du2;
        dx[k] += du2;
    }
    if (p.post) {
        const float rstd =
            norm(du, xhat, Z + i * d, s.A + i * d, gain_1, s.theta + p.offset[EER_LN1_BIAS], d);
        norm_backward(du, r, xhat, rstd, gain_1, d);
    }
}

// dZ_t from dY, in O; what the path reading adds to it.
__global__ void cuda_wide_state_backward_kernel(cuda_problem p, cuda_objective f,
                                                cuda_wide_arrays s, const float *Z, int t)
{
    announce(s.begun, CUDA_WIDE_STATE_BACKWARD_KERNEL);
    CUDA_WIDE_MINE(i, s.rows);
    const int d = p.d, size = s.rows * d;
    const float *gain = s.theta + p.offset[EER_LN1_GAIN], *z = Z + i * d, *dy = s.O + i * d;
    const float *through = (p.post ? s.S : s.R) + i * d;
    const float path = t > 0 && p.kinetic == EER_KINETIC_PATH ? 2.0f * f.kinetic : 0.0f;
    float *dz = s.dZ + i * d, *dx = s.dX + i * d, *xhat = s.xhat + i * d;
    if (p.pre) {
        const float rstd =
            norm(dz, xhat, z, s.X + i * d, gain, s.theta + p.offset[EER_LN1_BIAS], d);
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

// ---- sums over rows ---------------------------------------------------------------------------

// The rows of this block's part.
__device__ inline void cuda_wide_part(const cuda_wide_arrays &s, int &begin, int &end)
{
    const long long rows = s.rows, part = blockIdx.y;
    begin = static_cast<int>(rows * part / CUDA_WIDE_PARTS);
    end = static_cast<int>(rows * (part + 1) / CUDA_WIDE_PARTS);
}

// Tensors `gain` (none if xhat is NULL) and `bias` of `columns` numbers get the sums of dy xhat and
// dy over the rows, part by part.
__global__ void cuda_wide_sums_kernel(cuda_problem p, cuda_wide_arrays s, const float *dy,
                                      const float *xhat, int columns, int gain, int bias)
{
    announce(s.begun, CUDA_WIDE_SUMS_KERNEL);
    CUDA_WIDE_MINE(j, columns);
    float *part = s.parts + static_cast<size_t>(blockIdx.y) * static_cast<size_t>(p.P);
    float sum = 0.0f, product = 0.0f;
    int begin, end;
    cuda_wide_part(s, begin, end);
    for (int i = begin; i < end; i++) {
        sum += dy[i * columns + j];
        product += xhat ? dy[i * columns + j] * xhat[i * columns + j] : 0.0f;
    }
    part[p.offset[bias] + j] += sum;
    if (xhat)
        part[p.offset[gain] + j] += product;
}

__global__ void cuda_wide_embedding_kernel(cuda_problem p, cuda_wide_arrays s)
{
    announce(s.begun, CUDA_WIDE_EMBEDDING_KERNEL);
    CUDA_WIDE_MINE(e, (p.V + p.bos) * p.d);
    float *part = s.parts + static_cast<size_t>(blockIdx.y) * static_cast<size_t>(p.P);
    float sum = 0.0f;
    int begin, end;
    cuda_wide_part(s, begin, end);
    for (int i = begin; i < end; i++)
        if (cuda_wide_token(s, p, i) == e / p.d)
            sum += s.dX[i * p.d + e % p.d];
    part[p.offset[EER_EMBEDDING] + e] += sum;
}

// The gradient, which holds those of the matrices, gets the sums of all parts.
__global__ void cuda_wide_gather_kernel(cuda_problem p, cuda_wide_arrays s, float *gradient)
{
    announce(s.begun, CUDA_WIDE_GATHER_KERNEL);
    CUDA_WIDE_MINE(x, p.P);
    float sum = gradient[x];
    for (int part = 0; part < CUDA_WIDE_PARTS; part++)
        sum +=
            s.parts[static_cast<size_t>(part) * static_cast<size_t>(p.P) + static_cast<size_t>(x)];
    gradient[x] = sum;
}

#endif
