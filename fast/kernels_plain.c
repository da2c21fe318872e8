/* kernels_plain.c - the kernels in plain C: any machine. */
#define WIDTH    4
#define TABLE    fast_kernels_plain
#define ISA_NAME "plain"
#include "kernels_body.h"
