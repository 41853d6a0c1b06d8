/*
 * The source of kind "wiki": articles of a MediaWiki XML dump as text. A document is a page of the
 * articles' namespace that is no redirect; its id is the page's. doc/corpora.md, "Wiki", has the
 * rules.
 */
#ifndef CRIL_GATHER_SOURCE_WIKI_H
#define CRIL_GATHER_SOURCE_WIKI_H

#include "gather/source.h"
#include "gather/wiki_dates.h"

#include <stdint.h>

struct cril_wiki_options {
    /* Gives each document the day on which its page was created; borrowed until closed; NULL: dates
     * are not known. It must be of the same wiki. */
    const struct cril_wiki_dates *created;
    /* Pages below it are left out: ids rise with time, so that an id of a page that was created on
     * some day stands for that day. 0: none are. */
    uint64_t min_page_id;
    size_t max_text_bytes; /* of a page's wikitext; longer ones are left out; 0: 64 MiB */
};

/*
 * Opens a dump of current pages (pages-articles) or of their history, of which the last revision of
 * each page counts; path is borrowed until closed, options are not (NULL: all zero).
 * cril_mediawiki_open's statuses; those of cril_mediawiki_next come from next, and
 * CRIL_ERR_MISMATCH where the dates are another wiki's.
 */
cril_status cril_source_wiki_open(const char *path, const struct cril_wiki_options *options,
                                  struct cril_source **out, cril_error *err);

#endif
