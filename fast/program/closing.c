#include "closing.h"

#include <stdio.h>

#include "fresh.h"
#include "table2.h"

enum { LENGTHS = 4, IN_PAPER = 3 };
static const int lengths[LENGTHS] = {10, 100, 1000, 10000};
static const int sequences[LENGTHS] = {100, 100, 32, 4};
static const double patience = 60.0; /* seconds for one length */

static void print_row(const struct eer_accuracy *a, int i)
{
    printf("%7d  %9d   %8.3f   [%8.3f, %8.3f]", a->length, a->sequences, eer_percent(a->positions),
           100.0 * a->low, 100.0 * a->high);
    if (i < IN_PAPER)
        printf("   %9.1f   %9.1f\n", eer_table2[EER_TABLE2_BEST].accuracy[i],
               eer_table2[EER_TABLE2_ROWS - 1].accuracy[i]);
    else
        printf("   %9s   %9s\n", "-", "-");
}

enum eer_status eer_closing_table(const struct eer_execution *execution,
                                  const struct eer_checkpoint *checkpoint, struct eer_error *error)
{
    struct eer_fresh fresh = {.count = LENGTHS,
                              .seed = checkpoint->config.seed,
                              .loops = checkpoint->config.loops,
                              .patience = patience};
    for (int i = 0; i < LENGTHS; i++) {
        fresh.length[i] = lengths[i];
        fresh.sequences[i] = sequences[i];
    }
    enum eer_status status = eer_fresh_measure(execution, checkpoint, &fresh, error);
    if (status != EER_OK)
        return status;
    printf("\nAccuracy on fresh sequences after step %d, per cent\n\n", checkpoint->state.step);
    printf("                                                  the paper's (Table 2)\n");
    printf(" length  sequences   accuracy   95 %% interval           best, %4d  last, %5d\n",
           eer_table2[EER_TABLE2_BEST].step, eer_table2[EER_TABLE2_ROWS - 1].step);
    for (int i = 0; i < fresh.measured; i++)
        print_row(&fresh.accuracy[i], i);
    if (fresh.measured < fresh.count)
        printf("Longer ones would take over a minute here: eer eval does them.\n");
    printf("\n%s\n", eer_fresh_note);
    return EER_OK;
}
