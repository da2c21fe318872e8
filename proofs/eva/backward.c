/* backward.c - drivers of ref/backward.c: one iteration, with states within STATE and derivatives
 * within ENTRY. */
#include "inputs.h"

static struct ref_tensors w, dw;
static struct ref_work work;
static struct ref_slopes slopes;
static double df[D];

static void any_memory(struct eer_config *c)
{
    any_tensors(&w);
    any_gradient(&dw);
    any_work(&work);
    slopes.kinetic = c->lambda_K;
    slopes.potential = c->lambda_P;
    slopes.penalty = c->lambda_S;
    box(df, D, ENTRY);
}

void compose_ref_mlp_half_backward(void)
{
    struct eer_config c;

    any_config(&c);
    any_memory(&c);
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++) {
        box(work.dZ, D, ENTRY);
        c.norm = norm;
        ref_mlp_half_backward(work.dZ, work.dX, &dw, work.R, work.X, &w, &c);
    }
    END();
}

void compose_ref_attention_row_backward(void)
{
    struct eer_config c;

    any_config(&c);
    any_memory(&c);
    c.mask = EER_MASK_NONE;
    box(work.Q, ROWS * D, PROJECTION);
    box(work.K, ROWS * D, PROJECTION);
    box(work.V, ROWS * D, PROJECTION);
    ref_attention_row_backward(df, &slopes, &work, &c, ROWS - 1, ROWS);
    END();
}

void compose_ref_attention_rows_backward(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory(&c);
    ref_queries_keys_values(&work, work.Z, &w, &c, FEW);
    ref_attention_rows_backward(&dw, work.R, &slopes, &work, &w, &c, FEW);
    END();
}

void compose_ref_projections_backward(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory(&c);
    ref_projections_backward(&dw, &work, &w, &c, SHORT);
    END();
}

void compose_ref_attention_half_backward(void)
{
    struct eer_config c;

    any_config(&c);
    any_memory(&c);
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++)
        for (enum eer_mask mask = EER_MASK_NONE; mask <= EER_MASK_CAUSAL; mask++) {
            box(work.dZ, FEW * D, ENTRY);
            c.norm = norm;
            c.mask = mask;
            ref_attention_half_backward(&dw, work.Z, work.R, &slopes, &work, &w, &c, FEW);
        }
    END();
}

void compose_ref_iteration_backward(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory(&c);
    ref_iteration_backward(&dw, work.Z, work.R, &slopes, &work, &w, &c, SHORT);
    c.mlp = 0;
    any_memory(&c);
    ref_iteration_backward(&dw, work.Z, work.R, &slopes, &work, &w, &c, FEW);
    END();
}

/* The derivative starts within what compose_ref_task_loss shows. */
void compose_ref_loop_backward(void)
{
    struct eer_config c;

    preset_config(&c);
    c.loops = LOOPS_BACK;
    any_memory(&c);
    box(work.dZ, FEW * D, TASK_SLOPE);
    ref_loop_backward(&dw, &slopes, &work, &w, &c, FEW);
    END();
}
