/* layer_norm.c - layer norm of one row and its derivative (spec/model.md, 3.2 and 5.2). */
#include "ref.h"
#include "lemmas_sums.h"

double ref_variance(const double *x, double mean, int d)
{
    double sum = 0;
    /*@ loop invariant 0 <= j <= d;
        loop invariant REAL(sum == squares(x, mean, j));
        loop invariant REAL(sum >= 0);
        loop assigns j, sum;
        loop variant d - j; */
    for (int j = 0; j < d; j++) {
        //@ assert term: REAL(square_term(x, mean, j) == (x[j] - mean) * (x[j] - mean));
        //@ assert sign: REAL(square_term(x, mean, j) >= 0);
        sum += (x[j] - mean) * (x[j] - mean);
    }
    return sum / d;
}

double ref_standardise(double *xhat, const double *x, int d)
{
    double mean = ref_sum(x, d) / d;
    double deviation = ref_sqrt(ref_variance(x, mean, d) + 1e-5);

    //@ assert deviation: REAL(deviation == deviation{Pre}(x, d));
    /*@ loop invariant 0 <= j <= d;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          xhat[i] == standardised{Pre}(x, d, i));
        loop assigns j, xhat[0 .. d - 1];
        loop variant d - j; */
    for (int j = 0; j < d; j++) {
        //@ assert same_x: REAL(same{Here, Pre}(x, d));
        //@ assert term: REAL(standardised{Pre}(x, d, j) == (x[j] - mean) / deviation);
        xhat[j] = (x[j] - mean) / deviation;
    }
    return deviation;
}

void ref_layer_norm(double *y, const double *x, const double *gain, const double *bias, int d)
{
    ref_standardise(y, x, d);
    /*@ loop invariant 0 <= j <= d;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          y[i] == normed{Pre}(x, gain, bias, d, i));
        loop invariant REAL(\forall integer i; j <= i < d ==> y[i] == standardised{Pre}(x, d, i));
        loop assigns j, y[0 .. d - 1];
        loop variant d - j; */
    for (int j = 0; j < d; j++) {
        //@ assert same_gain: REAL(same{Here, Pre}(gain, d) && same{Here, Pre}(bias, d));
        //@ assert product: REAL(scaled{Pre}(y[j], gain, j) == y[j] * gain[j]);
        //@ assert term: REAL(normed{Pre}(x, gain, bias, d, j) == y[j] * gain[j] + bias[j]);
        y[j] = y[j] * gain[j] + bias[j];
    }
}

void ref_layer_norm_parameters(double *dgain, double *dbias, const double *dy, const double *xhat,
                               int d)
{
    /*@ loop invariant 0 <= j <= d;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          dgain[i] == \at(dgain[i], Pre) + scaled{Pre}(\at(xhat[i], Pre), dy, i));
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          dbias[i] == \at(dbias[i], Pre) + dy[i]);
        loop invariant REAL(\forall integer i; j <= i < d ==>
          dgain[i] == \at(dgain[i], Pre) && dbias[i] == \at(dbias[i], Pre));
        loop assigns j, dgain[0 .. d - 1], dbias[0 .. d - 1];
        loop variant d - j; */
    for (int j = 0; j < d; j++) {
        //@ assert term: REAL(scaled{Pre}(xhat[j], dy, j) == dy[j] * xhat[j]);
        dgain[j] += dy[j] * xhat[j];
        dbias[j] += dy[j];
    }
}

void ref_layer_norm_input(double *dx, const double *g, const double *xhat, double deviation, int d)
{
    double mean_g = ref_sum(g, d) / d;
    double mean_g_xhat = ref_sum_of_products(g, xhat, d) / d;

    /*@ loop invariant 0 <= j <= d;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          dx[i] == norm_numerator(\at(g[i], Pre), sum{Pre}(g, d), \at(xhat[i], Pre),
                                  dot{Pre}(g, xhat, d), d));
        loop assigns j, dx[0 .. d - 1];
        loop variant d - j; */
    for (int j = 0; j < d; j++) {
        //@ assert same_g: REAL(same{Here, Pre}(g, d) && same{Here, Pre}(xhat, d));
        /*@ assert term: REAL(norm_numerator(g[j], sum{Pre}(g, d), xhat[j],
                                             dot{Pre}(g, xhat, d), d) ==
              g[j] - mean_g - xhat[j] * mean_g_xhat); */
        dx[j] = g[j] - mean_g - xhat[j] * mean_g_xhat;
    }
    /*@ assert slopes: REAL(\forall integer j; 0 <= j < d ==>
          quotient(dx, j, deviation) == norm_slope{Pre}(g, xhat, deviation, d, j)); */
    ref_divide(dx, deviation, d);
}

void ref_layer_norm_backward(double *dx, double *dgain, double *dbias, const double *dy,
                             const double *x, const double *gain, int d)
{
    double xhat[EER_MAX_D], g[EER_MAX_D];
    double deviation = ref_standardise(xhat, x, d);

    //@ assert same_dy: REAL(same{Here, Pre}(dy, d) && same{Here, Pre}(gain, d));
    //@ assert same_dgain: REAL(same{Here, Pre}(dgain, d) && same{Here, Pre}(dbias, d));
    //@ assert xhat: REAL(is_standardised{Here, Pre}(&xhat[0], x, d));
    /*@ assert products: REAL(\forall integer j; 0 <= j < d ==>
          scaled(xhat[j], dy, j) == scaled{Pre}(standardised{Pre}(x, d, j), dy, j)); */
    ref_layer_norm_parameters(dgain, dbias, dy, xhat, d);
    //@ assert same_dy_2: REAL(same{Here, Pre}(dy, d) && same{Here, Pre}(gain, d));
    //@ assert xhat_2: REAL(is_standardised{Here, Pre}(&xhat[0], x, d));
    /*@ assert dgain: REAL(\forall integer j; 0 <= j < d ==>
          dgain[j] == \at(dgain[j], Pre) + scaled{Pre}(standardised{Pre}(x, d, j), dy, j)); */
    /*@ assert dbias: REAL(\forall integer j; 0 <= j < d ==>
          dbias[j] == \at(dbias[j], Pre) + \at(dy[j], Pre)); */
    /*@ assert gained: REAL(\forall integer j; 0 <= j < d ==>
          product(dy, gain, j) == product{Pre}(dy, gain, j)); */
    ref_products(g, dy, gain, d);
    //@ assert xhat_3: REAL(is_standardised{Here, Pre}(&xhat[0], x, d));
    /*@ assert g: REAL(\forall integer j; 0 <= j < d ==>
          g[j] == product{Pre}(dy, gain, j)); */
    //@ assert sum_g: REAL(sum(&g[0], d) == dot{Pre}(dy, gain, d));
    //@ assert sum_g_xhat: REAL(dot(&g[0], &xhat[0], d) == gained_dot{Pre}(dy, gain, x, d, d));
    /*@ assert slopes: REAL(\forall integer j; 0 <= j < d ==>
          norm_slope(&g[0], &xhat[0], deviation, d, j) ==
          layer_norm_slope{Pre}(dy, gain, x, d, j)); */
    //@ assert same_dy_3: REAL(same{Here, Pre}(dy, d));
    /*@ assert dgain_2: REAL(\forall integer j; 0 <= j < d ==>
          dgain[j] == \at(dgain[j], Pre) + scaled{Pre}(standardised{Pre}(x, d, j), dy, j)); */
    /*@ assert dbias_2: REAL(\forall integer j; 0 <= j < d ==>
          dbias[j] == \at(dbias[j], Pre) + \at(dy[j], Pre)); */
    ref_layer_norm_input(dx, g, xhat, deviation, d);
    //@ assert same_dy_4: REAL(same{Here, Pre}(dy, d));
    /*@ assert dgain_3: REAL(\forall integer j; 0 <= j < d ==>
          dgain[j] == \at(dgain[j], Pre) + scaled{Pre}(standardised{Pre}(x, d, j), dy, j)); */
    /*@ assert dbias_3: REAL(\forall integer j; 0 <= j < d ==>
          dbias[j] == \at(dbias[j], Pre) + \at(dy[j], Pre)); */
}
