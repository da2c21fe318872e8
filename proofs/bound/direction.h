/* direction.h - the direction along which an iteration's Jacobian is about the largest, by the
 * power iteration on J^T J in plain doubles: a proposal, whatever it is worth is decided in balls.
 */
#ifndef BOUND_DIRECTION_H
#define BOUND_DIRECTION_H

#include "blocks.h"

/* y = J x and y = J^T x with the centres of the balls; x and y n x d. memory: 4 n d + n numbers. */
void bound_jacobian_times(double *y, const double *x, const struct bound_blocks *, double *memory);
void bound_transposed_times(double *y, const double *x, const struct bound_blocks *,
                            double *memory);

/* x n x d of norm near 1; 0 everywhere if there is no memory or a number is not finite. */
void bound_direction(double *x, const struct bound_blocks *);

#endif
