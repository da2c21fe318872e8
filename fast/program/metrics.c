#include "metrics.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"

const int eer_progress_length[EER_PROGRESS_LENGTHS] = {10, 100, 1000};

/* X(name, place in struct eer_row): the numbers of a row, in their order in the file. */
#define REALS(X)                                                                                   \
    X("loss", terms.total)                                                                         \
    X("task", terms.task)                                                                          \
    X("entropy", terms.entropy)                                                                    \
    X("potential", terms.potential)                                                                \
    X("kinetic", terms.kinetic)                                                                    \
    X("entropy_penalty", terms.entropy_penalty)                                                    \
    X("train_right", terms.correct)                                                                \
    X("train_counted", terms.counted)                                                              \
    X("accuracy_10", accuracy[0])                                                                  \
    X("accuracy_100", accuracy[1])                                                                 \
    X("accuracy_1000", accuracy[2])                                                                \
    X("lr", lr)                                                                                    \
    X("lambda_P", weights.lambda_P)                                                                \
    X("lambda_K", weights.lambda_K)                                                                \
    X("lambda_S", weights.lambda_S)                                                                \
    X("seconds", seconds)                                                                          \
    X("steps_per_second", steps_per_second)

static enum eer_status refused(const struct eer_metrics *metrics, const char *what,
                               struct eer_error *error)
{
    return eer_fail(error, EER_IO, "%.300s: cannot %s: %s", metrics->path, what, strerror(errno));
}

static int read_whole(const json_t *object, const char *name, int *value)
{
    const json_t *number = json_object_get(object, name);
    *value = (int)json_integer_value(number);
    return json_is_integer(number);
}

static int read_real(const json_t *object, const char *name, double *value)
{
    const json_t *number = json_object_get(object, name);
    *value = json_number_value(number);
    return json_is_number(number);
}

static int parse(const char *line, size_t length, struct eer_row *row)
{
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    int right =
        read_whole(object, "step", &row->step) && read_whole(object, "length", &row->length);
#define READ(name, place) right = right && read_real(object, name, &row->place);
    REALS(READ)
#undef READ
    json_decref(object);
    return right;
}

/* Reads the rows of a step <= `step` one by one into *row; *end is where the last of them ends.
 * rows, if not NULL, grows to hold them all. */
static enum eer_status scan(const struct eer_metrics *metrics, int step, struct eer_row *last,
                            struct eer_row **rows, int *count, long *end, struct eer_error *error)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    enum eer_status status = EER_OK;
    for (int number = 1; (length = getline(&line, &room, metrics->file)) > 0; number++) {
        struct eer_row row;
        if (line[length - 1] != '\n')
            break; /* cut short by a kill or a full disk */
        if (!parse(line, (size_t)length, &row)) {
            status = eer_fail(error, EER_FORMAT, "%.300s:%d: not a row of metrics", metrics->path,
                              number);
            break;
        }
        if (row.step > step)
            break;
        *last = row;
        *end += length;
        if (rows && (number & (number - 1)) == 0) {
            struct eer_row *more = realloc(*rows, 2 * (size_t)number * sizeof row);
            if (!more) {
                status = eer_fail(error, EER_NO_MEMORY, "no memory for %d rows", number);
                break;
            }
            *rows = more;
        }
        if (rows)
            (*rows)[*count] = row;
        ++*count;
    }
    free(line);
    return status;
}

enum eer_status eer_metrics_open(struct eer_metrics *metrics, const char *directory, int step,
                                 struct eer_row *last, struct eer_error *error)
{
    long end = 0;
    int count = 0;
    memset(last, 0, sizeof *last);
    snprintf(metrics->path, sizeof metrics->path, "%s/metrics.jsonl", directory);
    metrics->file = fopen(metrics->path, "a+");
    if (!metrics->file)
        return refused(metrics, "open", error);
    rewind(metrics->file);
    enum eer_status status = scan(metrics, step, last, NULL, &count, &end, error);
    if (status == EER_OK && ftruncate(fileno(metrics->file), end) != 0)
        status = refused(metrics, "cut off", error);
    if (status == EER_OK && fseek(metrics->file, 0, SEEK_END) != 0)
        status = refused(metrics, "go to the end", error);
    if (status != EER_OK)
        fclose(metrics->file);
    return status;
}

enum eer_status eer_metrics_write(struct eer_metrics *metrics, const struct eer_row *row,
                                  struct eer_error *error)
{
    json_t *object = json_pack("{si si}", "step", row->step, "length", row->length);
#define WRITE(name, place) json_object_set_new(object, name, json_real(row->place));
    REALS(WRITE)
#undef WRITE
    char *line = json_dumps(object, JSON_REAL_PRECISION(10) | JSON_PRESERVE_ORDER);
    json_decref(object);
    if (!line)
        return eer_fail(error, EER_NO_MEMORY, "no memory for a row of metrics");
    int written = fprintf(metrics->file, "%s\n", line) > 0 && fflush(metrics->file) == 0 &&
                  (fsync(fileno(metrics->file)) == 0 || errno == EINVAL);
    free(line);
    return written ? EER_OK : refused(metrics, "write", error);
}

enum eer_status eer_metrics_close(struct eer_metrics *metrics, struct eer_error *error)
{
    return fclose(metrics->file) == 0 ? EER_OK : refused(metrics, "close", error);
}

enum eer_status eer_metrics_read(const char *directory, struct eer_row **rows, int *count,
                                 struct eer_error *error)
{
    struct eer_metrics metrics;
    struct eer_row last;
    long end = 0;
    *rows = NULL;
    *count = 0;
    snprintf(metrics.path, sizeof metrics.path, "%s/metrics.jsonl", directory);
    metrics.file = fopen(metrics.path, "r");
    if (!metrics.file)
        return refused(&metrics, "open", error);
    enum eer_status status = scan(&metrics, EER_MAX_STEPS, &last, rows, count, &end, error);
    fclose(metrics.file);
    if (status != EER_OK) {
        free(*rows);
        *rows = NULL;
    }
    return status;
}
