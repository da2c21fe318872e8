/* libm.c - drivers of ref/libm.c, over the arguments that ref/ gives them. */
#include "inputs.h"

/* Differences to the largest score, and -x^2 / 2. */
void drive_ref_exp(void)
{
    ref_exp(within(-ENTRY * ENTRY, 0));
    END();
}

/* (q - 1) log x of a probability x, and half of how far two logits are apart. */
void drive_ref_expm1(void)
{
    ref_expm1(within(-745, 300));
    END();
}

/* Sums of a softmax, probabilities, and the uniform numbers of the initialisation, at least 2^-25.
 */
void drive_ref_log(void)
{
    ref_log(within(0x1p-1074, ROWS));
    END();
}

void drive_ref_sqrt(void)
{
    ref_sqrt(within(0, ENTRY * ENTRY));
    END();
}

/* p_j^q, beta^step and 10000^(2 k / d). */
void drive_ref_pow(void)
{
    struct eer_config c;

    any_config(&c);
    ref_pow(within(0, 1), c.q);
    ref_pow(c.beta1, whole(1, EER_MAX_STEPS));
    ref_pow(10000, within(0, 1));
    END();
}

void drive_ref_erf(void)
{
    ref_erf(within(-ENTRY, ENTRY));
    END();
}

void drive_ref_sin(void)
{
    ref_sin(within(0, EER_MAX_EVAL_LENGTH));
    END();
}

void drive_ref_cos(void)
{
    ref_cos(within(0, EER_MAX_EVAL_LENGTH));
    END();
}
