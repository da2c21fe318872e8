/* cases.c - see cases.h. */
#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct eer_config standard = {
#define WHOLE(key, value, least, most, doc) .key = value,
#define WORD(key, enumeration, value, doc)  .key = value,
    EER_CONFIG_TABLE(WHOLE, WHOLE, WORD)
#undef WHOLE
#undef WORD
};

/* What a number is drawn for: no two uses share numbers, so that adding one changes no other. */
enum use {
    USE_CYCLE, /* one for each option, from here on */
    USE_NUMBER = 100,
    USE_TOKEN,
    USE_PARAMETER,
};

/* Multiplications of a forward pass, roughly: bounds the time of one gradient of the reference. */
enum { MOST_WORK = 1000000 };

struct draw {
    uint64_t seed;
    int index;
    int options; /* cycled so far: numbers the options */
};

/* SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014): every input bit reaches every output
 * bit. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t word(const struct draw *g, uint64_t use, uint64_t i, uint64_t j)
{
    return mix(mix(mix(mix(g->seed) ^ use) ^ i) ^ j);
}

/* In [0, 1). */
static double unit(const struct draw *g, uint64_t use, uint64_t i, uint64_t j)
{
    return (double)(word(g, use, i, j) >> 11) * 0x1p-53;
}

static int whole(struct draw *g, int least, int most)
{
    uint64_t w = word(g, USE_NUMBER, (uint64_t)g->index, (uint64_t)g->options++);
    return least + (int)(w % (uint64_t)(most - least + 1));
}

/* The next option's value for this case: in every run of n cases each of 0 .. n-1 comes once. */
static int cycle(struct draw *g, int n)
{
    uint64_t option = USE_CYCLE + (uint64_t)g->options++, round = (uint64_t)(g->index / n);
    int order[16] = {0};
    for (int k = 0; k < n; k++) {
        int other = (int)(word(g, option, round, (uint64_t)k) % (uint64_t)(k + 1));
        order[k] = order[other];
        order[other] = k;
    }
    return order[g->index % n];
}

static double real(struct draw *g, const double *values, int n)
{
    return values[cycle(g, n)];
}

static void draw_sizes(struct draw *g, struct eer_config *c, enum eer_case_size size)
{
    static const int d[] = {4, 8, 12, 16, 20, 32}, ds[] = {2, 4, 6};
    static const int mlp[] = {0, 1, 3, 8, 16, 24, 32, 40}, mlps[] = {4, 6, 8};
    static const int lengths[] = {6, 20, 40}, loops[] = {3, 6, 25}, batches[] = {2, 5, 19};
    static const int vocab[] = {2, 3, 5, 17, 64};
    c->d = d[cycle(g, ds[size])];
    c->mlp = mlp[cycle(g, mlps[size])];
    c->vocab = vocab[cycle(g, size == EER_CASE_TINY ? 3 : 5)];
    c->length_min = c->length_max = whole(g, 1, lengths[size]);
    c->loops = whole(g, 1, loops[size]);
    c->batch = whole(g, 1, batches[size]);
    const int once = c->length_max * c->d * (2 * c->length_max + 3 * c->d + 2 * c->mlp);
    while (c->batch > 1 && once * c->loops * c->batch > MOST_WORK)
        c->batch--;
    while (c->loops > 1 && once * c->loops * c->batch > MOST_WORK)
        c->loops--;
}

static void draw_options(struct draw *g, struct eer_config *c)
{
    static const double tau[] = {1, 0.5, 2.5}, slope[] = {0, 0.25, 1}, pe[] = {0.15, 1, 0.5, 0};
    static const double q[] = {1.5, 2, 1.25, 1.015625, 1.75}, eta[] = {0, 0.4, -0.2, 1.1};
    static const double lambda_P[] = {0.1, 1, 0.3, 0}, lambda_K[] = {0.001, 0.5, 0.1, 0};
    static const double lambda_S[] = {0.02, 0.7, 0.2, 0};
    c->generator = (enum eer_generator)cycle(g, 2);
    c->form = (enum eer_form)cycle(g, 2);
    c->mask = (enum eer_mask)cycle(g, 2);
    c->norm = (enum eer_norm)cycle(g, 3);
    c->activation = (enum eer_activation)cycle(g, 2);
    c->kinetic = (enum eer_kinetic)cycle(g, 4);
    c->bos = cycle(g, 2);
    c->final_norm = cycle(g, 2);
    c->tau = real(g, tau, 3);
    c->slope = real(g, slope, 3);
    c->pe_scale = real(g, pe, 4);
    c->q = real(g, q, 5);
    c->eta = real(g, eta, 4);
    c->lambda_P = real(g, lambda_P, 4);
    c->lambda_K = real(g, lambda_K, 4);
    c->lambda_S = real(g, lambda_S, 4);
}

/* Labels by their definition (model.md, 2): of the last earlier equal token, the token after it. */
static void draw_batch(const struct draw *g, const struct eer_config *c, struct eer_batch *batch)
{
    int L = batch->L, V = c->vocab;
    for (int b = 0; b < batch->B; b++) {
        int *x = batch->tokens + b * L, *y = batch->labels + b * L;
        for (int i = 0; i < L; i++) {
            uint64_t w = word(g, USE_TOKEN, (uint64_t)g->index, (uint64_t)(b * L + i)) >> 32;
            if (c->generator == EER_NEVER_REPEAT && i > 0)
                x[i] = (x[i - 1] + 1 + (int)(w % (uint64_t)(V - 1))) % V;
            else
                x[i] = (int)(w % (uint64_t)V);
            y[i] = V;
            for (int j = 0; j < i; j++)
                if (x[j] == x[i])
                    y[i] = x[j + 1];
            if (c->form == EER_LAST && i < L - 1)
                y[i] = -1;
        }
    }
}

/* Uniform in [-1, 1] times the scale that keeps activations near 1: embedding 1.7 (variance 1),
 * matrices 1.7 / sqrt(rows), gains 1 +- 0.5, biases +- 0.5. Without layer norm nothing holds the
 * state, so the two matrices that feed it are divided by the number of iterations. */
static void draw_theta(const struct draw *g, struct eer_case *c)
{
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        int rows = c->layout.rows[tensor], n = rows * c->layout.columns[tensor];
        int gain = tensor == EER_LN1_GAIN || tensor == EER_LN2_GAIN || tensor == EER_LNF_GAIN;
        int feeds = tensor == EER_W_V || tensor == EER_W_2;
        double scale = tensor == EER_EMBEDDING ? 1.7 : 1.7 / sqrt(rows);
        if (eer_tensor_is_vector(tensor))
            scale = 0.5;
        if (feeds && c->config.norm == EER_NORM_NONE)
            scale /= c->config.loops;
        for (int k = 0; k < n; k++) {
            int p = c->layout.offset[tensor] + k;
            double u = unit(g, USE_PARAMETER, (uint64_t)g->index, (uint64_t)p);
            c->theta[p] = (float)(gain + scale * (2 * u - 1));
        }
    }
}

enum eer_status eer_case_new(struct eer_case *c, uint64_t seed, int index, enum eer_case_size size)
{
    struct draw g = {.seed = seed, .index = index};
    *c = (struct eer_case){0};
    c->config = standard;
    c->config.seed = seed;
    draw_sizes(&g, &c->config, size);
    draw_options(&g, &c->config);
    c->weights = (struct eer_weights){c->config.lambda_P, c->config.lambda_K, c->config.lambda_S};
    eer_layout(&c->config, &c->layout);
    c->batch.B = c->config.batch;
    c->batch.L = c->config.length_max;
    size_t tokens = (size_t)c->batch.B * (size_t)c->batch.L;
    c->batch.tokens = malloc(tokens * sizeof *c->batch.tokens);
    c->batch.labels = malloc(tokens * sizeof *c->batch.labels);
    c->theta = malloc((size_t)c->layout.size * sizeof *c->theta);
    if (c->batch.tokens == NULL || c->batch.labels == NULL || c->theta == NULL)
        return EER_NO_MEMORY;
    draw_batch(&g, &c->config, &c->batch);
    draw_theta(&g, c);
    return EER_OK;
}

void eer_case_free(struct eer_case *c)
{
    free(c->batch.tokens);
    free(c->batch.labels);
    free(c->theta);
}

const char *eer_case_text(const struct eer_case *a, char *text, size_t size)
{
    static const char *const norm[] = {"none", "pre", "post"}, *const kinetic[] = {
                                                                   "norm", "squared", "path",
                                                                   "frobenius"};
    const struct eer_config *c = &a->config;
    snprintf(text, size,
             "d %d mlp %d V %d L %d T %d B %d %s %s mask %s norm %s%s %s kinetic %s%s tau %g slope "
             "%g pe %g q %g eta %g lambda P %g K %g S %g",
             c->d, c->mlp, c->vocab, a->batch.L, c->loops, c->batch,
             c->generator == EER_IID ? "iid" : "never-repeat",
             c->form == EER_FULL ? "full" : "last", c->mask == EER_MASK_NONE ? "none" : "causal",
             norm[c->norm], c->final_norm ? " final" : "",
             c->activation == EER_GELU ? "gelu" : "relu", kinetic[c->kinetic], c->bos ? " bos" : "",
             c->tau, c->slope, c->pe_scale, c->q, c->eta, c->lambda_P, c->lambda_K, c->lambda_S);
    return text;
}
