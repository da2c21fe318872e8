/* table2.h - the paper's Table 2, as printed: its one training run, by "epoch", which fits one
 * step. */
#ifndef EER_TABLE2_H
#define EER_TABLE2_H

struct eer_table2_row {
    int step;
    double entropy, potential;
    double accuracy[3]; /* per cent, at L = 10, 100, 1000 */
    double kinetic;
};

enum { EER_TABLE2_ROWS = 21, EER_TABLE2_BEST = 19 }; /* the best L = 1000: step 9500 */
extern const struct eer_table2_row eer_table2[EER_TABLE2_ROWS];

/* The row of a step, or a null pointer. */
const struct eer_table2_row *eer_table2_at(int step);

#endif
