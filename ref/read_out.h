/* read_out.h - from a row of the last state, z 1 x d, to its logits, 1 x C [3.4, 5.1]. */
#ifndef EER_REF_READ_OUT_H
#define EER_REF_READ_OUT_H

#include "contracts.h"

/* logits = h W_O + b_O, h = LNf(z) with final_norm, else z */
/*@ requires configured(c) && tensors(w, c);
    requires writable(logits, c->vocab + 1) && writable(h, c->d) && readable(z, c->d);
    requires \separated(logits + (0 .. c->vocab), h + (0 .. c->d - 1), z + (0 .. c->d - 1), c, w);
    requires tensors_apart(w, c, logits, c->vocab + 1) && tensors_apart(w, c, h, c->d);
    terminates \true;
    assigns logits[0 .. c->vocab], h[0 .. c->d - 1]; */
void ref_logits(double *logits, double *h, const double *z, const struct ref_tensors *w,
                const struct eer_config *c);

/* dz = derivative; dW_O, db_O and those of LNf += theirs; dh, xhat, g: memory of d */
/*@ requires configured(c) && tensors(w, c) && tensors(dw, c);
    requires writable(dz, c->d) && writable(dh, c->d) && writable(xhat, c->d) && writable(g, c->d);
    requires readable(dlogits, c->vocab + 1) && readable(h, c->d) && readable(z, c->d);
    requires \separated(dz + (0 .. c->d - 1), dh + (0 .. c->d - 1), xhat + (0 .. c->d - 1),
                        g + (0 .. c->d - 1), dlogits + (0 .. c->vocab), h + (0 .. c->d - 1),
                        z + (0 .. c->d - 1), c, w, dw);
    requires tensors_apart(w, c, dz, c->d) && tensors_apart(w, c, dh, c->d) &&
             tensors_apart(w, c, xhat, c->d) && tensors_apart(w, c, g, c->d);
    requires tensors_apart(dw, c, dz, c->d) && tensors_apart(dw, c, dh, c->d) &&
             tensors_apart(dw, c, xhat, c->d) && tensors_apart(dw, c, g, c->d);
    terminates \true;
    assigns dz[0 .. c->d - 1], dh[0 .. c->d - 1], xhat[0 .. c->d - 1], g[0 .. c->d - 1],
            dw->W_O[0 .. c->d * (c->vocab + 1) - 1], dw->b_O[0 .. c->vocab],
            dw->gain_f[0 .. c->final_norm * c->d - 1], dw->bias_f[0 .. c->final_norm * c->d - 1]; */
void ref_logits_backward(double *dz, const struct ref_tensors *dw, double *dh, double *xhat,
                         double *g, const double *dlogits, const double *h, const double *z,
                         const struct ref_tensors *w, const struct eer_config *c);

#endif
