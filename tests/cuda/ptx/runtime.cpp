/*
 * The executor's run time: it gives each launch its translated kernel, and checks every access to
 * memory. Compiled at -O2 and with -frounding-math.
 *
 * An access must be aligned and lie within one array: of the block's shared memory, of cudaMalloc,
 * of the module, or of the thread's frames. Shared memory must have been written before it is read.
 *
 * Races: each 4 bytes have a record of who last wrote and who read them since. A phase is the time
 * between two barriers of a block; phases are counted from launch to launch, so that a record tells
 * by its phase whether it is of this launch, of this block (blocks run one after the other) and
 * from before the last barrier. Within a phase only __syncwarp orders, and only lanes of one warp:
 * known[t][l] counts the warp's synchronisations up to the last that tells thread t what lane l
 * did. Missed are races of bytes of one word beyond the last, and of two readers' older one where
 * __syncwarp had part of a mask. __threadfence is taken to order blocks from then on.
 */
#include "ptx.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using emulation::fatal;
using emulation::Where;

namespace
{
enum : uint16_t { SEVERAL = 0xffff };

struct Record {
    uint32_t write_phase, first_write, write_stamp, read_phase, first_read, read_stamp, lanes;
    uint16_t writer, reading_warp;   /* thread; warp, or SEVERAL */
    uint8_t written, read, set;      /* which of the 4 bytes, set: ever written */
    bool atomic;                     /* the write */
    int32_t write_place, read_place; /* from anchor */
};
struct Array {
    char *data;
    size_t bytes;
    const char *name;
    bool constant;
    Record *records;
};

const Where anchor = {"", 0};
ptx::Kernel *kernels;
ptx::Variable *variables;
std::vector<Array> global_arrays, shared_arrays;
Array *last_global;
const emulation::Launch *launched;
char *parameters[64];
ptx::Kernel *running;
bool fenced;
uint32_t phase = 1, launch_phase, block_phase, stamps[32], known[1024][32];
ptx::Frame *frames[1024];
uint32_t lanes_of[32][32][20];

int32_t pack(const Where *where)
{
    return static_cast<int32_t>(reinterpret_cast<intptr_t>(where) -
                                reinterpret_cast<intptr_t>(&anchor));
}
std::string text(int32_t place)
{
    const Where *where =
        reinterpret_cast<const Where *>(reinterpret_cast<intptr_t>(&anchor) + place);
    return std::string(where->file) + ":" + std::to_string(where->line);
}

unsigned block_threads()
{
    return blockDim.x * blockDim.y * blockDim.z;
}

void add(std::vector<Array> &arrays, void *data, size_t bytes, const char *name, bool constant)
{
    Record *records = static_cast<Record *>(calloc(bytes / 4 + 2, sizeof(Record)));
    if (!records)
        fatal("no memory for the records of %zu bytes", bytes);
    arrays.push_back({static_cast<char *>(data), bytes, name, constant, records});
}

/* --- what the emulation calls --- */

void on_launch(const emulation::Launch &launch)
{
    static std::vector<std::pair<const void *, ptx::Kernel *>> found;
    for (auto &array : global_arrays)
        free(array.records);
    global_arrays.clear();
    last_global = nullptr;
    running = nullptr;
    fenced = false;
    launch_phase = ++phase;
    for (auto &pair : found)
        if (pair.first == launch.kernel)
            running = pair.second;
    if (!running) {
        const char *name = emulation::symbol(launch.kernel);
        for (ptx::Kernel *k = kernels; k; k = k->next)
            if (name && !strcmp(k->name, name))
                running = k;
        if (!running)
            fatal("there is no PTX of this kernel");
        found.push_back({launch.kernel, running});
    }
    launched = &launch;
    const size_t *sizes = running->sizes;
    size_t count = 0;
    while (sizes[count])
        count++;
    if (count != launch.count || !std::equal(sizes, sizes + count, launch.sizes))
        fatal("the parameters' number or sizes are not those of the PTX, %s", running->file);
    void *pointers[64];
    if (count > 64)
        fatal("more than 64 parameters");
    launch.list(launch.arguments, pointers);
    for (size_t i = 0; i < count; i++)
        parameters[i] = static_cast<char *>(pointers[i]);
    const unsigned *most = running->most, threads = most[0] * most[1] * most[2];
    if (most[0] && block_threads() > threads)
        fatal("%u threads a block, __launch_bounds__ allows %u", block_threads(), threads);
}

void on_block()
{
    block_phase = ++phase;
    for (auto &array : shared_arrays)
        free(array.records);
    shared_arrays.clear();
    add(shared_arrays, emulation::dynamic_shared(), launched->shared, "dynamic shared memory",
        false);
    std::fill(frames, frames + 1024, nullptr);
}

void on_thread()
{
    running->run(parameters);
}

void on_order(unsigned first, unsigned count, unsigned bits)
{
    if (first == 0 && count == block_threads() &&
        (count > 32 || bits >> (count - 1) == ~0u >> (count - 1))) {
        phase++;
        return;
    }
    const uint32_t now = ++stamps[first / 32];
    uint32_t all[32] = {0};
    for (unsigned l = 0; l < 32; l++)
        if (bits >> l & 1)
            for (unsigned m = 0; m < 32; m++)
                all[m] = bits >> m & 1 ? now : std::max(all[m], known[first + l][m]);
    for (unsigned l = 0; l < 32; l++)
        if (bits >> l & 1)
            std::copy(all, all + 32, known[first + l]);
}

const emulation::Executor executor = {on_launch, on_block, on_thread, on_order};
const struct Start {
    Start()
    {
        emulation::executor = &executor;
    }
} start;

/* --- races --- */

/* Whether what thread did in that phase comes before what self does now. */
bool ordered(uint32_t then, uint32_t stamp, unsigned thread, unsigned self)
{
    if (then != phase)
        return then >= block_phase || then < launch_phase || fenced;
    return thread == self || (thread / 32 == self / 32 && known[self][thread % 32] > stamp);
}
bool by_other_block(uint32_t then)
{
    return then >= launch_phase && then < block_phase && !fenced;
}

[[noreturn]] void race(const Array &array, const char *data, const char *what, int32_t place,
                       long thread, const char *now, const Where *where)
{
    char who[48] = "a thread of another block";
    const unsigned x = blockDim.x, t = static_cast<unsigned>(thread);
    if (thread >= 0)
        snprintf(who, sizeof who, "thread (%u,%u,%u)", t % x, t / x % blockDim.y,
                 t / x / blockDim.y);
    fatal("data race: %s at %s:%d, unordered to what %s %s at %s: byte %td of %s", now, where->file,
          where->line, who, what, text(place).c_str(), data - array.data, array.name);
}

void note(const Array &array, char *data, unsigned bytes, ptx::Kind kind, const Where *where)
{
    static const char *const nows[] = {"reads", "writes", "updates atomically"};
    const size_t offset = static_cast<size_t>(data - array.data);
    Record &r = array.records[offset / 4];
    const unsigned self = emulation::thread(), warp = self / 32;
    const uint8_t which = static_cast<uint8_t>(((1u << bytes) - 1) << offset % 4);
    const uint32_t stamp = stamps[warp];
    if ((r.written & which) && !(kind == ptx::ATOMIC && r.atomic)) {
        const bool before = ordered(r.write_phase, r.write_stamp, r.writer, self);
        if (!before || by_other_block(r.first_write))
            race(array, data, r.atomic ? "updated atomically" : "wrote", r.write_place,
                 r.write_phase == phase ? r.writer : -1, nows[kind], where);
    }
    if (kind == ptx::READ) {
        if (r.read_phase != phase) {
            if (r.first_read < launch_phase || !(r.read & which))
                r.first_read = phase;
            r.read_phase = phase;
            r.read_stamp = stamp;
            r.lanes = r.read = 0;
            r.reading_warp = static_cast<uint16_t>(warp);
        } else if (r.reading_warp != warp) {
            r.reading_warp = SEVERAL;
        } else if (r.read_stamp != stamp) { /* lanes that came before this one need no record */
            for (unsigned l = 0; l < 32; l++)
                if (known[self][l] > r.read_stamp)
                    r.lanes &= ~(1u << l);
            if (!(r.lanes & ~(1u << self % 32)))
                r.read_stamp = stamp;
        }
        r.lanes |= 1u << self % 32;
        r.read |= which;
        r.read_place = pack(where);
        return;
    }
    if (r.read & which) {
        long reader = by_other_block(r.first_read) ? -1 : self;
        if (r.read_phase == phase && r.reading_warp != SEVERAL && r.reading_warp != warp)
            reader = 32l * r.reading_warp + __builtin_ctz(r.lanes);
        for (unsigned l = 0; r.read_phase == phase && r.reading_warp == warp && l < 32; l++)
            if (r.lanes >> l & 1 && !ordered(phase, r.read_stamp, warp * 32 + l, self))
                reader = warp * 32 + l;
        if (r.read_phase == phase && r.reading_warp == SEVERAL)
            reader = -2;
        if (reader != static_cast<long>(self))
            race(array, data, "read", r.read_place, reader, nows[kind], where);
    }
    if (kind == ptx::WRITE || !r.atomic || r.first_write < launch_phase)
        r.first_write = phase;
    r.write_phase = phase;
    r.write_stamp = stamp;
    r.write_place = pack(where);
    r.writer = static_cast<uint16_t>(self);
    r.atomic = kind == ptx::ATOMIC;
    r.written = which;
    r.set |= which;
    r.read = 0;
    r.read_phase = r.first_read = 0;
}

/* --- where an address is --- */

Array *find(std::vector<Array> &arrays, const char *data, size_t bytes)
{
    for (Array &array : arrays)
        if (data >= array.data && data + bytes <= array.data + array.bytes)
            return &array;
    return nullptr;
}

Array *find_global(const char *data, size_t bytes)
{
    if (last_global && data >= last_global->data &&
        data + bytes <= last_global->data + last_global->bytes)
        return last_global;
    last_global = find(global_arrays, data, bytes);
    if (last_global)
        return last_global;
    char *start;
    size_t size;
    if (emulation::device_array(data, &start, &size) && data >= start &&
        data + bytes <= start + size)
        add(global_arrays, start, size, "an array of cudaMalloc", false);
    else
        for (ptx::Variable *v = variables; v; v = v->next)
            if (data >= v->data && data + bytes <= v->data + v->bytes)
                add(global_arrays, v->data, v->bytes, v->name, v->constant);
    return last_global = find(global_arrays, data, bytes);
}

bool in_frame(const char *data, size_t bytes)
{
    for (ptx::Frame *f = frames[emulation::thread()]; f; f = f->next)
        if (data >= f->data && data + bytes <= f->data + f->bytes)
            return true;
    return false;
}

bool in_parameter(const char *data, size_t bytes)
{
    for (size_t i = 0; running->sizes[i]; i++)
        if (data >= parameters[i] && data + bytes <= parameters[i] + running->sizes[i])
            return true;
    return false;
}

char *shared_base()
{
    return static_cast<char *>(emulation::dynamic_shared());
}
} /* namespace */

namespace ptx
{
Register::Register(Kernel &kernel)
{
    kernel.next = kernels;
    kernels = &kernel;
}
Variable::Variable(char *data, size_t bytes, const char *name, bool constant)
    : data(data), bytes(bytes), name(name), constant(constant), next(variables)
{
    variables = this;
}
Frame::Frame(char *data, size_t bytes) : data(data), bytes(bytes), next(frames[emulation::thread()])
{
    frames[emulation::thread()] = this;
    memset(data, 0xff, bytes);
}
Frame::~Frame()
{
    frames[emulation::thread()] = next;
}

uint32_t shared(const void *key, size_t bytes, const char *name)
{
    char *data = static_cast<char *>(emulation::shared(key, bytes, name));
    if (!find(shared_arrays, data, bytes))
        add(shared_arrays, data, bytes, name, false);
    return static_cast<uint32_t>(data - shared_base());
}
uint64_t shared_to_generic(uint64_t address)
{
    return reinterpret_cast<uint64_t>(shared_base()) + address;
}
uint64_t generic_to_shared(uint64_t address)
{
    return address - reinterpret_cast<uint64_t>(shared_base());
}

void trap(const char *what, const Where *where)
{
    fatal("%s at %s:%d", what, where->file, where->line);
}
void fence()
{
    fenced = true;
}

void *access(Space space, Kind kind, uint64_t address, unsigned bytes, unsigned align,
             const Where *where)
{
    static const char *const names[] = {"generic", "global", "shared", "local", "const", "param"};
    static const char *const kinds[] = {"read", "write", "atomic update"};
    char *data = space == SHARED ? shared_base() + address : reinterpret_cast<char *>(address);
    Array *array = nullptr;
    bool inside = false;
    if (address % align)
        fatal("misaligned %s %s of %u bytes at %s:%d, address %#llx", names[space], kinds[kind],
              bytes, where->file, where->line, static_cast<unsigned long long>(address));
    if (space == SHARED || space == GENERIC)
        array = find(shared_arrays, data, bytes);
    const bool is_shared = array;
    if (!array && (space == GLOBAL || space == CONST || space == GENERIC))
        array = find_global(data, bytes);
    if (array)
        inside = space == GENERIC || space == SHARED || array->constant == (space == CONST);
    else if (space == LOCAL || space == GENERIC)
        inside = in_frame(data, bytes);
    if (!inside && (space == PARAM || space == GENERIC))
        inside = kind == READ && in_parameter(data, bytes);
    if (!inside || (array && array->constant && kind != READ)) {
        char *near = data;
        size_t size = 0;
        const char *name = "an array of cudaMalloc";
        bool known_near = space != SHARED && emulation::device_array(data, &near, &size);
        for (const Array &a : shared_arrays)
            if (space != GLOBAL && data + 512 > a.data && data < a.data + a.bytes + 512 &&
                (!known_near || data >= a.data))
                known_near = true, near = a.data, size = a.bytes, name = a.name;
        if (known_near)
            fatal("%s %s of %u bytes at %s:%d: byte %td of %s, which has %zu bytes", names[space],
                  kinds[kind], bytes, where->file, where->line, data - near, name, size);
        fatal("%s %s of %u bytes at %s:%d: no such memory, address %#llx", names[space],
              kinds[kind], bytes, where->file, where->line,
              static_cast<unsigned long long>(address));
    }
    for (unsigned at = 0; array && !array->constant && at < bytes; at += 4) {
        const unsigned part = std::min(4u, bytes - at);
        note(*array, data + at, part, kind, where);
        const size_t offset = static_cast<size_t>(data + at - array->data);
        const unsigned which = ((1u << part) - 1) << offset % 4;
        if (is_shared && kind != WRITE && (array->records[offset / 4].set & which) != which)
            fatal("%s of shared memory that nobody wrote, at %s:%d: byte %zu of %s", kinds[kind],
                  where->file, where->line, offset, array->name);
    }
    return data;
}

uint32_t shfl(char mode, uint32_t value, uint32_t b, uint32_t c, uint32_t mask, bool &inside,
              const Where *where)
{
    const uint32_t lane = emulation::lane(), segment = c >> 8 & 31, first = lane & segment;
    const int last = static_cast<int>(first | (c & 31 & ~segment));
    const int delta = static_cast<int>(b & 31), l = static_cast<int>(lane);
    const int from = mode == 'u'   ? l - delta
                     : mode == 'd' ? l + delta
                     : mode == 'b' ? l ^ delta
                                   : static_cast<int>(first | (b & 31 & ~segment));
    inside = mode == 'u' ? from >= last : from <= last;
    return emulation::exchange("shfl.sync", mask, value,
                               inside ? static_cast<unsigned>(from) : lane, *where);
}

/* All lanes show the others what they have; returns the running warp's, until the next time. */
static uint32_t (*show(const char *what, const Where *where))[20]
{
    emulation::warp(what, ~0u, false, *where);
    return lanes_of[emulation::thread() / 32];
}
static uint32_t (*mine())[20]
{
    return &lanes_of[emulation::thread() / 32][emulation::lane()];
}
static void same_for_all(const char *what, uint64_t address, uint32_t stride, const Where *where)
{
    const uint32_t own[3] = {static_cast<uint32_t>(address), static_cast<uint32_t>(address >> 32),
                             stride};
    memcpy(*mine(), own, sizeof own);
    uint32_t(*lanes)[20] = show(what, where);
    for (unsigned l = 0; l < 32; l++)
        if (memcmp(lanes[l], own, sizeof own))
            fatal("%s at %s:%d: lane %u has another address or stride", what, where->file,
                  where->line, l);
    if (stride % 4 || address % 32)
        fatal("%s at %s:%d: the address has to be a multiple of 32 bytes, the stride of 4 elements",
              what, where->file, where->line);
    show(what, where);
}
static uint64_t element(unsigned i, unsigned columns, bool by_columns, uint64_t address,
                        uint32_t stride)
{
    const uint64_t e = i * 32 + emulation::lane(), row = e / columns, column = e % columns;
    return address + 4 * (by_columns ? column * stride + row : row * stride + column);
}
void wmma_load(uint32_t *fragment, unsigned rows, unsigned columns, bool by_columns, Space space,
               uint64_t address, uint32_t stride, const Where *where)
{
    same_for_all("wmma.load", address, stride, where);
    for (unsigned i = 0; i < rows * columns / 32; i++)
        fragment[i] = *static_cast<uint32_t *>(
            access(space, READ, element(i, columns, by_columns, address, stride), 4, 4, where));
}
void wmma_store(const uint32_t *fragment, bool by_columns, Space space, uint64_t address,
                uint32_t stride, const Where *where)
{
    same_for_all("wmma.store", address, stride, where);
    for (unsigned i = 0; i < 8; i++)
        *static_cast<uint32_t *>(access(space, WRITE, element(i, 16, by_columns, address, stride),
                                        4, 4, where)) = fragment[i];
}
void wmma_mma(float *d, const uint32_t *a, const uint32_t *b, const float *c, const Where *where)
{
    uint32_t *own = *mine();
    memcpy(own, a, 16);
    memcpy(own + 4, b, 16);
    uint32_t(*lanes)[20] = show("wmma.mma", where);
    for (unsigned i = 0; i < 8; i++) {
        const unsigned e = i * 32 + emulation::lane(), row = e / 16, column = e % 16;
        double sum = static_cast<double>(c[i]);
        for (unsigned k = 0; k < 8; k++) {
            const unsigned left = row * 8 + k, right = k * 16 + column;
            sum += static_cast<double>(bits<float>(lanes[left % 32][left / 32])) *
                   static_cast<double>(bits<float>(lanes[right % 32][4 + right / 32]));
        }
        d[i] = static_cast<float>(sum);
    }
    show("wmma.mma", where);
}

template <class F> static F rounded(char operation, int mode, F a, F b, F c)
{
    volatile F x = a, y = b, z = c, result;
    fesetround(mode);
    switch (operation) {
    case '+':
        result = x + y;
        break;
    case '*':
        result = x * y;
        break;
    case '/':
        result = x / y;
        break;
    case 'f':
        result = std::fma(x, y, z);
        break;
    case 'q':
        result = std::sqrt(x);
        break;
    default:
        result = std::nearbyint(x);
    }
    fesetround(FE_TONEAREST);
    return result;
}
float directed(char operation, int mode, float a, float b, float c)
{
    return rounded(operation, mode, a, b, c);
}
double directed(char operation, int mode, double a, double b, double c)
{
    return rounded(operation, mode, a, b, c);
}
} /* namespace ptx */
