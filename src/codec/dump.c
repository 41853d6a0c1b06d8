/*
 * JSON of numbers and hexadecimal digits alone, so nothing has to be quoted. Real numbers are
 * written from their bits: printf's %a would take the decimal point of the caller's locale.
 */
#include "codec/dump.h"

#include "util/fail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1024 };

struct cril_dump {
    FILE *file;
    char *path;
};

static void put_pieces(FILE *f, const cril_tokenizer *t)
{
    const size_t n = cril_tokenizer_size(t);

    fputs("{\"pieces\": [", f);
    for (size_t id = 0; id < n; id++) {
        size_t len;
        const uint8_t *piece = (const uint8_t *)cril_tokenizer_piece(t, (int32_t)id, &len);

        fputs(id ? ", \"" : "\"", f);
        for (size_t i = 0; i < len; i++)
            fprintf(f, "%02x", piece[i]);
        fputc('"', f);
    }
    fputs("]}\n", f);
}

/* "0x1.8p+0", with quotes, of a finite x >= 0. */
static void put_real(FILE *f, double x)
{
    uint64_t bits, fraction;
    int exponent, digits = 13;

    memcpy(&bits, &x, sizeof(bits));
    fraction = bits & ((UINT64_C(1) << 52) - 1);
    exponent = (int)(bits >> 52 & 0x7FF);
    for (; digits && !(fraction & 15); digits--)
        fraction >>= 4;
    fprintf(f, "\"0x%d", exponent > 0); /* a subnormal number or 0 has no leading 1 */
    if (digits)
        fprintf(f, ".%0*" PRIx64, digits, fraction);
    fprintf(f, "p%+d\"", exponent ? exponent - 1023 : -1022);
}

static void put_start(FILE *f, uint64_t segment, uint64_t token)
{
    fprintf(f, "{\"segment\": %" PRIu64 ", \"token\": %" PRIu64, segment, token);
}

void cril_dump_uniform(struct cril_dump *d, uint64_t segment, uint64_t token, size_t n_logits)
{
    put_start(d->file, segment, token);
    fprintf(d->file, ", \"uniform\": %zu}\n", n_logits);
}

void cril_dump_token(struct cril_dump *d, uint64_t segment, uint64_t token, const double *weights,
                     double sum, const float *values, size_t n_logits)
{
    FILE *const f = d->file;

    put_start(f, segment, token);
    fputs(", \"weights\": [", f);
    for (size_t c = 0; c * CHUNK < n_logits; c++) {
        fputs(c ? ", " : "", f);
        put_real(f, weights[c]);
    }
    fputs("], \"sum\": ", f);
    put_real(f, sum);
    fputs(", \"values\": [", f);
    for (size_t i = 0; i < n_logits; i++) {
        fputs(i == 0 ? "[" : i % CHUNK ? ", " : "], [", f);
        put_real(f, (double)values[i]);
    }
    fputs("]]}\n", f);
}

cril_status cril_dump_open(const char *path, const cril_tokenizer *t, struct cril_dump **out,
                           cril_error *err)
{
    const size_t path_bytes = strlen(path) + 1;
    struct cril_dump *d = calloc(1, sizeof(*d));

    if (!d || !(d->path = malloc(path_bytes))) {
        free(d);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    }
    memcpy(d->path, path, path_bytes);
    if (!(d->file = fopen(path, "w"))) {
        const int e = errno;

        free(d->path);
        free(d);
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be written: %s", path, strerror(e));
    }
    put_pieces(d->file, t);
    *out = d;
    return CRIL_OK;
}

cril_status cril_dump_close(struct cril_dump *d, cril_error *err)
{
    cril_status st = CRIL_OK;
    const int failed = ferror(d->file);

    errno = 0;
    if (fclose(d->file) != 0 || failed)
        st = cril_fail(err, CRIL_ERR_IO, "%s: could not be written whole: %s", d->path,
                       errno ? strerror(errno) : "out of space?");
    free(d->path);
    free(d);
    return st;
}
