/* task.h - the sequences and labels of a batch [2]. */
#ifndef EER_REF_TASK_H
#define EER_REF_TASK_H

#include "contracts.h"

/* The length of a training step. */
/*@ requires configured(c);
    terminates \true;
    assigns \nothing;
    ensures c->length_min <= \result <= c->length_max; */
int ref_length(const struct eer_config *c, int step);

/* A token from a word; previous: the token before, -1 if there is none. */
/*@ requires configured(c) && -1 <= previous < c->vocab;
    terminates \true;
    assigns \nothing;
    ensures range: 0 <= \result < c->vocab;
    ensures repeat: c->generator == EER_NEVER_REPEAT ==> \result != previous; */
int ref_token(const struct eer_config *c, uint32_t word, int previous);

/* tokens: L, of one sequence of the batch */
/*@ requires configured(c) && L >= 0 && \valid(tokens + (0 .. L - 1));
    requires \separated(tokens + (0 .. L - 1), c);
    terminates \true;
    assigns tokens[0 .. L - 1];
    ensures \forall integer i; 0 <= i < L ==> 0 <= tokens[i] < c->vocab; */
void ref_tokens(int *tokens, const struct eer_config *c, uint64_t seed, enum eer_purpose purpose,
                int step, int sequence, int L);

/* The token after the last earlier occurrence of token i; V if there is none. */
/*@ requires i >= 0 && \valid_read(tokens + (0 .. i));
    terminates \true;
    assigns \nothing;
    ensures match: \forall integer j; 0 <= j < i && tokens[j] == tokens[i] &&
      (\forall integer k; j < k < i ==> tokens[k] != tokens[i]) ==> \result == tokens[j + 1];
    ensures known: \result == V || \exists integer j; 1 <= j <= i && \result == tokens[j];
    ensures no_match: (\forall integer j; 0 <= j < i ==> tokens[j] != tokens[i]) ==> \result == V;
 */
int ref_label(const int *tokens, int i, int V);

/* labels: L; with form = last -1 (not counted) but at L - 1 */
/*@ requires L >= 0 && V >= 1;
    requires \valid(labels + (0 .. L - 1)) && \valid_read(tokens + (0 .. L - 1));
    requires \separated(labels + (0 .. L - 1), tokens + (0 .. L - 1));
    requires \forall integer i; 0 <= i < L ==> 0 <= tokens[i] < V;
    terminates \true;
    assigns labels[0 .. L - 1];
    ensures range: \forall integer i; 0 <= i < L ==> -1 <= labels[i] <= V;
    ensures full: form == EER_FULL ==> \forall integer i; 0 <= i < L ==> labels[i] >= 0;
    ensures last: form == EER_LAST ==>
      \forall integer i; 0 <= i < L ==> (labels[i] == -1 <==> i < L - 1); */
void ref_labels(int *labels, const int *tokens, enum eer_form form, int V, int L);

/* Tokens and labels of all B sequences of L. */
/*@ requires configured(c) && \valid_read(batch) && size(batch->B, batch->L);
    requires \valid(batch->tokens + (0 .. batch->B * batch->L - 1));
    requires \valid(batch->labels + (0 .. batch->B * batch->L - 1));
    requires \separated(batch->tokens + (0 .. batch->B * batch->L - 1),
                        batch->labels + (0 .. batch->B * batch->L - 1), batch, c);
    terminates \true;
    assigns batch->tokens[0 .. batch->B * batch->L - 1],
            batch->labels[0 .. batch->B * batch->L - 1]; */
void ref_draw(const struct eer_config *c, uint64_t seed, enum eer_purpose purpose, int step,
              struct eer_batch *batch);

#endif
