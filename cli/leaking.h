/* cril leak, among its files: its settings, and the two questions that it answers. */
#ifndef CRIL_CLI_LEAKING_H
#define CRIL_CLI_LEAKING_H

#include "args.h"
#include "output.h"
#include "progress.h"

#include <cril/corpus.h>
#include <stdbool.h>
#include <stdint.h>

struct cril_leak_args {
    cril_corpus_options corpus;
    const char *items, *data, *fields, *output;
    uint64_t n, top;
    bool json, force, quiet;
};

struct cril_leak_run {
    const struct cril_leak_args *set;
    char *const *corpora; /* [n_corpora] */
    size_t n_corpora;
    struct cril_output result;
    struct cril_progress progress;
};

/* Which benchmark items do the corpora contain? False: the reason was printed, or a signal came. */
bool cril_leak_items(struct cril_leak_run *r);

#endif
