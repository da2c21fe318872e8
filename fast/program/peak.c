#include "peak.h"

#include <string.h>

#include "clock.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Enough chains to hide a latency of 4 to 6 cycles on two units; 16 registers hold them. */
enum { CHAINS = 12, BURST = 20000 };

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

typedef float vector4 __attribute__((vector_size(16)));

/* BURST rounds over the chains. The factor below 1 keeps the numbers normal. */
#define CHAIN_LOOP(type, set, step)                                                                \
    type x[CHAINS];                                                                                \
    const type a = set(0.999f), b = set(0.001f);                                                   \
    UNROLL                                                                                         \
    for (int c = 0; c < CHAINS; c++)                                                               \
        x[c] = set(1.0f + (float)c);                                                               \
    for (int i = 0; i < BURST; i++) {                                                              \
        UNROLL                                                                                     \
        for (int c = 0; c < CHAINS; c++)                                                           \
            x[c] = step(x[c], a, b);                                                               \
    }                                                                                              \
    UNROLL                                                                                         \
    for (int c = 1; c < CHAINS; c++)                                                               \
        x[0] = step(x[0], x[c], b);                                                                \
    float first;                                                                                   \
    memcpy(&first, &x[0], sizeof first);                                                           \
    return first;

#define PLAIN_SET(value)                                                                           \
    (vector4)                                                                                      \
    {                                                                                              \
        value, value, value, value                                                                 \
    }
#define PLAIN_STEP(x, a, b) ((x) * (a) + (b))

static float burst_plain(void)
{
    CHAIN_LOOP(vector4, PLAIN_SET, PLAIN_STEP)
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static float burst_avx2(void)
{
    CHAIN_LOOP(__m256, _mm256_set1_ps, _mm256_fmadd_ps)
}

__attribute__((target("avx512f"))) static float burst_avx512(void)
{
    CHAIN_LOOP(__m512, _mm512_set1_ps, _mm512_fmadd_ps)
}
#endif

double eer_peak(const char *isa, double seconds)
{
    float (*burst)(void) = burst_plain;
    double lanes = 2 * 4;
#if defined(__x86_64__)
    if (strstr(isa, "avx512")) {
        burst = burst_avx512;
        lanes = 16;
    } else if (strstr(isa, "avx2")) {
        burst = burst_avx2;
        lanes = 8;
    }
#else
    (void)isa;
#endif
    volatile float sink = burst(); /* also the warm-up */
    double bursts = 0.0, start = eer_seconds(), elapsed;
    do {
        sink = burst();
        bursts++;
        elapsed = eer_seconds() - start;
    } while (elapsed < seconds);
    (void)sink;
    return bursts * BURST * CHAINS * lanes / elapsed;
}
