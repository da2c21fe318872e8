/* task.h - the sequences and labels of a batch [2]. */
#ifndef EER_REF_TASK_H
#define EER_REF_TASK_H

#include "contracts.h"
#include "rng.h"

/* Tokens as spec/random.h makes them of words; previous = -1: there is no token before. */
/*@ logic integer token_of{L}(struct eer_config *c, integer word, integer previous) =
      c->generator == EER_NEVER_REPEAT && previous >= 0
        ? (previous + 1 + below(word, c->vocab - 1)) % c->vocab
        : below(word, c->vocab);

    logic integer previous_token{L}(int *tokens, integer i) = i == 0 ? -1 : tokens[i - 1];

    // tokens at L1, the configuration at L2
    predicate is_sequence{L1, L2}(int *tokens, struct eer_config *c, integer seed,
                                  integer purpose, integer step, integer sequence, integer n) =
      \forall integer i; 0 <= i < n ==> \at(tokens[i], L1) ==
        token_of{L2}(c, random_word(0, seed, purpose, step, sequence, i),
                     previous_token{L1}(tokens, i));

    predicate same_source{L1, L2}(struct eer_config *c) =
      \at(c->generator, L1) == \at(c->generator, L2) && \at(c->vocab, L1) == \at(c->vocab, L2);

    predicate same_sizes{L1, L2}(struct eer_config *c) =
      \at(c->vocab, L1) == \at(c->vocab, L2) && \at(c->d, L1) == \at(c->d, L2) &&
      \at(c->mlp, L1) == \at(c->mlp, L2) && \at(c->loops, L1) == \at(c->loops, L2) &&
      \at(c->length_min, L1) == \at(c->length_min, L2) &&
      \at(c->length_max, L1) == \at(c->length_max, L2) &&
      \at(c->bos, L1) == \at(c->bos, L2) && \at(c->final_norm, L1) == \at(c->final_norm, L2); */

/* The label of token i: what came after its last earlier occurrence, or "no match". */
/*@ predicate is_unseen{L}(int *tokens, integer i) =
      \forall integer j; 0 <= j < i ==> tokens[j] != tokens[i];

    predicate is_last_match{L}(int *tokens, integer i, integer j) =
      0 <= j < i && tokens[j] == tokens[i] &&
      \forall integer k; j < k < i ==> tokens[k] != tokens[i];

    // one case or the other holds, and only one; no token is V
    predicate is_label{L}(int *tokens, integer i, integer V, integer label) =
      (is_unseen(tokens, i) ==> label == V) &&
      \forall integer j; is_last_match(tokens, i, j) ==> label == tokens[j + 1];

    // labels at L1, tokens at L2; with form = last only the last is counted
    predicate are_labels{L1, L2}(int *labels, int *tokens, integer form, integer V, integer n) =
      \forall integer i; 0 <= i < n ==>
        (form == EER_LAST && i < n - 1 ? \at(labels[i], L1) == -1
                                       : is_label{L2}(tokens, i, V, \at(labels[i], L1)));

    predicate are_tokens{L}(int *tokens, integer n, integer V) =
      \forall integer i; 0 <= i < n ==> 0 <= tokens[i] < V;

    predicate same_tokens{L1, L2}(int *tokens, integer n) =
      \forall integer i; 0 <= i < n ==> \at(tokens[i], L1) == \at(tokens[i], L2); */

/* Sequence b of a batch of sequences of n. */
/*@ logic int *sequence_of(int *x, integer n, integer b) = x + b * n;

    predicate sequences_apart{L}(int *x, int *y, integer n) =
      \separated(x + (0 .. n - 1), y + (0 .. n - 1)); */

/* The length of a training step. */
/*@ requires sizes(c) && step >= 0;
    terminates \true;
    assigns \nothing;
    ensures range: c->length_min <= \result <= c->length_max;
    ensures value: \result == c->length_min +
      below(random_word(0, c->seed, EER_DRAW_LENGTH, step, 0, 0),
            c->length_max - c->length_min + 1); */
int ref_length(const struct eer_config *c, int step);

/* A token from a word; previous: the token before, -1 if there is none. */
/*@ requires sizes(c) && -1 <= previous < c->vocab;
    terminates \true;
    assigns \nothing;
    ensures range: 0 <= \result < c->vocab;
    ensures repeat: c->generator == EER_NEVER_REPEAT ==> \result != previous;
    ensures value: \result == token_of(c, word, previous); */
int ref_token(const struct eer_config *c, uint32_t word, int previous);

/* tokens: L, of one sequence of the batch */
/*@ requires sizes(c) && L >= 0 && step >= 0 && sequence >= 0;
    requires \valid(tokens + (0 .. L - 1)) && \separated(tokens + (0 .. L - 1), c);
    terminates \true;
    assigns tokens[0 .. L - 1];
    ensures range: are_tokens(tokens, L, c->vocab);
    ensures repeat: c->generator == EER_NEVER_REPEAT ==>
      \forall integer i; 1 <= i < L ==> tokens[i] != tokens[i - 1];
    ensures values: is_sequence{Post, Pre}(tokens, c, seed, purpose, step, sequence, L); */
void ref_tokens(int *tokens, const struct eer_config *c, uint64_t seed, enum eer_purpose purpose,
                int step, int sequence, int L);

/* The token after the last earlier occurrence of token i; V if there is none. */
/*@ requires i >= 0 && \valid_read(tokens + (0 .. i)) && are_tokens(tokens, i + 1, V);
    terminates \true;
    assigns \nothing;
    ensures range: 0 <= \result <= V;
    ensures label: is_label(tokens, i, V, \result);
    ensures no_match: \result == V <==> is_unseen(tokens, i);
    ensures match: \forall integer j; is_last_match(tokens, i, j) ==> \result == tokens[j + 1]; */
int ref_label(const int *tokens, int i, int V);

/* labels: L; with form = last -1 (not counted) but at L - 1 */
/*@ requires L >= 0 && V >= 1;
    requires \valid(labels + (0 .. L - 1)) && \valid_read(tokens + (0 .. L - 1));
    requires sequences_apart(labels, tokens, L) && are_tokens(tokens, L, V);
    terminates \true;
    assigns labels[0 .. L - 1];
    ensures range: \forall integer i; 0 <= i < L ==> -1 <= labels[i] <= V;
    ensures counted: \forall integer i; 0 <= i < L ==>
      (labels[i] == -1 <==> form == EER_LAST && i < L - 1);
    ensures labels: are_labels{Post, Pre}(labels, tokens, form, V, L); */
void ref_labels(int *labels, const int *tokens, enum eer_form form, int V, int L);

/* tokens, labels: L each, of one sequence of the batch */
/*@ requires sizes(c) && L >= 0 && step >= 0 && sequence >= 0;
    requires \valid(tokens + (0 .. L - 1)) && \valid(labels + (0 .. L - 1));
    requires sequences_apart(tokens, labels, L);
    requires \separated(tokens + (0 .. L - 1), c) && \separated(labels + (0 .. L - 1), c);
    terminates \true;
    assigns tokens[0 .. L - 1], labels[0 .. L - 1];
    ensures range: are_tokens(tokens, L, c->vocab);
    ensures tokens: is_sequence{Post, Pre}(tokens, c, seed, purpose, step, sequence, L);
    ensures labels: are_labels{Post, Post}(labels, tokens, c->form, c->vocab, L); */
void ref_draw_sequence(int *tokens, int *labels, const struct eer_config *c, uint64_t seed,
                       enum eer_purpose purpose, int step, int sequence, int L);

/* Tokens and labels of all B sequences of L. */
/*@ requires sizes(c) && \valid_read(batch) && size(batch->B, batch->L) && step >= 0;
    requires \valid(batch->tokens + (0 .. batch->B * batch->L - 1));
    requires \valid(batch->labels + (0 .. batch->B * batch->L - 1));
    requires \separated(batch->tokens + (0 .. batch->B * batch->L - 1),
                        batch->labels + (0 .. batch->B * batch->L - 1), batch, c);
    terminates \true;
    assigns batch->tokens[0 .. batch->B * batch->L - 1],
            batch->labels[0 .. batch->B * batch->L - 1];
    ensures range: \forall integer b; 0 <= b < batch->B ==>
      are_tokens(sequence_of(batch->tokens, batch->L, b), batch->L, c->vocab);
    ensures tokens: \forall integer b; 0 <= b < batch->B ==>
      is_sequence{Post, Pre}(sequence_of(batch->tokens, batch->L, b), c, seed, purpose, step, b,
                             batch->L);
    ensures labels: \forall integer b; 0 <= b < batch->B ==>
      are_labels{Post, Post}(sequence_of(batch->labels, batch->L, b),
                             sequence_of(batch->tokens, batch->L, b), c->form, c->vocab,
                             batch->L); */
void ref_draw(const struct eer_config *c, uint64_t seed, enum eer_purpose purpose, int step,
              struct eer_batch *batch);

#endif
