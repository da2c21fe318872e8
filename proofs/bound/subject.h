/* subject.h - an iteration (iteration.h) from what certificate.h takes. */
#ifndef BOUND_SUBJECT_H
#define BOUND_SUBJECT_H

#include "certificate.h"
#include "iteration.h"
#include "matrix_ball.h"

enum { BOUND_PRECISION = 64 };

/* modulo as in bound_iteration_trained; of a loop it has to be 0. */
void bound_subject_iteration(struct bound_iteration *, const struct bound_subject *,
                             const arb_mat_t X, const arb_mat_t Z, int modulo);

/* norm = pre */
int bound_subject_has_quotient(const struct bound_subject *);

/* A from doubles, row-major. */
void bound_set_doubles(arb_mat_t A, const double *x);

/* Of J, enclosed in a ball; or of its diagonal blocks, if it is block triangular. */
struct bound_interval bound_iteration_radius(const struct bound_iteration *,
                                             const struct bound_matrix *J);

/* At least ||J||, by the norms of its blocks; infinite if they are too many or there is no memory.
 */
double bound_iteration_by_blocks(const struct bound_iteration *);

#endif
