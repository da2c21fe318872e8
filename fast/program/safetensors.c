#include "safetensors.h"

#include <float.h>
#include <inttypes.h>
#include <string.h>

#include "fail.h"

_Static_assert(sizeof(float) == 4 && FLT_MANT_DIG == 24, "F32 is float");
_Static_assert(sizeof(double) == 8 && DBL_MANT_DIG == 53, "F64 is double");

uint64_t eer_little_endian(const unsigned char *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

double eer_decode(const unsigned char *from, int element_size)
{
    uint64_t bits = eer_little_endian(from, element_size);
    double value;
    if (element_size == 4) {
        uint32_t low = (uint32_t)bits;
        float single;
        memcpy(&single, &low, sizeof single);
        return single;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

enum eer_status eer_safetensors_header(const void *bytes, size_t size, const char *name,
                                       size_t most, json_t **header, const unsigned char **data,
                                       size_t *data_size, struct eer_error *error)
{
    char quoted[EER_QUOTED];
    json_error_t json_error;
    if (size < EER_SAFETENSORS_LENGTH)
        return eer_fail(error, EER_FORMAT, "%s: %zu bytes: expected a safetensors file", name,
                        size);
    const unsigned char *text = (const unsigned char *)bytes + EER_SAFETENSORS_LENGTH;
    size_t rest = size - EER_SAFETENSORS_LENGTH;
    uint64_t length = eer_little_endian(bytes, EER_SAFETENSORS_LENGTH);
    if (length > rest || length > most)
        return eer_fail(error, EER_FORMAT,
                        "%s: a header of %" PRIu64
                        " bytes: expected at most %zu (the file) and %zu",
                        name, length, rest, most);
    if (length == 0 || text[0] != '{')
        return eer_fail(error, EER_FORMAT, "%s: expected the header to begin with {", name);
    *header = json_loadb((const char *)text, (size_t)length, JSON_REJECT_DUPLICATES, &json_error);
    if (*header == NULL)
        return eer_fail(error, EER_FORMAT, "%s: header, byte %d: %s", name, json_error.position,
                        eer_quote(json_error.text, quoted));
    *data = text + length;
    *data_size = rest - (size_t)length;
    return EER_OK;
}
