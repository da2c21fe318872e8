/* layer_norm.c - layer norm of one row and its derivative (spec/model.md, 3.2 and 5.2). */
#include "ref.h"

double ref_variance(const double *x, double mean, int d)
{
    double sum = 0;
    /*@ loop invariant 0 <= j <= d && sum >= 0;
        loop assigns j, sum;
        loop variant d - j; */
    for (int j = 0; j < d; j++)
        sum += (x[j] - mean) * (x[j] - mean);
    return sum / d;
}

double ref_standardise(double *xhat, const double *x, int d)
{
    double mean = ref_sum(x, d) / d;
    double deviation = ref_sqrt(ref_variance(x, mean, d) + 1e-5);

    /*@ loop invariant 0 <= j <= d;
        loop assigns j, xhat[0 .. d - 1];
        loop variant d - j; */
    for (int j = 0; j < d; j++)
        xhat[j] = (x[j] - mean) / deviation;
    return deviation;
}

void ref_layer_norm(double *y, const double *x, const double *gain, const double *bias, int d)
{
    ref_standardise(y, x, d);
    /*@ loop invariant 0 <= j <= d;
        loop assigns j, y[0 .. d - 1];
        loop variant d - j; */
    for (int j = 0; j < d; j++)
        y[j] = y[j] * gain[j] + bias[j];
}

void ref_layer_norm_parameters(double *dgain, double *dbias, const double *dy, const double *xhat,
                               int d)
{
    /*@ loop invariant 0 <= j <= d;
        loop assigns j, dgain[0 .. d - 1], dbias[0 .. d - 1];
        loop variant d - j; */
    for (int j = 0; j < d; j++) {
        dgain[j] += dy[j] * xhat[j];
        dbias[j] += dy[j];
    }
}

void ref_layer_norm_input(double *dx, const double *g, const double *xhat, double deviation, int d)
{
    double mean_g = ref_sum(g, d) / d;
    double mean_g_xhat = ref_sum_of_products(g, xhat, d) / d;

    /*@ loop invariant 0 <= j <= d;
        loop assigns j, dx[0 .. d - 1];
        loop variant d - j; */
    for (int j = 0; j < d; j++)
        dx[j] = (g[j] - mean_g - xhat[j] * mean_g_xhat) / deviation;
}

void ref_layer_norm_backward(double *dx, double *dgain, double *dbias, double *xhat, double *g,
                             const double *dy, const double *x, const double *gain, int d)
{
    double deviation = ref_standardise(xhat, x, d);

    ref_layer_norm_parameters(dgain, dbias, dy, xhat, d);
    ref_products(g, dy, gain, d);
    ref_layer_norm_input(dx, g, xhat, deviation, d);
}
