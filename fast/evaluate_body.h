/* evaluate_body.h - forward over one sequence, WIDTH of its rows in the lanes, streaming over the
 * keys.
 *
 * Included once for each instance (kernels_body.h). Memory is linear in the length: X, Z, and the
 * current iteration's attention input, keys and values. Scores exist only CHUNK keys at a time; the
 * running maximum and sum are rescaled when a chunk holds a larger score. */

/* exp(score - top) of one row of a pair, 0 for keys that a causal mask hides (those from `hidden`
 * on may be); returns their sum. */
INLINE vf NAME(stream_exponentials)(vf *e, vf top, int i, int j, int n, int hidden)
{
    vf sum = v_set(0.0f), row;
    for (int k = 0; k + 4 <= n; k += 4) {
        vf below[4];
        UNROLL
        for (int m = 0; m < 4; m++)
            below[m] = v_max(e[2 * (k + m)] - top, v_set(-80.0f));
        v_exp2_many(below, below, 4);
        UNROLL
        for (int m = 0; m < 4; m++)
            e[2 * (k + m)] = below[m];
    }
    for (int k = n / 4 * 4; k < n; k++)
        e[2 * k] = v_exp2(v_max(e[2 * k] - top, v_set(-80.0f)));
    if (j + n > hidden) {
        for (int l = 0; l < WIDTH; l++)
            row[l] = (float)(i + l);
        for (int k = 0; k < n; k++)
            e[2 * k] = v_select(row < v_set((float)(j + k)), v_set(0.0f), e[2 * k]);
    }
    for (int k = 0; k < n; k++)
        sum += e[2 * k];
    return sum;
}

/* Attention of the R query blocks that begin at row i, into A (R d). */
INLINE void NAME(stream_attention)(const struct fast_problem *p, vf *A, const vf *q, const vf *K,
                                   const vf *V, int N, int i, const int R)
{
    const int d = D;
    const int end = p->causal && i + R * WIDTH < N ? i + R * WIDTH : N;
    vf e[2 * CHUNK], top[2], sum[2];
    for (int r = 0; r < R; r++) {
        top[r] = v_set(-INFINITY);
        sum[r] = v_set(0.0f);
    }
    for (int x = 0; x < R * d; x++)
        A[x] = v_set(0.0f);
    /* TF32 rounds p, so p needs the whole sum before the product: one pass for it, one to use it */
    for (int pass = TF ? 0 : 1; pass < 2; pass++)
        for (int j = 0; j < end; j += CHUNK) {
            const int n = end - j < CHUNK ? end - j : CHUNK;
            vf above[2] = {top[0], top[R - 1]};
            NAME(scores)(p, &p->evaluation, e, NULL, q, K, i, j, n, R, 1);
            for (int k = 0; k < n; k++)
                for (int r = 0; r < R; r++)
                    above[r] = v_max(e[2 * k + r], above[r]);
            for (int r = 0; r < R; r++) {
                const int from = i + r * WIDTH, hidden = p->causal ? from : N;
                const vf shrink = v_exp2(v_max(top[r] - above[r], v_set(-126.0f)));
                const vf part = NAME(stream_exponentials)(e + r, above[r], from, j, n, hidden);
                top[r] = above[r];
                if (pass == 0 || !TF)
                    sum[r] = v_fma(sum[r], shrink, part);
                const vf over_sum = v_set(1.0f) / sum[r];
                for (int x = 0; !TF && x < d; x++)
                    A[r * d + x] *= shrink;
                for (int k = 0; TF && k < n; k++)
                    e[2 * k + r] *= over_sum;
            }
            if (pass == 1)
                NAME(sum_keys)(p, A, e, NULL, V, j, n, 1, R, 1, 0);
        }
    if (!TF)
        for (int x = 0; x < R * d; x++)
            A[x] *= v_set(1.0f) / sum[x / d];
}

/* One iteration for the R blocks of rows that begin at row i; Z in place. */
INLINE void NAME(stream_rows)(const struct fast_problem *p, struct stream *s, int i, const int R)
{
    const int d = D, at = i / WIDTH * d;
    vf q[2 * EER_MAX_D], A[2 * EER_MAX_D], Zp[2 * EER_MAX_D], xhat[EER_MAX_D], mean[2], rstd[2];
    NAME(queries)(p, q, s->Y + at, R, p->evaluation.M);
    NAME(stream_attention)(p, A, q, s->K, s->V, s->N, i, R);
    for (int r = 0; r < R; r++)
        NAME(attention_output)(p, Zp + r * d, xhat, s->Z + at + r * d, A + r * d);
    NAME(mlp_forward)(p, &s->block, s->Z + at, mean, rstd, Zp, s->X + at, R);
}

static void NAME(evaluate)(const struct fast_problem *p, const int *tokens, int L, int loops,
                           void *memory, int *predicted)
{
    const int d = D, N = L + p->bos, blocks = (N + WIDTH - 1) / WIDTH;
    const float *E = p->theta + p->layout.offset[EER_EMBEDDING];
    vf logit[EER_MAX_VOCAB + 1], y[EER_MAX_D], xhat[EER_MAX_D], top, mean, rstd;
    struct stream stream, *s = &stream;
    lay_out_stream(p, s, N, memory);
    if (!TF)
        s->K = s->Y;
    for (int b = 0; b < blocks; b++)
        for (int x = 0; x < d; x++) {
            for (int l = 0; l < WIDTH; l++) {
                const int i = b * WIDTH + l < N ? b * WIDTH + l : N - 1;
                const int token = i < p->bos ? p->V : tokens[i - p->bos];
                s->X[b * d + x][l] = E[token * d + x] +
                                     (p->position ? p->position[(size_t)i * (size_t)d + x] : 0.0f);
            }
            s->Z[b * d + x] = v_set(0.0f);
        }
    for (int t = 0; t < loops; t++) {
        for (int b = 0; b < blocks; b++)
            NAME(attention_inputs)
        (p, s->Y + b * d, NULL, &mean, &rstd, s->Z + b * d, s->X + b * d, 1, 0);
        if (TF)
            NAME(project)(p, s->K, s->Y, blocks, EER_W_K);
        NAME(project)(p, s->V, s->Y, blocks, EER_W_V);
        int b = 0;
        for (; b + 2 <= blocks; b += 2)
            NAME(stream_rows)(p, s, b * WIDTH, 2);
        if (b < blocks)
            NAME(stream_rows)(p, s, b * WIDTH, 1);
    }
    for (int b = 0; b < blocks; b++) {
        NAME(logits)(p, logit, y, xhat, s->Z + b * d);
        const vi best = NAME(largest_logit)(p, logit, &top);
        for (int l = 0; l < WIDTH; l++) {
            const int i = b * WIDTH + l - p->bos;
            if (i >= 0 && i < L)
                predicted[i] = best[l];
        }
    }
}
