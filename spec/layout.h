/* layout.h - the flat parameter vector theta: which tensor lies where (spec/model.md, 3.5).
 *
 * Row-major; a matrix maps row vectors from the left: y = x W, W[k][j] at k * columns + j. A tensor
 * that a configuration does not have is 0 x 0 at the place where it would lie. */
#ifndef EER_LAYOUT_H
#define EER_LAYOUT_H

#include "config.h"

enum eer_tensor {
    EER_EMBEDDING, /* (V + bos) x d; the last row is the begin-of-sequence row, if there is one */
    EER_W_Q,       /* d x d */
    EER_W_K,       /* d x d */
    EER_W_V,       /* d x d */
    EER_LN1_GAIN,  /* 1 x d, unless norm = none */
    EER_LN1_BIAS,  /* 1 x d */
    EER_LN2_GAIN,  /* 1 x d, unless norm = none or mlp = 0 */
    EER_LN2_BIAS,  /* 1 x d */
    EER_W_1,       /* d x mlp, unless mlp = 0 */
    EER_B_1,       /* 1 x mlp */
    EER_W_2,       /* mlp x d */
    EER_B_2,       /* 1 x d */
    EER_LNF_GAIN,  /* 1 x d, if final_norm */
    EER_LNF_BIAS,  /* 1 x d */
    EER_W_O,       /* d x (V + 1) */
    EER_B_O,       /* 1 x (V + 1) */
    EER_TENSORS
};

struct eer_layout {
    int rows[EER_TENSORS];
    int columns[EER_TENSORS];
    int offset[EER_TENSORS]; /* of the first element in theta */
    int size;                /* number of parameters, P */
};

/* The table above, and what follows from it: offsets are sums, so that the tensors are disjoint and
 * cover theta. */
/*@ predicate eer_shaped{L}(struct eer_config *c) = \valid_read(c) &&
      2 <= c->vocab <= EER_MAX_VOCAB && 4 <= c->d <= EER_MAX_D && 0 <= c->mlp <= EER_MAX_MLP &&
      0 <= c->bos <= 1 && 0 <= c->final_norm <= 1;

    predicate eer_is_vector(integer tensor) =
      EER_LN1_GAIN <= tensor <= EER_LN2_BIAS || tensor == EER_B_1 || tensor == EER_B_2 ||
      tensor == EER_LNF_GAIN || tensor == EER_LNF_BIAS || tensor == EER_B_O;

    logic integer eer_rows{L}(struct eer_config *c, integer tensor) =
      tensor == EER_EMBEDDING ? c->vocab + c->bos :
      tensor == EER_LN1_GAIN || tensor == EER_LN1_BIAS ? (c->norm == EER_NORM_NONE ? 0 : 1) :
      tensor == EER_LN2_GAIN || tensor == EER_LN2_BIAS ?
        (c->norm == EER_NORM_NONE || c->mlp == 0 ? 0 : 1) :
      tensor == EER_W_1 ? (c->mlp == 0 ? 0 : c->d) :
      tensor == EER_W_2 ? c->mlp :
      tensor == EER_B_1 || tensor == EER_B_2 ? (c->mlp == 0 ? 0 : 1) :
      tensor == EER_LNF_GAIN || tensor == EER_LNF_BIAS ? c->final_norm :
      tensor == EER_B_O ? 1 : c->d;

    logic integer eer_width{L}(struct eer_config *c, integer tensor) =
      tensor == EER_W_1 || tensor == EER_B_1 ? c->mlp :
      tensor == EER_W_O || tensor == EER_B_O ? c->vocab + 1 : c->d;

    logic integer eer_columns{L}(struct eer_config *c, integer tensor) =
      eer_rows(c, tensor) == 0 ? 0 : eer_width(c, tensor);

    logic integer eer_elements{L}(struct eer_config *c, integer tensor) =
      eer_rows(c, tensor) * eer_columns(c, tensor);

    logic integer eer_offset{L}(struct eer_config *c, integer tensor) =
      tensor <= 0 ? 0 : eer_offset(c, tensor - 1) + eer_elements(c, tensor - 1);

    predicate eer_same_shape{L1, L2}(struct eer_config *c) =
      \at(c->vocab, L1) == \at(c->vocab, L2) && \at(c->d, L1) == \at(c->d, L2) &&
      \at(c->mlp, L1) == \at(c->mlp, L2) && \at(c->bos, L1) == \at(c->bos, L2) &&
      \at(c->norm, L1) == \at(c->norm, L2) && \at(c->final_norm, L1) == \at(c->final_norm, L2); */

/*@ requires 0 <= tensor < EER_TENSORS;
    terminates \true;
    assigns \nothing; */
static inline const char *eer_tensor_name(int tensor)
{
    static const char *const name[EER_TENSORS] = {
        "embedding", "W_Q", "W_K", "W_V", "ln1.gain", "ln1.bias", "ln2.gain", "ln2.bias",
        "W_1",       "b_1", "W_2", "b_2", "lnf.gain", "lnf.bias", "W_O",      "b_O"};
    return name[tensor];
}

/* 1 if tensors of this kind are biases or gains (a vector), 0 if matrices. */
/*@ terminates \true;
    assigns \nothing;
    ensures vector: \result == 1 <==> eer_is_vector(tensor);
    ensures matrix: \result == 0 <==> !eer_is_vector(tensor); */
static inline int eer_tensor_is_vector(int tensor)
{
    return (tensor >= EER_LN1_GAIN && tensor <= EER_LN2_BIAS) || tensor == EER_B_1 ||
           tensor == EER_B_2 || tensor == EER_LNF_GAIN || tensor == EER_LNF_BIAS ||
           tensor == EER_B_O;
}

/*@ requires eer_shaped(c) && 0 <= tensor < EER_TENSORS;
    terminates \true;
    assigns \nothing;
    ensures rows: \result == eer_rows(c, tensor);
    ensures range: 0 <= \result <= EER_MAX_MLP; */
static inline int eer_tensor_rows(const struct eer_config *c, int tensor)
{
    int norm = c->norm != EER_NORM_NONE;
    switch (tensor) {
    case EER_EMBEDDING:
        return c->vocab + c->bos;
    case EER_LN1_GAIN:
    case EER_LN1_BIAS:
        return norm;
    case EER_LN2_GAIN:
    case EER_LN2_BIAS:
        return norm && c->mlp > 0;
    case EER_W_1:
        return c->mlp > 0 ? c->d : 0;
    case EER_W_2:
        return c->mlp;
    case EER_B_1:
    case EER_B_2:
        return c->mlp > 0;
    case EER_LNF_GAIN:
    case EER_LNF_BIAS:
        return c->final_norm;
    case EER_B_O:
        return 1;
    default:
        return c->d; /* W_Q, W_K, W_V, W_O */
    }
}

/* Of a tensor that the configuration has. */
/*@ requires eer_shaped(c) && 0 <= tensor < EER_TENSORS;
    terminates \true;
    assigns \nothing;
    ensures columns: \result == eer_width(c, tensor);
    ensures range: 0 <= \result <= EER_MAX_MLP; */
static inline int eer_tensor_columns(const struct eer_config *c, int tensor)
{
    switch (tensor) {
    case EER_W_1:
    case EER_B_1:
        return c->mlp;
    case EER_W_O:
    case EER_B_O:
        return c->vocab + 1;
    default:
        return c->d;
    }
}

/* Offsets are in the order of the enumeration, without gaps. */
/*@ requires eer_shaped(c) && \valid(layout) && \separated(layout, c);
    terminates \true;
    assigns *layout;
    ensures shapes: \forall integer t; 0 <= t < EER_TENSORS ==>
      layout->rows[t] == eer_rows(c, t) && layout->columns[t] == eer_columns(c, t);
    ensures begin: layout->offset[0] == 0;
    ensures next: \forall integer t; 0 <= t < EER_TENSORS - 1 ==>
      layout->offset[t + 1] == layout->offset[t] + layout->rows[t] * layout->columns[t];
    ensures end: layout->size == layout->offset[EER_TENSORS - 1] +
      layout->rows[EER_TENSORS - 1] * layout->columns[EER_TENSORS - 1];
    ensures sums: layout->size == eer_offset{Pre}(c, EER_TENSORS) &&
      \forall integer t; 0 <= t < EER_TENSORS ==> layout->offset[t] == eer_offset{Pre}(c, t);
    ensures range: 0 <= layout->size <= EER_TENSORS * 16384; */
static inline void eer_layout(const struct eer_config *c, struct eer_layout *layout)
{
    int next = 0;
    /*@ loop invariant 0 <= tensor <= EER_TENSORS;
        loop invariant sum: next == eer_offset{Pre}(c, tensor) && 0 <= next <= tensor * 16384;
        loop invariant shapes: \forall integer t; 0 <= t < tensor ==>
          layout->rows[t] == eer_rows{Pre}(c, t) && layout->columns[t] == eer_columns{Pre}(c, t);
        loop invariant sums: \forall integer t; 0 <= t < tensor ==>
          layout->offset[t] == eer_offset{Pre}(c, t);
        loop assigns tensor, next, *layout;
        loop variant EER_TENSORS - tensor; */
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        int rows = eer_tensor_rows(c, tensor);
        int columns = rows > 0 ? eer_tensor_columns(c, tensor) : 0;
        //@ assert same: eer_same_shape{Pre, Here}(c);
        //@ assert rows: rows == eer_rows{Pre}(c, tensor);
        //@ assert columns: columns == eer_columns{Pre}(c, tensor);
        //@ assert product: rows * columns == eer_elements{Pre}(c, tensor);
        layout->rows[tensor] = rows;
        layout->columns[tensor] = columns;
        layout->offset[tensor] = next;
        next += rows * columns;
    }
    layout->size = next;
    //@ assert same: eer_same_shape{Pre, Here}(c);
    /*@ assert unfolded: \forall integer t; 0 <= t < EER_TENSORS ==>
          eer_offset{Pre}(c, t + 1) == eer_offset{Pre}(c, t) + eer_elements{Pre}(c, t); */
    /*@ assert unfolded_last: eer_offset{Pre}(c, EER_TENSORS) ==
          eer_offset{Pre}(c, EER_TENSORS - 1) + eer_elements{Pre}(c, EER_TENSORS - 1); */
    /*@ assert products: \forall integer t; 0 <= t < EER_TENSORS ==>
          layout->rows[t] * layout->columns[t] == eer_elements{Pre}(c, t); */
    /*@ assert last: layout->rows[EER_TENSORS - 1] * layout->columns[EER_TENSORS - 1] ==
          eer_elements{Pre}(c, EER_TENSORS - 1); */
    //@ assert begin_last: layout->offset[EER_TENSORS - 1] == eer_offset{Pre}(c, EER_TENSORS - 1);
}

#endif
