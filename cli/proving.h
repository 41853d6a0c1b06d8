/* cril score --prove: an archive of what was scored, decoded and compared, and what it cost. */
#ifndef CRIL_CLI_PROVING_H
#define CRIL_CLI_PROVING_H

#include "cmd.h"
#include "output.h"
#include "progress.h"

#include <cril/prove.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Zero-initialised it is closed. */
struct cril_proving {
    cril_prove_options options; /* the caller's, but for the file */
    cril_corpus_options corpus;
    struct cril_progress *progress; /* borrowed */
    struct cril_output named;       /* the archive that shall stay */
    FILE *temporary;                /* else one without a name, for one corpus after another */
};

/* Usage that is refused: another protocol, corpora that can be read once only, several corpora for
   one archive. protocol, archive: as given, or NULL. CRIL_ARGS_GO_ON or the exit code. */
int cril_proving_check(const struct cril_cmd *cmd, const char *protocol, const char *archive, int n,
                       char **corpora);

/* Makes the file: archive, or a temporary one if NULL. False: the reason was printed. */
bool cril_proving_open(struct cril_proving *p, const char *archive, bool force);
/* Drops what was not committed (p->named is for the caller to commit). */
void cril_proving_close(struct cril_proving *p);

/* Proves the score of a corpus. False: the reason was printed, unless a signal was it. */
bool cril_proving_run(struct cril_proving *p, cril_model *m, const char *corpus,
                      const cril_result *scored, cril_proof *out);

/* A row for each of n corpora, and what the rows mean. */
void cril_proofs_print(FILE *f, char *const *corpora, const cril_proof *proofs, size_t n,
                       int name_width);
/* What a reader of the row should know, on standard error. */
void cril_proof_note(const char *corpus, const cril_proof *p);

#endif
