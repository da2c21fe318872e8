/* tensors.c - the tensors of theta, or of its gradient, by their names. */
#include "ref.h"
#include "lemmas_layout.h"

void ref_tensors(struct ref_tensors *w, const struct eer_layout *layout, double *theta)
{
    w->E = theta + layout->offset[EER_EMBEDDING];
    w->W_Q = theta + layout->offset[EER_W_Q];
    w->W_K = theta + layout->offset[EER_W_K];
    w->W_V = theta + layout->offset[EER_W_V];
    w->gain_1 = theta + layout->offset[EER_LN1_GAIN];
    w->bias_1 = theta + layout->offset[EER_LN1_BIAS];
    w->gain_2 = theta + layout->offset[EER_LN2_GAIN];
    w->bias_2 = theta + layout->offset[EER_LN2_BIAS];
    w->W_1 = theta + layout->offset[EER_W_1];
    w->b_1 = theta + layout->offset[EER_B_1];
    w->W_2 = theta + layout->offset[EER_W_2];
    w->b_2 = theta + layout->offset[EER_B_2];
    w->gain_f = theta + layout->offset[EER_LNF_GAIN];
    w->bias_f = theta + layout->offset[EER_LNF_BIAS];
    w->W_O = theta + layout->offset[EER_W_O];
    w->b_O = theta + layout->offset[EER_B_O];
}
