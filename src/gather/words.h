/*
 * Words and sentences of English text, in the manner of spaCy's rules for English, which
 * datatrove's quality rules count with. A word is a part of the text between white space; marks at
 * its ends are words of their own, and so are hyphens between letters, 's, n't. doc/corpora.md has
 * the rule, and how often decisions differ from datatrove's.
 */
#ifndef CRIL_GATHER_WORDS_H
#define CRIL_GATHER_WORDS_H

#include "gather/codes.h"

/*
 * Words of codes [n] into words [room for n]; returns how many. A word has at least one code point,
 * and words do not overlap, so that there are at most n.
 */
size_t cril_words(const uint32_t *codes, size_t n, struct cril_span *words);

/* Sentences in words [n], at least 1: one ends behind marks such as . ! ? that are a word. */
size_t cril_sentences(const uint32_t *codes, const struct cril_span *words, size_t n);

#endif
