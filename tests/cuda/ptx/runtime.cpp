/*
 * The executor's run time: it gives each launch its translated kernel, and checks every access to
 * memory. Of ptxas and of a device's code it shows nothing.
 *
 * An access must be aligned and lie within one array: of the block's shared memory, of cudaMalloc,
 * of the module, or of the thread's frames. Shared memory must have been written before it is read.
 *
 * Races: each 4 bytes have a record of who last wrote and who read them since. A phase is the time
 * between two barriers of a block; blocks run one after the other, and phases are counted on, so
 * that a record tells by its phase whether it is of this block and from before the last barrier.
 * Records begin anew with each launch, those of shared memory with each block. Within a phase only
 * __syncwarp orders, and only lanes of one warp: known[t][l] counts the warp's synchronisations up
 * to the last that tells thread t what lane l did.
 *
 * What is reported is a race. Missed are those with other bytes of a word than the last that were
 * written or read; with the younger of two reads that a __syncwarp of some lanes lies between; with
 * atomic updates but the first; and between blocks once one has called __threadfence.
 */
#include "ptx.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

using emulation::fatal;
using emulation::Where;

namespace
{
constexpr uint16_t OTHER_BLOCK = 0xfffe, SEVERAL = 0xffff;

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

const char *const kinds[] = {"read", "write", "atomic update"};
const Where anchor = {"", 0};
ptx::Kernel *kernels;
ptx::Variable *variables;
std::vector<Array> global_arrays, shared_arrays;
Array *last_global;
const emulation::Launch *launched;
char *parameters[64];
ptx::Kernel *running;
bool fenced;
uint32_t phase, block_phase, stamps[32], known[1024][32];
ptx::Frame *frames[1024];

int32_t pack(const Where *where)
{
    return static_cast<int32_t>(reinterpret_cast<intptr_t>(where) -
                                reinterpret_cast<intptr_t>(&anchor));
}
const Where *unpack(int32_t place)
{
    return reinterpret_cast<const Where *>(reinterpret_cast<intptr_t>(&anchor) + place);
}

unsigned block_threads()
{
    return blockDim.x * blockDim.y * blockDim.z;
}
char *shared_base()
{
    return static_cast<char *>(emulation::dynamic_shared());
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
    if (block_threads() > running->threads)
        fatal("%u threads a block, __launch_bounds__ allows %u", block_threads(), running->threads);
}

void on_block()
{
    block_phase = ++phase;
    for (auto &array : shared_arrays)
        free(array.records);
    shared_arrays.clear();
    add(shared_arrays, shared_base(), launched->shared, "dynamic shared memory", false);
    std::fill(frames, frames + 1024, nullptr);
}

void on_thread()
{
    running->run(parameters);
}

void on_order(unsigned first, unsigned count, unsigned bits)
{
    if (count == block_threads() && bits == ~0u) {
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

/* Whether what a thread of this block did in that phase comes before what self does now. */
bool ordered(uint32_t then, uint32_t stamp, unsigned thread, unsigned self)
{
    return then != phase || thread == self ||
           (thread / 32 == self / 32 && known[self][thread % 32] > stamp);
}
bool by_other_block(uint32_t then)
{
    return then && then < block_phase && !fenced;
}

[[noreturn]] void race(const Array &array, const char *data, const char *did, int32_t place,
                       unsigned thread, const char *does, const Where *where)
{
    char who[48];
    const unsigned x = blockDim.x, y = blockDim.y;
    if (thread == OTHER_BLOCK || thread == SEVERAL)
        snprintf(who, sizeof who, thread == SEVERAL ? "several warps" : "another block");
    else
        snprintf(who, sizeof who, "thread (%u,%u,%u)", thread % x, thread / x % y, thread / x / y);
    const Where *then = unpack(place);
    fatal("data race: %s at %s:%d, not ordered to %s at %s:%d by %s: byte %td of %s", does,
          where->file, where->line, did, then->file, then->line, who, data - array.data,
          array.name);
}

void note_read(Record &r, uint8_t which, unsigned self, const Where *where)
{
    const uint32_t stamp = stamps[self / 32];
    if (r.read_phase != phase || r.read != which) {
        if (!r.first_read || r.read != which)
            r.first_read = phase;
        r.read_phase = phase;
        r.read_stamp = stamp;
        r.lanes = 0;
        r.read = which;
        r.reading_warp = static_cast<uint16_t>(self / 32);
    } else if (r.reading_warp != self / 32) {
        r.reading_warp = SEVERAL;
    } else if (r.read_stamp != stamp) { /* lanes that came before this one need no record */
        for (unsigned l = 0; l < 32; l++)
            if (known[self][l] > r.read_stamp)
                r.lanes &= ~(1u << l);
        if (!(r.lanes & ~(1u << self % 32)))
            r.read_stamp = stamp;
    }
    r.lanes |= 1u << self % 32;
    r.read_place = pack(where);
}

/* Who read what self is about to write, unordered; self where nobody did. */
unsigned reader(const Record &r, unsigned self)
{
    const unsigned warp = self / 32;
    if (by_other_block(r.first_read))
        return OTHER_BLOCK;
    if (r.read_phase != phase)
        return self;
    if (r.reading_warp != warp)
        return r.reading_warp == SEVERAL
                   ? SEVERAL
                   : 32 * r.reading_warp + static_cast<unsigned>(__builtin_ctz(r.lanes));
    for (unsigned l = 0; l < 32; l++)
        if (r.lanes >> l & 1 && !ordered(phase, r.read_stamp, warp * 32 + l, self))
            return warp * 32 + l;
    return self;
}

/* At most 4 bytes of one word. */
void note(const Array &array, char *data, unsigned bytes, ptx::Kind kind, const Where *where)
{
    const size_t offset = static_cast<size_t>(data - array.data);
    Record &r = array.records[offset / 4];
    const unsigned self = emulation::thread();
    const uint8_t which = static_cast<uint8_t>(((1u << bytes) - 1) << offset % 4);
    const bool again = kind == ptx::ATOMIC && r.atomic; /* atomic updates do not race */
    const bool before = ordered(r.write_phase, r.write_stamp, r.writer, self);
    if ((r.written & which) && !again && (!before || by_other_block(r.first_write)))
        race(array, data, kinds[r.atomic ? ptx::ATOMIC : ptx::WRITE], r.write_place,
             r.write_phase == phase ? r.writer : OTHER_BLOCK, kinds[kind], where);
    if (kind == ptx::READ)
        return note_read(r, which, self, where);
    const unsigned from = r.read & which ? reader(r, self) : self;
    if (from != self)
        race(array, data, kinds[ptx::READ], r.read_place, from, kinds[kind], where);
    if (!again || !r.first_write)
        r.first_write = phase;
    if (!again || before) { /* of atomic updates the first stays */
        r.write_phase = phase;
        r.write_stamp = stamps[self / 32];
        r.writer = static_cast<uint16_t>(self);
        r.write_place = pack(where);
    }
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
    if (!last_global || data < last_global->data ||
        data + bytes > last_global->data + last_global->bytes)
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
} /* namespace */

namespace ptx
{
Kernel::Kernel(const char *name, void (*run)(char **), const size_t *sizes, unsigned threads,
               const char *file)
    : name(name), run(run), sizes(sizes), threads(threads), file(file), next(kernels)
{
    kernels = this;
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

void *access(Space space, Kind kind, uint64_t address, unsigned bytes, const Where *where)
{
    static const char *const names[] = {"generic", "global", "shared", "local", "const", "param"};
    char *data = space == SHARED ? shared_base() + address : reinterpret_cast<char *>(address);
    Array *array = nullptr;
    bool inside = false;
    if (address % bytes)
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
} /* namespace ptx */
