/* bound.c - the contraction bound of theorem 3.2.1 and its corrected forms, in doubles. */
#include "ref.h"
#include "lemmas_bound.h"

/* --- a row -------------------------------------------------------------------------------------
 */

double ref_entropy_loss(double x, double q)
{
    double change;

    //@ assert below: REAL(power(x, q) <= x);
    //@ assert sign: REAL(x * (1 - x) >= 0);
    if (q == 2)
        return x * (1 - x);
    if (x <= 0)
        return 0;
    change = ref_expm1((q - 1) * ref_log(x));
    //@ assert power: REAL(power(x, q) == x * (change + 1));
    return -x * change;
}

double ref_entropy(const double *r, double q, int n)
{
    double sum = 0;

    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(sum >= 0 && sum == sum(r, j) - powers(r, q, j));
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        sum += ref_entropy_loss(r[j], q);
    //@ assert sign: REAL(over(sum, q - 1) >= 0);
    //@ assert quotient: REAL(over(sum, q - 1) == sum / (q - 1));
    return sum / (q - 1);
}

double ref_sum_of_powers(const double *r, double q, int n)
{
    double sum = 0;

    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(sum >= 0 && sum == powers(r, q, j));
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++)
        sum += ref_power(r[j], q);
    return sum;
}

double ref_row_lambda(const double *r, int n)
{
    double first = 0, second = 0, entropy = 0, bound;

    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(0 <= second <= first);
        loop invariant REAL(first == largest(r, j));
        loop invariant REAL(second == second_largest(r, j));
        loop invariant REAL(entropy == sum(r, j) - dot(r, r, j));
        loop assigns j, first, second, entropy;
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        if (r[j] > first) {
            second = first;
            first = r[j];
        } else if (r[j] > second)
            second = r[j];
        entropy += r[j] * (1 - r[j]);
    }
    bound = first * (1 - first + second);
    return bound < entropy ? bound : entropy;
}

double ref_squares(const double *r, double mean, int n)
{
    double sum = 0;

    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(sum >= 0 && sum == squares(r, mean, j));
        loop assigns j, sum;
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        double away = r[j] - mean;
        //@ assert term: REAL(square_term(r, mean, j) == away * away);
        sum += away * away;
    }
    return sum;
}

/* --- the rows of S -----------------------------------------------------------------------------
 */

void ref_row_maxima(double *least, double *most, const double *S, int n)
{
    //@ assert first: row_inside(0, n, n);
    *least = *most = ref_largest(S, n);
    /*@ loop invariant 1 <= i <= n;
        loop invariant REAL(0 <= *least <= *most);
        loop assigns i, *least, *most;
        loop variant n - i; */
    for (int i = 1; i < n; i++) {
        //@ assert inside: row_inside(i, n, n);
        double largest = ref_largest(S + i * n, n);
        if (largest < *least)
            *least = largest;
        if (largest > *most)
            *most = largest;
    }
}

double ref_mean_entropy(const double *S, double q, int n)
{
    double sum = 0;

    /*@ loop invariant 0 <= i <= n;
        loop invariant REAL(sum >= 0 && sum == entropies(S, q, n, i));
        loop assigns i, sum;
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        //@ assert inside: row_inside(i, n, n);
        //@ assert here: row_of(S, n, i) == S + i * n;
        sum += ref_entropy(S + i * n, q, n);
    }
    //@ assert sign: REAL(over(sum, n) >= 0);
    //@ assert quotient: REAL(over(sum, n) == sum / n);
    return sum / n;
}

double ref_least_entropy(const double *S, double q, int n)
{
    double least;

    //@ assert first: row_inside(0, n, n) && row_of(S, n, 0) == S;
    least = ref_entropy(S, q, n);
    /*@ loop invariant 1 <= i <= n;
        loop invariant REAL(\forall integer k; 0 <= k < i ==>
          least <= entropy(row_of(S, n, k), q, n));
        loop invariant REAL(\exists integer k; 0 <= k < i &&
          least == entropy(row_of(S, n, k), q, n));
        loop assigns i, least;
        loop variant n - i; */
    for (int i = 1; i < n; i++) {
        //@ assert inside: row_inside(i, n, n);
        //@ assert here: row_of(S, n, i) == S + i * n;
        double entropy = ref_entropy(S + i * n, q, n);
        if (entropy < least)
            least = entropy;
    }
    return least;
}

double ref_lambda(const double *S, int n)
{
    double lambda = 0;

    /*@ loop invariant 0 <= i <= n;
        loop invariant REAL(lambda >= 0 && lambda == lambdas(S, n, i));
        loop assigns i, lambda;
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        //@ assert inside: row_inside(i, n, n);
        //@ assert here: row_of(S, n, i) == S + i * n;
        double of_row = ref_row_lambda(S + i * n, n);
        if (of_row > lambda)
            lambda = of_row;
    }
    return lambda < 0.5 ? lambda : 0.5;
}

double ref_dynamic_term(const double *S, double q, int n)
{
    double sum = 0;

    /*@ loop invariant 0 <= i <= n;
        loop invariant REAL(sum >= 0 && sum == dynamic_terms(S, q, n, i));
        loop assigns i, sum;
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        //@ assert inside: row_inside(i, n, n);
        //@ assert here: row_of(S, n, i) == S + i * n;
        //@ assert exponent: REAL(over(2.0, q) == 2 / q);
        sum += ref_pow(ref_sum_of_powers(S + i * n, q, n), 2 / q);
    }
    return ref_sqrt(sum);
}

double ref_centred_norm(const double *S, int n)
{
    double sum = 0;

    //@ assert mean: REAL(over(1.0, n) == 1.0 / n);
    /*@ loop invariant 0 <= i <= n;
        loop invariant REAL(sum >= 0 && sum == spreads(S, over(1.0, n), n, i));
        loop assigns i, sum;
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        //@ assert inside: row_inside(i, n, n);
        //@ assert here: row_of(S, n, i) == S + i * n;
        sum += ref_squares(S + i * n, 1.0 / n, n);
    }
    return ref_sqrt(sum);
}

/* --- bounds from norms -------------------------------------------------------------------------
 */

double ref_static_term(double scale, double W_Q, double W_K)
{
    return 2 * ref_magnitude(scale) * W_Q * W_K;
}

double ref_printed_bound(double static_term, double dynamic_term, double W_V)
{
    return (static_term + dynamic_term) * W_V;
}

double ref_softmax_term(double lambda, double Y, double M)
{
    return 2 * lambda * (Y * Y) * M;
}

double ref_bound_A(double lambda, double Y, double M, double S, double W_V)
{
    return (ref_softmax_term(lambda, Y, M) + S) * W_V;
}

double ref_bound_A_prime(double lambda, double Y, double M, double centred, double W_V)
{
    double term = ref_softmax_term(lambda, Y, M) + centred;

    //@ assert square: REAL(square(term) == term * term);
    return W_V * ref_sqrt(1 + term * term);
}

double ref_largest_row(const double *Y, int n, int d)
{
    double largest = 0;

    /*@ loop invariant upto(i, n);
        loop invariant REAL(largest >= 0);
        loop assigns i, largest;
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        //@ assert inside: row_inside(i, n, d);
        double length = ref_frobenius(Y + i * d, d);
        if (length > largest)
            largest = length;
    }
    return largest;
}

double ref_bound_B(double *mean, const double *S, const double *Y, double M, double W_V, int n,
                   int d)
{
    double R = ref_largest_row(Y, n, d), largest = 0;

    /*@ loop invariant 0 <= i <= n;
        loop invariant REAL(largest >= 0);
        loop assigns i, largest, mean[0 .. d - 1];
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        //@ assert inside: row_inside(i, n, n);
        ref_row(mean, S + i * n, Y, n, d);
        double length = ref_frobenius(mean, d);
        double spread = (R - length) * (R + length), term;
        if (spread < 0)
            spread = 0; /* |mu_i| <= R but for rounding */
        term = spread + R * ref_sqrt(spread);
        if (term > largest)
            largest = term;
    }
    return W_V * (1 + M * largest);
}

/* --- all of them -------------------------------------------------------------------------------
 */

void ref_attention_matrix(double *S, double *Q, double *K, double *row, const double *Y,
                          const double *W_Q, const double *W_K, double scale, int n, int d)
{
    ref_matmul(Q, Y, W_Q, n, d, d);
    ref_matmul(K, Y, W_K, n, d, d);
    /*@ loop invariant upto(i, n);
        loop invariant REAL(distributions(S, n, i));
        loop assigns i, S[0 .. n * n - 1], row[0 .. n - 1];
        loop variant n - i; */
    for (int i = 0; i < n; i++) {
        //@ assert inside: row_inside(i, n, n) && row_inside(i, n, d);
        //@ assert here: row_of(S, n, i) == S + i * n;
        /*@ assert before: \forall integer r; 0 <= r < i ==> apart(row_of(S, n, r), n,
              row_of(S, n, i), n); */
        ref_row_nt(row, Q + i * d, K, n, d);
        ref_multiply(row, scale, n);
        ref_softmax(S + i * n, row, n);
        /*@ assert others: REAL(\forall integer r; 0 <= r < i ==>
              same{Here, LoopCurrent}(row_of(S, n, r), n)); */
        //@ assert new: REAL(is_distribution(row_of(S, n, i), n));
    }
}

/* First all that reads S, then all that b gets: to the proofs b might overlap what is read later.
 */
void ref_bound_rows(struct ref_bound *b, const double *S, double q, int n)
{
    double entropy = ref_mean_entropy(S, q, n), entropy_least = ref_least_entropy(S, q, n);
    double lambda = ref_lambda(S, n), dynamic_term = ref_dynamic_term(S, q, n);
    double frobenius = ref_frobenius(S, n * n), centred = ref_centred_norm(S, n);
    double least, most;

    ref_row_maxima(&least, &most, S, n);
    b->row_max_least = least;
    b->row_max_most = most;
    b->entropy = entropy;
    b->entropy_least = entropy_least;
    b->lambda = lambda;
    b->dynamic_term = dynamic_term;
    b->S_frobenius = frobenius;
    b->S_centred = centred;
}

void ref_bound_norms(struct ref_bound *b, struct ref_bound_work *work, const double *Y,
                     const double *W_Q, const double *W_K, const double *W_V, double scale, int n,
                     int d)
{
    double *G = work->G, *H = work->H, *row = work->row;

    //@ assert fits_n: fewer_rows(n, wider(n, d), n) && fewer_rows(n, wider(n, d), wider(n, d));
    //@ assert fits_d: fewer_rows(d, wider(n, d), d) && fewer_rows(d, wider(n, d), wider(n, d));
    //@ assert fits: n * n <= wider(n, d) * wider(n, d) && d * d <= wider(n, d) * wider(n, d);
    ref_matmul_nt(work->M, W_Q, W_K, d, d, d);
    ref_multiply(work->M, scale, d * d);
    b->W_Q = ref_spectral_norm(G, H, row, W_Q, d, d);
    b->W_K = ref_spectral_norm(G, H, row, W_K, d, d);
    b->W_V = ref_spectral_norm(G, H, row, W_V, d, d);
    b->W_V_frobenius = ref_frobenius(W_V, d * d);
    b->M = ref_spectral_norm(G, H, row, work->M, d, d);
    b->Y = ref_spectral_norm(G, H, row, Y, n, d);
    b->Y_frobenius = ref_frobenius(Y, n * d);
    b->S = ref_spectral_norm(G, H, row, work->S, n, n);
}

int ref_bound_finite(const struct ref_bound *b)
{
    const double members[] = {
        b->W_Q,
        b->W_K,
        b->W_V,
        b->W_V_frobenius,
        b->M,
        b->Y,
        b->Y_frobenius,
        b->S,
        b->S_frobenius,
        b->S_centred,
        b->row_max_least,
        b->row_max_most,
        b->entropy,
        b->entropy_least,
        b->lambda,
        b->static_term,
        b->dynamic_term,
        b->printed,
        b->A,
        b->A_lambda,
        b->A_prime,
        b->B,
    };

    return ref_all_finite(members, sizeof members / sizeof members[0]);
}

void ref_bound(struct ref_bound *b, struct ref_bound_work *work, const double *Y, const double *W_Q,
               const double *W_K, const double *W_V, double scale, double q, int n, int d)
{
    //@ assert fits_n: fewer_rows(n, wider(n, d), n) && fewer_rows(n, wider(n, d), wider(n, d));
    //@ assert fits_d: fewer_rows(d, wider(n, d), d) && fewer_rows(d, wider(n, d), wider(n, d));
    //@ assert fits: n * n <= wider(n, d) * wider(n, d) && d * d <= wider(n, d) * wider(n, d);
    ref_attention_matrix(work->S, work->Q, work->K, work->row, Y, W_Q, W_K, scale, n, d);
    //@ assert rows: REAL(unit_rows(work->S, n, n));
    ref_bound_rows(b, work->S, q, n);
    ref_bound_norms(b, work, Y, W_Q, W_K, W_V, scale, n, d);
    b->B = ref_bound_B(work->row, work->S, Y, b->M, b->W_V, n, d);
    b->static_term = ref_static_term(scale, b->W_Q, b->W_K);
    b->printed = ref_printed_bound(b->static_term, b->dynamic_term, b->W_V_frobenius);
    b->A = ref_bound_A(0.5, b->Y, b->M, b->S, b->W_V);
    b->A_lambda = ref_bound_A(b->lambda, b->Y, b->M, b->S, b->W_V);
    b->A_prime = ref_bound_A_prime(b->lambda, b->Y, b->M, b->S_centred, b->W_V);
    /* A comparison may have lost a NaN that came in, or that the softmax made. */
    b->known = ref_all_finite(Y, n * d) && ref_all_finite(W_Q, d * d) &&
               ref_all_finite(W_K, d * d) && ref_all_finite(W_V, d * d) &&
               ref_all_finite(work->S, n * n) && ref_all_finite(work->M, d * d) &&
               ref_bound_finite(b);
}

/* Of expm1, so that sinh of a small x keeps its digits. */
double ref_cosh(double x)
{
    double e = ref_expm1(x) + 1;

    //@ assert exponential: REAL(e == \exp(x));
    //@ assert inverse: REAL(over(1.0, e) == 1 / e);
    return (e + 1 / e) / 2;
}

double ref_sinh(double x)
{
    double less_one = ref_expm1(x), e = less_one + 1;

    //@ assert exponential: REAL(e == \exp(x));
    //@ assert quotient: REAL(over(less_one, e) == less_one / e);
    return (less_one + less_one / e) / 2;
}

double ref_entry_limit(double spread, int n)
{
    return 1 / (1 + (n - 1) * ref_exp(-spread));
}

void ref_theorem_C(struct ref_contraction *c, double M, double W_V, double X, double rho, int n)
{
    double spread = (1 + ref_sqrt(2.0)) / 2 * M * (rho * rho);
    double image = W_V * ref_cosh(spread / 2) * rho + X;
    double limit = ref_entry_limit(spread, n);
    double lambda = limit < 0.5 ? limit : 0.5;
    double rate = ref_bound_A_prime(lambda, rho, M, ref_sinh(spread / 2), W_V);
    const double members[] = {rho, spread, image, limit, rate};

    c->spread = spread;
    c->image = image;
    c->rate = rate;
    c->known = ref_all_finite(members, sizeof members / sizeof members[0]);
    c->holds = c->known && image <= rho && rate < 1;
}
