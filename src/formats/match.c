/* glob(3) matches and sorts by the locale, so it runs in the C locale, and its order is not kept.
 */
#include "formats/match.h"

#include "util/fail.h"
#include "util/number.h"

#include <cril/model.h>
#include <ctype.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

unsigned cril_model_part(const char *path)
{
    static const char form[] = CRIL_MODEL_PART_FORM;
    const size_t len = strlen(path), n = sizeof(form) - 1;
    unsigned number = 0;

    if (len < n)
        return 0;
    path += len - n;
    for (size_t i = 0; i < n; i++)
        if (form[i] == '#' ? !isdigit((unsigned char)path[i]) : path[i] != form[i])
            return 0;
    for (size_t i = 1; i <= 5; i++)
        number = 10 * number + (unsigned)(path[i] - '0');
    return number;
}

bool cril_model_is_later_part(const char *path)
{
    return path && cril_model_part(path) > 1;
}

bool cril_model_is_pattern(const char *path)
{
    return path && strpbrk(path, "*?[");
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool keep_matches(const glob_t *g, char ***paths, size_t *n)
{
    char **kept = calloc(g->gl_pathc, sizeof(*kept));
    size_t k = 0;

    for (size_t i = 0; kept && i < g->gl_pathc; i++) {
        if (cril_model_is_later_part(g->gl_pathv[i]))
            continue;
        if (!(kept[k] = strdup(g->gl_pathv[i]))) {
            cril_model_paths_free(kept, k);
            return false;
        }
        k++;
    }
    if (!kept)
        return false;
    qsort(kept, k, sizeof(*kept), by_path);
    *paths = kept;
    *n = k;
    return true;
}

cril_status cril_model_match(const char *pattern, char ***paths, size_t *n, cril_error *err)
{
    if (CRIL_LACKS(err, pattern, paths, n))
        return CRIL_ERR_RANGE;

    const locale_t before = cril_c_locale_begin();
    glob_t g = {0};
    const int code = glob(pattern, GLOB_NOSORT, NULL, &g);
    bool good = true;

    cril_c_locale_end(before);
    if (code == GLOB_NOMATCH) {
        *paths = NULL;
        *n = 0;
    } else if (!code) {
        good = keep_matches(&g, paths, n);
    }
    globfree(&g);
    if (!good || code == GLOB_NOSPACE)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    if (code && code != GLOB_NOMATCH)
        return cril_fail(err, CRIL_ERR_IO, "\"%.200s\": a folder cannot be read", pattern);
    return CRIL_OK;
}

void cril_model_paths_free(char **paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
}
