#include "checkpoints.h"

#include <cril/model.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

enum { MAX_DEPTH = 16 };

static double now_sec(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Steps ---- */

/* The number at `at`; -1: there is none, or it is too large. */
static int64_t number_at(const char *part, size_t len, size_t at)
{
    int64_t n = at < len && isdigit((unsigned char)part[at]) ? 0 : -1;

    for (; n >= 0 && at < len && isdigit((unsigned char)part[at]); at++)
        n = n > INT64_MAX / 10 - 1 ? -1 : 10 * n + (part[at] - '0');
    return n;
}

/* Of a part of a path: behind a word, or a part that is a number. */
static int64_t step_of_part(const char *part, size_t len)
{
    static const char *const words[] = {"checkpoint", "ckpt", "step", "iteration", "iter"};
    size_t digits = 0;

    for (size_t i = 0; i < len; i++)
        for (size_t w = 0; w < sizeof(words) / sizeof(*words); w++) {
            const size_t n = strlen(words[w]);
            size_t at = i + n;

            if (at >= len || strncasecmp(part + i, words[w], n) != 0)
                continue;
            while (at < len && strchr("-_=.", part[at]))
                at++;
            if (number_at(part, len, at) >= 0)
                return number_at(part, len, at);
        }
    while (digits < len && isdigit((unsigned char)part[digits]))
        digits++;
    return digits == len || part[digits] == '.' ? number_at(part, len, 0) : -1;
}

int64_t cril_checkpoint_step(const char *path)
{
    size_t end = strlen(path);

    while (end) {
        size_t from = end;
        int64_t step;

        while (from && path[from - 1] != '/')
            from--;
        if ((step = step_of_part(path + from, end - from)) >= 0)
            return step;
        end = from ? from - 1 : 0;
    }
    return -1;
}

/* ---- States ---- */

struct state {
    uint64_t hash; /* FNV-1a */
    double newest; /* Unix time of the last change */
};

static void hash_bytes(struct state *s, const void *data, size_t n)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < n; i++)
        s->hash = (s->hash ^ bytes[i]) * UINT64_C(1099511628211);
}

static int hash_file(void *user, const char *file)
{
    struct state *s = user;
    struct stat info = {0};
    const bool is_there = stat(file, &info) == 0;
    const int64_t facts[] = {is_there,
                             (int64_t)info.st_dev,
                             (int64_t)info.st_ino,
                             (int64_t)info.st_size,
                             (int64_t)info.st_mtim.tv_sec,
                             (int64_t)info.st_mtim.tv_nsec};
    const double changed = (double)info.st_ctim.tv_sec + (double)info.st_ctim.tv_nsec * 1e-9;

    hash_bytes(s, file, strlen(file) + 1);
    hash_bytes(s, facts, sizeof(facts));
    if (is_there && changed > s->newest)
        s->newest = changed;
    return 0;
}

/* ---- Finding ---- */

static struct cril_checkpoint *find(const struct cril_checkpoints *c, const char *path)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->all[i].path, path) == 0)
            return &c->all[i];
    return NULL;
}

/* path is owned by the list afterwards. NULL: out of memory, and it is freed. */
static struct cril_checkpoint *add(struct cril_checkpoints *c, char *path, size_t skip)
{
    if (c->n == c->size) {
        const size_t size = c->size ? 2 * c->size : 16;
        struct cril_checkpoint *grown = realloc(c->all, size * sizeof(*grown));

        if (!grown) {
            free(path);
            return NULL;
        }
        c->all = grown;
        c->size = size;
    }
    c->all[c->n] =
        (struct cril_checkpoint){.path = path, .step = cril_checkpoint_step(path + skip)};
    return &c->all[c->n++];
}

/* A checkpoint at path, which is owned here. What has not changed for a while before it was first
 * seen need not be waited for. */
static bool note(struct cril_checkpoints *c, char *path)
{
    struct state state = {.hash = UINT64_C(14695981039346656037)};
    struct cril_checkpoint *p = find(c, path);
    const bool is_new = !p;
    double age;

    if (cril_model_files(path, hash_file, &state, NULL) != CRIL_OK) {
        free(path);
        return errno = ENOMEM, false;
    }
    if (p)
        free(path);
    else if (!(p = add(c, path, strlen(c->folder))))
        return errno = ENOMEM, false;
    p->is_there = true;
    if (!is_new && p->state == state.hash)
        return true;
    age = is_new ? now_sec(CLOCK_REALTIME) - state.newest : 0;
    p->state = state.hash;
    p->unchanged_at = now_sec(CLOCK_MONOTONIC) - (age > 0 ? age : 0);
    p->done = false;
    return true;
}

static bool has_suffix(const char *name, const char *suffix)
{
    const size_t n = strlen(name), m = strlen(suffix);

    return n > m && strcmp(name + n - m, suffix) == 0;
}

static char *join(const char *folder, const char *name)
{
    const size_t n = strlen(folder), size = n + strlen(name) + 2;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
    else
        errno = ENOMEM;
    return path;
}

static bool scan(struct cril_checkpoints *c, const char *folder, int depth);

/* *weights, *config: the folder has such files. */
static bool look_at(struct cril_checkpoints *c, const char *folder, const char *name, int depth,
                    bool *weights, bool *config)
{
    char *path = join(folder, name);
    struct stat info;
    bool good = true;

    if (!path)
        return false;
    if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        if (depth < MAX_DEPTH && !scan(c, path, depth + 1))
            good = errno != ENOMEM; /* it may be gone by now */
    } else if (has_suffix(name, ".gguf") && !cril_model_is_later_part(name)) {
        if (stat(path, &info) == 0 && S_ISREG(info.st_mode))
            return note(c, path);
    }
    *weights |= has_suffix(name, ".safetensors");
    *config |= strcmp(name, "config.json") == 0;
    free(path);
    return good;
}

static bool scan(struct cril_checkpoints *c, const char *folder, int depth)
{
    DIR *d = opendir(folder);
    bool good = d != NULL, weights = false, config = false;
    char *copy;

    for (struct dirent *e; good && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            good = look_at(c, folder, e->d_name, depth, &weights, &config);
    if (good && weights && config)
        good = (copy = strdup(folder)) ? note(c, copy) : (errno = ENOMEM, false);
    if (d) {
        const int number = errno;

        closedir(d);
        errno = number;
    }
    return good;
}

bool cril_checkpoints_scan(struct cril_checkpoints *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        c->all[i].is_there = false;
    if (!scan(c, c->folder, 0))
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (c->all[i].is_there)
            c->all[n++] = c->all[i];
        else
            free(c->all[i].path);
    c->n = n;
    return true;
}

static bool is_before(const struct cril_checkpoint *a, const struct cril_checkpoint *b)
{
    if (a->step != b->step)
        return b->step < 0 || (a->step >= 0 && a->step < b->step);
    return strcmp(a->path, b->path) < 0;
}

struct cril_checkpoint *cril_checkpoints_next(const struct cril_checkpoints *c)
{
    const double settled = now_sec(CLOCK_MONOTONIC) - c->settle_sec;
    struct cril_checkpoint *first = NULL;

    for (size_t i = 0; i < c->n; i++) {
        struct cril_checkpoint *p = &c->all[i];

        if (p->is_there && !p->done && p->unchanged_at <= settled &&
            (!first || is_before(p, first)))
            first = p;
    }
    return first;
}

void cril_checkpoints_free(struct cril_checkpoints *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->all[i].path);
    free(c->all);
    c->all = NULL;
    c->n = c->size = 0;
}
