/*
 * Documents from files: JSON Lines, CSV, plain text; plain, gzip, zstd, xz or bzip2; a folder of
 * them; standard input ("-"). Read as a stream: memory does not grow with the corpus.
 */
#ifndef CRIL_CORPUS_H
#define CRIL_CORPUS_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_corpus cril_corpus;

typedef struct cril_corpus_options {
    const char *field;  /* JSON key or CSV column that holds the text; NULL: "content" */
    const char *format; /* "jsonl", "csv", "text"; NULL: from the file's name, "-" from its first byte */
    bool strict;        /* a bad line is an error; otherwise it is counted and skipped */
    uint64_t limit;     /* stop after this many non-empty documents; 0: no limit */
} cril_corpus_options;

typedef struct cril_document {
    const char *text;   /* UTF-8 (JSON), or the file's bytes; not NUL-terminated; valid until the next call */
    size_t len_bytes;
    uint64_t index;     /* 0-based, counts non-empty documents */
    uint64_t line;      /* 1-based line in its file where it starts; 0 where a file is the document */
    const char *file;   /* the file it came from; valid until the next call */
} cril_document;

typedef struct cril_corpus_stats {
    uint64_t documents;   /* handed out */
    uint64_t empty;       /* documents without a character, dropped */
    uint64_t bad_lines;   /* skipped because not strict */
    char first_bad[512];  /* the first of them, as a sentence; "" if none */
    uint64_t bytes_read;  /* of the files as stored (compressed), so far */
    uint64_t bytes_total; /* of the files as stored; 0 when unknown (standard input) */
} cril_corpus_stats;

/* options may be NULL. A missing or unreadable file fails here; the first document is not read yet. */
cril_status cril_corpus_open(const char *path, const cril_corpus_options *options,
                             cril_corpus **out, cril_error *err);

/* The next non-empty document. At the end returns CRIL_OK with doc->text NULL. */
cril_status cril_corpus_next(cril_corpus *c, cril_document *doc, cril_error *err);

void cril_corpus_stats_get(const cril_corpus *c, cril_corpus_stats *stats);

/* SHA-256 in hex of the file's bytes as stored (what sha256sum prints). For a folder: of the lines
   "<sha256>  <name>\n" of its files in the order they are read. Reads what is left of the input first: call it after the last document. */
cril_status cril_corpus_sha256(cril_corpus *c, char hex[65], cril_error *err);

void cril_corpus_close(cril_corpus *c); /* NULL is allowed */

/* Unicode code points of a text; an ill-formed sequence counts as the U+FFFD it is read as (tokenizer.h). */
uint64_t cril_count_characters(const char *text, size_t len_bytes);

#ifdef __cplusplus
}
#endif
#endif
