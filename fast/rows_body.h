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

/* The activation of U numbers, in place. Polynomials side by side: one alone would wait for each of
 * its own steps. */
INLINE void NAME(activate)(const struct fast_problem *p, vf *h, const int U)
{
    vf phi[8];
    if (p->relu) {
        UNROLL
        for (int k = 0; k < U; k++)
            h[k] = v_max(h[k], v_set(0.0f));
        return;
    }
    v_phi_many(phi, h, U);
    UNROLL
    for (int k = 0; k < U; k++)
        h[k] *= phi[k];
}

/* The same, and da times the activation's derivative. */
INLINE void NAME(activate_slope)(const struct fast_problem *p, vf *h, vf *da, const int U)
{
    vf phi[8];
    if (p->relu) {
        UNROLL
        for (int k = 0; k < U; k++) {
            da[k] = v_where_positive(h[k], da[k]);
            h[k] = v_max(h[k], v_set(0.0f));
        }
        return;
    }
    v_phi_many(phi, h, U);
    UNROLL
    for (int k = 0; k < U; k++) {
        da[k] *= v_gelu_slope(h[k], phi[k]);
        h[k] *= phi[k];
    }
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
    for (int e = 0; e < d; e++)
        UNROLL
    for (int k = 0; k < U; k++) {
        const vf weight = v_set(w[k * d + e]);
        UNROLL
        for (int r = 0; r < R; r++)
            h[r * U + k] = v_fma(y[r * d + e], weight, h[r * U + k]);
    }
}

/* sum += act(y W_1 + b_1) W_2 over U hidden units from j on, for R rows d apart. */
INLINE void NAME(mlp_units)(const struct fast_problem *p, vf *sum, const vf *y, int j, const int R,
                            const int U)
{
    const int d = D;
    const float *b = p->theta + p->layout.offset[EER_B_1] + j;
    const float *W_2 = p->operand + p->layout.offset[EER_W_2] + j * d;
    vf h[8];
    NAME(unit_sums)(p, h, y, p->W_1T + j * d, b, R, U);
    NAME(activate)(p, h, R * U);
    UNROLL
    for (int n = 0; n < R * U; n++)
        h[n] = NAME(operand)(p, h[n]);
    UNROLL
    for (int k = 0; k < U; k++)
        UNROLL_D
    for (int e = 0; e < d; e++) {
        const vf weight = v_set(W_2[k * d + e]);
        UNROLL
        for (int r = 0; r < R; r++)
            sum[r * d + e] = v_fma(h[r * U + k], weight, sum[r * d + e]);
    }
}

/* Z' + MLP, not yet layer-normed, of R rows; y is the MLP's input. */
INLINE void NAME(mlp_rows)(const struct fast_problem *p, vf *out, const vf *y, const vf *Zp,
                           const int R)
{
    const int d = D, m = p->m;
    const float *b = p->theta + p->layout.offset[EER_B_2];
    vf sum[2 * ROW];
    UNROLL_D
    for (int e = 0; e < R * d; e++)
        sum[e] = v_set(b[e % d]);
    int j = 0;
    for (; j + 4 <= m; j += 4)
        NAME(mlp_units)(p, sum, y, j, R, 4);
    for (; j < m; j++)
        NAME(mlp_units)(p, sum, y, j, R, 1);
    UNROLL_D
    for (int e = 0; e < R * d; e++)
        out[e] = sum[e] + Zp[e];
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
    int t = 0;
    for (; t + 2 <= rows; t += 2)
        NAME(mlp_rows)(p, to + t * d, b->y + t * d, Zp + t * d, 2);
    if (t < rows)
        NAME(mlp_rows)(p, to + t * d, b->y + t * d, Zp + t * d, 1);
    for (t = 0; p->post && t < rows; t++)
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
