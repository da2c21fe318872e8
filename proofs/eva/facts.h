/* facts.h - what Eva, which knows an interval for each variable and no relation between two, takes
 * from elsewhere. run.sh fails if a driver admits anything that is not in this table.
 *
 * | fact                 | where it is proved                                                     |
 * |----------------------|------------------------------------------------------------------------|
 * | ref_variance         | clause sign of its contract in ref/layer_norm.h, by WP                 |
 * | ref_sum_of_squares   | clause sign of its contract in ref/vector.h, by WP                     |
 * | ref_argmax           | none is taken: a case distinction, whose cases the driver enumerates   |
 * |                      | by clause largest of its contract in ref/vector.h, by WP               |
 * | ref_exponentials     | lemma exponentials: argued in compose.c from its clause exponentials   |
 * |                      | in ref/softmax.h, by WP, and from a trusted statement about exp, whose |
 * |                      | ends lemma_exponentials evaluates                                      |
 * | ref_standardise      | lemma xhat: argued in compose.c, where lemma_xhat shows its last step  |
 * | ref_norm             | lemma root: argued below; lemma_root in compose.c shows its last step  |
 *
 * WP proves the clauses in the real model: the headers mark them with REAL(...). Clauses sign and
 * largest hold for doubles without NaN and infinity as well, because they speak of signs and
 * comparisons only: x x >= 0, a sum of numbers >= 0 is >= 0 and at least each of them, in any
 * rounding. Clause exponentials does not: doubles are near exp only, and what is used of it here
 * rests on the trusted statement
 *
 *   exp of the C library (glibc) is within [0, 1] for every x <= 0, and exp(0) = 1. */
#ifndef EER_EVA_FACTS_H
#define EER_EVA_FACTS_H

/*@ admit ensures sign: \result >= 0; */
double ref_variance(const double *x, double mean, int d);

/*@ admit ensures sign: \result >= 0; */
double ref_sum_of_squares(const double *x, int n);

/* The index that ref_argmax gives in the case at hand, -1 (the initial value): any. A driver that
 * sets it goes through all indices, so that its cases together are all inputs. */
extern int top_of_case;

/*@ admit ensures top: top_of_case >= 0 ==> \result == top_of_case; */
int ref_argmax(const double *x, int n);

/* Lemma root: a sum of squares is a multiple of 2^-1074, so it is 0 or at least 2^-1074, and a
 * correctly rounded square root is monotone: a norm is 0 or at least 2^-537. */
#define LEAST_NORM 0x1p-537

#endif
