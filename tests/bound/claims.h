/* claims.h - the inequalities of spec/theorem.md at one state of one attention map: "truth <=
 * bound", in doubles with the error that each side may have, and in balls.
 *
 * The truth is this program's own (||DF|| of a Jacobian by the blocks of spec/theorem.md); the
 * bounds are those of ref/bound.h, proofs/bound/attention.h and proofs/bound/directed.h, where
 * these have them. */
#ifndef TESTS_CLAIMS_H
#define TESTS_CLAIMS_H

#include <stdint.h>

enum { ROWS = 16, COLUMNS = 8, SIZE = ROWS * COLUMNS };
enum matrix { X, Z, W_Q, W_K, W_V, MATRICES };

enum claim {
    CLAIM_PRINTED,  /* ||DF|| <= P_q: the paper's, false. All others are corrected */
    CLAIM_A_DOMAIN, /* A (ii) */
    CLAIM_A,        /* A (i) */
    CLAIM_A_LAMBDA, /* A (iii) */
    CLAIM_SUMS,     /* A's sums before they are majorised */
    CLAIM_A_PRIME,
    CLAIM_BLOCKS,    /* ||N|| */
    CLAIM_SCHUR,     /* of N */
    CLAIM_R,         /* with ||S|| and ||Y|| */
    CLAIM_R_UNIFORM, /* with n and R alone */
    CLAIM_B,         /* of the norm max_i |D_i| */
    CLAIM_G1,        /* max_i ||J_i|| <= lambda */
    CLAIM_U_SPREAD,  /* max_ijk a_ij - a_ik <= E */
    CLAIM_U_ENTRY,   /* max_ij r_ij */
    CLAIM_U_NORM,    /* ||S||_F */
    CLAIM_U_CENTRED, /* ||S Pi||_F */
    CLAIM_C_RATE,    /* ||DF|| <= c, rho = ||Y||_F */
    CLAIM_C_IMAGE,   /* ||F||_F <= v cosh(E/2) rho */
    CLAIMS,
};
extern const char *const claim_name[CLAIMS];

struct trial {
    int n, d, transposed, causal; /* transposed: the S^T map */
    int index;                    /* q = bound_index[index] */
    double scale, slope;          /* of the logits; a slope only under a causal mask */
    double entry[MATRICES][SIZE]; /* X and Z n x d, the others d x d; X + Z exact in double */
    double direction[SIZE];       /* n x d, not 0: where DF was found largest */
};

/* Both sides in double. The exact truth differs from `truth` by at most truth_error where `truth`
 * is not an estimate from below; the exact formula of the bound from `bound` by at most
 * bound_error, apart from norms that ref takes from above: they raise `bound` by a factor of at
 * most `excess`. */
struct claim_sides {
    int applies;
    double truth, truth_error, bound, bound_error, excess;
};

struct evaluation {
    double Y[SIZE], M[COLUMNS * COLUMNS], S[ROWS * ROWS], logits[ROWS * ROWS];
    double mean[SIZE];     /* mu_i = sum_j r_ij y_j */
    double a[SIZE];        /* a_i = M^T y_i */
    double values[SIZE];   /* Y W_V */
    double J[SIZE * SIZE]; /* row i d + c, column j d + b: entry (i, c) of DF of the unit (j, b) */
    double J_error;        /* at least its distance from the exact one, Frobenius */
    double largest[SIZE];  /* n x d: where DF was found largest in the norm max_i |D_i| */
    struct claim_sides claim[CLAIMS];
};

int claim_rows_keys(const struct trial *, int i); /* how many keys row i sees */

/* Sets trial->direction to the best of `iterations` steps of the power iteration from it. Returns
 * 0 if a number is not finite, and then nothing is known. */
int claims_evaluate(struct evaluation *, struct trial *, int iterations);

enum verdict { VERDICT_HELD, VERDICT_UNDECIDED, VERDICT_VIOLATED, VERDICT_UNKNOWN };

struct decision {
    enum verdict verdict[CLAIMS];
    double ratio[CLAIMS];   /* truth / bound is at least this */
    double excess[CLAIMS];  /* undecided: truth / bound is at most 1 + this */
    const char *by[CLAIMS]; /* violated: whose bound is too small */
    double share; /* of J_error that the Jacobian in doubles used; above 1: one is wrong */
};

/* Each claim k with wanted[k], which has to apply; MPFR: also against its bounds. In balls of
 * `precision` bits. */
void claims_decide(struct decision *, const struct trial *, const struct evaluation *,
                   const int *wanted, int MPFR, long precision);

/* splitmix64 (Steele, Lea and Flood 2014) */
uint64_t random_bits(uint64_t *state);
double random_sign(uint64_t *state); /* uniform in [-1, 1) */
double random_normal(uint64_t *state);

/* C = A B, or A^T B: rows x inner times inner x columns. */
void multiply(double *C, const double *A, int transposed, const double *B, int rows, int inner,
              int columns);

/* A table, one n after the other, of ||DF|| / bound for random weights; 0 if it was printed. */
int tightness(uint64_t seed);

#endif
