/*
 * libFuzzer entry: any bytes as a GGUF file. What opens is read to its last byte, so that a
 * sanitizer sees a pointer that was not proved.
 */
#include "formats/source.h"

#include <cril/inspect.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char name[] = "/tmp/cril-fuzz-XXXXXX";

static void remove_file(void)
{
    unlink(name);
}

static void touch(const struct cril_source *g)
{
    volatile uint64_t sum = 0;

    for (size_t i = 0; i < cril_source_values(g)->n; i++) {
        const struct cril_value *kv = &cril_source_values(g)->values[i];
        for (uint64_t k = 0; k < kv->n; k++) {
            if (kv->type == CRIL_VALUE_STRING)
                for (size_t b = 0; b < kv->strings[k].len; b++)
                    sum += (uint8_t)kv->strings[k].data[b];
            else
                sum += cril_value_uint(kv, k) + (cril_value_float(kv, k) > 0);
        }
    }
    for (size_t i = 0; i < cril_source_tensor_count(g); i++) {
        const struct cril_tensor *t = cril_source_tensor(g, i);
        for (uint64_t b = 0; b < t->bytes; b++)
            sum += t->data[b];
        if (cril_source_find_tensor(g, t->name) != t)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct cril_source *g;
    cril_inspect *f;
    cril_error err;

    if (fd < 0) {
        fd = mkstemp(name);
        if (fd < 0)
            abort();
        atexit(remove_file);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    if (cril_source_open(name, &g, &err) == CRIL_OK) {
        touch(g);
        cril_source_close(g);
    } else if (!err.message[0]) {
        abort();
    }
    if (cril_inspect_open(name, &f, &err) == CRIL_OK)
        cril_inspect_close(f);
    return 0;
}
