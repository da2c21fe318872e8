/* gradient.h - loss, parts and gradient of a batch, sequence by sequence [4, 5]. dw is
 * added to. */
#ifndef EER_REF_GRADIENT_H
#define EER_REF_GRADIENT_H

#include "contracts.h"

/* How many labels are counted, that is not -1. */
/*@ requires n >= 0 && \valid_read(labels + (0 .. n - 1));
    terminates \true;
    assigns \nothing;
    ensures range: 0 <= \result <= n;
    ensures number: \result == counted(labels, n); */
int ref_counted(const int *labels, int n);

/* Adds a position's cross-entropy to sums; dz (1 x d) = derivative of the task for its row z */
/*@ requires sizes(c) && tensors(w, c) && tensors(dw, c) && gains_apart(dw, c);
    requires one_block(w) && one_block(dw) && distinct(w->E, dw->E) && \valid(sums);
    requires \separated(sums, c);
    requires 0 <= label <= c->vocab && REAL(counted >= 1);
    requires writable(dz, c->d) && readable(z, c->d) && apart(dz, c->d, z, c->d);
    requires distinct(dz, w->E) && distinct(dz, dw->E) && distinct(z, dw->E);
    terminates \true;
    assigns sums->task, sums->correct, dz[0 .. c->d - 1],
            dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1],
            dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab]; */
void ref_position_loss(struct eer_terms *sums, const struct ref_tensors *dw, double *dz,
                       const double *z, int label, double counted, const struct ref_tensors *w,
                       const struct eer_config *c);

/* The same for all L positions: work->dZ = derivative of the task with respect to Z_T */
/*@ requires L >= 1 && \valid_read(labels + (0 .. L - 1)) && \valid(sums) && REAL(counted >= 1);
    requires \forall integer i; 0 <= i < L ==> labels[i] <= c->vocab;
    requires \separated(sums, c) && \separated(sums, labels + (0 .. L - 1));
    requires backward_ready(work, w, dw, c, L + c->bos);
    requires size(c->loops + 1, (L + c->bos) * c->d);
    requires readable(work->Z, (c->loops + 1) * ((L + c->bos) * c->d));
    terminates \true;
    assigns sums->task, sums->correct, work->dZ[0 .. (L + c->bos) * c->d - 1],
            dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1],
            dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab]; */
void ref_task_loss(struct eer_terms *sums, const struct ref_tensors *dw, const int *labels,
                   double counted, struct ref_work *work, const struct ref_tensors *w,
                   const struct eer_config *c, int L);

/* One sequence forward and back; counted: positions of the whole batch. Adds its parts to sums. */
/*@ requires sizes(c);
    requires number_of(\base_addr(tokens)) == 26 && tokens_valid(tokens, L, c);
    requires L >= 1 && \valid_read(labels + (0 .. L - 1));
    requires \forall integer i; 0 <= i < L ==> labels[i] <= c->vocab;
    requires \valid(sums) && \valid_read(slopes) && REAL(counted >= 1);
    requires \separated(sums, c) && \separated(sums, slopes);
    requires \separated(sums, tokens + (0 .. L - 1)) && \separated(sums, labels + (0 .. L - 1));
    requires backward_ready(work, w, dw, c, L + c->bos);
    requires size(c->loops + 1, (L + c->bos) * c->d);
    requires writable(work->Z, (c->loops + 1) * ((L + c->bos) * c->d));
    requires writable(work->R, c->loops * ((L + c->bos) * c->d));
    terminates \true;
    assigns *sums, work->Z[0 .. (c->loops + 1) * ((L + c->bos) * c->d) - 1],
            work->R[0 .. c->loops * ((L + c->bos) * c->d) - 1],
            work->X[0 .. (L + c->bos) * c->d - 1], work->Y[0 .. (L + c->bos) * c->d - 1],
            work->Q[0 .. (L + c->bos) * c->d - 1], work->K[0 .. (L + c->bos) * c->d - 1],
            work->V[0 .. (L + c->bos) * c->d - 1], work->dZ[0 .. (L + c->bos) * c->d - 1],
            work->dX[0 .. (L + c->bos) * c->d - 1], work->dR[0 .. (L + c->bos) * c->d - 1],
            work->dY[0 .. (L + c->bos) * c->d - 1], work->dQ[0 .. (L + c->bos) * c->d - 1],
            work->dK[0 .. (L + c->bos) * c->d - 1], work->dV[0 .. (L + c->bos) * c->d - 1],
            work->product[0 .. (L + c->bos) * c->d - 1], work->s[0 .. L + c->bos - 1],
            work->p[0 .. L + c->bos - 1], work->pq[0 .. L + c->bos - 1],
            work->potential[0 .. L + c->bos - 1], work->entropy[0 .. L + c->bos - 1],
            work->sigma[0 .. L + c->bos - 1], work->dp[0 .. L + c->bos - 1],
            work->ds[0 .. L + c->bos - 1],
            dw->E[0 .. (c->vocab + c->bos) * c->d - 1], dw->W_Q[0 .. c->d * c->d - 1],
            dw->W_K[0 .. c->d * c->d - 1],
            dw->W_V[0 .. c->d * c->d - 1], dw->gain_1[0 .. gains(c) - 1],
            dw->bias_1[0 .. gains(c) - 1], dw->gain_2[0 .. gains_2(c) - 1],
            dw->bias_2[0 .. gains_2(c) - 1], dw->W_1[0 .. c->d * c->mlp - 1],
            dw->b_1[0 .. c->mlp - 1], dw->W_2[0 .. c->mlp * c->d - 1],
            dw->b_2[0 .. outputs_2(c) - 1],
            dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1],
            dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab]; */
void ref_sequence(struct eer_terms *sums, const struct ref_tensors *dw, const int *tokens,
                  const int *labels, double counted, const struct ref_slopes *slopes,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                  int L);

/* From the sums over sequences and positions to their means, and the weighted total. */
/*@ requires \valid(terms) && \valid_read(weights) && \separated(terms, weights);
    requires B >= 1 && counted >= 1;
    terminates \true;
    assigns *terms;
    ensures means: REAL(terms->task == \old(terms->task) / counted &&
      terms->potential == \old(terms->potential) / B && terms->kinetic ==
      \old(terms->kinetic) / B &&
      terms->entropy == \old(terms->entropy) / B &&
      terms->entropy_penalty == \old(terms->entropy_penalty) / B);
    ensures total: REAL(terms->total == terms->task + weights->lambda_P * terms->potential +
      weights->lambda_K * terms->kinetic + weights->lambda_S * terms->entropy_penalty);
    ensures counted: REAL(terms->counted == counted); */
void ref_means(struct eer_terms *terms, const struct eer_weights *weights, int B, int counted);

/* The whole batch; at least one position is counted. */
/*@ requires sizes(c);
    requires \valid(terms) && \valid_read(weights) && \valid_read(batch);
    requires \separated(terms, weights);
    requires batch->B >= 1 && batch->L >= 1 && size(batch->B, batch->L);
    requires number_of(\base_addr(batch->tokens)) == 26;
    requires \valid_read(batch->tokens + (0 .. batch->B * batch->L - 1));
    requires \forall integer b; 0 <= b < batch->B ==>
      tokens_valid(sequence_of(batch->tokens, batch->L, b), batch->L, c);
    requires \valid_read(batch->labels + (0 .. batch->B * batch->L - 1));
    requires \forall integer i; 0 <= i < batch->B * batch->L ==> batch->labels[i] <= c->vocab;
    requires \separated(terms, c) && \separated(terms, batch);
    requires \separated(terms, batch->tokens + (0 .. batch->B * batch->L - 1));
    requires \separated(terms, batch->labels + (0 .. batch->B * batch->L - 1));
    requires counted(batch->labels, batch->B * batch->L) >= 1;
    requires backward_ready(work, w, dw, c, batch->L + c->bos);
    requires size(c->loops + 1, (batch->L + c->bos) * c->d);
    requires writable(work->Z, (c->loops + 1) * ((batch->L + c->bos) * c->d));
    requires writable(work->R, c->loops * ((batch->L + c->bos) * c->d));
    terminates \true;
    assigns *terms, work->Z[0 .. (c->loops + 1) * ((batch->L + c->bos) * c->d) - 1],
            work->R[0 .. c->loops * ((batch->L + c->bos) * c->d) - 1],
            work->X[0 .. (batch->L + c->bos) * c->d - 1],
            work->Y[0 .. (batch->L + c->bos) * c->d - 1],
            work->Q[0 .. (batch->L + c->bos) * c->d - 1],
            work->K[0 .. (batch->L + c->bos) * c->d - 1],
            work->V[0 .. (batch->L + c->bos) * c->d - 1],
            work->dZ[0 .. (batch->L + c->bos) * c->d - 1],
            work->dX[0 .. (batch->L + c->bos) * c->d - 1],
            work->dR[0 .. (batch->L + c->bos) * c->d - 1],
            work->dY[0 .. (batch->L + c->bos) * c->d - 1],
            work->dQ[0 .. (batch->L + c->bos) * c->d - 1],
            work->dK[0 .. (batch->L + c->bos) * c->d - 1],
            work->dV[0 .. (batch->L + c->bos) * c->d - 1],
            work->product[0 .. (batch->L + c->bos) * c->d - 1],
            work->s[0 .. batch->L + c->bos - 1], work->p[0 .. batch->L + c->bos - 1],
            work->pq[0 .. batch->L + c->bos - 1], work->potential[0 .. batch->L + c->bos - 1],
            work->entropy[0 .. batch->L + c->bos - 1], work->sigma[0 .. batch->L + c->bos - 1],
            work->dp[0 .. batch->L + c->bos - 1], work->ds[0 .. batch->L + c->bos - 1],
            dw->E[0 .. (c->vocab + c->bos) * c->d - 1], dw->W_Q[0 .. c->d * c->d - 1],
            dw->W_K[0 .. c->d * c->d - 1],
            dw->W_V[0 .. c->d * c->d - 1], dw->gain_1[0 .. gains(c) - 1],
            dw->bias_1[0 .. gains(c) - 1], dw->gain_2[0 .. gains_2(c) - 1],
            dw->bias_2[0 .. gains_2(c) - 1], dw->W_1[0 .. c->d * c->mlp - 1],
            dw->b_1[0 .. c->mlp - 1], dw->W_2[0 .. c->mlp * c->d - 1],
            dw->b_2[0 .. outputs_2(c) - 1],
            dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1],
            dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab]; */
void ref_gradient(struct eer_terms *terms, const struct ref_tensors *dw,
                  const struct eer_batch *batch, const struct eer_weights *weights,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c);

#endif
