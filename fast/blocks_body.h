/* blocks_body.h - the register-blocked inner loops: products with weights, scores, weighted sums.
 *
 * Included once for each instance (kernels_body.h): D is the latent dimension (the constant 8, or
 * p->d), TF says whether operands of products are rounded to TF32, NAME makes the names differ.
 * A "token" here is a row of WIDTH lanes: [token][dimension][lane]. */

/* With d known the compiler gets to see every size; without, one copy of a loop serves all callers.
 */
#if D_FIXED
#define SHARED_LOOP INLINE
#else
#define SHARED_LOOP static
#endif

/* x as an operand of a matrix product (spec/model.md, 5.8). */
INLINE vf NAME(operand)(const struct fast_problem *p, vf x)
{
#if TF
    vu bits = (vu)x;
    bits += p->tf32_add + ((bits >> 13) & p->tf32_even);
    return (vf)(bits & p->tf32_mask);
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
    UNROLL
    for (int t = 0; t < TT; t++)
        UNROLL
    for (int j = 0; j < JT; j++)
        sum[t][j] = add ? y[t * ys + j] : b ? v_set(b[j]) : v_set(0.0f);
    for (int k = 0; k < in; k++) {
        UNROLL
        for (int j = 0; j < JT; j++) {
            vf weight = v_set(w[k * wk + j * wj]);
            UNROLL
            for (int t = 0; t < TT; t++)
                sum[t][j] = v_fma(x[t * xs + k], weight, sum[t][j]);
        }
    }
    UNROLL
    for (int t = 0; t < TT; t++)
        UNROLL
    for (int j = 0; j < JT; j++)
        y[t * ys + j] = sum[t][j];
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
SHARED_LOOP void NAME(product)(vf *y, int ys, const vf *x, int xs, int tokens, const float *w,
                               int wk, int wj, const float *b, int in, int out, int add)
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
    UNROLL
    for (int k = 0; k < KT; k++)
        UNROLL
    for (int j = 0; j < JT; j++)
        sum[k][j] = G[k * gs + j];
    for (int t = 0; t < tokens; t++) {
        vf right[4];
        UNROLL
        for (int j = 0; j < JT; j++)
            right[j] = v_hold(dy[t * ys + j]);
        UNROLL
        for (int k = 0; k < KT; k++) {
            const vf left = v_hold(x[t * xs + k]);
            UNROLL
            for (int j = 0; j < JT; j++)
                sum[k][j] = v_fma(left, right[j], sum[k][j]);
        }
    }
    UNROLL
    for (int k = 0; k < KT; k++)
        UNROLL
    for (int j = 0; j < JT; j++)
        G[k * gs + j] = sum[k][j];
}

/* G[k][j] += sum over tokens of x[t][k] dy[t][j]: a weight matrix's gradient, gs columns wide. */
SHARED_LOOP void NAME(outer)(vf *G, int gs, const vf *x, int xs, const vf *dy, int ys, int tokens,
                             int in, int out)
{
    int k = 0;
    for (; k + 4 <= in; k += 4) {
        int j = 0;
        for (; j + 4 <= out; j += 4)
            NAME(outer_tile)(G + k * gs + j, gs, x + k, xs, dy + j, ys, tokens, 4, 4);
        for (; j < out; j++)
            NAME(outer_tile)(G + k * gs + j, gs, x + k, xs, dy + j, ys, tokens, 4, 1);
    }
    for (; k < in; k++)
        for (int j = 0; j < out; j++)
            NAME(outer_tile)(G + k * gs + j, gs, x + k, xs, dy + j, ys, tokens, 1, 1);
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
        return v_set(((const lane *)(k + (j / WIDTH) * d + x))[j % WIDTH]);
    return v_hold(k[j * d + x]);
}

/* Rows of attention go in pairs: R = 1 or 2 query rows x_0, x_1 (d apart), whose values for key j
 * lie together at [2 j + r]. Then one loop does both rows, and each key is loaded once for the two.
 */
/* Two sums a row, of the even and the odd entries: half the steps that wait for each other. */
INLINE void NAME(dot_rows)(vf *dot, const vf *row, const vf *k, int j, int d, const int R,
                           const int SHARED)
{
    vf even = NAME(key)(k, j, 0, d, SHARED), odd = NAME(key)(k, j, 1, d, SHARED), other[2];
    UNROLL
    for (int r = 0; r < R; r++) {
        dot[r] = row[r * d] * even;
        other[r] = row[r * d + 1] * odd;
    }
    for (int c = 2; c < d; c += 2) {
        even = NAME(key)(k, j, c, d, SHARED);
        odd = NAME(key)(k, j, c + 1, d, SHARED);
        UNROLL
        for (int r = 0; r < R; r++) {
            dot[r] = v_fma(row[r * d + c], even, dot[r]);
            other[r] = v_fma(row[r * d + c + 1], odd, other[r]);
        }
    }
    UNROLL
    for (int r = 0; r < R; r++)
        dot[r] += other[r];
}

/* The query rows in registers, where they fit. */
#if D_FIXED
#define LOAD_ROWS(row, x)                                                                          \
    vf row[2 * D_FIXED];                                                                           \
    UNROLL                                                                                         \
    for (int c = 0; c < R * D_FIXED; c++)                                                          \
        row[c] = x[c];
#else
#define LOAD_ROWS(row, x) const vf *row = x;
#endif

/* Scores in log 2 units of the rows i, i + 1 (SHARED: the WIDTH rows from i and the next WIDTH) on
 * keys [first, first + n), and their largest so far. bias2 at a hidden distance is -infinity. */
INLINE void NAME(scores)(const struct fast_problem *p, vf *e, vf *top, const vf *x, const vf *k,
                         int i, int first, int n, const int R, const int SHARED)
{
    const int d = D;
    const vf scale = v_set(p->scale2);
    const float *bias2 = p->bias2 + i - first;
    vf largest[2] = {top[0], top[R - 1]};
    LOAD_ROWS(row, x)
    for (int j = 0; j < n; j++) {
        vf dot[2];
        NAME(dot_rows)(dot, row, k, first + j, d, R, SHARED);
        UNROLL
        for (int r = 0; r < R; r++) {
            const float *bias = bias2 + (SHARED ? r * WIDTH : r) - j;
            e[2 * j + r] = v_fma(dot[r], scale, SHARED ? v_load(bias) : v_set(*bias));
            largest[r] = v_max(e[2 * j + r], largest[r]);
        }
    }
    UNROLL
    for (int r = 0; r < R; r++)
        top[r] = largest[r];
}

/* dp = x_r . v_j, and the sum over j of P dp of each row. */
INLINE void NAME(weighted_dots)(const struct fast_problem *p, vf *dp, vf *sum, const vf *P,
                                const vf *x, const vf *v, int n, const int R)
{
    const int d = D;
    vf total[2] = {v_set(0.0f), v_set(0.0f)};
    (void)p;
    LOAD_ROWS(row, x)
    for (int j = 0; j < n; j++) {
        vf dot[2];
        NAME(dot_rows)(dot, row, v, j, d, R, 0);
        UNROLL
        for (int r = 0; r < R; r++) {
            dp[2 * j + r] = dot[r];
            total[r] = v_fma(P[2 * j + r], dot[r], total[r]);
        }
    }
    UNROLL
    for (int r = 0; r < R; r++)
        sum[r] = total[r];
}

#if D_FIXED
#define COLUMNS D_FIXED
#else
#define COLUMNS 4
#endif

/* y_r = sum over the keys [first, first + n) of w[2 j + r] v_j (add: added to y). */
INLINE void NAME(sum_keys)(const struct fast_problem *p, vf *y, const vf *w, const vf *v, int first,
                           int n, int add, const int R, const int SHARED)
{
    const int d = D;
    for (int at = 0; at < d; at += COLUMNS) {
        vf sum[2][COLUMNS];
        UNROLL
        for (int r = 0; r < R; r++)
            UNROLL
        for (int c = 0; c < COLUMNS; c++)
            sum[r][c] = add ? y[r * d + at + c] : v_set(0.0f);
        for (int j = 0; j < n; j++) {
            vf weight[2];
            UNROLL
            for (int r = 0; r < R; r++)
                weight[r] = NAME(operand)(p, w[2 * j + r]);
            UNROLL
            for (int c = 0; c < COLUMNS; c++) {
                const vf value = NAME(key)(v, first + j, at + c, d, SHARED);
                UNROLL
                for (int r = 0; r < R; r++)
                    sum[r][c] = v_fma(weight[r], value, sum[r][c]);
            }
        }
        UNROLL
        for (int r = 0; r < R; r++)
            UNROLL
        for (int c = 0; c < COLUMNS; c++)
            y[r * d + at + c] = sum[r][c];
    }
}

/* y_k = sum over the rows i >= first of w_i,(key + k) x_i for K = 1 or 2 keys: down the columns of
 * a matrix of row pairs (pair_offset). */
INLINE void NAME(sum_rows)(const struct fast_problem *p, vf *y, const vf *w, const vf *x, int N,
                           int first, int key, const int K)
{
    const int d = D;
    for (int at = 0; at < d; at += COLUMNS) {
        vf sum[2][COLUMNS];
        UNROLL
        for (int k = 0; k < K; k++)
            UNROLL
        for (int c = 0; c < COLUMNS; c++)
            sum[k][c] = v_set(0.0f);
        for (int i = first; i < N; i += 2) {
            const vf *pair = w + pair_offset(p, N, i) + 2 * key;
            const int rows = i + 1 < N ? 2 : 1;
            for (int r = 0; r < rows; r++) {
                vf weight[2];
                UNROLL
                for (int k = 0; k < K; k++)
                    weight[k] = NAME(operand)(p, pair[2 * k + r]);
                UNROLL
                for (int c = 0; c < COLUMNS; c++) {
                    const vf value = v_hold(x[(i + r) * d + at + c]);
                    UNROLL
                    for (int k = 0; k < K; k++)
                        sum[k][c] = v_fma(weight[k], value, sum[k][c]);
                }
            }
        }
        UNROLL
        for (int k = 0; k < K; k++)
            UNROLL
        for (int c = 0; c < COLUMNS; c++)
            y[k * d + at + c] = sum[k][c];
    }
}
#undef COLUMNS

/* Layer norm of K rows (spec/model.md, 3.2), d apart; xhat and rstd are what the backward needs. */
INLINE void NAME(norms)(const struct fast_problem *p, vf *y, vf *xhat, vf *rstd, const vf *x,
                        const float *gain, const float *bias, const int K)
{
    const int d = D;
    const vf over_d = v_set(1.0f / (float)d);
    vf mean[4], other[4], squares[4];
    (void)p;
    UNROLL
    for (int k = 0; k < K; k++) {
        mean[k] = x[k * d];
        other[k] = x[k * d + 1];
    }
    for (int e = 2; e < d; e += 2) {
        UNROLL
        for (int k = 0; k < K; k++) {
            mean[k] += x[k * d + e];
            other[k] += x[k * d + e + 1];
        }
    }
    UNROLL
    for (int k = 0; k < K; k++) {
        mean[k] = (mean[k] + other[k]) * over_d;
        squares[k] = v_set(0.0f);
    }
    for (int e = 0; e < d; e++) {
        UNROLL
        for (int k = 0; k < K; k++) {
            const vf centred = x[k * d + e] - mean[k];
            xhat[k * d + e] = centred;
            squares[k] = v_fma(centred, centred, squares[k]);
        }
    }
    UNROLL
    for (int k = 0; k < K; k++)
        rstd[k] = v_set(1.0f) / v_sqrt(v_fma(squares[k], over_d, v_set(1e-5f)));
    for (int e = 0; e < d; e++) {
        UNROLL
        for (int k = 0; k < K; k++) {
            xhat[k * d + e] *= rstd[k];
            y[k * d + e] = v_fma(xhat[k * d + e], v_set(gain[e]), v_set(bias[e]));
        }
    }
}

INLINE vf NAME(norm)(const struct fast_problem *p, vf *y, vf *xhat, const vf *x, const float *gain,
                     const float *bias)
{
    vf rstd;
    NAME(norms)(p, y, xhat, &rstd, x, gain, bias, 1);
    return rstd;
}

/* dx of K rows' layer norm, in place of dy; adds to the gradients of gain and bias. */
INLINE void NAME(norms_backward)(const struct fast_problem *p, vf *dy, const vf *xhat,
                                 const vf *rstd, const float *gain, vf *dgain, vf *dbias,
                                 const int K)
{
    const int d = D;
    const vf over_d = v_set(1.0f / (float)d);
    vf mean[4], slope[4];
    (void)p;
    UNROLL
    for (int k = 0; k < K; k++)
        mean[k] = slope[k] = v_set(0.0f);
    for (int e = 0; e < d; e++) {
        vf to_gain = dgain[e], to_bias = dbias[e];
        UNROLL
        for (int k = 0; k < K; k++) {
            const vf g = dy[k * d + e], x = xhat[k * d + e];
            to_gain = v_fma(g, x, to_gain);
            to_bias += g;
            dy[k * d + e] = g * v_set(gain[e]);
            mean[k] += dy[k * d + e];
            slope[k] = v_fma(dy[k * d + e], x, slope[k]);
        }
        dgain[e] = to_gain;
        dbias[e] = to_bias;
    }
    UNROLL
    for (int k = 0; k < K; k++) {
        mean[k] *= over_d;
        slope[k] *= over_d;
    }
    for (int e = 0; e < d; e++) {
        UNROLL
        for (int k = 0; k < K; k++)
            dy[k * d + e] = rstd[k] * v_fma(-xhat[k * d + e], slope[k], dy[k * d + e] - mean[k]);
    }
}

INLINE void NAME(norm_backward)(const struct fast_problem *p, vf *dy, const vf *xhat,
                                const vf *rstd, const float *gain, vf *dgain, vf *dbias, int rows)
{
    const int d = D;
    int i = 0;
    for (; i + 4 <= rows; i += 4)
        NAME(norms_backward)(p, dy + i * d, xhat + i * d, rstd + i, gain, dgain, dbias, 4);
    for (; i < rows; i++)
        NAME(norms_backward)(p, dy + i * d, xhat + i * d, rstd + i, gain, dgain, dbias, 1);
}
