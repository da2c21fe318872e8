/* read_out.c - from the last state of one row to its logits (spec/model.md, 3.4 and 5.1). */
#include "ref.h"
#include "lemmas_rows.h"
#include "lemmas_blocks.h"

void ref_logits(double *logits, double *h, const double *z, const struct ref_tensors *w,
                const struct eer_config *c)
{
    //@ assert fits: product_fits(c->d, c->vocab + 1);
    if (c->final_norm)
        ref_layer_norm(h, z, w->gain_f, w->bias_f, c->d);
    else
        ref_copy(h, z, c->d);
    //@ ghost normed: ;
    ref_row(logits, h, w->W_O, c->d, c->vocab + 1);
    //@ assert row: REAL(is_row{Here, normed}(logits, h, w->W_O, c->d, c->vocab + 1));
    //@ assert same_h: REAL(same{normed, Here}(h, c->d));
    //@ assert same_w: REAL(untouched{normed, Here}(w->W_O) && untouched{normed, Here}(w->b_O));
    //@ ghost multiplied: ;
    ref_add(logits, w->b_O, c->vocab + 1);
    //@ assert added: REAL(is_added{Here, multiplied}(logits, w->b_O, c->vocab + 1));
    //@ assert same_h_2: REAL(same{normed, Here}(h, c->d));
    //@ assert same_w_2: REAL(untouched{normed, Here}(w->W_O) && untouched{normed, Here}(w->b_O));
    /*@ assert columns: REAL(\forall integer j; 0 <= j < c->vocab + 1 ==>
          row_column{normed}(h, w->W_O, c->vocab + 1, j, c->d) ==
          row_column(h, w->W_O, c->vocab + 1, j, c->d)); */
}

void ref_logits_backward(double *dz, const struct ref_tensors *dw, const double *dlogits,
                         const double *h, const double *z, const struct ref_tensors *w,
                         const struct eer_config *c)
{
    double dh[EER_MAX_D];
    int C = c->vocab + 1;

    //@ assert fits: product_fits(c->d, C);
    ref_row_tn(dw->W_O, h, dlogits, c->d, C);
    ref_add(dw->b_O, dlogits, C);
    ref_row_nt(dh, dlogits, w->W_O, c->d, C);
    if (c->final_norm)
        ref_layer_norm_backward(dz, dw->gain_f, dw->bias_f, dh, z, w->gain_f, c->d);
    else
        ref_copy(dz, dh, c->d);
}
