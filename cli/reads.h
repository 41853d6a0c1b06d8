/*
 * One rule for all commands: no output is a file that the command reads.
 *
 * A command notes what it reads before it opens an output; cril_output_check and cril_output_open
 * then refuse what was noted, forced or not. Files are told by device and inode, so links and other
 * names of a file are that file; those that are not there yet, by folder and name. `what` is a
 * static text such as "the model", for the sentence.
 */
#ifndef CRIL_CLI_READS_H
#define CRIL_CLI_READS_H

#include <cril/study.h>
#include <stdbool.h>

void cril_reads_file(const char *what, const char *path);   /* "-" is standard input */
void cril_reads_model(const char *what, const char *path);  /* all parts */
void cril_reads_corpus(const char *what, const char *path); /* of a folder, all files */
/* The files beside a database, which SQLite and claims make. */
void cril_reads_beside_database(const char *path);
/* The study file, models and corpora; the database too, unless the command writes it. */
void cril_reads_study(const cril_study_info *s, bool database);

/* What the output is to the command, as it was noted; NULL: nothing. "-" is standard output. */
const char *cril_reads_as(const char *output);
/* Whether a database, and what lies beside it, can be written there. CRIL_ERR_RANGE. */
cril_status cril_reads_check_database(const char *path, cril_error *err);

#endif
