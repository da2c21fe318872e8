/* sweep_table.h - what became of the models of a sweep: a line each, and mean, median, least and
 * largest of those that reached the end; then why the others did not. */
#ifndef EER_SWEEP_TABLE_H
#define EER_SWEEP_TABLE_H

#include <stdio.h>

#include "training.h"

/* Returns how many stopped before the end. */
int eer_sweep_table(FILE *, struct eer_training *const *, int models);

#endif
