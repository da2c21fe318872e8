/* instance.c - see instance.h. */
#include "instance.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_DIGITS = 2000,    /* characters of a number */
    MOST_EXPONENT = 20000, /* of 10 or of 2 */
    QUOTED = 40,           /* characters of someone's text that a message repeats */
};

/* Nothing in someone's text that a terminal would obey. */
static void printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

__attribute__((format(printf, 2, 3))) static enum eer_status fail(struct eer_error *error,
                                                                  const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error->status = EER_FORMAT;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    printable(error->text);
    return EER_FORMAT;
}

/* --- numbers
 * -------------------------------------------------------------------------------------- */

static int digit(char c, int base)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : base;
    return value < base ? value : -1;
}

/* The exponent after e or p, at *text; 0 if it is not one. */
static int exponent(const char **text, long *value)
{
    int negative = **text == '-';
    long sum = 0;

    if (**text == '-' || **text == '+')
        (*text)++;
    if (!isdigit((unsigned char)**text))
        return 0;
    for (; isdigit((unsigned char)**text); (*text)++)
        if ((sum = 10 * sum + (**text - '0')) > MOST_EXPONENT)
            return 0;
    *value = negative ? -sum : sum;
    return 1;
}

static void scale_by_power(fmpq_t value, long base, long power)
{
    fmpz_t factor;

    fmpz_init_set_si(factor, base);
    fmpz_pow_ui(factor, factor, (ulong)labs(power));
    if (power >= 0)
        fmpq_mul_fmpz(value, value, factor);
    else
        fmpq_div_fmpz(value, value, factor);
    fmpz_clear(factor);
}

/* A decimal or hexadecimal number at *text, which moves behind it; 0 if there is none. */
static int number(fmpq_t value, const char **text)
{
    int negative = **text == '-', digits = 0, fraction = 0, point = 0;
    long power = 0;
    fmpz_t mantissa;

    if (**text == '-' || **text == '+')
        (*text)++;
    int base = (*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X') ? 16 : 10;
    if (base == 16)
        *text += 2;
    fmpz_init(mantissa);
    for (; digit(**text, base) >= 0 || (**text == '.' && !point); (*text)++) {
        if (**text == '.') {
            point = 1;
            continue;
        }
        fmpz_mul_si(mantissa, mantissa, base);
        fmpz_add_ui(mantissa, mantissa, (ulong)digit(**text, base));
        digits++;
        fraction += point;
    }
    if (negative)
        fmpz_neg(mantissa, mantissa);
    fmpq_set_fmpz(value, mantissa);
    fmpz_clear(mantissa);
    char letter = (char)tolower((unsigned char)**text);
    if (letter == (base == 16 ? 'p' : 'e')) {
        (*text)++;
        if (!exponent(text, &power))
            return 0;
    }
    scale_by_power(value, base, -(long)fraction);
    scale_by_power(value, base == 16 ? 2 : 10, power);
    return digits > 0;
}

enum eer_status bound_rational(fmpq_t value, const char *text, struct eer_error *error)
{
    const char *at = text;
    fmpq_t divisor;
    int good;

    if (strlen(text) > MOST_DIGITS)
        return fail(error, "a number of %zu characters: at most %d", strlen(text), MOST_DIGITS);
    good = number(value, &at);
    if (good && *at == '/') {
        at++;
        fmpq_init(divisor);
        good = *at != '-' && *at != '+' && number(divisor, &at) && !fmpq_is_zero(divisor);
        if (good)
            fmpq_div(value, value, divisor);
        fmpq_clear(divisor);
    }
    if (good && *at == '\0')
        return EER_OK;
    return fail(error,
                "\"%.*s\" is not a finite number; expected one such as 3, \"0.15\", \"975/512\" or "
                "\"0x1p-3\"",
                QUOTED, text);
}

/* --- the object
 * ------------------------------------------------------------------------------------ */

/* The reading of one object: what messages say first, and where they go. */
struct reader {
    const char *name;
    const json_t *object;
    struct eer_error *error;
};

static void from_double(fmpq *value, double x)
{
    arf_t number;

    arf_init(number);
    arf_set_d(number, x);
    arf_get_fmpq(value, number);
    arf_clear(number);
}

/* where: "X[3][0]", for messages */
static enum eer_status entry(const struct reader *r, fmpq *value, const json_t *json,
                             const char *where)
{
    struct eer_error reason;

    if (json_is_integer(json)) {
        fmpq_set_si(value, (slong)json_integer_value(json), 1);
        return EER_OK;
    }
    if (json_is_real(json) && isfinite(json_real_value(json))) {
        from_double(value, json_real_value(json));
        return EER_OK;
    }
    if (!json_is_string(json))
        return fail(r->error, "%.200s: %s is neither a number nor a string", r->name, where);
    if (strlen(json_string_value(json)) != json_string_length(json) ||
        bound_rational(value, json_string_value(json), &reason) != EER_OK)
        return fail(r->error, "%.200s: %s: %.300s", r->name, where,
                    strlen(json_string_value(json)) == json_string_length(json)
                        ? reason.text
                        : "a NUL character");
    return EER_OK;
}

/* The shape of the matrix at a key; only what json_array says, nothing of the entries. */
static enum eer_status shape(const struct reader *r, const char *key, size_t *rows, size_t *columns)
{
    const json_t *matrix = json_object_get(r->object, key);

    if (matrix == NULL)
        return fail(r->error, "%.200s: the key \"%s\" is missing", r->name, key);
    if (!json_is_array(matrix) || json_array_size(matrix) == 0 ||
        !json_is_array(json_array_get(matrix, 0)))
        return fail(r->error, "%.200s: %s is not a matrix: expected [[...], ...], row by row",
                    r->name, key);
    *rows = json_array_size(matrix);
    *columns = json_array_size(json_array_get(matrix, 0));
    return EER_OK;
}

static enum eer_status matrix(const struct reader *r, fmpq_mat_t result, const char *key)
{
    size_t rows, columns;
    enum eer_status status = shape(r, key, &rows, &columns);
    if (status != EER_OK)
        return status;
    if (rows != (size_t)fmpq_mat_nrows(result) || columns != (size_t)fmpq_mat_ncols(result))
        return fail(r->error, "%.200s: %s is %zu x %zu; expected %ld x %ld, as X is", r->name, key,
                    rows, columns, (long)fmpq_mat_nrows(result), (long)fmpq_mat_ncols(result));
    for (size_t i = 0; i < rows; i++) {
        const json_t *row = json_array_get(json_object_get(r->object, key), i);
        if (!json_is_array(row) || json_array_size(row) != columns)
            return fail(r->error, "%.200s: %s[%zu] has %zu entries; expected %zu", r->name, key, i,
                        json_array_size(row), columns);
        for (size_t j = 0; j < columns; j++) {
            char where[64];
            snprintf(where, sizeof where, "%s[%zu][%zu]", key, i, j);
            status =
                entry(r, fmpq_mat_entry(result, (slong)i, (slong)j), json_array_get(row, j), where);
            if (status != EER_OK)
                return status;
        }
    }
    return EER_OK;
}

static enum eer_status known_keys(const struct reader *r)
{
    static const char *const known[] = {"X",   "Z",     "W_Q", "W_K",       "W_V",
                                        "map", "scale", "Z2",  "direction", "about"};
    void *at;

    for (at = json_object_iter((json_t *)r->object); at != NULL;
         at = json_object_iter_next((json_t *)r->object, at)) {
        size_t i = 0, count = sizeof known / sizeof known[0];
        while (i < count && strcmp(known[i], json_object_iter_key(at)) != 0)
            i++;
        if (i == count)
            return fail(r->error,
                        "%.200s: unknown key \"%.*s\"; expected X, Z, W_Q, W_K, W_V, map, scale, "
                        "Z2, direction or about",
                        r->name, QUOTED, json_object_iter_key(at));
    }
    return EER_OK;
}

static enum eer_status map_and_scale(const struct reader *r, struct bound_instance *instance)
{
    const json_t *map = json_object_get(r->object, "map");
    const json_t *scale = json_object_get(r->object, "scale");
    const json_t *about = json_object_get(r->object, "about");
    const char *word = map == NULL ? "ST" : json_string_value(map);

    if (word == NULL || (strcmp(word, "ST") != 0 && strcmp(word, "S") != 0))
        return fail(r->error, "%.200s: map is %s%.*s%s; expected \"ST\" or \"S\"", r->name,
                    word ? "\"" : "", QUOTED, word ? word : "not a string", word ? "\"" : "");
    if (about != NULL && !json_is_string(about))
        return fail(r->error, "%.200s: about is not a string; expected a sentence", r->name);
    instance->map = strcmp(word, "S") == 0 ? BOUND_MAP_S : BOUND_MAP_ST;
    snprintf(instance->about, sizeof instance->about, "%s",
             about != NULL ? json_string_value(about) : "");
    printable(instance->about);
    if (scale != NULL)
        return entry(r, instance->scale, scale, "scale");
    fmpq_one(instance->scale);
    return EER_OK;
}

static void take(struct bound_instance *instance, slong n, slong d)
{
    instance->n = (int)n;
    instance->d = (int)d;
    fmpq_init(instance->scale);
    fmpq_mat_init(instance->X, n, d);
    fmpq_mat_init(instance->Z, n, d);
    fmpq_mat_init(instance->second, n, d);
    fmpq_mat_init(instance->direction, n, d);
    fmpq_mat_init(instance->W_Q, d, d);
    fmpq_mat_init(instance->W_K, d, d);
    fmpq_mat_init(instance->W_V, d, d);
}

void bound_instance_clear(struct bound_instance *instance)
{
    fmpq_clear(instance->scale);
    fmpq_mat_clear(instance->X);
    fmpq_mat_clear(instance->Z);
    fmpq_mat_clear(instance->second);
    fmpq_mat_clear(instance->direction);
    fmpq_mat_clear(instance->W_Q);
    fmpq_mat_clear(instance->W_K);
    fmpq_mat_clear(instance->W_V);
}

static enum eer_status matrices(const struct reader *r, struct bound_instance *instance)
{
    enum eer_status status = matrix(r, instance->X, "X");
    if (status == EER_OK)
        status = matrix(r, instance->Z, "Z");
    if (status == EER_OK)
        status = matrix(r, instance->W_Q, "W_Q");
    if (status == EER_OK)
        status = matrix(r, instance->W_K, "W_K");
    if (status == EER_OK)
        status = matrix(r, instance->W_V, "W_V");
    instance->has_second = json_object_get(r->object, "Z2") != NULL;
    if (status == EER_OK && instance->has_second)
        status = matrix(r, instance->second, "Z2");
    instance->has_direction = json_object_get(r->object, "direction") != NULL;
    if (status == EER_OK && instance->has_direction)
        status = matrix(r, instance->direction, "direction");
    if (status == EER_OK && instance->has_direction && fmpq_mat_is_zero(instance->direction))
        status = fail(r->error, "%.200s: direction is 0; expected a matrix other than 0", r->name);
    return status;
}

static enum eer_status object(const struct reader *r, struct bound_instance *instance)
{
    size_t n, d;

    enum eer_status status = known_keys(r);
    if (status == EER_OK)
        status = shape(r, "X", &n, &d);
    if (status != EER_OK)
        return status;
    if (n > BOUND_MOST_ROWS || d < 1 || d > BOUND_MOST_COLUMNS)
        return fail(r->error, "%.200s: X is %zu x %zu; expected at most %d rows of 1 to %d entries",
                    r->name, n, d, BOUND_MOST_ROWS, BOUND_MOST_COLUMNS);
    take(instance, (slong)n, (slong)d);
    status = map_and_scale(r, instance);
    if (status == EER_OK)
        status = matrices(r, instance);
    if (status != EER_OK)
        bound_instance_clear(instance);
    return status;
}

enum eer_status bound_instance_read(struct bound_instance *instance, const char *name,
                                    const char *text, size_t size, struct eer_error *error)
{
    json_error_t wrong;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &wrong);

    if (json == NULL)
        return fail(error, "%.200s:%d: not JSON: %.200s", name, wrong.line, wrong.text);
    struct reader r = {name, json, error};
    enum eer_status status = json_is_object(json)
                                 ? object(&r, instance)
                                 : fail(error, "%.200s: expected a JSON object, {...}", name);
    json_decref(json);
    return status;
}

void bound_instance_attention(struct bound_attention *a, const struct bound_instance *instance,
                              int second, slong precision)
{
    fmpq_mat_t Y;

    bound_attention_init(a, instance->n, instance->d);
    a->map = instance->map;
    arb_set_fmpq(a->scale, instance->scale, precision);
    fmpq_mat_init(Y, instance->n, instance->d);
    fmpq_mat_add(Y, instance->X, second ? instance->second : instance->Z);
    arb_mat_set_fmpq_mat(a->Y, Y, precision);
    arb_mat_set_fmpq_mat(a->W_Q, instance->W_Q, precision);
    arb_mat_set_fmpq_mat(a->W_K, instance->W_K, precision);
    arb_mat_set_fmpq_mat(a->W_V, instance->W_V, precision);
    fmpq_mat_clear(Y);
}
