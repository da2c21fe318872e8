/* position.c - the input X: embedding plus sinusoidal position (spec/model.md, 3.1 and 5.6). */
#include "ref.h"
#include "lemmas_rows.h"

/* What the proofs of this file need. */
/*@ lemma added_entries{L1, L2}: \forall double *y, *x, integer n, k, i, j;
      is_added{L1, L2}(row_of(y, n, k), row_of(x, n, i), n) && 0 <= j < n ==>
      entry{L1}(y, n, k, j) == entry{L2}(y, n, k, j) + entry{L2}(x, n, i, j);
    lemma positioned_copy{L1, L2, L3}: \forall double *x, *e, integer i, real pe_scale, integer d;
      2 <= d && d % 2 == 0 && copied{L2, L3}(x, e, d) ==>
      is_positioned{L1, L2}(x, x, i, pe_scale, d / 2, d) ==>
      is_positioned{L1, L3}(x, e, i, pe_scale, d / 2, d);
    lemma positioned_same{L1, L2, L3}: \forall double *x, *e, integer i, real pe_scale, integer d;
      2 <= d && d % 2 == 0 && same{L1, L2}(x, d) ==>
      is_positioned{L1, L3}(x, e, i, pe_scale, d / 2, d) ==>
      is_positioned{L2, L3}(x, e, i, pe_scale, d / 2, d); */

void ref_add_position(double *x, int i, double pe_scale, int d)
{
    /*@ loop invariant 0 <= k <= d / 2;
        loop invariant done: REAL(is_positioned{Here, Pre}(x, x, i, pe_scale, k, d));
        loop invariant left: REAL(same_pairs{Here, Pre}(x, k, d / 2));
        loop assigns k, x[0 .. d - 1];
        loop variant d / 2 - k; */
    for (int k = 0; k < d / 2; k++) {
        double angle = i / ref_pow(10000.0, 2.0 * k / d);
        //@ assert angle: REAL(angle == angle(i, k, d));
        //@ assert inside: 0 <= 2 * k && 2 * k + 1 < d;
        //@ assert even: REAL(x[2 * k] == even{Pre}(x, k));
        //@ assert odd: REAL(x[2 * k + 1] == odd{Pre}(x, k));
        x[2 * k] += pe_scale * ref_sin(angle);
        //@ assert first: REAL(even(x, k) == with_sine(even{Pre}(x, k), i, pe_scale, k, d));
        x[2 * k + 1] += pe_scale * ref_cos(angle);
        //@ assert sine: REAL(even(x, k) == with_sine(even{Pre}(x, k), i, pe_scale, k, d));
        //@ assert cosine: REAL(odd(x, k) == with_cosine(odd{Pre}(x, k), i, pe_scale, k, d));
        //@ assert before: REAL(same_pairs{Here, LoopCurrent}(x, 0, k));
        //@ assert after: REAL(same_pairs{Here, LoopCurrent}(x, k + 1, d / 2));
    }
}

int ref_embedding_row(const int *tokens, int i, const struct eer_config *c)
{
    if (c->bos)
        return i == 0 ? c->vocab : tokens[i - 1];
    return tokens[i];
}

void ref_input_row(double *x, const double *e, int i, double pe_scale, int d)
{
    ref_copy(x, e, d);
    //@ assert kept: REAL(same{Here, Pre}(e, d));
    //@ assert copied: REAL(copied{Here, Pre}(x, e, d));
    ref_add_position(x, i, pe_scale, d);
}

void ref_input(double *X, const double *E, const int *tokens, const struct eer_config *c, int N)
{
    int d = c->d;
    //@ ghost int rows = c->vocab + c->bos;
    double pe_scale = c->pe_scale;

    //@ assert fits: product_fits(N, d) && product_fits(rows, d);
    /*@ loop invariant upto(i, N);
        loop invariant REAL(\forall integer r; 0 <= r < i ==>
          is_positioned{Here, Pre}(row_of(X, d, r),
            row_of(E, d, embedding_row{Pre}(tokens, r, c)), r, pe_scale, d / 2, d));
        loop assigns i, X[0 .. N * d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        int row = ref_embedding_row(tokens, i, c);
        //@ assert row: 0 <= row < rows && row == embedding_row{Pre}(tokens, i, c);
        //@ assert inside: row_inside(i, N, d) && row_inside(row, rows, d);
        //@ assert here: row_of(X, d, i) == X + i * d && row_of(E, d, row) == E + row * d;
        /*@ assert before: \forall integer r; 0 <= r < i ==> apart(row_of(X, d, r), d, row_of(X,
              d, i), d); */
        //@ assert same_e: REAL(same{Here, Pre}(E + row * d, d));
        ref_input_row(X + i * d, E + row * d, i, pe_scale, d);
        /*@ assert new: REAL(is_positioned{Here, Pre}(row_of(X, d, i), row_of(E, d, row), i,
              pe_scale, d / 2, d)); */
        /*@ assert others: REAL(\forall integer r; 0 <= r < i ==>
              same{LoopCurrent, Here}(row_of(X, d, r), d)); */
    }
}

void ref_input_backward(double *dE, const double *dX, const int *tokens, const struct eer_config *c,
                        int N)
{
    int d = c->d;
    //@ ghost int rows = c->vocab + c->bos;

    //@ assert fits: product_fits(N, d) && product_fits(rows, d);
    /*@ loop invariant upto(i, N);
        loop invariant REAL(\forall integer r, j; 0 <= r < rows && 0 <= j < d ==>
          entry(dE, d, r, j) ==
          entry{Pre}(dE, d, r, j) + embedding_slope{Pre}(dX, tokens, c, r, j, i));
        loop assigns i, dE[0 .. (c->vocab + c->bos) * d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        int row = ref_embedding_row(tokens, i, c);
        //@ assert row: 0 <= row < rows && row == embedding_row{Pre}(tokens, i, c);
        //@ assert inside: row_inside(i, N, d) && row_inside(row, rows, d);
        //@ assert here: row_of(dE, d, row) == dE + row * d;
        //@ assert same_x: REAL(same{Here, Pre}(dX + i * d, d));
        /*@ assert term: REAL(\forall integer j; 0 <= j < d ==>
              row_entry_if{Pre}(dX, tokens, c, row, j, i) == entry(dX, d, i, j)); */
        /*@ assert no_term: REAL(\forall integer r, j; 0 <= r < rows && r != row && 0 <= j < d ==>
              row_entry_if{Pre}(dX, tokens, c, r, j, i) == 0.0); */
        /*@ assert before: \forall integer r; 0 <= r < row ==> apart(row_of(dE, d, r), d,
              row_of(dE, d, row), d); */
        /*@ assert after: \forall integer r; row < r < rows ==> apart(row_of(dE, d, row), d,
              row_of(dE, d, r), d); */
        /*@ assert sums: REAL(\forall integer r, j; 0 <= r < rows && 0 <= j < d ==>
              embedding_slope{Pre}(dX, tokens, c, r, j, i + 1) ==
              embedding_slope{Pre}(dX, tokens, c, r, j, i) +
              row_entry_if{Pre}(dX, tokens, c, r, j, i)); */
        /*@ assert other_sums: REAL(
              \forall integer r, j; 0 <= r < rows && r != row && 0 <= j < d ==>
              embedding_slope{Pre}(dX, tokens, c, r, j, i + 1) ==
              embedding_slope{Pre}(dX, tokens, c, r, j, i)); */
        //@ ghost before: ;
        ref_add(dE + row * d, dX + i * d, d);
        //@ assert sum: REAL(is_added{Here, before}(row_of(dE, d, row), row_of(dX, d, i), d));
        /*@ assert added: REAL(\forall integer j; 0 <= j < d ==> entry(dE, d, row, j) ==
              entry{before}(dE, d, row, j) + entry{before}(dX, d, i, j)); */
        /*@ assert new: REAL(\forall integer j; 0 <= j < d ==> entry(dE, d, row, j) ==
              entry{LoopCurrent}(dE, d, row, j) + row_entry_if{Pre}(dX, tokens, c, row, j, i)); */
        /*@ assert other_rows: REAL(\forall integer r; 0 <= r < rows && r != row ==>
              same{Here, LoopCurrent}(row_of(dE, d, r), d)); */
        /*@ assert others: REAL(\forall integer r, j; 0 <= r < rows && r != row && 0 <= j < d ==>
              entry(dE, d, r, j) == entry{LoopCurrent}(dE, d, r, j)); */
        /*@ assert value: REAL(\forall integer j; 0 <= j < d ==> entry(dE, d, row, j) ==
              entry{Pre}(dE, d, row, j) +
              embedding_slope{Pre}(dX, tokens, c, row, j, i + 1)); */
        /*@ assert values: REAL(\forall integer r, j; 0 <= r < rows && r != row && 0 <= j < d ==>
              entry(dE, d, r, j) == entry{Pre}(dE, d, r, j) +
              embedding_slope{Pre}(dX, tokens, c, r, j, i)); */
    }
}
