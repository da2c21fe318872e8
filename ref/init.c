/* init.c - the initial parameters (spec/model.md, 3.6). */
#include "ref.h"
#include "lemmas_elementary.h"
#include "lemmas_layout.h"

/* What the proofs of this file need. */
/*@ lemma initial_same{L1, L2}: \forall double *x, integer seed, tensor, rows, n;
      same{L1, L2}(x, n) ==> is_initial{L1}(x, seed, tensor, rows, n) ==>
      is_initial{L2}(x, seed, tensor, rows, n);
    lemma offsets_positive{L}: \forall struct eer_config *c, integer b; 0 <= b ==>
      eer_shaped(c) && b <= EER_TENSORS ==> 0 <= eer_offset(c, b);
    predicate in_order{L}(struct eer_config *c, integer a, integer b) =
      eer_offset(c, a) + eer_elements(c, a) <= eer_offset(c, b);
    lemma offsets_in_order{L}: \forall struct eer_config *c, integer a, b; 0 <= b ==>
      eer_shaped(c) && 0 <= a < b <= EER_TENSORS ==> in_order(c, a, b); */

double ref_rounded_to_float(double x)
{
    return (float)x;
}

double ref_uniform(uint32_t word)
{
    return (word / 256 + 0.5) / 16777216; /* 2^24 */
}

double ref_normal(uint32_t word_0, uint32_t word_1)
{
    const double two_pi = 6.283185307179586476925286766559;
    double radius = ref_sqrt(-2 * ref_log(ref_uniform(word_0)));

    return radius * ref_cos(two_pi * ref_uniform(word_1));
}

void ref_init_normal(double *x, uint64_t seed, int tensor, int n)
{
    uint32_t word[4];

    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          x[i] == initial_normal(seed, tensor, i));
        loop assigns j, word[0 .. 3], x[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        ref_random(word, seed, EER_DRAW_INIT, (uint32_t)tensor, 0, (uint32_t)j);
        //@ assert word_0: word[0] == initial_word(0, seed, tensor, j);
        //@ assert word_1: word[1] == initial_word(1, seed, tensor, j);
        x[j] = ref_rounded_to_float(ref_normal(word[0], word[1]));
    }
}

void ref_init_uniform(double *x, uint64_t seed, int tensor, int rows, int n)
{
    uint32_t word[4];
    double bound = ref_sqrt(rows);

    //@ assert root: REAL(bound == \sqrt(rows) && (n > 0 ==> bound > 0));
    /*@ loop invariant 0 <= j <= n;
        loop invariant REAL(\forall integer i; 0 <= i < j ==>
          x[i] == initial_uniform(seed, tensor, rows, i));
        loop assigns j, word[0 .. 3], x[0 .. n - 1];
        loop variant n - j; */
    for (int j = 0; j < n; j++) {
        ref_random(word, seed, EER_DRAW_INIT, (uint32_t)tensor, 0, (uint32_t)j);
        //@ assert word_0: word[0] == initial_word(0, seed, tensor, j);
        //@ assert word_1: word[1] == initial_word(1, seed, tensor, j);
        double uniform = ref_uniform(word[0]);
        //@ assert uniform: REAL(uniform == uniform_of(initial_word(0, seed, tensor, j)));
        double value = (2 * uniform - 1) / bound;
        //@ assert quotient: REAL(value == over(2 * uniform - 1, bound));
        //@ assert value: REAL(value == initial_uniform(seed, tensor, rows, j));
        x[j] = ref_rounded_to_float(value);
    }
}

void ref_init_tensor(double *x, uint64_t seed, int tensor, int rows, int n)
{
    int is_gain = tensor == EER_LN1_GAIN || tensor == EER_LN2_GAIN || tensor == EER_LNF_GAIN;
    double value = is_gain ? 1.0 : 0.0;

    if (tensor == EER_EMBEDDING)
        ref_init_normal(x, seed, tensor, n);
    else if (eer_tensor_is_vector(tensor))
        ref_fill(x, value, n);
    else
        ref_init_uniform(x, seed, tensor, rows, n);
}

void ref_init(const struct eer_config *c, struct eer_state *state)
{
    struct eer_layout layout;
    double *theta = state->theta, *m = state->m, *v = state->v;
    uint64_t seed = c->seed;

    eer_layout(c, &layout);
    //@ assert size: layout.size == parameters{Pre}(c);
    //@ assert shaped: eer_shaped{Pre}(c);
    state->step = 0;
    ref_fill(m, 0.0, layout.size);
    ref_fill(v, 0.0, layout.size);
    /*@ loop invariant 0 <= tensor <= EER_TENSORS;
        loop invariant values: REAL(\forall integer t; 0 <= t < tensor ==>
          is_initial(theta + eer_offset{Pre}(c, t), seed, t, eer_rows{Pre}(c, t),
                     eer_elements{Pre}(c, t)));
        loop assigns tensor, theta[0 .. layout.size - 1];
        loop variant EER_TENSORS - tensor; */
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        int offset = layout.offset[tensor], rows = layout.rows[tensor];
        //@ assert product: rows * layout.columns[tensor] == eer_elements{Pre}(c, tensor);
        //@ assert few: 0 <= eer_elements{Pre}(c, tensor) <= 16384;
        int n = rows * layout.columns[tensor];
        //@ assert here: offset == eer_offset{Pre}(c, tensor) && rows == eer_rows{Pre}(c, tensor);
        //@ assert elements: n == eer_elements{Pre}(c, tensor);
        //@ assert last: in_order{Pre}(c, tensor, EER_TENSORS);
        //@ assert inside: 0 <= offset && 0 <= n && offset + n <= layout.size;
        /*@ assert in_order: \forall integer t; 0 <= t < tensor ==>
              in_order{Pre}(c, t, tensor); */
        //@ assert positive: \forall integer t; 0 <= t < tensor ==> 0 <= eer_offset{Pre}(c, t);
        /*@ assert before: \forall integer t; 0 <= t < tensor ==> in_order{Pre}(c, t, tensor) &&
              0 <= eer_offset{Pre}(c, t) &&
              eer_offset{Pre}(c, t) + eer_elements{Pre}(c, t) <= offset; */
        /*@ assert apart: \forall integer t; 0 <= t < tensor ==>
              apart(theta + eer_offset{Pre}(c, t), eer_elements{Pre}(c, t), theta + offset, n); */
        ref_init_tensor(theta + offset, seed, tensor, rows, n);
        /*@ assert others: REAL(\forall integer t; 0 <= t < tensor ==>
              same{LoopCurrent, Here}(theta + eer_offset{Pre}(c, t), eer_elements{Pre}(c, t))); */
    }
}
