/* formulas.h - the formulas of spec/model.md in the language of the contracts: sums, rows of
 * matrices, and the lemmas about them. Over the reals: contracts.h says how REAL(...) marks what
 * holds there only.
 *
 * A function of its own for each summand keeps products out of the solvers' arithmetic. */
#ifndef EER_REF_FORMULAS_H
#define EER_REF_FORMULAS_H

/*@ logic integer counted{L}(int *labels, integer n) =
      n <= 0 ? 0 : counted(labels, n - 1) + (labels[n - 1] >= 0 ? 1 : 0); */

/* Vectors. */
/*@ logic real square(real x) = x * x;
    lemma square_sign: \forall real x; 0 <= square(x);

    logic real product{L}(double *x, double *y, integer j) = x[j] * y[j];
    logic real scaled{L}(real factor, double *x, integer j) = factor * x[j];
    // x / y for y != 0; the solvers see only in a function with a case that equals give equals
    logic real over(real x, real y) = y == 0 ? 0.0 : x / y;
    logic real quotient{L}(double *x, integer j, real divisor) = over(x[j], divisor);

    predicate is_divided{L1, L2}(double *x, real divisor, integer n) =
      \forall integer j; 0 <= j < n ==> \at(x[j], L1) == quotient{L2}(x, j, divisor);

    predicate is_filled{L}(double *x, real value, integer n) =
      \forall integer j; 0 <= j < n ==> x[j] == value;

    logic real sum{L}(double *x, integer n) = n <= 0 ? 0.0 : sum(x, n - 1) + x[n - 1];

    logic real dot{L}(double *x, double *y, integer n) =
      n <= 0 ? 0.0 : dot(x, y, n - 1) + product(x, y, n - 1);

    logic real norm{L}(double *x, integer n) = \sqrt(dot(x, x, n));

    predicate is_first_largest{L}(double *x, integer n, integer top) =
      (\forall integer j; 0 <= j < n ==> x[j] <= x[top]) &&
      (\forall integer j; 0 <= j < top ==> x[j] < x[top]);

    predicate same{L1, L2}(double *x, integer n) =
      \forall integer j; 0 <= j < n ==> \at(x[j], L1) == \at(x[j], L2);

    lemma sum_same{L1, L2}: \forall double *x, integer n; 0 <= n ==>
      same{L1, L2}(x, n) ==> sum{L1}(x, n) == sum{L2}(x, n);
    lemma dot_same{L1, L2}: \forall double *x, *y, integer n; 0 <= n ==>
      same{L1, L2}(x, n) ==> same{L1, L2}(y, n) ==> dot{L1}(x, y, n) == dot{L2}(x, y, n); */

/* Matrices of n columns: row i, and the entry in its column j. */
/*@ logic double *row_of(double *A, integer n, integer i) = A + i * n;

    logic real entry{L}(double *A, integer n, integer i, integer j) = A[i * n + j];

    logic real row_term{L}(double *a, double *B, integer n, integer k, integer j) =
      a[k] * entry(B, n, k, j);

    // a B, column j: sum over the first m rows of B
    logic real row_column{L}(double *a, double *B, integer n, integer j, integer m) =
      m <= 0 ? 0.0 : row_column(a, B, n, j, m - 1) + row_term(a, B, n, m - 1, j);

    logic real column_term{L}(double *A, integer m, integer k, double *B, integer n, integer j,
                              integer i) = entry(A, m, i, k) * entry(B, n, i, j);

    // A^T B, row k and column j: sum over the first `rows` rows of A (of m columns) and B (of n)
    logic real column_column{L}(double *A, integer m, integer k, double *B, integer n, integer j,
                                integer rows) =
      rows <= 0 ? 0.0 : column_column(A, m, k, B, n, j, rows - 1) +
                        column_term(A, m, k, B, n, j, rows - 1);

    // row k lies inside a matrix of m rows and n columns
    predicate row_inside(integer k, integer m, integer n) = 0 <= k * n && k * n + n <= m * n;

    // what sizes of ours fit into an int; m rows of n are part of M rows
    predicate product_fits(integer m, integer n) = 0 <= m * n <= 0x7fffffff;
    predicate fewer_rows(integer m, integer M, integer n) = m * n <= M * n;

    lemma products_fit: \forall integer m, n;
      0 <= m <= EER_MAX_EVAL_LENGTH + 1 && 0 <= n <= EER_MAX_MLP ==> product_fits(m, n);
    lemma rows_fewer: \forall integer m, M, n; m <= M && 0 <= n ==> fewer_rows(m, M, n);

    predicate same_matrix{L1, L2}(double *B, integer m, integer n) = same{L1, L2}(B, m * n);

    predicate same_column{L1, L2}(double *B, integer n, integer j, integer m) =
      \forall integer k; 0 <= k < m ==> entry{L1}(B, n, k, j) == entry{L2}(B, n, k, j);

    lemma rows_inside: \forall integer k, m, n; 0 <= k < m && 0 <= n ==> row_inside(k, m, n);
    lemma row_entry{L}: \forall double *B, integer n, k, j;
      row_of(B, n, k)[j] == entry{L}(B, n, k, j);
    lemma inside_entry{L1, L2}: \forall double *B, integer m, n, k, j;
      0 <= j < n && row_inside(k, m, n) && same{L1, L2}(B, m * n) ==>
      entry{L1}(B, n, k, j) == entry{L2}(B, n, k, j);
    lemma same_entry{L1, L2}: \forall double *B, integer m, n, k, j;
      0 <= k < m && 0 <= j < n && same_matrix{L1, L2}(B, m, n) ==>
      row_inside(k, m, n) && entry{L1}(B, n, k, j) == entry{L2}(B, n, k, j);
    lemma same_row{L1, L2}: \forall double *B, integer m, n, k;
      0 <= k < m && 0 <= n && same_matrix{L1, L2}(B, m, n) ==> same{L1, L2}(row_of(B, n, k), n);
    lemma same_columns{L1, L2}: \forall double *B, integer m, n, j;
      0 <= j < n && same_matrix{L1, L2}(B, m, n) ==> same_column{L1, L2}(B, n, j, m);
    lemma row_column_same{L1, L2}: \forall double *a, *B, integer n, j, m; 0 <= m ==>
      same{L1, L2}(a, m) ==> same_column{L1, L2}(B, n, j, m) ==>
      row_column{L1}(a, B, n, j, m) == row_column{L2}(a, B, n, j, m);
    lemma column_column_same{L1, L2}: \forall double *A, *B, integer m, k, n, j,
    rows; 0 <= rows ==>
      same_column{L1, L2}(A, m, k, rows) ==> same_column{L1, L2}(B, n, j, rows) ==>
      column_column{L1}(A, m, k, B, n, j, rows) == column_column{L2}(A, m, k, B, n, j, rows);
    lemma rows_apart{L}: \forall double *A, integer n, r, i; 0 <= r < i && 0 <= n ==>
      apart(row_of(A, n, r), n, row_of(A, n, i), n); */

/* What the matrix products leave in a row c: a B, a B^T, c + a b, c + A^T B. */
/*@ predicate is_row{L1, L2}(double *c, double *a, double *B, integer m, integer n) =
      \forall integer j; 0 <= j < n ==> \at(c[j], L1) == row_column{L2}(a, B, n, j, m);
    predicate is_row_nt{L1, L2}(double *c, double *a, double *B, integer m, integer n) =
      \forall integer k; 0 <= k < m ==> \at(c[k], L1) == dot{L2}(a, row_of(B, n, k), n);
    predicate is_multiple_added{L1, L2}(double *c, real a, double *b, integer n) =
      \forall integer j; 0 <= j < n ==> \at(c[j], L1) == \at(c[j], L2) + scaled{L2}(a, b, j);
    predicate is_row_tn{L1, L2}(double *c, double *A, integer m, integer k, double *B, integer n,
                                integer rows) =
      \forall integer j; 0 <= j < n ==>
        \at(c[j], L1) == \at(c[j], L2) + column_column{L2}(A, m, k, B, n, j, rows); */

/* Elementary functions: what the solvers do not know. Theorems of the same names stand in
 * proofs/coq/facts.v. power(x, y) is x^y for x >= 0, with 0^y = 0. */
/*@ axiomatic Elementary {
      logic real power(real x, real y);

      axiom exp_zero: \exp(0.0) == 1.0;
      axiom exp_positive: \forall real x; 0 < \exp(x);
      axiom exp_increasing: \forall real x, y; x <= y ==> \exp(x) <= \exp(y);
      axiom log_of_exp: \forall real x; \log(\exp(x)) == x;
      axiom log_increasing: \forall real x, y; 0 < x <= y ==> \log(x) <= \log(y);
      axiom log_one: \log(1.0) == 0.0;
      axiom power_positive: \forall real x, y; 0 < x ==> 0 < power(x, y);
      axiom power_nonnegative: \forall real x, y; 0 <= x ==> 0 <= power(x, y);
      axiom power_two: \forall real x; 0 <= x ==> power(x, 2.0) == x * x;
      axiom power_three_halves: \forall real x; 0 <= x ==> power(x, 1.5) == x * \sqrt(x);
      axiom power_below: \forall real x, q; 0 <= x <= 1 && 1 <= q ==> power(x, q) <= x;
      axiom adam_correction: \forall real b, s; 0 <= b < 1 && 1 <= s ==> power(b, s) < 1;
    } */

/* Softmax, its potential and its entropy [3.3, 4.3, 4.4]. The largest score is subtracted: Coq's
 * softmax_formula says that this changes nothing. */
/*@ logic real exp_term{L}(double *s, real largest, integer j) = \exp(s[j] - largest);

    logic real exponentials{L}(double *s, real largest, integer n) =
      n <= 0 ? 0.0 : exponentials(s, largest, n - 1) + exp_term(s, largest, n - 1);

    predicate is_softmax{L1, L2}(double *p, double *s, real largest, integer n) =
      \forall integer j; 0 <= j < n ==>
        \at(p[j], L1) * exponentials{L2}(s, largest, n) == exp_term{L2}(s, largest, j);

    predicate is_distribution{L}(double *p, integer n) =
      sum(p, n) == 1 && \forall integer j; 0 <= j < n ==> 0 <= p[j] <= 1;

    logic real power_term{L}(double *p, real q, integer j) = power(p[j], q);

    logic real powers{L}(double *p, real q, integer n) =
      n <= 0 ? 0.0 : powers(p, q, n - 1) + power_term(p, q, n - 1);

    logic real tsallis{L}(double *p, real q, integer n) = (1 - powers(p, q, n)) / (q - 1);

    // d/ds_j of sum_k dp_k p_k, of weight times the potential, of weight times S_q
    logic real softmax_slope{L}(double *p, double *dp, integer n, integer j) =
      p[j] * (dp[j] - dot(p, dp, n));
    logic real potential_slope{L}(double *p, integer top, real weight, integer j) =
      weight * (p[j] - (j == top ? 1.0 : 0.0));
    logic real powers_slope{L}(double *p, real q, integer n, integer j) =
      power_term(p, q, j) - scaled(powers(p, q, n), p, j);
    logic real tsallis_slope{L}(double *p, real q, real weight, integer n, integer j) =
      -weight * q / (q - 1) * powers_slope(p, q, n, j);

    lemma quotient_times{L}: \forall double *x, integer j, real divisor; divisor != 0 ==>
      quotient(x, j, divisor) * divisor == x[j];
    lemma part_of_whole{L}: \forall double *x, integer j, real whole;
      0 <= x[j] <= whole && 0 < whole ==> 0 <= quotient(x, j, whole) <= 1;
    lemma sum_nonnegative{L}: \forall double *x, integer n; 0 <= n ==>
      (\forall integer i; 0 <= i < n ==> 0 <= x[i]) ==> 0 <= sum(x, n);
    lemma part_of_sum{L}: \forall double *x, integer n, j;
      0 <= j < n && (\forall integer i; 0 <= i < n ==> 0 <= x[i]) ==> x[j] <= sum(x, n);
    lemma sum_of_exponentials{L1, L2}: \forall double *p, *s, real largest, integer n; 0 <= n ==>
      (\forall integer j; 0 <= j < n ==> \at(p[j], L1) == exp_term{L2}(s, largest, j)) ==>
      sum{L1}(p, n) == exponentials{L2}(s, largest, n);
    lemma sum_of_powers{L1, L2}: \forall double *pq, *p, real q, integer n; 0 <= n ==>
      (\forall integer j; 0 <= j < n ==> \at(pq[j], L1) == power_term{L2}(p, q, j)) ==>
      sum{L1}(pq, n) == powers{L2}(p, q, n);
    lemma powers_below_sum{L}: \forall double *p, real q, integer n; 0 <= n ==> 1 <= q ==>
      (\forall integer j; 0 <= j < n ==> 0 <= p[j] <= 1) ==> powers(p, q, n) <= sum(p, n);
    lemma exponentials_same{L1, L2}: \forall double *s, real largest, integer n; 0 <= n ==>
      same{L1, L2}(s, n) ==> exponentials{L1}(s, largest, n) == exponentials{L2}(s, largest, n);
    lemma powers_same{L1, L2}: \forall double *p, real q, integer n; 0 <= n ==>
      same{L1, L2}(p, n) ==> powers{L1}(p, q, n) == powers{L2}(p, q, n);

    lemma over_sign: \forall real x, y; 0 <= x && 0 < y ==> 0 <= over(x, y);
    lemma quotient_sign: \forall real x, y; 0 <= x && 0 < y ==> 0 <= x / y;
    lemma tsallis_sign{L}: \forall double *p, real q, integer n;
      1 < q && powers(p, q, n) <= 1 ==> 0 <= tsallis(p, q, n);

    // Beyond the solvers; theorems of the same names in proofs/coq/facts.v.
    axiomatic Sums {
      axiom sum_of_shares{L1, L2}: \forall double *p, integer n; 0 <= n ==>
        sum{L2}(p, n) != 0 ==> is_divided{L1, L2}(p, sum{L2}(p, n), n) ==> sum{L1}(p, n) == 1;
      axiom tsallis_maximum{L}: \forall double *p, real q, integer n;
        1 <= n && 1 < q && sum(p, n) == 1 && (\forall integer j; 0 <= j < n ==> 0 <= p[j]) ==>
        tsallis(p, q, n) <= (1 - power(n, 1 - q)) / (q - 1);
    } */

/* Layer norm [3.2, 5.2]. */
/*@ logic real mean{L}(double *x, integer d) = sum(x, d) / d;

    logic real square_term{L}(double *x, real mean, integer j) = square(x[j] - mean);

    logic real squares{L}(double *x, real mean, integer d) =
      d <= 0 ? 0.0 : squares(x, mean, d - 1) + square_term(x, mean, d - 1);

    logic real deviation{L}(double *x, integer d) = \sqrt(squares(x, mean(x, d), d) / d + 1e-5);

    logic real standardised{L}(double *x, integer d, integer j) =
      (x[j] - mean(x, d)) / deviation(x, d);

    logic real normed{L}(double *x, double *gain, double *bias, integer d, integer j) =
      scaled(standardised(x, d, j), gain, j) + bias[j];

    predicate is_layer_norm{L1, L2}(double *y, double *x, double *gain, double *bias, integer d) =
      \forall integer j; 0 <= j < d ==> \at(y[j], L1) == normed{L2}(x, gain, bias, d, j);

    predicate is_standardised{L1, L2}(double *xhat, double *x, integer d) =
      \forall integer j; 0 <= j < d ==> \at(xhat[j], L1) == standardised{L2}(x, d, j);

    // of sums of g and of g * xhat
    logic real norm_numerator(real g, real sum, real xhat, real sum_xhat, integer d) =
      g - sum / d - xhat * (sum_xhat / d);
    logic real norm_slope{L}(double *g, double *xhat, real deviation, integer d, integer j) =
      over(norm_numerator(g[j], sum(g, d), xhat[j], dot(g, xhat, d), d), deviation);

    lemma sum_of_products{L1, L2}: \forall double *g, *x, *y, integer n; 0 <= n ==>
      (\forall integer j; 0 <= j < n ==> \at(g[j], L1) == product{L2}(x, y, j)) ==>
      sum{L1}(g, n) == dot{L2}(x, y, n);

    // the same from x, with g = dy * gain and xhat = standardised(x)
    logic real gained_term{L}(double *dy, double *gain, double *x, integer d, integer j) =
      product(dy, gain, j) * standardised(x, d, j);
    logic real gained_dot{L}(double *dy, double *gain, double *x, integer d, integer n) =
      n <= 0 ? 0.0 : gained_dot(dy, gain, x, d, n - 1) + gained_term(dy, gain, x, d, n - 1);
    logic real layer_norm_slope{L}(double *dy, double *gain, double *x, integer d, integer j) =
      over(norm_numerator(product(dy, gain, j), dot(dy, gain, d), standardised(x, d, j),
                          gained_dot(dy, gain, x, d, d), d), deviation(x, d));

    lemma sum_of_gained{L1, L2}: \forall double *g, *xhat, *dy, *gain, *x, integer d, n; 0 <= n ==>
      (\forall integer j; 0 <= j < n ==> \at(g[j], L1) == product{L2}(dy, gain, j)) ==>
      (\forall integer j; 0 <= j < n ==> \at(xhat[j], L1) == standardised{L2}(x, d, j)) ==>
      dot{L1}(g, xhat, n) == gained_dot{L2}(dy, gain, x, d, n); */

/* Activations [3.3, 5.3]. */
/*@ axiomatic ErrorFunction { logic real error_function(real x); }

    logic real normal_distribution(real x) =
      (1 + error_function(x / 1.4142135623730950488016887242097)) / 2;
    logic real normal_density(real x) =
      \exp(-x * x / 2) / 2.5066282746310005024157652848110;
    logic real gelu(real x) = x * normal_distribution(x);
    logic real activated(real x, enum eer_activation activation) =
      activation == EER_RELU ? (x > 0 ? x : 0.0) : gelu(x);
    logic real gelu_slope(real x) = normal_distribution(x) + x * normal_density(x);
    logic real activation_slope(real x, enum eer_activation activation) =
      activation == EER_RELU ? (x > 0 ? 1.0 : 0.0)
                             : gelu_slope(x); */

/*@ logic real activations_slope{L}(double *dg, double *a, enum eer_activation activation,
                                      integer k) =
      scaled(activation_slope(a[k], activation), dg, k); */

/* Attention [3.3]. */
/*@ logic integer distance(integer i, integer j) = i < j ? j - i : i - j;

    logic real away(real slope, integer i, integer j) = slope * distance(i, j);

    logic real scale{L}(struct eer_config *c) = c->tau * \sqrt(c->d);

    logic real scaled_dot{L}(double *q_i, double *k, struct eer_config *c, integer j) =
      over(dot(q_i, row_of(k, c->d, j), c->d), scale(c));

    logic real score{L}(double *q_i, double *k, struct eer_config *c, integer i, integer j) =
      scaled_dot(q_i, k, c, j) - away(c->slope, i, j);

    // what attention reads of a configuration
    predicate same_attention{L1, L2}(struct eer_config *c) =
      \at(c->tau, L1) == \at(c->tau, L2) && \at(c->slope, L1) == \at(c->slope, L2) &&
      \at(c->q, L1) == \at(c->q, L2); */

/* The parts of the loss [4.2, 4.4]. */
/*@ logic real difference_term{L}(double *x, double *y, integer j) = square(x[j] - y[j]);

    logic real squared_distance{L}(double *x, double *y, integer n) =
      n <= 0 ? 0.0 : squared_distance(x, y, n - 1) + difference_term(x, y, n - 1);

    logic real norms{L}(double *Z, integer d, integer N) =
      N <= 0 ? 0.0 : norms(Z, d, N - 1) + norm(row_of(Z, d, N - 1), d);

    logic real path{L}(double *Z, integer size, integer T) =
      T <= 0 ? 0.0 : path(Z, size, T - 1) +
                     squared_distance(row_of(Z, size, T), row_of(Z, size, T - 1), size);

    logic real excess{L}(double *entropy, real eta, integer T, integer i) = entropy[i] / T - eta;

    logic real penalties{L}(double *entropy, real eta, integer T, integer N) =
      N <= 0 ? 0.0 : penalties(entropy, eta, T, N - 1) + \abs(excess(entropy, eta, T, N - 1)); */

#endif
