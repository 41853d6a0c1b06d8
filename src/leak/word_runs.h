/*
 * Runs of n words of a text, as lm-evaluation-harness' decontamination makes them (janitor.py):
 * ASCII letters in lower case, ASCII punctuation deleted, then split at white space (Python's
 * str.split). A run is known by a hash of 64 bits.
 */
#ifndef CRIL_LEAK_WORD_RUNS_H
#define CRIL_LEAK_WORD_RUNS_H

#include "util/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRIL_WORD_RUN_MAX = 64 }; /* words of a run */

/* One run after another: zero-initialised but for text and n, 1 to CRIL_WORD_RUN_MAX. */
struct cril_word_runs {
    struct cril_bytes text;
    size_t n;
    size_t at;                          /* in text */
    uint64_t words;                     /* read so far */
    uint64_t hashes[CRIL_WORD_RUN_MAX]; /* of the last n, word i at i % n */
    size_t starts[CRIL_WORD_RUN_MAX];
    uint64_t leaving;
    uint64_t run; /* the hash of the last n words, once there are as many */
    size_t end;   /* of the last word, in text */
};

/* Goes on to the next run: r->run, from the start of its first word to r->end. False: there is
 * none. */
bool cril_word_runs_next(struct cril_word_runs *r);
size_t cril_word_runs_start(const struct cril_word_runs *r);

#endif
