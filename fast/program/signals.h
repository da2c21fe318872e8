/* signals.h - SIGINT and SIGTERM ask for a stop; a second one ends the process at once. */
#ifndef EER_SIGNALS_H
#define EER_SIGNALS_H

void eer_signals_watch(void);
void eer_signals_restore(void); /* the next signal ends the process */
int eer_signals_stop(void);     /* 1 once a signal came */

#endif
