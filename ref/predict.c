/* predict.c - the class of the largest logit at every position of a sequence. */
#include "ref.h"
#include "lemmas_rows.h"

int ref_predict(int *predicted, const double *Z, const struct ref_tensors *w,
                const struct eer_config *c, int L)
{
    double logits[EER_MAX_VOCAB + 1], h[EER_MAX_D];
    int C = c->vocab + 1;
    int finite = 1;

    //@ assert fits: product_fits(L + c->bos, c->d);
    /*@ loop invariant upto(i, L) && (finite == 0 || finite == 1);
        loop invariant \forall integer j; 0 <= j < i ==> 0 <= predicted[j] <= c->vocab;
        loop assigns i, finite, predicted[0 .. L - 1], logits[0 .. c->vocab], h[0 .. c->d - 1];
        loop variant L - i; */
    for (int i = 0; i < L; i++) {
        //@ assert inside: row_inside(i + c->bos, L + c->bos, c->d);
        ref_logits(logits, h, Z + (i + c->bos) * c->d, w, c);
        finite = finite && ref_all_finite(logits, C);
        predicted[i] = ref_argmax(logits, C);
    }
    return finite;
}

int ref_evaluate(int *predicted, const int *tokens, int loops, struct ref_work *work,
                 const struct ref_tensors *w, const struct eer_config *c, int L)
{
    int N = L + c->bos;

    ref_input(work->X, w->E, tokens, c, N);
    //@ assert kept: configured(c);
    return ref_predict(predicted, ref_loop_last(work, w, c, loops, N), w, c, L);
}
