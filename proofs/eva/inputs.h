/* inputs.h - how the drivers make inputs of a range, and configurations within spec/config.h. */
#ifndef EER_EVA_INPUTS_H
#define EER_EVA_INPUTS_H

#include "__fc_builtin.h"
#include "ref.h"
#include "facts.h"
#include "ranges.h"

/* Reached at the end of each driver; run.sh requires it: a driver whose inputs contradict each
 * other, or whose function never returns, shows nothing. */
#define END() Frama_C_show_each_end(1)

/* Any value of [least, most]. */
double within(double least, double most);
int whole(int least, int most);

/* n elements of [-bound, bound], or of [least, most], or whole numbers of [least, most]. */
void box(double *x, int n, double bound);
void range(double *x, int n, double least, double most);
void whole_numbers(int *x, int n, int least, int most);

/* n elements are within [-bound, bound]: Eva has to show it. */
void check_box(const double *x, int n, double bound);

/* All keys over their whole range, but sizes and bos as in the preset. */
void any_config(struct eer_config *c);

/* The same, but norm, mask, activation, final_norm, kinetic and form as in the preset. */
void preset_config(struct eer_config *c);

/* Parameters, a gradient and memory for ROWS rows; contents: parameters within WEIGHT; of SHORT
 * rows X within INPUT, two states Z and one R within STATE; everything else within ENTRY, as
 * something before may have left it (to Eva, copies of an interval are not related). */
void any_tensors(struct ref_tensors *w);
void any_gradient(struct ref_tensors *dw);
void any_work(struct ref_work *work);

#endif
