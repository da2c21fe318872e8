/* cases.h - random configurations with parameters and data: what the gradient checks run on.
 *
 * Case `index` of `seed` is always the same. Each option runs through a random order of all its
 * values before one comes again, so that few consecutive cases cover every value of every option.
 */
#ifndef EER_CASES_H
#define EER_CASES_H

#include <stddef.h>

#include "../../../spec/backend.h"

enum eer_case_size {
    EER_CASE_TINY,  /* d 4 or 8, mlp to 8, L to 6, T to 3: cheap enough for dual numbers */
    EER_CASE_SMALL, /* d to 16, mlp to 24, L to 20, T to 6 */
    EER_CASE_LARGE, /* d to 32, mlp to 40, L to 40, T to 25 */
};

struct eer_case {
    struct eer_config config;
    struct eer_weights weights;
    struct eer_layout layout;
    struct eer_batch batch;
    double *theta; /* P values, each a float, as every backend's initial ones are */
};

/* EER_NO_MEMORY without memory. Free in any case with eer_case_free. */
enum eer_status eer_case_new(struct eer_case *, uint64_t seed, int index, enum eer_case_size);
void eer_case_free(struct eer_case *);

/* One line for a person: every option and size of the case. Returns text. */
const char *eer_case_text(const struct eer_case *, char *text, size_t size);

#endif
