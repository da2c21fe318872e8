/* init.h - the initial parameters [3.6]. */
#ifndef EER_REF_INIT_H
#define EER_REF_INIT_H

#include "contracts.h"

/* x rounded to float, from where all backends start */
/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing; */
double ref_rounded_to_float(double x);

/* (word div 2^8 + 1/2) / 2^24 */
/*@ terminates \true;
    assigns \nothing;
    ensures range: 0 < \result < 1; */
double ref_uniform(uint32_t word);

/* A normal number (Box and Muller). */
/*@ terminates \true;
    assigns \nothing; */
double ref_normal(uint32_t word_0, uint32_t word_1);

/* x: n normal numbers */
/*@ requires n >= 0 && writable(x, n);
    terminates \true;
    assigns x[0 .. n - 1]; */
void ref_init_normal(double *x, uint64_t seed, int tensor, int n);

/* x: n numbers, uniform in (-1, 1) / sqrt(rows) */
/*@ requires n >= 0 && writable(x, n) && rows >= 1;
    terminates \true;
    assigns x[0 .. n - 1]; */
void ref_init_uniform(double *x, uint64_t seed, int tensor, int rows, int n);

/* x: the n elements of a tensor; no element if it has no rows */
/*@ requires 0 <= tensor < EER_TENSORS && n >= 0 && writable(x, n);
    requires rows >= 0 && (rows == 0 ==> n == 0);
    terminates \true;
    assigns x[0 .. n - 1]; */
void ref_init_tensor(double *x, uint64_t seed, int tensor, int rows, int n);

/* state: all parameters, moments 0, step 0 */
/*@ requires configured(c) && \valid(state);
    terminates \true;
    assigns state->step, state->theta[0 .. parameters(c) - 1], state->m[0 .. parameters(c) - 1],
            state->v[0 .. parameters(c) - 1]; */
void ref_init(const struct eer_config *c, struct eer_state *state);

#endif
