/* train_body.h - loss and gradient of WIDTH sequences, one in each lane (spec/model.md, 3 to 5).
 *
 * Included once for each instance (kernels_body.h). Kept from the forward pass are the states Z_t,
 * attention's weights and values, and a few numbers a row; what is cheap, the backward pass
 * computes again (spec/fast.md). */

/* What comes back through the sum Z + X goes to both; n is a multiple of 4. */
INLINE void NAME(pass_on)(vf *dZ, vf *dX, const vf *dy, int n)
{
    for (int x = 0; x < n; x += 4)
        UNROLL
    for (int k = x; k < x + 4; k++) {
        dZ[k] += dy[k];
        dX[k] += dy[k];
    }
}

/* Whether p->unit is 1/2: a constant in the one instance that training mostly runs in. */
#if D_FIXED && !TF
#define CALL_HALF(p, function, ...)                                                                \
    ((p)->unit == 0.5f ? function(__VA_ARGS__, 1) : function(__VA_ARGS__, 0))
#else
#define CALL_HALF(p, function, ...) function(__VA_ARGS__, (p)->unit == 0.5f)
#endif

/* exp of the scores of R rows and K keys less the largest of their rows, in p->unit: the weights w,
 * which are e, or its square root where HALF. Cut off at 2^-80 of the largest: no denormals, and
 * far below one rounding of a row's sum. */
INLINE void NAME(exponentials)(vf *w, const vf *score, const vf *top, const int R, const int K,
                               const int HALF)
{
    const vf least = v_set(HALF ? -40.0f : -80.0f);
    UNROLL
    for (int n = 0; n < K * R; n++)
        w[n] = v_max(score[n / R * 2 + n % R] - top[n % R], least);
    v_exp2_many(w, w, K * R);
}

/* x^(q-1) */
INLINE vf NAME(power)(const struct fast_problem *p, vf x)
{
    if (p->q == 1.5f)
        return v_sqrt(x);
    if (p->q == 2.0f)
        return x;
    return v_exp2(v_set(p->q - 1.0f) * v_log2(x));
}

/* e^(q-1) of a weight w, which is e (0 where a mask hides the key), or its square root where HALF.
 */
INLINE vf NAME(root)(const struct fast_problem *p, vf w, const int HALF)
{
    return HALF || p->q == 2.0f ? w : NAME(power)(p, v_max(w, v_set(0x1p-80f)));
}

/* Scores into weights in place, with the sums of e and e^q, for K keys from j on. */
INLINE void NAME(weights_tile)(const struct fast_problem *p, vf *w, const vf *top,
                               struct sums *sums, const int R, const int HALF, int j, const int K)
{
    vf weight[8];
    NAME(exponentials)(weight, w + 2 * j, top, R, K, HALF);
    UNROLL
    for (int n = 0; n < K * R; n++) {
        const vf e = HALF ? weight[n] * weight[n] : weight[n];
        w[2 * (j + n / R) + n % R] = weight[n];
        sums->one[n % R] += e;
        sums->q[n % R] = v_fma(e, NAME(root)(p, weight[n], HALF), sums->q[n % R]);
    }
}

/* Keys that the rows i .. i + R - 1 look at. */
INLINE int NAME(keys)(const struct fast_problem *p, const struct lanes *s, int i, int R)
{
    return p->causal ? i + R : s->N;
}

/* The weights of the rows i, i + 1 in iteration t. */
INLINE vf *NAME(weights_of)(const struct fast_problem *p, const struct lanes *s, int t, int i)
{
    const int N = s->N;
    return s->weights + (size_t)t * pair_offset(p, N, N + N % 2) + pair_offset(p, N, i);
}

INLINE void NAME(block_scores)(const struct fast_problem *p, struct lanes *s, int t, int i,
                               struct largest *largest, const int R)
{
    const int d = D, n = NAME(keys)(p, s, i, R);
    NAME(scores)
    (p, &p->training, NAME(weights_of)(p, s, t, i), largest, s->Q + i * d, s->K, i, 0, n, R, 0);
}

/* The attention of rows i .. i + R - 1 in iteration t, forward, from their scores into s->A; the
 * sums of potential and entropy, and what the backward pass needs. */
INLINE void NAME(block_values)(const struct fast_problem *p, struct lanes *s, int t, int i,
                               const struct largest *largest, const int R, const int HALF)
{
    const int d = D, n = NAME(keys)(p, s, i, R), row = t * s->N + i;
    const vf one = v_set(1.0f);
    vf *w = NAME(weights_of)(p, s, t, i), *A = s->A + row * d;
    struct sums sums;
    UNROLL
    for (int r = 0; r < R; r++)
        sums.one[r] = sums.q[r] = v_set(0.0f);
    BY_TWO(n, NAME(weights_tile), p, w, largest->top, &sums, R, HALF);
    if (p->causal && R == 2) /* row i does not see key i + 1, whose 2^-80 vanished in its sums */
        w[2 * n - 2] = v_set(0.0f);
    UNROLL
    for (int r = 0; r < R; r++) {
        const vf scale = one / sums.one[r];
        const vf power = sums.q[r] * (scale * NAME(power)(p, scale));
        s->entropy[i + r] += (one - power) * v_set(1.0f / (p->q - 1.0f));
        s->sum[FAST_POTENTIAL] =
            v_fma(v_log2(sums.one[r]), v_set(0.6931471805599453f), s->sum[FAST_POTENTIAL]);
        s->scale[row + r] = scale;
        s->power_sum[row + r] = power;
        s->largest[row + r] = largest->at[r];
    }
    NAME(sum_keys)(p, A, w, s->scale + row, s->V, 0, n, 0, R, 0, HALF);
    UNROLL
    for (int x = 0; !TF && x < R * d; x++)
        A[x] *= s->scale[row + x / d];
}

/* For the pair of rows r, r + 1, or for r alone where it is the last of N. */
#define CALL_ROWS(r, N, function, ...)                                                             \
    ((r) + 1 < (N) ? function(__VA_ARGS__, 2) : function(__VA_ARGS__, 1))

INLINE void NAME(values)(const struct fast_problem *p, struct lanes *s, int t, int i,
                         const struct largest *largest, const int R)
{
    CALL_HALF(p, NAME(block_values), p, s, t, i, largest, R);
}

/* Attention goes by blocks of four rows, two pairs: first all their scores, then all the rest, so
 * that keys and values take turns in L1 half as often. */
INLINE void NAME(attend)(const struct fast_problem *p, struct lanes *s, int t, int first, int rows)
{
    const int N = s->N;
    struct largest largest[2];
    for (int i = first; i < first + rows; i += 4) {
        const int end = i + 4 < N ? i + 4 : N;
        for (int r = i; r < end; r += 2) {
            CALL_ROWS(r, N, NAME(block_scores), p, s, t, r, &largest[(r - i) / 2]);
        }
        for (int r = i; r < end; r += 2) {
            CALL_ROWS(r, N, NAME(values), p, s, t, r, &largest[(r - i) / 2]);
        }
    }
}

/* What attention in iteration t takes from all rows of Z_t; again: for the backward pass, which
 * needs the queries in the scores' own unit. */
static void NAME(attention)(const struct fast_problem *p, struct lanes *s, int t, int again)
{
    const int N = s->N;
    const vf *Z = s->Z + (size_t)t * (size_t)(N * D);
    vf *mean = s->mean_1 + t * N, *rstd = s->rstd_1 + t * N;
    if (again)
        NAME(attention_inputs)(p, s->Y, s->xhat, mean, rstd, Z, s->X, N, 1);
    else
        NAME(attention_inputs)(p, s->Y, NULL, mean, rstd, Z, s->X, N, 0);
    NAME(queries)(p, s->Q, s->Y, N, again ? p->M : p->training.M);
    if (TF)
        NAME(project)(p, s->K, s->Y, N, EER_W_K);
    NAME(project)(p, s->V, s->Y, N, EER_W_V);
}

/* Z' of the rows i .. i + rows - 1 from Z_t and A. */
INLINE void NAME(outputs)(const struct fast_problem *p, struct lanes *s, int t, int i, int rows)
{
    const int d = D, N = s->N;
    const vf *Z = s->Z + (size_t)t * (size_t)(N * d), *A = s->A + (size_t)t * (size_t)(N * d);
    for (int x = i * d; x < (i + rows) * d; x += d) {
        const vf rstd = NAME(attention_output)(p, s->Zp + x, s->xhat + x, Z + x, A + x);
        if (p->post)
            s->rstd_1[t * N + x / d] = rstd;
    }
}

/* Backward through the n hidden units from j on for `rows` rows: their share of dy, and the
 * gradients of their weights. A few units at a time for a few rows: all that is touched stays in
 * L1. */
INLINE void NAME(mlp_backward_tile)(const struct fast_problem *p, struct lanes *s, const vf *dout,
                                    int rows, int j, int n)
{
    const int d = D, m = p->m;
    const int *o = p->layout.offset;
    const struct block *b = &s->block;
    NAME(hidden)(p, b, dout, rows, j, n, 1);
    NAME(add_rows)(s->G + o[EER_B_1] + j, b->da, TILE, rows, n);
    if (TF)
        for (int x = 0; x < rows * TILE; x++)
            b->da[x] = NAME(operand)(p, b->da[x]);
    NAME(product)(b->dy, d, b->da, TILE, rows, p->W_1T + j * d, d, 1, NULL, n, d, j > 0);
    NAME(outer)(p, s->G + o[EER_W_2] + j * d, 1, d, dout, d, b->act, TILE, rows, n);
    NAME(outer)(p, s->G + o[EER_W_1] + j, m, 1, b->y, d, b->da, TILE, rows, n);
}

/* Backward through the MLP half for `rows` <= BLOCK rows: dZ from the derivative by Z_(t+1) to the
 * one by Z'; dX gets what passes through the sum Z' + X. */
static void NAME(mlp_backward)(const struct fast_problem *p, struct lanes *s, vf *mean, vf *rstd,
                               const vf *Zp, const vf *X, vf *dZ, vf *dX, int rows)
{
    const int d = D, m = p->m;
    const int *o = p->layout.offset;
    struct block *b = &s->block;
    if (m == 0)
        return;
    NAME(mlp_inputs)(p, b->y, b->xhat, mean, rstd, Zp, X, rows, 1);
    if (p->post)
        NAME(mlp_sums)(p, b, b->out, Zp, rows);
    for (int t = 0; p->post && t < rows; t++) {
        vf y[ROW], xhat[ROW], last;
        last = NAME(norm)(p, y, xhat, b->out + t * d, NULL, p->theta + o[EER_LN2_GAIN],
                          p->theta + o[EER_LN2_BIAS]);
        NAME(norm_backward)
        (p, dZ + t * d, xhat, &last, p->theta + o[EER_LN2_GAIN], s->G + o[EER_LN2_GAIN],
         s->G + o[EER_LN2_BIAS], 1);
    }
    const vf *dout = dZ;
    if (TF) {
        for (int x = 0; x < rows * d; x++)
            b->out[x] = NAME(operand)(p, dZ[x]);
        dout = b->out;
    }
    NAME(add_rows)(s->G + o[EER_B_2], dZ, d, rows, d);
    int j = 0;
    for (; j + TILE <= m; j += TILE)
        NAME(mlp_backward_tile)(p, s, dout, rows, j, TILE);
    if (j < m)
        NAME(mlp_backward_tile)(p, s, dout, rows, j, m - j);
    if (p->pre)
        NAME(norm_backward)
    (p, b->dy, b->xhat, rstd, p->theta + o[EER_LN2_GAIN], s->G + o[EER_LN2_GAIN],
     s->G + o[EER_LN2_BIAS], rows);
    NAME(pass_on)(dZ, dX, b->dy, rows * d);
}

/* sum over the keys of p_ij dp_ij, of R rows, times 1 / scale with TF32's roundings. Without them
 * it is the row's dA . A. */
INLINE void NAME(mean_slopes)(const struct fast_problem *p, struct lanes *s, vf *mean, const vf *w,
                              int t, int i, int n, const int R, const int HALF)
{
    const int d = D;
    const vf *dA = s->dA + i * d, *A = s->A + (t * s->N + i) * d;
    UNROLL
    for (int r = 0; r < R; r++)
        mean[r] = v_set(0.0f);
    if (!TF) {
        UNROLL_D
        for (int e = 0; e < d; e++)
            UNROLL
        for (int r = 0; r < R; r++)
            mean[r] = v_fma(dA[r * d + e], A[r * d + e], mean[r]);
        return;
    }
    (void)p;
    for (int j = 0; j < n; j++) {
        vf dp[2] = {v_set(0.0f), v_set(0.0f)};
        NAME(dots)(dp, dA, s->V, j, d, R, 1, 0);
        UNROLL
        for (int r = 0; r < R; r++) {
            const vf e = HALF ? w[2 * j + r] * w[2 * j + r] : w[2 * j + r];
            mean[r] = v_fma(e, dp[r], mean[r]);
        }
    }
}

INLINE void NAME(slopes_tile)(const struct fast_problem *p, vf *S, const vf *w,
                              const struct slopes *f, const vf *row, const vf *V,
                              const int has_terms, int d, const int R, const int HALF, int j,
                              const int K)
{
    vf slope[8];
    UNROLL
    for (int n = 0; n < K * R; n++)
        slope[n] = TF ? v_set(0.0f) : f->constant[n % R];
    NAME(dots)(slope, row, V, j, d, R, K, 0);
    UNROLL
    for (int n = 0; n < K * R; n++) {
        const int r = n % R, at = 2 * (j + n / R) + r;
        const vf weight = w[at];
        if (TF)
            slope[n] += f->constant[r];
        if (has_terms) {
            slope[n] = v_fma(NAME(root)(p, weight, HALF), f->by_root[r], slope[n]);
            slope[n] = v_add_where_equal(slope[n], v_set((float)(j + n / R)), f->largest[r],
                                         f->at_largest[r]);
        }
        slope[n] *= HALF ? weight * weight : weight;
        S[at] = TF ? slope[n] * f->factor[r] : slope[n];
    }
}

/* The derivatives by the scores of rows i .. i + R - 1 (spec/model.md, 5.4):
 * p_ij (dp_ij - mean + kappa_i (sum of p^q - p_ij^(q-1)) + lambda_P [- lambda_P / p_ij at a row's
 * largest p]), with p = e scale; at the largest e is 1. The scale is in dA already, and so in dp
 * and mean, except where products round their operands (TF). */
INLINE void NAME(score_slopes)(const struct fast_problem *p, struct lanes *s, int t, int i,
                               const int R, const int HALF)
{
    const int d = D, n = NAME(keys)(p, s, i, R);
    const vf *w = NAME(weights_of)(p, s, t, i), *dA = s->dA + i * d;
    vf *S = s->S + pair_offset(p, s->N, i), mean[2];
    struct slopes f;
    NAME(mean_slopes)(p, s, mean, w, t, i, n, R, HALF);
    UNROLL
    for (int r = 0; r < R; r++) {
        const int row = t * s->N + i + r;
        const vf scale = s->scale[row], inside = TF ? v_set(1.0f) : scale;
        const vf kappa = s->entropy_slope[i + r] * inside;
        const vf loss = v_fma(kappa, s->power_sum[row], s->potential_slope * inside);
        f.constant[r] = (s->has_terms ? loss : v_set(0.0f)) - (TF ? mean[r] * scale : mean[r]);
        f.by_root[r] = -kappa * NAME(power)(p, scale);
        f.largest[r] = s->largest[row];
        f.at_largest[r] = TF ? -s->potential_slope / scale : -s->potential_slope;
        f.factor[r] = scale;
    }
    LOAD_ROWS(row, dA)
    if (s->has_terms)
        BY_FOUR(n, NAME(slopes_tile), p, S, w, &f, row, s->V, 1, d, R, HALF);
    else
        BY_FOUR(n, NAME(slopes_tile), p, S, w, &f, row, s->V, 0, d, R, HALF);
}

INLINE void NAME(slopes)(const struct fast_problem *p, struct lanes *s, int t, int i, const int R)
{
    CALL_HALF(p, NAME(score_slopes), p, s, t, i, R);
}

/* dQ of rows i .. i + R - 1 */
INLINE void NAME(query_slopes)(const struct fast_problem *p, struct lanes *s, int i, const int R)
{
    const int d = D, n = NAME(keys)(p, s, i, R);
    const vf *S = s->S + pair_offset(p, s->N, i);
    NAME(sum_keys)(p, s->dQ + i * d, S, NULL, s->K, 0, n, 0, R, 0, 0);
}

/* Backward of attention's rows up to dQ, by blocks of four as in attend(). */
INLINE void NAME(rows_backward)(const struct fast_problem *p, struct lanes *s, int t, int first,
                                int rows)
{
    const int N = s->N;
    for (int i = first; i < first + rows; i += 4) {
        const int end = i + 4 < N ? i + 4 : N;
        for (int r = i; r < end; r += 2) {
            CALL_ROWS(r, N, NAME(slopes), p, s, t, r);
        }
        for (int r = i; r < end; r += 2) {
            CALL_ROWS(r, N, NAME(query_slopes), p, s, r);
        }
    }
}

/* y_j = sum over the rows i of w_ij x_i, for all keys j */
INLINE void NAME(sum_columns)(const struct fast_problem *p, vf *y, const vf *w, const vf *scale,
                              const vf *x, int N, const int SQUARED)
{
    const int d = D;
    int j = 0;
    for (; j + 2 <= N; j += 2)
        NAME(sum_rows)(p, y + j * d, w, scale, x, N, p->causal ? j : 0, j, 2, SQUARED);
    if (j < N)
        NAME(sum_rows)(p, y + j * d, w, scale, x, N, p->causal ? j : 0, j, 1, SQUARED);
}

/* dV */
INLINE void NAME(value_slopes)(const struct fast_problem *p, struct lanes *s, int t, const int HALF)
{
    NAME(sum_columns)
    (p, s->dV, NAME(weights_of)(p, s, t, 0), s->scale + t * s->N, s->dA, s->N, HALF);
}

/* A weight matrix's gradient from dy = d(y W), and dy W^T into dY. */
INLINE void NAME(weight_backward)(const struct fast_problem *p, struct lanes *s, vf *G,
                                  const float *w, const vf *from, int add)
{
    const int d = D;
    NAME(outer)(p, G, d, 1, s->Y, d, from, d, s->N, d);
    NAME(product)(s->dY, d, from, d, s->N, w, 1, d, NULL, d, d, add);
}

/* Backward from Z' through the rows i .. i + rows - 1 of attention: dA, the scores' derivatives,
 * dQ. */
INLINE void NAME(attention_rows_backward)(const struct fast_problem *p, struct lanes *s, int t,
                                          int i, int rows)
{
    const int d = D;
    const int *o = p->layout.offset;
    const vf *rstd = s->rstd_1 + t * s->N, *scale = s->scale + t * s->N;
    if (p->post)
        NAME(norm_backward)
    (p, s->dZ + i * d, s->xhat + i * d, rstd + i, p->theta + o[EER_LN1_GAIN],
     s->G + o[EER_LN1_GAIN], s->G + o[EER_LN1_BIAS], rows);
    for (int x = i * d; x < (i + rows) * d; x++)
        s->dA[x] = TF ? NAME(operand)(p, s->dZ[x]) : s->dZ[x] * scale[x / d];
    NAME(rows_backward)(p, s, t, i, rows);
}

/* The rest of the way back to Z_t, when all rows have come so far. */
static void NAME(attention_backward)(const struct fast_problem *p, struct lanes *s, int t)
{
    const int d = D, N = s->N;
    const int *o = p->layout.offset;
    NAME(sum_columns)(p, s->dK, s->S, NULL, s->Q, N, 0);
    CALL_HALF(p, NAME(value_slopes), p, s, t);
    if (TF) {
        const vf factor = v_set(p->scale);
        for (int x = 0; x < N * d; x++) {
            s->dQ[x] = NAME(operand)(p, s->dQ[x] * factor);
            s->dK[x] = NAME(operand)(p, s->dK[x] * factor);
            s->dV[x] = NAME(operand)(p, s->dV[x]);
        }
        NAME(weight_backward)(p, s, s->G + o[EER_W_Q], p->operand + o[EER_W_Q], s->dQ, 0);
        NAME(weight_backward)(p, s, s->G + o[EER_W_K], p->operand + o[EER_W_K], s->dK, 1);
    } else { /* the keys were y itself, and dY is what came back by them */
        NAME(weight_backward)(p, s, s->dM, p->M, s->dQ, 1);
    }
    NAME(weight_backward)(p, s, s->G + o[EER_W_V], p->operand + o[EER_W_V], s->dV, 1);
    if (p->pre)
        NAME(norm_backward)
    (p, s->dY, s->xhat, s->rstd_1 + t * N, p->theta + o[EER_LN1_GAIN], s->G + o[EER_LN1_GAIN],
     s->G + o[EER_LN1_BIAS], N);
    NAME(pass_on)(s->dZ, s->dX, s->dY, N * d);
}

/* The gradients of W_Q and W_K from the one of their product: dM W_K and dM^T W_Q, scaled. */
static void NAME(split_product)(const struct fast_problem *p, struct lanes *s)
{
    const int d = D;
    const int *o = p->layout.offset;
    vf *transposed = s->dM + d * d;
    for (int k = 0; k < d; k++)
        for (int c = 0; c < d; c++) {
            s->dM[k * d + c] *= v_set(p->scale);
            transposed[c * d + k] = s->dM[k * d + c];
        }
    NAME(product)(s->G + o[EER_W_Q], d, s->dM, d, d, p->theta + o[EER_W_K], d, 1, NULL, d, d, 0);
    NAME(product)
    (s->G + o[EER_W_K], d, transposed, d, d, p->theta + o[EER_W_Q], d, 1, NULL, d, d, 0);
}

/* Read-out, cross-entropy and its backward for one row of tokens (spec/model.md, 3.4, 5.1). */
static void NAME(read_out)(const struct fast_problem *p, struct lanes *s, int i, const vf *z,
                           vf *dz, vf coefficient)
{
    const int d = D, C = p->C;
    const int *o = p->layout.offset;
    vf y[EER_MAX_D], xhat[EER_MAX_D], logit[EER_MAX_VOCAB + 1], e[EER_MAX_VOCAB + 1];
    const vi label = s->labels[i];
    const vf rstd = NAME(logits)(p, logit, y, xhat, z);
    vf top;
    const vi best = NAME(largest_logit)(p, logit, &top);
    vf right = v_set(0.0f), sum = v_set(0.0f);
    for (int c = 0; c < C; c++) {
        right = v_select(label == c, logit[c], right);
        e[c] = v_exp2(v_max((logit[c] - top) * v_set(1.4426950408889634f), v_set(-126.0f)));
        sum += e[c];
    }
    const vi counted = (vi)(label >= 0);
    const vf one = v_set(1.0f), zero = v_set(0.0f);
    vf loss = v_fma(v_log2(sum), v_set(0.6931471805599453f), top - right);
    s->sum[FAST_TASK] += v_select(counted, loss, zero);
    s->sum[FAST_CORRECT] += v_select(counted & (vi)(best == label), one, zero);
    if (!dz)
        return;
    const vf scale = v_select(counted, coefficient, zero), over_sum = one / sum;
    vf dlogit[EER_MAX_VOCAB + 1];
    for (int c = 0; c < C; c++)
        dlogit[c] = scale * (e[c] * over_sum - v_select(label == c, one, zero));
    NAME(add_rows)(s->G + o[EER_B_O], dlogit, C, 1, C);
    if (TF)
        for (int c = 0; c < C; c++)
            dlogit[c] = NAME(operand)(p, dlogit[c]);
    NAME(outer)(p, s->G + o[EER_W_O], C, 1, y, d, dlogit, C, 1, C);
    NAME(product)(dz, d, dlogit, C, 1, p->operand + o[EER_W_O], 1, C, NULL, C, d, 0);
    if (p->final_norm)
        NAME(norm_backward)
    (p, dz, xhat, &rstd, p->theta + o[EER_LNF_GAIN], s->G + o[EER_LNF_GAIN], s->G + o[EER_LNF_BIAS],
     1);
}

/* The kinetic sum of all rows and, with dZ, its derivative by Z_T (spec/model.md, 4.2 and 5.1). */
static void NAME(kinetic)(const struct fast_problem *p, struct lanes *s, vf *dZ, vf coefficient)
{
    const int d = D, N = s->N, T = p->T;
    const int path = p->kinetic == EER_KINETIC_PATH;
    const vf zero = v_set(0.0f);
    vf all = zero;
    for (int t = path ? 1 : T; t <= T; t++) {
        const vf *now = s->Z + (size_t)t * (size_t)(N * d);
        const vf *before = path ? now - N * d : s->Z; /* Z_0 = 0 */
        for (int i = 0; i < N; i++) {
            vf squares = zero;
            for (int x = i * d; x < (i + 1) * d; x++)
                squares = v_fma(now[x] - before[x], now[x] - before[x], squares);
            vf norm = v_sqrt(squares);
            all += p->kinetic == EER_KINETIC_NORM ? norm : squares;
            if (!dZ || t < T || p->kinetic == EER_KINETIC_FROBENIUS)
                continue;
            vf slope = coefficient * v_set(2.0f);
            if (p->kinetic == EER_KINETIC_NORM)
                slope = v_select(norm > zero, coefficient / norm, zero);
            for (int x = i * d; x < (i + 1) * d; x++)
                dZ[x] = v_fma(now[x] - before[x], slope, dZ[x]);
        }
    }
    if (p->kinetic == EER_KINETIC_FROBENIUS) {
        all = v_sqrt(all);
        vf slope = v_select(all > zero, coefficient / all, zero);
        const vf *now = s->Z + (size_t)T * (size_t)(N * d);
        for (int x = 0; dZ && x < N * d; x++)
            dZ[x] = v_fma(now[x], slope, dZ[x]);
    }
    s->sum[FAST_KINETIC] = all;
}

/* What the path reading adds to the derivative by Z_t, 0 < t < T. */
static void NAME(kinetic_path)(const struct fast_problem *p, struct lanes *s, vf *dZ, int t,
                               vf coefficient)
{
    const int size = s->N * D;
    (void)p;
    const vf *Z = s->Z + (size_t)t * (size_t)size;
    const vf slope = coefficient * v_set(2.0f);
    for (int x = 0; x < size; x++)
        dZ[x] = v_fma((Z[x] - Z[x - size]) - (Z[x + size] - Z[x]), slope, dZ[x]);
}

/* Tokens, labels and the input X (spec/model.md, 3.1); lanes beyond count repeat the first one,
 * uncounted and with weight 0. */
static void NAME(load)(const struct fast_problem *p, struct lanes *s, const struct eer_batch *batch,
                       int first, int count)
{
    const int d = D, N = s->N;
    const float *E = p->theta + p->layout.offset[EER_EMBEDDING];
    for (int i = 0; i < N; i++)
        for (int l = 0; l < WIDTH; l++) {
            const int at = (first + (l < count ? l : 0)) * batch->L + i - p->bos;
            const int token = i < p->bos ? p->V : batch->tokens[at];
            s->tokens[i][l] = token;
            s->labels[i][l] = i < p->bos || l >= count ? -1 : batch->labels[at];
            for (int x = 0; x < d; x++)
                s->X[i * d + x][l] =
                    E[token * d + x] + (p->position ? p->position[i * d + x] : 0.0f);
        }
    for (int l = 0; l < WIDTH; l++)
        s->present[l] = l < count ? 1.0f : 0.0f;
}

static void NAME(forward)(const struct fast_problem *p, struct lanes *s)
{
    const int d = D, N = s->N;
    for (int x = 0; x < N * d; x++)
        s->Z[x] = v_set(0.0f);
    for (int i = 0; i < N; i++)
        s->entropy[i] = v_set(0.0f);
    for (int term = 0; term < FAST_TERMS; term++)
        s->sum[term] = v_set(0.0f);
    for (int t = 0; t < p->T; t++) {
        vf *Z = s->Z + (size_t)t * (size_t)(N * d);
        NAME(attention)(p, s, t, 0);
        for (int i = 0; i < N; i += BLOCK) {
            const int rows = N - i < BLOCK ? N - i : BLOCK;
            NAME(attend)(p, s, t, i, rows);
            NAME(outputs)(p, s, t, i, rows);
            NAME(mlp_forward)
            (p, &s->block, Z + (N + i) * d, s->mean_2 + t * N + i, s->rstd_2 + t * N + i,
             s->Zp + i * d, s->X + i * d, rows);
        }
    }
}

/* Entropy's sums, and each row's coefficient lambda_S sigma_i q / (q - 1) / (BNT). */
static void NAME(entropy)(const struct fast_problem *p, struct lanes *s, float coefficient)
{
    const vf zero = v_set(0.0f), slope = v_set(coefficient * (p->q / (p->q - 1.0f))) * s->present;
    for (int i = 0; i < s->N; i++) {
        vf off = s->entropy[i] * v_set(1.0f / (float)p->T) - v_set(p->eta);
        s->sum[FAST_ENTROPY] += s->entropy[i];
        s->sum[FAST_PENALTY] += v_max(off, -off);
        s->entropy_slope[i] = v_select(off > zero, slope, v_select(off < zero, -slope, zero));
    }
}

static void NAME(backward)(const struct fast_problem *p, struct lanes *s,
                           const struct fast_objective *f)
{
    const int d = D, N = s->N;
    const vf kinetic = v_set(f->kinetic) * s->present;
    for (int x = 0; x < N * d; x++)
        s->dX[x] = v_set(0.0f);
    for (int x = 0; x < d * d; x++)
        s->dM[x] = v_set(0.0f);
    for (int t = p->T - 1; t >= 0; t--) {
        NAME(attention)(p, s, t, 1);
        for (int i = 0; i < N; i += BLOCK) {
            const int rows = N - i < BLOCK ? N - i : BLOCK;
            NAME(outputs)(p, s, t, i, rows);
            NAME(mlp_backward)
            (p, s, s->mean_2 + t * N + i, s->rstd_2 + t * N + i, s->Zp + i * d, s->X + i * d,
             s->dZ + i * d, s->dX + i * d, rows);
            NAME(attention_rows_backward)(p, s, t, i, rows);
        }
        NAME(attention_backward)(p, s, t);
        if (t > 0 && p->kinetic == EER_KINETIC_PATH && f->kinetic != 0.0f)
            NAME(kinetic_path)(p, s, s->dZ, t, kinetic);
    }
    if (!TF)
        NAME(split_product)(p, s);
    vf *dE = s->G + p->layout.offset[EER_EMBEDDING];
    for (int i = 0; i < N; i++)
        for (int l = 0; l < WIDTH; l++)
            for (int x = 0; x < d; x++)
                dE[s->tokens[i][l] * d + x][l] += s->dX[i * d + x][l];
}

static void NAME(train)(const struct fast_problem *p, const struct fast_objective *f,
                        const struct eer_batch *batch, int first, int count, void *memory,
                        float *sums, float *gradient)
{
    const int d = D;
    struct lanes lanes, *s = &lanes;
    lay_out_lanes(p, s, batch->L + p->bos, memory);
    if (!TF) { /* kernels.h, struct fast_scores */
        s->K = s->Y;
        s->dK = s->dY;
    }
    s->has_terms = f->penalty != 0.0f || f->potential != 0.0f;
    NAME(load)(p, s, batch, first, count);
    NAME(forward)(p, s);
    NAME(entropy)(p, s, f->penalty);
    for (int x = 0; gradient && x < p->layout.size; x++)
        s->G[x] = v_set(0.0f);
    const vf *Z = s->Z + (size_t)p->T * (size_t)(s->N * d);
    for (int i = 0; i < s->N; i++) {
        vf *dz = gradient ? s->dZ + i * d : NULL;
        if (i >= p->bos)
            NAME(read_out)(p, s, i, Z + i * d, dz, v_set(f->task));
        else
            for (int x = 0; dz && x < d; x++)
                dz[x] = v_set(0.0f);
    }
    NAME(kinetic)
    (p, s, gradient && f->kinetic != 0.0f ? s->dZ : NULL, v_set(f->kinetic) * s->present);
    for (int term = 0; term < FAST_TERMS; term++) {
        s->sum[term] *= s->present;
        sums[term] = v_tree_sum(s->sum[term]);
    }
    if (!gradient)
        return;
    s->potential_slope = v_set(f->potential) * s->present;
    NAME(backward)(p, s, f);
    for (int x = 0; x < p->layout.size; x++)
        gradient[x] = v_tree_sum(s->G[x]);
}
