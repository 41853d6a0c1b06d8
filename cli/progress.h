/* One line on a terminal that says how far a run is; written at most six times a second. */
#ifndef CRIL_CLI_PROGRESS_H
#define CRIL_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct cril_progress {
    bool on;           /* standard error is a terminal */
    bool shown;        /* a line stands there */
    const char *name;  /* of the file at work; borrowed */
    const char *phase; /* what is done with it; NULL: that need not be said */
    struct timespec last;
};

struct cril_progress_state {
    double fraction;     /* of the work, 0..1; negative: not known */
    double seconds;      /* since it began */
    double seconds_left; /* negative: not known; 0: by what is done and the time it took */
    uint64_t tokens;     /* that went through the model */
    const char *figure;  /* what value is called */
    double value;        /* 0: none yet */
};

void cril_progress_init(struct cril_progress *p, bool quiet);
void cril_progress_show(struct cril_progress *p, const struct cril_progress_state *s);
void cril_progress_clear(struct cril_progress *p); /* before anything else is printed */

#endif
