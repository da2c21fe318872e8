/* libm.h - the mathematical library. These contracts are trusted, not proved
 * (proofs/trusted.txt). */
#ifndef EER_REF_LIBM_H
#define EER_REF_LIBM_H

#include "contracts.h"

/*@ terminates \true;
    assigns \nothing;
    ensures exponential: REAL(\result == \exp(x)); */
double ref_exp(double x);

/* exp(x) - 1 */
/*@ terminates \true;
    assigns \nothing;
    ensures exponential: REAL(\result == \exp(x) - 1); */
double ref_expm1(double x);

/*@ requires REAL(x > 0);
    terminates \true;
    assigns \nothing;
    ensures logarithm: REAL(\result == \log(x)); */
double ref_log(double x);

/*@ requires REAL(x >= 0);
    terminates \true;
    assigns \nothing;
    ensures root: REAL(\result == \sqrt(x));
    ensures sign: REAL(\result >= 0 && (x > 0 ==> \result > 0)); */
double ref_sqrt(double x);

/* x^y */
/*@ terminates \true;
    assigns \nothing;
    ensures power: REAL(\result == power(x, y)); */
double ref_pow(double x, double y);

/*@ terminates \true;
    assigns \nothing;
    ensures error_function: REAL(\result == error_function(x));
    ensures range: REAL(-1 <= \result <= 1); */
double ref_erf(double x);

/*@ terminates \true;
    assigns \nothing;
    ensures sine: REAL(\result == \sin(x)); */
double ref_sin(double x);

/*@ terminates \true;
    assigns \nothing;
    ensures cosine: REAL(\result == \cos(x)); */
double ref_cos(double x);

#endif
