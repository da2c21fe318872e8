/* certify.c - `eer certify`: enclosures of a trained loop's norms, bounds and Jacobians at its
 * states. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../clock.h"
#include "../command.h"
#include "../fail.h"
#include "../npy.h"
#include "../weights.h"
#include "certified.h"

enum {
    LENGTHS,
    SEQUENCES,
    SEED,
    TOKENS,
    LOOPS,
    EVERY,
    UPDATE,
    ATTENTION,
    INPUT,
    MAP,
    SCALE,
    RESIDUAL,
    PICTURE,
    JSON
};

enum {
    MOST_LENGTHS = 8,
    MOST_LENGTH = 1000,
    MOST_SEQUENCES = 100,
    MOST_D = 512,
    LOOPS_OF_A_FILE = 25, /* iterations of --attention (T1) */
};

#define WORDS_map "S|ST"

static const struct eer_option options[] = {
    [LENGTHS] = {"lengths", "L,L,...", "lengths, 1 to 1000 (default 16,64)"},
    [SEQUENCES] = {"sequences", "N", "sequences of each length (default 1)"},
    [SEED] = {"seed", "N", "of the sequences (default: the run's)"},
    [TOKENS] = {"tokens", "N,N,...", "this sequence instead"},
    [LOOPS] = {"loops", "T", "iterations (default: the run's; 25 with --attention)"},
    [EVERY] = {"every", "N", "only every N-th state and the last (default 1)"},
    [UPDATE] = {"update", EER_WORDS_update, "how states follow each other (default plain)"},
    [ATTENTION] = {"attention", "FILE", "instead of a checkpoint: W_Q, W_K, W_V (safetensors)"},
    [INPUT] = {"input", "FILE", "with --attention: X, n x d (.npy)"},
    [MAP] = {"map", WORDS_map, "with --attention: F = S Y W_V or S^T Y W_V (default S)"},
    [SCALE] = {"scale", "X", "with --attention: factor of the logits (default 1)"},
    [RESIDUAL] = {"residual", NULL, "with --attention: Z <- Z + F(X + Z), not F(X + Z)"},
    [PICTURE] = {"picture", "FILE", "draw bounds and enclosures over the iterations (SVG)"},
    [JSON] = {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

struct arguments {
    const char *path, *lengths, *seed, *tokens, *attention, *input, *picture, *map_given;
    const char *scale_given;
    long long sequences, loops, every;
    int update, map, residual, json;
    double scale;
};

static enum eer_status take_scale(struct arguments *a, const char *value, struct eer_error *error)
{
    char *end;
    a->scale = strtod(value, &end);
    a->scale_given = value;
    if (end == value || *end != '\0' || !isfinite(a->scale))
        return eer_fail(error, EER_USAGE, "--scale: \"%.60s\" is not a number", value);
    return EER_OK;
}

static enum eer_status take_option(void *context, int option, const char *value,
                                   struct eer_error *error)
{
    struct arguments *a = context;
    switch (option) {
    case LENGTHS:
        a->lengths = value;
        return EER_OK;
    case SEQUENCES:
        return eer_parse_whole(value, 1, MOST_SEQUENCES, "--sequences", &a->sequences, error);
    case SEED:
        a->seed = value;
        return EER_OK;
    case TOKENS:
        a->tokens = value;
        return EER_OK;
    case LOOPS:
        return eer_parse_whole(value, 1, EER_MAX_LOOPS, "--loops", &a->loops, error);
    case EVERY:
        return eer_parse_whole(value, 1, EER_MAX_LOOPS, "--every", &a->every, error);
    case UPDATE:
        return eer_parse_word(value, EER_WORDS_update, "--update", &a->update, error);
    case ATTENTION:
        a->attention = value;
        return EER_OK;
    case INPUT:
        a->input = value;
        return EER_OK;
    case MAP:
        a->map_given = value;
        return eer_parse_word(value, WORDS_map, "--map", &a->map, error);
    case SCALE:
        return take_scale(a, value, error);
    case RESIDUAL:
        a->residual = 1;
        return EER_OK;
    case PICTURE:
        a->picture = value;
        return EER_OK;
    default:
        a->json = 1;
        return EER_OK;
    }
}

static enum eer_status check_options(const struct arguments *a, int operands,
                                     struct eer_error *error)
{
    if (a->attention && (operands > 0 || a->lengths || a->tokens || a->seed || a->sequences))
        return eer_fail(
            error, EER_USAGE,
            "--attention takes the place of a checkpoint and its sequences; give one or the "
            "other");
    if (a->attention && !a->input)
        return eer_fail(error, EER_USAGE, "--attention needs --input FILE, the matrix X");
    if (!a->attention && (a->input || a->map_given || a->scale_given || a->residual))
        return eer_fail(error, EER_USAGE,
                        "--input, --map, --scale and --residual go with --attention");
    if (!a->attention && operands != 1)
        return eer_fail(error, EER_USAGE, "certify takes one checkpoint, but %d are given",
                        operands);
    if (a->tokens && (a->lengths || a->sequences || a->seed))
        return eer_fail(error, EER_USAGE,
                        "--tokens is one sequence: --lengths, --sequences and --seed draw others");
    return EER_OK;
}

/* --- one sequence -------------------------------------------------------------------------------
 */

/* The direction's turn from Z to image, modulo row means. */
static double turn(const double *Z, const double *image, int n, int d, double *memory)
{
    double from = eer_distance(Z, NULL, n, d, 1), to = eer_distance(image, NULL, n, d, 1);
    if (!(from > 0.0 && to > 0.0))
        return NAN;
    for (int i = 0; i < n * d; i++)
        memory[i] = image[i] / to - Z[i] / from;
    return eer_distance(memory, NULL, n, d, 1);
}

/* State t, with its certificate if it is wanted; Z becomes the next one. */
static void visit(struct eer_certified *c, struct eer_dynamics *y, int t, int wanted, double *Z,
                  double *memory)
{
    double *image = memory, *rest = memory + (size_t)c->n * (size_t)c->d;
    double alpha = eer_dynamics_image(y, image, Z);
    if (wanted) {
        struct eer_certified_state *s = &c->state[c->count++];
        s->t = t;
        s->alpha = alpha;
        s->step = eer_distance(image, Z, c->n, c->d, 0);
        s->step_modulo = eer_distance(image, Z, c->n, c->d, 1);
        s->turn = turn(Z, image, c->n, c->d, rest);
        bound_certify(&s->certificate, &y->subject, y->X, Z, c->n);
    }
    if (t < c->loops)
        eer_dynamics_update(y, c->update, alpha, Z, image);
}

static int all_finite(const double *x, int count)
{
    for (int i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

/* Classes that are right after c->loops iterations of either update. */
static void count_right(struct eer_certified *c, struct eer_dynamics *y, const int *labels,
                        double *Z, double *image, int *predicted)
{
    for (int u = 0; u < 2; u++) {
        memset(Z, 0, (size_t)c->n * (size_t)c->d * sizeof *Z);
        for (int t = 0; t < c->loops; t++) {
            double alpha = eer_dynamics_image(y, image, Z);
            eer_dynamics_update(y, (enum eer_update)u, alpha, Z, image);
        }
        c->right[u] = eer_dynamics_right(y, Z, labels, c->length, predicted);
    }
    for (int i = 0; i < c->length; i++)
        c->counted += labels[i] >= 0;
}

/* Everything about one sequence; y is set, c has its sizes. labels: of a model, else NULL. */
static enum eer_status certify(struct eer_certified *c, struct eer_dynamics *y, int every,
                               const int *labels, struct eer_error *error)
{
    size_t size = (size_t)y->n * (size_t)y->d;
    double begun = eer_seconds(), *Z = calloc(3 * size, sizeof *Z);
    int *predicted = calloc((size_t)y->n, sizeof *predicted);
    enum eer_status status = EER_OK;
    c->n = y->n;
    c->d = y->d;
    c->state = calloc((size_t)c->loops + 1, sizeof *c->state);
    if (!Z || !predicted || !c->state) {
        status = eer_fail(error, EER_NO_MEMORY, "no memory for %d states", c->loops + 1);
    } else {
        for (int t = 0; t <= c->loops && all_finite(Z, c->n * c->d); t++)
            visit(c, y, t, t % every == 0 || t == c->loops, Z, Z + size);
        if (!all_finite(Z, c->n * c->d))
            status = eer_fail(
                error, EER_NOT_FINITE,
                "the states of this loop overflow after state %d; fewer --loops stop before",
                c->count > 0 ? c->state[c->count - 1].t : 0);
    }
    if (status == EER_OK) {
        bound_fixed_point(&c->fixed, &y->subject, y->X, Z, c->n);
        for (int u = 0; u < 2 && status == EER_OK; u++)
            status = eer_dynamics_settle(y, (enum eer_update)u, &c->settling[u], error);
        if (labels)
            count_right(c, y, labels, Z, Z + size, predicted);
    }
    free(Z);
    free(predicted);
    c->seconds = eer_seconds() - begun;
    return status;
}

/* --- all sequences ------------------------------------------------------------------------------
 */

struct findings {
    struct eer_certified *list;
    int count, room;
};

static struct eer_certified *next(struct findings *f, const struct arguments *a, int loops)
{
    struct eer_certified *c = &f->list[f->count++];
    *c = (struct eer_certified){.update = (enum eer_update)a->update,
                                .loops = a->loops > 0 ? (int)a->loops : loops};
    return c;
}

static enum eer_status make_room(struct findings *f, int room, struct eer_error *error)
{
    f->list = calloc((size_t)room, sizeof *f->list);
    f->count = 0;
    if (!f->list)
        return eer_fail(error, EER_NO_MEMORY, "no memory for %d sequences", room);
    return EER_OK;
}

static void free_findings(struct findings *f)
{
    for (int k = 0; k < f->count; k++)
        free(f->list[k].state);
    free(f->list);
}

static enum eer_status one_sequence(struct findings *f, const struct arguments *a,
                                    const struct eer_checkpoint *checkpoint, const int *tokens,
                                    const int *labels, int L, int number, struct eer_error *error)
{
    struct eer_dynamics y;
    struct eer_certified *c = next(f, a, checkpoint->config.loops);
    c->length = L;
    c->sequence = number;
    enum eer_status status = eer_dynamics_model(&y, checkpoint, tokens, L, error);
    if (status == EER_OK)
        status = certify(c, &y, (int)a->every, labels, error);
    eer_dynamics_free(&y);
    return status;
}

static enum eer_status drawn(struct findings *f, const struct arguments *a,
                             const struct eer_checkpoint *checkpoint, uint64_t seed,
                             struct eer_error *error)
{
    int length[MOST_LENGTHS], lengths, sequences = a->sequences > 0 ? (int)a->sequences : 1;
    enum eer_status status = eer_parse_list(a->lengths ? a->lengths : "16,64", 1, MOST_LENGTH,
                                            "--lengths", length, MOST_LENGTHS, &lengths, error);
    if (status == EER_OK)
        status = make_room(f, lengths * sequences, error);
    for (int k = 0; k < lengths && status == EER_OK; k++) {
        struct eer_batch batch = {.B = sequences, .L = length[k]};
        size_t size = (size_t)sequences * (size_t)length[k];
        batch.tokens = malloc(2 * size * sizeof *batch.tokens);
        if (!batch.tokens)
            return eer_fail(error, EER_NO_MEMORY, "no memory for %d sequences", sequences);
        batch.labels = batch.tokens + size;
        ref_backend.draw(&checkpoint->config, seed, EER_DRAW_FRESH, length[k], &batch);
        for (int b = 0; b < sequences && status == EER_OK; b++)
            status = one_sequence(f, a, checkpoint, batch.tokens + b * length[k],
                                  batch.labels + b * length[k], length[k], b + 1, error);
        free(batch.tokens);
    }
    return status;
}

static enum eer_status given(struct findings *f, const struct arguments *a,
                             const struct eer_checkpoint *checkpoint, struct eer_error *error)
{
    int tokens[MOST_LENGTH], labels[MOST_LENGTH], L;
    const struct eer_config *config = &checkpoint->config;
    enum eer_status status =
        eer_parse_list(a->tokens, 0, config->vocab - 1, "--tokens", tokens, MOST_LENGTH, &L, error);
    if (status == EER_OK)
        status = make_room(f, 1, error);
    if (status != EER_OK)
        return status;
    ref_labels(labels, tokens, config->form, config->vocab, L);
    return one_sequence(f, a, checkpoint, tokens, labels, L, 1, error);
}

/* --- the ways out -------------------------------------------------------------------------------
 */

static enum eer_status report(const struct arguments *a, const struct findings *f,
                              const struct eer_certified_head *head, struct eer_error *error)
{
    if (a->json) {
        json_t *json = eer_certified_json(f->list, f->count, head);
        if (!json)
            return eer_fail(error, EER_FORMAT, "%.300s: not UTF-8, which JSON needs", head->name);
        json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        printf("\n");
        json_decref(json);
    } else {
        for (int k = 0; k < f->count; k++)
            eer_certified_print(&f->list[k], head);
        eer_certified_legend(head);
    }
    if (!a->picture)
        return EER_OK;
    return eer_certified_picture(a->picture, f->list, f->count, error);
}

static enum eer_status of_checkpoint(const struct arguments *a, struct eer_error *error)
{
    struct eer_checkpoint checkpoint;
    struct findings findings = {0};
    enum eer_status status = eer_checkpoint_read(a->path, &checkpoint, error);
    if (status != EER_OK)
        return status;
    uint64_t seed = checkpoint.config.seed;
    if (a->seed)
        status = eer_parse_seed(a->seed, "--seed", &seed, error);
    if (status == EER_OK)
        status = a->tokens ? given(&findings, a, &checkpoint, error)
                           : drawn(&findings, a, &checkpoint, seed, error);
    struct eer_certified_head head = {
        .name = a->path, .config = &checkpoint.config, .step = checkpoint.state.step, .seed = seed};
    if (status == EER_OK && !a->json)
        printf("%s, step %d; %s\n", a->path, checkpoint.state.step,
               a->tokens ? "the sequence given" : "fresh sequences");
    if (status == EER_OK)
        status = report(a, &findings, &head, error);
    free_findings(&findings);
    eer_checkpoint_free(&checkpoint);
    return status;
}

static enum eer_status of_loop(const struct arguments *a, const struct eer_weights_file *w,
                               const struct eer_npy *X, struct eer_error *error)
{
    struct findings findings = {0};
    struct eer_dynamics y;
    struct bound_loop loop = {w->d, a->map, a->residual, a->scale, w->W_Q, w->W_K, w->W_V};
    struct eer_certified_head head = {.name = a->attention, .input = a->input, .loop = &loop};
    if (X->columns != w->d)
        return eer_fail(error, EER_FORMAT, "%.200s: rows of %d numbers: expected %d, as in %.200s",
                        a->input, X->columns, w->d, a->attention);
    enum eer_status status = make_room(&findings, 1, error);
    if (status == EER_OK)
        status = eer_dynamics_loop(&y, &loop, X->values, X->rows, error);
    if (status == EER_OK) {
        status = certify(next(&findings, a, LOOPS_OF_A_FILE), &y, (int)a->every, NULL, error);
        eer_dynamics_free(&y);
    }
    if (status == EER_OK && !a->json)
        printf("%s, F = %s Y W_V, scale %g, Z <- %s\n", a->attention, a->map ? "S^T" : "S",
               a->scale, a->residual ? "Z + F(X + Z)" : "F(X + Z)");
    if (status == EER_OK)
        status = report(a, &findings, &head, error);
    free_findings(&findings);
    return status;
}

static enum eer_status of_files(const struct arguments *a, struct eer_error *error)
{
    struct eer_weights_file weights;
    struct eer_npy X;
    enum eer_status status = eer_weights_read(a->attention, MOST_D, &weights, error);
    if (status != EER_OK)
        return status;
    status = eer_npy_read(a->input, MOST_LENGTH, MOST_D, &X, error);
    if (status == EER_OK)
        status = of_loop(a, &weights, &X, error);
    eer_npy_free(&X);
    eer_weights_free(&weights);
    return status;
}

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    struct arguments a = {.every = 1, .scale = 1.0};
    enum eer_status status = eer_options(options, argc, argv, take_option, &a, error);
    if (status == EER_OK)
        status = check_options(&a, argc - optind, error);
    if (status != EER_OK)
        return status;
    if (a.attention)
        return of_files(&a, error);
    a.path = argv[optind];
    return of_checkpoint(&a, error);
}

const struct eer_command eer_certify_command = {
    "certify",
    "CHECKPOINT | --attention FILE --input FILE",
    "Enclose a loop's norms, bounds and Jacobians at its states, rigorously.",
    "Theorem 3.2.1's formula as printed and its corrected forms beside the true norm of the "
    "attention\n"
    "map's derivative; norm and spectral radius of the iteration as it is run; a fixed point, "
    "proved or\n"
    "not; the plain and the entropy-gated update (appendix B.4).",
    options,
    run,
};
