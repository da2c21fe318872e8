/* variant.c - the one entry of a variant of the reference (../spread.mk builds four).
 *
 * In the float variants `double` reads `float` here too. SPREAD_VARIANT is the entry's name. The
 * linker sends the reference's calls of some of its functions through __wrap_ functions: four note
 * how far from a jump of the gradient the computation went by, three perturb what else would be
 * exact. */
#include "problem.h"

#include "../../../ref/ref.h"

#include <stdlib.h>

#ifdef SPREAD_TF32
extern enum eer_tf32_rounding spread_tf32_rounding; /* matmul_tf32.c */
extern uint64_t spread_tf32_salt;
#endif

static struct spread_result *result;

static void note(enum spread_kink kink, spread_wide distance, int side)
{
    struct spread_places *places = &result->places[kink];
    if (places->n < places->room) {
        places->distance[places->n] = distance;
        places->side[places->n] = side;
    }
    places->n++;
}

/* From the first largest to the next of n numbers. */
static void note_largest(enum spread_kink kink, const double *x, int n)
{
    int top = ref_argmax(x, n);
    int next = top == 0;
    if (n < 2)
        return;
    for (int j = 0; j < n; j++)
        if (j != top && x[j] > x[next])
            next = j;
    note(kink, (spread_wide)x[top] - x[next], top);
}

static void note_sign(enum spread_kink kink, spread_wide x)
{
    note(kink, x < 0 ? -x : x, (x > 0) - (x < 0));
}

void __real_ref_scores(double *s, const double *q_i, const double *k, const struct eer_config *c,
                       int i, int n);
void __wrap_ref_scores(double *s, const double *q_i, const double *k, const struct eer_config *c,
                       int i, int n);
void __wrap_ref_scores(double *s, const double *q_i, const double *k, const struct eer_config *c,
                       int i, int n)
{
    __real_ref_scores(s, q_i, k, c, i, n);
    note_largest(SPREAD_MAXIMUM, s, n);
}

void __real_ref_mlp_backward(double *dy, const struct ref_tensors *dw, const double *dout,
                             const double *y, const double *a, const double *g,
                             const struct ref_tensors *w, const struct eer_config *c);
void __wrap_ref_mlp_backward(double *dy, const struct ref_tensors *dw, const double *dout,
                             const double *y, const double *a, const double *g,
                             const struct ref_tensors *w, const struct eer_config *c);
void __wrap_ref_mlp_backward(double *dy, const struct ref_tensors *dw, const double *dout,
                             const double *y, const double *a, const double *g,
                             const struct ref_tensors *w, const struct eer_config *c)
{
    for (int k = 0; k < c->mlp && c->activation == EER_RELU; k++)
        note_sign(SPREAD_RELU, a[k]);
    __real_ref_mlp_backward(dy, dw, dout, y, a, g, w, c);
}

double __real_ref_penalty(double *sigma, const double *entropy, double eta, int T, int N);
double __wrap_ref_penalty(double *sigma, const double *entropy, double eta, int T, int N);
double __wrap_ref_penalty(double *sigma, const double *entropy, double eta, int T, int N)
{
    for (int i = 0; i < N; i++)
        note_sign(SPREAD_ABSOLUTE, entropy[i] / T - eta);
    return __real_ref_penalty(sigma, entropy, eta, T, N);
}

double __real_ref_cross_entropy(double *p, const double *logits, int label, int C);
double __wrap_ref_cross_entropy(double *p, const double *logits, int label, int C);
double __wrap_ref_cross_entropy(double *p, const double *logits, int label, int C)
{
    note_largest(SPREAD_ANSWER, logits, C);
    return __real_ref_cross_entropy(p, logits, label, C);
}

/* The summands of ds_ij (model.md, 5.4) may be added in any order: partial sums as large as any of
 * them are rounded, even where the reference's order is exact (one visible key: p = 1 and
 * dp - D = 0). So each gets noise of one unit in the last place of the largest number it is made
 * of. */
static double unit(double size)
{
    const spread_wide epsilon = sizeof size == 8 ? 0x1p-52 : 0x1p-23;
    return (double)(spread_noise() * epsilon * size);
}

void __real_ref_softmax_backward(double *ds, const double *p, const double *dp, int n);
void __wrap_ref_softmax_backward(double *ds, const double *p, const double *dp, int n);
void __wrap_ref_softmax_backward(double *ds, const double *p, const double *dp, int n)
{
    double D = ref_sum_of_products(p, dp, n);
    __real_ref_softmax_backward(ds, p, dp, n);
    for (int j = 0; j < n; j++)
        ds[j] += unit(p[j] * D);
}

void __real_ref_potential_backward(double *ds, const double *p, int top, double weight, int n);
void __wrap_ref_potential_backward(double *ds, const double *p, int top, double weight, int n);
void __wrap_ref_potential_backward(double *ds, const double *p, int top, double weight, int n)
{
    __real_ref_potential_backward(ds, p, top, weight, n);
    for (int j = 0; j < n; j++)
        ds[j] += unit(weight * (p[j] + (j == top)));
}

void __real_ref_tsallis_backward(double *ds, double *pq, const double *p, double q, double weight,
                                 int n);
void __wrap_ref_tsallis_backward(double *ds, double *pq, const double *p, double q, double weight,
                                 int n);
void __wrap_ref_tsallis_backward(double *ds, double *pq, const double *p, double q, double weight,
                                 int n)
{
    double factor = weight * q / (q - 1), sum;
    __real_ref_tsallis_backward(ds, pq, p, q, weight, n);
    sum = ref_sum(pq, n);
    for (int j = 0; j < n; j++)
        ds[j] += unit(factor * (pq[j] + p[j] * sum));
}

static struct eer_config read_config(const int *whole, const spread_wide *real)
{
    struct eer_config c = {0};
#define WHOLE(key, value, least, most, doc) c.key = *whole++;
#define REAL(key, value, least, most, doc)  c.key = (double)*real++;
#define WORD(key, enumeration, value, doc)  c.key = (enum eer_##enumeration) * whole++;
    EER_CONFIG_TABLE(WHOLE, REAL, WORD)
#undef WHOLE
#undef REAL
#undef WORD
    return c;
}

/* Terms and gradient of an engine that holds theta; state: scratch of the same size. */
static enum eer_status run(struct eer_engine *engine, const struct spread_problem *problem,
                           double *state, int P)
{
    struct eer_batch batch = {problem->B, problem->L, problem->tokens, problem->labels};
    struct eer_weights weights = {(double)problem->lambda_P, (double)problem->lambda_K,
                                  (double)problem->lambda_S};
    struct eer_terms terms;
    struct eer_error error;

    for (int k = 0; k < P; k++)
        state[k] = (double)problem->theta[k];
    ref_backend.put(engine, &(struct eer_state){.theta = state, .m = state, .v = state});
    enum eer_status status = ref_backend.gradient(engine, &batch, &weights, &terms, state, &error);
    const spread_wide values[SPREAD_TERMS] = {terms.total,   terms.task,    terms.potential,
                                              terms.kinetic, terms.entropy, terms.entropy_penalty};
    for (int k = 0; k < SPREAD_TERMS; k++)
        result->terms[k] = values[k];
    result->correct = terms.correct;
    for (int k = 0; k < P; k++)
        result->gradient[k] = state[k];
    return status;
}

int SPREAD_VARIANT(const struct spread_problem *problem, struct spread_result *out)
{
    struct eer_config config = read_config(problem->whole, problem->real);
    struct eer_run how = {.precision = EER_FP64, .threads = 1, .train_length = problem->L};
    struct eer_layout layout;
    struct eer_engine *engine;
    struct eer_error error;

#ifdef SPREAD_TF32
    spread_tf32_rounding = (enum eer_tf32_rounding)problem->tf32_rounding;
    spread_tf32_salt =
        (uint64_t)(int64_t)(spread_noise() * 0x1p62); /* 0 unless a sample is drawn */
#endif
    eer_layout(&config, &layout);
    double *state = calloc((size_t)layout.size, sizeof *state);
    if (state == NULL)
        return EER_NO_MEMORY;
    result = out;
    for (int kink = 0; kink < SPREAD_KINKS; kink++)
        out->places[kink].n = 0;
    enum eer_status status = ref_backend.open(&config, &how, &engine, &error);
    if (status == EER_OK)
        status = run(engine, problem, state, layout.size);
    ref_backend.close(engine);
    free(state);
    return status;
}
