/* verified.h - which sources this binary was built from, and whether they carry a passing record of
 * `make verify`. */
#ifndef EER_VERIFIED_H
#define EER_VERIFIED_H

#include <stddef.h>

const char *eer_version(void);
const char *eer_source_hash(void);

/* "yes, TIME" or "no: REASON". The record is verify.json beside the executable or in ../share/eer/;
 * it counts only if it names this binary's source hash. */
void eer_verified(char *text, size_t size);

/* The same for a record in memory: what the tests call. */
void eer_verified_record(const char *json, size_t length, const char *source, char *text,
                         size_t size);

#endif
