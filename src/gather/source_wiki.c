/* Pages of a dump to documents. What a page is left out for, and its address, are decided here. */
#include "gather/source_wiki.h"

#include "corpus/reader.h"
#include "gather/mediawiki.h"
#include "gather/wikitext.h"
#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum reason {
    OTHER_NAMESPACE,
    REDIRECT,
    BELOW_ID,
    NO_TEXT,
    DELETED,
    TOO_LONG,
    OTHER_MODEL,
    MARKUP,
    N_REASONS
};

static const char *const reasons[N_REASONS] = {
    "page that is no article, by its namespace",
    "redirect",
    "page below the least id",
    "page whose text the dump does not have",
    "page whose text the wiki hides",
    "page whose wikitext is too long",
    "page that is not wikitext",
    "page of markup alone",
};

struct wiki {
    struct cril_source base;
    struct cril_wiki_options options;
    struct cril_mediawiki *dump;
    struct cril_wikitext *wikitext;
    bool revised; /* the page has a revision */
    uint64_t n_out;
    struct cril_left_out left_out[N_REASONS];
    char id[24];
    struct cril_buffer address;
};

/* ---- addresses ---- */

static bool add(struct cril_buffer *b, const char *s, size_t n)
{
    char *data = cril_size_grow(b->data, &b->cap, b->len, n + 1, 1); /* and a NUL */

    if (!data)
        return false;
    b->data = data;
    memcpy(data + b->len, s, n);
    b->len += n;
    data[b->len] = '\0';
    return true;
}

/* A title as MediaWiki writes it in addresses: blanks to underscores, the rest percent-encoded but
 * for what a path may hold. */
static bool add_title(struct cril_buffer *b, const char *title)
{
    static const char plain[] = "-_.!~*();:@$,/", digits[] = "0123456789ABCDEF";

    for (const char *p = title; *p; p++) {
        const uint8_t c = (uint8_t)*p;
        const bool kept = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') || strchr(plain, *p);
        const char encoded[3] = {'%', digits[c >> 4], digits[c & 15]};

        if (!(*p == ' ' ? add(b, "_", 1) : kept ? add(b, p, 1) : add(b, encoded, 3)))
            return false;
    }
    return true;
}

/* Bytes of the main page's address that come before its title; 0: they cannot be told. */
static size_t stem(const char *base)
{
    static const char *const before[] = {"/wiki/", "title="};

    for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
        const char *p = strstr(base, before[i]);

        if (p)
            return (size_t)(p - base) + strlen(before[i]);
    }
    return strstr(base, "://") && !strchr(base, '?') ? (size_t)(strrchr(base, '/') + 1 - base) : 0;
}

/* NULL in *out where the dump does not give it. */
static cril_status make_address(struct wiki *w, const char **out, cril_error *err)
{
    const char *base = cril_mediawiki_site(w->dump)->base;
    const size_t n = stem(base);

    *out = NULL;
    if (!n)
        return CRIL_OK;
    w->address.len = 0;
    if (!add(&w->address, base, n) || !add_title(&w->address, cril_mediawiki_page(w->dump)->title))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", w->base.path);
    *out = w->address.data;
    return CRIL_OK;
}

/* ---- pages ---- */

/* Why a page is left out by what stands before its revisions; N_REASONS: it is not. */
static enum reason judge_page(const struct wiki *w, const struct cril_mediawiki_page *p)
{
    if (p->namespace_key != CRIL_MEDIAWIKI_ARTICLES)
        return OTHER_NAMESPACE;
    if (p->redirects)
        return REDIRECT;
    return p->id < w->options.min_page_id ? BELOW_ID : N_REASONS;
}

static enum reason judge_revision(const struct cril_mediawiki_revision *r)
{
    if (r->what == CRIL_MEDIAWIKI_DELETED)
        return DELETED;
    if (r->what == CRIL_MEDIAWIKI_ABSENT)
        return NO_TEXT;
    if (r->model[0] && strcmp(r->model, "wikitext") != 0)
        return OTHER_MODEL;
    return r->what == CRIL_MEDIAWIKI_TOO_LONG ? TOO_LONG : N_REASONS;
}

/* The page's document; its text is NULL where it is left out. */
static cril_status make_document(struct wiki *w, struct cril_gathered *doc, cril_error *err)
{
    const struct cril_mediawiki_page *p = cril_mediawiki_page(w->dump);
    const struct cril_mediawiki_revision *r = cril_mediawiki_revision(w->dump);
    const struct cril_mediawiki_site *site = cril_mediawiki_site(w->dump);
    enum reason why = judge_page(w, p);
    cril_status st;

    if (why == N_REASONS)
        why = w->revised ? judge_revision(r) : NO_TEXT;
    if (why == N_REASONS) {
        st = cril_wikitext_read(w->wikitext, r->text, r->len, &doc->text, &doc->len, NULL);
        if (st != CRIL_OK)
            return cril_fail(err, st, "%s: out of memory for the text of the page %.80s",
                             w->base.path, p->title);
        if (!doc->len)
            why = MARKUP;
    }
    if (why != N_REASONS) {
        w->left_out[why].n++;
        doc->text = NULL;
        return CRIL_OK;
    }
    if ((st = make_address(w, &doc->address, err)) != CRIL_OK)
        return st;
    snprintf(w->id, sizeof(w->id), "%" PRIu64, p->id);
    doc->id = w->id;
    doc->title = p->title;
    doc->language = site->language[0] ? site->language : NULL;
    if (w->options.created)
        cril_wiki_dates_find(w->options.created, p->id, doc->date);
    w->n_out++;
    return CRIL_OK;
}

/* Once the dump's head was read. */
static cril_status check_wiki(const struct wiki *w, cril_error *err)
{
    const char *pages = cril_mediawiki_site(w->dump)->database,
               *dates = w->options.created ? cril_wiki_dates_database(w->options.created) : "";

    if (*pages && *dates && strcmp(pages, dates) != 0)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: is of the wiki %s, but the history that dates its pages is of %s; "
                         "give the history of %s",
                         w->base.path, pages, dates, pages);
    return CRIL_OK;
}

static cril_status check_end(const struct wiki *w, cril_error *err)
{
    if (!w->n_out && w->left_out[NO_TEXT].n)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: has no page's text, as a stub dump; give a file such as "
                         "pages-articles.xml.bz2",
                         w->base.path);
    return CRIL_OK;
}

static cril_status next(struct cril_source *s, struct cril_gathered *doc, cril_error *err)
{
    struct wiki *w = (struct wiki *)s;
    enum cril_mediawiki_event event;
    cril_status st;

    memset(doc, 0, sizeof(*doc));
    do {
        if ((st = cril_mediawiki_next(w->dump, &event, err)) != CRIL_OK)
            return st;
        if ((st = check_wiki(w, err)) != CRIL_OK)
            return st;
        if (event == CRIL_MEDIAWIKI_END)
            return check_end(w, err);
        w->revised =
            event == CRIL_MEDIAWIKI_REVISION || (event == CRIL_MEDIAWIKI_PAGE_END && w->revised);
        if (event == CRIL_MEDIAWIKI_PAGE_END && (st = make_document(w, doc, err)) != CRIL_OK)
            return st;
    } while (!doc->text);
    return CRIL_OK;
}

/* ---- the kind ---- */

static const struct cril_left_out *left_out(const struct cril_source *s, size_t *n)
{
    *n = N_REASONS;
    return ((const struct wiki *)s)->left_out;
}

static uint64_t taken(const struct cril_source *s)
{
    return cril_mediawiki_taken(((const struct wiki *)s)->dump);
}

static void close_wiki(struct cril_source *s)
{
    struct wiki *w = (struct wiki *)s;

    if (!w)
        return;
    cril_wikitext_free(w->wikitext);
    cril_mediawiki_close(w->dump);
    free(w->address.data);
    free(w);
}

static const struct cril_source_kind kind = {
    .name = "wiki",
    .dates =
        "The day of the page's first revision, from a dump of the wiki's history; without one no "
        "date is known, as a dump of current pages dates the last edit only.",
    .next = next,
    .left_out = left_out,
    .taken = taken,
    .close = close_wiki,
};

cril_status cril_source_wiki_open(const char *path, const struct cril_wiki_options *options,
                                  struct cril_source **out, cril_error *err)
{
    struct wiki *w = calloc(1, sizeof(*w));
    cril_status st;

    if (!w)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    w->base = (struct cril_source){&kind, path};
    if (options)
        w->options = *options;
    for (size_t i = 0; i < N_REASONS; i++)
        w->left_out[i].why = reasons[i];
    if ((st = cril_mediawiki_open(path, w->options.max_text_bytes, &w->dump, err)) != CRIL_OK ||
        (st = cril_wikitext_create(cril_mediawiki_site(w->dump), &w->wikitext, err)) != CRIL_OK) {
        close_wiki(&w->base);
        return st;
    }
    *out = &w->base;
    return CRIL_OK;
}
