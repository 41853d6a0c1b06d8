/*
 * Percent, speed, time left and figure so far. Time left: what is done, extrapolated. The width is
 * asked for at each line, so that a window may be resized. A terminal that became narrower has
 * broken the line that stood there into several rows, all of which are cleared.
 */
#include "progress.h"

#include <cril/text.h>
#include "output.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_BYTES = 2048, DEFAULT_COLUMNS = 80, MIN_NAME = 16, PART_BYTES = 48 };

static const double terminal_sec = 1.0 / 6, log_sec = 180;

/* In the order in which they stand. */
enum part { PHASE, NAME, PERCENT, SPEED, LEFT, FIGURE, N_PARTS };

void cril_progress_init(struct cril_progress *p, bool quiet)
{
    *p = (struct cril_progress){.on = !quiet, .is_terminal = isatty(STDERR_FILENO)};
    p->every_sec = p->is_terminal ? terminal_sec : log_sec;
    p->on = p->on && clock_gettime(CLOCK_MONOTONIC, &p->last) == 0;
}

/* ---- the line ---- */

static void time_text(double sec, char *out, size_t size)
{
    unsigned long s = (unsigned long)sec;

    if (s >= 3600)
        snprintf(out, size, "%lu:%02lu:%02lu left", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%lu:%02lu left", s / 60, s % 60);
}

/* All parts but the name; "" where there is none. */
static void write_parts(char part[N_PARTS][PART_BYTES], const char *phase,
                        const struct cril_progress_state *s)
{
    for (int i = 0; i < N_PARTS; i++)
        part[i][0] = '\0';
    if (phase)
        snprintf(part[PHASE], PART_BYTES, "%s", phase);
    if (s->fraction >= 0)
        snprintf(part[PERCENT], PART_BYTES, "%3.0f %%", 100 * s->fraction);
    if (s->seconds > 0 && s->tokens) /* none before the first batch is through */
        snprintf(part[SPEED], PART_BYTES, "%.0f tokens/s", (double)s->tokens / s->seconds);
    else if (s->seconds > 0 && s->bytes)
        snprintf(part[SPEED], PART_BYTES, "%.1f MB/s", (double)s->bytes * 1e-6 / s->seconds);
    if (s->seconds_left > 0)
        time_text(s->seconds_left, part[LEFT], PART_BYTES);
    else if (s->seconds_left == 0 && s->fraction > 0.001 && s->fraction <= 1 && s->seconds > 1)
        time_text(s->seconds * (1 - s->fraction) / s->fraction, part[LEFT], PART_BYTES);
    if (s->value > 0)
        snprintf(part[FIGURE], PART_BYTES, "%s %.4f", s->figure, s->value);
}

/* Columns of all parts but the name, with what stands between them and it. */
static int width_of_parts(char part[N_PARTS][PART_BYTES])
{
    int width = 0;

    for (int i = 0; i < N_PARTS; i++)
        if (part[i][0])
            width += (int)strlen(part[i]) + (i == PHASE ? 1 : 2);
    return width;
}

/* Leaves room for a name of so many columns, or of a few. */
static int drop_parts(char part[N_PARTS][PART_BYTES], int columns, int name)
{
    static const enum part order[] = {SPEED, FIGURE, PHASE, LEFT, PERCENT};
    const int wanted = name < MIN_NAME ? name : MIN_NAME;

    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
        if (width_of_parts(part) + wanted > columns)
            part[order[i]][0] = '\0';
    return columns - width_of_parts(part);
}

int cril_progress_line(char *out, size_t size, int columns, const struct cril_progress *p,
                       const struct cril_progress_state *s)
{
    char part[N_PARTS][PART_BYTES], *name = cril_text_shown(p->name);
    const int full = name ? cril_shown_width(name) : 0;
    FILE *f = fmemopen(out, size - 1, "w");
    int room = full;

    out[0] = out[size - 1] = '\0';
    if (name && f) {
        write_parts(part, p->phase, s);
        if (columns)
            room = drop_parts(part, columns, full);
        room = room < full ? room : full;
        if (part[PHASE][0])
            fprintf(f, "%s ", part[PHASE]);
        cril_print_cut(f, name, room);
        for (int i = PERCENT; i < N_PARTS; i++)
            if (part[i][0])
                fprintf(f, "  %s", part[i]);
        room += width_of_parts(part);
    }
    if (f)
        fclose(f);
    free(name);
    return room;
}

/* ---- where it goes ---- */

static int terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col
                                                                       : DEFAULT_COLUMNS;
}

/* To the first row of the line that stands there. */
static void go_back(const struct cril_progress *p, int columns)
{
    const int rows = p->shown ? (p->shown - 1) / columns : 0;

    if (rows)
        fprintf(stderr, "\033[%dA", rows);
    putc('\r', stderr);
}

/* On a terminal where no line stands, at once. */
static bool is_due(struct cril_progress *p)
{
    struct timespec now;

    if (!p->on || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return false;
    if ((p->shown || !p->is_terminal) &&
        (double)(now.tv_sec - p->last.tv_sec) + (double)(now.tv_nsec - p->last.tv_nsec) * 1e-9 <
            p->every_sec)
        return false;
    p->last = now;
    return true;
}

void cril_progress_show(struct cril_progress *p, const struct cril_progress_state *s)
{
    const int columns = terminal_columns();
    char line[LINE_BYTES];

    if (!is_due(p))
        return;
    if (!p->is_terminal) {
        cril_progress_line(line, sizeof(line), 0, p, s);
        cril_print_note("%s", line);
        return;
    }
    go_back(p, columns);
    /* One column less: in the last one some terminals go on to the next row. */
    p->shown = cril_progress_line(line, sizeof(line), columns > 1 ? columns - 1 : 1, p, s);
    fprintf(stderr, "%s\033[J", line);
    fflush(stderr);
}

void cril_progress_clear(struct cril_progress *p)
{
    if (!p->shown)
        return;
    go_back(p, terminal_columns());
    fputs("\033[J", stderr);
    p->shown = 0;
}
