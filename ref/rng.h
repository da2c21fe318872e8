#ifndef EER_REF_RNG_H
#define EER_REF_RNG_H

#include "types.h"

void ref_philox_round(uint32_t *x, uint32_t key_0, uint32_t key_1);
void ref_philox(uint32_t *x, uint32_t key_0, uint32_t key_1);
void ref_random(uint32_t *x, uint64_t seed, uint32_t purpose, uint32_t step, uint32_t sequence,
                uint32_t position);
int ref_below(uint32_t word, int bound);

#endif
