/* theorem.h - the face of proofs/bound for theorem 3.2.1: an instance in, what holds of it out
 * (spec/theorem.md). */
#ifndef BOUND_THEOREM_H
#define BOUND_THEOREM_H

#include <stddef.h>

#include "../../spec/error.h"
#include "interval.h"

/* Of the printed inequality ||DF|| <= P_q, by itself; whether its hypotheses hold stands beside. */
enum bound_verdict { BOUND_UNDECIDED_VERDICT, BOUND_VIOLATES, BOUND_DOES_NOT_VIOLATE };
extern const char *const bound_verdict_text[3];

/* The values of q: 1.25, 1.5, 1.75, 2; then "every q" in (1, 2], whose bound is the limit q -> 1.
 */
enum { BOUND_Q = 4, BOUND_EVERY_Q = 4, BOUND_VERDICTS = 5 };
extern const char *const bound_q_text[BOUND_VERDICTS];

/* A hypothesis: the value, and whether it is at most the limit, decided in rational numbers; the
 * value's ends agree with that. */
struct bound_hypothesis {
    struct bound_interval value;
    int holds;
};

/* "Two points": ||F(X+Z) - F(X+Z2)|| / ||Z - Z2||, and whether ||Z2||_F <= 1. */
struct bound_two_points {
    int given;
    struct bound_interval factor;
    struct bound_hypothesis Z2;
};

struct bound_theorem {
    int n, d;
    int transposed; /* the map S^T Y W_V, the theorem's; 0: S Y W_V */
    char about[256];
    struct bound_hypothesis X, Z, W_V; /* Frobenius norms, against 1, 1, 1/2 */
    int scale_is_one;
    int hypotheses;                    /* all of them; the map may be either */
    struct bound_interval W_Q, W_K;    /* spectral norms */
    struct bound_interval static_term; /* 2 |scale| ||W_Q|| ||W_K|| */
    struct bound_interval entropy[BOUND_Q], dynamic_term[BOUND_Q]; /* mean S_q of the rows */
    struct bound_interval derivative;                              /* ||DF|| itself */
    struct bound_interval printed[BOUND_VERDICTS]; /* P_q; the last: its supremum over q */
    enum bound_verdict verdict[BOUND_VERDICTS];
    /* Corrected bounds of ||DF||; unknown where one does not apply. */
    struct bound_interval A_domain[BOUND_Q]; /* of the domain: only if the hypotheses hold */
    struct bound_interval A, A_lambda, A_prime, blocks, schur;
    struct bound_interval B, B_truth; /* the S map's in the norm max_i |D_i|, ||DF|| in it */
    /* Logits constant in every row: all of it in rational numbers. Texts of fractions. */
    int rational;
    int rational_most; /* that would take seconds: d is above this, and nothing of it was done; 0 */
    char square[64];   /* ||DF[D]||^2 / ||D||^2, for a D */
    char printed_square[BOUND_VERDICTS][64]; /* a fraction at least P_q^2; "" if none was found */
    /* Equation 14: F maps the unit ball into itself, ||F|| <= 2 ||W_V||_F <= 1. */
    struct bound_interval image, image_claim;
    enum bound_answer leaves_ball;
    struct bound_two_points two_points;
};

/* The instance of a JSON text (instance.h says its form); name: of the text, for messages. Errors:
 * EER_FORMAT. */
enum eer_status bound_theorem(struct bound_theorem *, const char *name, const char *text,
                              size_t size, struct eer_error *);

#endif
