/*
 * libFuzzer entry: dumps of a wiki and wikitext. The first byte of the input says what the rest is:
 *
 *   bit 0 = 0  wikitext
 *   1          a dump, compressed or not: its documents, and the dates that it would give
 *
 * What is handed out must keep the promises of the headers, and reading twice must give the same.
 */
#include "gather/source_wiki.h"
#include "gather/wikitext.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char name[] = "/tmp/cril-fuzz-XXXXXX";

static void remove_file(void)
{
    unlink(name);
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void read_wikitext(const char *text, size_t len)
{
    struct cril_wikitext *w[2];
    const char *out[2];
    size_t n[2];

    for (size_t i = 0; i < 2; i++) {
        must(cril_wikitext_create(NULL, &w[i], NULL) == CRIL_OK);
        must(cril_wikitext_read(w[i], i ? "[[a" : text, i ? 3 : len, &out[i], &n[i], NULL) ==
             CRIL_OK);
        must(cril_wikitext_read(w[i], text, len, &out[i], &n[i], NULL) == CRIL_OK);
    }
    must(n[0] == n[1] && memcmp(out[0], out[1], n[0]) == 0 && n[0] <= 2 * len + 2);
    must(!n[0] || (out[0][0] != '\n' && out[0][n[0] - 1] != '\n'));
    for (size_t i = 0; i < n[0]; i++)
        must((uint8_t)out[0][i] >= ' ' || out[0][i] == '\n' || out[0][i] == '\t');
    cril_wikitext_free(w[0]);
    cril_wikitext_free(w[1]);
}

static uint64_t add(uint64_t sum, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ (uint8_t)s[i]) * 1099511628211u;
    return sum;
}

/* A number that depends on everything that was handed out. */
static uint64_t read_documents(const struct cril_wiki_dates *dates)
{
    const struct cril_wiki_options o = {.created = dates, .max_text_bytes = 1 << 16};
    struct cril_source *s;
    struct cril_gathered doc;
    cril_error err = {0};
    uint64_t sum = 14695981039346656037u;

    if (cril_source_wiki_open(name, &o, &s, &err) != CRIL_OK) {
        must(err.message[0] != '\0');
        return (uint64_t)err.status;
    }
    for (;;) {
        if (s->kind->next(s, &doc, &err) != CRIL_OK) {
            must(err.message[0] != '\0');
            sum += (uint64_t)err.status;
            break;
        }
        if (!doc.text)
            break;
        must(doc.len > 0 && doc.id && doc.title && *doc.title);
        must(!doc.date[0] || strlen(doc.date) == 10);
        sum = add(sum, doc.text, doc.len);
        sum = add(sum, doc.date, strlen(doc.date));
        sum = add(sum, doc.title, strlen(doc.title));
    }
    s->kind->close(s);
    return sum;
}

static void read_dump(const uint8_t *data, size_t size)
{
    static int fd = -1;
    const char *path = name;
    struct cril_wiki_dates *dates = NULL;
    cril_error err = {0};

    if (fd < 0) {
        fd = mkstemp(name);
        must(fd >= 0);
        atexit(remove_file);
    }
    must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    must(cril_wiki_dates_read(&path, 1, &dates, &err) == CRIL_OK || err.message[0]);
    must(read_documents(dates) == read_documents(dates));
    cril_wiki_dates_free(dates);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        read_dump(data + 1, size - 1);
    else
        read_wikitext((const char *)data + 1, size - 1);
    return 0;
}
