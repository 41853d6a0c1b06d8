/*
 * A file descriptor, a buffer of stored bytes, a decoder, a buffer of decoded bytes. See stream.h.
 * A file without compression is copied from the one buffer to the other, which is cheap beside
 * reading it and keeps one path for all files.
 */
#include "corpus/stream.h"

#include "corpus/decoders.h"
#include "util/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IN_BYTES = 1 << 16, OUT_BYTES = 1 << 17 };

struct cril_stream {
    const char *path, *name; /* as opened, borrowed; as said in sentences */
    int fd;
    bool owned, is_file, in_end, end;
    bool in_member; /* between the first and the last byte of one */
    bool full;      /* the last step used all its room: the decoder may hold more */
    bool checked;   /* the first decoded bytes were looked at */
    const struct cril_decoder *decoder; /* NULL: none */
    void *state;                        /* NULL until the first member */
    struct cril_sha256 *hash;
    uint64_t size, stored, decoded;
    size_t in_pos, in_len, out_pos, out_len;
    uint8_t in[IN_BYTES], out[OUT_BYTES];
};

/* ---- what is refused ---- */

/* By the first bytes, stored or decoded, or by the name where a format has no such bytes. */
static const struct refusal {
    const char *what, *suffix;
    size_t offset, len;
    const char *magic, *remedy; /* remedy NULL: the conversion of a Parquet file */
} refusals[] = {
    {"a Parquet file", ".parquet", 0, 5, "PAR1\x15", NULL}, /* 0x15 opens the first thrift struct */
    {"a zip archive", ".zip", 0, 4, "PK\x03\x04", "unpack it with unzip and give the folder"},
    {"a 7-Zip archive", ".7z", 0, 6, "7z\xbc\xaf\x27\x1c",
     "unpack it with 7z x and give the folder"},
    {"a tar archive", ".tar", 257, 5, "ustar", "unpack it with tar -xf and give the folder"},
    {"an Arrow file", ".arrow", 0, 6, "ARROW1", "convert it to JSON Lines"},
    {"lz4 data", ".lz4", 0, 4, "\x04\x22\x4d\x18", "decompress it with lz4 -d"},
    {"compress(1) data", ".Z", 0, 2, "\x1f\x9d", "decompress it with gzip -d"},
    {"lzma data", ".lzma", 0, 0, NULL, "decompress it with xz -d"},
    {"brotli data", ".br", 0, 0, NULL, "decompress it with brotli -d"},
    {"a GGUF model", ".gguf", 0, 4, "GGUF", "give a corpus here and the model with -m"},
    {"a file of a model's weights", ".safetensors", 0, 0, NULL,
     "give a corpus here and the model with -m"},
    {"UTF-16 text", NULL, 0, 2, "\xff\xfe", "convert it with iconv -f UTF-16 -t UTF-8"},
    {"UTF-16 text", NULL, 0, 2, "\xfe\xff", "convert it with iconv -f UTF-16 -t UTF-8"},
};

bool cril_has_suffix(const char *path, size_t len, const char *suffix)
{
    const size_t n = strlen(suffix);

    return len > n && strncasecmp(path + len - n, suffix, n) == 0;
}

static cril_status refuse_others(const struct cril_stream *s, const uint8_t *head, size_t n,
                                 bool by_name, cril_error *err)
{
    const size_t len = strlen(s->path);

    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        const struct refusal *r = &refusals[i];
        const bool named = by_name && r->suffix && cril_has_suffix(s->path, len, r->suffix);

        if (!named && !(r->magic && n >= r->offset + r->len &&
                        memcmp(head + r->offset, r->magic, r->len) == 0))
            continue;
        if (r->remedy)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: is %s, which cril does not read; %s",
                             s->name, r->what, r->remedy);
        return cril_fail(
            err, CRIL_ERR_UNSUPPORTED,
            "%s: is %s, which cril does not read; convert it to JSON Lines: python3 -c \"import "
            "pandas; pandas.read_parquet('%s').to_json('corpus.jsonl', orient='records', "
            "lines=True)\"",
            s->name, r->what, s->path);
    }
    return CRIL_OK;
}

/* ---- stored bytes ---- */

static cril_status no_memory(const struct cril_stream *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->name);
}

static ssize_t read_some(int fd, void *to, size_t n)
{
    for (;;) {
        const ssize_t got = read(fd, to, n);

        if (got >= 0)
            return got;
        if (errno == EAGAIN ||
            errno == EWOULDBLOCK) { /* a pipe that its other end made non-blocking */
            struct pollfd p = {.fd = fd, .events = POLLIN};
            if (poll(&p, 1, -1) < 0 && errno != EINTR)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

/* Has at least want bytes from in_pos on, or all that are left. */
static cril_status need_stored(struct cril_stream *s, size_t want, cril_error *err)
{
    while (s->in_len - s->in_pos < want && !s->in_end) {
        ssize_t got;
        cril_status st;

        memmove(s->in, s->in + s->in_pos, s->in_len - s->in_pos);
        s->in_len -= s->in_pos;
        s->in_pos = 0;
        got = read_some(s->fd, s->in + s->in_len, IN_BYTES - s->in_len);
        if (got < 0)
            return cril_fail(err, CRIL_ERR_IO,
                             "%s: cannot be read at byte %" PRIu64 " (%s); check the disk or drive",
                             s->name, s->stored, strerror(errno));
        if (got == 0) {
            s->in_end = true;
            break;
        }
        if (s->hash &&
            (st = cril_sha256_update(s->hash, s->in + s->in_len, (size_t)got, err)) != CRIL_OK)
            return st;
        s->in_len += (size_t)got;
        s->stored += (uint64_t)got;
    }
    return CRIL_OK;
}

cril_status cril_stream_drain(struct cril_stream *s, cril_error *err)
{
    cril_status st;

    s->end = true;
    s->out_pos = s->out_len = 0;
    do {
        s->in_pos = s->in_len;
        if ((st = need_stored(s, 1, err)) != CRIL_OK)
            return st;
    } while (s->in_len > s->in_pos);
    return CRIL_OK;
}

/* ---- opening ---- */

static cril_status open_file(struct cril_stream *s, cril_error *err)
{
    struct stat sb;

    if (strcmp(s->path, "-") == 0) {
        s->name = "standard input";
        s->fd = STDIN_FILENO;
    } else {
        s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
        if (s->fd < 0)
            return cril_fail(
                err, CRIL_ERR_IO, "%s: cannot be opened: %s; %s", s->name, strerror(errno),
                strstr(s->path, "://") ? "it looks like an address: download it and name the file"
                                       : "check the path and its permissions");
        s->owned = true;
    }
    if (fstat(s->fd, &sb) != 0)
        return cril_fail(err, CRIL_ERR_IO, "%s: cannot be examined: %s", s->name, strerror(errno));
    if (S_ISREG(sb.st_mode)) {
        const off_t at = s->owned ? 0 : lseek(s->fd, 0, SEEK_CUR);

        s->is_file = s->owned;
        s->size = sb.st_size > at && at >= 0 ? (uint64_t)(sb.st_size - at) : 0;
    }
    return CRIL_OK;
}

/* Chooses the decoder by the first bytes; a file whose name promises compression must be
 * compressed. */
static cril_status choose_decoder(struct cril_stream *s, cril_error *err)
{
    const size_t n = s->in_len, len = strlen(s->path);

    for (const struct cril_decoder *d = cril_decoders; d->name; d++)
        if (d->match(s->in, n)) {
            s->decoder = d;
            return CRIL_OK;
        }
    for (const struct cril_decoder *d = cril_decoders; d->name; d++)
        if (cril_has_suffix(s->path, len, d->suffix)) {
            if (n < CRIL_DECODER_HEAD)
                return cril_fail(
                    err, CRIL_ERR_TRUNCATED,
                    "%s: ends after %zu byte%s, before its first %s header does; fetch or make "
                    "it again",
                    s->name, n, n == 1 ? "" : "s", d->name);
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: is not %s data, as its name says; if it is not compressed, "
                             "rename it without %s",
                             s->name, d->name, d->suffix);
        }
    return CRIL_OK;
}

cril_status cril_stream_open(const char *path, struct cril_sha256 *hash, struct cril_stream **out,
                             cril_error *err)
{
    struct cril_stream *s = malloc(sizeof(*s));
    cril_status st;

    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    memset(s, 0, offsetof(struct cril_stream, in));
    s->path = s->name = path;
    s->fd = -1;
    s->hash = hash;
    if ((st = open_file(s, err)) != CRIL_OK ||
        (st = need_stored(s, CRIL_STREAM_PEEK, err)) != CRIL_OK ||
        (st = refuse_others(s, s->in, s->in_len, true, err)) != CRIL_OK ||
        (st = choose_decoder(s, err)) != CRIL_OK) {
        cril_stream_close(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

void cril_stream_close(struct cril_stream *s)
{
    if (!s)
        return;
    if (s->decoder && s->state)
        s->decoder->free(s->state);
    if (s->owned)
        close(s->fd);
    free(s);
}

/* ---- decoding ---- */

static uint64_t offset_of(const struct cril_stream *s)
{
    return s->stored - (s->in_len - s->in_pos);
}

static cril_status damaged(const struct cril_stream *s, const char *why, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: its %s data is damaged near byte %" PRIu64
                     " (%s); fetch or make it again",
                     s->name, s->decoder->name, offset_of(s), why);
}

/* Zero bytes after a member; all of them are taken. */
static cril_status skip_padding(struct cril_stream *s, cril_error *err)
{
    const size_t unit = s->decoder->padding;
    size_t past = 0;
    cril_status st;

    if (unit == 0)
        return CRIL_OK;
    for (;;) {
        if ((st = need_stored(s, 1, err)) != CRIL_OK)
            return st;
        if (s->in_pos == s->in_len || s->in[s->in_pos] != 0)
            break;
        s->in_pos++;
        past = (past + 1) % unit;
    }
    return past ? damaged(s, "padding of a wrong length", err) : CRIL_OK;
}

/* Opens the next member, or finds the end of the file. */
static cril_status next_member(struct cril_stream *s, cril_error *err)
{
    cril_status st;

    if (s->state && (st = skip_padding(s, err)) != CRIL_OK)
        return st;
    if ((st = need_stored(s, CRIL_DECODER_HEAD, err)) != CRIL_OK)
        return st;
    if (s->in_pos == s->in_len) {
        s->end = true;
        return CRIL_OK;
    }
    if (!s->decoder->match(s->in + s->in_pos, s->in_len - s->in_pos))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: something that is not %s data follows at byte %" PRIu64
                         "; cut it off or make "
                         "the file again",
                         s->name, s->decoder->name, offset_of(s));
    if (!s->state)
        s->state = s->decoder->create();
    else if (!s->decoder->restart(s->state))
        return no_memory(s, err);
    if (!s->state)
        return no_memory(s, err);
    s->in_member = true;
    s->full = false;
    return CRIL_OK;
}

static cril_status step(struct cril_stream *s, cril_error *err)
{
    struct cril_decoder_io io = {s->in + s->in_pos, s->in_len - s->in_pos, s->out + s->out_len,
                                 OUT_BYTES - s->out_len};
    const size_t in = io.n_in, out = io.n_out;
    const char *why = "";
    const enum cril_step r = s->decoder->step(s->state, &io, &why);

    s->in_pos += in - io.n_in;
    s->out_len += out - io.n_out;
    s->decoded += out - io.n_out;
    s->full = io.n_out == 0;
    switch (r) {
    case CRIL_STEP_MORE:
        if (in && io.n_in == in && io.n_out == out)
            return damaged(s, "the decoder makes no progress", err);
        return CRIL_OK;
    case CRIL_STEP_END: s->in_member = false; return CRIL_OK;
    case CRIL_STEP_DAMAGED: return damaged(s, why, err);
    case CRIL_STEP_REFUSED: return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: %s", s->name, why);
    case CRIL_STEP_NOMEM: break;
    }
    return no_memory(s, err);
}

/* One step: makes progress towards more bytes in out, which has room. */
static cril_status decode(struct cril_stream *s, cril_error *err)
{
    cril_status st;

    if (s->decoder && !s->in_member)
        return next_member(s, err);
    if (!s->full && (st = need_stored(s, 1, err)) != CRIL_OK)
        return st;
    if (!s->full && s->in_pos == s->in_len) {
        if (s->decoder)
            return cril_fail(err, CRIL_ERR_TRUNCATED,
                             "%s: its %s data ends early, after %" PRIu64
                             " bytes; fetch or make it again",
                             s->name, s->decoder->name, s->stored);
        s->end = true;
        return CRIL_OK;
    }
    if (!s->decoder) {
        const size_t room = OUT_BYTES - s->out_len, have = s->in_len - s->in_pos,
                     n = have < room ? have : room;

        memcpy(s->out + s->out_len, s->in + s->in_pos, n);
        s->in_pos += n;
        s->out_len += n;
        s->decoded += n;
        return CRIL_OK;
    }
    return step(s, err);
}

cril_status cril_stream_peek(struct cril_stream *s, size_t want, const char **data, size_t *n,
                             cril_error *err)
{
    if (!s->checked)
        want = CRIL_STREAM_PEEK;
    while (s->out_len - s->out_pos < want && !s->end) {
        cril_status st;

        memmove(s->out, s->out + s->out_pos, s->out_len - s->out_pos);
        s->out_len -= s->out_pos;
        s->out_pos = 0;
        if ((st = decode(s, err)) != CRIL_OK)
            return st;
    }
    *data = (const char *)s->out + s->out_pos;
    *n = s->out_len - s->out_pos;
    if (!s->checked) {
        s->checked = true;
        return s->decoder ? refuse_others(s, s->out, s->out_len, false, err) : CRIL_OK;
    }
    return CRIL_OK;
}

void cril_stream_skip(struct cril_stream *s, size_t n)
{
    s->out_pos += n;
}

const char *cril_stream_name(const struct cril_stream *s)
{
    return s->name;
}

bool cril_stream_is_file(const struct cril_stream *s)
{
    return s->is_file;
}

uint64_t cril_stream_size(const struct cril_stream *s)
{
    return s->size;
}

uint64_t cril_stream_taken(const struct cril_stream *s)
{
    const uint64_t at = offset_of(s), left = s->out_len - s->out_pos;

    if (!s->decoder || !left)
        return at - left;
    return (uint64_t)((double)at * (1 - (double)left / (double)s->decoded));
}
