/* Files of a task by the rows of its table: where they lie, what is said of one that does not,
 * hashes. */
#include "tasks/files.h"

#include "tasks/data.h"
#include "tasks/settings.h"
#include "util/fail.h"
#include "util/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_word(const char *words, const char *word, size_t len)
{
    for (const char *w = words; w && *w; w += strspn(w, " ")) {
        const size_t n = strcspn(w, " ");

        if (n == len && memcmp(w, word, n) == 0)
            return true;
        w += n;
    }
    return false;
}

/* s NULL: the file serves any protocol. */
static bool serves(const struct cril_task_file *f, const struct cril_task_settings *s,
                   const char *role)
{
    return strcmp(f->role, role) == 0 &&
           (!s || !f->protocols || has_word(f->protocols, s->name, cril_settings_base_len(s)));
}

/* "test/SUBJECT_test.csv" with the subject. False: it is too long for any file. */
static bool write_name(const struct cril_task_file *f, const char *subject, char out[256])
{
    const char *const mark = subject ? strstr(f->name, "SUBJECT") : NULL;
    const int n = mark ? snprintf(out, 256, "%.*s%s%s", (int)(mark - f->name), f->name, subject,
                                  mark + strlen("SUBJECT"))
                       : snprintf(out, 256, "%s", f->name);

    return n > 0 && n < 256;
}

/* *path stays NULL where no file is there. */
static cril_status find(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, const char *role, const char *subject, char **path,
                        cril_error *err)
{
    cril_status st = CRIL_OK;

    *path = NULL;
    for (const struct cril_task_file *f = t->files; f->name && st == CRIL_OK && !*path; f++) {
        char name[256];

        if (serves(f, s, role) && write_name(f, subject, name))
            st = cril_data_find(folder, name, path, err);
    }
    return st;
}

/* What would do: "a.jsonl (published at ...) or b.jsonl (...)". */
static void list_files(const struct cril_task *t, const struct cril_task_settings *s,
                       const char *role, const char *subject, char *out, size_t size)
{
    size_t n = 0;

    *out = '\0';
    for (const struct cril_task_file *f = t->files; f->name && n < size; f++) {
        char name[256];

        if (serves(f, s, role) && write_name(f, subject, name))
            n += (size_t)snprintf(out + n, size - n, "%s%s (%s)", n ? ", or " : "", name,
                                  f->published);
    }
}

cril_status cril_task_path(const struct cril_task *t, const struct cril_task_settings *s,
                           const char *folder, const char *role, const char *subject, char **path,
                           cril_error *err)
{
    const cril_status st = find(t, s, folder, role, subject, path, err);
    char names[600];

    if (st != CRIL_OK || *path)
        return st;
    list_files(t, s, role, subject, names, sizeof(names));
    return cril_fail(
        err, CRIL_ERR_IO,
        "%.200s lacks the %s of %s: %s; \"cril eval --list\" shows how to make it from "
        "the hub's files",
        folder, role, t->name, names);
}

cril_status cril_task_folder(const struct cril_task *t, const char *data, char **path,
                             cril_error *err)
{
    const char *const subject = t->subjects ? t->subjects[0] : NULL;
    const size_t room = strlen(data) + strlen(t->folder) + 2;
    char *const folder = malloc(room), *found = NULL;
    cril_status st = CRIL_OK;

    if (!folder)
        return cril_fail(err, CRIL_ERR_NOMEM, "%.200s: out of memory", data);
    snprintf(folder, room, "%s/%s", data, t->folder);
    if ((st = find(t, NULL, folder, "items", subject, &found, err)) == CRIL_OK && !found) {
        strcpy(folder, data);
        st = find(t, NULL, folder, "items", subject, &found, err);
    }
    if (st == CRIL_OK && !found) {
        char names[600];

        list_files(t, NULL, "items", subject, names, sizeof(names));
        st = cril_fail(err, CRIL_ERR_IO,
                       "neither %.150s nor its folder \"%s\" has the data of %s: %s; \"cril eval "
                       "--list\" shows how to make it from the hub's files",
                       data, t->folder, t->name, names);
    }
    free(found);
    if (st == CRIL_OK)
        *path = folder;
    else
        free(folder);
    return st;
}

/* ---- SHA-256 ---- */

static cril_status add_file(const struct cril_task *t, const struct cril_task_settings *s,
                            const char *folder, const char *role, const char *subject,
                            struct cril_sha256 *h, cril_error *err)
{
    char *path = NULL, hex[65];
    cril_status st = cril_task_path(t, s, folder, role, subject, &path, err);

    if (st == CRIL_OK && (st = cril_data_sha256(path, hex, err)) == CRIL_OK)
        st = cril_sha256_line(h, hex, path + strlen(folder) + 1, err);
    free(path);
    return st;
}

/* Whether any file has the role: shots of some tasks lie in the file of the items. */
static bool has_role(const struct cril_task *t, const struct cril_task_settings *s,
                     const char *role)
{
    for (const struct cril_task_file *f = t->files; f->name; f++)
        if (serves(f, s, role))
            return true;
    return false;
}

cril_status cril_task_sha256(const struct cril_task *t, const struct cril_task_settings *s,
                             const char *folder, char hex[65], cril_error *err)
{
    static const char *const none[] = {NULL, NULL}, *const roles[] = {"items", "shots"};
    const char *const *const subjects = t->subjects ? t->subjects : none;
    const size_t n_roles = s->protocol.shots && has_role(t, s, "shots") ? 2 : 1;
    struct cril_sha256 *h = NULL;
    cril_status st = cril_sha256_create(&h, err);

    for (size_t r = 0; r < n_roles && st == CRIL_OK; r++) {
        size_t i = 0;

        do
            st = add_file(t, s, folder, roles[r], subjects[i], h, err);
        while (st == CRIL_OK && subjects[i] && subjects[++i]);
    }
    if (st == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    return st;
}
