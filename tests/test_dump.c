/*
 * The independent decoder: scripts/decode_archive.py reads an archive and the distributions that
 * were dumped for it, and makes the same text of them; of a damaged archive it makes none. The
 * model is a random generator here. Real numbers are read back by strtod, which is exact for
 * hexadecimal forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/dump.h"
#include "entropy/range.h"
#include "make_archive.h"
#include "util/hash.h"
#include "util/random.h"

#include <float.h>
#include <stdio.h>
#include <unistd.h>

enum { N_CHUNKS = 3, LAST_CHUNK = 100, N_LOGITS = (N_CHUNKS - 1) * 1024 + LAST_CHUNK };

static const char script[] = CRIL_TEST_DATA "/../scripts/decode_archive.py";
static char folder[] = "/tmp/cril-dump-XXXXXX";
static struct cril_random generator;

struct paths {
    char archive[64], distributions[64], text[64];
};

static struct paths paths_of(void)
{
    struct paths p;

    snprintf(p.archive, sizeof(p.archive), "%s/a.cril", folder);
    snprintf(p.distributions, sizeof(p.distributions), "%s/a.dump", folder);
    snprintf(p.text, sizeof(p.text), "%s/a.txt", folder);
    return p;
}

/* A distribution, and what of a token it codes. */
struct distribution {
    double weights[N_CHUNKS], sum;
    float values[N_LOGITS];
};

static void draw(struct distribution *d)
{
    d->sum = 0;
    for (size_t c = 0; c < N_CHUNKS; c++) {
        d->weights[c] = (cril_random_next(&generator) + 1.0) * 0x1p-31;
        d->sum += d->weights[c];
    }
    for (size_t i = 0; i < N_LOGITS; i++)
        d->values[i] = cril_random_below(&generator, 9)
                           ? (float)(cril_random_next(&generator) >> 8) * 0x1p-24f
                           : (float)cril_random_below(&generator, 2) * FLT_MIN / 8;
}

static void code_token(struct cril_range_encoder *e, const struct distribution *d, size_t id)
{
    const size_t chunk = id / 1024;
    const struct cril_share shares[] = {
        cril_share_of_weight(d->weights, d->sum, N_CHUNKS, chunk),
        cril_share_of_value(d->values + chunk * 1024, chunk + 1 < N_CHUNKS ? 1024 : LAST_CHUNK,
                            id % 1024),
    };

    assert_true(cril_range_encode(e, &shares[0]) && cril_range_encode(e, &shares[1]));
}

/* A segment on its way. */
struct maker {
    const cril_tokenizer *t;
    struct cril_dump *dump;
    struct cril_range_encoder code;
    struct made_bytes text, raw, parts[2]; /* parts as formats 1 and 2 have them */
    struct cril_archive_entry entry;
};

/* A segment as both formats have it; its bytes are owned. */
struct both {
    struct made1_segment one;
    struct made_segment two;
    struct made_bytes bytes[2];
};

static void add_token(struct maker *m, uint64_t segment, bool drop)
{
    static struct distribution d;
    const char *piece;
    uint32_t id;
    size_t len;

    do {
        id = cril_random_below(&generator, (uint32_t)cril_tokenizer_size(m->t));
        piece = cril_tokenizer_piece(m->t, (int32_t)id, &len);
    } while (!len);
    made_append(&m->text, piece + drop, len - drop);
    if (m->entry.tokens == 0) {
        cril_dump_uniform(m->dump, segment, 0, N_LOGITS);
        assert_true(cril_range_encode(&m->code, &(struct cril_share){id, 1, N_LOGITS}));
    } else {
        draw(&d);
        cril_dump_token(m->dump, segment, m->entry.tokens, d.weights, d.sum, d.values, N_LOGITS);
        code_token(&m->code, &d, id);
    }
    m->entry.tokens++;
}

static void add_part(struct maker *m, uint64_t segment, const struct cril_part *p)
{
    for (uint32_t k = 0; k < p->tokens; k++)
        add_token(m, segment, p->drop && k == 0);
    for (uint32_t k = 0; k < p->raw; k++) {
        const uint8_t byte = (uint8_t)cril_random_next(&generator);

        made_append(&m->raw, &byte, 1);
        made_append(&m->text, &byte, 1);
    }
    uint8_t out[CRIL_ARCHIVE_PART];
    made1_put_part(p, made_more(&m->parts[0], MADE1_PART));
    made_append(&m->parts[1], out, cril_archive_put_part(p, out));
}

static enum cril_segment_kind kind_of(const struct cril_part *parts, size_t n)
{
    if (n > 1 || (parts->raw && parts->tokens))
        return CRIL_SEGMENT_PARTS;
    return !parts->tokens ? CRIL_SEGMENT_STORED
           : parts->drop  ? CRIL_SEGMENT_DROPPED
                          : CRIL_SEGMENT_TOKENS;
}

/* A segment of these parts, its tokens at random; its text is appended to *text. */
static struct both make_segment(uint64_t i, const struct cril_part *parts, size_t n_parts,
                                const cril_tokenizer *t, struct cril_dump *dump,
                                struct made_bytes *text)
{
    struct maker m = {.t = t, .dump = dump};
    struct cril_archive_entry *const e = &m.entry;
    struct both out = {0};

    cril_range_encoder_init(&m.code);
    for (size_t p = 0; p < n_parts; p++)
        add_part(&m, i, &parts[p]);
    assert_true(cril_range_encoder_finish(&m.code));
    e->kind = kind_of(parts, n_parts);
    if (e->kind != CRIL_SEGMENT_TOKENS)
        made_append(&out.bytes[0], m.parts[0].data, m.parts[0].n);
    if (e->kind == CRIL_SEGMENT_PARTS)
        made_append(&out.bytes[1], m.parts[1].data, e->part_bytes = m.parts[1].n);
    for (int k = 0; k < 2; k++) {
        made_append(&out.bytes[k], m.raw.data, m.raw.n);
        made_append(&out.bytes[k], m.code.data, m.code.n);
    }
    made_append(text, m.text.data, m.text.n);
    e->original = (uint32_t)m.text.n;
    e->raw = (uint32_t)m.raw.n;
    e->code = (uint32_t)m.code.n;
    e->crc = cril_archive_crc(0, m.text.data, m.text.n);
    out.one = (struct made1_segment){{e->original, e->tokens,
                                      e->kind == CRIL_SEGMENT_TOKENS ? 0 : (uint32_t)n_parts,
                                      e->raw, e->code, e->crc, 0},
                                     out.bytes[0].data,
                                     out.bytes[0].n};
    out.two = (struct made_segment){*e, out.bytes[1].data, out.bytes[1].n};
    free(m.text.data);
    free(m.raw.data);
    free(m.parts[0].data);
    free(m.parts[1].data);
    cril_range_encoder_free(&m.code);
    return out;
}

static void hash(const struct made_bytes *text, uint8_t out[32])
{
    struct cril_sha256 *h;
    char hex[65];

    assert_int_equal(cril_sha256_create(&h, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_update(h, text->data, text->n, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_final(h, hex, NULL), CRIL_OK);
    cril_sha256_free(h);
    for (size_t i = 0; i < 32; i++) {
        unsigned byte;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
}

static void write_file(const char *path, const struct made_bytes *b)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, b->n, f), b->n);
    assert_int_equal(fclose(f), 0);
}

/* The script's exit status; its text in *got. */
static int decode(struct made_bytes *got)
{
    const struct paths p = paths_of();
    char command[512];
    int status, c;
    FILE *f;

    snprintf(command, sizeof(command), "python3 '%s' %s %s >%s 2>%s.err", script, p.archive,
             p.distributions, p.text, p.text);
    status = system(command);
    assert_non_null(f = fopen(p.text, "rb"));
    got->n = 0;
    while ((c = getc(f)) != EOF)
        *made_more(got, 1) = (uint8_t)c;
    fclose(f);
    return status;
}

static const struct cril_part parts[][3] = {
    {{9, 1, 3}, {5, 0, 0}, {1, 1, 2}}, {{0, 0, 40}}, {{30, 0, 0}}, {{20, 1, 0}}};
static const size_t n_parts[] = {3, 1, 1, 1};
enum { N_SEGMENTS = sizeof(n_parts) / sizeof(n_parts[0]) };

static struct made_bytes make(unsigned format, const struct both *s, size_t n,
                              const struct made_bytes *text)
{
    const struct cril_archive_header h = {
        .numerics = 1, .rules = 2, .context = 7, .stride = 3, .first_token = -1};
    const struct made1_header h1 = {.version = 1,
                                    .numerics = 1,
                                    .protocol = 1,
                                    .context = 7,
                                    .stride = 3,
                                    .n_logits = N_LOGITS,
                                    .first_token = UINT32_MAX};
    struct made1_trailer trailer = {.n_segments = n, .original = text->n};
    struct made1_segment one[N_SEGMENTS];
    struct made_segment two[N_SEGMENTS];

    hash(text, trailer.sha256);
    for (size_t i = 0; i < n; i++) {
        one[i] = s[i].one;
        two[i] = s[i].two;
    }
    return format == 1 ? make_archive1(&h1, one, n, &trailer)
                       : make_archive(&h, two, n, trailer.sha256);
}

/* Segments first .. first + n - 1 as an archive, which is damaged here and there then. */
static void check_decoder(const cril_tokenizer *t, unsigned format, size_t first, size_t n)
{
    const struct paths p = paths_of();
    struct made_bytes text = {NULL, 0}, got = {NULL, 0}, archive;
    struct both segments[N_SEGMENTS];
    struct cril_dump *dump;

    assert_int_equal(cril_dump_open(p.distributions, t, &dump, NULL), CRIL_OK);
    for (size_t i = 0; i < n; i++)
        segments[i] = make_segment(i, parts[first + i], n_parts[first + i], t, dump, &text);
    assert_int_equal(cril_dump_close(dump, NULL), CRIL_OK);
    archive = make(format, segments, n, &text);
    write_file(p.archive, &archive);
    assert_int_equal(decode(&got), 0);
    assert_int_equal(got.n, text.n);
    if (text.n)
        assert_memory_equal(got.data, text.data, text.n);

    for (size_t at = 3; n > 1 && at < archive.n; at += archive.n / 5) {
        archive.data[at] ^= 0x10;
        write_file(p.archive, &archive);
        assert_int_not_equal(decode(&got), 0);
        assert_int_equal(got.n, 0);
        archive.data[at] ^= 0x10;
    }
    for (size_t i = 0; i < n; i++) {
        free(segments[i].bytes[0].data);
        free(segments[i].bytes[1].data);
    }
    free(archive.data);
    free(text.data);
    free(got.data);
}

static void test_decoder(void **state)
{
    cril_tokenizer *t;

    (void)state;
    if (system("python3 -c ''") != 0)
        skip();
    assert_int_equal(cril_tokenizer_open(CRIL_TEST_DATA "/golden/sp-bpe-bytes.gguf", &t, NULL),
                     CRIL_OK);
    check_decoder(t, 1, 0, N_SEGMENTS);
    check_decoder(t, 2, 0, N_SEGMENTS);
    check_decoder(t, 2, 0, 0);
    for (size_t i = 0; i < N_SEGMENTS; i++)
        check_decoder(t, 2, i, 1);
    cril_tokenizer_free(t);
}

/* Edges of the written form, read back. */
static void test_reals(void **state)
{
    static const double reals[N_CHUNKS] = {0, DBL_TRUE_MIN, DBL_MAX};
    static const float edges[] = {0, 1, FLT_TRUE_MIN, FLT_MIN, 0.1f, 1 - 0x1p-24f, 0x1p-100f};
    static float values[N_LOGITS];
    const struct paths p = paths_of();
    char *line = NULL;
    size_t capacity = 0, n = 0;
    struct cril_dump *dump;
    cril_tokenizer *t;
    FILE *f;

    (void)state;
    memcpy(values, edges, sizeof(edges));
    assert_int_equal(cril_tokenizer_open(CRIL_TEST_DATA "/golden/sp-bpe-bytes.gguf", &t, NULL),
                     CRIL_OK);
    assert_int_equal(cril_dump_open(p.distributions, t, &dump, NULL), CRIL_OK);
    cril_dump_token(dump, 0, 0, reals, 1.0 / 3, values, N_LOGITS);
    assert_int_equal(cril_dump_close(dump, NULL), CRIL_OK);
    assert_non_null(f = fopen(p.distributions, "r"));
    assert_true(getline(&line, &capacity, f) > 0); /* pieces */
    assert_true(getline(&line, &capacity, f) > 0);
    fclose(f);
    for (char *s = strstr(line, "\"0x"); s; s = strstr(s + 1, "\"0x"), n++) {
        const double got = strtod(s + 1, NULL);

        if (n < N_CHUNKS)
            assert_true(got == reals[n]);
        else if (n == N_CHUNKS)
            assert_true(got == 1.0 / 3);
        else
            assert_true(got == (double)values[n - N_CHUNKS - 1]);
    }
    assert_int_equal(n, N_CHUNKS + 1 + N_LOGITS);
    free(line);
    cril_tokenizer_free(t);
}

static void test_failures(void **state)
{
    struct cril_dump *dump = NULL;
    cril_tokenizer *t;
    cril_error err;

    (void)state;
    assert_int_equal(cril_tokenizer_open(CRIL_TEST_DATA "/golden/sp-bpe-bytes.gguf", &t, NULL),
                     CRIL_OK);
    assert_int_equal(cril_dump_open("/no/such/folder/a", t, &dump, &err), CRIL_ERR_IO);
    assert_null(dump);
    assert_non_null(strstr(err.message, "/no/such/folder/a: "));
    if (cril_dump_open("/dev/full", t, &dump, &err) == CRIL_OK) {
        assert_int_equal(cril_dump_close(dump, &err), CRIL_ERR_IO);
        assert_non_null(strstr(err.message, "/dev/full: "));
    }
    cril_tokenizer_free(t);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    const struct paths p = paths_of();
    char errors[80];

    (void)state;
    snprintf(errors, sizeof(errors), "%s.err", p.text);
    unlink(errors);
    unlink(p.archive);
    unlink(p.distributions);
    unlink(p.text);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoder),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_failures),
    };

    generator = cril_random_seed(3);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
