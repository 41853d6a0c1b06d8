/*
 * MediaWiki's XML dumps (https://www.mediawiki.org/wiki/Help:Export, schemas 0.8 to 0.11), plain or
 * compressed, as a stream: pages, and within each its revisions. One revision is in memory at a
 * time, however long a history is.
 *
 * What is read is the main slot of a revision. Uploads, log items and users are passed over. A dump
 * has no DOCTYPE, so one that has is refused: no entity is ever expanded. Damaged XML ends the
 * reading with its line.
 */
#ifndef CRIL_GATHER_MEDIAWIKI_H
#define CRIL_GATHER_MEDIAWIKI_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_mediawiki;

/* Maximum bytes of a text, unless set. MediaWiki itself takes no page of more than 2 MiB. */
#define CRIL_MEDIAWIKI_MAX_TEXT ((size_t)64 << 20)

enum {
    CRIL_MEDIAWIKI_FIELD = 1024, /* bytes of a name, a title, an address, NUL included */
    CRIL_MEDIAWIKI_NAMES = 64    /* maximum names of the namespaces that are kept */
};

enum { /* keys of namespaces */
       CRIL_MEDIAWIKI_ARTICLES = 0,
       CRIL_MEDIAWIKI_FILES = 6,
       CRIL_MEDIAWIKI_CATEGORIES = 14
};

/* What the dump says of its wiki. Texts are "" where it does not. */
struct cril_mediawiki_site {
    char version[16], language[64];  /* "0.11", "en" */
    char database[128];              /* "enwiki" */
    char base[CRIL_MEDIAWIKI_FIELD]; /* the main page's address */
    struct cril_mediawiki_name {
        int key;
        char name[256]; /* as this wiki calls files and categories; aliases too */
    } names[CRIL_MEDIAWIKI_NAMES];
    size_t n_names;
};

struct cril_mediawiki_page {
    char title[CRIL_MEDIAWIKI_FIELD]; /* with its namespace: "Talk:Mill" */
    int32_t namespace_key;
    uint64_t id;
    bool redirects;
    char redirect[CRIL_MEDIAWIKI_FIELD]; /* to where; "" if the dump does not say */
};

enum cril_mediawiki_text {
    CRIL_MEDIAWIKI_TEXT,    /* text and len are set; len may be 0 */
    CRIL_MEDIAWIKI_DELETED, /* hidden by the wiki */
    CRIL_MEDIAWIKI_ABSENT,  /* the dump has its length at most, as a stub does */
    CRIL_MEDIAWIKI_TOO_LONG /* over the maximum */
};

struct cril_mediawiki_revision {
    uint64_t id, parent;          /* parent 0: the dump names none, as for a page's first */
    char timestamp[32];           /* "2026-06-01T12:00:00Z", checked */
    char model[128], format[128]; /* "wikitext", "text/x-wiki"; "": the dump does not say */
    enum cril_mediawiki_text what;
    const char *text; /* [len], UTF-8 */
    size_t len;
};

enum cril_mediawiki_event {
    CRIL_MEDIAWIKI_PAGE,     /* a page begins: `page` is set */
    CRIL_MEDIAWIKI_REVISION, /* `revision` is set */
    CRIL_MEDIAWIKI_PAGE_END, /* the last revision's text still stands */
    CRIL_MEDIAWIKI_END
};

/*
 * Opens a dump, by cril_stream_open, whose statuses it has; path is borrowed until closed. Nothing
 * is parsed yet. max_text: maximum bytes of a text; 0: CRIL_MEDIAWIKI_MAX_TEXT.
 */
cril_status cril_mediawiki_open(const char *path, size_t max_text, struct cril_mediawiki **out,
                                cril_error *err);
void cril_mediawiki_close(struct cril_mediawiki *d); /* NULL is allowed */

/*
 * What comes next. CRIL_ERR_FORMAT: damaged, or no dump; CRIL_ERR_TRUNCATED: it ends early;
 * CRIL_ERR_UNSUPPORTED: another version, a DOCTYPE, sizes over the limits; CRIL_ERR_IO,
 * CRIL_ERR_NOMEM. After an error only close.
 */
cril_status cril_mediawiki_next(struct cril_mediawiki *d, enum cril_mediawiki_event *event,
                                cril_error *err);

/* Borrowed from d; each is complete once its event came, the site with the first one. */
const struct cril_mediawiki_site *cril_mediawiki_site(const struct cril_mediawiki *d);
const struct cril_mediawiki_page *cril_mediawiki_page(const struct cril_mediawiki *d);
const struct cril_mediawiki_revision *cril_mediawiki_revision(const struct cril_mediawiki *d);

uint64_t cril_mediawiki_line(const struct cril_mediawiki *d);  /* where it stands, 1-based */
uint64_t cril_mediawiki_taken(const struct cril_mediawiki *d); /* as stored, for progress */

#endif
