/*
 * libFuzzer entry: bytes as a file of requests, or as a task file with data behind the first zero
 * byte. The first byte says which. What is read is asked for all that an evaluation reads.
 */
#include "tasks/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/cril-fuzz-requests-XXXXXX";

static void remove_folder(void)
{
    rmdir(folder);
}

static void write_file(const char *name, const uint8_t *data, size_t size, char path[100])
{
    FILE *f;

    snprintf(path, 100, "%s/%s", folder, name);
    if (!(f = fopen(path, "wb")) || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
}

static size_t touch(struct cril_bytes s)
{
    size_t sum = 0;

    for (size_t i = 0; i < s.len; i++)
        sum += (unsigned char)s.data[i];
    return sum;
}

static void look_at(const struct cril_item *item)
{
    volatile size_t sum = touch(item->context) + touch(item->gold_text) +
                          touch(item->reference_text) + strlen(item->subject);

    if (item->gold < -1 || (item->gold >= 0 && (size_t)item->gold >= item->n_choices))
        abort();
    for (size_t i = 0; i < item->n_choices; i++)
        sum += touch(item->choices[i].text) + touch(item->choices[i].context);
    for (size_t i = 0; i < item->n_until; i++)
        sum += touch(item->until[i]);
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[100], items[100] = "";
    struct cril_evaluation e = {0};
    cril_status st;
    cril_error err;

    if (!size)
        return 0;
    if (strstr(folder, "XXXXXX") && (!mkdtemp(folder) || atexit(remove_folder) != 0))
        abort();
    if (*data % 2) {
        const uint8_t *const zero = memchr(data, 0, size);
        const size_t n = zero ? (size_t)(zero - data) : size;

        write_file("t.yaml", data + 1, n - 1, path);
        write_file("d.jsonl", data + n + (zero != NULL), size - n - (zero != NULL), items);
        st = cril_task_file_read(path, NULL, NULL, 0, &e, &err);
    } else {
        write_file("samples_a_2025-01-31T12-00-00.jsonl", data + 1, size - 1, path);
        st = cril_requests_read(path, 0, &e, &err);
    }
    for (size_t i = 0; st == CRIL_OK && i < e.items.n; i++)
        look_at(&e.items.item[i]);
    cril_items_free(&e.items);
    unlink(path);
    if (*items)
        unlink(items);
    return 0;
}
