/* layer_norm.h - layer norm of one row of d numbers [3.2, 5.2]. */
#ifndef EER_REF_LAYER_NORM_H
#define EER_REF_LAYER_NORM_H

#include "contracts.h"

/* The biased variance. */
/*@ requires d >= 1 && readable(x, d);
    terminates \true;
    assigns \nothing;
    ensures variance: REAL(\result == squares(x, mean, d) / d);
    ensures sign: REAL(\result >= 0); */
double ref_variance(const double *x, double mean, int d);

/* xhat = (x - mean) / deviation; returns the deviation sqrt(var + 1e-5) */
/*@ requires d >= 1 && writable(xhat, d) && readable(x, d) && apart(xhat, d, x, d);
    terminates \true;
    assigns xhat[0 .. d - 1];
    ensures deviation: REAL(\result == deviation{Pre}(x, d));
    ensures standardised: REAL(is_standardised{Post, Pre}(xhat, x, d));
    ensures positive: REAL(\result > 0); */
double ref_standardise(double *xhat, const double *x, int d);

/* y = LN(x) */
/*@ requires d >= 1 && writable(y, d) && readable(x, d) && readable(gain, d) && readable(bias, d);
    requires apart(y, d, x, d) && apart(y, d, gain, d) && apart(y, d, bias, d);
    terminates \true;
    assigns y[0 .. d - 1];
    ensures norm: REAL(is_layer_norm{Post, Pre}(y, x, gain, bias, d)); */
void ref_layer_norm(double *y, const double *x, const double *gain, const double *bias, int d);

/* dgain += dy * xhat, dbias += dy */
/*@ requires d >= 1 && writable(dgain, d) && writable(dbias, d) && readable(dy, d);
    requires readable(xhat, d) && apart(dgain, d, dbias, d);
    requires apart(dgain, d, dy, d) && apart(dgain, d, xhat, d);
    requires apart(dbias, d, dy, d) && apart(dbias, d, xhat, d);
    terminates \true;
    assigns dgain[0 .. d - 1], dbias[0 .. d - 1];
    ensures gain: REAL(\forall integer j; 0 <= j < d ==>
      dgain[j] == \old(dgain[j]) + scaled{Pre}(\old(xhat[j]), dy, j));
    ensures bias: REAL(\forall integer j; 0 <= j < d ==> dbias[j] == \old(dbias[j]) + dy[j]); */
void ref_layer_norm_parameters(double *dgain, double *dbias, const double *dy, const double *xhat,
                               int d);

/* dx = (g - mean(g) - xhat mean(g * xhat)) / deviation, g = dy * gain */
/*@ requires d >= 1 && writable(dx, d) && readable(g, d) && readable(xhat, d);
    requires apart(dx, d, g, d) && apart(dx, d, xhat, d);
    terminates \true;
    assigns dx[0 .. d - 1];
    ensures slope: REAL(\forall integer j; 0 <= j < d ==>
      dx[j] == norm_slope{Pre}(g, xhat, deviation, d, j)); */
void ref_layer_norm_input(double *dx, const double *g, const double *xhat, double deviation, int d);

/* dx = derivative, dgain and dbias += theirs */
/*@ requires 1 <= d <= EER_MAX_D && writable(dx, d) && writable(dgain, d) && writable(dbias, d);
    requires readable(dy, d) && readable(x, d) && readable(gain, d);
    requires \separated(dx + (0 .. d - 1), dgain + (0 .. d - 1), dbias + (0 .. d - 1),
                        dy + (0 .. d - 1));
    requires \separated(dx + (0 .. d - 1), dgain + (0 .. d - 1), dbias + (0 .. d - 1),
                        x + (0 .. d - 1));
    requires \separated(dx + (0 .. d - 1), dgain + (0 .. d - 1), dbias + (0 .. d - 1),
                        gain + (0 .. d - 1));
    terminates \true;
    assigns dx[0 .. d - 1], dgain[0 .. d - 1], dbias[0 .. d - 1];
    ensures gain: REAL(\forall integer j; 0 <= j < d ==>
      dgain[j] == \old(dgain[j]) + scaled{Pre}(standardised{Pre}(x, d, j), dy, j));
    ensures bias: REAL(\forall integer j; 0 <= j < d ==> dbias[j] == \old(dbias[j]) + dy[j]);
    ensures slope: REAL(\forall integer j; 0 <= j < d ==>
      dx[j] == layer_norm_slope{Pre}(dy, gain, x, d, j)); */
void ref_layer_norm_backward(double *dx, double *dgain, double *dbias, const double *dy,
                             const double *x, const double *gain, int d);

#endif
