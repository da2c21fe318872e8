/* loop.c - the recurrence: iterations of one block on the state of one sequence
 * (spec/model.md, 3.3). */
#include "ref.h"
#include "lemmas_rows.h"

void ref_queries_keys_values(struct ref_work *work, const double *Z, const struct ref_tensors *w,
                             const struct eer_config *c, int N)
{
    double u[EER_MAX_D];
    int d = c->d;

    //@ assert fits: product_fits(N, d) && product_fits(d, d);
    /*@ loop invariant upto(i, N);
        loop assigns i, work->Y[0 .. N * d - 1], u[0 .. d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        //@ assert inside: row_inside(i, N, d);
        ref_block_input(work->Y + i * d, u, Z + i * d, work->X + i * d, w->gain_1, w->bias_1,
                        c->norm, d);
    }
    ref_matmul(work->Q, work->Y, w->W_Q, N, d, d);
    ref_matmul(work->K, work->Y, w->W_K, N, d, d);
    ref_matmul(work->V, work->Y, w->W_V, N, d, d);
}

void ref_attention_half(double *z_prime, double *r, const double *z, struct ref_work *work,
                        const struct ref_tensors *w, const struct eer_config *c, int i, int N,
                        int measured)
{
    double f[EER_MAX_D];
    int n = ref_keys(c->mask, i, N);
    double potential;

    //@ assert inside: row_inside(i, N, c->d) && product_fits(N, c->d) && fewer_rows(n, N, c->d);
    potential = ref_attention(f, work->p, work->s, work->Q + i * c->d, work->K, work->V, c, i, n);
    if (measured) {
        work->potential[i] += potential;
        work->entropy[i] += ref_tsallis(work->pq, work->p, c->q, n);
    }
    ref_sum_of_two(r, z, f, c->d);
    ref_block_output(z_prime, r, w->gain_1, w->bias_1, c->norm, c->d);
}

void ref_mlp_sum(double *r, double *u, double *y, double *a, double *g, const double *z_prime,
                 const double *x, const struct ref_tensors *w, const struct eer_config *c)
{
    double f[EER_MAX_D];

    ref_block_input(y, u, z_prime, x, w->gain_2, w->bias_2, c->norm, c->d);
    //@ assert fits: product_fits(c->d, c->mlp);
    ref_mlp(f, a, g, y, w, c);
    ref_sum_of_two(r, z_prime, f, c->d);
}

void ref_mlp_half(double *z, const double *x, const struct ref_tensors *w,
                  const struct eer_config *c)
{
    double r[EER_MAX_D], u[EER_MAX_D], y[EER_MAX_D], a[EER_MAX_MLP], g[EER_MAX_MLP];

    ref_mlp_sum(r, u, y, a, g, z, x, w, c);
    ref_block_output(z, r, w->gain_2, w->bias_2, c->norm, c->d);
}

void ref_iteration(double *Z_next, double *R, const double *Z, struct ref_work *work,
                   const struct ref_tensors *w, const struct eer_config *c, int N, int measured)
{
    int d = c->d;

    //@ assert fits: product_fits(N, d);
    ref_queries_keys_values(work, Z, w, c, N);
    /*@ loop invariant upto(i, N);
        loop assigns i, Z_next[0 .. N * d - 1], R[0 .. N * d - 1], work->s[0 .. N - 1],
                     work->p[0 .. N - 1], work->pq[0 .. N - 1], work->potential[0 .. N - 1],
                     work->entropy[0 .. N - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        //@ assert inside: row_inside(i, N, d);
        ref_attention_half(Z_next + i * d, R + i * d, Z + i * d, work, w, c, i, N, measured);
        if (c->mlp > 0)
            ref_mlp_half(Z_next + i * d, work->X + i * d, w, c);
    }
}

void ref_loop_kept(struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                   int N)
{
    //@ assert fits: product_fits(N, c->d);
    int size = N * c->d;

    ref_fill(work->Z, 0.0, size);
    ref_fill(work->potential, 0.0, N);
    ref_fill(work->entropy, 0.0, N);
    //@ assert fits: product_fits(c->loops + 1, size);
    /*@ loop invariant upto(t, c->loops);
        loop assigns t, work->Z[0 .. (c->loops + 1) * size - 1], work->R[0 .. c->loops * size - 1],
                     work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1],
                     work->K[0 .. N * c->d - 1], work->V[0 .. N * c->d - 1], work->s[0 .. N - 1],
                     work->p[0 .. N - 1], work->pq[0 .. N - 1], work->potential[0 .. N - 1],
                     work->entropy[0 .. N - 1];
        loop variant c->loops - t; */
    for (int t = 0; t < c->loops; t++) {
        int next = t + 1;
        /*@ assert inside: row_inside(t, c->loops + 1, size) && row_inside(next, c->loops + 1,
              size); */
        //@ assert kept: row_inside(t, c->loops, size);
        ref_iteration(work->Z + next * size, work->R + t * size, work->Z + t * size, work, w, c, N,
                      1);
    }
}

const double *ref_loop_last(struct ref_work *work, const struct ref_tensors *w,
                            const struct eer_config *c, int loops, int N)
{
    //@ assert fits: product_fits(N, c->d);
    int size = N * c->d;
    double *Z = work->Z, *Z_next = work->Z + size;

    ref_fill(Z, 0.0, size);
    /*@ loop invariant upto(t, loops);
        loop invariant two: Z == work->Z && Z_next == work->Z + size ||
          Z == work->Z + size && Z_next == work->Z;
        loop assigns t, Z, Z_next, work->Z[0 .. 2 * size - 1], work->R[0 .. size - 1],
                     work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1],
                     work->K[0 .. N * c->d - 1], work->V[0 .. N * c->d - 1], work->s[0 .. N - 1],
                     work->p[0 .. N - 1], work->pq[0 .. N - 1], work->potential[0 .. N - 1],
                     work->entropy[0 .. N - 1];
        loop variant loops - t; */
    for (int t = 0; t < loops; t++) {
        double *last = Z;

        ref_iteration(Z_next, work->R, Z, work, w, c, N, 0);
        Z = Z_next;
        Z_next = last;
    }
    return Z;
}
