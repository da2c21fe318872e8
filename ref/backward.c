/* backward.c - from the derivative of the last state back through the iterations of one sequence
 * (spec/model.md, 5.3 to 5.5). The inside of an iteration is computed anew from Z and R. */
#include "ref.h"
#include "lemmas_rows.h"

void ref_mlp_half_backward(double *dz, double *dx, const struct ref_tensors *dw, const double *r_1,
                           const double *x, const struct ref_tensors *w, const struct eer_config *c)
{
    double z_prime[EER_MAX_D], r[EER_MAX_D], u[EER_MAX_D], y[EER_MAX_D];
    double a[EER_MAX_MLP], g[EER_MAX_MLP];
    double dr[EER_MAX_D], dy[EER_MAX_D], du[EER_MAX_D];
    int d = c->d;

    ref_block_output(z_prime, r_1, w->gain_1, w->bias_1, c->norm, d);
    ref_mlp_sum(r, u, y, a, g, z_prime, x, w, c);

    ref_block_output_backward(dr, dw->gain_2, dw->bias_2, dz, r, w->gain_2, c->norm, d);
    ref_mlp_backward(dy, dw, dr, y, a, g, w, c);
    ref_block_input_backward(du, dw->gain_2, dw->bias_2, dy, u, w->gain_2, c->norm, d);
    ref_sum_of_two(dz, dr, du, d);
    ref_add(dx, du, d);
}

void ref_attention_row_backward(const double *df, const struct ref_slopes *slopes,
                                struct ref_work *work, const struct eer_config *c, int i, int N)
{
    int n = ref_keys(c->mask, i, N);
    //@ assert inside: row_inside(i, N, c->d) && product_fits(N, c->d) && fewer_rows(n, N, c->d);
    const double *q_i = work->Q + i * c->d;

    ref_scores(work->s, q_i, work->K, c, i, n);
    ref_softmax(work->p, work->s, n);
    ref_attention_backward(work->dQ + i * c->d, work->dK, work->dV, work->dp, work->ds, work->pq,
                           df, q_i, work->K, work->V, work->p, c, ref_argmax(work->s, n),
                           slopes->potential, slopes->penalty * work->sigma[i], n);
}

void ref_attention_rows_backward(const struct ref_tensors *dw, const double *R,
                                 const struct ref_slopes *slopes, struct ref_work *work,
                                 const struct ref_tensors *w, const struct eer_config *c, int N)
{
    int d = c->d;

    //@ assert fits: product_fits(N, d);
    ref_fill(work->dK, 0.0, N * d);
    ref_fill(work->dV, 0.0, N * d);
    /*@ loop invariant upto(i, N);
        loop assigns i, dw->gain_1[0 .. gains(c) - 1], dw->bias_1[0 .. gains(c) - 1],
                     work->dR[0 .. N * d - 1], work->dQ[0 .. N * d - 1], work->dK[0 .. N * d - 1],
                     work->dV[0 .. N * d - 1], work->s[0 .. N - 1], work->p[0 .. N - 1],
                     work->pq[0 .. N - 1],
                     work->dp[0 .. N - 1], work->ds[0 .. N - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        //@ assert inside: row_inside(i, N, d);
        ref_block_output_backward(work->dR + i * d, dw->gain_1, dw->bias_1, work->dZ + i * d,
                                  R + i * d, w->gain_1, c->norm, d);
        ref_attention_row_backward(work->dR + i * d, slopes, work, c, i, N);
    }
    ref_divide(work->dK, ref_scale(c), N * d);
}

void ref_projections_backward(const struct ref_tensors *dw, struct ref_work *work,
                              const struct ref_tensors *w, const struct eer_config *c, int N)
{
    int d = c->d;

    //@ assert fits: product_fits(N, d) && product_fits(d, d);
    ref_matmul_tn(dw->W_Q, work->Y, work->dQ, N, d, d);
    ref_matmul_tn(dw->W_K, work->Y, work->dK, N, d, d);
    ref_matmul_tn(dw->W_V, work->Y, work->dV, N, d, d);

    ref_matmul_nt(work->dY, work->dQ, w->W_Q, N, d, d);
    ref_matmul_nt(work->product, work->dK, w->W_K, N, d, d);
    ref_add(work->dY, work->product, N * d);
    ref_matmul_nt(work->product, work->dV, w->W_V, N, d, d);
    ref_add(work->dY, work->product, N * d);
}

void ref_attention_half_backward(const struct ref_tensors *dw, const double *Z, const double *R,
                                 const struct ref_slopes *slopes, struct ref_work *work,
                                 const struct ref_tensors *w, const struct eer_config *c, int N)
{
    double u[EER_MAX_D], du[EER_MAX_D];
    int d = c->d;

    //@ assert fits: product_fits(N, d);
    ref_queries_keys_values(work, Z, w, c, N);
    ref_attention_rows_backward(dw, R, slopes, work, w, c, N);
    ref_projections_backward(dw, work, w, c, N);
    /*@ loop invariant upto(i, N);
        loop assigns i, dw->gain_1[0 .. gains(c) - 1], dw->bias_1[0 .. gains(c) - 1],
                     u[0 .. d - 1], du[0 .. d - 1], work->dZ[0 .. N * d - 1],
                     work->dX[0 .. N * d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        //@ assert inside: row_inside(i, N, d);
        ref_sum_of_two(u, Z + i * d, work->X + i * d, d);
        ref_block_input_backward(du, dw->gain_1, dw->bias_1, work->dY + i * d, u, w->gain_1,
                                 c->norm, d);
        ref_sum_of_two(work->dZ + i * d, work->dR + i * d, du, d);
        ref_add(work->dX + i * d, du, d);
    }
}

void ref_iteration_backward(const struct ref_tensors *dw, const double *Z, const double *R,
                            const struct ref_slopes *slopes, struct ref_work *work,
                            const struct ref_tensors *w, const struct eer_config *c, int N)
{
    int d = c->d;

    //@ assert fits: product_fits(N, d);
    if (c->mlp > 0)
        /*@ loop invariant upto(i, N);
            loop assigns i, dw->gain_2[0 .. gains_2(c) - 1], dw->bias_2[0 .. gains_2(c) - 1],
                         dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
                         dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. outputs_2(c) - 1],
                         work->dZ[0 .. N * d - 1], work->dX[0 .. N * d - 1];
            loop variant N - i; */
        for (int i = 0; i < N; i++) {
            //@ assert inside: row_inside(i, N, d);
            ref_mlp_half_backward(work->dZ + i * d, work->dX + i * d, dw, R + i * d,
                                  work->X + i * d, w, c);
        }
    ref_attention_half_backward(dw, Z, R, slopes, work, w, c, N);
}

void ref_loop_backward(const struct ref_tensors *dw, const struct ref_slopes *slopes,
                       struct ref_work *work, const struct ref_tensors *w,
                       const struct eer_config *c, int N)
{
    //@ assert fits: product_fits(N, c->d);
    int size = N * c->d;

    ref_fill(work->dX, 0.0, size);
    /*@ loop invariant upto(t, c->loops);
        loop assigns t, dw->W_Q[0 .. c->d * c->d - 1], dw->W_K[0 .. c->d * c->d - 1],
                     dw->W_V[0 .. c->d * c->d - 1], dw->gain_1[0 .. gains(c) - 1],
                     dw->bias_1[0 .. gains(c) - 1],
                     dw->gain_2[0 .. gains_2(c) - 1], dw->bias_2[0 .. gains_2(c) - 1],
                     dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
                     dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. outputs_2(c) - 1],
                     work->dZ[0 .. N * c->d - 1], work->dX[0 .. N * c->d - 1],
                     work->dR[0 .. N * c->d - 1], work->dQ[0 .. N * c->d - 1],
                     work->dK[0 .. N * c->d - 1], work->dV[0 .. N * c->d - 1],
                     work->dY[0 .. N * c->d - 1], work->product[0 .. N * c->d - 1],
                     work->Y[0 .. N * c->d - 1], work->Q[0 .. N * c->d - 1],
                     work->K[0 .. N * c->d - 1], work->V[0 .. N * c->d - 1],
                     work->s[0 .. N - 1], work->p[0 .. N - 1], work->pq[0 .. N - 1],
                     work->dp[0 .. N - 1], work->ds[0 .. N - 1];
        loop variant t; */
    for (int t = c->loops; t > 0; t--) {
        int before = t - 1;
        /*@ assert inside: row_inside(before, c->loops + 1, size) &&
              row_inside(before, c->loops, size); */
        ref_kinetic_backward(work->dZ, work->Z, c, slopes->kinetic, t, N);
        ref_iteration_backward(dw, work->Z + before * size, work->R + before * size, slopes, work,
                               w, c, N);
    }
}
