/* contracts.h - the vocabulary of the contracts: sizes, what is valid, what does not overlap. */
#ifndef EER_REF_CONTRACTS_H
#define EER_REF_CONTRACTS_H

#include "types.h"

/* A tensor that a configuration does not have holds 0 numbers. */
/*@ predicate size(integer m, integer n) = 0 <= m && 0 <= n && m * n <= 0x7fffffff;
    predicate rows(integer N) = 1 <= N <= EER_MAX_EVAL_LENGTH + 1;

    predicate readable{L}(double *x, integer n) = \valid_read(x + (0 .. n - 1));
    predicate writable{L}(double *x, integer n) = \valid(x + (0 .. n - 1));
    predicate apart{L}(double *x, integer m, double *y, integer n) =
      \separated(x + (0 .. m - 1), y + (0 .. n - 1));

    lemma row_inside: \forall integer m, n, k;
      0 <= k < m && 0 <= n ==> 0 <= k * n && k * n + n <= m * n;

    predicate configured{L}(struct eer_config *c) = \valid_read(c) &&
      2 <= c->vocab <= EER_MAX_VOCAB && 4 <= c->d <= EER_MAX_D && c->d % 4 == 0 &&
      0 <= c->mlp <= EER_MAX_MLP && 1 <= c->loops <= EER_MAX_LOOPS &&
      1 <= c->length_min <= c->length_max <= EER_MAX_LENGTH &&
      0 <= c->bos <= 1 && 0 <= c->final_norm <= 1 && 0 < c->tau && 1 < c->q <= 2 &&
      0 <= c->beta1 < 1 && 0 <= c->beta2 < 1 && 0 < c->epsilon;

    predicate tokens_valid{L}(int *tokens, integer n, struct eer_config *c) =
      \valid_read(tokens + (0 .. n - 1)) &&
      \forall integer i; 0 <= i < n ==> 0 <= tokens[i] < c->vocab;

    logic integer gains{L}(struct eer_config *c) = c->norm == EER_NORM_NONE ? 0 : c->d;
    logic integer gains_2{L}(struct eer_config *c) = c->mlp == 0 ? 0 : gains(c);
    logic integer gains_f{L}(struct eer_config *c) = c->final_norm * c->d;
    logic integer outputs_2{L}(struct eer_config *c) = c->mlp == 0 ? 0 : c->d;
    logic integer parameters{L}(struct eer_config *c) =
      (c->vocab + c->bos) * c->d + 3 * c->d * c->d + 2 * gains(c) + 2 * gains_2(c) +
      2 * c->d * c->mlp + c->mlp + outputs_2(c) + 2 * gains_f(c) + (c->d + 1) * (c->vocab + 1);

    predicate tensors{L}(struct ref_tensors *w, struct eer_config *c) = \valid_read(w) &&
      writable(w->E, (c->vocab + c->bos) * c->d) && writable(w->W_Q, c->d * c->d) &&
      writable(w->W_K, c->d * c->d) && writable(w->W_V, c->d * c->d) &&
      writable(w->gain_1, gains(c)) && writable(w->bias_1, gains(c)) &&
      writable(w->gain_2, gains_2(c)) && writable(w->bias_2, gains_2(c)) &&
      writable(w->W_1, c->d * c->mlp) && writable(w->b_1, c->mlp) &&
      writable(w->W_2, c->mlp * c->d) && writable(w->b_2, outputs_2(c)) &&
      writable(w->gain_f, gains_f(c)) && writable(w->bias_f, gains_f(c)) &&
      writable(w->W_O, c->d * (c->vocab + 1)) && writable(w->b_O, c->vocab + 1);

    predicate tensors_apart{L}(struct ref_tensors *w, struct eer_config *c, double *x, integer n) =
      apart(x, n, w->E, (c->vocab + c->bos) * c->d) && apart(x, n, w->W_Q, c->d * c->d) &&
      apart(x, n, w->W_K, c->d * c->d) && apart(x, n, w->W_V, c->d * c->d) &&
      apart(x, n, w->gain_1, gains(c)) && apart(x, n, w->bias_1, gains(c)) &&
      apart(x, n, w->gain_2, gains_2(c)) && apart(x, n, w->bias_2, gains_2(c)) &&
      apart(x, n, w->W_1, c->d * c->mlp) && apart(x, n, w->b_1, c->mlp) &&
      apart(x, n, w->W_2, c->mlp * c->d) && apart(x, n, w->b_2, outputs_2(c)) &&
      apart(x, n, w->gain_f, gains_f(c)) && apart(x, n, w->bias_f, gains_f(c)) &&
      apart(x, n, w->W_O, c->d * (c->vocab + 1)) && apart(x, n, w->b_O, c->vocab + 1); */

/* The memory of ref_work for N rows, in which `states` numbers are kept in Z and in R. */
/*@ predicate work_forward{L}(struct ref_work *k, struct eer_config *c, integer N) =
      \valid_read(k) &&
      writable(k->X, N * c->d) && writable(k->Y, N * c->d) && writable(k->Q, N * c->d) &&
      writable(k->K, N * c->d) && writable(k->V, N * c->d) && writable(k->s, N) &&
      writable(k->p, N) && writable(k->pq, N) && writable(k->potential, N) &&
      writable(k->entropy, N) && writable(k->u, c->d) && writable(k->y, c->d) &&
      writable(k->f, c->d) && writable(k->r, c->d) && writable(k->z_prime, c->d) &&
      writable(k->h, c->d) && writable(k->a, c->mlp) && writable(k->g, c->mlp) &&
      writable(k->logits, c->vocab + 1) && writable(k->classes, c->vocab + 1) &&
      writable(k->dlogits, c->vocab + 1);

    predicate work_backward{L}(struct ref_work *k, struct eer_config *c, integer N) =
      writable(k->dZ, N * c->d) && writable(k->dX, N * c->d) && writable(k->dR, N * c->d) &&
      writable(k->dY, N * c->d) && writable(k->dQ, N * c->d) && writable(k->dK, N * c->d) &&
      writable(k->dV, N * c->d) && writable(k->product, N * c->d) && writable(k->sigma, N) &&
      writable(k->dp, N) && writable(k->ds, N) && writable(k->z_next, c->d) &&
      writable(k->du, c->d) && writable(k->dy, c->d) && writable(k->dr, c->d) &&
      writable(k->dh, c->d) && writable(k->xhat, c->d) && writable(k->scaled, c->d) &&
      writable(k->da, c->mlp) && writable(k->dg, c->mlp);

    predicate work_states{L}(struct ref_work *k, integer states) =
      writable(k->Z, states) && writable(k->R, states);

    predicate work_apart{L}(struct ref_work *k, struct ref_tensors *w, struct eer_config *c,
                            integer N, integer states) =
      \separated(k->X + (0 .. N * c->d - 1), k->Y + (0 .. N * c->d - 1),
                 k->Q + (0 .. N * c->d - 1), k->K + (0 .. N * c->d - 1),
                 k->V + (0 .. N * c->d - 1), k->s + (0 .. N - 1), k->p + (0 .. N - 1),
                 k->pq + (0 .. N - 1), k->potential + (0 .. N - 1), k->entropy + (0 .. N - 1),
                 k->u + (0 .. c->d - 1), k->y + (0 .. c->d - 1), k->f + (0 .. c->d - 1),
                 k->r + (0 .. c->d - 1), k->z_prime + (0 .. c->d - 1), k->h + (0 .. c->d - 1),
                 k->a + (0 .. c->mlp - 1), k->g + (0 .. c->mlp - 1),
                 k->logits + (0 .. c->vocab), k->classes + (0 .. c->vocab),
                 k->dlogits + (0 .. c->vocab), k->Z + (0 .. states - 1),
                 k->R + (0 .. states - 1), k, w, c);

    predicate work_apart_backward{L}(struct ref_work *k, struct ref_tensors *w,
                                     struct ref_tensors *dw, struct eer_config *c, integer N,
                                     integer states) =
      \separated(k->X + (0 .. N * c->d - 1), k->Y + (0 .. N * c->d - 1),
                 k->Q + (0 .. N * c->d - 1), k->K + (0 .. N * c->d - 1),
                 k->V + (0 .. N * c->d - 1), k->s + (0 .. N - 1), k->p + (0 .. N - 1),
                 k->pq + (0 .. N - 1), k->potential + (0 .. N - 1), k->entropy + (0 .. N - 1),
                 k->u + (0 .. c->d - 1), k->y + (0 .. c->d - 1), k->f + (0 .. c->d - 1),
                 k->r + (0 .. c->d - 1), k->z_prime + (0 .. c->d - 1), k->h + (0 .. c->d - 1),
                 k->a + (0 .. c->mlp - 1), k->g + (0 .. c->mlp - 1),
                 k->logits + (0 .. c->vocab), k->classes + (0 .. c->vocab),
                 k->dlogits + (0 .. c->vocab), k->dZ + (0 .. N * c->d - 1),
                 k->dX + (0 .. N * c->d - 1), k->dR + (0 .. N * c->d - 1),
                 k->dY + (0 .. N * c->d - 1), k->dQ + (0 .. N * c->d - 1),
                 k->dK + (0 .. N * c->d - 1), k->dV + (0 .. N * c->d - 1),
                 k->product + (0 .. N * c->d - 1), k->sigma + (0 .. N - 1),
                 k->dp + (0 .. N - 1), k->ds + (0 .. N - 1), k->z_next + (0 .. c->d - 1),
                 k->du + (0 .. c->d - 1), k->dy + (0 .. c->d - 1), k->dr + (0 .. c->d - 1),
                 k->dh + (0 .. c->d - 1), k->xhat + (0 .. c->d - 1),
                 k->scaled + (0 .. c->d - 1), k->da + (0 .. c->mlp - 1),
                 k->dg + (0 .. c->mlp - 1), k->Z + (0 .. states - 1),
                 k->R + (0 .. states - 1), k, w, dw, c); */

/* [x, x + n) meets nothing that a pass writes besides the states, X and the gradient. */
/*@ predicate apart_from_forward{L}(double *x, integer n, struct ref_work *k,
                                    struct eer_config *c, integer N) =
      apart(x, n, k->Y, N * c->d) && apart(x, n, k->Q, N * c->d) &&
      apart(x, n, k->K, N * c->d) && apart(x, n, k->V, N * c->d) && apart(x, n, k->s, N) &&
      apart(x, n, k->p, N) && apart(x, n, k->pq, N) && apart(x, n, k->potential, N) &&
      apart(x, n, k->entropy, N) && apart(x, n, k->u, c->d) && apart(x, n, k->y, c->d) &&
      apart(x, n, k->f, c->d) && apart(x, n, k->r, c->d) && apart(x, n, k->z_prime, c->d) &&
      apart(x, n, k->h, c->d) && apart(x, n, k->a, c->mlp) && apart(x, n, k->g, c->mlp) &&
      apart(x, n, k->logits, c->vocab + 1) && apart(x, n, k->classes, c->vocab + 1) &&
      apart(x, n, k->dlogits, c->vocab + 1);

    predicate apart_from_backward{L}(double *x, integer n, struct ref_work *k,
                                     struct eer_config *c, integer N) =
      apart(x, n, k->dZ, N * c->d) && apart(x, n, k->dX, N * c->d) &&
      apart(x, n, k->dR, N * c->d) && apart(x, n, k->dY, N * c->d) &&
      apart(x, n, k->dQ, N * c->d) && apart(x, n, k->dK, N * c->d) &&
      apart(x, n, k->dV, N * c->d) && apart(x, n, k->product, N * c->d) &&
      apart(x, n, k->sigma, N) && apart(x, n, k->dp, N) && apart(x, n, k->ds, N) &&
      apart(x, n, k->z_next, c->d) && apart(x, n, k->du, c->d) && apart(x, n, k->dy, c->d) &&
      apart(x, n, k->dr, c->d) && apart(x, n, k->dh, c->d) && apart(x, n, k->xhat, c->d) &&
      apart(x, n, k->scaled, c->d) && apart(x, n, k->da, c->mlp) && apart(x, n, k->dg, c->mlp);

    predicate tensors_apart_from_work{L}(struct ref_tensors *w, struct ref_work *k,
                                         struct eer_config *c, integer N, integer states) =
      tensors_apart(w, c, k->Z, states) && tensors_apart(w, c, k->R, states) &&
      tensors_apart(w, c, k->X, N * c->d) && tensors_apart(w, c, k->Y, N * c->d) &&
      tensors_apart(w, c, k->Q, N * c->d) && tensors_apart(w, c, k->K, N * c->d) &&
      tensors_apart(w, c, k->V, N * c->d) && tensors_apart(w, c, k->s, N) &&
      tensors_apart(w, c, k->p, N) && tensors_apart(w, c, k->pq, N) &&
      tensors_apart(w, c, k->potential, N) && tensors_apart(w, c, k->entropy, N) &&
      tensors_apart(w, c, k->u, c->d) && tensors_apart(w, c, k->y, c->d) &&
      tensors_apart(w, c, k->f, c->d) && tensors_apart(w, c, k->r, c->d) &&
      tensors_apart(w, c, k->z_prime, c->d) && tensors_apart(w, c, k->h, c->d) &&
      tensors_apart(w, c, k->a, c->mlp) && tensors_apart(w, c, k->g, c->mlp) &&
      tensors_apart(w, c, k->logits, c->vocab + 1) &&
      tensors_apart(w, c, k->classes, c->vocab + 1) &&
      tensors_apart(w, c, k->dlogits, c->vocab + 1);

    predicate tensors_apart_from_backward{L}(struct ref_tensors *w, struct ref_work *k,
                                             struct eer_config *c, integer N) =
      tensors_apart(w, c, k->dZ, N * c->d) && tensors_apart(w, c, k->dX, N * c->d) &&
      tensors_apart(w, c, k->dR, N * c->d) && tensors_apart(w, c, k->dY, N * c->d) &&
      tensors_apart(w, c, k->dQ, N * c->d) && tensors_apart(w, c, k->dK, N * c->d) &&
      tensors_apart(w, c, k->dV, N * c->d) && tensors_apart(w, c, k->product, N * c->d) &&
      tensors_apart(w, c, k->sigma, N) && tensors_apart(w, c, k->dp, N) &&
      tensors_apart(w, c, k->ds, N) && tensors_apart(w, c, k->z_next, c->d) &&
      tensors_apart(w, c, k->du, c->d) && tensors_apart(w, c, k->dy, c->d) &&
      tensors_apart(w, c, k->dr, c->d) && tensors_apart(w, c, k->dh, c->d) &&
      tensors_apart(w, c, k->xhat, c->d) && tensors_apart(w, c, k->scaled, c->d) &&
      tensors_apart(w, c, k->da, c->mlp) && tensors_apart(w, c, k->dg, c->mlp); */

/* What a forward and a backward pass stand on. */
/*@ predicate forward_ready{L}(struct ref_work *k, struct ref_tensors *w, struct eer_config *c,
                               integer N, integer states) =
      configured(c) && rows(N) && tensors(w, c) && work_forward(k, c, N) &&
      work_states(k, states) && work_apart(k, w, c, N, states) &&
      tensors_apart_from_work(w, k, c, N, states);

    predicate backward_ready{L}(struct ref_work *k, struct ref_tensors *w, struct ref_tensors *dw,
                                struct eer_config *c, integer N, integer states) =
      forward_ready(k, w, c, N, states) && tensors(dw, c) && work_backward(k, c, N) &&
      work_apart_backward(k, w, dw, c, N, states) &&
      tensors_apart_from_work(dw, k, c, N, states) && tensors_apart_from_backward(w, k, c, N) &&
      tensors_apart_from_backward(dw, k, c, N); */

#endif
