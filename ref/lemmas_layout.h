/* lemmas_layout.h - the sizes of the tensors and their sum; proved with the lemmas of tensors.c. */
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
    lemma parameters_shaped{L}: \forall struct eer_config *c; sizes(c) ==> eer_shaped(c);
    lemma parameters_laid_out{L}: \forall struct eer_config *c; sizes(c) ==>
      eer_offset(c, EER_TENSORS) == parameters(c); */

#endif
