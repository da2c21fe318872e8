/* rounding.h - how far the straight-line kernels may be from exact arithmetic at d = 8.
 *
 * Each constant is the bound that Gappa proves in proofs/gappa, in the file named, with the domain
 * stated there; spec/tolerances.md ("Straight-line kernels") lists them. proofs/gappa/run.sh
 * compares all three. */
#ifndef EER_ROUNDING_H
#define EER_ROUNDING_H

/* ref/, double. The inputs, exponentials and the mean given to the variance count as exact. */
#define EER_ROUNDING_DOT         0x1.9p-41      /* dot.gappa: absolute, entries of at most 16 */
#define EER_ROUNDING_DENOMINATOR 0x1.c00001p-51 /* denominator.gappa: relative */
#define EER_ROUNDING_MEAN        0x1.5p-48      /* mean.gappa: absolute, entries of at most 16 */
#define EER_ROUNDING_VARIANCE    0x1.400001p-50 /* variance.gappa: relative */

/* fast/, float, likewise */
#define EER_ROUNDING_FAST_DOT        0x1.58p-12  /* fast_dot.gappa: absolute, entries up to 16 */
#define EER_ROUNDING_FAST_MEAN       0x1.8p-20   /* fast_mean.gappa: absolute, entries up to 16 */
#define EER_ROUNDING_FAST_RSTD       0x1.601p-22 /* fast_rstd.gappa: relative */
#define EER_ROUNDING_FAST_EXP2       0x1.6p-24   /* fast_exp2.gappa: relative to 2^x */
#define EER_ROUNDING_FAST_EXP2_STEPS 0x1.1cdp-24 /* fast_exp2_steps.gappa: to its polynomial */

#endif
