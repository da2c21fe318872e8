/* loop.h - forward through the iterations of one sequence of N rows [3.3]. */
#ifndef EER_REF_LOOP_H
#define EER_REF_LOOP_H

#include "contracts.h"

/* Y = LN1(Z + X) with norm = pre, else Z + X; Q, K, V = Y W_Q, Y W_K, Y W_V. Z N x d of work->Z */
/*@ requires sizes(c);
    requires forward_ready(work, w, c, N) && readable(Z, N * c->d);
    requires block(Z) == block(work->Z);
    terminates \true;
    assigns work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1]; */
void ref_queries_keys_values(struct ref_work *work, const double *Z, const struct ref_tensors *w,
                             const struct eer_config *c, int N);

/* r = Z + A, a row of work->R, and z_prime = Z', of work->Z, from row z of Z; measured: adds to
 * the row's potential and entropy. All 1 x d. */
/*@ requires sizes(c);
    requires forward_ready(work, w, c, N) && 0 <= i < N;
    requires writable(z_prime, c->d) && writable(r, c->d) && readable(z, c->d);
    requires block(z_prime) == block(work->Z) && block(z) == block(work->Z);
    requires block(r) == block(work->R);
    terminates \true;
    assigns z_prime[0 .. c->d - 1], r[0 .. c->d - 1], work->potential[i], work->entropy[i],
            work->s[0 .. N - 1], work->p[0 .. N - 1], work->pq[0 .. N - 1]; */
void ref_attention_half(double *z_prime, double *r, const double *z, struct ref_work *work,
                        const struct ref_tensors *w, const struct eer_config *c, int i, int N,
                        int measured);

/* r = Z' + M, with what the backward pass needs: u = Z' + x, y what M reads of it, a and g
 * inside M. x of X; u, y, r, z_prime 1 x d, a and g 1 x m; mlp > 0. */
/*@ requires sizes(c) && tensors(w, c) && one_block(w) && c->mlp > 0;
    requires writable(r, c->d) && writable(u, c->d) && writable(y, c->d) && writable(a, c->mlp) &&
             writable(g, c->mlp) && readable(z_prime, c->d) && readable(x, c->d);
    requires outputs: \separated(r + (0 .. c->d - 1), u + (0 .. c->d - 1), y + (0 .. c->d - 1),
                                 a + (0 .. c->mlp - 1), g + (0 .. c->mlp - 1),
                                 z_prime + (0 .. c->d - 1));
    requires inputs: apart(u, c->d, x, c->d);
    requires block: distinct(r, w->E) && distinct(u, w->E) && distinct(y, w->E) &&
      distinct(a, w->E) && distinct(g, w->E);
    terminates \true;
    assigns r[0 .. c->d - 1], u[0 .. c->d - 1], y[0 .. c->d - 1], a[0 .. c->mlp - 1],
            g[0 .. c->mlp - 1]; */
void ref_mlp_sum(double *r, double *u, double *y, double *a, double *g, const double *z_prime,
                 const double *x, const struct ref_tensors *w, const struct eer_config *c);

/* z: Z' before, Z_(t+1) after, with mlp > 0; x of X. Both 1 x d. */
/*@ requires sizes(c) && tensors(w, c) && one_block(w) && c->mlp > 0;
    requires writable(z, c->d) && readable(x, c->d) && distinct(z, w->E);
    terminates \true;
    assigns z[0 .. c->d - 1]; */
void ref_mlp_half(double *z, const double *x, const struct ref_tensors *w,
                  const struct eer_config *c);

/* Z_next = Z_(t+1) and R = Z + A from Z = Z_t, all N x d. */
/*@ requires sizes(c);
    requires forward_ready(work, w, c, N);
    requires writable(Z_next, N * c->d) && writable(R, N * c->d) && readable(Z, N * c->d);
    requires block(Z_next) == block(work->Z) && block(Z) == block(work->Z);
    requires block(R) == block(work->R);
    terminates \true;
    assigns Z_next[0 .. N * c->d - 1], R[0 .. N * c->d - 1],
            work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1], work->potential[0 .. N - 1], work->entropy[0 .. N - 1]; */
void ref_iteration(double *Z_next, double *R, const double *Z, struct ref_work *work,
                   const struct ref_tensors *w, const struct eer_config *c, int N, int measured);

/* All T iterations: work->Z holds Z_0 .. Z_T after, work->R the R of each. */
/*@ requires sizes(c);
    requires forward_ready(work, w, c, N) && size(c->loops + 1, N * c->d);
    requires writable(work->Z, (c->loops + 1) * (N * c->d));
    requires writable(work->R, c->loops * (N * c->d));
    terminates \true;
    assigns work->Z[0 .. (c->loops + 1) * (N * c->d) - 1], work->R[0 .. c->loops * (N * c->d) - 1],
            work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1], work->potential[0 .. N - 1], work->entropy[0 .. N - 1]; */
void ref_loop_kept(struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                   int N);

/* `loops` iterations in memory for two states; returns the last one, N x d in work->Z. */
/*@ requires sizes(c);
    requires forward_ready(work, w, c, N) && loops >= 0;
    requires writable(work->Z, 2 * (N * c->d)) && writable(work->R, N * c->d);
    terminates \true;
    assigns work->Z[0 .. 2 * (N * c->d) - 1], work->R[0 .. N * c->d - 1],
            work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
            work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
            work->pq[0 .. N - 1], work->potential[0 .. N - 1], work->entropy[0 .. N - 1];
    ensures last: \result == work->Z || \result == work->Z + N * c->d; */
const double *ref_loop_last(struct ref_work *work, const struct ref_tensors *w,
                            const struct eer_config *c, int loops, int N);

#endif
