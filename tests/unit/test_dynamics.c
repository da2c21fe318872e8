/* The loop in plain double behind `eer certify`: its image against the enclosed one, the gate, the
 * settling.
 */
#include <arb_mat.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../fast/program/bounds/dynamics.h"
#include "../../fast/program/configuration.h"
#include "../../proofs/bound/outward.h"
#include "../../proofs/bound/subject.h"

enum { N = 6, D = 3, BITS = 200 };

static uint64_t random_bits(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* In [-1/2, 1/2). */
static double random_number(uint64_t *state)
{
    return ldexp((double)(random_bits(state) >> 11), -53) - 0.5;
}

/* Entries of Y and of the weights are at most 1, so queries, keys and values at most d and logits
 * d^3 in size; a logit has 3 d + 4 roundings, a probability twice the logits' error and n + 3 more,
 * and an entry of the image is at most n d in size. */
static double image_error(void)
{
    double logits = bound_gamma(3 * D + 5) * D * D * D;
    return N * D * (4.0 * logits + bound_gamma(2 * N + 2 * D + 12));
}

Test(dynamics, image_of_a_loop)
{
    uint64_t state = 1;
    for (int k = 0; k < 8; k++) {
        double X[N * D], Z[N * D], W[3][D * D], image[N * D];
        for (int i = 0; i < N * D; i++) {
            X[i] = random_number(&state);
            Z[i] = random_number(&state);
        }
        for (int i = 0; i < 3 * D * D; i++)
            W[i / (D * D)][i % (D * D)] = 2.0 * random_number(&state);
        struct bound_loop loop = {D, k % 2, k / 2 % 2, k < 4 ? 1.0 : 0.5, W[0], W[1], W[2]};
        struct eer_dynamics y;
        struct eer_error error;
        struct bound_iteration t;
        arb_mat_t X_ball, Z_ball;
        cr_assert(eer_dynamics_loop(&y, &loop, X, N, &error) == EER_OK);
        double alpha = eer_dynamics_image(&y, image, Z);
        cr_expect(alpha >= 0.5 && alpha <= 1.0);
        arb_mat_init(X_ball, N, D);
        arb_mat_init(Z_ball, N, D);
        bound_set_doubles(X_ball, X);
        bound_set_doubles(Z_ball, Z);
        bound_subject_iteration(&t, &y.subject, X_ball, Z_ball, 0);
        for (int i = 0; i < N * D; i++) {
            const arf_struct *exact = arb_midref(arb_mat_entry(t.image, i / D, i % D));
            double off = fabs(image[i] - arf_get_d(exact, ARF_RND_NEAR));
            cr_expect(off <= image_error() + BOUND_UNIT * (1.0 + N * D), "case %d: off by %g", k,
                      off);
        }
        bound_iteration_clear(&t);
        arb_mat_clear(X_ball);
        arb_mat_clear(Z_ball);
        eer_dynamics_free(&y);
    }
}

/* alpha at attention that is uniform, that looks at one key, and in between. */
static double alpha_at(double sharpness)
{
    const double X[] = {1, 0, 0, 1}, one[] = {1, 0, 0, 1};
    double Z[4] = {0}, image[4];
    struct bound_loop loop = {2, 0, 0, sharpness, one, one, one};
    struct eer_dynamics y;
    struct eer_error error;
    cr_assert(eer_dynamics_loop(&y, &loop, X, 2, &error) == EER_OK);
    double alpha = eer_dynamics_image(&y, image, Z);
    eer_dynamics_free(&y);
    return alpha;
}

Test(dynamics, the_gate_rises_with_the_entropy)
{
    cr_expect(fabs(alpha_at(0.0) - 1.0) <=
              32.0 * BOUND_UNIT); /* some ten operations on numbers to 2 */
    cr_expect(alpha_at(2000.0) == 0.5);
    double last = alpha_at(0.0);
    for (double sharpness = 0.5; sharpness < 8.0; sharpness += 0.5) {
        double alpha = alpha_at(sharpness);
        cr_expect(alpha < last && alpha > 0.5, "%g at %g after %g", alpha, sharpness, last);
        last = alpha;
    }
}

Test(dynamics, updates)
{
    const double one[] = {1}, X[] = {1};
    struct bound_loop loop = {1, 0, 0, 1.0, one, one, one};
    struct eer_dynamics y;
    struct eer_error error;
    cr_assert(eer_dynamics_loop(&y, &loop, X, 1, &error) == EER_OK);
    double Z[] = {2}, image[] = {6};
    eer_dynamics_update(&y, EER_UPDATE_GATED, 0.75, Z, image);
    cr_expect(Z[0] == 5.0);
    eer_dynamics_update(&y, EER_UPDATE_PLAIN, 0.75, Z, image);
    cr_expect(Z[0] == 6.0);
    eer_dynamics_free(&y);
}

/* One row, one number: Z <- (1 + Z) / 2 halves its distance from 1, and Phi(Z_t) - Z_t = 2^-(t+1).
 * One key has no entropy to lose: the gate is open, both updates are the same. */
Test(dynamics, settling)
{
    const double one[] = {1}, half[] = {0.5}, X[] = {1};
    struct bound_loop loop = {1, 0, 0, 1.0, one, one, half};
    struct eer_dynamics y;
    struct eer_error error;
    struct eer_settling settling;
    cr_assert(eer_dynamics_loop(&y, &loop, X, 1, &error) == EER_OK);
    for (int u = 0; u < 2; u++) {
        cr_assert(eer_dynamics_settle(&y, (enum eer_update)u, &settling, &error) == EER_OK);
        for (int k = 0; k < EER_RESIDUALS; k++) {
            int t = 0; /* the residual over 1 - 2^-(t+1) */
            while (ldexp(1.0, -t - 1) / (1.0 - ldexp(1.0, -t - 1)) > eer_residual[k])
                t++;
            cr_expect(settling.iterations[k] == t, "%d, not %d", settling.iterations[k], t);
        }
        cr_expect(settling.done == settling.iterations[EER_RESIDUALS - 1]);
    }
    eer_dynamics_free(&y);
}

Test(dynamics, distances)
{
    const double x[] = {1, 3, 5, 5}, y[] = {1, 1, 2, 1};
    cr_expect(eer_distance(x, NULL, 2, 2, 0) == sqrt(60.0));
    cr_expect(eer_distance(x, y, 2, 2, 0) == sqrt(29.0));
    cr_expect(eer_distance(x, NULL, 2, 2, 1) == sqrt(2.0));
    cr_expect(eer_distance(x, y, 2, 2, 1) == sqrt(2.5));
}
