/* contracts.h - the vocabulary of the contracts: sizes, what is valid, what does not overlap. */
#ifndef EER_REF_CONTRACTS_H
#define EER_REF_CONTRACTS_H

#include "types.h"

/* What is true of the real numbers that the floats stand for, and would be false of floats: the
 * proofs over the reals read it, those over floats and the run-time checks leave it out. */
#ifdef __FRAMAC__
#ifdef REF_WITHOUT_REALS
#define REAL(...) \true
#else
#define REAL(...) (__VA_ARGS__)
#endif
#endif

/* A tensor that a configuration does not have holds 0 numbers. */
/*@ predicate size(integer m, integer n) = 0 <= m && 0 <= n && m * n <= 0x7fffffff;
    predicate rows(integer N) = 1 <= N <= EER_MAX_EVAL_LENGTH + 1;
    predicate upto(integer i, integer n) = 0 <= i <= n;

    predicate readable{L}(double *x, integer n) = \valid_read(x + (0 .. n - 1));
    predicate writable{L}(double *x, integer n) = \valid(x + (0 .. n - 1));
    predicate apart{L}(double *x, integer m, double *y, integer n) =
      \separated(x + (0 .. m - 1), y + (0 .. n - 1));

    predicate sizes{L}(struct eer_config *c) = \valid_read(c) &&
      2 <= c->vocab <= EER_MAX_VOCAB && 4 <= c->d <= EER_MAX_D && c->d % 4 == 0 &&
      0 <= c->mlp <= EER_MAX_MLP && 1 <= c->loops <= EER_MAX_LOOPS &&
      1 <= c->length_min <= c->length_max <= EER_MAX_LENGTH &&
      0 <= c->bos <= 1 && 0 <= c->final_norm <= 1;

    predicate configured{L}(struct eer_config *c) = sizes(c) &&
      REAL(0 < c->tau && 1 < c->q <= 2 && 0 <= c->beta1 < 1 && 0 <= c->beta2 < 1 &&
           0 < c->epsilon);

    predicate tokens_valid{L}(int *tokens, integer n, struct eer_config *c) =
      \valid_read(tokens + (0 .. n - 1)) &&
      \forall integer i; 0 <= i < n ==> 0 <= tokens[i] < c->vocab;

    logic integer gains{L}(struct eer_config *c) = c->norm == EER_NORM_NONE ? 0 : c->d;
    logic integer gains_2{L}(struct eer_config *c) = c->mlp == 0 ? 0 : gains(c);
    logic integer gains_f{L}(struct eer_config *c) = c->final_norm == 0 ? 0 : c->d;
    logic integer outputs_2{L}(struct eer_config *c) = c->mlp == 0 ? 0 : c->d;
    logic integer parameters{L}(struct eer_config *c) =
      (c->vocab + c->bos) * c->d + 3 * c->d * c->d + 2 * gains(c) + 2 * gains_2(c) +
      2 * c->d * c->mlp + c->mlp + outputs_2(c) + 2 * gains_f(c) + (c->d + 1) * (c->vocab + 1);

    // All tensors lie in one block of memory: theta, or its gradient.
    predicate tensors{L}(struct ref_tensors *w, struct eer_config *c) = \valid_read(w) &&
      writable(w->E, (c->vocab + c->bos) * c->d) && writable(w->W_Q, c->d * c->d) &&
      writable(w->W_K, c->d * c->d) && writable(w->W_V, c->d * c->d) &&
      writable(w->gain_1, gains(c)) && writable(w->bias_1, gains(c)) &&
      writable(w->gain_2, gains_2(c)) && writable(w->bias_2, gains_2(c)) &&
      writable(w->W_1, c->d * c->mlp) && writable(w->b_1, c->mlp) &&
      writable(w->W_2, c->mlp * c->d) && writable(w->b_2, outputs_2(c)) &&
      writable(w->gain_f, gains_f(c)) && writable(w->bias_f, gains_f(c)) &&
      writable(w->W_O, c->d * (c->vocab + 1)) && writable(w->b_O, c->vocab + 1);

    predicate one_block{L}(struct ref_tensors *w) =
      \base_addr(w->W_Q) == \base_addr(w->E) && \base_addr(w->W_K) == \base_addr(w->E) &&
      \base_addr(w->W_V) == \base_addr(w->E) && \base_addr(w->gain_1) == \base_addr(w->E) &&
      \base_addr(w->bias_1) == \base_addr(w->E) && \base_addr(w->gain_2) == \base_addr(w->E) &&
      \base_addr(w->bias_2) == \base_addr(w->E) && \base_addr(w->W_1) == \base_addr(w->E) &&
      \base_addr(w->b_1) == \base_addr(w->E) && \base_addr(w->W_2) == \base_addr(w->E) &&
      \base_addr(w->b_2) == \base_addr(w->E) && \base_addr(w->gain_f) == \base_addr(w->E) &&
      \base_addr(w->bias_f) == \base_addr(w->E) && \base_addr(w->W_O) == \base_addr(w->E) &&
      \base_addr(w->b_O) == \base_addr(w->E);

    // No two of a gain and its bias overlap.
    predicate gains_apart{L}(struct ref_tensors *w, struct eer_config *c) =
      apart(w->gain_1, gains(c), w->bias_1, gains(c)) &&
      apart(w->gain_2, gains_2(c), w->bias_2, gains_2(c)) &&
      apart(w->gain_f, gains_f(c), w->bias_f, gains_f(c)); */

/* Memory in different blocks does not overlap. Where many arrays must be pairwise apart, each gets
 * a number: number_of is any function from blocks to numbers, and the contracts hold for each. */
/*@ axiomatic Blocks {
      logic integer number_of(char *base) reads \nothing;
    }
    logic integer block{L}(double *x) = number_of(\base_addr(x));
    predicate distinct{L}(double *x, double *y) = \base_addr(x) != \base_addr(y);

    predicate forward_memory{L}(struct ref_work *k, struct eer_config *c, integer N) =
      sizes(c) && rows(N) && \valid_read(k) && writable(k->X, N * c->d) &&
      writable(k->Y, N * c->d) && writable(k->Q, N * c->d) && writable(k->K, N * c->d) &&
      writable(k->V, N * c->d) && writable(k->potential, N) && writable(k->entropy, N) &&
      writable(k->s, N) && writable(k->p, N) && writable(k->pq, N) &&
      number_of(\base_addr(c)) == 0 && block(k->X) == 2 && block(k->Z) == 3 && block(k->R) == 4 &&
      block(k->Y) == 5 && block(k->Q) == 6 && block(k->K) == 7 && block(k->V) == 8 &&
      block(k->potential) == 9 && block(k->entropy) == 10 && block(k->s) == 11 &&
      block(k->p) == 12 && block(k->pq) == 13;

    predicate backward_memory{L}(struct ref_work *k, struct eer_config *c, integer N) =
      writable(k->dZ, N * c->d) && writable(k->dX, N * c->d) && writable(k->dR, N * c->d) &&
      writable(k->dY, N * c->d) && writable(k->dQ, N * c->d) && writable(k->dK, N * c->d) &&
      writable(k->dV, N * c->d) && writable(k->product, N * c->d) && writable(k->sigma, N) &&
      writable(k->dp, N) && writable(k->ds, N) && block(k->dZ) == 15 && block(k->dX) == 16 &&
      block(k->dR) == 17 && block(k->dY) == 18 && block(k->dQ) == 19 && block(k->dK) == 20 &&
      block(k->dV) == 21 && block(k->product) == 22 && block(k->sigma) == 23 &&
      block(k->dp) == 24 && block(k->ds) == 25;

    // What a forward and a backward pass of N rows stand on.
    predicate forward_ready{L}(struct ref_work *k, struct ref_tensors *w, struct eer_config *c,
                               integer N) =
      forward_memory(k, c, N) && tensors(w, c) && one_block(w) && block(w->E) == 1;

    predicate backward_ready{L}(struct ref_work *k, struct ref_tensors *w, struct ref_tensors *dw,
                                struct eer_config *c, integer N) =
      forward_ready(k, w, c, N) && backward_memory(k, c, N) && tensors(dw, c) &&
      gains_apart(dw, c) && one_block(dw) && block(dw->E) == 14; */

#include "formulas.h"

#endif
