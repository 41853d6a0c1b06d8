/* Folders of a model, written for tests into one made by mkdtemp. */
#ifndef CRIL_TESTS_FOLDER_FILES_H
#define CRIL_TESTS_FOLDER_FILES_H

#include "formats/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cril-folder-XXXXXX";

/* Of the folder; one of four buffers in turn. */
static const char *in_folder(const char *name)
{
    static char paths[4][500];
    static unsigned turn;
    char *const path = paths[turn++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *data, size_t n)
{
    const char *const path = in_folder(name);
    FILE *f;

    unlink(path);
    f = fopen(path, "wb");
    assert_non_null(f);
    if (n)
        assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* A safetensors file of a header of n bytes, whose length is said to be `said`, and n_data bytes 0,
 * 1, 2 and so on. */
static void write_tensors_as(const char *name, const char *header, size_t n, uint64_t said,
                             size_t n_data)
{
    uint8_t *const bytes = calloc(8 + n + n_data, 1);

    assert_non_null(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(said >> 8 * i);
    memcpy(bytes + 8, header, n);
    for (size_t i = 0; i < n_data; i++)
        bytes[8 + n + i] = (uint8_t)i;
    write_bytes(name, bytes, 8 + n + n_data);
    free(bytes);
}

static void write_tensors(const char *name, const char *header, size_t n_data)
{
    write_tensors_as(name, header, strlen(header), strlen(header), n_data);
}

static void empty_folder(void)
{
    char command[400];

    snprintf(command, sizeof(command), "rm -rf %s/* %s/.[a-z]*", folder, folder);
    assert_int_equal(system(command), 0);
}

/* Opening path fails with the status and a sentence that has both words. */
static inline void refused(const char *path, cril_status status, const char *word,
                           const char *other)
{
    struct cril_source *s = NULL;
    cril_error err = {0};

    assert_int_equal(cril_source_open(path, &s, NULL), status);
    assert_int_equal(cril_source_open(path, &s, &err), status);
    assert_null(s);
    if (!strstr(err.message, word) || !strstr(err.message, other))
        fail_msg("'%s' lacks '%s' or '%s'", err.message, word, other);
}

static inline struct cril_source *opened(const char *path)
{
    struct cril_source *s = NULL;
    cril_error err = {0};

    if (cril_source_open(path, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return s;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    empty_folder();
    return rmdir(folder);
}

#endif
