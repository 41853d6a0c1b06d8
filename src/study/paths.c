/* The study file's own folder may hold signs of a pattern. */
#include "study/paths.h"

#include "corpus/decoders.h"
#include "formats/match.h"
#include "formats/source.h"
#include "util/fail.h"

#include <cril/model.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

char *cril_path_below(struct cril_arena *a, const char *study, const char *path)
{
    const size_t n = path[0] == '/' ? 0 : folder_len(study), m = strlen(path);
    char *joined = cril_arena_take(a, n + m + 1, 1);

    if (joined) {
        memcpy(joined, study, n);
        memcpy(joined + n, path, m);
    }
    return joined;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    const size_t n = strlen(end);

    return len > n && strncasecmp(text + len - n, end, n) == 0;
}

char *cril_path_stem(struct cril_arena *a, const char *path, const char *suffix)
{
    size_t len = strlen(path), at;

    while (len > 1 && path[len - 1] == '/')
        len--;
    for (at = len; at > 0 && path[at - 1] != '/'; at--)
        ;
    path += at;
    len -= at;
    if (suffix) {
        len -= ends_with(path, len, suffix) ? strlen(suffix) : 0;
        return cril_arena_text(a, path, len);
    }
    for (const struct cril_decoder *d = cril_decoders; d->name; d++)
        if (ends_with(path, len, d->suffix)) {
            len -= strlen(d->suffix);
            break;
        }
    for (at = len; at > 1 && path[at - 1] != '.'; at--)
        ;
    return cril_arena_text(a, path, at > 1 ? at - 1 : len);
}

char *cril_path_model_name(struct cril_arena *a, const char *path)
{
    const char *part =
        cril_model_part(path) ? path + strlen(path) - strlen(CRIL_MODEL_PART_FORM) : ".gguf";

    return ends_with(path, strlen(path), ".gguf") ? cril_path_stem(a, path, part)
                                                  : cril_source_folder_name(path, a);
}

/* As cril_path_below, with what glob(3) would read as a pattern in the folder escaped. */
static char *pattern_below(struct cril_arena *a, const char *study, const char *pattern)
{
    const size_t n = pattern[0] == '/' ? 0 : folder_len(study), m = strlen(pattern);
    char *out = cril_arena_take(a, 2 * n + m + 1, 1);
    size_t at = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strchr("*?[\\", study[i]))
            out[at++] = '\\';
        out[at++] = study[i];
    }
    memcpy(out + at, pattern, m);
    return out;
}

static bool keep_matches(struct cril_arena *a, char *const *paths, size_t n, struct cril_paths *out)
{
    if (!(out->paths = cril_arena_take(a, n, sizeof(*out->paths))))
        return false;
    for (; out->n < n; out->n++)
        if (!(out->paths[out->n] = cril_arena_text(a, paths[out->n], strlen(paths[out->n]))))
            return false;
    return true;
}

cril_status cril_path_match(struct cril_arena *a, const char *study, const char *pattern,
                            struct cril_paths *out, cril_error *err)
{
    const char *whole = pattern_below(a, study, pattern);
    char **paths;
    size_t n;
    bool good;
    cril_status st;

    *out = (struct cril_paths){0};
    if (!whole)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    if ((st = cril_model_match(whole, &paths, &n, err)) != CRIL_OK || !n)
        return st;
    good = keep_matches(a, paths, n, out);
    cril_model_paths_free(paths, n);
    return good ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
}

cril_status cril_path_check_model(const char *path, cril_error *err)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return cril_fail(
            err, CRIL_ERR_IO,
            "%s: cannot be opened: %s; check the path, which starts at the study file's folder",
            path, strerror(errno));
    return cril_source_look(path, err);
}
