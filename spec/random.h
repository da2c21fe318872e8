/* random.h - where every random number comes from: Philox4x32-10 (Salmon, Moraes, Dror, Shaw:
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011), a function of key and counter.
 *
 *   key     = (seed mod 2^32, seed div 2^32)
 *   counter = (purpose, step, sequence, position)
 *
 * Of the four words of a block only the first, w, is used, except for normal numbers (w0 and w1).
 *   token     floor(w V / 2^32) at (purpose, step, sequence, position); with never-repeat, from the
 *             second token on: (previous + 1 + floor(w (V - 1) / 2^32)) mod V
 *   length    length_min + floor(w (length_max - length_min + 1) / 2^32) at (LENGTH, step, 0, 0)
 *   parameter at (INIT, tensor, 0, element): see spec/model.md, 3.6
 * The bias of the multiplication is below V / 2^32 a token (our choice: no rejection, so that a
 * number depends on its own counter only). */
#ifndef EER_RANDOM_H
#define EER_RANDOM_H

enum eer_purpose {
    EER_DRAW_INIT = 0,   /* initial parameters */
    EER_DRAW_LENGTH = 1, /* the length of a training step */
    EER_DRAW_TRAIN = 2,  /* training sequences; step counts from 1 */
    EER_DRAW_EVAL = 3,   /* the evaluations during training; "step" is the length L */
    EER_DRAW_FRESH = 4,  /* `eer eval`, never seen by training; "step" is the length L */
};

#endif
