/* rows_body.h - what training and evaluation share: everything that treats each row by itself. A
 * row here is WIDTH lanes wide, whether the lanes are sequences or positions.
 *
 * Included once for each instance (kernels_body.h). */

/* The operands y of `rows` rows of Z + X, through the layer norm of that gain and bias with norm =
 * pre; its xhat and rstd. The input of attention, and with Z' for Z of the MLP. */
INLINE void NAME(inputs)(const struct fast_problem *p, vf *y, vf *xhat, vf *rstd, const vf *z,
                         const vf *x, const float *gain, const float *bias, int rows)
{
    const int d = D;
    vf sum[4 * EER_MAX_D];
    for (int i = 0; i < rows;) {
        const int left = rows - i < 4 ? 1 : 4;
        vf *to = p->pre ? sum : y + i * d;
        for (int e = 0; e < left * d; e++)
            to[e] = z[i * d + e] + x[i * d + e];
        if (p->pre && left == 4)
            NAME(norms)(p, y + i * d, xhat + i * d, rstd + i, sum, gain, bias, 4);
        else if (p->pre)
            NAME(norms)(p, y + i * d, xhat + i * d, rstd + i, sum, gain, bias, 1);
        if (TF)
            for (int e = i * d; e < (i + left) * d; e++)
                y[e] = NAME(operand)(p, y[e]);
        i += left;
    }
}

INLINE void NAME(attention_inputs)(const struct fast_problem *p, vf *y, vf *xhat, vf *rstd,
                                   const vf *z, const vf *x, int rows)
{
    const float *gain = p->theta + p->layout.offset[EER_LN1_GAIN];
    const float *bias = p->theta + p->layout.offset[EER_LN1_BIAS];
    NAME(inputs)(p, y, xhat, rstd, z, x, gain, bias, rows);
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

/* Z' of one row from Z and the attention's value; with norm = post LN1's xhat and rstd. */
INLINE vf NAME(attention_output)(const struct fast_problem *p, vf *out, vf *xhat, const vf *z,
                                 const vf *a)
{
    const int d = D;
    vf row[EER_MAX_D];
    if (!p->post) {
        for (int e = 0; e < d; e++)
            out[e] = z[e] + a[e];
        return v_set(0.0f);
    }
    for (int e = 0; e < d; e++)
        row[e] = z[e] + a[e];
    return NAME(norm)(p, out, xhat, row, p->theta + p->layout.offset[EER_LN1_GAIN],
                      p->theta + p->layout.offset[EER_LN1_BIAS]);
}

INLINE void NAME(mlp_inputs)(const struct fast_problem *p, struct block *b, const vf *Zp,
                             const vf *X, int rows)
{
    const float *gain = p->theta + p->layout.offset[EER_LN2_GAIN];
    const float *bias = p->theta + p->layout.offset[EER_LN2_BIAS];
    NAME(inputs)(p, b->y, b->xhat, b->rstd, Zp, X, gain, bias, rows);
}

/* The activation of n entries in place, rounded as an operand. Four at a time: one polynomial alone
 * would wait for each of its own steps. */
INLINE void NAME(activate)(const struct fast_problem *p, vf *a, int n)
{
    const vf zero = v_set(0.0f);
    if (p->relu) {
        for (int x = 0; x < n; x++)
            a[x] = NAME(operand)(p, v_max(a[x], zero));
        return;
    }
    int x = 0;
    for (; x + 4 <= n; x += 4) {
        vf y[4];
        v_phi4(y, a + x);
        UNROLL
        for (int k = 0; k < 4; k++)
            a[x + k] = NAME(operand)(p, a[x + k] * y[k]);
    }
    for (; x < n; x++)
        a[x] = NAME(operand)(p, v_gelu(a[x]));
}

/* The same, and the activation's derivative into slope. */
INLINE void NAME(activate_slope)(const struct fast_problem *p, vf *a, vf *slope, int n)
{
    const vf zero = v_set(0.0f), one = v_set(1.0f);
    if (p->relu) {
        for (int x = 0; x < n; x++) {
            slope[x] = v_select(a[x] > zero, one, zero);
            a[x] = NAME(operand)(p, v_max(a[x], zero));
        }
        return;
    }
    int x = 0;
    for (; x + 4 <= n; x += 4) {
        vf phi[4];
        v_phi4(phi, a + x);
        v_gelu_slope4(slope + x, a + x, phi);
        UNROLL
        for (int k = 0; k < 4; k++)
            a[x + k] = NAME(operand)(p, a[x + k] * phi[k]);
    }
    for (; x < n; x++) {
        vf phi = v_phi(a[x]);
        slope[x] = v_gelu_slope(a[x], phi);
        a[x] = NAME(operand)(p, a[x] * phi);
    }
}

/* The MLP half of an iteration for `tokens` <= BLOCK rows: Z' + MLP, not yet layer-normed. */
INLINE void NAME(mlp)(const struct fast_problem *p, struct block *b, vf *out, const vf *Zp,
                      const vf *X, int tokens)
{
    const int d = D, m = p->m;
    const int *o = p->layout.offset;
    NAME(mlp_inputs)(p, b, Zp, X, tokens);
    NAME(product)
    (b->act, m, b->y, d, tokens, p->operand + o[EER_W_1], m, 1, p->theta + o[EER_B_1], d, m, 0);
    NAME(activate)(p, b->act, tokens * m);
    NAME(product)
    (out, d, b->act, m, tokens, p->operand + o[EER_W_2], d, 1, p->theta + o[EER_B_2], m, d, 0);
    for (int x = 0; x < tokens * d; x++)
        out[x] += Zp[x];
}

/* One iteration forward for `tokens` <= BLOCK rows after attention: from Z' to Z_(t+1). */
static void NAME(mlp_forward)(const struct fast_problem *p, struct block *b, vf *out, const vf *Zp,
                              const vf *X, int tokens)
{
    const int d = D;
    if (p->m == 0) {
        memcpy(out, Zp, (size_t)(tokens * d) * sizeof *out);
        return;
    }
    NAME(mlp)(p, b, out, Zp, X, tokens);
    if (p->post)
        for (int t = 0; t < tokens; t++) {
            memcpy(b->y, out + t * d, (size_t)d * sizeof *out);
            NAME(norm)
            (p, out + t * d, b->xhat, b->y, p->theta + p->layout.offset[EER_LN2_GAIN],
             p->theta + p->layout.offset[EER_LN2_BIAS]);
        }
}

/* Logits of one row (spec/model.md, 3.4); y is the operand, xhat and rstd the final norm's. */
INLINE vf NAME(logits)(const struct fast_problem *p, vf *logit, vf *y, vf *xhat, const vf *z)
{
    const int d = D, C = p->C;
    const int *o = p->layout.offset;
    vf rstd = v_set(0.0f);
    logit[0] = rstd; /* the compiler cannot know that C > 0 */
    if (p->final_norm)
        rstd = NAME(norm)(p, y, xhat, z, p->theta + o[EER_LNF_GAIN], p->theta + o[EER_LNF_BIAS]);
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
