/* attention.c - drivers of ref/attention.c: row i of a sequence of ROWS rows, and its n keys. */
#include "inputs.h"

static double s[ROWS], p[ROWS], pq[ROWS], ds[ROWS], dp[ROWS];
static double q_i[D], k[ROWS * D], v[ROWS * D], f[D], df[D], dq_i[D], dk[ROWS * D], dv[ROWS * D];

static void any_rows(struct eer_config *c)
{
    any_config(c);
    box(s, ROWS, ENTRY);
    range(p, ROWS, 0, 1);
    box(ds, ROWS, ENTRY);
    box(dp, ROWS, ENTRY);
    box(q_i, D, PROJECTION);
    box(k, ROWS * D, PROJECTION);
    box(v, ROWS * D, PROJECTION);
    box(df, D, ENTRY);
    box(dk, ROWS * D, ENTRY);
    box(dv, ROWS * D, ENTRY);
}

void drive_ref_keys(void)
{
    int i = whole(0, ROWS - 1);

    ref_keys(EER_MASK_NONE, i, ROWS);
    ref_keys(EER_MASK_CAUSAL, i, ROWS);
    END();
}

void drive_ref_scale(void)
{
    struct eer_config c;

    any_config(&c);
    c.d = whole(4, EER_MAX_D);
    ref_scale(&c);
    END();
}

void drive_ref_subtract_slope(void)
{
    struct eer_config c;

    any_rows(&c);
    ref_subtract_slope(s, c.slope, whole(0, ROWS - 1), ROWS);
    END();
}

void drive_ref_scores(void)
{
    struct eer_config c;

    any_rows(&c);
    ref_scores(s, q_i, k, &c, whole(0, ROWS - 1), ROWS);
    END();
}

void compose_ref_attention(void)
{
    struct eer_config c;

    any_rows(&c);
    ref_attention(f, p, s, q_i, k, v, &c, whole(0, ROWS - 1), ROWS);
    END();
}

void drive_ref_attention_backward(void)
{
    struct eer_config c;

    any_rows(&c);
    ref_attention_backward(dq_i, dk, dv, dp, ds, pq, df, q_i, k, v, p, &c, whole(0, ROWS - 1),
                           c.lambda_P, within(-1, 1) * c.lambda_S, ROWS);
    END();
}
