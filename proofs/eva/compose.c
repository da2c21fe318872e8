/* compose.c - summaries of the functions that an analysis by intervals cannot follow, for the
 * drivers named compose_*. Each either runs the real body and then admits a fact of facts.h, or
 * stands for a body whose summary is shown by a driver of its own. */
#include "inputs.h"
#include "compose.h"

int one_of_case;

/* Lemma exponentials. By clause exponentials, p_j is exp of one subtraction, s_j - largest. Where
 * largest is a largest score, s_one, the rounded difference is <= 0, as rounding is monotone, and 0
 * for j = one; it is finite for scores within ENTRY. With the trusted statement of facts.h every
 * p_j is in [0, 1], and p_one is 1. ref_softmax gives ref_exponentials a largest score: clause
 * largest of ref_argmax. */
void ref_exponentials(double *p, const double *s, double largest, int n)
{
    check_box(s, n, ENTRY);
    range(p, n, 0, 1);
    p[one_of_case] = 1;
}

/* compose_ref_softmax shows this for n = ROWS; fewer keys are the case that the others' p_j are 0,
 * which changes no sum. */
double ref_softmax(double *p, const double *s, int n)
{
    //@ assert keys: 1 <= n <= ROWS;
    check_box(s, n, ENTRY);
    range(p, n, 0, 1);
    return within(0, POTENTIAL);
}

/* Lemma xhat. Let u_j = x_j - mean, as rounded. The variance is the rounded sum of the rounded
 * u_k^2, divided by D. Rounding is monotone and all terms are >= 0, so the sum is at least each of
 * them, and the deviation at least sqrt(u_j^2 / D + 1e-5), all as rounded. lemma_xhat
 * goes through all |u_j| <= 2 WIDE, and finds |u_j| / that within XHAT. */
double ref_standardise(double *xhat, const double *x, int d)
{
    double deviation;

    //@ assert entries: d == D;
    check_box(x, d, WIDE);
    deviation = ref_standardise_body(xhat, x, d);
    for (int j = 0; j < d; j++) {
        //@ admit xhat: -XHAT <= xhat[j] <= XHAT;
        ;
    }
    return deviation;
}

/* Lemma root of facts.h. Its two cases stay apart in Eva. */
double ref_norm(const double *x, int n)
{
    double norm = ref_norm_body(x, n);

    int positive = norm > 0;

    if (positive) {
        //@ admit root: norm >= LEAST_NORM;
        ;
    } else
        norm = 0;
    //@ split positive;
    return norm;
}

void compose_ref_softmax(void)
{
    double p[ROWS], s[ROWS];

    for (int one = 0; one < ROWS; one++) {
        double potential;

        one_of_case = one;
        box(s, ROWS, ENTRY);
        potential = ref_softmax_body(p, s, ROWS);
        //@ assert potential: 0 <= potential <= POTENTIAL;
        for (int j = 0; j < ROWS; j++) {
            //@ assert weight: 0 <= p[j] <= 1;
            ;
        }
    }
    END();
}

/* The trusted statement for exp at both ends of what a difference of scores can be; that it lies
 * between them in between is what Eva takes of exp (run.sh). */
void lemma_exponentials(void)
{
    double p = ref_exp(within(-ENTRY, ENTRY) - ENTRY), one = ref_exp(0);

    //@ assert range: 0 <= p <= 1;
    //@ assert one: one == 1;
    END();
}

/* Up to |u| = 0.005 1e-5 alone is enough, then in 1800 steps of 5.9 %. */
void lemma_xhat(void)
{
    double least = 0, most = 0.005;

    for (int step = 0; step < 1800; step++) {
        double u = within(least, most);
        double deviation = ref_sqrt(u * u / D + 1e-5);
        double ratio = u / deviation;

        //@ assert xhat: ratio <= XHAT;
        least = most;
        most = 1.059 * most;
    }
    //@ assert all: least >= 2 * WIDE;
    END();
}

void lemma_root(void)
{
    double norm = ref_sqrt(within(0x1p-1074, ENTRY * ENTRY));

    //@ assert root: norm >= LEAST_NORM;
    END();
}
