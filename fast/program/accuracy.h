/* accuracy.h - how often the largest logit is right on sequences of one length.
 *
 * The interval is Wilson's score interval at 95 % with the number of positions divided by the
 * design effect: the variance of the sequences' accuracies over what independent positions would
 * give (at least 1), and with Student's quantile for that many sequences. Positions of one sequence
 * depend on each other, sequences do not. */
#ifndef EER_ACCURACY_H
#define EER_ACCURACY_H

#include "../../spec/backend.h"

struct eer_count {
    long long right, all;
};

struct eer_accuracy {
    int length, sequences;
    struct eer_count positions; /* all counted positions */
    struct eer_count matched;   /* those with an earlier equal token */
    struct eer_count unmatched; /* those labelled "no match" */
    double low, high;           /* 95 % interval of the accuracy; 0 and 1 for one sequence */
    double seconds;
};

/* 100 right / all; 0 if there are none. */
double eer_percent(struct eer_count);

/* Sequences of one length with their labels, and room for what is predicted. */
struct eer_examples {
    struct eer_batch batch;
    int *predicted; /* B x L */
};

enum eer_status eer_examples_new(struct eer_examples *, int sequences, int length,
                                 struct eer_error *);
void eer_examples_free(struct eer_examples *);

/* Runs the model on the examples and counts. */
enum eer_status eer_measure(const struct eer_backend *, struct eer_engine *, int vocab, int loops,
                            const struct eer_examples *, struct eer_accuracy *, struct eer_error *);

/* The counting alone, from labels and predictions. */
void eer_count_right(const struct eer_examples *, int vocab, struct eer_accuracy *);

#endif
