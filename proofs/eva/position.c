/* position.c - drivers of ref/position.c. */
#include "inputs.h"

static double X[ROWS * D], E[EMBEDDING];
static int tokens[LENGTH];

void drive_ref_add_position(void)
{
    struct eer_config c;

    any_config(&c);
    box(X, D, WEIGHT);
    ref_add_position(X, whole(0, EER_MAX_EVAL_LENGTH), c.pe_scale, D);
    END();
}

void drive_ref_input_row(void)
{
    struct eer_config c;

    any_config(&c);
    box(E, D, WEIGHT);
    ref_input_row(X, E, whole(0, EER_MAX_EVAL_LENGTH), c.pe_scale, D);
    check_box(X, D, INPUT);
    END();
}

void drive_ref_embedding_row(void)
{
    struct eer_config c;

    any_config(&c);
    whole_numbers(tokens, LENGTH, 0, VOCAB - 1);
    for (c.bos = 0; c.bos <= 1; c.bos++)
        ref_embedding_row(tokens, whole(0, LENGTH - 1 + c.bos), &c);
    END();
}

/* X is within INPUT. */
void drive_ref_input(void)
{
    struct eer_config c;

    any_config(&c);
    whole_numbers(tokens, LENGTH, 0, VOCAB - 1);
    box(E, EMBEDDING, WEIGHT);
    ref_input(X, E, tokens, &c, ROWS);
    check_box(X, ROWS * D, INPUT);
    END();
}

void drive_ref_input_backward(void)
{
    struct eer_config c;

    any_config(&c);
    whole_numbers(tokens, LENGTH, 0, VOCAB - 1);
    box(E, EMBEDDING, ENTRY);
    box(X, ROWS * D, ENTRY);
    ref_input_backward(E, X, tokens, &c, ROWS);
    END();
}
