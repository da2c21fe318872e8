/* adamw.c - drivers of ref/adamw.c, on all parameters. */
#include "inputs.h"

static double theta[PARAMETERS], m[PARAMETERS], v[PARAMETERS], g[PARAMETERS];

static void any_vectors(struct eer_config *c)
{
    any_config(c);
    box(theta, PARAMETERS, WEIGHT);
    box(m, PARAMETERS, ENTRY);
    range(v, PARAMETERS, 0, ENTRY * ENTRY);
    box(g, PARAMETERS, ENTRY);
}

/* Where norm > clip > 0 Eva knows the quotient from the ends of clip's interval only: these cells
 * keep them at most 1e183 apart. */
void drive_ref_clip(void)
{
    static const double edge[] = {0, 0x1p-1074, 1e-174, 1e9};
    struct eer_config c;

    for (int cell = 0; cell < 3; cell++) {
        any_config(&c);
        //@ assert whole_range: edge[0] <= c.clip <= edge[3];
        box(g, PARAMETERS, ENTRY);
        ref_clip(g, within(edge[cell], edge[cell + 1]), PARAMETERS);
    }
    END();
}

void drive_ref_moments(void)
{
    struct eer_config c;

    any_vectors(&c);
    ref_moments(m, v, g, c.beta1, c.beta2, PARAMETERS);
    END();
}

/* With g >= 0, then with g <= 0, so that Eva sees g g >= 0. An element meets no other element:
 * where both signs occur, each is as in one of the two cases. */
void drive_ref_adamw(void)
{
    struct eer_config c;

    any_vectors(&c);
    range(g, PARAMETERS, 0, ENTRY);
    ref_adamw(theta, m, v, g, &c, whole(1, EER_MAX_STEPS), c.lr, PARAMETERS);

    any_vectors(&c);
    range(g, PARAMETERS, -ENTRY, 0);
    ref_adamw(theta, m, v, g, &c, whole(1, EER_MAX_STEPS), c.lr, PARAMETERS);
    END();
}
