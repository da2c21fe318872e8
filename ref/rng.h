/* rng.h - Philox4x32-10 and what spec/random.h makes of it. A block is four words of 32 bits. */
#ifndef EER_REF_RNG_H
#define EER_REF_RNG_H

#include "contracts.h"

/* One round, in place. */
/*@ requires \valid(x + (0 .. 3));
    terminates \true;
    assigns x[0 .. 3]; */
void ref_philox_round(uint32_t *x, uint32_t key_0, uint32_t key_1);

/* Ten rounds: x holds the counter before and the block after. */
/*@ requires \valid(x + (0 .. 3));
    terminates \true;
    assigns x[0 .. 3]; */
void ref_philox(uint32_t *x, uint32_t key_0, uint32_t key_1);

/* x = the block at (purpose, step, sequence, position) under the seed. */
/*@ requires \valid(x + (0 .. 3));
    terminates \true;
    assigns x[0 .. 3]; */
void ref_random(uint32_t *x, uint64_t seed, uint32_t purpose, uint32_t step, uint32_t sequence,
                uint32_t position);

/* floor(word bound / 2^32) */
/*@ requires bound >= 1;
    terminates \true;
    assigns \nothing;
    ensures product: \result == (word * bound) / 0x100000000;
    ensures range: 0 <= \result < bound; */
int ref_below(uint32_t word, int bound);

#endif
