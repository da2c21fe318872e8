/* predict.c - the class of the largest logit at every position of a sequence. */
#include "ref.h"
#include "lemmas_rows.h"

int ref_predict(int *predicted, const double *Z, const struct ref_tensors *w,
                const struct eer_config *c, int L)
{
    double logits[EER_MAX_VOCAB + 1], h[EER_MAX_D];
    int d = c->d;
    int N = L + c->bos;
    int C = c->vocab + 1;
    int finite = 1;

    //@ assert fits: product_fits(N, d);
    //@ assert tensors: tensors(w, c);
    /*@ loop invariant upto(i, L) && (finite == 0 || finite == 1);
        loop invariant kept: same_sizes{Pre, Here}(c);
        loop invariant \forall integer j; 0 <= j < i ==> 0 <= predicted[j] < C;
        loop assigns i, finite, predicted[0 .. L - 1], logits[0 .. C - 1], h[0 .. d - 1];
        loop variant L - i; */
    for (int i = 0; i < L; i++) {
        int row = i + c->bos;
        //@ assert gains: gains(c) == gains{Pre}(c) && gains_2(c) == gains_2{Pre}(c);
        //@ assert gains_f: gains_f(c) == gains_f{Pre}(c) && outputs_2(c) == outputs_2{Pre}(c);
        //@ assert tensors: tensors(w, c);
        //@ assert inside: row_inside(row, N, d);
        ref_logits(logits, h, Z + row * d, w, c);
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
    return ref_predict(predicted, ref_loop_last(work, w, c, loops, N), w, c, L);
}
