/* inputs.c - inputs of the drivers. */
#include "inputs.h"

#include <math.h>
#include <string.h>

int top_of_case = -1;

/* Trusted: erf is within [-1, 1], which the C library's is. Eva knows the range of exp, log, sqrt,
 * pow, sin and cos, not of erf and expm1. */
double erf(double x)
{
    return Frama_C_double_interval(-1, 1);
}

/* Trusted: expm1 is 0 at 0, within [-1, 0] below and within [0, exp(x)] above, as the C library's. */
double expm1(double x)
{
    if (x == 0)
        return 0;
    if (x < 0)
        return Frama_C_double_interval(-1, 0);
    return Frama_C_double_interval(0, exp(x));
}

double within(double least, double most)
{
    return Frama_C_double_interval(least, most);
}

int whole(int least, int most)
{
    return Frama_C_interval(least, most);
}

void range(double *x, int n, double least, double most)
{
    for (int j = 0; j < n; j++)
        x[j] = Frama_C_double_interval(least, most);
}

void box(double *x, int n, double bound)
{
    range(x, n, -bound, bound);
}

void whole_numbers(int *x, int n, int least, int most)
{
    for (int j = 0; j < n; j++)
        x[j] = whole(least, most);
}

void check_box(const double *x, int n, double bound)
{
    for (int j = 0; j < n; j++) {
        //@ assert box: -bound <= x[j] <= bound;
        ;
    }
}

/* The last word of each enumeration. */
enum {
    LAST_generator = EER_NEVER_REPEAT,
    LAST_form = EER_LAST,
    LAST_mask = EER_MASK_CAUSAL,
    LAST_norm = EER_NORM_POST,
    LAST_activation = EER_RELU,
    LAST_kinetic = EER_KINETIC_FROBENIUS,
    LAST_schedule = EER_COSINE,
};

void any_config(struct eer_config *c)
{
#define EER_WHOLE(key, value, least, most, doc) c->key = whole(least, most);
#define EER_REAL(key, value, least, most, doc)  c->key = within(least, most);
#define EER_WORD(key, enumeration, value, doc)                                                     \
    c->key = (enum eer_##enumeration)whole(0, LAST_##enumeration);
    EER_CONFIG_TABLE(EER_WHOLE, EER_REAL, EER_WORD)
#undef EER_WHOLE
#undef EER_REAL
#undef EER_WORD
    c->seed = Frama_C_unsigned_long_long_interval(0, UINT64_MAX);
    c->vocab = VOCAB;
    c->length_min = PRESET_length_min;
    c->length_max = PRESET_length_max;
    c->batch = BATCH;
    c->d = D;
    c->loops = LOOPS;
    c->bos = PRESET_bos;
    c->mlp = MLP;
}

void preset_config(struct eer_config *c)
{
    any_config(c);
    c->mask = EER_MASK_CAUSAL;
    c->norm = EER_NORM_PRE;
    c->final_norm = PRESET_final_norm;
    c->activation = EER_RELU;
    c->kinetic = EER_KINETIC_NORM;
    c->form = EER_FULL;
}

void any_tensors(struct ref_tensors *w)
{
    static double theta[PARAMETERS];
    static struct eer_config c;
    static struct eer_layout layout;

    box(theta, PARAMETERS, WEIGHT);
    preset_config(&c);
    eer_layout(&c, &layout);
    //@ assert size: layout.size == PARAMETERS;
    ref_tensors(w, &layout, theta);
}

void any_gradient(struct ref_tensors *dw)
{
    static double gradient[PARAMETERS];
    static struct eer_config c;
    static struct eer_layout layout;

    box(gradient, PARAMETERS, ENTRY);
    preset_config(&c);
    eer_layout(&c, &layout);
    ref_tensors(dw, &layout, gradient);
}

void any_work(struct ref_work *work)
{
    static double stale[STATES];

    box(stale, STATES, ENTRY);
#define ARRAY(name, n)                                                                             \
    static double name[n];                                                                         \
    work->name = name
#define STALE(name, n)                                                                             \
    ARRAY(name, n);                                                                                \
    memcpy(name, stale, sizeof name)
    STALE(X, ROWS * D);
    box(X, SHORT * D, INPUT);
    STALE(Z, STATES);
    box(Z, 2 * SHORT * D, STATE);
    STALE(R, STATES);
    box(R, SHORT * D, STATE);
    STALE(Y, ROWS * D);
    STALE(Q, ROWS * D);
    STALE(K, ROWS * D);
    STALE(V, ROWS * D);
    STALE(potential, ROWS);
    STALE(entropy, ROWS);
    STALE(s, ROWS);
    STALE(p, ROWS);
    STALE(pq, ROWS);
    STALE(dZ, ROWS * D);
    STALE(dX, ROWS * D);
    STALE(dR, ROWS * D);
    STALE(dY, ROWS * D);
    STALE(dQ, ROWS * D);
    STALE(dK, ROWS * D);
    STALE(dV, ROWS * D);
    STALE(product, ROWS * D);
    ARRAY(sigma, ROWS);
    box(sigma, ROWS, 1);
    STALE(dp, ROWS);
    STALE(ds, ROWS);
#undef ARRAY
#undef STALE
}
