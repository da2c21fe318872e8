/* block.c - drivers of ref/block.c, in all three places of the layer norm. */
#include "inputs.h"

static double y[D], u[D], z[D], x[D], gain[D], bias[D], out[D], dy[D], du[D], dgain[D], dbias[D];

static void any_rows(void)
{
    box(z, D, STATE);
    box(x, D, INPUT);
    box(u, D, STATE);
    box(gain, D, WEIGHT);
    box(bias, D, WEIGHT);
    box(dy, D, ENTRY);
    box(dgain, D, ENTRY);
    box(dbias, D, ENTRY);
}

void drive_ref_block_input(void)
{
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++) {
        any_rows();
        ref_block_input(y, u, z, x, gain, bias, norm, D);
    }
    END();
}

void drive_ref_block_output(void)
{
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++) {
        any_rows();
        ref_block_output(out, z, gain, bias, norm, D);
    }
    END();
}

void drive_ref_block_input_backward(void)
{
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++) {
        any_rows();
        ref_block_input_backward(du, dgain, dbias, dy, u, gain, norm, D);
    }
    END();
}

void drive_ref_block_output_backward(void)
{
    for (enum eer_norm norm = EER_NORM_NONE; norm <= EER_NORM_POST; norm++) {
        any_rows();
        ref_block_output_backward(du, dgain, dbias, dy, u, gain, norm, D);
    }
    END();
}
