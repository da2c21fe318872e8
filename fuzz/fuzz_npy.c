/* Fuzzes the readers of matrices from elsewhere: any bytes are either refused with a sentence and
 * without memory kept, or are a matrix of finite numbers of the size that the file has. */
#include <math.h>
#include <stdlib.h>

#include "../fast/program/npy.h"
#include "../fast/program/weights.h"

enum { MOST_ROWS = 40, MOST_COLUMNS = 20 };

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

static void must_be_a_sentence(enum eer_status status, const struct eer_error *error)
{
    must(status == EER_FORMAT && error->status == status && error->text[0] == 'x');
    for (const char *c = error->text; *c != '\0'; c++)
        must(*c >= ' ' && *c <= '~');
}

static void must_be_finite(const double *x, int count)
{
    for (int i = 0; i < count; i++)
        must(isfinite(x[i]));
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct eer_npy npy;
    struct eer_weights_file weights;
    struct eer_error error = {EER_OK, ""};
    enum eer_status status = eer_npy_parse(bytes, size, "x", MOST_ROWS, MOST_COLUMNS, &npy, &error);
    if (status == EER_OK) {
        must(npy.rows >= 1 && npy.rows <= MOST_ROWS && npy.columns >= 1 &&
             npy.columns <= MOST_COLUMNS);
        must_be_finite(npy.values, npy.rows * npy.columns);
        eer_npy_free(&npy);
    } else {
        must_be_a_sentence(status, &error);
        must(npy.values == NULL);
    }
    status = eer_weights_parse(bytes, size, "x", MOST_COLUMNS, &weights, &error);
    if (status == EER_OK) {
        must(weights.d >= 1 && weights.d <= MOST_COLUMNS);
        must_be_finite(weights.W_Q, 3 * weights.d * weights.d);
        eer_weights_free(&weights);
    } else {
        must_be_a_sentence(status, &error);
        must(weights.W_Q == NULL);
    }
    return 0;
}
