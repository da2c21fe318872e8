/* missing.c - stands for the commands of this folder in a build without Arb. */
#include "../command.h"
#include "../fail.h"

static const struct eer_option none[] = {{NULL, NULL, NULL}};

static enum eer_status run(int argc, char **argv, struct eer_error *error)
{
    (void)argc;
    return eer_fail(error, EER_UNAVAILABLE,
                    "%s: this eer was built without Arb; install libflint-arb-dev (Debian, Ubuntu) "
                    "or FLINT with Arb, and call make again",
                    argv[0]);
}

const struct eer_command eer_theorem_command = {
    "theorem", "", "Check theorem 3.2.1 of the paper (not in this build: no Arb).", NULL, none, run,
};

const struct eer_command eer_certify_command = {
    "certify", "",   "Certify bounds of an attention loop (not in this build: no Arb).",
    NULL,      none, run,
};
