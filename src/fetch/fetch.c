/*
 * HEAD tells the file's hash, size and where its bytes are; GET brings those that the part lacks.
 * The address of a large file expires within the hour, so each GET is preceded by a HEAD. The part
 * is the cache's blob under another name, written under the blob's lock and renamed once its hash
 * is right.
 */
#include "fetch/fetch.h"

#include "util/fail.h"
#include "util/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char part_suffix[] = ".cril-part";

/* Bytes that a plain request does not get from the hub (huggingface_hub, constants.py). */
static const uint64_t max_plain_bytes = 50000000000;
/* What git holds itself is text, and small. */
enum { MAX_GIT_BYTES = 256 << 20 };

/* What HEAD says. */
struct facts {
    char hash[65];
    uint64_t size;
    char address[CRIL_HTTP_URL];
    bool in_xet;
};

/* A file on its way. */
struct work {
    struct cril_hub_fetch *f;
    struct cril_http *http;
    struct facts facts;
    char what[CRIL_HUB_SPOKEN + 1100]; /* for sentences */
    char part[CRIL_HUB_PATH], blob[CRIL_HUB_PATH];
    int fd;
    uint64_t at, best; /* bytes of the part; the most there ever were */
    bool began;        /* the answer's first bytes were looked at */
    bool disk_failed;
};

bool cril_hub_fetched(const struct cril_hub_cache *c, const char *commit,
                      const struct cril_hub_file *f)
{
    char path[CRIL_HUB_PATH];
    uint64_t size;

    return cril_hub_snapshot_path(c, commit, f->path, path, NULL) == CRIL_OK &&
           cril_hub_file_size(path, &size) && size == f->size;
}

uint64_t cril_hub_fetched_part(const struct cril_hub_cache *c, const struct cril_hub_file *f)
{
    char path[CRIL_HUB_PATH];
    uint64_t size = 0;

    if (f->hash[0] && cril_hub_blob_path(c, f->hash, "", path, NULL) == CRIL_OK &&
        cril_hub_file_size(path, &size) && size == f->size)
        return size; /* of another commit */
    if (!f->hash[0] || cril_hub_blob_path(c, f->hash, part_suffix, path, NULL) != CRIL_OK ||
        !cril_hub_file_size(path, &size) || size > f->size)
        return 0;
    return size;
}

/* ---- HEAD ---- */

/* An ETag without "W/" and quotes, if it is a hash. */
static bool read_hash(const char *etag, char out[65])
{
    size_t len;

    etag += strncmp(etag, "W/", 2) == 0 ? 2 : 0;
    etag += *etag == '"';
    len = strcspn(etag, "\"");
    if (len > 64)
        return false;
    memcpy(out, etag, len);
    out[len] = '\0';
    return cril_hub_is_hex(out, 40) || cril_hub_is_hex(out, 64);
}

static cril_status read_facts(const struct work *w, const struct cril_http_answer *a,
                              struct facts *out, cril_error *err)
{
    const struct cril_hub_file *f = w->f->file;

    if (strcmp(a->commit, w->f->commit) != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the server does not say that this is commit %s; it is no hub, check "
                         "HF_ENDPOINT if it is set",
                         w->what, w->f->commit);
    if (!read_hash(a->linked_etag[0] ? a->linked_etag : a->etag, out->hash))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the server names no SHA-256 or git hash, so its bytes cannot be "
                         "checked; check HF_ENDPOINT if it is set",
                         w->what);
    out->size = a->has_linked_size ? a->linked_size : a->size;
    if (!a->has_linked_size && (!a->has_size || a->status >= 300)) /* of the redirect's own body */
        out->size = f->size;
    if ((f->hash[0] && strcmp(f->hash, out->hash) != 0) || out->size != f->size)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: the hub's list has %" PRIu64 " bytes with hash %s, the file itself "
                         "%" PRIu64 " with %s",
                         w->what, f->size, f->hash, out->size, out->hash);
    out->in_xet = a->in_xet;
    return CRIL_OK;
}

static cril_status ask_facts(struct work *w, struct facts *out, struct cril_http_answer *a,
                             bool *again, cril_error *err)
{
    const struct cril_hub_session *s = w->f->session;
    char before[256], url[CRIL_HTTP_URL];
    const struct cril_http_request r = {.url = url, .head = true};
    cril_status st;

    *again = false;
    snprintf(before, sizeof(before), "/%s/resolve/%s/", s->name->repository, w->f->commit);
    if (!cril_hub_address(s, before, w->f->file->path, "/", "", url))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: is too long for an address", w->what);
    if ((st = cril_hub_ask(s, w->http, &r, w->what, a, again, err)) != CRIL_OK ||
        (st = read_facts(w, a, out, err)) != CRIL_OK)
        return st;
    memcpy(out->address, a->status >= 300 ? a->location : url, sizeof(url));
    return CRIL_OK;
}

/* ---- GET ---- */

static cril_status cannot(struct work *w, const char *what, cril_error *err)
{
    const int number = errno;

    w->disk_failed = true;
    return cril_fail(err, CRIL_ERR_IO, "%s: cannot be %s: %s%s", w->part, what, strerror(number),
                     number == ENOSPC || number == EDQUOT || number == EFBIG
                         ? "; make room and run this again: it goes on from here"
                         : "");
}

static cril_status begin_anew(struct work *w, cril_error *err)
{
    w->at = 0;
    atomic_store(&w->f->have, 0);
    return ftruncate(w->fd, 0) == 0 ? CRIL_OK : cannot(w, "cut", err);
}

/* What the answer's bytes are: the rest of the part, or the whole file. */
static cril_status begin(struct work *w, const struct cril_http_answer *a, cril_error *err)
{
    cril_status st;

    w->began = true;
    if (a->status == 200)
        return w->at ? begin_anew(w, err) : CRIL_OK;
    if (a->has_range && a->range_from == w->at && a->range_size == w->facts.size)
        return CRIL_OK;
    st = begin_anew(w, err);
    return st != CRIL_OK
               ? st
               : cril_fail(err, CRIL_ERR_IO,
                           "%s: the server sent other bytes than it was asked for", w->what);
}

static cril_status on_bytes(void *user, const struct cril_http_answer *a, const void *data,
                            size_t len, cril_error *err)
{
    struct work *w = user;
    const char *p = data;
    cril_status st;

    if (!w->began && (st = begin(w, a, err)) != CRIL_OK)
        return st;
    if (len > w->facts.size - w->at) {
        st = begin_anew(w, err);
        return st != CRIL_OK ? st
                             : cril_fail(err, CRIL_ERR_MISMATCH,
                                         "%s: the server sends more than the file's %" PRIu64
                                         " bytes; nothing was kept",
                                         w->what, w->facts.size);
    }
    while (len) {
        const ssize_t n = pwrite(w->fd, p, len, (off_t)w->at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return cannot(w, "written", err);
        p += n;
        len -= (size_t)n;
        w->at += (uint64_t)n;
        atomic_store(&w->f->have, w->at);
    }
    return CRIL_OK;
}

static cril_status get_rest(struct work *w, struct cril_http_answer *a, bool *again,
                            cril_error *err)
{
    const struct cril_http_request r = {
        .url = w->facts.address, .from = w->at, .take = on_bytes, .user = w};
    cril_status st, cut;

    w->began = false;
    st = cril_hub_ask(w->f->session, w->http, &r, w->what, a, again, err);
    if (a->status == 416 && w->at) { /* it has no such bytes */
        *again = true;
        if ((cut = begin_anew(w, err)) != CRIL_OK)
            st = cut;
    }
    *again = *again && !w->disk_failed;
    if (st != CRIL_OK || w->at == w->facts.size)
        return st;
    *again = true;
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: the server sent %" PRIu64 " of %" PRIu64 " bytes; try again", w->what,
                     w->at, w->facts.size);
}

/* Whether the store has the file, and does not give it in answer to a plain request: it has large
 * files in pieces, for a protocol of its own. */
static bool is_not_plain(const struct work *w, long status)
{
    return status >= 400 && status < 500 && status != 408 && status != 429 &&
           (w->facts.in_xet || w->facts.size > max_plain_bytes);
}

static cril_status not_plain(const struct work *w, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: the hub gives it by its own protocol (Xet) only; fetch it with 'hf "
                     "download %s' of the Python package huggingface_hub: cril finds it then",
                     w->what, w->f->session->name->repository);
}

/* All bytes into the part; the first address is known. */
static cril_status get_all(struct work *w, cril_error *err)
{
    struct cril_hub_patience patience = {0};
    struct cril_http_answer a = {0};
    struct facts facts;
    bool again = false;
    cril_status st;

    while (w->at < w->facts.size) {
        if ((st = get_rest(w, &a, &again, err)) == CRIL_OK)
            break;
        if (w->at > w->best)
            patience.tries = 0;
        w->best = w->at > w->best ? w->at : w->best;
        if (!again || !cril_hub_wait(w->f->session, &patience, &a))
            return is_not_plain(w, a.status) ? not_plain(w, err) : st;
        do
            st = ask_facts(w, &facts, &a, &again, err);
        while (st != CRIL_OK && again && cril_hub_wait(w->f->session, &patience, &a));
        if (st != CRIL_OK)
            return st;
        memcpy(w->facts.address, facts.address, sizeof(facts.address));
    }
    return CRIL_OK;
}

/* ---- the hash ---- */

static cril_status hash_large(struct work *w, char hex[65], cril_error *err)
{
    enum { BYTES = 1 << 20 };
    struct cril_sha256 *h = NULL;
    char *data = malloc(BYTES);
    cril_status st;
    ssize_t n = 1;

    if (!data)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", w->what);
    st = cril_sha256_create(&h, err);
    for (off_t at = 0; st == CRIL_OK && n > 0; at += n) {
        n = pread(w->fd, data, BYTES, at);
        st = n < 0 ? cannot(w, "read", err) : cril_sha256_update(h, data, (size_t)n, err);
        if (st == CRIL_OK && atomic_load(w->f->session->stop))
            st = cril_fail(err, CRIL_ERR_CANCELLED, "stopped while hashing");
    }
    if (st == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    free(data);
    return st;
}

static cril_status hash_small(struct work *w, char hex[65], cril_error *err)
{
    const size_t size = (size_t)w->facts.size;
    size_t at = 0;
    char *data;
    ssize_t n = 1;
    cril_status st;

    if (size > MAX_GIT_BYTES)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: has %zu bytes and no SHA-256, which no file of the hub has", w->what,
                         size);
    if (!(data = malloc(size + 1)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", w->what);
    for (; at < size && n > 0; at += (size_t)(n > 0 ? n : 0))
        n = pread(w->fd, data + at, size - at, (off_t)at);
    st = n < 0 ? cannot(w, "read", err) : cril_git_blob_hash(data, at, hex, err);
    free(data);
    return st;
}

/* CRIL_ERR_MISMATCH: the part does not have the hash, and is gone. */
static cril_status check(struct work *w, cril_error *err)
{
    const bool large = strlen(w->facts.hash) == 64;
    char hex[65];
    cril_status st = large ? hash_large(w, hex, err) : hash_small(w, hex, err);

    if (st != CRIL_OK || strcmp(hex, w->facts.hash) == 0)
        return st;
    if ((st = begin_anew(w, err)) != CRIL_OK)
        return st;
    unlink(w->part);
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: its bytes have the %s %s, and the hub says %s; nothing was kept, try "
                     "again",
                     w->what, large ? "SHA-256" : "git hash", hex, w->facts.hash);
}

/* ---- all together ---- */

static cril_status open_part(struct work *w, cril_error *err)
{
    const off_t size = (w->fd = open(w->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666)) < 0
                           ? -1
                           : lseek(w->fd, 0, SEEK_END);

    if (size < 0)
        return cannot(w, "opened", err);
    w->at = (uint64_t)size;
    if (w->at > w->facts.size)
        return begin_anew(w, err);
    w->best = w->at;
    atomic_store(&w->f->have, w->at);
    return CRIL_OK;
}

static cril_status fill_part(struct work *w, cril_error *err)
{
    cril_error why = {0};
    cril_status st;
    bool continued;

    if ((st = open_part(w, err)) != CRIL_OK)
        return st;
    continued = w->at > 0;
    if ((st = get_all(w, err)) != CRIL_OK)
        return st;
    st = check(w, &why);
    if (st == CRIL_ERR_MISMATCH && continued) { /* what was there may not have been its beginning */
        close(w->fd);
        if ((st = open_part(w, err)) != CRIL_OK || (st = get_all(w, err)) != CRIL_OK)
            return st;
        st = check(w, &why);
    }
    if (st != CRIL_OK && err)
        *err = why;
    return st;
}

static cril_status make_blob(struct work *w, cril_error *err)
{
    uint64_t size;
    cril_status st;

    if (cril_hub_file_size(w->blob, &size) && size == w->facts.size) {
        atomic_store(&w->f->have, size);
        return CRIL_OK;
    }
    if ((st = cril_hub_make_folders(w->part, err)) != CRIL_OK)
        return st;
    st = fill_part(w, err);
    if (st == CRIL_OK && (fsync(w->fd) != 0 || rename(w->part, w->blob) != 0))
        st = cannot(w, "finished", err);
    if (w->fd >= 0)
        close(w->fd);
    return st;
}

cril_status cril_hub_fetch_file(struct cril_hub_fetch *f, struct cril_http *h, cril_error *err)
{
    struct work *w = calloc(1, sizeof(*w)); /* some 30 KB, and a thread's stack may be small */
    struct cril_hub_patience patience = {0};
    struct cril_http_answer a;
    bool again;
    cril_status st;
    int lock;

    if (!w)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", f->file->path);
    *w = (struct work){.f = f, .http = h, .fd = -1};
    snprintf(w->what, sizeof(w->what), "%s: %s", f->session->spoken, f->file->path);
    do
        st = ask_facts(w, &w->facts, &a, &again, err);
    while (st != CRIL_OK && again && cril_hub_wait(f->session, &patience, &a));
    if (st == CRIL_OK &&
        (st = cril_hub_blob_path(f->cache, w->facts.hash, "", w->blob, err)) == CRIL_OK &&
        (st = cril_hub_blob_path(f->cache, w->facts.hash, part_suffix, w->part, err)) == CRIL_OK &&
        (st = cril_hub_lock(f->cache, w->facts.hash, f->session->stop, &lock, err)) == CRIL_OK) {
        if ((st = make_blob(w, err)) == CRIL_OK)
            st = cril_hub_link(f->cache, f->commit, f->file->path, w->facts.hash, err);
        close(lock);
    }
    free(w);
    return st;
}
