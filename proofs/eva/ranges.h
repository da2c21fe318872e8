/* ranges.h - the sizes and the input ranges under which Eva shows ref/ free of NaN and infinity.
 *
 * Sizes are those of preset eer (run.sh writes preset.h from spec/presets/eer.conf). Keys of the
 * configuration take the whole range that spec/config.h allows them, unless a driver says why not.
 */
#ifndef EER_EVA_RANGES_H
#define EER_EVA_RANGES_H

#include "preset.h"

enum {
    D = PRESET_d,
    MLP = PRESET_mlp,
    VOCAB = PRESET_vocab,
    CLASSES = VOCAB + 1,
    LOOPS = PRESET_loops,
    BATCH = PRESET_batch,
    LENGTH = PRESET_length_max,
    SHORT = PRESET_length_min + PRESET_bos, /* N of the shortest training sequence */
    ROWS = LENGTH + PRESET_bos,             /* N of the longest training sequence */
    /* Rows where a driver runs all LOOPS iterations or all variants of a block: enough for a first
     * row, which sees one key, inner rows and a last one. Bounds grow with N only through the sum
     * over keys in attention, which the drivers with ROWS rows cover. */
    FEW = 3,
    /* Iterations through which a derivative is followed: not_covered.txt says why not LOOPS. */
    LOOPS_BACK = 2,
    EMBEDDING = (VOCAB + PRESET_bos) * D,
    /* elements of theta in the preset: spec/layout.h */
    PARAMETERS =
        EMBEDDING + 3 * D * D + 6 * D + D * MLP + MLP + MLP * D + D + D * CLASSES + CLASSES,
    STATES = (LOOPS + 1) * FEW * D, /* at least 2 SHORT D: any_work fills as many */
};

/* |parameter|. At the start at most sqrt(-2 ln 2^-25) < 6, the embedding's. AdamW's direction is at
 * most the square root of sum_i w_i^2 / u_i, w and u the weights of the gradients in its two
 * moments (Cauchy-Schwarz): below 7.3 for beta1 = 0.9, beta2 = 0.999. With weight_decay = 0.01 a
 * parameter so never passes 7.3 / 0.01 = 730. */
#define WEIGHT 1024.0

/* |x| of X: an embedding and a position encoding, whose scale is at most 100. drive_ref_input. */
#define INPUT (WEIGHT + 100)

/* |z| of the states Z_t of the preset, all t <= LOOPS, and of R. compose_ref_loop_kept. */
#define STATE 1e14

/* |x| of a row that layer norm is given in any configuration, also where nothing normalises q, k,
 * v. */
#define WIDE 1e40

/* |xhat| of a standardised row of D entries: sqrt(D) < 2.83 in the reals, its doubles are within
 * this. lemma_xhat. */
#define XHAT 3.0

/* |q|, |k|, |v| where y is a layer norm, within XHAT WEIGHT + WEIGHT: compose_ref_loop_kept. */
#define PROJECTION ((XHAT + 1) * D * WEIGHT * WEIGHT)

/* A softmax's potential: log n, at most log ROWS. compose_ref_softmax. */
#define POTENTIAL 4.2

/* |s| of scores where the whole softmax is analysed: past 709, where exp overflows. It is cut into
 * cells, in one of which the largest score lies: narrow enough for exp of twice their width, 600,
 * to be finite. */
#define SCORE            1500.0
#define CELLS            10
#define CELL_START(cell) (-SCORE + (cell)*2 * SCORE / CELLS)
#define CELL_END(cell)   CELL_START((cell) + 1)

/* |dz| of the derivative of the task for the last state. compose_ref_task_loss. */
#define TASK_SLOPE 1e13

/* |v| of every other value: gradients, moments, scores and products of a wide range. Its square,
 * times the number of summands and the largest factor of the configuration, is far from 1.8e308:
 * what Eva has to show is that nothing else makes it grow. */
#define ENTRY 1e60

#endif
