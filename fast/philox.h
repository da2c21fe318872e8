/* philox.h - Philox4x32-10 and the numbers drawn from it (spec/random.h). */
#ifndef FAST_PHILOX_H
#define FAST_PHILOX_H

#include <stdint.h>

/* The first two words of the block at a counter. */
struct fast_words {
    uint32_t w0, w1;
};

static inline struct fast_words fast_philox(uint64_t seed, uint32_t purpose, uint32_t step,
                                            uint32_t sequence, uint32_t position)
{
    uint32_t c0 = purpose, c1 = step, c2 = sequence, c3 = position;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53 * c0, b = (uint64_t)0xCD9E8D57 * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    return (struct fast_words){c0, c1};
}

/* floor(w n / 2^32), in [0, n) */
static inline int fast_below(uint32_t w, int n)
{
    return (int)((uint64_t)w * (uint64_t)n >> 32);
}

#endif
