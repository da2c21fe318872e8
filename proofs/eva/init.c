/* init.c - drivers of ref/init.c. */
#include "inputs.h"

static double theta[PARAMETERS], m[PARAMETERS], v[PARAMETERS];

static uint32_t any_word(void)
{
    return Frama_C_unsigned_int_interval(0, UINT32_MAX);
}

static uint64_t any_seed(void)
{
    return Frama_C_unsigned_long_long_interval(0, UINT64_MAX);
}

void drive_ref_rounded_to_float(void)
{
    ref_rounded_to_float(within(-WEIGHT, WEIGHT));
    END();
}

void drive_ref_uniform(void)
{
    ref_uniform(any_word());
    END();
}

void drive_ref_normal(void)
{
    ref_normal(any_word(), any_word());
    END();
}

void drive_ref_init_normal(void)
{
    ref_init_normal(theta, any_seed(), EER_EMBEDDING, EMBEDDING);
    END();
}

void drive_ref_init_uniform(void)
{
    ref_init_uniform(theta, any_seed(), EER_W_1, whole(1, EER_MAX_MLP), D * MLP);
    END();
}

void drive_ref_init_tensor(void)
{
    struct eer_config c;
    struct eer_layout layout;

    any_config(&c);
    c.norm = EER_NORM_PRE;
    c.final_norm = 1;
    eer_layout(&c, &layout);
    for (int tensor = 0; tensor < EER_TENSORS; tensor++)
        ref_init_tensor(theta, any_seed(), tensor, layout.rows[tensor],
                        layout.rows[tensor] * layout.columns[tensor]);
    END();
}

/* The initial parameters are within WEIGHT. */
void drive_ref_init(void)
{
    struct eer_config c;
    struct eer_state state = {.theta = theta, .m = m, .v = v};

    preset_config(&c);
    ref_init(&c, &state);
    check_box(theta, PARAMETERS, WEIGHT);
    END();
}
