/* predict.c - drivers of ref/predict.c. */
#include "inputs.h"

static struct ref_tensors w;
static struct ref_work work;
static double Z[ROWS * D];
static int tokens[LENGTH], predicted[LENGTH];

void drive_ref_predict(void)
{
    struct eer_config c;

    any_config(&c);
    any_tensors(&w);
    box(Z, ROWS * D, STATE);
    ref_predict(predicted, Z, &w, &c, LENGTH);
    END();
}

/* Two iterations; compose_ref_loop_last has them all, drive_ref_predict any state. */
void compose_ref_evaluate(void)
{
    struct eer_config c;

    preset_config(&c);
    any_tensors(&w);
    any_work(&work);
    whole_numbers(tokens, LENGTH, 0, VOCAB - 1);
    ref_evaluate(predicted, tokens, 2, &work, &w, &c, FEW - c.bos);
    END();
}
