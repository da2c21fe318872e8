// test_tf32.cu - what tells TF32 operands from FP32 ones, on whole gradients of the backend "cuda".
//
// A differential test in FP32 sees TF32, but the one in TF32 is as wide as what it allows. So:
// configurations whose numbers are exact in TF32 but for one operand, mostly 1 + 2^-12 or 1/3,
// which TF32 rounds to 1 and to 1365/4096. A probe's result is then known for either precision, and
// the two lie 2^-12 or more apart, relative; allowed are 2^-18, since FP32 takes at most 64
// roundings of 2^-24 for it. A plain main, as test_engine.cu. Prints lines; exit status 0, 1, or 77
// without a device.
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

extern "C" {
#include "../../spec/backend.h"
}

enum { D = 8, MOST_ROWS = 16, UNITS = 8, MOST = 1024 };

// One state of 8 numbers and one iteration, Z_1 = A + M: all rows of X are 1, all scores 0.
struct probe {
    const char *what;
    int L, units;            // rows; hidden units
    double x, W_V, W_1, W_2; // of the embedding, and of multiples of the identity
    int tensor;              // whose first element of the gradient is taken; -1: the kinetic term
    double in_fp32, in_tf32;
};

static const double a = 1.0 + 0x1p-12, b = 1.0 + 0x1p-6, third = 1365.0 / 4096.0;

constexpr double square(double x)
{
    return x * x;
}

// The kinetic term is |z|^2 / 2 = 4 z^2 with z the one number in all of Z_1; its derivative by an
// element of a row is z / L.
static const struct probe probes[] = {
    {"y W_V, W_V", 16, 0, 1, a, 0, 0, -1, 4 * square(a), 4},
    {"y W_V, y", 16, 0, a, 1, 0, 0, -1, 4 * square(a), 4},
    // 1 + 2^-5 + 2^-12 as the product of two that TF32 holds.
    {"p v, v", 16, 0, b, b, 0, 0, -1, 4 * square(square(b)), 4 * square(1 + 0x1p-5)},
    // p after its normalisation: exp(0) = 1 would be exact.
    {"p v, p", 3, 0, 1, 1, 0, 0, -1, 4, 4 * square(3 * third)},
    {"y W_1", 16, UNITS, 1, 0, a, 1, -1, 4 * square(a), 4},
    {"act(a) W_2", 16, UNITS, 1, 0, 1, a, -1, 4 * square(a), 4},
    // Backward: z = x in FP32, 1 in TF32; dW_V = sum of y dv = x z.
    {"y^T dv", 16, 0, a, 1, 0, 0, EER_W_V, square(a), 1},
    // dx = dv W_V^T, to the embedding of the one token: L rows of it.
    {"dv W_V^T", 16, 0, 1, a, 0, 0, EER_EMBEDDING, square(a), 1},
    {"da W_1^T", 16, UNITS, 1, 0, a, 1, EER_EMBEDDING, square(a), 1},
    {"act(a)^T do", 16, UNITS, a, 0, 1, 1, EER_W_2, square(a), 1},
    {"y^T da", 16, UNITS, a, 0, 1, 1, EER_W_1, square(a), 1},
};

static struct eer_config config_of(const struct probe *p)
{
    struct eer_config c = {
#define WHOLE(key, value, least, most, doc) value,
#define WORD(key, enumeration, value, doc)  value,
        EER_CONFIG_TABLE(WHOLE, WHOLE, WORD)
#undef WHOLE
#undef WORD
            1};
    c.batch = 1;
    c.length_min = c.length_max = p->L;
    c.loops = 1;
    c.pe_scale = 0.0;
    c.norm = EER_NORM_NONE;
    c.mlp = p->units;
    c.activation = EER_RELU;
    c.kinetic = EER_KINETIC_SQUARED;
    return c;
}

static void set_identity(double *W, double value)
{
    for (int k = 0; k < D; k++)
        W[k * D + k] = value;
}

// The probe's number in a precision.
static double result(const struct probe *p, enum eer_precision precision)
{
    static double theta[MOST], m[MOST], v[MOST], gradient[MOST];
    int tokens[MOST_ROWS] = {}, labels[MOST_ROWS] = {};
    const struct eer_config c = config_of(p);
    const struct eer_weights weights = {0.0, 1.0, 0.0};
    struct eer_layout layout;
    struct eer_run run = {};
    struct eer_batch batch = {1, p->L, tokens, labels};
    struct eer_terms terms = {};
    struct eer_error error = {};
    struct eer_engine *e = nullptr;
    eer_layout(&c, &layout);
    for (int k = 0; k < MOST; k++)
        theta[k] = m[k] = v[k] = gradient[k] = 0.0;
    for (int k = 0; k < D; k++)
        theta[layout.offset[EER_EMBEDDING] + k] = p->x;
    set_identity(theta + layout.offset[EER_W_V], p->W_V);
    if (p->units > 0) {
        set_identity(theta + layout.offset[EER_W_1], p->W_1);
        set_identity(theta + layout.offset[EER_W_2], p->W_2);
    }
    struct eer_state state = {0, theta, m, v};
    run.precision = precision;
    run.threads = 1;
    run.train_length = p->L;
    enum eer_status status = cuda_backend.open(&c, &run, &e, &error);
    if (status == EER_OK) {
        cuda_backend.put(e, &state);
        status = cuda_backend.gradient(e, &batch, &weights, &terms, gradient, &error);
    }
    cuda_backend.close(e);
    if (status != EER_OK) {
        printf("not ok: %s: %s\n", p->what, error.text);
        exit(1);
    }
    return p->tensor < 0 ? terms.kinetic : gradient[layout.offset[p->tensor]];
}

// Ties-away is all that the device does, and NVIDIA_TF32_OVERRIDE=0 forbids even that.
static void test_refusals()
{
    const struct eer_config c = config_of(probes);
    static const enum eer_tf32_rounding rounding[] = {EER_TF32_TIES_EVEN, EER_TF32_TRUNCATE,
                                                      EER_TF32_TIES_AWAY};
    struct eer_run run = {};
    run.precision = EER_TF32;
    run.threads = 1;
    run.train_length = 4;
    setenv("NVIDIA_TF32_OVERRIDE", "0", 1);
    for (const enum eer_tf32_rounding how : rounding) {
        struct eer_engine *e = nullptr;
        struct eer_error error = {};
        run.tf32_rounding = how;
        const enum eer_status status = cuda_backend.open(&c, &run, &e, &error);
        expect(status == (how == EER_TF32_TIES_AWAY ? EER_UNAVAILABLE : EER_USAGE) && !e, "%s",
               error.text);
    }
    unsetenv("NVIDIA_TF32_OVERRIDE");
}

int main()
{
    if (!has_device())
        return SKIPPED;
    for (const struct probe &p : probes)
        for (int tf32 = 0; tf32 < 2; tf32++) {
            const double wanted = tf32 ? p.in_tf32 : p.in_fp32;
            const double is = result(&p, tf32 ? EER_TF32 : EER_FP32);
            expect(fabs(is - wanted) <= 0x1p-18 * wanted, "%s, %s: %.9g, expected %.9g", p.what,
                   tf32 ? "tf32" : "fp32", is, wanted);
        }
    test_refusals();
    return failures != 0;
}
