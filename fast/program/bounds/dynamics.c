#include "dynamics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../fail.h"

const double eer_residual[EER_RESIDUALS] = {1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8};

/* Each array in a block of its own, as the contracts of ref/ ask. */
static enum eer_status take(struct eer_dynamics *y, int n, int d, struct eer_error *error)
{
    struct ref_work *work = &y->work;
    size_t matrix = (size_t)n * (size_t)d;
    double **const matrices[] = {&work->X, &work->R, &work->Y, &work->Q, &work->K, &work->V};
    double **const vectors[] = {&work->potential, &work->entropy, &work->s, &work->p, &work->pq};
    int whole = (work->Z = calloc(2 * matrix, sizeof(double))) != NULL;
    for (size_t k = 0; k < sizeof matrices / sizeof matrices[0]; k++)
        whole &= (*matrices[k] = calloc(matrix, sizeof(double))) != NULL;
    for (size_t k = 0; k < sizeof vectors / sizeof vectors[0]; k++)
        whole &= (*vectors[k] = calloc((size_t)n, sizeof(double))) != NULL;
    y->n = n;
    y->d = d;
    y->X = work->X;
    if (whole)
        return EER_OK;
    eer_dynamics_free(y);
    return eer_fail(error, EER_NO_MEMORY, "no memory for states of %d rows", n);
}

enum eer_status eer_dynamics_model(struct eer_dynamics *y, const struct eer_checkpoint *c,
                                   const int *tokens, int L, struct eer_error *error)
{
    *y = (struct eer_dynamics){.config = &c->config, .q = c->config.q};
    enum eer_status status = take(y, L + c->config.bos, c->config.d, error);
    if (status != EER_OK)
        return status;
    y->model = (struct bound_model){&c->config, c->state.theta};
    y->subject.model = &y->model;
    ref_tensors(&y->w, &c->layout, c->state.theta);
    ref_input(y->X, y->w.E, tokens, &c->config, y->n);
    return EER_OK;
}

enum eer_status eer_dynamics_loop(struct eer_dynamics *y, const struct bound_loop *loop,
                                  const double *X, int n, struct eer_error *error)
{
    *y = (struct eer_dynamics){.q = 1.5};
    enum eer_status status = take(y, n, loop->d, error);
    if (status != EER_OK)
        return status;
    y->subject.loop = loop;
    memcpy(y->X, X, (size_t)n * (size_t)loop->d * sizeof *X);
    return EER_OK;
}

void eer_dynamics_free(struct eer_dynamics *y)
{
    struct ref_work *work = &y->work;
    double *const taken[] = {work->X, work->Z,         work->R,       work->Y, work->Q, work->K,
                             work->V, work->potential, work->entropy, work->s, work->p, work->pq};
    for (size_t k = 0; k < sizeof taken / sizeof taken[0]; k++)
        free(taken[k]);
    memset(y, 0, sizeof *y);
}

/* The sum over the rows of the largest S_q that their keys allow. */
static double largest_entropy(const struct eer_dynamics *y)
{
    double sum = 0.0;
    for (int i = 0; i < y->n; i++) {
        int keys = y->config ? ref_keys(y->config->mask, i, y->n) : y->n;
        sum += (1.0 - pow(keys, 1.0 - y->q)) / (y->q - 1.0);
    }
    return sum;
}

static void model_image(struct eer_dynamics *y, double *image, const double *Z)
{
    size_t bytes = (size_t)y->n * (size_t)y->d * sizeof *Z;
    double *next = y->work.Z + (size_t)y->n * (size_t)y->d;
    memcpy(y->work.Z, Z, bytes);
    ref_iteration(next, y->work.R, y->work.Z, &y->work, &y->w, y->config, y->n, 1);
    memcpy(image, next, bytes);
}

static void loop_image(struct eer_dynamics *y, double *image, const double *Z)
{
    const struct bound_loop *loop = y->subject.loop;
    struct ref_work *work = &y->work;
    int n = y->n, d = y->d;
    ref_sum_of_two(work->Y, Z, y->X, n * d);
    ref_matmul(work->Q, work->Y, loop->W_Q, n, d, d);
    ref_matmul(work->K, work->Y, loop->W_K, n, d, d);
    ref_matmul(work->V, work->Y, loop->W_V, n, d, d);
    memset(image, 0, (size_t)n * (size_t)d * sizeof *image);
    for (int i = 0; i < n; i++) {
        ref_row_nt(work->s, work->Q + (size_t)i * (size_t)d, work->K, n, d);
        for (int j = 0; j < n; j++)
            work->s[j] *= loop->scale;
        ref_softmax(work->p, work->s, n);
        work->entropy[i] += ref_tsallis(work->pq, work->p, y->q, n);
        for (int j = 0; j < n; j++) {
            int to = loop->transposed ? j : i, from = loop->transposed ? i : j;
            ref_add_scaled(image + (size_t)to * (size_t)d, work->p[j],
                           work->V + (size_t)from * (size_t)d, d);
        }
    }
    for (int i = 0; loop->residual && i < n * d; i++)
        image[i] += Z[i];
}

double eer_dynamics_image(struct eer_dynamics *y, double *image, const double *Z)
{
    double sum = 0.0, largest = largest_entropy(y);
    memset(y->work.entropy, 0, (size_t)y->n * sizeof *y->work.entropy);
    if (y->config)
        model_image(y, image, Z);
    else
        loop_image(y, image, Z);
    for (int i = 0; i < y->n; i++)
        sum += y->work.entropy[i];
    double share = largest > 0.0 ? sum / largest : 1.0; /* one row: attention is what it must be */
    return 0.5 + 0.5 * fmin(fmax(share, 0.0), 1.0);
}

void eer_dynamics_update(const struct eer_dynamics *y, enum eer_update update, double alpha,
                         double *Z, const double *image)
{
    for (int i = 0; i < y->n * y->d; i++)
        Z[i] = update == EER_UPDATE_PLAIN ? image[i] : Z[i] + alpha * (image[i] - Z[i]);
}

int eer_dynamics_right(const struct eer_dynamics *y, const double *Z, const int *labels, int L,
                       int *predicted)
{
    int right = 0;
    ref_predict(predicted, Z, &y->w, y->config, L);
    for (int i = 0; i < L; i++)
        right += labels[i] >= 0 && predicted[i] == labels[i];
    return right;
}

double eer_distance(const double *x, const double *y, int n, int d, int modulo)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) {
        double mean = 0.0;
        for (int a = 0; a < d && modulo; a++)
            mean += (x[i * d + a] - (y ? y[i * d + a] : 0.0)) / d;
        for (int a = 0; a < d; a++) {
            double rest = x[i * d + a] - (y ? y[i * d + a] : 0.0) - mean;
            sum += rest * rest;
        }
    }
    return sqrt(sum);
}

enum eer_status eer_dynamics_settle(struct eer_dynamics *y, enum eer_update update,
                                    struct eer_settling *settling, struct eer_error *error)
{
    size_t size = (size_t)y->n * (size_t)y->d;
    int modulo = y->config && y->config->norm == EER_NORM_PRE, level = 0;
    double *Z = calloc(2 * size, sizeof *Z);
    if (!Z)
        return eer_fail(error, EER_NO_MEMORY, "no memory for states of %d rows", y->n);
    double *image = Z + size;
    for (int k = 0; k < EER_RESIDUALS; k++)
        settling->iterations[k] = -1;
    for (settling->done = 0;; settling->done++) {
        double alpha = eer_dynamics_image(y, image, Z);
        double whole = eer_distance(image, NULL, y->n, y->d, modulo);
        double residual = eer_distance(image, Z, y->n, y->d, modulo);
        settling->last = whole > 0.0 ? residual / whole : residual;
        while (level < EER_RESIDUALS && settling->last <= eer_residual[level])
            settling->iterations[level++] = settling->done;
        if (level == EER_RESIDUALS || settling->done == EER_MOST_UPDATES ||
            !isfinite(settling->last))
            break;
        eer_dynamics_update(y, update, alpha, Z, image);
    }
    free(Z);
    return EER_OK;
}
