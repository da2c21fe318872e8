/* Fuzzes the reader of instances of theorem 3.2.1: any bytes are either refused with a printable
 * sentence, or are an instance; a small one is checked, and what is said of it is consistent. */
#include <stdlib.h>

#include "../proofs/bound/instance.h"
#include "../proofs/bound/theorem.h"

enum { MOST_CHECKED = 6 };

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

static void must_be_consistent(const struct bound_theorem *t)
{
    must(t->derivative.lo <= t->derivative.hi);
    must(t->derivative.lo <= t->A.hi && t->derivative.lo <= t->A_lambda.hi);
    for (int k = 0; k < BOUND_VERDICTS; k++)
        must(t->printed[k].lo <= t->printed[k].hi);
    for (int k = 0; k < BOUND_Q; k++)
        must(t->verdict[BOUND_EVERY_Q] != BOUND_VIOLATES ||
             t->verdict[k] != BOUND_DOES_NOT_VIOLATE);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct bound_instance instance;
    struct bound_theorem theorem;
    struct eer_error error = {EER_OK, ""};
    enum eer_status status = bound_instance_read(&instance, "x", (const char *)bytes, size, &error);
    if (status != EER_OK) {
        must(status == EER_FORMAT && error.status == status && error.text[0] == 'x');
        for (const char *c = error.text; *c != '\0'; c++)
            must(*c >= ' ' && *c <= '~');
        return 0;
    }
    int checked = instance.n * instance.d <= MOST_CHECKED;
    bound_instance_clear(&instance);
    if (checked) {
        must(bound_theorem(&theorem, "x", (const char *)bytes, size, &error) == EER_OK);
        must_be_consistent(&theorem);
    }
    return 0;
}
