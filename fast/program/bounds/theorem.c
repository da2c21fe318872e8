/* theorem.c - `eer theorem`: theorem 3.2.1 of the paper at given instances, in rational numbers and
 * balls. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../../../proofs/bound/theorem.h"
#include "../command.h"
#include "../fail.h"
#include "../file.h"
#include "ends.h"

/* Made from spec/counterexamples by embed.mk: pairs of name and text, after the last a pair of
 * NULL. */
extern const char *const eer_counterexamples[][2];

enum { INSTANCE, JSON };

enum { MOST_FILE = 1 << 26, DIGITS = 6, MOST_INSTANCES = 64 };

static const struct eer_option options[] = {
    [INSTANCE] = {"instance", "FILE", "check this instance (JSON) instead of those built in"},
    [JSON] = {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

struct arguments {
    const char *path;
    int json;
};

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct arguments *a = context;
    (void)error;
    if (option == INSTANCE)
        a->path = value;
    else
        a->json = 1;
    return EER_OK;
}

/* --- text
 * ----------------------------------------------------------------------------------------- */

static void print_interval(const char *name, struct bound_interval x)
{
    char lo[EER_END], hi[EER_END];
    printf("  %-9s ", name);
    const char *low = eer_low(lo, x.lo, DIGITS), *high = eer_high(hi, x.hi, DIGITS);
    if (strcmp(low, high) == 0)
        printf("%s", low);
    else
        printf("[%s, %s]", low, high);
}

static void print_hypothesis(const char *name, const struct bound_hypothesis *h, const char *limit)
{
    char text[EER_END];
    if (h->holds)
        printf("  %s <= %s <= %s", name, eer_high(text, h->value.hi, DIGITS), limit);
    else
        printf("  %s >= %s, ABOVE %s", name, eer_low(text, h->value.lo, DIGITS), limit);
}

static void print_hypotheses(const struct bound_theorem *t)
{
    printf("  hypotheses ");
    print_hypothesis("||X||_F", &t->X, "1");
    print_hypothesis("||Z||_F", &t->Z, "1");
    print_hypothesis("||W_V||_F", &t->W_V, "1/2");
    printf("%s: %s\n", t->scale_is_one ? "" : "  scale is NOT 1",
           t->hypotheses ? "met" : "NOT met");
}

static void print_row(const char *name, const struct bound_interval *x, int count, int high)
{
    char text[EER_END];
    printf("  %-17s", name);
    for (int k = 0; k < count; k++)
        printf(" %16s", high ? eer_high(text, x[k].hi, DIGITS) : eer_low(text, x[k].lo, DIGITS));
    printf("\n");
}

static void print_verdicts(const struct bound_theorem *t)
{
    printf("  %-17s", "q");
    for (int k = 0; k < BOUND_VERDICTS; k++)
        printf(" %16s", bound_q_text[k]);
    printf("\n");
    print_row("mean entropy S_q", t->entropy, BOUND_Q, 0);
    print_row("printed P_q <=", t->printed, BOUND_VERDICTS, 1);
    printf("  %-17s", "||DF|| > P_q");
    for (int k = 0; k < BOUND_VERDICTS; k++)
        printf(" %16s", bound_verdict_text[t->verdict[k]]);
    printf("\n");
    if (t->hypotheses)
        print_row("A, domain     <=", t->A_domain, BOUND_Q, 1);
}

static void print_rational(const struct bound_theorem *t)
{
    printf("  in rational numbers, logits constant in every row: ||DF[D]||^2 / ||D||^2 = %s\n",
           t->square);
    for (int k = 0; k < BOUND_VERDICTS; k++)
        if (t->printed_square[k][0] != '\0' && k >= BOUND_Q - 1)
            printf("      P_q^2 <= %s for %s\n", t->printed_square[k],
                   k == BOUND_EVERY_Q ? "every q" : "q = 2");
}

static void print_corrected(const struct bound_theorem *t)
{
    printf("  corrected");
    print_interval("A", t->A);
    print_interval("A_lambda", t->A_lambda);
    if (t->transposed)
        print_interval("A'", t->A_prime);
    printf("\n           ");
    print_interval("blocks", t->blocks);
    if (isfinite(t->schur.hi))
        print_interval("Schur", t->schur);
    printf("\n");
    if (!t->transposed) {
        char lo[EER_END], hi[EER_END];
        printf("    in the norm max_i |D_i|: ||DF|| >= %s, B <= %s\n",
               eer_low(lo, t->B_truth.lo, DIGITS), eer_high(hi, t->B.hi, DIGITS));
    }
}

static void print_image(const struct bound_theorem *t)
{
    char text[EER_END];
    print_interval("||F||_F", t->image);
    printf(", equation 14 claims at most %s: %s the unit ball\n",
           eer_high(text, t->image_claim.hi, DIGITS),
           t->leaves_ball == BOUND_YES  ? "F LEAVES"
           : t->leaves_ball == BOUND_NO ? "F stays in"
                                        : "undecided whether F leaves");
    if (!t->two_points.given)
        return;
    print_interval("||F(Z) - F(Z2)||_F / ||Z - Z2||_F", t->two_points.factor);
    printf(", ||Z2||_F %s 1; P_q at every Z is at most %s\n", t->two_points.Z2.holds ? "<=" : ">",
           eer_high(text, t->printed[BOUND_EVERY_Q].hi, DIGITS));
}

static void print_instance(const char *name, const struct bound_theorem *t)
{
    printf("%s%s%s\n", name, t->about[0] ? ": " : "", t->about);
    printf("  n = %d, d = %d, F = %s Y W_V, Y = X + Z\n", t->n, t->d, t->transposed ? "S^T" : "S");
    print_hypotheses(t);
    print_interval("||DF||", t->derivative);
    printf("\n");
    print_verdicts(t);
    if (t->rational)
        print_rational(t);
    if (t->rational_most > 0)
        printf("  logits constant in every row, but not checked in rationals: d = %d > %d, the "
               "most for weights of such numbers\n",
               t->d, t->rational_most);
    print_corrected(t);
    print_image(t);
    printf("\n");
}

static int refutes(const struct bound_theorem *t)
{
    int violated = 0;
    for (int k = 0; k < BOUND_VERDICTS; k++)
        violated += t->verdict[k] == BOUND_VIOLATES;
    return t->hypotheses && violated > 0;
}

/* Contraction refuted: hypotheses met, the printed value below 1 at every Z, points driven apart.
 */
static int expands(const struct bound_theorem *t)
{
    return t->two_points.given && t->hypotheses && t->two_points.Z2.holds &&
           t->printed[BOUND_EVERY_Q].hi < 1.0 && t->two_points.factor.lo > 1.0;
}

/* What of the theorem an instance refutes. */
static const char *conclusion(const struct bound_theorem *t)
{
    if (expands(t))
        return "not a contraction though P_q < 1 at every Z";
    if (refutes(t))
        return t->verdict[BOUND_EVERY_Q] == BOUND_VIOLATES ? "the inequality, for every q"
                                                           : "the inequality";
    if (t->hypotheses && t->leaves_ball == BOUND_YES)
        return "equation 14";
    return "nothing";
}

static void print_summary(const char *const *name, const struct bound_theorem *t, int count)
{
    printf("%-20s %7s  %-4s %12s %12s %8s  %s\n", "instance", "n x d", "map",
           "||DF|| >=", "P_q, all <=", "hyp.", "refutes");
    for (int i = 0; i < count; i++) {
        char lo[EER_END], hi[EER_END], shape[32];
        snprintf(shape, sizeof shape, "%d x %d", t[i].n, t[i].d);
        printf("%-20s %7s  %-4s %12s %12s %8s  %s\n", name[i], shape, t[i].transposed ? "S^T" : "S",
               eer_low(lo, t[i].derivative.lo, DIGITS),
               eer_high(hi, t[i].printed[BOUND_EVERY_Q].hi, DIGITS),
               t[i].hypotheses ? "met" : "not met", conclusion(&t[i]));
    }
}

static const char legend[] =
    "Theorem 3.2.1 claims ||DF|| <= P_q = (2 ||W_Q|| ||W_K|| + sqrt(sum_i (1 - (q-1) "
    "S_q(r_i))^(2/q)))\n"
    "||W_V||_F for 1 < q <= 2. P_q rises as q falls; \"every q\" compares with its limit for q -> "
    "1.\n"
    "Lower ends are rounded down, upper ends up; hypotheses are decided in rational numbers.\n";

/* --- JSON
 * ------------------------------------------------------------------------------------------- */

static json_t *hypothesis_json(const struct bound_hypothesis *h)
{
    return json_pack("{so sb}", "value", eer_interval_json(h->value), "holds", h->holds);
}

static json_t *by_q_json(const struct bound_interval *x, int count)
{
    json_t *object = json_object();
    for (int k = 0; k < count; k++)
        json_object_set_new(object, bound_q_text[k], eer_interval_json(x[k]));
    return object;
}

static json_t *verdicts_json(const struct bound_theorem *t)
{
    json_t *object = json_object();
    for (int k = 0; k < BOUND_VERDICTS; k++)
        json_object_set_new(object, bound_q_text[k],
                            json_string(bound_verdict_text[t->verdict[k]]));
    return object;
}

static json_t *corrected_json(const struct bound_theorem *t)
{
    json_t *object =
        json_pack("{so so so so so so}", "A_domain", by_q_json(t->A_domain, BOUND_Q), "A",
                  eer_interval_json(t->A), "A_lambda", eer_interval_json(t->A_lambda), "A_prime",
                  eer_interval_json(t->A_prime), "blocks", eer_interval_json(t->blocks), "schur",
                  eer_interval_json(t->schur));
    json_object_set_new(object, "B", eer_interval_json(t->B));
    json_object_set_new(object, "derivative_in_norm_of_B", eer_interval_json(t->B_truth));
    return object;
}

static json_t *rational_json(const struct bound_theorem *t)
{
    if (t->rational_most > 0)
        return json_pack(
            "{so}", "not_checked",
            json_sprintf("not checked in rationals: d = %d > %d", t->d, t->rational_most));
    if (!t->rational)
        return json_null();
    json_t *object = json_pack("{ss}", "quotient_squared", t->square);
    json_t *printed = json_object();
    for (int k = 0; k < BOUND_VERDICTS; k++)
        if (t->printed_square[k][0] != '\0')
            json_object_set_new(printed, bound_q_text[k], json_string(t->printed_square[k]));
    json_object_set_new(object, "printed_squared_at_most", printed);
    return object;
}

static json_t *two_points_json(const struct bound_theorem *t)
{
    if (!t->two_points.given)
        return json_null();
    return json_pack("{so so sb}", "factor", eer_interval_json(t->two_points.factor), "Z2",
                     hypothesis_json(&t->two_points.Z2), "refutes_contraction", expands(t));
}

static json_t *image_json(const struct bound_theorem *t)
{
    return json_pack("{so so ss}", "norm", eer_interval_json(t->image), "claimed",
                     eer_interval_json(t->image_claim), "leaves_unit_ball",
                     t->leaves_ball == BOUND_YES  ? "yes"
                     : t->leaves_ball == BOUND_NO ? "no"
                                                  : "undecided");
}

static json_t *instance_json(const char *name, const struct bound_theorem *t)
{
    json_t *object =
        json_pack("{ss ss si si ss so}", "instance", name, "about", t->about, "n", t->n, "d", t->d,
                  "map", t->transposed ? "ST" : "S", "verdict", verdicts_json(t));
    if (!object)
        return NULL;
    json_object_set_new(object, "hypotheses",
                        json_pack("{sb so so so sb}", "met", t->hypotheses, "X",
                                  hypothesis_json(&t->X), "Z", hypothesis_json(&t->Z), "W_V",
                                  hypothesis_json(&t->W_V), "scale_is_one", t->scale_is_one));
    json_object_set_new(object, "refutes", json_string(conclusion(t)));
    json_object_set_new(object, "derivative", eer_interval_json(t->derivative));
    json_object_set_new(object, "printed", by_q_json(t->printed, BOUND_VERDICTS));
    json_object_set_new(object, "corrected", corrected_json(t));
    json_object_set_new(object, "entropy", by_q_json(t->entropy, BOUND_Q));
    json_object_set_new(object, "static_term", eer_interval_json(t->static_term));
    json_object_set_new(object, "dynamic_term", by_q_json(t->dynamic_term, BOUND_Q));
    json_object_set_new(object, "rational", rational_json(t));
    json_object_set_new(object, "image", image_json(t));
    json_object_set_new(object, "two_points", two_points_json(t));
    return object;
}

/* One instance as an object, those built in as an array. */
static enum eer_status print_json(const char *const *name, const struct bound_theorem *t, int count,
                                  int alone, struct eer_error *error)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        if (json_array_append_new(array, instance_json(name[i], &t[i])) != 0) {
            json_decref(array);
            return eer_fail(error, EER_FORMAT, "%.300s: not UTF-8, which JSON needs", name[i]);
        }
    json_dumpf(alone ? json_array_get(array, 0) : array, stdout,
               JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    printf("\n");
    json_decref(array);
    return EER_OK;
}

/* --- the command
 * ------------------------------------------------------------------------------------ */

static enum eer_status check_file(const char *path, struct bound_theorem *t,
                                  struct eer_error *error)
{
    unsigned char *text;
    size_t size;
    enum eer_status status = eer_file_read(path, MOST_FILE, &text, &size, error);
    if (status != EER_OK)
        return status;
    status = bound_theorem(t, path, (const char *)text, size, error);
    free(text);
    return status;
}

static enum eer_status check_all(const struct arguments *a, const char **name,
                                 struct bound_theorem *t, int *count, struct eer_error *error)
{
    *count = 0;
    if (a->path) {
        name[(*count)++] = a->path;
        return check_file(a->path, t, error);
    }
    for (; eer_counterexamples[*count][0] && *count < MOST_INSTANCES; (*count)++) {
        name[*count] = eer_counterexamples[*count][0];
        const char *text = eer_counterexamples[*count][1];
        enum eer_status status = bound_theorem(&t[*count], name[*count], text, strlen(text), error);
        if (status != EER_OK)
            return status;
    }
    return EER_OK;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct arguments a = {NULL, 0};
    const char *name[MOST_INSTANCES];
    int count;
    enum eer_status status = eer_options(options, argc, argv, take_option, &a, error);
    if (status != EER_OK)
        return status;
    if (optind != argc)
        return eer_fail(error, EER_USAGE, "theorem takes no operand; \"%.60s\" is one: --instance?",
                        argv[optind]);
    struct bound_theorem *t = calloc(MOST_INSTANCES, sizeof *t);
    if (!t)
        return eer_fail(error, EER_NO_MEMORY, "no memory for %d instances", MOST_INSTANCES);
    status = check_all(&a, name, t, &count, error);
    if (status == EER_OK && a.json)
        status = print_json(name, t, count, a.path != NULL, error);
    else if (status == EER_OK) {
        for (int i = 0; i < count; i++)
            print_instance(name[i], &t[i]);
        if (!a.path)
            print_summary(name, t, count);
        printf("%s%s", a.path ? "" : "\n", legend);
    }
    free(t);
    return status;
}

const struct eer_command eer_theorem_command = {
    "theorem",
    "",
    "Check the paper's contraction theorem 3.2.1: exact counterexamples, or an instance of yours.",
    "An instance is JSON: {\"X\": [[...]], \"Z\": [[...]], \"W_Q\": [[...]], \"W_K\": [[...]],\n"
    "\"W_V\": [[...]], \"map\": \"ST\" or \"S\", \"scale\": \"1\"}, and as one likes \"Z2\", "
    "\"direction\",\n"
    "\"about\". A string (\"975/512\", \"0.15\", \"0x1p-3\") and an integer are taken exactly, a "
    "number\n"
    "with a point or an exponent as the double nearest to it. At most 1000 rows of 512. A verdict\n"
    "is of the inequality alone; whether the hypotheses hold stands beside it. spec/theorem.md\n"
    "has the mathematics.",
    options,
    run,
};
