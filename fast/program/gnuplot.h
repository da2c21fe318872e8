/* gnuplot.h - runs gnuplot on a script. */
#ifndef EER_GNUPLOT_H
#define EER_GNUPLOT_H

/* gnuplot's exit status in a directory; -1 if it cannot be run. */
int eer_gnuplot(const char *directory, const char *script);

#endif
