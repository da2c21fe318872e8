/* config.h - the whole configuration of a run: task, model, loss, optimiser (spec/model.md).
 *
 * One table says everything about every key: name, type, range, default, source. The structure, the
 * parser, --print-config, the man page's list and the checkpoint's metadata all follow from it.
 * Sources: "5.1" is a section of the paper, "eq. 3" an equation, "T1" its Table 1; "ours" is our
 * choice, argued in spec/model.md. Defaults are the paper's where it says something. */
#ifndef EER_CONFIG_H
#define EER_CONFIG_H

#include <stdint.h>

enum eer_generator { EER_IID, EER_NEVER_REPEAT };
enum eer_form { EER_FULL, EER_LAST };
enum eer_mask { EER_MASK_NONE, EER_MASK_CAUSAL };
enum eer_norm { EER_NORM_NONE, EER_NORM_PRE, EER_NORM_POST };
enum eer_activation { EER_GELU, EER_RELU };
enum eer_kinetic { EER_KINETIC_NORM, EER_KINETIC_SQUARED, EER_KINETIC_PATH, EER_KINETIC_FROBENIUS };
enum eer_schedule { EER_CONSTANT, EER_LINEAR, EER_COSINE };

/* The words of each enumeration, in the order of its values, separated by '|'. */
#define EER_WORDS_generator  "iid|never-repeat"
#define EER_WORDS_form       "full|last"
#define EER_WORDS_mask       "none|causal"
#define EER_WORDS_norm       "none|pre|post"
#define EER_WORDS_activation "gelu|relu"
#define EER_WORDS_kinetic    "norm|squared|path|frobenius"
#define EER_WORDS_schedule   "constant|linear|cosine"

enum {
    EER_MAX_VOCAB = 64,
    EER_MAX_D = 64,
    EER_MAX_MLP = 256,
    EER_MAX_LOOPS = 1000,
    EER_MAX_BATCH = 4096,
    EER_MAX_LENGTH = 1024,         /* of a training sequence */
    EER_MAX_EVAL_LENGTH = 1000000, /* of an evaluated sequence */
    EER_MAX_STEPS = 100000000,
};

/* WHOLE(key, default, least, most, doc), REAL(key, default, least, most, doc),
 * WORD(key, enumeration, default, doc). Both ends of a range are allowed values. */
#define EER_CONFIG_TABLE(WHOLE, REAL, WORD)                                                        \
    WHOLE(vocab, 3, 2, EER_MAX_VOCAB, "alphabet size V; class V is \"no match\" (ours)")           \
    WORD(generator, generator, EER_IID,                                                            \
         "iid tokens, or never the same token twice running (ours)")                               \
    WORD(form, form, EER_FULL, "loss on every position (5.1) or on the last token only (4.2)")     \
    WHOLE(length_min, 16, 1, EER_MAX_LENGTH, "shortest training sequence (T1)")                    \
    WHOLE(length_max, 64, 1, EER_MAX_LENGTH, "longest training sequence (T1)")                     \
    WHOLE(batch, 32, 1, EER_MAX_BATCH, "sequences a step, B (T1)")                                 \
    WHOLE(d, 8, 4, EER_MAX_D, "latent dimension, a multiple of 4 (T1)")                            \
    WHOLE(loops, 25, 1, EER_MAX_LOOPS, "recurrence depth T (T1)")                                  \
    REAL(tau, 1.0, 1e-3, 1e3, "softmax temperature tau (5.4; no value printed)")                   \
    WORD(mask, mask, EER_MASK_NONE, "which keys a query sees (the paper prints no mask)")          \
    REAL(slope, 0.0, 0.0, 100.0, "recency bias: score -= slope |i - j| (ours)")                    \
    REAL(pe_scale, 0.15, 0.0, 100.0, "factor of the sinusoidal position encoding (T1)")            \
    WHOLE(bos, 0, 0, 1, "1: a begin-of-sequence row before the tokens (ours)")                     \
    WORD(norm, norm, EER_NORM_PRE, "where layer norm stands in the block (6.1 names it only)")     \
    WHOLE(final_norm, 0, 0, 1, "1: layer norm before the read-out (ours)")                         \
    WHOLE(mlp, 32, 0, EER_MAX_MLP, "width of the MLP; 0: none (6.1 names it only)")                \
    WORD(activation, activation, EER_GELU, "of the MLP; gelu is the one with erf (ours)")          \
    WORD(kinetic, kinetic, EER_KINETIC_NORM, "reading of the kinetic term (eq. 3; model.md 4.2)")  \
    REAL(q, 1.5, 1.015625, 2.0, "index of the Tsallis entropy (6.1)")                              \
    REAL(eta, 0.0, -100.0, 100.0, "target entropy (6.1)")                                          \
    REAL(lambda_P, 0.1, 0.0, 1e3, "weight of the potential (6.1)")                                 \
    REAL(lambda_K, 0.001, 0.0, 1e3, "weight of the kinetic term (6.1)")                            \
    REAL(lambda_S, 0.02, 0.0, 1e3, "weight of the entropy term (6.1)")                             \
    WORD(lambda_schedule, schedule, EER_CONSTANT,                                                  \
         "how the three weights go over the steps (ours)")                                         \
    REAL(lambda_final, 0.0, 0.0, 1e3, "their factor at the last step, unless constant (ours)")     \
    REAL(lr, 0.001, 0.0, 10.0, "learning rate (T1)")                                               \
    WORD(lr_schedule, schedule, EER_CONSTANT, "constant, or falling to 0 at the last step (ours)") \
    WHOLE(warmup, 0, 0, EER_MAX_STEPS, "steps of linear warm-up of the learning rate (ours)")      \
    REAL(weight_decay, 0.1, 0.0, 10.0, "decoupled, on every parameter (T1)")                       \
    REAL(beta1, 0.9, 0.0, 0.9999999, "AdamW (ours: the usual values)")                             \
    REAL(beta2, 0.999, 0.0, 0.9999999, "AdamW")                                                    \
    REAL(epsilon, 1e-8, 1e-16, 1.0, "AdamW")                                                       \
    REAL(clip, 0.0, 0.0, 1e9, "largest global gradient norm; 0: no clipping (ours)")               \
    WHOLE(steps, 20000, 1, EER_MAX_STEPS, "training steps (T1)")                                   \
    WHOLE(eval_every, 500, 1, EER_MAX_STEPS, "steps between two evaluations (Table 2)")            \
    WHOLE(eval_sequences, 32, 1, 100000, "sequences a length at such an evaluation (ours)")

struct eer_config {
#define EER_WHOLE(key, value, least, most, doc) int key;
#define EER_REAL(key, value, least, most, doc)  double key;
#define EER_WORD(key, enumeration, value, doc)  enum eer_##enumeration key;
    EER_CONFIG_TABLE(EER_WHOLE, EER_REAL, EER_WORD)
#undef EER_WHOLE
#undef EER_REAL
#undef EER_WORD
    uint64_t seed; /* the key of every random number (random.h) */
};

#endif
