/* certified.h - what `eer certify` finds on one sequence, and its three ways out: a table, JSON, a
 * picture. */
#ifndef EER_CERTIFIED_H
#define EER_CERTIFIED_H

#include <jansson.h>

#include "dynamics.h"

/* One state Z_t of the loop. */
struct eer_certified_state {
    int t;
    struct bound_certificate certificate;
    double alpha;       /* of the gated update */
    double step;        /* ||Phi(Z_t) - Z_t||_F */
    double step_modulo; /* the same modulo row means */
    double
        turn; /* ||direction of Phi(Z_t) - direction of Z_t||_F, modulo row means; NaN at Z = 0 */
};

struct eer_certified {
    int length, sequence; /* L and the number from 1; 0 and 0 for an input file */
    int n, d, loops;
    enum eer_update update;
    int count;
    struct eer_certified_state *state; /* count of them */
    struct bound_fixed_point fixed;
    struct eer_settling settling[2]; /* by enum eer_update */
    int right[2], counted;           /* of the classes after `loops` iterations; counted 0: none */
    double seconds;
};

/* What all of them share. */
struct eer_certified_head {
    const char *name;                /* of the checkpoint or the weights' file */
    const char *input;               /* the input's file, or NULL */
    const struct eer_config *config; /* NULL: a loop */
    const struct bound_loop *loop;   /* NULL: a model */
    int step;                        /* of training */
    unsigned long long seed;
};

void eer_certified_print(const struct eer_certified *, const struct eer_certified_head *);
/* What every column means. */
void eer_certified_legend(const struct eer_certified_head *);

/* New reference; NULL if a name is not UTF-8. */
json_t *eer_certified_json(const struct eer_certified *, int count,
                           const struct eer_certified_head *);

/* Writes PATH (SVG) and the script it is drawn from, PATH.gp: bound against truth, a line of two
 * panels a sequence, at most EER_PICTURED of them. Without gnuplot it says so on the standard
 * error. */
enum { EER_PICTURED = 4 };
enum eer_status eer_certified_picture(const char *path, const struct eer_certified *, int count,
                                      struct eer_error *);

#endif
