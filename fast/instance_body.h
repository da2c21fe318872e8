/* instance_body.h - one instance of all kernels, for the D, TF and NAME of kernels_body.h. */
#include "blocks_body.h"
#include "rows_body.h"
#include "train_body.h"
#include "evaluate_body.h"
#undef SHARED_LOOP
#undef UNROLL_D
#undef ROW
#undef LOAD_ROWS
#undef CALL_HALF
#undef CALL_ROWS
#undef BY_FOUR
#undef BY_TWO
