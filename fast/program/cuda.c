#include "cuda.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../cuda/task.h"
#include "fail.h"
#include "verified.h"

enum { PATH = 4096 };

/* The library's backend, once it is loaded; it stays until the process ends. */
static const struct eer_backend *loaded;

/* The program's directory, then name, in path; 0 if that is not to be had. */
static int beside_program(char path[PATH], const char *name)
{
    ssize_t length = readlink("/proc/self/exe", path, PATH - 1);
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length <= 0 || (size_t)length + strlen(name) >= PATH)
        return 0;
    memcpy(path + length, name, strlen(name) + 1);
    return 1;
}

static int find_library(char path[PATH])
{
    static const char *const places[] = {"eer-cuda.so", "../lib/eer/eer-cuda.so"};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++)
        if (beside_program(path, places[k]) && access(path, F_OK) == 0)
            return 1;
    return 0;
}

static enum eer_status load(struct eer_error *error)
{
    char found[PATH];
    const char *named = getenv("EER_CUDA_LIBRARY"), *variable = "EER_CUDA_LIBRARY: ";
    const char *path = named;
    if (!named || !named[0]) {
        path = found;
        variable = "";
    }
    if (path == found && !find_library(found))
        return eer_fail(error, EER_UNAVAILABLE,
                        "backend cuda: there is no eer-cuda.so beside the program or in "
                        "../lib/eer: install NVIDIA's CUDA toolkit and call make cuda");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return eer_fail(error, EER_UNAVAILABLE, "backend cuda: %s%.400s", variable, dlerror());
    const char *source = dlsym(library, "cuda_source");
    const struct eer_backend *backend = dlsym(library, "cuda_backend");
    if (!source || !backend || strcmp(source, eer_source_hash()) != 0) {
        const char *wrong = source && backend
                                ? "was not built from this program's sources: call make cuda again"
                                : "is no backend of eer";
        eer_fail(error, EER_UNAVAILABLE, "backend cuda: %s%.300s %s", variable, path, wrong);
        dlclose(library);
        return EER_UNAVAILABLE;
    }
    loaded = backend;
    return EER_OK;
}

static enum eer_status cuda_open(const struct eer_config *config, const struct eer_run *run,
                                 struct eer_engine **engine, struct eer_error *error)
{
    enum eer_status status = loaded ? EER_OK : load(error);
    return status == EER_OK ? loaded->open(config, run, engine, error) : status;
}

/* There is an engine to call these with only if the library is loaded. */

static void cuda_close(struct eer_engine *e)
{
    if (e)
        loaded->close(e);
}

static void cuda_put(struct eer_engine *e, const struct eer_state *state)
{
    loaded->put(e, state);
}

static void cuda_get(const struct eer_engine *e, struct eer_state *state)
{
    loaded->get(e, state);
}

static enum eer_status cuda_gradient(struct eer_engine *e, const struct eer_batch *batch,
                                     const struct eer_weights *weights, struct eer_terms *terms,
                                     double *gradient, struct eer_error *error)
{
    return loaded->gradient(e, batch, weights, terms, gradient, error);
}

static void cuda_update(struct eer_engine *e, double lr)
{
    loaded->update(e, lr);
}

static enum eer_status cuda_evaluate(struct eer_engine *e, const struct eer_batch *batch, int loops,
                                     int *predicted, struct eer_error *error)
{
    return loaded->evaluate(e, batch, loops, predicted, error);
}

static const char *cuda_describe(const struct eer_engine *e)
{
    return loaded->describe(e);
}

static enum eer_status cuda_steps(struct eer_engine **engines, int models, int count,
                                  const struct eer_weights *weights, const double *lr,
                                  struct eer_terms *terms, struct eer_error *error)
{
    return loaded->steps(engines, models, count, weights, lr, terms, error);
}

static enum eer_status cuda_check(const struct eer_engine *e, struct eer_error *error)
{
    return loaded->check(e, error);
}

const struct eer_backend eer_cuda_backend = {
    .name = "cuda",
    .open = cuda_open,
    .close = cuda_close,
    .init = cuda_init,
    .length = cuda_length,
    .draw = cuda_draw,
    .put = cuda_put,
    .get = cuda_get,
    .gradient = cuda_gradient,
    .update = cuda_update,
    .evaluate = cuda_evaluate,
    .describe = cuda_describe,
    .steps = cuda_steps,
    .check = cuda_check,
};
