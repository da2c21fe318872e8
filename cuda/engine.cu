// engine.cu - the backend "cuda": the device, its memory, the order of launches (spec/cuda.md).
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

#include "arguments.h"
#include "wide.h"

// Where the program has them without a library of their own.
extern "C" {
__attribute__((weak)) decltype(cuda_wide_size) cuda_wide_size;
__attribute__((weak)) decltype(cuda_wide_open) cuda_wide_open;
__attribute__((weak)) decltype(cuda_wide_close) cuda_wide_close;
__attribute__((weak)) decltype(cuda_wide_gradient) cuda_wide_gradient;
extern __attribute__((weak)) const char cuda_source[];
}

enum {
    EVALUATION = 16 << 20, // bytes for evaluation, if one sequence is not larger
    MOST_SEQUENCES = 1024, // of the greatest length evaluated at once
    MOST_Y = 65535,        // blocks along a grid's y
    SPARE = 64 << 20,      // bytes left for what comes later: kernels' code, plans of many steps
    CUBLAS_SPARE = 128 << 20,
    OLDEST = 8,     // major number of the oldest architecture, sm_80
    ALIGNMENT = 256 // of arrays on the device
};

// What steps are given and leave, a step of a model being one entry; on the device and here.
struct plan {
    int capacity; // entries
    void *memory;
    struct cuda_model *models, *host_models;
    struct cuda_step *steps, *host_steps;
    struct cuda_result *results, *host_results;
};

// The cuBLAS path (wide.h), for shapes that a block cannot hold.
struct path {
    decltype(&cuda_wide_size) size;
    decltype(&cuda_wide_open) open;
    decltype(&cuda_wide_close) close;
    decltype(&cuda_wide_gradient) gradient;
};

struct eer_engine {
    struct eer_config config;
    struct eer_run run;
    struct cuda_problem problem;
    struct cuda_places places;
    cudaDeviceProp device;
    cudaStream_t stream;
    void *memory; // all on the device but the plan
    struct cuda_model model;
    struct cuda_evaluation evaluation;
    struct plan plan;
    struct path path; // NULL where the fused kernel trains
    struct cuda_wide *wide;
    char *wide_memory;
    float *position; // rows x d
    int rows, step;
    float *host; // P numbers on their way
    int *begun;  // the last kernel to begin; in pinned memory
    struct eer_error broken;
    char text[400];
};

__attribute__((format(printf, 3, 4))) static enum eer_status
fail(struct eer_error *error, enum eer_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

// ---- errors of the device: the first is kept, and everything after it fails with it -------------

// What is still queued must not touch memory that a caller frees after an error.
static bool is_broken(struct eer_engine *e)
{
    if (e->stream)
        cudaStreamSynchronize(e->stream);
    return false;
}

// Any call may report what an earlier kernel did: which was at work, the word knows.
static bool broke(struct eer_engine *e, const char *what, const char *separator, const char *why)
{
    static const char *const name[] = {CUDA_EACH_KERNEL(CUDA_KERNEL_NAME)};
    if (e->broken.status == EER_OK)
        fail(&e->broken, EER_FAILED,
             "backend cuda: %.200s%s%.200s (the last kernel to begin: %s%s)", what, separator, why,
             name[e->begun ? *e->begun : CUDA_NO_KERNEL],
             e->wide ? "; or one of cuBLAS's that follow it" : "");
    return is_broken(e);
}

static bool good(struct eer_engine *e, cudaError_t code, const char *call)
{
    return code == cudaSuccess || broke(e, call, ": ", cudaGetErrorString(code));
}

static bool launched(struct eer_engine *e, cudaError_t code, const char *kernel)
{
    char call[40];
    snprintf(call, sizeof call, "launching kernel %s", kernel);
    return good(e, code, call);
}

static bool to_device(struct eer_engine *e, void *to, const void *from, size_t bytes)
{
    return good(e, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, e->stream),
                "copy to the device");
}

static bool to_host(struct eer_engine *e, void *to, const void *from, size_t bytes)
{
    return good(e, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, e->stream),
                "copy from the device");
}

static bool wait_for(struct eer_engine *e)
{
    return good(e, cudaStreamSynchronize(e->stream), "waiting for the device");
}

static enum eer_status status_of(const struct eer_engine *e, struct eer_error *error)
{
    if (e->broken.status != EER_OK)
        *error = e->broken;
    return e->broken.status;
}

// ---- memory -------------------------------------------------------------------------------------

// The next `count` elements of memory from `at` on; without memory (base NULL) only sizes count.
template <class T> static void take(T *&array, char *base, size_t &at, size_t count)
{
    array = reinterpret_cast<T *>(base ? base + at : nullptr);
    at += (count * sizeof(T) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int sequences_at_once(const struct eer_engine *e)
{
    const size_t N = static_cast<size_t>(e->run.eval_length + e->config.bos);
    const size_t one = N * (5 * static_cast<size_t>(e->config.d) + 2) * sizeof(float);
    const size_t fit = one > 0 ? EVALUATION / one : 1;
    return fit < 1 ? 1 : fit > MOST_SEQUENCES ? MOST_SEQUENCES : static_cast<int>(fit);
}

// Places every array in memory at base; returns how many bytes that takes.
static size_t lay_out(struct eer_engine *e, char *base)
{
    const size_t P = static_cast<size_t>(e->problem.P), d = static_cast<size_t>(e->config.d);
    const size_t B = static_cast<size_t>(e->config.batch), bos = static_cast<size_t>(e->config.bos);
    const size_t L = static_cast<size_t>(e->run.train_length);
    const size_t states = (static_cast<size_t>(e->problem.T) + 1) * (L + bos) * d;
    const size_t longest = static_cast<size_t>(e->run.eval_length);
    struct cuda_model *m = &e->model;
    struct cuda_evaluation *v = &e->evaluation;
    const bool fused = L > 0 && !e->path.size;
    const size_t count = longest > 0 ? static_cast<size_t>(sequences_at_once(e)) : 0;
    float **vectors[] = {&m->theta, &m->m, &m->v, &m->gradient};
    float **matrices[] = {&v->X, &v->Z, &v->Q, &v->K, &v->V};
    size_t at = 0;
    for (float **vector : vectors)
        take(*vector, base, at, P);
    take(m->parts, base, at, fused ? B * P : 0);
    take(m->sums, base, at, B * CUDA_TERMS);
    take(m->history, base, at, fused && !e->places.history ? B * states : 0);
    take(m->tokens, base, at, B * L);
    take(m->labels, base, at, B * L);
    take(e->wide_memory, base, at,
         e->path.size ? e->path.size(&e->problem, e->config.batch, e->run.train_length) : 0);
    take(e->position, base, at, e->config.pe_scale > 0.0 ? static_cast<size_t>(e->rows) * d : 0);
    for (float **matrix : matrices)
        take(*matrix, base, at, count * (longest + bos) * d);
    take(v->tokens, base, at, count * longest);
    take(v->predicted, base, at, count * longest);
    return at;
}

// spare: bytes to leave free.
static enum eer_status allocate(struct eer_engine *e, void **memory, size_t bytes, size_t spare,
                                struct eer_error *error)
{
    const double MiB = 1 << 20;
    size_t available = 0, total = 0;
    if (!good(e, cudaMemGetInfo(&available, &total), "asking for free device memory"))
        return status_of(e, error);
    if (bytes + spare > available)
        return fail(error, EER_NO_MEMORY,
                    "backend cuda: this run needs %.1f MiB of device memory and %.0f more for CUDA "
                    "itself, but %.1f of %.1f MiB are free on %.60s; take a smaller batch or "
                    "shorter sequences",
                    static_cast<double>(bytes) / MiB, static_cast<double>(spare) / MiB,
                    static_cast<double>(available) / MiB, static_cast<double>(total) / MiB,
                    e->device.name);
    const cudaError_t code = cudaMalloc(memory, bytes);
    if (code == cudaErrorMemoryAllocation)
        return fail(
            error, EER_NO_MEMORY,
            "backend cuda: %.1f MiB of device memory are not to be had in one piece on %.60s",
            static_cast<double>(bytes) / MiB, e->device.name);
    return good(e, code, "allocating device memory") ? EER_OK : status_of(e, error);
}

// Room for `entries` steps of models.
static enum eer_status make_room(struct eer_engine *e, int entries, struct eer_error *error)
{
    struct plan *p = &e->plan, next = {};
    const size_t n = static_cast<size_t>(entries);
    if (entries <= p->capacity)
        return EER_OK;
    next.host_models = static_cast<struct cuda_model *>(malloc(n * sizeof *next.host_models));
    next.host_steps = static_cast<struct cuda_step *>(malloc(n * sizeof *next.host_steps));
    next.host_results = static_cast<struct cuda_result *>(malloc(n * sizeof *next.host_results));
    enum eer_status status = EER_OK;
    if (!next.host_models || !next.host_steps || !next.host_results)
        status = fail(error, EER_NO_MEMORY, "backend cuda: out of memory for %d steps", entries);
    for (int pass = 0; pass < 2 && status == EER_OK; pass++) {
        size_t at = 0;
        char *base = static_cast<char *>(next.memory);
        take(next.models, base, at, n);
        take(next.steps, base, at, n);
        take(next.results, base, at, n);
        if (pass == 0)
            status = allocate(e, &next.memory, at, 0, error);
    }
    struct plan *unused = status == EER_OK ? p : &next;
    free(unused->host_models);
    free(unused->host_steps);
    free(unused->host_results);
    if (unused->memory)
        good(e, cudaFree(unused->memory), "freeing device memory");
    if (status == EER_OK) {
        *p = next;
        p->capacity = entries;
    }
    return status;
}

// sin and cos for every row, in double as in the other backends.
static enum eer_status set_position(struct eer_engine *e, struct eer_error *error)
{
    const int d = e->config.d;
    const double scale = e->config.pe_scale;
    const size_t numbers = static_cast<size_t>(e->rows) * static_cast<size_t>(d);
    float *table = static_cast<float *>(malloc(numbers * sizeof *table));
    if (!table)
        return fail(error, EER_NO_MEMORY, "backend cuda: out of memory for %d positions", e->rows);
    for (int i = 0; i < e->rows; i++)
        for (int k = 0; k < d / 2; k++) {
            const double angle = i / pow(10000.0, 2.0 * k / d);
            float *pair = table + static_cast<size_t>(i) * static_cast<size_t>(d) + 2 * k;
            pair[0] = static_cast<float>(scale * sin(angle));
            pair[1] = static_cast<float>(scale * cos(angle));
        }
    if (to_device(e, e->position, table, numbers * sizeof *table))
        wait_for(e);
    free(table);
    return status_of(e, error);
}

// ---- opening ------------------------------------------------------------------------------------

// Where a training block's arrays go: as much as fits in shared memory, what is used most first.
// False if not even the least fits.
static bool choose_places(struct eer_engine *e, size_t *bytes)
{
    static const struct cuda_places choices[] = {{1, 1, 1}, {1, 1, 0}, {1, 0, 0}, {0, 0, 0}};
    const int N = e->run.train_length + e->config.bos;
    for (const struct cuda_places &places : choices) {
        e->places = places;
        *bytes = sizeof(float) * cuda_training_numbers(&e->problem, &places, N);
        if (*bytes <= e->device.sharedMemPerBlockOptin && e->config.d <= CUDA_MAX_D)
            return true;
    }
    return false;
}

template <class F> static void find(F &function, void *library, const char *name)
{
    function = reinterpret_cast<F>(dlsym(library, name));
}

// eer-cublas.so lies where the library lies that this is.
static enum eer_status load_path(struct eer_engine *e, struct eer_error *error)
{
    struct path *p = &e->path;
    Dl_info here;
    char file[4096];
    *p = {cuda_wide_size, cuda_wide_open, cuda_wide_close, cuda_wide_gradient};
    if (p->size)
        return EER_OK;
    const char *own = dladdr(reinterpret_cast<void *>(load_path), &here) ? here.dli_fname : "";
    const char *slash = strrchr(own, '/');
    snprintf(file, sizeof file, "%.*seer-cublas.so", slash ? static_cast<int>(slash + 1 - own) : 0,
             own);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL); // stays until the process ends
    if (!library)
        return fail(error, EER_UNAVAILABLE,
                    "backend cuda: training with d = %d and sequences of %d tokens needs cuBLAS: "
                    "%.300s",
                    e->config.d, e->run.train_length, dlerror());
    const char *source = static_cast<const char *>(dlsym(library, "cuda_source"));
    find(p->size, library, "cuda_wide_size");
    find(p->open, library, "cuda_wide_open");
    find(p->close, library, "cuda_wide_close");
    find(p->gradient, library, "cuda_wide_gradient");
    if (p->size && p->open && p->close && p->gradient && source && cuda_source &&
        strcmp(source, cuda_source) == 0)
        return EER_OK;
    *p = {};
    return fail(error, EER_UNAVAILABLE,
                "backend cuda: %.300s was not built from this library's sources: call make cuda "
                "again",
                file);
}

// What the environment may turn cuBLAS's FP32 into.
static enum eer_status check_environment(const struct eer_engine *e, struct eer_error *error)
{
    static const char *const names[] = {"NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATE_SINGLE_PRECISION"};
    for (const char *name : names) {
        const char *value = getenv(name);
        if (e->run.precision == EER_FP32 && value && value[0] && strcmp(value, "0") != 0)
            return fail(
                error, EER_UNAVAILABLE,
                "backend cuda: %s=%.20s in the environment takes FP32 from cuBLAS: unset it", name,
                value);
    }
    return EER_OK;
}

static enum eer_status choose_path(struct eer_engine *e, struct eer_error *error)
{
    size_t bytes = 0;
    if (e->run.train_length == 0)
        return EER_OK;
    if (!choose_places(e, &bytes)) {
        const enum eer_status status = check_environment(e, error);
        return status == EER_OK ? load_path(e, error) : status;
    }
    // All that there is: the limit is the process's, and other engines have other lengths.
    const size_t all = e->device.sharedMemPerBlockOptin;
    return good(e, cuda_train_allow(&e->problem, all), "allowing kernel train its shared memory")
               ? EER_OK
               : status_of(e, error);
}

static enum eer_status find_device(struct eer_engine *e, struct eer_error *error)
{
    int count = 0;
    const cudaError_t code = cudaGetDeviceCount(&count);
    if (code != cudaSuccess || count == 0)
        return fail(error, EER_UNAVAILABLE,
                    "backend cuda: no device that CUDA can use (%s): install NVIDIA's driver for "
                    "CUDA %d.%d or later, until nvidia-smi lists a device, or take --backend cpu",
                    code != cudaSuccess ? cudaGetErrorString(code) : "none is there",
                    CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    if (!good(e, cudaGetDeviceProperties(&e->device, 0), "asking for the device's properties"))
        return status_of(e, error);
    if (e->device.major < OLDEST)
        return fail(error, EER_UNAVAILABLE,
                    "backend cuda: %.60s is sm_%d%d; the kernels are for sm_%d0 and later",
                    e->device.name, e->device.major, e->device.minor, OLDEST);
    return EER_OK;
}

static void describe(struct eer_engine *e)
{
    const struct cuda_places *at = &e->places;
    char block[160] = "";
    if (e->path.size)
        snprintf(block, sizeof block, ", products by cuBLAS");
    else if (e->run.train_length > 0)
        snprintf(block, sizeof block, ", a block a sequence with %.1f KiB of shared memory%s%s%s",
                 static_cast<double>(
                     sizeof(float) *
                     cuda_training_numbers(&e->problem, at, e->run.train_length + e->config.bos)) /
                     1024.0,
                 at->history ? "" : ", states in global memory",
                 at->gradient ? "" : ", gradients too", at->weights ? "" : ", weights too");
    snprintf(e->text, sizeof e->text, "%s, %.100s (sm_%d%d, %d multiprocessors)%s",
             e->problem.tf32 ? "tf32" : "fp32", e->device.name, e->device.major, e->device.minor,
             e->device.multiProcessorCount, block);
}

static void engine_close(struct eer_engine *e)
{
    if (!e)
        return;
    // Errors have nobody left to be told to.
    if (e->stream)
        cudaStreamSynchronize(e->stream);
    if (e->wide)
        e->path.close(e->wide);
    if (e->memory)
        cudaFree(e->memory);
    if (e->plan.memory)
        cudaFree(e->plan.memory);
    if (e->begun)
        cudaFreeHost(e->begun);
    if (e->stream)
        cudaStreamDestroy(e->stream);
    free(e->plan.host_models);
    free(e->plan.host_steps);
    free(e->plan.host_results);
    free(e->host);
    free(e);
}

static enum eer_status set_up(struct eer_engine *e, struct eer_error *error)
{
    const int longest =
        e->run.train_length > e->run.eval_length ? e->run.train_length : e->run.eval_length;
    e->rows = longest + e->config.bos;
    e->problem = cuda_problem_of(&e->config);
    e->problem.tf32 = e->run.precision == EER_TF32;
    enum eer_status status = find_device(e, error);
    if (status == EER_OK)
        status = choose_path(e, error);
    if (status == EER_OK &&
        (!good(e, cudaStreamCreateWithFlags(&e->stream, cudaStreamNonBlocking),
               "creating a stream") ||
         !good(e, cudaMallocHost(&e->begun, sizeof *e->begun), "allocating pinned memory")))
        status = status_of(e, error);
    if (status != EER_OK)
        return status;
    *e->begun = CUDA_NO_KERNEL;
    const size_t spare = e->path.size ? CUBLAS_SPARE : SPARE;
    status = allocate(e, &e->memory, lay_out(e, nullptr), spare, error);
    if (status == EER_OK)
        status = make_room(e, 1, error);
    if (status != EER_OK)
        return status;
    lay_out(e, static_cast<char *>(e->memory));
    const char *wrong = nullptr;
    if (e->path.open)
        wrong = e->path.open(&e->wide, &e->problem, e->config.batch, e->run.train_length,
                             e->run.precision == EER_TF32, e->wide_memory, e->begun, e->stream);
    if (wrong)
        return fail(error, EER_UNAVAILABLE, "backend cuda: %.400s", wrong);
    e->model.seed = e->config.seed;
    e->evaluation.problem = e->problem;
    e->evaluation.theta = e->model.theta;
    e->evaluation.begun = e->begun;
    if (e->config.pe_scale > 0.0)
        status = set_position(e, error);
    else
        e->position = nullptr;
    e->evaluation.position = e->position;
    e->host = static_cast<float *>(malloc(static_cast<size_t>(e->problem.P) * sizeof *e->host));
    if (status == EER_OK && !e->host)
        status = fail(error, EER_NO_MEMORY, "backend cuda: out of memory");
    describe(e);
    return status;
}

static enum eer_status check_precision(const struct eer_run *run, struct eer_error *error)
{
    const char *override = getenv("NVIDIA_TF32_OVERRIDE");
    if (run->precision == EER_FP32)
        return EER_OK;
    if (run->precision != EER_TF32)
        return fail(error, EER_USAGE, "backend cuda: precision must be fp32 or tf32");
    if (run->tf32_rounding != EER_TF32_TIES_AWAY)
        return fail(
            error, EER_USAGE,
            "backend cuda: the device rounds operands ties-away; take that --tf32-rounding");
    // It forbids TF32 to NVIDIA's libraries; whoever sets it means these kernels too.
    if (override && strcmp(override, "0") == 0)
        return fail(
            error, EER_UNAVAILABLE,
            "backend cuda: NVIDIA_TF32_OVERRIDE=0 in the environment forbids TF32; unset it "
            "or take --precision fp32");
    return EER_OK;
}

static enum eer_status engine_open(const struct eer_config *config, const struct eer_run *run,
                                   struct eer_engine **engine, struct eer_error *error)
{
    *engine = nullptr;
    const enum eer_status right = check_precision(run, error);
    if (right != EER_OK)
        return right;
    struct eer_engine *e = static_cast<struct eer_engine *>(calloc(1, sizeof *e));
    if (!e)
        return fail(error, EER_NO_MEMORY, "backend cuda: out of memory");
    e->config = *config;
    e->run = *run;
    const enum eer_status status = set_up(e, error);
    if (status == EER_OK)
        *engine = e;
    else
        engine_close(e);
    return status;
}

// ---- state --------------------------------------------------------------------------------------

static void put_vector(struct eer_engine *e, float *to, const double *from)
{
    for (int x = 0; x < e->problem.P; x++)
        e->host[x] = static_cast<float>(from[x]);
    if (to_device(e, to, e->host, static_cast<size_t>(e->problem.P) * sizeof *to))
        wait_for(e);
}

// NaN where the device has failed.
static void get_vector(struct eer_engine *e, double *to, const float *from)
{
    const bool there =
        to_host(e, e->host, from, static_cast<size_t>(e->problem.P) * sizeof *from) && wait_for(e);
    for (int x = 0; x < e->problem.P; x++)
        to[x] = there ? e->host[x] : NAN;
}

static void engine_put(struct eer_engine *e, const struct eer_state *state)
{
    put_vector(e, e->model.theta, state->theta);
    put_vector(e, e->model.m, state->m);
    put_vector(e, e->model.v, state->v);
    e->step = state->step;
}

static void engine_get(const struct eer_engine *engine, struct eer_state *state)
{
    struct eer_engine *e = const_cast<struct eer_engine *>(engine); // its copy and its error
    get_vector(e, state->theta, e->model.theta);
    get_vector(e, state->m, e->model.m);
    get_vector(e, state->v, e->model.v);
    state->step = e->step;
}

static enum eer_status engine_check(const struct eer_engine *e, struct eer_error *error)
{
    return status_of(e, error);
}

// ---- steps --------------------------------------------------------------------------------------

static struct cuda_work work_of(const struct eer_engine *e, int models, int B)
{
    struct cuda_work w = {};
    w.problem = e->problem;
    w.places = e->places;
    w.models = models;
    w.B = B;
    w.position = e->position;
    w.model = e->plan.models;
    w.step = e->plan.steps;
    w.result = e->plan.results;
    w.begun = e->begun;
    return w;
}

// A step's gradients by cuBLAS, model by model.
static bool launch_wide(struct eer_engine *e, const struct cuda_work *w,
                        const struct cuda_step *steps)
{
    for (int k = 0; k < w->models; k++) {
        const struct cuda_model *m = e->plan.host_models + k;
        const char *wrong =
            e->path.gradient(e->wide, &steps[k].objective, m->theta, e->position, m->tokens,
                             m->labels, w->B, steps[k].L, m->gradient, m->sums);
        if (wrong)
            return broke(e, "", "", wrong);
    }
    return true;
}

// The models' gradients and terms; steps: what they are given, on the host.
static bool launch_gradient(struct eer_engine *e, const struct cuda_work *w,
                            const struct cuda_step *steps)
{
    const bool done =
        e->wide ? launch_wide(e, w, steps) : launched(e, cuda_train_launch(w, e->stream), "train");
    return done && launched(e, cuda_reduce_launch(w, e->wide != nullptr, e->stream), "reduce");
}

// The batch, and what the step is given, on the device.
static bool send_batch(struct eer_engine *e, const struct eer_batch *batch)
{
    const size_t bytes =
        static_cast<size_t>(batch->B) * static_cast<size_t>(batch->L) * sizeof(int);
    e->plan.host_models[0] = e->model;
    return to_device(e, e->model.tokens, batch->tokens, bytes) &&
           to_device(e, e->model.labels, batch->labels, bytes) &&
           to_device(e, e->plan.models, e->plan.host_models, sizeof *e->plan.models) &&
           to_device(e, e->plan.steps, e->plan.host_steps, sizeof *e->plan.steps);
}

static enum eer_status engine_gradient(struct eer_engine *e, const struct eer_batch *batch,
                                       const struct eer_weights *weights, struct eer_terms *terms,
                                       double *gradient, struct eer_error *error)
{
    if (status_of(e, error) != EER_OK)
        return error->status;
    if (batch->B > e->config.batch || batch->L > e->run.train_length)
        return fail(error, EER_USAGE, "backend cuda: the batch is larger than was announced");
    const double counted = cuda_count_labels(batch);
    const size_t bytes = static_cast<size_t>(e->problem.P) * sizeof(float);
    struct cuda_work w = work_of(e, 1, batch->B);
    w.longest = batch->L;
    e->plan.host_steps[0] = {};
    e->plan.host_steps[0].L = batch->L;
    e->plan.host_steps[0].objective =
        cuda_objective_of(&e->config, batch->B, batch->L, counted, weights);
    if (!send_batch(e, batch) || !launch_gradient(e, &w, e->plan.host_steps) ||
        !to_host(e, e->plan.host_results, e->plan.results, sizeof *e->plan.results) ||
        !to_host(e, e->host, e->model.gradient, bytes) || !wait_for(e))
        return status_of(e, error);
    cuda_set_terms(&e->config, batch->B, batch->L, counted, weights, e->plan.host_results[0].sums,
                   terms);
    double squares = 0.0;
    for (int x = 0; x < e->problem.P; x++) {
        squares += static_cast<double>(e->host[x]) * static_cast<double>(e->host[x]);
        if (gradient)
            gradient[x] = e->host[x];
    }
    if (!std::isfinite(terms->total) || !std::isfinite(squares))
        return fail(error, EER_NOT_FINITE, "backend cuda: the loss or its gradient is not finite");
    return EER_OK;
}

// The device has the gradient and the step's terms from engine_gradient(); if they are not finite
// it leaves the state alone.
static void engine_update(struct eer_engine *e, double lr)
{
    struct cuda_work w = work_of(e, 1, e->config.batch);
    struct cuda_result *result = e->plan.host_results;
    e->plan.host_steps[0].adamw = cuda_adamw_of(&e->config, e->step + 1, lr);
    if (e->broken.status == EER_OK &&
        to_device(e, e->plan.steps, e->plan.host_steps, sizeof *e->plan.steps) &&
        launched(e, cuda_adamw_launch(&w, e->stream), "adamw") &&
        to_host(e, result, e->plan.results, sizeof *result) && wait_for(e))
        e->step += !result->stopped;
}

// What step `step` of the engine's model is given.
static struct cuda_step step_of(const struct eer_engine *e, int step,
                                const struct eer_weights *weights, double lr)
{
    const struct eer_config *c = &e->config;
    struct cuda_step s = {};
    s.step = step;
    s.L = cuda_length(c, step);
    const double counted = c->form == EER_LAST ? c->batch : static_cast<double>(c->batch) * s.L;
    s.objective = cuda_objective_of(c, c->batch, s.L, counted, weights);
    s.adamw = cuda_adamw_of(c, step, lr);
    return s;
}

static bool launch_steps(struct eer_engine *e, int models, int count)
{
    struct cuda_work w = work_of(e, models, e->config.batch);
    for (int s = 0; s < count; s++) {
        const struct cuda_step *row = e->plan.host_steps + s * models;
        w.longest = 0;
        for (int k = 0; k < models; k++)
            w.longest = row[k].L > w.longest ? row[k].L : w.longest;
        w.step = e->plan.steps + s * models;
        w.result = e->plan.results + s * models;
        w.before = s > 0 ? w.result - models : nullptr;
        if (!launched(e, cuda_draw_launch(&w, e->stream), "draw") || !launch_gradient(e, &w, row) ||
            !launched(e, cuda_adamw_launch(&w, e->stream), "adamw"))
            return false;
    }
    return true;
}

// Terms of `count` steps of model k from what the device left; counts the steps that were done.
static bool take_results(struct eer_engine *e, const struct eer_engine *lead, int k, int models,
                         int count, const struct eer_weights *weights, struct eer_terms *terms)
{
    const struct eer_config *c = &e->config;
    for (int s = 0; s < count; s++) {
        const struct cuda_result *result = lead->plan.host_results + s * models + k;
        const int L = lead->plan.host_steps[s * models + k].L;
        const double counted = c->form == EER_LAST ? c->batch : static_cast<double>(c->batch) * L;
        cuda_set_terms(c, c->batch, L, counted, weights + s, result->sums, terms + s);
        if (result->stopped)
            return false;
        e->step++;
    }
    return true;
}

static enum eer_status engine_steps(struct eer_engine **engines, int models, int count,
                                    const struct eer_weights *weights, const double *lr,
                                    struct eer_terms *terms, struct eer_error *error)
{
    struct eer_engine *e = engines[0];
    const size_t entries = static_cast<size_t>(models) * static_cast<size_t>(count);
    struct plan *p = &e->plan;
    for (int k = 0; k < models; k++)
        if (status_of(engines[k], error) != EER_OK)
            return error->status;
    for (int k = 0; k < models; k++)
        if (engines[k]->run.train_length != e->run.train_length ||
            engines[k]->config.length_max > e->run.train_length)
            return fail(error, EER_USAGE,
                        "backend cuda: steps of up to %d tokens, but engine %d was opened for %d",
                        engines[k]->config.length_max, k, engines[k]->run.train_length);
    enum eer_status status = make_room(e, models * count, error);
    if (status != EER_OK)
        return status;
    for (int k = 0; k < models; k++) {
        p->host_models[k] = engines[k]->model;
        for (int s = 0; s < count; s++)
            p->host_steps[s * models + k] =
                step_of(engines[k], engines[k]->step + s + 1, weights + s, lr[s]);
    }
    if (!to_device(e, p->models, p->host_models, static_cast<size_t>(models) * sizeof *p->models) ||
        !to_device(e, p->steps, p->host_steps, entries * sizeof *p->steps) ||
        !launch_steps(e, models, count) ||
        !to_host(e, p->host_results, p->results, entries * sizeof *p->results) || !wait_for(e)) {
        // Nobody knows how far the models came.
        for (int k = 1; k < models; k++)
            engines[k]->broken = e->broken;
        return status_of(e, error);
    }
    for (int k = 0; k < models; k++)
        if (!take_results(engines[k], e, k, models, count, weights, terms + k * count))
            status =
                fail(error, EER_NOT_FINITE, "backend cuda: the loss or its gradient is not finite");
    return status;
}

// ---- evaluation ---------------------------------------------------------------------------------

static enum eer_status engine_evaluate(struct eer_engine *e, const struct eer_batch *batch,
                                       int loops, int *predicted, struct eer_error *error)
{
    struct cuda_evaluation *v = &e->evaluation;
    const size_t L = static_cast<size_t>(batch->L);
    if (status_of(e, error) != EER_OK)
        return error->status;
    if (batch->L > e->run.eval_length)
        return fail(error, EER_USAGE, "backend cuda: the sequence is longer than was announced");
    const int rows = sequences_at_once(e) * (e->run.eval_length + e->config.bos);
    const int fit = rows / (batch->L + e->config.bos), most = fit < MOST_Y ? fit : MOST_Y;
    bool finite = true;
    for (int first = 0; first < batch->B; first += most) {
        const size_t at = static_cast<size_t>(first) * L;
        v->count = batch->B - first < most ? batch->B - first : most;
        v->L = batch->L;
        const size_t numbers = static_cast<size_t>(v->count) * L;
        if (!to_device(e, v->tokens, batch->tokens + at, numbers * sizeof(int)) ||
            !launched(e, cuda_evaluate_launch(v, loops, e->stream), "evaluate") ||
            !to_host(e, predicted + at, v->predicted, numbers * sizeof(int)) || !wait_for(e))
            return status_of(e, error);
        for (size_t x = 0; x < numbers; x++)
            finite = finite && predicted[at + x] >= 0;
    }
    return finite ? EER_OK : fail(error, EER_NOT_FINITE, "backend cuda: a logit is not finite");
}

static const char *engine_describe(const struct eer_engine *e)
{
    return e->text;
}

extern "C" const struct eer_backend cuda_backend = {
    "cuda",          engine_open,     engine_close, cuda_init,       cuda_length,
    cuda_draw,       engine_put,      engine_get,   engine_gradient, engine_update,
    engine_evaluate, engine_describe, engine_steps, engine_check,
};
