/*
 * Where memory runs out, what is said is that memory ran out: no verdict on a file, whichever
 * allocation fails, be it ours or one of PCRE2's, jansson's or libcrypto's. This program's malloc
 * stands before the C library's. Sanitizers bring their own, so there it does nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetch/choose.h"
#include "gather/source_web.h"
#include "gather/source_wiki.h"
#include "tasks/rules.h"

#include <cril/gather.h>
#include <cril/generate.h>
#include <cril/membership.h>
#include <cril/model.h>
#include <cril/report.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

static long n_left = -1; /* allocations until one fails; negative: none does */
static bool for_good;    /* and all after it */
static bool failed;

#if defined(__GLIBC__) && !defined(SANITIZED)
enum { CAN_FAIL = 1 };

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static bool fails(void)
{
    if (n_left < 0)
        return false;
    if (n_left > 0) {
        n_left--;
        return false;
    }
    if (!for_good)
        n_left = -1;
    failed = true;
    errno = ENOMEM;
    return true;
}

#define EXPORTED __attribute__((visibility("default"))) /* the libraries find them, too */

EXPORTED void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

EXPORTED void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

EXPORTED void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}
#else
enum { CAN_FAIL = 0 };
#endif

/* What is done again and again, each time with another allocation failing. */
typedef cril_status attempt(cril_error *err);

/*
 * Lets allocation 0, 1, ... of it fail, with all after it and, if asked for, alone, until none is
 * left. It ends with CRIL_ERR_NOMEM, or, where a library does without what it asked for, as usual.
 */
static void check(attempt *it, cril_status usual, bool alone)
{
    if (!CAN_FAIL)
        skip();
    assert_int_equal(it(&(cril_error){0}), usual); /* libraries keep what they make at first */
    for (int mode = !alone; mode < 2; mode++) {
        for_good = mode != 0;
        failed = true;
        for (long i = 0; failed; i++) {
            cril_error err = {0};

            failed = false;
            n_left = i;
            const cril_status st = it(&err);
            n_left = -1;
            if (st != CRIL_ERR_NOMEM && (st != usual || (failed && for_good)))
                fail_msg("allocation %ld%s: status %d, '%s'", i, mode ? " and all others" : "",
                         (int)st, err.message);
            if (st == CRIL_ERR_NOMEM)
                assert_non_null(strstr(err.message, "memory"));
        }
    }
}

static cril_status open_inspected(const char *path, cril_error *err)
{
    cril_inspect *f;
    cril_model *m;
    cril_status st = cril_inspect_open(path, &f, err);

    if (st != CRIL_OK)
        return st;
    st = cril_model_open_inspected(f, &m, err);
    cril_inspect_close(f);
    if (st == CRIL_OK)
        cril_model_close(m);
    return st;
}

static cril_status open_llama(cril_error *err)
{
    return open_inspected(CRIL_TEST_DATA "/golden/tiny-llama-mixed.gguf", err);
}

static cril_status open_gemma3(cril_error *err)
{
    return open_inspected(CRIL_TEST_DATA "/golden/tiny-gemma3.gguf", err);
}

static void test_open(void **state)
{
    (void)state;
    check(open_llama, CRIL_OK, true);
    check(open_gemma3, CRIL_OK, true);
}

static cril_model *model;

static cril_status encode(cril_error *err)
{
    static const char text[] = "Where memory runs out, 1234 words are not cut.";
    cril_ids ids = {0};
    const cril_status st =
        cril_tokenizer_encode(cril_model_tokenizer(model), text, sizeof(text) - 1, 0, &ids, err);

    cril_ids_free(&ids);
    return st;
}

static cril_status hash(cril_error *err)
{
    cril_model *m;
    char hex[65];
    const long left = n_left;

    n_left = -1;
    if (cril_model_open(CRIL_TEST_DATA "/golden/tiny-llama-mixed.gguf", &m, err) != CRIL_OK)
        return CRIL_ERR_FORMAT;
    n_left = left;
    const cril_status st = cril_model_sha256(m, hex, err);
    cril_model_close(m);
    return st;
}

/* Prompts that share a prefix, stop strings, text. */
static cril_status generate(cril_error *err)
{
    static int32_t ids[2][80];
    static const char *const until = "\n";
    static const size_t until_len = 1;
    const cril_generator_options options = {.threads = 2, .streams = 2, .context = 100};
    cril_prompt p[3];
    cril_generator *g;
    cril_status st;

    for (size_t i = 0; i < 3; i++)
        p[i] = (cril_prompt){.ids = ids[i / 2],
                             .n = 80 - i,
                             .until = &until,
                             .until_len = &until_len,
                             .n_until = 1,
                             .max_tokens = 8};
    ids[1][79] = 1;
    if ((st = cril_generator_create(model, &options, &g, err)) != CRIL_OK)
        return st;
    st = cril_generate(g, p, 3, NULL, err);
    cril_generator_free(g);
    return st;
}

static char corpus[] = "/tmp/cril-no-memory-XXXXXX";

static cril_status ask_model(cril_membership *s, cril_error *err)
{
    const cril_corpus_options options = {.format = "jsonl", .date_field = "date"};
    const cril_interval wanted = {.level = .9, .resamples = 5};
    cril_membership_separation x;
    cril_membership_times t;
    cril_status st;

    if ((st = cril_membership_add(s, corpus, &options, false, NULL, NULL, err)) != CRIL_OK ||
        (st = cril_membership_add(s, corpus, &options, true, NULL, NULL, err)) != CRIL_OK ||
        (st = cril_membership_separate(s, 0, &wanted, &x, err)) != CRIL_OK ||
        (st = cril_membership_blind(s, &wanted, &x, err)) != CRIL_OK ||
        (st = cril_membership_by_month(s, &wanted, &t, err)) != CRIL_OK)
        return st;
    cril_membership_times_free(&t);
    return CRIL_OK;
}

/* Scores of two documents, with all passes, and what is made of them. */
static cril_status membership(cril_error *err)
{
    const cril_membership_options o = {
        .score.threads = 1, .lower_case = true, .reference = model, .controls = true};
    cril_membership *s;
    cril_status st = cril_membership_create(model, &o, &s, err);

    if (st != CRIL_OK)
        return st;
    st = ask_model(s, err);
    cril_membership_free(s);
    return st;
}

static void write_corpus(void)
{
    static const char text[] =
        "{\"content\": \"The mill stood by the river.\", \"date\": \"2026-01\"}\n"
        "{\"content\": \"It had stood there for long.\", \"date\": \"2026-02\"}\n";
    const int fd = mkstemp(corpus);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
}

static void test_use(void **state)
{
    (void)state;
    write_corpus();
    if (cril_model_open(CRIL_TEST_DATA "/golden/tiny-llama-mixed.gguf", &model, NULL) != CRIL_OK)
        fail();
    check(encode, CRIL_OK, true);
    check(hash, CRIL_OK, true);
    check(generate, CRIL_OK, true);
    check(membership, CRIL_OK, true);
    unlink(corpus);
    cril_model_close(model);
}

/* The files of a repository, and which of them are a model. */
static cril_status choose(cril_error *err)
{
    static const char json[] =
        "{\"sha\": \"0123456789012345678901234567890123456789\", \"siblings\": ["
        "{\"rfilename\": \"config.json\", \"size\": 2, \"blobId\": \"\"},"
        "{\"rfilename\": \"model.safetensors\", \"lfs\": {\"sha256\": \"\", \"size\": 9}}]}";
    struct cril_hub_listing list;
    struct cril_hub_choice choice;
    cril_hub_name name;
    cril_status st = cril_hub_name_parse("hf:o/n", &name, err);

    if (st != CRIL_OK ||
        (st = cril_hub_listing_parse(json, sizeof(json) - 1, "hf:o/n", &list, err)) != CRIL_OK)
        return st;
    st = cril_hub_choose(&name, "hf:o/n", &list, &choice, err);
    cril_hub_choice_free(&choice);
    cril_hub_listing_free(&list);
    return st;
}

static void test_hub(void **state)
{
    (void)state;
    check(choose, CRIL_OK, false);
}

static cril_status read_web(cril_error *err)
{
    struct cril_source *s;
    struct cril_gathered doc = {.text = ""};
    cril_status st;

    if ((st = cril_source_web_open(CRIL_TEST_DATA "/golden/warc/wet-1.0.warc.wet.gz", &s, err)) !=
        CRIL_OK)
        return st;
    while (st == CRIL_OK && doc.text)
        st = s->kind->next(s, &doc, err);
    s->kind->close(s);
    return st;
}

static void test_web(void **state)
{
    (void)state;
    check(read_web, CRIL_OK, true);
}

static int drop(void *user, const void *data, size_t n)
{
    (void)user;
    (void)data;
    (void)n;
    return 0;
}

static cril_status gather(cril_error *err)
{
    static const char *const inputs[] = {CRIL_TEST_DATA "/golden/warc/wet-1.0.warc.wet.gz"},
                             *const without[] = {"gopher_quality", "gopher_repetition"};
    const cril_gather_options o = {.kind = "web",
                                   .inputs = inputs,
                                   .n_inputs = 1,
                                   .without = without,
                                   .n_without = 2,
                                   .n_threads = 1};
    const cril_gather_sink sink = {.write = drop, .zstd = true};
    static char whole[8192]; /* the card of the first run; no later one has less */
    char *card = NULL;
    const cril_status st = cril_gather(&o, &sink, &card, err);

    if (st == CRIL_OK && !*whole)
        snprintf(whole, sizeof(whole), "%s", card);
    for (size_t i = 0; st == CRIL_OK && whole[i]; i++)
        if (card[i] != whole[i])
            fail_msg("the card has '%.100s', not '%.100s'", card + i, whole + i);
    free(card);
    return st;
}

static void test_gather(void **state)
{
    (void)state;
    check(gather, CRIL_OK, true);
}

static char path[] = "/tmp/cril-no-memory-XXXXXX";

/* JSON that is no result: to know that, it must be read. */
static cril_status read_results(cril_error *err)
{
    cril_result *results;
    size_t n;

    return cril_results_read(path, &results, &n, err);
}

static void test_json(void **state)
{
    static const char json[] = "{\"results\": [[1, 2.5, \"three\", {\"four\": null}]]}\n";
    const int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, json, sizeof(json) - 1), sizeof(json) - 1);
    close(fd);
    check(read_results, CRIL_ERR_FORMAT, false); /* jansson takes one for a fault of the text */
    unlink(path);
}

static char folder[] = "/tmp/cril-no-memory-XXXXXX";

static cril_status open_folder(cril_error *err)
{
    cril_inspect *f;
    const cril_status st = cril_inspect_open(folder, &f, err);

    if (st == CRIL_OK)
        cril_inspect_close(f);
    return st;
}

static void write_file(const char *name, const char *text, size_t n)
{
    char whole[100];
    FILE *f;

    snprintf(whole, sizeof(whole), "%s/%s", folder, name);
    assert_non_null(f = fopen(whole, "wb"));
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void test_folder(void **state)
{
    static const char *const names[] = {"config.json", "tokenizer.json", "a.safetensors",
                                        "model.safetensors.index.json", ""};
    static const char config[] = "{\"architectures\": [\"A\"], \"a\": {\"b\": [1, Infinity]}}",
                      index[] = "{\"weight_map\": {\"x\": \"a.safetensors\"}}",
                      weights[] = "\x3b\0\0\0\0\0\0\0{\"x\":{\"dtype\":\"F32\",\"shape\":[1],"
                                  "\"data_offsets\":[0,4]}}     abc";
    char whole[100];

    (void)state;
    assert_non_null(mkdtemp(folder));
    write_file(names[0], config, strlen(config));
    write_file(names[1], "{}", 2);
    write_file(names[2], weights, sizeof(weights));
    write_file(names[3], index, strlen(index));
    check(open_folder, CRIL_OK, false);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(whole, sizeof(whole), "%s/%s", folder, names[i]);
        remove(whole);
    }
}

static json_t *graded, *verdicts;
static cril_rules *grade;

/* What is judged although memory ran out is judged as ever. */
static cril_status judge(cril_error *err)
{
    json_t *const out = json_object();
    cril_status st = CRIL_ERR_NOMEM;

    if (out)
        st = grade(graded, out, err);
    else
        snprintf(err->message, sizeof(err->message), "out of memory");
    if (st == CRIL_OK && verdicts && !json_equal(out, verdicts))
        st = CRIL_ERR_MISMATCH;
    if (st == CRIL_OK && !verdicts)
        verdicts = json_incref(out);
    json_decref(out);
    return st;
}

static void test_rules(void **state)
{
    static const struct {
        cril_rules *rules;
        const char *line;
    } lines[] = {
        {cril_rules_gsm8k, "{'text': '#### 1,0 \\u0662', 'gold': '#### 10'}"},
        {cril_rules_letters, "{'text': 'x, the answer is E', 'gold': 'E'}"},
        {cril_rules_answers, "{'text': ' The \\u0130', 'references': ['a b', 'The x']}"},
        {cril_rules_math, "{'text': 'so .5. The final answer is $\\\\sqrt2 j$', 'gold': '.5 j'}"},
        {cril_rules_math, "{'reference': '.5', 'candidate': '\\\\text{a}\\\\frac12/$3$\\\\sqrt2'}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char line[200];

        snprintf(line, sizeof(line), "%s", lines[i].line);
        for (char *c = line; *c; c++)
            if (*c == '\'')
                *c = '"';
        assert_non_null(graded = json_loads(line, 0, NULL));
        grade = lines[i].rules;
        check(judge, CRIL_OK, true);
        json_decref(graded);
        json_decref(verdicts);
        verdicts = NULL;
    }
}

/* ---- a wiki's dump ---- */

static cril_status read_documents(const struct cril_wiki_dates *dates, cril_error *err)
{
    const struct cril_wiki_options o = {.created = dates};
    struct cril_source *s;
    struct cril_gathered doc;
    cril_status st = cril_source_wiki_open(
        CRIL_TEST_DATA "/golden/mediawiki/pages-articles-multistream.xml.bz2", &o, &s, err);

    if (st != CRIL_OK)
        return st;
    do
        st = s->kind->next(s, &doc, err);
    while (st == CRIL_OK && doc.text);
    s->kind->close(s);
    return st;
}

static cril_status read_wiki(cril_error *err)
{
    const char *stubs = CRIL_TEST_DATA "/golden/mediawiki/stub-meta-history.xml.gz";
    struct cril_wiki_dates *dates;
    cril_status st = cril_wiki_dates_read(&stubs, 1, &dates, err);

    if (st != CRIL_OK)
        return st;
    st = read_documents(dates, err);
    cril_wiki_dates_free(dates);
    return st;
}

static void test_wiki(void **state)
{
    (void)state;
    check(read_wiki, CRIL_OK, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),   cmocka_unit_test(test_use),    cmocka_unit_test(test_json),
        cmocka_unit_test(test_folder), cmocka_unit_test(test_hub),    cmocka_unit_test(test_web),
        cmocka_unit_test(test_wiki),   cmocka_unit_test(test_gather), cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
