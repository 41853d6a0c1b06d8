/*
 * Corpora of corpora: which documents a mix takes, against a slow choice of the same rule; what its
 * card says; what is refused; the buckets of a model's bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/entries.h"
#include "util/hash.h"
#include "util/xxh64.h"

#include <cril/corpus.h>
#include <cril/model.h>
#include <cril/sample.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 128, INPUTS = 3, MAX_DOCUMENTS = 400, TEXT = 4096 };

static char folder[] = "/tmp/cril-sample-XXXXXX";
static char paths[INPUTS][PATH];
static const unsigned n_documents[INPUTS] = {400, 150, 250};

static uint32_t drawn;

static unsigned draw(unsigned below)
{
    drawn = drawn * 1664525 + 1013904223;
    return (drawn >> 16) % below;
}

/* A text of 1 to 300 characters; every tenth document of an input after the first has one of the
 * first input, and every 25th one of its own. Characters of two bytes, as JSON has them. */
static void make_text(unsigned input, unsigned i, char *text)
{
    const bool other = input && i % 10 == 3, again = i % 25 == 24;
    const unsigned like = again ? i - 24 : i;
    unsigned n;

    drawn = 7919 * (other ? 0 : input) + 31 * like + 5;
    n = 1 + draw(300);
    for (unsigned k = 0; k < n; k++)
        strcpy(text + strlen(text), draw(9) ? (char[2]){(char)('a' + draw(26))} : "\xc3\xa9");
}

static void write_input(unsigned input)
{
    FILE *f = fopen(paths[input], "wb");

    for (unsigned i = 0; i < n_documents[input]; i++) {
        char text[TEXT] = "";

        make_text(input, i, text);
        fprintf(f,
                "{\"id\": \"%u\", \"source\": \"s%u\", \"date\": \"2026-06-0%u\", \"content\": "
                "\"%s\"}\n",
                i, input, 1 + i % 9, text);
    }
    fclose(f);
}

static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (unsigned i = 0; i < INPUTS; i++) {
        snprintf(paths[i], PATH, "%s/%u.jsonl", folder, i);
        write_input(i);
    }
    return 0;
}

static const char *in_folder(const char *name)
{
    static char path[PATH];

    snprintf(path, PATH, "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const char *data, size_t len)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "wb");

    fwrite(data, 1, len, f);
    fclose(f);
    return path;
}

static int remove_files(void **state)
{
    static const char *const names[] = {"0.jsonl", "1.jsonl", "2.jsonl",         "a.jsonl",
                                        "b.jsonl", "q.jsonl", "gsm8k/test.jsonl"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unlink(in_folder(names[i]));
    rmdir(in_folder("gsm8k"));
    return rmdir(folder);
}

/* ---- runs ---- */

struct made {
    char *data, *card;
    size_t len, size, limit;
};

static int put(void *user, const void *data, size_t n)
{
    struct made *m = user;

    if (m->limit && m->len + n > m->limit)
        return 1;
    if (m->len + n + 1 > m->size) {
        m->size = 2 * (m->len + n + 1);
        if (!(m->data = realloc(m->data, m->size)))
            abort();
    }
    memcpy(m->data + m->len, data, n);
    m->len += n;
    m->data[m->len] = '\0';
    return 0;
}

static void release(struct made *m)
{
    free(m->data);
    free(m->card);
    *m = (struct made){0};
}

static const cril_sample_input inputs[INPUTS] = {
    {.path = paths[0]}, {.path = paths[1]}, {.path = paths[2]}};

static cril_mix_options usual(uint64_t characters)
{
    return (cril_mix_options){
        .inputs = inputs, .n_inputs = INPUTS, .characters = characters, .seed = 1};
}

static cril_status try_mix(const cril_mix_options *o, bool zstd, struct made *m, cril_error *err)
{
    const cril_gather_sink sink = {put, m, zstd};

    return cril_mix(o, &sink, &m->card, err);
}

static struct made mix(const cril_mix_options *o)
{
    struct made m = {0};
    cril_error err;

    if (try_mix(o, false, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static json_t *card_of(const struct made *m)
{
    json_error_t where;
    json_t *root = json_loads(m->card, 0, &where);

    assert_non_null(root);
    return root;
}

static json_t *part(const json_t *root, const char *a, const char *b)
{
    return json_object_get(json_object_get(root, a), b);
}

static const json_t *step_of(const json_t *root, const char *name)
{
    json_t *step;
    size_t i;

    json_array_foreach(json_object_get(root, "steps"), i, step)
    {
        if (strcmp(json_string_value(json_object_get(step, "name")), name) == 0)
            return step;
    }
    fail_msg("there is no step %s", name);
    return NULL;
}

static json_int_t whole(const json_t *o, const char *key)
{
    assert_true(json_is_integer(json_object_get(o, key)));
    return json_integer_value(json_object_get(o, key));
}

/* ---- the choice ---- */

struct slow {
    uint64_t key;
    char text[TEXT];
    bool chosen, again;
};

static uint64_t characters_of(const char *text)
{
    return cril_count_characters(text, strlen(text));
}

static bool is_known(struct slow list[INPUTS][MAX_DOCUMENTS], unsigned input, unsigned i)
{
    for (unsigned k = 0; k <= input; k++) {
        for (unsigned d = 0; d < (k == input ? i : n_documents[k]); d++) {
            if (strcmp(list[k][d].text, list[input][i].text) == 0)
                return true;
        }
    }
    return false;
}

/* The rule as it is written, in no hurry. */
static void choose(struct slow *list, unsigned n, uint64_t share)
{
    uint64_t sum = 0;

    for (uint64_t before = 0;;) { /* keys are taken upwards */
        struct slow *next = NULL;

        for (unsigned i = 0; i < n; i++) {
            if (!list[i].again && list[i].key > before && (!next || list[i].key < next->key))
                next = &list[i];
        }
        assert_non_null(next);
        before = next->key;
        if (sum + characters_of(next->text) > share) {
            next->chosen = sum + characters_of(next->text) - share < share - sum;
            return;
        }
        next->chosen = true;
        sum += characters_of(next->text);
        if (sum == share)
            return;
    }
}

static void test_choice(void **state)
{
    static struct slow list[INPUTS][MAX_DOCUMENTS];
    static const uint64_t sizes[] = {30000, 30001, 9000, 3, 600};

    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        cril_mix_options o = usual(sizes[seed % 5]);
        struct made m;
        char *at, sha256[65];
        cril_error err;

        o.seed = seed;
        o.n_inputs = sizes[seed % 5] == 3 ? 1 : INPUTS;
        if (o.n_inputs == 1)
            o.characters = 2000;
        m = mix(&o);
        at = m.data;
        for (unsigned k = 0; k < o.n_inputs; k++) {
            for (unsigned i = 0; i < n_documents[k]; i++) {
                list[k][i] = (struct slow){0};
                make_text(k, i, list[k][i].text);
                cril_sha256_of(list[k][i].text, strlen(list[k][i].text), sha256, &err);
                list[k][i].key = cril_xxh64(sha256, 64, seed);
                list[k][i].again = is_known(list, k, i);
            }
            choose(list[k], n_documents[k], o.characters / o.n_inputs);
        }
        for (unsigned k = 0; k < o.n_inputs; k++) {
            for (unsigned i = 0; i < n_documents[k]; i++) {
                char line[2 * TEXT];

                if (!list[k][i].chosen)
                    continue;
                cril_sha256_of(list[k][i].text, strlen(list[k][i].text), sha256, &err);
                snprintf(line, sizeof(line),
                         "{\"id\": \"%u\", \"source\": \"s%u\", \"date\": \"2026-06-0%u\", "
                         "\"sha256\": \"%s\", \"content\": \"%s\"}\n",
                         i, k, 1 + i % 9, sha256, list[k][i].text);
                if (strncmp(at, line, strlen(line)) != 0)
                    fail_msg("seed %d: not '%.200s' but '%.200s'", (int)seed, line, at);
                at += strlen(line);
            }
        }
        assert_int_equal(*at, '\0');
        release(&m);
    }
}

/* Two documents of 2 characters, and a share of 3: with either one the sum misses it by as much. */
static void test_tie(void **state)
{
    static const char lines[] = "{\"content\": \"ab\"}\n{\"content\": \"cd\"}\n";
    const cril_sample_input own = {.path = write_file("b.jsonl", lines, strlen(lines))};
    const cril_mix_options o = {.inputs = &own, .n_inputs = 1, .characters = 3};
    struct made m = mix(&o);
    json_t *card = card_of(&m);

    (void)state;
    assert_int_equal(whole(json_object_get(card, "corpus"), "documents"), 1);
    json_decref(card);
    release(&m);
}

static void test_card(void **state)
{
    const cril_mix_options o = usual(30000);
    struct made m = mix(&o), packed = {0}, again = {0};
    json_t *card = card_of(&m), *input;
    json_int_t taken = 0, read = 0;
    char sha256[65];
    cril_error err;
    size_t i;

    (void)state;
    assert_string_equal(json_string_value(part(card, "rules", "kind")), "mix");
    assert_int_equal(whole(json_object_get(card, "rules"), "characters"), 30000);
    assert_int_equal(whole(json_object_get(card, "rules"), "seed"), 1);
    assert_null(part(card, "rules", "exclude_items"));
    json_array_foreach(part(card, "source", "inputs"), i, input)
    {
        assert_in_range(whole(input, "taken_characters"), 9850, 10150);
        assert_int_equal(whole(input, "documents"), n_documents[i]);
        assert_true(json_is_null(json_object_get(input, "card")));
        taken += whole(input, "taken_documents");
        read += n_documents[i];
    }
    assert_int_equal(i, INPUTS);
    assert_int_equal(whole(json_object_get(card, "corpus"), "documents"), taken);
    assert_int_equal(whole(step_of(card, "same_text"), "in"), read);
    assert_int_equal(
        whole(step_of(card, "same_text"), "out"),
        read - whole(json_object_get(step_of(card, "same_text"), "reasons"), "seen_before"));
    assert_int_equal(whole(step_of(card, "share"), "in"), whole(step_of(card, "same_text"), "out"));
    assert_int_equal(whole(step_of(card, "share"), "out"), taken);
    assert_int_equal(cril_sha256_of(m.data, m.len, sha256, &err), CRIL_OK);
    assert_string_equal(json_string_value(part(card, "corpus", "sha256")), sha256);
    assert_int_equal(try_mix(&o, true, &packed, &err), CRIL_OK);
    assert_int_equal(try_mix(&o, true, &again, &err), CRIL_OK);
    assert_true(packed.len < m.len && packed.len == again.len);
    assert_memory_equal(packed.data, again.data, packed.len);
    assert_string_equal(packed.card, again.card);
    json_decref(card);
    release(&m);
    release(&packed);
    release(&again);
}

/* A mix of a mix has its card, whole. */
static void test_cards_inside(void **state)
{
    cril_mix_options o = usual(6000);
    struct made m = mix(&o), outer, damaged = {0};
    cril_sample_input own;
    json_t *card, *inner = card_of(&m);
    cril_error err;

    (void)state;
    own = (cril_sample_input){write_file("a.jsonl", m.data, m.len), m.card};
    o = (cril_mix_options){.inputs = &own, .n_inputs = 1, .characters = 2000};
    outer = mix(&o);
    card = card_of(&outer);
    assert_true(json_equal(
        json_object_get(json_array_get(part(card, "source", "inputs"), 0), "card"), inner));
    write_file("a.jsonl", m.data, m.len / 2);
    assert_int_equal(try_mix(&o, false, &damaged, &err), CRIL_ERR_FORMAT); /* half a line */
    write_file("a.jsonl", m.data, (size_t)(strchr(m.data + m.len / 2, '\n') - m.data) + 1);
    assert_int_equal(try_mix(&o, false, &damaged, &err), CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "is not the corpus that its card is of"));
    own.card = "{\"card\": 2}";
    assert_int_equal(try_mix(&o, false, &damaged, &err), CRIL_ERR_FORMAT);
    json_decref(card);
    json_decref(inner);
    release(&m);
    release(&outer);
    release(&damaged);
}

/* JSON Lines of others: ids, empty lines, empty texts; fields of ours stay. */
static void test_other_lines(void **state)
{
    static const char lines[] =
        "{\"content\": \"first\"}\n\n \t\r\n{\"text\": 1, \"id\": 7, \"content\": \"second\"}\n"
        "{\"content\": \"\"}\n{\"quality\": \"head\", \"bits_per_character\": 0.8125, \"licence\": "
        "\"MIT\", \"content\": \"third\"}\n"
        "{\"bits_per_character\": \"x\", \"content\": \"fourth\"}";
    const cril_sample_input own = {.path = write_file("b.jsonl", lines, strlen(lines))};
    const cril_mix_options o = {.inputs = &own, .n_inputs = 1, .characters = 22};
    struct made m = mix(&o);

    (void)state;
    assert_non_null(strstr(m.data, "{\"id\": \"1\", \"source\": \"b.jsonl\", \"sha256\""));
    assert_non_null(strstr(m.data, "\n{\"id\": \"4\", \"source\": \"b.jsonl\", \"sha256\""));
    assert_non_null(strstr(m.data,
                           "\n{\"id\": \"6\", \"source\": \"b.jsonl\", \"licence\": \"MIT\", "
                           "\"quality\": \"head\", \"bits_per_character\": 0.8125, "));
    assert_non_null(strstr(m.data, "\n{\"id\": \"7\", \"source\": \"b.jsonl\", \"sha256\""));
    assert_null(strstr(m.data, "\"id\": \"5\""));
    release(&m);
}

/* ---- benchmark items ---- */

static const char apples[] =
    "Alice has three red apples and gives two of them to her old friend Bob today";

static void make_task(void)
{
    char line[512];

    mkdir(in_folder("gsm8k"), 0777);
    snprintf(line, sizeof(line),
             "{\"question\": \"%s\", \"answer\": \"One. #### 1\"}\n"
             "{\"question\": \"How? %s\", \"answer\": \"#### 2\"}\n",
             apples, apples);
    write_file("gsm8k/test.jsonl", line, strlen(line));
}

static void test_items(void **state)
{
    static const char *const tasks[] = {"gsm8k", "gsm8k"};
    char lines[1024];
    cril_sample_input own;
    cril_mix_options o = {.inputs = &own,
                          .n_inputs = 1,
                          .characters = 10,
                          .exclude_items = tasks,
                          .n_exclude_items = 1,
                          .data = folder};
    struct made m;
    json_t *card, *item;
    cril_error err;

    (void)state;
    make_task();
    snprintf(lines, sizeof(lines),
             "{\"content\": \"It is said: %s.\"}\n{\"content\": \"nothing of it\"}\n", apples);
    own = (cril_sample_input){.path = write_file("b.jsonl", lines, strlen(lines))};
    m = mix(&o);
    card = card_of(&m);
    assert_null(strstr(m.data, "apples"));
    assert_string_equal(json_string_value(json_array_get(part(card, "rules", "exclude_items"), 0)),
                        "gsm8k");
    item = json_array_get(part(card, "source", "items"), 0);
    assert_int_equal(whole(item, "items"), 2);
    assert_int_equal(whole(item, "testable"), 2);
    assert_int_equal(whole(item, "contained"), 2);
    assert_int_equal(strlen(json_string_value(json_object_get(item, "sha256"))), 64);
    assert_int_equal(whole(step_of(card, "exclude_items"), "in"), 2);
    assert_int_equal(whole(step_of(card, "exclude_items"), "out"), 1);
    assert_int_equal(whole(json_object_get(step_of(card, "exclude_items"), "reasons"), "gsm8k"), 1);
    assert_int_equal(whole(step_of(card, "same_text"), "in"), 1);
    json_decref(card);
    release(&m);
    o.characters = 20; /* more than is left */
    assert_int_equal(try_mix(&o, false, &m, &err), CRIL_ERR_RANGE);
    o.n_exclude_items = 2;
    assert_int_equal(try_mix(&o, false, &m, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "named twice"));
    release(&m);
}

/* ---- what is refused ---- */

static void expect_refused(const cril_mix_options *o, cril_status status, const char *sentence)
{
    struct made m = {0};
    cril_error err;

    assert_int_equal(try_mix(o, false, &m, &err), status);
    if (!strstr(err.message, sentence))
        fail_msg("'%s' lacks '%s'", err.message, sentence);
    assert_null(m.card);
    release(&m);
}

static void test_refused(void **state)
{
    static const char bad[] = "{\"content\": \"a\"}\n{\"content\": 1}\n";
    cril_sample_input own = {.path = "-"};
    cril_mix_options o = {.inputs = &own, .n_inputs = 1, .characters = 10};

    (void)state;
    expect_refused(&o, CRIL_ERR_RANGE, "standard input");
    own.path = folder;
    expect_refused(&o, CRIL_ERR_RANGE, "no regular file");
    own.path = "/nonexistent/a.jsonl";
    expect_refused(&o, CRIL_ERR_IO, "/nonexistent/a.jsonl");
    own.path = write_file("b.jsonl", bad, strlen(bad));
    expect_refused(&o, CRIL_ERR_FORMAT, "line 2 lacks a text \"content\"");
    own.path = write_file("b.jsonl", "{\"content\": \"abc\"}\n", 19);
    expect_refused(&o, CRIL_ERR_RANGE, "has 3 characters, fewer than its share of 10");
    o.characters = 1; /* the only document is three times its share */
    expect_refused(&o, CRIL_ERR_RANGE, "nothing is taken");
    o.characters = 0;
    expect_refused(&o, CRIL_ERR_RANGE, "number of characters");
    o = usual(30000);
    o.characters = 2; /* of three inputs */
    expect_refused(&o, CRIL_ERR_RANGE, "number of characters");
    o = (cril_mix_options){
        .inputs = (cril_sample_input[]){inputs[1], inputs[1]}, .n_inputs = 2, .characters = 3000};
    expect_refused(&o, CRIL_ERR_RANGE, "has 0 characters, fewer than its share of 1500");
}

static int stop(void *user, const cril_gather_progress *p)
{
    unsigned *calls = user;

    assert_true(p->fraction >= 0 && p->fraction <= 1);
    return --*calls == 0;
}

static void test_stopped(void **state)
{
    cril_mix_options o = usual(30000);
    struct made m = {.limit = 1000};
    unsigned calls = 0;
    cril_error err;

    (void)state;
    assert_int_equal(try_mix(&o, false, &m, &err), CRIL_ERR_IO);
    release(&m);
    o.progress = stop;
    o.user = &calls;
    for (unsigned first = 1; first < 20; first += 9) { /* in either pass */
        calls = first;
        assert_int_equal(try_mix(&o, false, &m, &err), CRIL_ERR_CANCELLED);
        release(&m);
    }
}

/* A file that changes between the passes. */
static int change(void *user, const cril_gather_progress *p)
{
    static const char other[] = "{\"content\": \"abcd\"}\n{\"content\": \"more\"}\n";

    (void)user;
    if (strcmp(p->phase, "reading") == 0)
        write_file("b.jsonl", other, strlen(other));
    return 0;
}

static void test_changed(void **state)
{
    const cril_sample_input own = {.path = write_file("b.jsonl", "{\"content\": \"abcd\"}\n", 20)};
    const cril_mix_options o = {.inputs = &own, .n_inputs = 1, .characters = 4, .progress = change};

    (void)state;
    expect_refused(&o, CRIL_ERR_MISMATCH, "changed while it was read");
}

/* ---- quality ---- */

static cril_model *model;

static int open_model(void **state)
{
    cril_error err;

    (void)state;
    return cril_model_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &model, &err) == CRIL_OK ? 0
                                                                                              : -1;
}

static int close_model(void **state)
{
    (void)state;
    cril_model_close(model);
    return 0;
}

static const char *const texts[] = {"The quick brown fox jumps over the lazy dog.",
                                    "x",
                                    "",
                                    "A man who has no imagination has no wings.",
                                    "zq xv jk 0x1f 7788",
                                    "The dog and the fox went home.",
                                    "caf\xc3\xa9, \xe2\x82\xac 5",
                                    "A rose is a rose is a rose."};
enum { TEXTS = sizeof(texts) / sizeof(*texts) };

static const char *write_texts(void)
{
    char lines[1024] = "\n";

    for (size_t i = 0; i < TEXTS; i++)
        sprintf(lines + strlen(lines), "{\"content\": \"%s\", \"id\": \"t%zu\"}\n", texts[i], i);
    return write_file("q.jsonl", lines, strlen(lines));
}

static cril_status try_quality(const cril_quality_options *o, const cril_score_options *score,
                               struct made *m, cril_error *err)
{
    const cril_gather_sink sink = {put, m, false};
    cril_scorer *s;
    cril_status st;

    assert_int_equal(cril_scorer_create(model, score, &s, err), CRIL_OK);
    st = cril_quality(s, o, &sink, &m->card, err);
    cril_scorer_free(s);
    return st;
}

static const char *bucket_of(const struct made *m, size_t text, double *bits)
{
    static char name[8];
    char id[32];
    const char *at;

    snprintf(id, sizeof(id), "\"id\": \"t%zu\"", text);
    if (!(at = strstr(m->data, id)))
        return NULL;
    assert_int_equal(sscanf(strstr(at, "\"quality\""),
                            "\"quality\": \"%7[a-z]\", \"bits_per_character\": %lf", name, bits),
                     2);
    return name;
}

static void test_quality(void **state)
{
    const cril_score_options one = {.context = 32, .stride = 16, .threads = 1},
                             two = {.context = 32, .stride = 16, .threads = 2};
    cril_quality_options o = {.input.path = write_texts()};
    struct made m = {0}, other = {0};
    cril_result result;
    cril_scorer *s;
    cril_corpus *c;
    cril_error err;
    json_t *card, *bucket;
    double bits[TEXTS], highest[3] = {0};
    size_t n[3] = {0}, i;

    (void)state;
    if (try_quality(&o, &one, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(try_quality(&o, &two, &other, &err), CRIL_OK);
    assert_string_equal(m.data, other.data);
    assert_string_equal(m.card, other.card);
    assert_int_equal(cril_scorer_create(model, &one, &s, &err), CRIL_OK);
    assert_int_equal(cril_corpus_open(o.input.path, NULL, &c, &err), CRIL_OK);
    assert_int_equal(cril_score_corpus(s, c, o.input.path, NULL, &result, &err), CRIL_OK);
    card = card_of(&m);
    assert_null(bucket_of(&m, 2, bits));
    for (size_t t = 0, k = 0; t < TEXTS; t++) {
        const char *name = bucket_of(&m, t, &bits[t]);
        size_t below = 0;

        if (t == 2)
            continue;
        assert_true(strstr(m.data, texts[t]) != NULL || t == 1);
        for (size_t d = 0; d < result.documents; d++) {
            const cril_document_score *x = &result.per_document[d];

            below += x->nats / (double)x->characters <
                     result.per_document[k].nats / (double)result.per_document[k].characters;
        }
        assert_string_equal(name, cril_quality_bucket(below * 3 / 7));
        assert_true(fabs(bits[t] - result.per_document[k].nats / CRIL_LN2 /
                                       (double)result.per_document[k].characters) < 1e-7);
        n[below * 3 / 7]++;
        if (bits[t] > highest[below * 3 / 7])
            highest[below * 3 / 7] = bits[t];
        k++;
    }
    json_array_foreach(json_object_get(step_of(card, "quality"), "buckets"), i, bucket)
    {
        assert_int_equal(whole(bucket, "documents"), n[i]);
        assert_true(fabs(json_real_value(json_object_get(bucket, "highest")) - highest[i]) < 1e-7);
        assert_true(json_real_value(json_object_get(bucket, "lowest")) <= highest[i]);
    }
    assert_int_equal(i, 3);
    assert_string_equal(json_string_value(json_object_get(part(card, "rules", "model"), "sha256")),
                        result.model_sha256);
    assert_int_equal(whole(json_object_get(card, "rules"), "context"), 32);
    cril_result_free(&result);
    cril_corpus_close(c);
    cril_scorer_free(s);
    json_decref(card);
    release(&m);
    release(&other);
}

static void test_buckets(void **state)
{
    static const char *const keep[] = {"tail", "head"}, *const none[] = {"best"};
    cril_quality_options o = {.input.path = write_texts(), .keep = keep, .n_keep = 1};
    struct made m = {0};
    json_t *card;
    cril_error err;
    double bits;

    (void)state;
    assert_int_equal(try_quality(&o, NULL, &m, &err), CRIL_OK);
    for (size_t t = 0, left = 0; t < TEXTS; t++) {
        const char *name = bucket_of(&m, t, &bits);

        if (name) {
            left++;
            assert_string_equal(name, "tail");
        }
        assert_true(t + 1 < TEXTS || left == 2);
    }
    card = card_of(&m);
    assert_int_equal(whole(step_of(card, "quality"), "in"), 7);
    assert_int_equal(whole(step_of(card, "quality"), "out"), 2);
    assert_int_equal(whole(json_object_get(step_of(card, "quality"), "reasons"), "head"), 3);
    assert_int_equal(whole(json_object_get(step_of(card, "quality"), "reasons"), "tail"), 0);
    assert_int_equal(json_array_size(part(card, "rules", "keep")), 1);
    json_decref(card);
    release(&m);
    o.keep = none;
    assert_int_equal(try_quality(&o, NULL, &m, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "no bucket 'best'"));
    o.keep = keep;
    o.input.path = write_file("q.jsonl", "{\"content\": \"ab\"}\n", 18);
    assert_int_equal(try_quality(&o, NULL, &m, &err), CRIL_ERR_EMPTY);
    assert_int_equal(try_quality(&o, &(cril_score_options){.protocol = "hkust"}, &m, &err),
                     CRIL_ERR_RANGE);
    assert_null(cril_quality_bucket(3));
    release(&m);
}

static int cancel(void *user, const cril_score_progress *p)
{
    (void)user;
    (void)p;
    return 1;
}

static void test_quality_stopped(void **state)
{
    cril_quality_options o = {.input.path = write_texts(), .progress = cancel};
    struct made m = {0};
    cril_error err;

    (void)state;
    assert_int_equal(try_quality(&o, NULL, &m, &err), CRIL_ERR_CANCELLED);
    o.progress = NULL;
    o.input.card = "{\"card\": 1, \"corpus\": {\"sha256\": \"0\"}}";
    assert_int_equal(try_quality(&o, NULL, &m, &err), CRIL_ERR_MISMATCH); /* before the work */
    release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_tie),
        cmocka_unit_test(test_card),
        cmocka_unit_test(test_cards_inside),
        cmocka_unit_test(test_other_lines),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_changed),
        cmocka_unit_test_setup_teardown(test_quality, open_model, close_model),
        cmocka_unit_test_setup_teardown(test_buckets, open_model, close_model),
        cmocka_unit_test_setup_teardown(test_quality_stopped, open_model, close_model),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
