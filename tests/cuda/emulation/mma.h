/*
 * The emulation of CUDA's mma.h: nvcuda::wmma for TF32, 16 x 16 x 8, and float accumulators.
 *
 * Every *_sync function waits for all 32 lanes of the warp and, like a shuffle, orders no memory:
 * load_matrix_sync reads before it waits and store_matrix_sync writes after it has, so that a
 * missing __syncwarp or __syncthreads shows as stale data, and every lane reads the whole tile, so
 * that ThreadSanitizer knows of each read. Which lane has which element is not CUDA's map (nobody
 * may know that) but a scrambled one, another for each kind of fragment. A pointer that is not
 * aligned to 32 bytes and an ldm that is no multiple of 4 are errors; so is an ldm below the tile's
 * width in a store.
 *
 * mma_sync rounds its operands as EMULATION_TF32 says, and truncates them unless told, as a bare
 * mma.sync does; for what __float_to_tf32 has converted all three are the same. It adds in float,
 * in the order of k: hardware adds otherwise, and less exactly.
 */
#ifndef EER_EMULATION_MMA_H
#define EER_EMULATION_MMA_H

#include <cuda_runtime.h>

namespace emulation
{
/* x with 11 significant bits. */
inline float to_tf32(float x, Tf32 how)
{
    uint32_t bits = emulation_bits<uint32_t>(x);
    if (x != x)
        return x;
    if (how == TIES_AWAY)
        bits += 0x1000;
    else if (how == TIES_EVEN)
        bits += 0xfff + (bits >> 13 & 1);
    return emulation_bits<float>(bits & ~0x1fffu);
}
} /* namespace emulation */

namespace nvcuda
{
namespace wmma
{
struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
namespace precision
{
struct tf32;
}
enum layout_t { mem_row_major, mem_col_major };

/* ROWS x COLUMNS numbers, 32nds of which each lane has; place s (lane by lane) holds the element
 * number s ODD + SHIFT modulo their number, counted by rows. */
template <unsigned ROWS, unsigned COLUMNS, unsigned ODD, unsigned SHIFT> struct emulated_fragment {
    static constexpr unsigned rows = ROWS, columns = COLUMNS, size = ROWS * COLUMNS;
    static constexpr int num_elements = size / 32;
    float x[num_elements];

    emulated_fragment()
    {
        emulation::poison(x, sizeof x);
    }
    static unsigned element(unsigned lane, unsigned k)
    {
        return ((lane * num_elements + k) * ODD + SHIFT) % size;
    }
    static constexpr unsigned inverse()
    {
        unsigned n = 1;
        while (n * ODD % size != 1)
            n++;
        return n;
    }
    static unsigned place(unsigned row, unsigned column)
    {
        constexpr unsigned back = inverse();
        return (row * COLUMNS + column + size - SHIFT) * back % size;
    }
};

template <class Use, int m, int n, int k, class T, class Layout = void> struct fragment;
template <>
struct fragment<matrix_a, 16, 16, 8, precision::tf32, row_major> : emulated_fragment<16, 8, 37, 5> {
    static constexpr bool by_rows = true;
};
template <>
struct fragment<matrix_a, 16, 16, 8, precision::tf32, col_major>
    : emulated_fragment<16, 8, 101, 77> {
    static constexpr bool by_rows = false;
};
template <>
struct fragment<matrix_b, 16, 16, 8, precision::tf32, row_major>
    : emulated_fragment<8, 16, 53, 19> {
    static constexpr bool by_rows = true;
};
template <>
struct fragment<matrix_b, 16, 16, 8, precision::tf32, col_major>
    : emulated_fragment<8, 16, 75, 90> {
    static constexpr bool by_rows = false;
};
template <> struct fragment<accumulator, 16, 16, 8, float> : emulated_fragment<16, 16, 93, 141> {
};

inline float __float_to_tf32(float x)
{
    return emulation::to_tf32(x, emulation::TIES_AWAY);
}

template <class Use, class T, class Layout>
void fill_fragment(fragment<Use, 16, 16, 8, T, Layout> &f, float value)
{
    for (float &x : f.x)
        x = value;
}

inline void emulated_check(const char *what, const void *p, unsigned ldm, emulation::Where where)
{
    if (reinterpret_cast<uintptr_t>(p) % 32 != 0)
        emulation::fatal("%s at %s:%d: %p is not aligned to 32 bytes", what, where.file, where.line,
                         p);
    if (ldm % 4 != 0)
        emulation::fatal("%s at %s:%d: ldm = %u is no multiple of 4", what, where.file, where.line,
                         ldm);
}

template <class F>
void emulated_load(F &f, const float *p, unsigned ldm, bool by_rows, emulation::Where where)
{
    float tile[F::size];
    emulated_check("load_matrix_sync", p, ldm, where);
    for (unsigned i = 0; i < F::rows; i++)
        for (unsigned j = 0; j < F::columns; j++)
            tile[i * F::columns + j] = p[by_rows ? i * ldm + j : j * ldm + i];
    emulation::warp("load_matrix_sync", 0xffffffffu, false, where);
    for (unsigned k = 0; k < static_cast<unsigned>(F::num_elements); k++)
        f.x[k] = tile[F::element(emulation::lane(), k)];
}
template <class Use, class Layout>
void load_matrix_sync(fragment<Use, 16, 16, 8, precision::tf32, Layout> &f, const float *p,
                      unsigned ldm, emulation::Where where = emulation::Where::here())
{
    emulated_load(f, p, ldm, f.by_rows, where);
}
inline void load_matrix_sync(fragment<accumulator, 16, 16, 8, float> &f, const float *p,
                             unsigned ldm, layout_t layout,
                             emulation::Where where = emulation::Where::here())
{
    emulated_load(f, p, ldm, layout == mem_row_major, where);
}

inline void store_matrix_sync(float *p, const fragment<accumulator, 16, 16, 8, float> &f,
                              unsigned ldm, layout_t layout,
                              emulation::Where where = emulation::Where::here())
{
    emulated_check("store_matrix_sync", p, ldm, where);
    if (ldm < 16)
        emulation::fatal("store_matrix_sync at %s:%d: ldm = %u, the tile is 16 wide", where.file,
                         where.line, ldm);
    emulation::warp("store_matrix_sync", 0xffffffffu, false, where);
    for (unsigned k = 0; k < static_cast<unsigned>(f.num_elements); k++) {
        const unsigned e = f.element(emulation::lane(), k), i = e / f.columns, j = e % f.columns;
        p[layout == mem_row_major ? i * ldm + j : j * ldm + i] = f.x[k];
    }
}

/* No data race: the operands pass from register to register on a device. */
template <class LayoutA, class LayoutB>
__attribute__((no_sanitize("thread"), noinline)) void
mma_sync(fragment<accumulator, 16, 16, 8, float> &d,
         const fragment<matrix_a, 16, 16, 8, precision::tf32, LayoutA> &a,
         const fragment<matrix_b, 16, 16, 8, precision::tf32, LayoutB> &b,
         const fragment<accumulator, 16, 16, 8, float> &c,
         emulation::Where where = emulation::Where::here())
{
    struct {
        const float *a, *b;
    } operands = {a.x, b.x}, *other = &operands, *of[32];
    const emulation::Tf32 how = emulation::tf32_rounding(emulation::TRUNCATE);
    const unsigned lane = emulation::lane();
    float sum[8];
    __builtin_memcpy(emulation::slot(lane), &other, sizeof other);
    emulation::warp("mma_sync", 0xffffffffu, false, where);
    for (unsigned l = 0; l < 32; l++)
        __builtin_memcpy(&of[l], emulation::slot(l), sizeof other);
    for (unsigned e = 0; e < 8; e++) {
        const unsigned element = c.element(lane, e), i = element / 16, j = element % 16;
        sum[e] = c.x[e];
        for (unsigned k = 0; k < 8; k++) {
            const unsigned at_a = a.place(i, k), at_b = b.place(k, j);
            sum[e] += emulation::to_tf32(of[at_a / 4]->a[at_a % 4], how) *
                      emulation::to_tf32(of[at_b / 4]->b[at_b % 4], how);
        }
    }
    emulation::warp("mma_sync", 0xffffffffu, false, where);
    __builtin_memcpy(d.x, sum, sizeof sum);
}
} /* namespace wmma */
} /* namespace nvcuda */

#endif
