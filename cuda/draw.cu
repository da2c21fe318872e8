// draw.cu - a training step's tokens and labels, made on the device: task.c's, bit for bit
// (spec/model.md, 2; spec/random.h).
#include "rows.cuh"
#include "shared.h"

// The first word of Philox4x32-10's block at (purpose, step, sequence, position).
__device__ static inline unsigned philox(uint64_t seed, unsigned purpose, unsigned step,
                                         unsigned sequence, unsigned position)
{
    unsigned c0 = purpose, c1 = step, c2 = sequence, c3 = position;
    unsigned k0 = static_cast<unsigned>(seed), k1 = static_cast<unsigned>(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const unsigned high0 = __umulhi(c0, 0xD2511F53u), low0 = c0 * 0xD2511F53u;
        const unsigned high1 = __umulhi(c2, 0xCD9E8D57u), low1 = c2 * 0xCD9E8D57u;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c0;
}

__global__ void cuda_draw_kernel(cuda_work w)
{
    CUDA_SHARED(int, token, EER_MAX_LENGTH);
    const cuda_problem &p = w.problem;
    const cuda_model &model = w.model[blockIdx.y];
    const cuda_step &step = w.step[blockIdx.y];
    const int L = step.L, V = p.V;
    announce(w.begun, CUDA_DRAW_KERNEL);
    MINE(i, L)
    {
        const unsigned word = philox(model.seed, EER_DRAW_TRAIN, static_cast<unsigned>(step.step),
                                     blockIdx.x, static_cast<unsigned>(i));
        token[i] = static_cast<int>(
            __umulhi(word, static_cast<unsigned>(i > 0 && p.never_repeat ? V - 1 : V)));
    }
    __syncthreads();
    // What was drawn is the way from the token before.
    if (p.never_repeat && threadIdx.x == 0)
        for (int i = 1; i < L; i++)
            token[i] = (token[i - 1] + 1 + token[i]) % V;
    __syncthreads();
    const size_t at = static_cast<size_t>(blockIdx.x) * static_cast<size_t>(L);
    MINE(i, L)
    {
        int before = i - 1;
        while (before >= 0 && token[before] != token[i])
            before--;
        model.tokens[at + static_cast<size_t>(i)] = token[i];
        model.labels[at + static_cast<size_t>(i)] = p.last_only && i < L - 1 ? -1
                                                    : before >= 0            ? token[before + 1]
                                                                             : V;
    }
}

cudaError_t cuda_draw_launch(const struct cuda_work *work, cudaStream_t stream)
{
    struct cuda_work w = *work;
    void *arguments[] = {&w};
    return cudaLaunchKernel(cuda_draw_kernel,
                            dim3(static_cast<unsigned>(w.B), static_cast<unsigned>(w.models)),
                            dim3(CUDA_THREADS), arguments, 0, stream);
}
