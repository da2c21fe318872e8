/* blocks_body.h - the register-blocked inner loops: products with weights, scores, weighted sums.
 *
 * Included once for each instance (kernels_body.h): D is the latent dimension (the constant 8, or
 * p->d), TF says whether operands of products are rounded to TF32, NAME makes the names differ.
 * A "token" here is a row of WIDTH lanes: [token][dimension][lane]. */

/* With d known the compiler gets to see every size; without, one copy of a loop serves all callers.
 */
#if D_FIXED
#define SHARED_LOOP INLINE
#define UNROLL_D    UNROLL
#define ROW         D_FIXED
#else
#define SHARED_LOOP static
#define UNROLL_D
#define ROW EER_MAX_D
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

/* y (+)= b + x W for T rows and J columns, in registers. The weight of (k, j) lies at w[k * wk + j
 * * wj], so that the same loop serves W and its transpose. */
INLINE void NAME(product_tile)(vf *y, int ys, const vf *x, int xs, const float *w, int wk, int wj,
                               const float *b, int in, int add, const int T, const int J)
{
    vf sum[4][4];
    UNROLL
    for (int t = 0; t < T; t++)
        UNROLL
    for (int j = 0; j < J; j++)
        sum[t][j] = add ? y[t * ys + j] : b ? v_set(b[j]) : v_set(0.0f);
    for (int k = 0; k < in; k++) {
        vf left[4];
        UNROLL
        for (int t = 0; t < T; t++)
            left[t] = v_hold(x[t * xs + k]);
        UNROLL
        for (int j = 0; j < J; j++) {
            const vf weight = v_set(w[k * wk + j * wj]);
            UNROLL
            for (int t = 0; t < T; t++)
                sum[t][j] = v_fma(left[t], weight, sum[t][j]);
        }
    }
    UNROLL
    for (int t = 0; t < T; t++)
        UNROLL
    for (int j = 0; j < J; j++)
        y[t * ys + j] = sum[t][j];
}

INLINE void NAME(product_columns)(vf *y, int ys, const vf *x, int xs, const float *w, int wk,
                                  int wj, const float *b, int in, int out, int add, const int T)
{
    int j = 0;
    for (; j + 4 <= out; j += 4)
        NAME(product_tile)(y + j, ys, x, xs, w + j * wj, wk, wj, b ? b + j : b, in, add, T, 4);
    for (; j < out; j++)
        NAME(product_tile)(y + j, ys, x, xs, w + j * wj, wk, wj, b ? b + j : b, in, add, T, 1);
}

/* y (+)= b + x W for `rows` rows; x has `in` entries at stride xs, y has `out` at stride ys. */
SHARED_LOOP void NAME(product)(vf *y, int ys, const vf *x, int xs, int rows, const float *w, int wk,
                               int wj, const float *b, int in, int out, int add)
{
    int t = 0;
    for (; t + 4 <= rows; t += 4)
        NAME(product_columns)(y + t * ys, ys, x + t * xs, xs, w, wk, wj, b, in, out, add, 4);
    for (; t < rows; t++)
        NAME(product_columns)(y + t * ys, ys, x + t * xs, xs, w, wk, wj, b, in, out, add, 1);
}

/* G[k gk + j gj] += sum over rows of x[k] dy[j], for 4 k and J j. */
INLINE void NAME(outer_tile)(vf *G, int gk, int gj, const vf *x, int xs, const vf *dy, int ys,
                             int rows, const int J)
{
    vf sum[4][4];
    UNROLL
    for (int k = 0; k < 4; k++)
        UNROLL
    for (int j = 0; j < J; j++)
        sum[k][j] = G[k * gk + j * gj];
    for (int t = 0; t < rows; t++, x += xs, dy += ys) {
        vf right[4];
        UNROLL
        for (int j = 0; j < J; j++)
            right[j] = v_hold(dy[j]);
        UNROLL
        for (int k = 0; k < 4; k++) {
            const vf left = v_hold(x[k]);
            UNROLL
            for (int j = 0; j < J; j++)
                sum[k][j] = v_fma(left, right[j], sum[k][j]);
        }
    }
    UNROLL
    for (int k = 0; k < 4; k++)
        UNROLL
    for (int j = 0; j < J; j++)
        G[k * gk + j * gj] = sum[k][j];
}

/* The same for the d entries of x and the `out` of dy: a weight matrix's gradient. */
SHARED_LOOP void NAME(outer)(const struct fast_problem *p, vf *G, int gk, int gj, const vf *x,
                             int xs, const vf *dy, int ys, int rows, int out)
{
    const int d = D;
    (void)p;
    for (int k = 0; k < d; k += 4) {
        int j = 0;
        for (; j + 4 <= out; j += 4)
            NAME(outer_tile)(G + k * gk + j * gj, gk, gj, x + k, xs, dy + j, ys, rows, 4);
        for (; j < out; j++)
            NAME(outer_tile)(G + k * gk + j * gj, gk, gj, x + k, xs, dy + j, ys, rows, 1);
    }
}

INLINE void NAME(add_rows_tile)(vf *G, const vf *dy, int ys, int rows, const int J)
{
    vf sum[4];
    UNROLL
    for (int j = 0; j < J; j++)
        sum[j] = G[j];
    for (int t = 0; t < rows; t++, dy += ys)
        UNROLL
    for (int j = 0; j < J; j++)
        sum[j] += dy[j];
    UNROLL
    for (int j = 0; j < J; j++)
        G[j] = sum[j];
}

/* sum over rows into a bias's gradient */
INLINE void NAME(add_rows)(vf *G, const vf *dy, int ys, int rows, int out)
{
    int j = 0;
    for (; j + 4 <= out; j += 4)
        NAME(add_rows_tile)(G + j, dy + j, ys, rows, 4);
    for (; j < out; j++)
        NAME(add_rows_tile)(G + j, dy + j, ys, rows, 1);
}

/* Rows of attention go in pairs: R = 1 or 2 query rows x_0, x_1 (d apart), whose values for key j
 * lie together at [2 j + r]. The keys are those of each lane's own sequence (training), or SHARED:
 * the one key of a sequence for all lanes (evaluation: key j is lane j mod WIDTH of block j /
 * WIDTH). */

/* Entry x of key j */
INLINE vf NAME(key)(const vf *k, int j, int x, int d, const int SHARED)
{
    if (SHARED)
        return v_set(((const lane *)(k + (j / WIDTH) * d + x))[j % WIDTH]);
    return v_hold(k[j * d + x]);
}

/* sum[R k + r] += x_r . k_(j + k) for K keys: 8 sums side by side, since each of their steps waits
 * for the one before. */
INLINE void NAME(dots)(vf *sum, const vf *x, const vf *k, int j, int d, const int R, const int K,
                       const int SHARED)
{
    UNROLL_D
    for (int c = 0; c < d; c++)
        UNROLL
    for (int n = 0; n < K; n++) {
        const vf key = NAME(key)(k, j + n, c, d, SHARED);
        UNROLL
        for (int r = 0; r < R; r++)
            sum[n * R + r] = v_fma(x[r * d + c], key, sum[n * R + r]);
    }
}

/* The keys 0 .. n - 1 by four (by two), and the rest. */
#define BY_FOUR(n, function, ...)                                                                  \
    do {                                                                                           \
        int key_ = 0;                                                                              \
        for (; key_ + 4 <= n; key_ += 4)                                                           \
            function(__VA_ARGS__, key_, 4);                                                        \
        if (key_ + 2 <= n) {                                                                       \
            function(__VA_ARGS__, key_, 2);                                                        \
            key_ += 2;                                                                             \
        }                                                                                          \
        if (key_ < n)                                                                              \
            function(__VA_ARGS__, key_, 1);                                                        \
    } while (0)
#define BY_TWO(n, function, ...)                                                                   \
    do {                                                                                           \
        int key_ = 0;                                                                              \
        for (; key_ + 2 <= n; key_ += 2)                                                           \
            function(__VA_ARGS__, key_, 2);                                                        \
        if (key_ < n)                                                                              \
            function(__VA_ARGS__, key_, 1);                                                        \
    } while (0)

/* The query rows in registers, where they fit. */
#if D_FIXED
#define LOAD_ROWS(row, x)                                                                          \
    vf row[2 * D_FIXED];                                                                           \
    UNROLL                                                                                         \
    for (int c = 0; c < R * D_FIXED; c++)                                                          \
        row[c] = v_hold(x[c]);
#else
#define LOAD_ROWS(row, x) const vf *row = x;
#endif

/* Scores of K keys from j on, of the rows i, i + 1 (SHARED: the WIDTH rows from i and the next
 * WIDTH), given the bias of the first row and key. */
INLINE void NAME(scores_tile)(const struct fast_scores *unit, vf *e, const float *bias,
                              struct largest *largest, const vf *row, const vf *k, int first, int d,
                              const int R, const int SHARED, int j, const int K)
{
    vf sum[8], added[8];
    UNROLL
    for (int n = 0; n < K * R; n++) {
        const float *b = bias - j - n / R + (SHARED ? n % R * WIDTH : n % R);
        added[n] = SHARED ? v_load(b) : v_set(*b);
        sum[n] = TF ? v_set(0.0f) : added[n];
    }
    NAME(dots)(sum, row, k, first + j, d, R, K, SHARED);
    UNROLL
    for (int n = 0; n < K * R; n++) {
        if (TF)
            sum[n] = v_fma(sum[n], v_set(unit->scale), added[n]);
        e[2 * (j + n / R) + n % R] = sum[n];
    }
    if (!largest)
        return;
    UNROLL
    for (int n = 0; n < K * R; n++)
        v_largest(&largest->top[n % R], &largest->at[n % R], sum[n], v_set((float)(j + n / R)));
}

/* Scores of those rows on the keys [first, first + n), and each row's largest unless that is NULL.
 * bias at a hidden distance is -infinity. The scale is in the queries already, except where
 * products round their operands (TF). */
INLINE void NAME(scores)(const struct fast_problem *p, const struct fast_scores *unit, vf *e,
                         struct largest *largest, const vf *x, const vf *k, int i, int first, int n,
                         const int R, const int SHARED)
{
    const int d = D;
    const float *bias = unit->bias + i - first;
    struct largest found;
    (void)p;
    found.top[0] = found.top[1] = v_set(-INFINITY);
    found.at[0] = found.at[1] = v_set(0.0f);
    LOAD_ROWS(row, x)
    if (largest)
        BY_FOUR(n, NAME(scores_tile), unit, e, bias, &found, row, k, first, d, R, SHARED);
    else
        BY_FOUR(n, NAME(scores_tile), unit, e, bias, NULL, row, k, first, d, R, SHARED);
    if (largest)
        *largest = found;
}

#if D_FIXED
#define COLUMNS D_FIXED
#else
#define COLUMNS 4
#endif

/* What is summed with a stored w as its weight. Of attention's weights (spec/fast.md) SQUARED says
 * that w is the root of e; where operands are rounded, it is p that is, so its row's scale 1 / sum
 * goes in first. Elsewhere scale is NULL. */
INLINE vf NAME(summand)(const struct fast_problem *p, vf w, const vf *scale, const int SQUARED)
{
    if (SQUARED)
        w *= w;
    if (TF && scale)
        w *= *scale;
    return v_hold(NAME(operand)(p, w));
}

/* y_r = sum over the keys [first, first + n) of w[2 j + r] v_j (add: added to y). */
INLINE void NAME(sum_keys)(const struct fast_problem *p, vf *y, const vf *w, const vf *scale,
                           const vf *v, int first, int n, int add, const int R, const int SHARED,
                           const int SQUARED)
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
                weight[r] = NAME(summand)(p, w[2 * j + r], scale ? scale + r : NULL, SQUARED);
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

/* y_k = sum over the rows i >= first (a pair's first) of w_i,(key + k) x_i, for K = 1 or 2 keys:
 * down the columns of a matrix of row pairs (pair_offset). */
INLINE void NAME(sum_rows)(const struct fast_problem *p, vf *y, const vf *w, const vf *scale,
                           const vf *x, int N, int first, int key, const int K, const int SQUARED)
{
    const int d = D;
    for (int at = 0; at < d; at += COLUMNS) {
        const vf *from = w + pair_offset(p, N, first) + 2 * key, *row = x + first * d + at;
        size_t next = pair_offset(p, N, first + 2) - pair_offset(p, N, first);
        vf sum[2][COLUMNS];
        UNROLL
        for (int k = 0; k < K; k++)
            UNROLL
        for (int c = 0; c < COLUMNS; c++)
            sum[k][c] = v_set(0.0f);
        for (int i = first; i < N; i += 2) {
            UNROLL
            for (int r = 0; r < 2; r++, row += d) {
                if (r == 1 && i + 1 == N)
                    break;
                vf weight[2];
                UNROLL
                for (int k = 0; k < K; k++)
                    weight[k] =
                        NAME(summand)(p, from[2 * k + r], scale ? scale + i + r : NULL, SQUARED);
                UNROLL
                for (int c = 0; c < COLUMNS; c++) {
                    const vf value = v_hold(row[c]);
                    UNROLL
                    for (int k = 0; k < K; k++)
                        sum[k][c] = v_fma(weight[k], value, sum[k][c]);
                }
            }
            from += next;
            next += p->causal ? 4 : 0;
        }
        UNROLL
        for (int k = 0; k < K; k++)
            UNROLL
        for (int c = 0; c < COLUMNS; c++)
            y[k * d + at + c] = sum[k][c];
    }
}
#undef COLUMNS

/* Layer norm of K rows of z (+ x, unless it is NULL), d apart (spec/model.md, 3.2). xhat (unless it
 * is NULL), mean and rstd are what the backward needs; with KNOWN the latter two are given. Four
 * sums a row: fewer steps that wait for each other. */
INLINE void NAME(norms)(const struct fast_problem *p, vf *y, vf *xhat, vf *mean, vf *rstd,
                        const vf *z, const vf *x, const float *gain, const float *bias,
                        const int KNOWN, const int K)
{
    const int d = D;
    const vf over_d = v_set(1.0f / (float)d);
    vf row[2 * ROW], sum[2][4];
    (void)p;
    UNROLL
    for (int n = 0; n < 4 * K; n++)
        sum[n % K][n / K] = v_set(0.0f);
    UNROLL_D
    for (int e = 0; e < d; e++)
        UNROLL
    for (int k = 0; k < K; k++) {
        row[k * d + e] = x ? z[k * d + e] + x[k * d + e] : z[k * d + e];
        if (!KNOWN)
            sum[k][e % 4] += row[k * d + e];
    }
    UNROLL
    for (int k = 0; !KNOWN && k < K; k++) {
        mean[k] = ((sum[k][0] + sum[k][1]) + (sum[k][2] + sum[k][3])) * over_d;
        sum[k][0] = sum[k][1] = sum[k][2] = sum[k][3] = v_set(0.0f);
    }
    UNROLL_D
    for (int e = 0; e < d; e++)
        UNROLL
    for (int k = 0; k < K; k++) {
        row[k * d + e] -= mean[k];
        if (!KNOWN)
            sum[k][e % 4] = v_fma(row[k * d + e], row[k * d + e], sum[k][e % 4]);
    }
    UNROLL
    for (int k = 0; !KNOWN && k < K; k++) {
        const vf variance = ((sum[k][0] + sum[k][1]) + (sum[k][2] + sum[k][3])) * over_d;
        rstd[k] = v_set(1.0f) / v_sqrt(variance + v_set(1e-5f));
    }
    vf factor[2];
    UNROLL
    for (int k = 0; k < K; k++)
        factor[k] = rstd[k];
    UNROLL_D
    for (int e = 0; e < d; e++)
        UNROLL
    for (int k = 0; k < K; k++) {
        const vf value = row[k * d + e] * factor[k];
        if (xhat)
            xhat[k * d + e] = value;
        y[k * d + e] = v_fma(value, v_set(gain[e]), v_set(bias[e]));
    }
}

/* One row of z (+ x); its rstd. */
INLINE vf NAME(norm)(const struct fast_problem *p, vf *y, vf *xhat, const vf *z, const vf *x,
                     const float *gain, const float *bias)
{
    vf mean, rstd;
    NAME(norms)(p, y, xhat, &mean, &rstd, z, x, gain, bias, 0, 1);
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
