/* block.h - the frame of both halves of an iteration, for one row of d numbers [3.3, 5.5]. Gain and
 * bias are read only where the norm stands: they may be empty otherwise. */
#ifndef EER_REF_BLOCK_H
#define EER_REF_BLOCK_H

#include "contracts.h"

/* u = z + x; y = LN(u) with norm = pre, else u */
/*@ requires d >= 1 && writable(y, d) && writable(u, d) && readable(z, d) && readable(x, d);
    requires norm == EER_NORM_PRE ==> readable(gain, d) && readable(bias, d) &&
      apart(y, d, gain, d) && apart(y, d, bias, d) && apart(u, d, gain, d) && apart(u, d, bias, d);
    requires apart(y, d, u, d) && apart(u, d, z, d) && apart(u, d, x, d);
    terminates \true;
    assigns y[0 .. d - 1], u[0 .. d - 1];
    ensures sum: REAL(is_sum{Post, Pre}(u, z, x, d));
    ensures norm: REAL(norm == EER_NORM_PRE ==> is_layer_norm{Post, Post}(y, u, gain, bias, d));
    ensures copy: REAL(norm != EER_NORM_PRE ==> copied{Post, Post}(y, u, d)); */
void ref_block_input(double *y, double *u, const double *z, const double *x, const double *gain,
                     const double *bias, enum eer_norm norm, int d);

/* out = LN(r) with norm = post, else r */
/*@ requires d >= 1 && writable(out, d) && readable(r, d) && apart(out, d, r, d);
    requires norm == EER_NORM_POST ==> readable(gain, d) && readable(bias, d) &&
      apart(out, d, gain, d) && apart(out, d, bias, d);
    terminates \true;
    assigns out[0 .. d - 1];
    ensures norm: REAL(norm == EER_NORM_POST ==> is_layer_norm{Post, Pre}(out, r, gain, bias, d));
    ensures copy: REAL(norm != EER_NORM_POST ==> copied{Post, Pre}(out, r, d)); */
void ref_block_output(double *out, const double *r, const double *gain, const double *bias,
                      enum eer_norm norm, int d);

/* du from dy; dgain and dbias += theirs */
/*@ requires 1 <= d <= EER_MAX_D && writable(du, d) && readable(dy, d) && readable(u, d);
    requires apart(du, d, dy, d);
    requires norm == EER_NORM_PRE ==>
      writable(dgain, d) && writable(dbias, d) && readable(gain, d) && apart(dgain, d, dbias, d) &&
      apart(du, d, dgain, d) && apart(du, d, dbias, d) && apart(du, d, u, d) &&
      apart(du, d, gain, d) && apart(dgain, d, dy, d) && apart(dgain, d, u, d) &&
      apart(dgain, d, gain, d) && apart(dbias, d, dy, d) && apart(dbias, d, u, d) &&
      apart(dbias, d, gain, d);
    terminates \true;
    assigns du[0 .. d - 1], dgain[0 .. (norm == EER_NORM_PRE ? d : 0) - 1],
            dbias[0 .. (norm == EER_NORM_PRE ? d : 0) - 1];
    ensures gain: REAL(norm == EER_NORM_PRE ==> \forall integer j; 0 <= j < d ==>
      dgain[j] == \old(dgain[j]) + scaled{Pre}(standardised{Pre}(u, d, j), dy, j));
    ensures bias: REAL(norm == EER_NORM_PRE ==> \forall integer j; 0 <= j < d ==>
      dbias[j] == \old(dbias[j]) + dy[j]);
    ensures slope: REAL(norm == EER_NORM_PRE ==> \forall integer j; 0 <= j < d ==>
      du[j] == layer_norm_slope{Pre}(dy, gain, u, d, j));
    ensures copy: REAL(norm != EER_NORM_PRE ==> copied{Post, Pre}(du, dy, d)); */
void ref_block_input_backward(double *du, double *dgain, double *dbias, const double *dy,
                              const double *u, const double *gain, enum eer_norm norm, int d);

/* dr from dout; dgain and dbias += theirs */
/*@ requires 1 <= d <= EER_MAX_D && writable(dr, d) && readable(dout, d) && readable(r, d);
    requires apart(dr, d, dout, d);
    requires norm == EER_NORM_POST ==>
      writable(dgain, d) && writable(dbias, d) && readable(gain, d) && apart(dgain, d, dbias, d) &&
      apart(dr, d, dgain, d) && apart(dr, d, dbias, d) && apart(dr, d, r, d) &&
      apart(dr, d, gain, d) && apart(dgain, d, dout, d) && apart(dgain, d, r, d) &&
      apart(dgain, d, gain, d) && apart(dbias, d, dout, d) && apart(dbias, d, r, d) &&
      apart(dbias, d, gain, d);
    terminates \true;
    assigns dr[0 .. d - 1], dgain[0 .. (norm == EER_NORM_POST ? d : 0) - 1],
            dbias[0 .. (norm == EER_NORM_POST ? d : 0) - 1];
    ensures gain: REAL(norm == EER_NORM_POST ==> \forall integer j; 0 <= j < d ==>
      dgain[j] == \old(dgain[j]) + scaled{Pre}(standardised{Pre}(r, d, j), dout, j));
    ensures bias: REAL(norm == EER_NORM_POST ==> \forall integer j; 0 <= j < d ==>
      dbias[j] == \old(dbias[j]) + dout[j]);
    ensures slope: REAL(norm == EER_NORM_POST ==> \forall integer j; 0 <= j < d ==>
      dr[j] == layer_norm_slope{Pre}(dout, gain, r, d, j));
    ensures copy: REAL(norm != EER_NORM_POST ==> copied{Post, Pre}(dr, dout, d)); */
void ref_block_output_backward(double *dr, double *dgain, double *dbias, const double *dout,
                               const double *r, const double *gain, enum eer_norm norm, int d);

#endif
