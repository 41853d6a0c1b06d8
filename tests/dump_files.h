/* Dumps of a wiki for tests, written to a file. */
#ifndef CRIL_TESTS_DUMP_FILES_H
#define CRIL_TESTS_DUMP_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DUMP_HEAD                                                                                  \
    "<mediawiki xmlns=\"http://www.mediawiki.org/xml/export-0.11/\" version=\"0.11\" "             \
    "xml:lang=\"en\">\n<siteinfo><dbname>millwiki</dbname>"                                        \
    "<base>https://mill.example.org/wiki/Main_Page</base></siteinfo>\n"
#define DUMP_REVISION(id, text)                                                                    \
    "<revision><id>" id "</id><timestamp>2026-06-01T00:00:00Z</timestamp>"                         \
    "<model>wikitext</model><format>text/x-wiki</format><text>" text "</text></revision>\n"
#define DUMP_PAGE(id, text)                                                                        \
    "<page><title>Page " id "</title><ns>0</ns><id>" id                                            \
    "</id>\n" DUMP_REVISION(id, text) "</page>\n"
#define DUMP_END "</mediawiki>\n"

static char dump_path[] = "/tmp/cril-dump-XXXXXX";

/* The one file of the test, with these bytes; it is removed by remove_dump. */
static const char *write_dump(const void *data, size_t n)
{
    static int fd = -1;

    if (fd < 0)
        fd = mkstemp(dump_path);
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n)
        abort();
    return dump_path;
}

static int remove_dump(void **state)
{
    (void)state;
    unlink(dump_path);
    return 0;
}

#endif
