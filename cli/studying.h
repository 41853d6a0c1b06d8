/* What the commands on studies share: a study file, its database, what is known. */
#ifndef CRIL_CLI_STUDYING_H
#define CRIL_CLI_STUDYING_H

#include "args.h"

#include <cril/store.h>
#include <cril/study.h>
#include <jansson.h>
#include <stdbool.h>

struct cril_studying {
    cril_study *study;
    const cril_study_info *info;
    cril_store *store;
    cril_current *current;
    cril_study_table table;
    const cril_study_protocol *protocol; /* of the table */
};

/*
 * Parses the line of a command whose only operand is a study file. CRIL_ARGS_GO_ON, and argv[0] is
 * that file, or the exit code.
 */
int cril_studying_args(const struct cril_cmd *cmd, void *settings, int argc, char **argv);

/* The study alone. NULL: the reason was printed. */
cril_study *cril_studying_load(const char *path);

/* A protocol's name; where the study has several of one name, with their contexts and strides as
 * given: "document:512", "hkust:950:256". */
const char *cril_protocol_label(const cril_study_info *s, const cril_study_protocol *p,
                                char out[64]);
/*
 * Loads a study and what its database knows; it only reads. Says which figures are out of date.
 * protocol: one that the study names,
 * NULL: its first. False: the reason was printed. cril_studying_close takes what is half open.
 */
bool cril_studying_open(struct cril_studying *s, const char *path, const char *protocol);
void cril_studying_close(struct cril_studying *s);

/*
 * "general,code,-Qwen" as words, [*n], owned by the caller, who frees words[0] and words. text
 * NULL: none. False: the reason was printed.
 */
bool cril_split_words(const char *text, char ***words, size_t *n);

/* Figures that were measured and are out of date, as an array; NULL: out of memory. */
json_t *cril_out_of_date_json(const struct cril_studying *s);

/* What of a line goes into JSON, models included; NULL: out of memory. */
json_t *cril_line_json(const cril_study_info *s, const cril_study_fit *f, const cril_study_line *l);

#endif
