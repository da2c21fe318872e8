/* test_ref_pieces.c - the pieces of ref against hand-computed numbers and closed forms.
 *
 * Tolerances: `ulps` units in the last place of the expected number, counted from the operations.
 */
#include "../../ref/ref.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#define expect_close(actual, expected, ulps)                                                       \
    cr_expect(fabs((actual) - (expected)) <= (ulps)*DBL_EPSILON * fabs(expected),                  \
              "%s: %.17g, expected %.17g", #actual, (double)(actual), (double)(expected))

Test(ref_pieces, matrix_products_by_hand)
{
    const double A[] = {1, 2, 3, 4, 5, 6}, B[] = {7, 8, 9, 10, 11, 12};
    const double AB[] = {58, 64, 139, 154};                     /* 2x3 times 3x2 */
    const double ABt[] = {50, 68, 122, 167};                    /* 2x3 times (2x3)^T */
    const double AtB[] = {48, 53, 58, 65, 72, 79, 82, 91, 100}; /* 1 + (2x3)^T 2x3 */
    double C[9];

    ref_matmul(C, A, B, 2, 3, 2);
    cr_expect_arr_eq(C, AB, sizeof AB);
    ref_matmul_nt(C, A, B, 2, 2, 3);
    cr_expect_arr_eq(C, ABt, sizeof ABt);
    ref_fill(C, 1, 9);
    ref_matmul_tn(C, A, B, 2, 3, 3);
    cr_expect_arr_eq(C, AtB, sizeof AtB);
}

Test(ref_pieces, softmax_rows_sum_to_one_and_give_the_potential)
{
    const double s[] = {-700, 3, 12.5, 12.5, -1e6, 0};
    double p[6], sum = 0;
    double potential = ref_softmax(p, s, 6);

    for (int j = 0; j < 6; j++)
        sum += p[j];
    expect_close(sum, 1.0, 6);
    expect_close(potential, -log(p[2]), 4);
    cr_expect_eq(p[2], p[3]);
    cr_expect_eq(p[4], 0);
}

Test(ref_pieces, the_first_of_equal_maxima_is_taken)
{
    const double x[] = {1, 4, 4, 2, 4};

    cr_expect_eq(ref_argmax(x, 5), 1);
}

Test(ref_pieces, uniform_attention_has_closed_forms)
{
    const double s[] = {2, 2, 2, 2, 2, 2, 2, 2};
    double p[8], pq[8];

    for (int n = 1; n <= 8; n++) {
        expect_close(ref_softmax(p, s, n), log(n), 1);
        for (int k = 0; k < 8; k++) {
            double q = 1.125 + 0.125 * k;
            double expected = (1 - pow(n, 1 - q)) / (q - 1);

            /* the sum near 1 loses (q - 1) S of its digits */
            cr_expect(fabs(ref_tsallis(pq, p, q, n) - expected) <= 32 * DBL_EPSILON / (q - 1));
        }
    }
}

Test(ref_pieces, one_key_has_no_entropy_and_no_gradient)
{
    const double p[] = {1}, dp[] = {3};
    double pq[1], ds[1];

    cr_expect_eq(ref_tsallis(pq, p, 1.5, 1), 0);
    ref_softmax_backward(ds, p, dp, 1);
    ref_potential_backward(ds, p, 0, 0.7, 1);
    ref_tsallis_backward(ds, pq, p, 1.5, 0.7, 1);
    cr_expect_eq(ds[0], 0);
}

Test(ref_pieces, entropy_of_index_2_is_the_gini_index)
{
    const double p[] = {0.5, 0.25, 0.25};
    double pq[3], ds[3] = {0};

    cr_expect_eq(ref_tsallis(pq, p, 2, 3), 0.625); /* 1 - 1/4 - 1/16 - 1/16 */
    ref_tsallis_backward(ds, pq, p, 2, 1, 3);      /* -2 (p_j^2 - p_j 3/8) */
    cr_expect_eq(ds[0], -0.125);
    cr_expect_eq(ds[1], 0.0625);
    cr_expect_eq(ds[2], 0.0625);
}

Test(ref_pieces, powers_agree_with_pow)
{
    for (double x = 1e-300; x <= 1; x *= 3.7) {
        expect_close(ref_power(x, 1.5), pow(x, 1.5), 2);
        expect_close(ref_power(x, 1.25), pow(x, 1.25), 0);
        if (x > 1e-150) /* above underflow */
            expect_close(ref_power(x, 2), pow(x, 2), 1);
    }
}

Test(ref_pieces, layer_norm_by_hand)
{
    const double x[] = {1, 3, 5, 7}; /* mean 4, variance 5 */
    const double gain[] = {1, 2, 1, -1}, bias[] = {0, 1, 0, 10};
    double deviation = sqrt(5 + 1e-5), y[4];

    ref_layer_norm(y, x, gain, bias, 4);
    expect_close(y[0], -3 / deviation, 2);
    expect_close(y[1], -2 / deviation + 1, 16); /* a difference near 0.1 */
    expect_close(y[2], 1 / deviation, 2);
    expect_close(y[3], 10 - 3 / deviation, 2);
}

Test(ref_pieces, layer_norm_passes_nothing_along_the_ones_and_its_output)
{
    const double x[] = {1, 3, 5, 7}, gain[] = {1, 1, 1, 1}, dy[] = {2, 2, 2, 2};
    double dx[4], dgain[4] = {0}, dbias[4] = {0};

    ref_layer_norm_backward(dx, dgain, dbias, dy, x, gain, 4);
    for (int j = 0; j < 4; j++) {
        cr_expect_eq(dx[j], 0);
        cr_expect_eq(dbias[j], 2);
        expect_close(dgain[j], 2 * (x[j] - 4) / sqrt(5 + 1e-5), 2);
    }
}

Test(ref_pieces, activations_at_known_points)
{
    cr_expect_eq(ref_activation(0, EER_GELU), 0);
    cr_expect_eq(ref_activation_derivative(0, EER_GELU), 0.5);
    expect_close(ref_activation(1, EER_GELU), 0.84134474606854294859, 4); /* Phi(1) */
    /* Phi(1) + phi(1) */
    expect_close(ref_activation_derivative(1, EER_GELU), 1.0833154705876862, 4);
    cr_expect_eq(ref_activation(-2, EER_RELU), 0);
    cr_expect_eq(ref_activation(2, EER_RELU), 2);
    cr_expect_eq(ref_activation_derivative(0, EER_RELU), 0);
    cr_expect_eq(ref_activation_derivative(2, EER_RELU), 1);
}

Test(ref_pieces, cross_entropy_of_equal_logits)
{
    const double logits[] = {5, 5, 5, 5};
    double p[4], dlogits[4];

    expect_close(ref_cross_entropy(p, logits, 2, 4), log(4), 1);
    ref_cross_entropy_backward(dlogits, p, 2, 10, 4);
    expect_close(dlogits[0], 0.025, 1);
    expect_close(dlogits[2], -0.075, 1);
}

/* Sizes that every configuration has: ref's contracts ask for them. */
#define SIZES .vocab = 3, .d = 4, .loops = 2, .length_min = 1, .length_max = 8

/* Two rows of d = 4, two iterations: Z_0 = 0, Z_1, Z_2. */
static const double states[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
                                0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0};

static double kinetic(enum eer_kinetic reading)
{
    struct eer_config c = {SIZES, .kinetic = reading};

    return ref_kinetic(states, &c, 2);
}

Test(ref_pieces, kinetic_readings_by_hand)
{
    cr_expect_eq(kinetic(EER_KINETIC_NORM), 1.25);     /* (5 + 0) / (2 N) */
    cr_expect_eq(kinetic(EER_KINETIC_SQUARED), 6.25);  /* 25 / (2 N) */
    cr_expect_eq(kinetic(EER_KINETIC_PATH), 2.625);    /* (1 + 4 + 16) / (2 N T) */
    cr_expect_eq(kinetic(EER_KINETIC_FROBENIUS), 2.5); /* 5 / 2 */
}

Test(ref_pieces, the_gradient_of_a_norm_at_zero_is_zero)
{
    struct eer_config c = {SIZES, .kinetic = EER_KINETIC_NORM};
    double dZ[8] = {0};

    ref_kinetic_backward(dZ, states, &c, 8, 2, 2); /* row 0: 8 / (2 N) (3, 4) / 5 */
    expect_close(dZ[0], 1.2, 2);
    expect_close(dZ[1], 1.6, 2);
    for (int j = 2; j < 8; j++)
        cr_expect_eq(dZ[j], 0);
}

Test(ref_pieces, penalty_and_its_sign)
{
    const double entropy[] = {2, 4, 8}; /* sums over T = 4 */
    double sigma[3];

    cr_expect_eq(ref_penalty(sigma, entropy, 1, 4, 3), 0.5); /* (1/2 + 0 + 1) / 3 */
    cr_expect_eq(sigma[0], -1);
    cr_expect_eq(sigma[1], 0);
    cr_expect_eq(sigma[2], 1);
}

Test(ref_pieces, slope_counts_the_distance_on_both_sides)
{
    double s[] = {0, 0, 0, 0};

    ref_subtract_slope(s, 0.5, 2, 4);
    cr_expect_eq(s[0], -1);
    cr_expect_eq(s[1], -0.5);
    cr_expect_eq(s[2], 0);
    cr_expect_eq(s[3], -0.5);
}

Test(ref_pieces, positions_by_hand)
{
    double x[4] = {1, 1, 1, 1};

    ref_add_position(x, 0, 0.5, 4);
    cr_expect(x[0] == 1 && x[1] == 1.5 && x[2] == 1 && x[3] == 1.5);
    ref_fill(x, 0, 4);
    ref_add_position(x, 3, 1, 4);
    expect_close(x[0], sin(3), 1);
    expect_close(x[1], cos(3), 1);
    expect_close(x[2], sin(0.03), 2);
    expect_close(x[3], cos(0.03), 2);
}

Test(ref_pieces, adamw_first_step_by_hand)
{
    struct eer_config c = {SIZES, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1, .weight_decay = 0.5};
    double theta[] = {2}, m[] = {0}, v[] = {0};
    const double g[] = {3};

    /* M = 3/2, v = 9/4; M / (1 - 1/2) = 3, v / (1 - 3/4) = 9; 2 - 1/4 1/2 2 - 1/4 3 / (3 + 1) */
    ref_adamw(theta, m, v, g, &c, 1, 0.25, 1);
    cr_expect_eq(m[0], 1.5);
    cr_expect_eq(v[0], 2.25);
    cr_expect_eq(theta[0], 1.5625);
}

Test(ref_pieces, adamw_second_step_corrects_with_its_number)
{
    struct eer_config c = {SIZES, .beta1 = 0.5, .beta2 = 0.5, .epsilon = 1};
    double theta[] = {0}, m[] = {1.5}, v[] = {3};
    const double g[] = {1.5};

    /* M = 3/2, v = 3/2 + 9/8 = 21/8; M / (3/4) = 2, v / (3/4) = 7/2 */
    ref_adamw(theta, m, v, g, &c, 2, 1, 1);
    expect_close(theta[0], -2 / (sqrt(3.5) + 1), 2);
}

Test(ref_pieces, clipping_shortens_only_what_is_too_long)
{
    double g[] = {3, 4};

    ref_clip(g, 0, 2);
    ref_clip(g, 5, 2);
    cr_expect(g[0] == 3 && g[1] == 4);
    ref_clip(g, 2.5, 2);
    cr_expect(g[0] == 1.5 && g[1] == 2);
}

Test(ref_pieces, norms_of_any_size)
{
    const double x[] = {3, -4, 0}, big[] = {3e300, -4e300}, small[] = {3e-310, -4e-310};

    cr_expect_eq(ref_largest(x, 3), 4);
    cr_expect_eq(ref_frobenius(x, 3), 5);
    cr_expect_eq(ref_frobenius(x + 2, 1), 0);
    expect_close(ref_frobenius(big, 2), 5e300, 4);
    cr_expect(fabs(ref_frobenius(small, 2) - 5e-310) <= 0x1p-1074);
    expect_close(ref_repeated_root(256, 3), 2.0, 0);
}

/* Of rank 1 the formula is exact; of a multiple of a rotation it is 2^(1/256) times the norm. Each
 * squaring doubles the relative error, each root halves it. */
Test(ref_pieces, spectral_norms_from_above)
{
    const double one[] = {3, 4, 0, 0, -3, -4}, turn[] = {0, 1e-200, -1e-200, 0};
    double G[4], H[4], row[2];

    expect_close(ref_spectral_norm(G, H, row, one, 3, 2), sqrt(50), 16);
    expect_close(ref_spectral_norm(G, H, row, turn, 2, 2), 1e-200 * pow(2, 1.0 / 256), 8);
    row[0] = row[1] = 0;
    cr_expect_eq(ref_spectral_norm(G, H, row + 1, row, 1, 1), 0);
}

Test(ref_pieces, entropy_near_the_index_1_is_shannons)
{
    const double half[] = {0.5, 0.25, 0.25}, even[] = {0.25, 0.25, 0.25, 0.25}, hot[] = {0, 1};

    cr_expect_eq(ref_entropy(half, 2, 3), 0.625);
    expect_close(ref_entropy(even, 1.5, 4), 1.0, 8);
    expect_close(ref_entropy(even, 1 + 0x1p-52, 4), log(4), 8); /* less 2^-53 log^2(4) */
    cr_expect_eq(ref_entropy(hot, 1.25, 2), 0);
    cr_expect_eq(ref_sum_of_powers(half, 2, 3), 0.375);
    cr_expect_eq(ref_row_lambda(half, 3), 0.375); /* g1 = 1/2 (1 - 1/2 + 1/4) */
    cr_expect_eq(ref_row_lambda(hot, 2), 0);
}

/* The counterexample to the printed bound: all logits are 0. W_V has rank 1, W_Q and W_K are
 * multiples of orthogonal matrices. */
Test(ref_pieces, bound_with_uniform_attention_by_hand)
{
    const double Y[] = {1, 1, -1, -1}, W_Q[] = {1, 0, 0, 1}, W_K[] = {1, 0, 0, -1};
    const double W_V[] = {0.25, 0.25, 0.25, 0.25};
    double Q[4], K[4], S[4], M[4], G[4], H[4], row[2], excess = pow(2, 1.0 / 256);
    struct ref_bound_work work = {Q, K, S, M, G, H, row};
    struct ref_bound b;

    ref_bound(&b, &work, Y, W_Q, W_K, W_V, 1, 2, 2, 2);
    cr_assert(b.known);
    cr_expect_eq(b.row_max_least, 0.5);
    cr_expect_eq(b.row_max_most, 0.5);
    cr_expect_eq(b.entropy, 0.5);
    cr_expect_eq(b.entropy_least, 0.5);
    cr_expect_eq(b.lambda, 0.5); /* g1 = 1/2 (1 - 1/2 + 1/2) */
    cr_expect_eq(b.dynamic_term, 1);
    cr_expect_eq(b.S_centred, 0);
    expect_close(b.S_frobenius, 1.0, 4);
    expect_close(b.W_V_frobenius, 0.5, 4);
    expect_close(b.Y_frobenius, 2.0, 4);
    expect_close(b.static_term, 2 * excess * excess, 32);
    expect_close(b.printed, (2 * excess * excess + 1) / 2, 32);
    expect_close(b.A, (4 * excess + 1) / 2, 64);
    expect_close(b.A_prime, sqrt(1 + 16 * excess * excess) / 2, 64);
    expect_close(b.B, (1 + excess * (2 + 2)) / 2, 64); /* R^2 = 2, mu = 0 */
    ref_bound(&b, &work, Y, W_Q, W_K, W_V, INFINITY, 2, 2, 2);
    cr_expect_eq(b.known, 0);
}

/* Theorem C. */
Test(ref_pieces, contraction_without_and_with_attention)
{
    struct ref_contraction c;

    ref_theorem_C(&c, 0, 0.5, 1, 2, 10);
    cr_expect(c.known && c.holds);
    cr_expect_eq(c.spread, 0);
    cr_expect_eq(c.image, 2);
    cr_expect_eq(c.rate, 0.5);
    ref_theorem_C(&c, 0, 0.5, 1.5, 2, 10); /* leaves the ball */
    cr_expect(c.known && !c.holds);
    ref_theorem_C(&c, 2, 0.25, 0.1, 2, 10); /* E = 9.66, sinh(E/2) = 62 */
    expect_close(c.spread, 4 * (1 + sqrt(2)), 4);
    cr_expect(c.known && !c.holds && c.rate > 1);
    ref_theorem_C(&c, 1e200, 0.5, 0, 1e200, 10);
    cr_expect(!c.known && !c.holds);
    expect_close(ref_sinh(1e-5), 1e-5 * (1 + 1e-10 / 6), 4);
    expect_close(ref_cosh(1), (exp(1) + exp(-1)) / 2, 4);
}
