/* spread.h - how far rounding alone may take a gradient: measured, not chosen.
 *
 * The reference is compiled again (../spread.mk) with a random rounding mode - to nearest, up,
 * down, towards zero - drawn at every function's entry and exit, so that each of its operations is
 * off by up to one unit in the last place, 2^-23 relative in FP32, and every sum inside a function
 * is pushed one way; where the reference is exact by its order of operations, variant.c adds the
 * rounding of another order. K such samples x_1 .. x_K of the terms and the gradient, and the value
 * a of the same sources in unperturbed double, give for each of the n numbers compared
 *
 *   tolerance_i = t max(s_i, s_tensor(i)),  s_i^2 = 1/(K-1) sum_k (x_k,i - a_i)^2,
 *
 * s_tensor the root mean square of s_i over the tensor, so that an entry whose K samples happen to
 * lie close together is not judged by them alone. Why this bounds an implementation whose every
 * operation is correctly rounded or off by at most one unit: to first order its deviation from the
 * exact value is the same linear form of the operations' errors as a sample's, with errors that are
 * no larger (to nearest: half a unit, independent; a sample: up to a unit, and of one sign along a
 * sum). Both being sums of many small terms, deviation / s_i follows at most Student's distribution
 * with K - 1 degrees of freedom (squares about any a are no smaller than about the samples' mean).
 * t is its two-sided quantile at 10^-6 / n: over all n numbers of a case together the odds of a
 * false alarm are below one in a million.
 *
 * What a result is held against, c, is another matter and may come from elsewhere (200 bits): a
 * mistake in the reference moves a and its samples alike, so it leaves the tolerance narrow.
 *
 * TF32: the samples round the operands of every product to TF32 after their perturbed float
 * arithmetic, a does it after double arithmetic. What differs is float rounding and the operands
 * that it tips over to the other neighbour. Those are few, and each counts for 2^-11 of itself, so
 * no K samples are sure to meet the one that an implementation meets: a sample also moves operands
 * that TF32 does not hold exactly by up to 8 units of their last place (matmul_tf32.c), and shows
 * more of them than there are. A product whose operands are not rounded differs in every operand.
 *
 * Where the gradient jumps (problem.h) no tolerance can be right. Each place's distance to the jump
 * is sampled as well; it is safe if in no sample it lies on another side than in a and if it is
 * farther away than t times its own spread. A caller leaves out what an unsafe place touches, and
 * says so. */
#ifndef EER_SPREAD_H
#define EER_SPREAD_H

#include "../../../spec/backend.h"
#include "problem.h"

enum spread_arithmetic { SPREAD_FP64, SPREAD_FP32, SPREAD_TF32 };

struct spread {
    struct eer_layout layout;
    int n;             /* P + SPREAD_TERMS: the gradient, then the terms */
    double *centre;    /* c, n numbers */
    double *tolerance; /* n */
    double correct;    /* of c */
    double t;
    int unsafe[SPREAD_KINKS]; /* places */
};

/* Measures with K samples, K odd, drawn from the seed; c is a until the caller writes another.
 * Frees nothing of an older *spread. Errors: EER_NO_MEMORY; EER_NOT_FINITE if a or a sample
 * overflows. In both cases there is nothing to free. */
enum eer_status spread_measure(struct spread *spread, const struct eer_config *,
                               const struct eer_batch *, const struct eer_weights *,
                               const double *theta, enum spread_arithmetic, enum eer_tf32_rounding,
                               int K, uint64_t seed);
void spread_free(struct spread *);

/* Terms (but for `counted`) and gradient (P numbers) of one sample x_k of the seed; of a, if the
 * seed is NULL. For who goes on from a sample, as a training run does. Errors as above. */
enum eer_status spread_sample(struct eer_terms *, double *gradient, const struct eer_config *,
                              const struct eer_batch *, const struct eer_weights *,
                              const double *theta, enum spread_arithmetic, enum eer_tf32_rounding,
                              const uint64_t *seed);

/* The same of one variant of the reference without perturbation, for who asks whether a case is
 * exact in all of them. */
enum eer_status spread_unperturbed(struct eer_terms *, double *gradient, const struct eer_config *,
                                   const struct eer_batch *, const struct eer_weights *,
                                   const double *theta, spread_variant *, enum eer_tf32_rounding);

/* Largest |value - c| / (tolerance + truth_error), c being exact to truth_error, over terms and
 * gradient (NULL: over the terms); 0 / 0 counts as 0, and NaN is larger than all. *where: its
 * number, -1 if all agree exactly. */
double spread_share(const struct spread *, double truth_error, const double *gradient,
                    const struct eer_terms *, int *where);

/* The name of the tensor or term of number `where`. */
const char *spread_name(const struct spread *, int where);

/* |tolerance| / |c| over the gradient, Euclidean: from 1 on no digit of it is determined. */
double spread_relative(const struct spread *);

/* Two-sided quantile: P(|X| > t) = p for Student's X with an even number of degrees of freedom. */
double spread_student(double p, int degrees);

#endif
