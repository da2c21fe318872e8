/* matmul.c - drivers of ref/matmul.c: each form at the preset's largest product of that form. */
#include "inputs.h"

enum { MOST = ROWS * D };

static double A[MOST], B[MOST], C[MOST];

static void any_matrices(void)
{
    box(A, MOST, ENTRY);
    box(B, MOST, ENTRY);
    box(C, MOST, ENTRY);
}

/* Of D or of MLP entries. */
void drive_ref_dot(void)
{
    any_matrices();
    ref_dot(A, B, MLP);
    END();
}

void drive_ref_add_multiple(void)
{
    any_matrices();
    ref_add_multiple(C, within(-ENTRY, ENTRY), B, MLP);
    END();
}

/* Attention: ROWS weights on values of D entries; the MLP: D x MLP and back. */
void drive_ref_row(void)
{
    any_matrices();
    ref_row(C, A, B, ROWS, D);
    ref_row(C, A, B, MLP, D);
    ref_row(C, A, B, D, MLP);
    END();
}

void drive_ref_row_nt(void)
{
    any_matrices();
    ref_row_nt(C, A, B, ROWS, D);
    ref_row_nt(C, A, B, MLP, D);
    ref_row_nt(C, A, B, D, MLP);
    END();
}

void drive_ref_row_tn(void)
{
    any_matrices();
    ref_row_tn(C, A, B, ROWS, D);
    ref_row_tn(C, A, B, MLP, D);
    ref_row_tn(C, A, B, D, MLP);
    END();
}

/* Queries, keys and values, and their gradients. */
void drive_ref_matmul(void)
{
    any_matrices();
    ref_matmul(C, A, B, ROWS, D, D);
    END();
}

void drive_ref_matmul_nt(void)
{
    any_matrices();
    ref_matmul_nt(C, A, B, ROWS, D, D);
    END();
}

void drive_ref_matmul_tn(void)
{
    any_matrices();
    ref_matmul_tn(C, A, B, ROWS, D, D);
    END();
}
