#include "predict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../spec/layout.h"

/* The shape of cuda/problem.h. */
enum {
    WARP = 32,
    PARTITIONS = 4, /* of a multiprocessor: each issues one instruction a clock */
    THREADS = 256,
    WIDEST = 288, /* of training at d = 8 */
    LANES = 4,
    ROWS = WARP / LANES, /* of attention, a warp */
    TILE = 16,
    MATRICES = 15,
    VECTORS = 14,
    MAX_D = 32,
    REGISTERS = 65536, /* of a multiprocessor */
    RESERVED = 1024,   /* bytes of shared memory that a block takes for the system */
    TRAIN_LAUNCHES = 4
};

/* Assumptions, in clocks but for the gap, which no count can give (spec/cuda.md). */
static const double BARRIER = 30, SMALL_KERNELS = 7000, GAP_MS = 0.001;

/* Multiprocessors, largest clock, and limits as NVIDIA states them. */
static const struct eer_device devices[] = {
    {"a100", "A100", 108, 1410, 64, 2048, 106, 164 << 10, 163 << 10},
    {"h100", "H100", 132, 1755, 128, 2048, 96, 228 << 10, 227 << 10},
    {"b200", "B200", 148, 1965, 128, 2048, 95, 228 << 10, 227 << 10},
    {"rtx5090", "RTX 5090", 170, 2407, 128, 1536, 93, 100 << 10, 99 << 10},
};
enum { DEVICES = sizeof devices / sizeof *devices };

const struct eer_device *eer_device(int place)
{
    return &devices[place];
}

const struct eer_device *eer_device_of(const char *text)
{
    char count[40];
    for (int k = 0; k < DEVICES; k++) {
        snprintf(count, sizeof count, " %d multiprocessors", devices[k].multiprocessors);
        if (strstr(text, devices[k].match) && strstr(text, count))
            return &devices[k];
    }
    return NULL;
}

/* ---- one block: phases between barriers ------------------------------------------------------ */

/* Of a warp: instructions, clocks from the first to the last result, wavefronts. */
struct cost {
    double instructions, path, wavefronts;
};

struct work {
    int N, threads, warps, place;                      /* in what is handed out in turns */
    double busy[PARTITIONS], path[WIDEST], wavefronts; /* of the phase; path: of each thread */
    struct eer_block *block;                           /* of all */
};

static struct cost times(struct cost c, double factor)
{
    return (struct cost){factor * c.instructions, factor * c.path, factor * c.wavefronts};
}

static void warp_does(struct work *w, int warp, struct cost c)
{
    w->busy[warp % PARTITIONS] += c.instructions;
    w->wavefronts += c.wavefronts;
}

/* Items are handed out a thread one, round and round from the last thread on, beginning where the
 * items before ended; a warp pays for all of its threads alike. */
static void items(struct work *w, double count, struct cost each)
{
    for (int k = 0; k < (int)count; k++, w->place++) {
        const int thread = w->threads - 1 - w->place % w->threads;
        w->path[thread] += each.path;
        if (k == 0 || thread % WARP == WARP - 1)
            warp_does(w, thread / WARP, each);
    }
}

/* `count` sums over all rows: each item is a start, then a row at a time. */
static void sums(struct work *w, double count, struct cost start, struct cost row)
{
    const struct cost rows = times(row, w->N);
    items(w, count,
          (struct cost){start.instructions + rows.instructions, start.path + rows.path,
                        start.wavefronts + rows.wavefronts});
}

/* Keys that a lane sees for row i, or rows for key i: a step each. */
static int steps(const struct work *w, int causal, int by_keys, int i)
{
    const int seen = !causal ? w->N : by_keys ? w->N - i : i + 1;
    return (seen + LANES - 1) / LANES;
}

/* Attention over queries, and with `both` then over keys: a warp takes ROWS rows a pass, as long
 * as the longest of them; warps without a row pay a quarter of a pass. */
static void attention(struct work *w, int causal, int both, struct cost pass, struct cost step)
{
    for (int warp = 0; warp < w->warps; warp++) {
        double done = 0.0, passes = 0.0;
        for (int first = warp * ROWS; first < w->N; first += w->warps * ROWS) {
            const int last = first + ROWS < w->N ? first + ROWS - 1 : w->N - 1;
            done += steps(w, causal, 0, last) + (both ? steps(w, causal, 1, first) : 0);
            passes++;
        }
        const int idle = (w->N + w->warps * ROWS - 1) / (w->warps * ROWS) - (int)passes;
        w->busy[warp % PARTITIONS] +=
            (passes + idle / 4.0) * pass.instructions + done * step.instructions;
        w->wavefronts += passes * pass.wavefronts + done * step.wavefronts;
        for (int lane = 0; lane < WARP; lane++)
            w->path[warp * WARP + lane] += passes * pass.path + done * step.path;
    }
}

/* The next phase hands out from the last thread on, but where the kernel goes on in turns. */
static void barrier(struct work *w, double repeats)
{
    double busiest = 0.0, longest = 0.0;
    for (int k = 0; k < PARTITIONS; k++) {
        busiest = fmax(busiest, w->busy[k]);
        w->block->instructions += repeats * w->busy[k];
        w->busy[k] = 0.0;
    }
    for (int k = 0; k < w->threads; k++) {
        longest = fmax(longest, w->path[k]);
        w->path[k] = 0.0;
    }
    busiest = fmax(busiest, w->wavefronts);
    w->block->least += repeats * busiest;
    w->block->alone += repeats * (fmax(busiest, longest) + BARRIER);
    w->block->wavefronts += repeats * w->wavefronts;
    w->block->barriers += (int)repeats;
    w->wavefronts = 0.0;
    w->place = 0;
}

/* ---- the training kernel: counts of its PTX at d = 8, m = 16 -----------------------------------
 */

/* Starts of sums, and a row of a matrix's, of four columns of one, of a vector's, of a layer norm's
 * gain and bias. */
static const struct cost start = {34, 82.5, 0}, outer = {5, 15.5, 2}, four = {4.5, 6, 1.7};
static const struct cost little = {30, 130, 0}, column = {3, 15.5, 1.4}, norm = {8, 15.5, 3};

/* A thread a row, from the first on: a layer norm and what is around it. Rows lie d apart, so that
 * as many lanes as d has powers of two meet in a bank; wavefronts are a row's, where d = 8. */
static void rows(struct work *w, double d, double instructions, double path, double wavefronts)
{
    double ways = 1;
    while (ways < WARP && fmod(d, 2 * ways) == 0)
        ways *= 2;
    for (int i = 0; i < w->N; i++) {
        const int thread = i % w->threads;
        w->path[thread] += path * d / 8;
        if (thread % WARP == 0)
            warp_does(w, thread / WARP, (struct cost){instructions * d / 8, 0, 0});
    }
    w->wavefronts += w->N * wavefronts * ways / 8 * d / 8;
}

static void attention_again(struct work *w, const struct eer_config *c, struct cost pass, double T)
{
    const double d = c->d, k = d / 8;
    const int causal = c->mask == EER_MASK_CAUSAL;
    for (int which = 0; which < 3; which++)
        items(w, w->N * d, times((struct cost){39.5, 87, 11}, k));
    barrier(w, T);
    attention(w, causal, 0, pass, times((struct cost){94.5, 257, 28}, k));
    barrier(w, T);
    rows(w, d, 300, 683, 10.4);
    barrier(w, T);
}

static void mlp(struct work *w, const struct eer_config *c, double T)
{
    const double d = c->d;
    for (int begin = 0; begin < c->mlp; begin += TILE) {
        const double n = c->mlp - begin < TILE ? c->mlp - begin : TILE;
        items(w, w->N * n, times((struct cost){87, 184, 12}, d / 8));
        barrier(w, T);
        items(w, w->N * d, times((struct cost){146, 320, 49}, n / TILE));
        barrier(w, T);
    }
}

/* Of a matrix K x J, a sum over rows for each element; at d = 8 a thread has four columns. */
static void gradients(struct work *w, double d, double K, double J)
{
    if (d == 8 && fmod(J, 4) == 0)
        sums(w, K * J / 4, start, four);
    else
        sums(w, K * J, start, outer);
}

static void mlp_backward(struct work *w, const struct eer_config *c, double T)
{
    const double d = c->d;
    sums(w, d, little, column);
    for (int begin = 0; begin < c->mlp; begin += TILE) {
        const double n = c->mlp - begin < TILE ? c->mlp - begin : TILE;
        items(w, w->N * n, times((struct cost){157, 340, 48.5}, d / 8));
        const int next = w->place;
        barrier(w, T);
        w->place = next;
        gradients(w, d, n, d);
        gradients(w, d, d, n);
        sums(w, n, little, column);
        items(w, w->N * d, times((struct cost){214, 392, 95}, n / TILE));
        barrier(w, T);
    }
}

static void forward(struct work *w, const struct eer_config *c, double T)
{
    attention_again(w, c, (struct cost){275, 647, 7}, T);
    if (c->mlp > 0)
        mlp(w, c, T);
    rows(w, c->d, 425, 887, 16.3); /* Z_(t+1) and the next Y: no barrier between them */
    barrier(w, T);
}

static void backward(struct work *w, const struct eer_config *c, double T)
{
    const double d = c->d;
    const int norms = c->norm != EER_NORM_NONE;
    rows(w, d, 220, 276, 4);
    sums(w, 2 * norms * d, little, norm); /* the iteration before's first layer norm */
    barrier(w, T);
    attention_again(w, c, (struct cost){185, 468, 3}, T);
    if (c->mlp > 0 && c->norm == EER_NORM_POST)
        mlp(w, c, T);
    if (c->mlp > 0)
        mlp_backward(w, c, T);
    rows(w, d, 450, 969, 27.3);
    barrier(w, T);
    sums(w, 2 * norms * d, little, norm);
    attention(w, c->mask == EER_MASK_CAUSAL, 1, (struct cost){316, 368, 2.5},
              times((struct cost){106.5, 234, 37}, d / 8));
    barrier(w, T);
    for (int k = 0; k < 3; k++)
        gradients(w, d, d, d);
    items(w, w->N * d, times((struct cost){214, 140, 79}, d / 8));
    barrier(w, T);
    rows(w, d, 371, 643, 23.3);
    barrier(w, T);
}

/* What comes once: arrays, the input; the read-out and its backward; the embedding, the gradient's
 * way out. P: parameters. */
static void ends(struct work *w, const struct eer_config *c, double P)
{
    const double d = c->d, C = c->vocab + 1;
    items(w, P, (struct cost){16, 530, 1});
    rows(w, d, 480, 560, 1);
    barrier(w, 1);
    rows(w, d, 980, 2890, 20); /* the first Y; the losses, which follow the last state */
    barrier(w, 1);
    for (int begin = 0; begin < c->vocab + 1; begin += TILE) {
        const double n = C - begin < TILE ? C - begin : TILE;
        sums(w, 6, (struct cost){75, 368, 0}, (struct cost){18, 66, 0.9});
        items(w, w->N * n, times((struct cost){107, 370, 21}, d / 8));
        barrier(w, 1);
        sums(w, d * n, start, outer);
        sums(w, n, little, column);
        items(w, w->N * d, times((struct cost){69, 110, 13}, n / 4));
        barrier(w, 1);
    }
    rows(w, d, 373, 641, 14.4);
    sums(w, 2 * d, little, norm);
    barrier(w, 1);
    sums(w, (c->vocab + c->bos) * d, (struct cost){130, 149, 5}, (struct cost){10, 38, 2});
    items(w, w->threads, (struct cost){80, 490, 2});
    barrier(w, 1);
}

static double pairs_of(const struct eer_config *c, double N)
{
    return c->mask == EER_MASK_CAUSAL ? N * (N + 1) / 2 : N * N;
}

/* Bytes of shared memory with as much in it as fits, or 0 (cuda/engine.cu, choose_places). */
static size_t shared_of(const struct eer_config *c, size_t limit, int N, int room)
{
    struct eer_layout layout;
    eer_layout(c, &layout);
    const size_t P = (size_t)layout.size, d = (size_t)c->d, states = (size_t)c->loops + 1;
    for (size_t kept = 4; kept-- > 0;) { /* 3: also the states, 2: the gradient, 1: the weights */
        size_t bytes[2];
        for (int k = 0; k < 2; k++) {
            const size_t n = (size_t)(k ? room + c->bos : N);
            bytes[k] =
                sizeof(float) * (MATRICES * n * d + n * (2 * TILE + VECTORS) + (kept >= 1 ? P : 0) +
                                 (kept >= 2 ? P : 0) + (kept >= 3 ? states * n * d : 0));
        }
        if (bytes[1] <= limit)
            return bytes[0];
    }
    return 0;
}

static void count_block(struct eer_block *b, const struct eer_config *c, int N)
{
    struct eer_layout layout;
    const double T = c->loops, d = c->d, m = c->mlp;
    const int threads = (N * LANES + WARP - 1) / WARP * WARP, most = c->d == 8 ? WIDEST : THREADS;
    b->threads = threads < most ? threads : most;
    eer_layout(c, &layout);
    struct work w = {.N = N, .threads = b->threads, .warps = b->threads / WARP, .block = b};
    forward(&w, c, T);
    backward(&w, c, T);
    ends(&w, c, (double)layout.size);
    const double pairs = T * pairs_of(c, N), rows_all = T * N;
    b->fp32 = pairs * (13 * d + 56) + rows_all * (12 * d * d + 7 * d * m + 126 * d);
    b->exps = 4 * pairs + 2.0 * N * (c->vocab + 1);
    b->roots = (c->q == 1.5 ? 4 * pairs + 2 * rows_all : 0) + 6 * rows_all + 2 * N;
    b->global = sizeof(float) * (2.0 * layout.size + 2.0 * N + 6);
}

/* ---- from a block to a step ------------------------------------------------------------------ */

static int least(int x, int y)
{
    return x < y ? x : y;
}

/* Registers go to warps, 256 at a time, and four warps at once. */
static int resident(const struct eer_device *dev, const struct eer_block *b, int registers)
{
    const int of_warp = (registers + 7) / 8 * 8 * WARP;
    const int warps = REGISTERS / of_warp / PARTITIONS * PARTITIONS;
    const int by_registers = warps / (b->threads / WARP);
    const int by_shared = dev->shared / ((int)b->shared + RESERVED);
    return least(dev->threads / b->threads, least(by_registers, by_shared));
}

/* The largest of what the pipes of a device need for all blocks, and of one block by itself. */
static double bound_ms(struct eer_prediction *p, const struct eer_device *dev)
{
    const struct eer_block *b = &p->block;
    const double each = ceil((double)p->blocks / dev->multiprocessors);
    const double issue = each * b->instructions / PARTITIONS, fp32 = each * b->fp32 / dev->fp32;
    const double shared = each * b->wavefronts;
    const double most = fmax(fmax(issue, fp32), shared);
    p->bound = b->least > most  ? EER_BOUND_BLOCK
               : shared >= most ? EER_BOUND_SHARED
               : issue >= most  ? EER_BOUND_ISSUE
                                : EER_BOUND_FP32;
    return fmax(most, b->least) / dev->mhz / 1e3;
}

static double at_least_gaps(struct eer_prediction *p, double ms)
{
    if (p->launches * GAP_MS > ms)
        p->bound = EER_BOUND_LAUNCH;
    return fmax(ms, p->launches * GAP_MS);
}

/* A block is held up by its own path, and once by everything its neighbours issue; so many rounds
 * of resident blocks. */
static double expected_clocks(const struct eer_prediction *p, const struct eer_device *dev)
{
    const struct eer_block *b = &p->block;
    const double each = ceil((double)p->blocks / dev->multiprocessors);
    const double beside = fmin(p->resident, each), rounds = each / beside;
    const double use = fmax(fmax(b->instructions / PARTITIONS, b->fp32 / dev->fp32), b->wavefronts);
    return rounds * (b->alone + (beside - 1) * use);
}

struct eer_prediction eer_predict_train(const struct eer_config *c, const struct eer_device *dev,
                                        int L, int models, int room)
{
    const int N = L + c->bos;
    struct eer_prediction p = {.launches = TRAIN_LAUNCHES, .blocks = models * c->batch};
    p.block.shared = c->d <= MAX_D ? shared_of(c, (size_t)dev->shared_block, N, room) : 0;
    if (p.block.shared == 0)
        return p;
    count_block(&p.block, c, N);
    p.resident = resident(dev, &p.block, dev->registers);
    if (p.resident == 0)
        return p;
    p.floor_ms = at_least_gaps(&p, bound_ms(&p, dev));
    p.ms = (expected_clocks(&p, dev) + SMALL_KERNELS) / dev->mhz / 1e3 + p.launches * GAP_MS;
    return p;
}

/* ---- evaluation: counted by hand from cuda/evaluate.cu -----------------------------------------
 */

enum { KEYS = 64, EVALUATE_REGISTERS = 116 /* on sm_90 */, EVALUATE_SHARED = 6144, AT_ONCE = 1024 };
enum { TILE_STEPS = KEYS / LANES, TILE_ROWS = THREADS / LANES };

/* A key of a lane: 16 loads, without conflicts; 16 multiply-adds, the score, exp, the largest. A
 * tile: its way from the second-level cache, two barriers, and a chain a key. A row by itself. */
static const struct cost key = {53, 60, 16}, tile = {40, 650, 0}, row = {1900, 7000, 0};

struct eer_prediction eer_predict_evaluate(const struct eer_config *c, const struct eer_device *dev,
                                           int L, int sequences)
{
    const int N = L + c->bos, blocks = (N + TILE_ROWS - 1) / TILE_ROWS;
    const double warps = THREADS / WARP, T = c->loops;
    struct eer_prediction p = {.launches = 2 * c->loops + 1, .blocks = blocks * sequences};
    struct eer_block *b = &p.block;
    if (c->d != 8 || sequences > AT_ONCE)
        return p;
    const double tiles = c->mask == EER_MASK_CAUSAL ? (blocks + 1) / 2.0 : blocks;
    b->threads = THREADS;
    b->shared = EVALUATE_SHARED;
    b->barriers = 2 * (int)ceil(tiles);
    b->instructions = tiles * warps * (TILE_STEPS * key.instructions + tile.instructions);
    b->wavefronts = tiles * warps * TILE_STEPS * key.wavefronts;
    b->fp32 = tiles * TILE_ROWS * KEYS * (2 * 8 + 12);
    b->exps = tiles * TILE_ROWS * KEYS;
    b->global = sizeof(float) * 8.0 * (2 * tiles * KEYS + 2 * TILE_ROWS);
    b->least = b->wavefronts;
    b->alone = blocks * (TILE_STEPS * key.path + tile.path); /* the longest */
    p.resident = resident(dev, b, EVALUATE_REGISTERS);
    const double rows_issue = N * row.instructions * sequences / WARP / PARTITIONS;
    const double rows_clocks = rows_issue / dev->multiprocessors;
    p.floor_ms = at_least_gaps(&p, T * (bound_ms(&p, dev) + rows_clocks / dev->mhz / 1e3));
    const double clocks = T * expected_clocks(&p, dev) + (T + 1) * (row.path + rows_clocks);
    p.ms = clocks / dev->mhz / 1e3 + p.launches * GAP_MS;
    return p;
}
