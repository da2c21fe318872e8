/* gradient.c - the loss of a batch, its parts and its gradient: sequence by sequence, forward and
 * back (spec/model.md, 4 and 5). */
#include "ref.h"
#include "lemmas_rows.h"

int ref_counted(const int *labels, int n)
{
    int counted = 0;
    /*@ loop invariant 0 <= j <= n && 0 <= counted <= j;
        loop invariant counted == counted(labels, j);
        loop assigns j, counted;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        counted += labels[j] >= 0;
    return counted;
}

void ref_position_loss(struct eer_terms *sums, const struct ref_tensors *dw, double *dz,
                       const double *z, int label, double counted, const struct ref_tensors *w,
                       const struct eer_config *c)
{
    double logits[EER_MAX_VOCAB + 1], classes[EER_MAX_VOCAB + 1], dlogits[EER_MAX_VOCAB + 1];
    double h[EER_MAX_D];
    int C = c->vocab + 1;

    ref_logits(logits, h, z, w, c);
    sums->task += ref_cross_entropy(classes, logits, label, C);
    sums->correct += ref_argmax(logits, C) == label;
    ref_cross_entropy_backward(dlogits, classes, label, counted, C);
    ref_logits_backward(dz, dw, dlogits, h, z, w, c);
}

void ref_task_loss(struct eer_terms *sums, const struct ref_tensors *dw, const int *labels,
                   double counted, struct ref_work *work, const struct ref_tensors *w,
                   const struct eer_config *c, int L)
{
    int d = c->d;
    int N = L + c->bos;
    //@ assert fits: product_fits(N, d);
    int size = N * d;
    //@ assert last: row_inside(c->loops, c->loops + 1, size);
    const double *Z_T = work->Z + c->loops * size;

    ref_fill(work->dZ, 0.0, size);
    /*@ loop invariant upto(i, L);
        loop invariant sizes: same_sizes{Pre, Here}(c);
        loop assigns i, sums->task, sums->correct, work->dZ[0 .. N * d - 1],
                     dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1],
                     dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab];
        loop variant L - i; */
    for (int i = 0; i < L; i++) {
        int row = i + c->bos;
        //@ assert inside: row_inside(row, N, d);
        if (labels[i] >= 0)
            ref_position_loss(sums, dw, work->dZ + row * d, Z_T + row * d, labels[i], counted, w,
                              c);
    }
}

void ref_sequence(struct eer_terms *sums, const struct ref_tensors *dw, const int *tokens,
                  const int *labels, double counted, const struct ref_slopes *slopes,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c,
                  int L)
{
    int T = c->loops;
    int N = L + c->bos;

    ref_input(work->X, w->E, tokens, c, N);
    ref_loop_kept(work, w, c, N);

    ref_task_loss(sums, dw, labels, counted, work, w, c, L);
    sums->kinetic += ref_kinetic(work->Z, c, N);
    sums->potential += ref_sum(work->potential, N) / ((double)N * T);
    sums->entropy += ref_sum(work->entropy, N) / ((double)N * T);
    sums->entropy_penalty += ref_penalty(work->sigma, work->entropy, c->eta, T, N);

    ref_loop_backward(dw, slopes, work, w, c, N);
    ref_input_backward(dw->E, work->dX, tokens, c, N);
}

void ref_means(struct eer_terms *terms, const struct eer_weights *weights, int B, int counted)
{
    terms->counted = counted;
    terms->task /= counted;
    terms->potential /= B;
    terms->kinetic /= B;
    terms->entropy /= B;
    terms->entropy_penalty /= B;
    terms->total = terms->task + weights->lambda_P * terms->potential +
                   weights->lambda_K * terms->kinetic + weights->lambda_S * terms->entropy_penalty;
}

void ref_gradient(struct eer_terms *terms, const struct ref_tensors *dw,
                  const struct eer_batch *batch, const struct eer_weights *weights,
                  struct ref_work *work, const struct ref_tensors *w, const struct eer_config *c)
{
    int B = batch->B;
    int L = batch->L;
    int counted = ref_counted(batch->labels, B * L);
    double positions = (double)B * (L + c->bos) * c->loops;
    struct ref_slopes slopes = {.kinetic = weights->lambda_K / B,
                                .potential = weights->lambda_P / positions,
                                .penalty = weights->lambda_S / positions};

    *terms = (struct eer_terms){0};
    /*@ loop invariant upto(b, B);
        loop invariant sizes: same_sizes{Pre, Here}(c);
        loop assigns b, *terms, work->Z[0 .. (c->loops + 1) * ((L + c->bos) * c->d) - 1],
                     work->R[0 .. c->loops * ((L + c->bos) * c->d) - 1],
                     work->X[0 .. (L + c->bos) * c->d - 1], work->Y[0 .. (L + c->bos) * c->d - 1],
                     work->Q[0 .. (L + c->bos) * c->d - 1], work->K[0 .. (L + c->bos) * c->d - 1],
                     work->V[0 .. (L + c->bos) * c->d - 1], work->dZ[0 .. (L + c->bos) * c->d - 1],
                     work->dX[0 .. (L + c->bos) * c->d - 1],
                     work->dR[0 .. (L + c->bos) * c->d - 1],
                     work->dY[0 .. (L + c->bos) * c->d - 1],
                     work->dQ[0 .. (L + c->bos) * c->d - 1],
                     work->dK[0 .. (L + c->bos) * c->d - 1],
                     work->dV[0 .. (L + c->bos) * c->d - 1],
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
                     dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab];
        loop variant B - b; */
    for (int b = 0; b < B; b++) {
        //@ assert inside: row_inside(b, B, L);
        //@ assert here: sequence_of(batch->tokens, L, b) == batch->tokens + b * L;
        //@ assert tokens: tokens_valid(sequence_of(batch->tokens, L, b), L, c);
        ref_sequence(terms, dw, batch->tokens + b * L, batch->labels + b * L, counted, &slopes,
                     work, w, c, L);
    }
    ref_means(terms, weights, B, counted);
}
