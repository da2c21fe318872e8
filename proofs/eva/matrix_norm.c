/* matrix_norm.c - drivers of ref/matrix_norm.c. What these functions divide by is the largest
 * |x_j|, of which Eva does not know that no |x_j| is larger: a case names the cell in which the
 * largest lies, so that no quotient is above the width of a cell. */
#include "inputs.h"

/* Cells [least, least * WIDTH], from the least double to 2^826. */
enum { CELLS_OF_NORMS = 38 };
#define LEAST 0x1p-1074
#define WIDTH 0x1p50

static double A[SHORT * D], G[D * D], H[D * D], row[D];

void drive_ref_magnitude(void)
{
    ref_magnitude(within(-ENTRY, ENTRY));
    END();
}

void drive_ref_largest(void)
{
    box(A, SHORT * D, ENTRY);
    ref_largest(A, SHORT * D);
    END();
}

/* Of D numbers, the largest at any place and of both signs; and of zeros. */
void drive_ref_frobenius(void)
{
    double least = LEAST;

    for (int cell = 0; cell < CELLS_OF_NORMS; cell++) {
        double most = least * WIDTH;
        for (int top = 0; top < D; top++) {
            box(row, D, most);
            row[top] = within(least, most);
            ref_frobenius(row, D);
            row[top] = within(-most, -least);
            ref_frobenius(row, D);
        }
        least = most;
    }
    range(row, D, 0, 0);
    ref_frobenius(row, D);
    END();
}

void drive_ref_repeated_root(void)
{
    ref_repeated_root(within(0, ENTRY), REF_SQUARINGS);
    END();
}

void drive_ref_gram(void)
{
    double least = LEAST;

    for (int cell = 0; cell < CELLS_OF_NORMS; cell++) {
        double most = least * WIDTH;
        box(A, SHORT * D, most);
        ref_gram(G, row, A, within(least, most), SHORT, D);
        least = most;
    }
    END();
}

/* Entries within 2 % of each other: each squaring makes an interval eight times as wide,
 * relatively, 8^6 times in all. */
void drive_ref_eigenvalue_above(void)
{
    range(G, D * D, 1, 1.02);
    ref_eigenvalue_above(G, H, D);
    END();
}

void drive_ref_spectral_norm(void)
{
    for (double least = 0x1p-1000; least < 0x1p900; least *= WIDTH) {
        range(A, SHORT * D, least, 1.01 * least);
        ref_spectral_norm(G, H, row, A, SHORT, D);
    }
    range(A, SHORT * D, 0, 0);
    ref_spectral_norm(G, H, row, A, SHORT, D);
    END();
}
