/*
 * A document on its way through the steps: its text as it stands, and what the steps count with,
 * made when it is first asked for. One draft a thread, for one document after another; its buffers
 * grow to the largest and stay, up to about 70 bytes a character: who has no bound on documents
 * sets one (the step "length" needs no buffer).
 */
#ifndef CRIL_GATHER_DRAFT_H
#define CRIL_GATHER_DRAFT_H

#include "gather/codes.h"
#include "util/memory.h"

#include <cril/status.h>

struct cril_draft {
    const char *text; /* [len]; the caller's, or in one of the draft's buffers */
    size_t len;
    const char *title; /* as the source has it; of code its path in the repository; NULL: none */
    uint64_t n_taken;  /* texts that steps have put in its place */
    /* What follows is the steps' (step.h). */
    const uint32_t *codes; /* [n_codes]; NULL: not yet read */
    size_t n_codes;
    const struct cril_span *words; /* [n_words]; NULL: not yet cut */
    size_t n_words;
    struct cril_memory codes_buffer, words_buffer, work[3];
    struct cril_memory texts[2]; /* of a changed text; the one that does not hold `text` is free */
};

/* Zero-initialised a draft is empty. The text is borrowed until the next one is set;
 * the title is none. */
void cril_draft_set(struct cril_draft *d, const char *text, size_t len);
void cril_draft_free(struct cril_draft *d);

/* codes, and words. CRIL_ERR_NOMEM. */
cril_status cril_draft_codes(struct cril_draft *d, cril_error *err);
cril_status cril_draft_words(struct cril_draft *d, cril_error *err);

/*
 * Room for a new text of at most n bytes, into which the present one may be read; what is written
 * there becomes the text by cril_draft_take. NULL: out of memory, err says so.
 */
char *cril_draft_room(struct cril_draft *d, size_t n, cril_error *err);
void cril_draft_take(struct cril_draft *d, const char *room, size_t len);

/* count * size bytes of the draft's i-th work buffer, i < 3, which any step may use while it is at
 * work. NULL: out of memory, err says so. */
void *cril_draft_work(struct cril_draft *d, size_t i, size_t count, size_t size, cril_error *err);

#endif
