/* cuda.h - the backend "cuda" as the program sees it: a library of its own, eer-cuda.so, which
 * open() loads; a build and a machine without CUDA have everything else. */
#ifndef EER_CUDA_H
#define EER_CUDA_H

#include "../../spec/backend.h"

/* open() looks for the library where the environment's EER_CUDA_LIBRARY says, then beside the
 * program, then in ../lib/eer from there. EER_UNAVAILABLE if there is none that was built from the
 * program's own sources. */
extern const struct eer_backend eer_cuda_backend;

#endif
