/* SHA-256 of a source's files. */
#include "formats/reader.h"

#include "util/fail.h"
#include "util/hash.h"

#include <stdlib.h>
#include <string.h>

static cril_status hash_bytes(const struct cril_source *s, struct cril_sha256 *h, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < s->n_files && st == CRIL_OK; i++)
        st = cril_sha256_update_mapped(h, s->files[i].map.data, s->files[i].map.size, err);
    return st;
}

/* The line of one file; of is there to hash it with. */
static cril_status hash_line(struct cril_sha256 *lines, struct cril_sha256 *of, const char *name,
                             const struct cril_mapfile *map, cril_error *err)
{
    char hex[65];
    cril_status st = cril_sha256_update_mapped(of, map->data, map->size, err);

    if (st == CRIL_OK && (st = cril_sha256_final(of, hex, err)) == CRIL_OK)
        st = cril_sha256_line(lines, hex, name, err);
    return st;
}

static cril_status hash_lines(const struct cril_source *s, struct cril_sha256 *lines,
                              cril_error *err)
{
    const size_t folder = strlen(s->folder);
    struct cril_named *names = calloc(s->n_files + 1, sizeof(*names));
    struct cril_sha256 *of = NULL;
    cril_status st;

    if (!names)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    for (size_t i = 0; i < s->n_files; i++) {
        const char *const name = s->files[i].path + folder;

        names[i] = (struct cril_named){{name, strlen(name)}, i};
    }
    cril_names_sort(names, s->n_files);
    st = cril_sha256_create(&of, err);
    for (size_t i = 0; i < s->n_files && st == CRIL_OK; i++)
        st = hash_line(lines, of, names[i].name.data, &s->files[names[i].i].map, err);
    cril_sha256_free(of);
    free(names);
    return st;
}

cril_status cril_source_sha256(const struct cril_source *s, char hex[65], cril_error *err)
{
    struct cril_sha256 *h;
    cril_status st = cril_sha256_create(&h, err);

    if (st != CRIL_OK)
        return st;
    if ((st = s->folder ? hash_lines(s, h, err) : hash_bytes(s, h, err)) == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    return st;
}
