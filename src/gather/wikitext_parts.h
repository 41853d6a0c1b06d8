/*
 * Between the two passes over wikitext. The first (wikitext.c) takes structure apart: templates,
 * tables, links, tags, references to characters. The second (wikitext_lines.c) knows lines:
 * headings, lists, quotes. Bytes that no page holds carry what the second must know.
 */
#ifndef CRIL_GATHER_WIKITEXT_PARTS_H
#define CRIL_GATHER_WIKITEXT_PARTS_H

#include "corpus/reader.h"
#include "util/bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    CRIL_WIKI_GUARD = 1, /* the next byte, ASCII, is itself and no markup */
    CRIL_WIKI_GONE,      /* something was dropped here */
    CRIL_WIKI_BREAK      /* a line ends here, but only for the reader */
};

/* The second pass: text [len] to out, whose former content goes. False: out of memory. */
bool cril_wiki_lines(const char *text, size_t len, struct cril_buffer *out);

/* Whether a line [len] of the first pass is a heading; its level, 1..6, and what it says. */
bool cril_wiki_heading(const char *line, size_t len, int *level, struct cril_bytes *title);

#endif
