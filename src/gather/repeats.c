/* Keys that came before: see repeats.h. */
#include "gather/repeats.h"

#include "gather/temporary.h"
#include "util/fail.h"
#include "util/size.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIN_KEYS = 512, MIN_PLACES = 4096, CHUNK = 8192, AHEAD = 16 };

struct cril_repeats {
    const char *folder;
    uint64_t *keys; /* [n_keys]: those behind the file's */
    size_t n_keys, size, max_keys;
    uint64_t n_filed;
    int fd; /* -1: there is no file */
};

/* first is 1 + the number of the key that came first; 0: an empty place. */
struct place {
    uint64_t key, first;
};
_Static_assert(sizeof(struct place) == CRIL_REPEATS_PLACE, "repeats.h says so");

struct table {
    struct place *places; /* [mask + 1] */
    size_t mask, n;
    uint64_t low, high; /* keys that it is for */
};

static cril_status failed(const struct cril_repeats *r, const char *what, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: a temporary file cannot be %s: %s; name another folder in TMPDIR",
                     r->folder, what, strerror(errno));
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory comparing documents");
}

cril_status cril_repeats_create(size_t memory_bytes, const char *folder, struct cril_repeats **out,
                                cril_error *err)
{
    const size_t max_keys = memory_bytes / sizeof(uint64_t);
    struct cril_repeats *r = calloc(1, sizeof(*r));

    if (!r)
        return no_memory(err);
    r->folder = cril_temporary_folder(folder);
    r->max_keys = max_keys > MIN_KEYS ? max_keys : MIN_KEYS;
    r->fd = -1;
    *out = r;
    return CRIL_OK;
}

void cril_repeats_free(struct cril_repeats *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    free(r->keys);
    free(r);
}

uint64_t cril_repeats_count(const struct cril_repeats *r)
{
    return r->n_filed + r->n_keys;
}

size_t cril_repeats_memory(const struct cril_repeats *r)
{
    return sizeof(*r) + r->size * sizeof(*r->keys);
}

static cril_status make_file(struct cril_repeats *r, cril_error *err)
{
    r->fd = cril_temporary_file(r->folder);
    return r->fd < 0 ? failed(r, "made", err) : CRIL_OK;
}

/* All keys in memory go to the file. */
static cril_status file_keys(struct cril_repeats *r, cril_error *err)
{
    const char *data = (const char *)r->keys;
    const size_t len = r->n_keys * sizeof(*r->keys);
    const uint64_t start = r->n_filed * sizeof(*r->keys);
    cril_status st;

    if (r->fd < 0 && (st = make_file(r, err)) != CRIL_OK)
        return st;
    for (size_t n = 0; n < len;) {
        const ssize_t put = pwrite(r->fd, data + n, len - n, (off_t)(start + n));

        if (put < 0 && errno != EINTR)
            return failed(r, "written", err);
        n += put > 0 ? (size_t)put : 0;
    }
    r->n_filed += r->n_keys;
    r->n_keys = 0;
    return CRIL_OK;
}

cril_status cril_repeats_add(struct cril_repeats *r, uint64_t key, cril_error *err)
{
    cril_status st;

    if (r->n_keys == r->max_keys && (st = file_keys(r, err)) != CRIL_OK)
        return st;
    if (r->n_keys == r->size) {
        const size_t twice = r->size ? 2 * r->size : MIN_KEYS;
        const size_t size = twice < r->max_keys ? twice : r->max_keys;
        uint64_t *grown = realloc(r->keys, size * sizeof(*grown));

        if (!grown)
            return no_memory(err);
        r->keys = grown;
        r->size = size;
    }
    r->keys[r->n_keys++] = key;
    return CRIL_OK;
}

/* Keys of the file from `at` on into keys [n]. */
static cril_status read_keys(const struct cril_repeats *r, uint64_t at, uint64_t *keys, size_t n,
                             cril_error *err)
{
    char *data = (char *)keys;
    const size_t len = n * sizeof(*keys);

    for (size_t done = 0; done < len;) {
        const ssize_t got =
            pread(r->fd, data + done, len - done, (off_t)(at * sizeof(*keys) + done));

        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            if (!got)
                errno = EIO;
            return failed(r, "read", err);
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return CRIL_OK;
}

/* The number of the key in the table, which it enters where it is new; false: the table is full. */
static bool look_up(struct table *t, uint64_t key, uint64_t number, uint64_t *first)
{
    size_t i = key & t->mask;

    while (t->places[i].first && t->places[i].key != key)
        i = (i + 1) & t->mask;
    if (!t->places[i].first) {
        if (t->n > t->mask / 8 * 7)
            return false;
        t->n++;
        t->places[i] = (struct place){key, number + 1};
    }
    *first = t->places[i].first - 1;
    return true;
}

/* Of keys [n], of which the first one has the number `number`, those of the table's range. */
static bool look_through(struct table *t, const uint64_t *keys, size_t n, uint64_t number,
                         cril_repeats_fn fn, void *arg)
{
    uint64_t first;

    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(&t->places[keys[i + AHEAD] & t->mask]);
        if (keys[i] < t->low || keys[i] > t->high)
            continue;
        if (!look_up(t, keys[i], number + i, &first))
            return false;
        if (first != number + i)
            fn(arg, first, number + i);
    }
    return true;
}

/* One reading of all keys. *fits false: the range has too many. */
static cril_status pass(const struct cril_repeats *r, struct table *t, cril_repeats_fn fn,
                        void *arg, bool *fits, cril_error *err)
{
    uint64_t chunk[CHUNK];
    cril_status st;

    memset(t->places, 0, (t->mask + 1) * sizeof(*t->places));
    t->n = 0;
    *fits = true;
    for (uint64_t at = 0; *fits && at < r->n_filed; at += CHUNK) {
        const size_t n = r->n_filed - at < CHUNK ? (size_t)(r->n_filed - at) : CHUNK;

        if ((st = read_keys(r, at, chunk, n, err)) != CRIL_OK)
            return st;
        *fits = look_through(t, chunk, n, at, fn, arg);
    }
    *fits = *fits && look_through(t, r->keys, r->n_keys, r->n_filed, fn, arg);
    return CRIL_OK;
}

/* Places: a power of two that the memory holds, and no more than keys need. */
static size_t choose_places(size_t table_bytes, uint64_t n)
{
    size_t places = MIN_PLACES;

    while (places / 8 * 5 < n && places <= table_bytes / sizeof(struct place) / 2)
        places *= 2;
    return places;
}

cril_status cril_repeats_find(struct cril_repeats *r, size_t table_bytes, cril_repeats_fn fn,
                              void *arg, cril_error *err)
{
    const uint64_t n = cril_repeats_count(r);
    const size_t places = choose_places(table_bytes, n);
    struct table t = {.mask = places - 1};
    uint64_t width = UINT64_MAX / (n / (places / 8 * 5) + 1);
    cril_status st = CRIL_OK;
    bool done = false, fits;

    if (!(t.places = malloc(places * sizeof(*t.places))))
        return no_memory(err);
    while (!done && st == CRIL_OK) {
        t.high = t.low > UINT64_MAX - width ? UINT64_MAX : t.low + width;
        st = pass(r, &t, fn, arg, &fits, err);
        done = fits && t.high == UINT64_MAX;
        if (fits)
            t.low = t.high + 1;
        if (!fits)
            width /= 2;
        else if (t.n < places / 4) /* where keys are few, so are ranges */
            width = width > UINT64_MAX / 2 ? UINT64_MAX : 2 * width;
    }
    free(t.places);
    return st;
}
