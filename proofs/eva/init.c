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

/* Each kind of tensor; drive_ref_init has them all. */
void drive_ref_init_tensor(void)
{
    ref_init_tensor(theta, any_seed(), EER_EMBEDDING, VOCAB + PRESET_bos, EMBEDDING);
    ref_init_tensor(theta, any_seed(), EER_W_Q, D, D * D);
    ref_init_tensor(theta, any_seed(), EER_LN1_GAIN, 1, D);
    ref_init_tensor(theta, any_seed(), EER_LN2_GAIN, 1, D);
    ref_init_tensor(theta, any_seed(), EER_LNF_GAIN, 1, D);
    ref_init_tensor(theta, any_seed(), EER_B_O, 1, CLASSES);
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
