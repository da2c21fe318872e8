/* kernels_avx512.c - the kernels for AVX-512 (F, BW, DQ, VL). */
#ifdef __x86_64__
#define WIDTH    16
#define TABLE    fast_kernels_avx512
#define ISA_NAME "avx512"
#include "kernels_body.h"
#endif
