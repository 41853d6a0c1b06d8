/*
 * Wikitext to text: what a reader of the page sees of its sentences. The rules stand in
 * doc/corpora.md, "Wiki", one by one. They are this project's own: no template is expanded, and no
 * other page is looked at.
 *
 * Time and memory grow with the length of the text, whatever it holds: openings are kept on a
 * stack, not by recursion, and no search for a closing is made twice.
 */
#ifndef CRIL_GATHER_WIKITEXT_H
#define CRIL_GATHER_WIKITEXT_H

#include "gather/mediawiki.h"

#include <cril/status.h>
#include <stddef.h>

struct cril_wikitext;

/*
 * site: how the wiki calls files and categories, borrowed until freed and read at each page; NULL:
 * the English names alone, which always hold. CRIL_ERR_NOMEM.
 */
cril_status cril_wikitext_create(const struct cril_mediawiki_site *site, struct cril_wikitext **out,
                                 cril_error *err);
void cril_wikitext_free(struct cril_wikitext *w); /* NULL is allowed */

/*
 * The text of wikitext [len], any bytes: *out [*out_len], borrowed until the next call, without an
 * empty line at either end. CRIL_ERR_NOMEM.
 */
cril_status cril_wikitext_read(struct cril_wikitext *w, const char *wikitext, size_t len,
                               const char **out, size_t *out_len, cril_error *err);

#endif
