/* predict.h - the predicted class of every position of one sequence of L tokens. */
#ifndef EER_REF_PREDICT_H
#define EER_REF_PREDICT_H

#include "contracts.h"

/* The first largest logit of each position, from the last state Z (N x d); returns 1 if all logits
 * were finite, else 0. */
/*@ requires L >= 1 && rows(L + c->bos) && sizes(c) && tensors(w, c) && one_block(w);
    requires readable(Z, (L + c->bos) * c->d) && \valid(predicted + (0 .. L - 1));
    requires \separated(predicted + (0 .. L - 1), c);
    terminates \true;
    assigns predicted[0 .. L - 1];
    ensures classes: \forall integer i; 0 <= i < L ==> 0 <= predicted[i] <= c->vocab;
    ensures flag: \result == 0 || \result == 1; */
int ref_predict(int *predicted, const double *Z, const struct ref_tensors *w,
                const struct eer_config *c, int L);

/* The same from the tokens, with `loops` iterations and memory for two states. */
/*@ requires sizes(c);
    requires L >= 1 && loops >= 0 && tokens_valid(tokens, L, c);
    requires forward_ready(work, w, c, L + c->bos);
    requires writable(work->Z, 2 * ((L + c->bos) * c->d));
    requires writable(work->R, (L + c->bos) * c->d);
    requires number_of(\base_addr(tokens)) == 26 && \valid(predicted + (0 .. L - 1));
    requires \separated(predicted + (0 .. L - 1), tokens + (0 .. L - 1), c);
    terminates \true;
    assigns predicted[0 .. L - 1], work->Z[0 .. 2 * ((L + c->bos) * c->d) - 1],
            work->R[0 .. (L + c->bos) * c->d - 1], work->X[0 .. (L + c->bos) * c->d - 1],
            work->Y[0 .. (L + c->bos) * c->d - 1], work->Q[0 .. (L + c->bos) * c->d - 1],
            work->K[0 .. (L + c->bos) * c->d - 1], work->V[0 .. (L + c->bos) * c->d - 1],
            work->s[0 .. L + c->bos - 1], work->p[0 .. L + c->bos - 1],
            work->pq[0 .. L + c->bos - 1], work->potential[0 .. L + c->bos - 1],
            work->entropy[0 .. L + c->bos - 1];
    ensures classes: \forall integer i; 0 <= i < L ==> 0 <= predicted[i] <= c->vocab;
    ensures flag: \result == 0 || \result == 1; */
int ref_evaluate(int *predicted, const int *tokens, int loops, struct ref_work *work,
                 const struct ref_tensors *w, const struct eer_config *c, int L);

#endif
