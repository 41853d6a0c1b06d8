/* See source_jsonl.h. */
#include "gather/source_jsonl.h"

#include "gather/entries.h"
#include "gather/rules.h"
#include "util/fail.h"

#include <stdlib.h>
#include <string.h>

struct jsonl {
    struct cril_source base;
    struct cril_entries *entries;
};

/* The day of "2026-06-01T12:00:00Z" too. */
static void read_date(const char *text, char date[11])
{
    memset(date, 0, 11);
    if (!text || strnlen(text, 10) < 10)
        return;
    memcpy(date, text, 10);
    if (!cril_is_day(date))
        date[0] = '\0';
}

static cril_status next(struct cril_source *source, struct cril_gathered *doc, cril_error *err)
{
    struct jsonl *const s = (struct jsonl *)source;
    struct cril_entry e;
    const cril_status st = cril_entries_next(s->entries, &e, err);

    *doc = (struct cril_gathered){0};
    if (st != CRIL_OK || !e.text)
        return st;
    doc->text = e.text;
    doc->len = e.len;
    doc->id = e.field[CRIL_ENTRY_ID];
    doc->address = e.field[CRIL_ENTRY_ADDRESS];
    doc->title = e.field[CRIL_ENTRY_TITLE];
    doc->licence = e.field[CRIL_ENTRY_LICENCE];
    doc->language = e.field[CRIL_ENTRY_LANGUAGE];
    read_date(e.field[CRIL_ENTRY_DATE], doc->date);
    return CRIL_OK;
}

static const struct cril_left_out *left_out(const struct cril_source *source, size_t *n)
{
    (void)source;
    *n = 0;
    return NULL;
}

static uint64_t taken(const struct cril_source *source)
{
    return cril_entries_taken(((const struct jsonl *)source)->entries);
}

static void close_source(struct cril_source *source)
{
    struct jsonl *const s = (struct jsonl *)source;

    if (!s)
        return;
    cril_entries_close(s->entries);
    free(s);
}

static const struct cril_source_kind kind = {
    .name = "jsonl",
    .dates = "what the file calls date",
    .next = next,
    .left_out = left_out,
    .taken = taken,
    .close = close_source,
};

cril_status cril_source_jsonl_open(const char *path, struct cril_source **out, cril_error *err)
{
    struct jsonl *s = calloc(1, sizeof(*s));
    cril_status st;

    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    s->base = (struct cril_source){&kind, path};
    if ((st = cril_entries_open(path, &s->entries, err)) != CRIL_OK) {
        close_source(&s->base);
        return st;
    }
    cril_entries_allow_any(s->entries);
    *out = &s->base;
    return CRIL_OK;
}
