#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"

enum { WIDE = 256, LONG_LINE = 140 };
static const double interval = 0.1; /* seconds between two drawings */

void eer_progress_begin(struct eer_progress *p, int quiet, int first_step, int steps, int models)
{
    memset(p, 0, sizeof *p);
    p->quiet = quiet;
    p->terminal = isatty(STDOUT_FILENO);
    p->first_step = first_step;
    p->steps = steps;
    p->models = models;
    p->begin = eer_seconds();
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col < WIDE ? size.ws_col : WIDE - 1;
}

/* The loss terms only where there is room. */
static void write_terms(const struct eer_terms *terms, int room, char text[WIDE])
{
    text[0] = '\0';
    if (room >= LONG_LINE)
        snprintf(text, WIDE, " (task %.4f, potential %.3f, kinetic %.2f, entropy %.3f)",
                 terms->task, terms->potential, terms->kinetic, terms->entropy);
}

/* One model's at all lengths, or what 80 columns hold of several's. */
static void write_accuracy(const struct eer_progress *p, char text[WIDE])
{
    if (p->models > 1)
        snprintf(text, WIDE, "L1000 %.2f%%, worst %.2f%%", p->accuracy[2], p->worst[2]);
    else
        snprintf(text, WIDE, "L10/100/1000 %.1f/%.1f/%.1f%%", p->accuracy[0], p->accuracy[1],
                 p->accuracy[2]);
}

static void draw(struct eer_progress *p, int step, const struct eer_terms *terms, double now)
{
    char line[3 * WIDE], detail[WIDE], accuracy[WIDE];
    int room = terminal_width() - 1;
    double spent = now - p->begin;
    double rate = spent > 0.0 ? (step - p->first_step) / spent : 0.0;
    long left = rate > 0.0 ? (long)((p->steps - step) / rate + 0.5) : 0;
    write_terms(terms, room, detail);
    write_accuracy(p, accuracy);
    snprintf(line, sizeof line, "%d/%d  loss %.4f%s  %s  %.0f steps/s  %ld:%02ld left", step,
             p->steps, terms->total, detail, accuracy, rate, left / 60, left % 60);
    printf("\r%.*s\033[K", room, line);
    fflush(stdout);
    p->shown = now;
}

void eer_progress_step(struct eer_progress *p, int step, const struct eer_terms *terms)
{
    if (p->quiet || !p->terminal)
        return;
    double now = eer_seconds();
    if (now - p->shown >= interval || step == p->steps)
        draw(p, step, terms, now);
}

void eer_progress_row(struct eer_progress *p, const struct eer_row *row)
{
    memcpy(p->accuracy, row->accuracy, sizeof p->accuracy);
    if (p->quiet || p->terminal)
        return;
    printf("step %6d  loss %.4f  task %.4f  entropy %.4f  potential %.4f  kinetic %8.4f  "
           "accuracy %5.1f %5.1f %5.1f %%",
           row->step, row->terms.total, row->terms.task, row->terms.entropy, row->terms.potential,
           row->terms.kinetic, row->accuracy[0], row->accuracy[1], row->accuracy[2]);
    if (p->models > 1)
        printf("  worst %5.1f %5.1f %5.1f %%", p->worst[0], p->worst[1], p->worst[2]);
    printf("  %.0f steps/s\n", row->steps_per_second);
    fflush(stdout);
}

void eer_progress_end(struct eer_progress *p)
{
    if (!p->quiet && p->terminal && p->shown > 0.0)
        printf("\n");
    fflush(stdout);
}
