/*
 * test OPCODES.txt [FAULT] - runs the table's kernel and those of flow.ptx, and compares. Prints
 * what is wrong, then "N passed, N failed". With the name of a kernel of faults.ptx, runs that,
 * which must not return.
 */
#include <cuda_runtime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <vector>

/* The names of the kernels; what runs is PTX. */
__global__ void opcodes(const unsigned long long *, unsigned long long *)
{
}
__global__ void flow(unsigned *)
{
}
__global__ void lanes(unsigned *)
{
}
__global__ void atomics(unsigned *)
{
}
__global__ void product(const float *, const float *, const float *, float *)
{
}
#define FAULTS(F)                                                                                  \
    F(division)                                                                                    \
    F(constant) F(variable) F(frame) F(parameter) F(branch) F(gives) F(size) F(strayed) F(missing)
#define KERNEL(name)                                                                               \
    __global__ void name(unsigned *)                                                               \
    {                                                                                              \
    }
FAULTS(KERNEL)
#define ROW(name) {#name, name},
static const struct {
    const char *name;
    void (*kernel)(unsigned *);
} faults[] = {FAULTS(ROW)};

static int passed, failed;

static void check(const char *what, unsigned long long got, unsigned long long wanted)
{
    if (got == wanted) {
        passed++;
    } else {
        failed++;
        printf("not ok: %s: %llx, %llx is right\n", what, got, wanted);
    }
}

template <class T> static T *device(const std::vector<T> &from)
{
    T *to = nullptr;
    cudaMalloc(&to, from.size() * sizeof(T));
    cudaMemcpy(to, from.data(), from.size() * sizeof(T), cudaMemcpyHostToDevice);
    return to;
}
template <class T> static void back(std::vector<T> &to, T *from)
{
    cudaMemcpy(to.data(), from, to.size() * sizeof(T), cudaMemcpyDeviceToHost);
    cudaFree(from);
}

static unsigned long long number(const std::string &word)
{
    return word == "T" ? 1 : word == "F" ? 0 : strtoull(word.c_str(), nullptr, 16);
}

static bool run_opcodes(const char *name)
{
    std::vector<std::string> lines;
    std::vector<unsigned long long> in, wanted;
    FILE *file = fopen(name, "r");
    char line[256];
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = 0;
        lines.push_back(line);
        strtok(line, " ");
        for (char *word = strtok(nullptr, " "); word; word = strtok(nullptr, " "))
            if (!strcmp(word, "->"))
                wanted.push_back(number(strtok(nullptr, " ")));
            else if (word[0] != '$')
                in.push_back(number(word));
    }
    fclose(file);
    std::vector<unsigned long long> got(lines.size());
    const unsigned long long *from = device(in);
    unsigned long long *to = device(got);
    void *arguments[] = {&from, &to};
    cudaLaunchKernel(opcodes, 1, 1, arguments);
    back(got, to);
    cudaFree(const_cast<unsigned long long *>(from));
    for (size_t i = 0; i < lines.size(); i++)
        check(lines[i].c_str(), got[i], wanted[i]);
    return true;
}

static void compare(const char *what, void (*kernel)(unsigned *), unsigned threads,
                    const std::vector<unsigned> &wanted, size_t shared = 0)
{
    std::vector<unsigned> got(wanted.size());
    unsigned *out = device(got);
    void *arguments[] = {&out};
    cudaLaunchKernel(kernel, 1, threads, arguments, shared);
    back(got, out);
    for (size_t i = 0; i < wanted.size(); i++)
        check((what + std::to_string(i)).c_str(), got[i], wanted[i]);
}

static void run_lanes()
{
    std::vector<unsigned> wanted(7 * 32);
    for (unsigned l = 0; l < 32; l++) {
        wanted[l] = l < 3 ? l + 100 : l - 3;
        wanted[32 + l] = l % 8 > 4 ? l + 100 : l + 3;
        wanted[64 + l] = l ^ 5;
        wanted[96 + l] = l / 8 * 8 + 1;
        wanted[128 + l] = 0;
        wanted[160 + l] = 31 + 100;
        wanted[192 + l] = 0xffffffff;
    }
    compare("lanes ", lanes, 32, wanted);
}

static void run_product()
{
    std::vector<float> a(16 * 12), b(128), c(256), got(256);
    for (size_t i = 0; i < 256; i++) {
        if (i < a.size())
            a[i] = static_cast<float>(i * 7 % 11) - 5;
        if (i < b.size())
            b[i] = static_cast<float>(i * 5 % 13) - 6;
        c[i] = static_cast<float>(i % 17);
    }
    const float *da = device(a), *db = device(b), *dc = device(c);
    float *dd = device(got);
    void *arguments[] = {&da, &db, &dc, &dd};
    cudaLaunchKernel(product, 1, 32, arguments);
    back(got, dd);
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            float sum = c[j * 16 + i];
            for (int k = 0; k < 8; k++)
                sum += a[i * 12 + k] * b[j * 8 + k];
            check("product", static_cast<unsigned long long>(got[i * 16 + j] + 1000),
                  static_cast<unsigned long long>(sum + 1000));
        }
    for (const float *p : {da, db, dc})
        cudaFree(const_cast<float *>(p));
}

int main(int argc, char **argv)
{
    for (auto &fault : faults)
        if (argc == 3 && !strcmp(argv[2], fault.name)) {
            compare(fault.name, fault.kernel, 32, {0});
            return 0;
        }
    if (argc != 2 || !run_opcodes(argv[1])) {
        fprintf(stderr, "usage: test OPCODES.txt\n");
        return 2;
    }
    compare("flow ", flow, 1,
            {45, 6, 102, 20 * 2 + 3 + 102, 0xfffffffe, 255, 0x8000, 0x403, 0x40000000, 3 + 50 + 4,
             1 + 2 + 258, 7 + 9, 9, 16, 0x100000, 1},
            16);
    run_lanes();
    compare("atomics ", atomics, 1, {7,  2, 0, 0, 5, 8, 0xffffffff, 0xffffffff, 9,         8, 11,
                                     10, 2, 2, 4, 0, 2, 0,          0xffffffff, 0xffffffff});
    run_product();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
