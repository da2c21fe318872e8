/* metrics.jsonl: rows come back, and what a kill or a later checkpoint leaves behind is cut off. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../fast/program/metrics.h"

static char directory[] = "/tmp/eer_metrics_XXXXXX";
static struct eer_error error;

static void path(char text[64])
{
    snprintf(text, 64, "%s/metrics.jsonl", directory);
}

static void begin(void)
{
    cr_assert(mkdtemp(directory));
}

static void end(void)
{
    char file[64];
    path(file);
    unlink(file);
    rmdir(directory);
}

TestSuite(metrics, .init = begin, .fini = end);

/* Opens up to `step`, adds a row for each of `count` steps from `first` on, and closes. */
static struct eer_row add(int step, int first, int count)
{
    struct eer_metrics metrics;
    struct eer_row last;
    cr_assert_eq(eer_metrics_open(&metrics, directory, step, &last, &error), EER_OK, "%s",
                 error.text);
    for (int i = first; i < first + count; i++) {
        struct eer_row row = {
            .step = i, .length = 16, .accuracy = {1, 2, 99.5}, .seconds = i / 8.0};
        row.terms.total = 0.1;
        cr_assert_eq(eer_metrics_write(&metrics, &row, &error), EER_OK, "%s", error.text);
    }
    cr_assert_eq(eer_metrics_close(&metrics, &error), EER_OK);
    return last;
}

static void append(const char *text)
{
    char file[64];
    path(file);
    FILE *f = fopen(file, "a");
    fputs(text, f);
    fclose(f);
}

static int count_rows(struct eer_row *last)
{
    struct eer_row *rows;
    int count;
    cr_assert_eq(eer_metrics_read(directory, &rows, &count, &error), EER_OK, "%s", error.text);
    if (count > 0)
        *last = rows[count - 1];
    free(rows);
    return count;
}

Test(metrics, rows_come_back)
{
    struct eer_row last;
    add(-1, 0, 20);
    cr_assert_eq(count_rows(&last), 20);
    cr_assert_eq(last.step, 19);
    cr_assert_eq(last.length, 16);
    cr_assert(last.terms.total == 0.1 && last.accuracy[2] == 99.5 && last.seconds == 19 / 8.0);
}

Test(metrics, rows_after_the_checkpoint_go)
{
    struct eer_row last;
    add(-1, 0, 10);
    last = add(6, 7, 1);
    cr_assert_eq(last.step, 6);
    cr_assert(last.seconds == 6 / 8.0);
    cr_assert_eq(count_rows(&last), 8);
    cr_assert_eq(last.step, 7);
}

Test(metrics, a_line_without_its_end_goes)
{
    struct eer_row last;
    add(-1, 0, 3);
    append("{\"step\": 3, \"len");
    cr_assert_eq(count_rows(&last), 3);
    add(100, 3, 1);
    cr_assert_eq(count_rows(&last), 4);
}

Test(metrics, a_new_run_empties_the_file)
{
    struct eer_row last;
    add(-1, 0, 3);
    last = add(-1, 0, 1);
    cr_assert_eq(last.step, 0);
    cr_assert(last.seconds == 0.0);
    cr_assert_eq(count_rows(&last), 1);
}

Test(metrics, a_line_that_is_no_row_is_named)
{
    struct eer_metrics metrics;
    struct eer_row last;
    add(-1, 0, 2);
    append("{\"step\": 2}\n");
    cr_assert_eq(eer_metrics_open(&metrics, directory, 9, &last, &error), EER_FORMAT);
    cr_assert(strstr(error.text, "metrics.jsonl:3: not a row"), "%s", error.text);
}

Test(metrics, a_full_disk_is_reported)
{
    struct eer_metrics metrics = {.file = fopen("/dev/full", "w"), .path = "full"};
    struct eer_row row = {.step = 1};
    cr_assert_eq(eer_metrics_write(&metrics, &row, &error), EER_IO);
    cr_assert(strstr(error.text, "full: cannot write: No space left"), "%s", error.text);
    fclose(metrics.file);
}
