/* fail.h - how a function of the program reports an error: `return eer_fail(error, EER_IO, ...)`.
 */
#ifndef EER_FAIL_H
#define EER_FAIL_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../spec/error.h"

enum { EER_QUOTED = 48 }; /* bytes of someone's text that a message repeats, with its NUL */

/* Someone's text for a message: cut, and nothing in it that a terminal would obey. */
static inline const char *eer_quote(const char *text, char quoted[EER_QUOTED])
{
    size_t length = 0;
    for (; text[length] != '\0' && length + 1 < EER_QUOTED; length++) {
        quoted[length] = text[length];
        if (text[length] < ' ' || text[length] > '~')
            quoted[length] = '?';
    }
    quoted[length] = '\0';
    if (text[length] != '\0')
        memcpy(quoted + EER_QUOTED - 4, "...", 4);
    return quoted;
}

/* Writes the sentence, cut to what struct eer_error holds, and returns the status. error may be
 * NULL. */
__attribute__((format(printf, 3, 4))) static inline enum eer_status
eer_fail(struct eer_error *error, enum eer_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->status = status;
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return status;
}

#endif
