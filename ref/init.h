/* init.h - the initial parameters [3.6]. */
#ifndef EER_REF_INIT_H
#define EER_REF_INIT_H

#include "contracts.h"
#include "rng.h"
#include "tensors.h"

/*@ logic real uniform_of(integer word) = (word / 256 + 0.5) / 16777216.0;
    logic real normal_of(integer word_0, integer word_1) =
      \sqrt(-2 * \log(uniform_of(word_0))) *
      \cos(6.283185307179586476925286766559 * uniform_of(word_1));

    logic integer initial_word(integer k, integer seed, integer tensor, integer j) =
      random_word(k, seed, EER_DRAW_INIT, tensor, 0, j);
    logic real initial_normal(integer seed, integer tensor, integer j) =
      normal_of(initial_word(0, seed, tensor, j), initial_word(1, seed, tensor, j));
    logic real initial_uniform(integer seed, integer tensor, integer rows, integer j) =
      over(2 * uniform_of(initial_word(0, seed, tensor, j)) - 1, \sqrt(rows));

    predicate is_gain(integer tensor) =
      tensor == EER_LN1_GAIN || tensor == EER_LN2_GAIN || tensor == EER_LNF_GAIN;

    predicate is_initial_at{L}(double *x, integer seed, integer tensor, integer rows, integer j) =
      (tensor == EER_EMBEDDING ==> x[j] == initial_normal(seed, tensor, j)) &&
      (is_gain(tensor) ==> x[j] == 1.0) &&
      (eer_is_vector(tensor) && !is_gain(tensor) ==> x[j] == 0.0) &&
      (tensor != EER_EMBEDDING && !eer_is_vector(tensor) ==>
        x[j] == initial_uniform(seed, tensor, rows, j));

    predicate is_initial{L}(double *x, integer seed, integer tensor, integer rows, integer n) =
      \forall integer j; 0 <= j < n ==> is_initial_at(x, seed, tensor, rows, j); */

/* x rounded to float, from where all backends start. Over the reals that changes nothing: WP's
 * reals know no rounding, so that the values below are those of spec/model.md before it. */
/*@ terminates \true;
    assigns \nothing;
    ensures same: REAL(\result == x); */
double ref_rounded_to_float(double x);

/* (word div 2^8 + 1/2) / 2^24 */
/*@ terminates \true;
    assigns \nothing;
    ensures value: REAL(\result == uniform_of(word));
    ensures range: REAL(0 < \result < 1); */
double ref_uniform(uint32_t word);

/* A normal number (Box and Muller). */
/*@ terminates \true;
    assigns \nothing;
    ensures value: REAL(\result == normal_of(word_0, word_1)); */
double ref_normal(uint32_t word_0, uint32_t word_1);

/* x: n normal numbers */
/*@ requires n >= 0 && writable(x, n) && tensor >= 0;
    terminates \true;
    assigns x[0 .. n - 1];
    ensures values: REAL(\forall integer j; 0 <= j < n ==>
      x[j] == initial_normal(seed, tensor, j)); */
void ref_init_normal(double *x, uint64_t seed, int tensor, int n);

/* x: n numbers, uniform in (-1, 1) / sqrt(rows) */
/*@ requires n >= 0 && writable(x, n) && tensor >= 0 && rows >= 0 && (rows == 0 ==> n == 0);
    terminates \true;
    assigns x[0 .. n - 1];
    ensures values: REAL(\forall integer j; 0 <= j < n ==>
      x[j] == initial_uniform(seed, tensor, rows, j)); */
void ref_init_uniform(double *x, uint64_t seed, int tensor, int rows, int n);

/* x: the n elements of a tensor; no element if it has no rows */
/*@ requires 0 <= tensor < EER_TENSORS && n >= 0 && writable(x, n);
    requires rows >= 0 && (rows == 0 ==> n == 0);
    terminates \true;
    assigns x[0 .. n - 1];
    ensures values: REAL(is_initial(x, seed, tensor, rows, n)); */
void ref_init_tensor(double *x, uint64_t seed, int tensor, int rows, int n);

/* state: all parameters, moments 0, step 0 */
/*@ requires sizes(c) && \valid(state) && writable(state->theta, parameters(c));
    requires writable(state->m, parameters(c)) && writable(state->v, parameters(c));
    requires \separated(state, c, state->theta + (0 .. parameters(c) - 1),
                        state->m + (0 .. parameters(c) - 1), state->v + (0 .. parameters(c) - 1));
    terminates \true;
    assigns state->step, state->theta[0 .. parameters(c) - 1], state->m[0 .. parameters(c) - 1],
            state->v[0 .. parameters(c) - 1];
    ensures step: state->step == 0;
    ensures moments: REAL(is_filled(state->m, 0.0, \old(parameters(c))) &&
                          is_filled(state->v, 0.0, \old(parameters(c))));
    ensures values: REAL(\forall integer t; 0 <= t < EER_TENSORS ==>
      is_initial(state->theta + eer_offset{Pre}(c, t), \old(c->seed), t, eer_rows{Pre}(c, t),
                 eer_elements{Pre}(c, t))); */
void ref_init(const struct eer_config *c, struct eer_state *state);

#endif
