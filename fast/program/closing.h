/* closing.h - the table at the end of a run: accuracy on fresh sequences beside the paper's. */
#ifndef EER_CLOSING_H
#define EER_CLOSING_H

#include "checkpoint.h"
#include "execution.h"

enum eer_status eer_closing_table(const struct eer_execution *, const struct eer_checkpoint *,
                                  struct eer_error *);

#endif
