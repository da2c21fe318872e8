/* error.h - what a function that can fail returns, and what it says.
 *
 * A status is returned; the sentence for the person goes into a struct eer_error, which names the
 * file, line, key or value and what was expected. The program's exit status follows from the
 * status alone (eer_exit_status). */
#ifndef EER_ERROR_H
#define EER_ERROR_H

enum eer_status {
    EER_OK = 0,
    EER_FAILED,     /* a check or a run failed */
    EER_NOT_FINITE, /* a loss or a gradient is NaN or infinite */
    EER_IO,         /* the operating system refused: open, read, write, sync, rename */
    EER_FORMAT,     /* a file is not what it claims to be */
    EER_NO_MEMORY,
    EER_STOPPED,     /* SIGINT or SIGTERM: a checkpoint was written */
    EER_USAGE,       /* a wrong option, key or value */
    EER_UNAVAILABLE, /* this machine or this build lacks what was asked for */
};

struct eer_error {
    enum eer_status status;
    char text[512]; /* one sentence, no newline at its end */
};

/* 0 success, 1 a failed check or run, 2 usage, 3 a missing tool, library or instruction set. */
/*@ terminates \true;
    assigns \nothing;
    ensures success: \result == 0 <==> status == EER_OK || status == EER_STOPPED;
    ensures usage: \result == 2 <==> status == EER_USAGE;
    ensures missing: \result == 3 <==> status == EER_UNAVAILABLE;
    ensures failure: 0 <= \result <= 3; */
static inline int eer_exit_status(enum eer_status status)
{
    if (status == EER_OK || status == EER_STOPPED)
        return 0;
    if (status == EER_USAGE)
        return 2;
    return status == EER_UNAVAILABLE ? 3 : 1;
}

#endif
