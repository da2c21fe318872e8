/* compose.h - functions whose summaries stand for them where others are composed of them. */
#ifndef EER_EVA_COMPOSE_H
#define EER_EVA_COMPOSE_H

/* The real functions: for the drivers named compose_*, run.sh gives these names to their
 * definitions in ref/, and the summaries of compose.c take their place. */
void ref_exponentials_body(double *p, const double *s, double largest, int n);
double ref_softmax_body(double *p, const double *s, int n);
double ref_standardise_body(double *xhat, const double *x, int d);
double ref_norm_body(const double *x, int n);

/* The index of a largest score in the case at hand of compose_ref_softmax. */
extern int one_of_case;

#endif
