/* elementary.h - 2^x, log2 x and GELU for WIDTH floats; errors below, measured over every float of
 * the domain by tests/unit/test_elementary.c against MPFR (spec/tolerances.md lists them).
 *
 * Coefficients: minimax polynomials (Remez), rounded to float, summed by Horner with v_fma. */
#ifndef FAST_ELEMENTARY_H
#define FAST_ELEMENTARY_H

#include "simd.h"

/* 2^x for -126 <= x <= 127, of K vectors. x = n + r with n the nearest whole number: adding 1.5 *
 * 2^23 leaves n in the low bits of the sum, which then go straight into the exponent. 2^0 = 1
 * exactly. K polynomials run side by side, here and below, because one alone waits for each of its
 * own steps. */
INLINE void v_exp2_many(vf *y, const vf *x, const int K)
{
    static const float coefficient[7] = {0.00015345813483817695f,
                                         0.0013399931249561188f,
                                         0.009618488958154831f,
                                         0.0555032877730832f,
                                         0.24022646890523403f,
                                         0.6931472057364716f,
                                         1.0f};
    const vf magic = v_set(12582912.0f);
    vf shifted[8], r[8];
    UNROLL
    for (int k = 0; k < K; k++) {
        shifted[k] = x[k] + magic;
        r[k] = x[k] - (shifted[k] - magic);
        y[k] = v_set(coefficient[0]);
    }
    UNROLL
    for (int term = 1; term < 7; term++) {
        UNROLL
        for (int k = 0; k < K; k++)
            y[k] = v_fma(y[k], r[k], v_set(coefficient[term]));
    }
    UNROLL
    for (int k = 0; k < K; k++)
        y[k] = (vf)((vi)y[k] + ((vi)shifted[k] << 23));
}

INLINE vf v_exp2(vf x)
{
    vf y;
    v_exp2_many(&y, &x, 1);
    return y;
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

/* The coefficients of P in Phi(x) = 1/2 + x P(x^2), highest power of x^2 (mapped to [-1, 1]) first.
 */
enum { PHI_TERMS = 15 };
static const float phi_coefficient[PHI_TERMS] = {
    0.000241927881f, -0.000658141f,  0.000658816468f, -0.00103508925f, 0.00289921146f,
    -0.00545334676f, 0.00841400368f, -0.0127727672f,  0.0185397473f,   -0.0250425443f,
    0.0320312946f,   -0.0397633512f, 0.0496457928f,   -0.0671268169f,  0.134659346f};

/* Phi(x), the standard normal distribution function (1 + erf(x / sqrt 2)) / 2, of K vectors; beyond
 * |x| = 5.25 its value there, 7.6e-8 from 0 or 1. K polynomials run side by side, because one alone
 * waits for each of its own steps. */
INLINE void v_phi_many(vf *phi, const vf *x, const int K)
{
    vf c[8], s[8], y[8];
    UNROLL
    for (int k = 0; k < K; k++) {
        c[k] = v_max(v_min(x[k], v_set(5.25f)), v_set(-5.25f));
        s[k] = v_fma(c[k] * c[k], v_set(0.07256235827664399f), v_set(-1.0f));
        y[k] = v_set(phi_coefficient[0]);
    }
    UNROLL
    for (int term = 1; term < PHI_TERMS; term++)
        UNROLL
    for (int k = 0; k < K; k++)
        y[k] = v_fma(y[k], s[k], v_set(phi_coefficient[term]));
    UNROLL
    for (int k = 0; k < K; k++)
        phi[k] = v_fma(c[k], y[k], v_set(0.5f));
}

INLINE vf v_phi(vf x)
{
    vf phi;
    v_phi_many(&phi, &x, 1);
    return phi;
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
