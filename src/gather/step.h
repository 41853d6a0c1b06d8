/*
 * What is done to documents between a source and a corpus: steps, each a row of one table
 * (steps.c), in the order in which they run. A step keeps a document, drops it for a reason, or
 * changes its text, and counts what it did, for the card.
 *
 * A pure step sees one document and nothing else: any thread may apply it to any document. A step
 * that compares documents has a run and goes over them twice, both times in the order of the input:
 *
 *     for each document:  cril_step_mark (pure), cril_step_note (in order)
 *     cril_step_decide
 *     for each document:  cril_step_apply (in order)
 *
 * Where two such steps follow one another, the second one's marks are of what the first one leaves.
 * A mark is a few numbers; those of shards, noted in the order of the input, are decided together.
 *
 * The same documents, the same result and counts: no step depends on time, threads or memory.
 */
#ifndef CRIL_GATHER_STEP_H
#define CRIL_GATHER_STEP_H

#include "gather/draft.h"

enum { /* kinds of source (source.h), ORed */
       CRIL_STEP_WEB = 1 << 0,
       CRIL_STEP_WIKI = 1 << 1,
       CRIL_STEP_CODE = 1 << 2,
       CRIL_STEP_TEX = 1 << 3,
       CRIL_STEP_JSONL = 1 << 4,
       CRIL_STEP_PROSE = CRIL_STEP_WEB | CRIL_STEP_WIKI,
       CRIL_STEP_ALL = CRIL_STEP_PROSE | CRIL_STEP_CODE | CRIL_STEP_TEX | CRIL_STEP_JSONL
};

enum { CRIL_STEP_REASONS = 16 }; /* of a step, at most */

enum { CRIL_STEP_MEMORY = 256 << 20 }; /* bytes, unless options say otherwise */

/* What steps are told. Zero-initialised: no bounds, CRIL_STEP_MEMORY, TMPDIR. */
struct cril_step_options {
    uint64_t min_characters, max_characters; /* of the step "length"; 0: no bound */
    const char *const *languages;            /* [n_languages] of the step "language": "en" ... */
    size_t n_languages;
    size_t memory_bytes; /* of each step with a run; 0: as above */
    const char *folder;  /* for its temporary files; NULL: TMPDIR, or /tmp. Borrowed */
};

/* What a step did. Counts of threads and shards are summed. */
struct cril_step_count {
    uint64_t in, out; /* documents */
    uint64_t changed; /* documents of out whose text is another */
    uint64_t bytes_in, bytes_out;
    uint64_t by[CRIL_STEP_REASONS];
};

/* Numbers that stand for a document. Zero-initialised it is empty; free(values). */
struct cril_step_marks {
    uint64_t *values; /* [n] */
    size_t n, size;
};

struct cril_step {
    const char *name;
    const char *what; /* a sentence, for the card */
    unsigned kinds;   /* the sources that it is for */
    unsigned on;      /* those where it is on unless it is switched off */
    /* Names of what is counted: the first n_drops of them drop documents, each one document a
     * count; the others count what was changed in texts. */
    const char *reasons[CRIL_STEP_REASONS];
    size_t n_drops;
    /* A pure step has no mark. What its create makes, or the options where it has none, is the run
     * of its apply, which any threads may call at once. */
    cril_status (*create)(const struct cril_step_options *o, void **run, cril_error *err);
    cril_status (*mark)(const void *run, struct cril_draft *d, struct cril_step_marks *m,
                        cril_error *err);
    cril_status (*note)(void *run, const struct cril_step_marks *m, cril_error *err);
    cril_status (*decide)(void *run, cril_error *err);
    cril_status (*apply)(void *run, struct cril_draft *d, uint64_t *by, bool *keep,
                         cril_error *err);
    void (*free)(void *run);
};

/* All steps, in the order in which they run; [*n]. */
const struct cril_step *const *cril_steps(size_t *n);
/* NULL: there is none of this name. */
const struct cril_step *cril_step_find(const char *name);
static inline bool cril_step_is_pure(const struct cril_step *s)
{
    return !s->mark;
}
size_t cril_step_reasons(const struct cril_step *s); /* how many it has */

/*
 * A step of a run of the program. The options stay the caller's, and must live as long. Release
 * with cril_step_free. CRIL_ERR_NOMEM.
 */
struct cril_step_run {
    const struct cril_step *step;
    const struct cril_step_options *options;
    void *state; /* what create made; NULL: it has none */
};
cril_status cril_step_create(const struct cril_step *step, const struct cril_step_options *options,
                             struct cril_step_run *out, cril_error *err);
/* CRIL_ERR_NOMEM, CRIL_ERR_IO of a temporary file, CRIL_ERR_RANGE: too little memory. */
cril_status cril_step_mark(const struct cril_step_run *r, struct cril_draft *d,
                           struct cril_step_marks *m,
                           cril_error *err); /* m's content is replaced */
cril_status cril_step_note(struct cril_step_run *r, const struct cril_step_marks *m,
                           cril_error *err);
cril_status cril_step_decide(struct cril_step_run *r, cril_error *err);
/* *keep false: the document is dropped, and the draft is as it was. */
cril_status cril_step_apply(struct cril_step_run *r, struct cril_draft *d,
                            struct cril_step_count *count, bool *keep, cril_error *err);
void cril_step_free(struct cril_step_run *r);

void cril_step_count_add(struct cril_step_count *sum, const struct cril_step_count *more);

static inline size_t cril_step_memory(const struct cril_step_options *o)
{
    return o->memory_bytes ? o->memory_bytes : CRIL_STEP_MEMORY;
}

/* Room for n values in m, for a step's mark. NULL: out of memory, err says so. */
uint64_t *cril_step_marks_room(struct cril_step_marks *m, size_t n, cril_error *err);

/* The version of the library that tells languages. */
const char *cril_language_version(void);

/* The rows, one a file. */
extern const struct cril_step cril_step_utf8, cril_step_length, cril_step_language,
    cril_step_generated, cril_step_secrets, cril_step_gopher_quality, cril_step_gopher_repetition,
    cril_step_c4, cril_step_paragraphs, cril_step_near_duplicates, cril_step_personal;

#endif
