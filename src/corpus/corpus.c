/*
 * cril/corpus.h: a list of files (one, or those of a folder), read one after another, each by the
 * reader that its format names; or a program's source. A new format is a read_*.c and a row of
 * `formats`.
 *
 * The hash is taken of stored bytes as they pass, so a corpus is read once, whatever is asked of
 * it.
 */
#include "corpus/corpus.h"

#include "corpus/decoders.h"
#include "corpus/folder.h"
#include "corpus/reader.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct cril_reader_format *const formats[] = {&cril_read_jsonl, &cril_read_csv,
                                                           &cril_read_text};
enum { N_FORMATS = sizeof(formats) / sizeof(*formats) };

static const size_t max_document = (size_t)1 << 30;

struct cril_corpus {
    char *path, *field, *prompt_field, *date_field; /* NULL: not wanted */
    const struct cril_reader_format *format;        /* asked for; NULL: by file */
    bool strict, is_folder;
    uint64_t limit;
    cril_corpus_source source; /* next NULL: files are read */
    bool source_ended;
    struct cril_folder files; /* at least one; none beside a source */
    size_t at;                /* the file being read, or to be read next */

    struct cril_stream *stream; /* of the file being read; NULL: it is not open */
    struct cril_reader reader;
    bool started;                 /* the reader was */
    uint64_t next_index;          /* of documents */
    bool selects;                 /* only these are handed out: */
    const uint64_t *selection;    /* [n_selection] borrowed */
    size_t n_selection, selected; /* the first `selected` were */

    struct cril_sha256 *hash, *list; /* of the file being read; of the lines of a folder's files */
    char hex[65];                    /* of the last file, then of the corpus */
    bool hashed;                     /* hex is the corpus's */

    cril_corpus_stats stats; /* bytes_read: of closed files */
    cril_error failed;       /* status CRIL_OK: nothing failed yet */
};

/* ---- opening ---- */

static char *copy_text(const char *s)
{
    const size_t n = strlen(s) + 1;
    char *copy = malloc(n);

    if (copy)
        memcpy(copy, s, n);
    return copy;
}

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
}

static cril_status format_by_word(const char *word, const struct cril_reader_format **out,
                                  cril_error *err)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (strcmp(word, formats[i]->name) == 0) {
            *out = formats[i];
            return CRIL_OK;
        }
    return cril_fail(err, CRIL_ERR_RANGE,
                     "'%.40s' is not a format of a corpus; use jsonl, csv or text", word);
}

static cril_status take_options(cril_corpus *c, const char *path, const cril_corpus_options *o,
                                cril_error *err)
{
    c->path = copy_text(path);
    c->field = copy_text(o && o->field ? o->field : "content");
    c->prompt_field = o && o->prompt_field ? copy_text(o->prompt_field) : NULL;
    c->date_field = o && o->date_field ? copy_text(o->date_field) : NULL;
    if (!c->path || !c->field || (o && o->prompt_field && !c->prompt_field) ||
        (o && o->date_field && !c->date_field))
        return no_memory(path, err);
    if (c->prompt_field && strcmp(c->prompt_field, c->field) == 0)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: one field, \"%.40s\", cannot hold both prompt and text", path,
                         c->field);
    c->reader.field = c->field;
    c->reader.prompt_field = c->prompt_field;
    c->reader.date_field = c->date_field;
    c->reader.max_bytes = max_document;
    c->strict = o && o->strict;
    c->limit = o ? o->limit : 0;
    return o && o->format ? format_by_word(o->format, &c->format, err) : CRIL_OK;
}

static cril_status list_one(cril_corpus *c, cril_error *err)
{
    char **paths = malloc(sizeof(*paths));
    char *copy = copy_text(c->path);

    if (!paths || !copy) {
        free(paths);
        free(copy);
        return no_memory(c->path, err);
    }
    paths[0] = copy;
    c->files = (struct cril_folder){1, 1, paths};
    return CRIL_OK;
}

/* Opens and closes every file, so that an unreadable one is reported now and not after hours. */
static cril_status list_folder(cril_corpus *c, cril_error *err)
{
    cril_status st = cril_folder_list(c->path, &c->files, err);

    if (st != CRIL_OK)
        return st;
    if (c->files.n == 0)
        return cril_fail(
            err, CRIL_ERR_EMPTY,
            "%s: the folder holds no file to read; names that begin with '.' are skipped", c->path);
    for (size_t i = 0; i < c->files.n; i++) {
        struct cril_stream *s;

        if ((st = cril_stream_open(c->files.paths[i], NULL, &s, err)) != CRIL_OK)
            return st;
        c->stats.bytes_total += cril_stream_size(s);
        cril_stream_close(s);
    }
    c->is_folder = true;
    return cril_sha256_create(&c->list, err);
}

static cril_status open_file(cril_corpus *c, cril_error *err)
{
    return cril_stream_open(c->files.paths[c->at], c->hash, &c->stream, err);
}

static cril_status open_input(cril_corpus *c, cril_error *err)
{
    struct stat sb;
    cril_status st;

    if ((st = cril_sha256_create(&c->hash, err)) != CRIL_OK)
        return st;
    if (strcmp(c->path, "-") != 0 && stat(c->path, &sb) == 0 && S_ISDIR(sb.st_mode))
        return list_folder(c, err);
    if ((st = list_one(c, err)) != CRIL_OK || (st = open_file(c, err)) != CRIL_OK)
        return st;
    c->stats.bytes_total = cril_stream_size(c->stream);
    return CRIL_OK;
}

cril_status cril_corpus_open(const char *path, const cril_corpus_options *options,
                             cril_corpus **out, cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    cril_corpus *c = calloc(1, sizeof(*c));
    cril_status st;

    if (!c)
        return no_memory(path, err);
    if ((st = take_options(c, path, options, err)) != CRIL_OK ||
        (st = open_input(c, err)) != CRIL_OK) {
        cril_corpus_close(c);
        return st;
    }
    *out = c;
    return CRIL_OK;
}

cril_status cril_corpus_create(const cril_corpus_source *source, cril_corpus **out, cril_error *err)
{
    static const char prompt_field[] = "prompt";

    if (CRIL_LACKS(err, source, out) || CRIL_LACKS(err, source->next))
        return CRIL_ERR_RANGE;

    const char *const name = source->name ? source->name : "memory";
    const cril_corpus_options options = {.prompt_field = source->prompts ? prompt_field : NULL};
    cril_corpus *c = calloc(1, sizeof(*c));
    cril_status st;

    if (!c)
        return no_memory(name, err);
    if ((st = take_options(c, name, &options, err)) != CRIL_OK ||
        (st = cril_sha256_create(&c->hash, err)) != CRIL_OK) {
        cril_corpus_close(c);
        return st;
    }
    c->source = *source;
    c->stats.bytes_total = source->total_bytes;
    *out = c;
    return CRIL_OK;
}

static void close_file(cril_corpus *c)
{
    if (c->reader.format)
        c->reader.format->stop(&c->reader);
    if (c->stream)
        c->stats.bytes_read += cril_stream_taken(c->stream);
    cril_stream_close(c->stream);
    c->stream = NULL;
    c->started = false;
}

void cril_corpus_close(cril_corpus *c)
{
    if (!c)
        return;
    close_file(c);
    free(c->reader.buffer.data);
    free(c->reader.line_copy.data);
    free(c->reader.filled.data);
    cril_folder_free(&c->files);
    cril_sha256_free(c->hash);
    cril_sha256_free(c->list);
    free(c->path);
    free(c->field);
    free(c->prompt_field);
    free(c->date_field);
    free(c);
}

void cril_corpus_set_max(cril_corpus *c, size_t max_bytes)
{
    c->reader.max_bytes = max_bytes;
}

void cril_corpus_fill_records(cril_corpus *c, bool fill)
{
    c->reader.fill = fill;
}

/* ---- formats ---- */

static const struct cril_reader_format *format_by_name(const char *path)
{
    size_t len = strlen(path);

    for (const struct cril_decoder *d = cril_decoders; d->name; d++)
        if (cril_has_suffix(path, len, d->suffix)) {
            len -= strlen(d->suffix);
            break;
        }
    for (size_t i = 0; i < N_FORMATS; i++)
        for (const char *const *s = formats[i]->suffixes; *s; s++)
            if (cril_has_suffix(path, len, *s))
                return formats[i];
    return &cril_read_text;
}

/* The format of a pipe, which has no name: an object's bracket opens JSON Lines. */
static cril_status format_by_bytes(struct cril_stream *s, const struct cril_reader_format **out,
                                   cril_error *err)
{
    const char *data;
    size_t n, i = 0;
    cril_status st = cril_stream_peek(s, CRIL_STREAM_PEEK, &data, &n, err);

    if (st != CRIL_OK)
        return st;
    if (n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        i = 3;
    while (i < n && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n'))
        i++;
    *out = i < n && data[i] == '{' ? &cril_read_jsonl : &cril_read_text;
    return CRIL_OK;
}

static cril_status start_reader(cril_corpus *c, cril_error *err)
{
    cril_status st;

    c->reader.stream = c->stream;
    c->reader.format = c->format;
    if (!c->format && cril_stream_is_file(c->stream))
        c->reader.format = format_by_name(c->files.paths[c->at]);
    else if (!c->format && (st = format_by_bytes(c->stream, &c->reader.format, err)) != CRIL_OK)
        return st;
    c->started = true;
    return c->reader.format->start(&c->reader, err);
}

/* ---- hashing ---- */

/* Ends the open file: hashes the bytes that are left, closes it, moves on. */
static cril_status finish_file(cril_corpus *c, cril_error *err)
{
    const char *name = c->files.paths[c->at] + strlen(c->path);
    cril_status st;

    if ((st = cril_stream_drain(c->stream, err)) != CRIL_OK ||
        (st = cril_sha256_final(c->hash, c->hex, err)) != CRIL_OK)
        return st;
    if (c->is_folder &&
        (st = cril_sha256_line(c->list, c->hex, *name == '/' ? name + 1 : name, err)) != CRIL_OK)
        return st;
    close_file(c);
    c->at++;
    return CRIL_OK;
}

static cril_status hash_given(cril_corpus *c, const char *data, size_t n, cril_error *err)
{
    uint8_t length[8];
    cril_status st;

    for (size_t i = 0; i < sizeof(length); i++)
        length[i] = (uint8_t)((uint64_t)n >> 8 * i);
    if ((st = cril_sha256_update(c->hash, length, sizeof(length), err)) != CRIL_OK)
        return st;
    c->stats.bytes_read += n;
    return cril_sha256_update(c->hash, data, n, err);
}

/* The next document of the source that has a byte. */
static cril_status next_given(cril_corpus *c, cril_document *doc, cril_error *err)
{
    const bool prompts = c->source.prompts;
    cril_document d;
    cril_status st;

    for (;; c->stats.empty++) {
        d = (cril_document){0};
        if (c->source_ended)
            return CRIL_OK;
        if (c->source.next(c->source.user, &d))
            return cril_fail(err, CRIL_ERR_CANCELLED, "%s: stopped", c->path);
        c->source_ended = !d.text;
        if (!d.text || d.len_bytes)
            break;
    }
    if (!d.text)
        return CRIL_OK;
    if (prompts && !d.prompt)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: document %" PRIu64 " lacks its prompt", c->path,
                         c->next_index);
    if (d.len_bytes > c->reader.max_bytes || (prompts && d.prompt_bytes > c->reader.max_bytes))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: document %" PRIu64 " has more than 1 GiB",
                         c->path, c->next_index);
    if ((prompts && (st = hash_given(c, d.prompt, d.prompt_bytes, err)) != CRIL_OK) ||
        (st = hash_given(c, d.text, d.len_bytes, err)) != CRIL_OK)
        return st;
    *doc = (cril_document){.text = d.text,
                           .len_bytes = d.len_bytes,
                           .prompt = prompts ? d.prompt : NULL,
                           .prompt_bytes = prompts ? d.prompt_bytes : 0,
                           .index = c->next_index++,
                           .file = c->path};
    c->stats.documents++;
    return CRIL_OK;
}

/* Ends the source; what it still has is hashed. */
static cril_status finish_given(cril_corpus *c, cril_error *err)
{
    cril_document doc;
    const uint64_t documents = c->stats.documents;
    cril_status st;

    do {
        doc.text = NULL;
        if ((st = next_given(c, &doc, err)) != CRIL_OK)
            return st;
    } while (doc.text);
    c->stats.documents = documents;
    return c->hashed ? CRIL_OK : cril_sha256_final(c->hash, c->hex, err);
}

cril_status cril_corpus_sha256(cril_corpus *c, char hex[65], cril_error *err)
{
    if (CRIL_LACKS(err, c, hex))
        return CRIL_ERR_RANGE;

    cril_status st;

    if (c->source.next && (st = finish_given(c, err)) != CRIL_OK)
        return st;
    while (c->at < c->files.n)
        if ((!c->stream && (st = open_file(c, err)) != CRIL_OK) ||
            (st = finish_file(c, err)) != CRIL_OK)
            return st;
    if (c->is_folder && !c->hashed && (st = cril_sha256_final(c->list, c->hex, err)) != CRIL_OK)
        return st;
    c->hashed = true;
    memcpy(hex, c->hex, 65);
    return CRIL_OK;
}

/* ---- documents ---- */

static void count_bad(cril_corpus *c, const cril_error *why)
{
    char *first = c->stats.first_bad;
    size_t n = 0;

    if (c->stats.bad_lines++)
        return;
    while (why->message[n]) { /* whole characters, as many as fit */
        uint32_t code;
        const size_t step = cril_utf8_read(why->message + n, strlen(why->message + n), &code);

        if (n + step >= sizeof(c->stats.first_bad))
            break;
        n += step;
    }
    memcpy(first, why->message, n);
    first[n] = '\0';
}

/* The next document of the open file that has a character. *end: it has no more. */
static cril_status next_of_file(cril_corpus *c, bool *end, cril_error *err)
{
    struct cril_reader *r = &c->reader;
    cril_status st;

    *end = false;
    if (!c->started && (st = start_reader(c, err)) != CRIL_OK)
        return st;
    for (;;) {
        enum cril_read what;

        r->date = NULL;
        if ((st = r->format->next(r, &what, err)) != CRIL_OK)
            return st;
        if (what == CRIL_READ_BAD) {
            if (c->strict)
                return err->status;
            count_bad(c, err);
        } else if (what == CRIL_READ_END) {
            *end = true;
            return CRIL_OK;
        } else if (r->len == 0) {
            c->stats.empty++;
        } else {
            return CRIL_OK;
        }
    }
}

static cril_status next_document(cril_corpus *c, cril_document *doc, cril_error *err)
{
    if (c->source.next)
        return next_given(c, doc, err);
    while (c->at < c->files.n && !(c->limit && c->next_index == c->limit)) {
        bool end;
        cril_status st;

        if ((!c->stream && (st = open_file(c, err)) != CRIL_OK) ||
            (st = next_of_file(c, &end, err)) != CRIL_OK)
            return st;
        if (!end) {
            doc->text = c->reader.text;
            doc->len_bytes = c->reader.len;
            doc->prompt = c->reader.prompt;
            doc->prompt_bytes = c->reader.prompt_len;
            doc->date = c->reader.date;
            doc->date_bytes = c->reader.date_len;
            doc->index = c->next_index++;
            c->stats.documents++;
            doc->line = c->reader.line;
            doc->file = c->files.paths[c->at];
            return CRIL_OK;
        }
        if ((st = finish_file(c, err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

/* The next one that is wanted; nothing is read behind the last of a selection. */
static cril_status next_selected(cril_corpus *c, cril_document *doc, cril_error *err)
{
    cril_status st;

    if (!c->selects)
        return next_document(c, doc, err);
    while (c->selected < c->n_selection) {
        if ((st = next_document(c, doc, err)) != CRIL_OK || !doc->text)
            return st;
        if (doc->index == c->selection[c->selected]) {
            c->selected++;
            return CRIL_OK;
        }
        c->stats.documents--;
    }
    *doc = (cril_document){0};
    return CRIL_OK;
}

void cril_corpus_select(cril_corpus *c, const uint64_t *indices, size_t n)
{
    c->selects = true;
    c->selection = indices;
    c->n_selection = n;
}

bool cril_corpus_is_selection(const cril_corpus *c)
{
    return c->selects;
}

cril_status cril_corpus_next(cril_corpus *c, cril_document *doc, cril_error *err)
{
    if (CRIL_LACKS(err, c, doc))
        return CRIL_ERR_RANGE;

    *doc = (cril_document){0};
    if (c->failed.status == CRIL_OK) {
        cril_error why = {0};

        if (next_selected(c, doc, &why) == CRIL_OK)
            return CRIL_OK;
        c->failed = why;
    }
    return cril_fail(err, c->failed.status, "%s", c->failed.message);
}

cril_status cril_corpus_reject(cril_corpus *c, const cril_error *why, cril_error *err)
{
    c->stats.documents--;
    if (!c->strict) {
        count_bad(c, why);
        return CRIL_OK;
    }
    c->failed = *why;
    return cril_fail(err, why->status, "%s", why->message);
}

void cril_corpus_stats_get(const cril_corpus *c, cril_corpus_stats *stats)
{
    if (!stats)
        return;
    *stats = (cril_corpus_stats){0};
    if (!c)
        return;
    *stats = c->stats;
    stats->field = c->field;
    stats->prompt_field = c->prompt_field;
    stats->limit = c->limit;
    if (c->stream)
        stats->bytes_read += cril_stream_taken(c->stream);
}

cril_status cril_corpus_files(const char *path, int (*on_file)(void *user, const char *file),
                              void *user, cril_error *err)
{
    struct cril_folder f = {0};
    struct stat sb;
    cril_status st = CRIL_OK;
    bool stop = false;

    if (CRIL_LACKS(err, path, on_file))
        return CRIL_ERR_RANGE;
    if (strcmp(path, "-") == 0 || stat(path, &sb) != 0 || !S_ISDIR(sb.st_mode))
        stop = on_file(user, path) != 0;
    else
        st = cril_folder_list(path, &f, err);
    for (size_t i = 0; st == CRIL_OK && i < f.n && !stop; i++)
        stop = on_file(user, f.paths[i]) != 0;
    cril_folder_free(&f);
    return stop ? cril_fail(err, CRIL_ERR_CANCELLED, "%s: stopped", path) : st;
}
