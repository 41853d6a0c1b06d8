/*
 * On which day a wiki's articles were created: pages to days, from a dump of their history without
 * texts (stub-meta-history). A dump of current pages does not say it. Read once, for any number of
 * dumps of pages.
 */
#ifndef CRIL_GATHER_WIKI_DATES_H
#define CRIL_GATHER_WIKI_DATES_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_wiki_dates;

/*
 * Reads dumps of one wiki, paths [n >= 1], to their ends; 8 bytes of memory for each article. Of a
 * page the day is that of its earliest revision, and not known where none of its revisions is its
 * first, one without a parent. The statuses of cril_mediawiki_next, and CRIL_ERR_UNSUPPORTED for a
 * dump that has the current revisions alone; CRIL_ERR_MISMATCH for dumps of two wikis.
 */
cril_status cril_wiki_dates_read(const char *const *paths, size_t n, struct cril_wiki_dates **out,
                                 cril_error *err);
void cril_wiki_dates_free(struct cril_wiki_dates *t); /* NULL is allowed */

/* "2026-06-01" of a page's id; false: not known. Any thread may call it. */
bool cril_wiki_dates_find(const struct cril_wiki_dates *t, uint64_t page_id, char date[11]);

size_t cril_wiki_dates_count(const struct cril_wiki_dates *t);         /* pages with a date */
const char *cril_wiki_dates_database(const struct cril_wiki_dates *t); /* "enwiki"; "": not said */

#endif
