/* One line on a terminal that says how far a run is; written at most six times a second. */
#ifndef CRIL_CLI_PROGRESS_H
#define CRIL_CLI_PROGRESS_H

#include <cril/score.h>
#include <stdbool.h>
#include <time.h>

struct cril_progress {
    bool on;          /* standard error is a terminal */
    bool shown;       /* a line stands there */
    const char *name; /* of the corpus; borrowed */
    struct timespec last;
};

void cril_progress_init(struct cril_progress *p, bool quiet);
void cril_progress_show(struct cril_progress *p, const cril_score_progress *s);
void cril_progress_clear(struct cril_progress *p); /* before anything else is printed */

#endif
