/* rng.c - Philox4x32-10 (spec/random.h): random numbers as a function of key and counter. */
#include "ref.h"

/* The multipliers and the key's increments of Philox4x32 (Salmon et al., SC 2011). */
static const uint64_t multiplier_0 = 0xD2511F53;
static const uint64_t multiplier_1 = 0xCD9E8D57;
static const uint32_t increment_0 = 0x9E3779B9;
static const uint32_t increment_1 = 0xBB67AE85;

void ref_philox_round(uint32_t *x, uint32_t key_0, uint32_t key_1)
{
    uint64_t product_0 = multiplier_0 * x[0];
    uint64_t product_1 = multiplier_1 * x[2];

    x[0] = (uint32_t)(product_1 >> 32) ^ x[1] ^ key_0;
    x[1] = (uint32_t)(product_1 & 0xFFFFFFFF);
    x[2] = (uint32_t)(product_0 >> 32) ^ x[3] ^ key_1;
    x[3] = (uint32_t)(product_0 & 0xFFFFFFFF);
}

void ref_philox(uint32_t *x, uint32_t key_0, uint32_t key_1)
{
    /*@ loop invariant 0 <= round <= 10;
        loop assigns round, key_0, key_1, x[0 .. 3];
        loop variant 10 - round; */
    for (int round = 0; round < 10; round++) {
        ref_philox_round(x, key_0, key_1);
        key_0 = (uint32_t)(((uint64_t)key_0 + increment_0) & 0xFFFFFFFF);
        key_1 = (uint32_t)(((uint64_t)key_1 + increment_1) & 0xFFFFFFFF);
    }
}

void ref_random(uint32_t *x, uint64_t seed, uint32_t purpose, uint32_t step, uint32_t sequence,
                uint32_t position)
{
    x[0] = purpose;
    x[1] = step;
    x[2] = sequence;
    x[3] = position;
    ref_philox(x, (uint32_t)(seed & 0xFFFFFFFF), (uint32_t)(seed >> 32));
}

int ref_below(uint32_t word, int bound)
{
    return (int)((uint64_t)word * (uint64_t)bound / 0x100000000); /* 2^32 */
}
