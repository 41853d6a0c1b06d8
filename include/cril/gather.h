/*
 * Fresh corpora from what others publish: web crawls, dumps of wikis (doc/corpora.md).
 *
 * A source hands out documents, steps drop some and change others, what is left becomes a line of
 * JSON each, and a card says what was done. The same inputs and rules give the same bytes, with any
 * number of threads, any memory and any temporary folder. They read local files only.
 *
 * Functions may be called by several threads at once.
 */
#ifndef CRIL_GATHER_H
#define CRIL_GATHER_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a corpus goes. */
typedef struct cril_gather_sink {
    /* Takes n more bytes; not 0: it cannot, and the run ends with CRIL_ERR_IO. Called by one thread
     * at a time, not always the same one. */
    int (*write)(void *user, const void *data, size_t n);
    void *user;
    bool zstd; /* bytes are compressed; otherwise they are JSON Lines */
} cril_gather_sink;

typedef struct cril_gather_progress {
    const char *phase;   /* "reading", "paragraphs", ...; static */
    const char *input;   /* at work; borrowed; NULL: none by itself */
    double fraction;     /* of the whole run, 0 to 1; negative: not known */
    uint64_t bytes_read; /* of the inputs as stored */
    uint64_t documents;  /* that the source has handed out so far */
} cril_gather_progress;

/* Texts are borrowed while a function runs. Zero-initialised: no bounds, the kind's own steps. */
typedef struct cril_gather_options {
    const char *kind;          /* a name of cril_gather_kind_at */
    const char *const *inputs; /* [n_inputs] files, or folders of them; "-": standard input */
    size_t n_inputs;

    /* "YYYY-MM-DD": documents of that day or later, and of an earlier day; one without a date is
     * left out where either is given. NULL: all. */
    const char *after, *before;
    const char *const *languages; /* [n_languages] "en", ...: documents in one of them; none: all */
    size_t n_languages;
    const char *const *with; /* [n_with] steps besides those that the kind has on */
    size_t n_with;
    const char *const *without; /* [n_without] steps that are left out */
    size_t n_without;
    uint64_t min_characters; /* of a document */
    uint64_t max_characters; /* 0: 1,000,000 */

    const char *const *created; /* wiki: [n_created] histories that date pages */
    size_t n_created;
    uint64_t min_page_id; /* wiki: pages below it are left out */

    /* The shard-th of n_shards equal parts of the inputs, 1 .. n_shards, by the steps before the
     * first one that compares documents; cril_gather_merge does the others. 0: all of all. */
    unsigned shard, n_shards;

    unsigned n_threads;    /* 0: a thread a processor */
    uint64_t memory_bytes; /* of what compares documents; 0: 1 GiB */
    const char *temporary; /* folder for files without a name; NULL: TMPDIR, or /tmp */
    int (*progress)(void *user, const cril_gather_progress *p); /* not 0: stop; NULL: none */
    void *user;
} cril_gather_options;

/*
 * Makes a corpus. *card: the card as JSON text, owned by the caller: free (doc/corpora.md, "The
 * card"). On an error bytes may have been written, and are no corpus.
 *
 * CRIL_ERR_RANGE: an option, with what is wrong with it; too little memory. CRIL_ERR_IO,
 * CRIL_ERR_FORMAT, CRIL_ERR_TRUNCATED, CRIL_ERR_UNSUPPORTED, CRIL_ERR_MISMATCH: of the inputs.
 * CRIL_ERR_EMPTY: no document is left. CRIL_ERR_CANCELLED, CRIL_ERR_NOMEM.
 */
cril_status cril_gather(const cril_gather_options *options, const cril_gather_sink *sink,
                        char **card, cril_error *err);

/* A shard, and its card as text. */
typedef struct cril_gather_shard {
    const char *path, *card;
} cril_gather_shard;

/*
 * Puts shards [n], in any order, together into the corpus that one run makes of all inputs, and
 * its card. Of options n_threads, memory_bytes, temporary and progress count. CRIL_ERR_MISMATCH: a
 * shard is missing, there twice, of other rules, or not the one of its card. Else as above.
 */
cril_status cril_gather_merge(const cril_gather_shard *shards, size_t n,
                              const cril_gather_options *options, const cril_gather_sink *sink,
                              char **card, cril_error *err);

typedef struct cril_gather_kind {
    const char *name;  /* "web" */
    const char *dates; /* what a document's date means */
} cril_gather_kind;
bool cril_gather_kind_at(size_t i, cril_gather_kind *out); /* false: past the last */

typedef struct cril_gather_step {
    const char *name; /* "near_duplicates" */
    const char *what; /* what it does, a sentence */
    bool on;          /* unless it is left out */
} cril_gather_step;
/* The i-th step that a kind may have. False: past the last, or there is no such kind. */
bool cril_gather_step_at(const char *kind, size_t i, cril_gather_step *out);

#ifdef __cplusplus
}
#endif
#endif
