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

static void compare(struct eer_judgement *j, const struct spread *s, const struct eer_terms *terms,
                    const double *gradient, double truth_error, double correct)
{
    int where;
    j->relative = spread_relative(s);
    j->undetermined = j->relative >= 1;
    if (j->undetermined)
        return;
    j->share = spread_share(s, truth_error, j->no_gradient ? NULL : gradient, terms, &where);
    j->where = spread_name(s, where);
    j->wrong_answers = !j->no_answers && terms->correct != correct;
}

static enum eer_status measure(struct spread *s, const struct eer_question *q,
                               const struct eer_weights *weights, const double *centre)
{
    const struct eer_case *c = q->c;
    return spread_measure(s, &c->config, &c->batch, weights, c->theta, q->arithmetic, q->rounding,
                          centre, q->K, q->seed);
}

/* What the truth says with these weights: gradient, then terms; NULL if it is the unperturbed
 * variant. */
static enum eer_status ask_truth(const struct eer_question *q, const struct eer_weights *weights,
                                 double *room, const double **centre, double *correct)
{
    struct eer_terms t;
    *centre = NULL;
    if (q->truth == NULL)
        return EER_OK;
    enum eer_status status = q->truth(q->truth_context, q->c, weights, &t, room);
    if (status != EER_OK)
        return status;
    const double values[SPREAD_TERMS] = {t.total,   t.task,    t.potential,
                                         t.kinetic, t.entropy, t.entropy_penalty};
    memcpy(room + q->c->layout.size, values, sizeof values);
    *centre = room;
    *correct = t.correct;
    return status;
}

/* room: 2 (P + SPREAD_TERMS) numbers */
static enum eer_status judge(struct eer_judgement *j, const struct eer_question *q, double *room)
{
    struct eer_weights weights = q->c->weights;
    struct eer_terms terms;
    struct spread s;
    const double *centre;
    double correct;
    double *gradient = room + q->c->layout.size + SPREAD_TERMS;
    enum eer_status status = measure(&s, q, &weights, NULL);

    j->not_finite = status == EER_NOT_FINITE;
    if (status != EER_OK)
        return j->not_finite ? EER_OK : status;
    leave_out(j, &weights, &s);
    correct = s.correct;
    spread_free(&s);
    status = ask_truth(q, &weights, room, &centre, &correct);
    if (status == EER_OK)
        status = measure(&s, q, &weights, centre);
    if (status != EER_OK)
        return status;
    status = q->judged(q->judged_context, q->c, &weights, &terms, gradient);
    if (status == EER_OK)
        compare(j, &s, &terms, gradient, q->truth_error, correct);
    spread_free(&s);
    return status;
}

enum eer_status eer_judge(struct eer_judgement *j, const struct eer_question *q)
{
    double *room = calloc(2 * ((size_t)q->c->layout.size + SPREAD_TERMS), sizeof *room);
    *j = (struct eer_judgement){.where = "-"};
    enum eer_status status = room != NULL ? judge(j, q, room) : EER_NO_MEMORY;
    free(room);
    return status;
}
