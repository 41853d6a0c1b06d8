/* A folder of data files of tasks, and their items. */
#ifndef CRIL_TESTS_TASK_FILES_H
#define CRIL_TESTS_TASK_FILES_H

#include "tasks/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char task_folder[] = "/tmp/cril-tasks-XXXXXX";

static const struct cril_task_overrides nothing_overridden = {-1, -1, -1, -1};

/* Writes task_folder/name, whose folder may be new. */
static void put_bytes(const char *name, const void *bytes, size_t len)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", task_folder, name);
    for (char *slash = path + sizeof(task_folder); (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0700);
    }
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static inline void put_file(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static inline void remove_file(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", task_folder, name);
    unlink(path);
}

/* The items of a task whose data lie below data. */
static cril_status load_below(const char *data, const char *task, const char *protocol,
                              const struct cril_task_overrides *o, uint64_t limit,
                              struct cril_task_settings *s, struct cril_items *out, cril_error *err)
{
    const struct cril_task *const t = cril_task_find(task);
    char *folder = NULL;
    cril_status st;

    assert_non_null(t);
    if ((st = cril_task_settings_make(t, protocol, o, s, err)) == CRIL_OK &&
        (st = cril_task_folder(t, data, &folder, err)) == CRIL_OK)
        st = t->load(t, s, folder, limit, out, err);
    free(folder);
    return st;
}

#endif
