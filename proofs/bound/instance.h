/* instance.h - an instance of theorem 3.2.1 as a person writes it, read exactly.
 *
 * JSON: {"X": [[...]], "Z": [[...]], "W_Q": [[...]], "W_K": [[...]], "W_V": [[...]], "map": "ST" or
 * "S", "scale": "1"}; X and Z n x d, the others d x d. "map" (ST) and "scale" (1) may be left out.
 * More that may be there: "Z2", a second state; "direction", an n x d matrix along which to
 * differentiate; "about", a sentence. An entry is an integer of at most 64 bits, taken exactly, a
 * number with a point or an exponent, taken as the double nearest to it, or a string, taken
 * exactly: "975/512", "0.15", "-1e-3", "0x1p-3". */
#ifndef BOUND_INSTANCE_H
#define BOUND_INSTANCE_H

#include <flint/fmpq_mat.h>
#include <stddef.h>

#include "../../spec/error.h"
#include "attention.h"

enum { BOUND_MOST_ROWS = 1000, BOUND_MOST_COLUMNS = 512 };

struct bound_instance {
    int n, d;
    enum bound_map map;
    fmpq_t scale;
    fmpq_mat_t X, Z;
    fmpq_mat_t W_Q, W_K, W_V;
    int has_second, has_direction;
    fmpq_mat_t second, direction; /* Z2, D; 0 if not given */
    char about[256];
};

/* The number that a string says. Errors: EER_FORMAT. */
enum eer_status bound_rational(fmpq_t value, const char *text, struct eer_error *);

/* name: of the text, for messages. Errors: EER_FORMAT, with the key, the row and the column. After
 * an error there is nothing to clear. */
enum eer_status bound_instance_read(struct bound_instance *, const char *name, const char *text,
                                    size_t size, struct eer_error *);
void bound_instance_clear(struct bound_instance *);

/* The attention map at Y = X + Z, in balls; `second`: at X + Z2. a is initialised here. */
void bound_instance_attention(struct bound_attention *a, const struct bound_instance *, int second,
                              slong precision);

#endif
