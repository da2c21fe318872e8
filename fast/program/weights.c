#include "weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "file.h"
#include "safetensors.h"

enum { MATRICES = 3, HEADER_MOST = 1 << 20, FILE_MOST = 1 << 26 };

static const char *const names[MATRICES] = {"W_Q", "W_K", "W_V"};

struct file {
    const char *name; /* for messages */
    json_t *header;
    const unsigned char *data;
    size_t data_size;
};

/* Where a matrix lies; *d is 0 before the first one is known. */
static enum eer_status find(const struct file *file, const char *tensor, int most_d, int *d,
                            const unsigned char **data, int *element_size, struct eer_error *error)
{
    json_t *entry = json_object_get(file->header, tensor);
    const char *type;
    json_int_t rows, columns, from, to;
    if (!entry)
        return eer_fail(error, EER_FORMAT, "%s: no tensor \"%s\": expected W_Q, W_K and W_V",
                        file->name, tensor);
    if (json_unpack(entry, "{s:s, s:[I, I!], s:[I, I!] !}", "dtype", &type, "shape", &rows,
                    &columns, "data_offsets", &from, &to) != 0 ||
        (strcmp(type, "F32") != 0 && strcmp(type, "F64") != 0))
        return eer_fail(error, EER_FORMAT,
                        "%s: tensor \"%s\": expected dtype F32 or F64, two dimensions and two "
                        "offsets",
                        file->name, tensor);
    if (rows != columns || rows < 1 || rows > most_d || (*d != 0 && rows != *d))
        return eer_fail(
            error, EER_FORMAT,
            "%s: tensor \"%s\": %lld x %lld: expected d x d, d from 1 to %d and the same "
            "for all three",
            file->name, tensor, (long long)rows, (long long)columns, most_d);
    *d = (int)rows;
    *element_size = type[1] == '3' ? 4 : 8;
    size_t bytes = (size_t)(rows * rows) * (size_t)*element_size;
    if (from < 0 || to < from || (size_t)to > file->data_size || (size_t)(to - from) != bytes)
        return eer_fail(error, EER_FORMAT,
                        "%s: tensor \"%s\": offsets %lld to %lld: expected %zu bytes within the "
                        "file's %zu",
                        file->name, tensor, (long long)from, (long long)to, bytes, file->data_size);
    *data = file->data + from;
    return EER_OK;
}

static enum eer_status read_matrices(const struct file *file, int most_d,
                                     struct eer_weights_file *weights, struct eer_error *error)
{
    const unsigned char *data[MATRICES];
    int element_size[MATRICES];
    for (int k = 0; k < MATRICES; k++) {
        enum eer_status status =
            find(file, names[k], most_d, &weights->d, &data[k], &element_size[k], error);
        if (status != EER_OK)
            return status;
    }
    size_t count = (size_t)weights->d * (size_t)weights->d;
    weights->W_Q = malloc(MATRICES * count * sizeof *weights->W_Q);
    if (!weights->W_Q)
        return eer_fail(error, EER_NO_MEMORY, "%s: no memory to read it", file->name);
    weights->W_K = weights->W_Q + count;
    weights->W_V = weights->W_K + count;
    for (int k = 0; k < MATRICES; k++)
        for (size_t i = 0; i < count; i++) {
            double x = eer_decode(data[k] + i * (size_t)element_size[k], element_size[k]);
            weights->W_Q[(size_t)k * count + i] = x;
            if (!isfinite(x))
                return eer_fail(error, EER_FORMAT,
                                "%s: tensor \"%s\": row %zu, column %zu is %s: expected a number",
                                file->name, names[k], i / (size_t)weights->d,
                                i % (size_t)weights->d, isnan(x) ? "NaN" : "infinite");
        }
    return EER_OK;
}

enum eer_status eer_weights_parse(const void *bytes, size_t size, const char *name, int most_d,
                                  struct eer_weights_file *weights, struct eer_error *error)
{
    char shown[200];
    struct file file = {.name = shown};
    memset(weights, 0, sizeof *weights);
    snprintf(shown, sizeof shown, "%s", name);
    enum eer_status status = eer_safetensors_header(bytes, size, shown, HEADER_MOST, &file.header,
                                                    &file.data, &file.data_size, error);
    if (status != EER_OK)
        return status;
    status = read_matrices(&file, most_d, weights, error);
    json_decref(file.header);
    if (status != EER_OK)
        eer_weights_free(weights);
    return status;
}

enum eer_status eer_weights_read(const char *path, int most_d, struct eer_weights_file *weights,
                                 struct eer_error *error)
{
    unsigned char *bytes;
    size_t size;
    memset(weights, 0, sizeof *weights);
    enum eer_status status = eer_file_read(path, FILE_MOST, &bytes, &size, error);
    if (status != EER_OK)
        return status;
    status = eer_weights_parse(bytes, size, path, most_d, weights, error);
    free(bytes);
    return status;
}

void eer_weights_free(struct eer_weights_file *weights)
{
    free(weights->W_Q); /* the others lie in the same block */
    memset(weights, 0, sizeof *weights);
}
