/* loop.c - the recurrence: iterations of one block on the state of one sequence
 * (spec/model.md, 3.3). */
#include "ref.h"

void ref_queries_keys_values(struct ref_work *work, const double *Z, const struct ref_tensors *w,
                             const struct eer_config *c, int N)
{
    int d = c->d;

    /*@ loop invariant 0 <= i <= N;
        loop assigns i, work->Y[0 .. N * d - 1], work->u[0 .. d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++)
        ref_block_input(work->Y + i * d, work->u, Z + i * d, work->X + i * d, w->gain_1, w->bias_1,
                        c->norm, d);
    ref_matmul(work->Q, work->Y, w->W_Q, N, d, d);
    ref_matmul(work->K, work->Y, w->W_K, N, d, d);
    ref_matmul(work->V, work->Y, w->W_V, N, d, d);
}

void ref_attention_half(double *z_prime, double *r, const double *z, struct ref_work *work,
                        const struct ref_tensors *w, const struct eer_config *c, int i, int N,
                        int measured)
{
    int n = ref_keys(c->mask, i, N);
    double potential =
        ref_attention(work->f, work->p, work->s, work->Q + i * c->d, work->K, work->V, c, i, n);

    if (measured) {
        work->potential[i] += potential;
        work->entropy[i] += ref_tsallis(work->pq, work->p, c->q, n);
    }
    ref_sum_of_two(r, z, work->f, c->d);
    ref_block_output(z_prime, r, w->gain_1, w->bias_1, c->norm, c->d);
}

void ref_mlp_half(double *z_next, double *r, const double *z_prime, const double *x,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c)
{
    ref_block_input(work->y, work->u, z_prime, x, w->gain_2, w->bias_2, c->norm, c->d);
    ref_mlp(work->f, work->a, work->g, work->y, w, c);
    ref_sum_of_two(r, z_prime, work->f, c->d);
    ref_block_output(z_next, r, w->gain_2, w->bias_2, c->norm, c->d);
}

void ref_iteration(double *Z_next, double *R, const double *Z, struct ref_work *work,
                   const struct ref_tensors *w, const struct eer_config *c, int N, int measured)
{
    int d = c->d;

    ref_queries_keys_values(work, Z, w, c, N);
    /*@ loop invariant 0 <= i <= N;
        loop assigns i, Z_next[0 .. N * d - 1], R[0 .. N * d - 1], work->s[0 .. N - 1],
                     work->p[0 .. N - 1], work->pq[0 .. N - 1], work->potential[0 .. N - 1],
                     work->entropy[0 .. N - 1], work->u[0 .. c->d - 1], work->y[0 .. c->d - 1],
                     work->f[0 .. c->d - 1], work->r[0 .. c->d - 1], work->z_prime[0 .. c->d - 1],
                     work->a[0 .. c->mlp - 1], work->g[0 .. c->mlp - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        ref_attention_half(work->z_prime, R + i * d, Z + i * d, work, w, c, i, N, measured);
        if (c->mlp > 0)
            ref_mlp_half(Z_next + i * d, work->r, work->z_prime, work->X + i * d, work, w, c);
        else
            ref_copy(Z_next + i * d, work->z_prime, d);
    }
}

void ref_loop_kept(struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                   int N)
{
    int size = N * c->d;

    ref_fill(work->Z, 0, size);
    ref_fill(work->potential, 0, N);
    ref_fill(work->entropy, 0, N);
    /*@ loop invariant 0 <= t <= c->loops;
        loop assigns t, work->Z[size .. (c->loops + 1) * size - 1], work->R[0 .. c->loops * size -
       1], work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1], work->K[0 .. N * c->d - 1],
       work->V[0 .. N * c->d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1], work->pq[0 .. N - 1],
       work->potential[0 .. N - 1], work->entropy[0 .. N - 1], work->u[0 .. c->d - 1], work->y[0 ..
       c->d - 1], work->f[0 .. c->d - 1], work->r[0 .. c->d - 1], work->z_prime[0 .. c->d - 1],
                     work->a[0 .. c->mlp - 1], work->g[0 .. c->mlp - 1];
        loop variant c->loops - t; */
    for (int t = 0; t < c->loops; t++)
        ref_iteration(work->Z + (t + 1) * size, work->R + t * size, work->Z + t * size, work, w, c,
                      N, 1);
}

const double *ref_loop_last(struct ref_work *work, const struct ref_tensors *w,
                            const struct eer_config *c, int loops, int N)
{
    int size = N * c->d;

    ref_fill(work->Z, 0, size);
    /*@ loop invariant 0 <= t <= loops;
        loop assigns t, work->Z[0 .. 2 * size - 1], work->R[0 .. size - 1],
                     work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1],
                     work->K[0 .. N * c->d - 1], work->V[0 .. N * c->d - 1], work->s[0 .. N - 1],
                     work->p[0 .. N - 1], work->pq[0 .. N - 1], work->potential[0 .. N - 1],
                     work->entropy[0 .. N - 1], work->u[0 .. c->d - 1], work->y[0 .. c->d - 1],
                     work->f[0 .. c->d - 1], work->r[0 .. c->d - 1], work->z_prime[0 .. c->d - 1],
                     work->a[0 .. c->mlp - 1], work->g[0 .. c->mlp - 1];
        loop variant loops - t; */
    for (int t = 0; t < loops; t++)
        ref_iteration(work->Z + (t + 1) % 2 * size, work->R, work->Z + t % 2 * size, work, w, c, N,
                      0);
    return work->Z + loops % 2 * size;
}
