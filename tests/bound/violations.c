/* violations.c - tries to violate every bound of spec/theorem.md, and shows how tight they are.
 *
 *   violations [--count N] [--seed S]     N states (300000), random and climbed; a table
 *   violations --tightness [--seed S]     ||DF|| / bound for random weights (tightness.c)
 *
 * A third of the states are random: n of 1, 2, 3, 4, 8, 16 rows, d of 1, 2, 3, 4, 8 columns, both
 * maps, a causal mask in one of eight, and one of the kinds below. The others climb, each claim in
 * turn: from a random point of the paper's domain (||X||_F, ||Z||_F <= 1, ||W_V||_F = 1/2) trials
 * are kept if the claim's truth / bound grows. Every second climb keeps Z = X and all norms at
 * their limits, for where Y or M vanishes both sides are ||W_V|| and nothing else is tried. All
 * other bounds are as general on that domain: their ratios do not change if Y is multiplied and M
 * divided by the square, or with W_V's norm.
 *
 * At each state every claim that applies is evaluated in doubles. Where truth + its error + the
 * bound's error reaches the bound (claims.h; claims.c derives the errors), or at the end of a
 * climb, the state is decided in balls of 128 bits. A claim is violated if its truth lies above the
 * bound for certain: that of Arb, that of MPFR, or that of ref by more than ref's error. Undecided
 * means that the balls overlap, as they must where both sides are equal.
 *
 * The printed formula has to be violated, or the search is too weak to be believed; it is decided
 * at random states and at the ends of climbs only. Exit status: 0 if it was violated and nothing
 * else was, and every decided Jacobian agreed with that in balls; 1 if not; 2 if the arguments are
 * wrong.
 */
#include "claims.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum kind {
    KIND_UNIT,     /* all entries of order 1 */
    KIND_FLAT,     /* logits of order 2^-10 */
    KIND_SHARP,    /* logits of order 10 to 1000 */
    KIND_SMALL,    /* Y of order 2^-20, M of order 2^40 */
    KIND_LARGE,    /* Y of order 2^20, M of order 2^-40 */
    KIND_ALIKE,    /* all rows nearly the same */
    KIND_OPPOSITE, /* rows +y and -y */
    KIND_RANK_ONE, /* all weights */
    KINDS,
};

enum {
    CLIMB = KINDS,
    FIRST_ITERATIONS = 30,
    ITERATIONS = 8,
    PRECISION = 128,
    FINER = 8192,
    STEPS = 400
};
/* MPFR is ten times as slow as all else: it is asked at the ends of climbs and now and then. */
enum { EVERY = 16 };
/* The printed formula needs longer climbs; there is one beside each sixth of the others. */
enum { PRINTED_EVERY = 6, PRINTED_STEPS = 2000 };

static const char *const kind_name[KINDS + 1] = {"unit",  "flat",     "sharp",    "small", "large",
                                                 "alike", "opposite", "rank one", "climb"};

/* What one claim has come to. */
struct line {
    long evaluated, decided, violated, undecided, unknown;
    double ratio, excess;
    int n, d, transposed, causal, kind; /* where the ratio was largest */
};

struct run {
    long count, done, decisions, jacobians, refused; /* refused: not finite in doubles */
    uint64_t random;
    struct line line[CLAIMS];
    double share;
    int terminal, complaints;
    double begun, shown;
};

static struct evaluation evaluation;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void progress(struct run *run)
{
    double time = now(), spent = time - run->begun;
    if (!run->terminal || time - run->shown < 0.1)
        return;
    run->shown = time;
    fprintf(stderr, "\r%ld of %ld states, %.0f s left ", run->done, run->count,
            spent * (double)(run->count - run->done) / (double)(run->done > 0 ? run->done : 1));
}

/* --- states --------------------------------------------------------------------------------------
 */

static int size_of(const struct trial *t, enum matrix k)
{
    return k == X || k == Z ? t->n * t->d : t->d * t->d;
}

static double frobenius(const double *x, int size)
{
    double sum = 0;
    for (int k = 0; k < size; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

static void scale(double *x, int size, double factor)
{
    for (int k = 0; k < size; k++)
        x[k] *= factor;
}

/* Rounds X and Z towards 0 to a grid on which X + Z is exact. */
static void round_entries(struct trial *t)
{
    double largest = 0;
    for (int k = 0; k < t->n * t->d; k++)
        largest = fmax(largest, fmax(fabs(t->entry[X][k]), fabs(t->entry[Z][k])));
    double grid = ldexp(1, ilogb(largest > 0 ? largest : 1) - 44);
    for (enum matrix k = X; k <= Z; k++)
        for (int e = 0; e < t->n * t->d; e++)
            t->entry[k][e] = trunc(t->entry[k][e] / grid) * grid;
}

static int choose(const int *weight, int count, uint64_t *random)
{
    int sum = 0, k;
    for (k = 0; k < count; k++)
        sum += weight[k];
    int chance = (int)(random_bits(random) % (uint64_t)sum);
    for (k = 0; chance >= weight[k]; k++)
        chance -= weight[k];
    return k;
}

/* Small sizes mostly: they are cheap, and come nearest to the bounds. */
static void draw_sizes(struct trial *t, uint64_t *random)
{
    static const int rows[] = {1, 2, 3, 4, 8, 16}, row_weight[] = {2, 40, 30, 20, 6, 1};
    static const int columns[] = {1, 2, 3, 4, 8}, column_weight[] = {30, 40, 20, 10, 2};
    memset(t, 0, sizeof *t);
    t->n = rows[choose(row_weight, 6, random)];
    t->d = columns[choose(column_weight, 5, random)];
    t->transposed = (int)(random_bits(random) & 1);
    t->index = (int)(random_bits(random) & 3);
    t->scale = 1;
}

static void draw_entries(struct trial *t, uint64_t *random)
{
    for (enum matrix k = X; k <= W_V; k++)
        for (int e = 0; e < size_of(t, k); e++)
            t->entry[k][e] = random_sign(random);
    for (int e = 0; e < t->n * t->d; e++)
        t->direction[e] = random_sign(random);
}

/* Changes Y = X + Z of order 1 into what the kind says. */
static void shape(struct trial *t, enum kind kind)
{
    int n = t->n, d = t->d;
    double factor = kind == KIND_SMALL ? 0x1p-20 : kind == KIND_LARGE ? 0x1p20 : 1;
    double logits = kind == KIND_FLAT ? 0x1p-10 : kind == KIND_SHARP ? 8 : 1;

    for (int i = 1; i < n; i++)
        for (int b = 0; b < d; b++)
            for (enum matrix k = X; k <= Z; k++) {
                double *entry = t->entry[k] + i * d + b;
                if (kind == KIND_ALIKE)
                    *entry = t->entry[k][b] + 0x1p-10 * *entry;
                if (kind == KIND_OPPOSITE)
                    *entry = i % 2 ? -t->entry[k][b] : t->entry[k][b];
            }
    for (enum matrix k = W_Q; kind == KIND_RANK_ONE && k <= W_V; k++)
        for (int b = 1; b < d; b++)
            for (int c = 1; c < d; c++)
                t->entry[k][b * d + c] =
                    t->entry[k][c] * t->entry[k][b * d] / (fabs(t->entry[k][0]) + 0x1p-10);
    scale(t->entry[X], n * d, factor);
    scale(t->entry[Z], n * d, factor);
    scale(t->entry[W_K], d * d, logits / (factor * factor));
}

static void draw(struct trial *t, enum kind kind, uint64_t *random)
{
    draw_sizes(t, random);
    draw_entries(t, random);
    shape(t, kind);
    if (random_bits(random) % 8 == 0) {
        t->causal = 1;
        t->slope = (double)(random_bits(random) & 3) / 4;
    }
    if (random_bits(random) & 1) /* as [5.1] has it */
        t->scale = 1 / (sqrt(t->d) * (1 + (double)(random_bits(random) & 7)));
    round_entries(t);
}

/* --- decisions -----------------------------------------------------------------------------------
 */

/* May the truth lie above the bound, as far as doubles can tell? */
static int doubtful(const struct claim_sides *sides)
{
    return sides->applies &&
           !(sides->truth + sides->truth_error + sides->bound_error < sides->bound / sides->excess);
}

/* Truth / bound is at least this. */
static double ratio_of(const struct claim_sides *sides)
{
    if (!sides->applies || !(sides->bound + sides->bound_error > 0))
        return 0;
    return fmax(0, sides->truth - sides->truth_error) / (sides->bound + sides->bound_error);
}

static void reached(struct line *line, const struct trial *t, int kind, double ratio)
{
    if (!(ratio > line->ratio))
        return;
    *line = (struct line){
        line->evaluated, line->decided, line->violated, line->undecided, line->unknown, ratio,
        line->excess,    t->n,          t->d,           t->transposed,   t->causal,     kind};
}

static void complain(struct run *run, const struct trial *t, int kind, const char *claim,
                     const char *what)
{
    enum { MOST = 10 };
    if (run->complaints++ < MOST)
        printf("state %ld (n %d, d %d, %s%s, %s): %s: %s\n", run->done, t->n, t->d,
               t->transposed ? "S^T" : "S", t->causal ? ", causal" : "", kind_name[kind], claim,
               what);
}

static void count(struct run *run, const struct trial *t, const struct decision *decision,
                  enum claim k, int kind)
{
    struct line *line = &run->line[k];
    line->decided++;
    line->violated += decision->verdict[k] == VERDICT_VIOLATED;
    line->undecided += decision->verdict[k] == VERDICT_UNDECIDED;
    line->unknown += decision->verdict[k] == VERDICT_UNKNOWN;
    line->excess = fmax(line->excess, decision->excess[k]);
    reached(line, t, kind, decision->ratio[k]);
    if (k != CLAIM_PRINTED && decision->verdict[k] == VERDICT_VIOLATED)
        complain(run, t, kind, claim_name[k], decision->by[k]);
    if (decision->verdict[k] == VERDICT_UNKNOWN)
        complain(run, t, kind, claim_name[k], "no finite ball");
}

/* The claims that are wanted; end: of a climb. */
static void decide(struct run *run, const struct trial *t, const int *wanted, int kind, int end)
{
    struct decision decision, finer;
    int again[CLAIMS], any = 0;
    int MPFR = run->decisions++ % EVERY == 0 || end;

    claims_decide(&decision, t, &evaluation, wanted, MPFR, PRECISION);
    run->jacobians += decision.share > 0;
    run->share = fmax(run->share, decision.share);
    if (!(decision.share <= 1))
        complain(run, t, kind, "Jacobian", "in doubles it is not that of balls");
    /* Of a g1 = r_(1) (1 - r_(1) + r_(2)) below 2^-64 half of the bits or more are lost. */
    for (enum claim k = 0; k < CLAIMS; k++) {
        again[k] = wanted[k] && k == CLAIM_G1 && decision.verdict[k] == VERDICT_UNDECIDED &&
                   evaluation.claim[k].bound < 0x1p-64;
        any |= again[k];
    }
    if (any)
        claims_decide(&finer, t, &evaluation, again, 0, FINER);
    for (enum claim k = 0; k < CLAIMS; k++)
        if (wanted[k])
            count(run, t, again[k] ? &finer : &decision, k, kind);
}

/* One state: evaluated, and decided where a corrected bound is doubtful. */
static void visit(struct run *run, struct trial *t, int kind, int iterations)
{
    int wanted[CLAIMS], any = 0;
    run->done++;
    if (!claims_evaluate(&evaluation, t, iterations)) {
        run->refused++;
        return;
    }
    for (enum claim k = 0; k < CLAIMS; k++) {
        run->line[k].evaluated += evaluation.claim[k].applies;
        if (evaluation.claim[k].applies)
            reached(&run->line[k], t, kind, ratio_of(&evaluation.claim[k]));
        wanted[k] = (k != CLAIM_PRINTED || kind != CLIMB) && doubtful(&evaluation.claim[k]);
        any |= wanted[k];
    }
    if (any)
        decide(run, t, wanted, kind, 0);
    progress(run);
}

/* --- the climb -----------------------------------------------------------------------------------
 */

static double limit_of(enum matrix k, double limit)
{
    return k == W_K ? limit : k == W_V ? 0.5 : 1;
}

/* Where a climb may go. */
struct domain {
    double limit; /* of ||W_K||_F */
    int sphere;   /* Z = X and all norms at their limits */
};

/* Back onto the domain; W_V onto its sphere. */
static void project(struct trial *t, const struct domain *domain)
{
    if (domain->sphere)
        memcpy(t->entry[Z], t->entry[X], sizeof t->entry[X]);
    for (enum matrix k = X; k <= W_V; k++) {
        double most = limit_of(k, domain->limit) * (1 - 0x1p-44);
        double norm = frobenius(t->entry[k], size_of(t, k));
        if (norm > most || ((k == W_V || domain->sphere) && norm > 0))
            scale(t->entry[k], size_of(t, k), most / norm);
    }
    round_entries(t);
}

/* Every second trial moves one matrix only, the others all five. */
static void move(struct trial *t, double step, const struct domain *domain, uint64_t *random)
{
    uint64_t choice = random_bits(random) % (2 * MATRICES);
    for (enum matrix k = X; k <= W_V; k++)
        if (choice >= MATRICES || choice == (uint64_t)k)
            for (int e = 0; e < size_of(t, k); e++)
                t->entry[k][e] += step * limit_of(k, domain->limit) * random_sign(random);
    project(t, domain);
}

/* Whether the claim is defined for the map at all. */
static int defined(enum claim k, int transposed)
{
    return k == CLAIM_A_PRIME
               ? transposed
               : !((k == CLAIM_R || k == CLAIM_R_UNIFORM || k == CLAIM_B) && transposed);
}

/* A random point to climb claim k from. */
static void begin_climb(struct trial *t, struct domain *domain, enum claim k, uint64_t *random)
{
    static const double limits[] = {0.25, 2, 8, 32};

    domain->limit = limits[random_bits(random) & 3];
    domain->sphere = (int)(random_bits(random) & 1);
    if (k == CLAIM_PRINTED) { /* false because of its static term */
        domain->limit = 8;
        domain->sphere = 1;
    }
    do
        draw_sizes(t, random);
    while (t->n == 1 || !defined(k, t->transposed) || (k == CLAIM_PRINTED && t->d == 1));
    draw_entries(t, random);
    scale(t->entry[W_K], t->d * t->d, domain->limit);
    project(t, domain);
}

/* Steps grow with successes and shrink with failures, so that about one trial in five succeeds
 * (Rechenberg's rule); the end is decided in balls. */
static void climb(struct run *run, enum claim k, int steps)
{
    int wanted[CLAIMS];
    double step = 1, best_ratio;
    struct domain domain;
    struct trial best;

    begin_climb(&best, &domain, k, &run->random);
    visit(run, &best, CLIMB, FIRST_ITERATIONS);
    best_ratio = ratio_of(&evaluation.claim[k]);
    for (int e = 0; e < steps && run->done < run->count; e++) {
        struct trial trial = best;
        move(&trial, step, &domain, &run->random);
        visit(run, &trial, CLIMB, ITERATIONS);
        double ratio = ratio_of(&evaluation.claim[k]);
        if (ratio > best_ratio) {
            best = trial;
            best_ratio = ratio;
            step = fmin(1, step * 1.5);
        } else {
            step = fmax(0x1p-30, step * 0.9);
        }
    }
    if (!claims_evaluate(&evaluation, &best, FIRST_ITERATIONS))
        return;
    for (enum claim j = 0; j < CLAIMS; j++)
        wanted[j] = evaluation.claim[j].applies;
    decide(run, &best, wanted, CLIMB, 1);
}

/* --- the run -------------------------------------------------------------------------------------
 */

static void print_line(const struct line *line, enum claim k)
{
    printf("%-15s %10ld %9ld %9ld %9ld  %7.1e  %8.6f", claim_name[k], line->evaluated,
           line->decided, line->violated, line->undecided, line->excess, line->ratio);
    printf("  %2d x %d, %s%s, %s\n", line->n, line->d, line->transposed ? "S^T" : "S",
           line->causal ? ", causal" : "", kind_name[line->kind]);
}

/* 0 if the printed formula was violated and nothing else was. */
static int report(const struct run *run)
{
    long evaluated = 0, violated = 0, undecided = 0, unknown = 0;
    int wrong = 0;

    printf("%-15s %10s %9s %9s %9s  %7s  %8s  %s\n", "bound", "evaluated", "in balls", "violated",
           "undecided", "by <=", "ratio", "largest at n x d, map, kind");
    for (enum claim k = 0; k < CLAIMS; k++) {
        const struct line *line = &run->line[k];
        print_line(line, k);
        unknown += line->unknown;
        if (k == CLAIM_PRINTED)
            continue;
        evaluated += line->evaluated;
        violated += line->violated;
        undecided += line->undecided;
    }
    printf("the printed formula is no bound: every violation of it is a counterexample\n");
    printf("undecided: the balls overlap; truth / bound is at most 1 + the next column\n");
    printf("share of the Jacobian's derived error used: %.2g, over %ld in balls\n", run->share,
           run->jacobians);
    printf(
        "share of corrected bounds violated: %ld of %ld evaluations (%ld undecided); the printed "
        "one: %ld times\n",
        violated, evaluated, undecided, run->line[CLAIM_PRINTED].violated);
    if (run->line[CLAIM_PRINTED].violated == 0)
        wrong = printf("FAILED: the printed formula was never violated: the search is too weak\n");
    if (violated > 0)
        wrong = printf("FAILED: a corrected bound is violated\n");
    if (unknown > 0 || run->refused > 0)
        wrong = printf("FAILED: %ld balls and %ld states not finite\n", unknown, run->refused);
    if (!(run->share <= 1))
        wrong = printf("FAILED: the Jacobian in doubles differs from that of balls\n");
    return wrong != 0;
}

static int violations(long count, uint64_t seed)
{
    struct run run = {.count = count, .random = seed, .terminal = isatty(2), .begun = now()};
    struct trial trial;

    for (int round = 0; run.done < count; round++) {
        climb(&run, (enum claim)(1 + round % (CLAIMS - 1)), STEPS - 1);
        if (round % PRINTED_EVERY == 0)
            climb(&run, CLAIM_PRINTED, PRINTED_STEPS - 1);
        for (int k = 0; k < STEPS && run.done < count; k++) {
            enum kind kind = (enum kind)(k % KINDS);
            draw(&trial, kind, &run.random);
            visit(&run, &trial, kind, FIRST_ITERATIONS);
        }
    }
    if (run.terminal)
        fprintf(stderr, "\r%60s\r", "");
    return report(&run);
}

static int usage(void)
{
    fprintf(stderr, "usage: violations [--tightness] [--count N] [--seed S], N >= 1\n");
    return 2;
}

int main(int count, char **arguments)
{
    long states = 300000;
    uint64_t seed = 1;
    int tight = 0;

    for (int k = 1; k < count; k++) {
        char *end = "";
        if (strcmp(arguments[k], "--tightness") == 0)
            tight = 1;
        else if (strcmp(arguments[k], "--count") == 0 && k + 1 < count)
            states = strtol(arguments[++k], &end, 10);
        else if (strcmp(arguments[k], "--seed") == 0 && k + 1 < count)
            seed = strtoull(arguments[++k], &end, 10);
        else
            return usage();
        if (*end != '\0' || states < 1)
            return usage();
    }
    return tight ? tightness(seed) : violations(states, seed);
}
