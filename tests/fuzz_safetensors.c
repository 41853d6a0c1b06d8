/*
 * libFuzzer entry: any bytes as the header of a safetensors file, whose length is put in front and
 * which some data follow, as many as its first two bytes say; a first bit chooses the bytes as the
 * whole file. What is listed and taken is read to its last byte, so that a sanitizer sees a pointer
 * that was not proved.
 */
#include "formats/safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const struct cril_safetensors *list)
{
    volatile uint64_t sum = 0;

    for (size_t i = 0; i < list->n; i++) {
        const struct cril_safetensor *const s = &list->items[i];
        struct cril_tensor t;
        cril_error err = {0};

        for (uint64_t b = 0; b < s->bytes; b++)
            sum += s->data[b];
        if (cril_safetensor_take(s, s->name, &t, &err) != CRIL_OK) {
            if (!err.message[0])
                abort();
        } else if (t.data != s->data || t.bytes != s->bytes || t.n_dims > 4) {
            abort();
        }
    }
    (void)sum;
}

static void read_file(const uint8_t *file, size_t len)
{
    struct cril_safetensors list = {0};
    struct cril_arena arena = {0};
    cril_error err = {0};

    if (cril_safetensors_list("f", file, len, &arena, &list, &err) == CRIL_OK)
        touch(&list);
    else if (!err.message[0])
        abort();
    free(list.items);
    cril_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n_data;
    uint8_t *file;

    if (size < 2)
        return 0;
    n_data = (size_t)(data[0] & 0x7f) << 8 | data[1];
    if (data[0] & 0x80) {
        read_file(data + 2, size - 2);
        return 0;
    }
    size -= 2;
    if (!(file = calloc(8 + size + n_data, 1))) /* of its very size, for the sanitizer */
        return 0;
    for (int i = 0; i < 8; i++)
        file[i] = (uint8_t)((uint64_t)size >> 8 * i);
    memcpy(file + 8, data + 2, size);
    read_file(file, 8 + size + n_data);
    free(file);
    return 0;
}
