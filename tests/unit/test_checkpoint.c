/* Checkpoints: what is written reads back bit for bit; what is not whole, or lies, is refused. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../fast/program/checkpoint.h"
#include "../../fast/program/configuration.h"

enum { PARTS = 3 /* theta, m, v */ };

static char directory[64], path[96];

static void set_up(void)
{
    strcpy(directory, "/tmp/eer-test-checkpoint-XXXXXX");
    cr_assert(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/x.safetensors", directory);
}

static void tear_down(void)
{
    unlink(path);
    cr_expect(rmdir(directory) == 0, "something was left in the directory");
}

TestSuite(checkpoint, .init = set_up, .fini = tear_down);

static uint64_t random_bits(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Any finite float (as_float) or double, subnormal numbers and -0 among them. */
static double random_value(uint64_t *state, int as_float)
{
    double value;
    do {
        uint64_t bits = random_bits(state);
        float single;
        memcpy(&value, &bits, sizeof value);
        memcpy(&single, &bits, sizeof single);
        if (as_float)
            value = single;
    } while (!isfinite(value));
    return value;
}

/* A state of random bits for a configuration. */
static void new_checkpoint(struct eer_checkpoint *c, const struct eer_config *config,
                           int element_size, uint64_t seed)
{
    struct eer_error error;
    memset(c, 0, sizeof *c);
    c->config = *config;
    eer_layout(config, &c->layout);
    cr_assert(eer_state_new(config, &c->state, &error) == EER_OK);
    c->state.step = (int)(random_bits(&seed) % (uint64_t)(config->steps + 1));
    for (int i = 0; i < c->layout.size; i++) {
        c->state.theta[i] = random_value(&seed, element_size == 4);
        c->state.m[i] = random_value(&seed, element_size == 4);
        c->state.v[i] = fabs(random_value(&seed, element_size == 4));
    }
    strcpy(c->backend, "cpu");
    strcpy(c->precision, "tf32");
    strcpy(c->tf32_rounding, "ties-away");
    strcpy(c->source, "0123456789abcdef");
    strcpy(c->version, "1.0 \"quoted\" \\ and / more");
    strcpy(c->verified, "no record");
}

/* The smallest configuration: 71 parameters. */
static struct eer_config small(void)
{
    struct eer_config config;
    eer_config_default(&config);
    config.vocab = 2;
    config.d = 4;
    config.norm = EER_NORM_NONE;
    config.mlp = 0;
    return config;
}

static int same_config(const struct eer_config *a, const struct eer_config *b)
{
    char texts[2][EER_CONFIG_TEXT];
    eer_config_print(a, 0, texts[0], EER_CONFIG_TEXT);
    eer_config_print(b, 0, texts[1], EER_CONFIG_TEXT);
    return strcmp(texts[0], texts[1]) == 0;
}

static int same(const struct eer_checkpoint *a, const struct eer_checkpoint *b)
{
    size_t bytes = (size_t)a->layout.size * sizeof(double);
    return same_config(&a->config, &b->config) &&
           memcmp(&a->layout, &b->layout, sizeof a->layout) == 0 &&
           a->state.step == b->state.step && memcmp(a->state.theta, b->state.theta, bytes) == 0 &&
           memcmp(a->state.m, b->state.m, bytes) == 0 &&
           memcmp(a->state.v, b->state.v, bytes) == 0 && strcmp(a->backend, b->backend) == 0 &&
           strcmp(a->precision, b->precision) == 0 &&
           strcmp(a->tf32_rounding, b->tf32_rounding) == 0 && strcmp(a->source, b->source) == 0 &&
           strcmp(a->version, b->version) == 0 && strcmp(a->verified, b->verified) == 0;
}

static void write_or_fail(const struct eer_checkpoint *c, int element_size)
{
    struct eer_error error;
    cr_assert(eer_checkpoint_write(path, c, element_size, &error) == EER_OK, "%s", error.text);
}

static unsigned char *load(size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = malloc(1 << 20);
    cr_assert(file != NULL);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static size_t header_length(const unsigned char *bytes)
{
    size_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | bytes[i];
    return length;
}

static void set_header_length(unsigned char *bytes, uint64_t length)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(length >> 8 * i);
}

/* Round trips */

Test(checkpoint, what_is_written_reads_back)
{
    struct eer_config config;
    struct eer_checkpoint a, b;
    struct eer_error error;
    uint64_t state = 9;
    for (int round = 0; round < 100; round++) {
        int element_size = round % 2 ? 4 : 8;
        eer_config_default(&config);
        config.vocab = 2 + (int)(random_bits(&state) % 63);
        config.d = 4 + 4 * (int)(random_bits(&state) % 4);
        config.norm = (enum eer_norm)(random_bits(&state) % 3);
        config.mlp = round % 3 ? (int)(random_bits(&state) % 33) : 0;
        config.bos = (int)(random_bits(&state) % 2);
        config.final_norm = (int)(random_bits(&state) % 2);
        config.seed = random_bits(&state);
        new_checkpoint(&a, &config, element_size, random_bits(&state));
        write_or_fail(&a, element_size);
        cr_assert(eer_checkpoint_read(path, &b, &error) == EER_OK, "%s", error.text);
        cr_assert(same(&a, &b), "round %d", round);
        eer_checkpoint_free(&a);
        eer_checkpoint_free(&b);
    }
}

Test(checkpoint, the_largest_configuration_is_read)
{
    struct eer_config config;
    struct eer_checkpoint a, b;
    struct eer_error error;
    eer_config_default(&config);
    config.vocab = EER_MAX_VOCAB;
    config.d = EER_MAX_D;
    config.mlp = EER_MAX_MLP;
    config.bos = config.final_norm = 1;
    new_checkpoint(&a, &config, 8, 1);
    write_or_fail(&a, 8);
    cr_assert(eer_checkpoint_read(path, &b, &error) == EER_OK, "%s", error.text);
    cr_expect(same(&a, &b));
    eer_checkpoint_free(&a);
    eer_checkpoint_free(&b);
}

Test(checkpoint, the_data_is_aligned_and_the_same_state_gives_the_same_bytes)
{
    struct eer_config config = small();
    struct eer_checkpoint c;
    unsigned char *bytes[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        new_checkpoint(&c, &config, 4, 7);
        write_or_fail(&c, 4);
        bytes[i] = load(&size[i]);
        eer_checkpoint_free(&c);
    }
    cr_expect(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
    cr_expect(header_length(bytes[0]) % 8 == 0);
    cr_expect(size[0] == 8 + header_length(bytes[0]) + PARTS * 71 * 4);
    free(bytes[0]);
    free(bytes[1]);
}

/* Broken files */

static void expect_refused(const void *bytes, size_t size, const char *part_of_message)
{
    struct eer_checkpoint c;
    struct eer_error error = {EER_OK, ""};
    enum eer_status status = eer_checkpoint_parse(bytes, size, "x", &c, &error);
    cr_expect(status == EER_FORMAT && error.status == EER_FORMAT, "status %d, expected: %s", status,
              part_of_message);
    cr_expect(strncmp(error.text, "x", 1) == 0 && strstr(error.text, part_of_message) != NULL,
              "\"%s\" instead of \"%s\"", error.text, part_of_message);
    cr_expect(c.state.theta == NULL);
}

static unsigned char *small_file(struct eer_checkpoint *c, size_t *size)
{
    struct eer_config config = small();
    new_checkpoint(c, &config, 4, 11);
    write_or_fail(c, 4);
    return load(size);
}

Test(checkpoint, truncated_at_every_length_it_is_refused)
{
    struct eer_checkpoint c;
    size_t size;
    unsigned char *bytes = small_file(&c, &size);
    for (size_t length = 0; length < size; length++) {
        unsigned char *copy = malloc(length + 1); /* of its own, for the address sanitizer */
        memcpy(copy, bytes, length);
        expect_refused(copy, length, length < 8 ? "expected a safetensors file" : "expected");
        free(copy);
    }
    bytes[size] = 0;
    expect_refused(bytes, size + 1, "853 bytes of data: expected 852 (F32) or 1704 (F64)");
    eer_checkpoint_free(&c);
    free(bytes);
}

Test(checkpoint, with_any_bit_flipped_it_is_refused)
{
    struct eer_checkpoint c;
    size_t size;
    unsigned char *bytes = small_file(&c, &size);
    for (size_t at = 0; at < size; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (unsigned char)(1 << bit);
            expect_refused(bytes, size, "");
            bytes[at] ^= (unsigned char)(1 << bit);
        }
    eer_checkpoint_free(&c);
    free(bytes);
}

/* Hostile headers. Each case replaces a part of the header of a good file. */

static unsigned char *with_header(const unsigned char *bytes, size_t size, const char *header,
                                  size_t *new_size)
{
    size_t length = strlen(header), old = header_length(bytes);
    unsigned char *changed = malloc(size + length);
    set_header_length(changed, length);
    memcpy(changed + 8, header, length);
    memcpy(changed + 8 + length, bytes + 8 + old, size - 8 - old);
    *new_size = size - old + length;
    return changed;
}

/* The text with its first `from` replaced, for free(). */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    cr_assert(at != NULL, "the test looks for what is not there: %s", from);
    char *result = malloc(strlen(text) + strlen(to) + 1);
    sprintf(result, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return result;
}

static char *header_of(const unsigned char *bytes)
{
    size_t length = header_length(bytes);
    char *header = malloc(length + 1);
    memcpy(header, bytes + 8, length);
    header[length] = '\0';
    return header;
}

Test(checkpoint, hostile_headers_are_refused)
{
#define B_O "\"b_O\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[272,284]}"
#define ENTRY(shape, offsets)                                                                      \
    "\"b_O\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define B_O_BAD "tensor \"b_O\": expected it with dtype F32, shape 1x3 and two offsets"
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        /* entries */
        {B_O, ENTRY("[3]", "[268,280]"), "no tensor begins at offset 272: expected no hole"},
        {B_O, ENTRY("[3]", "[0,12]"), "no tensor begins at offset 272: expected no hole"},
        {B_O, ENTRY("[3]", "[-12,0]"), "offsets -12 to 0: expected 12 bytes within"},
        {B_O, ENTRY("[3]", "[272,280]"), "offsets 272 to 280: expected 12 bytes within"},
        {B_O, ENTRY("[3]", "[284,272]"), "offsets 284 to 272: expected 12 bytes within"},
        {B_O, ENTRY("[3]", "[844,856]"), "offsets 844 to 856: expected 12 bytes within"},
        {B_O, ENTRY("[3]", "[9223372036854775800,9223372036854775807]"), "expected 12 bytes"},
        {B_O, ENTRY("[3]", "[9223372036854775807,-9223372036854775797]"), "expected 12 bytes"},
        {B_O, ENTRY("[3]", "[-9223372036854775808,9223372036854775807]"), "expected 12 bytes"},
        {B_O, ENTRY("[3]", "[18446744073709551604,18446744073709551616]"), "too big integer"},
        {B_O, ENTRY("[3]", "[272.0,284]"), B_O_BAD},
        {B_O, ENTRY("[3]", "[\"272\",284]"), B_O_BAD},
        {B_O, ENTRY("[3]", "[272]"), B_O_BAD},
        {B_O, ENTRY("[3]", "[272,284,284]"), B_O_BAD},
        {B_O, ENTRY("[3]", "null"), B_O_BAD},
        {B_O, ENTRY("[1,3]", "[272,284]"), B_O_BAD},
        {B_O, ENTRY("[4]", "[272,284]"), B_O_BAD},
        {B_O, ENTRY("[3.0]", "[272,284]"), B_O_BAD},
        {B_O, ENTRY("[]", "[272,284]"), B_O_BAD},
        {B_O, ENTRY("3", "[272,284]"), B_O_BAD},
        {B_O, "\"b_O\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[272,284]}", B_O_BAD},
        {B_O, "\"b_O\":{\"dtype\":\"I32\",\"shape\":[3],\"data_offsets\":[272,284]}", B_O_BAD},
        {B_O, "\"b_O\":{\"shape\":[3],\"data_offsets\":[272,284]}", B_O_BAD},
        {B_O, "\"b_O\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[272,284],\"x\":0}",
         B_O_BAD},
        {B_O, "\"b_O\":[]", B_O_BAD},
        {B_O ",", "", B_O_BAD},
        {B_O, "\"b_P\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[272,284]}", B_O_BAD},
        {B_O, B_O "," B_O, "duplicate object key"},
        {B_O, B_O ",\"b\\u005fO\":1", "duplicate object key"},
        {B_O, B_O ",\"x\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[284,284]}",
         "20 entries: expected 19"},
        {B_O, B_O ",\"ln1.gain\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[284,284]}",
         "20 entries: expected 19"},
        /* metadata */
        {"\"__metadata__\":{", "\"__metadata_\":{", "expected the object \"__metadata__\""},
        {"\"step\":\"", "\"stop\":\"", "metadata \"step\": expected a string"},
        {"\"format\":\"eer 1\"", "\"format\":\"eer 2\"",
         "\"format\" is \"eer 2\": expected \"eer 1\""},
        {"\"format\":\"eer 1\"", "\"format\":1", "metadata \"format\": expected a string"},
        {"\"format\":\"eer 1\"", "\"format\":\"eer 1\",\"more\":\"x\"",
         "11 entries of metadata: expected 10"},
        {"\"step\":\"", "\"step\":\"0", "\"step\" is \"0"},
        {"\"step\":\"", "\"step\":\"-", "\"step\" is \"-"},
        {"\"step\":\"", "\"step\":\" ", "\"step\" is \" "},
        {"\"step\":\"", "\"step\":\"99999999999999999999", "expected 0 to 20000"},
        {"\"backend\":\"cpu\"", "\"backend\":\"0123456789abcdef\"",
         "\"backend\" is \"0123456789abcdef\": expected at most 15 printable"},
        {"\"backend\":\"cpu\"", "\"backend\":\"\\u001b[2J\"",
         "\"backend\" is \"?[2J\": expected at most 15 printable"},
        {"\"backend\":\"cpu\"", "\"backend\":\"c\\u0000\"", "\\u0000 is not allowed"},
        {"\"backend\":\"cpu\"", "\"backend\":\"\xff\"", "unable to decode byte 0xff"},
        {"\"precision\":\"tf32\"", "\"precision\":\"tf\"",
         "\"precision\" is \"tf\": expected one of fp64|fp32|tf32"},
        {"\"precision\":\"tf32\"", "\"precision\":\"\"", "\"precision\" is \"\": expected one of"},
        {"\"ties-away\"", "\"ties-away|ties-even\"", "expected at most 15"},
        {"\"no record\"", "\"maybe\"",
         "\"verified\" is \"maybe\": expected it to begin with yes or no"},
        /* the configuration in it */
        {"vocab = 2\\n", "vocab = 3\\n", "852 bytes of data: expected 960 (F32) or 1920 (F64)"},
        {"vocab = 2\\n", "vocab = 64\\nd = 64\\n", "expected once, but line 2 has it too"},
        {"vocab = 2\\n", "vocab = 02\\n", "expected every key, in the form and order"},
        {"vocab = 2\\n", "", "expected every key, in the form and order"},
        {"vocab = 2\\n", "vocab = 2\\nvocal = 2\\n",
         "metadata \"config\":2: vocal = \"2\": unknown key \"vocal\"; the nearest is \"vocab\""},
        {"vocab = 2\\n", "vocab = 2\\nvocab = 2\\n",
         "metadata \"config\":2: vocab = \"2\": expected once"},
        {"vocab = 2\\n", "vocab = 65\\n",
         "metadata \"config\":1: vocab = \"65\": expected a whole number from 2 to 64"},
        {"lr = 0.001\\n", "lr = nan\\n", "lr = \"nan\": expected a number from 0 to 10"},
        {"d = 4\\n", "d = 6\\n", "metadata \"config\": d = 6: expected a multiple of 4"},
        {"steps = 20000\\n", "steps = 1\\n", "expected 0 to 1"},
        {"seed = 1\\n", "seed = 1\\n\\n", "expected every key, in the form and order"},
        /* not even JSON */
        {"{", " {", "expected the header to begin with {"},
        {"{", "[", "expected the header to begin with {"},
        {"{", "{,", "header, byte"},
    };
    struct eer_checkpoint c;
    size_t size, new_size;
    unsigned char *bytes = small_file(&c, &size);
    char *header = header_of(bytes);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *changed = replaced(header, cases[i].from, cases[i].to);
        unsigned char *file = with_header(bytes, size, changed, &new_size);
        expect_refused(file, new_size, cases[i].message);
        free(changed);
        free(file);
    }
    free(header);
    eer_checkpoint_free(&c);
    free(bytes);
}

Test(checkpoint, huge_and_deep_headers_are_refused)
{
    struct eer_checkpoint c;
    size_t size, new_size;
    unsigned char *bytes = small_file(&c, &size);
    static const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63,
                                       (uint64_t)1 << 32, 65537};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        set_header_length(bytes, lengths[i]);
        expect_refused(bytes, size, "a header of ");
    }
    set_header_length(bytes, size - 8 + 1);
    expect_refused(bytes, size, "a header of ");
    set_header_length(bytes, 0);
    expect_refused(bytes, size, "expected the header to begin with {");

    char *long_header = malloc(65538);
    memset(long_header, ' ', 65537);
    long_header[65537] = '\0';
    unsigned char *file = with_header(bytes, 8, long_header, &new_size);
    expect_refused(file, new_size, "a header of 65537 bytes: expected at most 65537 (the file)");
    free(file);

    memset(long_header, '[', 65000);
    memcpy(long_header, "{\"a\":", 5);
    long_header[65000] = '\0';
    file = with_header(bytes, 8, long_header, &new_size);
    expect_refused(file, new_size, "maximum parsing depth reached");
    free(file);
    free(long_header);
    eer_checkpoint_free(&c);
    free(bytes);
}

/* Tensors in another order, as other programs write them, are the same checkpoint. */
Test(checkpoint, the_order_of_tensors_is_free)
{
    struct eer_checkpoint a, b;
    struct eer_error error;
    size_t size, new_size;
    unsigned char *bytes = small_file(&a, &size);
    char *header = header_of(bytes);
    /* W_Q and W_K, both 4 x 4, change places. */
    char *first = replaced(header, "[32,96]", "[96,160 ]");
    char *second = replaced(first, "[96,160]", "[32,96]");
    unsigned char *file = with_header(bytes, size, second, &new_size);
    unsigned char *data = file + 8 + header_length(file);
    memcpy(data + 32, bytes + 8 + header_length(bytes) + 96, 64);
    memcpy(data + 96, bytes + 8 + header_length(bytes) + 32, 64);
    cr_assert(eer_checkpoint_parse(file, new_size, "x", &b, &error) == EER_OK, "%s", error.text);
    cr_expect(same(&a, &b));
    free(header);
    free(first);
    free(second);
    free(file);
    free(bytes);
    eer_checkpoint_free(&a);
    eer_checkpoint_free(&b);
}

Test(checkpoint, numbers_that_no_run_has_are_refused)
{
    static const uint32_t not_finite[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001};
    struct eer_checkpoint c;
    size_t size;
    unsigned char *bytes = small_file(&c, &size);
    unsigned char *data = bytes + 8 + header_length(bytes);
    for (int i = 0; i < 4; i++)
        for (int part = 0; part < PARTS; part++) {
            unsigned char *at = data + 4 * (71 * part + 70), old[4];
            memcpy(old, at, 4);
            for (int byte = 0; byte < 4; byte++)
                at[byte] = (unsigned char)(not_finite[i] >> 8 * byte);
            expect_refused(bytes, size, "element 70 of the parameters is ");
            memcpy(at, old, 4);
        }
    data[4 * (71 * 2 + 5) + 3] |= 0x80;
    expect_refused(bytes, size, "adam.v.element 5 of the parameters is -");
    eer_checkpoint_free(&c);
    free(bytes);
}

/* Writing */

static void expect_not_written(const struct eer_checkpoint *c, int element_size,
                               const char *message)
{
    struct eer_error error = {EER_OK, ""};
    cr_expect(eer_checkpoint_write(path, c, element_size, &error) != EER_OK);
    cr_expect(strstr(error.text, message) != NULL, "\"%s\" instead of \"%s\"", error.text, message);
    cr_expect(access(path, F_OK) != 0);
}

Test(checkpoint, what_could_not_be_read_is_not_written)
{
    struct eer_config config = small();
    struct eer_checkpoint c;
    new_checkpoint(&c, &config, 4, 1);
    c.state.theta[3] = 0.1;
    expect_not_written(&c, 4,
                       "element 3 of the parameters is 0.10000000000000001: expected a "
                       "number that F32 holds");
    c.state.theta[3] = NAN;
    expect_not_written(&c, 8, "element 3 of the parameters is nan: expected a finite number");
    c.state.theta[3] = 0;
    c.state.v[4] = -1;
    expect_not_written(&c, 8,
                       "adam.v.element 4 of the parameters is -1: expected a finite number "
                       "from 0");
    c.state.v[4] = 0;
    c.state.step = 20001;
    expect_not_written(&c, 4, "\"step\" is 20001: expected 0 to steps = 20000");
    c.state.step = 0;
    strcpy(c.precision, "fp16");
    expect_not_written(&c, 4, "\"precision\" is \"fp16\": expected one of fp64|fp32|tf32");
    strcpy(c.precision, "fp32");
    strcpy(c.version, "\xc3");
    expect_not_written(&c, 4, "\"version\" is \"?\": expected at most 71 printable characters");
    strcpy(c.version, "1");
    write_or_fail(&c, 4);
    eer_checkpoint_free(&c);
}

static int files_in(const char *name)
{
    int count = 0;
    DIR *stream = opendir(name);
    cr_assert(stream != NULL);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(stream);
    return count;
}

/* Tries to replace checkpoint a by b, which must fail with the message and leave a. */
static void expect_kept(const struct eer_checkpoint *a, const struct eer_checkpoint *b,
                        const char *message)
{
    struct eer_checkpoint read;
    struct eer_error error;
    cr_assert(eer_checkpoint_write(path, b, 8, &error) == EER_IO);
    cr_expect(strncmp(error.text, path, strlen(path)) == 0 &&
                  strcmp(error.text + strlen(path), message) == 0,
              "%s", error.text);
    cr_assert(eer_checkpoint_read(path, &read, &error) == EER_OK, "%s", error.text);
    cr_expect(same(a, &read));
    cr_expect(files_in(directory) == 1, "a temporary file was left");
    eer_checkpoint_free(&read);
}

static void new_pair(struct eer_checkpoint *a, struct eer_checkpoint *b)
{
    struct eer_config config;
    eer_config_default(&config);
    new_checkpoint(a, &config, 8, 1);
    new_checkpoint(b, &config, 8, 2);
}

Test(checkpoint, a_file_size_limit_keeps_the_old_file)
{
    struct eer_checkpoint a, b;
    struct rlimit limit = {10000, 10000};
    new_pair(&a, &b);
    write_or_fail(&a, 8);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    expect_kept(&a, &b, ": cannot write: File too large");
    eer_checkpoint_free(&a);
    eer_checkpoint_free(&b);
}

/* Needs the right to mount. */
Test(checkpoint, a_full_disk_keeps_the_old_file)
{
    struct eer_checkpoint a, b;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", directory, "tmpfs", 0, "size=40k") != 0) {
        puts("skipped  no right to mount a small file system");
        fflush(stdout);
        cr_skip_test();
    }
    new_pair(&a, &b);
    write_or_fail(&a, 8);
    expect_kept(&a, &b, ": cannot write: No space left on device");
    eer_checkpoint_free(&a);
    eer_checkpoint_free(&b);
    cr_expect(umount(directory) == 0);
}

Test(checkpoint, an_unwritable_directory_keeps_the_old_file)
{
    struct eer_checkpoint a, b;
    new_pair(&a, &b);
    write_or_fail(&a, 8);
    cr_assert(chmod(directory, 0555) == 0);
    if (geteuid() == 0)
        cr_assert(seteuid(65534) == 0);
    expect_kept(&a, &b, ": cannot create a file beside it: Permission denied");
    if (getuid() == 0)
        cr_assert(seteuid(0) == 0);
    cr_assert(chmod(directory, 0755) == 0);
    eer_checkpoint_free(&a);
    eer_checkpoint_free(&b);
}

Test(checkpoint, files_that_cannot_be_a_checkpoint_are_named)
{
    struct eer_checkpoint c;
    struct eer_error error;
    cr_expect(eer_checkpoint_read("/nowhere/x", &c, &error) == EER_IO);
    cr_expect_str_eq(error.text, "/nowhere/x: cannot open: No such file or directory");
    cr_expect(eer_checkpoint_read("/tmp", &c, &error) == EER_FORMAT);
    cr_expect_str_eq(error.text, "/tmp: expected a regular file");
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL && ftruncate(fileno(file), 1 << 30) == 0 && fclose(file) == 0);
    cr_expect(eer_checkpoint_read(path, &c, &error) == EER_FORMAT);
    cr_expect(strstr(error.text, ": 1073741824 bytes: expected at most ") != NULL);
    cr_expect(c.state.theta == NULL);
}
