// test_products.cu - one stage C = A B in TF32 held to a bound that any operand rounding and any
// hardware's way of adding meets, and that a lost term violates; a probe that tells TF32 from FP32.
// Runs in the emulation, and unchanged on a GPU with cuBLAS. Prints lines; exit status 0 or 1.
//
// The bound. T = sum |a_k||b_k| over the k terms of one element of C. Three things make an error:
//
//   Operands. TF32 keeps 11 significant bits; cut off, a becomes a(1 + e) with |e| < u = 2^-10, and
//   rounded to nearest half of that. A product is then off by at most |ab|(2u + u^2). It has 22
//   bits: float holds it exactly. u = 0 where the operands have 11 bits from the start.
//
//   Adding. Whatever the hardware does is taken to be a tree over k + 1 leaves: the products and
//   the 0 that the sum begins with. Each of its operations takes f >= 2 numbers, shifts them to the
//   exponent of the largest and cuts them off there at 24 bits or later, so that all but the
//   largest lose less than 2^-23 M, M being above every magnitude in the tree; it adds them exactly
//   and rounds the result to 24 bits in any direction, which loses at most 2^-23 M again: f 2^-23 M
//   in all. (An FMA or an addition of two rounded numbers, f = 2, loses less.) Every operation
//   replaces f numbers by one, so that the sum of all f - 1 is k, and as f <= 2 (f - 1) that of all
//   f at most 2k: the tree loses at most k 2^-22 M.
//
//   M. A magnitude is at most the sum of the products below it, (1 + u)^2 T, and what was lost
//   there: M <= (1 + u)^2 T / (1 - k 2^-22), and k / (1 - k 2^-22) <= k + 1 for k <= 2000.
//
// So |C - AB| <= T (2u + u^2 + (k + 1) 2^-22 (1 + u)^2). In FP32, where each product and each of k
// additions is rounded to nearest, it is T g / (1 - g), g = (k + 1) 2^-24 [Higham, Accuracy and
// Stability of Numerical Algorithms, lemma 3.1]. What C is compared with is summed in double, of
// exact products: T k 2^-53 more. No product lies below 2^-50 or is 0, so nothing underflows.
#include <cublas_v2.h>
#include <mma.h>

#include "check.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 16, MOST = 1000, ROOM = N * MOST, NUMBERS = N * N };

// ---- data -------------------------------------------------------------------------------------

// A by columns, N x k; B by columns, k x N.
struct operands {
    float A[ROOM], B[ROOM];
    int k;
};

enum kind { UNIFORM, CANCELLING, SPREAD, CUT, TIE, ABSORBED, HALVES, SHORT, KINDS };
static const char *const kind_name[KINDS] = {"uniform",         "cancelling", "of all sizes",
                                             "all cut off",     "all ties",   "absorbed",
                                             "absorbed halves", "of 11 bits"};
// Operands that TF32 holds exactly: u = 0.
static bool is_exact(int kind)
{
    return kind >= ABSORBED;
}

static uint64_t state;
// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
static uint64_t draw()
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static float entry(int kind, int k)
{
    const uint64_t w = draw();
    const float sign = w & 1 ? -1.0f : 1.0f, unit = static_cast<float>(w >> 40) * 0x1p-24f;
    switch (kind) {
    case SPREAD:
        return sign * (1.0f + unit) * exp2f(static_cast<float>(w >> 1 & 31) - 16.0f);
    case CUT: // the 13 bits that go are all set
        return 1.0f + 0x1p-10f - 0x1p-23f;
    case TIE:
        return 1.0f + 0x1p-11f;
    case ABSORBED: // products from the second on are a little less than 2^-23 of the first
        return k == 0 ? 1.0f : 0x1.6ap-12f;
    case HALVES: // less than 2^-24
        return k == 0 ? 1.0f : 0x1.ffcp-13f;
    case SHORT: // 11 bits, the last one set: 1024 to 2047
        return sign * static_cast<float>(1025 + 2 * (w >> 32) % 1022);
    default:
        return sign * (0x1p-10f + unit);
    }
}

// Every k up to 33, then about every 33rd part; MOST too.
static int next(int k)
{
    return k < MOST && k + 1 + k / 33 > MOST ? MOST : k + 1 + k / 33;
}

static void fill(struct operands *x, int kind, int k)
{
    state = static_cast<uint64_t>(kind) << 32 | static_cast<uint64_t>(k);
    x->k = k;
    for (int j = 0; j < N; j++)
        for (int e = 0; e < k; e++) {
            const bool again = kind == CANCELLING && e >= k / 2 && e < k / 2 * 2;
            x->A[e * N + j] = again ? x->A[(e - k / 2) * N + j] : entry(kind, e);
            x->B[j * k + e] = again ? -x->B[j * k + e - k / 2] : entry(kind, e);
        }
}

// ---- the bound --------------------------------------------------------------------------------

enum arithmetic { FP32, TF32 };

// |got - sum| / bound for the product of two rows of k numbers that lie da and db apart.
static double share(double got, const float *a, int da, const float *b, int db, int k,
                    enum arithmetic how, bool exact)
{
    const double u = exact ? 0 : 0x1p-10, g = (k + 1) * 0x1p-24;
    double sum = 0, T = 0;
    for (int e = 0; e < k; e++) {
        const double term = static_cast<double>(a[e * da]) * static_cast<double>(b[e * db]);
        sum += term;
        T += fabs(term);
    }
    const double relative =
        how == FP32 ? g / (1 - g) : 2 * u + u * u + (k + 1) * 0x1p-22 * (1 + u) * (1 + u);
    return fabs(got - sum) / (T * (relative + k * 0x1p-53));
}

// The largest over the elements of C, by columns; NaN counts as infinite.
static double largest_share(const float *C, const struct operands *x, enum arithmetic how,
                            bool exact)
{
    double largest = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            const double s = share(static_cast<double>(C[j * N + i]), x->A + i, N, x->B + j * x->k,
                                   1, x->k, how, exact);
            largest = s <= largest ? largest : s >= 0 ? s : INFINITY;
        }
    return largest;
}

struct tally {
    double share;
    int kind, k;
};
static void count(struct tally *t, double share, int kind, int k)
{
    if (!(share <= t->share))
        *t = {share, kind, k};
}
static void report(const struct tally *t, const char *what)
{
    char text[256];
    snprintf(text, sizeof text, "%s: at most %.3g of the bound, data %s, k = %d", what, t->share,
             kind_name[t->kind], t->k);
    expect(t->share <= 1, "%s", text);
}

// ---- ways of adding, on the host --------------------------------------------------------------

// f numbers at a time: the sum so far and f - 1 products, or with `tree` f of what is left. Shifted
// numbers keep 24 + extra bits. The result is cut off, or rounded to nearest.
struct adder {
    int f, extra;
    bool nearest, tree, backwards;
};

static double add(const struct adder *h, const double *x, int n)
{
    double most = 0, sum = 0;
    int exponent;
    for (int i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    frexp(most, &exponent);
    const double unit = ldexp(1, exponent - 24 - h->extra);
    for (int i = 0; i < n; i++)
        sum += trunc(x[i] / unit) * unit;
    frexp(sum, &exponent);
    const double last = ldexp(1, exponent - 24);
    return (h->nearest ? nearbyint(sum / last) : trunc(sum / last)) * last;
}

static double add_all(const struct adder *h, double *x, int k)
{
    double sum = 0, part[17];
    while (h->tree && k > 1) {
        int left = 0;
        for (int e = 0; e < k; e += h->f)
            x[left++] = add(h, x + e, k - e < h->f ? k - e : h->f);
        k = left;
    }
    for (int e = 0; e < k; e += h->f - 1) {
        int n = 0;
        part[n++] = sum;
        while (n < h->f && e + n - 1 < k) {
            part[n] = x[h->backwards ? k - e - n : e + n - 1];
            n++;
        }
        sum = add(h, part, n);
    }
    return sum;
}

enum { AWAY, EVEN, DOWN, ROUNDINGS };
static const char *const rounding_name[ROUNDINGS] = {"ties-away", "ties-even", "truncate"};
static double to_tf32(float x, int how)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += how == AWAY ? 0x1000 : how == EVEN ? 0xfff + (bits >> 13 & 1) : 0;
    bits &= ~0x1fffu;
    memcpy(&x, &bits, sizeof x);
    return static_cast<double>(x);
}

static void test_adders(struct operands *x)
{
    static double terms[MOST];
    struct tally t = {0, 0, 0}, adding = t;
    struct adder worst = {0, 0, false, false, false};
    int ways = 0;
    for (int f : {2, 3, 5, 9, 17})
        for (int way = 0; way < 24; way++, ways++) {
            const struct adder h = {f, way / 8, (way & 1) != 0, (way & 2) != 0, (way & 4) != 0};
            for (int kind = 0; kind < KINDS; kind++)
                for (int k = 1; k <= MOST; k = next(k)) {
                    const int rounding = (k + way) % ROUNDINGS;
                    fill(x, kind, k);
                    for (int e = 0; e < k; e++)
                        terms[e] = to_tf32(x->A[e * N], rounding) * to_tf32(x->B[e], rounding);
                    const double sum = add_all(&h, terms, k);
                    const double s = share(sum, x->A, N, x->B, 1, k, TF32, is_exact(kind));
                    if (is_exact(kind) && s > adding.share)
                        worst = h;
                    count(is_exact(kind) ? &adding : &t, s, kind, k);
                }
        }
    char text[160];
    snprintf(text, sizeof text, "%d ways of adding", ways);
    report(&t, text);
    snprintf(text, sizeof text, "adding alone (worst: %d at a time, %d bits, %s%s%s)", worst.f,
             24 + worst.extra, worst.nearest ? "to nearest" : "cut off",
             worst.tree ? ", a tree" : "", worst.backwards ? ", backwards" : "");
    report(&adding, text);
}

// ---- the device -------------------------------------------------------------------------------

// C = A B by one warp; k a multiple of 8.
template <bool CONVERT>
__global__ void products_tile_kernel(const float *A, const float *B, float *C, int k)
{
    using namespace nvcuda::wmma;
    fragment<matrix_a, N, N, 8, precision::tf32, col_major> a;
    fragment<matrix_b, N, N, 8, precision::tf32, col_major> b;
    fragment<accumulator, N, N, 8, float> c;
    fill_fragment(c, 0.0f);
    for (int e = 0; e < k; e += 8) {
        load_matrix_sync(a, A + e * N, N);
        load_matrix_sync(b, B + e, static_cast<unsigned>(k));
        for (int i = 0; CONVERT && i < a.num_elements; i++)
            a.x[i] = __float_to_tf32(a.x[i]);
        for (int i = 0; CONVERT && i < b.num_elements; i++)
            b.x[i] = __float_to_tf32(b.x[i]);
        mma_sync(c, a, b, c);
    }
    store_matrix_sync(C, c, N, mem_col_major);
}

struct device {
    cublasHandle_t handle;
    float *A, *B, *C;
};

static void put(const struct device *d, const struct operands *x)
{
    const size_t bytes = sizeof(float) * N * static_cast<size_t>(x->k);
    CHECK(cudaMemcpy(d->A, x->A, bytes, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(d->B, x->B, bytes, cudaMemcpyHostToDevice));
    CHECK(cudaMemset(d->C, 0xff, sizeof(float) * NUMBERS));
}
static void get(const struct device *d, float *C)
{
    CHECK(cudaMemcpy(C, d->C, sizeof(float) * NUMBERS, cudaMemcpyDeviceToHost));
}

// The first `terms` of the k terms of each sum.
static void multiply(const struct device *d, const struct operands *x, enum arithmetic how,
                     int terms, float *C)
{
    const float one = 1, zero = 0;
    put(d, x);
    const cublasStatus_t status = cublasGemmStridedBatchedEx(
        d->handle, CUBLAS_OP_N, CUBLAS_OP_N, N, N, terms, &one, d->A, CUDA_R_32F, N, 0, d->B,
        CUDA_R_32F, x->k, 0, &zero, d->C, CUDA_R_32F, N, 0, 1,
        how == TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
    if (status != CUBLAS_STATUS_SUCCESS) {
        printf("not ok: %s\n", cublasGetStatusName(status));
        exit(1);
    }
    get(d, C);
}
static void multiply_tile(const struct device *d, const struct operands *x, bool convert, float *C)
{
    const float *A = d->A, *B = d->B;
    float *to = d->C;
    int k = x->k;
    void *arguments[] = {&A, &B, &to, &k};
    put(d, x);
    CHECK(cudaLaunchKernel(convert ? products_tile_kernel<true> : products_tile_kernel<false>,
                           dim3(1), dim3(32), arguments, 0, nullptr));
    get(d, C);
}

static void test_cublas(const struct device *d, struct operands *x, enum arithmetic how,
                        const char *what)
{
    static float C[NUMBERS];
    struct tally t = {0, 0, 0}, lost = {INFINITY, 0, 0};
    for (int kind = 0; kind < KINDS; kind++)
        for (int k = 1; k <= MOST; k = next(k)) {
            fill(x, kind, k);
            multiply(d, x, how, k, C);
            count(&t, largest_share(C, x, how, is_exact(kind)), kind, k);
            if (kind != SHORT || k == 1)
                continue;
            multiply(d, x, how, k - 1, C);
            const double s = largest_share(C, x, how, true);
            lost = s < lost.share ? tally{s, kind, k} : lost;
        }
    report(&t, what);
    char text[160];
    snprintf(text, sizeof text, "%s: a lost term is at least %.3g of the bound (k = %d)", what,
             lost.share, lost.k);
    expect(lost.share > 1, "%s", text);
}
static void test_tiles(const struct device *d, struct operands *x, bool convert, const char *what)
{
    static float C[NUMBERS];
    struct tally t = {0, 0, 0};
    for (int kind = 0; kind < KINDS; kind++)
        for (int k = 8; k <= MOST; k += k < 64 ? 8 : k % 13 * 8 + 104) {
            fill(x, kind, k);
            multiply_tile(d, x, convert, C);
            count(&t, largest_share(C, x, TF32, is_exact(kind)), kind, k);
        }
    report(&t, what);
}

// What 1 + `part` times 1 is.
static float probe(const struct device *d, struct operands *x, enum arithmetic how, float part)
{
    static float C[NUMBERS];
    fill(x, SHORT, 8);
    for (int i = 0; i < 8 * N; i++) {
        x->A[i] = 1.0f + part;
        x->B[i] = i % 8 == 0;
    }
    multiply(d, x, how, 8, C);
    return C[0] - 1.0f;
}
// Returns which rounding the operands get, or ROUNDINGS if none.
static int test_probe(const struct device *d, struct operands *x)
{
    const char *override = getenv("NVIDIA_TF32_OVERRIDE");
    const bool off = override && !strcmp(override, "0");
    expect(probe(d, x, FP32, 0x1p-12f) == 0x1p-12f, "the probe 1 + 2^-12 sees FP32");
    const bool tf32 = probe(d, x, TF32, 0x1p-12f) == 0.0f;
    expect(tf32 != off,
           off ? "TF32 is switched off, and the probe sees it" : "the probe 1 + 2^-12 sees TF32");
    const int rounding = !tf32                                     ? ROUNDINGS
                         : probe(d, x, TF32, 0x1.8p-11f) == 0.0f   ? DOWN
                         : probe(d, x, TF32, 0x1p-11f) == 0x1p-10f ? AWAY
                                                                   : EVEN;
    printf("operands are rounded: %s\n", tf32 ? rounding_name[rounding] : "not at all");
    return rounding;
}

static void test_device(const struct device *d, struct operands *x)
{
    if (test_probe(d, x) < ROUNDINGS)
        test_cublas(d, x, TF32, "cuBLAS, TF32");
    test_tiles(d, x, false, "WMMA, operands as they are");
    test_tiles(d, x, true, "WMMA, operands converted");
}

int main()
{
    static struct operands x;
    struct device d = {nullptr, nullptr, nullptr, nullptr};
    test_adders(&x);
    if (!has_device())
        return failures ? 1 : SKIPPED;
    for (float **p : {&d.A, &d.B})
        CHECK(cudaMalloc(p, sizeof x.A));
    CHECK(cudaMalloc(&d.C, sizeof(float) * NUMBERS));
    if (cublasCreate(&d.handle) != CUBLAS_STATUS_SUCCESS) {
        printf("not ok: cublasCreate\n");
        return 1;
    }
    test_cublas(&d, &x, FP32, "cuBLAS, FP32");
#ifdef __CUDACC__
    test_device(&d, &x);
#else
    for (const char *rounding : rounding_name) {
        emulation::tf32(rounding);
        printf("emulated rounding %s:\n", rounding);
        test_device(&d, &x);
    }
#endif
    cublasDestroy(d.handle);
    for (float *p : {d.A, d.B, d.C})
        CHECK(cudaFree(p));
    return failures != 0;
}
