/* report.c - `eer report`: a run's metrics beside the paper's Table 2, and its pictures again. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "fail.h"
#include "metrics.h"
#include "pictures.h"
#include "table2.h"

static const struct eer_option options[] = {{NULL, NULL, NULL}};

enum { TABLE_STEP = 500 };

static void print_pair(double ours, const double *paper, int digits)
{
    printf(" %8.*f", digits, ours);
    if (paper)
        printf(" %8.*f", digits, *paper);
    else
        printf(" %8s", "-");
}

static void print_row(const struct eer_row *r)
{
    const struct eer_table2_row *paper = eer_table2_at(r->step);
    printf("%6d", r->step);
    print_pair(r->terms.entropy, paper ? &paper->entropy : NULL, 4);
    print_pair(r->terms.potential, paper ? &paper->potential : NULL, 4);
    for (int i = 0; i < EER_PROGRESS_LENGTHS; i++)
        print_pair(r->accuracy[i], paper ? &paper->accuracy[i] : NULL, i == 0 ? 1 : 2);
    print_pair(r->terms.kinetic, paper ? &paper->kinetic : NULL, 4);
    printf("\n");
}

static void print_best(const struct eer_row *rows, int count)
{
    const struct eer_row *best = rows;
    for (int i = 1; i < count; i++)
        if (rows[i].accuracy[2] > best->accuracy[2])
            best = &rows[i];
    printf(
        "\nbest L = 1000 %.2f %% (step %d), last %.2f %% (step %d); the paper's %.1f %% (step %d), "
        "%.1f %% (step %d)\n",
        best->accuracy[2], best->step, rows[count - 1].accuracy[2], rows[count - 1].step,
        eer_table2[EER_TABLE2_BEST].accuracy[2], eer_table2[EER_TABLE2_BEST].step,
        eer_table2[EER_TABLE2_ROWS - 1].accuracy[2], eer_table2[EER_TABLE2_ROWS - 1].step);
}

static enum eer_status print_table(const char *directory, struct eer_error *error)
{
    struct eer_row *rows;
    int count;
    enum eer_status status = eer_metrics_read(directory, &rows, &count, error);
    if (status != EER_OK)
        return status;
    if (count == 0) {
        free(rows);
        return eer_fail(error, EER_FORMAT, "%.300s/metrics.jsonl: no row", directory);
    }
    printf("In each pair of columns this run, then the paper's Table 2.\n\n");
    printf("  step           entropy         potential      acc L10, %%     acc L100, %%    acc "
           "L1000, %%           kinetic\n");
    for (int i = 0; i < count; i++)
        if (rows[i].step % TABLE_STEP == 0 || i == count - 1)
            print_row(&rows[i]);
    print_best(rows, count);
    free(rows);
    return EER_OK;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    const char *value = NULL;
    if (eer_option_next(options, argc, argv, &value, error) == EER_OPTION_ERROR)
        return EER_USAGE;
    if (optind + 1 != argc)
        return eer_fail(error, EER_USAGE, "report takes one directory, but %d are given",
                        argc - optind);
    enum eer_status status = print_table(argv[optind], error);
    return status == EER_OK ? eer_pictures(argv[optind], error) : status;
}

const struct eer_command eer_report_command = {
    "report",
    "DIR",
    "Print a run's metrics beside the paper's Table 2 and draw its pictures again.",
    NULL,
    options,
    run,
};
