/*
 * Pages of a web crawl as WET files have them: the text of WARC records of the type `conversion`.
 * doc/corpora.md says which are taken.
 */
#ifndef CRIL_GATHER_SOURCE_WEB_H
#define CRIL_GATHER_SOURCE_WEB_H

#include "gather/source.h"

enum { CRIL_WEB_MAX_TEXT = 16 << 20 }; /* bytes; a longer text is left out */

/*
 * Opens path ("-": standard input), which is borrowed until the source is closed. A file with
 * `response` records and no text is refused at its end: CRIL_ERR_UNSUPPORTED. Others as
 * cril_warc_open and cril_warc_next.
 */
cril_status cril_source_web_open(const char *path, struct cril_source **out, cril_error *err);

#endif
