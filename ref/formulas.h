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

    logic real product{L}(double *x, double *y, integer j) = x[j] * y[j];
    logic real scaled{L}(real factor, double *x, integer j) = factor * x[j];
    // x / y; the solvers see only in a function with a case that equals give equals
    logic real over(real x, real y) = y == 0 ? x / 0.0 : x / y;
    logic real quotient{L}(double *x, integer j, real divisor) = over(x[j], divisor);

    predicate is_divided{L1, L2}(double *x, real divisor, integer n) =
      \forall integer j; 0 <= j < n ==> \at(x[j], L1) == quotient{L2}(x, j, divisor);

    predicate copied{L1, L2}(double *y, double *x, integer n) =
      \forall integer j; 0 <= j < n ==> \at(y[j], L1) == \at(x[j], L2);
    predicate is_sum{L1, L2}(double *y, double *a, double *b, integer n) =
      \forall integer j; 0 <= j < n ==> \at(y[j], L1) == \at(a[j], L2) + \at(b[j], L2);
    predicate is_added{L1, L2}(double *y, double *x, integer n) =
      \forall integer j; 0 <= j < n ==> \at(y[j], L1) == \at(y[j], L2) + \at(x[j], L2);

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
      \forall integer j; 0 <= j < n ==> \at(x[j], L1) == \at(x[j], L2); */

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

    predicate same_matrix{L1, L2}(double *B, integer m, integer n) = same{L1, L2}(B, m * n);

    predicate same_column{L1, L2}(double *B, integer n, integer j, integer m) =
      \forall integer k; 0 <= k < m ==> entry{L1}(B, n, k, j) == entry{L2}(B, n, k, j); */

/* What the matrix products leave in a row c: a B, a B^T, c + a b, c + A^T B. */
/*@ predicate is_row{L1, L2}(double *c, double *a, double *B, integer m, integer n) =
      \forall integer j; 0 <= j < n ==> \at(c[j], L1) == row_column{L2}(a, B, n, j, m);
    predicate is_affine{L1, L2}(double *y, double *x, double *W, double *b, integer m,
                                integer n) =
      \forall integer j; 0 <= j < n ==>
        \at(y[j], L1) == row_column{L2}(x, W, n, j, m) + \at(b[j], L2);
    predicate is_row_nt{L1, L2}(double *c, double *a, double *B, integer m, integer n) =
      \forall integer k; 0 <= k < m ==> \at(c[k], L1) == dot{L2}(a, row_of(B, n, k), n);
    predicate is_multiple_added{L1, L2}(double *c, real a, double *b, integer n) =
      \forall integer j; 0 <= j < n ==> \at(c[j], L1) == \at(c[j], L2) + scaled{L2}(a, b, j);
    predicate is_row_tn{L1, L2}(double *c, double *A, integer m, integer k, double *B, integer n,
                                integer rows) =
      \forall integer j; 0 <= j < n ==>
        \at(c[j], L1) == \at(c[j], L2) + column_column{L2}(A, m, k, B, n, j, rows); */

/* power(x, y) is x^y for x >= 0, with 0^y = 0; lemmas_elementary.h says what is known of it. */
/*@ axiomatic Power { logic real power(real x, real y); } */

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
    logic real centred_share(real p, real dp, real mean) = p * (dp - mean);
    logic real softmax_slope{L}(double *p, double *dp, integer n, integer j) =
      centred_share(p[j], dp[j], dot(p, dp, n));
    logic real potential_slope{L}(double *p, integer top, real weight, integer j) =
      weight * (p[j] - (j == top ? 1.0 : 0.0));
    logic real powers_slope{L}(double *p, real q, integer n, integer j) =
      power_term(p, q, j) - scaled(powers(p, q, n), p, j);
    logic real tsallis_slope{L}(double *p, real q, real weight, integer n, integer j) =
      -weight * q / (q - 1) * powers_slope(p, q, n, j); */

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

    // the same from x, with g = dy * gain and xhat = standardised(x)
    logic real gained_term{L}(double *dy, double *gain, double *x, integer d, integer j) =
      product(dy, gain, j) * standardised(x, d, j);
    logic real gained_dot{L}(double *dy, double *gain, double *x, integer d, integer n) =
      n <= 0 ? 0.0 : gained_dot(dy, gain, x, d, n - 1) + gained_term(dy, gain, x, d, n - 1);
    logic real layer_norm_slope{L}(double *dy, double *gain, double *x, integer d, integer j) =
      over(norm_numerator(product(dy, gain, j), dot(dy, gain, d), standardised(x, d, j),
                          gained_dot(dy, gain, x, d, d), d), deviation(x, d)); */

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

/* The parts of the loss [4.2, 4.4] and their derivatives [5.1]. */
/*@ logic real share_error{L}(double *p, integer label, integer j) =
      p[j] - (j == label ? 1.0 : 0.0);

    logic real difference_term{L}(double *x, double *y, integer j) = square(x[j] - y[j]);

    logic real squared_distance{L}(double *x, double *y, integer n) =
      n <= 0 ? 0.0 : squared_distance(x, y, n - 1) + difference_term(x, y, n - 1);

    logic real norms{L}(double *Z, integer d, integer N) =
      N <= 0 ? 0.0 : norms(Z, d, N - 1) + norm(row_of(Z, d, N - 1), d);

    logic real path{L}(double *Z, integer size, integer T) =
      T <= 0 ? 0.0 : path(Z, size, T - 1) +
                     squared_distance(row_of(Z, size, T), row_of(Z, size, T - 1), size);

    logic real kinetic{L}(double *Z, struct eer_config *c, integer N, integer size) =
      c->kinetic == EER_KINETIC_NORM
        ? over(norms(row_of(Z, size, c->loops), c->d, N), 2.0 * N) :
      c->kinetic == EER_KINETIC_SQUARED
        ? over(dot(row_of(Z, size, c->loops), row_of(Z, size, c->loops), size), 2.0 * N) :
      c->kinetic == EER_KINETIC_PATH ? over(path(Z, size, c->loops), 2.0 * N * c->loops)
                                     : over(norm(row_of(Z, size, c->loops), size), 2.0);

    // d/dx_j of weight |x|, 0 at x = 0
    logic real length_slope{L}(double *x, real weight, integer n, integer j) =
      norm(x, n) > 0 ? scaled(over(weight, norm(x, n)), x, j) : 0.0;
    predicate is_length_slope_added{L1, L2}(double *dx, double *x, real weight, integer n) =
      \forall integer j; 0 <= j < n ==>
        \at(dx[j], L1) == \at(dx[j], L2) + length_slope{L2}(x, weight, n, j);
    predicate are_length_slopes_added{L1, L2}(double *dZ, double *Z, real weight, integer N,
                                              integer d) =
      \forall integer i; 0 <= i < N ==>
        is_length_slope_added{L1, L2}(row_of(dZ, d, i), row_of(Z, d, i), weight, d);

    // d/dZ_t of weight / 2 sum_t |Z_t - Z_(t-1)|^2
    logic real step_slope{L}(double *Z, real weight, integer t, integer s, integer size,
                             integer j) =
      scaled(weight, row_of(Z, size, t), j) + scaled(-weight, row_of(Z, size, s), j);
    logic real path_slope{L}(double *Z, real weight, integer t, integer T, integer size,
                             integer j) =
      step_slope(Z, weight, t, t - 1, size, j) +
      (t < T ? step_slope(Z, weight, t, t + 1, size, j) : 0.0);
    predicate is_path_slope_added{L1, L2}(double *dZ, double *Z, real weight, integer t, integer T,
                                          integer size) =
      \forall integer j; 0 <= j < size ==>
        \at(dZ[j], L1) == \at(dZ[j], L2) + path_slope{L2}(Z, weight, t, T, size, j);

    logic real signum(real x) = x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0;

    logic real excess{L}(double *entropy, real eta, integer T, integer i) = entropy[i] / T - eta;

    logic real penalties{L}(double *entropy, real eta, integer T, integer N) =
      N <= 0 ? 0.0 : penalties(entropy, eta, T, N - 1) + \abs(excess(entropy, eta, T, N - 1)); */

/* The contraction bound of theorem 3.2.1 and its corrected forms [theorem.md]. */
/*@ logic real larger(real x, real y) = x < y ? y : x;
    logic real smaller(real x, real y) = x < y ? x : y;
    logic real magnitude(real x) = x < 0 ? -x : x;

    // the largest and the second largest of the numbers p_j >= 0; 0 where there is none
    logic real largest{L}(double *p, integer n) =
      n <= 0 ? 0.0 : larger(largest(p, n - 1), p[n - 1]);
    logic real second_largest{L}(double *p, integer n) =
      n <= 0 ? 0.0
             : larger(second_largest(p, n - 1), smaller(largest(p, n - 1), p[n - 1]));

    predicate is_unit{L}(double *x, integer n) = \forall integer j; 0 <= j < n ==> 0 <= x[j] <= 1;
    predicate unit_rows{L}(double *S, integer n, integer rows) =
      \forall integer i; 0 <= i < rows ==> is_unit(row_of(S, n, i), n);
    predicate distributions{L}(double *S, integer n, integer rows) =
      \forall integer i; 0 <= i < rows ==> is_distribution(row_of(S, n, i), n);

    logic real g1(real first, real second) = first * (1 - first + second);

    // of row i of S, n columns: at least the norm of diag(r) - r r^T
    logic real row_lambda{L}(double *r, integer n) =
      smaller(g1(largest(r, n), second_largest(r, n)), sum(r, n) - dot(r, r, n));
    logic real lambdas{L}(double *S, integer n, integer rows) =
      rows <= 0 ? 0.0 : larger(lambdas(S, n, rows - 1), row_lambda(row_of(S, n, rows - 1), n));

    // sum over rows of (sum_j r_ij^q)^(2/q), of S_q(r_i), of sum_j (r_ij - mean)^2
    logic real dynamic_term{L}(double *r, real q, integer n) =
      power(powers(r, q, n), over(2.0, q));
    logic real dynamic_terms{L}(double *S, real q, integer n, integer rows) =
      rows <= 0 ? 0.0 : dynamic_terms(S, q, n, rows - 1) +
                        dynamic_term(row_of(S, n, rows - 1), q, n);
    logic real entropy_loss(real x, real q) = x - power(x, q);
    // tsallis of a row whose sum is 1
    logic real entropy{L}(double *r, real q, integer n) =
      over(sum(r, n) - powers(r, q, n), q - 1);
    logic real entropies{L}(double *S, real q, integer n, integer rows) =
      rows <= 0 ? 0.0 : entropies(S, q, n, rows - 1) + entropy(row_of(S, n, rows - 1), q, n);
    logic real spreads{L}(double *S, real mean, integer n, integer rows) =
      rows <= 0 ? 0.0 : spreads(S, mean, n, rows - 1) + squares(row_of(S, n, rows - 1), mean, n);

    // the printed formula, and theorems A, A' and C
    logic real static_term(real scale, real W_Q, real W_K) = 2 * magnitude(scale) * W_Q * W_K;
    logic real printed_bound(real weights, real rows, real W_V) = (weights + rows) * W_V;
    logic real softmax_term(real lambda, real Y, real M) = 2 * lambda * (Y * Y) * M;
    logic real bound_A(real lambda, real Y, real M, real S, real W_V) =
      (softmax_term(lambda, Y, M) + S) * W_V;
    logic real bound_A_prime(real lambda, real Y, real M, real centred, real W_V) =
      W_V * \sqrt(1 + square(softmax_term(lambda, Y, M) + centred));
    logic real logit_spread(real M, real rho) = (1 + \sqrt(2)) / 2 * M * (rho * rho);
    logic real hyperbolic_cosine(real x) = (\exp(x) + over(1.0, \exp(x))) / 2;
    logic real hyperbolic_sine(real x) =
      ((\exp(x) - 1) + over(\exp(x) - 1, \exp(x))) / 2;
    // the largest entry of a row of n whose logits differ by at most D
    logic real entry_limit(real D, integer n) = 1 / (1 + (n - 1) * \exp(-D)); */

#endif
