/* certified_picture.c - the picture of certified.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../fail.h"
#include "../gnuplot.h"
#include "certified.h"

static void write_number(FILE *file, double x)
{
    if (isfinite(x))
        fprintf(file, " %.6g", x);
    else
        fprintf(file, " NaN");
}

static void write_data(FILE *file, const struct eer_certified *c, int number)
{
    fprintf(
        file,
        "# t printed A A_lambda blocks DF_low DF_high J_low J_high rho_low rho_high\n$s%d << EOD\n",
        number);
    for (int k = 0; k < c->count; k++) {
        const struct bound_certificate *b = &c->state[k].certificate;
        const struct bound_attention_values *v = &b->attention;
        const struct bound_jacobian_values *J = b->has_quotient ? &b->quotient : &b->jacobian;
        const double column[] = {v->printed[0].hi, v->A.hi,     v->A_lambda.hi, v->blocks.hi,
                                 v->norm.lo,       v->norm.hi,  J->norm.lo,     J->norm.hi,
                                 J->radius.lo,     J->radius.hi};
        fprintf(file, "%d", c->state[k].t);
        for (size_t i = 0; i < sizeof column / sizeof column[0]; i++)
            write_number(file, column[i]);
        fprintf(file, "\n");
    }
    fprintf(file, "EOD\n");
}

/* A path within single quotes of a script. */
static void write_quoted(FILE *file, const char *text)
{
    for (; *text; text++)
        fprintf(file, *text == '\'' ? "''" : "%c", *text);
}

static void write_panels(FILE *file, const struct eer_certified *c, int number)
{
    const char *kind = c->state[0].certificate.has_quotient ? ", modulo row means" : "";
    char what[48] = "";
    if (c->length > 0)
        snprintf(what, sizeof what, "L = %d, sequence %d: ", c->length, c->sequence);
    fprintf(
        file,
        "set logscale y\nset title '%sthe attention map'\n"
        "plot $s%d using 1:2 with lines ls 4 title 'theorem 3.2.1 as printed: not a bound', \\\n"
        "     $s%d using 1:3 with lines ls 1 title 'A', \\\n"
        "     $s%d using 1:4 with lines ls 2 title 'A_{lambda}', \\\n"
        "     $s%d using 1:5 with lines ls 3 title 'block norms', \\\n"
        "     $s%d using 1:6:7 with filledcurves ls 5 notitle, \\\n"
        "     $s%d using 1:6 with lines ls 5 title '||DF||, enclosed'\n",
        what, number, number, number, number, number, number);
    fprintf(file,
            "unset logscale y\nset title '%sone iteration%s'\n"
            "plot $s%d using 1:8:9 with filledcurves ls 5 notitle, \\\n"
            "     $s%d using 1:8 with lines ls 5 title '||J||, enclosed', \\\n"
            "     $s%d using 1:10:11 with filledcurves ls 6 notitle, \\\n"
            "     $s%d using 1:10 with lines ls 6 title 'spectral radius, enclosed', \\\n"
            "     1 with lines lt 1 lc rgb '#999999' lw 0.8 dt 3 notitle\n",
            what, kind, number, number, number, number);
}

static const char style[] = "set grid lt 1 lc rgb '#e4e4e4' lw 0.7\n"
                            "set border lw 0.8\n"
                            "set xlabel 'iteration'\n"
                            "set key below samplen 2.5 spacing 1.1\n"
                            "set style line 1 lc rgb '#c1440e' lw 2\n"
                            "set style line 2 lc rgb '#1f6fb4' lw 2\n"
                            "set style line 3 lc rgb '#2e8b57' lw 2\n"
                            "set style line 4 lc rgb '#888888' lw 1.5 dt 2\n"
                            "set style line 5 lc rgb '#111111' lw 2\n"
                            "set style line 6 lc rgb '#b8860b' lw 2\n"
                            "set style fill transparent solid 0.25 noborder\n";

static enum eer_status write_script(const char *script, const char *path,
                                    const struct eer_certified *c, int count,
                                    struct eer_error *error)
{
    FILE *file = fopen(script, "w");
    if (!file)
        return eer_fail(error, EER_IO, "%.300s: cannot open: %s", script, strerror(errno));
    for (int k = 0; k < count; k++)
        write_data(file, &c[k], k);
    fprintf(file, "set terminal svg size 1100,%d dynamic font 'sans,13' background '#ffffff'\n",
            420 * count);
    fprintf(file, "set output '");
    write_quoted(file, path);
    fprintf(file, "'\n%sset multiplot layout %d,2\n", style, count);
    for (int k = 0; k < count; k++)
        write_panels(file, &c[k], k);
    fprintf(file, "unset multiplot\nunset output\n");
    int wrong = ferror(file);
    if (fclose(file) != 0 || wrong)
        return eer_fail(error, EER_IO, "%.300s: cannot write: %s", script, strerror(errno));
    return EER_OK;
}

enum eer_status eer_certified_picture(const char *path, const struct eer_certified *c, int count,
                                      struct eer_error *error)
{
    char script[4096];
    int shown = count < EER_PICTURED ? count : EER_PICTURED;
    if (snprintf(script, sizeof script, "%s.gp", path) >= (int)sizeof script)
        return eer_fail(error, EER_USAGE, "--picture: a path of at most %zu characters is expected",
                        sizeof script - 4);
    enum eer_status status = write_script(script, path, c, shown, error);
    if (status != EER_OK)
        return status;
    int drawn = eer_gnuplot(".", script);
    if (drawn > 0)
        return eer_fail(error, EER_FAILED, "gnuplot failed with status %d on %.300s", drawn,
                        script);
    if (drawn < 0)
        fprintf(stderr, "no picture: gnuplot is not installed; later: gnuplot %s\n", script);
    return EER_OK;
}
