/* rational.c - see rational.h. */
#include "rational.h"

#include <math.h>

void bound_square(fmpq_t square, const fmpq_mat_t A)
{
    fmpq_zero(square);
    for (slong i = 0; i < fmpq_mat_nrows(A); i++)
        for (slong j = 0; j < fmpq_mat_ncols(A); j++)
            fmpq_addmul(square, fmpq_mat_entry(A, i, j), fmpq_mat_entry(A, i, j));
}

/* A = scale L W_Q (R W_K)^T, n x n; L and R n x d. */
static void logits(fmpq_mat_t A, const struct bound_instance *instance, const fmpq_mat_t L,
                   const fmpq_mat_t R)
{
    fmpq_mat_t Q, K, transposed;

    fmpq_mat_init(Q, instance->n, instance->d);
    fmpq_mat_init(K, instance->n, instance->d);
    fmpq_mat_init(transposed, instance->d, instance->n);
    fmpq_mat_mul(Q, L, instance->W_Q);
    fmpq_mat_mul(K, R, instance->W_K);
    fmpq_mat_transpose(transposed, K);
    fmpq_mat_mul(A, Q, transposed);
    fmpq_mat_scalar_mul_fmpq(A, A, instance->scale);
    fmpq_mat_clear(Q);
    fmpq_mat_clear(K);
    fmpq_mat_clear(transposed);
}

int bound_uniform(const struct bound_instance *instance)
{
    int uniform = 1;
    fmpq_mat_t Y, A;

    fmpq_mat_init(Y, instance->n, instance->d);
    fmpq_mat_init(A, instance->n, instance->n);
    fmpq_mat_add(Y, instance->X, instance->Z);
    logits(A, instance, Y, Y);
    for (int i = 0; uniform && i < instance->n; i++)
        for (int j = 1; uniform && j < instance->n; j++)
            uniform = fmpq_equal(fmpq_mat_entry(A, i, j), fmpq_mat_entry(A, i, 0));
    fmpq_mat_clear(Y);
    fmpq_mat_clear(A);
    return uniform;
}

/* A <- (A - its rows' means) / n: the softmax's derivative at uniform rows. */
static void through_uniform_softmax(fmpq_mat_t A)
{
    slong n = fmpq_mat_nrows(A);
    fmpq_t mean, size;

    fmpq_init(mean);
    fmpq_init(size);
    fmpq_set_si(size, n, 1);
    for (slong i = 0; i < n; i++) {
        fmpq_zero(mean);
        for (slong j = 0; j < n; j++)
            fmpq_add(mean, mean, fmpq_mat_entry(A, i, j));
        fmpq_div(mean, mean, size);
        for (slong j = 0; j < n; j++) {
            fmpq_sub(fmpq_mat_entry(A, i, j), fmpq_mat_entry(A, i, j), mean);
            fmpq_div(fmpq_mat_entry(A, i, j), fmpq_mat_entry(A, i, j), size);
        }
    }
    fmpq_clear(mean);
    fmpq_clear(size);
}

/* result += P^T V or P V, as the map says, V = A W_V. */
static void add_applied(fmpq_mat_t result, const struct bound_instance *instance,
                        const fmpq_mat_t P, const fmpq_mat_t A)
{
    fmpq_mat_t V, left, product;

    fmpq_mat_init(V, instance->n, instance->d);
    fmpq_mat_init(product, instance->n, instance->d);
    fmpq_mat_init(left, instance->n, instance->n);
    if (instance->map == BOUND_MAP_ST)
        fmpq_mat_transpose(left, P);
    else
        fmpq_mat_set(left, P);
    fmpq_mat_mul(V, A, instance->W_V);
    fmpq_mat_mul(product, left, V);
    fmpq_mat_add(result, result, product);
    fmpq_mat_clear(V);
    fmpq_mat_clear(product);
    fmpq_mat_clear(left);
}

void bound_rational_derivative(fmpq_t square, const struct bound_instance *instance,
                               const fmpq_mat_t D)
{
    slong n = instance->n;
    fmpq_mat_t Y, dA, part, S, dF;
    fmpq_t length;

    fmpq_init(length);
    fmpq_mat_init(Y, n, instance->d);
    fmpq_mat_init(dF, n, instance->d);
    fmpq_mat_init(dA, n, n);
    fmpq_mat_init(part, n, n);
    fmpq_mat_init(S, n, n);
    fmpq_mat_add(Y, instance->X, instance->Z);
    logits(dA, instance, D, Y);
    logits(part, instance, Y, D);
    fmpq_mat_add(dA, dA, part);
    through_uniform_softmax(dA);
    for (slong i = 0; i < n; i++)
        for (slong j = 0; j < n; j++)
            fmpq_set_si(fmpq_mat_entry(S, i, j), 1, (ulong)n);
    fmpq_mat_zero(dF);
    add_applied(dF, instance, dA, Y);
    add_applied(dF, instance, S, D);
    bound_square(square, dF);
    bound_square(length, D);
    fmpq_div(square, square, length);
    fmpq_clear(length);
    fmpq_mat_clear(Y);
    fmpq_mat_clear(dF);
    fmpq_mat_clear(dA);
    fmpq_mat_clear(part);
    fmpq_mat_clear(S);
}

/* Is the symmetric A positive semidefinite? By its pivots, without fractions (Bareiss): an entry of
 * the upper triangle is the Schur complement's times the pivot before, which is positive, so its
 * sign is the Schur complement's too; the division is exact. A pivot 0 needs its row to be 0. A is
 * overwritten. */
static int semidefinite(fmpz_mat_t A)
{
    slong m = fmpz_mat_nrows(A);
    int good = 1;
    fmpz_t before;

    fmpz_init_set_ui(before, 1);
    for (slong k = 0; good && k < m; k++) {
        const fmpz *pivot = fmpz_mat_entry(A, k, k);
        int sign = fmpz_sgn(pivot);
        good = sign >= 0;
        for (slong i = k + 1; good && i < m; i++) {
            good = sign > 0 || fmpz_is_zero(fmpz_mat_entry(A, k, i));
            for (slong j = i; sign > 0 && j < m; j++) {
                fmpz *entry = fmpz_mat_entry(A, i, j);
                fmpz_mul(entry, entry, pivot);
                fmpz_submul(entry, fmpz_mat_entry(A, k, i), fmpz_mat_entry(A, k, j));
                fmpz_divexact(entry, entry, before);
            }
        }
        if (sign > 0)
            fmpz_set(before, pivot);
    }
    fmpz_clear(before);
    return good;
}

/* At least the bits of W's entries as integers over their common denominator; where that has
 * ENOUGH, it may have more. */
static double bits(const fmpq_mat_t W)
{
    enum { ENOUGH = 1 << 20 };
    fmpz_t common;
    flint_bitcnt_t size = 0;

    fmpz_init_set_ui(common, 1);
    for (slong i = 0; i < fmpq_mat_nrows(W); i++)
        for (slong j = 0; j < fmpq_mat_ncols(W) && fmpz_bits(common) < ENOUGH; j++) {
            flint_bitcnt_t numerator = fmpz_bits(fmpq_mat_entry_num(W, i, j));
            fmpz_lcm(common, common, fmpq_mat_entry_den(W, i, j));
            size = numerator > size ? numerator : size;
        }
    size += fmpz_bits(common);
    fmpz_clear(common);
    return (double)size;
}

int bound_rational_most(const fmpq_mat_t W)
{
    /* d^3 / 6 steps with numbers of up to d b bits, b those of w^2 I - W^T W; at the limit it took
     * 0.2 s for doubles (d = 75), 0.6 s for fractions of three digits (d = 33). */
    const double most_work = 0x1p48, b = 2.0 * (bits(W) + 53.0);
    int d = 1;

    while (pow(d + 1, 5) * b * b <= most_work)
        d++;
    return d;
}

int bound_rational_norm(const fmpq_t w, const fmpq_mat_t W)
{
    slong d = fmpq_mat_nrows(W);
    fmpq_mat_t gram, transposed;
    fmpz_mat_t whole;
    fmpz_t denominator;
    fmpq_t square;
    int good = fmpq_sgn(w) >= 0;

    fmpq_init(square);
    fmpz_init(denominator);
    fmpz_mat_init(whole, d, d);
    fmpq_mat_init(gram, d, d);
    fmpq_mat_init(transposed, d, d);
    fmpq_mat_transpose(transposed, W);
    fmpq_mat_mul(gram, transposed, W);
    fmpq_mat_neg(gram, gram);
    fmpq_mul(square, w, w);
    for (slong i = 0; i < d; i++)
        fmpq_add(fmpq_mat_entry(gram, i, i), fmpq_mat_entry(gram, i, i), square);
    fmpq_mat_get_fmpz_mat_matwise(whole, denominator, gram);
    good = good && semidefinite(whole);
    fmpq_clear(square);
    fmpz_clear(denominator);
    fmpz_mat_clear(whole);
    fmpq_mat_clear(gram);
    fmpq_mat_clear(transposed);
    return good;
}

/* x >= n^(numerator / denominator), the least multiple of 2^-GRID that is. */
static void root_above(fmpq_t x, int n, ulong numerator, ulong denominator)
{
    enum { GRID = 60 };
    fmpz_t power, root, back;

    fmpz_init_set_si(power, n);
    fmpz_init(root);
    fmpz_init(back);
    fmpz_pow_ui(power, power, numerator);
    fmpz_mul_2exp(power, power, GRID * denominator);
    fmpz_root(root, power, (slong)denominator);
    fmpz_pow_ui(back, root, denominator);
    if (fmpz_cmp(back, power) < 0)
        fmpz_add_ui(root, root, 1);
    fmpq_set_fmpz(x, root);
    fmpq_div_2exp(x, x, GRID);
    fmpz_clear(power);
    fmpz_clear(root);
    fmpz_clear(back);
}

void bound_rational_printed(fmpq_t square, const struct bound_instance *instance, const fmpq_t w_Q,
                            const fmpq_t w_K, int k)
{
    /* At uniform rows the dynamic term is n^((2-q)/(2q)). */
    static const struct {
        ulong numerator, denominator;
    } power[BOUND_INDICES + 1] = {{3, 10}, {1, 6}, {1, 14}, {0, 1}, {1, 2}};
    fmpq_t term;

    fmpq_init(term);
    fmpq_mul(square, w_Q, w_K);
    fmpq_mul(square, square, instance->scale);
    fmpq_abs(square, square);
    fmpq_mul_2exp(square, square, 1);
    root_above(term, instance->n, power[k].numerator, power[k].denominator);
    fmpq_add(square, square, term);
    fmpq_mul(square, square, square);
    bound_square(term, instance->W_V);
    fmpq_mul(square, square, term);
    fmpq_clear(term);
}
