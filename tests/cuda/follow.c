/* follow.c - a training run of the backends cpu and cuda has to follow the reference's loss curve.
 *
 *     follow [--backend both|cpu|cuda] [--precision fp32|tf32] [--seed N] STEPS
 *
 * Trains small configurations for STEPS steps through spec/backend.h, all backends from the same
 * seed, and holds every term of the loss at every step, and the parameters at the end, against the
 * reference's. Every backend is run again with its state taken out and put into a new engine
 * halfway, and again with steps() if it has that: the same bits. Prints a table for each
 * configuration, then "N passed, N failed"; exit status 0, 1, or 77 if there is no backend cuda.
 *
 * The tolerance is measured, by spread.h's argument for one gradient carried through the steps: the
 * same run is made K times more with every operation rounded at random - each step's gradient is a
 * sample of spread.h at that run's own parameters, and every operation of its AdamW goes up or down
 * to a float, as do the moments - and these runs show how far rounding alone takes the curve. For
 * each of the n numbers of a configuration, its terms at all steps and its last parameters,
 *
 *   tolerance = t s,  s^2 = 1/K sum_k (x_k - a)^2,
 *
 * a the reference's number and t Student's two-sided quantile with K - 1 degrees of freedom at
 * 10^-6 / n. As in spread.h no number is judged by its own samples alone, which may lie close
 * together: s is at least the root mean square of s over the last 16 steps (never over later ones,
 * which are wider), for a parameter over its tensor.
 *
 * Why this bounds an implementation whose operations are correctly rounded or nearly so: to first
 * order its deviation is a linear form of its operations' errors, and a random run's is the same
 * form of errors of up to a whole unit instead of half of one, with at least three times the
 * variance. Errors come in two kinds: new in each step, and the same in each (constants rounded
 * once, the position table, a bias of expf); the first move the parameters with the square root of
 * the steps, the others in proportion to them, unless the dynamics let them cancel. So every other
 * random run rounds a step's gradient as that of the step before, as far as the two do the same
 * operations, and all round the constants of AdamW alike in each step. Whichever kind goes farther,
 * the mean over both halves is at least half of its variance, the implementation's at most a third.
 * How far apart the halves are is printed: if one goes much farther, its eight runs are all that is
 * known of it.
 *
 * The run in double, from the code that makes the random ones, has to stay within the tolerance
 * times 2^-29, the ratio of the roundings: it shows that the random runs train what the reference
 * trains. In TF32 the truth is that run, the reference in double with operands of 11 bits, since
 * no backend computes it.
 *
 * What this does not see. Deviations grow as the dynamics of training make them grow, by a factor a
 * step if these are unstable: a late tolerance is wide, and a mistake that begins late or that is
 * of the size of rounding passes. So the table has the tolerance in it, and what follows it says
 * from which step on it is more than 1 % of the loss: from there on the curve says little. Where
 * the gradient jumps (ReLU, the largest score, a sign) a run may be on the other side for a step;
 * the random runs are too, about as often, but a jump that only the judged run meets need not be
 * within anyone's t s. To see mistakes in one gradient is gradcheck's task; this one sees those
 * that need many steps, an optimiser's above all, and those in what lies between steps: data,
 * schedules, state. */
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../fast/program/configuration.h"
#include "../../fast/program/cuda.h"
#include "../../fast/program/gradcheck/spread.h"
#include "../../fast/program/schedule.h"

enum { K = 17, WINDOW = 16, SKIPPED = 77, MOST_STEPS = 100000 };

/* Do a random run's gradients repeat the roundings of the step before? */
enum kind { FRESH, AGAIN, KINDS };

static int passed, failed;

__attribute__((format(printf, 2, 3))) static void expect(int right, const char *format, ...)
{
    va_list arguments;
    printf("  %s: ", right ? "ok" : "not ok");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    passed += right;
    failed += !right;
}

_Noreturn static void stop(int status, const char *what, const char *text)
{
    printf("%s%s\n", what, text);
    exit(status);
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        stop(1, "out of memory", "");
    return memory;
}

/* ---- runs ---------------------------------------------------------------------------------- */

struct task {
    struct eer_config config;
    struct eer_layout layout;
    enum eer_precision precision; /* of the judged */
    int steps;
};

/* All that a run leaves. */
struct curve {
    struct eer_terms *terms; /* steps */
    struct eer_state end;
};

static struct eer_state new_state(const struct task *t)
{
    size_t P = (size_t)t->layout.size;
    return (struct eer_state){0, take(P, sizeof(double)), take(P, sizeof(double)),
                              take(P, sizeof(double))};
}

static void free_state(struct eer_state *s)
{
    free(s->theta);
    free(s->m);
    free(s->v);
}

static struct curve new_curve(const struct task *t)
{
    return (struct curve){take((size_t)t->steps, sizeof(struct eer_terms)), new_state(t)};
}

static void free_curve(struct curve *c)
{
    free(c->terms);
    free_state(&c->end);
}

static struct eer_batch new_batch(const struct task *t)
{
    size_t tokens = (size_t)t->config.batch * (size_t)t->config.length_max;
    return (struct eer_batch){t->config.batch, 0, take(tokens, sizeof(int)),
                              take(tokens, sizeof(int))};
}

static void free_batch(struct eer_batch *b)
{
    free(b->tokens);
    free(b->labels);
}

static void draw(const struct task *t, const struct eer_backend *backend, int step,
                 struct eer_batch *batch)
{
    batch->L = backend->length(&t->config, step);
    backend->draw(&t->config, t->config.seed, EER_DRAW_TRAIN, step, batch);
}

static struct eer_engine *open_engine(const struct task *t, const struct eer_backend *backend)
{
    const struct eer_run run = {.precision = backend == &ref_backend ? EER_FP64 : t->precision,
                                .tf32_rounding = EER_TF32_TIES_AWAY,
                                .threads = 1,
                                .train_length = t->config.length_max};
    struct eer_engine *e = NULL;
    struct eer_error error;
    enum eer_status status = backend->open(&t->config, &run, &e, &error);
    if (status != EER_OK)
        stop(status == EER_UNAVAILABLE ? SKIPPED : 1,
             status == EER_UNAVAILABLE ? "skipped: " : "not ok: ", error.text);
    return e;
}

/* The engine's state is taken out of it and put into a new one. */
static struct eer_engine *resume(const struct task *t, const struct eer_backend *backend,
                                 struct eer_engine *e)
{
    struct eer_state s = new_state(t);
    backend->get(e, &s);
    backend->close(e);
    e = open_engine(t, backend);
    backend->put(e, &s);
    free_state(&s);
    return e;
}

static struct eer_engine *begin(const struct task *t, const struct eer_backend *backend)
{
    struct eer_state s = new_state(t);
    struct eer_engine *e = open_engine(t, backend);
    backend->init(&t->config, &s);
    backend->put(e, &s);
    free_state(&s);
    return e;
}

static void end(const struct eer_backend *backend, struct eer_engine *e, struct curve *c)
{
    struct eer_error error;
    backend->get(e, &c->end);
    if (backend->check && backend->check(e, &error) != EER_OK)
        stop(1, "not ok: ", error.text);
    backend->close(e);
}

/* Step by step; `resumed` steps before the state goes into a new engine, 0: it does not. */
static struct curve train(const struct task *t, const struct eer_backend *backend, int resumed)
{
    struct curve c = new_curve(t);
    struct eer_batch batch = new_batch(t);
    struct eer_engine *e = begin(t, backend);
    for (int s = 1; s <= t->steps; s++) {
        const struct eer_weights weights = eer_weights_at(&t->config, s);
        struct eer_error error;
        draw(t, backend, s, &batch);
        if (backend->gradient(e, &batch, &weights, &c.terms[s - 1], NULL, &error) != EER_OK)
            stop(1, "not ok: ", error.text);
        backend->update(e, eer_learning_rate(&t->config, s));
        if (s == resumed)
            e = resume(t, backend, e);
    }
    end(backend, e, &c);
    free_batch(&batch);
    return c;
}

/* The same with one call. */
static struct curve train_at_once(const struct task *t, const struct eer_backend *backend)
{
    struct curve c = new_curve(t);
    struct eer_weights *weights = take((size_t)t->steps, sizeof *weights);
    double *lr = take((size_t)t->steps, sizeof *lr);
    struct eer_engine *e = begin(t, backend);
    struct eer_error error;
    for (int s = 1; s <= t->steps; s++) {
        weights[s - 1] = eer_weights_at(&t->config, s);
        lr[s - 1] = eer_learning_rate(&t->config, s);
    }
    if (backend->steps(&e, 1, t->steps, weights, lr, c.terms, &error) != EER_OK)
        stop(1, "not ok: ", error.text);
    end(backend, e, &c);
    free(weights);
    free(lr);
    return c;
}

static int same_bits(const struct task *t, const struct curve *a, const struct curve *b)
{
    size_t bytes = (size_t)t->layout.size * sizeof(double);
    return memcmp(a->terms, b->terms, (size_t)t->steps * sizeof *a->terms) == 0 &&
           a->end.step == b->end.step && memcmp(a->end.theta, b->end.theta, bytes) == 0 &&
           memcmp(a->end.m, b->end.m, bytes) == 0 && memcmp(a->end.v, b->end.v, bytes) == 0;
}

/* ---- the run with random roundings --------------------------------------------------------- */

/* x as a float above or below it, each as likely; x itself if there is no coin. */
static double rounded(double x, unsigned short *coin)
{
    const float nearest = (float)x;
    if (!coin || (double)nearest == x)
        return x;
    const float other = nextafterf(nearest, (double)nearest < x ? INFINITY : -INFINITY);
    return erand48(coin) < 0.5 ? nearest : other;
}

/* spec/model.md, 5.7, in float's order of operations. The constants have a coin of their own:
 * tossed alike in every step. */
static void adamw(const struct task *t, struct eer_state *s, const double *gradient, double lr,
                  unsigned short *coin, unsigned short *constant)
{
    const struct eer_config *c = &t->config;
    const double beta1 = rounded(c->beta1, constant), rest1 = rounded(1 - c->beta1, constant);
    const double beta2 = rounded(c->beta2, constant), rest2 = rounded(1 - c->beta2, constant);
    const double decay = rounded(lr * c->weight_decay, constant);
    const double epsilon = rounded(c->epsilon, constant);
    const double rate = rounded(lr / (1 - pow(c->beta1, s->step + 1)), constant);
    const double second = rounded(1 / (1 - pow(c->beta2, s->step + 1)), constant);
    double squares = 0;
    for (int x = 0; x < t->layout.size; x++)
        squares += gradient[x] * gradient[x];
    const double length = sqrt(squares);
    const double clip = rounded(c->clip > 0 && length > c->clip ? c->clip / length : 1, coin);
#define R(value) rounded(value, coin)
    for (int x = 0; x < t->layout.size; x++) {
        double *theta = s->theta + x, *m = s->m + x, *v = s->v + x;
        const double g = R(gradient[x] * clip);
        *m = R(R(beta1 * *m) + R(rest1 * g));
        *v = R(R(beta2 * *v) + R(R(rest2 * g) * g));
        const double root = R(R(sqrt(R(*v * second))) + epsilon);
        const double move = R(R(rate * *m) / root);
        *theta = R(*theta - R(R(decay * *theta) + move));
    }
#undef R
    s->step++;
}

/* Random run `number`, of either kind by turns; in double, without random roundings, if negative.
 */
static struct curve sample(const struct task *t, int number)
{
    const int random = number >= 0, fresh = number % KINDS == FRESH;
    unsigned short coin[3] = {(unsigned short)number, 1};
    struct curve c = new_curve(t);
    struct eer_batch batch = new_batch(t);
    double *gradient = take((size_t)t->layout.size, sizeof *gradient);
    ref_backend.init(&t->config, &c.end);
    for (int s = 1; s <= t->steps; s++) {
        const struct eer_weights weights = eer_weights_at(&t->config, s);
        const uint64_t seed = (uint64_t)number * (MOST_STEPS + 1) + (fresh ? (uint64_t)s : 0);
        unsigned short constant[3] = {(unsigned short)number, 2};
        draw(t, &ref_backend, s, &batch);
        if (spread_sample(&c.terms[s - 1], gradient, &t->config, &batch, &weights, c.end.theta,
                          t->precision == EER_TF32 ? SPREAD_TF32 : SPREAD_FP32, EER_TF32_TIES_AWAY,
                          random ? &seed : NULL) != EER_OK)
            stop(1, "not ok: a run with random roundings failed", "");
        adamw(t, &c.end, gradient, eer_learning_rate(&t->config, s), random ? coin : NULL,
              random ? constant : NULL);
    }
    free(gradient);
    free_batch(&batch);
    return c;
}

/* ---- tolerances ---------------------------------------------------------------------------- */

static const char *const term_names[SPREAD_TERMS] = {"total",   "task",    "potential",
                                                     "kinetic", "entropy", "entropy penalty"};

static double term(const struct eer_terms *terms, int k)
{
    const double values[SPREAD_TERMS] = {terms->total,   terms->task,    terms->potential,
                                         terms->kinetic, terms->entropy, terms->entropy_penalty};
    return values[k];
}

/* The numbers of a curve: the terms of all steps, then the parameters. */
static int numbers(const struct task *t)
{
    return t->steps * SPREAD_TERMS + t->layout.size;
}

static double number(const struct task *t, const struct curve *c, int n)
{
    int terms = t->steps * SPREAD_TERMS;
    return n < terms ? term(&c->terms[n / SPREAD_TERMS], n % SPREAD_TERMS)
                     : c->end.theta[n - terms];
}

/* Mean of the squares of those that number n is not to be judged without. */
static double mean_of_group(const struct task *t, const double *squares, int n)
{
    const int terms = t->steps * SPREAD_TERMS;
    double sum = 0;
    if (n < terms) {
        int count = n / SPREAD_TERMS + 1 < WINDOW ? n / SPREAD_TERMS + 1 : WINDOW;
        for (int k = 0; k < count; k++)
            sum += squares[n - k * SPREAD_TERMS];
        return sum / count;
    }
    int tensor = 0, first, size;
    do {
        first = terms + t->layout.offset[tensor];
        size = t->layout.rows[tensor] * t->layout.columns[tensor];
    } while (n >= first + size && ++tensor < EER_TENSORS);
    for (int k = 0; k < size; k++)
        sum += squares[first + k];
    return sum / size;
}

/* Of every number, around the truth. ratio: of how far the two kinds of runs move the parameters.
 */
static double *measure(const struct task *t, const struct curve *truth, double *ratio)
{
    const int n = numbers(t);
    double *squares = take((size_t)n, sizeof *squares);
    double *tolerance = take((size_t)n, sizeof *tolerance), moved[KINDS] = {0};
    for (int k = 0; k < K; k++) {
        struct curve c = sample(t, k);
        for (int i = 0; i < n; i++) {
            double deviation = number(t, &c, i) - number(t, truth, i);
            squares[i] += deviation * deviation / K;
            if (i >= t->steps * SPREAD_TERMS)
                moved[k % KINDS] += deviation * deviation / ((K + 1 - k % KINDS) / KINDS);
        }
        free_curve(&c);
    }
    const double quantile = spread_student(1e-6 / n, K - 1);
    for (int i = 0; i < n; i++)
        tolerance[i] = quantile * sqrt(fmax(squares[i], mean_of_group(t, squares, i)));
    *ratio = sqrt(moved[AGAIN] / moved[FRESH]);
    free(squares);
    return tolerance;
}

/* ---- judging ------------------------------------------------------------------------------- */

/* A run that is judged. */
struct judged {
    const char *name;
    const struct eer_backend *backend; /* NULL: the run in double */
    double unit;                       /* the tolerance's factor */
    struct curve curve;
};

static double share(const struct task *t, const struct judged *j, const struct curve *truth,
                    const double *tolerance, int n)
{
    const double difference = fabs(number(t, &j->curve, n) - number(t, truth, n));
    return difference == 0 ? 0 : difference / (tolerance[n] * j->unit);
}

/* The number with the largest share of numbers first .. end - 1. */
static int largest(const struct task *t, const struct judged *j, const struct curve *truth,
                   const double *tolerance, int first, int end)
{
    int worst = first;
    for (int n = first; n < end; n++)
        if (!(share(t, j, truth, tolerance, n) <= share(t, j, truth, tolerance, worst)))
            worst = n;
    return worst;
}

static const char *tensor_of(const struct task *t, int parameter)
{
    int tensor = 0;
    while (parameter >=
           t->layout.offset[tensor] + t->layout.rows[tensor] * t->layout.columns[tensor])
        tensor++;
    return eer_tensor_name(tensor);
}

static void print_table(const struct task *t, const struct judged *judged, int count,
                        const struct curve *truth, const double *tolerance)
{
    printf("  step   L  loss       ");
    for (int k = 0; k < count; k++)
        printf("  %-12s |difference|  share", judged[k].name);
    printf("  tolerance  of the loss\n");
    const int every = t->steps < 10 ? 1 : t->steps / 10;
    for (int s = 1; s <= t->steps; s += s == 1 && every > 1 ? every - 1 : every) {
        const int n = (s - 1) * SPREAD_TERMS;
        printf("%6d %3d  %.9f", s, ref_backend.length(&t->config, s), number(t, truth, n));
        for (int k = 0; k < count; k++) {
            const double loss = number(t, &judged[k].curve, n);
            printf("  %.9f  %12.2e  %5.3f", loss, fabs(loss - number(t, truth, n)),
                   share(t, judged + k, truth, tolerance, n));
        }
        printf("   %8.1e  %8.1e\n", tolerance[n], tolerance[n] / number(t, truth, n));
    }
}

/* From which step on the tolerance of the loss is more than 1 % of it. */
static void print_reach(const struct task *t, const struct curve *truth, const double *tolerance)
{
    double most = 0;
    int beyond = t->steps + 1;
    for (int s = t->steps; s >= 1; s--) {
        const int n = (s - 1) * SPREAD_TERMS;
        const double part = tolerance[n] / fabs(number(t, truth, n));
        most = fmax(most, part);
        beyond = part > 0.01 ? s : beyond;
    }
    if (beyond <= t->steps)
        printf("  the tolerance exceeds 1 %% of the loss from step %d on\n", beyond);
    else
        printf("  the tolerance is at no step more than %.2g %% of the loss\n", 100 * most);
}

static void judge_run(const struct task *t, const struct judged *j, const struct curve *truth,
                      const double *tolerance)
{
    const int terms = t->steps * SPREAD_TERMS;
    int n = largest(t, j, truth, tolerance, 0, terms);
    double worst = share(t, j, truth, tolerance, n);
    expect(worst <= 1, "%s: terms: largest share %.3g, %s at step %d", j->name, worst,
           term_names[n % SPREAD_TERMS], n / SPREAD_TERMS + 1);
    n = largest(t, j, truth, tolerance, terms, numbers(t));
    worst = share(t, j, truth, tolerance, n);
    expect(worst <= 1, "%s: parameters: largest share %.3g, |difference| %.2e, %s", j->name, worst,
           fabs(number(t, &j->curve, n) - number(t, truth, n)), tensor_of(t, n - terms));
}

static void judge_bits(const struct task *t, const struct judged *j)
{
    struct curve other = train(t, j->backend, t->steps / 2);
    expect(same_bits(t, &j->curve, &other), "%s: resumed after %d steps: the same bits", j->name,
           t->steps / 2);
    free_curve(&other);
    if (!j->backend->steps)
        return;
    other = train_at_once(t, j->backend);
    expect(same_bits(t, &j->curve, &other), "%s: %d steps in one call: the same bits", j->name,
           t->steps);
    free_curve(&other);
}

/* `count` backends; behind them there is room for one more. */
static void follow(const struct task *t, struct judged *judged, int count)
{
    const int tf32 = t->precision == EER_TF32;
    struct judged *exact = judged + count;
    double ratio;
    for (int k = 0; k < count; k++)
        judged[k].curve = train(t, judged[k].backend, 0);
    *exact = (struct judged){.name = "in double", .unit = 0x1p-29, .curve = sample(t, -1)};
    struct curve truth = tf32 ? exact->curve : train(t, &ref_backend, 0);
    double *tolerance = measure(t, &truth, &ratio);
    print_table(t, judged, count, &truth, tolerance);
    print_reach(t, &truth, tolerance);
    printf("  roundings that come again move the parameters %.2f times as far as fresh ones\n",
           ratio);
    for (int k = 0; k < count + !tf32; k++)
        judge_run(t, judged + k, &truth, tolerance);
    for (int k = 0; k < count; k++)
        judge_bits(t, judged + k);
    for (int k = 0; k <= count; k++)
        free_curve(&judged[k].curve);
    if (!tf32)
        free_curve(&truth);
    free(tolerance);
}

/* ---- the program --------------------------------------------------------------------------- */

/* Small, with every part and every term at work; the second takes the other ways. */
static const char *const configurations[] = {
    "batch = 4\nlength_min = 6\nlength_max = 12\nd = 8\nmlp = 16\nloops = 5\nbos = 1\n"
    "final_norm = 1\nlambda_P = 0.1\nlambda_K = 0.01\nlambda_S = 0.05\nclip = 1\nlr = 0.003\n"
    "lr_schedule = cosine\nlambda_schedule = linear\n",
    "batch = 2\nlength_min = 6\nlength_max = 12\nd = 8\nmlp = 8\nloops = 4\nnorm = post\n"
    "activation = relu\nform = last\ngenerator = never-repeat\nmask = causal\nslope = 0.25\n"
    "kinetic = path\neta = 0.4\nlambda_P = 0.1\nlambda_K = 0.01\nlambda_S = 0.05\nclip = 1\n"
    "lr = 0.003\nwarmup = 3\n",
};

static void set_task(struct task *t, const char *text, uint64_t seed)
{
    struct eer_error error;
    eer_config_default(&t->config);
    if (eer_config_parse(&t->config, text, strlen(text), "follow", &error) != EER_OK)
        stop(1, "not ok: ", error.text);
    t->config.steps = t->steps;
    t->config.seed = seed;
    if (eer_config_check(&t->config, &error) != EER_OK)
        stop(1, "not ok: ", error.text);
    eer_layout(&t->config, &t->layout);
}

_Noreturn static void usage(void)
{
    fputs("usage: follow [--backend both|cpu|cuda] [--precision fp32|tf32] [--seed N] STEPS\n",
          stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"backend", required_argument, NULL, 'b'},
                                            {"precision", required_argument, NULL, 'p'},
                                            {"seed", required_argument, NULL, 's'},
                                            {0}};
    const struct judged all[] = {{.name = "cpu", .backend = &fast_backend, .unit = 1},
                                 {.name = "cuda", .backend = &eer_cuda_backend, .unit = 1}};
    struct judged judged[3];
    struct task t = {.precision = EER_FP32};
    const char *backend = "both";
    uint64_t seed = 1;
    int count = 0;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'b')
            backend = optarg;
        else if (o == 'p' && strcmp(optarg, "tf32") == 0)
            t.precision = EER_TF32;
        else if (o == 's')
            seed = strtoull(optarg, NULL, 10);
        else if (o != 'p' || strcmp(optarg, "fp32") != 0)
            usage();
    }
    t.steps = optind + 1 == argc ? atoi(argv[optind]) : 0;
    if (t.steps < 4 || t.steps > MOST_STEPS)
        usage();
    for (int k = 0; k < 2; k++)
        if (strcmp(backend, "both") == 0 || strcmp(backend, all[k].name) == 0)
            judged[count++] = all[k];
    if (count == 0)
        usage();
    for (size_t k = 0; k < sizeof configurations / sizeof *configurations; k++) {
        set_task(&t, configurations[k], seed);
        /* Before anything long: is there such a backend? */
        for (int b = 0; b < count; b++)
            judged[b].backend->close(open_engine(&t, judged[b].backend));
        printf("configuration %zu, seed %llu, %s\n", k + 1, (unsigned long long)seed,
               t.precision == EER_TF32 ? "tf32" : "fp32");
        follow(&t, judged, count);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
