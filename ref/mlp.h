/* mlp.h - the MLP of one row [3.3, 5.3]: y 1 x d, a and g = act(a) 1 x m, o 1 x d. */
#ifndef EER_REF_MLP_H
#define EER_REF_MLP_H

#include "contracts.h"

/* Phi and phi: distribution and density of the standard normal law */
/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing;
    ensures range: 0 <= \result <= 1; */
double ref_normal_distribution(double x);

/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing;
    ensures sign: \result >= 0; */
double ref_normal_density(double x);

/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing; */
double ref_activation(double x, enum eer_activation activation);

/* ReLU's is 0 at 0 */
/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing; */
double ref_activation_derivative(double x, enum eer_activation activation);

/* g_k = act(a_k) */
/*@ requires m >= 0 && writable(g, m) && readable(a, m) && apart(g, m, a, m);
    terminates \true;
    assigns g[0 .. m - 1]; */
void ref_activations(double *g, const double *a, enum eer_activation activation, int m);

/* da_k = dg_k act'(a_k) */
/*@ requires m >= 0 && writable(da, m) && readable(dg, m) && readable(a, m);
    requires apart(da, m, dg, m) && apart(da, m, a, m);
    terminates \true;
    assigns da[0 .. m - 1]; */
void ref_activations_backward(double *da, const double *dg, const double *a,
                              enum eer_activation activation, int m);

/* o = act(y W_1 + b_1) W_2 + b_2; keeps a and g */
/*@ requires configured(c) && tensors(w, c) && c->mlp > 0;
    requires writable(o, c->d) && writable(a, c->mlp) && writable(g, c->mlp) && readable(y, c->d);
    requires \separated(o + (0 .. c->d - 1), a + (0 .. c->mlp - 1), g + (0 .. c->mlp - 1), c, w);
    requires \separated(o + (0 .. c->d - 1), a + (0 .. c->mlp - 1), g + (0 .. c->mlp - 1),
                        y + (0 .. c->d - 1));
    requires tensors_apart(w, c, o, c->d) && tensors_apart(w, c, a, c->mlp) &&
             tensors_apart(w, c, g, c->mlp);
    terminates \true;
    assigns o[0 .. c->d - 1], a[0 .. c->mlp - 1], g[0 .. c->mlp - 1]; */
void ref_mlp(double *o, double *a, double *g, const double *y, const struct ref_tensors *w,
             const struct eer_config *c);

/* dy = derivative; dW_1, db_1, dW_2, db_2 += theirs; dout: of o; da, dg: memory */
/*@ requires configured(c) && tensors(w, c) && tensors(dw, c) && c->mlp > 0;
    requires writable(dy, c->d) && writable(da, c->mlp) && writable(dg, c->mlp);
    requires readable(dout, c->d) && readable(y, c->d) && readable(a, c->mlp) &&
             readable(g, c->mlp);
    requires \separated(dy + (0 .. c->d - 1), da + (0 .. c->mlp - 1), dg + (0 .. c->mlp - 1),
                        dout + (0 .. c->d - 1), c, w, dw);
    requires \separated(dy + (0 .. c->d - 1), da + (0 .. c->mlp - 1), dg + (0 .. c->mlp - 1),
                        y + (0 .. c->d - 1), a + (0 .. c->mlp - 1), g + (0 .. c->mlp - 1));
    requires tensors_apart(w, c, dy, c->d) && tensors_apart(w, c, da, c->mlp) &&
             tensors_apart(w, c, dg, c->mlp);
    requires tensors_apart(dw, c, dy, c->d) && tensors_apart(dw, c, da, c->mlp) &&
             tensors_apart(dw, c, dg, c->mlp);
    terminates \true;
    assigns dy[0 .. c->d - 1], da[0 .. c->mlp - 1], dg[0 .. c->mlp - 1],
            dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
            dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. c->d - 1]; */
void ref_mlp_backward(double *dy, const struct ref_tensors *dw, double *da, double *dg,
                      const double *dout, const double *y, const double *a, const double *g,
                      const struct ref_tensors *w, const struct eer_config *c);

#endif
