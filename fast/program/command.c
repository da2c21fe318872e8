/* command.c - options, numbers and words of the command line. */
#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

enum { MAX_OPTIONS = 32, MAX_WORD = 48, FIRST_VALUE = 256 };

/* Levenshtein's distance; names longer than MAX_WORD are far from everything. */
static int distance(const char *a, const char *b)
{
    int row[MAX_WORD + 1];
    int length = (int)strlen(b);
    if (length > MAX_WORD)
        return MAX_WORD;
    for (int j = 0; j <= length; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= length; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            int least = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[length];
}

static size_t common_length(const char *a, const char *b)
{
    size_t length = 0;
    while (a[length] != '\0' && a[length] == b[length])
        length++;
    return length;
}

const char *eer_nearest(const char *wrong, const char *const *names, int count)
{
    const char *nearest = NULL;
    int least = strlen(wrong) < 4 ? 2 : 4; /* further away is no misspelling */
    for (int i = 0; i < count; i++) {
        size_t common = common_length(wrong, names[i]);
        int begins = common >= 3 && (wrong[common] == '\0' || names[i][common] == '\0');
        int d = begins ? 0 : distance(wrong, names[i]);
        if (d < least) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}

static int count_options(const struct eer_option *table, struct option *out)
{
    int count = 0;
    for (; count < MAX_OPTIONS && table[count].name; count++) {
        const char *argument = table[count].argument;
        int kind = no_argument;
        if (argument)
            kind = argument[0] == '[' ? optional_argument : required_argument;
        out[count] = (struct option){table[count].name, kind, NULL, FIRST_VALUE + count};
    }
    out[count] = (struct option){NULL, 0, NULL, 0};
    return count;
}

static void unknown_option(const struct eer_option *table, int count, const char *given,
                           struct eer_error *error)
{
    char name[MAX_WORD + 1] = "";
    const char *names[MAX_OPTIONS] = {NULL}, *start = given + strspn(given, "-");
    int starting = 0;
    size_t length = strcspn(start, "=");
    if (length <= MAX_WORD)
        memcpy(name, start, length);
    for (int i = 0; i < count; i++) {
        names[i] = table[i].name;
        starting += length > 0 && strncmp(name, table[i].name, length) == 0;
    }
    const char *nearest = eer_nearest(name, names, count);
    if (starting > 1 && given[1] == '-')
        eer_fail(error, EER_USAGE, "option %s could mean %d options; write it out", given,
                 starting);
    else if (nearest)
        eer_fail(error, EER_USAGE, "unknown option %s; did you mean --%s?", given, nearest);
    else
        eer_fail(error, EER_USAGE, "unknown option %s", given);
}

int eer_option_next(const struct eer_option *table, int argc, char **argv, const char **value,
                    struct eer_error *error)
{
    struct option options[MAX_OPTIONS + 1];
    int count = count_options(table, options);
    opterr = 0;
    int before = optind;
    int found = getopt_long(argc, argv, ":", options, NULL);
    if (found >= FIRST_VALUE) {
        *value = optarg;
        return found - FIRST_VALUE;
    }
    if (found == -1)
        return EER_OPTION_END;
    const char *given = argv[optind > before ? optind - 1 : optind];
    if (optopt < FIRST_VALUE)
        unknown_option(table, count, given, error);
    else if (found == ':')
        eer_fail(error, EER_USAGE, "option --%s needs a value: %s",
                 table[optopt - FIRST_VALUE].name, table[optopt - FIRST_VALUE].argument);
    else
        eer_fail(error, EER_USAGE, "option --%s takes no value", table[optopt - FIRST_VALUE].name);
    return EER_OPTION_ERROR;
}

enum eer_status eer_options(const struct eer_option *table, int argc, char **argv, eer_take *take,
                            void *context, struct eer_error *error)
{
    const char *value = NULL;
    int option;
    while ((option = eer_option_next(table, argc, argv, &value, error)) >= 0) {
        enum eer_status status = take(context, option, value, error);
        if (status != EER_OK)
            return status;
    }
    return option == EER_OPTION_ERROR ? EER_USAGE : EER_OK;
}

enum eer_status eer_parse_whole(const char *text, long long least, long long most, const char *what,
                                long long *value, struct eer_error *error)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno == ERANGE || number < least || number > most)
        return eer_fail(error, EER_USAGE, "%s: \"%.60s\" is not a whole number from %lld to %lld",
                        what, text, least, most);
    *value = number;
    return EER_OK;
}

enum eer_status eer_parse_seed(const char *text, const char *what, uint64_t *value,
                               struct eer_error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno == ERANGE)
        return eer_fail(error, EER_USAGE, "%s: \"%.60s\" is not a whole number from 0 to 2^64 - 1",
                        what, text);
    *value = number;
    return EER_OK;
}

enum eer_status eer_parse_list(const char *text, int least, int most, const char *what, int *values,
                               int room, int *count, struct eer_error *error)
{
    char number[24];
    for (*count = 0;;) {
        long long value = 0;
        size_t digits = strcspn(text, ",");
        if (*count == room)
            return eer_fail(error, EER_USAGE, "%s: more than %d of them", what, room);
        snprintf(number, sizeof number, "%.*s", digits < sizeof number ? (int)digits : 23, text);
        enum eer_status status = eer_parse_whole(number, least, most, what, &value, error);
        if (status != EER_OK)
            return status;
        values[(*count)++] = (int)value;
        if (text[digits] == '\0')
            return EER_OK;
        text += digits + 1;
    }
}

static enum eer_status add_seeds(uint64_t first, uint64_t last, const char *what, uint64_t *seeds,
                                 int room, int *count, struct eer_error *error)
{
    if (last < first)
        return eer_fail(error, EER_USAGE, "%s: the range %llu-%llu is empty", what,
                        (unsigned long long)first, (unsigned long long)last);
    if (last - first >= (uint64_t)(room - *count))
        return eer_fail(error, EER_USAGE, "%s: more than %d of them", what, room);
    for (int i = 0, more = (int)(last - first) + 1; i < more; i++) {
        for (int k = 0; k < *count; k++)
            if (seeds[k] == first + (uint64_t)i)
                return eer_fail(error, EER_USAGE, "%s: %llu is there twice", what,
                                (unsigned long long)seeds[k]);
        seeds[(*count)++] = first + (uint64_t)i;
    }
    return EER_OK;
}

enum eer_status eer_parse_seeds(const char *text, const char *what, uint64_t *seeds, int room,
                                int *count, struct eer_error *error)
{
    char range[48]; /* two numbers of 20 digits, and enough of longer ones to be wrong */
    char name[64];  /* what is wrong may be one number of many */
    snprintf(name, sizeof name, "%.20s %.40s", what, text);
    for (*count = 0;;) {
        uint64_t first = 0, last = 0;
        size_t length = strcspn(text, ",");
        snprintf(range, sizeof range, "%.*s", length < sizeof range ? (int)length : 47, text);
        char *dash = strchr(range, '-');
        if (dash)
            *dash = '\0';
        enum eer_status status = eer_parse_seed(range, name, &first, error);
        if (status == EER_OK)
            status = eer_parse_seed(dash ? dash + 1 : range, name, &last, error);
        if (status == EER_OK)
            status = add_seeds(first, last, what, seeds, room, count, error);
        if (status != EER_OK || text[length] == '\0')
            return status;
        text += length + 1;
    }
}

enum eer_status eer_parse_word(const char *text, const char *words, const char *what, int *value,
                               struct eer_error *error)
{
    size_t length = strlen(text);
    int place = 0;
    for (const char *word = words; length > 0 && word; place++) {
        if (strcspn(word, "|") == length && strncmp(word, text, length) == 0) {
            *value = place;
            return EER_OK;
        }
        word = strchr(word, '|');
        word = word ? word + 1 : NULL;
    }
    return eer_fail(error, EER_USAGE, "%s: \"%.60s\" is none of %s", what, text, words);
}

void eer_word(const char *words, int place, char word[16])
{
    for (; place > 0; place--)
        words += strcspn(words, "|") + 1;
    size_t length = strcspn(words, "|");
    length = length < 16 ? length : 15;
    memcpy(word, words, length);
    word[length] = '\0';
}
