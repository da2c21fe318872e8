/* judge.h - is a loss and gradient right, as far as rounding lets anyone say?
 *
 * One case, one arithmetic: measure the spread (spread.h), leave out what has no derivative there,
 * and hold the rest of what was computed against the truth. */
#ifndef EER_JUDGE_H
#define EER_JUDGE_H

#include "cases.h"
#include "spread.h"

/* Computes terms and gradient (P numbers) of a case with these weights instead of its own. */
typedef enum eer_status eer_evaluator(void *context, const struct eer_case *,
                                      const struct eer_weights *, struct eer_terms *,
                                      double *gradient);

/* An evaluator's context: a backend. */
struct eer_backend_run {
    const struct eer_backend *backend;
    struct eer_run run; /* train_length is set for each case */
    struct eer_error error;
};
eer_evaluator eer_backend_evaluator;

struct eer_judgement {
    double share;      /* largest |difference| / tolerance; above 1: wrong */
    const char *where; /* tensor or term of the largest share */
    double relative;   /* spread_relative */
    int wrong_answers; /* `correct` differs though no two logits are within rounding */
    /* Left out, because the gradient jumps within rounding of this case: */
    int no_potential; /* the potential's part of the gradient (largest score) */
    int no_penalty;   /* the entropy penalty's part (sign) */
    int no_gradient;  /* all of the gradient (ReLU); the terms were compared */
    int no_answers;   /* `correct` */
    /* Not judged at all: */
    int undetermined; /* relative >= 1: rounding determines no digit of the gradient */
    int not_finite;   /* a sample overflows */
};

struct eer_question {
    const struct eer_case *c;
    enum spread_arithmetic arithmetic;
    enum eer_tf32_rounding rounding; /* with SPREAD_TF32 */
    /* NULL: the reference with perfect arithmetic (and TF32 operands, with SPREAD_TF32). */
    eer_evaluator *truth;
    void *truth_context;
    double truth_error; /* of each of its numbers, absolute */
    eer_evaluator *judged;
    void *judged_context;
    int K; /* samples, odd */
    uint64_t seed;
};

/* Errors: EER_NO_MEMORY, and what the evaluators return. */
enum eer_status eer_judge(struct eer_judgement *, const struct eer_question *);

#endif
