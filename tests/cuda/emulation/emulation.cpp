/*
 * The emulation's own run time: fibers, blocks, barriers, memory, streams. Compiled without ASan
 * and TSan (both are told by hand what happens, through the weak functions below) and with MSan,
 * which would otherwise not know what this file initialises. Nothing of the standard library that
 * is compiled elsewhere is used, for MSan's sake.
 */
#include "cuda_runtime.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <vector>
#include <cxxabi.h>
#include <elf.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

#define WEAK extern "C" __attribute__((weak))
WEAK void *__tsan_get_current_fiber(void);
WEAK void *__tsan_create_fiber(unsigned flags);
WEAK void __tsan_switch_to_fiber(void *fiber, unsigned flags);
WEAK void __tsan_set_fiber_name(void *fiber, const char *name);
WEAK void __tsan_acquire(void *);
WEAK void __tsan_release(void *);
WEAK void __asan_poison_memory_region(void const volatile *, size_t);
WEAK void __asan_unpoison_memory_region(void const volatile *, size_t);
WEAK void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
WEAK void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size);
WEAK void __msan_poison(const volatile void *, size_t);

extern "C" void emulation_anchor(void)
{
}

/* The switch: saves what the calling convention asks a callee to keep, and the stack pointer. */
#if defined __x86_64__ && !defined EMULATION_UCONTEXT
typedef void *Context;
extern "C" void emulation_switch(Context *from, Context to);
asm(".text\n"
    ".globl emulation_switch\n"
    ".type emulation_switch, @function\n"
    "emulation_switch:\n"
    "    push %rbp\n    push %rbx\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
    "    mov %rsp, (%rdi)\n"
    "    mov %rsi, %rsp\n"
    "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbx\n    pop %rbp\n"
    "    ret\n"
    ".size emulation_switch, . - emulation_switch\n");
static void jump(Context &from, Context &to)
{
    emulation_switch(&from, to);
}
static void prepare(Context &context, char *stack, size_t size, void (*entry)())
{
    void **top = reinterpret_cast<void **>(stack + size);
    *--top = nullptr; /* entry sees a stack pointer of 8 modulo 16, as after a call */
    *--top = reinterpret_cast<void *>(entry);
    for (int saved = 0; saved < 6; saved++)
        *--top = nullptr;
    context = top;
}
#else
#include <ucontext.h>
typedef ucontext_t Context;
static void jump(Context &from, Context &to)
{
    swapcontext(&from, &to);
}
static void prepare(Context &context, char *stack, size_t size, void (*entry)())
{
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = size;
    makecontext(&context, entry, 0);
}
#endif

using emulation::Where;

namespace
{
constexpr size_t STACK = 256 << 10, GUARD = 512, STATIC_LIMIT = 48 << 10, ARRAYS = 64;
constexpr size_t FIBERS = 1536; /* under TSan, which needs .8 MB for each; more than a block has */
constexpr uint32_t NAN_WORD = 0xffffffff, GUARD_WORD = 0xffa5a5a5; /* both are NaN */

enum State { READY, AT_BARRIER, IN_WARP, RETURNED };
const char *const state_names[] = {"runs", "waits in", "waits in", "has returned"};

struct Fiber {
    Context context;
    char *stack;
    void *tsan;
};
struct Thread {
    Fiber *fiber;
    void *fake; /* ASan's */
    uint3 index;
    State state;
    const char *what;
    unsigned mask;
    Where where;
};
struct Array {
    const void *key;
    char *data;
    size_t bytes;
    const char *name;
};
struct Memory {
    char *data;
    size_t bytes;
    bool device;
};
struct Function {
    const void *kernel;
    size_t dynamic_limit, static_bytes;
};
struct Operation {
    enum { LAUNCH, COPY, SET, RECORD, CALL } kind;
    cudaStream_t stream;
    emulation::Launch launch;
    void *to;
    const void *from;
    int byte;
    size_t bytes;
    cudaEvent_t event;
    void (*call)(void *); /* with `to` */
};
struct Limits {
    int sm;
    size_t block, multiprocessor; /* shared memory, bytes */
    int threads, blocks;          /* of a multiprocessor */
};
const Limits limits_of[] = {{80, 163 << 10, 164 << 10, 2048, 32},
                            {90, 227 << 10, 228 << 10, 2048, 32},
                            {100, 227 << 10, 228 << 10, 2048, 32},
                            {120, 99 << 10, 100 << 10, 1536, 24}};

struct {
    Fiber *pool[FIBERS];
    std::vector<Thread> threads;
    std::vector<unsigned> turns;
    size_t started; /* threads of this launch, for the choice of fibers */
    Thread *current;
    Context host;
    void *host_tsan, *janitor_tsan;
    const void *host_bottom;
    size_t host_size;
    const emulation::Launch *launch;
    char *arena;
    size_t used, static_bytes;
    Array arrays[ARRAYS];
    size_t array_count;
    char start, end; /* TSan's order of launches */
} run;
alignas(8) char slots[32][32][8];

std::vector<Memory> memories;
std::vector<Function> functions;
std::deque<Operation> operations;
size_t device_bytes, objects; /* in use; streams, events, handles */
cudaError_t last_error;

struct {
    bool ready;
    enum { FORWARD, REVERSED, RANDOM } order;
    uint64_t random;
    const Limits *limits;
    size_t memory;
    int devices;
    long fail;
    const emulation::Tf32 *tf32;
} setting;

void settings()
{
    if (setting.ready)
        return;
    setting.ready = true;
    setting.limits = &limits_of[0];
    setting.memory = size_t(8) << 30;
    setting.devices = 1;
    if (const char *s = getenv("EMULATION_ORDER"))
        emulation::order(s);
    if (const char *s = getenv("EMULATION_SM"))
        emulation::sm(atoi(s));
    if (const char *s = getenv("EMULATION_MEMORY"))
        setting.memory = strtoull(s, nullptr, 10);
    if (const char *s = getenv("EMULATION_DEVICES"))
        setting.devices = atoi(s);
    if (const char *s = getenv("EMULATION_FAIL"))
        setting.fail = atol(s);
    if (const char *s = getenv("EMULATION_TF32"))
        emulation::tf32(s);
}

/* Not memset: its interceptors would see an access by whoever runs, and compilers know the loop. */
void fill(void *to, uint32_t word, size_t bytes)
{
    unsigned char *p = static_cast<unsigned char *>(to);
    size_t i = 0;
    for (; i + 4 <= bytes; i += 4) {
        __builtin_memcpy(p + i, &word, 4);
        asm volatile("" ::: "memory");
    }
    for (; i < bytes; i++) {
        p[i] = static_cast<unsigned char>(word >> 8 * (i % 4));
        asm volatile("" ::: "memory");
    }
}

#ifdef __clang__
#define UNCHECKED __attribute__((no_sanitize("memory")))
#else
#define UNCHECKED
#endif

/* The first byte of a guard zone that has changed, else -1. */
UNCHECKED long changed(const char *zone)
{
    for (size_t i = 0; i < GUARD; i++)
        if (static_cast<unsigned char>(zone[i]) !=
            static_cast<unsigned char>(GUARD_WORD >> 8 * (i % 4)))
            return static_cast<long>(i);
    return -1;
}

void guard(char *data, size_t bytes)
{
    for (char *zone : {data - GUARD, data + bytes}) {
        fill(zone, GUARD_WORD, GUARD);
        if (__asan_poison_memory_region)
            __asan_poison_memory_region(zone, GUARD);
        if (__msan_poison)
            __msan_poison(zone, GUARD);
    }
}

void poison(void *data, size_t bytes)
{
    fill(data, NAN_WORD, bytes);
    if (__msan_poison)
        __msan_poison(data, bytes);
}

/* The mangled name of a function, internal ones too, from this program's or library's symbol
 * table. */
const char *name_of(const void *function)
{
    Dl_info here; /* the library that this is in, if it is in one */
    const bool found = dladdr(reinterpret_cast<void *>(emulation_anchor), &here) != 0;
    const bool library = found && strstr(here.dli_fname, ".so");
    int file = open(library ? here.dli_fname : "/proc/self/exe", O_RDONLY);
    off_t size = file < 0 ? 0 : lseek(file, 0, SEEK_END);
    char *image = nullptr;
    if (size > 0)
        image = static_cast<char *>(mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0));
    if (!image || image == MAP_FAILED)
        return nullptr;
    const Elf64_Ehdr *head = reinterpret_cast<Elf64_Ehdr *>(image);
    const Elf64_Shdr *sections = reinterpret_cast<Elf64_Shdr *>(image + head->e_shoff);
    uintptr_t bias = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int s = 0; s < head->e_shnum; s++) {
            if (sections[s].sh_type != SHT_SYMTAB)
                continue;
            const char *names = image + sections[sections[s].sh_link].sh_offset;
            const Elf64_Sym *symbols = reinterpret_cast<Elf64_Sym *>(image + sections[s].sh_offset);
            for (size_t i = 0; i < sections[s].sh_size / sizeof *symbols; i++) {
                const char *name = names + symbols[i].st_name;
                if (pass == 0 && !strcmp(name, "emulation_anchor"))
                    bias = reinterpret_cast<uintptr_t>(emulation_anchor) - symbols[i].st_value;
                if (pass == 1 && ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC &&
                    symbols[i].st_value + bias == reinterpret_cast<uintptr_t>(function))
                    return name;
            }
        }
    return nullptr;
}
void print_name(const void *function)
{
    int status;
    const char *name = name_of(function);
    char *readable = name ? abi::__cxa_demangle(name, nullptr, nullptr, &status) : nullptr;
    if (name)
        fprintf(stderr, " kernel %s", readable ? readable : name);
    free(readable);
}

/* Says where and what. A kernel's mistake has no error code to go on with: it ends the program. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...)
{
    fprintf(stderr, "emulation:");
    if (run.launch) {
        print_name(run.launch->kernel);
        fprintf(stderr, ", block (%u,%u,%u)", blockIdx.x, blockIdx.y, blockIdx.z);
        if (run.current)
            fprintf(stderr, ", thread (%u,%u,%u)", threadIdx.x, threadIdx.y, threadIdx.z);
        fprintf(stderr, ":");
    }
    fprintf(stderr, " ");
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
}
[[noreturn]] void die()
{
    fflush(stdout);
    fflush(stderr);
    _Exit(70);
}
#define FATAL(...) (complain(__VA_ARGS__), die())

void describe(unsigned t)
{
    const Thread &thread = run.threads[t];
    fprintf(stderr, "    thread (%u,%u,%u) %s", thread.index.x, thread.index.y, thread.index.z,
            state_names[thread.state]);
    if (thread.state != RETURNED)
        fprintf(stderr, " %s, %s:%d", thread.what, thread.where.file, thread.where.line);
    if (thread.state == IN_WARP)
        fprintf(stderr, ", mask %08x", thread.mask);
    fprintf(stderr, "\n");
}

bool together(const Thread &a, const Thread &b)
{
    return a.state == b.state && a.mask == b.mask && a.where.line == b.where.line &&
           (a.where.file == b.where.file || !strcmp(a.where.file, b.where.file));
}

void use_fiber_of(const Thread &thread)
{
    __tsan_switch_to_fiber(thread.fiber->tsan, 1);
}

/* What the threads first, first + 1, .. that bits name did before comes before what they do next.
 */
void order_memory(unsigned first, unsigned count, unsigned bits)
{
    if (emulation::executor)
        emulation::executor->order(first, count, bits);
    if (!__tsan_create_fiber)
        return;
    __tsan_switch_to_fiber(run.host_tsan, 1);
    void *token = malloc(8); /* fresh: an old one would carry order from earlier */
    for (auto *edge : {__tsan_release, __tsan_acquire})
        for (unsigned t = first; t < first + count; t++)
            if (bits >> (t & 31) & 1) {
                use_fiber_of(run.threads[t]);
                edge(token);
            }
    __tsan_switch_to_fiber(run.host_tsan, 1);
    free(token);
    if (run.current)
        use_fiber_of(*run.current);
}

void resume(unsigned t)
{
    Thread &thread = run.threads[t];
    run.current = &thread;
    threadIdx = thread.index;
    if (__tsan_create_fiber)
        use_fiber_of(thread);
    void *fake = nullptr;
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&fake, thread.fiber->stack, STACK);
    jump(run.host, thread.fiber->context);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
    run.current = nullptr;
}

void suspend()
{
    Thread &thread = *run.current;
    if (__tsan_create_fiber)
        __tsan_switch_to_fiber(run.host_tsan, 1);
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(thread.state == RETURNED ? nullptr : &thread.fake,
                                       run.host_bottom, run.host_size);
    jump(thread.fiber->context, run.host);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(thread.fake, &run.host_bottom, &run.host_size);
}

void entry()
{
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(nullptr, &run.host_bottom, &run.host_size);
    if (emulation::executor)
        emulation::executor->thread();
    else
        run.launch->call(run.launch->kernel, run.launch->arguments);
    if (__tsan_release)
        __tsan_release(&run.end);
    run.current->state = RETURNED;
    suspend();
}

Fiber *next_fiber(size_t block_size)
{
    /* Under TSan no two threads of a launch share a fiber until FIBERS have run; the shift that
       grows from round to round then pairs other threads than those of one number. */
    size_t size = __tsan_create_fiber ? FIBERS : block_size, n = run.started++;
    size_t at = (n + n / size) % size;
    if (!run.pool[at]) {
        Fiber *fiber = new Fiber();
        size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        char *map = static_cast<char *>(mmap(nullptr, STACK + page, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (map == MAP_FAILED || mprotect(map, page, PROT_NONE))
            FATAL("no memory for stacks");
        fiber->stack = map + page;
        fiber->tsan = __tsan_create_fiber ? __tsan_create_fiber(0) : nullptr;
        run.pool[at] = fiber;
    }
    return run.pool[at];
}

uint64_t random_below(uint64_t n)
{
    setting.random ^= setting.random << 13;
    setting.random ^= setting.random >> 7;
    setting.random ^= setting.random << 17;
    return (setting.random >> 16) % n;
}

/* numbers: 0 .. size - 1 in the order to take them. */
void arrange(std::vector<unsigned> &numbers, size_t size)
{
    if (numbers.size() != size) {
        numbers.clear();
        for (size_t i = 0; i < size; i++)
            numbers.push_back(static_cast<unsigned>(i));
        if (setting.order == setting.REVERSED)
            std::reverse(numbers.begin(), numbers.end());
    }
    if (setting.order == setting.RANDOM)
        for (size_t i = size; i > 1; i--)
            std::swap(numbers[i - 1], numbers[random_below(i)]);
}

/* Nothing can run: the barrier opens, or the block is stuck. */
void open_barrier()
{
    Thread *threads = run.threads.data();
    unsigned count = static_cast<unsigned>(run.threads.size());
    for (unsigned t = 0; t < count; t++) {
        if (threads[t].state != IN_WARP)
            continue;
        unsigned first = t & ~31u, other = 0;
        while (other < 32 &&
               (!(threads[t].mask >> other & 1) ||
                (first + other < count && together(threads[t], threads[first + other]))))
            other++;
        complain("mask of a warp function that not all of its lanes reach:");
        describe(t);
        if (other < 32 && first + other < count)
            describe(first + other);
        else if (other < 32)
            fprintf(stderr, "    the block has no lane %u in this warp\n", other);
        die();
    }
    unsigned first = 0;
    while (threads[first].state != AT_BARRIER)
        first++;
    for (unsigned t = 0; t < count; t++)
        if (!together(threads[t], threads[first])) {
            complain("barrier that not all threads reach:");
            describe(first);
            describe(t);
            die();
        }
    order_memory(0, count, ~0u);
    for (unsigned t = 0; t < count; t++)
        threads[t].state = READY;
}

void check_guards()
{
    long at;
    for (size_t a = 0; a < run.array_count; a++) {
        const Array &array = run.arrays[a];
        if ((at = changed(array.data + array.bytes)) >= 0)
            FATAL("wrote past the end of shared array %s of %zu bytes, at its byte %zu", array.name,
                  array.bytes, array.bytes + at);
        if ((at = changed(array.data - GUARD)) >= 0)
            FATAL("wrote %ld bytes before shared array %s", long(GUARD) - at, array.name);
    }
    for (const Memory &memory : memories) {
        if (!memory.device)
            continue;
        if ((at = changed(memory.data + memory.bytes)) >= 0)
            FATAL("wrote past the end of %zu bytes of cudaMalloc, at byte %zu", memory.bytes,
                  memory.bytes + at);
        if ((at = changed(memory.data - GUARD)) >= 0)
            FATAL("wrote %ld bytes before memory of cudaMalloc (%zu bytes)", long(GUARD) - at,
                  memory.bytes);
    }
}

char *add_array(const void *key, size_t bytes, const char *name)
{
    size_t at = (run.used + GUARD + 31) / 32 * 32; // as tensor cores want it
    if (run.array_count == ARRAYS)
        FATAL("more than %zu shared arrays", ARRAYS);
    char *data = run.arena + at;
    run.used = at + bytes + GUARD;
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(data, bytes);
    poison(data, bytes);
    guard(data, bytes);
    run.arrays[run.array_count++] = {key, data, bytes, name};
    return data;
}

void run_block(const emulation::Launch &launch)
{
    size_t count = run.threads.size(), arena = setting.limits->block + (ARRAYS + 1) * 2 * GUARD;
    run.arena = static_cast<char *>(aligned_alloc(64, arena / 64 * 64));
    run.used = run.static_bytes = run.array_count = 0;
    if (!run.arena)
        FATAL("no memory for shared memory");
    if (__asan_poison_memory_region)
        __asan_poison_memory_region(run.arena, arena / 64 * 64);
    add_array(nullptr, launch.shared, "(dynamic)");
    if (emulation::executor)
        emulation::executor->block();
    if (__tsan_release)
        __tsan_release(&run.start);
    for (size_t t = 0; t < count; t++) {
        Thread &thread = run.threads[t];
        unsigned n = static_cast<unsigned>(t), x = launch.block.x, y = launch.block.y;
        thread.fiber = next_fiber(count);
        thread.index = {n % x, n / x % y, n / x / y};
        thread.state = READY;
        prepare(thread.fiber->context, thread.fiber->stack, STACK, entry);
        if (!__tsan_create_fiber)
            continue;
        char name[96];
        snprintf(name, sizeof name, "block (%u,%u,%u) thread (%u,%u,%u)", blockIdx.x, blockIdx.y,
                 blockIdx.z, thread.index.x, thread.index.y, thread.index.z);
        use_fiber_of(thread);
        __tsan_set_fiber_name(thread.fiber->tsan, name);
        __tsan_acquire(&run.start);
        __tsan_switch_to_fiber(run.host_tsan, 1);
    }
    for (;;) {
        bool ran = false, done = true;
        arrange(run.turns, count);
        for (unsigned t : run.turns) {
            if (run.threads[t].state == READY) {
                resume(t);
                ran = true;
            }
            done = done && run.threads[t].state == RETURNED;
        }
        if (done)
            break;
        if (!ran)
            open_barrier();
    }
    check_guards();
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(run.arena, arena / 64 * 64);
    /* The host learns what blocks did at the launch's end, so TSan has to see another free this. */
    if (__tsan_create_fiber) {
        __tsan_switch_to_fiber(run.janitor_tsan, 1);
        __tsan_acquire(&run.end);
    }
    free(run.arena);
    if (__tsan_create_fiber)
        __tsan_switch_to_fiber(run.host_tsan, 1);
}

Function &function(const void *kernel)
{
    for (Function &f : functions)
        if (f.kernel == kernel)
            return f;
    functions.push_back({kernel, STATIC_LIMIT, 0});
    return functions.back();
}

/* Under ASan the host may not touch device memory: only a launch and a copy open it. */
void open_device(bool open)
{
    if (__asan_poison_memory_region)
        for (const Memory &memory : memories)
            if (memory.device)
                (open ? __asan_unpoison_memory_region : __asan_poison_memory_region)(memory.data,
                                                                                     memory.bytes);
}

void run_launch(const emulation::Launch &launch)
{
    std::vector<unsigned> order;
    run.launch = &launch;
    run.started = 0;
    run.turns.clear();
    run.threads.assign(size_t(launch.block.x) * launch.block.y * launch.block.z, Thread());
    if (__tsan_create_fiber) {
        run.host_tsan = __tsan_get_current_fiber();
        if (!run.janitor_tsan)
            run.janitor_tsan = __tsan_create_fiber(0);
    }
    gridDim = launch.grid;
    blockDim = launch.block;
    if (emulation::executor)
        emulation::executor->launch(launch);
    arrange(order, size_t(launch.grid.x) * launch.grid.y * launch.grid.z);
    for (unsigned b : order) {
        blockIdx = {b % launch.grid.x, b / launch.grid.x % launch.grid.y,
                    b / launch.grid.x / launch.grid.y};
        run_block(launch);
    }
    if (__tsan_acquire)
        __tsan_acquire(&run.end);
    function(launch.kernel).static_bytes = run.static_bytes;
    run.launch = nullptr;
    launch.drop(launch.arguments);
}

double now()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}
} /* namespace */

struct CUstream_st {
    char unused;
};
struct CUevent_st {
    double time; /* ms */
};

namespace
{
/* Runs what was put on streams, all up to the last operation on this one. */
void synchronise(const cudaStream_t *only)
{
    size_t count = operations.size();
    while (only && count > 0 && operations[count - 1].stream != *only)
        count--;
    if (count == 0)
        return;
    open_device(true);
    for (; count > 0; count--) {
        Operation o = operations.front();
        operations.pop_front();
        if (o.kind == o.LAUNCH)
            run_launch(o.launch);
        else if (o.kind == o.COPY)
            memmove(o.to, o.from, o.bytes);
        else if (o.kind == o.SET)
            memset(o.to, o.byte, o.bytes);
        else if (o.kind == o.CALL)
            o.call(o.to);
        else
            o.event->time = now();
    }
    open_device(false);
}

cudaError_t result(cudaError_t error)
{
    if (error != cudaSuccess)
        last_error = error;
    return error;
}

/* Each call that can fail begins here. */
bool planned_failure()
{
    settings();
    return setting.fail > 0 && --setting.fail == 0;
}
#define CAN_FAIL()                                                                                 \
    do {                                                                                           \
        if (planned_failure())                                                                     \
            return result(cudaErrorUnknown);                                                       \
        if (setting.devices == 0)                                                                  \
            return result(cudaErrorInsufficientDriver);                                            \
    } while (0)

Memory *memory_of(const void *p, bool device)
{
    for (Memory &memory : memories)
        if (memory.device == device && p >= memory.data - GUARD &&
            p < memory.data + memory.bytes + GUARD)
            return &memory;
    return nullptr;
}

/* One side of a copy or of a memset: on the right side, and all of it inside. */
void check_side(const char *what, const void *p, size_t bytes, bool device)
{
    Memory *here = memory_of(p, device), *there = memory_of(p, !device);
    if (device && !here)
        FATAL("%s: %p is no device memory", what, p);
    if (!device && !here && there)
        FATAL("%s: %p is device memory, host memory is needed", what, p);
    const char *at = static_cast<const char *>(p);
    if (here && (at < here->data || at > here->data + here->bytes ||
                 bytes > static_cast<size_t>(here->data + here->bytes - at)))
        FATAL("%s: %zu bytes from offset %td of %zu bytes", what, bytes, at - here->data,
              here->bytes);
}

cudaError_t allocate(void **pointer, size_t bytes, bool device)
{
    if (!pointer)
        return result(cudaErrorInvalidValue);
    if (device && bytes > setting.memory - std::min(setting.memory, device_bytes))
        return result(cudaErrorMemoryAllocation);
    if (bytes == 0) {
        *pointer = nullptr;
        return cudaSuccess;
    }
    char *base = static_cast<char *>(aligned_alloc(256, (bytes + 2 * GUARD + 255) / 256 * 256));
    if (!base)
        return result(cudaErrorMemoryAllocation);
    poison(base + GUARD, bytes);
    guard(base + GUARD, bytes);
    memories.push_back({base + GUARD, bytes, device});
    if (device) {
        device_bytes += bytes;
        if (__asan_poison_memory_region)
            __asan_poison_memory_region(base + GUARD, bytes);
    }
    *pointer = base + GUARD;
    return cudaSuccess;
}

cudaError_t release(void *pointer, bool device)
{
    synchronise(nullptr);
    if (!pointer)
        return cudaSuccess;
    for (size_t m = 0; m < memories.size(); m++) {
        Memory memory = memories[m];
        if (memory.data != pointer || memory.device != device)
            continue;
        memories.erase(memories.begin() + static_cast<long>(m));
        if (device)
            device_bytes -= memory.bytes;
        if (__asan_unpoison_memory_region)
            __asan_unpoison_memory_region(memory.data - GUARD, memory.bytes + 2 * GUARD);
        free(memory.data - GUARD);
        return cudaSuccess;
    }
    complain("freed %p, which is no %s memory", pointer, device ? "device" : "pinned host");
    return result(cudaErrorInvalidValue);
}

cudaError_t copy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    if (bytes == 0)
        return cudaSuccess;
    bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (kind == cudaMemcpyDefault) {
        to_device = memory_of(to, true);
        from_device = memory_of(from, true);
    } else if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) {
        return result(cudaErrorInvalidMemcpyDirection);
    }
    check_side("cudaMemcpy's destination", to, bytes, to_device);
    check_side("cudaMemcpy's source", from, bytes, from_device);
    Operation o = Operation();
    o.kind = o.COPY;
    o.stream = stream;
    o.to = to;
    o.from = from;
    o.bytes = bytes;
    operations.push_back(o);
    return cudaSuccess;
}

cudaError_t set(void *to, int byte, size_t bytes, cudaStream_t stream)
{
    if (bytes == 0)
        return cudaSuccess;
    check_side("cudaMemset", to, bytes, true);
    Operation o = Operation();
    o.kind = o.SET;
    o.stream = stream;
    o.to = to;
    o.byte = byte;
    o.bytes = bytes;
    operations.push_back(o);
    return cudaSuccess;
}

bool between(unsigned n, unsigned most)
{
    return n >= 1 && n <= most;
}
} /* namespace */

namespace emulation
{
const Executor *executor;
void order(const char *text)
{
    settings();
    setting.order = setting.FORWARD;
    if (!strcmp(text, "reversed")) {
        setting.order = setting.REVERSED;
    } else if (!strncmp(text, "random:", 7)) {
        setting.order = setting.RANDOM;
        setting.random = (strtoull(text + 7, nullptr, 10) + 1) * 0x9e3779b97f4a7c15u;
    } else if (strcmp(text, "forward")) {
        FATAL("order %s: expected forward, reversed or random:SEED", text);
    }
}
void sm(int number)
{
    settings();
    for (const Limits &limits : limits_of)
        if (limits.sm == number) {
            setting.limits = &limits;
            return;
        }
    FATAL("sm %d: expected 80, 90, 100 or 120", number);
}
void memory(size_t bytes)
{
    settings();
    setting.memory = bytes;
}
void fail(long calls_from_now)
{
    settings();
    setting.fail = calls_from_now;
}
size_t held()
{
    return memories.size() + objects;
}
void hold(int change)
{
    objects += static_cast<size_t>(change);
}

void tf32(const char *text)
{
    static const char *const names[] = {"ties-away", "ties-even", "truncate"};
    static const Tf32 roundings[] = {TIES_AWAY, TIES_EVEN, TRUNCATE};
    settings();
    for (int k = 0; k < 3; k++)
        if (!strcmp(text, names[k])) {
            setting.tf32 = &roundings[k];
            return;
        }
    FATAL("TF32 %s: expected ties-away, ties-even or truncate", text);
}
Tf32 tf32_rounding(Tf32 otherwise)
{
    settings();
    return setting.tf32 ? *setting.tf32 : otherwise;
}
cudaError_t can_fail()
{
    return planned_failure()      ? cudaErrorUnknown
           : setting.devices == 0 ? cudaErrorInsufficientDriver
                                  : cudaSuccess;
}
void enqueue(void (*call)(void *), void *argument, cudaStream_t stream)
{
    Operation o = Operation();
    o.kind = o.CALL;
    o.stream = stream;
    o.call = call;
    o.to = argument;
    operations.push_back(o);
}
size_t room(const void *p)
{
    const Memory *memory = memory_of(p, true);
    const char *at = static_cast<const char *>(p);
    if (!memory || at < memory->data || at > memory->data + memory->bytes)
        return 0;
    return static_cast<size_t>(memory->data + memory->bytes - at);
}
void fatal(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    FATAL("%s", text);
}

cudaError_t launch(const Launch &launch, cudaStream_t stream)
{
    cudaError_t error = cudaSuccess;
    const dim3 &g = launch.grid, &b = launch.block;
    if (planned_failure()) {
        error = cudaErrorUnknown;
    } else if (!between(g.x, 0x7fffffff) || !between(g.y, 65535) || !between(g.z, 65535) ||
               !between(b.x, 1024) || !between(b.y, 1024) || !between(b.z, 64) ||
               b.x * b.y * b.z > 1024) {
        error = cudaErrorInvalidConfiguration;
    } else if (launch.shared > function(launch.kernel).dynamic_limit) {
        error = cudaErrorInvalidValue;
    } else {
        Operation o = Operation();
        o.kind = o.LAUNCH;
        o.stream = stream;
        o.launch = launch;
        operations.push_back(o);
        return cudaSuccess;
    }
    launch.drop(launch.arguments);
    fprintf(stderr, "emulation: refused:");
    print_name(launch.kernel);
    fprintf(stderr, ", grid (%u,%u,%u), block (%u,%u,%u), dynamic shared memory %zu bytes: %s\n",
            g.x, g.y, g.z, b.x, b.y, b.z, launch.shared, cudaGetErrorString(error));
    return result(error);
}

cudaError_t set_attribute(const void *kernel, cudaFuncAttribute attribute, int value)
{
    CAN_FAIL();
    if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout)
        return cudaSuccess;
    Function &f = function(kernel);
    if (value < 0 || static_cast<size_t>(value) + f.static_bytes > setting.limits->block)
        return result(cudaErrorInvalidValue);
    f.dynamic_limit = static_cast<size_t>(value);
    return cudaSuccess;
}
cudaError_t get_attributes(cudaFuncAttributes *attributes, const void *kernel)
{
    CAN_FAIL();
    *attributes = cudaFuncAttributes();
    attributes->sharedSizeBytes = function(kernel).static_bytes;
    attributes->maxThreadsPerBlock = 1024;
    attributes->ptxVersion = attributes->binaryVersion = setting.limits->sm;
    attributes->maxDynamicSharedSizeBytes = static_cast<int>(function(kernel).dynamic_limit);
    return cudaSuccess;
}
cudaError_t occupancy(int *blocks, const void *kernel, int block, size_t dynamic)
{
    CAN_FAIL();
    if (block < 1 || block > 1024)
        return result(cudaErrorInvalidValue);
    const Function &f = function(kernel);
    const Limits &limits = *setting.limits;
    int warps = (block + 31) / 32;
    size_t bytes = dynamic + f.static_bytes + 1024; /* the system's own part of each block */
    *blocks = dynamic > f.dynamic_limit
                  ? 0
                  : std::min({limits.blocks, limits.threads / 32 / warps,
                              static_cast<int>(limits.multiprocessor / bytes)});
    return cudaSuccess;
}

void *shared(const void *key, size_t bytes, const char *name)
{
    for (size_t a = 1; a < run.array_count; a++)
        if (run.arrays[a].key == key)
            return run.arrays[a].data;
    run.static_bytes += (bytes + 15) / 16 * 16;
    if (run.static_bytes > STATIC_LIMIT)
        FATAL("static shared memory: %zu bytes with %s, 48 KB at most", run.static_bytes, name);
    if (run.static_bytes + run.launch->shared > setting.limits->block)
        FATAL("shared memory: %zu bytes static and %zu dynamic; sm_%d has %zu", run.static_bytes,
              run.launch->shared, setting.limits->sm, setting.limits->block);
    return add_array(key, bytes, name);
}
void *dynamic_shared()
{
    return run.arrays[0].data;
}

void barrier(Where where)
{
    Thread &thread = *run.current;
    thread.state = AT_BARRIER;
    thread.what = "__syncthreads";
    thread.mask = 0;
    thread.where = where;
    suspend();
}

void warp(const char *what, unsigned mask, bool orders_memory, Where where)
{
    Thread &thread = *run.current;
    unsigned self = static_cast<unsigned>(run.current - run.threads.data()), first = self & ~31u;
    unsigned count = static_cast<unsigned>(run.threads.size());
    bool all = true;
    if (!(mask >> (self & 31) & 1))
        FATAL("%s at %s:%d: mask %08x lacks the calling lane %u", what, where.file, where.line,
              mask, self & 31);
    thread.state = IN_WARP;
    thread.what = what;
    thread.mask = mask;
    thread.where = where;
    /* From the next lane on: it is the one most likely not to be here yet. */
    for (unsigned step = 1; step < 32 && all; step++) {
        unsigned l = (self + step) & 31;
        all = !(mask >> l & 1) || (first + l < count && together(run.threads[first + l], thread));
    }
    if (all) {
        if (orders_memory)
            order_memory(first, std::min(32u, count - first), mask);
        for (unsigned l = 0; l < 32; l++)
            if (mask >> l & 1)
                run.threads[first + l].state = READY;
    }
    /* The last to come gives way too, so that all leave in the chosen order. */
    suspend();
}

unsigned thread()
{
    return static_cast<unsigned>(run.current - run.threads.data());
}
unsigned lane()
{
    return thread() & 31;
}
const char *symbol(const void *function)
{
    return name_of(function);
}
bool device_array(const void *p, char **data, size_t *bytes)
{
    const Memory *memory = memory_of(p, true);
    if (!memory) // pinned: a device reaches it too
        memory = memory_of(p, false);
    if (memory) {
        *data = memory->data;
        *bytes = memory->bytes;
    }
    return memory;
}
void *slot(unsigned lane)
{
    return slots[(run.current - run.threads.data()) / 32][lane];
}
unsigned live_lanes()
{
    size_t first = static_cast<size_t>(run.current - run.threads.data()) & ~size_t(31);
    unsigned lanes = 0;
    for (size_t l = 0; l < 32 && first + l < run.threads.size(); l++)
        if (run.threads[first + l].state != RETURNED)
            lanes |= 1u << l;
    return lanes;
}
void poison(void *data, size_t bytes)
{
    ::poison(data, bytes);
}
} /* namespace emulation */

cudaError_t cudaGetLastError()
{
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}
cudaError_t cudaPeekAtLastError()
{
    return last_error;
}
#define TEXT(name, number, text)                                                                   \
    case name:                                                                                     \
        return text;
const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
        EMULATION_ERRORS(TEXT)
    }
    return "unrecognized error code";
}
#undef TEXT
#define NAME(name, number, text)                                                                   \
    case name:                                                                                     \
        return #name;
const char *cudaGetErrorName(cudaError_t error)
{
    switch (error) {
        EMULATION_ERRORS(NAME)
    }
    return "unrecognized error code";
}
#undef NAME

cudaError_t cudaGetDeviceCount(int *count)
{
    CAN_FAIL();
    *count = setting.devices;
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int *device)
{
    CAN_FAIL();
    *device = 0;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device)
{
    CAN_FAIL();
    return result(device >= 0 && device < setting.devices ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device)
{
    CAN_FAIL();
    if (device < 0 || device >= setting.devices)
        return result(cudaErrorInvalidDevice);
    const Limits &limits = *setting.limits;
    *p = cudaDeviceProp();
    snprintf(p->name, sizeof p->name, "emulation of sm_%d", limits.sm);
    p->totalGlobalMem = setting.memory;
    p->sharedMemPerBlock = STATIC_LIMIT;
    p->sharedMemPerBlockOptin = limits.block;
    p->sharedMemPerMultiprocessor = limits.multiprocessor;
    p->regsPerBlock = 65536;
    p->warpSize = 32;
    p->maxThreadsPerBlock = p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 0x7fffffff;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->major = limits.sm / 10;
    p->minor = limits.sm % 10;
    p->multiProcessorCount = 4;
    p->maxThreadsPerMultiProcessor = limits.threads;
    p->maxBlocksPerMultiProcessor = limits.blocks;
    return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int *version)
{
    settings();
    *version = setting.devices ? 13000 : 0;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
    CAN_FAIL();
    *total = setting.memory;
    *free = setting.memory - std::min(setting.memory, device_bytes);
    return cudaSuccess;
}
cudaError_t cudaMalloc(void **pointer, size_t bytes)
{
    CAN_FAIL();
    return allocate(pointer, bytes, true);
}
cudaError_t cudaMallocHost(void **pointer, size_t bytes)
{
    CAN_FAIL();
    return allocate(pointer, bytes, false);
}
cudaError_t cudaFree(void *pointer)
{
    return release(pointer, true);
}
cudaError_t cudaFreeHost(void *pointer)
{
    return release(pointer, false);
}
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    CAN_FAIL();
    cudaError_t error = copy(to, from, bytes, kind, nullptr);
    synchronise(nullptr);
    return error;
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    CAN_FAIL();
    return copy(to, from, bytes, kind, stream);
}
cudaError_t cudaMemset(void *to, int byte, size_t bytes)
{
    CAN_FAIL();
    return set(to, byte, bytes, nullptr);
}
cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream)
{
    CAN_FAIL();
    return set(to, byte, bytes, stream);
}
cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    CAN_FAIL();
    *stream = new CUstream_st();
    objects++;
    return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    return cudaStreamCreate(stream);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    synchronise(&stream);
    objects -= stream != nullptr;
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    CAN_FAIL();
    synchronise(&stream);
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize()
{
    CAN_FAIL();
    synchronise(nullptr);
    return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    CAN_FAIL();
    *event = new CUevent_st();
    objects++;
    return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    return cudaEventCreate(event);
}
cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    synchronise(nullptr);
    objects -= event != nullptr;
    delete event;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    CAN_FAIL();
    Operation o = Operation();
    o.kind = o.RECORD;
    o.stream = stream;
    o.event = event;
    operations.push_back(o);
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t)
{
    CAN_FAIL();
    synchronise(nullptr);
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t stop)
{
    CAN_FAIL();
    *milliseconds = static_cast<float>(stop->time - start->time);
    return cudaSuccess;
}
