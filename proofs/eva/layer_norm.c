/* layer_norm.c - drivers of ref/layer_norm.c, with rows as large as any state. */
#include "inputs.h"

static double x[D], y[D], gain[D], bias[D], dx[D], dy[D], dgain[D], dbias[D], xhat[D], g[D];

static void any_rows(void)
{
    box(x, D, STATE);
    box(gain, D, WEIGHT);
    box(bias, D, WEIGHT);
    box(dy, D, ENTRY);
    box(g, D, ENTRY);
    box(xhat, D, XHAT);
    box(dgain, D, ENTRY);
    box(dbias, D, ENTRY);
}

void drive_ref_variance(void)
{
    any_rows();
    ref_variance(x, within(-STATE, STATE), D);
    END();
}

void drive_ref_standardise(void)
{
    any_rows();
    ref_standardise(y, x, D);
    END();
}

void drive_ref_layer_norm(void)
{
    any_rows();
    ref_layer_norm(y, x, gain, bias, D);
    END();
}

void drive_ref_layer_norm_parameters(void)
{
    any_rows();
    ref_layer_norm_parameters(dgain, dbias, dy, xhat, D);
    END();
}

/* A deviation is at least sqrt(1e-5). */
void drive_ref_layer_norm_input(void)
{
    any_rows();
    ref_layer_norm_input(dx, g, xhat, within(3e-3, STATE), D);
    END();
}

void drive_ref_layer_norm_backward(void)
{
    any_rows();
    ref_layer_norm_backward(dx, dgain, dbias, dy, x, gain, D);
    END();
}
