/*
 * One number a page, its id above its day, in order of ids. Dumps are in that order already, so
 * that sorting is for damaged or shuffled ones; of equal ids the earliest day comes first and is
 * found.
 */
#include "gather/wiki_dates.h"

#include "gather/mediawiki.h"
#include "util/fail.h"
#include "util/size.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_BITS = 23 }; /* year (14 bits), month (4), day (5) */

struct cril_wiki_dates {
    uint64_t *rows; /* [n], id << DAY_BITS | day */
    size_t n, cap;
    bool in_order;
    char database[128];
};

/* The page that is being read. */
struct page {
    uint64_t revisions;
    bool has_first;    /* a revision without a parent */
    char earliest[32]; /* timestamp */
};

/* What a dump's pages are like: whether it is a history at all. */
struct seen {
    bool many;    /* a page of several revisions */
    bool orphans; /* a page whose only revision has a parent */
};

static unsigned digits(const char *s, size_t n)
{
    unsigned v = 0;

    for (size_t i = 0; i < n; i++)
        v = 10 * v + (unsigned)(s[i] - '0');
    return v;
}

static uint64_t pack(uint64_t id, const char *timestamp)
{
    return id << DAY_BITS | (uint64_t)digits(timestamp, 4) << 9 | digits(timestamp + 5, 2) << 5 |
           digits(timestamp + 8, 2);
}

static cril_status add_row(struct cril_wiki_dates *t, const char *path, uint64_t id,
                           const char *timestamp, cril_error *err)
{
    uint64_t *rows;

    if (id >> (64 - DAY_BITS))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: has a page with an id over 2^%d; fetch or make the dump again", path,
                         64 - DAY_BITS);
    rows = cril_size_grow(t->rows, &t->cap, t->n, 1, sizeof(*rows));
    if (!rows)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory after %zu pages", path, t->n);
    t->rows = rows;
    rows[t->n] = pack(id, timestamp);
    t->in_order = t->in_order && (!t->n || rows[t->n - 1] <= rows[t->n]);
    t->n++;
    return CRIL_OK;
}

static void add_revision(struct page *p, const struct cril_mediawiki_revision *r)
{
    p->has_first = p->has_first || !r->parent;
    if (!p->revisions++ || strcmp(r->timestamp, p->earliest) < 0)
        memcpy(p->earliest, r->timestamp, sizeof(p->earliest));
}

static cril_status end_page(struct cril_wiki_dates *t, const char *path,
                            const struct cril_mediawiki_page *m, const struct page *p,
                            struct seen *seen, cril_error *err)
{
    seen->many = seen->many || p->revisions > 1;
    seen->orphans = seen->orphans || (p->revisions == 1 && !p->has_first);
    if (m->namespace_key != CRIL_MEDIAWIKI_ARTICLES || !p->has_first)
        return CRIL_OK;
    return add_row(t, path, m->id, p->earliest, err);
}

static cril_status check_wiki(struct cril_wiki_dates *t, const char *path,
                              const struct cril_mediawiki_site *site, cril_error *err)
{
    if (!t->database[0])
        memcpy(t->database, site->database, sizeof(t->database));
    if (site->database[0] && strcmp(site->database, t->database) != 0)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: is of the wiki %s, but the histories before it are of %s; give those "
                         "of one wiki",
                         path, site->database, t->database);
    return CRIL_OK;
}

static cril_status read_dump(struct cril_wiki_dates *t, const char *path, struct cril_mediawiki *d,
                             cril_error *err)
{
    struct page p = {0};
    struct seen seen = {false, false};
    enum cril_mediawiki_event event;
    cril_status st;

    do {
        if ((st = cril_mediawiki_next(d, &event, err)) != CRIL_OK)
            return st;
        if (event == CRIL_MEDIAWIKI_PAGE)
            p = (struct page){0};
        else if (event == CRIL_MEDIAWIKI_REVISION)
            add_revision(&p, cril_mediawiki_revision(d));
        else if (event == CRIL_MEDIAWIKI_PAGE_END &&
                 (st = end_page(t, path, cril_mediawiki_page(d), &p, &seen, err)) != CRIL_OK)
            return st;
    } while (event != CRIL_MEDIAWIKI_END);
    if (seen.orphans && !seen.many)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: has one revision of each page, which dates the last edit; give the "
                         "wiki's stub-meta-history.xml.gz",
                         path);
    return check_wiki(t, path, cril_mediawiki_site(d), err);
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

cril_status cril_wiki_dates_read(const char *const *paths, size_t n, struct cril_wiki_dates **out,
                                 cril_error *err)
{
    struct cril_wiki_dates *t = calloc(1, sizeof(*t));
    cril_status st = CRIL_OK;

    if (!t)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", paths[0]);
    t->in_order = true;
    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        struct cril_mediawiki *d;

        if ((st = cril_mediawiki_open(paths[i], 0, &d, err)) == CRIL_OK) {
            st = read_dump(t, paths[i], d, err);
            cril_mediawiki_close(d);
        }
    }
    if (st != CRIL_OK) {
        cril_wiki_dates_free(t);
        return st;
    }
    if (!t->in_order)
        qsort(t->rows, t->n, sizeof(*t->rows), compare);
    *out = t;
    return CRIL_OK;
}

void cril_wiki_dates_free(struct cril_wiki_dates *t)
{
    if (!t)
        return;
    free(t->rows);
    free(t);
}

bool cril_wiki_dates_find(const struct cril_wiki_dates *t, uint64_t page_id, char date[11])
{
    size_t low = 0, high = t->n;
    unsigned day;

    while (low < high) { /* the first row that is not below the id's */
        const size_t mid = low + (high - low) / 2;

        if (t->rows[mid] < page_id << DAY_BITS)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == t->n || t->rows[low] >> DAY_BITS != page_id)
        return false;
    day = (unsigned)(t->rows[low] & ((1u << DAY_BITS) - 1));
    snprintf(date, 11, "%04u-%02u-%02u", (day >> 9) % 10000, (day >> 5 & 15) % 100,
             (day & 31) % 100);
    return true;
}

size_t cril_wiki_dates_count(const struct cril_wiki_dates *t)
{
    return t->n;
}

const char *cril_wiki_dates_database(const struct cril_wiki_dates *t)
{
    return t->database;
}
