/* judge.c - see judge.h. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

enum eer_status eer_backend_evaluator(void *context, const struct eer_case *c,
                                      const struct eer_weights *weights, struct eer_terms *terms,
                                      double *gradient)
{
    struct eer_backend_run *r = context;
    struct eer_state state = {.theta = c->theta, .m = c->theta, .v = c->theta}; /* m, v: unused */
    struct eer_engine *engine;
    r->run.train_length = c->batch.L;
    enum eer_status status = r->backend->open(&c->config, &r->run, &engine, &r->error);
    if (status != EER_OK)
        return status;
    r->backend->put(engine, &state);
    status = r->backend->gradient(engine, &c->batch, weights, terms, gradient, &r->error);
    r->backend->close(engine);
    return status;
}

/* Takes out of the weights what jumps. */
static void leave_out(struct eer_judgement *j, struct eer_weights *weights, const struct spread *s)
{
    j->no_potential = s->unsafe[SPREAD_MAXIMUM] > 0 && weights->lambda_P > 0;
    j->no_penalty = s->unsafe[SPREAD_ABSOLUTE] > 0 && weights->lambda_S > 0;
    j->no_gradient = s->unsafe[SPREAD_RELU] > 0;
    j->no_answers = s->unsafe[SPREAD_ANSWER] > 0;
    if (j->no_potential)
        weights->lambda_P = 0;
    if (j->no_penalty)
        weights->lambda_S = 0;
}

static void compare(struct eer_judgement *j, const struct spread *s, double truth_error,
                    const struct eer_terms *terms, const double *gradient)
{
    int where;
    j->relative = spread_relative(s);
    j->undetermined = j->relative >= 1;
    if (j->undetermined)
        return;
    j->share = spread_share(s, truth_error, j->no_gradient ? NULL : gradient, terms, &where);
    j->where = spread_name(s, where);
    j->wrong_answers = !j->no_answers && terms->correct != s->correct;
}

static enum eer_status measure(struct spread *s, const struct eer_question *q,
                               const struct eer_weights *weights)
{
    const struct eer_case *c = q->c;
    return spread_measure(s, &c->config, &c->batch, weights, c->theta, q->arithmetic, q->rounding,
                          q->K, q->seed);
}

/* Puts what the truth says with these weights in the place of the unperturbed variant's value. */
static enum eer_status ask_truth(const struct eer_question *q, const struct eer_weights *weights,
                                 struct spread *s)
{
    struct eer_terms t;
    if (q->truth == NULL)
        return EER_OK;
    enum eer_status status = q->truth(q->truth_context, q->c, weights, &t, s->centre);
    if (status != EER_OK)
        return status;
    const double values[SPREAD_TERMS] = {t.total,   t.task,    t.potential,
                                         t.kinetic, t.entropy, t.entropy_penalty};
    memcpy(s->centre + s->layout.size, values, sizeof values);
    s->correct = t.correct;
    return EER_OK;
}

/* A spread for what is left of the weights, after what jumps has been taken out. */
static enum eer_status prepare(struct eer_judgement *j, const struct eer_question *q,
                               struct eer_weights *weights, struct spread *s)
{
    enum eer_status status = measure(s, q, weights);
    if (status != EER_OK)
        return status;
    leave_out(j, weights, s);
    if (j->no_potential || j->no_penalty) {
        spread_free(s);
        status = measure(s, q, weights);
    }
    return status;
}

enum eer_status eer_judge(struct eer_judgement *j, const struct eer_question *q)
{
    struct eer_weights weights = q->c->weights;
    struct eer_terms terms;
    struct spread s;
    enum eer_status status;
    double *gradient = calloc((size_t)q->c->layout.size, sizeof *gradient);

    *j = (struct eer_judgement){.where = "-"};
    status = gradient != NULL ? prepare(j, q, &weights, &s) : EER_NO_MEMORY;
    if (status == EER_OK) {
        status = ask_truth(q, &weights, &s);
        if (status == EER_OK)
            status = q->judged(q->judged_context, q->c, &weights, &terms, gradient);
        if (status == EER_OK)
            compare(j, &s, q->truth_error, &terms, gradient);
        spread_free(&s);
    } else if (status == EER_NOT_FINITE) {
        j->not_finite = 1;
        status = EER_OK;
    }
    free(gradient);
    return status;
}
