/*
 * Any bytes to tokens and raw bytes and back, with every vocabulary of tests/golden and, with
 * CRIL_SHARED, llama.cpp's: texts of all kinds, random ones, the promises of spell.h and
 * spelling.h, what is unspelled, time, and what cril_unspell says to segments that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/spell.h"
#include "tokenizer/tokenizer.h"
#include "util/random.h"

#include <cril/corpus.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* --- vocabularies --- */

struct subject {
    const char *name; /* of the file */
    cril_tokenizer *t;
    struct cril_speller *s;
};

static struct subject subjects[64];
static size_t n_subjects;

static void open_subject(const char *name, const uint8_t *data, size_t n)
{
    char copy[] = "/tmp/cril-spell-XXXXXX";
    struct subject *x = &subjects[n_subjects++];
    const int fd = mkstemp(copy);
    cril_error err = {0};

    assert_true(n_subjects <= 64 && fd >= 0);
    assert_int_equal(write(fd, data, n), (ssize_t)n);
    close(fd);
    x->name = strdup(name);
    if (cril_tokenizer_open(copy, &x->t, &err) != CRIL_OK ||
        cril_speller_create(x->t, &x->s, &err) != CRIL_OK)
        fail_msg("%s: %s", name, err.message);
    unlink(copy);
}

/* The same vocabulary with a space in front of each text, under the name "spaced". */
static void open_spaced(uint8_t *data, size_t n)
{
    static const char key[] =
        "tokenizer.ggml.add_space_prefix"; /* type, 4 bytes, and the value follow */
    const size_t len = sizeof(key) - 1;

    for (size_t i = 0; i + len + 4 < n; i++)
        if (!memcmp(data + i, key, len)) {
            assert_int_equal(data[i + len + 4], 0);
            data[i + len + 4] = 1;
            open_subject("spaced", data, n);
            return;
        }
    fail_msg("no %s", key);
}

/* A vocabulary whose tokenizer puts texts in composed form, under the name "composing". */
static void open_composing(uint8_t *data, size_t n)
{
    for (size_t i = 0; i + 5 < n; i++)
        if (!memcmp(data + i, "gpt-2", 5)) {
            memcpy(data + i, "qwen2", 5);
            open_subject("composing", data, n);
            return;
        }
    fail_msg("no gpt-2");
}

static void add_subject(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    size_t n = 0, capacity = 16 << 20;
    uint8_t *data = malloc(capacity);
    gzFile f = gzopen(path, "rb"); /* plain files are read as they are */
    int got;

    assert_true(data && f);
    while ((got = gzread(f, data + n, (unsigned)(capacity - n))) > 0)
        n += (size_t)got;
    assert_true(got == 0 && n < capacity);
    gzclose(f);
    open_subject(name, data, n);
    if (!strcmp(name, "sp-bpe-bytes.gguf"))
        open_spaced(data, n);
    if (!strcmp(name, "tiny-llama.gguf"))
        open_composing(data, n);
    free(data);
}

static int open_all(void **state)
{
    const char *const shared = getenv("CRIL_SHARED");
    char pattern[600];
    glob_t found;

    (void)state;
    assert_int_equal(glob(CRIL_TEST_DATA "/golden/*.gguf", 0, NULL, &found), 0);
    if (shared) {
        snprintf(pattern, sizeof(pattern), "%s/data/vocab/*.gguf", shared);
        glob(pattern, GLOB_APPEND, NULL, &found);
        snprintf(pattern, sizeof(pattern), "%s/data/vocab/*.gguf.gz", shared);
        glob(pattern, GLOB_APPEND, NULL, &found);
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        add_subject(found.gl_pathv[i]);
    globfree(&found);
    print_message("%zu vocabularies\n", n_subjects);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_subjects; i++) {
        cril_speller_free(subjects[i].s);
        cril_tokenizer_free(subjects[i].t);
        free((char *)(uintptr_t)subjects[i].name);
    }
    return 0;
}

static const struct subject *subject(const char *name)
{
    for (size_t i = 0; i < n_subjects; i++)
        if (!strcmp(subjects[i].name, name))
            return &subjects[i];
    fail_msg("%s: missing", name);
    return NULL;
}

/* --- round trips --- */

static struct cril_spelling spelling; /* used again and again, as the codec does */

/* The segment that the codec would write; .parts is owned by the caller. */
static struct cril_segment segment_of(const struct cril_spelling *s, size_t len)
{
    uint8_t *parts = malloc(s->n_parts * CRIL_ARCHIVE_PART + 1);

    assert_non_null(parts);
    for (size_t i = 0; i < s->n_parts; i++) {
        const uint32_t v[3] = {s->parts[i].tokens, s->parts[i].drop, s->parts[i].raw};

        memcpy(parts + i * CRIL_ARCHIVE_PART, v, sizeof(v));
    }
    return (struct cril_segment){
        .entry = {.original = (uint32_t)len,
                  .tokens = (uint32_t)s->ids.n,
                  .kind = s->n_parts ? CRIL_SEGMENT_PARTS : CRIL_SEGMENT_TOKENS,
                  .part_bytes = s->n_parts * CRIL_ARCHIVE_PART},
        .parts = parts,
        .raw = s->raw,
        .raw_bytes = s->n_raw,
    };
}

static void check_promises(const struct subject *x, const struct cril_spelling *s, size_t len)
{
    size_t tokens = 0, raw = 0, piece_len;

    for (size_t i = 0; i < s->ids.n; i++)
        if (!cril_tokenizer_text(x->t, s->ids.data[i], &piece_len) || !piece_len)
            fail_msg("%s: token %d is no text", x->name, s->ids.data[i]);
    for (size_t i = 0; i < s->n_parts; i++) {
        tokens += s->parts[i].tokens;
        raw += s->parts[i].raw;
        assert_true(s->parts[i].drop <= 1 && s->parts[i].drop <= s->parts[i].tokens);
    }
    if (s->n_parts)
        assert_int_equal(tokens, s->ids.n);
    assert_int_equal(raw, s->n_raw);
    assert_true(s->ids.n <= len + s->n_parts);
    assert_true(CRIL_ARCHIVE_PART * s->n_parts + s->n_raw <= CRIL_ARCHIVE_PART + len);
}

/* Whether what ids stand for, put together, is the text. */
static bool ids_are(const cril_tokenizer *t, const cril_ids *ids, const char *text, size_t len)
{
    size_t at = 0, n;

    for (size_t i = 0; i < ids->n; i++) {
        const char *piece = cril_tokenizer_text(t, ids->data[i], &n);

        if (!piece || n > len - at || memcmp(piece, text + at, n) != 0)
            return false;
        at += n;
    }
    return ids->n && at == len;
}

/* Nothing is unspelled exactly where the tokenizer's own tokens are the text, or a space and the
   text; the codec then takes these tokens, and else others. */
static void check_unspelled(const struct subject *x, const char *text, size_t len)
{
    char *spaced = malloc(len + 1);
    struct cril_unspelled u;
    cril_ids own = {0};

    assert_non_null(spaced);
    spaced[0] = ' ';
    memcpy(spaced + 1, text, len);
    cril_tokenizer_encode(x->t, text, len, CRIL_ENCODE_TEXT, &own, NULL); /* or none */
    const bool spelled = ids_are(x->t, &own, text, len) || ids_are(x->t, &own, spaced, len + 1);
    assert_int_equal(cril_speller_count(x->s, own.data, own.n, text, len, &u, NULL), CRIL_OK);
    if ((u.characters == 0) != spelled)
        fail_msg("%s: %d characters of \"%.40s\" are unspelled, but its tokens are %sthe text",
                 x->name, (int)u.characters, text, spelled ? "" : "not ");
    assert_true(u.characters <= cril_count_characters(text, len));
    assert_true(u.escape_bytes >= u.characters && (u.escape_bytes > 0) == (u.characters > 0));
    assert_true(spelled == (own.n && spelling.ids.n == own.n &&
                            !memcmp(spelling.ids.data, own.data, own.n * sizeof(*own.data))));
    cril_ids_free(&own);
    free(spaced);
}

static void round_trip(const struct subject *x, const void *text, size_t len)
{
    uint8_t *back = malloc(len);
    cril_error err = {0};

    assert_non_null(back);
    if (cril_segment_spell(x->s, text, len, &spelling, &err) != CRIL_OK)
        fail_msg("%s: %s", x->name, err.message);
    check_promises(x, &spelling, len);
    check_unspelled(x, text, len);
    const struct cril_segment segment = segment_of(&spelling, len);
    if (cril_unspell(x->t, &segment, spelling.ids.data, spelling.ids.n, back, len, &err) != CRIL_OK)
        fail_msg("%s: %s", x->name, err.message);
    if (memcmp(back, text, len) != 0)
        fail_msg("%s: %zu bytes \"%.40s\" come back as others", x->name, len, (const char *)text);
    free((uint8_t *)(uintptr_t)segment.parts);
    free(back);
}

static void round_trip_all(const void *text, size_t len)
{
    for (size_t i = 0; i < n_subjects; i++)
        round_trip(&subjects[i], text, len);
}

static const char prose[] =
    "It was a bright cold day in April, and the clocks were striking thirteen. Winston "
    "Smith (39) said:\n\n\t\"don't -- you'll   see!\"\r\nint main(void) { return 0; }\n";

static void every_byte_alone(void **state)
{
    (void)state;
    for (unsigned b = 0; b < 256; b++) {
        const uint8_t text[] = {(uint8_t)b};

        round_trip_all(text, 1);
    }
}

static void texts_of_all_kinds(void **state)
{
#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
    static const struct {
        const char *data;
        size_t len;
    } texts[] = {
        TEXT(prose),
        TEXT("Caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e "
             "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 "
             "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85 "
             "\xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4\xe0\xa5\x87 "
             "\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac "
             "\xed\x95\x9c\xea\xb8\x80"),
        TEXT("a text that is mostly right \x80 but \xc3 not \xe2\x82 quite \xf0\x9f\x98 everywhere "
             "\xc0\xaf and "
             "\xe0\x80\x80, \xed\xa0\x80 or \xf4\x90\x80\x80 and \xf5 \xff \xfe, and ends in "
             "\xe6\x97"),
        TEXT("\x80\x80\x80\x80 one quarter"),
        TEXT("\xff\xfe\xfd"),
        TEXT("\0\0\0"),
        TEXT("a\0b\0c \0 the end of it\0"),
        TEXT("the\0the time in the\0 time\0\0\0the time"),
        TEXT("Le coll\xe8gue a \xe9t\xe9 \xe0 No\xebl, o\xf9 l'on f\xeat"
             "a le ma\xeetre; et cetera \xab voil\xe0 \xbb"),
        TEXT("\xff\xfeT\0h\0e\0 \0t\0i\0m\0e\0 \0i\0n\0 \0t\0h\0e\0"),
        TEXT(" "),
        TEXT("  "),
        TEXT(" a"),
        TEXT("  a  "),
        TEXT("a   b    c     d "),
        TEXT("\n"),
        TEXT("\n\n a\n"),
        TEXT("</s>"),
        TEXT("<s>a</s>b<s>"),
        TEXT("<|endoftext|>"),
        TEXT("a<|endoftext|> the<|endoftext|>the time"),
        TEXT("<unk>"),
        TEXT("<0x0A><0xFF>"),
        TEXT("<pad><bos><start_of_turn>user\nthe<end_of_turn>"),
        TEXT("\xe2\x96\x81"),
        TEXT("\xe2\x96\x81the\xe2\x96\x81\xe2\x96\x81time \xe2\x96\x81 in"),
        TEXT("the\xef\xbf\xbdtime \xef\xbf\xbd\xef\xbf\xbd"),
        TEXT("\xef\xbb\xbfthe"),
        TEXT("e\xcc\x81 Caf\xc3\xa9 e\xcc\x81\xcc\xa3 \xef\xac\x81 \xe2\x84\xab "
             "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab "
             "\xef\xbc\xa1\xc2\xbd\xe2\x85\xa7\xc2\xa0\xe3\x80\x80x"),
        TEXT("\xc4\xa0the \xc4\x8a \xc4\xa0\xc4\xa0"),
        TEXT("\x01\x02\x7f\x1b[0m the \x0b\x0c"),
        TEXT("\xf3\xa0\x80\x81\xf4\x8f\xbf\xbf\xee\x80\x80"),
    };
#undef TEXT

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        round_trip_all(texts[i].data, texts[i].len);
}

static size_t put_character(uint32_t c, uint8_t *out)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (c & 63));
    return 4;
}

static uint32_t any_character(struct cril_random *g, uint32_t below)
{
    uint32_t c;

    do
        c = cril_random_below(g, below);
    while (c >= 0xd800 && c < 0xe000);
    return c;
}

/* A few bytes of one kind after those of another. */
static size_t random_text(struct cril_random *g, uint8_t *out, size_t max)
{
    static const char *const words[] = {
        "the",      " time", " in",          "\n",        "  ",           "</s>",
        "<s>",      "<unk>", "\xe2\x96\x81", "e\xcc\x81", "\xef\xac\x81", "<|endoftext|>",
        "\xc2\xa0", " ",     "<0x41>",       "aaaaaaa"};
    const uint32_t kinds = 1 + cril_random_below(g, 63);
    const size_t len = 1 + cril_random_below(g, (uint32_t)max - 16);
    size_t n = 0;

    while (n < len) {
        const uint32_t kind = cril_random_below(g, 6);

        if (!(kinds >> kind & 1))
            continue;
        if (kind == 0)
            out[n++] = (uint8_t)cril_random_below(g, 256);
        else if (kind == 1)
            n += put_character(any_character(g, 0x110000), out + n);
        else if (kind == 2)
            n += put_character(any_character(g, 0x500), out + n);
        else if (kind == 3)
            out[n++] = (uint8_t)(' ' + cril_random_below(g, 95));
        else {
            const char *word =
                words[cril_random_below(g, kind == 4 ? 5 : sizeof(words) / sizeof(words[0]))];

            memcpy(out + n, word, strlen(word));
            n += strlen(word);
        }
    }
    return n;
}

static void random_texts(void **state)
{
    const uint64_t seed = 20240607;
    struct cril_random g = cril_random_seed(seed);
    uint8_t text[2048];

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 300; i++)
        round_trip_all(text, random_text(&g, text, i < 200 ? 100 : sizeof(text)));
}

static void random_bytes(void **state)
{
    struct cril_random g = cril_random_seed(7);
    uint8_t text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)cril_random_next(&g);
    round_trip_all(text, sizeof(text));
    for (size_t i = 0; i < n_subjects; i++) { /* no text: left as it is */
        assert_int_equal(cril_segment_spell(subjects[i].s, text, sizeof(text), &spelling, NULL),
                         CRIL_OK);
        assert_int_equal(spelling.ids.n, 0);
        assert_int_equal(spelling.n_parts, 1);
        assert_int_equal(spelling.n_raw, sizeof(text));
    }
}

/* --- what it finds --- */

/* Where no space is put in front and each byte has a token, plain text is the tokenizer's own ids
 * and nothing else. */
static void plain_text_is_the_tokenizers(void **state)
{
    cril_ids ids = {0};

    (void)state;
    for (size_t i = 0; i < n_subjects; i++) {
        const struct subject *x = &subjects[i];

        if (strncmp(cril_tokenizer_kind(x->t), "bpe (", 5) != 0 &&
            strcmp(x->name, "tiny-gemma3.gguf") != 0)
            continue;
        ids.n = 0;
        assert_int_equal(
            cril_tokenizer_encode(x->t, prose, sizeof(prose) - 1, CRIL_ENCODE_TEXT, &ids, NULL),
            CRIL_OK);
        round_trip(x, prose, sizeof(prose) - 1);
        if (spelling.n_parts)
            fail_msg("%s: %zu parts", x->name, spelling.n_parts);
        assert_int_equal(spelling.ids.n, ids.n);
        assert_memory_equal(spelling.ids.data, ids.data, ids.n * sizeof(*ids.data));
    }
    cril_ids_free(&ids);
}

/* Bytes without UTF-8 have tokens of their own, and the text goes on after them in the same part.
 */
static void bad_bytes_become_byte_tokens(void **state)
{
    static const char text[] = "The time in on \xe9t\xe9 her, and the\xff time";

    (void)state;
    round_trip(subject("tiny-qwen2.gguf"), text, sizeof(text) - 1);
    assert_int_equal(spelling.n_parts, 0);
    round_trip(subject("tiny-gemma3.gguf"), text, sizeof(text) - 1);
    assert_int_equal(spelling.n_parts, 0);
    round_trip(subject("spaced"), text,
               sizeof(text) - 1); /* one space, in front of the text, and none of the runs */
    assert_int_equal(spelling.n_parts, 1);
    assert_int_equal(spelling.parts->drop, 1);
    assert_int_equal(spelling.n_raw, 0);
}

/* What the tokenizer composes has byte tokens of its own: nothing is raw, and it comes back. */
static void what_is_composed_comes_back(void **state)
{
    static const char text[] = "The caf\x65\xcc\x81 is on the \xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab "
                               "and a\xcc\x81\xcc\xa3 in \xe2\x84\xab, the time";
    const struct subject *const x = subject("composing");
    cril_ids own = {0};

    (void)state;
    round_trip(x, text, sizeof(text) - 1);
    assert_int_equal(spelling.n_parts, 0);
    assert_int_equal(
        cril_tokenizer_encode(x->t, text, sizeof(text) - 1, CRIL_ENCODE_TEXT, &own, NULL), CRIL_OK);
    assert_true(own.n < spelling.ids.n); /* the tokenizer's own ids stand for another text */
    cril_ids_free(&own);
}

/* Without byte tokens: raw, and so is a run that is too short for a part. */
static void what_has_no_token_is_raw(void **state)
{
    static const char text[] = "The Software is provided\x01the\x02"
                               "and the Software is\x03";

    (void)state;
    round_trip(subject("sp-bpe.gguf"), text, sizeof(text) - 1);
    assert_int_equal(spelling.n_parts, 2);
    assert_int_equal(spelling.parts[0].raw, 5);
    assert_int_equal(spelling.parts[1].raw, 1);
    assert_memory_equal(spelling.raw, "\x01the\x02\x03", 6);
}

/* Characters of a text that are unspelled, with sp-bpe.gguf (no byte tokens), sp-unigram.gguf (nor
   there; normalises, squeezes blanks), sp-unigram-bytes.gguf (normalises), tiny-gemma3.gguf and
   tiny-qwen2.gguf (all bytes). */
static void unspelled_characters_are_counted(void **state)
{
    enum { N = 5 };
    static const char *const names[N] = {"sp-bpe.gguf", "sp-unigram.gguf", "sp-unigram-bytes.gguf",
                                         "tiny-gemma3.gguf", "tiny-qwen2.gguf"};
    static const struct {
        const char *what, *text;
        int counts[N];
    } rows[] = {
        {"plain text", "The time in the", {0, 0, 0, 0, 0}},
        {"no UTF-8", "the caf\xe9 \xff\xfe the", {3, 3, 3, 3, 3}},
        {"half a character", "the time \xe4\xb8", {1, 1, 1, 1, 1}},
        {"no token", "\xe4\xb8\x80\xe4\xb8\x81 the \xe4\xb8\x80", {1, 1, 0, 0, 0}},
        {"a run of no token", "the \x01\x02\x03 time", {3, 3, 0, 0, 0}},
        {"a letter and an accent", "the cafe\xcc\x81 in time", {1, 1, 2, 0, 0}},
        {"a syllable in parts", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab the", {3, 3, 0, 0, 0}},
        {"a ligature", "the \xef\xac\x81x in", {1, 1, 1, 0, 0}},
        {"blanks", "the  time   in", {0, 3, 0, 0, 0}},
        {"a blank at the end", " the time ", {0, 1, 0, 0, 0}},
        {"blanks beside no token", "the \xe4\xb8\x81 time", {1, 1, 0, 0, 0}},
        {"line ends", "the\r\ntime", {2, 2, 2, 0, 0}},
        {"U+2581", "the\xe2\x96\x81time", {1, 1, 1, 1, 0}},
        {"U+FFFD", "the \xef\xbf\xbd time", {1, 1, 0, 0, 0}},
        {"a look-alike", "the time</s> in", {1, 1, 0, 0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t k = 0; k < N; k++) {
            const struct subject *x = subject(names[k]);
            struct cril_unspelled u;

            assert_int_equal(
                cril_speller_count(x->s, NULL, 0, rows[i].text, strlen(rows[i].text), &u, NULL),
                CRIL_OK);
            if (u.characters != (uint64_t)rows[i].counts[k])
                fail_msg("%s, %s: %d unspelled characters, not %d", rows[i].what, x->name,
                         (int)u.characters, rows[i].counts[k]);
        }
}

/* The escape's price is what the archive's parts and raw bytes take. */
static void escapes_cost_what_they_take(void **state)
{
    static const char text[] = "The Software is provided\x01 and then the Software is\x03\x04";
    const struct subject *x = subject("sp-bpe.gguf");
    struct cril_unspelled u;
    uint8_t part[CRIL_ARCHIVE_PART];

    (void)state;
    round_trip(x, text, sizeof(text) - 1);
    assert_int_equal(cril_speller_count(x->s, NULL, 0, text, sizeof(text) - 1, &u, NULL), CRIL_OK);
    assert_int_equal(u.characters, 3);
    assert_int_equal(spelling.n_parts, 2);
    assert_int_equal(u.escape_bytes, 3 + cril_archive_put_part(&spelling.parts[0], part) +
                                         cril_archive_put_part(&spelling.parts[1], part));
    assert_int_equal(spelling.n_raw, 3);
}

/* --- time --- */

static double seconds_for(const struct subject *x, const uint8_t *text, size_t len)
{
    struct timespec a, b;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    assert_int_equal(cril_segment_spell(x->s, text, len, &spelling, NULL), CRIL_OK);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* Spells text [len] with every vocabulary; prints the slowest, which a quadratic way would take
 * minutes for. */
static void is_quick(const char *what, const uint8_t *text, size_t len)
{
    const char *name = "";
    double max = 0;

    for (size_t i = 0; i < n_subjects; i++) {
        const double t = seconds_for(&subjects[i], text, len);

        if (t > max) {
            max = t;
            name = subjects[i].name;
        }
    }
    print_message("%s: %.3f s for %zu bytes with %s\n", what, max, len, name);
    assert_true(max < 20.0);
}

static void time_is_linear(void **state)
{
    static const struct {
        const char *what, *unit;
    } repeated[] = {
        {"one letter", "a"},
        {"spaces", " "},
        {"0x01", "\x01"},
        {"0x01 and letters", "a\x01"},
        {"marks", "\xe2\x96\x81"},
        {"accents", "e\xcc\x81"},
        {"ligatures", "\xef\xac\x81 x"},
        {"end of text", "a<|endoftext|>"},
        {"</s>", "the</s> time"},
        {"Latin-1", "abc\xe9"},
    };
    const size_t len = (1 << 20) / CRIL_TEST_SCALE;
    struct cril_random g = cril_random_seed(3);
    uint8_t *text = malloc(len + 4);
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
        const size_t unit = strlen(repeated[i].unit);

        for (size_t k = 0; k < len; k++)
            text[k] = (uint8_t)repeated[i].unit[k % unit];
        is_quick(repeated[i].what, text, len);
    }
    while (n < 200000)
        n += put_character(any_character(&g, 0x110000), text + n);
    is_quick("random Unicode", text, n);
    round_trip_all(text, n);
    memset(text, 'a', 200000);
    round_trip_all(text, 200000);
    free(text);
}

/* --- segments that lie --- */

struct lie {
    uint32_t parts[2][3], n_parts, tokens;
    int32_t ids[2];
    size_t n_ids, raw_bytes, len;
    const char *says; /* NULL: true after all */
};

static void lies_are_refused(void **state)
{
    static const struct lie lies[] = {
        /* 65: "a" of tiny-qwen2, 66: "b" */
        {.tokens = 2, .ids = {65, 66}, .n_ids = 2, .len = 2},
        {.tokens = 2, .ids = {65, 66}, .n_ids = 2, .len = 1, .says = "more than its 1 bytes"},
        {.tokens = 2, .ids = {65, 66}, .n_ids = 2, .len = 3, .says = "2 of 3 bytes"},
        {.tokens = 1, .ids = {65, 66}, .n_ids = 2, .len = 1, .says = "1 of 2 tokens"},
        {.tokens = 3, .ids = {65, 66}, .n_ids = 2, .len = 3, .says = "part 0"},
        {.tokens = UINT32_MAX, .ids = {65, 66}, .n_ids = 2, .len = 3, .says = "part 0"},
        {.tokens = 2, .ids = {65, -1}, .n_ids = 2, .len = 2, .says = "token -1"},
        {.tokens = 2,
         .ids = {INT32_MAX, 65},
         .n_ids = 2,
         .len = 2,
         .says = "not in the vocabulary"},
        {.len = 1, .says = "0 of 1 bytes"},
        {.tokens = 2, .ids = {65, 66}, .n_ids = 2, .raw_bytes = 1, .len = 2, .says = "0 of 1 raw"},
        {.n_parts = 2,
         .parts = {{1, 0, 1}, {1, 1, 2}},
         .tokens = 2,
         .ids = {65, 66},
         .n_ids = 2,
         .raw_bytes = 3,
         .len = 4},
        {.n_parts = 1, .parts = {{0, 0, 3}}, .raw_bytes = 3, .len = 3},
        {.n_parts = 1, .parts = {{0, 0, 3}}, .raw_bytes = 3, .len = 2, .says = "more than its 2"},
        {.n_parts = 1, .parts = {{0, 0, 3}}, .raw_bytes = 2, .len = 3, .says = "part 0"},
        {.n_parts = 1, .parts = {{0, 0, UINT32_MAX}}, .raw_bytes = 2, .len = 3, .says = "part 0"},
        {.n_parts = 1, .parts = {{0, 1, 3}}, .raw_bytes = 3, .len = 3, .says = "part 0"},
        {.n_parts = 1,
         .parts = {{2, 2, 0}},
         .tokens = 2,
         .ids = {65, 66},
         .n_ids = 2,
         .len = 1,
         .says = "part 0"},
        {.n_parts = 2,
         .parts = {{2, 0, 0}, {1, 0, 0}},
         .tokens = 2,
         .ids = {65, 66},
         .n_ids = 2,
         .len = 3,
         .says = "part 1"},
        {.n_parts = 1,
         .parts = {{1, 0, 0}},
         .tokens = 2,
         .ids = {65, 66},
         .n_ids = 2,
         .len = 1,
         .says = "1 of 2 tokens"},
    };
    const struct subject *x = subject("tiny-qwen2.gguf");

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        const struct lie *l = &lies[i];
        uint8_t *out = malloc(l->len), *raw = malloc(l->raw_bytes + 1);
        cril_error err = {0};

        assert_true(out && raw);
        memset(raw, 'r', l->raw_bytes + 1);
        const struct cril_segment s = {
            .entry = {.original = (uint32_t)l->len,
                      .tokens = l->tokens,
                      .kind = l->n_parts ? CRIL_SEGMENT_PARTS : CRIL_SEGMENT_TOKENS,
                      .part_bytes = l->n_parts * CRIL_ARCHIVE_PART},
            .parts = (const uint8_t *)l->parts,
            .raw = l->raw_bytes ? raw : NULL,
            .raw_bytes = l->raw_bytes,
        };
        const cril_status st =
            cril_unspell(x->t, &s, l->n_ids ? l->ids : NULL, l->n_ids, out, l->len, &err);
        assert_int_equal(st, l->says ? CRIL_ERR_FORMAT : CRIL_OK);
        if (l->says && !strstr(err.message, l->says))
            fail_msg("lie %zu: \"%s\" does not say \"%s\"", i, err.message, l->says);
        free(out);
        free(raw);
    }
}

/* Random parts and ids: a status, never a byte outside. */
static void random_segments(void **state)
{
    struct cril_random g = cril_random_seed(11);

    (void)state;
    for (int i = 0; i < 20000; i++) {
        const struct subject *x = &subjects[cril_random_below(&g, (uint32_t)n_subjects)];
        const uint32_t n_ids = cril_random_below(&g, 5), n_parts = cril_random_below(&g, 4),
                       raw = cril_random_below(&g, 5);
        const uint32_t len = 1 + cril_random_below(&g, 40);
        uint32_t parts[4][3];
        int32_t ids[5];
        uint8_t *out = malloc(len), raws[5] = {0};

        assert_non_null(out);
        for (uint32_t k = 0; k < 4; k++) {
            parts[k][0] = cril_random_below(&g, 4);
            parts[k][1] =
                cril_random_below(&g, 16) ? cril_random_below(&g, 2) : cril_random_next(&g);
            parts[k][2] = cril_random_below(&g, 4);
        }
        for (uint32_t k = 0; k < 5; k++)
            ids[k] = cril_random_below(&g, 16) ? (int32_t)cril_random_below(&g, 300)
                                               : (int32_t)cril_random_next(&g);
        const struct cril_segment s = {
            .entry = {.original = len,
                      .tokens = n_ids,
                      .kind = n_parts ? CRIL_SEGMENT_PARTS : CRIL_SEGMENT_TOKENS,
                      .part_bytes = n_parts * CRIL_ARCHIVE_PART},
            .parts = (const uint8_t *)parts,
            .raw = raws,
            .raw_bytes = raw,
        };
        const cril_status st = cril_unspell(x->t, &s, ids, n_ids, out, len, NULL);
        assert_true(st == CRIL_OK || st == CRIL_ERR_FORMAT);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_alone),
        cmocka_unit_test(texts_of_all_kinds),
        cmocka_unit_test(random_texts),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(plain_text_is_the_tokenizers),
        cmocka_unit_test(bad_bytes_become_byte_tokens),
        cmocka_unit_test(what_is_composed_comes_back),
        cmocka_unit_test(what_has_no_token_is_raw),
        cmocka_unit_test(unspelled_characters_are_counted),
        cmocka_unit_test(escapes_cost_what_they_take),
        cmocka_unit_test(time_is_linear),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(random_segments),
    };
    const int failed = cmocka_run_group_tests(tests, open_all, close_all);

    cril_spelling_free(&spelling);
    return failed;
}
