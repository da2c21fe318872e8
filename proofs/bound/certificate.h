/* certificate.h - the face of proofs/bound for a loop at one of its states: everything goes in and
 * comes out as doubles. Matrices are row-major; X and Z n x d, exact as they stand. */
#ifndef BOUND_CERTIFICATE_H
#define BOUND_CERTIFICATE_H

#include "interval.h"
#include "model.h"

/* The whole Jacobian is enclosed up to this size n d; above, its blocks' norms are. */
enum { BOUND_MOST_FULL = 1024 };

/* A loop Z <- F(X + Z), or Z <- Z + F(X + Z), from elsewhere: no layer norm, no mask, no MLP. */
struct bound_loop {
    int d;
    int transposed; /* 1: F(Y) = S^T Y W_V (theorem 3.2.1), 0: F(Y) = S Y W_V (section 5) */
    int residual;
    double scale; /* of the logits */
    const double *W_Q, *W_K, *W_V;
};

/* What is iterated: one of the two. */
struct bound_subject {
    const struct bound_model *model;
    const struct bound_loop *loop;
};

/* The attention map at Y, which is LN1(Z + X) with norm = pre, else Z + X. Index 0 of a pair is q
 * = 1.5, 1 is q = 2. */
struct bound_attention_values {
    struct bound_interval W_Q, W_K, W_V, W_V_frobenius, M; /* M = scale W_Q W_K^T */
    struct bound_interval X, X_frobenius, Z, Z_frobenius, Y, Y_frobenius, S;
    struct bound_interval entropy[2], entropy_least[2]; /* of a row: mean, least */
    struct bound_interval row_max_least, row_max_most;  /* extremes of the rows' largest entry */
    struct bound_interval lambda;
    struct bound_interval printed[2];     /* the formula of theorem 3.2.1: not a bound */
    struct bound_interval A, A_lambda;    /* theorem A */
    struct bound_interval A_prime;        /* the S^T map's alone */
    struct bound_interval blocks;         /* from 0 to a bound by the norms of the blocks */
    struct bound_interval norm;           /* ||DF||_2 itself, by all means above */
    struct bound_interval tightness;      /* norm.lo and norm.hi over A_lambda */
    enum bound_answer X_in, Z_in, W_V_in; /* ||X||_F <= 1, ||Z||_F <= 1, ||W_V||_F <= 1/2 */
};

/* The Jacobian J of the map that is iterated. */
struct bound_jacobian_values {
    struct bound_interval norm, radius; /* ||J||_2, spectral radius */
};

struct bound_certificate {
    struct bound_attention_values attention;
    struct bound_jacobian_values jacobian;
    int has_quotient;                      /* norm = pre: Phi(Z + c 1^T) = Phi(Z) + c 1^T */
    struct bound_jacobian_values quotient; /* J modulo row means */
    int full;                              /* the whole Jacobian was enclosed */
    int kinks; /* rows with a ReLU at 0, whose derivative is taken as [0, 1] */
};

/* At the state Z, n x d. What cannot be enclosed, for lack of memory too, is unknown. */
void bound_certify(struct bound_certificate *, const struct bound_subject *, const double *X,
                   const double *Z, int n);

/* A fixed point of Phi near Z: those of Z + alpha (Phi(Z) - Z) are the same for every alpha != 0.
 * With norm = pre: of Phi modulo row means. Newton's method from Z in double, then Krawczyk's test
 * in the Euclidean norm: with f(z) = z - Phi(z) and C near the inverse of f', if |C f(z)| + r sup
 * ||I - C f'|| over a box around the ball of radius r  <  r, then the ball holds exactly one fixed
 * point. */
struct bound_fixed_point {
    int tried; /* 0: n d is above BOUND_MOST_FIXED, or there is no memory */
    /* The first rows of the sequence for which |f| fell to rounding: all or, with a causal mask,
     * where a row needs those before it only, as many as could be reached. */
    int rows;
    int steps;              /* of Newton's method */
    int diverged;           /* Newton's method, where it ended: |z| grew a thousandfold */
    double start, residual; /* |f| at Z, of all rows, and of the last point tried, in double */
    double size;            /* |z| of the last point tried */
    double distance; /* of these rows from Z, likewise (modulo row means where they do not count) */
    int proved;      /* of these rows */
    double radius;   /* r */
    double step, contraction;              /* at least |C f(z)| and sup ||I - C f'|| */
    struct bound_interval spectral_radius; /* of Phi' at the fixed point; below 1: it attracts */
    int kinks; /* rows with a ReLU that may be at 0 there: then Phi' need not exist, and its radius
                  is that of every matrix with derivatives in [0, 1] */
};

enum { BOUND_MOST_FIXED = 520 };

void bound_fixed_point(struct bound_fixed_point *, const struct bound_subject *, const double *X,
                       const double *Z, int n);

#endif
