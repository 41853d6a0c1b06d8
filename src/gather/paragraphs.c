/*
 * The step that removes paragraphs seen before, in any earlier document or earlier in this one: the
 * lines between line feeds, as Common Crawl's pipelines take them (Wenzek et al. 2020,
 * section 3.1), compared as plain text (plain.h) by 64-bit hashes. A line without a letter or digit
 * is in no comparison; it stays where the line before it did.
 */
#include "gather/step.h"

#include "gather/bits.h"
#include "gather/plain.h"
#include "gather/repeats.h"
#include "util/fail.h"
#include "util/xxh64.h"

#include <stdlib.h>
#include <string.h>

enum { DROPPED, REMOVED };

struct run {
    struct cril_repeats *keys; /* of all paragraphs, in the order of the input */
    struct cril_bits again;    /* a bit a paragraph, once it is decided */
    size_t memory_bytes;
    uint64_t at; /* the next document's first paragraph, while steps are applied */
};

static void release(void *run)
{
    struct run *r = run;

    cril_repeats_free(r->keys);
    free(r->again.words);
    free(r);
}

static cril_status create(const struct cril_step_options *o, void **run, cril_error *err)
{
    struct run *r = calloc(1, sizeof(*r));
    cril_status st;

    if (!r)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    r->memory_bytes = cril_step_memory(o);
    if ((st = cril_repeats_create(r->memory_bytes / 4, o->folder, &r->keys, err)) != CRIL_OK) {
        free(r);
        return st;
    }
    *run = r;
    return CRIL_OK;
}

/* The paragraphs of a document, one after another. */
struct reader {
    struct cril_draft *d;
    uint32_t *plain; /* of the present one */
    size_t at;       /* the next one's start in the draft's codes */
};

static cril_status reader_start(struct reader *r, struct cril_draft *d, cril_error *err)
{
    const cril_status st = cril_draft_codes(d, err);

    if (st != CRIL_OK)
        return st;
    *r = (struct reader){.d = d};
    r->plain = cril_draft_work(d, 0, d->n_codes, CRIL_PLAIN_GROWTH * sizeof(*r->plain), err);
    return r->plain ? CRIL_OK : CRIL_ERR_NOMEM;
}

/* The next one without its line feed, and how many plain codes it has. False: there is none. */
static bool reader_next(struct reader *r, struct cril_span *paragraph, size_t *n_plain)
{
    const uint32_t *codes = r->d->codes;
    const size_t n = r->d->n_codes;
    size_t end = r->at;

    if (end >= n)
        return false;
    while (end < n && codes[end] != '\n')
        end++;
    *paragraph = (struct cril_span){r->at, end - r->at};
    *n_plain = cril_plain(codes + r->at, end - r->at, r->plain);
    r->at = end + 1;
    return true;
}

static cril_status mark(const void *run, struct cril_draft *d, struct cril_step_marks *m,
                        cril_error *err)
{
    struct cril_span paragraph;
    struct reader r;
    size_t n_plain;
    uint64_t *keys;
    cril_status st = reader_start(&r, d, err);
    char *text;

    (void)run;
    if (st != CRIL_OK)
        return st;
    /* One with plain text has a code of its own and a line feed. */
    if (!(keys = cril_step_marks_room(m, d->n_codes / 2 + 1, err)) ||
        !(text = cril_draft_work(d, 1, d->n_codes, 4 * CRIL_PLAIN_GROWTH, err)))
        return CRIL_ERR_NOMEM;
    while (reader_next(&r, &paragraph, &n_plain)) {
        if (n_plain)
            keys[m->n++] = cril_xxh64(text, cril_codes_write(r.plain, n_plain, text), 0);
    }
    return CRIL_OK;
}

static cril_status note(void *run, const struct cril_step_marks *m, cril_error *err)
{
    struct run *r = run;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < m->n && st == CRIL_OK; i++)
        st = cril_repeats_add(r->keys, m->values[i], err);
    return st;
}

static void take(void *arg, uint64_t first, uint64_t again)
{
    struct run *r = arg;

    (void)first;
    cril_bits_set(&r->again, again, true);
}

static cril_status decide(void *run, cril_error *err)
{
    struct run *r = run;
    const uint64_t n = cril_repeats_count(r->keys);
    size_t held;
    cril_status st;

    if (n / 8 > r->memory_bytes / 2)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%llu paragraphs need %llu bytes of memory; give more, or compare fewer "
                         "documents at a time",
                         (unsigned long long)n, (unsigned long long)(n / 4));
    for (uint64_t i = 0; i < n; i++) {
        if (!cril_bits_add(&r->again, false))
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory comparing paragraphs");
    }
    held = cril_bits_memory(&r->again) + cril_repeats_memory(r->keys);
    st = cril_repeats_find(r->keys, held < r->memory_bytes ? r->memory_bytes - held : 0, take, r,
                           err);
    cril_repeats_free(r->keys);
    r->keys = NULL;
    return st;
}

/* Lines that stay into out; returns how many codes. *removed: lines that go. */
static size_t keep_new(struct run *run, struct reader *r, uint32_t *out, uint64_t *removed,
                       uint64_t *stay)
{
    struct cril_span paragraph;
    size_t n = 0, n_plain;
    bool again = false;

    while (reader_next(r, &paragraph, &n_plain)) {
        if (n_plain) {
            again = run->at < run->again.n && cril_bits_get(&run->again, run->at);
            run->at++;
            *removed += again;
            *stay += !again;
        }
        if (again)
            continue;
        memcpy(out + n, r->d->codes + paragraph.at, paragraph.n * sizeof(*out));
        n += paragraph.n;
        if (paragraph.at + paragraph.n < r->d->n_codes)
            out[n++] = '\n';
    }
    return n;
}

static cril_status apply(void *run, struct cril_draft *d, uint64_t *by, bool *keep, cril_error *err)
{
    uint64_t removed = 0, stay = 0;
    struct reader r;
    cril_status st = reader_start(&r, d, err);
    uint32_t *out;
    size_t n;
    char *text;

    if (st != CRIL_OK)
        return st;
    if (!(out = cril_draft_work(d, 1, d->n_codes, sizeof(*out), err)))
        return CRIL_ERR_NOMEM;
    n = keep_new(run, &r, out, &removed, &stay);
    *keep = !removed || stay;
    by[DROPPED] += !*keep;
    by[REMOVED] += *keep ? removed : 0;
    if (!removed || !stay)
        return CRIL_OK;
    while (n && out[n - 1] == '\n' && d->codes[d->n_codes - 1] != '\n')
        n--; /* the text ended in no line feed before */
    if (!(text = cril_draft_room(d, 4 * n, err)))
        return CRIL_ERR_NOMEM;
    cril_draft_take(d, text, cril_codes_write(out, n, text));
    return CRIL_OK;
}

const struct cril_step cril_step_paragraphs = {
    .name = "paragraphs",
    .what = "Lines were removed that came before, in this document or an earlier one, and "
            "documents dropped that had no others.",
    .kinds = CRIL_STEP_PROSE | CRIL_STEP_JSONL,
    .on = CRIL_STEP_WEB,
    .reasons = {"nothing_new", "paragraphs_seen_before"},
    .n_drops = 1,
    .create = create,
    .mark = mark,
    .note = note,
    .decide = decide,
    .apply = apply,
    .free = release,
};
