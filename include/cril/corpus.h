/*
 * Documents from files: JSON Lines, CSV, plain text; plain, gzip, zstd, xz or bzip2; a folder of
 * them; standard input ("-"); or from a program (cril_corpus_create). Read as a stream: memory is
 * that of the largest document and fixed buffers, it does not grow with the corpus.
 *
 * Format. From the file's name, .gz .bz2 .xz .zst aside: .jsonl, .ndjson and .json are JSON Lines,
 * .csv is CSV, everything else is text. What is not a regular file opened by its name (standard
 * input, a pipe) is JSON Lines if its first byte past a byte order mark and spaces is "{", text
 * otherwise; CSV there needs `format`.
 *
 * JSON Lines: one object a line, read as Python's json reads it; the last of equal keys counts; a
 * text may hold NUL; half a surrogate pair (\ud800), which UTF-8 cannot hold, is read as U+FFFD. A
 * line is bad if it is not an object, is not UTF-8, lacks a field, or a field is not a text.
 * Blank lines are skipped silently. CSV: RFC 4180; the first record names the columns; every record
 * must have as many fields, or it is bad. A file without the column is an error. Bytes are not
 * checked to be UTF-8. Text: a file is one document, its bytes as they are. JSON Lines and CSV lose
 * a UTF-8 byte order mark at the file's start, text keeps it. A line of JSON or a document of more
 * than 1 GiB is an error.
 *
 * Compression is told by the first bytes, not by the name; members and frames that follow one
 * another are read to the last. Damaged or cut data and anything else behind them is an error,
 * `strict` or not. An xz file that needs more than 1 GiB, or a zstd window of more than 2 GiB, is
 * refused; so are archives, Parquet files and UTF-16, each with its remedy.
 *
 * A folder: all regular files below it in the bytewise order of their paths; names that begin with
 * "." are skipped; links are followed, each folder entered once. All are opened briefly first, so
 * an unreadable one is an error at once.
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
    const char *field; /* JSON key or CSV column that holds the text; NULL: "content" */
    /* The one that holds what stands before the text; NULL: nothing does. Plain text has none, and
       is then CRIL_ERR_UNSUPPORTED. */
    const char *prompt_field;
    const char *date_field; /* the one that holds the document's date; NULL: dates are not read */
    const char *format;     /* "jsonl", "csv", "text"; NULL: see above */
    bool strict;            /* a bad line is an error; otherwise it is counted and skipped */
    uint64_t limit;         /* stop after this many non-empty documents; 0: no limit */
} cril_corpus_options;

typedef struct cril_document {
    const char *text; /* UTF-8 (JSON), or the file's bytes; may hold NUL and does not end with one;
                         valid until the next call */
    size_t len_bytes;
    const char *prompt; /* as text; may be empty; NULL: without prompt_field */
    size_t prompt_bytes;
    const char *date; /* the text in date_field, whatever it says; NULL: there is none. It ends with
                         no NUL; valid as text */
    size_t date_bytes;
    uint64_t index;   /* 0-based, counts non-empty documents */
    uint64_t line;    /* 1-based line in its file where it starts; 0 where a file is the document */
    const char *file; /* the file it came from; valid until the next call */
} cril_document;

typedef struct cril_corpus_stats {
    const char *field; /* of the options, "content" by default; valid until the corpus is closed */
    const char *prompt_field; /* of the options; NULL: none; likewise */
    uint64_t limit;           /* of the options; 0: none */
    uint64_t documents;       /* handed out */
    uint64_t empty;           /* documents without a character, dropped */
    uint64_t bad_lines;       /* skipped because not strict */
    char first_bad[512];      /* the first of them, as a sentence; "" if none */
    uint64_t bytes_read;  /* of the files as stored, as far as documents were handed out; estimated
                             within a compressed file */
    uint64_t bytes_total; /* of the files as stored; 0 when unknown (standard input) */
} cril_corpus_stats;

/*
 * options may be NULL; its strings are copied. A missing or unreadable file fails here, and so does
 * one of a kind that is refused; the first document is not read yet. *out is owned:
 * cril_corpus_close. One thread at a time. CRIL_ERR_IO, CRIL_ERR_UNSUPPORTED, CRIL_ERR_FORMAT and
 * CRIL_ERR_TRUNCATED (compression), CRIL_ERR_EMPTY (a folder without files), CRIL_ERR_RANGE
 * (format), CRIL_ERR_NOMEM.
 */
cril_status cril_corpus_open(const char *path, const cril_corpus_options *options,
                             cril_corpus **out, cril_error *err);

/* Documents that a program has or makes, instead of files. */
typedef struct cril_corpus_source {
    void *user;
    /* Sets text and len_bytes of *doc, and of prompts prompt and prompt_bytes; the bytes are
       borrowed until the next call, or until the corpus is closed. text NULL: there are no more.
       Not 0: stop, CRIL_ERR_CANCELLED. Called by cril_corpus_next and cril_corpus_sha256. */
    int (*next)(void *user, cril_document *doc);
    const char *name;     /* in messages; NULL: "memory"; copied */
    bool prompts;         /* each text has a prompt before it */
    uint64_t total_bytes; /* of all texts and prompts, for progress; 0: not known */
} cril_corpus_source;

/*
 * A corpus of the documents that a source hands out, one after another; none is kept. What it
 * points to must outlive the corpus. Texts without a byte are dropped, as those of files are; no
 * line is bad. A document has no line (0), and the source's name as file; the fields of a result
 * are "content" and "prompt". The SHA-256 is of all its documents, each as the number of its
 * prompt's bytes (8 bytes, the lowest first), the prompt, the number of its text's bytes, the text;
 * without prompts, the last two.
 *
 * *out is owned: cril_corpus_close. CRIL_ERR_NOMEM; of cril_corpus_next: CRIL_ERR_CANCELLED;
 * CRIL_ERR_UNSUPPORTED, a document of more than 1 GiB; CRIL_ERR_RANGE, one that lacks a prompt.
 */
cril_status cril_corpus_create(const cril_corpus_source *source, cril_corpus **out,
                               cril_error *err);

/*
 * The next non-empty document. At the end returns CRIL_OK with doc->text NULL. Errors as above; a
 * bad line under `strict` is CRIL_ERR_FORMAT. After an error every further call returns the same
 * one.
 */
cril_status cril_corpus_next(cril_corpus *c, cril_document *doc, cril_error *err);

void cril_corpus_stats_get(const cril_corpus *c, cril_corpus_stats *stats);

/*
 * SHA-256 in hex of the file's bytes as stored (what sha256sum prints). For a folder: of the lines
 * "<sha256>  <name>\n" of its files in the order they are read, as sha256sum prints them for names
 * relative to the folder (so where it stands does not matter). Reads what is left of the input
 * first, without decoding it: call it after the last document; cril_corpus_next finds nothing more.
 */
cril_status cril_corpus_sha256(cril_corpus *c, char hex[65], cril_error *err);

void cril_corpus_close(cril_corpus *c); /* NULL is allowed */

/*
 * Calls on_file for each file that a corpus at path is read from, in order: path itself, or the
 * files of the folder. on_file returns 0, or stops it: CRIL_ERR_CANCELLED. CRIL_ERR_IO,
 * CRIL_ERR_NOMEM.
 */
cril_status cril_corpus_files(const char *path, int (*on_file)(void *user, const char *file),
                              void *user, cril_error *err);

/* Unicode code points of a text; an ill-formed sequence counts as the U+FFFD it is read as
 * (tokenizer.h). */
uint64_t cril_count_characters(const char *text, size_t len_bytes);

#ifdef __cplusplus
}
#endif
#endif
