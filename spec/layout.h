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

static inline const char *eer_tensor_name(int tensor)
{
    static const char *const name[EER_TENSORS] = {
        "embedding", "W_Q", "W_K", "W_V", "ln1.gain", "ln1.bias", "ln2.gain", "ln2.bias",
        "W_1",       "b_1", "W_2", "b_2", "lnf.gain", "lnf.bias", "W_O",      "b_O"};
    return name[tensor];
}

/* 1 if tensors of this kind are biases or gains (a vector), 0 if matrices. */
static inline int eer_tensor_is_vector(int tensor)
{
    return (tensor >= EER_LN1_GAIN && tensor <= EER_LN2_BIAS) || tensor == EER_B_1 ||
           tensor == EER_B_2 || tensor == EER_LNF_GAIN || tensor == EER_LNF_BIAS ||
           tensor == EER_B_O;
}

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
static inline void eer_layout(const struct eer_config *c, struct eer_layout *layout)
{
    int next = 0;
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        int rows = eer_tensor_rows(c, tensor);
        int columns = rows > 0 ? eer_tensor_columns(c, tensor) : 0;
        layout->rows[tensor] = rows;
        layout->columns[tensor] = columns;
        layout->offset[tensor] = next;
        next += rows * columns;
    }
    layout->size = next;
}

#endif
