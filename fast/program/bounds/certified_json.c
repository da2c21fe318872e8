/* certified_json.c - the JSON of certified.h: an interval is [lo, hi], an end that is not known is
 * null. */
#include "certified.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "ends.h"

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static const char *const answers[] = {
    [BOUND_NO] = "no", [BOUND_YES] = "yes", [BOUND_UNDECIDED] = "undecided"};

struct field {
    const char *name;
    size_t offset;
};

#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct bound_attention_values, name)                                       \
    }

static const struct field fields[] = {
    FIELD(W_Q),
    FIELD(W_K),
    FIELD(W_V),
    FIELD(W_V_frobenius),
    FIELD(M),
    FIELD(X),
    FIELD(X_frobenius),
    FIELD(Z),
    FIELD(Z_frobenius),
    FIELD(Y),
    FIELD(Y_frobenius),
    FIELD(S),
    FIELD(lambda),
    FIELD(A),
    FIELD(A_lambda),
    FIELD(row_max_least),
    FIELD(row_max_most),
    FIELD(blocks),
    FIELD(norm),
    FIELD(tightness),
};

static json_t *attention(const struct bound_attention_values *v)
{
    json_t *object = json_object();
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++)
        json_object_set_new(object, fields[k].name,
                            eer_interval_json(*(const struct bound_interval *)((const char *)v +
                                                                               fields[k].offset)));
    static const char *const names[2][3] = {
        {"entropy_1.5", "entropy_1.5_least", "printed_1.5_not_a_bound"},
        {"entropy_2", "entropy_2_least", "printed_2_not_a_bound"}};
    for (int k = 0; k < 2; k++) {
        json_object_set_new(object, names[k][0], eer_interval_json(v->entropy[k]));
        json_object_set_new(object, names[k][1], eer_interval_json(v->entropy_least[k]));
        json_object_set_new(object, names[k][2], eer_interval_json(v->printed[k]));
    }
    if (isfinite(v->A_prime.hi))
        json_object_set_new(object, "A_prime", eer_interval_json(v->A_prime));
    json_object_set_new(object, "X_in_domain", json_string(answers[v->X_in]));
    json_object_set_new(object, "Z_in_domain", json_string(answers[v->Z_in]));
    json_object_set_new(object, "W_V_in_domain", json_string(answers[v->W_V_in]));
    return object;
}

static json_t *jacobian(const struct bound_jacobian_values *v)
{
    return json_pack("{so so}", "norm", eer_interval_json(v->norm), "spectral_radius",
                     eer_interval_json(v->radius));
}

static json_t *state(const struct eer_certified_state *s)
{
    json_t *object = json_pack(
        "{si so so sb si so so so so}", "t", s->t, "attention",
        attention(&s->certificate.attention), "jacobian", jacobian(&s->certificate.jacobian),
        "whole_jacobian", s->certificate.full, "rows_with_relu_at_0", s->certificate.kinks, "step",
        number(s->step), "step_modulo_row_means", number(s->step_modulo), "turn", number(s->turn),
        "alpha", number(s->alpha));
    if (s->certificate.has_quotient)
        json_object_set_new(object, "jacobian_modulo_row_means",
                            jacobian(&s->certificate.quotient));
    return object;
}

static json_t *fixed_point(const struct bound_fixed_point *f)
{
    if (!f->tried)
        return json_null();
    return json_pack("{sb si sb si so so so so so so so so si}", "proved", f->proved, "rows",
                     f->rows, "newton_diverged", f->diverged, "newton_steps", f->steps, "size",
                     number(f->size), "start", number(f->start), "residual", number(f->residual),
                     "distance", number(f->distance), "radius", number(f->radius), "step",
                     number(f->step), "contraction", number(f->contraction), "spectral_radius",
                     eer_interval_json(f->spectral_radius), "rows_with_relu_at_0", f->kinks);
}

static json_t *settling(const struct eer_settling *s)
{
    json_t *iterations = json_array();
    for (int k = 0; k < EER_RESIDUALS; k++)
        json_array_append_new(
            iterations,
            json_pack("{sf so}", "residual", eer_residual[k], "iterations",
                      s->iterations[k] < 0 ? json_null() : json_integer(s->iterations[k])));
    return json_pack("{so si so}", "until", iterations, "done", s->done, "last", number(s->last));
}

static json_t *sequence(const struct eer_certified *c)
{
    json_t *states = json_array();
    for (int k = 0; k < c->count; k++)
        json_array_append_new(states, state(&c->state[k]));
    json_t *object = json_pack("{si si si si si ss so so so so sf}", "length", c->length,
                               "sequence", c->sequence, "rows", c->n, "d", c->d, "loops", c->loops,
                               "update", c->update == EER_UPDATE_PLAIN ? "plain" : "gated",
                               "states", states, "fixed_point", fixed_point(&c->fixed), "plain",
                               settling(&c->settling[EER_UPDATE_PLAIN]), "gated",
                               settling(&c->settling[EER_UPDATE_GATED]), "seconds", c->seconds);
    if (c->counted > 0)
        json_object_set_new(object, "right",
                            json_pack("{si si si}", "plain", c->right[EER_UPDATE_PLAIN], "gated",
                                      c->right[EER_UPDATE_GATED], "counted", c->counted));
    return object;
}

json_t *eer_certified_json(const struct eer_certified *c, int count,
                           const struct eer_certified_head *head)
{
    json_t *sequences = json_array();
    for (int k = 0; k < count; k++)
        json_array_append_new(sequences, sequence(&c[k]));
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", head->seed);
    if (head->config)
        return json_pack("{ss si ss so}", "checkpoint", head->name, "step", head->step, "seed",
                         seed, "sequences", sequences);
    return json_pack("{ss ss ss sf sb so}", "attention", head->name, "input", head->input, "map",
                     head->loop->transposed ? "ST" : "S", "scale", head->loop->scale, "residual",
                     head->loop->residual, "sequences", sequences);
}
