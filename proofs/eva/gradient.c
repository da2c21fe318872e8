/* gradient.c - drivers of ref/gradient.c. */
#include "inputs.h"

static struct ref_tensors w, dw;
static struct ref_work work;
static struct ref_slopes slopes;
static struct eer_terms sums;
static int tokens[BATCH * LENGTH], labels[BATCH * LENGTH];

static void any_sums(void)
{
    sums.task = within(-ENTRY, ENTRY);
    sums.potential = within(-ENTRY, ENTRY);
    sums.kinetic = within(-ENTRY, ENTRY);
    sums.entropy = within(-ENTRY, ENTRY);
    sums.entropy_penalty = within(-ENTRY, ENTRY);
    sums.correct = whole(0, BATCH * LENGTH);
}

static void any_memory(struct eer_config *c)
{
    any_tensors(&w);
    any_gradient(&dw);
    any_work(&work);
    slopes.kinetic = c->lambda_K;
    slopes.potential = c->lambda_P;
    slopes.penalty = c->lambda_S;
    any_sums();
    whole_numbers(tokens, LENGTH, 0, VOCAB - 1);
    whole_numbers(labels, LENGTH, -1, VOCAB);
}

void drive_ref_counted(void)
{
    whole_numbers(labels, BATCH * LENGTH, -1, VOCAB);
    ref_counted(labels, BATCH * LENGTH);
    END();
}

void compose_ref_position_loss(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory(&c);
    ref_position_loss(&sums, &dw, work.dZ, work.Z, whole(0, VOCAB), whole(1, BATCH * LENGTH), &w,
                      &c);
    END();
}

/* The derivative of the task is within TASK_SLOPE. */
void compose_ref_task_loss(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory(&c);
    c.loops = 1;
    ref_task_loss(&sums, &dw, labels, whole(1, BATCH * LENGTH), &work, &w, &c, SHORT - c.bos);
    check_box(work.dZ, SHORT * D, TASK_SLOPE);
    END();
}

void compose_ref_sequence(void)
{
    struct eer_config c;

    preset_config(&c);
    any_memory(&c);
    c.loops = LOOPS_BACK;
    ref_sequence(&sums, &dw, tokens, labels, whole(1, BATCH * LENGTH), &slopes, &work, &w, &c,
                 FEW - c.bos);
    END();
}

void drive_ref_means(void)
{
    struct eer_config c;
    struct eer_weights weights;

    any_config(&c);
    any_sums();
    weights.lambda_P = c.lambda_P;
    weights.lambda_K = c.lambda_K;
    weights.lambda_S = c.lambda_S;
    ref_means(&sums, &weights, whole(1, EER_MAX_BATCH), whole(1, BATCH * LENGTH));
    END();
}

void compose_ref_gradient(void)
{
    struct eer_config c;
    struct eer_batch batch = {.B = 2, .tokens = tokens, .labels = labels};
    struct eer_weights weights;

    preset_config(&c);
    any_memory(&c);
    c.loops = LOOPS_BACK;
    batch.L = FEW - c.bos;
    labels[0] = whole(0, VOCAB); /* at least one position is counted */
    weights.lambda_P = c.lambda_P;
    weights.lambda_K = c.lambda_K;
    weights.lambda_S = c.lambda_S;
    ref_gradient(&sums, &dw, &batch, &weights, &work, &w, &c);
    END();
}
