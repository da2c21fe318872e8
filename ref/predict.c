/* predict.c - the class of the largest logit at every position of a sequence. */
#include "ref.h"

int ref_predict(int *predicted, const double *Z, struct ref_work *work, const struct ref_tensors *w,
                const struct eer_config *c, int L)
{
    int C = c->vocab + 1;
    int finite = 1;

    /*@ loop invariant 0 <= i <= L && (finite == 0 || finite == 1);
        loop invariant \forall integer j; 0 <= j < i ==> 0 <= predicted[j] <= c->vocab;
        loop assigns i, finite, predicted[0 .. L - 1], work->logits[0 .. c->vocab],
                     work->h[0 .. c->d - 1];
        loop variant L - i; */
    for (int i = 0; i < L; i++) {
        ref_logits(work->logits, work->h, Z + (i + c->bos) * c->d, w, c);
        finite = finite && ref_all_finite(work->logits, C);
        predicted[i] = ref_argmax(work->logits, C);
    }
    return finite;
}

int ref_evaluate(int *predicted, const int *tokens, int loops, struct ref_work *work,
                 const struct ref_tensors *w, const struct eer_config *c, int L)
{
    int N = L + c->bos;

    ref_input(work->X, w->E, tokens, c, N);
    return ref_predict(predicted, ref_loop_last(work, w, c, loops, N), work, w, c, L);
}
