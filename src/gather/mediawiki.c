/*
 * Dumps by libexpat: a table says which elements hold others and which hold a value, the rest is
 * passed over. expat pushes and we are pulled, so the handler that completes an event suspends the
 * parser, and the next call resumes it.
 *
 * What bounds memory, of a file that somebody made to exhaust it: expat keeps a tag until it is
 * whole (MAX_TOKEN), a record for each open element (MAX_DEPTH), and for good each name that it
 * meets (MAX_STRANGE); values have the sizes of their fields.
 */
#include "gather/mediawiki.h"

#include "corpus/reader.h"
#include "corpus/stream.h"
#include "util/fail.h"
#include "util/number.h"
#include "util/size.h"

#include <expat.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 1 << 16,       /* bytes that expat gets at a time */
    MAX_TOKEN = 1 << 20,   /* bytes of a tag, a comment, a processing instruction */
    MAX_DEPTH = 64,        /* dumps have 5 */
    MAX_STRANGE = 1 << 12, /* bytes of names that no dump has, each once, with a NUL */
    NUMBER = 24
};

enum place { OUTSIDE, DUMP, SITE, NAMESPACES, PAGE, REVISION };

struct cril_mediawiki {
    const char *path;
    struct cril_stream *stream;
    XML_Parser xml;
    size_t max_text;
    bool suspended, final;     /* final: expat has got the last byte */
    size_t quiet;              /* bytes since an event of expat's */
    char strange[MAX_STRANGE]; /* names that are not known, one behind the other */
    size_t n_strange;

    cril_error *err; /* the caller's, while it waits */
    cril_status status;
    bool heard;

    enum place place;
    unsigned depth, skip; /* open elements; those of them that are passed over */
    const struct field *field;
    size_t n; /* bytes of the field's value so far */

    bool page_due, revision_due, end_due; /* events that were not handed out yet */
    bool page_out;                        /* the page's fields are complete */
    struct cril_mediawiki_site site;
    struct cril_mediawiki_page page;
    struct cril_mediawiki_revision revision;
    char page_id[NUMBER], page_namespace[NUMBER], revision_id[NUMBER], parent_id[NUMBER];
    struct cril_mediawiki_name name;
    bool name_is_kept;
    struct cril_buffer text;
    bool text_seen, text_deleted, text_promised, text_too_long;
};

/* Elements that hold others. */
static const struct holder {
    enum place in;
    const char *name;
    enum place to;
} holders[] = {
    {OUTSIDE, "mediawiki", DUMP},
    {DUMP, "siteinfo", SITE},
    {SITE, "namespaces", NAMESPACES},
    {SITE, "namespacealiases", NAMESPACES},
    {DUMP, "page", PAGE},
    {PAGE, "revision", REVISION},
};

/* Elements that hold a value. */
static const struct field {
    enum place in;
    const char *name;
    size_t offset, size; /* of its array in struct cril_mediawiki; 0: the text */
} fields[] = {
#define FIELD(member)                                                                              \
    offsetof(struct cril_mediawiki, member), sizeof(((struct cril_mediawiki *)0)->member)
    {SITE, "dbname", FIELD(site.database)},
    {SITE, "base", FIELD(site.base)},
    {NAMESPACES, "namespace", FIELD(name.name)},
    {PAGE, "title", FIELD(page.title)},
    {PAGE, "ns", FIELD(page_namespace)},
    {PAGE, "id", FIELD(page_id)},
    {REVISION, "id", FIELD(revision_id)},
    {REVISION, "parentid", FIELD(parent_id)},
    {REVISION, "timestamp", FIELD(revision.timestamp)},
    {REVISION, "model", FIELD(revision.model)},
    {REVISION, "format", FIELD(revision.format)},
    {REVISION, "text", 0, 0},
#undef FIELD
};

/* Further names of elements and attributes of the schemas, in order. */
static const char *const known[] = {"ThreadAncestor",
                                    "ThreadAuthor",
                                    "ThreadEditStatus",
                                    "ThreadID",
                                    "ThreadPage",
                                    "ThreadParent",
                                    "ThreadSubject",
                                    "ThreadType",
                                    "action",
                                    "archivename",
                                    "base",
                                    "bytes",
                                    "case",
                                    "comment",
                                    "content",
                                    "contents",
                                    "contributor",
                                    "dbname",
                                    "deleted",
                                    "discussionthreadinginfo",
                                    "filename",
                                    "format",
                                    "generator",
                                    "id",
                                    "ip",
                                    "isarchived",
                                    "key",
                                    "location",
                                    "logitem",
                                    "logtitle",
                                    "mediawiki",
                                    "minor",
                                    "model",
                                    "namespace",
                                    "namespacealiases",
                                    "namespaces",
                                    "ns",
                                    "origin",
                                    "page",
                                    "params",
                                    "parentid",
                                    "redirect",
                                    "rel",
                                    "restrictions",
                                    "revision",
                                    "role",
                                    "sha1",
                                    "sha1base36",
                                    "siteinfo",
                                    "sitename",
                                    "size",
                                    "src",
                                    "text",
                                    "timestamp",
                                    "title",
                                    "type",
                                    "upload",
                                    "username",
                                    "version",
                                    "xml:lang",
                                    "xml:space",
                                    "xmlns",
                                    "xmlns:xsi",
                                    "xsi:schemaLocation"};

/* ---- faults ---- */

/* Ends the parse with a sentence. */
static void stop(struct cril_mediawiki *d, cril_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void stop(struct cril_mediawiki *d, cril_status status, const char *format, ...)
{
    char what[600];
    va_list ap;

    if (d->status != CRIL_OK)
        return;
    va_start(ap, format);
    if (cril_format(what, sizeof(what), format, ap) < 0)
        what[0] = '\0';
    va_end(ap);
    d->status = cril_fail(d->err, status, "%s: line %" PRIu64 ": %s", d->path,
                          cril_mediawiki_line(d), what);
    XML_StopParser(d->xml, XML_FALSE);
}

static cril_status no_memory(const struct cril_mediawiki *d, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", d->path);
}

/* What expat says of an error. */
static cril_status fault(const struct cril_mediawiki *d, cril_error *err)
{
    const enum XML_Error code = XML_GetErrorCode(d->xml);
    const uint64_t line = cril_mediawiki_line(d);
    const char *why = XML_ErrorString(code);

    if (d->status != CRIL_OK)
        return d->status;
    if (code == XML_ERROR_NO_MEMORY)
        return no_memory(d, err);
    if (d->final && (code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN ||
                     code == XML_ERROR_PARTIAL_CHAR || code == XML_ERROR_UNCLOSED_CDATA_SECTION))
        return cril_fail(err, CRIL_ERR_TRUNCATED,
                         "%s: ends in line %" PRIu64
                         ", before its last element does; fetch or make the dump again",
                         d->path, line);
    if (code == XML_ERROR_JUNK_AFTER_DOC_ELEMENT)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: line %" PRIu64
                         ": something follows the end of the dump; give each dump as its own file",
                         d->path, line);
    if (!d->site.version[0])
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: is no MediaWiki dump, nor other XML (line %" PRIu64
                         ": %s); give a file such as pages-articles.xml.bz2",
                         d->path, line, why);
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: line %" PRIu64 ": damaged XML (%s); fetch or make the dump again",
                     d->path, line, why);
}

/* ---- values ---- */

static bool read_number(const char *text, uint64_t *out)
{
    const size_t n = strspn(text, "0123456789");
    uint64_t v = 0;

    if (n == 0 || n > 18 || text[n])
        return false;
    for (size_t i = 0; i < n; i++)
        v = 10 * v + (uint64_t)(text[i] - '0');
    *out = v;
    return true;
}

static bool read_key(const char *text, int32_t *out)
{
    uint64_t v;

    if (!read_number(text + (*text == '-'), &v) || v > INT32_MAX)
        return false;
    *out = *text == '-' ? -(int32_t)v : (int32_t)v;
    return true;
}

/* "2026-06-01T12:00:00Z": every digit stands where one must, the month and the day are some. */
static bool is_timestamp(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    int month, day;

    for (size_t i = 0; i < sizeof(form); i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    month = 10 * (text[5] - '0') + text[6] - '0';
    day = 10 * (text[8] - '0') + text[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static const char *attribute(const XML_Char **a, const char *name)
{
    for (; *a; a += 2)
        if (strcmp(a[0], name) == 0)
            return a[1];
    return NULL;
}

/* Copies an attribute's value, if there is one, into out [size]. */
static void copy_attribute(struct cril_mediawiki *d, const XML_Char **a, const char *name,
                           char *out, size_t size)
{
    const char *value = attribute(a, name);

    if (!value)
        return;
    if (strlen(value) >= size)
        stop(d, CRIL_ERR_UNSUPPORTED, "%s=\"...\" has more than %zu bytes; mend the dump", name,
             size - 1);
    else
        memcpy(out, value, strlen(value) + 1);
}

static void begin_field(struct cril_mediawiki *d, const struct field *f, const XML_Char **a)
{
    const char *bytes = attribute(a, "bytes"), *key = attribute(a, "key");

    if (f->in == PAGE && d->page_out) {
        stop(d, CRIL_ERR_FORMAT,
             "<%s> stands behind the page's first revision; fetch or make the dump again", f->name);
        return;
    }
    d->field = f;
    d->n = 0;
    if (f->in == NAMESPACES)
        d->name_is_kept =
            key && read_key(key, &d->name.key) &&
            (d->name.key == CRIL_MEDIAWIKI_FILES || d->name.key == CRIL_MEDIAWIKI_CATEGORIES);
    if (f->size)
        return;
    d->text.len = 0;
    d->text_seen = true;
    d->text_too_long = false;
    d->text_deleted = attribute(a, "deleted") != NULL;
    d->text_promised = bytes && strcmp(bytes, "0") != 0;
}

static void add_text(struct cril_mediawiki *d, const char *s, size_t n)
{
    char *data;

    if (n > d->max_text - d->text.len)
        d->text_too_long = true;
    if (d->text_too_long)
        return;
    data = cril_size_grow(d->text.data, &d->text.cap, d->text.len, n, 1);
    if (!data) {
        d->status = no_memory(d, d->err);
        XML_StopParser(d->xml, XML_FALSE);
        return;
    }
    d->text.data = data;
    memcpy(data + d->text.len, s, n);
    d->text.len += n;
}

static void on_characters(void *data, const XML_Char *s, int len)
{
    struct cril_mediawiki *d = data;
    const size_t n = (size_t)len;

    d->heard = true;
    if (!d->field || d->status != CRIL_OK)
        return;
    if (!d->field->size)
        add_text(d, s, n);
    else if (n >= d->field->size - d->n)
        stop(d, CRIL_ERR_UNSUPPORTED, "<%s> has more than %zu bytes; mend the dump", d->field->name,
             d->field->size - 1);
    else {
        memcpy((char *)d + d->field->offset + d->n, s, n);
        d->n += n;
    }
}

static void keep_name(struct cril_mediawiki *d)
{
    if (!d->name_is_kept || !d->name.name[0])
        return;
    if (d->site.n_names == CRIL_MEDIAWIKI_NAMES)
        stop(d, CRIL_ERR_UNSUPPORTED, "more than %d names for files and categories; mend the dump",
             CRIL_MEDIAWIKI_NAMES);
    else
        d->site.names[d->site.n_names++] = d->name;
}

static void end_field(struct cril_mediawiki *d)
{
    const struct field *f = d->field;

    d->field = NULL;
    if (!f->size)
        return;
    ((char *)d)[f->offset + d->n] = '\0';
    if (f->in == NAMESPACES)
        keep_name(d);
}

/* ---- pages and revisions ---- */

/* Its event goes out as soon as expat is out of the handler. */
static void hand_out(struct cril_mediawiki *d)
{
    if (d->status == CRIL_OK)
        XML_StopParser(d->xml, XML_TRUE);
}

static void begin_page(struct cril_mediawiki *d)
{
    memset(&d->page, 0, sizeof(d->page));
    d->page_id[0] = d->page_namespace[0] = '\0';
    d->page_out = false;
}

/* All of the page but its revisions was read. */
static void complete_page(struct cril_mediawiki *d)
{
    if (d->page_out)
        return;
    if (!d->page.title[0])
        stop(d, CRIL_ERR_FORMAT, "a page has no <title>; fetch or make the dump again");
    else if (!read_number(d->page_id, &d->page.id))
        stop(d, CRIL_ERR_FORMAT,
             "the <id> of the page %.80s is no number (%s); fetch or make the dump again",
             d->page.title, d->page_id);
    else if (!read_key(d->page_namespace, &d->page.namespace_key))
        stop(d, CRIL_ERR_FORMAT,
             "the <ns> of the page %.80s is no number (%s); fetch or make the dump again",
             d->page.title, d->page_namespace);
    d->page_out = d->page_due = true;
    hand_out(d);
}

static void begin_revision(struct cril_mediawiki *d)
{
    complete_page(d);
    memset(&d->revision, 0, sizeof(d->revision));
    d->revision_id[0] = d->parent_id[0] = '\0';
    d->text_seen = false;
}

static enum cril_mediawiki_text what_text(const struct cril_mediawiki *d)
{
    if (!d->text_seen)
        return CRIL_MEDIAWIKI_ABSENT;
    if (d->text_deleted)
        return CRIL_MEDIAWIKI_DELETED;
    if (d->text_too_long)
        return CRIL_MEDIAWIKI_TOO_LONG;
    return d->text.len || !d->text_promised ? CRIL_MEDIAWIKI_TEXT : CRIL_MEDIAWIKI_ABSENT;
}

static void complete_revision(struct cril_mediawiki *d)
{
    struct cril_mediawiki_revision *r = &d->revision;

    if (!read_number(d->revision_id, &r->id))
        stop(d, CRIL_ERR_FORMAT,
             "the <id> of a revision of the page %.80s is no number (%s); fetch or make the dump "
             "again",
             d->page.title, d->revision_id);
    else if (d->parent_id[0] && !read_number(d->parent_id, &r->parent))
        stop(d, CRIL_ERR_FORMAT,
             "the <parentid> of revision %" PRIu64 " is no number (%s); fetch or make the dump "
             "again",
             r->id, d->parent_id);
    else if (!is_timestamp(r->timestamp))
        stop(d, CRIL_ERR_FORMAT,
             "the <timestamp> of revision %" PRIu64
             " is \"%s\" and not such as 2026-06-01T12:00:00Z; fetch or make the dump again",
             r->id, r->timestamp);
    r->what = what_text(d);
    if (r->what == CRIL_MEDIAWIKI_TEXT) {
        r->text = d->text.len ? d->text.data : "";
        r->len = d->text.len;
    }
    d->revision_due = true;
    hand_out(d);
}

static void complete_holder(struct cril_mediawiki *d)
{
    if (d->place == REVISION) {
        complete_revision(d);
    } else if (d->place == PAGE) {
        complete_page(d);
        d->end_due = true;
        hand_out(d);
    }
}

/* ---- elements ---- */

static int compare_names(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

static bool is_known(const char *name)
{
    return bsearch(name, known, sizeof(known) / sizeof(*known), sizeof(*known), compare_names);
}

static bool was_met(const struct cril_mediawiki *d, const char *name)
{
    for (size_t at = 0; at < d->n_strange; at += strlen(d->strange + at) + 1)
        if (strcmp(d->strange + at, name) == 0)
            return true;
    return false;
}

static void meet(struct cril_mediawiki *d, const char *name)
{
    const size_t n = strlen(name) + 1;

    if (is_known(name) || was_met(d, name))
        return;
    if (n > MAX_STRANGE - d->n_strange) {
        stop(d, CRIL_ERR_UNSUPPORTED,
             "more than %d bytes of elements and attributes that no dump has; give one that "
             "MediaWiki wrote",
             MAX_STRANGE);
        return;
    }
    memcpy(d->strange + d->n_strange, name, n);
    d->n_strange += n;
}

/* expat keeps each name for good, so that there must not be too many. */
static bool allow_names(struct cril_mediawiki *d, const XML_Char *name, const XML_Char **a)
{
    meet(d, name);
    for (; *a && d->status == CRIL_OK; a += 2)
        meet(d, a[0]);
    return d->status == CRIL_OK;
}

static void open_dump(struct cril_mediawiki *d, const XML_Char **a)
{
    static const char *const versions[] = {"0.8", "0.9", "0.10", "0.11"};

    copy_attribute(d, a, "version", d->site.version, sizeof(d->site.version));
    copy_attribute(d, a, "xml:lang", d->site.language, sizeof(d->site.language));
    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
        if (strcmp(d->site.version, versions[i]) == 0)
            return;
    stop(d, CRIL_ERR_UNSUPPORTED,
         "a MediaWiki dump of version \"%s\", but cril reads 0.8 to 0.11; export the wiki again",
         d->site.version);
}

static void enter(struct cril_mediawiki *d, enum place to, const XML_Char **a)
{
    if (to == DUMP)
        open_dump(d, a);
    else if (to == PAGE)
        begin_page(d);
    else if (to == REVISION)
        begin_revision(d);
    d->place = to;
}

/* An element that is neither passed over nor inside a value. */
static void begin_element(struct cril_mediawiki *d, const XML_Char *name, const XML_Char **a)
{
    for (size_t i = 0; i < sizeof(holders) / sizeof(*holders); i++)
        if (holders[i].in == d->place && strcmp(holders[i].name, name) == 0) {
            enter(d, holders[i].to, a);
            return;
        }
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        if (fields[i].in == d->place && strcmp(fields[i].name, name) == 0) {
            begin_field(d, &fields[i], a);
            return;
        }
    d->skip = 1;
    if (d->place == OUTSIDE)
        stop(d, CRIL_ERR_FORMAT,
             "is no MediaWiki dump: its first element is <%.80s>, not <mediawiki>; give a file "
             "such as pages-articles.xml.bz2",
             name);
    if (d->place == PAGE && strcmp(name, "redirect") == 0) {
        d->page.redirects = true;
        copy_attribute(d, a, "title", d->page.redirect, sizeof(d->page.redirect));
    }
}

static void on_start(void *data, const XML_Char *name, const XML_Char **a)
{
    struct cril_mediawiki *d = data;

    d->heard = true;
    if (!allow_names(d, name, a))
        return;
    if (++d->depth > MAX_DEPTH)
        stop(d, CRIL_ERR_UNSUPPORTED, "elements more than %d deep; mend the dump", MAX_DEPTH);
    else if (d->field)
        stop(d, CRIL_ERR_FORMAT, "<%.80s> inside <%s>; fetch or make the dump again", name,
             d->field->name);
    else if (d->skip)
        d->skip++;
    else
        begin_element(d, name, a);
}

static void on_end(void *data, const XML_Char *name)
{
    static const enum place outer[] = {OUTSIDE, OUTSIDE, DUMP, SITE, DUMP, PAGE};
    struct cril_mediawiki *d = data;

    (void)name; /* expat checks that it is the open one's */
    d->heard = true;
    if (d->status != CRIL_OK)
        return;
    d->depth--;
    if (d->skip) {
        d->skip--;
    } else if (d->field) {
        end_field(d);
    } else {
        complete_holder(d);
        d->place = outer[d->place];
    }
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_internal)
{
    (void)name, (void)system, (void)public, (void)has_internal;
    stop(data, CRIL_ERR_UNSUPPORTED,
         "a DOCTYPE, which no MediaWiki dump has; give one that MediaWiki wrote");
}

static void on_other(void *data, const XML_Char *s, int len)
{
    (void)s, (void)len;
    ((struct cril_mediawiki *)data)->heard = true;
}

/* ---- the stream ---- */

cril_status cril_mediawiki_open(const char *path, size_t max_text, struct cril_mediawiki **out,
                                cril_error *err)
{
    struct cril_mediawiki *d = calloc(1, sizeof(*d));
    cril_status st;

    if (!d)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    d->path = path;
    d->max_text = max_text ? max_text : CRIL_MEDIAWIKI_MAX_TEXT;
    if ((st = cril_stream_open(path, NULL, &d->stream, err)) != CRIL_OK)
        goto fail;
    d->path = cril_stream_name(d->stream);
    if (!(d->xml = XML_ParserCreate(NULL))) {
        st = no_memory(d, err);
        goto fail;
    }
    XML_SetUserData(d->xml, d);
    XML_SetElementHandler(d->xml, on_start, on_end);
    XML_SetCharacterDataHandler(d->xml, on_characters);
    XML_SetStartDoctypeDeclHandler(d->xml, on_doctype);
    XML_SetDefaultHandler(d->xml, on_other);
    *out = d;
    return CRIL_OK;
fail:
    cril_mediawiki_close(d);
    return st;
}

void cril_mediawiki_close(struct cril_mediawiki *d)
{
    if (!d)
        return;
    if (d->xml)
        XML_ParserFree(d->xml);
    cril_stream_close(d->stream);
    free(d->text.data);
    free(d);
}

/* Gives expat the next bytes, of which it makes a copy. */
static cril_status feed(struct cril_mediawiki *d, enum XML_Status *r, cril_error *err)
{
    const char *data;
    size_t n;
    cril_status st;

    if ((st = cril_stream_peek(d->stream, 1, &data, &n, err)) != CRIL_OK)
        return st;
    if (n > CHUNK)
        n = CHUNK;
    d->final = n == 0;
    d->heard = false;
    *r = XML_Parse(d->xml, data, (int)n, d->final);
    cril_stream_skip(d->stream, n);
    d->quiet = d->heard ? 0 : d->quiet + n;
    return CRIL_OK;
}

static cril_status advance(struct cril_mediawiki *d, cril_error *err)
{
    enum XML_Status r;
    cril_status st;

    if (d->suspended)
        r = XML_ResumeParser(d->xml);
    else if ((st = feed(d, &r, err)) != CRIL_OK)
        return st;
    if (r == XML_STATUS_ERROR || d->status != CRIL_OK)
        return fault(d, err);
    d->suspended = r == XML_STATUS_SUSPENDED;
    if (d->quiet > MAX_TOKEN)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: line %" PRIu64
                         ": a tag of more than %d bytes; fetch or make the dump again",
                         d->path, cril_mediawiki_line(d), MAX_TOKEN);
    return CRIL_OK;
}

/* The events that are due go out in the order of the dump. */
static bool take(bool *due)
{
    const bool was = *due;

    *due = false;
    return was;
}

cril_status cril_mediawiki_next(struct cril_mediawiki *d, enum cril_mediawiki_event *event,
                                cril_error *err)
{
    d->err = err;
    while (!d->page_due && !d->revision_due && !d->end_due) {
        cril_status st;

        if (d->final && !d->suspended) {
            *event = CRIL_MEDIAWIKI_END;
            return CRIL_OK;
        }
        if ((st = advance(d, err)) != CRIL_OK)
            return st;
    }
    *event = take(&d->page_due)       ? CRIL_MEDIAWIKI_PAGE
             : take(&d->revision_due) ? CRIL_MEDIAWIKI_REVISION
                                      : CRIL_MEDIAWIKI_PAGE_END;
    if (*event == CRIL_MEDIAWIKI_PAGE_END)
        d->end_due = false;
    return CRIL_OK;
}

const struct cril_mediawiki_site *cril_mediawiki_site(const struct cril_mediawiki *d)
{
    return &d->site;
}

const struct cril_mediawiki_page *cril_mediawiki_page(const struct cril_mediawiki *d)
{
    return &d->page;
}

const struct cril_mediawiki_revision *cril_mediawiki_revision(const struct cril_mediawiki *d)
{
    return &d->revision;
}

uint64_t cril_mediawiki_line(const struct cril_mediawiki *d)
{
    return XML_GetCurrentLineNumber(d->xml);
}

uint64_t cril_mediawiki_taken(const struct cril_mediawiki *d)
{
    return cril_stream_taken(d->stream);
}
