/* matrix_norm.c - Frobenius and spectral norms, scaled. */
#include "ref.h"
#include "lemmas_norms.h"

double ref_magnitude(double x)
{
    return x < 0 ? -x : x;
}

double ref_largest(const double *x, int n)
{
    double largest = 0;

    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(largest >= 0);
        loop invariant REAL(\forall integer i; 0 <= i < j ==> -largest <= x[i] <= largest);
        loop invariant REAL(largest == 0 ||
          \exists integer i; 0 <= i < j && largest == magnitude(x[i]));
        loop assigns j, largest;
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        double size = ref_magnitude(x[j]);
        if (size > largest)
            largest = size;
    }
    return largest;
}

double ref_frobenius(const double *x, int n)
{
    double largest = ref_largest(x, n), sum = 0, root;

    if (largest == 0)
        largest = 1; /* any divisor serves */
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(sum >= 0);
        loop invariant REAL(sum * square(largest) == dot(x, x, j));
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        double ratio = x[j] / largest;
        //@ assert share: REAL(ratio == quotient(x, j, largest));
        //@ assert back: REAL(ratio * largest == x[j]);
        //@ assert together: REAL(square(ratio) * square(largest) == square(ratio * largest));
        //@ assert product: REAL(product(x, x, j) == square(x[j]));
        sum += ratio * ratio;
    }
    root = ref_sqrt(sum);
    //@ assert square: REAL(square(root) == sum);
    //@ assert whole: REAL(square(largest * root) == square(largest) * square(root));
    return largest * root;
}

double ref_repeated_root(double x, int k)
{
    /*@ loop invariant 0 <= i <= k;
        loop invariant REAL(x >= 0);
        loop assigns i, x;
        loop variant k - i; */
    for (int i = 0; i < k; i++)
        x = ref_sqrt(x);
    return x;
}

void ref_gram(double *G, double *row, const double *A, double divisor, int rows, int columns)
{
    ref_fill(G, 0.0, columns * columns);
    /*@ loop invariant upto(i, rows);
        loop assigns i, G[0 .. columns * columns - 1], row[0 .. columns - 1];
        loop variant rows - i; */
    for (int i = 0; i < rows; i++) {
        //@ assert inside: row_inside(i, rows, columns);
        ref_copy(row, A + i * columns, columns);
        ref_divide(row, divisor, columns);
        ref_row_tn(G, row, row, columns, columns);
    }
}

/* G^2 has an entry of at least 1 on its diagonal after the largest entry of G became 1, so that
 * none of the divisors is 0. */
double ref_eigenvalue_above(double *G, double *H, int m)
{
    double product = 1, largest;

    /*@ loop invariant 0 <= k <= REF_SQUARINGS;
        loop invariant REAL(product >= 0);
        loop assigns k, product, largest, G[0 .. m * m - 1], H[0 .. m * m - 1];
        loop variant REF_SQUARINGS - k; */
    for (int k = 0; k < REF_SQUARINGS; k++) {
        largest = ref_largest(G, m * m);
        ref_divide(G, largest, m * m);
        product *= ref_repeated_root(largest, k);
        ref_matmul(H, G, G, m, m, m);
        ref_copy(G, H, m * m);
    }
    return product * ref_repeated_root(ref_frobenius(G, m * m), REF_SQUARINGS);
}

double ref_spectral_norm(double *G, double *H, double *row, const double *A, int rows, int columns)
{
    double largest = ref_largest(A, rows * columns);

    if (largest == 0)
        return 0;
    ref_gram(G, row, A, largest, rows, columns);
    return largest * ref_sqrt(ref_eigenvalue_above(G, H, columns));
}
