/* gradient.h - loss, parts and gradient of a batch, sequence by sequence [4, 5]. dw is added to. */
#ifndef EER_REF_GRADIENT_H
#define EER_REF_GRADIENT_H

#include "contracts.h"

/* How many labels are counted, that is not -1. */
/*@ requires n >= 0 && \valid_read(labels + (0 .. n - 1));
    terminates \true;
    assigns \nothing;
    ensures 0 <= \result <= n; */
int ref_counted(const int *labels, int n);

/* Adds a position's cross-entropy to sums; dz (1 x d) = derivative of the task for its row z */
/*@ requires backward_ready(work, w, dw, c, 1, 0) && \valid(sums);
    requires 0 <= label <= c->vocab && counted >= 1;
    requires writable(dz, c->d) && readable(z, c->d) && apart(dz, c->d, z, c->d);
    requires apart_from_forward(dz, c->d, work, c, 1) && apart_from_forward(z, c->d, work, c, 1);
    terminates \true;
    assigns sums->task, sums->correct, dz[0 .. c->d - 1], dw->gain_f[0 .. gains_f(c) - 1],
            dw->bias_f[0 .. gains_f(c) - 1], dw->W_O[0 .. c->d * (c->vocab + 1) - 1],
            dw->b_O[0 .. c->vocab + 1 - 1], work->logits[0 .. c->vocab],
            work->h[0 .. c->d - 1], work->classes[0 .. c->vocab],
            work->dlogits[0 .. c->vocab], work->dh[0 .. c->d - 1], work->xhat[0 .. c->d - 1],
            work->scaled[0 .. c->d - 1]; */
void ref_position_loss(struct eer_terms *sums, const struct ref_tensors *dw, double *dz,
                       const double *z, int label, double counted, struct ref_work *work,
                       const struct ref_tensors *w, const struct eer_config *c);

/* The same for all L positions: work->dZ = derivative of the task with respect to Z_T */
/*@ requires L >= 1 && \valid_read(labels + (0 .. L - 1)) && \valid(sums) && counted >= 1;
    requires backward_ready(work, w, dw, c, L + c->bos, (c->loops + 1) * ((L + c->bos) * c->d));
    requires size(c->loops + 1, (L + c->bos) * c->d);
    terminates \true;
    assigns sums->task, sums->correct, work->dZ[0 .. (L + c->bos) * c->d - 1],
            dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1],
            dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab + 1 - 1],
            work->logits[0 .. c->vocab], work->h[0 .. c->d - 1],
            work->classes[0 .. c->vocab], work->dlogits[0 .. c->vocab],
            work->dh[0 .. c->d - 1], work->xhat[0 .. c->d - 1], work->scaled[0 .. c->d - 1]; */
void ref_task_loss(struct eer_terms *sums, const struct ref_tensors *dw, const int *labels,
                   double counted, struct ref_work *work, const struct ref_tensors *w,
                   const struct eer_config *c, int L);

/* One sequence forward and back; counted: positions of the whole batch. Adds its parts to sums. */
/*@ requires L >= 1 && tokens_valid(tokens, L, c) && \valid_read(labels + (0 .. L - 1));
    requires \valid(sums) && \valid_read(slopes) && counted >= 1;
    requires backward_ready(work, w, dw, c, L + c->bos, (c->loops + 1) * ((L + c->bos) * c->d));
    requires size(c->loops + 1, (L + c->bos) * c->d);
    terminates \true;
    assigns *sums, work->Z[0 .. (c->loops + 1) * ((L + c->bos) * c->d) - 1],
            work->R[0 .. c->loops * ((L + c->bos) * c->d) - 1],
            dw->E[0 .. (c->vocab + c->bos) * c->d - 1], dw->W_Q[0 .. c->d * c->d - 1],
            dw->W_K[0 .. c->d * c->d - 1], dw->W_V[0 .. c->d * c->d - 1],
            dw->gain_1[0 .. gains(c) - 1], dw->bias_1[0 .. gains(c) - 1],
            dw->gain_2[0 .. gains_2(c) - 1], dw->bias_2[0 .. gains_2(c) - 1],
            dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
            dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. outputs_2(c) - 1],
            dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1],
            dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab + 1 - 1],
            work->X[0 .. (L + c->bos) * c->d - 1], work->Y[0 .. (L + c->bos) * c->d - 1],
            work->Q[0 .. (L + c->bos) * c->d - 1], work->K[0 .. (L + c->bos) * c->d - 1],
            work->V[0 .. (L + c->bos) * c->d - 1], work->s[0 .. L + c->bos - 1], work->p[0 .. L +
   c->bos - 1], work->pq[0 .. L + c->bos - 1], work->potential[0 .. L + c->bos - 1], work->entropy[0
   .. L + c->bos - 1], work->u[0 .. c->d - 1], work->y[0 .. c->d - 1], work->f[0 .. c->d - 1],
            work->r[0 .. c->d - 1], work->z_prime[0 .. c->d - 1], work->a[0 .. c->mlp - 1],
            work->g[0 .. c->mlp - 1], work->dZ[0 .. (L + c->bos) * c->d - 1],
            work->dX[0 .. (L + c->bos) * c->d - 1], work->dR[0 .. (L + c->bos) * c->d - 1],
            work->dY[0 .. (L + c->bos) * c->d - 1], work->dQ[0 .. (L + c->bos) * c->d - 1],
            work->dK[0 .. (L + c->bos) * c->d - 1], work->dV[0 .. (L + c->bos) * c->d - 1],
            work->product[0 .. (L + c->bos) * c->d - 1], work->sigma[0 .. L + c->bos - 1],
   work->dp[0 .. L + c->bos - 1], work->ds[0 .. L + c->bos - 1], work->z_next[0 .. c->d - 1],
   work->du[0 .. c->d - 1], work->dy[0 .. c->d - 1], work->dr[0 .. c->d - 1], work->dh[0 .. c->d -
   1], work->xhat[0 .. c->d - 1], work->scaled[0 .. c->d - 1], work->da[0 .. c->mlp - 1], work->dg[0
   .. c->mlp - 1], work->h[0 .. c->d - 1], work->logits[0 .. c->vocab], work->classes[0 ..
   c->vocab], work->dlogits[0 .. c->vocab]; */
void ref_sequence(struct eer_terms *sums, const struct ref_tensors *dw, const int *tokens,
                  const int *labels, double counted, const struct ref_slopes *slopes,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                  int L);

/* From the sums over sequences and positions to their means, and the weighted total. */
/*@ requires \valid(terms) && \valid_read(weights) && \separated(terms, weights);
    requires B >= 1 && counted >= 1;
    terminates \true;
    assigns *terms; */
void ref_means(struct eer_terms *terms, const struct eer_weights *weights, int B, int counted);

/* The whole batch; at least one position is counted. */
/*@ requires \valid(terms) && \valid_read(weights) && \valid_read(batch);
    requires batch->B >= 1 && batch->L >= 1 && size(batch->B, batch->L);
    requires tokens_valid(batch->tokens, batch->B * batch->L, c);
    requires \valid_read(batch->labels + (0 .. batch->B * batch->L - 1));
    requires backward_ready(work, w, dw, c, batch->L + c->bos,
                            (c->loops + 1) * ((batch->L + c->bos) * c->d));
    requires size(c->loops + 1, (batch->L + c->bos) * c->d);
    terminates \true;
    assigns *terms, work->Z[0 .. (c->loops + 1) * ((batch->L + c->bos) * c->d) - 1],
            work->R[0 .. c->loops * ((batch->L + c->bos) * c->d) - 1],
            dw->E[0 .. (c->vocab + c->bos) * c->d - 1], dw->W_Q[0 .. c->d * c->d - 1],
            dw->W_K[0 .. c->d * c->d - 1], dw->W_V[0 .. c->d * c->d - 1],
            dw->gain_1[0 .. gains(c) - 1], dw->bias_1[0 .. gains(c) - 1],
            dw->gain_2[0 .. gains_2(c) - 1], dw->bias_2[0 .. gains_2(c) - 1],
            dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
            dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. outputs_2(c) - 1],
            dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1],
            dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab + 1 - 1],
            work->X[0 .. (batch->L + c->bos) * c->d - 1], work->Y[0 .. (batch->L + c->bos) * c->d -
   1], work->Q[0 .. (batch->L + c->bos) * c->d - 1], work->K[0 .. (batch->L + c->bos) * c->d - 1],
            work->V[0 .. (batch->L + c->bos) * c->d - 1], work->s[0 .. batch->L + c->bos - 1],
   work->p[0 .. batch->L + c->bos - 1], work->pq[0 .. batch->L + c->bos - 1], work->potential[0 ..
   batch->L + c->bos - 1], work->entropy[0 .. batch->L + c->bos - 1], work->u[0 .. c->d - 1],
   work->y[0 .. c->d - 1], work->f[0 .. c->d - 1], work->r[0 .. c->d - 1], work->z_prime[0 .. c->d -
   1], work->a[0 .. c->mlp - 1], work->g[0 .. c->mlp - 1], work->dZ[0 .. (batch->L + c->bos) * c->d
   - 1], work->dX[0 .. (batch->L + c->bos) * c->d - 1], work->dR[0 .. (batch->L + c->bos) * c->d -
   1], work->dY[0 .. (batch->L + c->bos) * c->d - 1], work->dQ[0 .. (batch->L + c->bos) * c->d - 1],
            work->dK[0 .. (batch->L + c->bos) * c->d - 1], work->dV[0 .. (batch->L + c->bos) * c->d
   - 1], work->product[0 .. (batch->L + c->bos) * c->d - 1], work->sigma[0 .. batch->L + c->bos -
   1], work->dp[0 .. batch->L + c->bos - 1], work->ds[0 .. batch->L + c->bos - 1], work->z_next[0 ..
   c->d - 1], work->du[0 .. c->d - 1], work->dy[0 .. c->d - 1], work->dr[0 .. c->d - 1], work->dh[0
   .. c->d - 1], work->xhat[0 .. c->d - 1], work->scaled[0 .. c->d - 1], work->da[0 .. c->mlp - 1],
   work->dg[0 .. c->mlp - 1], work->h[0 .. c->d - 1], work->logits[0 .. c->vocab], work->classes[0
   .. c->vocab], work->dlogits[0 .. c->vocab]; */
void ref_gradient(struct eer_terms *terms, const struct ref_tensors *dw,
                  const struct eer_batch *batch, const struct eer_weights *weights,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c);

#endif
