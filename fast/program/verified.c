#include "verified.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef EER_VERSION
#define EER_VERSION "unknown"
#endif
#ifndef EER_SOURCE_HASH
#define EER_SOURCE_HASH "unknown"
#endif

enum { PATH = 4096, RECORD = 1 << 20 };

const char *eer_version(void)
{
    return EER_VERSION;
}

const char *eer_source_hash(void)
{
    return EER_SOURCE_HASH;
}

/* The name of the first check with this result, or NULL; *count says how many there are. */
static const char *first_with(const json_t *checks, const char *result, int *count)
{
    const char *first = NULL;
    size_t i;
    json_t *check;
    *count = 0;
    json_array_foreach(checks, i, check)
    {
        const char *name = json_string_value(json_object_get(check, "name"));
        const char *its = json_string_value(json_object_get(check, "result"));
        if (!its || strcmp(its, result) != 0)
            continue;
        if (!first)
            first = name ? name : "a check without a name";
        ++*count;
    }
    return first;
}

static void judge(const json_t *record, const char *source, char *text, size_t size)
{
    const char *of = json_string_value(json_object_get(record, "source"));
    const char *result = json_string_value(json_object_get(record, "result"));
    const char *time = json_string_value(json_object_get(record, "time"));
    const json_t *checks = json_object_get(record, "checks");
    int failed, skipped;
    const char *first = first_with(checks, "failed", &failed);
    first_with(checks, "skipped", &skipped);
    if (!of || !result || !time || json_array_size(checks) == 0)
        snprintf(text, size, "no: the record is incomplete");
    else if (strcmp(of, source) != 0)
        snprintf(text, size, "no: the record is of other sources (%.12s)", of);
    else if (first || strcmp(result, "passed") != 0)
        snprintf(text, size, "no: failed (%.40s), %.30s", first ? first : result, time);
    else if (skipped > 0)
        snprintf(text, size, "yes, %.30s, %d skipped", time, skipped);
    else
        snprintf(text, size, "yes, %.30s", time);
}

void eer_verified_record(const char *json, size_t length, const char *source, char *text,
                         size_t size)
{
    json_t *record = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(record))
        judge(record, source, text, size);
    else
        snprintf(text, size, "no: the record is not JSON");
    json_decref(record);
}

/* The record's bytes, in a static buffer; -1 if there is none. */
static long read_record(const char *directory, const char *place, char *bytes)
{
    char path[PATH + 64];
    snprintf(path, sizeof path, "%s/%s", directory, place);
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    size_t length = fread(bytes, 1, RECORD, file);
    fclose(file);
    return (long)length;
}

void eer_verified(char *text, size_t size)
{
    static char bytes[RECORD];
    char directory[PATH];
    if (strcmp(EER_SOURCE_HASH, "unknown") == 0) {
        snprintf(text, size, "no: this build does not know its sources");
        return;
    }
    ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
    directory[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash)
        *slash = '\0';
    long found = read_record(directory, "verify.json", bytes);
    if (found < 0)
        found = read_record(directory, "../share/eer/verify.json", bytes);
    if (found < 0)
        snprintf(text, size, "no: there is no record (make verify)");
    else
        eer_verified_record(bytes, (size_t)found, EER_SOURCE_HASH, text, size);
}
