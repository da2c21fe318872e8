/* command.h - what a command of the program is, and its options: the help text, the parser and the
 * suggestions all follow from one table. */
#ifndef EER_COMMAND_H
#define EER_COMMAND_H

#include <stdint.h>

#include "../../spec/error.h"

struct eer_option {
    const char *name;     /* without the dashes; a table ends with a NULL name */
    const char *argument; /* NULL: none; "[WHAT]": may be left out, else given as --name=WHAT */
    const char *help;
};

struct eer_command {
    const char *name;
    const char *operands; /* in the usage line, after the options; may be "" */
    const char *summary;  /* one line */
    const char *details;  /* more, or NULL */
    const struct eer_option *options;
    /* argv[0] is the command's name. On failure the error says what the person should know. */
    enum eer_status (*run)(int argc, char **argv, struct eer_error *);
};

extern const struct eer_command eer_train_command, eer_sweep_command, eer_eval_command,
    eer_info_command, eer_theorem_command, eer_certify_command, eer_report_command,
    eer_bench_command;

enum { EER_OPTION_END = -1, EER_OPTION_ERROR = -2 };

/* The next option of argv: its index in the table, with *value its argument or NULL. At the end,
 * argv from optind on holds the operands. */
int eer_option_next(const struct eer_option *, int argc, char **argv, const char **value,
                    struct eer_error *);

/* All options, each given to `take` with its place in the table; the operands as above. */
typedef enum eer_status eer_take(void *context, int option, const char *value, struct eer_error *);
enum eer_status eer_options(const struct eer_option *, int argc, char **argv, eer_take *,
                            void *context, struct eer_error *);

/* The name among `count` that is nearest to a misspelt one, or NULL if none is near. */
const char *eer_nearest(const char *wrong, const char *const *names, int count);

/* Numbers as people write them; `what` names the option in the message. Both ends are allowed. */
enum eer_status eer_parse_whole(const char *text, long long least, long long most, const char *what,
                                long long *value, struct eer_error *);
enum eer_status eer_parse_seed(const char *text, const char *what, uint64_t *value,
                               struct eer_error *);

/* At most `room` numbers, "N,N,...". */
enum eer_status eer_parse_list(const char *text, int least, int most, const char *what, int *values,
                               int room, int *count, struct eer_error *);

/* At most `room` seeds, none twice: single ones and ranges, "A-B,C,...". */
enum eer_status eer_parse_seeds(const char *text, const char *what, uint64_t *seeds, int room,
                                int *count, struct eer_error *);

/* The place of a word in "a|b|c". */
enum eer_status eer_parse_word(const char *text, const char *words, const char *what, int *value,
                               struct eer_error *);
/* The word at a place, copied to `word` (16 bytes hold every one of spec/). */
void eer_word(const char *words, int place, char word[16]);

#endif
