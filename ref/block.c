/* block.c - the frame of both halves of an iteration, for one row (spec/model.md, 3.3 and 5.5).
 *
 * A half maps z to out = post(z + f(pre(z + x))): f is attention or the MLP, pre is the layer norm
 * of norm = pre, post that of norm = post, and each is the identity otherwise. */
#include "ref.h"
#include "lemmas_norm.h"

void ref_block_input(double *y, double *u, const double *z, const double *x, const double *gain,
                     const double *bias, enum eer_norm norm, int d)
{
    ref_sum_of_two(u, z, x, d);
    //@ assert sum: REAL(is_sum{Here, Pre}(u, z, x, d));
    //@ ghost summed: ;
    if (norm == EER_NORM_PRE) {
        ref_layer_norm(y, u, gain, bias, d);
        //@ assert norm: REAL(is_layer_norm{Here, summed}(y, u, gain, bias, d));
        //@ assert same: REAL(same{summed, Here}(gain, d) && same{summed, Here}(bias, d));
    } else {
        ref_copy(y, u, d);
    }
    //@ assert same_u: REAL(same{summed, Here}(u, d));
}

void ref_block_output(double *out, const double *r, const double *gain, const double *bias,
                      enum eer_norm norm, int d)
{
    if (norm == EER_NORM_POST)
        ref_layer_norm(out, r, gain, bias, d);
    else
        ref_copy(out, r, d);
}

void ref_block_input_backward(double *du, double *dgain, double *dbias, const double *dy,
                              const double *u, const double *gain, enum eer_norm norm, int d)
{
    if (norm == EER_NORM_PRE)
        ref_layer_norm_backward(du, dgain, dbias, dy, u, gain, d);
    else
        ref_copy(du, dy, d);
}

void ref_block_output_backward(double *dr, double *dgain, double *dbias, const double *dout,
                               const double *r, const double *gain, enum eer_norm norm, int d)
{
    if (norm == EER_NORM_POST)
        ref_layer_norm_backward(dr, dgain, dbias, dout, r, gain, d);
    else
        ref_copy(dr, dout, d);
}
