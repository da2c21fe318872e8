/* spread.c - see spread.h. */
#include "spread.h"

#include <fenv.h>
#include <math.h>
#include <stdlib.h>

/* The state of the perturbation: modes are drawn while `active`. */
static _Thread_local struct {
    int active, mode;
    uint64_t seed, calls;
} perturbation;

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) at a counter. */
__attribute__((no_instrument_function)) static uint64_t mix(uint64_t seed, uint64_t counter)
{
    uint64_t x = seed + (counter + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

__attribute__((no_instrument_function)) static void draw_mode(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    if (!perturbation.active)
        return;
    int mode = modes[mix(perturbation.seed, perturbation.calls++) % 4];
    if (mode != perturbation.mode)
        fesetround(perturbation.mode = mode);
}

spread_wide spread_noise(void)
{
    if (!perturbation.active)
        return 0;
    return (double)(mix(perturbation.seed, perturbation.calls++) >> 11) * 0x1p-52 - 1;
}

/* What -finstrument-functions calls; only the variants are compiled with it. */
void __cyg_profile_func_enter(void *function, void *caller) __attribute__((no_instrument_function));
void __cyg_profile_func_exit(void *function, void *caller) __attribute__((no_instrument_function));

void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)function;
    (void)caller;
    draw_mode();
}

void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function;
    (void)caller;
    draw_mode();
}

static enum eer_status call(spread_variant *variant, const struct spread_problem *problem,
                            struct spread_result *result, int perturbed, uint64_t seed)
{
    int mode = fegetround();
    perturbation.active = perturbed;
    perturbation.mode = mode;
    perturbation.seed = seed;
    perturbation.calls = 0;
    enum eer_status status = (enum eer_status)variant(problem, result);
    perturbation.active = 0;
    fesetround(mode);
    return status;
}

double spread_student(double p, int degrees)
{
    double low = 0, high = 1e9;
    /* P(|X| <= t) = sin a (1 + 1/2 cos^2 a + (1 3)/(2 4) cos^4 a + ...), tan a = t / sqrt(degrees),
     * degrees/2 terms (Abramowitz and Stegun, 26.7.4). 200 halvings of 1e9 reach the last bit. */
    for (int step = 0; step < 200; step++) {
        double t = (low + high) / 2, a = atan(t / sqrt(degrees)), term = 1, sum = 0;
        for (int j = 0; j < degrees / 2; j++) {
            sum += term;
            term *= cos(a) * cos(a) * (2 * j + 1) / (2 * j + 2);
        }
        if (1 - sin(a) * sum > p)
            low = t;
        else
            high = t;
    }
    return high;
}

/* ---- memory -------------------------------------------------------------------------------- */

/* Everything one measurement needs besides its result. */
struct measurement {
    struct spread_problem problem;
    struct spread_result exact, sample;
    double *squares;             /* n: sum of squared deviations */
    double *drift[SPREAD_KINKS]; /* the same of each place's distance */
    int *crossed[SPREAD_KINKS];  /* 1: some sample was on another side */
    int whole[64];
    double real[64];
};

static int places_new(struct spread_places *places, int room)
{
    places->room = room;
    places->distance = calloc((size_t)room + 1, sizeof *places->distance);
    places->side = calloc((size_t)room + 1, sizeof *places->side);
    return places->distance != NULL && places->side != NULL;
}

static int result_new(struct spread_result *result, int P, const int *room)
{
    int ok = 1;
    result->gradient = calloc((size_t)P, sizeof *result->gradient);
    for (int kink = 0; kink < SPREAD_KINKS; kink++)
        ok &= places_new(&result->places[kink], room[kink]);
    return ok && result->gradient != NULL;
}

static void result_free(struct spread_result *result)
{
    free(result->gradient);
    for (int kink = 0; kink < SPREAD_KINKS; kink++) {
        free(result->places[kink].distance);
        free(result->places[kink].side);
    }
}

static void measurement_free(struct measurement *m)
{
    result_free(&m->exact);
    result_free(&m->sample);
    free(m->squares);
    for (int kink = 0; kink < SPREAD_KINKS; kink++) {
        free(m->drift[kink]);
        free(m->crossed[kink]);
    }
}

static int measurement_new(struct measurement *m, int P, const struct eer_config *c,
                           const struct eer_batch *batch)
{
    int rows = batch->B * (batch->L + c->bos);
    const int room[SPREAD_KINKS] = {
        [SPREAD_MAXIMUM] = rows * c->loops,
        [SPREAD_ABSOLUTE] = rows,
        [SPREAD_RELU] = c->activation == EER_RELU ? rows * c->loops * c->mlp : 0,
        [SPREAD_ANSWER] = rows,
    };
    int ok = result_new(&m->exact, P, room);
    ok &= result_new(&m->sample, P, room);
    m->squares = calloc((size_t)P + SPREAD_TERMS, sizeof *m->squares);
    ok &= m->squares != NULL;
    for (int kink = 0; kink < SPREAD_KINKS; kink++) {
        m->drift[kink] = calloc((size_t)room[kink] + 1, sizeof *m->drift[kink]);
        m->crossed[kink] = calloc((size_t)room[kink] + 1, sizeof *m->crossed[kink]);
        ok &= m->drift[kink] != NULL && m->crossed[kink] != NULL;
    }
    return ok;
}

/* ---- measuring ----------------------------------------------------------------------------- */

static void set_problem(struct measurement *m, const struct eer_config *c,
                        const struct eer_batch *batch, const struct eer_weights *weights,
                        const double *theta, enum eer_tf32_rounding rounding)
{
    int *whole = m->whole;
    double *real = m->real;
#define WHOLE(key, value, least, most, doc) *whole++ = c->key;
#define REAL(key, value, least, most, doc)  *real++ = c->key;
#define WORD(key, enumeration, value, doc)  *whole++ = (int)c->key;
    EER_CONFIG_TABLE(WHOLE, REAL, WORD)
#undef WHOLE
#undef REAL
#undef WORD
    m->problem = (struct spread_problem){.whole = m->whole,
                                         .real = m->real,
                                         .B = batch->B,
                                         .L = batch->L,
                                         .tokens = batch->tokens,
                                         .labels = batch->labels,
                                         .lambda_P = weights->lambda_P,
                                         .lambda_K = weights->lambda_K,
                                         .lambda_S = weights->lambda_S,
                                         .theta = theta,
                                         .tf32_rounding = (int)rounding};
}

static double number(const struct spread *s, const struct spread_result *result, int k)
{
    int P = s->layout.size;
    return k < P ? result->gradient[k] : result->terms[k - P];
}

static void add_sample(struct measurement *m, const struct spread *s)
{
    for (int k = 0; k < s->n; k++) {
        double deviation = number(s, &m->sample, k) - number(s, &m->exact, k);
        m->squares[k] += deviation * deviation;
    }
    for (int kink = 0; kink < SPREAD_KINKS; kink++) {
        const struct spread_places *a = &m->exact.places[kink], *b = &m->sample.places[kink];
        for (int i = 0; i < a->n; i++) {
            double drift = b->distance[i] - a->distance[i];
            m->drift[kink][i] += drift * drift;
            m->crossed[kink][i] |= a->side[i] != b->side[i];
        }
    }
}

/* a. */
static enum eer_status unperturbed(enum spread_arithmetic arithmetic,
                                   const struct spread_problem *problem,
                                   struct spread_result *result)
{
    return call(arithmetic == SPREAD_TF32 ? spread_double_tf32 : spread_double, problem, result, 0,
                0);
}

/* An x_k. */
static enum eer_status perturbed(enum spread_arithmetic arithmetic,
                                 const struct spread_problem *problem, struct spread_result *result,
                                 uint64_t seed)
{
    static spread_variant *const variants[] = {spread_double, spread_float, spread_float_tf32};
    return call(variants[arithmetic], problem, result, 1, seed);
}

static enum eer_status sample_all(struct measurement *m, struct spread *s,
                                  enum spread_arithmetic arithmetic, int K, uint64_t seed)
{
    enum eer_status status = unperturbed(arithmetic, &m->problem, &m->exact);
    for (int k = 0; k < s->n; k++)
        s->centre[k] = number(s, &m->exact, k);
    s->correct = m->exact.correct;
    for (int k = 0; k < K && status == EER_OK; k++) {
        status = perturbed(arithmetic, &m->problem, &m->sample, mix(seed, (uint64_t)k));
        add_sample(m, s);
    }
    return status;
}

/* The first and last number of the group (tensor, or single term) that number k belongs to. */
static void group(const struct spread *s, int k, int *first, int *end)
{
    *first = k;
    *end = k + 1;
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        int offset = s->layout.offset[tensor];
        int size = s->layout.rows[tensor] * s->layout.columns[tensor];
        if (k >= offset && k < offset + size) {
            *first = offset;
            *end = offset + size;
        }
    }
}

static void set_tolerances(struct spread *s, const struct measurement *m, int K)
{
    s->t = spread_student(1e-6 / s->n, K - 1);
    for (int k = 0; k < s->n;) {
        int first, end;
        double mean = 0;
        group(s, k, &first, &end);
        for (int j = first; j < end; j++)
            mean += m->squares[j] / (end - first);
        for (int j = first; j < end; j++)
            s->tolerance[j] = s->t * sqrt(fmax(m->squares[j], mean) / (K - 1));
        k = end;
    }
    for (int kink = 0; kink < SPREAD_KINKS; kink++) {
        const struct spread_places *places = &m->exact.places[kink];
        for (int i = 0; i < places->n; i++) {
            double reach = s->t * sqrt(m->drift[kink][i] / (K - 1));
            s->unsafe[kink] += m->crossed[kink][i] || (reach > 0 && places->distance[i] <= reach);
        }
    }
}

enum eer_status spread_measure(struct spread *s, const struct eer_config *c,
                               const struct eer_batch *batch, const struct eer_weights *weights,
                               const double *theta, enum spread_arithmetic arithmetic,
                               enum eer_tf32_rounding rounding, int K, uint64_t seed)
{
    struct measurement m = {0};
    enum eer_status status = EER_NO_MEMORY;
    *s = (struct spread){0};
    eer_layout(c, &s->layout);
    s->n = s->layout.size + SPREAD_TERMS;
    s->centre = calloc((size_t)s->n, sizeof *s->centre);
    s->tolerance = calloc((size_t)s->n, sizeof *s->tolerance);
    if (measurement_new(&m, s->layout.size, c, batch) && s->centre != NULL &&
        s->tolerance != NULL) {
        set_problem(&m, c, batch, weights, theta, rounding);
        status = sample_all(&m, s, arithmetic, K, seed);
    }
    if (status == EER_OK)
        set_tolerances(s, &m, K);
    else
        spread_free(s);
    measurement_free(&m);
    return status;
}

static void set_terms(struct eer_terms *terms, const struct spread_result *result)
{
    const double *x = result->terms;
    *terms = (struct eer_terms){x[0], x[1], x[2], x[3], x[4], x[5], result->correct, 0};
}

enum eer_status spread_unperturbed(struct eer_terms *terms, double *gradient,
                                   const struct eer_config *c, const struct eer_batch *batch,
                                   const struct eer_weights *weights, const double *theta,
                                   spread_variant *variant, enum eer_tf32_rounding rounding)
{
    struct measurement m = {.sample.gradient = gradient}; /* no room for places: they are left */
    set_problem(&m, c, batch, weights, theta, rounding);
    enum eer_status status = call(variant, &m.problem, &m.sample, 0, 0);
    set_terms(terms, &m.sample);
    return status;
}

enum eer_status spread_sample(struct eer_terms *terms, double *gradient, const struct eer_config *c,
                              const struct eer_batch *batch, const struct eer_weights *weights,
                              const double *theta, enum spread_arithmetic arithmetic,
                              enum eer_tf32_rounding rounding, const uint64_t *seed)
{
    struct measurement m = {.sample.gradient = gradient};
    set_problem(&m, c, batch, weights, theta, rounding);
    enum eer_status status = seed != NULL
                                 ? perturbed(arithmetic, &m.problem, &m.sample, mix(*seed, 0))
                                 : unperturbed(arithmetic, &m.problem, &m.sample);
    set_terms(terms, &m.sample);
    return status;
}

void spread_free(struct spread *s)
{
    free(s->centre);
    free(s->tolerance);
    *s = (struct spread){0};
}

/* ---- judging ------------------------------------------------------------------------------- */

double spread_share(const struct spread *s, double truth_error, const double *gradient,
                    const struct eer_terms *terms, int *where)
{
    const double values[SPREAD_TERMS] = {terms->total,   terms->task,    terms->potential,
                                         terms->kinetic, terms->entropy, terms->entropy_penalty};
    int P = s->layout.size;
    double largest = 0;
    *where = -1;
    for (int k = gradient != NULL ? 0 : P; k < s->n; k++) {
        double difference = fabs((k < P ? gradient[k] : values[k - P]) - s->centre[k]);
        double share = difference == 0 ? 0 : difference / (s->tolerance[k] + truth_error);
        if (!(share <= largest) && !isnan(largest)) { /* the first NaN stays */
            largest = share;
            *where = k;
        }
    }
    return largest;
}

const char *spread_name(const struct spread *s, int where)
{
    static const char *const terms[SPREAD_TERMS] = {"total",   "task",    "potential",
                                                    "kinetic", "entropy", "entropy penalty"};
    if (where < 0)
        return "-";
    if (where >= s->layout.size)
        return terms[where - s->layout.size];
    for (int tensor = EER_TENSORS - 1; tensor > 0; tensor--)
        if (s->layout.rows[tensor] > 0 && where >= s->layout.offset[tensor])
            return eer_tensor_name(tensor);
    return eer_tensor_name(EER_EMBEDDING);
}

double spread_relative(const struct spread *s)
{
    double tolerance = 0, gradient = 0;
    for (int k = 0; k < s->layout.size; k++) {
        tolerance += s->tolerance[k] * s->tolerance[k];
        gradient += s->centre[k] * s->centre[k];
    }
    return sqrt(tolerance / gradient);
}
