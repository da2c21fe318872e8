/* gradcheck.h - a backend's loss and gradient against the reference's, over random configurations.
 */
#ifndef EER_GRADCHECK_H
#define EER_GRADCHECK_H

#include "../command.h"
#include "judge.h"

struct eer_gradcheck {
    const struct eer_backend *backend;
    enum eer_isa isa;
    int threads;
    uint64_t seed;
    int first, configurations; /* cases first .. first + configurations - 1 */
};

/* One precision over all configurations. */
struct eer_gradcheck_result {
    int judged, failed; /* failed: of the judged, beyond the bound or with wrong answers */
    double share;       /* the largest, and where */
    const char *where;
    int index;
    int no_potential, no_penalty, no_gradient, no_answers; /* configurations, see judge.h */
    int undetermined, not_finite;                          /* not judged */
};

/* Errors: EER_NO_MEMORY, and what the backend cannot do (EER_UNAVAILABLE). That configurations
 * failed is in the result. */
enum eer_status eer_gradcheck(struct eer_gradcheck_result *, const struct eer_gradcheck *,
                              enum eer_precision, struct eer_error *);

/* Tiny, small and large cases in turn. */
enum eer_status eer_gradcheck_case(struct eer_case *, uint64_t seed, int index);

extern const struct eer_command eer_gradcheck_command;

#endif
