/* task.c - drivers of ref/task.c: whole numbers only. */
#include "inputs.h"

static int tokens[BATCH * LENGTH], labels[BATCH * LENGTH];

static uint64_t any_seed(void)
{
    return Frama_C_unsigned_long_long_interval(0, UINT64_MAX);
}

void drive_ref_length(void)
{
    struct eer_config c;

    any_config(&c);
    ref_length(&c, whole(1, EER_MAX_STEPS));
    END();
}

void drive_ref_token(void)
{
    struct eer_config c;

    any_config(&c);
    ref_token(&c, Frama_C_unsigned_int_interval(0, UINT32_MAX), whole(-1, VOCAB - 1));
    END();
}

void drive_ref_tokens(void)
{
    struct eer_config c;

    any_config(&c);
    ref_tokens(tokens, &c, any_seed(), EER_DRAW_TRAIN, whole(0, EER_MAX_STEPS), whole(0, BATCH - 1),
               LENGTH);
    END();
}

void drive_ref_label(void)
{
    whole_numbers(tokens, LENGTH, 0, VOCAB - 1);
    ref_label(tokens, whole(0, LENGTH - 1), VOCAB);
    END();
}

void drive_ref_labels(void)
{
    whole_numbers(tokens, FEW, 0, VOCAB - 1);
    ref_labels(labels, tokens, EER_FULL, VOCAB, FEW);
    ref_labels(labels, tokens, EER_LAST, VOCAB, FEW);
    END();
}

void drive_ref_draw_sequence(void)
{
    struct eer_config c;

    any_config(&c);
    ref_draw_sequence(tokens, labels, &c, any_seed(), EER_DRAW_TRAIN, whole(0, EER_MAX_STEPS),
                      whole(0, BATCH - 1), FEW);
    END();
}

void drive_ref_draw(void)
{
    struct eer_config c;
    struct eer_batch batch = {.B = 2, .L = FEW, .tokens = tokens, .labels = labels};

    any_config(&c);
    ref_draw(&c, any_seed(), EER_DRAW_EVAL, whole(0, EER_MAX_STEPS), &batch);
    END();
}
