/* The leak scores that a run of a study makes. */
#ifndef CRIL_STUDY_LEAK_CELLS_H
#define CRIL_STUDY_LEAK_CELLS_H

#include "study/survey.h"

struct cril_leak_run {
    const cril_study_info *s;
    cril_store *store;
    struct cril_survey *work; /* what cannot be done becomes a fault of it */
    cril_score_options options;
    unsigned shard, shards; /* shards 0: all is this run's */
    void *user;
    int (*poll)(void *user, const char *what); /* not 0: stop */
    void (*fault)(void *user, const cril_error *why);
    void (*note)(void *user, const char *sentence);
};

/* Those that the store lacks, into it. The scores are dealt to the shards in turn. */
cril_status cril_leak_cells_run(const struct cril_leak_run *r, cril_error *err);

#endif
