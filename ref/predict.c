/* predict.c - the class of the largest logit at every position of a sequence. */
#include "ref.h"
#include "lemmas_rows.h"

int ref_predict(int *predicted, const double *Z, const struct ref_tensors *w,
                const struct eer_config *c, int L)
{
    double logits[EER_MAX_VOCAB + 1], h[EER_MAX_D];
    int d = c->d;
    //@ ghost int N = L + c->bos;
    int C = c->vocab + 1;
    int finite = 1;

    //@ assert fits: product_fits(N, d);
    //@ assert tensors: tensors(w, c);
    //@ ghost int rows = c->vocab + c->bos;
    //@ assert embedding: writable(w->E, rows * d);
    //@ assert states: readable(Z, N * d);
    /*@ loop invariant upto(i, L) && (finite == 0 || finite == 1);
        loop invariant kept: same_sizes{Pre, Here}(c);
        loop invariant \forall integer j; 0 <= j < i ==> 0 <= predicted[j] < C;
        loop assigns i, finite, predicted[0 .. L - 1], logits[0 .. C - 1], h[0 .. d - 1];
        loop variant L - i; */
    for (int i = 0; i < L; i++) {
        int row = i + c->bos;
        //@ assert gains: gains(c) == gains{Pre}(c) && gains_2(c) == gains_2{Pre}(c);
        //@ assert gains_f: gains_f(c) == gains_f{Pre}(c) && outputs_2(c) == outputs_2{Pre}(c);
        //@ assert sizes: c->vocab == \at(c->vocab, Pre) && c->bos == \at(c->bos, Pre) && c->d == d;
        //@ assert rows: c->vocab + c->bos == rows;
        //@ assert embedding: writable(w->E, (c->vocab + c->bos) * c->d);
        /*@ assert tensors_1: writable(w->W_Q, c->d * c->d) && writable(w->W_K, c->d * c->d) &&
              writable(w->W_V, c->d * c->d); */
        /*@ assert tensors_2: writable(w->gain_1, gains(c)) && writable(w->bias_1, gains(c)) &&
              writable(w->gain_2, gains_2(c)) && writable(w->bias_2, gains_2(c)); */
        /*@ assert tensors_3: writable(w->W_1, c->d * c->mlp) && writable(w->b_1, c->mlp) &&
              writable(w->W_2, c->mlp * c->d) && writable(w->b_2, outputs_2(c)); */
        /*@ assert tensors_4: writable(w->gain_f, gains_f(c)) && writable(w->bias_f, gains_f(c)) &&
              writable(w->W_O, c->d * (c->vocab + 1)) && writable(w->b_O, c->vocab + 1); */
        //@ assert tensors: tensors(w, c);
        //@ assert inside: row_inside(row, N, d);
        //@ assert arrays: writable(&logits[0], C) && writable(&h[0], d);
        //@ assert state: readable(Z + row * d, d);
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
