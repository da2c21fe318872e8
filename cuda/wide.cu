// wide.cu - see wide.h (spec/model.md, 3 to 5).
//
// Every product is a cublasGemmStridedBatchedEx, in FP32 or TF32; what stands between them is in
// wide_kernels.cuh. Products that sum over rows, those for gradients of matrices, add to what the
// iterations and chunks before have left. cuBLAS repeats its bits on one device with one stream and
// one workspace, which it is given here for that reason, 32 MiB, as NVIDIA recommends for the
// largest devices; atomics are off unless asked for. Tensors of theta need not be aligned to more
// than 4 bytes, which cuBLAS accepts.
#include "wide.h"

#include "wide_kernels.cuh"

#include <cublas_v2.h>
#include <stdio.h>
#include <stdlib.h>

// Floats of a chunk: 256 MiB of them, or one sequence if that is larger.
#ifndef CUDA_WIDE_FLOATS
#define CUDA_WIDE_FLOATS (size_t(1) << 26)
#endif

struct cuda_wide {
    struct cuda_problem p;
    struct cuda_wide_arrays s; // of the chunk in work
    int B, L, chunk;           // at most; sequences at a time
    cublasHandle_t handle;
    cublasComputeType_t compute;
    cudaStream_t stream;
    void *workspace;
    const char *error; // what went wrong first; nothing is done after that
};

static const size_t WORKSPACE = size_t(32) << 20;
static const unsigned ROW_THREADS = 64, ELEMENT_THREADS = 256, WARP_THREADS = 128;

static thread_local char message[160];

static const char *say(const char *what, const char *of, const char *why)
{
    snprintf(message, sizeof message, "%s%s: %s", what, of, why);
    return message;
}

// ---- memory -----------------------------------------------------------------------------------

// Arrays one after the other, each aligned as cudaMalloc's are; with base NULL only counted.
struct places {
    char *base;
    size_t used;
};

template <class T> static void take(struct places *at, T *&array, size_t count)
{
    array = at->base ? reinterpret_cast<T *>(at->base + at->used) : nullptr;
    at->used += (count * sizeof(T) + 255) / 256 * 256;
}

// All arrays for `sequences` sequences of N rows; returns the bytes they take.
static size_t lay_out(struct cuda_wide *w, size_t sequences, size_t N, char *base)
{
    struct places at = {base, 0};
    struct cuda_wide_arrays *s = &w->s;
    const size_t d = static_cast<size_t>(w->p.d), m = static_cast<size_t>(w->p.m);
    const size_t C = static_cast<size_t>(w->p.C), rows = sequences * N;
    float **matrices[] = {&s->X,  &s->dX, &s->dZ,   &s->Y, &s->A, &s->Zp,
                          &s->Y2, &s->O,  &s->xhat, &s->R, &s->S};
    float **vectors[] = {&s->powers, &s->entropy, &s->potential, &s->kinetic,
                         &s->task,   &s->correct, &s->sigma,     &s->rstd};
    for (float **matrix : matrices)
        take(&at, *matrix, rows * d);
    for (float **three : {&s->QKV, &s->dQKV})
        take(&at, *three, 3 * rows * d);
    for (float **square : {&s->P, &s->dP})
        take(&at, *square, sequences * N * N);
    for (float **units : {&s->H, &s->U, &s->dU})
        take(&at, *units, rows * m);
    for (float **vector : vectors)
        take(&at, *vector, rows);
    take(&at, s->logits, rows * C);
    take(&at, s->frobenius, sequences);
    take(&at, s->first, rows);
    take(&at, s->history, (static_cast<size_t>(w->p.T) + 1) * rows * d);
    return at.used;
}

// The chunk, all arrays, and what there is once.
static size_t lay_out_all(struct cuda_wide *w, const struct cuda_problem *p, int B, int L,
                          char *base)
{
    const size_t N = static_cast<size_t>(L + p->bos);
    w->p = *p;
    const size_t fit = CUDA_WIDE_FLOATS * sizeof(float) / lay_out(w, 1, N, nullptr);
    const size_t chunk = fit < 1 ? 1 : fit < static_cast<size_t>(B) ? fit : static_cast<size_t>(B);
    w->B = B;
    w->L = L;
    w->chunk = static_cast<int>(chunk);
    const size_t used = lay_out(w, chunk, N, base);
    struct places at = {base, used};
    char *workspace;
    take(&at, workspace, WORKSPACE);
    take(&at, w->s.parts, static_cast<size_t>(CUDA_WIDE_PARTS) * static_cast<size_t>(p->P));
    w->workspace = workspace;
    return at.used;
}

size_t cuda_wide_size(const struct cuda_problem *p, int B, int L)
{
    struct cuda_wide w = {};
    return lay_out_all(&w, p, B, L, nullptr);
}

static const char *open_cublas(struct cuda_wide *w)
{
    const char *call = "cublasCreate";
    cublasStatus_t status = cublasCreate(&w->handle);
    if (status == CUBLAS_STATUS_SUCCESS) {
        call = "cublasSetStream"; // before the workspace, which it would take away
        status = cublasSetStream(w->handle, w->stream);
    }
    if (status == CUBLAS_STATUS_SUCCESS) {
        call = "cublasSetWorkspace";
        status = cublasSetWorkspace(w->handle, w->workspace, WORKSPACE);
    }
    return status == CUBLAS_STATUS_SUCCESS ? nullptr : say(call, "", cublasGetStatusName(status));
}

const char *cuda_wide_open(struct cuda_wide **wide, const struct cuda_problem *p, int B, int L,
                           int tf32, void *memory, volatile int *begun, cudaStream_t stream)
{
    struct cuda_wide *w = static_cast<struct cuda_wide *>(calloc(1, sizeof *w));
    *wide = nullptr;
    if (!w)
        return "no memory for the cuBLAS path";
    lay_out_all(w, p, B, L, static_cast<char *>(memory));
    w->compute = tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    w->stream = stream;
    w->s.begun = begun;
    const char *error = open_cublas(w);
    if (error)
        cuda_wide_close(w);
    else
        *wide = w;
    return error;
}

void cuda_wide_close(struct cuda_wide *w)
{
    if (w && w->handle)
        cublasDestroy(w->handle);
    free(w);
}

// ---- products and launches --------------------------------------------------------------------

// A row-major matrix, ld from row to row; in a batch, stride from one to the next.
struct matrix {
    const float *data;
    int ld;
    long long stride;
    bool transposed;
};

static struct matrix plain(const float *data, int ld, long long stride = 0)
{
    return {data, ld, stride, false};
}
static struct matrix transposed(const float *data, int ld, long long stride = 0)
{
    return {data, ld, stride, true};
}

// How many of what shape: C, rows x columns, by sums of `inner` terms.
struct shape {
    int rows, columns, inner, batch;
};

// C = alpha A B + beta C. cuBLAS counts by columns: it is asked for C^T = B^T A^T, whose columns
// are C's rows. C's rows lie close together.
static void product(struct cuda_wide *w, const char *name, float *C, long long stride,
                    struct matrix A, struct matrix B, struct shape n, float alpha = 1.0f,
                    float beta = 0.0f)
{
    if (w->error)
        return;
    const cublasStatus_t status = cublasGemmStridedBatchedEx(
        w->handle, B.transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
        A.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, n.columns, n.rows, n.inner, &alpha, B.data,
        CUDA_R_32F, B.ld, B.stride, A.data, CUDA_R_32F, A.ld, A.stride, &beta, C, CUDA_R_32F,
        n.columns, stride, n.batch, w->compute, CUBLAS_GEMM_DEFAULT);
    if (status != CUBLAS_STATUS_SUCCESS)
        w->error = say("cublasGemmStridedBatchedEx of ", name, cublasGetStatusName(status));
}

static void note(struct cuda_wide *w, const char *name, cudaError_t error)
{
    if (error != cudaSuccess && !w->error)
        w->error = say(name, "", cudaGetErrorString(error));
}

static dim3 blocks(int work, unsigned threads, unsigned parts = 1)
{
    return dim3((static_cast<unsigned>(work) + threads - 1) / threads, parts);
}

template <class T> struct same {
    typedef T type;
};
template <class... P>
static void launch(struct cuda_wide *w, const char *name, void (*kernel)(P...), dim3 grid,
                   unsigned threads, typename same<P>::type... values)
{
    void *arguments[] = {&values...};
    if (!w->error)
        note(w, name, cudaLaunchKernel(kernel, grid, dim3(threads), arguments, 0, w->stream));
}
#define LAUNCH(kernel, grid, threads, ...)                                                         \
    launch(w, #kernel, kernel, grid, threads, w->p, __VA_ARGS__)
#define LAUNCH_ROWS(kernel, ...)                                                                   \
    LAUNCH(kernel, blocks(w->s.rows, ROW_THREADS), ROW_THREADS, __VA_ARGS__)
#define LAUNCH_WARPS(kernel, ...)                                                                  \
    LAUNCH(kernel, blocks(w->s.rows * 32, WARP_THREADS), WARP_THREADS, __VA_ARGS__)
#define LAUNCH_UNITS(kernel)                                                                       \
    LAUNCH(kernel, blocks(w->s.rows * w->p.m, ELEMENT_THREADS), ELEMENT_THREADS, w->s)

// Gradients of the vectors `gain` and `bias`, or with xhat NULL of `bias` alone.
static void sums(struct cuda_wide *w, const float *dy, const float *xhat, int columns, int gain,
                 int bias)
{
    LAUNCH(cuda_wide_sums_kernel, blocks(columns, ROW_THREADS, CUDA_WIDE_PARTS), ROW_THREADS, w->s,
           dy, xhat, columns, gain, bias);
}

static const float *tensor(const struct cuda_wide *w, int tensor)
{
    return w->s.theta + w->p.offset[tensor];
}

// ---- forward ----------------------------------------------------------------------------------

static float *state(const struct cuda_wide *w, int t)
{
    return w->s.history +
           static_cast<size_t>(t) * static_cast<size_t>(w->s.rows) * static_cast<size_t>(w->p.d);
}

// Q, K and V, or their derivatives.
static float *third(const struct cuda_wide *w, float *three, int which)
{
    return three + static_cast<size_t>(which) * static_cast<size_t>(w->s.rows * w->p.d);
}

// Of one sequence, in a batch of all of them: N x d, and N x N.
static struct matrix rows_of(const struct cuda_wide *w, const float *data, bool turned = false)
{
    return {data, w->p.d, static_cast<long long>(w->s.N) * w->p.d, turned};
}
static struct matrix square_of(const struct cuda_wide *w, const float *data, bool turned = false)
{
    return {data, w->s.N, static_cast<long long>(w->s.N) * w->s.N, turned};
}

// From Z_t: Y, Q, K, V, p, A, Z' and Y2.
static void attention(struct cuda_wide *w, int t, int count_terms)
{
    const struct cuda_wide_arrays &s = w->s;
    const int d = w->p.d, N = s.N, batch = s.rows / N;
    const long long one = static_cast<long long>(N) * d, square = static_cast<long long>(N) * N;
    const float *Z = state(w, t);
    LAUNCH_ROWS(cuda_wide_input_kernel, s, Z);
    // W_Q, W_K and W_V lie one after the other.
    product(w, "y W_Q, y W_K, y W_V", s.QKV, static_cast<long long>(s.rows) * d, plain(s.Y, d),
            plain(tensor(w, EER_W_Q), d, static_cast<long long>(d) * d), {s.rows, d, d, 3});
    product(w, "q k^T", s.P, square, rows_of(w, s.QKV), rows_of(w, third(w, s.QKV, 1), true),
            {N, N, d, batch});
    LAUNCH_WARPS(cuda_wide_softmax_kernel, s, count_terms);
    product(w, "p v", s.A, one, square_of(w, s.P), rows_of(w, third(w, s.QKV, 2)),
            {N, d, N, batch});
    LAUNCH_ROWS(cuda_wide_output_kernel, s, Z);
}

// From Y2: hidden units, and with `output` O, still without b_2.
static void mlp(struct cuda_wide *w, bool output)
{
    const struct cuda_wide_arrays &s = w->s;
    const int d = w->p.d, m = w->p.m;
    if (m == 0)
        return;
    product(w, "y W_1", s.H, 0, plain(s.Y2, d), plain(tensor(w, EER_W_1), m), {s.rows, m, d, 1});
    LAUNCH_UNITS(cuda_wide_units_kernel);
    if (output)
        product(w, "act(a) W_2", s.O, 0, plain(s.U, m), plain(tensor(w, EER_W_2), d),
                {s.rows, d, m, 1});
}

// ---- backward ---------------------------------------------------------------------------------

// The gradient of a matrix (of `batch` of them, one after the other) gets y^T dy.
static void outer(struct cuda_wide *w, const char *name, float *gradient, int tensor,
                  const float *y, int K, const float *dy, int J, int batch = 1)
{
    product(w, name, gradient + w->p.offset[tensor], static_cast<long long>(K) * J,
            transposed(y, K), plain(dy, J, static_cast<long long>(w->s.rows) * J),
            {K, J, w->s.rows, batch}, 1.0f, 1.0f);
}

// From Z_T: the sums of the terms, dZ_T, gradients of the read-out.
static void read_out(struct cuda_wide *w, const struct cuda_objective *f, float *gradient,
                     float *terms)
{
    const struct cuda_wide_arrays &s = w->s;
    const int d = w->p.d, C = w->p.C;
    const float *Z = state(w, w->p.T);
    LAUNCH_ROWS(cuda_wide_last_kernel, *f, s, Z);
    product(w, "h W_O", s.logits, 0, plain(s.Y, d), plain(tensor(w, EER_W_O), C),
            {s.rows, C, d, 1});
    LAUNCH_ROWS(cuda_wide_cross_entropy_kernel, *f, s);
    LAUNCH(cuda_wide_terms_kernel, dim3(static_cast<unsigned>(s.rows / s.N)), 32, s, terms);
    outer(w, "h^T dlogits", gradient, EER_W_O, s.Y, d, s.logits, C);
    sums(w, s.logits, nullptr, C, 0, EER_B_O);
    product(w, "dlogits W_O^T", s.O, 0, plain(s.logits, C), transposed(tensor(w, EER_W_O), C),
            {s.rows, d, C, 1});
    LAUNCH_ROWS(cuda_wide_last_backward_kernel, *f, s, Z);
    if (w->p.final_norm)
        sums(w, s.O, s.xhat, d, EER_LNF_GAIN, EER_LNF_BIAS);
}

// From dZ_(t+1): dY2 in O, and the gradients of the MLP.
static void mlp_backward(struct cuda_wide *w, float *gradient)
{
    const struct cuda_wide_arrays &s = w->s;
    const int d = w->p.d, m = w->p.m;
    const float *dO = w->p.post ? s.R : s.dZ;
    if (m == 0)
        return;
    if (w->p.post) {
        LAUNCH_ROWS(cuda_wide_post_backward_kernel, s);
        sums(w, s.dZ, s.xhat, d, EER_LN2_GAIN, EER_LN2_BIAS);
    }
    sums(w, dO, nullptr, d, 0, EER_B_2);
    product(w, "do W_2^T", s.dU, 0, plain(dO, d), transposed(tensor(w, EER_W_2), d),
            {s.rows, m, d, 1});
    LAUNCH_UNITS(cuda_wide_units_backward_kernel);
    outer(w, "act(a)^T do", gradient, EER_W_2, s.U, m, dO, d);
    outer(w, "y^T da", gradient, EER_W_1, s.Y2, d, s.dU, m);
    sums(w, s.dU, nullptr, m, 0, EER_B_1);
    product(w, "da W_1^T", s.O, 0, plain(s.dU, m), transposed(tensor(w, EER_W_1), m),
            {s.rows, d, m, 1});
}

// From dA: dY in O, and the gradients of W_Q, W_K, W_V.
static void attention_backward(struct cuda_wide *w, const struct cuda_objective *f, float *gradient)
{
    const struct cuda_wide_arrays &s = w->s;
    const int d = w->p.d, N = s.N, batch = s.rows / N;
    const long long one = static_cast<long long>(N) * d, square = static_cast<long long>(N) * N;
    const float *dA = w->p.post ? s.S : s.R, scale = w->p.scale;
    const float *Q = s.QKV, *K = third(w, s.QKV, 1), *V = third(w, s.QKV, 2);
    product(w, "dA v^T", s.dP, square, rows_of(w, dA), rows_of(w, V, true), {N, N, d, batch});
    product(w, "p^T dA", third(w, s.dQKV, 2), one, square_of(w, s.P, true), rows_of(w, dA),
            {N, d, N, batch});
    LAUNCH_WARPS(cuda_wide_softmax_backward_kernel, *f, s);
    product(w, "ds k", s.dQKV, one, square_of(w, s.dP), rows_of(w, K), {N, d, N, batch}, scale);
    product(w, "ds^T q", third(w, s.dQKV, 1), one, square_of(w, s.dP, true), rows_of(w, Q),
            {N, d, N, batch}, scale);
    outer(w, "y^T dq, y^T dk, y^T dv", gradient, EER_W_Q, s.Y, d, s.dQKV, d, 3);
    for (int which = 0; which < 3; which++)
        product(w, "dq W_Q^T + dk W_K^T + dv W_V^T", s.O, 0, plain(third(w, s.dQKV, which), d),
                transposed(tensor(w, EER_W_Q + which), d), {s.rows, d, d, 1}, 1.0f,
                which > 0 ? 1.0f : 0.0f);
}

// dZ_t in the place of dZ_(t+1).
static void iteration_backward(struct cuda_wide *w, const struct cuda_objective *f, float *gradient,
                               int t)
{
    const struct cuda_wide_arrays &s = w->s;
    const int d = w->p.d;
    const float *Z = state(w, t);
    attention(w, t, 0);
    mlp(w, w->p.post);
    mlp_backward(w, gradient);
    LAUNCH_ROWS(cuda_wide_rows_backward_kernel, s, Z);
    if (w->p.m > 0 && w->p.pre)
        sums(w, s.O, s.xhat, d, EER_LN2_GAIN, EER_LN2_BIAS);
    if (w->p.post)
        sums(w, s.R, s.xhat, d, EER_LN1_GAIN, EER_LN1_BIAS);
    attention_backward(w, f, gradient);
    LAUNCH_ROWS(cuda_wide_state_backward_kernel, *f, s, Z, t);
    if (w->p.pre)
        sums(w, s.O, s.xhat, d, EER_LN1_GAIN, EER_LN1_BIAS);
}

static void chunk(struct cuda_wide *w, const struct cuda_objective *f, float *gradient,
                  float *terms)
{
    const struct cuda_wide_arrays &s = w->s;
    const int numbers = (w->p.V + w->p.bos) * w->p.d;
    LAUNCH_ROWS(cuda_wide_begin_kernel, s);
    for (int t = 0; t < w->p.T; t++) {
        attention(w, t, 1);
        mlp(w, true);
        LAUNCH_ROWS(cuda_wide_state_kernel, s, state(w, t + 1), state(w, t));
    }
    read_out(w, f, gradient, terms);
    for (int t = w->p.T - 1; t >= 0; t--)
        iteration_backward(w, f, gradient, t);
    LAUNCH(cuda_wide_embedding_kernel, blocks(numbers, ROW_THREADS, CUDA_WIDE_PARTS), ROW_THREADS,
           s);
}

const char *cuda_wide_gradient(struct cuda_wide *w, const struct cuda_objective *f,
                               const float *theta, const float *position, const int *tokens,
                               const int *labels, int B, int L, float *gradient, float *terms)
{
    const size_t P = static_cast<size_t>(w->p.P) * sizeof(float);
    struct cuda_wide_arrays *s = &w->s;
    if (B > w->B || L > w->L)
        return "a batch larger than the cuBLAS path was opened for";
    w->error = nullptr;
    s->theta = theta;
    s->position = position;
    s->L = L;
    s->N = L + w->p.bos;
    note(w, "cudaMemsetAsync", cudaMemsetAsync(gradient, 0, P, w->stream));
    note(w, "cudaMemsetAsync",
         cudaMemsetAsync(s->parts, 0, static_cast<size_t>(CUDA_WIDE_PARTS) * P, w->stream));
    for (int b = 0; b < B; b += w->chunk) {
        s->rows = (B - b < w->chunk ? B - b : w->chunk) * s->N;
        s->tokens = tokens + static_cast<size_t>(b) * static_cast<size_t>(L);
        s->labels = labels + static_cast<size_t>(b) * static_cast<size_t>(L);
        chunk(w, f, gradient, terms + static_cast<size_t>(b) * CUDA_TERMS);
    }
    LAUNCH(cuda_wide_gather_kernel, blocks(w->p.P, ELEMENT_THREADS), ELEMENT_THREADS, *s, gradient);
    return w->error;
}
