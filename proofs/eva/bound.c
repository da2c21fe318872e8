/* bound.c - drivers of ref/bound.c, at SHORT rows of D entries; ref_bound at FEW. */
#include "inputs.h"

static double S[SHORT * SHORT], Y[SHORT * D], W_Q[D * D], W_K[D * D], W_V[D * D];
static double Q[SHORT * D], K[SHORT * D], M[D * D], G[SHORT * SHORT], H[SHORT * SHORT];
static double row[SHORT];
static struct ref_bound b;

/* |norm|: twice its cube, squared, is far from 1.8e308. */
#define NORM WIDE

/* Any index of an entropy, also the least above 1. */
static double any_index(void)
{
    return within(1 + 0x1p-52, 2);
}

static double norm(void)
{
    return within(0, NORM);
}

void drive_ref_entropy_loss(void)
{
    ref_entropy_loss(within(0, 1), any_index());
    ref_entropy_loss(within(0, 1), 2);
    END();
}

void drive_ref_entropy(void)
{
    range(row, SHORT, 0, 1);
    ref_entropy(row, any_index(), SHORT);
    END();
}

void drive_ref_sum_of_powers(void)
{
    range(row, SHORT, 0, 1);
    ref_sum_of_powers(row, any_index(), SHORT);
    END();
}

void drive_ref_row_lambda(void)
{
    range(row, SHORT, 0, 1);
    ref_row_lambda(row, SHORT);
    END();
}

void drive_ref_squares(void)
{
    range(row, SHORT, 0, 1);
    ref_squares(row, within(0, 1), SHORT);
    END();
}

void drive_ref_row_maxima(void)
{
    double least, most;

    range(S, SHORT * SHORT, 0, 1);
    ref_row_maxima(&least, &most, S, SHORT);
    END();
}

void drive_ref_mean_entropy(void)
{
    range(S, SHORT * SHORT, 0, 1);
    ref_mean_entropy(S, any_index(), SHORT);
    END();
}

void drive_ref_least_entropy(void)
{
    range(S, SHORT * SHORT, 0, 1);
    ref_least_entropy(S, any_index(), SHORT);
    END();
}

void drive_ref_lambda(void)
{
    range(S, SHORT * SHORT, 0, 1);
    ref_lambda(S, SHORT);
    END();
}

void drive_ref_dynamic_term(void)
{
    range(S, SHORT * SHORT, 0, 1);
    ref_dynamic_term(S, any_index(), SHORT);
    END();
}

void drive_ref_centred_norm(void)
{
    range(S, SHORT * SHORT, 0, 1);
    ref_centred_norm(S, SHORT);
    END();
}

void drive_ref_static_term(void)
{
    ref_static_term(within(-NORM, NORM), norm(), norm());
    END();
}

void drive_ref_printed_bound(void)
{
    ref_printed_bound(norm(), norm(), norm());
    END();
}

void drive_ref_softmax_term(void)
{
    ref_softmax_term(within(0, 0.5), norm(), norm());
    END();
}

void drive_ref_bound_A(void)
{
    ref_bound_A(within(0, 0.5), norm(), norm(), norm(), norm());
    END();
}

void drive_ref_bound_A_prime(void)
{
    ref_bound_A_prime(within(0, 0.5), norm(), norm(), norm(), norm());
    END();
}

/* drive_ref_frobenius has rows of any entries. */
void drive_ref_largest_row(void)
{
    range(Y, SHORT * D, 0x1p-20, 0x1p20);
    ref_largest_row(Y, SHORT, D);
    END();
}

void drive_ref_bound_B(void)
{
    range(S, SHORT * SHORT, 0x1p-20, 1);
    range(Y, SHORT * D, 0x1p-20, 0x1p20);
    ref_bound_B(row, S, Y, norm(), norm(), SHORT, D);
    END();
}

void compose_ref_attention_matrix(void)
{
    box(Y, SHORT * D, WEIGHT);
    box(W_Q, D * D, WEIGHT);
    box(W_K, D * D, WEIGHT);
    ref_attention_matrix(S, Q, K, row, Y, W_Q, W_K, within(-WEIGHT, WEIGHT), SHORT, D);
    END();
}

void drive_ref_bound_rows(void)
{
    range(S, SHORT * SHORT, 0x1p-20, 1);
    ref_bound_rows(&b, S, any_index(), SHORT);
    END();
}

/* Entries within 1 % of each other: not_covered.txt. */
static struct ref_bound_work work_of_few(void)
{
    struct ref_bound_work work = {Q, K, S, M, G, H, row};

    range(Y, FEW * D, 1, 1.01);
    range(W_Q, D * D, 1, 1.01);
    range(W_K, D * D, 1, 1.01);
    range(W_V, D * D, 1, 1.01);
    return work;
}

void drive_ref_bound_norms(void)
{
    struct ref_bound_work work = work_of_few();

    range(S, FEW * FEW, 1, 1.01);
    ref_bound_norms(&b, &work, Y, W_Q, W_K, W_V, 0.5, FEW, D);
    END();
}

void drive_ref_bound_finite(void)
{
    static struct ref_bound any;

#define ANY(member) any.member = within(-ENTRY, ENTRY)
    ANY(W_Q), ANY(W_K), ANY(W_V), ANY(W_V_frobenius), ANY(M), ANY(Y), ANY(Y_frobenius), ANY(S);
    ANY(S_frobenius), ANY(S_centred), ANY(row_max_least), ANY(row_max_most), ANY(entropy);
    ANY(entropy_least), ANY(lambda), ANY(static_term), ANY(dynamic_term), ANY(printed), ANY(A);
    ANY(A_lambda), ANY(A_prime), ANY(B);
#undef ANY
    ref_bound_finite(&any);
    END();
}

/* Logits below 1e-3, so that the entries of S are near each other too. */
void drive_ref_bound(void)
{
    struct ref_bound_work work = work_of_few();

    ref_bound(&b, &work, Y, W_Q, W_K, W_V, 1e-6, any_index(), FEW, D);
    END();
}

void drive_ref_cosh(void)
{
    ref_cosh(within(0, 300));
    END();
}

void drive_ref_sinh(void)
{
    ref_sinh(within(0, 300));
    END();
}

void drive_ref_entry_limit(void)
{
    ref_entry_limit(within(0, ENTRY), whole(1, EER_MAX_EVAL_LENGTH));
    END();
}

/* D/2 at most 241: e^D is finite. */
void drive_ref_theorem_C(void)
{
    struct ref_contraction c;

    ref_theorem_C(&c, within(0, 4), within(0, WIDE), within(0, WIDE), within(0, 10),
                  whole(1, EER_MAX_EVAL_LENGTH));
    END();
}
