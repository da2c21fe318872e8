/* read_out.h - from a row of the last state, z 1 x d, to its logits, 1 x C [3.4, 5.1]. */
#ifndef EER_REF_READ_OUT_H
#define EER_REF_READ_OUT_H

#include "contracts.h"

/* logits = h W_O + b_O, h = LNf(z) with final_norm, else z */
/*@ requires sizes(c) && tensors(w, c) && one_block(w);
    requires writable(logits, c->vocab + 1) && writable(h, c->d) && readable(z, c->d);
    requires apart(logits, c->vocab + 1, h, c->d) && apart(h, c->d, z, c->d);
    requires distinct(logits, w->E) && distinct(h, w->E);
    terminates \true;
    assigns logits[0 .. c->vocab], h[0 .. c->d - 1];
    ensures norm: REAL(c->final_norm != 0 ==>
      is_layer_norm{Post, Pre}(h, z, w->gain_f, w->bias_f, c->d));
    ensures copy: REAL(c->final_norm == 0 ==> copied{Post, Pre}(h, z, c->d));
    ensures logits: REAL(is_affine{Post, Post}(logits, h, w->W_O, w->b_O, c->d, c->vocab + 1)); */
void ref_logits(double *logits, double *h, const double *z, const struct ref_tensors *w,
                const struct eer_config *c);

/* dz = derivative; dW_O, db_O and those of LNf += theirs */
/*@ requires sizes(c) && tensors(w, c) && tensors(dw, c) && gains_apart(dw, c);
    requires one_block(w) && one_block(dw) && distinct(w->E, dw->E);
    requires writable(dz, c->d) && readable(dlogits, c->vocab + 1) && readable(h, c->d) &&
             readable(z, c->d) && apart(dz, c->d, z, c->d);
    requires distinct(dz, w->E) && distinct(dz, dw->E) && distinct(dlogits, dw->E) &&
             distinct(h, dw->E) && distinct(z, dw->E);
    terminates \true;
    assigns dz[0 .. c->d - 1], dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab],
            dw->gain_f[0 .. gains_f(c) - 1], dw->bias_f[0 .. gains_f(c) - 1]; */
void ref_logits_backward(double *dz, const struct ref_tensors *dw, const double *dlogits,
                         const double *h, const double *z, const struct ref_tensors *w,
                         const struct eer_config *c);

#endif
