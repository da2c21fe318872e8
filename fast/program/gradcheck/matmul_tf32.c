/* matmul_tf32.c - in place of ref/matmul.c in the TF32 variants (../spread.mk): the same products,
 * both operands rounded to 11 significant bits (spec/model.md, 5.8).
 *
 * In the float variant `double` reads `float`. The rounding works on the bits, so that the
 * perturbed rounding mode of the machine does not touch it. Little-endian, as every machine we run
 * on. */
#include "../../../ref/ref.h"

#include <string.h>

enum eer_tf32_rounding spread_tf32_rounding;
uint64_t spread_tf32_salt; /* 0: no noise */

/* Noise for an operand before it is rounded: -8 to 8 units of its last place, the same for the same
 * number within a sample. Few operands lie so close to where the rounding turns that they tip over
 * to the other neighbour, but each that does counts for 2^-11 of itself: an implementation may meet
 * one that no sample's own errors reach. What TF32 holds exactly (p = 1, a ReLU's 0) stays. */
__attribute__((no_instrument_function)) static uint64_t noise(uint64_t bits)
{
    uint64_t x = bits ^ spread_tf32_salt;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u; /* SplitMix64's mixing */
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return bits + (x >> 32) % 17 - 8;
}

__attribute__((no_instrument_function)) static double tf32(double x)
{
    const int dropped = sizeof x == 8 ? 53 - 11 : 24 - 11;
    const uint64_t unit = (uint64_t)1 << dropped;
    uint64_t bits = 0;

    memcpy(&bits, &x, sizeof x);
    if (spread_tf32_salt && bits & (unit - 1))
        bits = noise(bits);
    if (spread_tf32_rounding == EER_TF32_TIES_AWAY)
        bits += unit / 2;
    else if (spread_tf32_rounding == EER_TF32_TIES_EVEN)
        bits += unit / 2 - 1 + (bits / unit & 1);
    bits &= ~(unit - 1);
    memcpy(&x, &bits, sizeof x);
    return x;
}

double ref_dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += tf32(a[j]) * tf32(b[j]);
    return sum;
}

void ref_add_multiple(double *c, double a, const double *b, int n)
{
    for (int j = 0; j < n; j++)
        c[j] += tf32(a) * tf32(b[j]);
}

void ref_row(double *c, const double *a, const double *B, int m, int n)
{
    ref_fill(c, 0, n);
    for (int k = 0; k < m; k++)
        ref_add_multiple(c, a[k], B + k * n, n);
}

void ref_row_nt(double *c, const double *a, const double *B, int m, int n)
{
    for (int k = 0; k < m; k++)
        c[k] = ref_dot(a, B + k * n, n);
}

void ref_row_tn(double *C, const double *a, const double *b, int m, int n)
{
    for (int k = 0; k < m; k++)
        ref_add_multiple(C + k * n, a[k], b, n);
}

void ref_matmul(double *C, const double *A, const double *B, int rows, int m, int n)
{
    for (int i = 0; i < rows; i++)
        ref_row(C + i * n, A + i * m, B, m, n);
}

void ref_matmul_nt(double *C, const double *A, const double *B, int rows, int m, int n)
{
    for (int i = 0; i < rows; i++)
        ref_row_nt(C + i * m, A + i * n, B, m, n);
}

void ref_matmul_tn(double *C, const double *A, const double *B, int rows, int m, int n)
{
    for (int i = 0; i < rows; i++)
        ref_row_tn(C, A + i * m, B + i * n, m, n);
}
