#include "sweep_table.h"

enum { COLUMNS = 1 + EER_PROGRESS_LENGTHS };

static int finished(const struct eer_training *t)
{
    return t->error.status == EER_OK;
}

/* Loss in column 0, then the accuracies. */
static double value(const struct eer_training *t, int column)
{
    return column == 0 ? t->row.terms.total : t->row.accuracy[column - 1];
}

static double mean(struct eer_training *const *all, int models, int column)
{
    double sum = 0.0;
    int count = 0;
    for (int k = 0; k < models; k++)
        if (finished(all[k])) {
            sum += value(all[k], column);
            count++;
        }
    return sum / count;
}

/* The value that `rank` others of those that finished lie below; of equal ones the first does. */
static double ranked(struct eer_training *const *all, int models, int column, int rank)
{
    for (int k = 0; k < models; k++) {
        double x = value(all[k], column);
        int below = 0;
        for (int i = 0; i < models; i++)
            below += finished(all[i]) &&
                     (value(all[i], column) < x || (i < k && !(value(all[i], column) > x)));
        if (finished(all[k]) && below == rank)
            return x;
    }
    return 0.0;
}

static void write_line(FILE *file, const char *name, const char *step, const double x[COLUMNS],
                       const char *note)
{
    fprintf(file, "%6s  %7s  %10.6f  %8.3f  %8.3f  %8.3f%s\n", name, step, x[0], x[1], x[2], x[3],
            note);
}

static void write_statistics(FILE *file, struct eer_training *const *all, int models, int count)
{
    double x[4][COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
        double low = ranked(all, models, c, (count - 1) / 2);
        x[0][c] = mean(all, models, c);
        x[1][c] = (low + ranked(all, models, c, count / 2)) / 2.0;
        x[2][c] = ranked(all, models, c, 0);
        x[3][c] = ranked(all, models, c, count - 1);
    }
    fprintf(file, "\n");
    write_line(file, "mean", "", x[0], "");
    write_line(file, "median", "", x[1], "");
    write_line(file, "min", "", x[2], "");
    write_line(file, "max", "", x[3], "");
}

int eer_sweep_table(FILE *file, struct eer_training *const *all, int models)
{
    int stopped = 0;
    fprintf(file, "Loss and accuracy (per cent, by length) at the last evaluation\n\n");
    fprintf(file, "  seed     step        loss  %8d  %8d  %8d\n", eer_progress_length[0],
            eer_progress_length[1], eer_progress_length[2]);
    for (int k = 0; k < models; k++) {
        char seed[24], step[16];
        double x[COLUMNS];
        snprintf(seed, sizeof seed, "%llu", (unsigned long long)all[k]->checkpoint.config.seed);
        snprintf(step, sizeof step, "%d", all[k]->row.step);
        for (int c = 0; c < COLUMNS; c++)
            x[c] = value(all[k], c);
        write_line(file, seed, step, x, finished(all[k]) ? "" : "  stopped");
        stopped += !finished(all[k]);
    }
    if (stopped < models)
        write_statistics(file, all, models, models - stopped);
    if (stopped > 0)
        fprintf(file, "\n%d of %d models stopped before the end and do not count:\n", stopped,
                models);
    for (int k = 0; k < models; k++)
        if (!finished(all[k]))
            fprintf(file, "seed %llu: %s\n", (unsigned long long)all[k]->checkpoint.config.seed,
                    all[k]->error.text);
    return stopped;
}
