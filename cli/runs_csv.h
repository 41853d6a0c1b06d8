/*
 * A CSV file of runs, which grows: a row a model and corpus, appended whole under a lock, so that
 * several commands can share the file.
 */
#ifndef CRIL_CLI_RUNS_CSV_H
#define CRIL_CLI_RUNS_CSV_H

#include <cril/score.h>
#include <stdbool.h>

/* What a row is known by. */
struct cril_run_key {
    const char *model_sha256, *corpus_sha256, *protocol, *field, *prompt_field; /* never NULL */
    size_t context, stride;
    uint64_t limit; /* 0: none */
};

/* Before the work: the file can be appended to, is empty or begins with this version's head, and
 * its last row is whole. Makes the file, with its head, where it is not there. False: the reason
 * was printed. */
bool cril_runs_csv_check(const char *path);
/* Appends rows of results [n] of one model. safe: as cril_print_csv. False: the reason was printed;
 * nothing was appended. */
bool cril_runs_csv_append(const char *path, const cril_result *results, size_t n, bool safe);
/* BPC with escapes of the newest row of that key, by these versions of numerics and rules and
 * without a stopping rule. False: the reason was printed. */
bool cril_runs_csv_find(const char *path, const struct cril_run_key *key, bool *found, double *bpc);

#endif
