/* vocabulary.h - what inline.awk leaves out of the vocabulary of the contracts because it recurses
 * or is not defined there, said so that it can run. Read before each file that is instrumented. */
#ifndef EER_EACSL_VOCABULARY_H
#define EER_EACSL_VOCABULARY_H

#include <stdint.h>

/* Sums in place of recursion. */
#define counted(labels, n)    (\numof(0, (n)-1, \lambda integer each; (labels)[each] >= 0))
#define eer_offset(c, tensor) (\sum(0, (tensor)-1, \lambda integer each; eer_elements(c, each)))

/* In C: E-ACSL calls these where a contract says philox or number_of. */
#define philox_of(x, k, rounds, key_0, key_1)                                                      \
    philox(k, rounds, (x)[0], (x)[1], (x)[2], (x)[3], key_0, key_1)
/* Of x as it was; E-ACSL drops a label in an argument of a C function, but not in \let. */
#define philox_of_old(x, k, rounds, key_0, key_1)                                                  \
    (\let x_0 = \at((x)[0], Pre); \let x_1 = \at((x)[1], Pre); \let x_2 = \at((x)[2], Pre);        \
     \let x_3 = \at((x)[3], Pre); \let k_0 = (key_0); \let k_1 = (key_1);                         \
        philox(k, rounds, x_0, x_1, x_2, x_3, k_0, k_1))
#define philox(k, rounds, x0, x1, x2, x3, key_0, key_1)                                            \
    philox_word((int)(k), (int)(rounds), (uint32_t)(x0), (uint32_t)(x1), (uint32_t)(x2),           \
                (uint32_t)(x3), (uint32_t)(key_0), (uint32_t)(key_1))

uint32_t philox_word(int k, int rounds, uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3,
                     uint32_t key_0, uint32_t key_1);

/* The number of a block of memory; -1 for one that engine.c has not numbered. */
int number_of(const char *base);

/* At the end, appends "kind file line function" of each annotation reached to the file. */
void note_reached_in(const char *path);

#endif
