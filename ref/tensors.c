/* tensors.c - the tensors of theta, or of its gradient, by their names. */
#include "ref.h"

/* The sizes of the tensors one by one: lemmas_layout.h has their sum. */
/*@ lemma elements_wide{L}: \forall struct eer_config *c, integer t;
      eer_elements(c, t) == eer_rows(c, t) * eer_width(c, t);
    lemma shape_E{L}: \forall struct eer_config *c;
      eer_rows(c, EER_EMBEDDING) == c->vocab + c->bos && eer_width(c, EER_EMBEDDING) == c->d;
    lemma elements_E{L}: \forall struct eer_config *c;
      eer_elements(c, EER_EMBEDDING) == (c->vocab + c->bos) * c->d;
    lemma shape_Q{L}: \forall struct eer_config *c;
      eer_rows(c, EER_W_Q) == c->d && eer_width(c, EER_W_Q) == c->d;
    lemma elements_Q{L}: \forall struct eer_config *c;
      eer_elements(c, EER_W_Q) == c->d * c->d;
    lemma shape_K{L}: \forall struct eer_config *c;
      eer_rows(c, EER_W_K) == c->d && eer_width(c, EER_W_K) == c->d;
    lemma elements_K{L}: \forall struct eer_config *c;
      eer_elements(c, EER_W_K) == c->d * c->d;
    lemma shape_V{L}: \forall struct eer_config *c;
      eer_rows(c, EER_W_V) == c->d && eer_width(c, EER_W_V) == c->d;
    lemma elements_V{L}: \forall struct eer_config *c;
      eer_elements(c, EER_W_V) == c->d * c->d;
    lemma shape_gain_1{L}: \forall struct eer_config *c;
      eer_rows(c, EER_LN1_GAIN) == (c->norm == EER_NORM_NONE ? 0 : 1) &&
      eer_width(c, EER_LN1_GAIN) == c->d;
    lemma elements_gain_1{L}: \forall struct eer_config *c;
      eer_elements(c, EER_LN1_GAIN) == gains(c);
    lemma shape_bias_1{L}: \forall struct eer_config *c;
      eer_rows(c, EER_LN1_BIAS) == (c->norm == EER_NORM_NONE ? 0 : 1) &&
      eer_width(c, EER_LN1_BIAS) == c->d;
    lemma elements_bias_1{L}: \forall struct eer_config *c;
      eer_elements(c, EER_LN1_BIAS) == gains(c);
    lemma shape_gain_2{L}: \forall struct eer_config *c;
      eer_rows(c, EER_LN2_GAIN) == (c->norm == EER_NORM_NONE || c->mlp == 0 ? 0 : 1) &&
      eer_width(c, EER_LN2_GAIN) == c->d;
    lemma elements_gain_2{L}: \forall struct eer_config *c;
      eer_elements(c, EER_LN2_GAIN) == gains_2(c);
    lemma shape_bias_2{L}: \forall struct eer_config *c;
      eer_rows(c, EER_LN2_BIAS) == (c->norm == EER_NORM_NONE || c->mlp == 0 ? 0 : 1) &&
      eer_width(c, EER_LN2_BIAS) == c->d;
    lemma elements_bias_2{L}: \forall struct eer_config *c;
      eer_elements(c, EER_LN2_BIAS) == gains_2(c);
    lemma shape_W_1{L}: \forall struct eer_config *c;
      eer_rows(c, EER_W_1) == (c->mlp == 0 ? 0 : c->d) && eer_width(c, EER_W_1) == c->mlp;
    lemma elements_W_1{L}: \forall struct eer_config *c;
      eer_elements(c, EER_W_1) == c->d * c->mlp;
    lemma shape_b_1{L}: \forall struct eer_config *c;
      eer_rows(c, EER_B_1) == (c->mlp == 0 ? 0 : 1) && eer_width(c, EER_B_1) == c->mlp;
    lemma elements_b_1{L}: \forall struct eer_config *c;
      eer_elements(c, EER_B_1) == c->mlp;
    lemma shape_W_2{L}: \forall struct eer_config *c;
      eer_rows(c, EER_W_2) == c->mlp && eer_width(c, EER_W_2) == c->d;
    lemma elements_W_2{L}: \forall struct eer_config *c;
      eer_elements(c, EER_W_2) == c->mlp * c->d;
    lemma shape_b_2{L}: \forall struct eer_config *c;
      eer_rows(c, EER_B_2) == (c->mlp == 0 ? 0 : 1) && eer_width(c, EER_B_2) == c->d;
    lemma elements_b_2{L}: \forall struct eer_config *c;
      eer_elements(c, EER_B_2) == outputs_2(c);
    lemma shape_gain_f{L}: \forall struct eer_config *c;
      eer_rows(c, EER_LNF_GAIN) == c->final_norm && eer_width(c, EER_LNF_GAIN) == c->d;
    lemma elements_gain_f{L}: \forall struct eer_config *c; sizes(c) ==>
      eer_elements(c, EER_LNF_GAIN) == gains_f(c);
    lemma shape_bias_f{L}: \forall struct eer_config *c;
      eer_rows(c, EER_LNF_BIAS) == c->final_norm && eer_width(c, EER_LNF_BIAS) == c->d;
    lemma elements_bias_f{L}: \forall struct eer_config *c; sizes(c) ==>
      eer_elements(c, EER_LNF_BIAS) == gains_f(c);
    lemma shape_W_O{L}: \forall struct eer_config *c;
      eer_rows(c, EER_W_O) == c->d && eer_width(c, EER_W_O) == c->vocab + 1;
    lemma elements_W_O{L}: \forall struct eer_config *c;
      eer_elements(c, EER_W_O) == c->d * (c->vocab + 1);
    lemma shape_b_O{L}: \forall struct eer_config *c;
      eer_rows(c, EER_B_O) == 1 && eer_width(c, EER_B_O) == c->vocab + 1;
    lemma elements_b_O{L}: \forall struct eer_config *c;
      eer_elements(c, EER_B_O) == c->vocab + 1;
    lemma offset_4{L}: \forall struct eer_config *c; eer_offset(c, 4) ==
      eer_elements(c, 0) + eer_elements(c, 1) +
      eer_elements(c, 2) + eer_elements(c, 3);
    lemma offset_8{L}: \forall struct eer_config *c; eer_offset(c, 8) ==
      eer_offset(c, 4) + eer_elements(c, 4) + eer_elements(c, 5) +
      eer_elements(c, 6) + eer_elements(c, 7);
    lemma offset_12{L}: \forall struct eer_config *c; eer_offset(c, 12) ==
      eer_offset(c, 8) + eer_elements(c, 8) + eer_elements(c, 9) +
      eer_elements(c, 10) + eer_elements(c, 11);
    lemma offset_16{L}: \forall struct eer_config *c; eer_offset(c, 16) ==
      eer_offset(c, 12) + eer_elements(c, 12) + eer_elements(c, 13) +
      eer_elements(c, 14) + eer_elements(c, 15); */

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
