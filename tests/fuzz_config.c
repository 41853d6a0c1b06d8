/*
 * libFuzzer entry: a folder. The bytes up to the first 0xff, which no JSON has, are its
 * config.json; what follows, if anything does, is its model.safetensors.index.json; the weights are
 * two small files. What opens is read as inspect reads it, and hashed; a model of it reads its keys
 * and is then refused, since there is no tokenizer.
 */
#include "formats/source.h"

#include <cril/inspect.h>
#include <cril/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/cril-fuzz-XXXXXX";
static const char *const names[] = {"config.json", "model.safetensors.index.json",
                                    "model-00001-of-00002.safetensors",
                                    "model-00002-of-00002.safetensors"};

static const char *in_folder(size_t i)
{
    static char path[100];

    snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
    return path;
}

static void write_file(size_t i, const void *data, size_t n)
{
    FILE *const f = fopen(in_folder(i), "wb");

    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
        abort();
}

static void write_weights(size_t i, const char *name)
{
    uint8_t file[200] = {0};
    const int n =
        snprintf((char *)file + 8, sizeof(file) - 8,
                 "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", name);

    file[0] = (uint8_t)n;
    write_file(i, file, 8 + (size_t)n + 4);
}

static void remove_folder(void)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(in_folder(i));
    rmdir(folder);
}

static int count(void *user, const char *file)
{
    *(size_t *)user += strlen(file) > 0;
    return 0;
}

static void touch(struct cril_source *s)
{
    volatile uint64_t sum = 0;
    char hex[65];

    for (size_t i = 0; i < cril_source_values(s)->n; i++) {
        const struct cril_value *const v = &cril_source_values(s)->values[i];

        for (uint64_t k = 0; k < v->n; k++)
            if (v->type == CRIL_VALUE_STRING)
                sum += v->strings[k].len && v->strings[k].data[v->strings[k].len - 1];
            else
                sum += cril_value_uint(v, k) + (cril_value_float(v, k) > 0);
    }
    if (cril_source_sha256(s, hex, NULL) != CRIL_OK)
        abort();
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_made;
    const uint8_t *const end = size ? memchr(data, 0xff, size) : NULL;
    const size_t n = end ? (size_t)(end - data) : size;
    struct cril_source *s = NULL;
    cril_inspect *f = NULL;
    cril_model *m = NULL;
    cril_error err = {0};
    size_t n_files = 0;

    if (!is_made) {
        is_made = true;
        if (!mkdtemp(folder))
            abort();
        atexit(remove_folder);
        write_weights(2, "model.a");
        write_weights(3, "language_model.b");
    }
    write_file(0, data, n);
    unlink(in_folder(1));
    if (end)
        write_file(1, end + 1, size - n - 1);
    if (cril_source_each_file(folder, count, &n_files, NULL) != CRIL_OK || n_files < 1)
        abort();
    if (cril_source_open(folder, &s, &err) == CRIL_OK) {
        if (cril_source_files(s) != n_files)
            abort();
        touch(s);
        cril_source_close(s);
    } else if (!err.message[0]) {
        abort();
    }
    if (cril_inspect_open(folder, &f, &err) == CRIL_OK)
        cril_inspect_close(f);
    if (cril_model_open(folder, &m, &err) == CRIL_OK || !err.message[0])
        abort();
    return 0;
}
