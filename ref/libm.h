/* libm.h - the mathematical library. These contracts are trusted, not proved; `==` holds in the
 * real model only. */
#ifndef EER_REF_LIBM_H
#define EER_REF_LIBM_H

#include "contracts.h"

/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing;
    ensures exponential: \result == \exp(x);
    ensures positive: \result >= 0;
    ensures below_one: x <= 0 ==> \result <= 1;
    ensures at_zero: x == 0 ==> \result == 1; */
double ref_exp(double x);

/*@ requires x > 0;
    terminates \true;
    assigns \nothing;
    ensures logarithm: \result == \log(x);
    ensures sign: x >= 1 ==> \result >= 0; */
double ref_log(double x);

/*@ requires x >= 0;
    terminates \true;
    assigns \nothing;
    ensures root: \result == \sqrt(x);
    ensures sign: \result >= 0; */
double ref_sqrt(double x);

/*@ requires x >= 0;
    terminates \true;
    assigns \nothing;
    ensures power: \result == \pow(x, y);
    ensures sign: \result >= 0;
    ensures below_one: x <= 1 && y >= 0 ==> \result <= 1; */
double ref_pow(double x, double y);

/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing;
    ensures range: -1 <= \result <= 1; */
double ref_erf(double x);

/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing;
    ensures range: -1 <= \result <= 1; */
double ref_sin(double x);

/*@ requires \is_finite(x);
    terminates \true;
    assigns \nothing;
    ensures range: -1 <= \result <= 1; */
double ref_cos(double x);

#endif
