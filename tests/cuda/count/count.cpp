// count.cpp - see count.h. One block of at most 288 threads.
//
// A warp's instruction is counted as often as the lane that executes it most often between two
// barriers: lanes that part come together again after each branch. Latencies are assumptions
// (spec/cuda.md). A thread starts an instruction when its operands are there, in any order between
// two branches, but nothing passes a branch; a phase ends when its slowest thread does.
#include "count.h"

#include "../emulation/cuda_runtime.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace count
{

enum { THREADS = 288, WARP = 32, WARPS = THREADS / WARP, PARTITIONS = 4, BANKS = 32 };

size_t shared;

static bool begins(const std::string &text, const char *with)
{
    return text.rfind(with, 0) == 0;
}

static bool holds(const std::string &text, const char *part)
{
    return text.find(part) != std::string::npos;
}

struct Price {
    const char *begins;
    int latency, issued;
};

// The first that fits. What ptxas makes no instruction of, then what it makes several of.
static const Price prices[] = {
    {"mov", 0, 0},         {"ld.param", 0, 0},    {"cvt.s64", 0, 0},      {"cvt.u64", 0, 0},
    {"cvt.u32.u64", 0, 0}, {"cvta", 0, 0},        {"ld.shared", 29, 1},   {"ld.global", 260, 1},
    {"ld.", 33, 1},        {"shfl", 24, 1},       {"div.s32", 70, 18},    {"div.u32", 70, 18},
    {"rem", 70, 18},       {"div.rn.f32", 50, 9}, {"sqrt.rn.f32", 50, 9}, {"rcp.rn.f32", 40, 7},
    {"ex2", 20, 1},        {"lg2", 20, 1},        {"rcp", 20, 1},         {"cvt.r", 10, 1},
    {"add.s64", 4, 2},     {"setp.eq.s64", 4, 2}, {"shl.b64", 4, 2},      {"mul.lo.s64", 4, 4},
    {"wmma.load", 33, 4},  {"wmma.store", 4, 8},  {"wmma.mma", 34, 2},    {"", 4, 1},
};

// Clocks that a product of 16 x 8 by 8 x 16 keeps a quarter's tensor core.
static const double TENSOR = 16.0;

struct Known {
    std::string instruction;
    std::vector<size_t> to, from; // registers
    Price price;
    bool branch, barrier, product;
    unsigned words; // of an access
    std::array<unsigned, THREADS> hits;
    std::array<std::vector<size_t>, THREADS> places; // in shared memory; outside it: OUTSIDE
};
static const size_t OUTSIDE = ~size_t(0);

struct Thread {
    std::vector<double> ready;             // of each register
    double block, latest, issued, deepest; // since the last branch; since the last barrier
    unsigned barriers;
};

static std::vector<Known> sites;
static std::array<Thread, THREADS> threads;
static unsigned phase;
static struct {
    double instructions, accesses, wavefronts, words, products, least, alone;
    std::map<std::string, double> of; // threads' instructions
} sum;

// Called before main(): what is above need not exist yet.
static const char *module_text;
static int module_registers;

bool know(const char *text, int registers)
{
    module_text = text;
    module_registers = registers;
    return true;
}

static void read_module()
{
    std::istringstream lines(module_text);
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        Known known = {};
        size_t results, number;
        words >> known.instruction >> results;
        while (words >> number)
            (known.to.size() < results ? known.to : known.from).push_back(number);
        const Price *price = prices;
        while (!begins(known.instruction, price->begins))
            price++;
        known.price = *price;
        known.words = holds(known.instruction, ".v4.")   ? 4
                      : holds(known.instruction, ".v2.") ? 2
                                                         : 1;
        known.branch = begins(known.instruction, "bra") || begins(known.instruction, "brx");
        known.barrier =
            begins(known.instruction, "bar.sync") || begins(known.instruction, "barrier.sync");
        known.product = begins(known.instruction, "wmma.mma");
        sites.push_back(known);
    }
    for (Thread &thread : threads)
        thread.ready.resize(static_cast<size_t>(module_registers));
}

// Of these lanes' n-th execution of an instruction: the most different words of one bank.
static size_t fullest_bank(const Known &known, int first, int lanes, size_t n)
{
    std::map<size_t, std::set<size_t>> bank;
    size_t most = 0;
    for (int lane = first; lane < first + lanes; lane++) {
        const std::vector<size_t> &places = known.places[static_cast<size_t>(lane)];
        for (unsigned k = 0; k < known.words && n < places.size() && places[n] != OUTSIDE; k++) {
            const size_t word = places[n] / 4 + k;
            bank[word % BANKS].insert(word);
            most = std::max(most, bank[word % BANKS].size());
        }
    }
    return most;
}

// Whether each of these lanes reads what the lane reads whose number differs in `bit`.
static bool alike(const Known &known, int first, int lanes, size_t n, int bit)
{
    bool same = true;
    for (int lane = first; lane < first + lanes; lane++) {
        const std::vector<size_t> &own = known.places[static_cast<size_t>(lane)];
        const std::vector<size_t> &other = known.places[static_cast<size_t>(lane ^ bit)];
        same = same && (n >= own.size() || n >= other.size() || own[n] == other[n]);
    }
    return same;
}

// Wavefronts of a warp's n-th execution of an instruction. One moves 128 bytes: vectors go by as
// many lanes as that is, and twice as many in a load if they are alike by ones or by twos.
static size_t wavefronts(const Known &known, int warp, size_t n)
{
    const int group = WARP / static_cast<int>(known.words);
    const bool load = begins(known.instruction, "ld");
    size_t sum = 0;
    for (int first = warp * WARP; first < (warp + 1) * WARP; first += 2 * group)
        if (group == WARP)
            return fullest_bank(known, first, WARP, n);
        else if (load &&
                 (alike(known, first, 2 * group, n, 1) || alike(known, first, 2 * group, n, 2)))
            sum += fullest_bank(known, first, 2 * group, n);
        else
            sum +=
                fullest_bank(known, first, group, n) + fullest_bank(known, first + group, group, n);
    return sum;
}

static void end_phase()
{
    double busy[PARTITIONS] = {}, tensor[PARTITIONS] = {}, waves = 0.0, path = 0.0;
    for (Known &known : sites) {
        for (int warp = 0; warp < WARPS; warp++) {
            const unsigned *hits = &known.hits[static_cast<size_t>(warp * WARP)];
            const unsigned most = *std::max_element(hits, hits + WARP);
            if (most == 0)
                continue;
            busy[warp % PARTITIONS] += most * known.price.issued;
            sum.instructions += most * known.price.issued;
            for (int lane = 0; lane < WARP; lane++)
                sum.of[known.instruction] += hits[lane];
            sum.products += known.product ? most : 0;
            tensor[warp % PARTITIONS] += known.product ? most * TENSOR : 0.0;
            const size_t lane =
                static_cast<size_t>(std::max_element(hits, hits + WARP) - known.hits.data());
            for (size_t n = 0; n < known.places[lane].size(); n++) {
                const size_t many = wavefronts(known, warp, n);
                sum.accesses += many > 0;
                waves += static_cast<double>(many);
            }
        }
        known.hits.fill(0);
        for (std::vector<size_t> &places : known.places)
            places.clear();
    }
    for (const Thread &thread : threads)
        path = std::max(path, thread.deepest);
    for (Thread &thread : threads) {
        std::fill(thread.ready.begin(), thread.ready.end(), 0.0);
        thread.block = thread.latest = thread.issued = thread.deepest = 0.0;
    }
    const double least = std::max({*std::max_element(busy, busy + PARTITIONS),
                                   *std::max_element(tensor, tensor + PARTITIONS), waves});
    sum.wavefronts += waves;
    sum.least += least;
    sum.alone += std::max(least, path);
}

void hit(int number)
{
    if (sites.empty())
        read_module();
    Known &known = sites[static_cast<size_t>(number)];
    const size_t who = emulation::thread();
    Thread &thread = threads[who];
    if (thread.barriers > phase) {
        end_phase();
        phase = thread.barriers;
    }
    known.hits[who]++;
    double start = thread.block;
    for (size_t r : known.from)
        start = std::max(start, thread.ready[r]);
    for (size_t r : known.to)
        thread.ready[r] = start + known.price.latency;
    thread.latest = std::max(thread.latest, start);
    thread.issued += known.price.issued;
    thread.deepest = std::max(thread.deepest, start + known.price.latency);
    if (known.branch || known.barrier) {
        thread.block = std::max(thread.latest, thread.block + thread.issued) + 1;
        thread.issued = 0.0;
        thread.deepest = std::max(thread.deepest, thread.block);
    }
    thread.barriers += known.barrier;
}

void *at(int number, void *place)
{
    const char *begin = static_cast<char *>(emulation::dynamic_shared());
    const char *here = static_cast<char *>(place);
    const bool inside = here >= begin && here < begin + shared;
    Known &known = sites[static_cast<size_t>(number)];
    known.places[emulation::thread()].push_back(inside ? static_cast<size_t>(here - begin)
                                                       : OUTSIDE);
    sum.words += inside * known.words;
    return place;
}

uint64_t tile(int number, uint64_t place, unsigned rows, unsigned columns, unsigned stride,
              bool by_columns)
{
    const unsigned lane = emulation::lane(), slow = lane / 4, fast = lane % 4;
    for (unsigned e = 0; e < rows * columns / WARP; e++) {
        unsigned i = slow + 8 * (e & 1), j = fast + 4 * (e >> 1);
        if (rows == 8) {
            i = fast + 4 * (e & 1);
            j = slow + 8 * (e >> 1);
        } else if (columns == 16) {
            i = slow + 8 * (e >> 1 & 1);
            j = 2 * fast + (e & 1) + 8 * (e >> 2);
        }
        const unsigned element = by_columns ? j * stride + i : i * stride + j;
        at(number, reinterpret_cast<void *>(place + element * sizeof(float)));
    }
    return place;
}

void print(int L)
{
    double fp32 = 0.0, fma = 0.0, all = 0.0;
    end_phase();
    for (const auto &[instruction, times] : sum.of) {
        const bool fused = begins(instruction, "fma");
        all += times;
        fma += fused ? times : 0.0;
        for (const char *name : {"fma.", "add.f32", "sub.f32", "mul.f32"})
            fp32 += begins(instruction, name) ? times : 0.0;
    }
    const double exps = sum.of["ex2.approx.ftz.f32"], roots = sum.of["sqrt.rn.f32"];
    std::printf("%4d%9u%11.0f%11.0f%9.0f%9.0f%9.0f%11.0f%11.0f%13.0f%10.0f%11.0f%10.0f%10.0f\n", L,
                phase, fp32, fma, sum.products, exps, roots, all - fp32 - exps - roots, sum.words,
                sum.instructions, sum.accesses, sum.wavefronts, sum.least, sum.alone);
}

} // namespace count
