/* loop.c - drivers of ref/loop.c. */
#include "inputs.h"

static struct ref_tensors w;
static struct ref_work work;
static double z_prime[D], r[D], u[D], y[D], a[MLP], g[MLP], Z_next[ROWS * D], R[ROWS * D];

static void any_memory(void)
{
    any_tensors(&w);
    any_work(&work);
}

/* In every place of the layer norm; the rest of the configuration is any. */
void compose_ref_queries_keys_values(void)
{
    struct eer_config c;

    any_config(&c);
    any_memory();
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++) {
        c.norm = norm;
        ref_queries_keys_values(&work, work.Z, &w, &c, FEW);
    }
    END();
}

/* Queries, keys and values as an iteration of this configuration gives them. */
void compose_ref_attention_half(void)
{
    struct eer_config c;

    any_config(&c);
    any_memory();
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++)
        for (enum eer_mask mask = EER_MASK_NONE; mask <= EER_MASK_CAUSAL; mask++) {
            c.norm = norm;
            c.mask = mask;
            ref_queries_keys_values(&work, work.Z, &w, &c, FEW);
            for (int i = 0; i < FEW; i++)
                ref_attention_half(z_prime, r, work.Z, &work, &w, &c, i, FEW, 1);
        }
    END();
}

void compose_ref_mlp_sum(void)
{
    struct eer_config c;

    any_config(&c);
    any_memory();
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++) {
        c.norm = norm;
        ref_mlp_sum(r, u, y, a, g, work.Z, work.X, &w, &c);
    }
    END();
}

void compose_ref_mlp_half(void)
{
    struct eer_config c;

    any_config(&c);
    any_memory();
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++) {
        box(z_prime, D, STATE);
        c.norm = norm;
        ref_mlp_half(z_prime, work.X, &w, &c);
    }
    END();
}

/* The preset, then without an MLP. */
void compose_ref_iteration(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory();
    ref_iteration(Z_next, R, work.Z, &work, &w, &c, SHORT, 1);
    c.mlp = 0;
    ref_iteration(Z_next, R, work.Z, &work, &w, &c, FEW, 0);
    END();
}

/* From Z_0 = 0 through all iterations the states stay within STATE. */
void compose_ref_loop_kept(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory();
    ref_loop_kept(&work, &w, &c, FEW);
    check_box(work.Z, STATES, STATE);
    check_box(work.R, LOOPS * FEW * D, STATE);
    check_box(work.Q, FEW * D, PROJECTION);
    check_box(work.K, FEW * D, PROJECTION);
    check_box(work.V, FEW * D, PROJECTION);
    END();
}

void compose_ref_loop_last(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory();
    ref_loop_last(&work, &w, &c, LOOPS, FEW);
    END();
}
