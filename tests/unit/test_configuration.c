/* The configuration: what is printed reads back bit for bit, and what is wrong is named. */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../fast/program/configuration.h"

/* 1 if the two agree in every bit of every field. */
static int same(const struct eer_config *a, const struct eer_config *b)
{
#define SAME_WHOLE(key, value, least, most, doc) &&a->key == b->key
#define SAME_REAL(key, value, least, most, doc)  &&memcmp(&a->key, &b->key, sizeof a->key) == 0
#define SAME_WORD(key, enumeration, value, doc)  &&a->key == b->key
    return a->seed == b->seed EER_CONFIG_TABLE(SAME_WHOLE, SAME_REAL, SAME_WORD);
}

static uint64_t random_bits(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* An end of the range, a number of few digits, one with random bits at any scale, or a plain one.
 */
static double random_real(uint64_t *state, double least, double most)
{
    uint64_t bits = random_bits(state);
    double value = (double)(random_bits(state) >> 11) * 0x1p-53;
    switch (bits % 5) {
    case 0:
        return least;
    case 1:
        return most;
    case 2:
        value = (double)(bits >> 32 & 1023) / 100;
        break;
    case 3:
        value = ldexp(1 + value, -(int)(bits >> 32 & 63)) * (most < 1 ? most : 1);
        break;
    default:
        value = least + value * (most - least);
    }
    return value < least ? least : value > most ? most : value;
}

static int words_in(const char *words)
{
    int n = 1;
    for (; *words != '\0'; words++)
        n += *words == '|';
    return n;
}

static void randomise(struct eer_config *c, uint64_t *state)
{
    memset(c, 0, sizeof *c);
#define ANY_WHOLE(key, value, least, most, doc)                                                    \
    c->key = (least) + (int)(random_bits(state) % (uint64_t)((most) - (least) + 1));
#define ANY_REAL(key, value, least, most, doc) c->key = random_real(state, least, most);
#define ANY_WORD(key, enumeration, value, doc)                                                     \
    c->key = (enum eer_##enumeration)(random_bits(state) %                                         \
                                      (uint64_t)words_in(EER_WORDS_##enumeration));
    EER_CONFIG_TABLE(ANY_WHOLE, ANY_REAL, ANY_WORD)
    c->seed = random_bits(state) >> random_bits(state) % 64;
}

Test(configuration, defaults_are_the_table)
{
    struct eer_config c;
    eer_config_default(&c);
#define IS_DEFAULT(key, value, ...)                   cr_assert(c.key == (value), #key);
#define IS_DEFAULT_WORD(key, enumeration, value, doc) cr_assert(c.key == (value), #key);
    EER_CONFIG_TABLE(IS_DEFAULT, IS_DEFAULT, IS_DEFAULT_WORD)
    cr_assert(c.seed == 1);
}

Test(configuration, every_key_is_printed_once)
{
    struct eer_config c;
    char text[EER_CONFIG_TEXT];
    eer_config_default(&c);
    cr_assert(eer_config_print(&c, 0, text, sizeof text) < (int)sizeof text);
#define IS_PRINTED(key, ...)                                                                       \
    {                                                                                              \
        const char *at = strstr(text, "\n" #key " = ");                                            \
        int first = strncmp(text, #key " = ", strlen(#key " = ")) == 0;                            \
        cr_assert(first + (at != NULL) == 1, #key);                                                \
        cr_assert(at == NULL || strstr(at + 1, "\n" #key " = ") == NULL, #key);                    \
    }
    EER_CONFIG_TABLE(IS_PRINTED, IS_PRINTED, IS_PRINTED)
    IS_PRINTED(seed, "")
}

Test(configuration, what_is_printed_reads_back)
{
    struct eer_config a, b;
    struct eer_error error;
    char text[EER_CONFIG_TEXT];
    uint64_t state = 1;
    for (int round = 0; round < 5000; round++) {
        randomise(&a, &state);
        int length = eer_config_print(&a, round % 2, text, sizeof text);
        cr_assert(length > 0 && length < EER_CONFIG_TEXT && text[length] == '\0');
        eer_config_default(&b);
        cr_assert(eer_config_parse(&b, text, (size_t)length, "printed", &error) == EER_OK, "%s",
                  error.text);
        cr_assert(same(&a, &b), "round %d:\n%s", round, text);
    }
}

Test(configuration, print_counts_like_snprintf)
{
    struct eer_config c;
    char whole[EER_CONFIG_TEXT], part[EER_CONFIG_TEXT];
    eer_config_default(&c);
    int length = eer_config_print(&c, 1, whole, sizeof whole);
    cr_assert(eer_config_print(&c, 1, NULL, 0) == length);
    for (int size = 1; size <= length + 1; size++) {
        memset(part, 'x', sizeof part);
        cr_assert(eer_config_print(&c, 1, part, (size_t)size) == length);
        cr_assert(memcmp(part, whole, (size_t)size - 1) == 0 && part[size - 1] == '\0');
        cr_assert(part[size] == 'x', "wrote past %d bytes", size);
    }
}

/* Sets eta, which may be any sign, and returns its printed form. */
static const char *printed_eta(double value, char text[EER_CONFIG_TEXT])
{
    struct eer_config c;
    eer_config_default(&c);
    c.eta = value;
    eer_config_print(&c, 0, text, EER_CONFIG_TEXT);
    char *at = strstr(text, "\neta = ") + strlen("\neta = ");
    at[strcspn(at, "\n")] = '\0';
    return at;
}

Test(configuration, numbers_have_the_fewest_digits)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {0.1, "0.1"},
                 {-0.15, "-0.15"},
                 {100, "100"},
                 {-64, "-64"},
                 {12.5, "12.5"},
                 {1e-5, "0.00001"},
                 {1e-8, "1e-08"},
                 {1.015625, "1.015625"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"},
                 {2.5e-300, "2.5e-300"},
                 {5e-324, "5e-324"},
                 {0x1.fffffffffffffp5, "63.99999999999999"}};
    char text[EER_CONFIG_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_str_eq(printed_eta(cases[i].value, text), cases[i].text);
}

Test(configuration, comments_blanks_and_line_ends_are_nothing)
{
    static const char text[] = "# a comment = 1\r\n\n  \t lr\t=  0.5   # and one more\r\n"
                               "steps=7\nmask = causal\nseed = 18446744073709551615";
    struct eer_config c;
    struct eer_error error;
    eer_config_default(&c);
    cr_assert(eer_config_parse(&c, text, strlen(text), "t", &error) == EER_OK, "%s", error.text);
    cr_assert(c.lr == 0.5 && c.steps == 7 && c.mask == EER_MASK_CAUSAL && c.seed == UINT64_MAX);
    cr_assert(eer_config_parse(&c, "d = 12", 6, "t", &error) == EER_OK);
    cr_assert(c.lr == 0.5 && c.steps == 7 && c.d == 12, "a second text keeps what the first set");
    cr_assert(eer_config_parse(&c, "", 0, "t", &error) == EER_OK);
}

/* Refused, with this message, and nothing changed. */
static void refuse(const char *text, size_t size, const char *message)
{
    struct eer_config c, before;
    struct eer_error error = {EER_OK, ""};
    uint64_t state = 5;
    randomise(&c, &state);
    before = c;
    cr_expect(eer_config_parse(&c, text, size, "t.conf", &error) == EER_USAGE, "taken: %s", text);
    cr_expect(error.status == EER_USAGE);
    cr_expect_str_eq(error.text, message);
    cr_expect(same(&c, &before), "changed by: %s", text);
}

Test(configuration, faults_are_named)
{
#define NUMBER_OF(key, value, range)                                                               \
    {                                                                                              \
        "steps = 9\n" key " = " value "\n", "t.conf:2: " key " = \"" value "\": expected " range   \
    }
    static const char *const cases[][2] = {
        NUMBER_OF("lr", "", "a number from 0 to 10"),
        NUMBER_OF("lr", "nan", "a number from 0 to 10"),
        NUMBER_OF("lr", "inf", "a number from 0 to 10"),
        NUMBER_OF("lr", "0x1p-3", "a number from 0 to 10"),
        NUMBER_OF("lr", "+1", "a number from 0 to 10"),
        NUMBER_OF("lr", "1 2", "a number from 0 to 10"),
        NUMBER_OF("lr", "1f", "a number from 0 to 10"),
        NUMBER_OF("lr", "1e", "a number from 0 to 10"),
        NUMBER_OF("lr", "1e+", "a number from 0 to 10"),
        NUMBER_OF("lr", ".", "a number from 0 to 10"),
        NUMBER_OF("lr", "-", "a number from 0 to 10"),
        NUMBER_OF("lr", ".e1", "a number from 0 to 10"),
        NUMBER_OF("lr", "0,5", "a number from 0 to 10"),
        NUMBER_OF("lr", "1e999", "a number from 0 to 10"),
        NUMBER_OF("lr", "1e-999", "a number from 0 to 10"),
        NUMBER_OF("lr", "-1e-9", "a number from 0 to 10"),
        NUMBER_OF("lr", "10.000000000000002", "a number from 0 to 10"),
        NUMBER_OF("lr", "0.5 = 0.5", "a number from 0 to 10"),
        NUMBER_OF("q", "1", "a number from 1.015625 to 2"),
        NUMBER_OF("epsilon", "0", "a number from 1e-16 to 1"),
        NUMBER_OF("d", "3", "a whole number from 4 to 64"),
        NUMBER_OF("d", "65", "a whole number from 4 to 64"),
        NUMBER_OF("d", "-8", "a whole number from 4 to 64"),
        NUMBER_OF("d", "8.0", "a whole number from 4 to 64"),
        NUMBER_OF("d", "8e0", "a whole number from 4 to 64"),
        NUMBER_OF("d", "0x8", "a whole number from 4 to 64"),
        NUMBER_OF("d", "4294967304", "a whole number from 4 to 64"),
        NUMBER_OF("d", "18446744073709551624", "a whole number from 4 to 64"),
        NUMBER_OF("seed", "-1", "a whole number from 0 to 18446744073709551615"),
        NUMBER_OF("seed", "18446744073709551616", "a whole number from 0 to 18446744073709551615"),
        NUMBER_OF("mask", "casual", "one of none|causal"),
        NUMBER_OF("mask", "none|causal", "one of none|causal"),
        NUMBER_OF("mask", "caus", "one of none|causal"),
        NUMBER_OF("mask", "Causal", "one of none|causal"),
        NUMBER_OF("mask", "1", "one of none|causal"),
        NUMBER_OF("kinetic", "", "one of norm|squared|path|frobenius"),
        {"lrr = 1", "t.conf:1: lrr = \"1\": unknown key \"lrr\"; the nearest is \"lr\""},
        {"lambda_p = 1",
         "t.conf:1: lambda_p = \"1\": unknown key \"lambda_p\"; the nearest is \"lambda_P\""},
        {"LR = 1", "t.conf:1: LR = \"1\": unknown key \"LR\"; the nearest is \"lr\""},
        {"weight-decay = 1", "t.conf:1: weight-decay = \"1\": unknown key \"weight-decay\"; the "
                             "nearest is \"weight_decay\""},
        {"= 1", "t.conf:1:  = \"1\": unknown key \"\"; the nearest is \"d\""},
        {"mask\033[2J = 1",
         "t.conf:1: mask?[2J = \"1\": unknown key \"mask?[2J\"; the nearest is \"mask\""},
        {"\n\nsteps 7 # seven", "t.conf:3: \"steps 7\": expected key = value"},
        {"lr = 1\nd = 8\n\nlr = 1\n", "t.conf:4: lr = \"1\": expected once, but line 1 has it too"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}

Test(configuration, bytes_that_are_no_text_are_refused)
{
    char line[400] = "lr = 1\n#";
    memset(line + 8, 'x', sizeof line - 8);
    refuse("d = 8\nlr\0 = 1\n", 14, "t.conf:2: NUL byte in column 3: expected text");
    refuse("# a \0 comment", 13, "t.conf:1: NUL byte in column 5: expected text");
    refuse(line, 7 + 257, "t.conf:2: a line of 257 bytes: expected at most 256");

    struct eer_config c;
    struct eer_error error;
    eer_config_default(&c);
    cr_assert(eer_config_parse(&c, line, 7 + 256, "t", &error) == EER_OK);

    char *many = calloc(1, 65537);
    memset(many, '\n', 65537);
    cr_assert(eer_config_parse(&c, many, 65536, "t", &error) == EER_OK);
    refuse(many, 65537, "t.conf: more than 65536 bytes: not a configuration");
    free(many);
}

Test(configuration, a_long_value_is_cut_in_the_message)
{
    char text[256] = "lambdas = ";
    struct eer_config c;
    struct eer_error error;
    memset(text + 10, '9', 200);
    eer_config_default(&c);
    cr_assert(eer_config_parse(&c, text, 210, "t", &error) == EER_USAGE);
    cr_assert_str_eq(error.text, "t:1: lambdas = \"99999999999999999999999999999999999999999999..."
                                 "\": unknown key \"lambdas\"; the nearest is \"lambda_S\"");
}

static void refuse_whole(const struct eer_config *c, const char *message)
{
    struct eer_error error = {EER_OK, ""};
    cr_expect(eer_config_check(c, &error) == EER_USAGE);
    cr_expect_str_eq(error.text, message);
}

#define REFUSE_WITH(change, message)                                                               \
    {                                                                                              \
        struct eer_config c;                                                                       \
        eer_config_default(&c);                                                                    \
        change;                                                                                    \
        refuse_whole(&c, message);                                                                 \
    }

Test(configuration, what_no_single_key_can_say_is_checked)
{
    struct eer_config c;
    struct eer_error error;
    REFUSE_WITH(c.d = 6, "d = 6: expected a multiple of 4")
    REFUSE_WITH(c.length_min = 65, "length_min = 65: expected at most length_max = 64")
    REFUSE_WITH(c.lr = NAN, "configuration: lr = \"nan\": expected a number from 0 to 10")
    REFUSE_WITH(c.tau = -INFINITY,
                "configuration: tau = \"-inf\": expected a number from 0.001 to 1000")
    REFUSE_WITH(c.batch = -1,
                "configuration: batch = \"-1\": expected a whole number from 1 to 4096")
    REFUSE_WITH(c.mask = (enum eer_mask)2,
                "configuration: mask = \"2\": expected one of none|causal")
    REFUSE_WITH(c.norm = (enum eer_norm) - 1,
                "configuration: norm = \"-1\": expected one of none|pre|post")
    eer_config_default(&c);
    cr_assert(eer_config_check(&c, &error) == EER_OK);
    c.d = c.length_min = c.length_max = 64;
    c.steps = 1;
    cr_assert(eer_config_check(&c, &error) == EER_OK);
}

static const char *const presets[] = {"paper", "reproduction", "eer", "ce"};

Test(configuration, presets_are_their_files)
{
    for (int i = 0; i < 4; i++) {
        struct eer_config compiled, loaded;
        struct eer_error error;
        char path[64];
        memset(&compiled, 0x55, sizeof compiled);
        cr_assert(eer_config_preset(&compiled, presets[i], &error) == EER_OK, "%s", error.text);
        cr_assert(eer_config_check(&compiled, &error) == EER_OK, "%s", error.text);
        snprintf(path, sizeof path, "spec/presets/%s.conf", presets[i]);
        eer_config_default(&loaded);
        cr_assert(eer_config_load(&loaded, path, &error) == EER_OK, "%s", error.text);
        cr_assert(same(&compiled, &loaded), "%s", presets[i]);
    }
}

/* A preset means the same when a default changes. Parsed behind itself, each key must be a repeat.
 */
Test(configuration, presets_give_every_key_but_the_seed)
{
    for (int i = 0; i < 4; i++) {
        char path[64], text[32768];
        snprintf(path, sizeof path, "spec/presets/%s.conf", presets[i]);
        FILE *file = fopen(path, "rb");
        cr_assert(file != NULL, "run from the repository's root");
        size_t size = fread(text, 1, sizeof text - 64, file);
        fclose(file);
#define IS_GIVEN(key, ...)                                                                         \
    {                                                                                              \
        struct eer_config c;                                                                       \
        struct eer_error error = {EER_OK, ""};                                                     \
        char lines[EER_CONFIG_TEXT];                                                               \
        eer_config_default(&c);                                                                    \
        eer_config_print(&c, 0, lines, sizeof lines);                                              \
        char *line = strncmp(lines, #key " =", strlen(#key " =")) == 0                             \
                         ? lines                                                                   \
                         : strstr(lines, "\n" #key " =") + 1;                                      \
        int length = (int)strcspn(line, "\n");                                                     \
        int more = sprintf(text + size, "\n%.*s", length, line);                                   \
        cr_assert(eer_config_parse(&c, text, size + (size_t)more, "t", &error) == EER_USAGE &&     \
                      strstr(error.text, "expected once") != NULL,                                 \
                  "%s lacks %s", presets[i], #key);                                                \
    }
        EER_CONFIG_TABLE(IS_GIVEN, IS_GIVEN, IS_GIVEN)
    }
}

Test(configuration, preset_paper_is_the_defaults)
{
    struct eer_config paper, defaults;
    struct eer_error error;
    eer_config_default(&defaults);
    cr_assert(eer_config_preset(&paper, "paper", &error) == EER_OK);
    cr_assert(same(&paper, &defaults));
    cr_assert(eer_config_preset(&paper, "papers", &error) == EER_USAGE);
    cr_assert_str_eq(error.text, "preset \"papers\": expected one of ce|eer|paper|reproduction");
}

Test(configuration, files_that_cannot_be_read_are_named)
{
    struct eer_config c;
    struct eer_error error;
    eer_config_default(&c);
    cr_assert(eer_config_load(&c, "/nowhere/my.conf", &error) == EER_IO);
    cr_assert_str_eq(error.text, "/nowhere/my.conf: cannot open: No such file or directory");
    cr_assert(eer_config_load(&c, "/", &error) == EER_IO);
    cr_assert_str_eq(error.text, "/: cannot read: Is a directory");
    cr_assert(eer_config_load(&c, "/dev/zero", &error) == EER_USAGE);
    cr_assert_str_eq(error.text, "/dev/zero: more than 65536 bytes: not a configuration");
}

/* Needs a locale whose decimal point is a comma; where none is installed, LOCPATH may name one made
 * by localedef -i de_DE -f UTF-8 DIR/de_DE.UTF-8. */
Test(configuration, the_locale_changes_nothing)
{
    struct eer_config a, b;
    struct eer_error error;
    char plain[EER_CONFIG_TEXT], text[EER_CONFIG_TEXT];
    uint64_t state = 3;
    randomise(&a, &state);
    a.lr = 0.25;
    eer_config_print(&a, 1, plain, sizeof plain);
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL || localeconv()->decimal_point[0] != ',') {
        puts("skipped  no locale de_DE.UTF-8");
        fflush(stdout);
        cr_skip_test();
    }
    int length = eer_config_print(&a, 1, text, sizeof text);
    cr_assert_str_eq(text, plain);
    eer_config_default(&b);
    cr_assert(eer_config_parse(&b, text, (size_t)length, "t", &error) == EER_OK, "%s", error.text);
    cr_assert(same(&a, &b));
    cr_assert(eer_config_set(&b, "lr", "0,5", "t", &error) == EER_USAGE);
    cr_assert(eer_config_set(&b, "lr", "0.5", "t", &error) == EER_OK && b.lr == 0.5);
}
