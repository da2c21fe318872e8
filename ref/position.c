/* position.c - the input X: embedding plus sinusoidal position (spec/model.md, 3.1 and 5.6). */
#include "ref.h"

void ref_add_position(double *x, int i, double pe_scale, int d)
{
    /*@ loop invariant 0 <= k <= d / 2;
        loop assigns k, x[0 .. d - 1];
        loop variant d / 2 - k; */
    for (int k = 0; k < d / 2; k++) {
        double angle = i / ref_pow(10000, 2.0 * k / d);
        x[2 * k] += pe_scale * ref_sin(angle);
        x[2 * k + 1] += pe_scale * ref_cos(angle);
    }
}

int ref_embedding_row(const int *tokens, int i, const struct eer_config *c)
{
    if (c->bos)
        return i == 0 ? c->vocab : tokens[i - 1];
    return tokens[i];
}

void ref_input(double *X, const double *E, const int *tokens, const struct eer_config *c, int N)
{
    int d = c->d;

    /*@ loop invariant 0 <= i <= N;
        loop assigns i, X[0 .. N * d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++) {
        ref_copy(X + i * d, E + ref_embedding_row(tokens, i, c) * d, d);
        ref_add_position(X + i * d, i, c->pe_scale, d);
    }
}

void ref_input_backward(double *dE, const double *dX, const int *tokens, const struct eer_config *c,
                        int N)
{
    int d = c->d;

    /*@ loop invariant 0 <= i <= N;
        loop assigns i, dE[0 .. (c->vocab + c->bos) * d - 1];
        loop variant N - i; */
    for (int i = 0; i < N; i++)
        ref_add(dE + ref_embedding_row(tokens, i, c) * d, dX + i * d, d);
}
