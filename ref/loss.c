/* loss.c - the parts of the loss for one sequence (spec/model.md, 4) and their derivatives (5.1).
 *
 * Each part is a mean over the B sequences; what stands here is the mean over one sequence,
 and for
 * the cross-entropy one position. */
#include "ref.h"
#include "lemmas_rows.h"

double ref_cross_entropy(double *p, const double *logits, int label, int C)
{
    double largest = logits[ref_argmax(logits, C)];
    double log_sum = ref_softmax(p, logits, C);

    return log_sum - (logits[label] - largest);
}

void ref_cross_entropy_backward(double *dlogits, const double *p, int label, double counted, int C)
{
    ref_copy(dlogits, p, C);
    dlogits[label] -= 1;
    ref_divide(dlogits, counted, C);
}

double ref_sum_of_norms(const double *Z, int N, int d)
{
    double sum = 0;
    /*@ loop invariant upto(i, N);
        loop invariant REAL(sum >= 0);
        loop assigns i, sum;
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        //@ assert inside: row_inside(i, N, d);
        sum += ref_norm(Z + i * d, d);
    }
    return sum;
}

double ref_squared_distance(const double *x, const double *y, int n)
{
    double sum = 0;
    /*@ loop invariant upto(j, n);
        loop invariant REAL(sum >= 0);
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        sum += (x[j] - y[j]) * (x[j] - y[j]);
    return sum;
}

double ref_path(const double *Z, int T, int size)
{
    double sum = 0;
    /*@ loop invariant upto(t, T);
        loop invariant REAL(sum >= 0);
        loop assigns t, sum;
        loop variant T - t; */
    for (int t = 0; t < T; t++) {
        //@ assert inside: row_inside(t, T + 1, size) && row_inside(t + 1, T + 1, size);
        sum += ref_squared_distance(Z + (t + 1) * size, Z + t * size, size);
    }
    return sum;
}

double ref_kinetic(const double *Z, const struct eer_config *c, int N)
{
    int T = c->loops;
    int size = N * c->d;
    //@ assert inside: row_inside(T, T + 1, size);
    const double *Z_T = Z + T * size; /* and Z_0 = 0 */

    double sum, divisor = 2;

    if (c->kinetic == EER_KINETIC_NORM) {
        sum = ref_sum_of_norms(Z_T, N, c->d);
        divisor = 2.0 * N;
    } else if (c->kinetic == EER_KINETIC_SQUARED) {
        sum = ref_sum_of_squares(Z_T, size);
        divisor = 2.0 * N;
    } else if (c->kinetic == EER_KINETIC_PATH) {
        sum = ref_path(Z, T, size);
        divisor = 2.0 * N * T;
        //@ assert positive: REAL(0 < divisor);
    } else {
        sum = ref_norm(Z_T, size);
    }
    //@ assert signs: REAL(0 <= sum && 0 < divisor);
    //@ assert sign: REAL(0 <= over(sum, divisor));
    return sum / divisor;
}

void ref_norm_backward(double *dx, const double *x, double weight, int n)
{
    double norm = ref_norm(x, n);

    if (norm > 0)
        ref_add_scaled(dx, weight / norm, x, n);
}

void ref_sum_of_norms_backward(double *dZ, const double *Z, double weight, int N, int d)
{
    /*@ loop invariant upto(i, N);
        loop assigns i, dZ[0 .. N * d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        //@ assert inside: row_inside(i, N, d);
        ref_norm_backward(dZ + i * d, Z + i * d, weight, d);
    }
}

void ref_path_backward(double *dZ, const double *Z, double weight, int t, int T, int size)
{
    const double *Z_t = Z + t * size;

    //@ assert inside: row_inside(t, T + 1, size) && row_inside(t - 1, T + 1, size);
    //@ assert after: t < T ==> row_inside(t + 1, T + 1, size);
    ref_add_scaled(dZ, weight, Z_t, size);
    ref_add_scaled(dZ, -weight, Z_t - size, size);
    if (t < T) {
        ref_add_scaled(dZ, weight, Z_t, size);
        ref_add_scaled(dZ, -weight, Z_t + size, size);
    }
}

void ref_kinetic_backward(double *dZ, const double *Z, const struct eer_config *c, double weight,
                          int t, int N)
{
    int T = c->loops;
    int size = N * c->d;
    //@ assert inside: row_inside(t, T + 1, size);
    const double *Z_t = Z + t * size;

    if (c->kinetic == EER_KINETIC_PATH)
        ref_path_backward(dZ, Z, weight / ((double)N * T), t, T, size);
    else if (t == T && c->kinetic == EER_KINETIC_NORM)
        ref_sum_of_norms_backward(dZ, Z_t, weight / (2.0 * N), N, c->d);
    else if (t == T && c->kinetic == EER_KINETIC_SQUARED)
        ref_add_scaled(dZ, weight / N, Z_t, size);
    else if (t == T)
        ref_norm_backward(dZ, Z_t, weight / 2, size);
}

double ref_penalty(double *sigma, const double *entropy, double eta, int T, int N)
{
    double sum = 0;
    /*@ loop invariant upto(i, N);
        loop invariant REAL(sum >= 0);
        loop assigns i, sum, sigma[0 .. N - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        double excess = entropy[i] / T - eta;
        sigma[i] = (excess > 0) - (excess < 0);
        sum += sigma[i] * excess;
    }
    return sum / N;
}
