/* count.h - what PTX executed on a CPU does: instructions, accesses, and the clocks they might
 * take. The translated kernels call hit() and at(); the program calls print() after a launch. */
#ifndef COUNT_H
#define COUNT_H

#include <cstddef>
#include <cstdint>

namespace count
{

/* All instructions of the module, a line each: its name, how many of the registers that follow it
 * writes, and those; it reads the others. And how many registers the module has. */
bool know(const char *sites, int registers);
/* The running thread executes the instruction. */
void hit(int site);
/* It accesses memory there; returns the place. */
void *at(int site, void *place);

/* It moves a fragment of a matrix of 16 x 8, 8 x 16 or 16 x 16 that begins there, number by number
 * as mma.m16n8k8 has them in its lanes (PTX ISA): wmma's own order nobody may know. */
uint64_t tile(int site, uint64_t place, unsigned rows, unsigned columns, unsigned stride,
              bool by_columns);

/* One line of what one block did, whose dynamic shared memory has so many bytes. */
extern size_t shared;
void print(int L);

} // namespace count

#endif
