/* train_body.h - loss and gradient of WIDTH sequences, one in each lane (spec/model.md, 3 to 5).
 *
 * Included once for each instance (kernels_body.h). Only the states Z_t are kept from the forward
 * pass; the backward pass computes the inside of each iteration again. That costs a third more
 * operations and saves writing and reading some 4 MB a step, which costs more (spec/fast.md). */

/* From the scores e (log 2 units) of R rows at the KEYS keys from j on: e becomes exp(e - top), g
 * the same to the power q - 1. Cut off at 2^-80 of the largest: no denormals, and far below one
 * rounding of a row's sum. */
INLINE void NAME(exponential_keys)(const struct fast_problem *p, vf *e, vf *g, const vf *top, int j,
                                   const int R, const int KEYS)
{
    vf below[4], power[4];
    const int root = p->q == 1.5f;
    const vf half = v_set(0.5f), least = v_set(root ? -40.0f : -80.0f);
    UNROLL
    for (int k = 0; k < R * KEYS; k++) {
        const vf score = e[2 * (j + k / R) + k % R], most = top[k % R];
        below[k] = v_max(root ? v_fma(score, half, -half * most) : score - most, least);
    }
    v_exp2_many(power, below, R * KEYS);
    UNROLL
    for (int k = 0; k < R * KEYS; k++)
        e[2 * (j + k / R) + k % R] = root ? power[k] * power[k] : power[k];
    if (!root) {
        UNROLL
        for (int k = 0; k < R * KEYS; k++)
            below[k] *= v_set(p->q - 1.0f);
        v_exp2_many(power, below, R * KEYS);
    }
    UNROLL
    for (int k = 0; k < R * KEYS; k++)
        g[2 * (j + k / R) + k % R] = power[k];
}

/* The same for all n keys, and the sums of e and of e^q of each row. */
INLINE void NAME(exponentials)(const struct fast_problem *p, vf *e, vf *g, const vf *top, vf *sum,
                               vf *power, int n, const int R)
{
    vf s[2] = {v_set(0.0f), v_set(0.0f)}, s_q[2] = {v_set(0.0f), v_set(0.0f)};
    for (int j = 0; j < n;) {
        const int keys = j + 2 <= n ? 2 : 1;
        if (keys == 2)
            NAME(exponential_keys)(p, e, g, top, j, R, 2);
        else
            NAME(exponential_keys)(p, e, g, top, j, R, 1);
        for (const int end = j + keys; j < end; j++) {
            UNROLL
            for (int r = 0; r < R; r++) {
                s[r] += e[2 * j + r];
                s_q[r] = v_fma(e[2 * j + r], g[2 * j + r], s_q[r]);
            }
        }
    }
    UNROLL
    for (int r = 0; r < R; r++) {
        sum[r] = s[r];
        power[r] = s_q[r];
    }
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

/* Attention of rows i .. i + R - 1 in iteration t, forward, into s->A; the sums of potential and
 * entropy, and what again() needs. */
INLINE void NAME(attend)(const struct fast_problem *p, struct lanes *s, int t, int i, const int R)
{
    const int d = D, N = s->N, n = p->causal ? i + R : N;
    const vf zero = v_set(0.0f), one = v_set(1.0f);
    vf *e = s->scratch, *g = s->scratch + 2 * N, *A = s->A + i * d;
    vf top[2] = {v_set(-INFINITY), v_set(-INFINITY)}, sum[2], power[2], scale[2];
    NAME(scores)(p, e, top, s->Q + i * d, s->K, i, 0, n, R, 0);
    NAME(exponentials)(p, e, g, top, sum, power, n, R);
    if (p->causal && R == 2) /* row i does not see key i + 1, whose 2^-80 vanished in its sums */
        e[2 * n - 2] = zero;
    UNROLL
    for (int r = 0; r < R; r++) {
        scale[r] = one / sum[r];
        power[r] *= scale[r] * NAME(power)(p, scale[r]);
        s->entropy[i + r] += (one - power[r]) * v_set(1.0f / (p->q - 1.0f));
        s->sum[FAST_POTENTIAL] =
            v_fma(v_log2(sum[r]), v_set(0.6931471805599453f), s->sum[FAST_POTENTIAL]);
        s->top[t * N + i + r] = top[r];
        s->scale[t * N + i + r] = scale[r];
        if (s->needs_entropy)
            s->power_sum[t * N + i + r] = power[r];
    }
    if (TF) /* the operand that is rounded is p, so it has to be p before the product */
        for (int j = 0; j < n; j++)
            UNROLL
    for (int r = 0; r < R; r++)
        e[2 * j + r] *= scale[r];
    NAME(sum_keys)(p, A, e, s->V, 0, n, 0, R, 0);
    if (!TF)
        for (int x = 0; x < R * d; x++)
            A[x] *= scale[x / d];
}

/* The first key with the largest score of one row of a pair. */
INLINE vf NAME(first_largest)(const vf *e, int n, vf top)
{
    vf at = v_set(-1.0f);
    for (int j = n - 1; j >= 0; j--)
        at = v_select(e[2 * j] == top, v_set((float)j), at);
    return at;
}

/* The same rows again for the backward pass: p_ij and p_ij^(q-1) into s->P and s->S, straight from
 * the scores, since their largest and their sum are known by now. */
INLINE void NAME(attend_again)(const struct fast_problem *p, struct lanes *s, int t, int i,
                               const int R)
{
    const int d = D, N = s->N, n = p->causal ? i + R : N;
    const size_t at = pair_offset(p, N, i);
    vf *P = s->P + at, *S = s->S + at;
    vf top[2], scale[2], power[2], ignored[2] = {v_set(0.0f), v_set(0.0f)};
    NAME(scores)(p, P, ignored, s->Q + i * d, s->K, i, 0, n, R, 0);
    UNROLL
    for (int r = 0; r < R; r++) {
        top[r] = s->top[t * N + i + r];
        scale[r] = s->scale[t * N + i + r];
        power[r] = NAME(power)(p, scale[r]);
        if (s->needs_largest)
            s->largest[i + r] = NAME(first_largest)(P + r, n, top[r]);
    }
    int j = 0;
    for (; j + 2 <= n; j += 2)
        NAME(exponential_keys)(p, P, S, top, j, R, 2);
    if (j < n)
        NAME(exponential_keys)(p, P, S, top, j, R, 1);
    for (j = 0; j < n; j++) {
        UNROLL
        for (int r = 0; r < R; r++) {
            P[2 * j + r] *= scale[r];
            if (s->needs_entropy)
                S[2 * j + r] *= power[r];
        }
    }
    if (p->causal && R == 2)
        P[2 * n - 2] = S[2 * n - 2] = v_set(0.0f);
    NAME(sum_keys)(p, s->A + i * d, P, s->V, 0, n, 0, R, 0);
}

/* The attention half of iteration t: from Z_t to Z' in s->Zp; again: for the backward pass. */
static void NAME(attention)(const struct fast_problem *p, struct lanes *s, int t, int again)
{
    const int d = D, N = s->N;
    const vf *Z = s->Z + (size_t)t * (size_t)(N * d);
    NAME(attention_inputs)(p, s->Y, s->xhat, s->rstd, Z, s->X, N);
    for (int w = 0; w < 3; w++) {
        vf *to = w == 0 ? s->Q : w == 1 ? s->K : s->V;
        NAME(project)(p, to, s->Y, N, EER_W_Q + w);
    }
    for (int i = 0; i < N; i += 2) {
        if (again && i + 2 <= N)
            NAME(attend_again)(p, s, t, i, 2);
        else if (again)
            NAME(attend_again)(p, s, t, i, 1);
        else if (i + 2 <= N)
            NAME(attend)(p, s, t, i, 2);
        else
            NAME(attend)(p, s, t, i, 1);
    }
    for (int i = 0; i < N; i++) {
        vf rstd =
            NAME(attention_output)(p, s->Zp + i * d, s->xhat + i * d, Z + i * d, s->A + i * d);
        if (p->post)
            s->rstd[i] = rstd;
    }
}

/* Backward through the n hidden units from j on: their share of dy, and the gradients of their
 * weights. A few units at a time for a few tokens: all that is touched stays in L1. */
INLINE void NAME(mlp_backward_tile)(const struct fast_problem *p, struct lanes *s, const vf *dout,
                                    int tokens, int j, int n)
{
    const int d = D, m = p->m;
    const int *o = p->layout.offset;
    const float *W_1 = p->operand + o[EER_W_1] + j, *W_2 = p->operand + o[EER_W_2] + j * d;
    const struct block *b = &s->block;
    vf *act = b->act, *da = b->da, *slope = b->slope;
    NAME(product)(act, n, b->y, d, tokens, W_1, m, 1, p->theta + o[EER_B_1] + j, d, n, 0);
    NAME(activate_slope)(p, act, slope, tokens * n);
    NAME(outer)(s->G + o[EER_W_2] + j * d, d, act, n, dout, d, tokens, n, d);
    NAME(product)(da, n, dout, d, tokens, W_2, 1, d, NULL, d, n, 0);
    for (int x = 0; x < tokens * n; x++)
        da[x] *= slope[x];
    NAME(add_rows)(s->G + o[EER_B_1] + j, da, n, tokens, n);
    if (TF)
        for (int x = 0; x < tokens * n; x++)
            da[x] = NAME(operand)(p, da[x]);
    NAME(outer)(s->G + o[EER_W_1] + j, m, b->y, d, da, n, tokens, d, n);
    NAME(product)(b->dy, d, da, n, tokens, W_1, 1, m, NULL, n, d, j > 0);
}

/* Backward through the MLP half for `tokens` <= BLOCK rows: dZ from the derivative by Z_(t+1) to
 * the one by Z'; dX gets what passes through the sum Z' + X. */
static void NAME(mlp_backward)(const struct fast_problem *p, struct lanes *s, const vf *Zp,
                               const vf *X, vf *dZ, vf *dX, int tokens)
{
    const int d = D, m = p->m;
    const int *o = p->layout.offset;
    struct block *b = &s->block;
    if (m == 0)
        return;
    if (p->post) { /* the layer norm's statistics need the MLP's value */
        NAME(mlp)(p, b, b->out, Zp, X, tokens);
        for (int t = 0; t < tokens; t++) {
            vf rstd = NAME(norm)(p, b->dy, b->xhat, b->out + t * d, p->theta + o[EER_LN2_GAIN],
                                 p->theta + o[EER_LN2_BIAS]);
            NAME(norm_backward)
            (p, dZ + t * d, b->xhat, &rstd, p->theta + o[EER_LN2_GAIN], s->G + o[EER_LN2_GAIN],
             s->G + o[EER_LN2_BIAS], 1);
        }
    }
    NAME(mlp_inputs)(p, b, Zp, X, tokens);
    const vf *dout = dZ;
    if (TF) {
        for (int x = 0; x < tokens * d; x++)
            b->out[x] = NAME(operand)(p, dZ[x]);
        dout = b->out;
    }
    NAME(add_rows)(s->G + o[EER_B_2], dZ, d, tokens, d);
    for (int j = 0; j < m; j += TILE)
        NAME(mlp_backward_tile)(p, s, dout, tokens, j, m - j < TILE ? m - j : TILE);
    if (p->pre)
        NAME(norm_backward)
    (p, b->dy, b->xhat, b->rstd, p->theta + o[EER_LN2_GAIN], s->G + o[EER_LN2_GAIN],
     s->G + o[EER_LN2_BIAS], tokens);
    for (int x = 0; x < tokens * d; x++) {
        dZ[x] += b->dy[x];
        dX[x] += b->dy[x];
    }
}

/* Derivatives by the scores of R rows, in place of p^(q-1) in s->S, given dp and its weighted sums
 * D_i (spec/model.md, 5.4). */
INLINE void NAME(score_slopes)(const struct fast_problem *p, struct lanes *s, int t, int i,
                               const vf *dp, const vf *weighted, int n, const int R)
{
    const vf *P = s->P + pair_offset(p, s->N, i);
    vf *S = s->S + pair_offset(p, s->N, i);
    const vf potential = s->potential_slope, zero = v_set(0.0f);
    if (!s->needs_entropy && !s->needs_largest) {
        for (int j = 0; j < n; j++)
            UNROLL
        for (int r = 0; r < R; r++)
            S[2 * j + r] = P[2 * j + r] * (dp[2 * j + r] - weighted[r]);
        return;
    }
    vf kappa[2], shift[2];
    UNROLL
    for (int r = 0; r < R; r++) {
        kappa[r] = s->entropy_slope[i + r];
        shift[r] = potential - weighted[r];
        if (s->needs_entropy)
            shift[r] = v_fma(kappa[r], s->power_sum[t * s->N + i + r], shift[r]);
    }
    for (int j = 0; j < n; j++)
        UNROLL
    for (int r = 0; r < R; r++) {
        vf slope = dp[2 * j + r] + shift[r];
        if (s->needs_entropy)
            slope = v_fma(-kappa[r], S[2 * j + r], slope);
        S[2 * j + r] = P[2 * j + r] * slope;
    }
    if (s->needs_largest)
        for (int j = 0; j < n; j++)
            UNROLL
    for (int r = 0; r < R; r++)
        S[2 * j + r] -= v_select(s->largest[i + r] == v_set((float)j), potential, zero);
}

/* Backward of rows i .. i + R - 1 of attention up to dQ. */
INLINE void NAME(attend_backward)(const struct fast_problem *p, struct lanes *s, int t, int i,
                                  const int R)
{
    const int d = D, N = s->N, n = p->causal ? i + R : N;
    const size_t at = pair_offset(p, N, i);
    vf weighted[2];
    NAME(weighted_dots)(p, s->scratch, weighted, s->P + at, s->dA + i * d, s->V, n, R);
    NAME(score_slopes)(p, s, t, i, s->scratch, weighted, n, R);
    NAME(sum_keys)(p, s->dQ + i * d, s->S + at, s->K, 0, n, 0, R, 0);
}

/* dK and dV of keys j .. j + K - 1. */
INLINE void NAME(keys_backward)(const struct fast_problem *p, struct lanes *s, int j, const int K)
{
    const int d = D, N = s->N, first = p->causal ? j : 0;
    NAME(sum_rows)(p, s->dK + j * d, s->S, s->Q, N, first, j, K);
    NAME(sum_rows)(p, s->dV + j * d, s->P, s->dA, N, first, j, K);
}

/* Backward through the attention half: dZ from the derivative by Z' to the one by Z_t. */
static void NAME(attention_backward)(const struct fast_problem *p, struct lanes *s, int t, vf *dZ)
{
    const int d = D, N = s->N;
    const int *o = p->layout.offset;
    if (p->post)
        NAME(norm_backward)
    (p, dZ, s->xhat, s->rstd, p->theta + o[EER_LN1_GAIN], s->G + o[EER_LN1_GAIN],
     s->G + o[EER_LN1_BIAS], N);
    for (int x = 0; x < N * d; x++)
        s->dA[x] = NAME(operand)(p, dZ[x]);
    int i = 0;
    for (; i + 2 <= N; i += 2)
        NAME(attend_backward)(p, s, t, i, 2);
    if (i < N)
        NAME(attend_backward)(p, s, t, i, 1);
    for (i = 0; i + 2 <= N; i += 2)
        NAME(keys_backward)(p, s, i, 2);
    if (i < N)
        NAME(keys_backward)(p, s, i, 1);
    const vf scale = v_set(p->scale);
    for (int x = 0; x < N * d; x++) {
        s->dQ[x] = NAME(operand)(p, s->dQ[x] * scale);
        s->dK[x] = NAME(operand)(p, s->dK[x] * scale);
        s->dV[x] = NAME(operand)(p, s->dV[x]);
    }
    for (int w = 0; w < 3; w++) {
        const vf *from = w == 0 ? s->dQ : w == 1 ? s->dK : s->dV;
        const int at = o[EER_W_Q + w];
        NAME(outer)(s->G + at, d, s->Y, d, from, d, N, d, d);
        NAME(product)(s->dY, d, from, d, N, p->operand + at, 1, d, NULL, d, d, w > 0);
    }
    if (p->pre)
        NAME(norm_backward)
    (p, s->dY, s->xhat, s->rstd, p->theta + o[EER_LN1_GAIN], s->G + o[EER_LN1_GAIN],
     s->G + o[EER_LN1_BIAS], N);
    for (int x = 0; x < N * d; x++) {
        dZ[x] += s->dY[x];
        s->dX[x] += s->dY[x];
    }
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
    NAME(outer)(s->G + o[EER_W_O], C, y, d, dlogit, C, 1, d, C);
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
        for (int i = 0; i < N; i += BLOCK)
            NAME(mlp_forward)
        (p, &s->block, Z + (N + i) * d, s->Zp + i * d, s->X + i * d, N - i < BLOCK ? N - i : BLOCK);
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
    for (int t = p->T - 1; t >= 0; t--) {
        NAME(attention)(p, s, t, 1);
        for (int i = 0; i < N; i += BLOCK)
            NAME(mlp_backward)
        (p, s, s->Zp + i * d, s->X + i * d, s->dZ + i * d, s->dX + i * d,
         N - i < BLOCK ? N - i : BLOCK);
        NAME(attention_backward)(p, s, t, s->dZ);
        if (t > 0 && p->kinetic == EER_KINETIC_PATH && f->kinetic != 0.0f)
            NAME(kinetic_path)(p, s, s->dZ, t, kinetic);
    }
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
    s->needs_entropy = f->penalty != 0.0f;
    s->needs_largest = f->potential != 0.0f;
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
        sums[term] = tree_sum(s->sum[term]);
    }
    if (!gradient)
        return;
    s->potential_slope = v_set(f->potential) * s->present;
    NAME(backward)(p, s, f);
    for (int x = 0; x < p->layout.size; x++)
        gradient[x] = tree_sum(s->G[x]);
}
