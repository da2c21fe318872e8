/* matmul.c - every matrix product of the model and of its gradient, and nothing else.
 *
 * The list is in spec/model.md, 5.8. Three forms of one row against a matrix, and the same three
 * for all rows; a mask needs no form of its own, because a row sees the first n keys. */
#include "ref.h"
#include "lemmas_rows.h"
#include "lemmas_matrices.h"

double ref_dot(const double *a, const double *b, int n)
{
    double sum = 0;
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(sum == dot(a, b, j));
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

void ref_add_multiple(double *c, double a, const double *b, int n)
{
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(is_multiple_added{Here, Pre}(c, a, b, j));
        loop invariant REAL(\forall integer i; j <= i < n ==> c[i] == \at(c[i], Pre));
        loop assigns j, c[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        c[j] += a * b[j];
}

void ref_row(double *c, const double *a, const double *B, int m, int n)
{
    ref_fill(c, 0.0, n);
    /*@ loop invariant upto(k, m);
        loop invariant REAL(is_row{Here, Pre}(c, a, B, k, n));
        loop assigns k, c[0 .. n - 1];
        loop variant m - k; */
    for (int k = 0; k < m; k++) {
        //@ assert inside: row_inside(k, m, n);
        //@ assert same_b: REAL(same{Here, Pre}(B + k * n, n));
        /*@ assert terms: REAL(\forall integer j; 0 <= j < n ==>
              row_term{Pre}(a, B, n, k, j) == scaled(a[k], B + k * n, j)); */
        ref_add_multiple(c, a[k], B + k * n, n);
    }
}

void ref_row_nt(double *c, const double *a, const double *B, int m, int n)
{
    /*@ loop invariant upto(k, m);
        loop invariant REAL(is_row_nt{Here, Pre}(c, a, B, k, n));
        loop assigns k, c[0 .. m - 1];
        loop variant m - k; */
    for (int k = 0; k < m; k++) {
        //@ assert inside: row_inside(k, m, n);
        //@ assert here: row_of(B, n, k) == B + k * n;
        //@ assert same_a: REAL(same{Here, Pre}(a, n));
        //@ assert same_b: REAL(same{Here, Pre}(B + k * n, n));
        c[k] = ref_dot(a, B + k * n, n);
    }
}

void ref_row_tn(double *C, const double *a, const double *b, int m, int n)
{
    /*@ loop invariant upto(k, m);
        loop invariant done: REAL(\forall integer r; 0 <= r < k ==>
          is_multiple_added{Here, Pre}(row_of(C, n, r), \at(a[r], Pre), b, n));
        loop invariant left: REAL(\forall integer r; k <= r < m ==>
          same{Here, Pre}(row_of(C, n, r), n));
        loop assigns k, C[0 .. m * n - 1];
        loop variant m - k; */
    for (int k = 0; k < m; k++) {
        //@ assert inside: row_inside(k, m, n);
        //@ assert here: row_of(C, n, k) == C + k * n;
        /*@ assert before: \forall integer r; 0 <= r < k ==> apart(row_of(C, n, r), n, row_of(C,
              n, k), n); */
        /*@ assert after: \forall integer r; k < r < m ==> apart(row_of(C, n, k), n, row_of(C,
              n, r), n); */
        //@ assert same_a: REAL(same{Here, Pre}(a, m));
        //@ assert same_b: REAL(same{Here, Pre}(b, n));
        ref_add_multiple(C + k * n, a[k], b, n);
        //@ assert kept_a: REAL(same{Here, Pre}(a, m));
        /*@ assert others: REAL(\forall integer r; 0 <= r < m && r != k ==>
              same{Here, LoopCurrent}(row_of(C, n, r), n)); */
        //@ assert new: REAL(is_multiple_added{Here, Pre}(row_of(C, n, k), a[k], b, n));
    }
}

void ref_matmul(double *C, const double *A, const double *B, int rows, int m, int n)
{
    /*@ loop invariant upto(i, rows);
        loop invariant REAL(\forall integer r; 0 <= r < i ==>
          is_row{Here, Pre}(row_of(C, n, r), row_of(A, m, r), B, m, n));
        loop assigns i, C[0 .. rows * n - 1];
        loop variant rows - i; */
    for (int i = 0; i < rows; i++) {
        //@ assert inside: row_inside(i, rows, n) && row_inside(i, rows, m);
        //@ assert here: row_of(C, n, i) == C + i * n && row_of(A, m, i) == A + i * m;
        /*@ assert before: \forall integer r; 0 <= r < i ==> apart(row_of(C, n, r), n, row_of(C,
              n, i), n); */
        //@ assert same_a: REAL(same{Here, Pre}(A + i * m, m));
        //@ assert same_b: REAL(same_matrix{Here, Pre}(B, m, n));
        /*@ assert columns: REAL(\forall integer j; 0 <= j < n ==>
              row_column(A + i * m, B, n, j, m) == row_column{Pre}(A + i * m, B, n, j, m)); */
        ref_row(C + i * n, A + i * m, B, m, n);
        /*@ assert others: REAL(\forall integer r; 0 <= r < i ==>
              same{Here, LoopCurrent}(row_of(C, n, r), n)); */
        //@ assert new: REAL(is_row{Here, Pre}(row_of(C, n, i), row_of(A, m, i), B, m, n));
    }
}

void ref_matmul_nt(double *C, const double *A, const double *B, int rows, int m, int n)
{
    /*@ loop invariant upto(i, rows);
        loop invariant REAL(\forall integer r; 0 <= r < i ==>
          is_row_nt{Here, Pre}(row_of(C, m, r), row_of(A, n, r), B, m, n));
        loop assigns i, C[0 .. rows * m - 1];
        loop variant rows - i; */
    for (int i = 0; i < rows; i++) {
        //@ assert inside: row_inside(i, rows, m) && row_inside(i, rows, n);
        //@ assert here: row_of(C, m, i) == C + i * m && row_of(A, n, i) == A + i * n;
        /*@ assert before: \forall integer r; 0 <= r < i ==> apart(row_of(C, m, r), m, row_of(C,
              m, i), m); */
        //@ assert same_a: REAL(same{Here, Pre}(A + i * n, n));
        //@ assert same_b: REAL(same_matrix{Here, Pre}(B, m, n));
        ref_row_nt(C + i * m, A + i * n, B, m, n);
        /*@ assert others: REAL(\forall integer r; 0 <= r < i ==>
              same{Here, LoopCurrent}(row_of(C, m, r), m)); */
        //@ assert new: REAL(is_row_nt{Here, Pre}(row_of(C, m, i), row_of(A, n, i), B, m, n));
    }
}

void ref_matmul_tn(double *C, const double *A, const double *B, int rows, int m, int n)
{
    /*@ loop invariant upto(i, rows);
        loop invariant REAL(\forall integer k; 0 <= k < m ==>
          is_row_tn{Here, Pre}(row_of(C, n, k), A, m, k, B, n, i));
        loop assigns i, C[0 .. m * n - 1];
        loop variant rows - i; */
    for (int i = 0; i < rows; i++) {
        //@ assert inside: row_inside(i, rows, m) && row_inside(i, rows, n);
        /*@ assert same_a: REAL(\forall integer k; 0 <= k < m ==>
              (A + i * m)[k] == entry{Pre}(A, m, i, k)); */
        /*@ assert same_b: REAL(\forall integer j; 0 <= j < n ==>
              (B + i * n)[j] == entry{Pre}(B, n, i, j)); */
        /*@ assert terms: REAL(\forall integer k, j; 0 <= k < m && 0 <= j < n ==>
              column_term{Pre}(A, m, k, B, n, j, i) == scaled((A + i * m)[k], B + i * n, j)); */
        ref_row_tn(C, A + i * m, B + i * n, m, n);
        /*@ assert new: REAL(\forall integer k, j; 0 <= k < m && 0 <= j < n ==>
              row_of(C, n, k)[j] == \at(row_of(C, n, k)[j], LoopCurrent) +
              column_term{Pre}(A, m, k, B, n, j, i)); */
    }
}
