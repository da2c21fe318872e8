/* rng.c - drivers of ref/rng.c: whole numbers only, all of them. */
#include "inputs.h"

static uint32_t any_word(void)
{
    return Frama_C_unsigned_int_interval(0, UINT32_MAX);
}

static void any_words(uint32_t *x)
{
    for (int j = 0; j < 4; j++)
        x[j] = any_word();
}

void drive_ref_philox_round(void)
{
    uint32_t x[4];

    any_words(x);
    ref_philox_round(x, any_word(), any_word());
    END();
}

void drive_ref_philox(void)
{
    uint32_t x[4];

    any_words(x);
    ref_philox(x, any_word(), any_word());
    END();
}

void drive_ref_random(void)
{
    uint32_t x[4];

    ref_random(x, Frama_C_unsigned_long_long_interval(0, UINT64_MAX), any_word(), any_word(),
               any_word(), any_word());
    END();
}

void drive_ref_below(void)
{
    ref_below(any_word(), whole(1, EER_MAX_LENGTH));
    END();
}
