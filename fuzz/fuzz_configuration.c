/* Fuzzes the configuration reader: any text is either refused with a sentence and without effect,
 * or what it was read as prints to a text that reads as the same. */
#include <stdlib.h>
#include <string.h>

#include "../fast/program/configuration.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

/* Prints it, reads that, and prints again: the two texts must agree. */
static void round_trip(const struct eer_config *config, int comments)
{
    char first[EER_CONFIG_TEXT], second[EER_CONFIG_TEXT];
    struct eer_config again;
    struct eer_error error;
    int length = eer_config_print(config, comments, first, sizeof first);
    must(length > 0 && length < EER_CONFIG_TEXT && strlen(first) == (size_t)length);
    eer_config_default(&again);
    must(eer_config_parse(&again, first, (size_t)length, "printed", &error) == EER_OK);
    must(memcmp(config, &again, sizeof again) == 0);
    eer_config_print(&again, comments, second, sizeof second);
    must(strcmp(first, second) == 0);
    if (eer_config_check(config, &error) != EER_OK)
        must(error.status == EER_USAGE && strchr(error.text, '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct eer_config config, before;
    struct eer_error error = {EER_OK, ""};
    eer_config_default(&config);
    before = config;
    enum eer_status status = eer_config_parse(&config, (const char *)bytes, size, "x", &error);
    if (status == EER_OK) {
        round_trip(&config, 0);
        round_trip(&config, 1);
        return 0;
    }
    must(status == EER_USAGE && error.status == status && strncmp(error.text, "x:", 2) == 0);
    must(strlen(error.text) < sizeof error.text);
    for (const char *c = error.text; *c != '\0'; c++)
        must(*c >= ' ' && *c <= '~');
    must(memcmp(&config, &before, sizeof config) == 0);
    return 0;
}
