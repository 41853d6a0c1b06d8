#include "formats/members.h"

#include "util/fail.h"
#include "util/size.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool cril_member_matches(const char *pattern, const char *name)
{
    const char *const star = strchr(pattern, '*');
    const size_t n = strlen(name), head = star ? (size_t)(star - pattern) : 0,
                 tail = star ? strlen(star + 1) : 0;

    if (!star)
        return strcmp(pattern, name) == 0;
    return n >= head + tail && memcmp(name, pattern, head) == 0 &&
           strcmp(name + n - tail, star + 1) == 0;
}

char *cril_member_path(const char *folder, const char *name)
{
    const size_t a = strlen(folder), b = strlen(name) + 1;
    char *path = malloc(a + b);

    if (path) {
        memcpy(path, folder, a);
        memcpy(path + a, name, b);
    }
    return path;
}

bool cril_member_exists(const char *folder, const char *name)
{
    char path[PATH_MAX]; /* memory that ran out would look like an absent file */
    struct stat info;
    const int n = snprintf(path, sizeof(path), "%s%s", folder, name);

    return n >= 0 && (size_t)n < sizeof(path) && lstat(path, &info) == 0;
}

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for the names of files", path);
}

cril_status cril_members_add(struct cril_members *m, struct cril_arena *arena, const char *name,
                             cril_error *err)
{
    const char **grown = cril_size_grow(m->names, &m->capacity, m->n, 1, sizeof(*grown));
    char *const copy = cril_arena_text(arena, name, strlen(name));

    if (grown)
        m->names = grown;
    if (!grown || !copy)
        return no_memory(name, err);
    grown[m->n++] = copy;
    return CRIL_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void cril_members_sort(struct cril_members *m)
{
    size_t kept = 0;

    if (m->n)
        qsort(m->names, m->n, sizeof(*m->names), compare);
    for (size_t i = 0; i < m->n; i++)
        if (i == 0 || strcmp(m->names[i], m->names[kept - 1]) != 0)
            m->names[kept++] = m->names[i];
    m->n = kept;
}

cril_status cril_members_list(const char *folder, const char *pattern, struct cril_arena *arena,
                              struct cril_members *out, cril_error *err)
{
    DIR *d = opendir(*folder ? folder : ".");
    cril_status st = CRIL_OK;
    struct dirent *e;

    while (d && st == CRIL_OK && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.' && cril_member_matches(pattern, e->d_name))
            st = cril_members_add(out, arena, e->d_name, err);
    if (d)
        closedir(d);
    else if (errno == ENOMEM)
        st = no_memory(folder, err);
    cril_members_sort(out);
    return st;
}
