/* Matrices from elsewhere, .npy and safetensors: what is right is read exactly, everything else is
 * refused with one sentence that names the file, what was found and what was expected. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../fast/program/npy.h"
#include "../../fast/program/weights.h"

enum { ROOM = 1 << 16, MOST_ROWS = 1000, MOST_COLUMNS = 512 };

/* A file's bytes, as NumPy writes them: version, dictionary, numbers. */
static size_t compose(unsigned char *bytes, int version, const char *dictionary,
                      const void *numbers, size_t size)
{
    size_t length = strlen(dictionary), before = version == 1 ? 10 : 12;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)version;
    bytes[7] = 0;
    for (size_t i = 8; i < before; i++)
        bytes[i] = (unsigned char)(length >> 8 * (i - 8));
    memcpy(bytes + before, dictionary, length);
    memcpy(bytes + before + length, numbers, size);
    return before + length + size;
}

#define DICTIONARY(type, shape)                                                                    \
    "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }          \n"

Test(npy, what_numpy_writes_is_read)
{
    const double doubles[] = {1.5, -0.0, 5e-324, 1e308, -3, 0.1};
    const float floats[] = {1.5f, -0.0f, 1e-45f, 3e38f, -3, 0.1f};
    unsigned char *bytes = malloc(ROOM);
    struct eer_npy npy;
    struct eer_error error;
    for (int version = 1; version <= 2; version++) {
        size_t size = compose(bytes, version, DICTIONARY("<f8", "(2, 3)"), doubles, sizeof doubles);
        cr_assert(eer_npy_parse(bytes, size, "x", MOST_ROWS, MOST_COLUMNS, &npy, &error) == EER_OK);
        cr_expect(npy.rows == 2 && npy.columns == 3);
        cr_expect(memcmp(npy.values, doubles, sizeof doubles) == 0);
        eer_npy_free(&npy);
        size = compose(bytes, version, DICTIONARY("<f4", "(3, 2)"), floats, sizeof floats);
        cr_assert(eer_npy_parse(bytes, size, "x", MOST_ROWS, MOST_COLUMNS, &npy, &error) == EER_OK);
        cr_expect(npy.rows == 3 && npy.columns == 2);
        for (int i = 0; i < 6; i++)
            cr_expect(npy.values[i] == (double)floats[i]);
        eer_npy_free(&npy);
    }
    /* The keys may stand in any order. */
    size_t size = compose(bytes, 1, "{\"shape\":(1,1),\"fortran_order\":False,\"descr\":\"<f8\"}",
                          doubles, 8);
    cr_expect(eer_npy_parse(bytes, size, "x", MOST_ROWS, MOST_COLUMNS, &npy, &error) == EER_OK);
    eer_npy_free(&npy);
    free(bytes);
}

static void must_refuse(enum eer_status status, const struct eer_error *error, const char *words)
{
    cr_expect(status == EER_FORMAT, "accepted, where \"%s\" was expected", words);
    if (status == EER_OK)
        return;
    cr_expect(error->status == status && strncmp(error->text, "file.x: ", 8) == 0, "\"%s\"",
              error->text);
    cr_expect(strstr(error->text, words) != NULL, "\"%s\" does not say \"%s\"", error->text, words);
    for (const char *c = error->text; *c; c++)
        cr_expect(*c >= ' ' && *c <= '~');
}

Test(npy, other_headers_are_refused)
{
    static const struct {
        const char *dictionary, *words;
    } cases[] = {
        {DICTIONARY(">f8", "(1, 1)"), "dtype \">f8\": expected \"<f4\" or \"<f8\""},
        {DICTIONARY("<i8", "(1, 1)"), "dtype \"<i8\""},
        {DICTIONARY("|O", "(1, 1)"), "dtype \"|O\""},
        {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1, 1)}", "dtype"},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1)}", "expected C order"},
        {"{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1, 1)}", "fortran_order"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), 'x': 1}", "key \"x\""},
        {"{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}", "each once"},
        {"{'descr': '<f8', 'shape': (1, 1)}", "each once"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)} x", "end with }"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)", "end with }"},
        {"{'descr': '<f8", "dtype"},
        {"", "begin with {"},
        {"[]", "begin with {"},
        {DICTIONARY("<f8", "()"), "0 dimensions: expected 2"},
        {DICTIONARY("<f8", "(1,)"), "1 dimensions"},
        {DICTIONARY("<f8", "(1, 1, 1)"), "3 dimensions"},
        {DICTIONARY("<f8", "(-1, 1)"), "expected (rows, columns)"},
        {DICTIONARY("<f8", "(0, 1)"), "0 rows of 1 numbers: expected 1 to 1000 rows of 1 to 512"},
        {DICTIONARY("<f8", "(1, 0)"), "1 rows of 0"},
        {DICTIONARY("<f8", "(1000000, 8)"), "1000000 rows of 8"},
        {DICTIONARY("<f8", "(4294967297, 4294967297)"), "4294967297 rows"},
        {DICTIONARY("<f8", "(99999999999999999999999, 1)"), "rows of 1"},
        {DICTIONARY("<f8", "(2, 1)"), "8 bytes of numbers: expected 16"},
        {DICTIONARY("<f4", "(1, 1)"), "8 bytes of numbers: expected 4"},
    };
    const double number = 1.0;
    unsigned char *bytes = malloc(ROOM);
    struct eer_npy npy;
    struct eer_error error;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        size_t size = compose(bytes, 1, cases[k].dictionary, &number, sizeof number);
        must_refuse(eer_npy_parse(bytes, size, "file.x", MOST_ROWS, MOST_COLUMNS, &npy, &error),
                    &error, cases[k].words);
        cr_expect(npy.values == NULL);
    }
    free(bytes);
}

Test(npy, numbers_have_to_be_finite)
{
    double numbers[] = {1, 2, 3, 4};
    unsigned char *bytes = malloc(ROOM);
    struct eer_npy npy;
    struct eer_error error;
    numbers[2] = NAN;
    size_t size = compose(bytes, 1, DICTIONARY("<f8", "(2, 2)"), numbers, sizeof numbers);
    must_refuse(eer_npy_parse(bytes, size, "file.x", MOST_ROWS, MOST_COLUMNS, &npy, &error), &error,
                "row 1, column 0 is NaN: expected a number");
    numbers[2] = -INFINITY;
    size = compose(bytes, 1, DICTIONARY("<f8", "(2, 2)"), numbers, sizeof numbers);
    must_refuse(eer_npy_parse(bytes, size, "file.x", MOST_ROWS, MOST_COLUMNS, &npy, &error), &error,
                "row 1, column 0 is infinite");
    free(bytes);
}

/* Cut after any byte, or with any byte of the header changed: refused or read, never worse; whole
 * only uncut. */
Test(npy, every_cut_is_refused)
{
    const double numbers[] = {1, 2};
    unsigned char *bytes = malloc(ROOM), *copy;
    struct eer_npy npy;
    struct eer_error error;
    size_t size = compose(bytes, 2, DICTIONARY("<f8", "(1, 2)"), numbers, sizeof numbers);
    for (size_t cut = 0; cut < size; cut++) {
        copy = malloc(cut > 0 ? cut : 1); /* so that reading on is seen */
        memcpy(copy, bytes, cut);
        must_refuse(eer_npy_parse(copy, cut, "file.x", MOST_ROWS, MOST_COLUMNS, &npy, &error),
                    &error, "expected");
        free(copy);
    }
    for (size_t i = 0; i < size; i++)
        for (int value = 0; value < 256; value += 5) {
            unsigned char before = bytes[i];
            bytes[i] = (unsigned char)value;
            if (eer_npy_parse(bytes, size, "file.x", MOST_ROWS, MOST_COLUMNS, &npy, &error) ==
                EER_OK)
                eer_npy_free(&npy);
            bytes[i] = before;
        }
    bytes[6] = 3;
    must_refuse(eer_npy_parse(bytes, size, "file.x", MOST_ROWS, MOST_COLUMNS, &npy, &error), &error,
                "version 3.0 of NumPy's format: expected 1.0 or 2.0");
    free(bytes);
}

Test(npy, files_that_are_none)
{
    struct eer_npy npy;
    struct eer_weights_file weights;
    struct eer_error error;
    cr_expect(eer_npy_read("/nonexistent/x", MOST_ROWS, MOST_COLUMNS, &npy, &error) == EER_IO);
    cr_expect(eer_npy_read("/tmp", MOST_ROWS, MOST_COLUMNS, &npy, &error) == EER_FORMAT);
    cr_expect(eer_weights_read("/nonexistent/x", MOST_COLUMNS, &weights, &error) == EER_IO);
    cr_expect(eer_weights_read("/tmp", MOST_COLUMNS, &weights, &error) == EER_FORMAT);
}

/* --- weights ------------------------------------------------------------------------------------
 */

static size_t compose_weights(unsigned char *bytes, const char *header, const void *numbers,
                              size_t size)
{
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((unsigned long long)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, numbers, size);
    return 8 + length + size;
}

#define TENSOR(name, type, shape, from, to)                                                        \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
#define QK TENSOR("W_Q", "F64", "[1,1]", "0", "8") "," TENSOR("W_K", "F64", "[1,1]", "8", "16")

Test(weights, three_matrices_are_read)
{
    const double numbers[] = {1.5, -2.5, 3.25};
    unsigned char *bytes = malloc(ROOM);
    struct eer_weights_file w;
    struct eer_error error;
    size_t size = compose_weights(bytes,
                                  "{\"__metadata__\":{},\"other\":{}," QK
                                  "," TENSOR("W_V", "F64", "[1,1]", "16", "24") "}",
                                  numbers, sizeof numbers);
    cr_assert(eer_weights_parse(bytes, size, "x", MOST_COLUMNS, &w, &error) == EER_OK);
    cr_expect(w.d == 1 && w.W_Q[0] == 1.5 && w.W_K[0] == -2.5 && w.W_V[0] == 3.25);
    eer_weights_free(&w);
    free(bytes);
}

Test(weights, others_are_refused)
{
    static const struct {
        const char *header, *words;
    } cases[] = {
        {"{" QK "}", "no tensor \"W_V\": expected W_Q, W_K and W_V"},
        {"{" QK "," TENSOR("W_V", "BF16", "[1,1]", "16", "24") "}", "expected dtype F32 or F64"},
        {"{" QK "," TENSOR("W_V", "F64", "[1]", "16", "24") "}", "two dimensions"},
        {"{" QK "," TENSOR("W_V", "F64", "[1,2]", "16", "24") "}", "1 x 2: expected d x d"},
        {"{" QK "," TENSOR("W_V", "F64", "[2,2]", "16", "24") "}", "2 x 2: expected d x d"},
        {"{" QK "," TENSOR("W_V", "F64", "[0,0]", "16", "16") "}", "0 x 0"},
        {"{" QK "," TENSOR("W_V", "F64", "[1000,1000]", "16", "24") "}", "1000 x 1000"},
        {"{" QK "," TENSOR("W_V", "F64", "[1,1]", "16", "32") "}",
         "offsets 16 to 32: expected 8 bytes"},
        {"{" QK "," TENSOR("W_V", "F64", "[1,1]", "-8", "0") "}", "offsets -8 to 0"},
        {"{" QK "," TENSOR("W_V", "F64", "[1,1]", "24", "16") "}", "offsets 24 to 16"},
        {"{" QK "," TENSOR("W_V", "F64", "[1,1]", "9223372036854775800", "9223372036854775807") "}",
         "offsets"},
        {"{" QK "," QK "}", "header, byte"},
        {"{" QK, "header, byte"},
        {"[]", "begin with {"},
    };
    const double numbers[] = {1, 2, 3};
    unsigned char *bytes = malloc(ROOM);
    struct eer_weights_file w;
    struct eer_error error;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        size_t size = compose_weights(bytes, cases[k].header, numbers, sizeof numbers);
        must_refuse(eer_weights_parse(bytes, size, "file.x", MOST_COLUMNS, &w, &error), &error,
                    cases[k].words);
        cr_expect(w.W_Q == NULL);
    }
    const double infinite[] = {1, INFINITY, 3};
    size_t size = compose_weights(bytes, "{" QK "," TENSOR("W_V", "F64", "[1,1]", "16", "24") "}",
                                  infinite, sizeof infinite);
    must_refuse(eer_weights_parse(bytes, size, "file.x", MOST_COLUMNS, &w, &error), &error,
                "tensor \"W_K\": row 0, column 0 is infinite");
    cr_expect(w.W_Q == NULL);
    must_refuse(eer_weights_parse(bytes, 7, "file.x", MOST_COLUMNS, &w, &error), &error,
                "expected a safetensors file");
    free(bytes);
}
