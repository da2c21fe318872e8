/* elementary.h - 2^x, log2 x and GELU for WIDTH floats; errors below, measured over every float of
 * the domain by tests/unit/test_elementary.c against MPFR (spec/tolerances.md lists them).
 *
 * Coefficients: minimax polynomials (Remez), rounded to float, summed by Horner with v_fma. */
#ifndef FAST_ELEMENTARY_H
#define FAST_ELEMENTARY_H

#include "simd.h"

/* 2^x for -126 <= x <= 127. x = n + r with n the nearest whole number: adding 1.5 * 2^23 leaves n
 * in the low bits of the sum, which then go straight into the exponent. 2^0 = 1 exactly. */
INLINE vf v_exp2(vf x)
{
    const vf magic = v_set(12582912.0f);
    vf shifted = x + magic;
    vf r = x - (shifted - magic);
    vf y = v_set(0.00015345813483817695f);
    y = v_fma(y, r, v_set(0.0013399931249561188f));
    y = v_fma(y, r, v_set(0.009618488958154831f));
    y = v_fma(y, r, v_set(0.0555032877730832f));
    y = v_fma(y, r, v_set(0.24022646890523403f));
    y = v_fma(y, r, v_set(0.6931472057364716f));
    y = v_fma(y, r, v_set(1.0f));
    return (vf)((vi)y + ((vi)shifted << 23));
}

/* log2 x for normal x > 0. x = m 2^n with sqrt(1/2) <= m < sqrt 2; log2 m is a polynomial in m - 1.
 */
INLINE vf v_log2(vf x)
{
    const vi half = (vi)v_set(0x1.6a09e6p-1f);
    vi n = ((vi)x - half) >> 23;
    vf f = (vf)((vi)x - (n << 23)) - v_set(1.0f);
    vf y = v_set(-0.11297432104564722f);
    y = v_fma(y, f, v_set(0.18782639474969304f));
    y = v_fma(y, f, v_set(-0.1906127033532324f));
    y = v_fma(y, f, v_set(0.20429606797922437f));
    y = v_fma(y, f, v_set(-0.2396365860355798f));
    y = v_fma(y, f, v_set(0.28858526860398714f));
    y = v_fma(y, f, v_set(-0.36069642397754564f));
    y = v_fma(y, f, v_set(0.48089790065980165f));
    y = v_fma(y, f, v_set(-0.7213473520094834f));
    y = v_fma(y, f, v_set(1.4426950418502353f));
    vf whole;
    for (int l = 0; l < WIDTH; l++)
        whole[l] = (float)n[l];
    return v_fma(y, f, whole);
}

/* Phi(x), the standard normal distribution function, = (1 + erf(x / sqrt 2)) / 2: beyond |x| = 5.25
 * its value there, 7.6e-8 from 0 or 1. Phi(x) = 1/2 + x P(x^2) with P a polynomial in x^2 mapped to
 * [-1, 1]. */
INLINE vf v_phi(vf x)
{
    vf c = v_max(v_min(x, v_set(5.25f)), v_set(-5.25f));
    vf s = v_fma(c * c, v_set(0.07256235827664399f), v_set(-1.0f));
    vf y = v_set(0.000241927881f);
    y = v_fma(y, s, v_set(-0.000658141f));
    y = v_fma(y, s, v_set(0.000658816468f));
    y = v_fma(y, s, v_set(-0.00103508925f));
    y = v_fma(y, s, v_set(0.00289921146f));
    y = v_fma(y, s, v_set(-0.00545334676f));
    y = v_fma(y, s, v_set(0.00841400368f));
    y = v_fma(y, s, v_set(-0.0127727672f));
    y = v_fma(y, s, v_set(0.0185397473f));
    y = v_fma(y, s, v_set(-0.0250425443f));
    y = v_fma(y, s, v_set(0.0320312946f));
    y = v_fma(y, s, v_set(-0.0397633512f));
    y = v_fma(y, s, v_set(0.0496457928f));
    y = v_fma(y, s, v_set(-0.0671268169f));
    y = v_fma(y, s, v_set(0.134659346f));
    return v_fma(c, y, v_set(0.5f));
}

INLINE vf v_gelu(vf x)
{
    return x * v_phi(x);
}

/* GELU's derivative Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi), Phi(x) given. */
INLINE vf v_gelu_slope(vf x, vf phi)
{
    vf e = v_exp2(v_max(x * x * v_set(-0.7213475204444817f), v_set(-126.0f)));
    return v_fma(x * v_set(0.3989422804014327f), e, phi);
}

#endif
