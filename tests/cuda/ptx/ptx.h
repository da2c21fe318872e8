/*
 * What the C++ that translate.py makes of PTX calls: the operations that C++ does not spell, and
 * the checked accesses to memory. Names are PTX's; an operation's operands have the types that its
 * suffix says.
 *
 * Where a device only approximates (ex2, lg2, rsqrt, sin, cos, tanh, and div, rcp, sqrt with
 * .approx), the value in double, rounded once, stands in. A NaN's bits are C++'s, not PTX's.
 */
#ifndef EER_EMULATION_PTX_H
#define EER_EMULATION_PTX_H

#include "../emulation/cuda_runtime.h"

#include <cfenv>
#include <cfloat>
#include <limits>

namespace ptx
{
using emulation::Where;
__extension__ typedef __int128 Long;
__extension__ typedef unsigned __int128 ULong;

struct Kernel {
    Kernel(const char *name, void (*run)(char **parameters), const size_t *sizes, unsigned threads,
           const char *file);
    const char *name; /* mangled */
    void (*run)(char **parameters);
    const size_t *sizes; /* of the parameters; ends with 0 */
    unsigned threads;    /* of a block, at most */
    const char *file;
    Kernel *next;
};

/* A variable of the module, so that accesses to it are known to be right. */
struct Variable {
    Variable(char *data, size_t bytes, const char *name, bool constant);
    char *data;
    size_t bytes;
    const char *name;
    bool constant;
    Variable *next;
};

/* A function's .local memory, as long as the function runs. */
struct Frame {
    Frame(char *data, size_t bytes);
    ~Frame();
    char *data;
    size_t bytes;
    Frame *next;
};

/* The shared address of an array of the block; the first thread to ask makes it. */
uint32_t shared(const void *key, size_t bytes, const char *name);
/* To and from generic addresses. */
uint64_t shared_to_generic(uint64_t);
uint64_t generic_to_shared(uint64_t);

enum Space { GENERIC, GLOBAL, SHARED, LOCAL, CONST, PARAM };
enum Kind { READ, WRITE, ATOMIC };
/* Where the bytes are, once all checks have passed. */
void *access(Space, Kind, uint64_t address, unsigned bytes, const Where *);
[[noreturn]] void trap(const char *what, const Where *);
void fence();

uint32_t shfl(char mode, uint32_t value, uint32_t b, uint32_t c, uint32_t mask, bool &inside,
              const Where *);
/* Fragments of m16n16k8: lane l holds the elements l, l + 32, .. in the order of rows. */
void wmma_load(uint32_t *fragment, unsigned rows, unsigned columns, bool by_columns, Space,
               uint64_t address, uint32_t stride, const Where *);
void wmma_store(const uint32_t *fragment, bool by_columns, Space, uint64_t address, uint32_t stride,
                const Where *);
void wmma_mma(float *d, const uint32_t *a, const uint32_t *b, const float *c, const Where *);

/* a + b, a * b, a / b, a * b + c, sqrt a, or a to an integer, rounded as mode says (fesetround). */
float directed(char operation, int mode, float a, float b = 0, float c = 0);
double directed(char operation, int mode, double a, double b = 0, double c = 0);
/* An integer or a double to a float or double. */
template <class To, class From> To convert(int mode, From from)
{
    volatile From x = from;
    fesetround(mode);
    volatile To to = static_cast<To>(x);
    fesetround(FE_TONEAREST);
    return to;
}

template <class To, class From> inline __attribute__((always_inline)) To bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "same size");
    return __builtin_bit_cast(To, from);
}
inline float flush(float x)
{
    return __builtin_fabsf(x) < FLT_MIN ? __builtin_copysignf(0, x) : x;
}
template <class T> T saturate(T x)
{
    return x > 0 ? x < 1 ? x : 1 : 0; /* NaN: 0 */
}
/* +0 is more than -0; NaN only where both are, or where one is and nan says so. */
template <class T> T least(T a, T b, bool nan)
{
    if (a != a || b != b)
        return nan || (a != a && b != b)
                   ? bits<T>(~std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>(0) >> 1)
               : a != a ? b
                        : a;
    return a < b || (a == b && std::signbit(a)) ? a : b;
}
template <class T> T most(T a, T b, bool nan)
{
    if (a != a || b != b)
        return least(a, b, nan);
    return a > b || (a == b && !std::signbit(a)) ? a : b;
}
template <class T> T divide(T a, T b, bool remainder, const Where *where)
{
    if (b == 0)
        trap("division by zero", where);
    if (std::is_signed<T>::value && b == static_cast<T>(-1))
        return remainder ? 0 : static_cast<T>(-static_cast<std::make_unsigned_t<T>>(a));
    return remainder ? static_cast<T>(a % b) : static_cast<T>(a / b);
}
template <class T> T mul_hi(T a, T b)
{
    typedef std::conditional_t<std::is_signed<T>::value, Long, ULong> Wide;
    return static_cast<T>(static_cast<Wide>(a) * b >> 8 * sizeof(T));
}
/* Shifts by more than the width are by the width. */
template <class T> T shl(T a, uint32_t n)
{
    return n < 8 * sizeof(T) ? static_cast<T>(a << n) : 0;
}
template <class T> T shr(T a, uint32_t n)
{
    return n < 8 * sizeof(T) ? static_cast<T>(a >> n) : static_cast<T>(a < 0 ? -1 : 0);
}
/* To integers: NaN is 0, what is out of range the nearest; x is an integer already. */
template <class I, class F> I to_integer(F x)
{
    typedef std::numeric_limits<I> Limits;
    const F end = 2 * static_cast<F>(Limits::max() / 2 + 1); /* a power of two */
    return x != x                              ? 0
           : x >= end                          ? Limits::max()
           : x < static_cast<F>(Limits::min()) ? Limits::min()
                                               : static_cast<I>(x);
}
template <class To, class From> To clamp(From x) /* cvt.sat between integers */
{
    const Long wide = x, low = std::numeric_limits<To>::min();
    const Long high = std::numeric_limits<To>::max();
    return static_cast<To>(wide < low ? low : wide > high ? high : wide);
}
inline uint32_t tf32(float x) /* cvt.rna.tf32.f32 */
{
    return x != x ? 0x7fffffff : (bits<uint32_t>(x) + (std::isinf(x) ? 0 : 0x1000)) & 0xffffe000;
}
template <class T> uint32_t clz(T a)
{
    uint32_t n = 8 * sizeof a;
    for (; a; a >>= 1)
        n--;
    return n;
}
template <class T> uint32_t popc(T a)
{
    return static_cast<uint32_t>(__builtin_popcountll(a));
}
template <class T> T brev(T a)
{
    T reversed = 0;
    for (unsigned i = 0; i < 8 * sizeof a; i++)
        reversed = static_cast<T>(reversed << 1 | (a >> i & 1));
    return reversed;
}
/* The highest bit that is not the sign's, or -1; or how far it is from the highest place. */
template <class T> uint32_t bfind(T a, bool shiftamt)
{
    std::make_unsigned_t<T> u = static_cast<std::make_unsigned_t<T>>(a < 0 ? ~a : a);
    uint32_t zeros = clz(u), width = 8 * sizeof a;
    return u == 0 ? 0xffffffff : shiftamt ? zeros : width - 1 - zeros;
}
template <class T> T bfe(T a, uint32_t b, uint32_t c)
{
    const uint32_t width = 8 * sizeof a, at = b & 255, length = c & 255;
    /* Bits from beyond the highest are the sign's. */
    const uint32_t last = at + length - 1 < width - 1 ? at + length - 1 : width - 1;
    const bool sign = std::is_signed<T>::value && length && (a >> last & 1);
    typedef std::make_unsigned_t<T> U;
    U got = 0;
    for (uint32_t i = 0; i < width; i++)
        got |= static_cast<U>(i < length && at + i < width ? a >> (at + i) & 1 : sign) << i;
    return static_cast<T>(got);
}
template <class T> T bfi(T a, T b, uint32_t c, uint32_t d)
{
    const uint32_t width = 8 * sizeof a, at = c & 255, length = d & 255;
    for (uint32_t i = 0; i < length && at + i < width; i++)
        b = (b & ~(T(1) << (at + i))) | (a >> i & 1) << (at + i);
    return b;
}
inline uint32_t prmt(uint32_t a, uint32_t b, uint32_t c)
{
    const uint64_t bytes = static_cast<uint64_t>(b) << 32 | a;
    uint32_t d = 0;
    for (int i = 0; i < 4; i++) {
        const uint32_t selector = c >> 4 * i, byte = bytes >> 8 * (selector & 7) & 255;
        d |= (selector & 8 ? (byte & 128 ? 255 : 0) : byte) << 8 * i;
    }
    return d;
}
inline uint32_t shf(bool left, bool wrap, uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t n = wrap ? c & 31 : c < 32 ? c : 32;
    const uint64_t both = static_cast<uint64_t>(b) << 32 | a;
    return static_cast<uint32_t>(left ? both << n >> 32 : both >> n);
}
inline uint32_t lop3(uint32_t a, uint32_t b, uint32_t c, uint32_t table)
{
    uint32_t d = 0;
    for (uint32_t i = 0; i < 8; i++)
        if (table >> i & 1)
            d |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return d;
}
template <class A, class B> uint32_t dp4a(uint32_t a, uint32_t b, uint32_t c)
{
    for (int i = 0; i < 4; i++)
        c += static_cast<uint32_t>(static_cast<A>(a >> 8 * i) * static_cast<B>(b >> 8 * i));
    return c;
}
/* lg2 and so on of a float. */
inline float once(double (*function)(double), float x)
{
    return static_cast<float>(function(static_cast<double>(x)));
}
inline double rsqrt(double x)
{
    return 1 / std::sqrt(x);
}
} /* namespace ptx */

#endif
