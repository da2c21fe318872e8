/* math.h - for Frama-C's parser, which does not take the one of the C library. */
double sqrt(double);
double exp(double);
double expm1(double);
double log(double);
double pow(double, double);
double sin(double);
double cos(double);
double erf(double);
double fabs(double);
#define isfinite(x) ((x) - (x) == 0)
#define NAN      (0.0 / 0.0)
#define INFINITY (1.0 / 0.0)
