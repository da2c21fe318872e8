/* ref.h - the reference: the model, its loss, its gradient and the optimiser in double precision.
 *
 * One file for each object of spec/model.md, whose symbols are used and whose sections are cited in
 * brackets. Matrices are row-major and flat, outputs stand first and sizes last, the caller owns
 * all memory. The contracts (ACSL) stand beside the declarations, loop invariants beside the loops,
 * in the language of formulas.h. The lemmas_*.h say what the solvers need to be told, and are
 * included only where they are: each lemma is in the context of every obligation of the file. */
#ifndef EER_REF_H
#define EER_REF_H

#include "types.h"     /* the tensors, the memory */
#include "contracts.h" /* the vocabulary of the contracts */

#include "libm.h"   /* the mathematical library, wrapped */
#include "vector.h" /* sums and copies */
#include "matmul.h" /* every matrix product */

#include "rng.h"  /* random numbers */
#include "task.h" /* sequences and labels [2] */
#include "init.h" /* initial parameters [3.6] */

#include "tensors.h"    /* theta by names [3.5] */
#include "position.h"   /* the input X [3.1] */
#include "layer_norm.h" /* layer norm [3.2] */
#include "softmax.h"    /* softmax, potential, Tsallis entropy [3.3, 4.3, 4.4] */
#include "attention.h"  /* attention of a row [3.3] */
#include "mlp.h"        /* the MLP of a row [3.3] */
#include "block.h"      /* the frame of half an iteration [3.3] */
#include "read_out.h"   /* logits [3.4] */
#include "loss.h"       /* the parts of the loss [4] */

#include "matrix_norm.h" /* norms of matrices */
#include "bound.h"       /* the contraction bound of theorem 3.2.1 [theorem.md] */

#include "loop.h"     /* forward: T iterations */
#include "backward.h" /* back through them [5.5] */
#include "gradient.h" /* loss and gradient of a batch [5] */
#include "predict.h"  /* predicted classes */
#include "adamw.h"    /* the optimiser [5.7] */

#endif
