/* Looking into the cache, and telling what lies in one. */
#include "fetch/cache.h"
#include "fetch/choose.h"

#include "util/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cril_hub_model_free(cril_hub_model *m)
{
    if (!m)
        return;
    free(m->path);
    *m = (cril_hub_model){0};
}

static cril_status not_there(const struct cril_hub_cache *c, const char *spoken, const char *part,
                             cril_error *err)
{
    return cril_fail(err, CRIL_ERR_EMPTY, "%s: is not in the cache %s%s; 'cril pull %s' fetches it",
                     spoken, c->place->cache, part, spoken);
}

static bool has_gguf(const struct cril_hub_listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (cril_hub_is_gguf(l->files[i].path))
            return true;
    return false;
}

static cril_status choose(const struct cril_hub_cache *c, const char *spoken,
                          const struct cril_hub_listing *l, char path[CRIL_HUB_PATH],
                          cril_error *err)
{
    struct cril_hub_choice choice;
    cril_error why = {0};
    cril_status st = cril_hub_choose(c->name, spoken, l, &choice, &why);

    if (st == CRIL_OK)
        st = cril_hub_snapshot_path(c, l->commit, choice.main, path, &why);
    else if (st == CRIL_ERR_EMPTY || (st == CRIL_ERR_UNSUPPORTED && !has_gguf(l)))
        return not_there(c, spoken, ", or not all of it", err);
    cril_hub_choice_free(&choice);
    if (st != CRIL_OK && err)
        *err = why;
    return st;
}

cril_status cril_hub_find(const char *text, cril_hub_model *out, cril_error *err)
{
    struct cril_hub_place place;
    struct cril_hub_listing list;
    struct cril_hub_cache cache;
    cril_hub_name name;
    char spoken[CRIL_HUB_SPOKEN], path[CRIL_HUB_PATH];
    cril_hub_model m = {0};
    cril_status st;

    if (CRIL_LACKS(err, text, out))
        return CRIL_ERR_RANGE;
    if ((st = cril_hub_name_parse(text, &name, err)) != CRIL_OK ||
        (st = cril_hub_place_read(&place, err)) != CRIL_OK)
        return st;
    cril_hub_spoken(&name, spoken);
    cril_hub_cache_init(&cache, &place, &name);
    if (!cril_hub_cached_commit(&cache, m.commit))
        return not_there(&cache, spoken, "", err);
    st = cril_hub_cache_list(&cache, m.commit, &list, err);
    if (st == CRIL_ERR_EMPTY)
        return not_there(&cache, spoken, "", err);
    if (st != CRIL_OK)
        return st;
    st = choose(&cache, spoken, &list, path, err);
    cril_hub_listing_free(&list);
    if (st != CRIL_OK)
        return st;
    if (!(m.path = strdup(path)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", spoken);
    *out = m;
    return CRIL_OK;
}

/* ---- what a path is ---- */

/* "owner--name/snapshots/COMMIT[/FILE]" at text. */
static bool read_source(const char *text, char *out, size_t size)
{
    static const char middle[] = "/snapshots/";
    const char *end = strchr(text, '/'), *name = strstr(text, "--"), *file;
    char commit[41];
    int n;

    if (!end || !name || name > end || strncmp(end, middle, strlen(middle)) != 0)
        return false;
    snprintf(commit, sizeof(commit), "%s", end + strlen(middle));
    file = end + strlen(middle) + strlen(commit);
    if (!cril_hub_is_hex(commit, 40) || (*file && *file != '/'))
        return false;
    n = snprintf(out, size, "hf:%.*s/%.*s@%s%s", (int)(name - text), text, (int)(end - name - 2),
                 name + 2, commit, file[0] && file[1] ? file : "");
    return n >= 0 && (size_t)n < size;
}

bool cril_hub_source(const char *path, char *out, size_t size)
{
    static const char start[] = "models--";

    for (const char *p = path; p && out && size; p = strchr(p, '/')) {
        p += *p == '/';
        if (strncmp(p, start, strlen(start)) == 0 && read_source(p + strlen(start), out, size))
            return true;
    }
    return false;
}
