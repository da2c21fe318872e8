/* peak.h - what a core can do at best: the yardstick of `eer bench`. */
#ifndef EER_PEAK_H
#define EER_PEAK_H

/* Single-precision fused multiply-adds a second (each lane counts) of this thread, measured for
 * about `seconds` on independent chains in registers. isa: text that names "avx512" or "avx2";
 * otherwise four lanes of plain C, a product and a sum counting as two. */
double eer_peak(const char *isa, double seconds);

#endif
