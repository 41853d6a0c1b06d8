/* The hub's list of files: GET /api/models/ID/revision/REV?blobs=true, read with jansson. */
#include "fetch/listing.h"

#include "util/fail.h"
#include "util/json.h"
#include "util/number.h"
#include "util/size.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ANSWER = 64 << 20 }; /* bytes; a repository of 100,000 files has 20 MB */

void cril_hub_listing_free(struct cril_hub_listing *l)
{
    free(l->files);
    cril_arena_free(&l->texts);
    *l = (struct cril_hub_listing){0};
}

cril_status cril_hub_listing_add(struct cril_hub_listing *l, const char *path, uint64_t size,
                                 const char *hash, cril_error *err)
{
    struct cril_hub_file *files = cril_size_grow(l->files, &l->capacity, l->n, 1, sizeof(*files));
    char *text = cril_arena_text(&l->texts, path, strlen(path));

    if (files)
        l->files = files;
    if (!files || !text)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    files[l->n] = (struct cril_hub_file){.path = text, .size = size};
    memcpy(files[l->n].hash, hash, strlen(hash) + 1);
    l->n++;
    return CRIL_OK;
}

static int by_path(const void *x, const void *y)
{
    const struct cril_hub_file *a = x, *b = y;

    return strcmp(a->path, b->path);
}

bool cril_hub_listing_sort(struct cril_hub_listing *l)
{
    if (l->n)
        qsort(l->files, l->n, sizeof(*l->files), by_path);
    for (size_t i = 1; i < l->n; i++)
        if (strcmp(l->files[i - 1].path, l->files[i].path) == 0)
            return false;
    return true;
}

const struct cril_hub_file *cril_hub_listing_find(const struct cril_hub_listing *l,
                                                  const char *path)
{
    const struct cril_hub_file wanted = {.path = path};

    return l->n ? bsearch(&wanted, l->files, l->n, sizeof(wanted), by_path) : NULL;
}

/* ---- JSON ---- */

static cril_status bad_answer(const char *spoken, const char *why, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: the server's list of files %s; it is no hub, or not the one of this "
                     "version; check HF_ENDPOINT if it is set",
                     spoken, why);
}

/* "": there is none, or not as it should be. */
static const char *text_of(const json_t *o, const char *key, size_t digits)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text && cril_hub_is_hex(text, digits) ? text : "";
}

static cril_status read_file(const json_t *entry, const char *spoken, struct cril_hub_listing *out,
                             cril_error *err)
{
    const char *path = json_string_value(json_object_get(entry, "rfilename"));
    const json_t *lfs = json_object_get(entry, "lfs");
    const json_t *size = json_object_get(json_is_object(lfs) ? lfs : entry, "size");

    if (!path)
        return bad_answer(spoken, "has a file without a name", err);
    if (!cril_hub_path_is_safe(path))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the server lists a file \"%.200s\", which would not lie in its "
                         "folder; nothing was fetched",
                         spoken, path);
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return bad_answer(spoken, "has a file without a size", err);
    return cril_hub_listing_add(
        out, path, (uint64_t)json_integer_value(size),
        json_is_object(lfs) ? text_of(lfs, "sha256", 64) : text_of(entry, "blobId", 40), err);
}

static cril_status read_root(const json_t *root, const char *spoken, struct cril_hub_listing *out,
                             cril_error *err)
{
    const char *commit = text_of(root, "sha", 40);
    const json_t *files = json_object_get(root, "siblings");
    cril_status st = CRIL_OK;

    if (!commit[0] || !json_is_array(files))
        return bad_answer(spoken, "has no commit or no files", err);
    memcpy(out->commit, commit, sizeof(out->commit));
    for (size_t i = 0; st == CRIL_OK && i < json_array_size(files); i++)
        st = read_file(json_array_get(files, i), spoken, out, err);
    if (st == CRIL_OK && !cril_hub_listing_sort(out))
        return bad_answer(spoken, "has one file twice", err);
    return st;
}

cril_status cril_hub_listing_parse(const char *json, size_t len, const char *spoken,
                                   struct cril_hub_listing *out, cril_error *err)
{
    const locale_t before = cril_c_locale_begin();
    json_error_t why;
    json_t *root = json_loadb(json, len, 0, &why);
    cril_status st;

    cril_c_locale_end(before);
    *out = (struct cril_hub_listing){0};
    if (!root && cril_json_lacked_memory(&why))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", spoken);
    if (!root)
        return bad_answer(spoken, "is no JSON", err);
    st = read_root(root, spoken, out, err);
    json_decref(root);
    if (st != CRIL_OK)
        cril_hub_listing_free(out);
    return st;
}

/* ---- the request ---- */

struct body {
    char *data; /* [len], owned */
    size_t len, capacity;
};

static cril_status keep(void *user, const struct cril_http_answer *a, const void *data, size_t len,
                        cril_error *err)
{
    struct body *b = user;
    char *longer;

    (void)a;
    if (len > MAX_ANSWER - b->len)
        return cril_fail(err, CRIL_ERR_FORMAT, "the server's list of files is over %d MiB",
                         MAX_ANSWER >> 20);
    if (!(longer = cril_size_grow(b->data, &b->capacity, b->len, len, 1)))
        return cril_fail(err, CRIL_ERR_NOMEM, "the list of files: out of memory");
    b->data = longer;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return CRIL_OK;
}

cril_status cril_hub_listing_fetch(const struct cril_hub_session *s, struct cril_http *h,
                                   struct cril_hub_listing *out, cril_error *err)
{
    struct body body = {0};
    struct cril_hub_patience patience = {0};
    struct cril_http_answer a;
    char before[128], url[CRIL_HTTP_URL];
    const struct cril_http_request r = {.url = url, .take = keep, .user = &body};
    bool again;
    cril_status st;

    snprintf(before, sizeof(before), "/api/models/%s/revision/", s->name->repository);
    if (!cril_hub_address(s, before, s->name->revision, "", "?blobs=true", url))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: is too long for an address", s->spoken);
    do {
        body.len = 0;
        st = cril_hub_ask(s, h, &r, s->spoken, &a, &again, err);
        again = again && (a.status || !patience.tries); /* no network: a second attempt, no more */
    } while (st != CRIL_OK && again && cril_hub_wait(s, &patience, &a));
    if (st == CRIL_OK)
        st = cril_hub_listing_parse(body.data ? body.data : "", body.len, s->spoken, out, err);
    free(body.data);
    return st;
}
