/* rng.h - Philox4x32-10 and what spec/random.h makes of it. A block is four words of 32 bits. */
#ifndef EER_REF_RNG_H
#define EER_REF_RNG_H

#include "contracts.h"

/* Philox4x32 (Salmon et al., SC 2011, 3.3) over the integers. A round multiplies words 0 and 2,
 * swaps the halves of the products and mixes the other words and the key in. */
/*@ logic integer high_word(integer product) = product / 0x100000000;
    logic integer low_word(integer product) = product % 0x100000000;

    // of words, so that the casts change nothing: WP's solvers do not know that ^ stays in 32 bits
    logic integer mixed(integer x, integer y, integer z) =
      (uint32_t)((uint32_t)(x ^ y) ^ z);

    logic integer round_word_0(integer x1, integer x2, integer key_0) =
      mixed(high_word(0xCD9E8D57 * x2), x1, key_0);
    logic integer round_word_1(integer x2) = low_word(0xCD9E8D57 * x2);
    logic integer round_word_2(integer x0, integer x3, integer key_1) =
      mixed(high_word(0xD2511F53 * x0), x3, key_1);
    logic integer round_word_3(integer x0) = low_word(0xD2511F53 * x0);

    // word k of the block after the given number of rounds
    logic integer philox(integer k, integer rounds, integer x0, integer x1, integer x2, integer x3,
                         integer key_0, integer key_1) =
      rounds <= 0 ? (k == 0 ? x0 : k == 1 ? x1 : k == 2 ? x2 : x3) :
      philox(k, rounds - 1, round_word_0(x1, x2, key_0), round_word_1(x2),
             round_word_2(x0, x3, key_1), round_word_3(x0),
             low_word(key_0 + 0x9E3779B9), low_word(key_1 + 0xBB67AE85));

    logic integer philox_of{L}(uint32_t *x, integer k, integer rounds, integer key_0,
                               integer key_1) =
      philox(k, rounds, x[0], x[1], x[2], x[3], key_0, key_1);

    // word k of the block at a counter under a seed
    logic integer random_word(integer k, integer seed, integer purpose, integer step,
                              integer sequence, integer position) =
      philox(k, 10, purpose, step, sequence, position, low_word(seed), high_word(seed));

    logic integer below(integer word, integer bound) = (word * bound) / 0x100000000; */

/* One round, in place. */
/*@ requires \valid(x + (0 .. 3));
    terminates \true;
    assigns x[0 .. 3];
    ensures word_0: x[0] == \old(round_word_0(x[1], x[2], key_0));
    ensures word_1: x[1] == \old(round_word_1(x[2]));
    ensures word_2: x[2] == \old(round_word_2(x[0], x[3], key_1));
    ensures word_3: x[3] == \old(round_word_3(x[0])); */
void ref_philox_round(uint32_t *x, uint32_t key_0, uint32_t key_1);

/* Ten rounds: x holds the counter before and the block after. */
/*@ requires \valid(x + (0 .. 3));
    terminates \true;
    assigns x[0 .. 3];
    ensures rounds: \forall integer k; 0 <= k < 4 ==>
      x[k] == \old(philox_of(x, k, 10, key_0, key_1)); */
void ref_philox(uint32_t *x, uint32_t key_0, uint32_t key_1);

/* x = the block at (purpose, step, sequence, position) under the seed. */
/*@ requires \valid(x + (0 .. 3));
    terminates \true;
    assigns x[0 .. 3];
    ensures block: \forall integer k; 0 <= k < 4 ==>
      x[k] == random_word(k, seed, purpose, step, sequence, position); */
void ref_random(uint32_t *x, uint64_t seed, uint32_t purpose, uint32_t step, uint32_t sequence,
                uint32_t position);

/* floor(word bound / 2^32) */
/*@ requires bound >= 1;
    terminates \true;
    assigns \nothing;
    ensures product: \result == below(word, bound);
    ensures range: 0 <= \result < bound; */
int ref_below(uint32_t word, int bound);

#endif
