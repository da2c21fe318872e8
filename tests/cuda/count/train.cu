// train.cu - `train.cu L [tf32]`: one block of the training kernel at preset eer, counted. Its
// parameters and tokens are arbitrary: what is executed hardly depends on them.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../../cuda/problem.h"
#include "count.h"

static void must(cudaError_t code)
{
    if (code == cudaSuccess)
        return;
    fprintf(stderr, "count: %s\n", cudaGetErrorString(code));
    exit(1);
}

template <class T> static T *on_device(const std::vector<T> &numbers)
{
    T *there = nullptr;
    must(cudaMalloc(reinterpret_cast<void **>(&there), numbers.size() * sizeof(T)));
    must(cudaMemcpy(there, numbers.data(), numbers.size() * sizeof(T), cudaMemcpyHostToDevice));
    return there;
}

static struct cuda_problem preset()
{
    const int d = 8, m = 16, V = 3, C = V + 1;
    const int size[EER_TENSORS] = {(V + 1) * d, d * d, d * d, d * d, d, d, d,     d,
                                   d * m,       m,     m * d, d,     d, d, d * C, C};
    struct cuda_problem p = {};
    p.V = V;
    p.C = C;
    p.bos = p.causal = p.pre = p.final_norm = p.relu = 1;
    p.d = d;
    p.m = m;
    p.T = 25;
    p.kinetic = EER_KINETIC_NORM;
    p.scale = 1.0f / sqrtf(8.0f);
    p.slope = 0.4f;
    p.q = 1.5f;
    for (int k = 0; k < EER_TENSORS; k++) {
        p.offset[k] = p.P;
        p.P += size[k];
    }
    return p;
}

int main(int count, char **words)
{
    const bool tf32 = count == 3 && !strcmp(words[2], "tf32");
    const int L = count == 2 || tf32 ? atoi(words[1]) : 0;
    if (L < 1 || L > 64)
        return 2;
    struct cuda_work w = {};
    w.problem = preset();
    w.problem.tf32 = tf32;
    w.places = {1, 1, 1};
    w.models = w.B = 1;
    w.longest = L;
    const size_t P = static_cast<size_t>(w.problem.P), tokens = static_cast<size_t>(L);
    std::vector<float> theta(P);
    std::vector<int> token(tokens), label(tokens);
    unsigned random = 1;
    for (float &x : theta) {
        random = random * 1664525u + 1013904223u;
        x = static_cast<float>(random >> 8) / 16777216.0f - 0.5f;
    }
    for (size_t i = 0; i < tokens; i++) {
        random = random * 1664525u + 1013904223u;
        token[i] = static_cast<int>((random >> 16) % 3);
        label[i] = static_cast<int>(i % 4);
    }
    struct cuda_model model = {};
    model.theta = on_device(theta);
    model.parts = on_device(std::vector<float>(P));
    model.sums = on_device(std::vector<float>(CUDA_TERMS));
    model.tokens = on_device(token);
    model.labels = on_device(label);
    struct cuda_step step = {};
    step.step = 1;
    step.L = L;
    step.objective = {1.0f / 64, 0.1f / 64, 0.02f / 64, 0.001f / 64};
    w.model = on_device(std::vector<struct cuda_model>{model});
    w.step = on_device(std::vector<struct cuda_step>{step});
    w.begun = on_device(std::vector<int>{0});
    count::shared = sizeof(float) * cuda_training_numbers(&w.problem, &w.places, L + 1);
    must(cuda_train_allow(&w.problem, count::shared));
    must(cuda_train_launch(&w, nullptr));
    must(cudaDeviceSynchronize());
    count::print(L);
}
