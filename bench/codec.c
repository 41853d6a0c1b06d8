/*
 * codec MODEL TEXT [SEGMENT [CONTEXT [STRIDE [STREAMS [THREADS]]]]]: compresses the text and
 * decodes it again, in memory; 0 stands for a default. One CSV row: sizes, ideal and coded bits,
 * bits per byte, seconds and tokens a second of either way.
 */
#include <cril/codec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    unsigned char *data;
    size_t n, capacity;
};

static int take(void *user, const void *data, size_t n)
{
    struct bytes *b = user;
    if (b->n + n > b->capacity) {
        b->capacity = 2 * (b->n + n);
        if (!(b->data = realloc(b->data, b->capacity)))
            abort();
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
    return 0;
}

static void check(cril_status st, const cril_error *err)
{
    if (st == CRIL_OK)
        return;
    fprintf(stderr, "codec: %s\n", err->message);
    exit(1);
}

static struct bytes read_file(const char *path)
{
    struct bytes b = {0};
    char part[1 << 16];
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "codec: %s: cannot be read\n", path);
        exit(1);
    }
    for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;)
        take(&b, part, n);
    fclose(f);
    return b;
}

int main(int argc, char **argv)
{
    size_t set[5] = {0};
    cril_error err;
    cril_model *m;
    cril_compressor *c;
    cril_archive *a;
    cril_codec_totals back;
    if (argc < 3) {
        fputs("usage: codec MODEL TEXT [SEGMENT [CONTEXT [STRIDE [STREAMS [THREADS]]]]]\n", stderr);
        return 2;
    }
    for (int i = 3; i < argc && i < 8; i++)
        set[i - 3] = (size_t)strtoull(argv[i], NULL, 10);
    const size_t segment = set[0] ? set[0] : CRIL_SEGMENT_BYTES;
    const struct bytes text = read_file(argv[2]);
    struct bytes archive = {0}, decoded = {0};
    check(cril_model_open(argv[1], &m, &err), &err);

    const cril_codec_callbacks to_archive = {.user = &archive, .write = take},
                               to_text = {.user = &decoded, .write = take};
    const cril_compress_options how = {
        .context = set[1], .stride = set[2], .threads = (unsigned)set[4]};
    check(cril_compressor_create(m, &how, &to_archive, &c, &err), &err);
    for (size_t at = 0, len; at < text.n; at += len) {
        len = text.n - at > segment ? cril_segment_cut(text.data + at, text.n - at, segment)
                                    : text.n - at;
        check(cril_compressor_add(c, text.data + at, len, &err), &err);
    }
    check(cril_compressor_finish(c, &err), &err);
    const cril_codec_totals out = *cril_compressor_totals(c);
    cril_compressor_free(c);

    check(cril_archive_read(archive.data, archive.n, "archive", &a, &err), &err);
    const cril_decompress_options again = {.streams = (unsigned)set[3],
                                           .threads = (unsigned)set[4]};
    check(cril_decompress(m, a, &again, &to_text, &back, &err), &err);
    if (decoded.n != text.n || memcmp(decoded.data, text.data, text.n) != 0) {
        fputs("codec: the text came back changed\n", stderr);
        return 1;
    }
    puts("bytes,segments,tokens,archive_bytes,ideal_bits,coded_bits,bits_per_byte,compress_s,"
         "compress_tokens_s,forward_tokens,"
         "decode_s,decode_tokens_s,context,stride");
    printf("%zu,%llu,%llu,%zu,%.0f,%llu,%.4f,%.2f,%.0f,%llu,%.2f,%.0f,%zu,%zu\n", text.n,
           (unsigned long long)out.segments, (unsigned long long)out.tokens, archive.n,
           out.nats / 0.6931471805599453, (unsigned long long)out.code_bytes * 8,
           8 * (double)archive.n / (double)text.n, out.seconds,
           (double)out.forward_tokens / out.seconds, (unsigned long long)out.forward_tokens,
           back.seconds, (double)back.tokens / back.seconds, cril_archive_info_of(a)->context,
           cril_archive_info_of(a)->stride);
    cril_archive_close(a);
    cril_model_close(m);
    free(text.data);
    free(archive.data);
    free(decoded.data);
    return 0;
}
