/*
 * Corpora from their sources: the same bytes with any number of threads, any memory, in shards or
 * at once; what is chosen by date; lines and what a scorer reads of them; what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/entries.h"
#include "gather/spool.h"
#include "gather/tally.h"

#include <cril/corpus.h>
#include <cril/gather.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGES = 1500, FILES = 3, PATH = 128, MAX_SHARDS = 4 };

static char folder[] = "/tmp/cril-gather-XXXXXX";
static char wets[FILES][PATH];

/* ---- a crawl ---- */

static uint32_t drawn;

static unsigned draw(unsigned below)
{
    drawn = drawn * 1664525 + 1013904223;
    return (drawn >> 16) % below;
}

static void add_words(char *text, unsigned n)
{
    static const char *const words[] = {"the",   "of",   "and",  "river", "winter", "that", "with",
                                        "house", "be",   "to",   "have",  "stone",  "far",  "from",
                                        "old",   "road", "were", "built", "under",  "north"};

    for (unsigned i = 0; i < n; i++)
        sprintf(text + strlen(text), "%s%u%s", words[draw(20)], draw(40), i + 1 < n ? " " : ".\n");
}

/* A page of some paragraphs; some nearly repeat page - 7, or have a paragraph that many have. */
static void make_page(unsigned page, char *text)
{
    const unsigned like = page > 0 && page % 14 == 0 ? page - 7 : page;

    strcpy(text, page % 3 ? "" : "About this site, and how to write to old friends of it.\n");
    drawn = like;
    for (unsigned i = 0, n = 2 + draw(4); i < n; i++)
        add_words(text, 20 + draw(30));
    drawn = page;
    if (page % 14 == 0)
        add_words(text, 3);
    if (page % 100 == 1)
        sprintf(text + strlen(text), "Write to s%c@site.example.org or 8.8.8.8 \xff now.\n",
                'a' + (int)(page / 100));
}

static void write_wet(const char *path, unsigned from, unsigned to)
{
    FILE *f = fopen(path, "wb");
    char text[8192];

    if (!f)
        fail_msg("%s: cannot be written", path);
    for (unsigned page = from; page < to; page++) {
        make_page(page, text);
        fprintf(f,
                "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:%u>\r\n"
                "WARC-Target-URI: https://site.example/%u\r\n%s%s%s"
                "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\r\n\r\n",
                page, page, page % 50 ? "WARC-Date: 2026-0" : "",
                page % 50 ? (page % 2 ? "5" : "6") : "", page % 50 ? "-01T00:00:00Z\r\n" : "",
                strlen(text), text);
    }
    fclose(f);
}

static int make_files(void **state)
{
    static const unsigned bounds[FILES + 1] = {0, 1200, 1300, PAGES};

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(wets[i], PATH, "%s/%u.warc.wet", folder, i);
        write_wet(wets[i], bounds[i], bounds[i + 1]);
    }
    return 0;
}

static int remove_files(void **state)
{
    char path[PATH];

    (void)state;
    for (unsigned i = 0; i < FILES; i++)
        unlink(wets[i]);
    for (unsigned i = 0; i < MAX_SHARDS; i++) {
        snprintf(path, PATH, "%s/shard%u", folder, i);
        unlink(path);
    }
    return rmdir(folder);
}

/* ---- runs ---- */

struct made {
    char *data, *card;
    size_t len, size, limit; /* limit: bytes that the sink takes; 0: all */
};

static int put(void *user, const void *data, size_t n)
{
    struct made *m = user;

    if (m->limit && m->len + n > m->limit)
        return 1;
    if (m->len + n > m->size) {
        m->size = 2 * (m->len + n);
        if (!(m->data = realloc(m->data, m->size)))
            abort();
    }
    memcpy(m->data + m->len, data, n);
    m->len += n;
    return 0;
}

static void release(struct made *m)
{
    free(m->data);
    free(m->card);
    *m = (struct made){0};
}

static const char *const all_files[FILES] = {wets[0], wets[1], wets[2]};
static const char *const gopher[] = {"gopher_quality", "gopher_repetition"};

/* Gopher's rules would drop most of what is made of twenty words. */
static cril_gather_options usual(void)
{
    return (cril_gather_options){.kind = "web",
                                 .inputs = all_files,
                                 .n_inputs = FILES,
                                 .without = gopher,
                                 .n_without = 2,
                                 .n_threads = 1};
}

static cril_status try_make(const cril_gather_options *o, bool zstd, struct made *m,
                            cril_error *err)
{
    const cril_gather_sink sink = {put, m, zstd};

    return cril_gather(o, &sink, &m->card, err);
}

static struct made make(const cril_gather_options *o, bool zstd)
{
    struct made m = {0};
    cril_error err;

    if (try_make(o, zstd, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static void expect_same(const struct made *a, const struct made *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
    assert_string_equal(a->card, b->card);
}

static json_int_t number(const char *card, const char *part, const char *key)
{
    json_error_t where;
    json_t *root = json_loads(card, 0, &where), *n;
    json_int_t v;

    assert_non_null(root);
    n = json_object_get(json_object_get(root, part), key);
    assert_true(json_is_integer(n));
    v = json_integer_value(n);
    json_decref(root);
    return v;
}

/* A count of a step by its name: "in", "out", "changed", or a reason's. */
static json_int_t step_count(const char *card, const char *name, const char *key)
{
    json_error_t where;
    json_t *root = json_loads(card, 0, &where), *step;
    json_int_t v = -1;
    size_t i;

    json_array_foreach(json_object_get(root, "steps"), i, step)
    {
        json_t *n = json_object_get(step, key);

        if (strcmp(json_string_value(json_object_get(step, "name")), name) != 0)
            continue;
        v = json_integer_value(n ? n : json_object_get(json_object_get(step, "reasons"), key));
    }
    json_decref(root);
    return v;
}

static void test_threads_and_memory(void **state)
{
    cril_gather_options o = usual();
    struct made one = make(&o, true), other;

    (void)state;
    for (unsigned threads = 2; threads <= 5; threads++) {
        o.n_threads = threads;
        o.memory_bytes = threads == 2 ? 1 << 20 : 0;
        o.temporary = folder;
        other = make(&o, true);
        expect_same(&one, &other);
        release(&other);
    }
    assert_int_equal(step_count(one.card, "utf8", "in"), PAGES);
    assert_int_equal(step_count(one.card, "utf8", "repaired"), PAGES / 100);
    assert_int_equal(step_count(one.card, "personal", "email_addresses"), PAGES / 100);
    assert_true(step_count(one.card, "paragraphs", "paragraphs_seen_before") > PAGES / 3);
    assert_int_equal(number(one.card, "corpus", "documents"),
                     step_count(one.card, "personal", "out"));
    release(&one);
}

/* Near-duplicates alone: the pages that repeat page - 7. */
static void test_near_duplicates(void **state)
{
    static const char *const without[] = {"gopher_quality", "gopher_repetition", "paragraphs"};
    cril_gather_options o = usual();
    struct made m;

    (void)state;
    o.without = without;
    o.n_without = 3;
    m = make(&o, false);
    assert_in_range(step_count(m.card, "near_duplicates", "near_duplicate"), PAGES / 14 - 10,
                    PAGES / 14 + 10);
    release(&m);
}

/* No step that compares: what is read is written at once. */
static void test_one_stage(void **state)
{
    static const char *const without[] = {"gopher_quality", "gopher_repetition", "paragraphs",
                                          "near_duplicates"};
    cril_gather_options o = usual();
    struct made m;

    (void)state;
    o.without = without;
    o.n_without = 4;
    o.n_threads = 2;
    m = make(&o, false);
    assert_int_equal(number(m.card, "corpus", "documents"), PAGES);
    assert_int_equal(number(m.card, "corpus", "stored_bytes"), m.len);
    release(&m);
}

static void test_dates(void **state)
{
    cril_gather_options o = usual();
    struct made m;
    cril_error err;

    (void)state;
    o.after = "2026-06-01";
    m = make(&o, false);
    assert_int_equal(number(m.card, "selection", "undated"), PAGES / 50);
    assert_int_equal(number(m.card, "selection", "too_old"), PAGES / 2);
    assert_int_equal(number(m.card, "selection", "too_new"), 0);
    put(&m, "", 1);
    assert_null(strstr(m.data, "2026-05"));
    release(&m);
    o.after = NULL;
    o.before = "2026-06-01"; /* that day is no longer one of them */
    m = make(&o, false);
    assert_int_equal(number(m.card, "selection", "too_new"), PAGES / 2 - PAGES / 50);
    release(&m);
    o.before = "2026-05-01";
    assert_int_equal(try_make(&o, false, &m, &err), CRIL_ERR_EMPTY);
    release(&m);
}

static void test_compression(void **state)
{
    const cril_gather_options o = usual();
    struct made plain = make(&o, false), packed = make(&o, true);
    char path[PATH];
    cril_corpus *c;
    cril_document doc;
    cril_error err;
    char sha256[65];
    FILE *f;
    json_int_t n = 0;

    (void)state;
    assert_true(packed.len < plain.len / 2);
    snprintf(path, PATH, "%s/shard0", folder);
    f = fopen(path, "wb");
    fwrite(packed.data, 1, packed.len, f);
    fclose(f);
    assert_int_equal(cril_corpus_open(path, &(cril_corpus_options){.format = "jsonl"}, &c, &err),
                     CRIL_OK);
    while (cril_corpus_next(c, &doc, &err) == CRIL_OK && doc.text)
        n++;
    assert_int_equal(n, number(plain.card, "corpus", "documents"));
    assert_int_equal(cril_corpus_sha256(c, sha256, &err), CRIL_OK);
    assert_non_null(strstr(packed.card, sha256)); /* what a score of it quotes */
    cril_corpus_close(c);
    release(&plain);
    release(&packed);
}

/* A page that no compression makes small: it comes out in several pieces. */
static void test_large(void **state)
{
    enum { LARGE = 900000 };
    char path[PATH], *text = malloc(LARGE);
    const char *inputs[] = {path};
    cril_gather_options o = usual();
    struct cril_entries *r;
    struct cril_entry e;
    struct made m;
    cril_error err;
    FILE *f;

    (void)state;
    snprintf(path, PATH, "%s/shard0", folder);
    for (size_t i = 0; i < LARGE; i++)
        text[i] = (char)('A' + draw(58)); /* no address of mail */
    f = fopen(path, "wb");
    fprintf(f,
            "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:1>\r\n"
            "Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n",
            LARGE);
    fwrite(text, 1, LARGE, f);
    fputs("\r\n\r\n", f);
    fclose(f);
    o.inputs = inputs;
    o.n_inputs = 1;
    m = make(&o, true);
    f = fopen(path, "wb");
    fwrite(m.data, 1, m.len, f);
    fclose(f);
    assert_int_equal(cril_entries_open(path, &r, &err), CRIL_OK);
    if (cril_entries_next(r, &e, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(e.len, LARGE);
    assert_memory_equal(e.text, text, LARGE);
    assert_int_equal(cril_entries_next(r, &e, &err), CRIL_OK);
    assert_null(e.text);
    cril_entries_close(r);
    release(&m);
    free(text);
}

/* ---- shards ---- */

static cril_status merge(cril_gather_shard *shards, size_t n, struct made *m, cril_error *err)
{
    const cril_gather_sink sink = {put, m, true};

    return cril_gather_merge(shards, n, &(cril_gather_options){.n_threads = 2}, &sink, &m->card,
                             err);
}

/* The shards of n, in files. */
static void make_shards(cril_gather_options o, unsigned n, cril_gather_shard *shards,
                        struct made *made, char paths[MAX_SHARDS][PATH])
{
    for (unsigned i = 0; i < n; i++) {
        FILE *f;

        o.shard = i + 1;
        o.n_shards = n;
        made[i] = make(&o, i % 2);
        snprintf(paths[i], PATH, "%s/shard%u", folder, i);
        f = fopen(paths[i], "wb");
        fwrite(made[i].data, 1, made[i].len, f);
        fclose(f);
        shards[i] = (cril_gather_shard){paths[i], made[i].card};
    }
}

static void test_shards(void **state)
{
    cril_gather_options o = usual();
    cril_gather_shard shards[MAX_SHARDS];
    struct made whole, parts[MAX_SHARDS], merged = {0};
    char paths[MAX_SHARDS][PATH];
    cril_error err;

    (void)state;
    o.after = "2026-05-01";
    whole = make(&o, true);
    for (unsigned n = 1; n <= FILES; n++) {
        cril_gather_shard first;

        make_shards(o, n, shards, parts, paths);
        first = shards[0]; /* the order in which they are given does not matter */
        shards[0] = shards[n - 1];
        shards[n - 1] = first;
        if (merge(shards, n, &merged, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        expect_same(&whole, &merged);
        release(&merged);
        for (unsigned i = 0; i < n; i++)
            release(&parts[i]);
    }
    release(&whole);
}

static void expect_refused(cril_gather_shard *shards, size_t n, const char *sentence)
{
    struct made m = {0};
    cril_error err;

    assert_int_equal(merge(shards, n, &m, &err), CRIL_ERR_MISMATCH);
    if (!strstr(err.message, sentence))
        fail_msg("'%s' lacks '%s'", err.message, sentence);
    release(&m);
}

static void test_wrong_shards(void **state)
{
    cril_gather_options o = usual();
    cril_gather_shard shards[MAX_SHARDS], wrong[MAX_SHARDS];
    struct made parts[MAX_SHARDS], other, m = {0};
    char paths[MAX_SHARDS][PATH];
    cril_error err;

    (void)state;
    make_shards(o, 2, shards, parts, paths);
    memcpy(wrong, shards, sizeof(wrong));
    expect_refused(wrong, 1, "give each of the 2 shards once");
    wrong[1] = shards[0];
    expect_refused(wrong, 2, "give each of the 2 shards once");
    wrong[1] = (cril_gather_shard){paths[0], parts[1].card}; /* another one's card */
    expect_refused(wrong, 2, "is not the corpus that its card is of");
    o.min_characters = 50;
    o.shard = o.n_shards = 2;
    other = make(&o, true);
    wrong[1] = (cril_gather_shard){paths[1], other.card};
    expect_refused(wrong, 2, "other rules");
    release(&other);
    o = usual();
    other = make(&o, false);
    wrong[0] = (cril_gather_shard){paths[0], other.card};
    expect_refused(wrong, 1, "is no shard");
    wrong[0].card = "{\"card\": 1}";
    assert_int_equal(merge(wrong, 1, &m, &err), CRIL_ERR_FORMAT);
    o.shard = 1;
    o.n_shards = FILES + 1;
    assert_int_equal(try_make(&o, false, &m, &err), CRIL_ERR_RANGE);
    release(&m);
    release(&other);
    release(&parts[0]);
    release(&parts[1]);
}

/* ---- lines ---- */

static void test_line(void **state)
{
    const struct cril_entry e = {.field = {[CRIL_ENTRY_ID] = "a\"\\\x01\n\xc3\xa9",
                                           [CRIL_ENTRY_SOURCE] = "s",
                                           [CRIL_ENTRY_TITLE] = "bad \xff"},
                                 .text = "{id}\0\t\"\\\xe2\x82\xac",
                                 .len = 11};
    struct cril_buffer line = {0};
    char sha256[65], path[PATH];
    struct cril_entries *r;
    struct cril_entry back;
    cril_corpus *c;
    cril_document doc;
    cril_error err;
    FILE *f;

    (void)state;
    assert_int_equal(cril_entry_write(&e, &line, sha256, &err), CRIL_OK);
    snprintf(path, PATH, "%s/shard0", folder);
    f = fopen(path, "wb");
    fwrite(line.data, 1, line.len, f);
    fclose(f);
    assert_int_equal(cril_entries_open(path, &r, &err), CRIL_OK);
    assert_int_equal(cril_entries_next(r, &back, &err), CRIL_OK);
    assert_int_equal(back.len, e.len);
    assert_memory_equal(back.text, e.text, e.len);
    assert_string_equal(back.field[CRIL_ENTRY_ID], e.field[CRIL_ENTRY_ID]);
    assert_string_equal(back.field[CRIL_ENTRY_TITLE], "bad \xef\xbf\xbd");
    assert_null(back.field[CRIL_ENTRY_DATE]);
    assert_int_equal(cril_entries_next(r, &back, &err), CRIL_OK);
    assert_null(back.text);
    cril_entries_close(r);
    /* "{id}" stands in the text as it is: no key comes behind it. */
    assert_int_equal(cril_corpus_open(path, &(cril_corpus_options){.format = "jsonl"}, &c, &err),
                     CRIL_OK);
    assert_int_equal(cril_corpus_next(c, &doc, &err), CRIL_OK);
    assert_int_equal(doc.len_bytes, e.len);
    assert_memory_equal(doc.text, e.text, e.len);
    cril_corpus_close(c);
    free(line.data);
}

static void test_bad_lines(void **state)
{
    static const char *const lines[] = {"{\"id\": \"a\"}\n",
                                        "{\"content\": \"a\"}\n",
                                        "{\"id\": 1, \"content\": \"a\"}\n",
                                        "[]\n",
                                        "x\n",
                                        "\n"};
    char path[PATH];

    (void)state;
    snprintf(path, PATH, "%s/shard0", folder);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct cril_entries *r;
        struct cril_entry e;
        cril_error err;
        FILE *f = fopen(path, "wb");

        fprintf(f, "{\"id\": \"1\", \"content\": \"\"}\n%s", lines[i]);
        fclose(f);
        assert_int_equal(cril_entries_open(path, &r, &err), CRIL_OK);
        assert_int_equal(cril_entries_next(r, &e, &err), CRIL_OK);
        assert_int_equal(cril_entries_next(r, &e, &err), CRIL_ERR_FORMAT);
        assert_non_null(strstr(err.message, "line 2"));
        assert_null(e.text);
        cril_entries_close(r);
    }
}

static void test_spool(void **state)
{
    const struct cril_entry entries[] = {
        {.field = {"1", NULL, "", NULL, "2026-06-01", NULL, "en"}, .text = "a\0b", .len = 3},
        {.field = {"2"}, .text = "", .len = 0}};
    struct cril_spool *s;
    struct cril_entry e;
    cril_error err;

    (void)state;
    assert_int_equal(cril_spool_create("/nonexistent", &s, &err), CRIL_ERR_IO);
    assert_non_null(strstr(err.message, "/nonexistent"));
    assert_int_equal(cril_spool_create(folder, &s, &err), CRIL_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(cril_spool_put(s, &entries[i], &err), CRIL_OK);
    assert_int_equal(cril_spool_rewind(s, &err), CRIL_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(cril_spool_next(s, &e, &err), CRIL_OK);
        assert_int_equal(e.len, entries[i].len);
        assert_memory_equal(e.text, entries[i].text, e.len + 1);
        for (size_t k = 0; k < CRIL_ENTRY_FIELDS; k++) {
            if (entries[i].field[k])
                assert_string_equal(e.field[k], entries[i].field[k]);
            else
                assert_null(e.field[k]);
        }
    }
    assert_int_equal(cril_spool_next(s, &e, &err), CRIL_OK);
    assert_null(e.text);
    cril_spool_free(s);
}

static void test_tally(void **state)
{
    struct cril_tally t = {0};
    char text[CRIL_TALLY_BYTES + 1];
    json_t *o;

    (void)state;
    for (unsigned i = 0; i < 2 * CRIL_TALLY_TEXTS; i++) {
        const int n = sprintf(text, "%u", 7919 * i % 2000);

        assert_true(cril_tally_add(&t, text, (size_t)n, 1));
    }
    assert_true(cril_tally_add(&t, "7919", 1, 5)); /* "7" */
    assert_true(cril_tally_add(&t, NULL, 0, 3));
    assert_true(cril_tally_add(&t, "\xff", 1, 1));
    memset(text, 'a', sizeof(text));
    assert_true(cril_tally_add(&t, text, CRIL_TALLY_BYTES, 1));
    assert_int_equal(t.n, CRIL_TALLY_TEXTS);
    assert_int_equal(t.without, 3);
    for (size_t i = 1; i < t.n; i++)
        assert_true(strcmp(t.rows[i - 1].text, t.rows[i].text) < 0);
    o = cril_tally_json(&t);
    assert_int_equal(json_object_size(json_object_get(o, "counts")), CRIL_TALLY_TEXTS);
    assert_true(json_integer_value(json_object_get(o, "others")) >= CRIL_TALLY_TEXTS + 2);
    json_decref(o);
    free(t.rows);
}

/* ---- what is refused ---- */

static void expect_range(const cril_gather_options *o, const char *sentence)
{
    struct made m = {0};
    cril_error err;

    assert_int_equal(try_make(o, false, &m, &err), CRIL_ERR_RANGE);
    if (!strstr(err.message, sentence))
        fail_msg("'%s' lacks '%s'", err.message, sentence);
    assert_null(m.card);
    assert_int_equal(m.len, 0);
}

static void test_options(void **state)
{
    static const char *const none[] = {"none"}, *const unfit[] = {"c4"},
                             *const histories[] = {"h.xml"};
    static const char *const days[] = {"2026-6-1",    "2026-02-29", "2026-13-01", "2026-00-10",
                                       "2026-06-01x", "",           "2100-02-29", "2024-04-31"};
    cril_gather_options o = usual();

    (void)state;
    o.kind = "none";
    expect_range(&o, "no kind of source 'none'");
    o = usual();
    o.n_inputs = 0;
    expect_range(&o, "no input");
    for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++) {
        o = usual();
        o.after = days[i];
        expect_range(&o, "is no day");
    }
    o = usual();
    o.after = o.before = "2024-02-29";
    expect_range(&o, "no day is 2024-02-29 or later");
    o = usual();
    o.with = none;
    o.n_with = 1;
    expect_range(&o, "no step 'none'");
    o = usual();
    o.with = gopher;
    o.n_with = 1;
    expect_range(&o, "both wanted and left out");
    o = usual();
    o.created = histories;
    o.n_created = 1;
    expect_range(&o, "only pages of a wiki");
    o = (cril_gather_options){.kind = "wiki", .inputs = unfit, .n_inputs = 1};
    o.after = "2026-06-01";
    expect_range(&o, "--created");
    o = usual();
    o.min_characters = 2000000;
    expect_range(&o, "above the largest");
    o = usual();
    o.shard = 3;
    o.n_shards = 2;
    expect_range(&o, "no shard 3 of 2");
}

static int stop_at_once(void *user, const cril_gather_progress *p)
{
    *(unsigned *)user += 1;
    assert_true(p->fraction <= 1);
    return *(unsigned *)user == 2;
}

static void test_failures(void **state)
{
    static const char *const missing[] = {"/nonexistent/a.warc.wet"};
    cril_gather_options o = usual();
    struct made m = {.limit = 1000};
    unsigned calls = 0;
    cril_error err;

    (void)state;
    assert_int_equal(try_make(&o, false, &m, &err), CRIL_ERR_IO);
    assert_null(m.card);
    release(&m);
    o.progress = stop_at_once;
    o.user = &calls;
    assert_int_equal(try_make(&o, false, &m, &err), CRIL_ERR_CANCELLED);
    assert_int_equal(calls, 2);
    release(&m);
    o = usual();
    o.inputs = missing;
    o.n_inputs = 1;
    assert_int_equal(try_make(&o, false, &m, &err), CRIL_ERR_IO);
    assert_non_null(strstr(err.message, missing[0]));
    o = usual();
    o.temporary = "/nonexistent";
    assert_int_equal(try_make(&o, false, &m, &err), CRIL_ERR_IO);
    release(&m);
}

/* Progress rises to the end, whatever the stages. */
static int rises(void *user, const cril_gather_progress *p)
{
    double *last = user;

    assert_true(p->fraction >= *last && p->fraction <= 1);
    *last = p->fraction;
    return 0;
}

static void test_progress(void **state)
{
    cril_gather_options o = usual();
    double last = 0;
    struct made m;

    (void)state;
    o.progress = rises;
    o.user = &last;
    m = make(&o, false);
    assert_true(last > 0.9);
    release(&m);
}

/* A damaged input ends the run with its sentence, whichever thread meets what. */
static void test_damaged(void **state)
{
    const char *inputs[] = {wets[0], NULL};
    cril_gather_options o = usual();
    struct made m = {0};
    cril_error err;
    char path[PATH];
    FILE *f;

    (void)state;
    snprintf(path, PATH, "%s/shard1", folder);
    f = fopen(path, "wb");
    fputs("\x1f\x8b\x08 not gzip at all", f);
    fclose(f);
    inputs[1] = path;
    o.inputs = inputs;
    o.n_inputs = 2;
    o.n_threads = 2;
    assert_int_not_equal(try_make(&o, false, &m, &err), CRIL_OK);
    assert_non_null(strstr(err.message, path));
    release(&m);
}

static void test_lists(void **state)
{
    cril_gather_kind kind;
    cril_gather_step step;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; cril_gather_kind_at(i, &kind); i++) {
        assert_true(strlen(kind.dates) > 10);
        for (n = 0; cril_gather_step_at(kind.name, n, &step); n++)
            assert_true(strlen(step.what) > 10);
        assert_true(n >= 4);
    }
    assert_false(cril_gather_step_at("none", 0, &step));
    assert_false(cril_gather_step_at(NULL, 0, &step));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_and_memory),
        cmocka_unit_test(test_near_duplicates),
        cmocka_unit_test(test_one_stage),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_wrong_shards),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_spool),
        cmocka_unit_test(test_tally),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
