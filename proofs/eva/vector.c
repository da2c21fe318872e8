/* vector.c - drivers of ref/vector.c, at the longest vectors that they are given. */
#include "inputs.h"

static double x[PARAMETERS], y[PARAMETERS], z[PARAMETERS];

static void any_vectors(void)
{
    box(x, PARAMETERS, ENTRY);
    box(y, PARAMETERS, ENTRY);
}

void drive_ref_fill(void)
{
    ref_fill(x, within(-ENTRY, ENTRY), PARAMETERS);
    END();
}

void drive_ref_copy(void)
{
    any_vectors();
    ref_copy(y, x, PARAMETERS);
    END();
}

void drive_ref_add(void)
{
    any_vectors();
    ref_add(y, x, PARAMETERS);
    END();
}

void drive_ref_add_scaled(void)
{
    any_vectors();
    ref_add_scaled(y, within(-ENTRY, ENTRY), x, PARAMETERS);
    END();
}

void drive_ref_sum_of_two(void)
{
    any_vectors();
    ref_sum_of_two(z, x, y, PARAMETERS);
    END();
}

void drive_ref_products(void)
{
    any_vectors();
    ref_products(z, x, y, PARAMETERS);
    END();
}

void drive_ref_multiply(void)
{
    any_vectors();
    ref_multiply(x, within(-ENTRY, ENTRY), PARAMETERS);
    END();
}

/* Divisors are sums of a softmax, at least 1, numbers of positions, and tau sqrt(d) >= 0.002. */
void drive_ref_divide(void)
{
    any_vectors();
    ref_divide(x, within(0.002, ENTRY), PARAMETERS);
    END();
}

void drive_ref_sum(void)
{
    any_vectors();
    ref_sum(x, PARAMETERS);
    END();
}

void drive_ref_sum_of_products(void)
{
    any_vectors();
    ref_sum_of_products(x, y, PARAMETERS);
    END();
}

void drive_ref_sum_of_squares(void)
{
    any_vectors();
    ref_sum_of_squares(x, PARAMETERS);
    END();
}

void drive_ref_norm(void)
{
    any_vectors();
    ref_norm(x, PARAMETERS);
    END();
}

void drive_ref_argmax(void)
{
    any_vectors();
    ref_argmax(x, ROWS);
    END();
}

void drive_ref_all_finite(void)
{
    any_vectors();
    ref_all_finite(x, PARAMETERS);
    END();
}
