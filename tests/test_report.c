/*
 * Results written, read back to the bit, and refused when the file lies; comparison of two results.
 *
 * Bad files are made from a good one by one change of its text, so that nothing but the change can
 * be the reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/number.h>
#include <cril/report.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_DOCUMENTS = 3, MAX_FILE = 1 << 16 };

static char folder[] = "/tmp/cril-report-XXXXXX";
static char path[128];

/* Numbers that need all their digits, and the largest counts that a file can hold. */
static cril_document_score documents[N_DOCUMENTS] = {
    {.index = 0,
     .line = 1,
     .nats = 0.1,
     .tokens = 10,
     .scored_tokens = 9,
     .characters = 40,
     .bytes = 44},
    {.index = 1,
     .line = 0,
     .nats = 1.0 / 3,
     .tokens = 20,
     .scored_tokens = 20,
     .characters = 60,
     .bytes = 60},
    {.index = 2,
     .line = INT64_MAX,
     .nats = 0,
     .tokens = 1,
     .scored_tokens = 1,
     .characters = 0,
     .bytes = 1},
};

static cril_baseline baselines[] = {
    {"zstd -19", 61}, {"xz -9", 40}, {"twenty-three letters ok", 40}};

static char name[] = "a \"model\"\n\\ \xc3\xa9\xf0\x9f\x98\x80", architecture[] = "llama",
            file[] = "/data/corpus.jsonl", model_path[] = "/models/a.gguf", types[] = "Q8_0+Q5_0",
            field[] = "te\"xt";

static const char hex_a[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char hex_b[] = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

/* Borrowed texts, documents and baselines: not for cril_result_free. */
static cril_result sample(void)
{
    cril_result r = {
        .nats = 0.1 + 1.0 / 3,
        .seconds = 12.345678901234567,
        .tokens = 31,
        .scored_tokens = 30,
        .forward_tokens = INT64_MAX,
        .characters = 100,
        .bytes = 105,
        .documents = N_DOCUMENTS,
        .interval =
            {.level = 0.95, .low = 0.013 / 3, .high = 0.02 / 3, .resamples = 1000, .seed = 77},
        .protocol = "document",
        .context = 1900,
        .stride = 512,
        .model_name = name,
        .model_architecture = architecture,
        .model_parameters = 1234567890123,
        .model_bytes = 987654321098,
        .model_path = model_path,
        .model_types = types,
        .corpus_path = file,
        .corpus_field = field,
        .corpus_limit = 4,
        .version = CRIL_VERSION,
        .numerics = CRIL_NUMERICS,
        .rules = CRIL_RULES,
        .unicode = {"14.0.0", "15.0.0"},
        .token_ids_sha256 = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        .per_document = documents,
        .baselines = baselines,
        .n_baselines = sizeof(baselines) / sizeof(baselines[0]),
        .text_characters = 200,
        .text_bytes = 210,
    };

    memcpy(r.model_sha256, hex_a, sizeof(hex_a));
    memcpy(r.corpus_sha256, hex_b, sizeof(hex_b));
    return r;
}

/* A new file each time: some file systems bring a file to the disk when it is cut to nothing and
 * closed. */
static void write_text(const char *text, size_t len)
{
    FILE *f;

    unlink(path);
    f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static const cril_proof *proof; /* of each, unless NULL */

static void write_results(const cril_result *results, size_t n)
{
    FILE *f = fopen(path, "wb");
    cril_error err;

    assert_non_null(f);
    if (cril_results_write(f, results, n, proof, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(fclose(f), 0);
}

static char *good_text(void)
{
    static char text[MAX_FILE];
    const cril_result r = sample();
    FILE *f;
    size_t n;

    write_results(&r, 1);
    f = fopen(path, "rb");
    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

/* Those of its documents, as cril_result_sum has them, without an interval. */
static void set_sums(cril_result *r)
{
    r->nats = 0;
    r->tokens = r->scored_tokens = r->characters = r->bytes = 0;
    for (uint64_t i = 0; i < r->documents; i++) {
        r->nats += r->per_document[i].nats;
        r->tokens += r->per_document[i].tokens;
        r->scored_tokens += r->per_document[i].scored_tokens;
        r->characters += r->per_document[i].characters;
        r->bytes += r->per_document[i].bytes;
    }
}

/* Other nats for r, all of its first document. */
static void set_nats(cril_result *r, cril_document_score room[N_DOCUMENTS], double nats)
{
    memcpy(room, documents, sizeof(documents));
    room[0].nats = nats;
    room[1].nats = 0;
    r->per_document = room;
    r->interval = (cril_interval){0};
    set_sums(r);
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Texts that may be NULL. */
static void check_same_known(const char *a, const char *b)
{
    assert_true(!a == !b);
    if (a)
        assert_string_equal(a, b);
}

static void check_same(const cril_result *a, const cril_result *b)
{
    assert_true(same_bits(a->nats, b->nats) && same_bits(a->seconds, b->seconds));
    assert_true(a->tokens == b->tokens && a->scored_tokens == b->scored_tokens);
    assert_true(a->forward_tokens == b->forward_tokens && a->characters == b->characters);
    assert_true(a->bytes == b->bytes && a->documents == b->documents);
    assert_true(a->unspelled_characters == b->unspelled_characters &&
                a->unspelled_documents == b->unspelled_documents &&
                a->escape_bytes == b->escape_bytes);
    assert_true(same_bits(a->interval.level, b->interval.level) &&
                same_bits(a->interval.low, b->interval.low));
    assert_true(same_bits(a->interval.high, b->interval.high));
    assert_true(a->interval.resamples == b->interval.resamples &&
                a->interval.seed == b->interval.seed);
    assert_string_equal(a->protocol, b->protocol);
    assert_true(a->context == b->context && a->stride == b->stride &&
                a->beyond_context == b->beyond_context);
    assert_string_equal(a->model_name, b->model_name);
    assert_string_equal(a->model_architecture, b->model_architecture);
    assert_string_equal(a->model_sha256, b->model_sha256);
    assert_true(a->model_parameters == b->model_parameters && a->model_bytes == b->model_bytes);
    check_same_known(a->model_path, b->model_path);
    check_same_known(a->model_types, b->model_types);
    assert_string_equal(a->corpus_path, b->corpus_path);
    check_same_known(a->corpus_field, b->corpus_field);
    check_same_known(a->corpus_prompt_field, b->corpus_prompt_field);
    assert_true(a->corpus_limit == b->corpus_limit);
    assert_string_equal(a->corpus_sha256, b->corpus_sha256);
    assert_string_equal(a->version, b->version);
    assert_int_equal(a->numerics, b->numerics);
    assert_int_equal(a->rules, b->rules);
    assert_string_equal(a->unicode.pcre2, b->unicode.pcre2);
    assert_string_equal(a->unicode.utf8proc, b->unicode.utf8proc);
    assert_string_equal(a->token_ids_sha256, b->token_ids_sha256);
    assert_true(a->n_baselines == b->n_baselines && !a->baselines == !b->baselines);
    assert_true(a->text_characters == b->text_characters && a->text_bytes == b->text_bytes);
    for (size_t i = 0; i < a->n_baselines; i++) {
        assert_string_equal(a->baselines[i].name, b->baselines[i].name);
        assert_true(a->baselines[i].bytes == b->baselines[i].bytes);
    }
    assert_int_equal(a->per_document == NULL, b->per_document == NULL);
    for (uint64_t i = 0; a->per_document && i < a->documents; i++) {
        const cril_document_score *p = &a->per_document[i], *q = &b->per_document[i];

        assert_true(same_bits(p->nats, q->nats));
        assert_true(p->index == q->index && p->line == q->line && p->tokens == q->tokens);
        assert_true(p->scored_tokens == q->scored_tokens && p->characters == q->characters &&
                    p->bytes == q->bytes);
        assert_true(p->unspelled_characters == q->unspelled_characters &&
                    p->escape_bytes == q->escape_bytes);
    }
}

static void check_round_trip(const cril_result *results, size_t n)
{
    cril_result *back = NULL;
    size_t n_back = 0;
    cril_error err;

    write_results(results, n);
    if (cril_results_read(path, &back, &n_back, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(n_back, n);
    for (size_t i = 0; i < n; i++)
        check_same(&results[i], &back[i]);
    cril_results_free(back, n_back);
}

static void test_round_trip(void **state)
{
    cril_result r[3] = {sample(), sample(), sample()};
    cril_document_score one = documents[0], other[N_DOCUMENTS];
    uint64_t bits = 1;

    (void)state;
    check_round_trip(r, 1);
    r[2].beyond_context = true;
    r[2].corpus_prompt_field = (char[]){"what stands before"};
    one.nats = DBL_MAX / 2; /* its bits are a double too */
    r[1].per_document = &one;
    r[1].documents = 1;
    set_sums(&r[1]);
    r[1].interval = (cril_interval){0}; /* null in the file */
    r[1].baselines = NULL;
    r[1].n_baselines = 0;
    r[1].text_characters = r[1].text_bytes = 0;
    r[1].model_name = r[1].corpus_path = (char[]){""};
    r[1].model_path = r[1].model_types = r[1].corpus_field = NULL;
    r[1].corpus_limit = 0;
    memcpy(other, documents, sizeof(other));
    other[0].nats = other[1].nats = 5e-324;
    r[2].per_document = other;
    set_sums(&r[2]);
    r[2].seconds = 0;
    r[2].interval.low = r[2].interval.high = 0; /* 5e-324 / 40 */
    r[2].interval.seed = INT64_MAX;
    memcpy(r[2].protocol, "fifteen letters", sizeof(r[2].protocol));
    memcpy(r[2].version, "fifteen letters", sizeof(r[2].version));
    check_round_trip(r, 3);
    for (int i = 0; i < 200; i++) { /* any finite double of 0 or more */
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        memcpy(&one.nats, &(uint64_t){bits >> 1}, sizeof(bits));
        memcpy(&r[1].seconds, &(uint64_t){bits >> 2}, sizeof(bits));
        set_sums(&r[1]);
        if (isfinite(cril_result_bits(&r[1])))
            check_round_trip(&r[1], 1);
    }
}

static void expect_written(const char *key, double v)
{
    char line[64], number[CRIL_NUMBER_SIZE];

    snprintf(line, sizeof(line), "\"%s\": %s", key, cril_number_write(number, v, 17));
    assert_non_null(strstr(good_text(), line));
}

/* The figures are written beside the sums they follow from. */
static void test_figures(void **state)
{
    const cril_result r = sample();

    (void)state;
    assert_true(fabs(cril_result_bits(&r) * log(2) - r.nats) < 1e-15);
    assert_true(cril_result_bpc(&r) == cril_result_bits(&r) / 100);
    assert_true(cril_result_bpb(&r) == cril_result_bits(&r) / 105);
    assert_true(cril_result_bits_per_token(&r) == cril_result_bits(&r) / 30);
    assert_true(fabs(cril_result_perplexity(&r) / exp(r.nats / 30) - 1) < 1e-14);
    expect_written("bpc", cril_result_bpc(&r));
}

/* The sample's text has twice the characters that were scored. */
static void test_break_even(void **state)
{
    cril_document_score room[N_DOCUMENTS];
    cril_result r = sample();
    const double bits = 2 * cril_result_bits(&r), best = 40 * 8.0 / 200;
    double even;

    (void)state;
    assert_ptr_equal(cril_result_best_baseline(&r), &baselines[1]); /* the first of two with 40 */
    assert_true(cril_result_archive_bytes(&r) == 1);                /* 1.25 bits */
    r.nats = 8 * CRIL_LN2;
    assert_true(cril_result_archive_bytes(&r) == 2);
    r.nats *= 1.0001;
    assert_true(cril_result_archive_bytes(&r) == 3);
    r.nats = bits / 2 * CRIL_LN2;

    even = cril_result_break_even(&r);
    assert_true(fabs(even * best / 8 / (987654321098 + even * cril_result_bpc(&r) / 8) - 1) <
                1e-12);
    expect_written("break_even_characters", even);
    expect_written("break_even_bytes", even * 210 / 200);
    assert_non_null(strstr(good_text(), "\"bpc\": 1.6"));

    set_nats(&r, room, 100 * best * CRIL_LN2 * 1.0001); /* a worse model never pays */
    assert_true(isinf(cril_result_break_even(&r)));
    check_round_trip(&r, 1);
    r.nats = 100 * best * CRIL_LN2 * 0.9999;
    assert_true(isfinite(cril_result_break_even(&r)));
}

/* Escapes are paid in the model's archive, and no break-even is claimed. */
static void test_unspelled(void **state)
{
    cril_result r = sample();

    (void)state;
    assert_true(same_bits(cril_result_bpc_with_escapes(&r), cril_result_bpc(&r)));
    r.unspelled_characters = 4;
    r.unspelled_documents = 2;
    r.escape_bytes = 30;
    assert_true(cril_result_bpc(&r) == cril_result_bits(&r) / 100);
    assert_true(cril_result_bpc_with_escapes(&r) == (cril_result_bits(&r) + 240) / 100);
    assert_true(cril_result_archive_bytes(&r) == 1 + 30);
    assert_true(isnan(cril_result_break_even(&r)));
    documents[1].unspelled_characters = 1;
    documents[1].escape_bytes = 10;
    documents[2].unspelled_characters = 3;
    documents[2].escape_bytes = 20;
    check_round_trip(&r, 1);
    for (int i = 1; i < 3; i++)
        documents[i].unspelled_characters = documents[i].escape_bytes = 0;
}

/* What is not spelled makes no model better than another. */
static void test_unspelled_compared(void **state)
{
    cril_document_score other[N_DOCUMENTS];
    cril_result a = sample(), b = sample();
    cril_comparison c = {0};

    (void)state;
    memcpy(other, documents, sizeof(other));
    other[0].nats = 0;
    other[0].unspelled_characters = 1;
    other[0].escape_bytes = 15;
    b.per_document = other;
    a.interval = b.interval = (cril_interval){.resamples = 10};
    assert_int_equal(cril_result_sum(&a, NULL), CRIL_OK);
    assert_int_equal(cril_result_sum(&b, NULL), CRIL_OK);
    assert_true(b.nats < a.nats);
    assert_int_equal(cril_compare(&a, &b, &c, NULL), CRIL_OK);
    assert_true(fabs(c.difference - (8 * 15 - 0.1 / CRIL_LN2) / 100) < 1e-12);
    assert_true(c.documents[0].index == 0 && c.documents[0].bits_b == 8 * 15);
    assert_true(same_bits(c.bpc_a, cril_result_bpc(&a)));
    cril_comparison_free(&c);
}

/* A file of before does not have the counts. */
static void test_unspelled_is_lacking(void **state)
{
    static char text[MAX_FILE];
    const cril_result r = sample();
    cril_result *back = NULL;
    size_t n = 0;

    (void)state;
    strcpy(text, good_text());
    for (char *p; (p = strstr(text, "\"unspelled_")) || (p = strstr(text, "\"escape_bytes"));)
        memcpy(p, "\"x", 2); /* another name */
    write_text(text, strlen(text));
    assert_int_equal(cril_results_read(path, &back, &n, NULL), CRIL_OK);
    check_same(&r, back);
    cril_results_free(back, n);
}

/* A perplexity past e^700 is infinite, null in the file, and in nobody's way. */
static void test_perplexity_ends(void **state)
{
    cril_document_score room[N_DOCUMENTS];
    cril_result r = sample();

    (void)state;
    set_nats(&r, room, 699.9 * 30);
    assert_true(isfinite(cril_result_perplexity(&r)));
    check_round_trip(&r, 1);
    set_nats(&r, room, 700.1 * 30);
    assert_true(isinf(cril_result_perplexity(&r)));
    check_round_trip(&r, 1);
    assert_non_null(strstr(good_text(), "\"perplexity\": 1.01"));
    r.nats = NAN;
    assert_true(isnan(cril_result_perplexity(&r)));
    r.scored_tokens = 0;
    assert_true(cril_result_perplexity(&r) == 1);
}

/* Every byte that is part of no UTF-8 character is one U+FFFD; the rest stays. */
static void test_paths_that_are_not_utf8(void **state)
{
    static const struct {
        const char *path, *read;
    } cases[] = {
        {"caf\xe9.jsonl", "caf\xef\xbf\xbd.jsonl"},
        {"\xff", "\xef\xbf\xbd"},
        {"a\xc3", "a\xef\xbf\xbd"},
        {"\xc3\xa9\x80\xc3\xa9", "\xc3\xa9\xef\xbf\xbd\xc3\xa9"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* half of a surrogate pair */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* an overlong '/' */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\x01\x1f\x7f", "\x01\x1f\x7f"},
    };
    cril_result r = sample();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bad[64];
        cril_result *back = NULL;
        size_t n = 0;

        snprintf(bad, sizeof(bad), "%s", cases[i].path);
        r.corpus_path = r.model_name = bad;
        write_results(&r, 1);
        assert_int_equal(cril_results_read(path, &back, &n, NULL), CRIL_OK);
        assert_string_equal(back[0].corpus_path, cases[i].read);
        assert_string_equal(back[0].model_name, cases[i].read);
        cril_results_free(back, n);
    }
}

static void check_not_written(const cril_result *r, size_t n, cril_status want)
{
    cril_error err = {.status = CRIL_OK};
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(cril_results_write(f, r, n, NULL, &err), want);
    assert_int_equal(err.status, want);
    assert_true(err.message[0] != '\0');
    assert_int_equal(ftell(f), 0); /* not half a file */
    fclose(f);
}

static void test_not_written(void **state)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    const cril_result good = sample();
    cril_result r = good;
    cril_error err = {.status = CRIL_OK};
    FILE *f;

    (void)state;
    check_not_written(&r, 0, CRIL_ERR_EMPTY);
    for (size_t i = 0; i < 3; i++) {
        r = good;
        r.nats = bad[i];
        check_not_written(&r, 1, CRIL_ERR_RANGE);
        r = good;
        r.seconds = bad[i];
        check_not_written(&r, 1, CRIL_ERR_RANGE);
        r = good;
        r.interval.high = bad[i];
        check_not_written(&r, 1, CRIL_ERR_RANGE);
        documents[1].nats = bad[i];
        check_not_written(&good, 1, CRIL_ERR_RANGE);
        documents[1].nats = 1.0 / 3;
    }
    r = good;
    r.tokens = (uint64_t)INT64_MAX + 1;
    check_not_written(&r, 1, CRIL_ERR_RANGE);
    r = good;
    r.interval.seed = UINT64_MAX;
    check_not_written(&r, 1, CRIL_ERR_RANGE);
    documents[2].bytes = UINT64_MAX;
    check_not_written(&good, 1, CRIL_ERR_RANGE);
    documents[2].bytes = 1;
    if (!(f = fopen("/dev/full", "wb")))
        return;
    assert_int_equal(cril_results_write(f, &good, 1, NULL, &err), CRIL_ERR_IO);
    assert_true(err.message[0] != '\0');
    fclose(f);
}

/* The file at path is refused; nothing is given; the sentence names the file and says `word`. */
static void check_refused(cril_status want, const char *word)
{
    cril_result *r = (cril_result *)8;
    size_t n = 99;
    cril_error err = {.status = CRIL_OK};
    cril_status got = cril_results_read(path, &r, &n, &err);

    if (got != want || err.status != want)
        fail_msg("%s: %s, not %s", word, cril_status_name(got), cril_status_name(want));
    assert_true(r == (cril_result *)8 && n == 99);
    if (!strstr(err.message, path) || !strstr(err.message, word))
        fail_msg("\"%s\" does not say \"%s\"", err.message, word);
    assert_int_equal(cril_results_read(path, &r, &n, NULL), want);
}

/* The good file with its first `from` replaced by `to`. */
static void change(const char *from, const char *to)
{
    static char changed[MAX_FILE + 256];
    const char *text = good_text(), *at = strstr(text, from);
    int n;

    if (!at)
        fail_msg("the file has no %s", from);
    n = snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to,
                 at + strlen(from));
    assert_true(n > 0 && (size_t)n < sizeof(changed));
    write_text(changed, (size_t)n);
}

/* A file of before has neither baselines nor the model's size. */
static void test_older_file(void **state)
{
    cril_result *r = NULL;
    size_t n = 0;

    (void)state;
    change("\"path\": \"/models/a.gguf\"", "\"other\": 1");
    assert_int_equal(cril_results_read(path, &r, &n, NULL), CRIL_OK);
    assert_true(!r->model_path && strcmp(r->model_types, types) == 0);
    cril_results_free(r, n);
    change("\"field\": \"te\\\"xt\",", "");
    assert_int_equal(cril_results_read(path, &r, &n, NULL), CRIL_OK);
    assert_true(!r->corpus_field && r->corpus_limit == 4);
    cril_results_free(r, n);
    change("\"limit\": 4", "\"other\": 4");
    assert_int_equal(cril_results_read(path, &r, &n, NULL), CRIL_OK);
    assert_true(!r->corpus_limit && strcmp(r->model_path, model_path) == 0);
    cril_results_free(r, n);
    change("\"limit\": 4", "\"limit\": -4");
    check_refused(CRIL_ERR_FORMAT, "limit");
    change("\"types\": \"Q8_0+Q5_0\"", "\"types\": 8");
    check_refused(CRIL_ERR_FORMAT, "types");
    change("\"baselines\": {", "\"other\": {");
    assert_int_equal(cril_results_read(path, &r, &n, NULL), CRIL_OK);
    assert_true(!r->baselines && !r->n_baselines && !r->text_bytes &&
                r->model_bytes == 987654321098);
    cril_results_free(r, n);
    change("\"bytes\": 9", "\"other\": 9");
    assert_int_equal(cril_results_read(path, &r, &n, NULL), CRIL_OK);
    assert_true(r->n_baselines == 3 && !r->model_bytes);
    cril_results_free(r, n);
}

static void test_wrong_values(void **state)
{
    static const struct {
        const char *from, *to, *word;
    } cases[] = {
        {"\"nats\": 0.4", "\"nats\": -0.4", "nats"},
        {"\"nats\": 0.4", "\"other\": 0.4", "nats is missing"},
        {"\"nats\": 0.4", "\"nats\": true, \"other\": 0.4",
         "nats is missing or not a finite number"},
        {"\"nats\": 0.4", "\"nats\": null, \"other\": 0.4", "nats"},
        {"\"nats\": 0.4", "\"nats\": \"1\", \"other\": 0.4", "nats"},
        {"\"seconds\": 12", "\"seconds\": -12", "seconds"},
        {"\"tokens\": 31", "\"tokens\": -31", "tokens is missing or not a count"},
        {"\"tokens\": 31", "\"tokens\": 31.0", "tokens"},
        {"\"tokens\": 31", "\"tokens\": 3e1", "tokens"},
        {"\"tokens\": 31", "\"tokens\": \"31\"", "tokens"},
        {"\"tokens\": 31", "\"tokens\": [31]", "tokens"},
        {"\"scored_tokens\": 30", "\"scored_tokens\": 0", "scored_tokens"},
        {"\"characters\": 100", "\"characters\": 0", "characters"},
        {"\"bytes\": 105", "\"bytes\": 0", "bytes"},
        {"\"unspelled_characters\": 0", "\"unspelled_characters\": -1", "unspelled_characters"},
        {"\"unspelled_characters\": [", "\"unspelled_characters\": [1], \"other\": [",
         "unspelled_characters has 1 row for 3 documents"},
        {"\"documents\": 3", "\"documents\": 0", "documents"},
        {"\"documents\": 3", "\"documents\": 2", "nats has 3 rows for 2 documents"},
        {"\"documents\": 3", "\"documents\": 4", "nats has 3 rows for 4 documents"},
        {"\"documents\": 3", "\"documents\": 9223372036854775807", "rows"},
        {"\"numerics\": 1", "\"numerics\": 2147483648", "numerics"},
        {"\"numerics\": 1", "\"numerics\": -1", "numerics"},
        {"\"rules\": 2", "\"rules\": 0", "rules"},
        {"\"14.0.0\"", "\"14.0.0 and more than there is room for\"", "pcre2"},
        {"\"interval\": {", "\"interval\": [], \"other\": {", "level"},
        {"\"interval\": {", "\"other\": {", "level"},
        {"\"level\": 0.9", "\"level\": 1.9", "interval"},
        {"\"level\": 0.9", "\"level\": -0.9", "interval"},
        {"\"low\": 0.004", "\"low\": 7.3", "interval"},
        {"\"resamples\": 1000", "\"resamples\": -1", "resamples"},
        {"\"resamples\": 1000", "\"resamples\": 0", "interval"},
        {"\"seed\": 77", "\"seed\": -77", "seed"},
        {"\"name\": \"document\"", "\"name\": \"more than fifteen letters\"", "name"},
        {"\"name\": \"document\"", "\"name\": 1", "name"},
        {"\"context\": 1900", "\"context\": -1900", "context"},
        {"\"stride\": 512", "\"stride\": {}", "stride"},
        {"\"protocol\": {", "\"protocol\": 0, \"other\": {", "name"},
        {"\"model\": {", "\"model\": null, \"other\": {", "name"},
        {"\"architecture\": \"llama\"", "\"architecture\": false", "architecture"},
        {"\"sha256\": \"0", "\"sha256\": \"00", "sha256"},
        {"\"parameters\": 1", "\"parameters\": -1", "parameters"},
        {"\"bytes\": 9", "\"bytes\": -9", "bytes"},
        {"\"baselines\": {", "\"baselines\": [], \"other\": {", "characters"},
        {"\"baselines\": {", "\"baselines\": null, \"other\": {", "characters"},
        {"\"characters\": 200", "\"characters\": 0", "baselines"},
        {"\"characters\": 200", "\"characters\": \"200\"", "characters"},
        {"\"bytes\": 210", "\"bytes\": 0", "baselines"},
        {"\"compressors\": [", "\"compressors\": [], \"other\": [", "baselines"},
        {"\"compressors\": [", "\"compressors\": {}, \"other\": [", "baselines"},
        {"\"compressors\": [", "\"compressors\": [null,", "name"},
        {"\"name\": \"zstd -19\"", "\"name\": 19", "name"},
        {"\"name\": \"zstd -19\"", "\"name\": \"twenty-four letters or so\"", "name"},
        {"\"bytes\": 61", "\"bytes\": -61", "bytes"},
        {"\"bytes\": 61", "\"bytes\": 6.1", "bytes"},
        {"\"corpus\": {", "\"corpus\": [], \"other\": {", "path"},
        {"\"path\": \"", "\"path\": [], \"other\": \"", "path"},
        {"\"sha256\": \"fed", "\"sha256\": 1, \"other\": \"fed", "sha256"},
        {"\"cril\": \"", "\"cril\": \"0123456789abcdef", "cril"},
        {"\"per_document\": {", "\"per_document\": [], \"other\": {", "rows"},
        {"\"per_document\": {", "\"per_document\": null, \"other\": {", "rows"},
        {"\"index\": [", "\"other\": [", "index has 0 rows"},
        {"\"index\": [", "\"index\": {}, \"other\": [", "index has 0 rows"},
        {"\"index\": [", "\"index\": [5,", "index has 4 rows"},
        {"\"line\": [", "\"line\": [], \"other\": [", "line has 0 rows"},
        {"\"characters\": [", "\"characters\": [1, 2], \"other\": [", "characters has 2 rows"},
        {"\"bytes\": [", "\"bytes\": [1, 2, -3], \"other\": [", "not a count"},
        {"\"bytes\": [", "\"bytes\": [1, 2.5, 3], \"other\": [", "not a count"},
        {"\"nats\": [", "\"nats\": [1, 2], \"other\": [", "nats has 2 rows"},
        {"\"nats\": [", "\"nats\": [1, -2, 3], \"other\": [", "0 or more"},
        {"\"nats\": [", "\"nats\": [1, null, 3], \"other\": [", "0 or more"},
        {"\"nats\": [", "\"nats\": [1, \"2\", 3], \"other\": [", "0 or more"},
        {"\"results\": [", "\"results\": [], \"other\": [", "no results"},
        {"\"results\": [", "\"results\": {}, \"other\": [", "no results"},
        {"\"results\": [", "\"other\": [", "no results"},
        {"\"results\": [", "\"results\": [null,", "results[0]"},
        {"\"results\": [", "\"results\": [1,", "results[0]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        change(cases[i].from, cases[i].to);
        check_refused(CRIL_ERR_FORMAT, cases[i].word);
    }
}

static void check_contradiction(const cril_result *r, const char *word)
{
    write_results(r, 1); /* what is written is not checked, what is read is */
    check_refused(CRIL_ERR_FORMAT, word);
}

/* Totals that are not those of the documents, and documents that no run has. */
static void test_totals_contradict(void **state)
{
    static const struct {
        size_t offset; /* of a count in cril_result */
        const char *word;
    } totals[] = {
        {offsetof(cril_result, tokens), "tokens is 32, but its documents have 31"},
        {offsetof(cril_result, scored_tokens), "scored_tokens is 31, but its documents have 30"},
        {offsetof(cril_result, characters), "characters is 101, but its documents have 100"},
        {offsetof(cril_result, bytes), "bytes is 106, but its documents have 105"},
    };
    const cril_result good = sample();
    cril_document_score other[N_DOCUMENTS];
    cril_result r;

    (void)state;
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        r = good;
        ++*(uint64_t *)((char *)&r + totals[i].offset);
        check_contradiction(&r, totals[i].word);
    }
    r = good;
    r.tokens = 10;
    check_contradiction(&r, "tokens is 10, but its documents have at least 30");
    r = good;
    r.nats *= 1 + 1e-12;
    check_contradiction(&r, "but its documents have 0.43333333333333335");
    r = good;
    r.per_document = NULL;
    check_contradiction(&r, "per_document is missing");
    r = good;
    r.forward_tokens = 26; /* 3 documents may each have a first token without an input */
    check_contradiction(&r, "forward_tokens is too small");
    r.forward_tokens = 29;
    snprintf(r.protocol, sizeof(r.protocol), "rolling");
    check_contradiction(&r, "forward_tokens is too small");
    r = good;
    r.interval.high = 0.009; /* more than the dearest document's 0.0080 */
    check_contradiction(&r, "interval reaches beyond");
    r.interval.high = 0.007;
    r.interval.low = 0.003;
    check_contradiction(&r, "interval reaches beyond");
    r = good;
    r.text_characters = 99;
    check_contradiction(&r, "baselines.characters is less");
    r.text_characters = 211;
    check_contradiction(&r, "baselines.characters is more");

    r = good;
    r.per_document = other;
    memcpy(other, documents, sizeof(other));
    other[1].index = 0;
    check_contradiction(&r, "per_document.index does not grow");
    memcpy(other, documents, sizeof(other));
    other[0].scored_tokens = 11;
    set_sums(&r);
    check_contradiction(&r, "per_document.scored_tokens has more");
    memcpy(other, documents, sizeof(other));
    other[2].characters = 2;
    set_sums(&r);
    check_contradiction(&r, "per_document.characters has more");
    memcpy(other, documents, sizeof(other));
    other[0].scored_tokens = 0;
    set_sums(&r);
    check_contradiction(&r, "per_document.nats has some");
    memcpy(other, documents, sizeof(other)); /* one document with characters has no interval */
    other[1] = (cril_document_score){.index = 1};
    set_sums(&r);
    r.interval.low = r.interval.high = r.nats / CRIL_LN2 / 40;
    check_contradiction(&r, "interval is of fewer than 2 documents");
}

/* A sum that wraps to the total. */
static void test_totals_wrap(void **state)
{
    cril_document_score other[] = {
        {.index = 0, .tokens = INT64_MAX, .bytes = 1},
        {.index = 1, .tokens = INT64_MAX, .bytes = 1},
        {.index = 2, .tokens = 33, .scored_tokens = 1, .characters = 1, .bytes = 1}};
    cril_result r = sample();

    (void)state;
    r.per_document = other;
    r.interval = (cril_interval){0};
    set_sums(&r);
    assert_true(r.tokens == 31);
    check_contradiction(&r, "tokens is 31, but its documents have at least 9223372036854775807");
}

static void check_changes(const char *const (*cases)[3], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        change(cases[i][0], cases[i][1]);
        check_refused(CRIL_ERR_FORMAT, cases[i][2]);
    }
}

/* Figures that do not follow from the sums. */
static void test_figures_contradict(void **state)
{
    static const char *const cases[][3] = {
        {"\"bpc\": 0.006", "\"bpc\": 0.007", "bpc is not 0.00625"},
        {"\"bpc\": 0.006", "\"bpc\": null, \"other\": 0.006", "bpc is not 0.00625"},
        {"\"bpc\": 0.006", "\"bpc\": \"0\", \"other\": 0.006", "bpc is not 0.00625"},
        {"\"bpb\": 0.005", "\"bpb\": 0.105", "bpb is not"},
        {"\"bits\": 0.6", "\"bits\": 0.7", "bits is not"},
        {"\"bits_per_token\": 0.02", "\"bits_per_token\": 0.03", "bits_per_token is not"},
        {"\"perplexity\": 1.01", "\"perplexity\": 1.02", "perplexity is not"},
        {"\"perplexity\": 1.01", "\"perplexity\": null, \"other\": 1.01", "perplexity is not"},
        {"\"bpc\": 2.4", "\"bpc\": 2.5", "bpc is not 2.4"},
        {"\"archive_bytes\": 1", "\"archive_bytes\": 2", "archive_bytes is not"},
        {"\"break_even_characters\": 4", "\"break_even_characters\": 5",
         "break_even_characters is not"},
        {"\"break_even_bytes\": ", "\"break_even_bytes\": null, \"other\": ",
         "break_even_bytes is not"},
        {"\"name\": \"xz -9\"", "\"name\": \"zstd -19\"", "a compressor twice"},
        {"\"average\": {", "\"average\": {\"bpc\": 0.00626}, \"other\": {", "average.bpc is not"},
        {"\"per_document\"", "\"[er_document\"", "per_document is missing"},
    };
    static const char *const good[][2] = {
        {"\"bpc\": 0.006", "\"other\": 0.006"}, /* what follows from others may be absent */
        {"\"average\": {", "\"other\": {"},
    };
    cril_result *r;
    cril_error err;
    size_t n;

    (void)state;
    check_changes(cases, sizeof(cases) / sizeof(cases[0]));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        change(good[i][0], good[i][1]);
        if (cril_results_read(path, &r, &n, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        cril_results_free(r, n);
    }
}

/* A proof that is not the result's, or contradicts itself. */
static void test_proof_contradicts(void **state)
{
    static const cril_proof good = {.documents = N_DOCUMENTS,
                                    .characters = 100,
                                    .ideal_nats = 0.1 + 1.0 / 3,
                                    .code_bytes = 20,
                                    .archive_bytes = 300};
    static const char *const cases[][3] = {
        {"\"ideal_bits\": 0.6", "\"ideal_bits\": 0.7", "ideal_bits is not"},
        {"\"overhead\": 2", "\"overhead\": 3", "overhead is not"},
        {"\"bpc\": 24", "\"bpc\": 25", "bpc is not 24"},
        {"\"coded_bits\": 160", "\"coded_bits\": 161", "proof.coded_bits is not a part"},
        {"\"kept\": 0", "\"kept\": -1", "proof lacks a number"},
    };
    const cril_result r = sample();
    cril_proof p = good;
    cril_result *back;
    cril_error err;
    size_t n;

    (void)state;
    proof = &p;
    check_round_trip(&r, 1);
    check_changes(cases, sizeof(cases) / sizeof(cases[0]));
    p.documents = 2;
    check_contradiction(&r, "proof.documents is not");
    p = good;
    p.respelled = 4;
    check_contradiction(&r, "proof counts more documents");
    p = good;
    p.code_bytes = 301;
    check_contradiction(&r, "proof.coded_bits is not a part");
    p = good;
    p.ideal_nats = 0.4;
    check_contradiction(&r, "proof.ideal_nats is not nats");
    p.respelled = 1; /* which may have other tokens */
    write_results(&r, 1);
    if (cril_results_read(path, &back, &n, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    cril_results_free(back, n);
    proof = NULL;
}

/* The second result of a file, so the first was already read. */
static void test_wrong_second(void **state)
{
    static char changed[2 * MAX_FILE];
    const char *text = good_text(), *open = strchr(strstr(text, "\"results\""), '[') + 1;
    const char *close = strstr(text, "\"average\"");
    int n;

    (void)state;
    while (*close != ']')
        close--;
    n = snprintf(changed, sizeof(changed), "{\"results\": [%.*s,%.*s]}", (int)(close - open), open,
                 (int)(close - open), open);
    write_text(changed, (size_t)n);
    {
        cril_result *r = NULL;
        size_t n_results = 0;

        assert_int_equal(cril_results_read(path, &r, &n_results, NULL), CRIL_OK);
        assert_int_equal(n_results, 2);
        check_same(&r[0], &r[1]);
        cril_results_free(r, n_results);
    }
    memcpy(strstr(changed + (close - open), "\"tokens\": 31"), "\"tokens\": -1", 12);
    write_text(changed, (size_t)n);
    check_refused(CRIL_ERR_FORMAT, "results[1].tokens");
}

static void test_not_json(void **state)
{
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"\"nats\": 0.4", "\"nats\": NaN, \"other\": 0.4"},
        {"\"nats\": 0.4", "\"nats\": Infinity, \"other\": 0.4"},
        {"\"nats\": 0.4", "\"nats\": 1e999, \"other\": 0.4"},
        {"\"nats\": 0.4", "\"nats\": -1e999, \"other\": 0.4"},
        {"\"nats\": 0.4", "\"nats\": 0x1, \"other\": 0.4"},
        {"\"nats\": 0.4", "\"nats\": 1, \"nats\": 0.4"}, /* which of the two? */
        {"\"tokens\": 31", "\"tokens\": 9223372036854775808"},
        {"\"tokens\": 31", "\"tokens\": -9223372036854775809"},
        {"\"tokens\": 31", "\"tokens\": 111111111111111111111111111111111111111111111111"},
        {"\"tokens\": 31", "\"tokens\": 031"},
        {"\"seed\": 77", "\"seed\": 77, \"seed\": 77"},
        {"\"results\": [", "\"results\": [], \"results\": ["},
        {"\"cril\": \"", "\"cril\": \"\\u0000"},
        {"\"cril\": \"", "\"cril\": \"\xff"},
        {"\"cril\": \"", "\"cril\": \"\\ud800"},
        {"\"cril\": \"", "\"cril\": \"\n"},
        {"\"cril\": \"", "'cril': \""},
        {"{", "// a comment\n{"},
    };
    static const char *texts[] = {
        "",
        " \n",
        "{",
        "[",
        "no JSON",
        "\x7f\x45LF",
        "{\"results\": [{}]",
        "{\"results\": [{}]} {}",
        "\xef\xbb\xbf{}",
    };
    static char deep[100000];

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        change(changes[i].from, changes[i].to);
        check_refused(CRIL_ERR_FORMAT, "is not JSON");
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_text(texts[i], strlen(texts[i]));
        check_refused(CRIL_ERR_FORMAT, "is not JSON");
    }
    write_text("{}\0", 3);
    check_refused(CRIL_ERR_FORMAT, "is not JSON");
    memset(deep, '[', sizeof(deep));
    write_text(deep, sizeof(deep));
    check_refused(CRIL_ERR_FORMAT, "is not JSON");
    write_text("[]", 2);
    check_refused(CRIL_ERR_FORMAT, "no results");
    write_text("{}", 2);
    check_refused(CRIL_ERR_FORMAT, "no results");
}

static void test_not_read(void **state)
{
    cril_result *r = NULL;
    size_t n = 0;
    cril_error err = {.status = CRIL_OK};

    (void)state;
    unlink(path);
    check_refused(CRIL_ERR_IO, "No such file");
    assert_int_equal(cril_results_read(folder, &r, &n, &err), CRIL_ERR_IO);
    assert_non_null(strstr(err.message, folder));
    cril_results_free(NULL, 5);
}

static void test_every_prefix(void **state)
{
    static char text[MAX_FILE];
    size_t len;

    (void)state;
    snprintf(text, sizeof(text), "%s", good_text());
    len = strlen(text);
    assert_string_equal(text + len - 2, "}\n");
    for (size_t n = 0; n < len - 1; n++) {
        write_text(text, n);
        check_refused(CRIL_ERR_FORMAT, "is not JSON");
    }
}

/* Whatever a byte becomes, the file is read or refused with a sentence; ASan and UBSan watch. */
static void test_every_byte(void **state)
{
    static const char others[] = {'0', '9', '-', '"', ',', ']', '}', 'e', '\0', '\xff'};
    static char text[MAX_FILE];
    size_t len, n_refused = 0;

    (void)state;
    snprintf(text, sizeof(text), "%s", good_text());
    len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        const char before = text[i];
        cril_result *r = NULL;
        size_t n = 0;
        cril_error err = {.status = CRIL_OK};

        text[i] = others[i % sizeof(others)];
        write_text(text, len);
        if (cril_results_read(path, &r, &n, &err) != CRIL_OK) {
            assert_true(err.status == CRIL_ERR_FORMAT && strstr(err.message, path));
            assert_null(r);
            n_refused++;
        }
        cril_results_free(r, n);
        text[i] = before;
    }
    assert_true(n_refused > len / 4);
}

/* ---- comparison ---- */

static void check_mismatch(const cril_result *a, const cril_result *b, const char *word)
{
    cril_comparison out = {.n_documents = 77};
    cril_error err = {.status = CRIL_OK};

    assert_int_equal(cril_compare(a, b, &out, &err), CRIL_ERR_MISMATCH);
    assert_int_equal(err.status, CRIL_ERR_MISMATCH);
    if (!strstr(err.message, word))
        fail_msg("\"%s\" does not say \"%s\"", err.message, word);
    assert_true(out.n_documents == 77 && !out.documents);
    assert_int_equal(cril_compare(b, a, &out, NULL), CRIL_ERR_MISMATCH);
}

static void test_compare_mismatch(void **state)
{
    const cril_result a = sample();
    cril_result b = a;
    cril_document_score other[N_DOCUMENTS];

    (void)state;
    b.corpus_sha256[0] = '0';
    check_mismatch(&a, &b, "different corpora");
    b = a;
    b.documents = 2;
    check_mismatch(&a, &b, "3 documents, the other 2");
    b = a;
    b.numerics++;
    check_mismatch(&a, &b, "numeric contract");
    b = a;
    b.rules = 1;
    check_mismatch(&a, &b, "version 2 of the scoring rules, the other 1");
    b = a;
    b.token_ids_sha256[0] = '0';
    strcpy(b.unicode.pcre2, "15.0.0");
    check_mismatch(&a, &b, "ffffffffffff (Unicode 14.0.0 in PCRE2");
    check_mismatch(&a, &b, "the other 0fffffffffff (15.0.0, ");
    b = a;
    b.per_document = NULL;
    check_mismatch(&a, &b, "no list of its documents");
    b.per_document = other;
    memcpy(other, documents, sizeof(other));
    other[1].characters = 61;
    check_mismatch(&a, &b, "document 1 has 60 characters");
    memcpy(other, documents, sizeof(other));
    other[2].index = 7;
    check_mismatch(&a, &b, "2 in one result and 7 in the other");
}

/* Texts behind prompts are compared with the same texts behind the same prompts alone. */
static void test_compare_prompts(void **state)
{
    char context[] = "context", other_field[] = "other";
    cril_comparison c = {0};
    cril_result a = sample(), b = a;
    cril_document_score other[N_DOCUMENTS];

    (void)state;
    b.corpus_prompt_field = context;
    check_mismatch(&a, &b, "behind their prompts (in \"context\")");
    a.corpus_prompt_field = other_field;
    check_mismatch(&a, &b, "behind prompts in \"other\"");
    a.corpus_prompt_field = context;
    a.corpus_field = other_field;
    check_mismatch(&a, &b, "one result is of \"other\"");
    a.corpus_field = NULL; /* not known */
    assert_int_equal(cril_compare(&a, &b, &c, NULL), CRIL_OK);
    cril_comparison_free(&c);
    b.documents = 2;
    check_mismatch(&a, &b, "one result lacks continuations");
    b.documents = a.documents;
    memcpy(other, documents, sizeof(other));
    other[2].index = 7;
    b.per_document = other;
    check_mismatch(&a, &b, "one result lacks continuations");
}

static void check_within(const char *what, double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%s: %.17g, not %.17g", what, got, want);
}

enum { N = 50 };

/* Two models on one corpus; b needs 0.3 bits a character more, give or take. */
static void fill_pair(cril_result *a, cril_result *b, cril_document_score *da,
                      cril_document_score *db)
{
    uint64_t random = 5;

    *a = *b = sample();
    a->documents = b->documents = N;
    a->per_document = da;
    b->per_document = db;
    a->nats = b->nats = 0;
    a->characters = b->characters = 0;
    for (uint64_t i = 0; i < N; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        da[i] = (cril_document_score){.index = i, .characters = 10 + (random >> 33) % 1000};
        db[i] = da[i];
        da[i].nats = (double)da[i].characters * (0.5 + (double)(random >> 40) * 0x1p-24);
        db[i].nats = da[i].nats + (double)da[i].characters * 0.3 * CRIL_LN2 *
                                      (0.5 + (double)(random >> 44) * 0x1p-20);
        a->nats += da[i].nats;
        b->nats += db[i].nats;
        a->characters += da[i].characters;
    }
    b->characters = a->characters;
}

static void test_compare(void **state)
{
    static cril_document_score da[N], db[N];
    static double bits_a[N], bits_b[N], characters[N];
    cril_comparison c = {.interval = {.level = 0.9, .resamples = 300, .seed = 4}}, back = c;
    cril_interval v = c.interval;
    cril_result a, b;
    bool seen[N] = {false};

    (void)state;
    fill_pair(&a, &b, da, db);
    /* what differs may differ: model, protocol, context */
    b.protocol[0] = 'x';
    b.context = 7;
    b.model_sha256[0] = 'f';
    assert_int_equal(cril_compare(&a, &b, &c, NULL), CRIL_OK);
    assert_true(c.bpc_a == cril_result_bpc(&a) && c.bpc_b == cril_result_bpc(&b));
    assert_true(c.difference > 0.1 && c.difference == c.bpc_b - c.bpc_a);
    assert_true(c.interval.low > 0 && c.interval.low < c.difference &&
                c.difference < c.interval.high);
    assert_true(c.verdict == CRIL_VERDICT_MORE && c.n_counted == N);

    for (size_t i = 0; i < N; i++) {
        bits_a[i] = da[i].nats / CRIL_LN2;
        bits_b[i] = db[i].nats / CRIL_LN2;
        characters[i] = (double)da[i].characters;
    }
    assert_int_equal(cril_bootstrap_difference(
                         &(cril_pairs){N, bits_b, characters, bits_a, characters}, 1, &v, NULL),
                     CRIL_OK);
    assert_memory_equal(&v, &c.interval, sizeof(v));

    assert_int_equal(c.n_documents, N);
    for (size_t i = 0; i < N; i++) {
        const cril_document_difference *d = &c.documents[i];

        assert_true(d->index < N && !seen[d->index]);
        seen[d->index] = true;
        assert_true(d->characters == da[d->index].characters);
        assert_true(d->bits_a == bits_a[d->index] && d->bits_b == bits_b[d->index]);
        if (i)
            assert_true(fabs(d[-1].bits_b - d[-1].bits_a) >= fabs(d->bits_b - d->bits_a));
    }

    assert_int_equal(cril_compare(&b, &a, &back, NULL), CRIL_OK);
    assert_true(back.difference == -c.difference);
    assert_true(back.interval.high < 0 && back.verdict == CRIL_VERDICT_FEWER);
    cril_comparison_free(&back);
    cril_comparison_free(&c);
    assert_true(!c.documents && c.n_documents == 0);
    cril_comparison_free(&c); /* twice is once */
    cril_comparison_free(NULL);
}

/* Largest change first whatever its sign; equal changes in the order of the corpus. */
static void test_compare_order(void **state)
{
    static const double change_nats[] = {1, -3, 1, 2, -1, 0, 3};
    static const uint64_t order[] = {1, 6, 3, 0, 2, 4, 5};
    enum { n = 7 };
    cril_document_score da[n], db[n];
    cril_result a = sample(), b;
    cril_comparison c = {0};

    (void)state;
    for (uint64_t i = 0; i < n; i++) {
        da[i] = db[i] = (cril_document_score){.index = i, .characters = 10};
        if (change_nats[i] < 0) /* from or to 0, so that 1 and -1 are equal to the bit */
            da[i].nats = -change_nats[i];
        else
            db[i].nats = change_nats[i];
    }
    a.documents = n;
    b = a;
    a.per_document = da;
    b.per_document = db;
    assert_int_equal(cril_compare(&a, &b, &c, NULL), CRIL_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(c.documents[i].index, order[i]);
    cril_comparison_free(&c);
}

static void test_compare_itself(void **state)
{
    const cril_result r = sample();
    cril_comparison c = {0};

    (void)state;
    assert_int_equal(cril_compare(&r, &r, &c, NULL), CRIL_OK);
    assert_true(c.difference == 0 && c.interval.low == 0 && c.interval.high == 0);
    assert_true(c.interval.level == 0.95 && c.interval.resamples == 1000 &&
                c.interval.seed == 0); /* the defaults */
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        assert_int_equal(c.documents[i].index, i);
    assert_true(c.verdict == CRIL_VERDICT_SAME && c.n_counted == 2); /* one has no characters */
    cril_comparison_free(&c);
}

/* A result of n documents with so many characters and nats, on corpus number `corpus`. */
static cril_result result_of(cril_document_score *d, size_t n, const double (*rows)[2], char corpus)
{
    cril_result r = sample();

    for (size_t i = 0; i < n; i++)
        d[i] = (cril_document_score){.index = i,
                                     .tokens = 1,
                                     .scored_tokens = 1,
                                     .characters = (uint64_t)rows[i][0],
                                     .bytes = 99,
                                     .nats = rows[i][1]};
    r.per_document = d;
    r.documents = n;
    r.corpus_sha256[0] = corpus;
    set_sums(&r);
    return r;
}

static void check_verdict(const double (*a)[2], const double (*b)[2], size_t n, cril_verdict want,
                          size_t n_counted)
{
    cril_document_score da[8], db[8];
    const cril_result ra = result_of(da, n, a, 'a'), rb = result_of(db, n, b, 'a');
    const cril_result_pair pair = {&ra, &rb};
    cril_comparison c = {.interval = {.seed = 2}}, average = c;
    cril_error err;

    if (cril_compare(&ra, &rb, &c, &err) != CRIL_OK ||
        cril_compare_average(&pair, 1, &average, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(c.verdict, want);
    assert_int_equal(c.n_counted, n_counted);
    assert_true(!c.interval.resamples == (n_counted < 2));
    /* the average of one corpus is that corpus's own */
    assert_memory_equal(&c.interval, &average.interval, sizeof(c.interval));
    assert_true(average.verdict == want && average.difference == c.difference);
    assert_true(!average.documents && !average.n_documents);
    cril_comparison_free(&c);
}

/* One pair of documents decides nothing, and equal ones need no interval. */
static void test_verdicts(void **state)
{
    static const double one[][2] = {{10, 5}}, other[][2] = {{10, 6}};
    static const double half[][2] = {{10, 5}, {0, 0}, {0, 1}},
                        half_other[][2] = {{10, 6}, {0, 0}, {0, 1}};
    static const double two[][2] = {{10, 5}, {20, 7}}, lower[][2] = {{10, 4}, {20, 5}},
                        mixed[][2] = {{10, 4}, {20, 8}},
                        again[][2] = {{10, 5 * (1 + 0x1p-51)}, {20, 7}},
                        slower[][2] = {{10, 6}, {20, 9}}, partly[][2] = {{10, 5}, {20, 9}};

    (void)state;
    check_verdict(one, other, 1, CRIL_VERDICT_NONE, 1);
    check_verdict(one, one, 1, CRIL_VERDICT_SAME, 1);
    check_verdict(half, half_other, 3, CRIL_VERDICT_NONE, 1);
    check_verdict(half, half, 3, CRIL_VERDICT_SAME, 1);
    check_verdict(two, lower, 2, CRIL_VERDICT_FEWER, 2);
    check_verdict(two, slower, 2, CRIL_VERDICT_MORE, 2);
    check_verdict(two, mixed, 2, CRIL_VERDICT_OPEN, 2);
    check_verdict(two, partly, 2, CRIL_VERDICT_OPEN, 2); /* an end at 0 holds 0 */
    check_verdict(two, again, 2, CRIL_VERDICT_SAME, 2);
    check_verdict(again, two, 2, CRIL_VERDICT_SAME, 2);
}

/* Two corpora of which neither decides, and their mean does; whatever their order. */
static void test_compare_average(void **state)
{
    enum { n = 40 };
    static cril_document_score d[4][n];
    static double rows[4][n][2];
    cril_result r[4], alone;
    cril_result_pair pairs[2], turned[2];
    cril_comparison c[2] = {{.interval = {.seed = 1}}, {.interval = {.seed = 1}}}, both = c[0],
                    back = c[0];
    cril_error err;
    uint64_t random = 3;

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 2; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            rows[k][i][0] = rows[k + 2][i][0] = (double)(20 + (random >> 60));
            rows[k][i][1] = 30 + (double)(random >> 58 & 7);
            random = random * 6364136223846793005u + 1442695040888963407u;
            rows[k + 2][i][1] = rows[k][i][1] + (double)(random >> 40) * 0x1p-24 - 0.58;
        }
    for (size_t k = 0; k < 4; k++)
        r[k] = result_of(d[k], n, rows[k], k % 2 ? 'b' : 'a');
    for (size_t k = 0; k < 2; k++) {
        pairs[k] = turned[1 - k] = (cril_result_pair){&r[k], &r[k + 2]};
        assert_int_equal(cril_compare(pairs[k].a, pairs[k].b, &c[k], NULL), CRIL_OK);
    }
    assert_int_equal(cril_compare_average(pairs, 2, &both, NULL), CRIL_OK);
    assert_int_equal(cril_compare_average(turned, 2, &back, NULL), CRIL_OK);
    assert_memory_equal(&both.interval, &back.interval, sizeof(both.interval));
    assert_true(both.bpc_a == back.bpc_a && both.bpc_b == back.bpc_b);
    check_within("difference", both.difference, (c[0].difference + c[1].difference) / 2, 1e-14);
    assert_true(both.n_counted == 2 * n && both.interval.resamples == 1000);
    {
        const double x = c[0].interval.high - c[0].interval.low,
                     y = c[1].interval.high - c[1].interval.low,
                     width = both.interval.high - both.interval.low;

        check_within("width", width / (sqrt(x * x + y * y) / 2), 1, 0.1); /* independent draws */
    }
    for (size_t k = 0; k < 2; k++)
        cril_comparison_free(&c[k]);

    alone =
        result_of(d[1], 1, rows[1], 'b'); /* a corpus of one document: no interval of the mean */
    pairs[1] = (cril_result_pair){&alone, &r[3]};
    assert_int_equal(cril_compare_average(pairs, 2, &both, &err), CRIL_ERR_MISMATCH);
    r[3] = result_of(d[3], 1, rows[3], 'b');
    assert_int_equal(cril_compare_average(pairs, 2, &both, &err), CRIL_OK);
    assert_true(both.verdict == CRIL_VERDICT_NONE && !both.interval.resamples);
    assert_int_equal(cril_compare_average(pairs, 0, &both, &err), CRIL_ERR_EMPTY);
}

static void check_compare_fails(const cril_result *a, const cril_result *b, cril_interval v,
                                cril_status want)
{
    cril_comparison c = {.interval = v};
    cril_error err = {.status = CRIL_OK};

    assert_int_equal(cril_compare(a, b, &c, &err), want);
    assert_true(err.status == want && err.message[0]);
    assert_null(c.documents);
}

static void test_compare_range(void **state)
{
    cril_result r = sample();
    cril_document_score none[N_DOCUMENTS] = {
        {.index = 0, .nats = 1}}; /* not a character in the corpus */

    (void)state;
    check_compare_fails(&r, &r, (cril_interval){.level = 1}, CRIL_ERR_RANGE);
    check_compare_fails(&r, &r, (cril_interval){.level = -0.5}, CRIL_ERR_RANGE);
    check_compare_fails(&r, &r, (cril_interval){.level = NAN}, CRIL_ERR_RANGE);
    check_compare_fails(&r, &r, (cril_interval){.resamples = SIZE_MAX}, CRIL_ERR_NOMEM);
    r.per_document = none;
    check_compare_fails(&r, &r, (cril_interval){0}, CRIL_ERR_RANGE);
    r.documents = 0;
    check_compare_fails(&r, &r, (cril_interval){0}, CRIL_ERR_RANGE);
}

static int enter(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/results.json", folder);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_perplexity_ends),
        cmocka_unit_test(test_unspelled),
        cmocka_unit_test(test_unspelled_compared),
        cmocka_unit_test(test_unspelled_is_lacking),
        cmocka_unit_test(test_break_even),
        cmocka_unit_test(test_older_file),
        cmocka_unit_test(test_paths_that_are_not_utf8),
        cmocka_unit_test(test_not_written),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_totals_contradict),
        cmocka_unit_test(test_totals_wrap),
        cmocka_unit_test(test_figures_contradict),
        cmocka_unit_test(test_proof_contradicts),
        cmocka_unit_test(test_wrong_second),
        cmocka_unit_test(test_not_json),
        cmocka_unit_test(test_not_read),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_compare_mismatch),
        cmocka_unit_test(test_compare_prompts),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_compare_order),
        cmocka_unit_test(test_compare_itself),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_compare_average),
        cmocka_unit_test(test_compare_range),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
