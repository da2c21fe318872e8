/* dynamics.h - the loop in plain double, for `eer certify`: states, updates, and how fast they
 * settle. */
#ifndef EER_DYNAMICS_H
#define EER_DYNAMICS_H

#include "../../../proofs/bound/certificate.h"
#include "../../../ref/ref.h"
#include "../checkpoint.h"

/* plain: Z <- Phi(Z). gated (appendix B.4): Z <- Z + alpha (Phi(Z) - Z), alpha = (1 + s) / 2, where
 * s in [0, 1] is the rows' mean Tsallis entropy over the mean of the largest that the keys in sight
 * allow: positive, rising with the entropy, 1 where attention is uniform. Our choice: half a step
 * at the least. */
enum eer_update { EER_UPDATE_PLAIN, EER_UPDATE_GATED };
#define EER_WORDS_update "plain|gated"

/* Phi, of a model on tokens or of a loop on an input. */
struct eer_dynamics {
    struct bound_subject subject;
    struct bound_model model; /* what subject points to, if it is a model */
    int n, d;
    double *X;                       /* n x d */
    double q;                        /* index of the entropy that alpha reads */
    const struct eer_config *config; /* NULL: a loop */
    struct ref_tensors w;
    struct ref_work work;
};

/* theta and the loop have to outlive what is made of them. tokens: L. Errors: EER_NO_MEMORY. */
enum eer_status eer_dynamics_model(struct eer_dynamics *, const struct eer_checkpoint *,
                                   const int *tokens, int L, struct eer_error *);
enum eer_status eer_dynamics_loop(struct eer_dynamics *, const struct bound_loop *, const double *X,
                                  int n, struct eer_error *);
void eer_dynamics_free(struct eer_dynamics *);

/* image = Phi(Z), both n x d; returns alpha. */
double eer_dynamics_image(struct eer_dynamics *, double *image, const double *Z);

/* Z becomes the next state; image is Phi(Z). */
void eer_dynamics_update(const struct eer_dynamics *, enum eer_update, double alpha, double *Z,
                         const double *image);

/* Positions whose class is right at the state Z of a model. labels: L. */
int eer_dynamics_right(const struct eer_dynamics *, const double *Z, const int *labels, int L,
                       int *predicted);

/* ||x||_F of an n x d matrix; modulo: after each row's mean is subtracted. y may be NULL: of x - y.
 */
double eer_distance(const double *x, const double *y, int n, int d, int modulo);

/* How many iterations from Z = 0 until ||Phi(Z) - Z||_F / ||Phi(Z)||_F, modulo row means with norm
 * = pre, is at most each level; -1: not within EER_MOST_UPDATES. */
enum { EER_RESIDUALS = 6, EER_MOST_UPDATES = 200 };
extern const double eer_residual[EER_RESIDUALS];
struct eer_settling {
    int iterations[EER_RESIDUALS];
    int done;    /* iterations until the last level, the limit, or a number that is not finite */
    double last; /* residual after them */
};
enum eer_status eer_dynamics_settle(struct eer_dynamics *, enum eer_update, struct eer_settling *,
                                    struct eer_error *);

#endif
