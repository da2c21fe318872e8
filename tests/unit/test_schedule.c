/* The learning rate and the loss weights over the steps, against values worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>

#include "../../fast/program/configuration.h"
#include "../../fast/program/schedule.h"

/* A few operations of roundoff 2^-53 on numbers of this size. */
static int near(double a, double b)
{
    return fabs(a - b) <= 8 * 0x1p-53 * fmax(fabs(a), fabs(b)) + 0x1p-60;
}

static struct eer_config config(void)
{
    struct eer_config c;
    eer_config_default(&c);
    c.lr = 0.5;
    c.steps = 101;
    return c;
}

Test(schedule, a_constant_rate_never_changes)
{
    struct eer_config c = config();
    for (int step = 1; step <= c.steps; step++)
        cr_assert(eer_learning_rate(&c, step) == 0.5);
}

Test(schedule, warm_up_rises_by_equal_steps_and_reaches_the_rate)
{
    struct eer_config c = config();
    c.warmup = 4;
    cr_assert(eer_learning_rate(&c, 1) == 0.125);
    cr_assert(eer_learning_rate(&c, 2) == 0.25);
    cr_assert(eer_learning_rate(&c, 4) == 0.5);
    cr_assert(eer_learning_rate(&c, 5) == 0.5);
    c.lr_schedule = EER_COSINE;
    cr_assert(eer_learning_rate(&c, 4) == 0.5);
    cr_assert(eer_learning_rate(&c, 5) == 0.5, "the fall begins at its top");
    c.steps = 2; /* a short try of a long run's preset */
    cr_assert(eer_learning_rate(&c, 2) == 0.25);
}

Test(schedule, linear_falls_by_equal_steps)
{
    struct eer_config c = config();
    c.lr_schedule = EER_LINEAR;
    c.warmup = 1;
    cr_assert(eer_learning_rate(&c, 2) == 0.5);
    cr_assert(near(eer_learning_rate(&c, 52), 0.25));
    cr_assert(near(eer_learning_rate(&c, 101), 0.005), "one step short of 0");
}

Test(schedule, cosine_passes_its_known_points)
{
    struct eer_config c = config();
    c.lr_schedule = EER_COSINE;
    c.steps = 120;
    cr_assert(eer_learning_rate(&c, 1) == 0.5);
    cr_assert(near(eer_learning_rate(&c, 41), 0.375), "cos 60 degrees is 1/2");
    cr_assert(near(eer_learning_rate(&c, 61), 0.25));
    cr_assert(near(eer_learning_rate(&c, 81), 0.125));
    for (int step = 2; step <= c.steps; step++)
        cr_assert(eer_learning_rate(&c, step) < eer_learning_rate(&c, step - 1));
    cr_assert(eer_learning_rate(&c, c.steps) > 0.0);
}

Test(schedule, the_three_weights_go_together_from_first_to_last_step)
{
    struct eer_config c = config();
    c.lambda_P = 0.5;
    c.lambda_K = 0.25;
    c.lambda_S = 2.0;
    c.lambda_schedule = EER_LINEAR;
    c.lambda_final = 0.5;
    struct eer_weights first = eer_weights_at(&c, 1), middle = eer_weights_at(&c, 51),
                       last = eer_weights_at(&c, 101);
    cr_assert(first.lambda_P == 0.5 && first.lambda_K == 0.25 && first.lambda_S == 2.0);
    cr_assert(near(middle.lambda_P, 0.375) && near(middle.lambda_S, 1.5));
    cr_assert(last.lambda_P == 0.25 && last.lambda_K == 0.125 && last.lambda_S == 1.0);
    c.lambda_schedule = EER_COSINE;
    cr_assert(near(eer_weights_at(&c, 51).lambda_P, 0.375));
    cr_assert(near(eer_weights_at(&c, 101).lambda_P, 0.25));
}

Test(schedule, a_factor_may_rise)
{
    struct eer_config c = config();
    c.lambda_P = 1.0;
    c.lambda_schedule = EER_LINEAR;
    c.lambda_final = 3.0;
    cr_assert(near(eer_weights_at(&c, 51).lambda_P, 2.0));
}

Test(schedule, one_step_has_the_full_weights)
{
    struct eer_config c = config();
    c.steps = 1;
    c.lambda_schedule = EER_COSINE;
    c.lr_schedule = EER_COSINE;
    cr_assert(eer_weights_at(&c, 1).lambda_P == c.lambda_P);
    cr_assert(eer_learning_rate(&c, 1) == c.lr);
}

Test(schedule, constant_weights_ignore_the_final_factor)
{
    struct eer_config c = config();
    c.lambda_final = 0.0;
    cr_assert(eer_weights_at(&c, c.steps).lambda_P == c.lambda_P);
}
