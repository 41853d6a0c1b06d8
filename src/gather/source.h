/*
 * Where fresh text comes from: documents, one at a time and in the order of the input, out of a web
 * crawl, a wiki's dump, repositories, TeX sources. One file (source_*.c) a kind. A source reads and
 * takes apart; it neither filters nor judges, which the steps do (step.h).
 */
#ifndef CRIL_GATHER_SOURCE_H
#define CRIL_GATHER_SOURCE_H

#include <cril/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A document as its source has it. Texts are borrowed until the next call; NULL where the source
 * does not say. */
struct cril_gathered {
    const char *text; /* [len]; bytes, which need not be UTF-8 and may hold NUL */
    size_t len;
    const char *id;      /* within the source: a record's id, a page's number, a path; never NULL */
    const char *address; /* URL */
    const char *title;
    const char *licence;  /* SPDX where that is known, or the source's own words */
    const char *language; /* as the source names it */
    char date[11]; /* "2026-06-01", UTC; "": not known. What it means is the kind's `dates` */
};

/* What was read and left out of one input, each with its reason: counts for the card. */
struct cril_left_out {
    const char *why; /* a noun phrase, such as "truncated record"; static */
    uint64_t n;
};

struct cril_source;

struct cril_source_kind {
    const char *name;  /* "web", "wiki", "code", "tex" */
    const char *dates; /* what a date means here, as a sentence for the card */
    /*
     * The next document; text NULL: the input ends. What is damaged but can be passed over is
     * counted and passed over; err is for what ends the reading. CRIL_ERR_IO, CRIL_ERR_FORMAT,
     * CRIL_ERR_TRUNCATED, CRIL_ERR_UNSUPPORTED, CRIL_ERR_NOMEM.
     */
    cril_status (*next)(struct cril_source *s, struct cril_gathered *doc, cril_error *err);
    /* Counts [*n], borrowed until the next call. */
    const struct cril_left_out *(*left_out)(const struct cril_source *s, size_t *n);
    /* What else the card says of the input, owned by the caller; NULL: out of memory. The function
     * is NULL where there is nothing. */
    json_t *(*about)(const struct cril_source *s);
    /* Bytes taken of the input as stored, for progress. */
    uint64_t (*taken)(const struct cril_source *s);
    void (*close)(struct cril_source *s); /* NULL is allowed */
};

/* The head of each kind's own structure. One thread at a time. */
struct cril_source {
    const struct cril_source_kind *kind;
    const char *path; /* of the input, borrowed, for sentences */
};

#endif
