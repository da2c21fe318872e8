/* fail.h - how a function of the program reports an error: `return eer_fail(error, EER_IO, ...)`.
 */
#ifndef EER_FAIL_H
#define EER_FAIL_H

#include <stdarg.h>
#include <stdio.h>

#include "../../spec/error.h"

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
