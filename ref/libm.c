/* libm.c - the only calls of the mathematical library: one trusted wrapper a function. */
#include "ref.h"

#include <math.h>

double ref_exp(double x)
{
    return exp(x);
}

double ref_expm1(double x)
{
    return expm1(x);
}

double ref_log(double x)
{
    return log(x);
}

double ref_sqrt(double x)
{
    return sqrt(x);
}

double ref_pow(double x, double y)
{
    return pow(x, y);
}

double ref_erf(double x)
{
    return erf(x);
}

double ref_sin(double x)
{
    return sin(x);
}

double ref_cos(double x)
{
    return cos(x);
}
