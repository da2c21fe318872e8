/* runtime.c - what the instrumented program calls: the functions of vocabulary.h, and the check of
 * an annotation, which also notes that it was reached. Not instrumented itself. */
#include "include/vocabulary.h"

#include "numbers.h"

#include <fcntl.h>
#include <instrumentation_model/e_acsl_assert_data.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* As ref/rng.h defines it, written anew: from the definition, not from ref/rng.c. */
uint32_t philox_word(int k, int rounds, uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3,
                     uint32_t key_0, uint32_t key_1)
{
    const uint32_t x[4] = {x0, x1, x2, x3};
    uint64_t from_0 = (uint64_t)x0 * 0xD2511F53u, from_2 = (uint64_t)x2 * 0xCD9E8D57u;

    if (rounds <= 0)
        return x[k];
    return philox_word(k, rounds - 1, (uint32_t)(from_2 >> 32) ^ x1 ^ key_0, (uint32_t)from_2,
                       (uint32_t)(from_0 >> 32) ^ x3 ^ key_1, (uint32_t)from_0, key_0 + 0x9E3779B9u,
                       key_1 + 0xBB67AE85u);
}

/* The blocks of the engine that was opened last: only one is ever open in these tests. */
static const char *numbered[NUMBERS];

void number_block(int number, const void *base)
{
    numbered[number] = base;
}

int number_of(const char *base)
{
    for (int number = 0; number < NUMBERS; number++)
        if (base != NULL && numbered[number] == base)
            return number;
    return -1;
}

enum { MOST = 1 << 14 };

static const eacsl_assert_data_t *reached[MOST];
static eacsl_assert_data_t copy[MOST];
static int copies;

static int file = -1;

static void write_reached(void)
{
    for (int i = 0; i < copies; i++) {
        char line[256];
        int size = snprintf(line, sizeof line, "%s %s %d %s\n", copy[i].kind, copy[i].file,
                            copy[i].line, copy[i].fct);

        if (write(file, line, (size_t)size) != size)
            _exit(1);
    }
}

/* A descriptor, no stream: E-ACSL has taken down malloc by the time of writing. */
void note_reached_in(const char *path)
{
    file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    atexit(write_reached);
}

/* The text of a predicate is a literal of its own at each place that checks it. */
static void note(const eacsl_assert_data_t *data)
{
    size_t slot = ((uintptr_t)data->pred_txt >> 3) * 31 + (size_t)data->line;

    for (slot %= MOST; reached[slot] != NULL; slot = (slot + 1) % MOST)
        if (reached[slot]->pred_txt == data->pred_txt && reached[slot]->line == data->line)
            return;
    if (copies == MOST - 1)
        abort();
    copy[copies] = *data;
    reached[slot] = &copy[copies++];
}

/* E-ACSL calls this wherever an annotation stands. */
void __e_acsl_assert(int holds, eacsl_assert_data_t *data)
{
    note(data);
    if (holds)
        return;
    printf("%s:%d: FAIL: %s of %s: %s\n", data->file, data->line, data->kind, data->fct,
           data->pred_txt);
    exit(1);
}
