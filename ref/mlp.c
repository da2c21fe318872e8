/* mlp.c - the MLP of one row and its derivative (spec/model.md, 3.3 and 5.3). */
#include "ref.h"
#include "lemmas_rows.h"
#include "lemmas_blocks.h"

/* Phi and phi, distribution and density of the standard normal law. */
double ref_normal_distribution(double x)
{
    const double sqrt_2 = 1.4142135623730950488016887242097;
    return (1 + ref_erf(x / sqrt_2)) / 2;
}

double ref_normal_density(double x)
{
    const double sqrt_two_pi = 2.5066282746310005024157652848110;
    return ref_exp(-x * x / 2) / sqrt_two_pi;
}

double ref_activation(double x, enum eer_activation activation)
{
    double distribution;

    if (activation == EER_RELU)
        return x > 0 ? x : 0;
    distribution = ref_normal_distribution(x);
    //@ assert gelu: REAL(gelu(x) == x * distribution);
    return x * distribution;
}

double ref_activation_derivative(double x, enum eer_activation activation)
{
    double distribution, density;

    if (activation == EER_RELU)
        return x > 0;
    distribution = ref_normal_distribution(x);
    density = ref_normal_density(x);
    //@ assert slope: REAL(gelu_slope(x) == distribution + x * density);
    return distribution + x * density;
}

void ref_activations(double *g, const double *a, enum eer_activation activation, int m)
{
    /*@ loop invariant 0 <= k <= m;
        loop invariant REAL(\forall integer i; 0 <= i < k ==> g[i] == activated(a[i], activation));
        loop assigns k, g[0 .. m - 1];
        loop variant m - k; */
    for (int k = 0; k < m; k++)
        g[k] = ref_activation(a[k], activation);
}

void ref_activations_backward(double *da, const double *dg, const double *a,
                              enum eer_activation activation, int m)
{
    /*@ loop invariant 0 <= k <= m;
        loop invariant REAL(\forall integer i; 0 <= i < k ==>
          da[i] == activations_slope{Pre}(dg, a, activation, i));
        loop assigns k, da[0 .. m - 1];
        loop variant m - k; */
    for (int k = 0; k < m; k++) {
        double slope = ref_activation_derivative(a[k], activation);
        //@ assert slope: REAL(slope == activation_slope(\at(a[k], LoopCurrent), activation));
        //@ assert same_a: REAL(same{Here, Pre}(a, m) && same{Here, Pre}(dg, m));
        /*@ assert here: REAL(activations_slope{Pre}(dg, a, activation, k) ==
              scaled{Pre}(slope, dg, k)); */
        //@ assert term: REAL(scaled{Pre}(slope, dg, k) == dg[k] * slope);
        da[k] = dg[k] * slope;
    }
}

void ref_mlp(double *o, double *a, double *g, const double *y, const struct ref_tensors *w,
             const struct eer_config *c)
{
    //@ assert fits: product_fits(c->d, c->mlp) && product_fits(c->mlp, c->d);
    ref_row(a, y, w->W_1, c->d, c->mlp);
    //@ assert row: REAL(is_row{Here, Pre}(a, y, w->W_1, c->d, c->mlp));
    //@ assert same_b: REAL(same{Here, Pre}(w->b_1, c->mlp));
    ref_add(a, w->b_1, c->mlp);
    //@ assert inner: REAL(is_affine{Here, Pre}(a, y, w->W_1, w->b_1, c->d, c->mlp));
    //@ ghost inside: ;
    ref_activations(g, a, c->activation, c->mlp);
    //@ assert same_a: REAL(same{inside, Here}(a, c->mlp));
    //@ ghost activated: ;
    ref_row(o, g, w->W_2, c->mlp, c->d);
    //@ assert row_2: REAL(is_row{Here, activated}(o, g, w->W_2, c->mlp, c->d));
    //@ assert same_a_2: REAL(same{inside, Here}(a, c->mlp));
    //@ assert same_g: REAL(same{activated, Here}(g, c->mlp));
    /*@ assert same_w: REAL(untouched{activated, Here}(w->W_2) &&
          untouched{activated, Here}(w->b_2)); */
    //@ ghost multiplied: ;
    ref_add(o, w->b_2, c->d);
    //@ assert added: REAL(is_added{Here, multiplied}(o, w->b_2, c->d));
    //@ assert same_a_3: REAL(same{inside, Here}(a, c->mlp));
    //@ assert same_g_2: REAL(same{activated, Here}(g, c->mlp));
    /*@ assert same_w_2: REAL(untouched{activated, Here}(w->W_2) &&
          untouched{activated, Here}(w->b_2)); */
    /*@ assert columns: REAL(\forall integer j; 0 <= j < c->d ==>
          row_column{activated}(g, w->W_2, c->d, j, c->mlp) ==
          row_column(g, w->W_2, c->d, j, c->mlp)); */
}

void ref_mlp_backward(double *dy, const struct ref_tensors *dw, const double *dout, const double *y,
                      const double *a, const double *g, const struct ref_tensors *w,
                      const struct eer_config *c)
{
    double da[EER_MAX_MLP], dg[EER_MAX_MLP];

    //@ assert fits: product_fits(c->d, c->mlp) && product_fits(c->mlp, c->d);
    ref_row_tn(dw->W_2, g, dout, c->mlp, c->d);
    ref_add(dw->b_2, dout, c->d);
    ref_row_nt(dg, dout, w->W_2, c->mlp, c->d);
    ref_activations_backward(da, dg, a, c->activation, c->mlp);
    ref_row_tn(dw->W_1, y, da, c->d, c->mlp);
    ref_add(dw->b_1, da, c->mlp);
    ref_row_nt(dy, da, w->W_1, c->d, c->mlp);
}
