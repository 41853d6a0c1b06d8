/*
 * How far a run is, on standard error. On a terminal, one line that fits its width, written at most
 * six times a second; elsewhere, such as in a log, a line every few minutes.
 */
#ifndef CRIL_CLI_PROGRESS_H
#define CRIL_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct cril_progress {
    bool on;
    bool is_terminal; /* standard error is one */
    double every_sec; /* between two lines */
    struct timespec last;
    int shown;         /* columns of the line that stands on the terminal; 0: none */
    const char *name;  /* of the file at work; borrowed */
    const char *phase; /* what is done with it; NULL: that need not be said */
};

struct cril_progress_state {
    double fraction;     /* of the work, 0..1; negative: not known */
    double seconds;      /* since it began */
    double seconds_left; /* negative: not known; 0: by what is done and the time it took */
    uint64_t tokens;     /* that went through the model */
    uint64_t bytes;      /* that were fetched, where no tokens go anywhere */
    const char *figure;  /* what value is called */
    double value;        /* 0: none yet */
};

void cril_progress_init(struct cril_progress *p, bool quiet);
void cril_progress_show(struct cril_progress *p, const struct cril_progress_state *s);
void cril_progress_clear(struct cril_progress *p); /* before anything else is printed */

/*
 * The line into out [size bytes], at most `columns` wide (0: of any width): what tells least goes
 * first (speed, figure, phase, time left, percent), then the middle of the name. Returns its width.
 */
int cril_progress_line(char *out, size_t size, int columns, const struct cril_progress *p,
                       const struct cril_progress_state *s);

#endif
