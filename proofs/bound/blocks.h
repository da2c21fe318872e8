/* blocks.h - the d x d blocks of an iteration's Jacobian (iteration.h) in matrix balls. */
#ifndef BOUND_BLOCKS_H
#define BOUND_BLOCKS_H

#include "iteration.h"
#include "matrix_ball.h"

/* n rows of d numbers, each a ball in the Euclidean norm. */
struct bound_rows {
    double *centre; /* n x d */
    double *radius; /* n */
    double *norm;   /* n: at least the Euclidean norm */
};

enum { BOUND_SCRATCH = 4 };

struct bound_blocks {
    int n, d, residual, causal;
    enum bound_map map;
    double *p, *deviation;        /* n x n: S and by how much an entry may differ */
    struct bound_rows k, v, u;    /* keys, values, u */
    struct bound_rows f, kbar;    /* negated */
    struct bound_matrix W_V, W_Q; /* W_Q times scale */
    struct bound_matrix *G, *R;   /* n each, or NULL */
    double *G_norm, *R_norm;      /* n each: at least their spectral norms */
    struct bound_matrix scratch[BOUND_SCRATCH];
    struct bound_matrix weighted, values; /* d x n and n x d: factors of sums over rows */
    double *weight, *weight_deviation;    /* n */
};

/* From what iteration.c has computed in balls; NULL if there is no memory. */
struct bound_blocks *bound_blocks_new(const struct bound_iteration *, slong precision);
void bound_blocks_free(struct bound_blocks *);

/* A in a ball: nearest doubles, and what is missing to them. */
void bound_matrix_set_arb(struct bound_matrix *C, const arb_mat_t A);

/* The block d Phi_i / d Z_j, d x d: row b, column a is the derivative of Phi_ia by Z_jb. */
void bound_block(struct bound_matrix *block, struct bound_blocks *, int i, int j);

/* The whole Jacobian, (n d) x (n d): row i d + a, column j d + b, as in bound_jacobian. The centre
 * is NULL if there is no memory. */
struct bound_matrix bound_blocks_jacobian(struct bound_blocks *);

/* N_ij >= ||d Phi_i / d Z_j||_2, n x n, each entry 0 or at least 2^-100. */
void bound_blocks_norms(double *N, struct bound_blocks *);

#endif
