/* Documents in a file: see spool.h. */
#include "gather/spool.h"

#include "gather/temporary.h"
#include "util/fail.h"
#include "util/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cril_spool {
    const char *folder;
    FILE *file;
    struct cril_memory memory;
    uint64_t n, n_read;
};

/* Lengths of what follows; of a field 1 + its bytes, with the NUL behind them, 0: none. */
struct head {
    uint64_t field[CRIL_ENTRY_FIELDS], text;
};

static cril_status failed(const struct cril_spool *s, const char *what, cril_error *err)
{
    if (errno == ENOMEM)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a temporary file");
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: a temporary file cannot be %s: %s; name another folder in TMPDIR",
                     s->folder, what, strerror(errno));
}

cril_status cril_spool_create(const char *folder, struct cril_spool **out, cril_error *err)
{
    struct cril_spool *s = calloc(1, sizeof(*s));
    int fd;

    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    s->folder = cril_temporary_folder(folder);
    if ((fd = cril_temporary_file(folder)) < 0 || !(s->file = fdopen(fd, "w+b"))) {
        const cril_status st = failed(s, "made", err);

        if (fd >= 0)
            close(fd);
        free(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

static bool put(struct cril_spool *s, const void *data, size_t n)
{
    return fwrite(data, 1, n, s->file) == n;
}

cril_status cril_spool_put(struct cril_spool *s, const struct cril_entry *e, cril_error *err)
{
    struct head h = {.text = e->len};
    bool good;

    for (size_t i = 0; i < CRIL_ENTRY_FIELDS; i++)
        h.field[i] = e->field[i] ? strlen(e->field[i]) + 1 : 0;
    good = put(s, &h, sizeof(h));
    for (size_t i = 0; i < CRIL_ENTRY_FIELDS && good; i++)
        good = !h.field[i] || put(s, e->field[i], h.field[i]);
    if (!good || !put(s, e->text, e->len))
        return failed(s, "written", err);
    s->n++;
    return CRIL_OK;
}

cril_status cril_spool_rewind(struct cril_spool *s, cril_error *err)
{
    return fflush(s->file) || fseeko(s->file, 0, SEEK_SET) ? failed(s, "written", err) : CRIL_OK;
}

static cril_status get(struct cril_spool *s, void *data, size_t n, cril_error *err)
{
    if (fread(data, 1, n, s->file) == n)
        return CRIL_OK;
    if (!ferror(s->file))
        errno = EIO;
    return failed(s, "read", err);
}

cril_status cril_spool_next(struct cril_spool *s, struct cril_entry *e, cril_error *err)
{
    struct head h;
    size_t bytes;
    char *at;
    cril_status st;

    *e = (struct cril_entry){0};
    if (s->n_read == s->n)
        return CRIL_OK;
    if ((st = get(s, &h, sizeof(h), err)) != CRIL_OK)
        return st;
    bytes = h.text + 1; /* sums of what was in memory */
    for (size_t i = 0; i < CRIL_ENTRY_FIELDS; i++)
        bytes += h.field[i];
    if (!cril_memory_reserve(&s->memory, bytes, 1))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a document of %llu bytes",
                         (unsigned long long)h.text);
    if ((st = get(s, s->memory.data, bytes - 1, err)) != CRIL_OK)
        return st;
    at = s->memory.data;
    for (size_t i = 0; i < CRIL_ENTRY_FIELDS; i++) {
        e->field[i] = h.field[i] ? at : NULL;
        at += h.field[i];
    }
    at[h.text] = '\0';
    e->text = at;
    e->len = h.text;
    s->n_read++;
    return CRIL_OK;
}

uint64_t cril_spool_count(const struct cril_spool *s)
{
    return s->n;
}

void cril_spool_free(struct cril_spool *s)
{
    if (!s)
        return;
    fclose(s->file);
    free(s->memory.data);
    free(s);
}
