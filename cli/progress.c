/* Percent, speed, time left and figure so far. Time left: what is done, extrapolated. */
#include "progress.h"

#include <cril/text.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double every_sec = 1.0 / 6;

void cril_progress_init(struct cril_progress *p, bool quiet)
{
    *p = (struct cril_progress){.on = !quiet && isatty(STDERR_FILENO)};
}

static void time_text(double sec, char *out, size_t size)
{
    unsigned long s = (unsigned long)sec;

    if (s >= 3600)
        snprintf(out, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%lu:%02lu", s / 60, s % 60);
}

void cril_progress_show(struct cril_progress *p, const struct cril_progress_state *s)
{
    struct timespec now;
    const char *name;
    char left[32], shown[49];

    if (!p->on || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return;
    if (p->shown &&
        (double)(now.tv_sec - p->last.tv_sec) + (double)(now.tv_nsec - p->last.tv_nsec) * 1e-9 <
            every_sec)
        return;
    p->last = now;
    p->shown = true;
    name = strrchr(p->name, '/');
    name = name && name[1] ? name + 1 : p->name;
    cril_text_show(name, strlen(name), true, shown, sizeof(shown));
    fprintf(stderr, "\r%s%s%s", p->phase ? p->phase : "", p->phase ? " " : "", shown);
    if (s->fraction >= 0)
        fprintf(stderr, "  %3.0f %%", 100 * s->fraction);
    if (s->seconds > 0 && s->tokens) /* none before the first batch is through */
        fprintf(stderr, "  %.0f tokens/s", (double)s->tokens / s->seconds);
    if (s->seconds_left > 0 ||
        (s->seconds_left == 0 && s->fraction > 0.001 && s->fraction <= 1 && s->seconds > 1)) {
        time_text(s->seconds_left > 0 ? s->seconds_left
                                      : s->seconds * (1 - s->fraction) / s->fraction,
                  left, sizeof(left));
        fprintf(stderr, "  %s left", left);
    }
    if (s->value > 0)
        fprintf(stderr, "  %s %.4f", s->figure, s->value);
    fputs("\033[K", stderr);
    fflush(stderr);
}

void cril_progress_clear(struct cril_progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
