/* What is predicted of the backend cuda: sums by hand for a small case, order in L and in models,
 * the memory of cuda/engine.cu, and cases in which a division could fail. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "../../fast/program/configuration.h"
#include "../../fast/program/predict.h"

enum { DEVICES = 4, H100 = 1, RTX5090 = 3 };

static struct eer_config config(void)
{
    struct eer_config c;
    eer_config_default(&c);
    c.vocab = 3;
    c.bos = 1;
    c.d = 8;
    c.mlp = 16;
    c.loops = 25;
    c.batch = 32;
    c.mask = EER_MASK_CAUSAL;
    c.norm = EER_NORM_PRE;
    c.final_norm = 1;
    c.q = 1.5;
    return c;
}

static struct eer_prediction train(const struct eer_config *c, int L, int models)
{
    return eer_predict_train(c, eer_device(H100), L, models, 64);
}

/* N = 3 rows, 6 pairs, 25 iterations; P = 588. */
Test(predict, sums_by_hand)
{
    struct eer_config c = config();
    const struct eer_prediction p = train(&c, 2, 1);
    const struct eer_block *b = &p.block;
    cr_assert(b->threads == 32);
    /* Forward 6, backward 10 an iteration; arrays, input, read-out 2, last state, embedding. */
    cr_assert(b->barriers == 16 * 25 + 6);
    /* 15 matrices of 24, 2 x 16 + 14 numbers a row, weights and gradient, 26 states. */
    cr_assert(b->shared == 4 * (15 * 24 + 3 * 46 + 2 * 588 + 26 * 24), "%zu", b->shared);
    /* Four exponentials a pair, two a logit. */
    cr_assert(b->exps == 4 * 6 * 25 + 2 * 3 * 4, "%f", b->exps);
    cr_assert(b->fp32 == 25 * (6 * (13 * 8 + 56) + 3 * (12 * 64 + 7 * 8 * 16 + 126 * 8)), "%f",
              b->fp32);
    cr_assert(p.launches == 4);
    cr_assert(p.blocks == 32);
}

/* The counts of tests/cuda/count.sh, which executes nvcc's PTX for sm_90: instructions and
 * wavefronts of a block, and the clocks of its longest path (spec/cuda.md). The table of costs is a
 * fit to them. */
Test(predict, counts_are_those_that_were_executed)
{
    static const struct {
        int L;
        double instructions, wavefronts, exps, roots, least, alone;
    } counted[] = {{16, 406386, 133610, 15436, 18734, 186772, 376670},
                   {40, 1036682, 359709, 86428, 94382, 445875, 573831},
                   {64, 1840453, 657790, 215020, 227630, 753204, 850475}};
    const double FIT = 0.05; /* spec/cuda.md's statement, which this test is there to keep true */
    double worst = 0.0;
    struct eer_config c = config();
    for (size_t k = 0; k < sizeof counted / sizeof *counted; k++) {
        const struct eer_block b = train(&c, counted[k].L, 1).block;
        const double ratio[] = {b.instructions / counted[k].instructions,
                                b.wavefronts / counted[k].wavefronts, b.least / counted[k].least,
                                b.alone / counted[k].alone};
        for (int r = 0; r < 4; r++)
            worst = fmax(worst, fabs(ratio[r] - 1));
        cr_assert(b.exps == counted[k].exps);
        cr_assert(b.roots == counted[k].roots, "%f", b.roots);
    }
    cr_log_info("counts: %.0f %% of what spec/cuda.md says of the fit", 100 * worst / FIT);
    cr_assert(worst < FIT, "%f", worst);
}

/* A longer sequence brings more warps, so that times may fall by one more token; work never does.
 */
Test(predict, work_grows_with_length)
{
    struct eer_config c = config();
    struct eer_prediction before = train(&c, 1, 1);
    for (int L = 2; L <= 64; L++) {
        const struct eer_prediction p = train(&c, L, 1);
        cr_assert(p.block.instructions >= before.block.instructions, "L = %d", L);
        cr_assert(p.block.wavefronts > before.block.wavefronts);
        cr_assert(p.block.fp32 > before.block.fp32);
        cr_assert(p.block.exps > before.block.exps);
        cr_assert(p.block.shared > before.block.shared);
        before = p;
    }
    for (int L = 8; L <= 32; L *= 2) {
        cr_assert(train(&c, 2 * L, 64).floor_ms > train(&c, L, 64).floor_ms);
        cr_assert(train(&c, 2 * L, 64).ms > train(&c, L, 64).ms);
    }
}

Test(predict, time_grows_with_models)
{
    struct eer_config c = config();
    for (int device = 0; device < DEVICES; device++)
        for (int models = 1; models < 128; models++) {
            const struct eer_prediction one = eer_predict_train(&c, eer_device(device), 40, models,
                                                                64),
                                        more = eer_predict_train(&c, eer_device(device), 40,
                                                                 models + 1, 64);
            cr_assert(more.floor_ms >= one.floor_ms);
            cr_assert(more.ms >= one.ms, "%d models", models);
        }
}

Test(predict, nothing_is_expected_below_the_floor)
{
    struct eer_config c = config();
    for (int device = 0; device < DEVICES; device++)
        for (int L = 1; L <= 64; L++)
            for (int models = 1; models <= 64; models *= 4) {
                const struct eer_prediction p =
                    eer_predict_train(&c, eer_device(device), L, models, 64);
                cr_assert(p.floor_ms > 0 && p.ms >= p.floor_ms, "%d %d %d", device, L, models);
            }
}

/* 99 KB do not hold the states of 65 rows, 227 KB do. */
Test(predict, states_are_where_the_longest_sequence_leaves_room)
{
    struct eer_config c = config();
    const size_t states = 4 * 26 * 17 * 8;
    const size_t with = eer_predict_train(&c, eer_device(H100), 16, 1, 64).block.shared;
    cr_assert(eer_predict_train(&c, eer_device(RTX5090), 16, 1, 64).block.shared == with - states);
    cr_assert(eer_predict_train(&c, eer_device(RTX5090), 16, 1, 16).block.shared == with);
}

Test(predict, the_smallest_cases_are_finite)
{
    struct eer_config c = config();
    c.batch = c.vocab = c.loops = 1;
    c.bos = c.mlp = c.final_norm = 0;
    c.norm = EER_NORM_NONE;
    c.d = 4;
    for (int device = 0; device < DEVICES; device++) {
        const struct eer_prediction p = eer_predict_train(&c, eer_device(device), 1, 1, 1);
        cr_assert(isfinite(p.ms) && p.ms > 0);
        cr_assert(isfinite(p.floor_ms) && p.floor_ms > 0);
        cr_assert(p.bound == EER_BOUND_LAUNCH);
        c.d = 8;
        const struct eer_prediction e = eer_predict_evaluate(&c, eer_device(device), 1, 1);
        cr_assert(isfinite(e.ms) && e.ms >= e.floor_ms && e.floor_ms > 0);
        c.d = 4;
    }
}

Test(predict, what_does_not_fit_is_not_predicted)
{
    struct eer_config c = config();
    cr_assert(eer_predict_train(&c, eer_device(H100), 1000, 1, 1000).ms == 0);
    cr_assert(eer_predict_evaluate(&c, eer_device(H100), 1000, 100000).ms == 0);
    c.d = 64;
    cr_assert(train(&c, 16, 1).ms == 0);
    cr_assert(eer_predict_evaluate(&c, eer_device(H100), 16, 1).ms == 0);
}

Test(predict, a_device_is_known_by_its_name_and_size)
{
    const struct eer_device *known = eer_device_of(
        "fp32, NVIDIA H100 80GB HBM3 (sm_90, 132 multiprocessors), a block a sequence");
    cr_assert(known == eer_device(H100));
    cr_assert(strcmp(eer_device_of("NVIDIA GeForce RTX 5090 (sm_120, 170 multiprocessors)")->word,
                     "rtx5090") == 0);
    cr_assert(eer_device_of("NVIDIA H100 PCIe (sm_90, 114 multiprocessors)") == NULL);
    cr_assert(eer_device_of("NVIDIA H200 (sm_90, 132 multiprocessors)") == NULL);
    cr_assert(eer_device_of("emulation of sm_80 (sm_80, 4 multiprocessors)") == NULL);
}
