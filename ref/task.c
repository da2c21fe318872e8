/* task.c - sequences and the labels of the induction-head task (spec/model.md, 2). */
#include "ref.h"
#include "lemmas_rows.h"

/* What the proofs of this file need. */
/*@ lemma token_of_same{L1, L2}: \forall struct eer_config *c, integer word, previous;
      same_source{L1, L2}(c) ==> token_of{L1}(c, word, previous) == token_of{L2}(c, word,
      previous);
    lemma never_repeats: \forall integer previous, r, V; 0 <= previous < V && 0 <= r < V - 1 ==>
      (previous + 1 + r) % V != previous && 0 <= (previous + 1 + r) % V < V;
    lemma unseen_same{L1, L2}: \forall int *tokens, integer i; 0 <= i ==>
      same_tokens{L1, L2}(tokens, i + 1) ==>
      (is_unseen{L1}(tokens, i) <==> is_unseen{L2}(tokens, i));
    lemma last_match_same{L1, L2}: \forall int *tokens, integer i, j;
      same_tokens{L1, L2}(tokens, i + 1) ==>
      (is_last_match{L1}(tokens, i, j) <==> is_last_match{L2}(tokens, i, j));
    lemma label_same{L1, L2}: \forall int *tokens, integer i, V, label; 0 <= i ==>
      same_tokens{L1, L2}(tokens, i + 1) ==>
      is_label{L1}(tokens, i, V, label) ==> is_label{L2}(tokens, i, V, label);
    predicate batches_apart{L}(int *x, int *y, integer m, integer n) =
      \separated(x + (0 .. m * n - 1), y + (0 .. m * n - 1));
    lemma batch_parts_apart{L}: \forall int *x, *y, integer m, n, a, b;
      batches_apart(x, y, m, n) && row_inside(a, m, n) && row_inside(b, m, n) ==>
      sequences_apart(sequence_of(x, n, a), sequence_of(y, n, b), n) &&
      sequences_apart(sequence_of(y, n, a), sequence_of(x, n, b), n);
    lemma sequence_apart{L}: \forall int *x, integer n, a, b; 0 <= a < b && 0 <= n ==>
      sequences_apart(sequence_of(x, n, a), sequence_of(x, n, b), n);
    lemma sequence_same{L1, L2, L3}: \forall int *tokens, struct eer_config *c,
      integer seed, purpose, step, sequence, n; same_tokens{L1, L2}(tokens, n) ==>
      is_sequence{L1, L3}(tokens, c, seed, purpose, step, sequence, n) ==>
      is_sequence{L2, L3}(tokens, c, seed, purpose, step, sequence, n);
    lemma range_same{L1, L2}: \forall int *tokens, integer n, V; same_tokens{L1, L2}(tokens, n) ==>
      are_tokens{L1}(tokens, n, V) ==> are_tokens{L2}(tokens, n, V);
    lemma labels_same{L1, L2}: \forall int *labels, *tokens, integer form, V, n;
      same_tokens{L1, L2}(labels, n) ==> same_tokens{L1, L2}(tokens, n) ==>
      are_labels{L1, L1}(labels, tokens, form, V, n) ==>
      are_labels{L2, L2}(labels, tokens, form, V, n); */

int ref_length(const struct eer_config *c, int step)
{
    uint32_t word[4];

    ref_random(word, c->seed, EER_DRAW_LENGTH, (uint32_t)step, 0, 0);
    return c->length_min + ref_below(word[0], c->length_max - c->length_min + 1);
}

int ref_token(const struct eer_config *c, uint32_t word, int previous)
{
    if (c->generator == EER_NEVER_REPEAT && previous >= 0) {
        int distance = ref_below(word, c->vocab - 1);
        return (previous + 1 + distance) % c->vocab;
    }
    return ref_below(word, c->vocab);
}

void ref_tokens(int *tokens, const struct eer_config *c, uint64_t seed, enum eer_purpose purpose,
                int step, int sequence, int L)
{
    uint32_t word[4];
    int previous = -1;

    /*@ loop invariant 0 <= i <= L;
        loop invariant previous: -1 <= previous < c->vocab &&
          previous == previous_token(tokens, i);
        loop invariant range: are_tokens(tokens, i, c->vocab);
        loop invariant repeat: c->generator == EER_NEVER_REPEAT ==>
          \forall integer j; 1 <= j < i ==> tokens[j] != tokens[j - 1];
        loop invariant values:
          is_sequence{Here, Pre}(tokens, c, seed, purpose, step, sequence, i);
        loop assigns i, previous, word[0 .. 3], tokens[0 .. L - 1];
        loop variant L - i; */
    for (int i = 0; i < L; i++) {
        ref_random(word, seed, purpose, (uint32_t)step, (uint32_t)sequence, (uint32_t)i);
        //@ assert source: same_source{Here, Pre}(c);
        //@ assert word: word[0] == random_word(0, seed, purpose, step, sequence, i);
        /*@ assert source_of: token_of(c, word[0], previous) == token_of{Pre}(c,
              random_word(0, seed, purpose, step, sequence, i), previous_token(tokens, i)); */
        previous = ref_token(c, word[0], previous);
        /*@ assert value: previous == token_of{Pre}(c,
              random_word(0, seed, purpose, step, sequence, i), previous_token(tokens, i)); */
        tokens[i] = previous;
        //@ assert others: same_tokens{Here, LoopCurrent}(tokens, i);
        //@ assert before: is_sequence{Here, Pre}(tokens, c, seed, purpose, step, sequence, i);
        /*@ assert new: tokens[i] == token_of{Pre}(c,
              random_word(0, seed, purpose, step, sequence, i), previous_token(tokens, i)); */
    }
}

int ref_label(const int *tokens, int i, int V)
{
    /*@ loop invariant -1 <= j < i;
        loop invariant \forall integer k; j < k < i ==> tokens[k] != tokens[i];
        loop assigns j;
        loop variant j; */
    for (int j = i - 1; j >= 0; j--)
        if (tokens[j] == tokens[i])
            return tokens[j + 1];
    return V;
}

void ref_labels(int *labels, const int *tokens, enum eer_form form, int V, int L)
{
    /*@ loop invariant 0 <= i <= L;
        loop invariant range: \forall integer k; 0 <= k < i ==> -1 <= labels[k] <= V;
        loop invariant counted: \forall integer k; 0 <= k < i ==>
          (labels[k] == -1 <==> form == EER_LAST && k < L - 1);
        loop invariant labels: \forall integer k; 0 <= k < i ==>
          (form == EER_LAST && k < L - 1 ? labels[k] == -1
                                         : is_label{Pre}(tokens, k, V, labels[k]));
        loop assigns i, labels[0 .. L - 1];
        loop variant L - i; */
    for (int i = 0; i < L; i++) {
        //@ assert same: same_tokens{Here, Pre}(tokens, L);
        labels[i] = form == EER_LAST && i < L - 1 ? -1 : ref_label(tokens, i, V);
    }
}

void ref_draw_sequence(int *tokens, int *labels, const struct eer_config *c, uint64_t seed,
                       enum eer_purpose purpose, int step, int sequence, int L)
{
    ref_tokens(tokens, c, seed, purpose, step, sequence, L);
    //@ ghost Drawn: ;
    ref_labels(labels, tokens, c->form, c->vocab, L);
    //@ assert kept: same_tokens{Drawn, Here}(tokens, L);
    //@ assert source: c->vocab == \at(c->vocab, Pre) && c->form == \at(c->form, Pre);
}

void ref_draw(const struct eer_config *c, uint64_t seed, enum eer_purpose purpose, int step,
              struct eer_batch *batch)
{
    int B = batch->B, L = batch->L;
    int *tokens = batch->tokens, *labels = batch->labels;

    /*@ loop invariant upto(b, B);
        loop invariant source: same_sizes{Pre, Here}(c);
        loop invariant range: \forall integer a; 0 <= a < b ==>
          are_tokens(sequence_of(tokens, L, a), L, \at(c->vocab, Pre));
        loop invariant tokens: \forall integer a; 0 <= a < b ==>
          is_sequence{Here, Pre}(sequence_of(tokens, L, a), c, seed, purpose, step, a, L);
        loop invariant labels: \forall integer a; 0 <= a < b ==>
          are_labels{Here, Here}(sequence_of(labels, L, a), sequence_of(tokens, L, a), c->form,
                                 \at(c->vocab, Pre), L);
        loop assigns b, tokens[0 .. B * L - 1], labels[0 .. B * L - 1];
        loop variant B - b; */
    for (int b = 0; b < B; b++) {
        //@ assert configured: sizes(c);
        //@ assert inside: row_inside(b, B, L);
        //@ assert tokens_c: \separated(tokens + b * L + (0 .. L - 1), c);
        //@ assert labels_c: \separated(labels + b * L + (0 .. L - 1), c);
        //@ assert here: sequence_of(tokens, L, b) == tokens + b * L;
        //@ assert here_labels: sequence_of(labels, L, b) == labels + b * L;
        //@ assert earlier: \forall integer a; 0 <= a < b ==> row_inside(a, B, L);
        /*@ assert tokens_apart: \forall integer a; 0 <= a < b ==>
              sequences_apart(sequence_of(tokens, L, a), sequence_of(tokens, L, b), L); */
        /*@ assert labels_apart: \forall integer a; 0 <= a < b ==>
              sequences_apart(sequence_of(labels, L, a), sequence_of(labels, L, b), L); */
        //@ assert batches: batches_apart(tokens, labels, B, L);
        /*@ assert before_labels: \forall integer a; 0 <= a < b ==>
              sequences_apart(sequence_of(tokens, L, a), sequence_of(labels, L, b), L); */
        /*@ assert before_tokens: \forall integer a; 0 <= a < b ==>
              sequences_apart(sequence_of(labels, L, a), sequence_of(tokens, L, b), L); */
        //@ assert before: same_sizes{Pre, Here}(c);
        ref_draw_sequence(tokens + b * L, labels + b * L, c, seed, purpose, step, b, L);
        //@ assert source: same_sizes{LoopCurrent, Here}(c);
        /*@ assert new_tokens: is_sequence{Here, Pre}(sequence_of(tokens, L, b), c, seed, purpose,
              step, b, L); */
        /*@ assert others_tokens: \forall integer a; 0 <= a < b ==>
              same_tokens{LoopCurrent, Here}(sequence_of(tokens, L, a), L); */
        /*@ assert others_labels: \forall integer a; 0 <= a < b ==>
              same_tokens{LoopCurrent, Here}(sequence_of(labels, L, a), L); */
    }
}
