// products.cuh - matrix products of a thread block, their operands rounded if the precision is TF32
// (spec/model.md, 5.8).
//
// FP32: a thread an element, the sum in its order. TF32: a warp a tile of 16 x 16 elements, by its
// tensor cores. Operands are used where they are if a tile of them is whole and aligned: with d = 8
// a tile of 16 rows of an N x d array, unless it is the last of an N that is no multiple of 16.
// Everything else - edges, weights, what is narrower than a tile - goes through the warp's own
// CUDA_STAGE numbers of shared memory, with zeros beyond the edge. Padding all arrays instead would
// double those that are 8 wide, 30 KiB with N = 64; the stages take 8 KiB, so that a block with N =
// 64, T = 25 and its states (113 KiB) still fits twice into the 227 KiB of sm_90 and sm_100, once
// into the 163 of sm_80, and without its states into the 99 of sm_120.
#ifndef CUDA_PRODUCTS_CUH
#define CUDA_PRODUCTS_CUH

#include <cstdint>
#include <type_traits>

#include <mma.h>

#include "rows.cuh"

// An operand that is multiplied outside the tensor cores. What the conversion leaves in the bits
// that TF32 does not have, they do not look at; here they have to be 0.
template <bool TF32> __device__ inline float operand(float x)
{
    if constexpr (TF32)
        return __uint_as_float(__float_as_uint(nvcuda::wmma::__float_to_tf32(x)) & 0xffffe000u);
    else
        return x;
}

// A matrix in memory: element (i, j) is x[i stride + j], or x[j stride + i] if it is not by rows.
template <bool BY_ROWS> struct matrix {
    static constexpr bool by_rows = BY_ROWS;
    const float *x;
    int stride;
    __device__ float operator()(int i, int j) const
    {
        return BY_ROWS ? x[i * stride + j] : x[j * stride + i];
    }
};

__device__ inline matrix<true> rows_of(const float *x, int stride)
{
    return {x, stride};
}

// Of what lies at x in rows of `stride` numbers.
__device__ inline matrix<false> transposed(const float *x, int stride)
{
    return {x, stride};
}

// ---- tiles of one warp ------------------------------------------------------------------------

enum { DEPTH = 8, TILE_SIDE = 16 };
static_assert(CUDA_STAGE == TILE_SIDE * TILE_SIDE, "a stage holds a tile of sums");

using sums_tile =
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, TILE_SIDE, TILE_SIDE, DEPTH, float>;
template <class Use, bool BY_ROWS>
using operand_tile = nvcuda::wmma::fragment<
    Use, TILE_SIDE, TILE_SIDE, DEPTH, nvcuda::wmma::precision::tf32,
    std::conditional_t<BY_ROWS, nvcuda::wmma::row_major, nvcuda::wmma::col_major>>;

__device__ inline int lane_of_warp()
{
    return static_cast<int>(threadIdx.x % 32);
}

// The tile of m, which has rows x columns elements, that begins at (row, column).
template <class Use, bool BY_ROWS>
__device__ __forceinline__ void load(operand_tile<Use, BY_ROWS> &tile, const matrix<BY_ROWS> &m,
                                     int row, int column, int rows, int columns, float *stage)
{
    constexpr bool left = std::is_same<Use, nvcuda::wmma::matrix_a>::value;
    // In memory a tile is `across` lines of `along` numbers.
    constexpr int along = left == BY_ROWS ? DEPTH : TILE_SIDE, across = DEPTH * TILE_SIDE / along;
    const int line = BY_ROWS ? row : column, place = BY_ROWS ? column : row;
    const int lines = (BY_ROWS ? rows : columns) - line;
    const int places = (BY_ROWS ? columns : rows) - place;
    const float *from = m.x + line * m.stride + place;
    if (lines >= across && places >= along && m.stride % 4 == 0 &&
        reinterpret_cast<uintptr_t>(from) % 32 == 0) {
        nvcuda::wmma::load_matrix_sync(tile, from, static_cast<unsigned>(m.stride));
    } else {
        const int own = lane_of_warp() * 4, i = own / along, j = own % along;
        __syncwarp(); // the stage has been read
#pragma unroll
        for (int k = 0; k < 4; k++)
            stage[own + k] = i < lines && j + k < places ? from[i * m.stride + j + k] : 0.0f;
        __syncwarp();
        nvcuda::wmma::load_matrix_sync(tile, stage, along);
    }
#pragma unroll
    for (int k = 0; k < tile.num_elements; k++)
        tile.x[k] = nvcuda::wmma::__float_to_tf32(tile.x[k]);
}

// sums, by rows, in the stage, for all lanes to read.
__device__ __forceinline__ void store(float *stage, const sums_tile &sums)
{
    __syncwarp(); // the stage has been read
    nvcuda::wmma::store_matrix_sync(stage, sums, TILE_SIDE, nvcuda::wmma::mem_row_major);
    __syncwarp();
}

// ---- products of a block ----------------------------------------------------------------------

// What is handed out between two barriers, round and round, one thing after the other, so that
// small ones are not all the same threads'. Threads begin at the last, since rows, which do not
// take part in this, go to the first; tiles at the first warp.
struct turns {
    int element = static_cast<int>(blockDim.x - 1 - threadIdx.x); // this thread's next
    int tile = static_cast<int>(threadIdx.x / 32);                // this warp's next
    // work(k) for this thread's elements k of the next n.
    template <class Work> __device__ __forceinline__ void elements(int n, Work work)
    {
        for (; element < n; element += static_cast<int>(blockDim.x))
            work(element);
        element -= n;
    }
    // work(k) for this warp's tiles k of the next n.
    template <class Work> __device__ __forceinline__ void tiles(int n, Work work)
    {
        for (; tile < n; tile += static_cast<int>(blockDim.x / 32))
            work(tile);
        tile -= n;
    }
};

// end(i, j, start(i, j) + sum over k of a(i, k) b(k, j)) of rows x columns elements, by any thread,
// but in two products of the same size and turn by the same one.
template <bool TF32, class A, class B, class Start, class End>
__device__ __forceinline__ void product(float *stage, int rows, int columns, int depth, const A &a,
                                        const B &b, turns &turn, Start start, End end)
{
    if constexpr (TF32) {
        const int across = (columns + TILE_SIDE - 1) / TILE_SIDE;
        turn.tiles((rows + TILE_SIDE - 1) / TILE_SIDE * across, [&](int t) {
            const int row = t / across * TILE_SIDE, column = t % across * TILE_SIDE;
            sums_tile sums;
            nvcuda::wmma::fill_fragment(sums, 0.0f);
#pragma unroll 1 // the loads are long
            for (int k = 0; k < depth; k += DEPTH) {
                operand_tile<nvcuda::wmma::matrix_a, A::by_rows> left;
                operand_tile<nvcuda::wmma::matrix_b, B::by_rows> right;
                load(left, a, row, k, rows, depth, stage);
                load(right, b, k, column, depth, columns, stage);
                nvcuda::wmma::mma_sync(sums, left, right, sums);
            }
            store(stage, sums);
#pragma unroll 1 // what end() does may be long
            for (int e = lane_of_warp(); e < CUDA_STAGE; e += 32) {
                const int i = row + e / TILE_SIDE, j = column + e % TILE_SIDE;
                if (i < rows && j < columns)
                    end(i, j, start(i, j) + stage[e]);
            }
        });
    } else {
        turn.elements(rows * columns, [&](int e) {
            // Without a sign, which would take longer, and no second division.
            const int i =
                static_cast<int>(static_cast<unsigned>(e) / static_cast<unsigned>(columns));
            const int j = e - i * columns;
            float sum = start(i, j);
            for (int k = 0; k < depth; k++)
                sum += a(i, k) * b(k, j);
            end(i, j, sum);
        });
    }
}

#endif
