/* mlp.h - the MLP of one row [3.3, 5.3]: y 1 x d, a and g = act(a) 1 x m, o 1 x d. */
#ifndef EER_REF_MLP_H
#define EER_REF_MLP_H

#include "contracts.h"

/* Phi and phi: distribution and density of the standard normal law */
/*@ terminates \true;
    assigns \nothing;
    ensures formula: REAL(\result == normal_distribution(x));
    ensures range: REAL(0 <= \result <= 1); */
double ref_normal_distribution(double x);

/*@ terminates \true;
    assigns \nothing;
    ensures formula: REAL(\result == normal_density(x));
    ensures sign: REAL(\result > 0); */
double ref_normal_density(double x);

/*@ terminates \true;
    assigns \nothing;
    ensures formula: REAL(\result == activated(x, activation)); */
double ref_activation(double x, enum eer_activation activation);

/* ReLU's is 0 at 0 */
/*@ terminates \true;
    assigns \nothing;
    ensures formula: REAL(\result == activation_slope(x, activation)); */
double ref_activation_derivative(double x, enum eer_activation activation);

/* g_k = act(a_k) */
/*@ requires m >= 0 && writable(g, m) && readable(a, m) && apart(g, m, a, m);
    terminates \true;
    assigns g[0 .. m - 1];
    ensures activated: REAL(\forall integer k; 0 <= k < m ==> g[k] == activated(a[k],
      activation)); */
void ref_activations(double *g, const double *a, enum eer_activation activation, int m);

/* da_k = dg_k act'(a_k) */
/*@ requires m >= 0 && writable(da, m) && readable(dg, m) && readable(a, m);
    requires apart(da, m, dg, m) && apart(da, m, a, m);
    terminates \true;
    assigns da[0 .. m - 1];
    ensures slope: REAL(\forall integer k; 0 <= k < m ==>
      da[k] == activations_slope{Pre}(dg, a, activation, k)); */
void ref_activations_backward(double *da, const double *dg, const double *a,
                              enum eer_activation activation, int m);

/* o = act(y W_1 + b_1) W_2 + b_2; keeps a and g */
/*@ requires sizes(c) && tensors(w, c) && one_block(w) && c->mlp > 0;
    requires writable(o, c->d) && writable(a, c->mlp) && writable(g, c->mlp) && readable(y, c->d);
    requires apart(a, c->mlp, y, c->d) && apart(a, c->mlp, g, c->mlp);
    requires apart(o, c->d, g, c->mlp) && apart(o, c->d, a, c->mlp) && apart(g, c->mlp, y, c->d);
    requires distinct(o, w->E) && distinct(a, w->E) && distinct(g, w->E);
    terminates \true;
    assigns o[0 .. c->d - 1], a[0 .. c->mlp - 1], g[0 .. c->mlp - 1];
    ensures inner: REAL(is_affine{Post, Pre}(a, y, w->W_1, w->b_1, c->d, c->mlp));
    ensures activated: REAL(\forall integer k; 0 <= k < c->mlp ==>
      g[k] == activated(a[k], c->activation));
    ensures output: REAL(is_affine{Post, Post}(o, g, w->W_2, w->b_2, c->mlp, c->d)); */
void ref_mlp(double *o, double *a, double *g, const double *y, const struct ref_tensors *w,
             const struct eer_config *c);

/* dy = derivative; dW_1, db_1, dW_2, db_2 += theirs; dout: of o */
/*@ requires sizes(c) && tensors(w, c) && tensors(dw, c) && c->mlp > 0;
    requires one_block(w) && one_block(dw) && distinct(w->E, dw->E);
    requires writable(dy, c->d) && readable(dout, c->d) && readable(y, c->d) &&
             readable(a, c->mlp) && readable(g, c->mlp);
    requires distinct(dy, w->E) && distinct(dy, dw->E) && distinct(dout, dw->E) &&
             distinct(y, dw->E) && distinct(a, dw->E) && distinct(g, dw->E);
    terminates \true;
    assigns dy[0 .. c->d - 1], dw->W_1[0 .. c->d * c->mlp - 1], dw->b_1[0 .. c->mlp - 1],
            dw->W_2[0 .. c->mlp * c->d - 1], dw->b_2[0 .. c->d - 1]; */
void ref_mlp_backward(double *dy, const struct ref_tensors *dw, const double *dout, const double *y,
                      const double *a, const double *g, const struct ref_tensors *w,
                      const struct eer_config *c);

#endif
