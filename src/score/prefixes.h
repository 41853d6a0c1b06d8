/*
 * An order of prompts in which those that begin alike follow each other, and how much of each is
 * worth being computed once for several. Prompts are sorted by their ids; one prefix is kept at a
 * time, while the prompts go by.
 */
#ifndef CRIL_SCORE_PREFIXES_H
#define CRIL_SCORE_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A prompt. */
struct cril_prefixed {
    const int32_t *ids; /* [n] */
    size_t n;
    size_t length; /* prompts of different lengths share nothing */
    size_t index;  /* the owner's */
    size_t shared; /* set by the function: tokens of the prefix that this prompt begins with, < n */
};

/* Sorts prompts [n] and sets what they share. shrinks: the prefix that is kept can be cut to a
 * shorter one for nothing; else a shorter one is computed anew. */
void cril_share_prefixes(struct cril_prefixed *prompts, size_t n, bool shrinks);

#endif
