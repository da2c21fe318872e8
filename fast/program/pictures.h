/* pictures.h - a run's report.svg and report.png, drawn by gnuplot from its metrics. */
#ifndef EER_PICTURES_H
#define EER_PICTURES_H

#include "../../spec/error.h"

/* Writes DIR/report.gp, data inside, and runs gnuplot on it. Without gnuplot it says so and goes
 * on. */
enum eer_status eer_pictures(const char *directory, struct eer_error *);

#endif
