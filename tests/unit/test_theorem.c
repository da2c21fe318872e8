/* Theorem 3.2.1 at instances: numbers are read exactly, bad instances are refused with their place,
 * the counterexamples do what spec/theorem.md says, and no verdict on other instances is wrong. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../proofs/bound/instance.h"
#include "../../proofs/bound/norm.h"
#include "../../proofs/bound/rational.h"
#include "../../proofs/bound/theorem.h"

extern const char *const eer_counterexamples[][2];

/* --- numbers ------------------------------------------------------------------------------------
 */

static void reads(const char *text, slong numerator, ulong denominator)
{
    fmpq_t value, expected;
    struct eer_error error;

    fmpq_init(value);
    fmpq_init(expected);
    fmpq_set_si(expected, numerator, denominator);
    fmpq_canonicalise(expected);
    cr_expect(bound_rational(value, text, &error) == EER_OK, "%s", text);
    cr_expect(fmpq_equal(value, expected), "%s", text);
    fmpq_clear(value);
    fmpq_clear(expected);
}

Test(theorem, strings_are_taken_exactly)
{
    reads("975/512", 975, 512);
    reads("0.15", 3, 20);
    reads("-1e-3", -1, 1000);
    reads("+3", 3, 1);
    reads("12.50e1", 125, 1);
    reads(".5", 1, 2);
    reads("0x1p-3", 1, 8);
    reads("-0x1.8p1", -3, 1);
    reads("0xFF", 255, 1);
    reads("-6/4", -3, 2);
}

/* 2^53 + 1 is no double. */
Test(theorem, integers_are_taken_exactly_and_other_numbers_as_doubles)
{
    static const char text[] = "{\"X\": [[9007199254740993]], \"Z\": [[9007199254740993.0]], "
                               "\"W_Q\": [[-9223372036854775808]],"
                               "\"W_K\": [[0.1]], \"W_V\": [[\"0.1\"]]}";
    struct bound_instance instance;
    struct eer_error error;
    fmpq_t expected;

    fmpq_init(expected);
    cr_assert(bound_instance_read(&instance, "it", text, strlen(text), &error) == EER_OK);
    fmpq_set_si(expected, 9007199254740993, 1);
    cr_expect(fmpq_equal(fmpq_mat_entry(instance.X, 0, 0), expected));
    fmpq_set_si(expected, 9007199254740992, 1);
    cr_expect(fmpq_equal(fmpq_mat_entry(instance.Z, 0, 0), expected));
    fmpq_set_si(expected, WORD_MIN, 1);
    cr_expect(fmpq_equal(fmpq_mat_entry(instance.W_Q, 0, 0), expected));
    fmpq_set_si(expected, 1, 10);
    cr_expect(!fmpq_equal(fmpq_mat_entry(instance.W_K, 0, 0), expected));
    cr_expect(fmpq_equal(fmpq_mat_entry(instance.W_V, 0, 0), expected));
    bound_instance_clear(&instance);
    fmpq_clear(expected);
}

Test(theorem, what_is_no_number_is_refused)
{
    static const char *const texts[] = {
        "",     "-",  ".",    "1 ", " 1",  "nan",        "inf", "-inf",  "1/0",  "1/-2",
        "1//2", "0x", "0x1p", "1e", "--1", "1e99999999", "1,5", "1.2.3", "1/2/3"};
    fmpq_t value;
    struct eer_error error;

    fmpq_init(value);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_expect(bound_rational(value, texts[i], &error) == EER_FORMAT, "\"%s\"", texts[i]);
        cr_expect(strstr(error.text, "expected") != NULL, "%s", error.text);
    }
    fmpq_clear(value);
}

/* --- instances
 * ------------------------------------------------------------------------------------ */

static struct bound_theorem look(const char *text)
{
    struct bound_theorem t;
    struct eer_error error = {EER_OK, ""};

    cr_assert(bound_theorem(&t, "it", text, strlen(text), &error) == EER_OK, "%s", error.text);
    return t;
}

static void refused(const char *text, const char *reason)
{
    struct bound_theorem t;
    struct eer_error error = {EER_OK, ""};

    cr_expect(bound_theorem(&t, "it", text, strlen(text), &error) == EER_FORMAT, "%s", text);
    cr_expect(strstr(error.text, reason) != NULL, "%s: \"%s\", expected \"%s\"", text, error.text,
              reason);
}

#define ONE  "[[1]]"
#define REST "\"Z\": " ONE ", \"W_Q\": " ONE ", \"W_K\": " ONE ", \"W_V\": " ONE

Test(theorem, a_bad_instance_is_refused_with_its_place)
{
    refused("", "not JSON");
    refused("[]", "JSON object");
    refused("{\"X\": [[1]], " REST, "not JSON");
    refused("{\"X\": [[NaN]], " REST "}", "not JSON");
    refused("{\"X\": [[\"nan\"]], " REST "}", "X[0][0]");
    refused("{\"X\": [[true]], " REST "}", "X[0][0] is neither a number nor a string");
    refused("{\"X\": [[1], [\"1/0\"]], " REST "}", "X[1][0]");
    refused("{\"X\": [], " REST "}", "X is not a matrix");
    refused("{\"X\": [[]], " REST "}", "X is 1 x 0");
    refused("{\"X\": [[1], [1, 2]], " REST "}", "X[1] has 2 entries; expected 1");
    refused("{\"X\": [[1], [1]], " REST "}", "Z is 1 x 1; expected 2 x 1");
    refused("{\"X\": [[1, 2]], \"Z\": [[1, 2]], \"W_Q\": [[1]], \"W_K\": [[1]], \"W_V\": [[1]]}",
            "W_Q is 1 x 1; expected 2 x 2");
    refused("{\"X\": [[1]], \"W_V\": [[1]]}", "\"Z\" is missing");
    refused("{\"X\": [[1]], \"x\": 1, " REST "}", "unknown key \"x\"");
    refused("{\"X\": [[1]], \"X\": [[1]], " REST "}", "duplicate");
    refused("{\"X\": [[1]], \"map\": \"T\", " REST "}", "map is \"T\"");
    refused("{\"X\": [[1]], \"scale\": [1], " REST "}", "scale");
    refused("{\"X\": [[1]], \"direction\": [[0]], " REST "}", "direction is 0");
    refused("{\"X\": [[1]], \"about\": 3, " REST "}", "about is not a string");
    refused("{\"X\": [[1]], \"about\": null, " REST "}", "about is not a string");
    refused("{\"X\": [[9223372036854775808]], " REST "}", "too big integer");
    char rows[8192] = "{\"X\": [[1]";
    for (int i = 0; i < 1000; i++)
        strcat(rows, ",[1]");
    refused(strcat(rows, "], " REST "}"), "X is 1001 x 1; expected at most 1000 rows");
}

static const char *counterexample(const char *name)
{
    for (int i = 0; eer_counterexamples[i][0]; i++)
        if (strcmp(eer_counterexamples[i][0], name) == 0)
            return eer_counterexamples[i][1];
    cr_assert_fail("no counterexample %s", name);
    return "";
}

Test(theorem, every_counterexample_meets_the_hypotheses_and_refutes_something)
{
    int count = 0;
    for (; eer_counterexamples[count][0]; count++) {
        struct bound_theorem t = look(eer_counterexamples[count][1]);
        const char *name = eer_counterexamples[count][0];
        cr_expect(t.hypotheses, "%s", name);
        if (strncmp(name, "ball_invariance", 15) == 0) {
            cr_expect(t.leaves_ball == BOUND_YES, "%s", name);
            continue;
        }
        for (int k = 0; k < BOUND_VERDICTS; k++)
            cr_expect(t.verdict[k] == BOUND_VIOLATES, "%s, q = %s", name, bound_q_text[k]);
        for (int k = 0; k < BOUND_Q; k++)
            cr_expect(t.derivative.lo <= t.A_domain[k].hi, "%s", name);
    }
    cr_expect(count == 12);
    struct bound_theorem t = look(counterexample("two_points"));
    cr_expect(t.two_points.factor.lo > 1.505 && t.two_points.factor.hi < 1.506);
    cr_expect(t.printed[BOUND_EVERY_Q].hi < 0.9415);
}

/* spec/theorem.md, 3.1: ||DF[D]|| = 2m, P_2 = m + 1/2. */
Test(theorem, vanishing_logits_are_decided_in_rational_numbers)
{
    struct bound_theorem t = look(counterexample("two_rows"));
    cr_expect(t.rational);
    cr_expect_str_eq(t.square, "4");
    cr_expect_str_eq(t.printed_square[3], "9/4");
    cr_expect(t.derivative.lo <= 2 && 2 <= t.derivative.hi && t.derivative.hi < 2 + 1e-12);
    t = look(counterexample("two_rows_every_q"));
    cr_expect_str_eq(t.square, "9/4");
    cr_expect_str_eq(t.printed_square[3], "25/16");
    t = look(counterexample("three_rows"));
    cr_expect_str_eq(t.square, "16");
    cr_expect(!look(counterexample("nonzero_logits")).rational);
    /* By hand: rows of dA (2, -1) and (-1, 0), of DF[D] 5/8 (1, 1) and -3/8 (1, 1). */
    t = look("{\"X\": [[0.5, 0.5], [-0.5, -0.5]], \"Z\": [[0.5, 0.5], [-0.5, -0.5]],"
             "\"W_Q\": [[1, 0], [0, 1]], \"W_K\": [[1, 0], [0, -1]],"
             "\"W_V\": [[0.25, 0.25], [0.25, 0.25]], \"direction\": [[1, 0], [0, 0]]}");
    cr_expect_str_eq(t.square, "17/16");
}

Test(theorem, a_rational_norm_that_is_none_is_not_kept)
{
    const char *text = counterexample("two_rows"); /* W_Q = I, W_K = diag(1, -1) */
    struct bound_instance instance;
    struct eer_error error;
    fmpq_t one, less;

    fmpq_init(one);
    fmpq_init(less);
    fmpq_one(one);
    fmpq_set_si(less, 999999, 1000000);
    cr_assert(bound_instance_read(&instance, "it", text, strlen(text), &error) == EER_OK);
    cr_expect(bound_rational_norm(one, instance.W_Q) && bound_rational_norm(one, instance.W_K));
    cr_expect(!bound_rational_norm(less, instance.W_Q) && !bound_rational_norm(less, instance.W_K));
    fmpq_neg(one, one);
    cr_expect(!bound_rational_norm(one, instance.W_Q));
    bound_instance_clear(&instance);
    fmpq_clear(one);
    fmpq_clear(less);
}

/* u v^T / 11 has the norm |u| |v| / 11; w^2 I less its Gram matrix is singular there. */
Test(theorem, rational_norms_are_decided_to_the_last_digit)
{
    static const long u[] = {2, 3, 6, 0, 0}, v[] = {1, 0, -4, 8, 0}; /* lengths 7 and 9 */
    fmpq_mat_t W;
    fmpq_t norm, off;

    fmpq_init(norm);
    fmpq_init(off);
    fmpq_mat_init(W, 5, 5);
    for (int turn = 0; turn < 5; turn++) { /* the pivot's place */
        for (int i = 0; i < 5; i++)
            for (int j = 0; j < 5; j++)
                fmpq_set_si(fmpq_mat_entry(W, i, j), u[i] * v[(j + turn) % 5], 11);
        for (int i = 0; i < 25; i++)
            fmpq_canonicalise(fmpq_mat_entry(W, i / 5, i % 5));
        fmpq_set_si(norm, 63, 11);
        fmpq_set_str(off, "1/1000000000000000000000000000000", 10);
        cr_expect(bound_rational_norm(norm, W));
        fmpq_add(norm, norm, off);
        cr_expect(bound_rational_norm(norm, W));
        fmpq_sub(norm, norm, off);
        fmpq_sub(norm, norm, off);
        cr_expect(!bound_rational_norm(norm, W));
        fmpq_zero(norm);
        cr_expect(!bound_rational_norm(norm, W));
    }
    fmpq_mat_zero(W);
    cr_expect(bound_rational_norm(norm, W));
    fmpq_one(fmpq_mat_entry(W, 0, 0));
    fmpq_one(fmpq_mat_entry(W, 0, 1));
    fmpq_one(norm); /* the first pivot is 0, the others not negative, the norm sqrt 2 */
    cr_expect(!bound_rational_norm(norm, W));
    fmpq_mat_clear(W);
    fmpq_clear(norm);
    fmpq_clear(off);
}

/* X = Z = 0, so that all logits are 0; W_Q = W_K = W_V with entries of some bits. */
static struct bound_theorem of_size(int d, int tenths)
{
    static const char *const names[] = {"X", "Z", "W_Q", "W_K", "W_V"};
    char *text = calloc((size_t)(5 * d * d), 40), *at = text;
    for (int m = 0; m < 5; m++) {
        at += sprintf(at, "%s\"%s\": [", m == 0 ? "{" : ", ", names[m]);
        for (int i = 0; i < (m < 2 ? 2 : d); i++)
            for (int j = 0; j < d; j++)
                at += sprintf(at, "%s%s%d%s", j == 0 ? (i == 0 ? "[" : ", [") : ", ",
                              m < 2 || !tenths ? "" : "0.", m < 2 ? 0 : 1 + (7 * i + 3 * j) % 10,
                              j == d - 1 ? "]" : "");
        at += sprintf(at, "]");
    }
    strcat(at, "}");
    struct bound_theorem t = look(text);
    free(text);
    return t;
}

/* A second or so in all: fractions that grow in the elimination would take hours. */
Test(theorem, what_would_take_long_in_rational_numbers_is_said_not_to_be_done, .timeout = 60)
{
    struct bound_theorem t = of_size(24, 1); /* 0.1 and the like have 53 bits */
    cr_expect(t.rational && t.rational_most == 0 && t.printed_square[BOUND_EVERY_Q][0] != '\0');
    t = of_size(100, 0);
    cr_expect(t.rational && t.rational_most == 0);
    t = of_size(100, 1);
    cr_expect(!t.rational && t.rational_most >= 64 && t.rational_most < 100, "%d", t.rational_most);
    cr_expect(t.square[0] == '\0' && t.printed_square[BOUND_EVERY_Q][0] == '\0');
}

/* The two rows of 3.1 with any m, d = 2. */
static struct bound_theorem two_rows(const char *m)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"X\": [[0.5, 0.5], [-0.5, -0.5]], \"Z\": [[0.5, 0.5], [-0.5, -0.5]],"
             "\"W_Q\": [[1, 0], [0, 1]], \"W_K\": [[\"%s\", 0], [0, \"-%s\"]],"
             "\"W_V\": [[0.25, 0.25], [0.25, 0.25]]}",
             m, m);
    return look(text);
}

Test(theorem, the_inequality_fails_just_where_it_has_to)
{
    /* 2m against m + 2^((2-q)/(2q)) / 2: the roots in m are half of 2^(3/10), 2^(1/6), 2^(1/14), 1
     * and, for every q, sqrt 2. */
    const double root[] = {pow(2, 0.3) / 2, pow(2, 1.0 / 6) / 2, pow(2, 1.0 / 14) / 2, 0.5,
                           sqrt(2) / 2};
    for (int k = 0; k < BOUND_VERDICTS; k++)
        for (int side = -1; side <= 1; side += 2) {
            char m[32];
            snprintf(m, sizeof m, "%.12f", root[k] + side * 1e-9);
            cr_expect(two_rows(m).verdict[k] ==
                          (side > 0 ? BOUND_VIOLATES : BOUND_DOES_NOT_VIOLATE),
                      "m = %s, q = %s", m, bound_q_text[k]);
        }
    cr_expect(two_rows("1/2").verdict[3] != BOUND_VIOLATES); /* equality */
    /* At m = 1, P_q = 1 + (the root); enclosed to the 2^-44 of the norms, four of which enter. */
    struct bound_theorem t = two_rows("1");
    for (int k = 0; k < BOUND_VERDICTS; k++)
        cr_expect(fabs(t.printed[k].lo - 1 - root[k]) < 0x1p-40 &&
                      fabs(t.printed[k].hi - 1 - root[k]) < 0x1p-40,
                  "q = %s", bound_q_text[k]);
}

Test(theorem, hypotheses_are_decided_exactly)
{
    static const char form[] =
        "{\"X\": [[\"0.6\", \"0.8%s\"]], \"Z\": [[0, 0]], \"W_Q\": [[1, 0], [0, 1]],"
        "\"W_K\": [[1, 0], [0, 1]], \"W_V\": [[\"0.3\", \"0.4\"], [0, 0]]%s}";
    char text[512];
    snprintf(text, sizeof text, form, "", "");
    cr_expect(look(text).hypotheses);
    snprintf(text, sizeof text, form, "00000000000000000000000000001", "");
    cr_expect(!look(text).hypotheses && !look(text).X.holds);
    struct bound_theorem t =
        look("{\"X\": [[\"1\", \"1e-30\"]], \"Z\": [[\"1\", 0]],"
             "\"W_Q\": [[1, 0], [0, 1]], \"W_K\": [[1, 0], [0, 1]],"
             "\"W_V\": [[\"0.4999999999999999999999999999999999999999999\", 0],"
             "[0, 0]]}");
    cr_expect(!t.X.holds && t.X.value.lo >= 1); /* whatever the ball's ends are */
    cr_expect(t.Z.holds && t.Z.value.hi == 1 && t.W_V.holds && t.W_V.value.hi == 0.5);
    snprintf(text, sizeof text, form, "", ", \"scale\": 2");
    cr_expect(!look(text).hypotheses);
    snprintf(text, sizeof text, form, "", ", \"scale\": -2");
    cr_expect(look(text).static_term.lo > 3.9);
}

/* --- random instances
 * ------------------------------------------------------------------------------ */

static double uniform(unsigned long long *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(*state >> 33) / 0x1p30 - 1.0;
}

struct matrices {
    int n, d, transposed;
    double Y[4][4], W_Q[4][4], W_K[4][4], W_V[4][4];
};

/* F in long double. */
static void map(long double F[4][4], const struct matrices *c, long double Y[4][4])
{
    long double Q[4][4] = {0}, K[4][4] = {0}, V[4][4] = {0}, S[4][4];
    int n = c->n, d = c->d;
    for (int i = 0; i < n; i++)
        for (int a = 0; a < d; a++)
            for (int b = 0; b < d; b++) {
                Q[i][b] += Y[i][a] * c->W_Q[a][b];
                K[i][b] += Y[i][a] * c->W_K[a][b];
                V[i][b] += Y[i][a] * c->W_V[a][b];
            }
    for (int i = 0; i < n; i++) {
        long double sum = 0;
        for (int j = 0; j < n; j++) {
            long double logit = 0;
            for (int a = 0; a < d; a++)
                logit += Q[i][a] * K[j][a];
            sum += S[i][j] = expl(logit);
        }
        for (int j = 0; j < n; j++)
            S[i][j] /= sum;
    }
    memset(F, 0, sizeof(long double[4][4]));
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int a = 0; a < d; a++)
                F[i][a] += (c->transposed ? S[j][i] : S[i][j]) * V[j][a];
}

/* ||DF|| from below, by central differences and a power iteration on J^T J with as many steps as
 * leave only what the iteration cannot reach. */
static double norm_by_differences(const struct matrices *c)
{
    enum { STEPS = 2000 };
    const long double h = 0x1p-20L;
    static long double J[16][16];
    long double plus[4][4], minus[4][4], Y[4][4] = {{0}}, x[16], y[16], norm = 0;
    int n = c->n, d = c->d, m = n * d;
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < n; i++)
            for (int a = 0; a < d; a++)
                Y[i][a] = c->Y[i][a];
        Y[j / d][j % d] += h;
        map(plus, c, Y);
        Y[j / d][j % d] -= 2 * h;
        map(minus, c, Y);
        for (int i = 0; i < m; i++)
            J[i][j] = (plus[i / d][i % d] - minus[i / d][i % d]) / (2 * h);
    }
    for (int i = 0; i < m; i++)
        x[i] = 1 + i % 3;
    for (int step = 0; step < STEPS; step++) {
        long double sum = 0;
        for (int i = 0; i < m; i++) {
            y[i] = 0;
            for (int j = 0; j < m; j++)
                y[i] += J[i][j] * x[j];
        }
        for (int j = 0; j < m; j++) {
            x[j] = 0;
            for (int i = 0; i < m; i++)
                x[j] += J[i][j] * y[i];
            sum += x[j] * x[j];
        }
        norm = sqrtl(sqrtl(sum));
        for (int j = 0; j < m; j++)
            x[j] /= sqrtl(sum);
    }
    return (double)norm;
}

static void append(char *text, const char *name, double A[4][4], int rows, int columns)
{
    sprintf(text + strlen(text), "%s\"%s\": [", strlen(text) > 1 ? ", " : "", name);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            sprintf(text + strlen(text), "%s\"%a\"%s", j == 0 ? (i == 0 ? "[" : ", [") : ", ",
                    A[i][j], j == columns - 1 ? "]" : "");
    strcat(text, "]");
}

static void fill(double A[4][4], int rows, int columns, double size, unsigned long long *state)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            A[i][j] = size * uniform(state);
}

/* The differences are wrong by h^2/6 times a third derivative, and the map's by some hundred
 * roundings of 2^-64 over h: both below 1e-9 of what the sizes here allow. */
Test(theorem, random_instances_are_enclosed_and_bounded)
{
    const double tolerance = 1e-9;
    double share = 0;
    unsigned long long state = 1;
    static double zero[4][4];
    for (int index = 0; index < 160; index++) {
        struct matrices c = {.n = 1 + index % 4, .d = 1 + index / 4 % 4, .transposed = index & 1};
        char text[8192] = "{";
        fill(c.Y, c.n, c.d, 1.0, &state);
        fill(c.W_Q, c.d, c.d, 1.5, &state);
        fill(c.W_K, c.d, c.d, 1.5, &state);
        fill(c.W_V, c.d, c.d, 1.0, &state);
        append(text, "X", c.Y, c.n, c.d);
        append(text, "Z", zero, c.n, c.d);
        append(text, "W_Q", c.W_Q, c.d, c.d);
        append(text, "W_K", c.W_K, c.d, c.d);
        append(text, "W_V", c.W_V, c.d, c.d);
        strcat(text, c.transposed ? "}" : ", \"map\": \"S\"}");
        struct bound_theorem t = look(text);
        double norm = norm_by_differences(&c);
        cr_expect(t.derivative.lo <= t.derivative.hi);
        cr_expect(norm <= t.derivative.hi + tolerance && t.derivative.lo <= norm * (1 + 1e-4),
                  "%d: %.17g in [%.17g, %.17g]", index, norm, t.derivative.lo, t.derivative.hi);
        share = fmax(share, (norm - t.derivative.hi) / tolerance);
        const struct bound_interval bounds[] = {t.A, t.A_lambda, t.blocks, t.schur, t.A_prime};
        for (int k = 0; k < 4 + c.transposed; k++)
            cr_expect(norm <= bounds[k].hi + tolerance, "%d, bound %d", index, k);
        if (!c.transposed)
            cr_expect(t.B_truth.lo <= t.B.hi, "%d", index);
        for (int k = 0; k < BOUND_Q; k++) {
            cr_expect(t.printed[k].lo <= (k ? t.printed[k - 1] : t.printed[BOUND_EVERY_Q]).hi);
            if (norm > t.printed[k].hi + tolerance)
                cr_expect(t.verdict[k] != BOUND_DOES_NOT_VIOLATE);
            if (norm < t.printed[k].lo * (1 - 1e-4))
                cr_expect(t.verdict[k] != BOUND_VIOLATES);
        }
    }
    printf("share of the tolerance 1e-9 used by ||DF||: %.3g\n", share);
}

Test(theorem, extreme_entries_give_no_wrong_verdict)
{
    static const char *const sizes[] = {"1e-310", "1e-3000", "1e300", "1e3000", "0"};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct bound_theorem t = two_rows(sizes[i]); /* ||DF|| = 2m, as long as logits are 0 */
        int above = sizes[i][2] != '-' && sizes[i][0] != '0';
        for (int k = 0; k < BOUND_VERDICTS; k++)
            cr_expect(t.verdict[k] != (above ? BOUND_DOES_NOT_VIOLATE : BOUND_VIOLATES),
                      "m = %s, q = %s", sizes[i], bound_q_text[k]);
    }
}

/* --- norms and the softmax
 * --------------------------------------------------------------------------- */

static struct bound_interval norm_of(const double *entries, int rows, int columns,
                                     void (*norm)(arb_t, const arb_mat_t, slong))
{
    arb_mat_t A;
    arb_t x;

    arb_init(x);
    arb_mat_init(A, rows, columns);
    for (int i = 0; i < rows * columns; i++)
        arb_set_d(arb_mat_entry(A, i / columns, i % columns), entries[i]);
    norm(x, A, 128);
    struct bound_interval result = bound_interval(x);
    arb_clear(x);
    arb_mat_clear(A);
    return result;
}

Test(theorem, norms_whose_value_is_known)
{
    static const struct {
        double entries[6];
        int rows, columns;
        double norm;
    } cases[] = {
        {{0, 0, 0, 0}, 2, 2, 0},
        {{3}, 1, 1, 3},
        {{1, 0, 0, 1}, 2, 2, 1},
        {{3, 4}, 1, 2, 5},
        {{3, 4}, 2, 1, 5},
        {{2, 0, 0, 2}, 2, 2, 2},
        {{1, 1, 1, 1, 1, 1}, 2, 3, 2.449489742783178},
        {{0, 7, 0, 0}, 2, 2, 7},
        {{1e300, 0, 0, 1e-300}, 2, 2, 1e300},
        {{5e-324, 0, 0, 0}, 2, 2, 5e-324},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int which = 0; which < 3; which++) {
            struct bound_interval x = norm_of(cases[i].entries, cases[i].rows, cases[i].columns,
                                              which == 0   ? bound_spectral_norm
                                              : which == 1 ? bound_nonnegative_norm
                                                           : bound_spectral_norm_above);
            cr_expect(cases[i].norm <= x.hi * (1 + 0x1p-50), "case %zu, %d: %g", i, which, x.hi);
            cr_expect(which == 2 || x.lo <= cases[i].norm * (1 + 0x1p-50), "case %zu, %d", i,
                      which);
            /* 2^-44 above at most, and both ends outwards to the next double. */
            cr_expect(which != 0 || x.hi - x.lo <= 0x1p-43 * x.hi + 0x1p-1073, "case %zu", i);
        }
    /* Two singular values so near each other that no power iteration tells them apart. */
    const double near[] = {1, 0.0005, 0.0005, 0.999};
    const double norm = 0.9995 + 0.0005 * sqrt(2);
    struct bound_interval x = norm_of(near, 2, 2, bound_spectral_norm);
    cr_expect(x.hi >= norm * (1 - 0x1p-50) && x.hi <= norm * (1 + 0x1p-9));
    x = norm_of(near, 2, 2, bound_nonnegative_norm); /* at most the largest row sum of A^T A */
    cr_expect(x.hi >= norm * (1 - 0x1p-50) && x.hi <= 1.001);
    const double nan[] = {NAN, 1, 1, 1};
    struct bound_interval unknown = norm_of(nan, 2, 2, bound_spectral_norm);
    cr_expect(unknown.lo == -INFINITY && unknown.hi == INFINITY);
}

/* Exactly, the ends of the first have 2^40 bits. */
Test(theorem, ends_of_balls_are_rounded_outwards)
{
    arb_t x;

    arb_init(x);
    arb_one(x);
    arb_add_error_2exp_si(x, -(1L << 40));
    struct bound_interval ends = bound_interval(x);
    cr_expect(ends.lo == 1 - 0x1p-53 && ends.hi == 1 + 0x1p-52);
    arb_neg(x, x);
    ends = bound_interval(x);
    cr_expect(ends.lo == -1 - 0x1p-52 && ends.hi == -1 + 0x1p-53);
    arb_mul_2exp_si(x, x, 1L << 40);
    ends = bound_interval(x);
    cr_expect(ends.lo == -INFINITY && ends.hi <= -0x1p1023);
    arb_set_d(x, 0.1);
    ends = bound_interval(x);
    cr_expect(ends.lo == 0.1 && ends.hi == 0.1);
    arb_clear(x);
}

Test(theorem, rows_of_the_softmax_sum_to_one_and_stay_in_the_unit_interval)
{
    for (int width = 0; width <= 40; width += 20) { /* of the state's balls, 2^-width; 0: points */
        struct bound_attention a;
        unsigned long long state = 3;
        arb_mat_t S;
        arb_t sum;

        bound_attention_init(&a, 4, 2);
        arb_init(sum);
        arb_mat_init(S, 4, 4);
        a.causal = width == 20;
        arb_set_si(a.scale, 50);
        arb_mat_one(a.W_Q);
        arb_mat_one(a.W_K);
        for (int i = 0; i < 8; i++) {
            arb_set_d(arb_mat_entry(a.Y, i / 2, i % 2), uniform(&state));
            if (width > 0)
                arb_add_error_2exp_si(arb_mat_entry(a.Y, i / 2, i % 2), -width / 10);
        }
        bound_softmax(S, &a, 128);
        for (int i = 0; i < 4; i++) {
            arb_zero(sum);
            for (int j = 0; j < 4; j++) {
                struct bound_interval p = bound_interval(arb_mat_entry(S, i, j));
                cr_expect(p.lo >= -1e-8 && p.hi <= 1 + 1e-8); /* radii have 30 bits */
                cr_expect(!a.causal || j <= i || arb_is_zero(arb_mat_entry(S, i, j)));
                arb_add(sum, sum, arb_mat_entry(S, i, j), 128);
            }
            cr_expect(arb_contains_si(sum, 1));
        }
        bound_attention_clear(&a);
        arb_mat_clear(S);
        arb_clear(sum);
    }
}
