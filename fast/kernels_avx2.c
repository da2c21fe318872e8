/* kernels_avx2.c - the kernels for AVX2 with FMA. */
#ifdef __x86_64__
#define WIDTH    8
#define TABLE    fast_kernels_avx2
#define ISA_NAME "avx2"
#include "kernels_body.h"
#endif
