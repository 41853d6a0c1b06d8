/*
 * libFuzzer entry: any bytes as a corpus. The first byte picks the format, strictness and whether
 * there are prompts, the rest is the file; compression is told by its bytes. What is handed out
 * must keep the promises of cril/corpus.h, and reading twice must give the same.
 *
 * zstd may rightly ask for a window of 2 GiB: run with ASAN_OPTIONS=allocator_may_return_null=1 and
 * max_allocation_size_mb=300, which also makes that allocation fail.
 */
#include "corpus/corpus.h"
#include "util/hash.h"
#include "util/utf8.h"

#include <cril/corpus.h>
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

static bool is_utf8(const char *text, size_t len)
{
    uint32_t code;

    for (size_t i = 0; i < len;) {
        i += cril_utf8_read(text + i, len - i, &code);
        if (code == CRIL_UTF8_ILL)
            return false;
    }
    return true;
}

/* A number that depends on everything that was handed out. */
static uint64_t read_all(const cril_corpus_options *o, bool fill, char hex[65])
{
    const bool json = o->format[0] == 'j';
    cril_corpus *c;
    cril_document doc;
    cril_corpus_stats stats;
    cril_error err = {0};
    uint64_t n = 0, line = 0, sum = 14695981039346656037u;

    hex[0] = '\0';
    if (cril_corpus_open(name, o, &c, &err) != CRIL_OK) {
        must(err.message[0] != '\0');
        return (uint64_t)err.status;
    }
    cril_corpus_set_max(c, 1 << 20);
    cril_corpus_fill_records(c, fill);
    for (;;) {
        if (cril_corpus_next(c, &doc, &err) != CRIL_OK) {
            must(err.message[0] != '\0' && !doc.text);
            sum += (uint64_t)err.status;
            break;
        }
        if (!doc.text)
            break;
        must(doc.len_bytes > 0 && doc.len_bytes <= 1 << 20 && doc.index == n &&
             strcmp(doc.file, name) == 0);
        must(!json || is_utf8(doc.text, doc.len_bytes));
        must((doc.prompt != NULL) == (o->prompt_field != NULL));
        must(doc.prompt_bytes <= 1 << 20 && (doc.prompt || !doc.prompt_bytes));
        must(!json || is_utf8(doc.prompt, doc.prompt_bytes));
        for (size_t i = 0; i < doc.prompt_bytes; i++)
            sum = (sum ^ (uint8_t)doc.prompt[i]) * 1099511628211u;
        must(!doc.date || (o->date_field && doc.date_bytes <= 1 << 20));
        must(!json || !doc.date || is_utf8(doc.date, doc.date_bytes));
        for (size_t i = 0; doc.date && i < doc.date_bytes; i++)
            sum = (sum ^ (uint8_t)doc.date[i]) * 1099511628211u;
        must(doc.line > line || (o->format[0] == 't' && doc.line == 0));
        must(cril_count_characters(doc.text, doc.len_bytes) <= doc.len_bytes);
        line = doc.line;
        n++;
        for (size_t i = 0; i < doc.len_bytes; i++)
            sum = (sum ^ (uint8_t)doc.text[i]) * 1099511628211u;
    }
    must(cril_corpus_sha256(c, hex, &err) == CRIL_OK);
    cril_corpus_stats_get(c, &stats);
    must(stats.documents == n && stats.bytes_read == stats.bytes_total);
    must((stats.bad_lines == 0) == (stats.first_bad[0] == '\0') && !(o->strict && stats.bad_lines));
    must(cril_corpus_next(c, &doc, NULL) != CRIL_OK || !doc.text);
    cril_corpus_close(c);
    return sum + stats.bad_lines + stats.empty;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"jsonl", "csv", "text"};
    static int fd = -1;
    static struct cril_sha256 *h;
    char hex[3][65];

    if (fd < 0) {
        fd = mkstemp(name);
        must(fd >= 0 && cril_sha256_create(&h, NULL) == CRIL_OK);
        atexit(remove_file);
    }
    if (size == 0)
        return 0;
    const cril_corpus_options o = {.format = formats[data[0] % 3],
                                   .prompt_field = data[0] & 0x10 ? "p" : NULL,
                                   .date_field = data[0] & 0x08 ? "d" : NULL,
                                   .strict = data[0] & 0x80,
                                   .limit = data[0] & 0x40 ? 2 : 0};
    const bool fill = data[0] & 0x20;

    data++;
    size--;
    must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    must(read_all(&o, fill, hex[0]) == read_all(&o, fill, hex[1]));
    must(cril_sha256_update(h, data, size, NULL) == CRIL_OK &&
         cril_sha256_final(h, hex[2], NULL) == CRIL_OK);
    must(strcmp(hex[0], hex[1]) == 0 && (!hex[0][0] || strcmp(hex[0], hex[2]) == 0));
    return 0;
}
