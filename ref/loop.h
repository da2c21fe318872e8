/* loop.h - forward through the iterations of one sequence of N rows [3.3]. */
#ifndef EER_REF_LOOP_H
#define EER_REF_LOOP_H

#include "contracts.h"

/* Y = LN1(Z + X) with norm = pre, else Z + X; Q, K, V = Y W_Q, Y W_K, Y W_V. Z N x d */
/*@ requires forward_ready(work, w, c, N, 0) && readable(Z, N * c->d);
    requires apart_from_forward(Z, N * c->d, work, c, N);
    terminates \true;
    assigns work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1],
            work->K[0 .. N * c->d - 1], work->V[0 .. N * c->d - 1], work->u[0 .. c->d - 1]; */
void ref_queries_keys_values(struct ref_work *work, const double *Z, const struct ref_tensors *w,
                             const struct eer_config *c, int N);

/* Row i of r = Z + A and z_prime = Z', from row z of Z; measured: adds to the row's potential and
 * entropy. All 1 x d. */
/*@ requires forward_ready(work, w, c, N, 0) && 0 <= i < N;
    requires writable(z_prime, c->d) && writable(r, c->d) && readable(z, c->d);
    requires apart(z_prime, c->d, r, c->d) && apart(r, c->d, z, c->d) &&
             apart(r, c->d, work->f, c->d) && apart(work->f, c->d, z, c->d);
    requires tensors_apart(w, c, z_prime, c->d) && tensors_apart(w, c, r, c->d);
    terminates \true;
    assigns z_prime[0 .. c->d - 1], r[0 .. c->d - 1], work->potential[i], work->entropy[i],
            work->f[0 .. c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1]; */
void ref_attention_half(double *z_prime, double *r, const double *z, struct ref_work *work,
                        const struct ref_tensors *w, const struct eer_config *c, int i, int N,
                        int measured);

/* r = Z' + M and z_next = Z_(t+1) of a row, with mlp > 0; x of X. All 1 x d. */
/*@ requires forward_ready(work, w, c, 1, 0) && c->mlp > 0;
    requires writable(z_next, c->d) && writable(r, c->d) && readable(z_prime, c->d) &&
             readable(x, c->d);
    requires \separated(z_next + (0 .. c->d - 1), r + (0 .. c->d - 1), z_prime + (0 .. c->d - 1),
                        work->u + (0 .. c->d - 1), work->y + (0 .. c->d - 1), work->f + (0 .. c->d -
   1), work->a + (0 .. c->mlp - 1), work->g + (0 .. c->mlp - 1)); requires \separated(x + (0 .. c->d
   - 1), work->u + (0 .. c->d - 1), work->y + (0 .. c->d - 1)); requires tensors_apart(w, c, z_next,
   c->d) && tensors_apart(w, c, r, c->d); terminates \true; assigns z_next[0 .. c->d - 1], r[0 ..
   c->d - 1], work->u[0 .. c->d - 1], work->y[0 .. c->d - 1], work->f[0 .. c->d - 1], work->a[0 ..
   c->mlp - 1], work->g[0 .. c->mlp - 1]; */
void ref_mlp_half(double *z_next, double *r, const double *z_prime, const double *x,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c);

/* Z_next = Z_(t+1) and R = Z + A from Z = Z_t, all N x d. */
/*@ requires forward_ready(work, w, c, N, 0);
    requires writable(Z_next, N * c->d) && writable(R, N * c->d) && readable(Z, N * c->d);
    requires \separated(Z_next + (0 .. N * c->d - 1), R + (0 .. N * c->d - 1), Z + (0 .. N * c->d -
   1), work->X + (0 .. N * c->d - 1), w, c, work); requires apart_from_forward(Z_next, N * c->d,
   work, c, N) && apart_from_forward(R, N * c->d, work, c, N) && apart_from_forward(Z, N * c->d,
   work, c, N); requires tensors_apart(w, c, Z_next, N * c->d) && tensors_apart(w, c, R, N * c->d);
    terminates \true;
    assigns Z_next[0 .. N * c->d - 1], R[0 .. N * c->d - 1], work->Y[0 .. N * c->d - 1],
            work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1], work->potential[0 .. N - 1], work->entropy[0 .. N - 1],
            work->u[0 .. c->d - 1], work->y[0 .. c->d - 1], work->f[0 .. c->d - 1],
            work->r[0 .. c->d - 1], work->z_prime[0 .. c->d - 1], work->a[0 .. c->mlp - 1],
            work->g[0 .. c->mlp - 1]; */
void ref_iteration(double *Z_next, double *R, const double *Z, struct ref_work *work,
                   const struct ref_tensors *w, const struct eer_config *c, int N, int measured);

/* All T iterations: work->Z holds Z_0 .. Z_T after, work->R the R of each. */
/*@ requires forward_ready(work, w, c, N, (c->loops + 1) * (N * c->d));
    requires size(c->loops + 1, N * c->d);
    terminates \true;
    assigns work->Z[0 .. (c->loops + 1) * (N * c->d) - 1],
            work->R[0 .. c->loops * (N * c->d) - 1], work->Y[0 .. N * c->d - 1],
            work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1], work->potential[0 .. N - 1], work->entropy[0 .. N - 1],
            work->u[0 .. c->d - 1], work->y[0 .. c->d - 1], work->f[0 .. c->d - 1],
            work->r[0 .. c->d - 1], work->z_prime[0 .. c->d - 1], work->a[0 .. c->mlp - 1],
            work->g[0 .. c->mlp - 1]; */
void ref_loop_kept(struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                   int N);

/* `loops` iterations in memory for two states; returns the last one, N x d in work->Z. */
/*@ requires forward_ready(work, w, c, N, 2 * (N * c->d)) && loops >= 0;
    terminates \true;
    assigns work->Z[0 .. 2 * (N * c->d) - 1], work->R[0 .. N * c->d - 1],
            work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1],
            work->K[0 .. N * c->d - 1], work->V[0 .. N * c->d - 1], work->s[0 .. N - 1],
            work->p[0 .. N - 1], work->pq[0 .. N - 1], work->potential[0 .. N - 1],
            work->entropy[0 .. N - 1], work->u[0 .. c->d - 1], work->y[0 .. c->d - 1],
            work->f[0 .. c->d - 1], work->r[0 .. c->d - 1], work->z_prime[0 .. c->d - 1],
            work->a[0 .. c->mlp - 1], work->g[0 .. c->mlp - 1];
    ensures \result == work->Z + (loops % 2) * (N * c->d); */
const double *ref_loop_last(struct ref_work *work, const struct ref_tensors *w,
                            const struct eer_config *c, int loops, int N);

#endif
