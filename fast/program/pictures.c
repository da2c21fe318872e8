#include "pictures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "fail.h"
#include "gnuplot.h"
#include "metrics.h"
#include "table2.h"

static void write_data(FILE *file, const struct eer_row *rows, int count)
{
    fprintf(file, "# step L10 L100 L1000 kinetic potential entropy\n$run << EOD\n");
    for (int i = 0; i < count; i++) {
        const struct eer_row *r = &rows[i];
        fprintf(file, "%d %.4f %.4f %.4f %.6g %.6g %.6g\n", r->step, r->accuracy[0], r->accuracy[1],
                r->accuracy[2], r->terms.kinetic, r->terms.potential, r->terms.entropy);
    }
    fprintf(file, "EOD\n$paper << EOD\n");
    for (int i = 0; i < EER_TABLE2_ROWS; i++) {
        const struct eer_table2_row *r = &eer_table2[i];
        fprintf(file, "%d %.1f %.1f %.1f %.4f %.4f %.4f\n", r->step, r->accuracy[0], r->accuracy[1],
                r->accuracy[2], r->kinetic, r->potential, r->entropy);
    }
    fprintf(file, "EOD\n");
}

static const char script[] =
    "array name[3] = ['Kinetic', 'Potential', 'Entropy']\n"
    "array unit[3] = ['kinetic', 'potential, nats', 'Tsallis entropy']\n"
    "set grid lt 1 lc rgb '#e4e4e4' lw 0.7\n"
    "set border lw 0.8\n"
    "set xlabel 'step'\n"
    "set xtics format '%.0s%c'\n"
    "set key samplen 2.5 spacing 1.1\n"
    "set style line 1 lc rgb '#c1440e' lw 2\n"
    "set style line 2 lc rgb '#1f6fb4' lw 2\n"
    "set style line 3 lc rgb '#2e8b57' lw 2\n"
    "set style line 4 lc rgb '#333333' lw 2\n"
    "set style line 11 lc rgb '#c1440e' lw 1 dt 2 pt 6 ps 0.6\n"
    "set style line 12 lc rgb '#1f6fb4' lw 1 dt 2 pt 8 ps 0.6\n"
    "set style line 13 lc rgb '#2e8b57' lw 1 dt 2 pt 4 ps 0.6\n"
    "set style line 14 lc rgb '#888888' lw 1 dt 2 pt 6 ps 0.6\n"
    "do for [kind in 'svg png'] {\n"
    "    if (kind eq 'svg') {\n"
    "        set terminal svg size 1000,900 dynamic font 'sans,13' background '#ffffff'\n"
    "    } else {\n"
    "        set terminal pngcairo size 1000,900 font 'sans,11' background '#ffffff'\n"
    "    }\n"
    "    set output 'report.' . kind\n"
    "    set multiplot\n"
    "    set origin 0, 0.42\n"
    "    set size 1, 0.58\n"
    "    set rmargin 3\n"
    "    set title 'Accuracy (dashed: the paper, Table 2)'\n"
    "    set ylabel 'accuracy, %'\n"
    "    set yrange [*:101]\n"
    "    set key bottom right\n"
    "    plot $run using 1:2 with lines ls 1 title 'L = 10', \\\n"
    "         $run using 1:3 with lines ls 2 title 'L = 100', \\\n"
    "         $run using 1:4 with lines ls 3 title 'L = 1000', \\\n"
    "         $paper using 1:2 with linespoints ls 11 title 'paper, L = 10', \\\n"
    "         $paper using 1:3 with linespoints ls 12 title 'paper, L = 100', \\\n"
    "         $paper using 1:4 with linespoints ls 13 title 'paper, L = 1000'\n"
    "    set yrange [0:*]\n"
    "    set offsets 0, 0, graph 0.15, 0\n"
    "    set key bottom left\n"
    "    set size 0.333, 0.42\n"
    "    do for [i = 1:3] {\n"
    "        set origin (i - 1) * 0.333, 0\n"
    "        set title name[i]\n"
    "        set ylabel unit[i]\n"
    "        plot $run using 1:(column(i + 4)) with lines ls 4 title 'this run', \\\n"
    "             $paper using 1:(column(i + 4)) with linespoints ls 14 title 'paper'\n"
    "    }\n"
    "    unset multiplot\n"
    "    unset offsets\n"
    "    unset output\n"
    "}\n";

static enum eer_status write_script(const char *path, const struct eer_row *rows, int count,
                                    struct eer_error *error)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return eer_fail(error, EER_IO, "%.300s: cannot open: %s", path, strerror(errno));
    fprintf(file, "# Draws report.svg and report.png: gnuplot report.gp\n");
    write_data(file, rows, count);
    fputs(script, file);
    int wrong = ferror(file);
    if (fclose(file) != 0 || wrong)
        return eer_fail(error, EER_IO, "%.300s: cannot write: %s", path, strerror(errno));
    return EER_OK;
}

enum eer_status eer_pictures(const char *directory, struct eer_error *error)
{
    char path[EER_PATH];
    struct eer_row *rows;
    int count;
    enum eer_status status = eer_directory_path(directory, "report.gp", path, error);
    if (status == EER_OK)
        status = eer_metrics_read(directory, &rows, &count, error);
    if (status != EER_OK)
        return status;
    status = write_script(path, rows, count, error);
    free(rows);
    if (status != EER_OK)
        return status;
    int drawn = eer_gnuplot(directory, "report.gp");
    if (drawn > 0)
        return eer_fail(error, EER_FAILED, "gnuplot failed with status %d on %.300s", drawn, path);
    if (drawn < 0)
        printf("no pictures: gnuplot is not installed; later: eer report %s\n", directory);
    else
        printf("pictures: %s/report.svg, %s/report.png\n", directory, directory);
    return EER_OK;
}
