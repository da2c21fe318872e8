/* configuration.c - see configuration.h. Everything about a key comes from EER_CONFIG_TABLE. */
#include "configuration.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

enum kind { WHOLE, REAL, WORD, SEED };

enum {
    LINE = 256,                   /* bytes in a line, without its end */
    FILE_SIZE = 65536,            /* bytes in a configuration file */
    NUMBER = 64,                  /* bytes in a number, as read or printed, with its NUL */
    EXPECTATION = 2 * NUMBER + 8, /* bytes in the description of a key's range, with its NUL */
    COMMENT_COLUMN = 32           /* where eer_config_print starts its comments */
};

struct key {
    const char *name;
    enum kind kind;
    size_t offset;      /* in struct eer_config */
    double value;       /* the default */
    double least, most; /* WHOLE and REAL */
    const char *words;  /* WORD */
    const char *doc;
};

#define WHOLE_KEY(key, value, least, most, doc)                                                    \
    {#key, WHOLE, offsetof(struct eer_config, key), value, least, most, NULL, doc},
#define REAL_KEY(key, value, least, most, doc)                                                     \
    {#key, REAL, offsetof(struct eer_config, key), value, least, most, NULL, doc},
#define WORD_KEY(key, enumeration, value, doc)                                                     \
    {#key, WORD, offsetof(struct eer_config, key), value, 0, 0, EER_WORDS_##enumeration, doc},

static const struct key keys[] = {EER_CONFIG_TABLE(WHOLE_KEY, REAL_KEY, WORD_KEY){
    "seed", SEED, offsetof(struct eer_config, seed), 1, 0, 0, NULL,
    "the key of every random number (ours)"}};

enum { KEYS = sizeof keys / sizeof keys[0] };

/* A word's index is kept as an int: true of every enumeration here on the compilers we know. */
#define IGNORE_KEY(...)
#define WORD_IS_INT(key, enumeration, value, doc)                                                  \
    _Static_assert(sizeof(enum eer_##enumeration) == sizeof(int), "enumeration " #enumeration);
EER_CONFIG_TABLE(IGNORE_KEY, IGNORE_KEY, WORD_IS_INT)

/* Made from spec/presets by embed.mk: pairs of name and text, after the last a pair of NULL. */
extern const char *const eer_presets[][2];

static void *field(struct eer_config *config, const struct key *key)
{
    return (char *)config + key->offset;
}

static const void *field_of(const struct eer_config *config, const struct key *key)
{
    return (const char *)config + key->offset;
}

/* Numbers as text. C's own functions follow the locale in one thing, the decimal point. */

/* The fewest digits that read back the same; without an exponent where that is short. */
static void print_number(double value, char text[NUMBER])
{
    int digits = 0;
    if (!isfinite(value)) {
        snprintf(text, NUMBER, "%f", value);
        return;
    }
    do
        snprintf(text, NUMBER, "%.*e", digits, value);
    while (strtod(text, NULL) != value && ++digits < 17);

    const char *e = strchr(text, 'e');
    long exponent = e != NULL ? strtol(e + 1, NULL, 10) : 0;
    if (exponent >= -5 && exponent < 15)
        snprintf(text, NUMBER, "%.*f", exponent < digits ? digits - (int)exponent : 0, value);

    size_t point = strspn(text, "-0123456789");
    size_t after = point + strcspn(text + point, "-+0123456789e");
    if (after > point) {
        text[point] = '.';
        memmove(text + point + 1, text + after, strlen(text + after) + 1);
    }
}

static size_t skip_digits(const char *text, size_t at)
{
    return at + strspn(text + at, "0123456789");
}

/* -digits.digitse+-digits, where all but one digit may be missing; no space, no hexadecimal, no
 * inf. */
static int is_real(const char *text)
{
    size_t start = text[0] == '-';
    size_t at = skip_digits(text, start);
    size_t digits = at - start;
    if (text[at] == '.') {
        size_t after = skip_digits(text, at + 1);
        digits += after - at - 1;
        at = after;
    }
    if (digits > 0 && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += text[at] == '-' || text[at] == '+';
        size_t after = skip_digits(text, at);
        if (after == at)
            return 0;
        at = after;
    }
    return digits > 0 && text[at] == '\0';
}

static int read_real(const char *text, double *value)
{
    char local[2 * NUMBER];
    if (strlen(text) >= NUMBER || !is_real(text))
        return 0;
    size_t whole = strcspn(text, ".");
    if (text[whole] == '.')
        snprintf(local, sizeof local, "%.*s%s%s", (int)whole, text, localeconv()->decimal_point,
                 text + whole + 1);
    else
        snprintf(local, sizeof local, "%s", text);
    errno = 0;
    *value = strtod(local, NULL);
    /* What underflows to 0 is not what was written. */
    return isfinite(*value) && !(errno == ERANGE && *value == 0);
}

static int read_whole(const char *text, uint64_t *value)
{
    *value = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return 0;
        uint64_t digit = (uint64_t)(*c - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            return 0;
        *value = *value * 10 + digit;
    }
    return text[0] != '\0';
}

/* Words */

/* Word number `index` of "a|b|c", or NULL; *length is its length. */
static const char *word(const char *words, int index, size_t *length)
{
    for (; index > 0; index--) {
        words += strcspn(words, "|");
        if (*words++ == '\0')
            return NULL;
    }
    *length = strcspn(words, "|");
    return words;
}

static int read_word(const char *words, const char *text, int *index)
{
    size_t length;
    const char *w;
    for (*index = 0; (w = word(words, *index, &length)) != NULL; ++*index)
        if (length == strlen(text) && memcmp(w, text, length) == 0)
            return 1;
    return 0;
}

/* One key */

static void print_range(const struct key *key, char text[EXPECTATION])
{
    char least[NUMBER], most[NUMBER];
    if (key->kind == WORD) {
        snprintf(text, EXPECTATION, "%s", key->words);
    } else if (key->kind == SEED) {
        snprintf(text, EXPECTATION, "0 to %llu", (unsigned long long)UINT64_MAX);
    } else {
        print_number(key->least, least);
        print_number(key->most, most);
        snprintf(text, EXPECTATION, "%s to %s", least, most);
    }
}

static const char *article(const struct key *key)
{
    if (key->kind == WORD)
        return "one of";
    return key->kind == REAL ? "a number from" : "a whole number from";
}

static void print_value(const struct eer_config *config, const struct key *key, char text[NUMBER])
{
    const void *value = field_of(config, key);
    if (key->kind == REAL) {
        print_number(*(const double *)value, text);
    } else if (key->kind == SEED) {
        snprintf(text, NUMBER, "%llu", (unsigned long long)*(const uint64_t *)value);
    } else if (key->kind == WHOLE) {
        snprintf(text, NUMBER, "%d", *(const int *)value);
    } else {
        size_t length = 0;
        int index = *(const int *)value;
        const char *w = index >= 0 ? word(key->words, index, &length) : NULL;
        if (w != NULL)
            snprintf(text, NUMBER, "%.*s", (int)length, w);
        else
            snprintf(text, NUMBER, "%d", index);
    }
}

static int read_value(struct eer_config *config, const struct key *key, const char *text)
{
    int index;
    double real;
    uint64_t whole;
    switch (key->kind) {
    case WORD:
        if (!read_word(key->words, text, &index))
            return 0;
        *(int *)field(config, key) = index;
        return 1;
    case REAL:
        if (!read_real(text, &real) || !(real >= key->least && real <= key->most))
            return 0;
        *(double *)field(config, key) = real;
        return 1;
    case WHOLE: /* no key goes below 0 */
        if (!read_whole(text, &whole) || whole < (uint64_t)key->least ||
            whole > (uint64_t)key->most)
            return 0;
        *(int *)field(config, key) = (int)whole;
        return 1;
    default:
        if (!read_whole(text, &whole))
            return 0;
        *(uint64_t *)field(config, key) = whole;
        return 1;
    }
}

/* The number of single-character insertions, deletions and replacements between two short texts of
 * ASCII; case is nothing. */
static int distance(const char *a, const char *b)
{
    int row[EER_QUOTED];
    int n = (int)strlen(b);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 0; a[i] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 1; j <= n; j++) {
            int replaced = diagonal + (tolower(a[i]) != tolower(b[j - 1]));
            int shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[n];
}

static const struct key *find_key(const char *name)
{
    for (int i = 0; i < KEYS; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static const char *nearest_key(const char quoted[EER_QUOTED])
{
    int best = 0;
    for (int i = 1; i < KEYS; i++)
        if (distance(keys[i].name, quoted) < distance(keys[best].name, quoted))
            best = i;
    return keys[best].name;
}

enum eer_status eer_config_set(struct eer_config *config, const char *name, const char *value,
                               const char *where, struct eer_error *error)
{
    char quoted_name[EER_QUOTED], quoted_value[EER_QUOTED], range[EXPECTATION];
    const struct key *key = find_key(name);
    eer_quote(name, quoted_name);
    eer_quote(value, quoted_value);
    if (key == NULL)
        return eer_fail(error, EER_USAGE,
                        "%s: %s = \"%s\": unknown key \"%s\"; the nearest is \"%s\"", where,
                        quoted_name, quoted_value, quoted_name, nearest_key(quoted_name));
    if (!read_value(config, key, value)) {
        print_range(key, range);
        return eer_fail(error, EER_USAGE, "%s: %s = \"%s\": expected %s %s", where, key->name,
                        quoted_value, article(key), range);
    }
    return EER_OK;
}

/* Texts */

/* Copies the text without the blanks at its ends. A carriage return is blank: CRLF files are read.
 */
static void copy_trimmed(char to[LINE + 1], const char *text, size_t length)
{
    while (length > 0 && strchr(" \t\r", text[0]) != NULL)
        text++, length--;
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        length--;
    memcpy(to, text, length);
    to[length] = '\0';
}

/* One line; seen[k] is the line that gave key k, or 0. */
static enum eer_status parse_line(struct eer_config *config, const char *line, size_t length,
                                  const char *where, int number, int seen[KEYS],
                                  struct eer_error *error)
{
    char name[LINE + 1], value[LINE + 1], quoted[EER_QUOTED];
    if (length > LINE)
        return eer_fail(error, EER_USAGE, "%s: a line of %zu bytes: expected at most %d", where,
                        length, LINE);
    const char *nul = memchr(line, '\0', length);
    if (nul != NULL)
        return eer_fail(error, EER_USAGE, "%s: NUL byte in column %d: expected text", where,
                        (int)(nul - line) + 1);
    const char *comment = memchr(line, '#', length);
    if (comment != NULL)
        length = (size_t)(comment - line);
    copy_trimmed(value, line, length);
    if (value[0] == '\0')
        return EER_OK;
    const char *equals = memchr(line, '=', length);
    if (equals == NULL)
        return eer_fail(error, EER_USAGE, "%s: \"%s\": expected key = value", where,
                        eer_quote(value, quoted));
    copy_trimmed(name, line, (size_t)(equals - line));
    copy_trimmed(value, equals + 1, length - (size_t)(equals + 1 - line));

    enum eer_status status = eer_config_set(config, name, value, where, error);
    if (status != EER_OK)
        return status;
    int *first = &seen[find_key(name) - keys];
    if (*first != 0)
        return eer_fail(error, EER_USAGE, "%s: %s = \"%s\": expected once, but line %d has it too",
                        where, name, eer_quote(value, quoted), *first);
    *first = number;
    return EER_OK;
}

enum eer_status eer_config_parse(struct eer_config *config, const char *text, size_t size,
                                 const char *name, struct eer_error *error)
{
    struct eer_config parsed = *config;
    int seen[KEYS] = {0};
    char where[256];
    if (size > FILE_SIZE)
        return eer_fail(error, EER_USAGE, "%s: more than %d bytes: not a configuration", name,
                        FILE_SIZE);
    int number = 1;
    for (size_t at = 0; at < size; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
        snprintf(where, sizeof where, "%.200s:%d", name, number);
        enum eer_status status = parse_line(&parsed, text + at, length, where, number, seen, error);
        if (status != EER_OK)
            return status;
        at += length + 1;
    }
    *config = parsed;
    return EER_OK;
}

enum eer_status eer_config_load(struct eer_config *config, const char *path,
                                struct eer_error *error)
{
    char text[FILE_SIZE + 1]; /* one byte more than is allowed, to see that there is more */
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return eer_fail(error, EER_IO, "%.200s: cannot open: %s", path, strerror(errno));
    errno = 0;
    size_t size = fread(text, 1, sizeof text, file);
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed != 0)
        return eer_fail(error, EER_IO, "%.200s: cannot read: %s", path, strerror(failed));
    return eer_config_parse(config, text, size, path, error);
}

enum eer_status eer_config_preset(struct eer_config *config, const char *name,
                                  struct eer_error *error)
{
    char names[128] = "", quoted[EER_QUOTED];
    size_t length = 0;
    for (int i = 0; eer_presets[i][0] != NULL; i++) {
        const char *text = eer_presets[i][1];
        if (strcmp(name, eer_presets[i][0]) == 0) {
            eer_config_default(config);
            return eer_config_parse(config, text, strlen(text), eer_presets[i][0], error);
        }
        if (length < sizeof names)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s",
                                       i > 0 ? "|" : "", eer_presets[i][0]);
    }
    return eer_fail(error, EER_USAGE, "preset \"%s\": expected one of %s", eer_quote(name, quoted),
                    names);
}

/* Whole configurations */

void eer_config_default(struct eer_config *config)
{
    memset(config, 0, sizeof *config);
    for (int i = 0; i < KEYS; i++) {
        if (keys[i].kind == REAL)
            *(double *)field(config, &keys[i]) = keys[i].value;
        else if (keys[i].kind == SEED)
            *(uint64_t *)field(config, &keys[i]) = (uint64_t)keys[i].value;
        else
            *(int *)field(config, &keys[i]) = (int)keys[i].value;
    }
}

/* Each key by itself: what its printed form says is read by the same rules as a file. */
static enum eer_status check_keys(const struct eer_config *config, struct eer_error *error)
{
    struct eer_config copy = *config;
    char text[NUMBER];
    for (int i = 0; i < KEYS; i++) {
        print_value(config, &keys[i], text);
        enum eer_status status = eer_config_set(&copy, keys[i].name, text, "configuration", error);
        if (status != EER_OK)
            return status;
    }
    return EER_OK;
}

enum eer_status eer_config_check(const struct eer_config *config, struct eer_error *error)
{
    enum eer_status status = check_keys(config, error);
    if (status != EER_OK)
        return status;
    if (config->d % 4 != 0)
        return eer_fail(error, EER_USAGE, "d = %d: expected a multiple of 4", config->d);
    if (config->length_min > config->length_max)
        return eer_fail(error, EER_USAGE, "length_min = %d: expected at most length_max = %d",
                        config->length_min, config->length_max);
    return EER_OK;
}

int eer_config_print(const struct eer_config *config, int comments, char *text, size_t size)
{
    char value[NUMBER], range[EXPECTATION];
    size_t length = 0;
    for (int i = 0; i < KEYS; i++) {
        char *end = length < size ? text + length : NULL;
        size_t left = length < size ? size - length : 0;
        print_value(config, &keys[i], value);
        if (comments) {
            print_range(&keys[i], range);
            int column = COMMENT_COLUMN - (int)strlen(keys[i].name) - 3;
            length += (size_t)snprintf(end, left, "%s = %-*s # %s; %s\n", keys[i].name, column,
                                       value, keys[i].doc, range);
        } else {
            length += (size_t)snprintf(end, left, "%s = %s\n", keys[i].name, value);
        }
    }
    return (int)length;
}
