/* A folder for a test of studies or their store, and what such tests do with the files in it. The
 * test defines _GNU_SOURCE, for mkdtemp and nftw. */
#ifndef CRIL_TESTS_STUDY_FILES_H
#define CRIL_TESTS_STUDY_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/store.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define check_ok(call)                                                                             \
    do {                                                                                           \
        if ((call) != CRIL_OK)                                                                     \
            fail_msg("%s", err.message);                                                           \
    } while (0)

#define check_refused(call, want, word)                                                            \
    do {                                                                                           \
        assert_int_equal(call, want);                                                              \
        assert_int_equal(err.status, want);                                                        \
        if (!strstr(err.message, word))                                                            \
            fail_msg("no \"%s\" in: %s", word, err.message);                                       \
    } while (0)

/* ---- Files ---- */

static char folder[64];

/* A file of the folder; a test asks for at most 512. */
static inline const char *file(const char *name)
{
    static char names[512][128];
    static size_t n;
    char *out = names[n++ % 512];

    snprintf(out, sizeof(names[0]), "%s/%s", folder, name);
    return out;
}

/* "STEM-I.db" of the folder. */
static inline const char *numbered(const char *stem, unsigned i)
{
    char name[32];

    snprintf(name, sizeof(name), "%s-%u.db", stem, i);
    return file(name);
}

/* In memory where there is such a folder: elsewhere each commit waits for the disk. */
static inline int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/dev/shm/cril-test-XXXXXX");
    if (mkdtemp(folder))
        return 0;
    strcpy(folder, "/tmp/cril-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *sb, int type, struct FTW *f)
{
    (void)sb;
    (void)type;
    (void)f;
    return remove(path);
}

static inline int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline FILE *create(const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    return f;
}

/* A tiny model of tests/golden. */
static inline void copy_model(const char *name)
{
    char from[1024], to[64], bytes[4096];
    size_t n;
    FILE *in, *out;

    snprintf(from, sizeof(from), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    snprintf(to, sizeof(to), "%s.gguf", name);
    in = fopen(from, "rb");
    assert_non_null(in);
    out = create(file(to));
    while ((n = fread(bytes, 1, sizeof(bytes), in)))
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static inline void write_study(const char *text)
{
    FILE *f = create(file("study.yaml"));

    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* ---- Stores ---- */

/* Owned: free. */
static inline char *dump(cril_store *s)
{
    char *text;
    size_t size;
    cril_error err;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    check_ok(cril_store_dump(s, f, &err));
    fclose(f);
    return text;
}

/* Owned: free. */
static inline char *dump_of(const char *path)
{
    const cril_store_options o = {.read_only = true, .patience_ms = 10000};
    cril_store *s;
    cril_error err;
    char *text;

    check_ok(cril_store_open(path, &o, &s, &err));
    text = dump(s);
    cril_store_close(s);
    return text;
}

static inline void check_same(const char *a, const char *b)
{
    char *x = dump_of(a), *y = dump_of(b);

    assert_string_equal(x, y);
    free(x);
    free(y);
}

static inline cril_status merge(const char *into, const char *const *paths, size_t n,
                                cril_error *err)
{
    cril_store *s;
    cril_status st = cril_store_open(into, NULL, &s, err);

    if (st != CRIL_OK)
        return st;
    st = cril_store_merge(s, paths, n, NULL, err);
    cril_store_close(s);
    return st;
}

#endif
