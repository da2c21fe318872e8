/* rows_body.h - what training and evaluation share: everything that treats each row by itself. A
 * row here is WIDTH lanes wide, whether the lanes are sequences or positions.
 *
 * Included once for each instance (kernels_body.h). */

/* The operands y of `rows` rows of Z + X, through the layer norm of that gain and bias with norm =
 * pre; its xhat (unless it is NULL), mean and rstd (KNOWN: given). The input of attention, and with
 * Z' for Z of the MLP. */
INLINE void NAME(inputs)(const struct fast_problem *p, vf *y, vf *xhat, vf *mean, vf *rstd,
                         const vf *z, const vf *x, const float *gain, const float *bias, int rows,
                         const int KNOWN)
{
    const int d = D;
    int i = 0;
    if (!p->pre)
        for (int e = 0; e < rows * d; e++)
            y[e] = z[e] + x[e];
    for (; p->pre && i + 2 <= rows; i += 2)
        NAME(norms)
    (p, y + i * d, xhat ? xhat + i * d : NULL, mean + i, rstd + i, z + i * d, x + i * d, gain, bias,
     KNOWN, 2);
    if (p->pre && i < rows)
        NAME(norms)
    (p, y + i * d, xhat ? xhat + i * d : NULL, mean + i, rstd + i, z + i * d, x + i * d, gain, bias,
     KNOWN, 1);
    if (TF)
        for (int e = 0; e < rows * d; e++)
            y[e] = NAME(operand)(p, y[e]);
}

INLINE void NAME(attention_inputs)(const struct fast_problem *p, vf *y, vf *xhat, vf *mean,
                                   vf *rstd, const vf *z, const vf *x, int rows, const int KNOWN)
{
    const float *gain = p->theta + p->layout.offset[EER_LN1_GAIN];
    const float *bias = p->theta + p->layout.offset[EER_LN1_BIAS];
    NAME(inputs)(p, y, xhat, mean, rstd, z, x, gain, bias, rows, KNOWN);
}

/* Queries, keys or values of `rows` rows, rounded as operands. */
INLINE void NAME(project)(const struct fast_problem *p, vf *to, const vf *y, int rows, int tensor)
{
    const int d = D;
    NAME(product)(to, d, y, d, rows, p->operand + p->layout.offset[tensor], d, 1, NULL, d, d, 0);
    if (TF)
        for (int x = 0; x < rows * d; x++)
            to[x] = NAME(operand)(p, to[x]);
}

/* What scores are the products of with the keys (kernels.h, struct fast_scores): y M, or the
 * queries, rounded as operands. The keys then are y itself, or y W_K. */
INLINE void NAME(queries)(const struct fast_problem *p, vf *to, const vf *y, int rows,
                          const float *M)
{
    const int d = D;
    if (TF)
        NAME(project)(p, to, y, rows, EER_W_Q);
    else
        NAME(product)(to, d, y, d, rows, M, d, 1, NULL, d, d, 0);
}

/* Z' of one row from Z and the attention's value; with norm = post LN1's xhat and rstd. */
INLINE vf NAME(attention_output)(const struct fast_problem *p, vf *out, vf *xhat, const vf *z,
                                 const vf *a)
{
    const int d = D;
    vf rstd = v_set(0.0f);
    if (p->post) {
        rstd = NAME(norm)(p, out, xhat, z, a, p->theta + p->layout.offset[EER_LN1_GAIN],
                          p->theta + p->layout.offset[EER_LN1_BIAS]);
    } else {
        UNROLL_D
        for (int e = 0; e < d; e++)
            out[e] = z[e] + a[e];
    }
    return rstd;
}

INLINE void NAME(mlp_inputs)(const struct fast_problem *p, vf *y, vf *xhat, vf *mean, vf *rstd,
                             const vf *Zp, const vf *X, int rows, const int KNOWN)
{
    const float *gain = p->theta + p->layout.offset[EER_LN2_GAIN];
    const float *bias = p->theta + p->layout.offset[EER_LN2_BIAS];
    NAME(inputs)(p, y, xhat, mean, rstd, Zp, X, gain, bias, rows, KNOWN);
}

/* h[r U + k] = b[k] (0 if b is NULL) + y_r . w_k for R rows, d apart, and U hidden units: what goes
 * in forward (w: W_1T) and what comes back (w: W_2). */
INLINE void NAME(unit_sums)(const struct fast_problem *p, vf *h, const vf *y, const float *w,
                            const float *b, const int R, const int U)
{
    const int d = D;
    (void)p;
    UNROLL
    for (int n = 0; n < R * U; n++)
        h[n] = v_set(b ? b[n % U] : 0.0f);
    UNROLL_D
    for (int e = 0; e < d; e++) {
        vf left[4];
        UNROLL
        for (int r = 0; r < R; r++)
            left[r] = v_hold(y[r * d + e]);
        UNROLL
        for (int k = 0; k < U; k++) {
            const vf weight = v_set(w[k * d + e]);
            UNROLL
            for (int r = 0; r < R; r++)
                h[r * U + k] = v_fma(left[r], weight, h[r * U + k]);
        }
    }
}

/* GELU of S <= 8 numbers h, in place; BACK: also slope times its derivatives. Polynomials side by
 * side: one alone would wait for each of its own steps. */
INLINE void NAME(gelu)(vf *h, vf *slope, const int S, const int BACK)
{
    vf phi[8];
    v_phi_many(phi, h, S);
    UNROLL
    for (int k = 0; k < S; k++) {
        if (BACK)
            slope[k] *= v_gelu_slope(h[k], phi[k]);
        h[k] *= phi[k];
    }
}

/* The activations of R rows in U hidden units from unit j on, as operands; TILE units a row in act.
 * BACK: also the derivatives da by their inputs, dout being the one by the output. Between their
 * sums and the rest they are in memory, for want of registers. */
INLINE void NAME(units)(const struct fast_problem *p, vf *act, vf *da, const vf *y, const vf *dout,
                        int j, const int R, const int U, const int BACK, const int RELU)
{
    const int d = D, S = R * U < 8 ? R * U : 8;
    const float *b = p->theta + p->layout.offset[EER_B_1] + j;
    const float *W_2 = p->operand + p->layout.offset[EER_W_2] + j * d;
    vf h[16], slope[16];
    NAME(unit_sums)(p, h, y, p->W_1T + j * d, b, R, U);
    UNROLL
    for (int k = 0; k < R * U; k++)
        act[k / U * TILE + k % U] = RELU ? NAME(operand)(p, v_max(h[k], v_set(0.0f))) : h[k];
    if (RELU && !BACK)
        return;
    v_forget();
    if (BACK)
        NAME(unit_sums)(p, slope, dout, W_2, NULL, R, U);
    UNROLL
    for (int part = 0; part < R * U; part += S) {
        UNROLL
        for (int k = 0; k < S; k++)
            h[k] = act[(part + k) / U * TILE + (part + k) % U];
        if (!RELU)
            NAME(gelu)(h, slope + part, S, BACK);
        UNROLL
        for (int k = 0; k < S; k++) {
            const int at = (part + k) / U * TILE + (part + k) % U;
            if (!RELU)
                act[at] = NAME(operand)(p, h[k]);
            if (BACK)
                da[at] = RELU ? v_where_positive(h[k], slope[part + k]) : slope[part + k];
        }
    }
}

INLINE void NAME(units_of_rows)(const struct fast_problem *p, vf *act, vf *da, const vf *y,
                                const vf *dout, int j, int n, const int R, const int BACK,
                                const int RELU)
{
    int k = 0;
    for (; k + 4 <= n; k += 4)
        NAME(units)(p, act + k, da + k, y, dout, j + k, R, 4, BACK, RELU);
    for (; k < n; k++)
        NAME(units)(p, act + k, da + k, y, dout, j + k, R, 1, BACK, RELU);
}

INLINE void NAME(units_tile)(const struct fast_problem *p, const struct block *b, const vf *dout,
                             int rows, int j, int n, const int BACK, const int RELU)
{
    const int d = D;
    int t = 0;
    for (; t + 4 <= rows; t += 4)
        NAME(units_of_rows)
    (p, b->act + t * TILE, b->da + t * TILE, b->y + t * d, dout + t * d, j, n, 4, BACK, RELU);
    for (; t < rows; t++)
        NAME(units_of_rows)
    (p, b->act + t * TILE, b->da + t * TILE, b->y + t * d, dout + t * d, j, n, 1, BACK, RELU);
}

/* b->act (and b->da) of `rows` rows with input b->y in the n <= TILE hidden units from j on. */
INLINE void NAME(hidden)(const struct fast_problem *p, const struct block *b, const vf *dout,
                         int rows, int j, int n, const int BACK)
{
    if (p->relu)
        NAME(units_tile)(p, b, dout, rows, j, n, BACK, 1);
    else
        NAME(units_tile)(p, b, dout, rows, j, n, BACK, 0);
}

/* Z' + MLP, not yet layer-normed, of `rows` rows with input b->y. A tile of hidden units at a
 * time for a few rows: all that is touched stays in L1. */
INLINE void NAME(mlp_sums)(const struct fast_problem *p, const struct block *b, vf *out,
                           const vf *Zp, int rows)
{
    const int d = D, m = p->m;
    const float *W_2 = p->operand + p->layout.offset[EER_W_2];
    const float *b_2 = p->theta + p->layout.offset[EER_B_2];
    for (int j = 0; j < m; j += TILE) {
        const int n = m - j < TILE ? m - j : TILE;
        NAME(hidden)(p, b, b->y, rows, j, n, 0);
        NAME(product)(out, d, b->act, TILE, rows, W_2 + j * d, d, 1, b_2, n, d, j > 0);
    }
    for (int x = 0; x < rows * d; x++)
        out[x] += Zp[x];
}

/* One iteration forward for `rows` <= BLOCK rows after attention: from Z' to Z_(t+1), with the mean
 * and rstd of the MLP's layer norm. */
static void NAME(mlp_forward)(const struct fast_problem *p, struct block *b, vf *out, vf *mean,
                              vf *rstd, const vf *Zp, const vf *X, int rows)
{
    const int d = D;
    if (p->m == 0) {
        memcpy(out, Zp, (size_t)(rows * d) * sizeof *out);
        return;
    }
    NAME(mlp_inputs)(p, b->y, NULL, mean, rstd, Zp, X, rows, 0);
    vf *to = p->post ? b->out : out;
    NAME(mlp_sums)(p, b, to, Zp, rows);
    for (int t = 0; p->post && t < rows; t++)
        NAME(norm)
    (p, out + t * d, b->xhat, to + t * d, NULL, p->theta + p->layout.offset[EER_LN2_GAIN],
     p->theta + p->layout.offset[EER_LN2_BIAS]);
}

/* Logits of one row (spec/model.md, 3.4); y is the operand, xhat and rstd the final norm's. */
INLINE vf NAME(logits)(const struct fast_problem *p, vf *logit, vf *y, vf *xhat, const vf *z)
{
    const int d = D, C = p->C;
    const int *o = p->layout.offset;
    vf rstd = v_set(0.0f);
    logit[0] = rstd; /* the compiler cannot know that C > 0 */
    if (p->final_norm)
        rstd =
            NAME(norm)(p, y, xhat, z, NULL, p->theta + o[EER_LNF_GAIN], p->theta + o[EER_LNF_BIAS]);
    for (int e = 0; e < d; e++)
        y[e] = NAME(operand)(p, p->final_norm ? y[e] : z[e]);
    NAME(product)(logit, C, y, d, 1, p->operand + o[EER_W_O], C, 1, p->theta + o[EER_B_O], d, C, 0);
    return rstd;
}

/* The class of the largest logit, the first if tied. */
INLINE vi NAME(largest_logit)(const struct fast_problem *p, const vf *logit, vf *top)
{
    vi best = (vi)v_set(0.0f);
    *top = logit[0];
    for (int c = 1; c < p->C; c++) {
        vi larger = (vi)(logit[c] > *top);
        best = (larger & c) | (~larger & best);
        *top = v_select(larger, logit[c], *top);
    }
    return best;
}
