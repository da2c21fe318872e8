/* npy.c - see npy.h. A file is "\x93NUMPY", two bytes of version, the header's length (2 bytes in
 * version 1, 4 in version 2), the header - a dictionary in Python's notation - and the numbers. */
#include "npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "file.h"
#include "safetensors.h"

enum { MAGIC = 6, HEADER_MOST = 4096, FILE_MOST = 1 << 26, DIMENSIONS = 2, MOST_DIGITS = 15 };

/* What a header says. */
struct description {
    int element_size; /* 0: not said yet */
    int order_given;
    int dimensions; /* 0: not said yet */
    long long shape[DIMENSIONS];
};

/* The rest of a header. */
struct text {
    const char *at, *end;
};

static void skip_spaces(struct text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n'))
        t->at++;
}

/* 1 if the next character, after spaces, is c; it is taken. */
static int take(struct text *t, char c)
{
    skip_spaces(t);
    if (t->at == t->end || *t->at != c)
        return 0;
    t->at++;
    return 1;
}

static int take_word(struct text *t, const char *word)
{
    size_t length = strlen(word);
    skip_spaces(t);
    if ((size_t)(t->end - t->at) < length || memcmp(t->at, word, length) != 0)
        return 0;
    t->at += length;
    return 1;
}

/* A quoted string without escapes, copied to `string`, cut; 0 if there is none. */
static int take_string(struct text *t, char string[EER_QUOTED])
{
    size_t length = 0;
    skip_spaces(t);
    if (t->at == t->end || (*t->at != '\'' && *t->at != '"'))
        return 0;
    char quote = *t->at++;
    for (; t->at < t->end && *t->at != quote; t->at++)
        if (length + 1 < EER_QUOTED && *t->at != '\0')
            string[length++] = *t->at;
    string[length] = '\0';
    return take(t, quote);
}

/* -1 if there is none; numbers that do not fit stay above every limit. */
static long long take_number(struct text *t)
{
    long long value = 0;
    int digits = 0;
    skip_spaces(t);
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
        if (digits++ < MOST_DIGITS)
            value = 10 * value + (*t->at - '0');
    return digits > 0 ? value : -1;
}

static enum eer_status take_type(struct text *t, struct description *d, const char *name,
                                 struct eer_error *error)
{
    char type[EER_QUOTED] = "", quoted[EER_QUOTED];
    int is_string = take_string(t, type);
    if (is_string && strcmp(type, "<f4") == 0)
        d->element_size = 4;
    else if (is_string && strcmp(type, "<f8") == 0)
        d->element_size = 8;
    else
        return eer_fail(error, EER_FORMAT, "%s: dtype \"%s\": expected \"<f4\" or \"<f8\"", name,
                        eer_quote(type, quoted));
    return EER_OK;
}

static enum eer_status take_order(struct text *t, struct description *d, const char *name,
                                  struct eer_error *error)
{
    if (take_word(t, "True"))
        return eer_fail(error, EER_FORMAT, "%s: in Fortran order: expected C order", name);
    if (!take_word(t, "False"))
        return eer_fail(error, EER_FORMAT, "%s: \"fortran_order\": expected False", name);
    d->order_given = 1;
    return EER_OK;
}

static enum eer_status take_shape(struct text *t, struct description *d, const char *name,
                                  struct eer_error *error)
{
    int closed = 0;
    d->dimensions = 0;
    if (!take(t, '('))
        return eer_fail(error, EER_FORMAT, "%s: \"shape\": expected (rows, columns)", name);
    while (!(closed = take(t, ')'))) {
        long long size = take_number(t);
        if (size < 0)
            break;
        if (d->dimensions < DIMENSIONS)
            d->shape[d->dimensions] = size;
        d->dimensions++;
        if (!take(t, ',')) {
            closed = take(t, ')');
            break;
        }
    }
    if (!closed)
        return eer_fail(error, EER_FORMAT, "%s: \"shape\": expected (rows, columns)", name);
    if (d->dimensions != DIMENSIONS)
        return eer_fail(error, EER_FORMAT, "%s: %d dimensions: expected 2, (rows, columns)", name,
                        d->dimensions);
    return EER_OK;
}

static enum eer_status take_entry(struct text *t, struct description *d, const char *name,
                                  struct eer_error *error)
{
    char key[EER_QUOTED] = "", quoted[EER_QUOTED];
    if (!take_string(t, key) || !take(t, ':'))
        return eer_fail(error, EER_FORMAT, "%s: header: expected 'key': value", name);
    if (strcmp(key, "descr") == 0 && d->element_size == 0)
        return take_type(t, d, name, error);
    if (strcmp(key, "fortran_order") == 0 && !d->order_given)
        return take_order(t, d, name, error);
    if (strcmp(key, "shape") == 0 && d->dimensions == 0)
        return take_shape(t, d, name, error);
    return eer_fail(error, EER_FORMAT,
                    "%s: header key \"%s\": expected descr, fortran_order and shape, each once",
                    name, eer_quote(key, quoted));
}

static enum eer_status read_header(struct text *t, struct description *d, const char *name,
                                   struct eer_error *error)
{
    int closed = 0;
    if (!take(t, '{'))
        return eer_fail(error, EER_FORMAT, "%s: expected the header to begin with {", name);
    while (!(closed = take(t, '}'))) {
        enum eer_status status = take_entry(t, d, name, error);
        if (status != EER_OK)
            return status;
        if (!take(t, ',')) {
            closed = take(t, '}');
            break;
        }
    }
    skip_spaces(t);
    if (!closed || t->at != t->end)
        return eer_fail(error, EER_FORMAT, "%s: expected the header to end with }", name);
    if (d->element_size == 0 || !d->order_given || d->dimensions == 0)
        return eer_fail(error, EER_FORMAT,
                        "%s: header: expected descr, fortran_order and shape, each once", name);
    return EER_OK;
}

/* The header's text and what follows it. */
static enum eer_status split(const unsigned char *bytes, size_t size, const char *name,
                             struct text *header, const unsigned char **data,
                             struct eer_error *error)
{
    if (size < MAGIC + 2 || memcmp(bytes, "\x93NUMPY", MAGIC) != 0)
        return eer_fail(error, EER_FORMAT, "%s: expected a file in NumPy's format (.npy)", name);
    if ((bytes[MAGIC] != 1 && bytes[MAGIC] != 2) || bytes[MAGIC + 1] != 0)
        return eer_fail(error, EER_FORMAT,
                        "%s: version %d.%d of NumPy's format: expected 1.0 or 2.0", name,
                        bytes[MAGIC], bytes[MAGIC + 1]);
    int length_bytes = bytes[MAGIC] == 1 ? 2 : 4;
    size_t before = MAGIC + 2 + (size_t)length_bytes;
    uint64_t length = size < before ? 0 : eer_little_endian(bytes + MAGIC + 2, length_bytes);
    if (size < before || length > size - before || length > HEADER_MOST)
        return eer_fail(
            error, EER_FORMAT,
            "%s: a header of %llu bytes in a file of %zu: expected it whole, and at most "
            "%d",
            name, (unsigned long long)length, size, HEADER_MOST);
    header->at = (const char *)bytes + before;
    header->end = header->at + length;
    *data = bytes + before + length;
    return EER_OK;
}

static enum eer_status read_values(struct eer_npy *npy, const struct description *d,
                                   const unsigned char *data, const char *name,
                                   struct eer_error *error)
{
    size_t count = (size_t)npy->rows * (size_t)npy->columns;
    npy->values = malloc(count * sizeof *npy->values);
    if (!npy->values)
        return eer_fail(error, EER_NO_MEMORY, "%s: no memory for its %zu numbers", name, count);
    for (size_t i = 0; i < count; i++) {
        double x = eer_decode(data + i * (size_t)d->element_size, d->element_size);
        npy->values[i] = x;
        if (!isfinite(x)) {
            eer_npy_free(npy);
            return eer_fail(error, EER_FORMAT, "%s: row %zu, column %zu is %s: expected a number",
                            name, i / (size_t)d->shape[1], i % (size_t)d->shape[1],
                            isnan(x) ? "NaN" : "infinite");
        }
    }
    return EER_OK;
}

enum eer_status eer_npy_parse(const void *bytes, size_t size, const char *name, int most_rows,
                              int most_columns, struct eer_npy *npy, struct eer_error *error)
{
    struct description d = {0};
    struct text header = {NULL, NULL};
    const unsigned char *data = NULL;
    char shown[200];
    memset(npy, 0, sizeof *npy);
    snprintf(shown, sizeof shown, "%s", name);
    enum eer_status status = split(bytes, size, shown, &header, &data, error);
    if (status == EER_OK)
        status = read_header(&header, &d, shown, error);
    if (status != EER_OK)
        return status;
    if (d.shape[0] < 1 || d.shape[0] > most_rows || d.shape[1] < 1 || d.shape[1] > most_columns)
        return eer_fail(error, EER_FORMAT,
                        "%s: %lld rows of %lld numbers: expected 1 to %d rows of 1 to %d", shown,
                        d.shape[0], d.shape[1], most_rows, most_columns);
    size_t expected = (size_t)(d.shape[0] * d.shape[1]) * (size_t)d.element_size;
    size_t found = size - (size_t)(data - (const unsigned char *)bytes);
    if (found != expected)
        return eer_fail(error, EER_FORMAT, "%s: %zu bytes of numbers: expected %zu", shown, found,
                        expected);
    npy->rows = (int)d.shape[0];
    npy->columns = (int)d.shape[1];
    return read_values(npy, &d, data, shown, error);
}

enum eer_status eer_npy_read(const char *path, int most_rows, int most_columns, struct eer_npy *npy,
                             struct eer_error *error)
{
    unsigned char *bytes;
    size_t size;
    memset(npy, 0, sizeof *npy);
    enum eer_status status = eer_file_read(path, FILE_MOST, &bytes, &size, error);
    if (status != EER_OK)
        return status;
    status = eer_npy_parse(bytes, size, path, most_rows, most_columns, npy, error);
    free(bytes);
    return status;
}

void eer_npy_free(struct eer_npy *npy)
{
    free(npy->values);
    memset(npy, 0, sizeof *npy);
}
