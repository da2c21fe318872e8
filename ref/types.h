/* types.h - the structures of ref, and the vocabulary of its contracts. */
#ifndef EER_REF_TYPES_H
#define EER_REF_TYPES_H

#include "../spec/backend.h"

/* The tensors of theta, or of its gradient; shapes in spec/layout.h. */
struct ref_tensors {
    double *E;
    double *W_Q, *W_K, *W_V;
    double *gain_1, *bias_1, *gain_2, *bias_2;
    double *W_1, *b_1, *W_2, *b_2;
    double *gain_f, *bias_f;
    double *W_O, *b_O;
};

/* Factors of the derivatives of the parts of the loss, [5.1] and [5.4]. */
struct ref_slopes {
    double kinetic;   /* lambda_K / B */
    double potential; /* lambda_P / (B N T) */
    double penalty;   /* lambda_S / (B N T) */
};

/* Memory for one sequence of N rows; C = V + 1, m = mlp. */
struct ref_work {
    /* forward */
    double *X;          /* N x d */
    double *Z;          /* (T+1) x N x d: Z_0 .. Z_T; without gradient 2 x N x d */
    double *R;          /* T x N x d: Z + A of each iteration; without gradient N x d */
    double *Y;          /* N x d: what attention reads */
    double *Q, *K, *V;  /* N x d: queries, keys, values */
    double *potential;  /* N: sum over t of -log max_j p_ij */
    double *entropy;    /* N: sum over t of S_i,t */
    double *s, *p, *pq; /* N: scores of a row, their softmax, its powers p^q */
    /* backward */
    double *dZ, *dX, *dR, *dY, *dQ, *dK, *dV; /* N x d */
    double *product;                          /* N x d: one summand of dY */
    double *sigma;                            /* N: sign(mean S_i - eta) */
    double *dp, *ds;                          /* N */
    /* one row */
    double *u, *y;            /* d: the sum Z + X, and what f reads of it */
    double *f, *r;            /* d: attention or MLP, and its sum with Z */
    double *z_prime, *z_next; /* d: Z' and Z_(t+1) */
    double *h;                /* d: what the read-out sees */
    double *du, *dy, *dr, *dh;
    double *xhat, *scaled;              /* d: of layer norm: xhat and dy * gain */
    double *a, *g, *da, *dg;            /* m: of the MLP: before and after its activation */
    double *logits, *classes, *dlogits; /* C: classes is softmax(logits) */
};

/* The vocabulary of the contracts. A tensor that a configuration does not have holds 0 numbers. */
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

#endif
