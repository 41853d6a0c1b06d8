/* See source_web.h. */
#include "gather/source_web.h"

#include "gather/warc.h"
#include "util/fail.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum reason {
    BAD_HEAD, /* as enum cril_warc_damage */
    WRONG_LENGTH,
    TRUNCATED,
    TOO_LONG,
    NOT_PLAIN,
    OTHER_CHARSET,
    SEGMENTED,
    WITHOUT_ID,
    WARCINFO,
    RESPONSE,
    RESOURCE,
    REQUEST,
    METADATA,
    REVISIT,
    CONTINUATION,
    UNKNOWN_TYPE,
    N_REASONS
};

_Static_assert((int)BAD_HEAD == CRIL_WARC_BAD_HEAD && (int)WRONG_LENGTH == CRIL_WARC_WRONG_LENGTH &&
                   (int)TRUNCATED == CRIL_WARC_TRUNCATED && (int)TOO_LONG == CRIL_WARC_N_DAMAGES,
               "the reader's counts come first");

static const struct {
    const char *why, *type; /* type: WARC-Type; NULL: not by that */
} reasons[N_REASONS] = {
    [BAD_HEAD] = {"record with an unreadable head", NULL},
    [WRONG_LENGTH] = {"record of a wrong length", NULL},
    [TRUNCATED] = {"truncated record", NULL},
    [TOO_LONG] = {"text of more than 16 MiB", NULL},
    [NOT_PLAIN] = {"conversion record that is not text/plain", NULL},
    [OTHER_CHARSET] = {"conversion record that is not UTF-8 by its charset", NULL},
    [SEGMENTED] = {"conversion record of several segments", NULL},
    [WITHOUT_ID] = {"conversion record without an id", NULL},
    [WARCINFO] = {"warcinfo record", "warcinfo"},
    [RESPONSE] = {"response record", "response"},
    [RESOURCE] = {"resource record", "resource"},
    [REQUEST] = {"request record", "request"},
    [METADATA] = {"metadata record", "metadata"},
    [REVISIT] = {"revisit record", "revisit"},
    [CONTINUATION] = {"continuation record", "continuation"},
    [UNKNOWN_TYPE] = {"record of an unknown type", NULL},
};

struct web {
    struct cril_source base; /* first: a source is cast to its kind's structure */
    struct cril_warc *warc;
    bool has_text; /* a conversion record was met */
    struct cril_left_out left_out[N_REASONS];
};

/* ---- fields ---- */

/* Two digits that are a number of [min, max]. */
static bool two_digits(const char *p, int min, int max, int *out)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *out = 10 * (p[0] - '0') + p[1] - '0';
    return *out >= min && *out <= max;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

/* What may follow the day: nothing, or a time in UTC, with seconds and a fraction of them or
 * without. */
static bool is_time(const char *p)
{
    int n;

    if (!*p)
        return true;
    if (*p++ != 'T' || !two_digits(p, 0, 23, &n) || p[2] != ':' || !two_digits(p + 3, 0, 59, &n))
        return false;
    p += 5;
    if (*p == ':') {
        if (!two_digits(p + 1, 0, 60, &n))
            return false;
        p += 3;
        if (*p == '.') {
            const size_t digits = strspn(p + 1, "0123456789");

            if (!digits)
                return false;
            p += 1 + digits;
        }
    }
    return strcmp(p, "Z") == 0;
}

/* The day of a WARC-Date (W3C's profile of ISO 8601); "": it is none, or less than a day is known.
 */
static void read_date(const char *text, char date[11])
{
    int century, year, month, day;

    date[0] = '\0';
    if (!text || !two_digits(text, 0, 99, &century) || !two_digits(text + 2, 0, 99, &year) ||
        text[4] != '-' || !two_digits(text + 5, 1, 12, &month) || text[7] != '-' ||
        !two_digits(text + 8, 1, days_of(100 * century + year, month), &day) || !is_time(text + 10))
        return;
    memcpy(date, text, 10);
    date[10] = '\0';
}

/* Whether a Content-Type's media type is text/plain; *rest: its parameters. */
static bool is_plain(const char *type, const char **rest)
{
    static const char plain[] = "text/plain";
    const size_t n = sizeof(plain) - 1;

    if (!type || strncasecmp(type, plain, n) != 0)
        return false;
    *rest = type + n;
    return !**rest || strchr("; \t", **rest);
}

/* Whether the parameters leave it at UTF-8. */
static bool is_utf8(const char *parameters)
{
    static const char charset[] = "charset=";
    static const char *const same[] = {"utf-8", "utf8", "us-ascii", "ascii"};

    for (const char *p = parameters; *p; p += strcspn(p, ";")) {
        size_t n;

        p += strspn(p, "; \t");
        if (strncasecmp(p, charset, sizeof(charset) - 1) != 0)
            continue;
        p += sizeof(charset) - 1;
        p += *p == '"';
        n = strcspn(p, "\"; \t");
        for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
            if (strlen(same[i]) == n && strncasecmp(same[i], p, n) == 0)
                return true;
        return false;
    }
    return true;
}

/* ---- the source ---- */

/* Why a record is left out; N_REASONS: it is a text. */
static enum reason judge(struct web *s, const struct cril_warc_record *r)
{
    const char *parameters;

    if (strcasecmp(r->field[CRIL_WARC_TYPE], "conversion") != 0) {
        for (enum reason i = 0; i < N_REASONS; i++)
            if (reasons[i].type && strcasecmp(reasons[i].type, r->field[CRIL_WARC_TYPE]) == 0)
                return i;
        return UNKNOWN_TYPE;
    }
    s->has_text = true;
    if (!is_plain(r->field[CRIL_WARC_CONTENT_TYPE], &parameters))
        return NOT_PLAIN;
    if (!is_utf8(parameters))
        return OTHER_CHARSET;
    if (r->field[CRIL_WARC_SEGMENT])
        return SEGMENTED;
    if (!r->field[CRIL_WARC_ID] || !*r->field[CRIL_WARC_ID])
        return WITHOUT_ID;
    return r->block ? N_REASONS : TOO_LONG;
}

static void fill(const struct cril_warc_record *r, struct cril_gathered *doc)
{
    *doc = (struct cril_gathered){
        .text = r->block,
        .len = (size_t)r->length,
        .id = r->field[CRIL_WARC_ID],
        .address = r->field[CRIL_WARC_ADDRESS],
        .language = r->field[CRIL_WARC_LANGUAGE],
    };
    read_date(r->field[CRIL_WARC_DATE], doc->date);
}

static void count_damaged(struct web *s)
{
    const uint64_t *const n = cril_warc_damaged(s->warc);

    for (size_t i = 0; i < CRIL_WARC_N_DAMAGES; i++)
        s->left_out[i].n = n[i];
}

static cril_status next(struct cril_source *source, struct cril_gathered *doc, cril_error *err)
{
    struct web *const s = (struct web *)source;
    struct cril_warc_record r;

    *doc = (struct cril_gathered){0};
    for (;;) {
        bool end;
        const cril_status st = cril_warc_next(s->warc, &r, &end, err);
        enum reason why;

        count_damaged(s);
        if (st != CRIL_OK)
            return st;
        if (end)
            break;
        if ((why = judge(s, &r)) == N_REASONS) {
            fill(&r, doc);
            return CRIL_OK;
        }
        s->left_out[why].n++;
    }
    if (!s->has_text && s->left_out[RESPONSE].n)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is an ordinary WARC file: it has pages as they were sent (response "
                         "records) and no text of them (conversion records); extract the text "
                         "first, or give the crawl's WET files",
                         source->path);
    return CRIL_OK;
}

static const struct cril_left_out *left_out(const struct cril_source *source, size_t *n)
{
    *n = N_REASONS;
    return ((const struct web *)source)->left_out;
}

static uint64_t taken(const struct cril_source *source)
{
    return cril_warc_taken(((const struct web *)source)->warc);
}

static void close_source(struct cril_source *source)
{
    struct web *const s = (struct web *)source;

    if (!s)
        return;
    cril_warc_close(s->warc);
    free(s);
}

static const struct cril_source_kind kind = {
    .name = "web",
    .dates = "the day on which the page was crawled (WARC-Date); its text may be older",
    .next = next,
    .left_out = left_out,
    .taken = taken,
    .close = close_source,
};

cril_status cril_source_web_open(const char *path, struct cril_source **out, cril_error *err)
{
    struct web *s = calloc(1, sizeof(*s));
    cril_status st;

    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    s->base = (struct cril_source){&kind, path};
    for (enum reason i = 0; i < N_REASONS; i++)
        s->left_out[i].why = reasons[i].why;
    if ((st = cril_warc_open(path, CRIL_WEB_MAX_TEXT, &s->warc, err)) != CRIL_OK) {
        close_source(&s->base);
        return st;
    }
    *out = &s->base;
    return CRIL_OK;
}
