/* softmax.c - drivers of ref/softmax.c, for a row that sees ROWS keys, or SHORT where each key is a
 * case of its own. */
#include "inputs.h"

static double s[ROWS], p[ROWS], pq[ROWS], ds[ROWS], dp[ROWS];

static void any_rows(void)
{
    box(s, ROWS, SCORE);
    range(p, ROWS, 0, 1);
    box(ds, ROWS, ENTRY);
    box(dp, ROWS, ENTRY);
}

/* In each case the largest score lies in a cell, and no score is above that cell. */
void drive_ref_exponentials(void)
{
    for (int cell = 0; cell < CELLS; cell++) {
        range(s, ROWS, -SCORE, CELL_END(cell));
        ref_exponentials(p, s, within(CELL_START(cell), CELL_END(cell)), ROWS);
    }
    END();
}

/* The cases also name the key of the largest score. */
void drive_ref_softmax(void)
{
    for (int cell = 0; cell < CELLS; cell++) {
        range(s, SHORT, -SCORE, CELL_END(cell));
        for (int top = 0; top < SHORT; top++) {
            s[top] = within(CELL_START(cell), CELL_END(cell));
            top_of_case = top;
            ref_softmax(p, s, SHORT);
            s[top] = within(-SCORE, CELL_END(cell));
        }
    }
    END();
}

void drive_ref_power(void)
{
    struct eer_config c;

    any_config(&c);
    ref_power(within(0, 1), c.q);
    END();
}

void drive_ref_powers(void)
{
    struct eer_config c;

    any_config(&c);
    any_rows();
    ref_powers(pq, p, c.q, ROWS);
    END();
}

void drive_ref_tsallis(void)
{
    struct eer_config c;

    any_config(&c);
    any_rows();
    ref_tsallis(pq, p, c.q, ROWS);
    END();
}

void drive_ref_softmax_backward(void)
{
    any_rows();
    ref_softmax_backward(ds, p, dp, ROWS);
    END();
}

void drive_ref_potential_backward(void)
{
    struct eer_config c;

    any_config(&c);
    any_rows();
    ref_potential_backward(ds, p, whole(0, ROWS - 1), c.lambda_P, ROWS);
    END();
}

void drive_ref_tsallis_backward(void)
{
    struct eer_config c;

    any_config(&c);
    any_rows();
    ref_tsallis_backward(ds, pq, p, c.q, within(-1, 1) * c.lambda_S, ROWS);
    END();
}
