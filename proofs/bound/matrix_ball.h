/* matrix_ball.h - sets of matrices as a centre in doubles and a radius: all A with
 * ||A - centre||_F <= radius. Products cost what products of doubles cost, which is what makes half
 * a million blocks of a Jacobian affordable; the radius also holds every rounding of the centre.
 *
 * An overflow or a NaN ends in a radius that is not finite: such a ball says nothing. */
#ifndef BOUND_MATRIX_BALL_H
#define BOUND_MATRIX_BALL_H

#include <stddef.h>

struct bound_matrix {
    int rows, columns;
    double *centre; /* rows x columns, row-major */
    double radius;
};

/* Centre 0, radius 0; centre NULL if there is no memory. */
struct bound_matrix bound_matrix_new(int rows, int columns);
void bound_matrix_free(struct bound_matrix *);

/* Above and below the Euclidean norm of x. */
double bound_norm_up(const double *x, size_t count);
double bound_norm_down(const double *x, size_t count);

/* C encloses A B; C is another matrix than A and B, of the right shape. */
void bound_matrix_product(struct bound_matrix *C, const struct bound_matrix *A,
                          const struct bound_matrix *B);
/* C encloses A + B; C may be A or B. */
void bound_matrix_add(struct bound_matrix *C, const struct bound_matrix *A,
                      const struct bound_matrix *B);
/* C encloses p A for all |p - factor| <= deviation; C may be A. */
void bound_matrix_scale(struct bound_matrix *C, const struct bound_matrix *A, double factor,
                        double deviation);
/* C encloses C + I. */
void bound_matrix_add_identity(struct bound_matrix *C);

/* At least ||A||_F, ||A||_2 of every A of the ball. The latter by powers of the Gram matrix:
 * ||A||_2^2 <= ||G^16||_F^(1/16), at most columns^(1/64) too large. Infinite where it is not known.
 */
double bound_matrix_frobenius(const struct bound_matrix *A);
double bound_matrix_norm(const struct bound_matrix *A);

#endif
