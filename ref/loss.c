/* loss.c - the parts of the loss for one sequence (spec/model.md, 4) and their derivatives (5.1).
 *
 * Each part is a mean over the B sequences; what stands here is the mean over one sequence, and for
 * the cross-entropy one position. */
#include "ref.h"
#include "lemmas_elementary.h"
#include "lemmas_rows.h"
#include "lemmas_matrices.h"

//@ lemma sign_times: \forall real x; signum(x) * x == \abs(x);

double ref_cross_entropy(double *p, const double *logits, int label, int C)
{
    int top = ref_argmax(logits, C);
    double largest = logits[top];
    double log_sum = ref_softmax(p, logits, C);

    //@ assert kept: REAL(logits[label] == \at(logits[label], Pre));
    /*@ assert unique: REAL(\forall integer t; 0 <= t < C && is_first_largest{Pre}(logits, C, t)
          ==> \at(logits[t], Pre) == largest); */
    return log_sum - (logits[label] - largest);
}

void ref_cross_entropy_backward(double *dlogits, const double *p, int label, double counted, int C)
{
    ref_copy(dlogits, p, C);
    //@ assert copied: REAL(\forall integer j; 0 <= j < C ==> dlogits[j] == \at(p[j], Pre));
    dlogits[label] -= 1;
    /*@ assert errors: REAL(\forall integer j; 0 <= j < C ==>
          dlogits[j] == share_error{Pre}(p, label, j)); */
    /*@ assert shares: REAL(\forall integer j; 0 <= j < C ==>
          quotient(dlogits, j, counted) == over(share_error{Pre}(p, label, j), counted)); */
    ref_divide(dlogits, counted, C);
}

double ref_sum_of_norms(const double *Z, int N, int d)
{
    double sum = 0;
    /*@ loop invariant upto(i, N);
        loop invariant REAL(sum == norms(Z, d, i) && sum >= 0);
        loop assigns i, sum;
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        //@ assert inside: row_inside(i, N, d);
        //@ assert here: row_of(Z, d, i) == Z + i * d;
        sum += ref_norm(Z + i * d, d);
    }
    return sum;
}

double ref_squared_distance(const double *x, const double *y, int n)
{
    double sum = 0;
    /*@ loop invariant upto(j, n);
        loop invariant REAL(sum == squared_distance(x, y, j) && sum >= 0);
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        //@ assert term: REAL(difference_term(x, y, j) == (x[j] - y[j]) * (x[j] - y[j]));
        //@ assert sign: REAL(difference_term(x, y, j) >= 0);
        sum += (x[j] - y[j]) * (x[j] - y[j]);
    }
    return sum;
}

double ref_path(const double *Z, int T, int size)
{
    double sum = 0;
    /*@ loop invariant upto(t, T);
        loop invariant REAL(sum == path(Z, size, t) && sum >= 0);
        loop assigns t, sum;
        loop variant T - t; */
    for (int t = 0; t < T; t++) {
        int next = t + 1;
        //@ assert inside: row_inside(t, T + 1, size) && row_inside(next, T + 1, size);
        //@ assert here: row_of(Z, size, t) == Z + t * size;
        //@ assert here_next: row_of(Z, size, next) == Z + next * size;
        sum += ref_squared_distance(Z + next * size, Z + t * size, size);
    }
    return sum;
}

double ref_kinetic(const double *Z, const struct eer_config *c, int N)
{
    int T = c->loops;
    int size = N * c->d;
    //@ assert inside: row_inside(T, T + 1, size);
    const double *Z_T = Z + T * size; /* and Z_0 = 0 */
    //@ assert here: Z_T == row_of(Z, size, T);

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
    //@ assert formula: REAL(over(sum, divisor) == kinetic(Z, c, N, size));
    return sum / divisor;
}

void ref_norm_backward(double *dx, const double *x, double weight, int n)
{
    double norm = ref_norm(x, n);

    //@ assert norm: REAL(norm == norm{Pre}(x, n));
    if (norm > 0) {
        //@ assert factor: REAL(over(weight, norm{Pre}(x, n)) == weight / norm);
        ref_add_scaled(dx, weight / norm, x, n);
    }
}

void ref_sum_of_norms_backward(double *dZ, const double *Z, double weight, int N, int d)
{
    /*@ loop invariant upto(i, N);
        loop invariant done: REAL(are_length_slopes_added{Here, Pre}(dZ, Z, weight, i, d));
        loop invariant left: REAL(\forall integer r; i <= r < N ==>
          same{Here, Pre}(row_of(dZ, d, r), d));
        loop assigns i, dZ[0 .. N * d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        //@ assert inside: row_inside(i, N, d);
        //@ assert here: row_of(dZ, d, i) == dZ + i * d && row_of(Z, d, i) == Z + i * d;
        /*@ assert before: \forall integer r; 0 <= r < i ==> apart(row_of(dZ, d, r), d,
              row_of(dZ, d, i), d); */
        /*@ assert after: \forall integer r; i < r < N ==> apart(row_of(dZ, d, i), d,
              row_of(dZ, d, r), d); */
        //@ assert same_z: REAL(same{Here, Pre}(Z + i * d, d));
        /*@ assert slopes: REAL(\forall integer j; 0 <= j < d ==>
              length_slope(Z + i * d, weight, d, j) == length_slope{Pre}(Z + i * d, weight, d,
              j)); */
        ref_norm_backward(dZ + i * d, Z + i * d, weight, d);
        /*@ assert others: REAL(\forall integer r; 0 <= r < N && r != i ==>
              same{Here, LoopCurrent}(row_of(dZ, d, r), d)); */
        /*@ assert new: REAL(is_length_slope_added{Here, Pre}(row_of(dZ, d, i), row_of(Z, d, i),
              weight, d)); */
    }
}

void ref_path_backward(double *dZ, const double *Z, double weight, int t, int T, int size)
{
    const double *Z_t = Z + t * size;

    //@ assert inside: row_inside(t, T + 1, size) && row_inside(t - 1, T + 1, size);
    //@ assert after: t < T ==> row_inside(t + 1, T + 1, size);
    //@ assert here: Z_t == row_of(Z, size, t) && Z_t - size == row_of(Z, size, t - 1);
    //@ assert next: Z_t + size == row_of(Z, size, t + 1);
    ref_add_scaled(dZ, weight, Z_t, size);
    /*@ assert first: REAL(\forall integer j; 0 <= j < size ==>
          dZ[j] == \at(dZ[j], Pre) + scaled{Pre}(weight, Z_t, j)); */
    /*@ assert same_1: REAL(\forall integer j; 0 <= j < size ==> scaled(-weight, Z_t - size, j) ==
          scaled{Pre}(-weight, Z_t - size, j)); */
    ref_add_scaled(dZ, -weight, Z_t - size, size);
    /*@ assert second: REAL(\forall integer j; 0 <= j < size ==>
          dZ[j] == \at(dZ[j], Pre) + step_slope{Pre}(Z, weight, t, t - 1, size, j)); */
    if (t < T) {
        /*@ assert same_2: REAL(\forall integer j; 0 <= j < size ==>
              scaled(weight, Z_t, j) == scaled{Pre}(weight, Z_t, j)); */
        ref_add_scaled(dZ, weight, Z_t, size);
        /*@ assert third: REAL(\forall integer j; 0 <= j < size ==>
              dZ[j] == \at(dZ[j], Pre) + step_slope{Pre}(Z, weight, t, t - 1, size, j) +
                       scaled{Pre}(weight, Z_t, j)); */
        /*@ assert same_3: REAL(\forall integer j; 0 <= j < size ==>
              scaled(-weight, Z_t + size, j) == scaled{Pre}(-weight, Z_t + size, j)); */
        ref_add_scaled(dZ, -weight, Z_t + size, size);
        /*@ assert fourth: REAL(\forall integer j; 0 <= j < size ==>
              dZ[j] == \at(dZ[j], Pre) + step_slope{Pre}(Z, weight, t, t - 1, size, j) +
                       step_slope{Pre}(Z, weight, t, t + 1, size, j)); */
    }
}

void ref_kinetic_backward(double *dZ, const double *Z, const struct eer_config *c, double weight,
                          int t, int N)
{
    int T = c->loops;
    int size = N * c->d;
    //@ assert inside: row_inside(t, T + 1, size);
    const double *Z_t = Z + t * size;
    //@ assert here: Z_t == row_of(Z, size, t);

    //@ assert factor: REAL(over(weight, 1.0 * N * T) == weight / ((double)N * T));
    //@ assert factor_2: REAL(over(weight, 2.0 * N) == weight / (2.0 * N));
    //@ assert factor_1: REAL(over(weight, N) == weight / N);
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
        loop invariant REAL(sum == penalties{Pre}(entropy, eta, T, i) && sum >= 0);
        loop invariant signs: REAL(\forall integer r; 0 <= r < i ==>
          sigma[r] == signum(excess{Pre}(entropy, eta, T, r)));
        loop assigns i, sum, sigma[0 .. N - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        double excess = entropy[i] / T - eta;
        //@ assert excess: REAL(excess == excess{Pre}(entropy, eta, T, i));
        sigma[i] = (excess > 0) - (excess < 0);
        //@ assert sign: REAL(sigma[i] == signum(excess));
        //@ assert product: REAL(sigma[i] * excess == signum(excess) * excess);
        //@ assert absolute: REAL(sigma[i] * excess == \abs(excess));
        //@ assert kept: REAL(same{Here, Pre}(entropy, N));
        sum += sigma[i] * excess;
    }
    return sum / N;
}
