/*
 * One file from its address. The part that is there lies beside the file to be, with a hash of the
 * server's validator and of the size in its name: it goes on only for the same bytes.
 */
#include "fetch/http.h"
#include "util/fail.h"
#include "util/hash.h"

#include <cril/download.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_BYTES = 4096,
    MAX_NAME = 200,
    MAX_REDIRECTS = 10,
    MAX_TRIES = 5,
    STALL_SEC = 60,
    WAIT_MS = 500
};

struct download {
    const char *url; /* as given, for sentences */
    cril_download_options options;
    struct cril_http *http;
    char name[MAX_NAME + 1];
    char target[PATH_BYTES], part[PATH_BYTES];
    char etag[128]; /* of the file at hand; "": the server has none that is strong */
    uint64_t size;  /* 0: not known */
    uint64_t at;
    int fd;          /* of the part; -1: not open */
    bool began, cut; /* of the answer at hand: bytes came; the part was emptied */
    bool disk_failed;
};

bool cril_is_address(const char *text)
{
    return text && (strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0);
}

/* ---- names ---- */

static cril_status read_name(struct download *d, cril_error *err)
{
    const char *host = strstr(d->url, "://") + 3, *end = host + strcspn(host, "?#"), *from = end;
    size_t n;

    while (from > host && from[-1] != '/')
        from--;
    n = (size_t)(end - from);
    if (from == host || !n || n > MAX_NAME || *from == '.')
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%.200s: names no file; its path must end in a file's name", d->url);
    memcpy(d->name, from, n);
    d->name[n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if ((uint8_t)d->name[i] <= ' ' || d->name[i] == 0x7f || d->name[i] == '\\')
            return cril_fail(err, CRIL_ERR_RANGE, "%.200s: is no address", d->url);
    }
    return CRIL_OK;
}

static cril_status make_path(const struct download *d, const char *folder, const char *before,
                             const char *after, char out[PATH_BYTES], cril_error *err)
{
    const int n = snprintf(out, PATH_BYTES, "%s/%s%s%s", folder, before, d->name, after);

    return n > 0 && n < PATH_BYTES
               ? CRIL_OK
               : cril_fail(err, CRIL_ERR_RANGE, "%.200s: its path is too long", d->url);
}

static bool is_there(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static cril_status cannot(struct download *d, const char *what, cril_error *err)
{
    d->disk_failed = true;
    return cril_fail(err, CRIL_ERR_IO, "%s: cannot be %s: %s", d->part, what, strerror(errno));
}

/* ---- requests ---- */

static bool is_redirect(const struct cril_http_answer *a)
{
    return (a->status == 301 || a->status == 302 || a->status == 303 || a->status == 307 ||
            a->status == 308) &&
           a->location[0];
}

static bool may_pass(long status)
{
    return status == 408 || status == 429 || (status >= 500 && status <= 504);
}

static cril_status refused(const struct download *d, const struct cril_http_answer *a,
                           cril_error *err)
{
    if (a->status == 404 || a->status == 410)
        return cril_fail(err, CRIL_ERR_EMPTY, "%.200s: the server has no such file", d->url);
    return cril_fail(err, CRIL_ERR_IO, "%.200s: the server answers with status %ld", d->url,
                     a->status);
}

/* One attempt, redirects followed. *again: another one may succeed. */
static cril_status ask(struct download *d, struct cril_http_request *r, struct cril_http_answer *a,
                       bool *again, cril_error *err)
{
    char url[CRIL_HTTP_URL], target[CRIL_HTTP_URL];
    cril_error why = {0};
    cril_status st;

    r->url = url;
    r->stall_sec = STALL_SEC;
    *again = false;
    if (!cril_http_resolve(d->url, d->url, url))
        return cril_fail(err, CRIL_ERR_RANGE, "%.200s: is no address", d->url);
    for (int i = 0; i <= MAX_REDIRECTS; i++) {
        if (cril_http_is_plain(url) && !cril_http_is_loopback(url))
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%.200s: is not encrypted (http); give an address with https", url);
        if ((st = cril_http_run(d->http, r, a, &why)) != CRIL_OK) {
            *again = st == CRIL_ERR_IO && !d->disk_failed;
            if (a->is_broken && *again)
                return cril_fail(err, st, "%.200s: %s; check the network, and run this again",
                                 d->url, why.message);
            return cril_fail(err, st, "%s", why.message);
        }
        if (a->status >= 200 && a->status < 300)
            return CRIL_OK;
        if (!is_redirect(a)) {
            *again = may_pass(a->status);
            return refused(d, a, err);
        }
        if (!cril_http_resolve(url, a->location, target))
            break;
        memcpy(url, target, sizeof(url));
    }
    return cril_fail(err, CRIL_ERR_FORMAT, "%.200s: the server redirects to nowhere", d->url);
}

/* False: too often. */
static bool wait_after(const struct download *d, unsigned *tries)
{
    const unsigned ms = (d->options.wait_ms ? d->options.wait_ms : WAIT_MS) << *tries;
    const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    if (++*tries >= MAX_TRIES)
        return false;
    nanosleep(&t, NULL);
    return true;
}

/* A weak validator does not say that bytes are the same (RFC 9110, 8.8.1). */
static const char *strong(const char *etag)
{
    return strncmp(etag, "W/", 2) == 0 ? "" : etag;
}

static cril_status ask_facts(struct download *d, cril_error *err)
{
    struct cril_http_request r = {.head = true};
    struct cril_http_answer a;
    unsigned tries = 0;
    bool again;
    cril_status st;

    while ((st = ask(d, &r, &a, &again, err)) != CRIL_OK) {
        if (!again || !wait_after(d, &tries))
            return st;
    }
    memcpy(d->etag, strong(a.etag), strlen(strong(a.etag)) + 1);
    d->size = a.has_size ? a.size : 0;
    return CRIL_OK;
}

/* ---- bytes ---- */

static cril_status begin_anew(struct download *d, cril_error *err)
{
    d->at = 0;
    d->cut = true;
    return ftruncate(d->fd, 0) == 0 ? CRIL_OK : cannot(d, "emptied", err);
}

/* What the answer's bytes are: the rest of the part, or the whole file. */
static cril_status begin(struct download *d, const struct cril_http_answer *a, cril_error *err)
{
    const bool same = strcmp(strong(a->etag), d->etag) == 0;
    cril_status st;

    d->began = true;
    if (a->status == 206 && same && a->has_range && a->range_from == d->at)
        return CRIL_OK;
    if ((st = begin_anew(d, err)) != CRIL_OK)
        return st;
    if (!same || a->status == 206)
        return cril_fail(err, CRIL_ERR_IO, "%.200s: the file changed while it was fetched", d->url);
    return CRIL_OK;
}

static cril_status take(void *user, const struct cril_http_answer *a, const void *data, size_t len,
                        cril_error *err)
{
    struct download *d = user;
    const char *p = data;
    cril_status st;

    if (!d->began && (st = begin(d, a, err)) != CRIL_OK)
        return st;
    while (len) {
        const ssize_t n = pwrite(d->fd, p, len, (off_t)d->at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return cannot(d, "written", err);
        p += n;
        len -= (size_t)n;
        d->at += (uint64_t)n;
    }
    return d->options.progress && d->options.progress(d->options.user, d->at, d->size)
               ? cril_fail(err, CRIL_ERR_CANCELLED, "stopped")
               : CRIL_OK;
}

static cril_status get_rest(struct download *d, bool *again, cril_error *err)
{
    struct cril_http_request r = {.take = take, .user = d};
    struct cril_http_answer a;
    cril_status st, cut;

    d->began = d->cut = false;
    if (!d->etag[0] && (st = begin_anew(d, err)) != CRIL_OK)
        return st;
    r.from = d->at;
    st = ask(d, &r, &a, again, err);
    if (a.status == 416 && d->at) { /* it has no such bytes */
        *again = true;
        if ((cut = begin_anew(d, err)) != CRIL_OK)
            st = cut;
    }
    *again = (*again || d->cut) && !d->disk_failed && st != CRIL_ERR_CANCELLED;
    if (st != CRIL_OK || !d->size || d->at == d->size)
        return st;
    *again = true;
    return cril_fail(err, CRIL_ERR_IO,
                     "%.200s: the server sent %" PRIu64 " of %" PRIu64 " bytes; run this again",
                     d->url, d->at, d->size);
}

static cril_status get_all(struct download *d, cril_error *err)
{
    uint64_t best = d->at;
    unsigned tries = 0;
    bool again;
    cril_status st;

    if (d->size && d->at == d->size)
        return CRIL_OK;
    while ((st = get_rest(d, &again, err)) != CRIL_OK) {
        if (d->at > best) {
            best = d->at;
            tries = 0;
        }
        if (!again || !wait_after(d, &tries))
            return st;
    }
    return CRIL_OK;
}

/* ---- files ---- */

/* Opens the part, which one process at a time goes on with. */
static cril_status open_part(struct download *d, const char *folder, cril_error *err)
{
    const uint64_t hash = cril_hash_bytes(
        cril_hash_bytes(CRIL_HASH_START, d->etag, strlen(d->etag)), &d->size, sizeof(d->size));
    char after[32];
    struct stat info;
    cril_status st;

    snprintf(after, sizeof(after), ".%016" PRIx64 ".part", hash);
    if ((st = make_path(d, folder, ".", after, d->part, err)) != CRIL_OK)
        return st;
    d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (d->fd < 0 || flock(d->fd, LOCK_EX) != 0 || fstat(d->fd, &info) != 0)
        return cannot(d, "opened", err);
    d->at = (uint64_t)info.st_size;
    return d->size && d->at > d->size ? begin_anew(d, err) : CRIL_OK;
}

static cril_status run(struct download *d, const char *folder, cril_error *err)
{
    cril_status st;

    if ((st = make_path(d, folder, "", "", d->target, err)) != CRIL_OK || is_there(d->target))
        return st;
    if ((st = cril_http_create(&d->http, err)) != CRIL_OK || (st = ask_facts(d, err)) != CRIL_OK ||
        (st = open_part(d, folder, err)) != CRIL_OK)
        return st;
    if (is_there(d->target)) { /* another process was at work */
        unlink(d->part);
        return CRIL_OK;
    }
    if ((st = get_all(d, err)) != CRIL_OK)
        return st;
    if (fsync(d->fd) != 0 || rename(d->part, d->target) != 0)
        return cannot(d, "finished", err);
    return CRIL_OK;
}

cril_status cril_download(const char *url, const char *folder, const cril_download_options *options,
                          char **path, cril_error *err)
{
    struct download *d;
    cril_status st;

    if (CRIL_LACKS(err, url, folder, path))
        return CRIL_ERR_RANGE;
    if (!cril_is_address(url))
        return cril_fail(err, CRIL_ERR_RANGE, "%.200s: is no address", url);
    if (!(d = calloc(1, sizeof(*d))))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    d->url = url;
    d->fd = -1;
    if (options)
        d->options = *options;
    if ((st = read_name(d, err)) == CRIL_OK)
        st = run(d, folder, err);
    if (st == CRIL_OK && !(*path = strdup(d->target)))
        st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    if (d->fd >= 0)
        close(d->fd);
    cril_http_free(d->http);
    free(d);
    return st;
}
