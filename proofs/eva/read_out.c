/* read_out.c - drivers of ref/read_out.c, with and without the final layer norm. */
#include "inputs.h"

static double logits[CLASSES], dlogits[CLASSES], h[D], z[D], dz[D];
static struct ref_tensors w, dw;

static void any_rows(struct eer_config *c)
{
    any_config(c);
    any_tensors(&w);
    any_gradient(&dw);
    box(z, D, STATE);
    box(h, D, ENTRY);
    box(dlogits, CLASSES, ENTRY);
}

void drive_ref_logits(void)
{
    struct eer_config c;

    any_rows(&c);
    for (c.final_norm = 0; c.final_norm <= 1; c.final_norm++)
        ref_logits(logits, h, z, &w, &c);
    END();
}

void drive_ref_logits_backward(void)
{
    struct eer_config c;

    any_rows(&c);
    for (c.final_norm = 0; c.final_norm <= 1; c.final_norm++)
        ref_logits_backward(dz, &dw, dlogits, h, z, &w, &c);
    END();
}
