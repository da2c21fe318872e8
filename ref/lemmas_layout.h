/* lemmas_layout.h - the sizes of the tensors one by one, and their sum. */
#ifndef EER_REF_LEMMAS_LAYOUT_H
#define EER_REF_LEMMAS_LAYOUT_H

#include "contracts.h"

/*@ lemma eer_rows_same{L1, L2}: \forall struct eer_config *c, integer tensor;
      eer_same_shape{L1, L2}(c) ==> eer_rows{L1}(c, tensor) == eer_rows{L2}(c, tensor);
    lemma eer_columns_same{L1, L2}: \forall struct eer_config *c, integer tensor;
      eer_same_shape{L1, L2}(c) ==> eer_columns{L1}(c, tensor) == eer_columns{L2}(c, tensor);
    lemma eer_elements_same{L1, L2}: \forall struct eer_config *c, integer tensor;
      eer_same_shape{L1, L2}(c) ==> eer_elements{L1}(c, tensor) == eer_elements{L2}(c, tensor);
    lemma eer_offset_same{L1, L2}: \forall struct eer_config *c, integer tensor; 0 <= tensor ==>
      eer_same_shape{L1, L2}(c) ==> eer_offset{L1}(c, tensor) == eer_offset{L2}(c, tensor);
    // 64 * 256, of a matrix of the widest MLP
    lemma eer_elements_few{L}: \forall struct eer_config *c, integer tensor;
      eer_shaped(c) && 0 <= tensor < EER_TENSORS ==> 0 <= eer_elements(c, tensor) <= 16384;
    lemma parameters_shaped{L}: \forall struct eer_config *c; configured(c) ==> eer_shaped(c);
    lemma elements_wide{L}: \forall struct eer_config *c, integer t;
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
    lemma elements_gain_f{L}: \forall struct eer_config *c;
      eer_elements(c, EER_LNF_GAIN) == gains_f(c);
    lemma shape_bias_f{L}: \forall struct eer_config *c;
      eer_rows(c, EER_LNF_BIAS) == c->final_norm && eer_width(c, EER_LNF_BIAS) == c->d;
    lemma elements_bias_f{L}: \forall struct eer_config *c;
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
      eer_elements(c, 14) + eer_elements(c, 15);
    lemma parameters_laid_out{L}: \forall struct eer_config *c; configured(c) ==>
      eer_offset(c, EER_TENSORS) == parameters(c); */

#endif
