/* simd.h - WIDTH floats at once, in three instruction sets, with the same bits in each.
 *
 * Whoever includes this defines WIDTH: 16 (AVX-512), 8 (AVX2 with FMA) or 4 (plain C: whatever the
 * compiler makes of it). A lane never meets another lane here, and every operation is one IEEE 754
 * operation rounded to nearest, or exact; so a lane's bits depend neither on WIDTH nor on the
 * instruction set. The only fused operations are the ones written v_fma: the build says
 * -ffp-contract=off. */
#ifndef FAST_SIMD_H
#define FAST_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if WIDTH == 16 || WIDTH == 8
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

#ifdef FAST_SMALL /* for sanitizers: they would take minutes over unrolled loops */
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vf __attribute__((vector_size(4 * WIDTH)));
typedef int32_t vi __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t vu __attribute__((vector_size(4 * WIDTH)));
typedef float lane __attribute__((may_alias)); /* one lane of a vf in memory */

INLINE vf v_set(float x)
{
#if WIDTH == 16
    return (vf)_mm512_set1_ps(x);
#elif WIDTH == 8
    return (vf)_mm256_set1_ps(x);
#else
    return (vf){x, x, x, x};
#endif
}

#if defined(__FP_FAST_FMAF) || WIDTH > 4
#define FUSED INLINE
#else
#define FUSED                                                                                      \
    static __attribute__((noinline)) /* four calls of the library: not worth a copy each */
#endif

/* a * b + c, rounded once */
FUSED vf v_fma(vf a, vf b, vf c)
{
#if WIDTH == 16
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif WIDTH == 8
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    for (int l = 0; l < WIDTH; l++)
        a[l] = fmaf(a[l], b[l], c[l]);
    return a;
#endif
}

INLINE vf v_sqrt(vf a)
{
#if WIDTH == 16
    return (vf)_mm512_sqrt_ps((__m512)a);
#elif WIDTH == 8
    return (vf)_mm256_sqrt_ps((__m256)a);
#else
    for (int l = 0; l < WIDTH; l++)
        a[l] = sqrtf(a[l]);
    return a;
#endif
}

/* a > b ? a : b (b where either is NaN) */
INLINE vf v_max(vf a, vf b)
{
#if WIDTH == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif WIDTH == 8
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    for (int l = 0; l < WIDTH; l++)
        a[l] = a[l] > b[l] ? a[l] : b[l];
    return a;
#endif
}

/* a < b ? a : b (b where either is NaN) */
INLINE vf v_min(vf a, vf b)
{
#if WIDTH == 16
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif WIDTH == 8
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    for (int l = 0; l < WIDTH; l++)
        a[l] = a[l] < b[l] ? a[l] : b[l];
    return a;
#endif
}

/* yes where the mask (a comparison's result) is all ones, no where it is 0 */
INLINE vf v_select(vi mask, vf yes, vf no)
{
    return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

/* x where a > 0, else 0 */
INLINE vf v_where_positive(vf a, vf x)
{
#if WIDTH == 16
    return (vf)_mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)a, _mm512_setzero_ps(), _CMP_GT_OQ),
                                   (__m512)x);
#else
    return (vf)((vi)(a > v_set(0.0f)) & (vi)x);
#endif
}

/* sum + x where a == b, else sum */
INLINE vf v_add_where_equal(vf sum, vf a, vf b, vf x)
{
#if WIDTH == 16
    return (vf)_mm512_mask_add_ps((__m512)sum, _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ),
                                  (__m512)sum, (__m512)x);
#else
    return v_select((vi)(a == b), sum + x, sum);
#endif
}

/* Where x > *top: *top = x and *at = j. */
INLINE void v_largest(vf *top, vf *at, vf x, vf j)
{
#if WIDTH == 16
    *at = (vf)_mm512_mask_mov_ps(
        (__m512)*at, _mm512_cmp_ps_mask((__m512)x, (__m512)*top, _CMP_GT_OQ), (__m512)j);
#else
    *at = v_select((vi)(x > *top), j, *at);
#endif
    *top = v_max(x, *top);
}

/* x, from now on in a register. */
INLINE vf v_hold(vf x)
{
#if WIDTH == 16
    __asm__("" : "+v"(x));
#elif WIDTH == 8
    __asm__("" : "+x"(x));
#endif
    return x;
}

/* What was stored is read from memory from here on, not from registers that others need. */
INLINE void v_forget(void)
{
    __asm__ volatile("" ::: "memory");
}

/* ((0 + 1) + (2 + 3)) + ...: neighbours first, so that two half sums of half the width give the
 * same. */
INLINE float v_tree_sum(vf v)
{
#if WIDTH == 16
    __m512 x = (__m512)v;
    x = _mm512_add_ps(x, _mm512_permute_ps(x, 0xb1));
    x = _mm512_add_ps(x, _mm512_permute_ps(x, 0x4e));
    x = _mm512_add_ps(x, _mm512_shuffle_f32x4(x, x, 0xb1));
    x = _mm512_add_ps(x, _mm512_shuffle_f32x4(x, x, 0x4e));
    return _mm512_cvtss_f32(x);
#else
    for (int n = WIDTH; n > 1; n /= 2)
        for (int l = 0; l < n / 2; l++)
            v[l] = v[2 * l] + v[2 * l + 1];
    return v[0];
#endif
}

INLINE vf v_load(const float *x)
{
    vf v;
    memcpy(&v, x, sizeof v);
    return v;
}

#endif
