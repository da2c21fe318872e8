/* strict.h - what this folder asks of the compiler: doubles of IEEE 754, each operation rounded to
 * a double as it is written, and tests for NaN and infinity that are no constants. With -Ofast,
 * -ffast-math and their parts, or with the x87 unit's wider numbers, enclosures would not enclose;
 * better that nothing is built. (Clang tells of -ffast-math and -ffinite-math-only alone.) */
#ifndef BOUND_STRICT_H
#define BOUND_STRICT_H

#include <float.h>

#if defined __FAST_MATH__ || defined __ASSOCIATIVE_MATH__ || defined __RECIPROCAL_MATH__
#error "proofs/bound counts the roundings that are written: no -Ofast, -ffast-math and the like"
#endif
#if defined __FINITE_MATH_ONLY__ && __FINITE_MATH_ONLY__
#error "proofs/bound looks for NaN and infinity: no -ffinite-math-only"
#endif
_Static_assert(FLT_EVAL_METHOD == 0, "proofs/bound: a double operation has to give a double");
_Static_assert(FLT_RADIX == 2 && DBL_MANT_DIG == 53 && DBL_MAX_EXP == 1024,
               "proofs/bound: binary64");

#endif
