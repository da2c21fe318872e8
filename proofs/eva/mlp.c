/* mlp.c - drivers of ref/mlp.c. */
#include "inputs.h"

static double a[MLP], g[MLP], da[MLP], dg[MLP], y[D], o[D], dy[D], dout[D];
static struct ref_tensors w, dw;

static void any_rows(struct eer_config *c)
{
    any_config(c);
    any_tensors(&w);
    any_gradient(&dw);
    box(a, MLP, ENTRY);
    box(g, MLP, ENTRY);
    box(dg, MLP, ENTRY);
    box(y, D, ENTRY);
    box(dout, D, ENTRY);
}

void drive_ref_normal_distribution(void)
{
    ref_normal_distribution(within(-ENTRY, ENTRY));
    END();
}

void drive_ref_normal_density(void)
{
    ref_normal_density(within(-ENTRY, ENTRY));
    END();
}

void drive_ref_activation(void)
{
    ref_activation(within(-ENTRY, ENTRY), EER_GELU);
    ref_activation(within(-ENTRY, ENTRY), EER_RELU);
    END();
}

void drive_ref_activation_derivative(void)
{
    ref_activation_derivative(within(-ENTRY, ENTRY), EER_GELU);
    ref_activation_derivative(within(-ENTRY, ENTRY), EER_RELU);
    END();
}

void drive_ref_activations(void)
{
    struct eer_config c;

    any_rows(&c);
    ref_activations(g, a, c.activation, MLP);
    END();
}

void drive_ref_activations_backward(void)
{
    struct eer_config c;

    any_rows(&c);
    ref_activations_backward(da, dg, a, c.activation, MLP);
    END();
}

void drive_ref_mlp(void)
{
    struct eer_config c;

    any_rows(&c);
    ref_mlp(o, a, g, y, &w, &c);
    END();
}

void drive_ref_mlp_backward(void)
{
    struct eer_config c;

    any_rows(&c);
    ref_mlp_backward(dy, &dw, dout, y, a, g, &w, &c);
    END();
}
