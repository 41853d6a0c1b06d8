/* What a link of wikitext shows. */
#ifndef CRIL_GATHER_WIKITEXT_LINKS_H
#define CRIL_GATHER_WIKITEXT_LINKS_H

#include "gather/mediawiki.h"
#include "util/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether an address begins at text [len], such as "https://" or "//". */
bool cril_wiki_is_address(const char *text, size_t len);

/* Whether [[target|...]] or [[target]] is a file or a category, of which a reader sees no text.
 * site may be NULL. */
bool cril_wiki_is_hidden(const struct cril_mediawiki_site *site, struct cril_bytes target);

/* Whether [[target]] leads to this page in another language, such as [[de:Haus]]: its prefix has
 * the form of a language's code. */
bool cril_wiki_is_language(struct cril_bytes target);

/* Whether a link may have this target: one line, no brackets or braces. */
bool cril_wiki_is_target(struct cril_bytes target);

/* The target as a link without a label shows it: without blanks around and a colon before. */
struct cril_bytes cril_wiki_target_label(struct cril_bytes target);

#endif
