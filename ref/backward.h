/* backward.h - back through the iterations of one sequence of N rows [5.3 to 5.5].
 *
 * work->dZ holds the derivative with respect to the state that the loop has come back to, work->dX
 * collects that with respect to X; both N x d. Gradients of parameters are added to dw. */
#ifndef EER_REF_BACKWARD_H
#define EER_REF_BACKWARD_H

#include "contracts.h"

/* dz: of Z_(t+1) before, of Z' after; dx += du2. r_1: R's row; x: X's. All 1 x d. */
/*@ requires sizes(c) && tensors(w, c) && tensors(dw, c) && gains_apart(dw, c) && c->mlp > 0;
    requires one_block(w) && one_block(dw) && distinct(w->E, dw->E);
    requires writable(dz, c->d) && writable(dx, c->d) && readable(r_1, c->d) && readable(x, c->d);
    requires distinct(dz, dx) && distinct(dz, w->E) && distinct(dz, dw->E) && distinct(dx, w->E) &&
             distinct(dx, dw->E) && distinct(r_1, dw->E) && distinct(x, dw->E);
    terminates \true;
    assigns dz[0 .. c->d - 1], dx[0 .. c->d - 1], dw->gain_2[0 .. gains_2(c) - 1],
            dw->bias_2[0 .. gains_2(c) - 1],
            dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
            dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. outputs_2(c) - 1]; */
void ref_mlp_half_backward(double *dz, double *dx, const struct ref_tensors *dw, const double *r_1,
                           const double *x, const struct ref_tensors *w,
                           const struct eer_config *c);

/* Row i of dQ, and what row i adds to dK and dV, from the derivative df of its attention, a row of
 * dR; dK still lacks the factor 1/(tau sqrt d). */
/*@ requires sizes(c);
    requires forward_memory(work, c, N) && backward_memory(work, c, N) && \valid_read(slopes);
    requires 0 <= i < N;
    requires readable(df, c->d) && block(df) == block(work->dR);
    terminates \true;
    assigns work->dQ[0 .. N * c->d - 1], work->dK[0 .. N * c->d - 1], work->dV[0 .. N * c->d - 1],
            work->s[0 .. N - 1], work->p[0 .. N - 1], work->pq[0 .. N - 1], work->dp[0 .. N - 1],
            work->ds[0 .. N - 1]; */
void ref_attention_row_backward(const double *df, const struct ref_slopes *slopes,
                                struct ref_work *work, const struct eer_config *c, int i, int N);

/* dR (what reaches R), dQ, dK and dV, from dZ, the derivative of Z'. R: N x d of this iteration */
/*@ requires sizes(c);
    requires backward_ready(work, w, dw, c, N) && readable(R, N * c->d) && \valid_read(slopes);
    requires block(R) == block(work->R);
    terminates \true;
    assigns dw->gain_1[0 .. gains(c) - 1], dw->bias_1[0 .. gains(c) - 1],
            work->dR[0 .. N * c->d - 1], work->dQ[0 .. N * c->d - 1],
            work->dK[0 .. N * c->d - 1], work->dV[0 .. N * c->d - 1],
            work->s[0 .. N - 1], work->p[0 .. N - 1], work->pq[0 .. N - 1], work->dp[0 .. N - 1],
            work->ds[0 .. N - 1]; */
void ref_attention_rows_backward(const struct ref_tensors *dw, const double *R,
                                 const struct ref_slopes *slopes, struct ref_work *work,
                                 const struct ref_tensors *w, const struct eer_config *c, int N);

/* dW_Q += Y^T dQ, ..., dY = dQ W_Q^T + dK W_K^T + dV W_V^T */
/*@ requires sizes(c);
    requires backward_ready(work, w, dw, c, N);
    terminates \true;
    assigns dw->W_Q[0 .. c->d * c->d - 1], dw->W_K[0 .. c->d * c->d - 1],
            dw->W_V[0 .. c->d * c->d - 1], work->dY[0 .. N * c->d - 1],
            work->product[0 .. N * c->d - 1]; */
void ref_projections_backward(const struct ref_tensors *dw, struct ref_work *work,
                              const struct ref_tensors *w, const struct eer_config *c, int N);

/* dZ: of Z' before, of Z_t after; dX += du1. Z, R: N x d of this iteration */
/*@ requires sizes(c);
    requires backward_ready(work, w, dw, c, N) && \valid_read(slopes);
    requires readable(Z, N * c->d) && readable(R, N * c->d);
    requires block(Z) == block(work->Z) && block(R) == block(work->R);
    terminates \true;
    assigns dw->W_Q[0 .. c->d * c->d - 1], dw->W_K[0 .. c->d * c->d - 1],
            dw->W_V[0 .. c->d * c->d - 1], dw->gain_1[0 .. gains(c) - 1],
            dw->bias_1[0 .. gains(c) - 1],
            work->dZ[0 .. N * c->d - 1], work->dX[0 .. N * c->d - 1], work->dR[0 .. N * c->d - 1],
            work->dQ[0 .. N * c->d - 1], work->dK[0 .. N * c->d - 1], work->dV[0 .. N * c->d - 1],
            work->dY[0 .. N * c->d - 1], work->product[0 .. N * c->d - 1],
            work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1], work->dp[0 .. N - 1],
            work->ds[0 .. N - 1]; */
void ref_attention_half_backward(const struct ref_tensors *dw, const double *Z, const double *R,
                                 const struct ref_slopes *slopes, struct ref_work *work,
                                 const struct ref_tensors *w, const struct eer_config *c, int N);

/* dZ: of Z_(t+1) before, of Z_t after; dX += du1 + du2 */
/*@ requires sizes(c);
    requires backward_ready(work, w, dw, c, N) && \valid_read(slopes);
    requires readable(Z, N * c->d) && readable(R, N * c->d);
    requires block(Z) == block(work->Z) && block(R) == block(work->R);
    terminates \true;
    assigns dw->W_Q[0 .. c->d * c->d - 1], dw->W_K[0 .. c->d * c->d - 1],
            dw->W_V[0 .. c->d * c->d - 1], dw->gain_1[0 .. gains(c) - 1],
            dw->bias_1[0 .. gains(c) - 1],
            dw->gain_2[0 .. gains_2(c) - 1], dw->bias_2[0 .. gains_2(c) - 1],
            dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
            dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. outputs_2(c) - 1],
            work->dZ[0 .. N * c->d - 1], work->dX[0 .. N * c->d - 1], work->dR[0 .. N * c->d - 1],
            work->dQ[0 .. N * c->d - 1], work->dK[0 .. N * c->d - 1], work->dV[0 .. N * c->d - 1],
            work->dY[0 .. N * c->d - 1], work->product[0 .. N * c->d - 1],
            work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1], work->dp[0 .. N - 1],
            work->ds[0 .. N - 1]; */
void ref_iteration_backward(const struct ref_tensors *dw, const double *Z, const double *R,
                            const struct ref_slopes *slopes, struct ref_work *work,
                            const struct ref_tensors *w, const struct eer_config *c, int N);

/* From dZ, the derivative of the task with respect to Z_T, through all iterations to dX; the
 * kinetic term, the potential and the penalty (work->sigma) join on the way. */
/*@ requires sizes(c);
    requires backward_ready(work, w, dw, c, N) && \valid_read(slopes);
    requires size(c->loops + 1, N * c->d) && readable(work->Z, (c->loops + 1) * (N * c->d)) &&
             readable(work->R, c->loops * (N * c->d));
    terminates \true;
    assigns dw->W_Q[0 .. c->d * c->d - 1], dw->W_K[0 .. c->d * c->d - 1],
            dw->W_V[0 .. c->d * c->d - 1], dw->gain_1[0 .. gains(c) - 1],
            dw->bias_1[0 .. gains(c) - 1],
            dw->gain_2[0 .. gains_2(c) - 1], dw->bias_2[0 .. gains_2(c) - 1],
            dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
            dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. outputs_2(c) - 1],
            work->dZ[0 .. N * c->d - 1], work->dX[0 .. N * c->d - 1], work->dR[0 .. N * c->d - 1],
            work->dQ[0 .. N * c->d - 1], work->dK[0 .. N * c->d - 1], work->dV[0 .. N * c->d - 1],
            work->dY[0 .. N * c->d - 1], work->product[0 .. N * c->d - 1],
            work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1], work->dp[0 .. N - 1],
            work->ds[0 .. N - 1]; */
void ref_loop_backward(const struct ref_tensors *dw, const struct ref_slopes *slopes,
                       struct ref_work *work, const struct ref_tensors *w,
                       const struct eer_config *c, int N);

#endif
