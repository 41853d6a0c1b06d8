/*
 * A CSV file of runs, which grows: a row a model and corpus, appended whole under a lock, so that
 * several commands can share the file.
 */
#ifndef CRIL_CLI_RUNS_CSV_H
#define CRIL_CLI_RUNS_CSV_H

#include <cril/score.h>
#include <stdbool.h>

/* Before the work: the file can be appended to, is empty or begins with this version's head, and
 * its last row is whole. Makes the file, with its head, where it is not there. False: the reason
 * was printed. */
bool cril_runs_csv_check(const char *path);
/* Appends rows of results [n] of one model. safe: as cril_print_csv. False: the reason was printed;
 * nothing was appended. */
bool cril_runs_csv_append(const char *path, const cril_result *results, size_t n, bool safe);

#endif
