/*
 * libFuzzer target: any bytes as a WARC file. The first byte chooses the longest block that is kept
 * and the size of the pieces in which the file is read a second time: the records must be the same.
 */
#include "corpus/decoders.h"
#include "gather/warc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char name[] = "/tmp/cril-fuzz-XXXXXX";

static void remove_file(void)
{
    unlink(name);
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static uint64_t add(uint64_t sum, const void *data, size_t n)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i++)
        sum = (sum ^ p[i]) * 1099511628211u;
    return sum;
}

/* A number that depends on everything that was handed out; *opened: it could be. */
static uint64_t read_all(size_t max_block, size_t size, bool *opened)
{
    struct cril_warc *w;
    struct cril_warc_record r;
    cril_error err = {0};
    uint64_t sum = 14695981039346656037u, bytes = 0;

    *opened = cril_warc_open(name, max_block, &w, &err) == CRIL_OK;
    if (!*opened) {
        must(err.message[0] != '\0');
        return 0;
    }
    for (bool end = false;;) {
        must(cril_warc_next(w, &r, &end, &err) == CRIL_OK);
        if (end)
            break;
        must(r.field[CRIL_WARC_TYPE] && r.field[CRIL_WARC_LENGTH] && r.field[CRIL_WARC_VERSION]);
        must((r.block != NULL) == (r.length <= max_block));
        must(r.length <= size && (bytes += r.length) <= size); /* no byte twice */
        for (size_t i = 0; i < CRIL_WARC_N_FIELDS; i++)
            if (r.field[i]) {
                must(strlen(r.field[i]) < size && !strpbrk(r.field[i], "\n"));
                sum = add(sum, r.field[i], strlen(r.field[i]));
            }
        if (r.block)
            sum = add(sum, r.block, (size_t)r.length);
        sum = add(sum, &r.length, sizeof(r.length));
    }
    must(cril_warc_taken(w) > 0);
    sum = add(sum, cril_warc_damaged(w), CRIL_WARC_N_DAMAGES * sizeof(uint64_t));
    cril_warc_close(w);
    return sum;
}

static void put_u32(uint8_t *to, uint32_t v)
{
    for (size_t i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

/* The bytes as a member of gzip without compression, at `to`; its length. */
static size_t put_member(uint8_t *to, const uint8_t *data, size_t n)
{
    static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1}; /* 1: the last block */

    memcpy(to, head, sizeof(head));
    put_u32(to + sizeof(head), (uint32_t)n | (uint32_t)~n << 16);
    memcpy(to + sizeof(head) + 4, data, n);
    put_u32(to + sizeof(head) + 4 + n, (uint32_t)crc32(0, data, (unsigned)n));
    put_u32(to + sizeof(head) + 8 + n, (uint32_t)n);
    return sizeof(head) + 12 + n;
}

static void save(int fd, const uint8_t *data, size_t n)
{
    must(pwrite(fd, data, n, 0) == (ssize_t)n && ftruncate(fd, (off_t)n) == 0);
}

static bool is_packed(const uint8_t *data, size_t size)
{
    for (const struct cril_decoder *d = cril_decoders; d->name; d++)
        if (d->match(data, size))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    uint8_t *packed;
    uint64_t sum, again;
    bool opened[2];
    size_t n_packed = 0;

    if (fd < 0) {
        fd = mkstemp(name);
        must(fd >= 0);
        atexit(remove_file);
    }
    if (size < 2)
        return 0;
    const size_t piece = (size_t)(data[0] & 15) + 1, max_block = (size_t)1 << (data[0] >> 4);

    data++;
    size--;
    if (is_packed(data, size)) /* the second time it would be packed twice */
        return 0;
    save(fd, data, size);
    sum = read_all(max_block, size, &opened[0]);
    if (!opened[0])
        return 0;
    must((packed = malloc(size * 24)) != NULL);
    for (size_t i = 0; i < size; i += piece)
        n_packed += put_member(packed + n_packed, data + i, size - i < piece ? size - i : piece);
    save(fd, packed, n_packed);
    again = read_all(max_block, size, &opened[1]);
    /* the stream takes it for a tar archive */
    must(again == sum || (n_packed > 262 && !memcmp(packed + 257, "ustar", 5)));
    free(packed);
    return 0;
}
