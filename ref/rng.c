/* rng.c - Philox4x32-10 (spec/random.h): random numbers as a function of key and counter. */
#include "ref.h"

/* The multipliers and the key's increments of Philox4x32 (Salmon et al., SC 2011). */
static const uint64_t two_32 = 0x100000000;
static const uint64_t multiplier_0 = 0xD2511F53;
static const uint64_t multiplier_1 = 0xCD9E8D57;
static const uint32_t increment_0 = 0x9E3779B9;
static const uint32_t increment_1 = 0xBB67AE85;

void ref_philox_round(uint32_t *x, uint32_t key_0, uint32_t key_1)
{
    uint64_t product_0 = multiplier_0 * x[0];
    uint64_t product_1 = multiplier_1 * x[2];
    uint32_t high_0 = (uint32_t)(product_0 / two_32);
    uint32_t high_1 = (uint32_t)(product_1 / two_32);

    //@ assert high_0: high_0 == high_word(0xD2511F53 * x[0]);
    //@ assert high_1: high_1 == high_word(0xCD9E8D57 * x[2]);
    x[0] = high_1 ^ x[1] ^ key_0;
    x[1] = (uint32_t)(product_1 % two_32);
    x[2] = high_0 ^ x[3] ^ key_1;
    x[3] = (uint32_t)(product_0 % two_32);
}

void ref_philox(uint32_t *x, uint32_t key_0, uint32_t key_1)
{
    /*@ loop invariant 0 <= round <= 10;
        loop invariant \forall integer k; 0 <= k < 4 ==>
          philox_of(x, k, 10 - round, key_0, key_1) ==
          philox_of{Pre}(x, k, 10, \at(key_0, Pre), \at(key_1, Pre));
        loop assigns round, key_0, key_1, x[0 .. 3];
        loop variant 10 - round; */
    for (int round = 0; round < 10; round++) {
        /*@ assert unfolded: \forall integer k;
              philox_of(x, k, 10 - round, key_0, key_1) ==
              philox(k, 9 - round, round_word_0(x[1], x[2], key_0), round_word_1(x[2]),
                     round_word_2(x[0], x[3], key_1), round_word_3(x[0]),
                     low_word(key_0 + 0x9E3779B9), low_word(key_1 + 0xBB67AE85)); */
        ref_philox_round(x, key_0, key_1);
        key_0 = (uint32_t)(((uint64_t)key_0 + increment_0) % two_32);
        key_1 = (uint32_t)(((uint64_t)key_1 + increment_1) % two_32);
        //@ assert key_0: key_0 == low_word(\at(key_0, LoopCurrent) + 0x9E3779B9);
        //@ assert key_1: key_1 == low_word(\at(key_1, LoopCurrent) + 0xBB67AE85);
    }
}

void ref_random(uint32_t *x, uint64_t seed, uint32_t purpose, uint32_t step, uint32_t sequence,
                uint32_t position)
{
    x[0] = purpose;
    x[1] = step;
    x[2] = sequence;
    x[3] = position;
    ref_philox(x, (uint32_t)(seed % two_32), (uint32_t)(seed / two_32));
}

int ref_below(uint32_t word, int bound)
{
    return (int)((uint64_t)word * (uint64_t)bound / two_32);
}
