/*
 * The end of a pipe, read without blocking. A traceback's last line says what happened, so of
 * standard error the last bytes are kept, and of standard output the first.
 */
#include "sandbox/drain.h"

#include <cril/text.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 65536, CHUNKS_AT_ONCE = 16 };

void cril_drain_start(struct cril_drain *d, int fd, bool keeps_last)
{
    d->fd = fd;
    d->keeps_last = keeps_last;
    d->total = 0;
    d->len = 0;
}

void cril_drain_close(struct cril_drain *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

static void keep(struct cril_drain *d, const char *data, size_t n)
{
    if (d->keeps_last && d->len + n > sizeof(d->kept)) {
        const size_t last = d->len < CRIL_DRAIN_KEPT ? d->len : CRIL_DRAIN_KEPT;

        memmove(d->kept, d->kept + d->len - last, last);
        d->len = last;
    }
    if (!d->keeps_last && n > CRIL_DRAIN_KEPT - d->len)
        n = CRIL_DRAIN_KEPT - d->len;
    memcpy(d->kept + d->len, data, n);
    d->len += n;
}

void cril_drain_read(struct cril_drain *d)
{
    char chunk[CHUNK];

    for (int i = 0; i < CHUNKS_AT_ONCE && d->fd >= 0; i++) {
        const ssize_t n = read(d->fd, chunk, sizeof(chunk));

        if (n > 0) {
            d->total += (uint64_t)n;
            keep(d, chunk, (size_t)n);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            cril_drain_close(d);
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

char *cril_drain_text(struct cril_drain *d, size_t *len)
{
    const size_t skip = d->len > CRIL_DRAIN_KEPT ? d->len - CRIL_DRAIN_KEPT : 0;

    if (skip) {
        memmove(d->kept, d->kept + skip, CRIL_DRAIN_KEPT);
        d->len = CRIL_DRAIN_KEPT;
    }
    d->kept[d->len] = '\0';
    *len = d->len;
    return d->kept;
}

/* ---- the last line ---- */

struct line {
    const char *at;
    size_t len;
};

static bool next_line(const char **at, const char *end, struct line *out)
{
    const char *stop;

    if (*at == end)
        return false;
    stop = memchr(*at, '\n', (size_t)(end - *at));
    out->at = *at;
    out->len = (size_t)((stop ? stop : end) - *at);
    *at = stop ? stop + 1 : end;
    return true;
}

static bool starts_with(struct line l, const char *text)
{
    return l.len >= strlen(text) && !memcmp(l.at, text, strlen(text));
}

static bool has_something(struct line l)
{
    for (size_t i = 0; i < l.len; i++)
        if ((unsigned char)l.at[i] > ' ')
            return true;
    return false;
}

/* An exception's message may have lines of its own; its first follows the last frame, whose lines
 * are indented. */
static struct line choose_line(const char *text, size_t len)
{
    const char *at = text, *const end = text + len;
    struct line l, last = {text, 0}, exception = {text, 0};
    bool in_frame = false;

    while (next_line(&at, end, &l)) {
        if (has_something(l))
            last = l;
        if (starts_with(l, "  File \"")) {
            in_frame = true;
        } else if (in_frame && has_something(l) && l.at[0] != ' ') {
            exception = l;
            in_frame = false;
        }
    }
    return exception.len ? exception : last;
}

void cril_drain_last_line(struct cril_drain *d, char *line, size_t size)
{
    size_t len;
    const char *text = cril_drain_text(d, &len);
    const struct line l = choose_line(text, len);

    cril_text_show(l.at, l.len, false, line, size);
}
