/*
 * Operations that a line of C++ is not enough for: of whole warps, and rounded as they are told.
 * Compiled with -frounding-math.
 */
#include "ptx.h"

using emulation::fatal;

namespace ptx
{
/* What each lane of each warp shows the others. */
static uint32_t shown[32][32][20];

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
    return shown[emulation::thread() / 32];
}
static uint32_t (*mine())[20]
{
    return &shown[emulation::thread() / 32][emulation::lane()];
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
            access(space, READ, element(i, columns, by_columns, address, stride), 4, where));
}
void wmma_store(const uint32_t *fragment, bool by_columns, Space space, uint64_t address,
                uint32_t stride, const Where *where)
{
    same_for_all("wmma.store", address, stride, where);
    for (unsigned i = 0; i < 8; i++)
        *static_cast<uint32_t *>(access(space, WRITE, element(i, 16, by_columns, address, stride),
                                        4, where)) = fragment[i];
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
