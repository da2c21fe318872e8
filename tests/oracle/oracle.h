/* oracle.h - the loss and its gradient from the formulas of spec/model.md, sections 2 to 4, alone,
 * in MPFR with 200 bits: what the reference is judged by.
 *
 * The forward pass is written once, over numbers that remember how they were made. The gradient
 * then follows from the chain rule of a dozen elementary operations, by one of two sweeps over that
 * record; no derivative of the model is written down anywhere here. */
#ifndef EER_ORACLE_H
#define EER_ORACLE_H

#include "../../spec/backend.h"

enum { ORACLE_BITS = 200 };

enum oracle_mode {
    ORACLE_DUAL,    /* dual numbers: one forward sweep a parameter */
    ORACLE_REVERSE, /* one backward sweep for all; agrees with the above (test_oracle.c) */
};

/* The smallest distances, over all places where the gradient jumps, to the jump; HUGE_VAL if there
 * is none. Distances below 2^-150 are left out: they are ties for every theta (equal rows, one
 * visible key), on both sides of which the gradient is the same. */
struct oracle_margin {
    double maximum;  /* first and second largest score of a row (4.3) */
    double absolute; /* |time mean of S_q - eta| (4.4) */
    double relu;     /* |argument| (3.3) */
};

struct oracle; /* the numbers; grows as needed, is reused by the next call */

struct oracle *oracle_open(void);
void oracle_close(struct oracle *);

/* theta and gradient: P doubles in the order of layout.h; the gradient is rounded once. gradient
 * and margin may be NULL. Error: EER_NOT_FINITE. Memory that runs out ends the program. */
enum eer_status oracle_gradient(struct oracle *, const struct eer_config *,
                                const struct eer_batch *, const struct eer_weights *,
                                const double *theta, enum oracle_mode, struct eer_terms *,
                                double *gradient, struct oracle_margin *margin);

/* (total(theta + h e_k) - total(theta - h e_k)) / 2h with h = 2^-66, e_k the k-th unit vector:
 * needs no rule of differentiation. Relative to the size of the loss its error is about 2^-132
 * (from h^2 times the third derivative, and from 2^-200 / h). Error as above. */
enum eer_status oracle_quotient(struct oracle *, const struct eer_config *,
                                const struct eer_batch *, const struct eer_weights *,
                                const double *theta, int k, double *quotient);

#endif
