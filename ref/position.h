/* position.h - the input X, N x d: embedding plus position [3.1], and its derivative [5.6]. */
#ifndef EER_REF_POSITION_H
#define EER_REF_POSITION_H

#include "contracts.h"

/* x += pe_scale PE(i), d even */
/*@ requires d >= 2 && d % 2 == 0 && i >= 0 && writable(x, d);
    terminates \true;
    assigns x[0 .. d - 1]; */
void ref_add_position(double *x, int i, double pe_scale, int d);

/* The row of E that row i of the state starts from; tokens: N - bos */
/*@ requires configured(c) && i >= 0 && (i >= c->bos ==> \valid_read(tokens + (i - c->bos)));
    terminates \true;
    assigns \nothing;
    ensures \result == (i < c->bos ? c->vocab : tokens[i - c->bos]); */
int ref_embedding_row(const int *tokens, int i, const struct eer_config *c);

/* X_i = E[row i] + pe_scale PE(i) */
/*@ requires configured(c) && rows(N) && tokens_valid(tokens, N - c->bos, c);
    requires writable(X, N * c->d) && readable(E, (c->vocab + c->bos) * c->d);
    requires apart(X, N * c->d, E, (c->vocab + c->bos) * c->d);
    requires \separated(X + (0 .. N * c->d - 1), c, tokens + (0 .. N - c->bos - 1));
    terminates \true;
    assigns X[0 .. N * c->d - 1]; */
void ref_input(double *X, const double *E, const int *tokens, const struct eer_config *c, int N);

/* dE[row i] += dX_i */
/*@ requires configured(c) && rows(N) && tokens_valid(tokens, N - c->bos, c);
    requires writable(dE, (c->vocab + c->bos) * c->d) && readable(dX, N * c->d);
    requires apart(dX, N * c->d, dE, (c->vocab + c->bos) * c->d);
    requires \separated(dE + (0 .. (c->vocab + c->bos) * c->d - 1), c,
                        tokens + (0 .. N - c->bos - 1));
    terminates \true;
    assigns dE[0 .. (c->vocab + c->bos) * c->d - 1]; */
void ref_input_backward(double *dE, const double *dX, const int *tokens, const struct eer_config *c,
                        int N);

#endif
