/* Options, numbers, words, suggestions, and the verification record. */
#include <criterion/criterion.h>
#include <getopt.h>
#include <string.h>

#include "../../fast/program/command.h"
#include "../../fast/program/fail.h"
#include "../../fast/program/table2.h"
#include "../../fast/program/verified.h"

static struct eer_error error;

enum { SEED, SET, RESUME, QUIET };
static const struct eer_option table[] = {
    [SEED] = {"seed", "N", ""},
    [SET] = {"set", "KEY=VALUE", ""},
    [RESUME] = {"resume", "[PATH]", ""},
    [QUIET] = {"quiet", NULL, ""},
    {NULL, NULL, NULL},
};

static int next(int argc, char **argv, const char **value)
{
    return eer_option_next(table, argc, argv, value, &error);
}

Test(command, options_come_in_order_and_operands_last)
{
    char *argv[] = {"x",       "--set",        "a=1",      "operand", "--resume",
                    "--quiet", "--resume=dir", "--seed=5", NULL};
    const char *value;
    cr_assert_eq(next(8, argv, &value), SET);
    cr_assert_str_eq(value, "a=1");
    cr_assert_eq(next(8, argv, &value), RESUME);
    cr_assert_null(value);
    cr_assert_eq(next(8, argv, &value), QUIET);
    cr_assert_eq(next(8, argv, &value), RESUME);
    cr_assert_str_eq(value, "dir");
    cr_assert_eq(next(8, argv, &value), SEED);
    cr_assert_str_eq(value, "5");
    cr_assert_eq(next(8, argv, &value), EER_OPTION_END);
    cr_assert_eq(optind, 7);
    cr_assert_str_eq(argv[optind], "operand");
}

static void wrong(char *option, const char *expected)
{
    char *argv[] = {"x", option, NULL};
    const char *value;
    optind = 1;
    cr_assert_eq(next(2, argv, &value), EER_OPTION_ERROR, "%s", option);
    cr_assert_str_eq(error.text, expected);
}

Test(command, a_wrong_option_gives_one_sentence)
{
    wrong("--sede", "unknown option --sede; did you mean --seed?");
    wrong("--sede=3", "unknown option --sede=3; did you mean --seed?");
    wrong("--completely-different", "unknown option --completely-different");
}

Test(command, a_missing_or_surplus_value_is_named)
{
    wrong("--set", "option --set needs a value: KEY=VALUE");
    wrong("--quiet=1", "option --quiet takes no value");
    wrong("--se", "option --se could mean 2 options; write it out");
    wrong("-s", "unknown option -s");
}

Test(command, the_nearest_name_is_near)
{
    const char *names[] = {"train", "eval", "info"};
    cr_assert_str_eq(eer_nearest("trian", names, 3), "train");
    cr_assert_str_eq(eer_nearest("evaluate", names, 3), "eval");
    cr_assert_null(eer_nearest("xyzzy", names, 3));
    cr_assert_null(eer_nearest("", names, 3));
}

Test(command, whole_numbers_are_whole_and_in_range)
{
    long long value = 0;
    cr_assert_eq(eer_parse_whole("64", 1, 64, "--threads", &value, &error), EER_OK);
    cr_assert_eq(value, 64);
    const char *wrong_ones[] = {"0", "65", "", "1.5", "1e3", "x", "7x", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong_ones / sizeof wrong_ones[0]; i++)
        cr_assert_eq(eer_parse_whole(wrong_ones[i], 1, 64, "--threads", &value, &error), EER_USAGE);
    cr_assert_eq(value, 64);
}

static int list(const char *text, int *values)
{
    int count = -1;
    const enum eer_status status =
        eer_parse_list(text, 1, 1000, "--lengths", values, 3, &count, &error);
    return status == EER_OK ? count : -1;
}

Test(command, lists_are_numbers_between_commas)
{
    int values[4] = {0, 0, 0, -5};
    cr_assert_eq(list("10,200,1000", values), 3);
    cr_assert(values[0] == 10 && values[1] == 200 && values[2] == 1000 && values[3] == -5);
    cr_assert_eq(list("7", values), 1);
    cr_assert_eq(values[0], 7);
    const char *wrong_ones[] = {"", ",", "1,", ",1", "1,,2", "1,0", "1,1001", "1;2", "1, x"};
    for (size_t i = 0; i < sizeof wrong_ones / sizeof wrong_ones[0]; i++)
        cr_assert_eq(list(wrong_ones[i], values), -1, "\"%s\"", wrong_ones[i]);
    cr_assert_eq(list("1,2,3,4", values), -1);
    cr_assert_str_eq(error.text, "--lengths: more than 3 of them");
    cr_assert_eq(values[3], -5);
}

static enum eer_status note(void *context, int option, const char *value, struct eer_error *e)
{
    (void)value;
    *(int *)context = *(int *)context * 10 + option + 1;
    return option == QUIET ? eer_fail(e, EER_USAGE, "not now") : EER_OK;
}

Test(command, options_are_all_taken_until_one_is_refused)
{
    char *fine[] = {"x", "--seed=5", "operand", "--set", "a=1", NULL};
    char *refused[] = {"x", "--set", "a=1", "--quiet", "--seed=5", NULL};
    char *unknown[] = {"x", "--seed=5", "--nothing-of-the-kind", NULL};
    int taken = 0;
    optind = 1;
    cr_assert_eq(eer_options(table, 5, fine, note, &taken, &error), EER_OK);
    cr_assert_eq(taken, 10 * (SEED + 1) + SET + 1);
    cr_assert_str_eq(fine[optind], "operand");
    optind = 1, taken = 0;
    cr_assert_eq(eer_options(table, 5, refused, note, &taken, &error), EER_USAGE);
    cr_assert_eq(taken, 10 * (SET + 1) + QUIET + 1);
    cr_assert_str_eq(error.text, "not now");
    optind = 1;
    cr_assert_eq(eer_options(table, 3, unknown, note, &taken, &error), EER_USAGE);
    cr_assert_str_eq(error.text, "unknown option --nothing-of-the-kind");
}

Test(command, seeds_take_64_bits)
{
    uint64_t seed = 0;
    cr_assert_eq(eer_parse_seed("18446744073709551615", "--seed", &seed, &error), EER_OK);
    cr_assert(seed == UINT64_MAX);
    cr_assert_eq(eer_parse_seed("18446744073709551616", "--seed", &seed, &error), EER_USAGE);
    cr_assert_eq(eer_parse_seed("-1", "--seed", &seed, &error), EER_USAGE);
    cr_assert_eq(eer_parse_seed("", "--seed", &seed, &error), EER_USAGE);
}

Test(command, words_go_both_ways)
{
    int place = -1;
    char word[16];
    cr_assert_eq(eer_parse_word("tf32", "fp64|fp32|tf32", "x", &place, &error), EER_OK);
    cr_assert_eq(place, 2);
    eer_word("fp64|fp32|tf32", 1, word);
    cr_assert_str_eq(word, "fp32");
    cr_assert_eq(eer_parse_word("fp3", "fp64|fp32|tf32", "x", &place, &error), EER_USAGE);
    cr_assert_eq(eer_parse_word("", "fp64|fp32|tf32", "x", &place, &error), EER_USAGE);
    cr_assert_eq(eer_parse_word("fp32|tf32", "fp64|fp32|tf32", "x", &place, &error), EER_USAGE);
}

static void judged(const char *record, const char *expected)
{
    char text[128];
    eer_verified_record(record, strlen(record), "abc", text, sizeof text);
    cr_assert_str_eq(text, expected, "%s: %s", record, text);
}

Test(verified, only_a_whole_passing_record_of_these_sources_counts)
{
    judged("{\"source\":\"abc\",\"result\":\"passed\",\"time\":\"noon\","
           "\"checks\":[{\"name\":\"unit\",\"result\":\"passed\",\"seconds\":1}]}",
           "yes, noon");
    judged("{\"source\":\"abc\",\"result\":\"passed\",\"time\":\"noon\","
           "\"checks\":[{\"name\":\"unit\",\"result\":\"passed\"},{\"name\":\"gpu\",\"result\":"
           "\"skipped\"}]}",
           "yes, noon, 1 skipped");
    judged("{\"source\":\"abc\",\"result\":\"passed\",\"time\":\"noon\","
           "\"checks\":[{\"name\":\"unit\",\"result\":\"failed\"}]}",
           "no: failed (unit), noon");
    judged("{\"source\":\"abc\",\"result\":\"failed\",\"time\":\"noon\","
           "\"checks\":[{\"name\":\"unit\",\"result\":\"passed\"}]}",
           "no: failed (failed), noon");
    judged("{\"source\":\"old\",\"result\":\"passed\",\"time\":\"noon\","
           "\"checks\":[{\"name\":\"unit\",\"result\":\"passed\"}]}",
           "no: the record is of other sources (old)");
    judged("{\"source\":\"abc\",\"result\":\"passed\",\"time\":\"noon\",\"checks\":[]}",
           "no: the record is incomplete");
    judged("[]", "no: the record is not JSON");
    judged("{\"source\":", "no: the record is not JSON");
}

Test(table2, holds_the_papers_best_and_last_row)
{
    cr_assert_eq(eer_table2[EER_TABLE2_BEST].step, 9500);
    for (int i = 0; i < EER_TABLE2_ROWS; i++) {
        cr_assert_eq(eer_table2[i].step, 500 * i);
        cr_assert(eer_table2[i].accuracy[2] <= eer_table2[EER_TABLE2_BEST].accuracy[2]);
    }
    cr_assert(eer_table2_at(10000)->kinetic == 26.9423);
    cr_assert_null(eer_table2_at(10500));
}
