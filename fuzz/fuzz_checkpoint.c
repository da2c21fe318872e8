/* Fuzzes the checkpoint reader: any bytes are either refused with a sentence and without memory
 * kept, or are a valid state, which writes and reads back as the same. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fast/program/checkpoint.h"
#include "../fast/program/configuration.h"

enum { LENGTH_BYTES = 8, PARTS = 3 /* theta, m, v */ };

static char directory[64], path[96];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
size_t LLVMFuzzerMutate(unsigned char *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t size, size_t most, unsigned seed);

static void must(int holds)
{
    if (!holds)
        abort();
}

static void clean_up(void)
{
    unlink(path);
    rmdir(directory);
}

/* Syncing is free in /dev/shm. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    strcpy(directory, "/dev/shm/eer-fuzz-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        strcpy(directory, "/tmp/eer-fuzz-XXXXXX");
        must(mkdtemp(directory) != NULL);
    }
    snprintf(path, sizeof path, "%s/x", directory);
    atexit(clean_up);
    return 0;
}

/* One time in two the header alone is mutated and its length put right: the length field would
 * otherwise refuse most mutants before their header is looked at. */
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t size, size_t most, unsigned seed)
{
    uint64_t length = 0;
    if (seed % 2 == 0 || size < LENGTH_BYTES)
        return LLVMFuzzerMutate(bytes, size, most);
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length > size - LENGTH_BYTES)
        return LLVMFuzzerMutate(bytes, size, most);

    size_t data_size = size - LENGTH_BYTES - (size_t)length;
    unsigned char *data = malloc(data_size + 1);
    must(data != NULL);
    memcpy(data, bytes + LENGTH_BYTES + length, data_size);
    length =
        LLVMFuzzerMutate(bytes + LENGTH_BYTES, (size_t)length, most - LENGTH_BYTES - data_size);
    for (int i = 0; i < LENGTH_BYTES; i++)
        bytes[i] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + LENGTH_BYTES + length, data, data_size);
    free(data);
    return LENGTH_BYTES + (size_t)length + data_size;
}

static int fits_f32(const struct eer_checkpoint *c)
{
    for (int i = 0; i < PARTS * c->layout.size; i++)
        if ((double)(float)c->state.theta[i] != c->state.theta[i])
            return 0;
    return 1;
}

static void must_be_valid(const struct eer_checkpoint *c)
{
    struct eer_error error;
    must(eer_config_check(&c->config, &error) == EER_OK);
    must(c->state.step >= 0 && c->state.step <= c->config.steps);
    for (int i = 0; i < c->layout.size; i++)
        must(isfinite(c->state.theta[i]) && isfinite(c->state.m[i]) && isfinite(c->state.v[i]) &&
             c->state.v[i] >= 0);
}

static void must_be_same(const struct eer_checkpoint *a, const struct eer_checkpoint *b)
{
    size_t bytes = (size_t)a->layout.size * sizeof(double);
    must(memcmp(&a->config, &b->config, sizeof a->config) == 0);
    must(memcmp(&a->layout, &b->layout, sizeof a->layout) == 0 && a->state.step == b->state.step);
    must(memcmp(a->state.theta, b->state.theta, bytes) == 0);
    must(memcmp(a->state.m, b->state.m, bytes) == 0);
    must(memcmp(a->state.v, b->state.v, bytes) == 0);
    must(strcmp(a->backend, b->backend) == 0 && strcmp(a->precision, b->precision) == 0);
    must(strcmp(a->tf32_rounding, b->tf32_rounding) == 0 && strcmp(a->source, b->source) == 0);
    must(strcmp(a->version, b->version) == 0 && strcmp(a->verified, b->verified) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct eer_checkpoint read, again;
    struct eer_error error = {EER_OK, ""};
    enum eer_status status = eer_checkpoint_parse(bytes, size, "x", &read, &error);
    if (status != EER_OK) {
        must(status == EER_FORMAT && error.status == status && error.text[0] == 'x');
        for (const char *c = error.text; *c != '\0'; c++)
            must(*c >= ' ' && *c <= '~');
        must(read.state.theta == NULL);
        return 0;
    }
    must_be_valid(&read);
    must(eer_checkpoint_write(path, &read, fits_f32(&read) ? 4 : 8, &error) == EER_OK);
    must(eer_checkpoint_read(path, &again, &error) == EER_OK);
    must_be_same(&read, &again);
    eer_checkpoint_free(&read);
    eer_checkpoint_free(&again);
    return 0;
}
