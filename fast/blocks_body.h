/* blocks_body.h - the register-blocked inner loops: products with weights, scores, weighted sums.
 *
 * Included once for each instance (kernels_body.h): D is the latent dimension (the constant 8, or
 * p->d), TF says whether operands of products are rounded to TF32, NAME makes the names differ.
 * A "token" here is a row of WIDTH lanes: [token][dimension][lane]. */

/* x as an operand of a matrix product (spec/model.md, 5.8). */
INLINE vf NAME(operand)(const struct fast_problem *p, vf x)
{
#if TF
    vu bits = (vu)x;
    bits += p->tf32_add + ((bits >> 13) & p->tf32_even);
    return (vf)(bits & ~(uint32_t)0x1fff);
#else
    (void)p;
    return x;
#endif
}

/* y[t][j] (+)= b[j] + sum_k x[t][k] w[k][j]: TT tokens by JT columns, held in registers. The weight
 * of (k, j) lies at w[k * wk + j * wj], so that the same loop serves W and its transpose. */
INLINE void NAME(product_tile)(vf *y, int ys, const vf *x, int xs, const float *w, int wk, int wj,
                               const float *b, int in, int add, const int TT, const int JT)
{
    vf sum[2][8];
    UNROLL for (int t = 0; t < TT; t++) UNROLL for (int j = 0; j < JT; j++) sum[t][j] =
        add ? y[t * ys + j]
        : b ? v_set(b[j])
            : v_set(0.0f);
    for (int k = 0; k < in; k++) {
        UNROLL for (int j = 0; j < JT; j++)
        {
            vf weight = v_set(w[k * wk + j * wj]);
            UNROLL for (int t = 0; t < TT; t++) sum[t][j] = v_fma(x[t * xs + k], weight, sum[t][j]);
        }
    }
    UNROLL for (int t = 0; t < TT; t++) UNROLL for (int j = 0; j < JT; j++) y[t * ys + j] =
        sum[t][j];
}

INLINE void NAME(product_columns)(vf *y, int ys, const vf *x, int xs, const float *w, int wk,
                                  int wj, const float *b, int in, int out, int add, const int TT)
{
    int j = 0;
    for (; j + 8 <= out; j += 8)
        NAME(product_tile)(y + j, ys, x, xs, w + j * wj, wk, wj, b ? b + j : b, in, add, TT, 8);
    for (; j + 4 <= out; j += 4)
        NAME(product_tile)(y + j, ys, x, xs, w + j * wj, wk, wj, b ? b + j : b, in, add, TT, 4);
    for (; j < out; j++)
        NAME(product_tile)(y + j, ys, x, xs, w + j * wj, wk, wj, b ? b + j : b, in, add, TT, 1);
}

/* y (+)= b + x W for `tokens` rows; x has `in` entries at stride xs, y has `out` at stride ys. */
INLINE void NAME(product)(vf *y, int ys, const vf *x, int xs, int tokens, const float *w, int wk,
                          int wj, const float *b, int in, int out, int add)
{
    int t = 0;
    for (; t + 2 <= tokens; t += 2)
        NAME(product_columns)(y + t * ys, ys, x + t * xs, xs, w, wk, wj, b, in, out, add, 2);
    if (t < tokens)
        NAME(product_columns)(y + t * ys, ys, x + t * xs, xs, w, wk, wj, b, in, out, add, 1);
}

INLINE void NAME(outer_tile)(vf *G, int gs, const vf *x, int xs, const vf *dy, int ys, int tokens,
                             const int KT, const int JT)
{
    vf sum[4][4];
    UNROLL for (int k = 0; k < KT; k++) UNROLL for (int j = 0; j < JT; j++) sum[k][j] =
        G[k * gs + j];
    for (int t = 0; t < tokens; t++)
        UNROLL for (int k = 0; k < KT; k++) UNROLL for (int j = 0; j < JT; j++) sum[k][j] =
            v_fma(x[t * xs + k], dy[t * ys + j], sum[k][j]);
    UNROLL for (int k = 0; k < KT; k++) UNROLL for (int j = 0; j < JT; j++) G[k * gs + j] =
        sum[k][j];
}

/* G[k][j] += sum over tokens of x[t][k] dy[t][j]: a weight matrix's gradient. */
INLINE void NAME(outer)(vf *G, const vf *x, int xs, const vf *dy, int ys, int tokens, int in,
                        int out)
{
    int k = 0;
    for (; k + 4 <= in; k += 4) {
        int j = 0;
        for (; j + 4 <= out; j += 4)
            NAME(outer_tile)(G + k * out + j, out, x + k, xs, dy + j, ys, tokens, 4, 4);
        for (; j < out; j++)
            NAME(outer_tile)(G + k * out + j, out, x + k, xs, dy + j, ys, tokens, 4, 1);
    }
    for (; k < in; k++)
        for (int j = 0; j < out; j++)
            NAME(outer_tile)(G + k * out + j, out, x + k, xs, dy + j, ys, tokens, 1, 1);
}

/* sum over tokens into a bias's gradient */
INLINE void NAME(add_rows)(vf *G, const vf *dy, int ys, int tokens, int out)
{
    for (int j = 0; j < out; j++) {
        vf sum = G[j];
        for (int t = 0; t < tokens; t++)
            sum += dy[t * ys + j];
        G[j] = sum;
    }
}

/* The entry of key j's row: of all lanes' own keys (training) or the one key of a sequence, the
 * same for all lanes (evaluation: key j lies in block j / WIDTH, lane j mod WIDTH). */
INLINE vf NAME(key)(const vf *k, int j, int x, int d, const int SHARED)
{
    if (SHARED)
        return v_set(((const float *)(k + (j / WIDTH) * d + x))[j % WIDTH]);
    return k[j * d + x];
}

/* out[r][j] = x_r . k_j for keys [0, n) and R = 1 or 2 rows x_0, x_1 (d apart). */
INLINE void NAME(dots)(const struct fast_problem *p, vf *out0, vf *out1, const vf *x, const vf *k,
                       int first, int n, const int R, const int SHARED)
{
    const int d = D;
    (void)p;
#if D_FIXED
    vf row[2][D_FIXED];
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int e = 0; e < D_FIXED; e++) row[r][e] =
        x[r * D_FIXED + e];
#define ROW(r, e) row[r][e]
#else
#define ROW(r, e) x[(r)*d + (e)]
#endif
    for (int j = first; j < first + n; j++) {
        vf sum[2];
        vf key = NAME(key)(k, j, 0, d, SHARED);
        UNROLL for (int r = 0; r < R; r++) sum[r] = ROW(r, 0) * key;
        for (int e = 1; e < d; e++) {
            key = NAME(key)(k, j, e, d, SHARED);
            UNROLL for (int r = 0; r < R; r++) sum[r] = v_fma(ROW(r, e), key, sum[r]);
        }
        out0[j - first] = sum[0];
        if (R == 2)
            out1[j - first] = sum[1];
    }
#undef ROW
}

/* y_r += sum_j w_r[j] v_j for R = 1 or 2 weight rows, over n rows v_j. From one j to the next both
 * weight pointers go on by step, and step by growth: rows of a triangle are read down a column so.
 */
INLINE void NAME(accumulate)(const struct fast_problem *p, vf *y, const vf *w0, const vf *w1,
                             ptrdiff_t step, int growth, const vf *v, int first, int n, const int R,
                             const int SHARED)
{
    const int d = D;
#if D_FIXED
    enum { CHUNK = D_FIXED };
#else
    enum { CHUNK = 4 };
#endif
    for (int c = 0; c < d; c += CHUNK) {
        vf sum[2][CHUNK];
        const vf *a0 = w0, *a1 = w1;
        ptrdiff_t stride = step;
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int e = 0; e < CHUNK; e++) sum[r][e] =
            y[r * d + c + e];
        for (int j = first; j < first + n; j++) {
            vf weight[2];
            weight[0] = NAME(operand)(p, *a0);
            if (R == 2)
                weight[1] = NAME(operand)(p, *a1);
            UNROLL for (int e = 0; e < CHUNK; e++)
            {
                vf value = NAME(key)(v, j, c + e, d, SHARED);
                UNROLL for (int r = 0; r < R; r++) sum[r][e] = v_fma(weight[r], value, sum[r][e]);
            }
            a0 += stride;
            a1 += stride;
            stride += growth;
        }
        UNROLL for (int r = 0; r < R; r++) UNROLL for (int e = 0; e < CHUNK; e++) y[r * d + c + e] =
            sum[r][e];
    }
}

/* Layer norm of one token (spec/model.md, 3.2); xhat and rstd are what the backward needs. */
INLINE vf NAME(norm)(const struct fast_problem *p, vf *y, vf *xhat, const vf *x, const float *gain,
                     const float *bias)
{
    const int d = D;
    const vf over_d = v_set(1.0f / (float)d);
    (void)p;
    vf mean = x[0];
    for (int e = 1; e < d; e++)
        mean += x[e];
    mean *= over_d;
    vf squares = v_set(0.0f);
    for (int e = 0; e < d; e++) {
        vf centred = x[e] - mean;
        xhat[e] = centred;
        squares = v_fma(centred, centred, squares);
    }
    vf rstd = v_set(1.0f) / v_sqrt(v_fma(squares, over_d, v_set(1e-5f)));
    for (int e = 0; e < d; e++) {
        xhat[e] *= rstd;
        y[e] = v_fma(xhat[e], v_set(gain[e]), v_set(bias[e]));
    }
    return rstd;
}

/* dx of one token's layer norm, in place of dy; adds to the gradients of gain and bias. */
INLINE void NAME(norm_backward)(const struct fast_problem *p, vf *dy, const vf *xhat, vf rstd,
                                const float *gain, vf *dgain, vf *dbias)
{
    const int d = D;
    const vf over_d = v_set(1.0f / (float)d);
    (void)p;
    vf mean = v_set(0.0f), slope = v_set(0.0f);
    for (int e = 0; e < d; e++) {
        dgain[e] = v_fma(dy[e], xhat[e], dgain[e]);
        dbias[e] += dy[e];
        dy[e] *= v_set(gain[e]);
        mean += dy[e];
        slope = v_fma(dy[e], xhat[e], slope);
    }
    mean *= over_d;
    slope *= over_d;
    for (int e = 0; e < d; e++)
        dy[e] = rstd * v_fma(-xhat[e], slope, dy[e] - mean);
}
