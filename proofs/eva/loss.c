/* loss.c - drivers of ref/loss.c. */
#include "inputs.h"

static double Z[2 * ROWS * D], dZ[ROWS * D], p[CLASSES], logits[CLASSES], dlogits[CLASSES];
static double entropy[ROWS], sigma[ROWS];

static void any_states(struct eer_config *c)
{
    any_config(c);
    box(Z, 2 * ROWS * D, STATE);
    box(dZ, ROWS * D, ENTRY);
}

/* The cases of drive_ref_softmax. */
void drive_ref_cross_entropy(void)
{
    for (int top = 0; top < CLASSES; top++)
        for (int cell = 0; cell < CELLS; cell++) {
            range(logits, CLASSES, -SCORE, CELL_END(cell));
            logits[top] = within(CELL_START(cell), CELL_END(cell));
            top_of_case = top;
            ref_cross_entropy(p, logits, whole(0, VOCAB), CLASSES);
        }
    END();
}

void drive_ref_cross_entropy_backward(void)
{
    range(p, CLASSES, 0, 1);
    ref_cross_entropy_backward(dlogits, p, whole(0, VOCAB), whole(1, BATCH * LENGTH), CLASSES);
    END();
}

void drive_ref_sum_of_norms(void)
{
    struct eer_config c;

    any_states(&c);
    ref_sum_of_norms(Z, ROWS, D);
    END();
}

void drive_ref_squared_distance(void)
{
    struct eer_config c;

    any_states(&c);
    ref_squared_distance(Z, Z + ROWS * D, ROWS * D);
    END();
}

void drive_ref_path(void)
{
    struct eer_config c;

    any_states(&c);
    ref_path(Z, LOOPS, FEW * D);
    END();
}

void drive_ref_kinetic(void)
{
    struct eer_config c;

    any_states(&c);
    ref_kinetic(Z, &c, FEW);
    END();
}

void compose_ref_norm_backward(void)
{
    struct eer_config c;

    any_states(&c);
    ref_norm_backward(dZ, Z, c.lambda_K, ROWS * D);
    END();
}

void compose_ref_sum_of_norms_backward(void)
{
    struct eer_config c;

    any_states(&c);
    ref_sum_of_norms_backward(dZ, Z, c.lambda_K, ROWS, D);
    END();
}

void drive_ref_path_backward(void)
{
    struct eer_config c;

    any_states(&c);
    for (int t = 1; t <= LOOPS; t++)
        ref_path_backward(dZ, Z, c.lambda_K, t, LOOPS, FEW * D);
    END();
}

void compose_ref_kinetic_backward(void)
{
    struct eer_config c;

    any_states(&c);
    for (enum eer_kinetic kinetic = EER_KINETIC_NORM; kinetic <= EER_KINETIC_FROBENIUS; kinetic++)
        for (int t = LOOPS; t > 0; t--) {
            c.kinetic = kinetic;
            ref_kinetic_backward(dZ, Z, &c, c.lambda_K, t, FEW);
        }
    END();
}

/* S_q of n >= 1 weights in [0, 1] is within (n - 1) / (q - 1), summed over LOOPS. */
void drive_ref_penalty(void)
{
    struct eer_config c;

    any_config(&c);
    box(entropy, ROWS, LOOPS * ROWS * 64.0);
    ref_penalty(sigma, entropy, c.eta, LOOPS, ROWS);
    END();
}
