/* instance_body.h - one instance of all kernels, for the D, TF and NAME of kernels_body.h. */
#include "blocks_body.h"
#include "rows_body.h"
#include "train_body.h"
#include "evaluate_body.h"
#undef SHARED_LOOP
#undef LOAD_ROWS
