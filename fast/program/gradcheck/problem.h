/* problem.h - what passes between spread.c and the variants of the reference.
 *
 * The only header that both sides read unchanged: in a float variant every other `double` is a
 * float, so nothing of spec/ may cross this face. */
#ifndef EER_SPREAD_PROBLEM_H
#define EER_SPREAD_PROBLEM_H

#include <stdint.h>

typedef double spread_wide;

enum { SPREAD_TERMS = 6 }; /* total, task, potential, kinetic, entropy, entropy_penalty */

/* Where the gradient, or the number of right answers, jumps. */
enum spread_kink {
    SPREAD_MAXIMUM,  /* the largest score of a row (potential) */
    SPREAD_ABSOLUTE, /* the sign of the mean entropy - eta */
    SPREAD_RELU,     /* the sign of an argument */
    SPREAD_ANSWER,   /* the largest logit; no gradient depends on it */
    SPREAD_KINKS
};

struct spread_problem {
    const int *whole; /* the WHOLE and WORD keys of the configuration, in its table's order */
    const spread_wide *real; /* the REAL keys */
    int B, L;
    int *tokens, *labels;
    spread_wide lambda_P, lambda_K, lambda_S;
    const spread_wide *theta;
    int tf32_rounding;
};

/* For each place in the order of the computation: how far it is from the jump, and on which side.
 */
struct spread_places {
    spread_wide *distance;
    int *side;
    int n, room;
};

struct spread_result {
    spread_wide terms[SPREAD_TERMS];
    spread_wide correct;
    spread_wide *gradient;
    struct spread_places places[SPREAD_KINKS];
};

/* Random in [-1, 1] while a sample is drawn, 0 otherwise (spread.c). */
spread_wide spread_noise(void);

/* Loss and gradient by the reference compiled in one of four ways; returns an enum eer_status. */
typedef int spread_variant(const struct spread_problem *, struct spread_result *);

spread_variant spread_double, spread_float, spread_double_tf32, spread_float_tf32;

#endif
