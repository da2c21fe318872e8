/* theorem.c - see theorem.h. */
#include "theorem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "direction.h"
#include "instance.h"
#include "norm.h"
#include "rational.h"
#include "subject.h"

enum {
    PRECISION = 128,
    MOST_FULL = 512, /* n d up to which the whole Jacobian is enclosed */
    GRID = 12,       /* bits after the point of a proposed rational direction */
};

const char *const bound_verdict_text[3] = {"undecided", "violates", "does not violate"};
const char *const bound_q_text[BOUND_VERDICTS] = {"1.25", "1.5", "1.75", "2", "every q"};

static const struct bound_interval unknown = {-INFINITY, INFINITY};

/* --- hypotheses
 * ----------------------------------------------------------------------------------- */

static void exactly(fmpq_t value, double x)
{
    arf_t number;

    arf_init(number);
    arf_set_d(number, x);
    arf_get_fmpq(value, number);
    arf_clear(number);
}

/* ||A||_F against a limit. */
static struct bound_hypothesis hypothesis(const fmpq_mat_t A, double limit)
{
    struct bound_hypothesis h;
    fmpq_t square, limit_square;
    arb_t norm;

    fmpq_init(square);
    fmpq_init(limit_square);
    arb_init(norm);
    bound_square(square, A);
    exactly(limit_square, limit);
    fmpq_mul(limit_square, limit_square, limit_square);
    h.holds = fmpq_cmp(square, limit_square) <= 0;
    arb_set_fmpq(norm, square, PRECISION);
    arb_sqrtpos(norm, norm, PRECISION);
    h.value = bound_interval(norm);
    if (h.holds)
        h.value.hi = fmin(h.value.hi, limit);
    else
        h.value.lo = fmax(h.value.lo, limit);
    fmpq_clear(square);
    fmpq_clear(limit_square);
    arb_clear(norm);
    return h;
}

static void hypotheses(struct bound_theorem *t, const struct bound_instance *instance)
{
    t->X = hypothesis(instance->X, 1.0);
    t->Z = hypothesis(instance->Z, 1.0);
    t->W_V = hypothesis(instance->W_V, 0.5);
    t->two_points.given = instance->has_second;
    t->two_points.Z2 = hypothesis(instance->second, 1.0);
    t->scale_is_one = fmpq_is_one(instance->scale);
    t->hypotheses = t->X.holds && t->Z.holds && t->W_V.holds && t->scale_is_one;
}

/* --- ||DF||
 * --------------------------------------------------------------------------------------- */

static struct bound_interval both(struct bound_interval a, struct bound_interval b)
{
    return (struct bound_interval){fmax(a.lo, b.lo), fmin(a.hi, b.hi)};
}

static struct bound_interval at_least(struct bound_interval a)
{
    return (struct bound_interval){a.lo, INFINITY};
}

static struct bound_interval at_most(struct bound_interval a)
{
    return (struct bound_interval){0.0, a.hi};
}

/* ||DF[D]|| / ||D|| */
static struct bound_interval quotient(const struct bound_attention *a, const arb_mat_t S,
                                      const arb_mat_t D)
{
    arb_mat_t image;
    arb_t norm, length;

    arb_mat_init(image, a->n, a->d);
    arb_init(norm);
    arb_init(length);
    bound_derivative(image, a, S, D, PRECISION);
    bound_frobenius(norm, image, PRECISION);
    bound_frobenius(length, D, PRECISION);
    arb_div(norm, norm, length, PRECISION);
    struct bound_interval result = bound_interval(norm);
    arb_mat_clear(image);
    arb_clear(norm);
    arb_clear(length);
    return result;
}

/* The instance's direction, or one from the power iteration, rounded to a grid so that it is
 * rational; 0 if there is none. By the way *by_blocks >= ||DF||. */
static void direction(fmpq_mat_t D, double *by_blocks, const struct bound_instance *instance,
                      const struct bound_attention *a)
{
    struct bound_iteration iteration;
    double *x = calloc((size_t)(a->n * a->d), sizeof *x);
    arb_mat_t Z;
    double most = 0.0;

    arb_mat_init(Z, a->n, a->d);
    bound_iteration_attention(&iteration, a, Z, 0, PRECISION);
    if (x != NULL && iteration.blocks != NULL)
        bound_direction(x, iteration.blocks);
    *by_blocks = bound_iteration_by_blocks(&iteration);
    for (int i = 0; x != NULL && i < a->n * a->d; i++)
        most = fmax(most, fabs(x[i]));
    for (int i = 0; most > 0.0 && i < a->n * a->d; i++)
        fmpq_set_si(fmpq_mat_entry(D, i / a->d, i % a->d),
                    (slong)nearbyint(ldexp(x[i] / most, GRID)), 1UL << GRID);
    if (instance->has_direction)
        fmpq_mat_set(D, instance->direction);
    bound_iteration_clear(&iteration);
    arb_mat_clear(Z);
    free(x);
}

/* max_i |row i of A| */
static void largest_row(arb_t most, const arb_mat_t A)
{
    arb_mat_t row;
    arb_t norm;

    arb_init(norm);
    arb_zero(most);
    for (slong i = 0; i < arb_mat_nrows(A); i++) {
        arb_mat_window_init(row, A, i, 0, i + 1, arb_mat_ncols(A));
        bound_frobenius(norm, row, PRECISION);
        arb_max(most, most, norm, PRECISION);
        arb_mat_window_clear(row);
    }
    arb_clear(norm);
}

/* Below ||DF|| in the norm max_i |D_i|, along D with its rows brought to one length. */
static struct bound_interval row_quotient(const struct bound_attention *a, const arb_mat_t S,
                                          const arb_mat_t D)
{
    arb_mat_t scaled, row, image;
    arb_t norm, other;

    arb_init(norm);
    arb_init(other);
    arb_mat_init(image, a->n, a->d);
    arb_mat_init(scaled, a->n, a->d);
    arb_mat_set(scaled, D);
    for (slong i = 0; i < a->n; i++) {
        arb_mat_window_init(row, scaled, i, 0, i + 1, a->d);
        bound_frobenius(norm, row, PRECISION);
        if (arb_is_positive(norm))
            arb_mat_scalar_div_arb(row, row, norm, PRECISION);
        arb_mat_window_clear(row);
    }
    bound_derivative(image, a, S, scaled, PRECISION);
    largest_row(norm, image);
    largest_row(other, scaled);
    arb_div(norm, norm, other, PRECISION);
    struct bound_interval result = at_least(bound_interval(norm));
    arb_clear(norm);
    arb_clear(other);
    arb_mat_clear(image);
    arb_mat_clear(scaled);
    return result;
}

/* Everything that the whole Jacobian gives. */
static void whole(struct bound_theorem *t, const struct bound_attention *a, const arb_mat_t S)
{
    arb_mat_t J;
    arb_t norm, schur;

    arb_init(norm);
    arb_init(schur);
    arb_mat_init(J, (slong)a->n * a->d, (slong)a->n * a->d);
    bound_jacobian(J, a, S, PRECISION);
    bound_spectral_norm(norm, J, PRECISION);
    t->derivative = both(t->derivative, bound_interval(norm));
    bound_block_norms(norm, schur, J, a->d, PRECISION);
    t->blocks = bound_interval(norm);
    t->schur = bound_interval(schur);
    arb_mat_clear(J);
    arb_clear(norm);
    arb_clear(schur);
}

static void derivative(struct bound_theorem *t, const struct bound_instance *instance,
                       const struct bound_attention *a, const arb_mat_t S, fmpq_mat_t D)
{
    double by_blocks;
    arb_mat_t along;

    direction(D, &by_blocks, instance, a);
    t->derivative = (struct bound_interval){0.0, INFINITY};
    arb_mat_init(along, a->n, a->d);
    arb_mat_set_fmpq_mat(along, D, PRECISION);
    if (!fmpq_mat_is_zero(D)) {
        t->derivative = both(t->derivative, at_least(quotient(a, S, along)));
        if (a->map == BOUND_MAP_S)
            t->B_truth = row_quotient(a, S, along);
    }
    arb_mat_clear(along);
    t->blocks = (struct bound_interval){0.0, by_blocks};
    if (a->n * a->d <= MOST_FULL)
        whole(t, a, S);
    t->derivative = both(t->derivative, at_most(t->A_lambda));
    t->derivative = both(t->derivative, at_most(t->blocks));
    if (a->map == BOUND_MAP_ST)
        t->derivative = both(t->derivative, at_most(t->A_prime));
}

/* --- printed and corrected values
 * ------------------------------------------------------------------ */

static void values(struct bound_theorem *t, const struct bound_attention *a, const arb_mat_t S)
{
    struct bound_values v;

    bound_values_init(&v);
    bound_values(&v, a, S, PRECISION);
    t->W_Q = bound_interval(v.W_Q);
    t->W_K = bound_interval(v.W_K);
    t->static_term = bound_interval(v.static_term);
    for (int k = 0; k < BOUND_Q; k++) {
        t->entropy[k] = bound_interval(v.entropy[k]);
        t->dynamic_term[k] = bound_interval(v.dynamic_term[k]);
        t->printed[k] = bound_interval(v.printed[k]);
        t->A_domain[k] = t->hypotheses ? bound_interval(v.A_domain[k]) : unknown;
    }
    t->printed[BOUND_EVERY_Q] = bound_interval(v.printed_limit);
    t->A = bound_interval(v.A);
    t->A_lambda = bound_interval(v.A_lambda);
    t->A_prime = bound_interval(v.A_prime);
    t->B = bound_interval(v.B);
    bound_values_clear(&v);
}

static enum bound_verdict verdict(struct bound_interval derivative, struct bound_interval printed)
{
    switch (bound_above(derivative, printed)) {
    case BOUND_YES:
        return BOUND_VIOLATES;
    case BOUND_NO:
        return BOUND_DOES_NOT_VIOLATE;
    default:
        return BOUND_UNDECIDED_VERDICT;
    }
}

/* "Every q": the limit for q -> 1 is above every P_q, and P_q comes as near to it as one likes. */
static void verdicts(struct bound_theorem *t)
{
    for (int k = 0; k < BOUND_VERDICTS; k++)
        t->verdict[k] = verdict(t->derivative, t->printed[k]);
    if (t->verdict[BOUND_EVERY_Q] == BOUND_DOES_NOT_VIOLATE &&
        !(t->derivative.hi < t->printed[BOUND_EVERY_Q].lo))
        t->verdict[BOUND_EVERY_Q] = BOUND_UNDECIDED_VERDICT;
    for (int k = 0; k < BOUND_Q; k++) /* one q that is not violated settles it */
        if (t->verdict[k] == BOUND_DOES_NOT_VIOLATE)
            t->verdict[BOUND_EVERY_Q] = BOUND_DOES_NOT_VIOLATE;
}

/* --- in rational numbers
 * ---------------------------------------------------------------------------- */

/* The simplest fraction in [hi (1 - 2^-40), hi]: the norm itself, if that is a simple one. */
static void propose(fmpq_t w, struct bound_interval norm)
{
    fmpq_t low, high;

    fmpq_init(low);
    fmpq_init(high);
    exactly(low, norm.lo);
    exactly(high, norm.hi);
    fmpq_simplest_between(w, low, high);
    fmpq_clear(low);
    fmpq_clear(high);
}

/* w >= ||W||; a proposal that is no bound is replaced by the double above. 0 if that is none. */
static int norm_above(fmpq_t w, struct bound_interval norm, const fmpq_mat_t W)
{
    propose(w, norm);
    if (bound_rational_norm(w, W))
        return 1;
    exactly(w, norm.hi);
    return bound_rational_norm(w, W);
}

/* The fraction, or what there is room for. */
static void print_fraction(char text[64], const fmpq_t value)
{
    char *whole_text = fmpq_get_str(NULL, 10, value);

    if (strlen(whole_text) < 64)
        snprintf(text, 64, "%s", whole_text);
    else
        snprintf(text, 64, "a fraction near %.15g", fmpq_get_d(value));
    flint_free(whole_text);
}

static void printed_squares(struct bound_theorem *t, const struct bound_instance *instance,
                            const fmpq_t square)
{
    fmpq_t w_Q, w_K, printed;

    fmpq_init(w_Q);
    fmpq_init(w_K);
    fmpq_init(printed);
    if (norm_above(w_Q, t->W_Q, instance->W_Q) && norm_above(w_K, t->W_K, instance->W_K))
        for (int k = 0; k < BOUND_VERDICTS; k++) {
            bound_rational_printed(printed, instance, w_Q, w_K, k);
            print_fraction(t->printed_square[k], printed);
            if (fmpq_cmp(square, printed) > 0)
                t->verdict[k] = BOUND_VIOLATES;
        }
    fmpq_clear(w_Q);
    fmpq_clear(w_K);
    fmpq_clear(printed);
}

static void rational(struct bound_theorem *t, const struct bound_instance *instance,
                     const fmpq_mat_t D)
{
    fmpq_t square;

    t->rational = bound_uniform(instance) && !fmpq_mat_is_zero(D) && isfinite(t->W_Q.hi) &&
                  isfinite(t->W_K.hi);
    if (!t->rational)
        return;
    int most_Q = bound_rational_most(instance->W_Q), most_K = bound_rational_most(instance->W_K);
    int most = most_Q < most_K ? most_Q : most_K;
    if (t->d > most) {
        t->rational = 0;
        t->rational_most = most;
        return;
    }
    fmpq_init(square);
    bound_rational_derivative(square, instance, D);
    print_fraction(t->square, square);
    printed_squares(t, instance, square);
    fmpq_clear(square);
}

/* --- equation 14, two points
 * ------------------------------------------------------------------------ */

static void image(struct bound_theorem *t, const struct bound_instance *instance,
                  const struct bound_attention *a, const arb_mat_t S)
{
    static const struct bound_interval one = {1.0, 1.0};
    arb_mat_t F, other, S2;
    arb_t norm, distance;
    struct bound_attention second;
    fmpq_mat_t difference;

    arb_init(norm);
    arb_init(distance);
    arb_mat_init(F, a->n, a->d);
    bound_image(F, a, S, PRECISION);
    bound_frobenius(norm, F, PRECISION);
    t->image = bound_interval(norm);
    t->image_claim = (struct bound_interval){2.0 * t->W_V.value.lo, 2.0 * t->W_V.value.hi};
    t->leaves_ball = bound_above(t->image, one);
    t->two_points.factor = unknown;
    if (instance->has_second) {
        bound_instance_attention(&second, instance, 1, PRECISION);
        arb_mat_init(other, a->n, a->d);
        arb_mat_init(S2, a->n, a->n);
        fmpq_mat_init(difference, a->n, a->d);
        bound_softmax(S2, &second, PRECISION);
        bound_image(other, &second, S2, PRECISION);
        arb_mat_sub(F, F, other, PRECISION);
        bound_frobenius(norm, F, PRECISION);
        fmpq_mat_sub(difference, instance->Z, instance->second);
        arb_mat_set_fmpq_mat(other, difference, PRECISION);
        bound_frobenius(distance, other, PRECISION);
        if (!fmpq_mat_is_zero(difference)) {
            arb_div(norm, norm, distance, PRECISION);
            t->two_points.factor = bound_interval(norm);
        }
        bound_attention_clear(&second);
        arb_mat_clear(other);
        arb_mat_clear(S2);
        fmpq_mat_clear(difference);
    }
    arb_mat_clear(F);
    arb_clear(norm);
    arb_clear(distance);
}

static void check(struct bound_theorem *t, const struct bound_instance *instance)
{
    struct bound_attention a;
    fmpq_mat_t D;
    arb_mat_t S;

    memset(t, 0, sizeof *t);
    t->n = instance->n;
    t->d = instance->d;
    t->transposed = instance->map == BOUND_MAP_ST;
    snprintf(t->about, sizeof t->about, "%s", instance->about);
    t->blocks = t->schur = t->B_truth = unknown;
    bound_instance_attention(&a, instance, 0, PRECISION);
    arb_mat_init(S, a.n, a.n);
    fmpq_mat_init(D, a.n, a.d);
    bound_softmax(S, &a, PRECISION);
    hypotheses(t, instance);
    values(t, &a, S);
    derivative(t, instance, &a, S, D);
    verdicts(t);
    rational(t, instance, D);
    image(t, instance, &a, S);
    bound_attention_clear(&a);
    arb_mat_clear(S);
    fmpq_mat_clear(D);
}

enum eer_status bound_theorem(struct bound_theorem *t, const char *name, const char *text,
                              size_t size, struct eer_error *error)
{
    struct bound_instance instance;

    enum eer_status status = bound_instance_read(&instance, name, text, size, error);
    if (status != EER_OK)
        return status;
    check(t, &instance);
    bound_instance_clear(&instance);
    return EER_OK;
}
