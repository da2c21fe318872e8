/* checkpoint.c - see checkpoint.h and safetensors.h. */
#include "checkpoint.h"

#include <float.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "configuration.h"
#include "fail.h"
#include "file.h"
#include "safetensors.h"

#define FORMAT "eer 1"

enum {
    LENGTH_BYTES = EER_SAFETENSORS_LENGTH,
    HEADER_MOST = 1 << 16, /* bytes in a header; ours take some 6000 */
    KINDS = 3,             /* theta, m, v */
    NAME = 32,             /* bytes in a tensor's name, with its NUL */
    CHECKSUM = 9,          /* eight hexadecimal digits and a NUL */
};

static const char *const prefix[KINDS] = {"", "adam.m.", "adam.v."};

/* The metadata that is a text of the structure. */
struct text {
    const char *key;
    size_t offset, size;
    const char *words; /* what it may be, or NULL: any printable ASCII */
};

#define TEXT(key, words)                                                                           \
    {                                                                                              \
#key, offsetof(struct eer_checkpoint, key), sizeof((struct eer_checkpoint *)NULL)->key,    \
            words                                                                                  \
    }

static const struct text texts[] = {
    TEXT(backend, NULL),
    TEXT(precision, EER_WORDS_precision),
    TEXT(tf32_rounding, EER_WORDS_tf32_rounding),
    TEXT(source, NULL),
    TEXT(version, NULL),
    TEXT(verified, NULL),
};

enum {
    TEXTS = sizeof texts / sizeof texts[0],
    METADATA = TEXTS + 4 /* format, step, config, crc32 */
};

/* The file while it is read. */
struct reader {
    const char *name; /* for messages */
    const unsigned char *data;
    size_t data_size;
    int element_size;
    struct eer_error *error;
};

/* State */

enum eer_status eer_state_new(const struct eer_config *config, struct eer_state *state,
                              struct eer_error *error)
{
    struct eer_layout layout;
    eer_layout(config, &layout);
    size_t P = (size_t)layout.size;
    memset(state, 0, sizeof *state);
    state->theta = calloc(KINDS * P, sizeof *state->theta);
    if (state->theta == NULL)
        return eer_fail(error, EER_NO_MEMORY, "no memory for %zu parameters", P);
    state->m = state->theta + P;
    state->v = state->m + P;
    return EER_OK;
}

void eer_state_free(struct eer_state *state)
{
    free(state->theta); /* m and v lie in the same block */
    memset(state, 0, sizeof *state);
}

void eer_checkpoint_free(struct eer_checkpoint *checkpoint)
{
    eer_state_free(&checkpoint->state);
}

static double *part(const struct eer_state *state, int kind)
{
    return kind == 0 ? state->theta : kind == 1 ? state->m : state->v;
}

/* What writer and reader both insist on, so that what was written can be read. */

static int is_word(const char *words, const char *text)
{
    size_t length = strlen(text);
    for (const char *w = words; w != NULL; w = strchr(w, '|')) {
        w += *w == '|';
        if (strcspn(w, "|") == length && memcmp(w, text, length) == 0)
            return 1;
    }
    return 0;
}

static int is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return 0;
    return 1;
}

static enum eer_status check_text(const struct text *text, const char *value, const char *name,
                                  struct eer_error *error)
{
    char quoted[EER_QUOTED];
    if (strlen(value) >= text->size || !is_printable(value))
        return eer_fail(error, EER_FORMAT,
                        "%s: \"%s\" is \"%s\": expected at most %zu printable characters", name,
                        text->key, eer_quote(value, quoted), text->size - 1);
    if (text->words != NULL && !is_word(text->words, value))
        return eer_fail(error, EER_FORMAT, "%s: \"%s\" is \"%s\": expected one of %s", name,
                        text->key, eer_quote(value, quoted), text->words);
    if (strcmp(text->key, "verified") == 0 && strncmp(value, "yes", 3) != 0 &&
        strncmp(value, "no", 2) != 0)
        return eer_fail(error, EER_FORMAT,
                        "%s: \"verified\" is \"%s\": expected it to begin with yes or no", name,
                        eer_quote(value, quoted));
    return EER_OK;
}

static enum eer_status check_state(const struct eer_checkpoint *checkpoint, const char *name,
                                   struct eer_error *error)
{
    const struct eer_state *state = &checkpoint->state;
    if (state->step < 0 || state->step > checkpoint->config.steps)
        return eer_fail(error, EER_FORMAT, "%s: \"step\" is %d: expected 0 to steps = %d", name,
                        state->step, checkpoint->config.steps);
    for (int i = 0; i < checkpoint->layout.size; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            double value = part(state, kind)[i];
            if (!isfinite(value) || (kind == 2 && value < 0))
                return eer_fail(error, EER_FORMAT,
                                "%s: %selement %d of the parameters is %g: expected a finite "
                                "number%s",
                                name, prefix[kind], i, value, kind == 2 ? " from 0" : "");
        }
    return EER_OK;
}

/* Tensors */

static void tensor_name(int kind, int tensor, char name[NAME])
{
    snprintf(name, NAME, "%s%s", prefix[kind], eer_tensor_name(tensor));
}

static size_t tensor_elements(const struct eer_layout *layout, int tensor)
{
    return (size_t)layout->rows[tensor] * (size_t)layout->columns[tensor];
}

static size_t data_size(const struct eer_layout *layout, int element_size)
{
    return KINDS * (size_t)layout->size * (size_t)element_size;
}

/* A vector has one dimension, a matrix two. New reference, or NULL. */
static json_t *shape(const struct eer_layout *layout, int tensor)
{
    if (eer_tensor_is_vector(tensor))
        return json_pack("[i]", layout->columns[tensor]);
    return json_pack("[ii]", layout->rows[tensor], layout->columns[tensor]);
}

static const char *dtype(int element_size)
{
    return element_size == 4 ? "F32" : "F64";
}

static void put_little_endian(uint64_t value, int bytes, unsigned char *to)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static void encode(double value, int element_size, unsigned char *to)
{
    uint64_t bits = 0;
    if (element_size == 4) {
        float rounded = (float)value;
        uint32_t low;
        memcpy(&low, &rounded, sizeof low);
        bits = low;
    } else {
        memcpy(&bits, &value, sizeof bits);
    }
    put_little_endian(bits, element_size, to);
}

/* Writing */

/* Adds the entries of one kind, whose bytes begin at *offset. 0, or -1: no memory. */
static int add_tensors(json_t *header, const struct eer_layout *layout, int kind, int element_size,
                       size_t *offset)
{
    char name[NAME];
    for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
        size_t begin = *offset;
        if (tensor_elements(layout, tensor) == 0)
            continue;
        *offset += tensor_elements(layout, tensor) * (size_t)element_size;
        tensor_name(kind, tensor, name);
        if (json_object_set_new(header, name,
                                json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype(element_size),
                                          "shape", shape(layout, tensor), "data_offsets",
                                          (json_int_t)begin, (json_int_t)*offset)) != 0)
            return -1;
    }
    return 0;
}

static uLong add_text(uLong sum, const char *text)
{
    return crc32_z(sum, (const unsigned char *)text, strlen(text) + 1);
}

/* See checkpoint.h. */
static void checksum(const struct eer_checkpoint *checkpoint, int element_size, char text[CHECKSUM])
{
    char config[EER_CONFIG_TEXT], step[16];
    unsigned char number[8];
    uLong sum = crc32_z(0, NULL, 0);
    eer_config_print(&checkpoint->config, 0, config, sizeof config);
    snprintf(step, sizeof step, "%d", checkpoint->state.step);
    sum = add_text(add_text(sum, config), step);
    for (int i = 0; i < TEXTS; i++)
        sum = add_text(sum, (const char *)checkpoint + texts[i].offset);
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < checkpoint->layout.size; i++) {
            encode(part(&checkpoint->state, kind)[i], element_size, number);
            sum = crc32_z(sum, number, (size_t)element_size);
        }
    snprintf(text, CHECKSUM, "%08lx", sum);
}

/* New reference, or NULL: no memory. */
static json_t *new_metadata(const struct eer_checkpoint *checkpoint, int element_size)
{
    char sum[CHECKSUM];
    char config[EER_CONFIG_TEXT];
    eer_config_print(&checkpoint->config, 0, config, sizeof config);
    json_t *metadata = json_object();
    int failed = json_object_set_new(metadata, "format", json_string(FORMAT));
    failed |= json_object_set_new(metadata, "step", json_sprintf("%d", checkpoint->state.step));
    failed |= json_object_set_new(metadata, "config", json_string(config));
    checksum(checkpoint, element_size, sum);
    failed |= json_object_set_new(metadata, "crc32", json_string(sum));
    for (int i = 0; i < TEXTS; i++)
        failed |= json_object_set_new(metadata, texts[i].key,
                                      json_string((const char *)checkpoint + texts[i].offset));
    if (failed == 0)
        return metadata;
    json_decref(metadata);
    return NULL;
}

/* The header as text, for free(), or NULL: no memory. */
static char *new_header(const struct eer_checkpoint *checkpoint, int element_size)
{
    size_t offset = 0;
    json_t *header = json_object();
    int failed =
        json_object_set_new(header, "__metadata__", new_metadata(checkpoint, element_size));
    for (int kind = 0; kind < KINDS; kind++)
        failed |= add_tensors(header, &checkpoint->layout, kind, element_size, &offset);
    char *text = failed == 0 ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    return text;
}

/* That the reader will take what is to be written. */
static enum eer_status check_writable(const struct eer_checkpoint *checkpoint, int element_size,
                                      const char *name, struct eer_error *error)
{
    enum eer_status status = EER_OK;
    for (int i = 0; i < TEXTS && status == EER_OK; i++)
        status = check_text(&texts[i], (const char *)checkpoint + texts[i].offset, name, error);
    if (status == EER_OK)
        status = check_state(checkpoint, name, error);
    if (status != EER_OK || element_size == 8)
        return status;
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < checkpoint->layout.size; i++) {
            double value = part(&checkpoint->state, kind)[i];
            if ((double)(float)value != value)
                return eer_fail(error, EER_FORMAT,
                                "%s: %selement %d of the parameters is %.17g: expected a number "
                                "that F32 holds",
                                name, prefix[kind], i, value);
        }
    return EER_OK;
}

/* Length, header, spaces up to a multiple of 8, data. The bytes are for free(), or NULL: no memory.
 */
static unsigned char *new_file(const struct eer_checkpoint *checkpoint, int element_size,
                               size_t *size)
{
    char *header = new_header(checkpoint, element_size);
    if (header == NULL)
        return NULL;
    size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    *size = LENGTH_BYTES + padded + data_size(&checkpoint->layout, element_size);
    unsigned char *bytes = malloc(*size);
    if (bytes != NULL) {
        put_little_endian(padded, LENGTH_BYTES, bytes);
        memcpy(bytes + LENGTH_BYTES, header, length);
        memset(bytes + LENGTH_BYTES + length, ' ', padded - length);
        unsigned char *to = bytes + LENGTH_BYTES + padded;
        for (int kind = 0; kind < KINDS; kind++)
            for (int i = 0; i < checkpoint->layout.size; i++, to += element_size)
                encode(part(&checkpoint->state, kind)[i], element_size, to);
    }
    free(header);
    return bytes;
}

enum eer_status eer_checkpoint_write(const char *path, const struct eer_checkpoint *given,
                                     int element_size, struct eer_error *error)
{
    size_t size;
    enum eer_status status = eer_config_check(&given->config, error);
    if (status != EER_OK)
        return status;
    struct eer_checkpoint checkpoint = *given;
    eer_layout(&checkpoint.config, &checkpoint.layout);
    status = check_writable(&checkpoint, element_size, path, error);
    if (status != EER_OK)
        return status;
    unsigned char *bytes = new_file(&checkpoint, element_size, &size);
    if (bytes == NULL)
        return eer_fail(error, EER_NO_MEMORY, "%s: no memory to write it", path);
    status = eer_file_replace(path, bytes, size, error);
    free(bytes);
    return status;
}

/* Reading */

/* A metadata string, or NULL after a message. */
static const char *metadata_text(const struct reader *reader, const json_t *metadata,
                                 const char *key)
{
    const char *value = json_string_value(json_object_get(metadata, key));
    if (value == NULL)
        eer_fail(reader->error, EER_FORMAT, "%s: metadata \"%s\": expected a string", reader->name,
                 key);
    return value;
}

static enum eer_status read_texts(const struct reader *reader, const json_t *metadata,
                                  struct eer_checkpoint *checkpoint)
{
    for (int i = 0; i < TEXTS; i++) {
        const char *value = metadata_text(reader, metadata, texts[i].key);
        if (value == NULL)
            return EER_FORMAT;
        enum eer_status status = check_text(&texts[i], value, reader->name, reader->error);
        if (status != EER_OK)
            return status;
        strcpy((char *)checkpoint + texts[i].offset, value);
    }
    return EER_OK;
}

/* The configuration must be, byte for byte, what it prints as: every key given, none twice. */
static enum eer_status read_config(const struct reader *reader, const json_t *metadata,
                                   struct eer_checkpoint *checkpoint)
{
    char where[128], printed[EER_CONFIG_TEXT];
    const char *text = metadata_text(reader, metadata, "config");
    if (text == NULL)
        return EER_FORMAT;
    snprintf(where, sizeof where, "%.90s, metadata \"config\"", reader->name);
    eer_config_default(&checkpoint->config);
    if (eer_config_parse(&checkpoint->config, text, strlen(text), where, reader->error) != EER_OK)
        return reader->error->status = EER_FORMAT;
    struct eer_error inner;
    if (eer_config_check(&checkpoint->config, &inner) != EER_OK)
        return eer_fail(reader->error, EER_FORMAT, "%s: %.300s", where, inner.text);
    eer_config_print(&checkpoint->config, 0, printed, sizeof printed);
    if (strcmp(printed, text) != 0)
        return eer_fail(reader->error, EER_FORMAT,
                        "%s: expected every key, in the form and order of --print-config", where);
    return EER_OK;
}

static enum eer_status read_metadata(const struct reader *reader, const json_t *metadata,
                                     struct eer_checkpoint *checkpoint)
{
    char canonical[16], quoted[EER_QUOTED];
    if (!json_is_object(metadata))
        return eer_fail(reader->error, EER_FORMAT, "%s: expected the object \"__metadata__\"",
                        reader->name);
    const char *format = metadata_text(reader, metadata, "format");
    if (format == NULL)
        return EER_FORMAT;
    if (strcmp(format, FORMAT) != 0)
        return eer_fail(reader->error, EER_FORMAT, "%s: \"format\" is \"%s\": expected \"%s\"",
                        reader->name, eer_quote(format, quoted), FORMAT);
    enum eer_status status = read_texts(reader, metadata, checkpoint);
    if (status == EER_OK)
        status = read_config(reader, metadata, checkpoint);
    if (status != EER_OK)
        return status;
    const char *step = metadata_text(reader, metadata, "step");
    if (step == NULL)
        return EER_FORMAT;
    long value = strtol(step, NULL, 10);
    snprintf(canonical, sizeof canonical, "%ld", value);
    if (value < 0 || value > checkpoint->config.steps || strcmp(canonical, step) != 0)
        return eer_fail(reader->error, EER_FORMAT, "%s: \"step\" is \"%s\": expected 0 to %d",
                        reader->name, eer_quote(step, quoted), checkpoint->config.steps);
    checkpoint->state.step = (int)value;
    /* All of ours are there; one more is one that we do not know. */
    if (json_object_size(metadata) != METADATA)
        return eer_fail(reader->error, EER_FORMAT, "%s: %zu entries of metadata: expected %d",
                        reader->name, json_object_size(metadata), METADATA);
    return EER_OK;
}

/* Where each tensor's bytes begin, from its header entry. */
static enum eer_status read_entry(const struct reader *reader, json_t *entry,
                                  const struct eer_layout *layout, int tensor, const char *name,
                                  size_t *begin)
{
    const char *type;
    json_t *found, *expected = shape(layout, tensor);
    json_int_t from, to;
    size_t bytes = tensor_elements(layout, tensor) * (size_t)reader->element_size;
    if (expected == NULL)
        return eer_fail(reader->error, EER_NO_MEMORY, "%s: no memory to read it", reader->name);
    int same = json_unpack(entry, "{s:s, s:o, s:[I, I!] !}", "dtype", &type, "shape", &found,
                           "data_offsets", &from, &to) == 0 &&
               strcmp(type, dtype(reader->element_size)) == 0 && json_equal(found, expected);
    json_decref(expected);
    if (!same)
        return eer_fail(reader->error, EER_FORMAT,
                        "%s: tensor \"%s\": expected it with dtype %s, shape %dx%d and two offsets",
                        reader->name, name, dtype(reader->element_size), layout->rows[tensor],
                        layout->columns[tensor]);
    if (from < 0 || to < from || (size_t)to > reader->data_size || (size_t)(to - from) != bytes)
        return eer_fail(reader->error, EER_FORMAT,
                        "%s: tensor \"%s\": offsets %" JSON_INTEGER_FORMAT
                        " to %" JSON_INTEGER_FORMAT ": expected %zu bytes within the file's %zu",
                        reader->name, name, from, to, bytes, reader->data_size);
    *begin = (size_t)from;
    return EER_OK;
}

/* begin[kind][tensor] of all tensors that the configuration has, and that they are all there is. */
static enum eer_status read_entries(const struct reader *reader, const json_t *header,
                                    const struct eer_layout *layout,
                                    size_t begin[KINDS][EER_TENSORS])
{
    char name[NAME];
    size_t entries = 1; /* the metadata */
    for (int kind = 0; kind < KINDS; kind++)
        for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
            if (tensor_elements(layout, tensor) == 0)
                continue;
            tensor_name(kind, tensor, name);
            enum eer_status status = read_entry(reader, json_object_get(header, name), layout,
                                                tensor, name, &begin[kind][tensor]);
            if (status != EER_OK)
                return status;
            entries++;
        }
    if (json_object_size(header) != entries)
        return eer_fail(reader->error, EER_FORMAT, "%s: %zu entries: expected %zu", reader->name,
                        json_object_size(header), entries);
    return EER_OK;
}

/* The tensor whose bytes begin at `at`, as kind * EER_TENSORS + tensor, or -1. */
static int tensor_at(const struct eer_layout *layout, size_t begin[KINDS][EER_TENSORS], size_t at)
{
    for (int i = 0; i < KINDS * EER_TENSORS; i++)
        if (tensor_elements(layout, i % EER_TENSORS) > 0 &&
            begin[i / EER_TENSORS][i % EER_TENSORS] == at)
            return i;
    return -1;
}

/* That the tensors lie end to end over the whole data, in any order: with the sizes known to add
 * up, a tensor that overlaps another leaves a hole elsewhere. */
static enum eer_status check_cover(const struct reader *reader, const struct eer_layout *layout,
                                   size_t begin[KINDS][EER_TENSORS])
{
    size_t at = 0;
    while (at < reader->data_size) {
        int found = tensor_at(layout, begin, at);
        if (found < 0)
            return eer_fail(reader->error, EER_FORMAT,
                            "%s: no tensor begins at offset %zu: expected no hole and no overlap",
                            reader->name, at);
        at += tensor_elements(layout, found % EER_TENSORS) * (size_t)reader->element_size;
    }
    return EER_OK;
}

static void read_data(const struct reader *reader, size_t begin[KINDS][EER_TENSORS],
                      struct eer_checkpoint *checkpoint)
{
    const struct eer_layout *layout = &checkpoint->layout;
    for (int kind = 0; kind < KINDS; kind++)
        for (int tensor = 0; tensor < EER_TENSORS; tensor++) {
            double *to = part(&checkpoint->state, kind) + layout->offset[tensor];
            const unsigned char *from = reader->data + begin[kind][tensor];
            for (size_t i = 0; i < tensor_elements(layout, tensor); i++)
                to[i] = eer_decode(from + i * (size_t)reader->element_size, reader->element_size);
        }
}

static enum eer_status read_tensors(struct reader *reader, const json_t *header,
                                    struct eer_checkpoint *checkpoint)
{
    size_t begin[KINDS][EER_TENSORS] = {{0}};
    struct eer_layout *layout = &checkpoint->layout;
    eer_layout(&checkpoint->config, layout);
    reader->element_size = reader->data_size == data_size(layout, 4) ? 4 : 8;
    if (reader->data_size != data_size(layout, reader->element_size))
        return eer_fail(reader->error, EER_FORMAT,
                        "%s: %zu bytes of data: expected %zu (F32) or %zu (F64)", reader->name,
                        reader->data_size, data_size(layout, 4), data_size(layout, 8));
    enum eer_status status = read_entries(reader, header, layout, begin);
    if (status == EER_OK)
        status = check_cover(reader, layout, begin);
    if (status != EER_OK)
        return status;
    int step = checkpoint->state.step;
    status = eer_state_new(&checkpoint->config, &checkpoint->state, reader->error);
    if (status != EER_OK)
        return status;
    checkpoint->state.step = step;
    read_data(reader, begin, checkpoint);
    return check_state(checkpoint, reader->name, reader->error);
}

/* The fuzzers' builds skip the comparison: they could not guess the sum. */
static enum eer_status check_sum(const struct reader *reader, const json_t *metadata,
                                 const struct eer_checkpoint *checkpoint)
{
    char sum[CHECKSUM];
    const char *given = metadata_text(reader, metadata, "crc32");
    if (given == NULL)
        return EER_FORMAT;
    checksum(checkpoint, reader->element_size, sum);
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    if (strcmp(given, sum) != 0)
        return eer_fail(
            reader->error, EER_FORMAT,
            "%s: its content has the checksum %s, not the \"crc32\" that it names: it is "
            "damaged, or another program has changed it",
            reader->name, sum);
#endif
    return EER_OK;
}

enum eer_status eer_checkpoint_parse(const void *bytes, size_t size, const char *name,
                                     struct eer_checkpoint *checkpoint, struct eer_error *error)
{
    char shown[200];
    struct reader reader = {.name = shown, .error = error};
    memset(checkpoint, 0, sizeof *checkpoint);
    snprintf(shown, sizeof shown, "%s", name);
    json_t *header;
    enum eer_status status = eer_safetensors_header(bytes, size, shown, HEADER_MOST, &header,
                                                    &reader.data, &reader.data_size, error);
    if (status != EER_OK)
        return status;
    const json_t *metadata = json_object_get(header, "__metadata__");
    status = read_metadata(&reader, metadata, checkpoint);
    if (status == EER_OK)
        status = read_tensors(&reader, header, checkpoint);
    if (status == EER_OK)
        status = check_sum(&reader, metadata, checkpoint);
    json_decref(header);
    if (status != EER_OK)
        eer_checkpoint_free(checkpoint);
    return status;
}

/* The size of the largest file that any configuration leads to. */
static size_t largest_file(void)
{
    struct eer_config config;
    struct eer_layout layout;
    eer_config_default(&config);
    config.vocab = EER_MAX_VOCAB;
    config.d = EER_MAX_D;
    config.mlp = EER_MAX_MLP;
    config.bos = config.final_norm = 1;
    config.norm = EER_NORM_PRE;
    eer_layout(&config, &layout);
    return LENGTH_BYTES + HEADER_MOST + data_size(&layout, 8);
}

enum eer_status eer_checkpoint_read(const char *path, struct eer_checkpoint *checkpoint,
                                    struct eer_error *error)
{
    unsigned char *bytes;
    size_t size;
    memset(checkpoint, 0, sizeof *checkpoint);
    enum eer_status status = eer_file_read(path, largest_file(), &bytes, &size, error);
    if (status != EER_OK)
        return status;
    status = eer_checkpoint_parse(bytes, size, path, checkpoint, error);
    free(bytes);
    return status;
}
