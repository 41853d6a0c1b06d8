/* glob(3) sorts and matches by the locale, so its order is not kept and it runs in the C locale;
 * the study file's own folder may hold signs of a pattern. */
#include "study/paths.h"

#include "corpus/decoders.h"
#include "util/fail.h"
#include "util/number.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
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

/* The number of a part in "-00002-of-00003.gguf"; 0: the name does not end so. */
static unsigned part_number(const char *path)
{
    static const char form[] = "-#####-of-#####.gguf";
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

bool cril_path_is_later_part(const char *path)
{
    return part_number(path) > 1;
}

char *cril_path_model_name(struct cril_arena *a, const char *path)
{
    const char *part =
        part_number(path) ? path + strlen(path) - strlen("-#####-of-#####.gguf") : ".gguf";

    return cril_path_stem(a, path, part);
}

bool cril_path_is_pattern(const char *path)
{
    return strpbrk(path, "*?[") != NULL;
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

static bool keep_matches(struct cril_arena *a, const glob_t *g, struct cril_paths *out)
{
    if (!(out->paths = cril_arena_take(a, g->gl_pathc, sizeof(*out->paths))))
        return false;
    for (size_t i = 0; i < g->gl_pathc; i++) {
        const char *path = g->gl_pathv[i];

        if (cril_path_is_later_part(path))
            continue;
        if (!(out->paths[out->n] = cril_arena_text(a, path, strlen(path))))
            return false;
        out->n++;
    }
    return true;
}

cril_status cril_path_match(struct cril_arena *a, const char *study, const char *pattern,
                            struct cril_paths *out, cril_error *err)
{
    char *whole = pattern_below(a, study, pattern);
    glob_t g = {0};
    locale_t before;
    bool good;
    int code;

    *out = (struct cril_paths){0};
    if (!whole)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    before = cril_c_locale_begin();
    code = glob(whole, GLOB_NOSORT, NULL, &g);
    cril_c_locale_end(before);
    if (code == GLOB_NOMATCH)
        return CRIL_OK;
    if (code != 0) {
        globfree(&g);
        return code == GLOB_NOSPACE
                   ? cril_fail(err, CRIL_ERR_NOMEM, "out of memory")
                   : cril_fail(err, CRIL_ERR_IO, "\"%.200s\": a folder cannot be read", pattern);
    }
    good = keep_matches(a, &g, out);
    globfree(&g);
    return good ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
}

cril_status cril_path_check_model(const char *path, cril_error *err)
{
    char magic[4];
    struct stat info;
    FILE *f;
    size_t n;

    if (stat(path, &info) != 0)
        return cril_fail(
            err, CRIL_ERR_IO,
            "%s: cannot be opened: %s; check the path, which starts at the study file's folder",
            path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return cril_fail(err, CRIL_ERR_IO, "%s: is %s; name a GGUF file%s", path,
                         S_ISDIR(info.st_mode) ? "a folder" : "a pipe or a device",
                         S_ISDIR(info.st_mode) ? " in it" : "");
    if (!(f = fopen(path, "rb")))
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    n = fread(magic, 1, sizeof(magic), f);
    fclose(f);
    if (n < sizeof(magic) || memcmp(magic, "GGUF", 4) != 0)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: is not a GGUF file (it does not begin with 'GGUF')", path);
    return CRIL_OK;
}
