#include "signals.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t came;

static void note(int number)
{
    (void)number;
    came = 1;
    eer_signals_restore();
}

static void handle(void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void eer_signals_watch(void)
{
    came = 0;
    handle(note);
}

void eer_signals_restore(void)
{
    handle(SIG_DFL);
}

int eer_signals_stop(void)
{
    return came;
}
