/* tensors.c - driver of ref/tensors.c: pointers only. */
#include "inputs.h"

void drive_ref_tensors(void)
{
    struct ref_tensors w;

    any_tensors(&w);
    END();
}
