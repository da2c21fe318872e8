/* layer_norm.h - layer norm of one row of d numbers [3.2, 5.2]. */
#ifndef EER_REF_LAYER_NORM_H
#define EER_REF_LAYER_NORM_H

#include "contracts.h"

/* The biased variance. */
/*@ requires d >= 1 && readable(x, d);
    terminates \true;
    assigns \nothing;
    ensures sign: \result >= 0; */
double ref_variance(const double *x, double mean, int d);

/* xhat = (x - mean) / deviation; returns the deviation sqrt(var + 1e-5) */
/*@ requires d >= 1 && writable(xhat, d) && readable(x, d) && apart(xhat, d, x, d);
    terminates \true;
    assigns xhat[0 .. d - 1];
    ensures positive: \result > 0; */
double ref_standardise(double *xhat, const double *x, int d);

/* y = LN(x) */
/*@ requires d >= 1 && writable(y, d) && readable(x, d) && readable(gain, d) && readable(bias, d);
    requires apart(y, d, x, d) && apart(y, d, gain, d) && apart(y, d, bias, d);
    terminates \true;
    assigns y[0 .. d - 1]; */
void ref_layer_norm(double *y, const double *x, const double *gain, const double *bias, int d);

/* dgain += dy * xhat, dbias += dy */
/*@ requires d >= 1 && writable(dgain, d) && writable(dbias, d) && readable(dy, d);
    requires readable(xhat, d) && apart(dgain, d, dbias, d);
    requires apart(dgain, d, dy, d) && apart(dgain, d, xhat, d);
    requires apart(dbias, d, dy, d) && apart(dbias, d, xhat, d);
    terminates \true;
    assigns dgain[0 .. d - 1], dbias[0 .. d - 1]; */
void ref_layer_norm_parameters(double *dgain, double *dbias, const double *dy, const double *xhat,
                               int d);

/* dx = (g - mean(g) - xhat mean(g * xhat)) / deviation, g = dy * gain */
/*@ requires d >= 1 && writable(dx, d) && readable(g, d) && readable(xhat, d) && deviation > 0;
    requires apart(dx, d, g, d) && apart(dx, d, xhat, d);
    terminates \true;
    assigns dx[0 .. d - 1]; */
void ref_layer_norm_input(double *dx, const double *g, const double *xhat, double deviation, int d);

/* dx = derivative, dgain and dbias += theirs; xhat, g: memory */
/*@ requires d >= 1 && writable(dx, d) && writable(dgain, d) && writable(dbias, d);
    requires writable(xhat, d) && writable(g, d);
    requires readable(dy, d) && readable(x, d) && readable(gain, d);
    requires \separated(dx + (0 .. d - 1), dgain + (0 .. d - 1), dbias + (0 .. d - 1),
                        xhat + (0 .. d - 1), g + (0 .. d - 1), dy + (0 .. d - 1));
    requires \separated(dx + (0 .. d - 1), dgain + (0 .. d - 1), dbias + (0 .. d - 1),
                        xhat + (0 .. d - 1), g + (0 .. d - 1), x + (0 .. d - 1));
    requires \separated(dx + (0 .. d - 1), dgain + (0 .. d - 1), dbias + (0 .. d - 1),
                        xhat + (0 .. d - 1), g + (0 .. d - 1), gain + (0 .. d - 1));
    terminates \true;
    assigns dx[0 .. d - 1], dgain[0 .. d - 1], dbias[0 .. d - 1], xhat[0 .. d - 1], g[0 .. d - 1];
 */
void ref_layer_norm_backward(double *dx, double *dgain, double *dbias, double *xhat, double *g,
                             const double *dy, const double *x, const double *gain, int d);

#endif
