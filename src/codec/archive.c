/* Archives as the API shows them: a container, mapped or in memory, and its sums. */
#include "codec/archive.h"

#include "util/fail.h"
#include "util/hex.h"

#include <stdlib.h>
#include <string.h>

static void fill_info(cril_archive *a)
{
    const struct cril_container *c = &a->container;
    cril_archive_info *info = &a->info;

    info->version = c->header.version;
    info->numerics = (int)c->header.numerics;
    info->rules = (int)c->header.rules;
    cril_hex_write(c->header.model, c->header.model_bytes, info->model_sha256);
    strcpy(info->protocol, "document"); /* the formats know no other */
    info->context = c->header.context;
    info->stride = c->header.stride;
    info->segments = c->n_segments;
    info->original_bytes = c->trailer.original;
    info->archive_bytes = c->size;
    for (size_t i = 0; i < c->n_segments; i++) {
        info->code_bytes += c->entries[i].code;
        info->tokens += c->entries[i].tokens;
        info->raw_bytes += c->entries[i].raw;
    }
    cril_hex_write(c->trailer.sha256, c->trailer.sha256_bytes, info->sha256);
}

static cril_status create(const char *name, cril_archive **out, cril_error *err)
{
    *out = calloc(1, sizeof(**out));
    return *out ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", name);
}

static cril_status map_and_parse(cril_archive *a, const char *path, cril_error *err)
{
    const size_t path_bytes = strlen(path) + 1;
    cril_status st;

    if (!(a->path = malloc(path_bytes)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    memcpy(a->path, path, path_bytes);
    if ((st = cril_mapfile_open(path, &a->file, err)) != CRIL_OK)
        return st;
    return cril_container_parse(a->file.data, a->file.size, a->path, &a->container, err);
}

/* Fills the sums of an archive that was parsed and hands it out, or closes it. */
static cril_status finish(cril_archive *a, cril_status st, cril_archive **out)
{
    if (st != CRIL_OK) {
        cril_archive_close(a);
        return st;
    }
    fill_info(a);
    *out = a;
    return CRIL_OK;
}

cril_status cril_archive_open(const char *path, cril_archive **out, cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    cril_archive *a;
    cril_status st = create(path, &a, err);

    return st == CRIL_OK ? finish(a, map_and_parse(a, path, err), out) : st;
}

cril_status cril_archive_read(const void *data, size_t size, const char *name, cril_archive **out,
                              cril_error *err)
{
    if (CRIL_LACKS(err, name, out) || (size && CRIL_LACKS(err, data)))
        return CRIL_ERR_RANGE;

    cril_archive *a;
    cril_status st = create(name, &a, err);

    return st == CRIL_OK
               ? finish(a, cril_container_parse(data, size, name, &a->container, err), out)
               : st;
}

void cril_archive_close(cril_archive *a)
{
    if (!a)
        return;
    cril_container_free(&a->container);
    cril_mapfile_close(&a->file);
    free(a->path);
    free(a);
}

const cril_archive_info *cril_archive_info_of(const cril_archive *a)
{
    return a ? &a->info : NULL;
}

void cril_archive_segment_at(const cril_archive *a, uint64_t i, cril_archive_segment *out)
{
    const struct cril_container *c;
    const size_t k = (size_t)i;

    if (!out)
        return;
    *out = (cril_archive_segment){0};
    if (!a || i >= a->container.n_segments)
        return;
    c = &a->container;
    *out = (cril_archive_segment){.start = c->starts[k],
                                  .original_bytes = c->entries[k].original,
                                  .offset = c->offsets[k],
                                  .archive_bytes = c->offsets[k + 1] - c->offsets[k],
                                  .tokens = c->entries[k].tokens};
}
