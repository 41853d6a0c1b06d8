/*
 * Slices of a corpus against a run over the whole: rows with the same bits for every protocol,
 * model and cut; rows put together are the run; and what a slice does not need is not computed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lengths.h"
#include "score/protocol.h"

#include <cril/score.h>
#include <cril/tokenizer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_DOCUMENTS = 9 };

static const char *const texts[N_DOCUMENTS] = {
    "The quick brown fox jumps over the lazy dog, again and again, until the dog gets up and walks "
    "away from it all.",
    "x",
    "Na\xc3\xafve caf\xc3\xa9, \xe6\x9d\xb1\xe4\xba\xac, \xce\xa9; a look-alike </s> of a control "
    "token stands here.",
    "1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584 4181 6765 10946 17711 28657 46368 "
    "75025 121393 196418 317811",
    "yes",
    "no",
    "A longer one, so that some windows begin and end in it: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "
    "12, 13, 14, 15, 16, 17, 18, 19.",
    "!\xe2\x96\x81\xe2\x96\x81", /* U+2581 is a space to SentencePiece: two characters unspelled */
    "And one line more, to end with.",
};

static const cril_score_options protocols[] = {
    {.protocol = "document", .context = 40, .stride = 16, .threads = 1},
    {.protocol = "hkust", .context = 48, .stride = 13, .threads = 1},
    {.protocol = "hkust", .context = 16, .stride = 16, .threads = 2, .batch_tokens = 1},
    {.protocol = "rolling", .context = 32, .threads = 1},
    {.protocol = "halves", .context = 33, .threads = 1},
    {.protocol = "uncheatable", .context = 16, .threads = 1},
    {.protocol = "halves", .context = 12, .threads = 2, .batch_tokens = 40},
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(*protocols) };

struct fixture {
    cril_model *m;
    char path[64];
};

struct seen {
    cril_document_score documents[N_DOCUMENTS];
    cril_token_score last;
    size_t n_documents, n_tokens, n_texts;
    uint64_t from, to;
    double share;
};

static void open_fixture(struct fixture *x, const char *name)
{
    char path[1024];
    cril_error err;
    FILE *f;
    int fd;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &x->m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    strcpy(x->path, "/tmp/cril-test-XXXXXX");
    fd = mkstemp(x->path);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    assert_non_null(f);
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        fprintf(f, "{\"content\": \"%s\"}\n", texts[i]);
    assert_int_equal(fclose(f), 0);
}

static void close_fixture(struct fixture *x)
{
    cril_model_close(x->m);
    unlink(x->path);
}

static int on_token(void *user, const cril_token_score *t)
{
    struct seen *s = user;

    assert_true(t->document >= s->from && t->document < s->to);
    assert_int_equal(t->document,
                     s->from + s->n_documents); /* documents before it have been handed out */
    assert_true(!s->n_tokens || t->document > s->last.document || t->position > s->last.position);
    s->last = *t;
    s->n_tokens++;
    return 0;
}

static int on_document(void *user, const cril_document_score *d)
{
    struct seen *s = user;

    assert_true(s->n_documents < N_DOCUMENTS);
    assert_int_equal(d->index, s->from + s->n_documents);
    s->documents[s->n_documents++] = *d;
    return 0;
}

static int on_progress(void *user, const cril_score_progress *p)
{
    struct seen *s = user;

    assert_true(p->fraction >= s->share && p->fraction <= 1);
    s->share = p->fraction;
    return 0;
}

static int on_text(void *user, const cril_document *doc)
{
    struct seen *s = user;

    assert_int_equal(doc->index, s->from + s->n_texts++);
    assert_true(doc->index < s->to);
    return 0;
}

static cril_status score(const struct fixture *x, cril_scorer *s, uint64_t from, uint64_t to,
                         struct seen *seen, cril_result *r, cril_error *err)
{
    const cril_score_callbacks callbacks = {seen, on_token, on_document, on_progress, on_text};
    const cril_corpus_options wanted = {.format = "jsonl"};
    cril_corpus *c;
    cril_status st;

    *seen = (struct seen){.from = from, .to = to};
    assert_int_equal(cril_corpus_open(x->path, &wanted, &c, err), CRIL_OK);
    st = from == 0 && to == UINT64_MAX
             ? cril_score_corpus(s, c, x->path, &callbacks, r, err)
             : cril_score_slice(s, c, x->path, from, to, &callbacks, r, err);
    cril_corpus_close(c);
    return st;
}

/* One slice against the rows of the whole; its rows go to `all`. Returns what it computed. */
static uint64_t check_slice(const struct fixture *x, cril_scorer *s, const cril_result *whole,
                            uint64_t from, uint64_t to, cril_document_score *all)
{
    const uint64_t n = (to < N_DOCUMENTS ? to : N_DOCUMENTS) - from;
    struct seen seen;
    cril_result r;
    cril_error err;
    uint64_t forward;

    if (score(x, s, from, to, &seen, &r, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(r.documents, n);
    assert_int_equal(seen.n_documents, n);
    assert_int_equal(seen.n_tokens, r.scored_tokens);
    if (memcmp(r.per_document, whole->per_document + from, (size_t)n * sizeof(*r.per_document)) !=
        0)
        fail_msg("%s: documents %d to %d differ from those of the whole", whole->protocol,
                 (int)from, (int)to);
    assert_memory_equal(seen.documents, r.per_document, (size_t)n * sizeof(*r.per_document));
    assert_string_equal(r.corpus_sha256, whole->corpus_sha256);
    memcpy(all + from, r.per_document, (size_t)n * sizeof(*all));
    forward = r.forward_tokens;
    cril_result_free(&r);
    return forward;
}

/* Rows put together are the run. */
static void check_sum(const cril_result *whole, const cril_document_score *all)
{
    cril_result r = {.documents = N_DOCUMENTS};
    cril_error err;

    r.per_document = malloc(N_DOCUMENTS * sizeof(*all));
    assert_non_null(r.per_document);
    memcpy(r.per_document, all, N_DOCUMENTS * sizeof(*all));
    assert_int_equal(cril_result_sum(&r, &err), CRIL_OK);
    assert_memory_equal(&r.nats, &whole->nats, sizeof(r.nats));
    assert_memory_equal(&r.interval, &whole->interval, sizeof(r.interval));
    assert_true(r.tokens == whole->tokens && r.scored_tokens == whole->scored_tokens &&
                r.bytes == whole->bytes && r.characters == whole->characters);
    assert_true(r.unspelled_characters == whole->unspelled_characters &&
                r.unspelled_documents == whole->unspelled_documents &&
                r.escape_bytes == whole->escape_bytes);
    cril_result_free(&r);
}

static void check_protocol(const struct fixture *x, const cril_score_options *o)
{
    static const uint64_t cuts[][8] = {
        {0, 4, N_DOCUMENTS}, {0, 1, 3, 7, N_DOCUMENTS}, {0, 6, UINT64_MAX}, {0, 8, 12}};
    cril_document_score all[N_DOCUMENTS];
    struct seen seen;
    cril_result whole;
    cril_scorer *s;
    cril_error err;
    uint64_t forward, min = UINT64_MAX;
    bool sentencepiece;

    if (cril_scorer_create(x->m, o, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    if (score(x, s, 0, UINT64_MAX, &seen, &whole, &err) != CRIL_OK)
        fail_msg("%s: %s", o->protocol, err.message);
    assert_int_equal(whole.documents, N_DOCUMENTS);
    for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
        memset(all, 0, sizeof(all));
        for (size_t k = 0; k == 0 || cuts[i][k]; k++)
            if (cuts[i][k + 1])
                check_slice(x, s, &whole, cuts[i][k], cuts[i][k + 1], all);
        check_sum(&whole, all);
    }
    memset(all, 0, sizeof(all));
    forward = 0;
    for (uint64_t i = N_DOCUMENTS; i-- > 0;) { /* each alone, the last one first */
        const uint64_t f = check_slice(x, s, &whole, i, i + 1, all);

        forward += f;
        min = f < min ? f : min;
    }
    check_sum(&whole, all);
    sentencepiece = strncmp(cril_tokenizer_kind(cril_model_tokenizer(x->m)), "sent", 4) == 0;
    assert_int_equal(whole.unspelled_documents, sentencepiece);
    check_slice(x, s, &whole, 0, N_DOCUMENTS, all);
    /* Documents apart are no work more; in a joined stream a window that lies across documents is
     * computed for each of them. */
    if (cril_protocol_find(o->protocol)->per_document)
        assert_int_equal(forward, whole.forward_tokens);
    assert_true(min < whole.forward_tokens / N_DOCUMENTS);
    cril_result_free(&whole);
    cril_scorer_free(s);
}

static void check_model(const char *name)
{
    struct fixture x;

    open_fixture(&x, name);
    for (size_t i = 0; i < N_PROTOCOLS; i++)
        check_protocol(&x, &protocols[i]);
    close_fixture(&x);
}

static void test_llama(void **state)
{
    (void)state;
    check_model("tiny-llama");
}

/* A window that is cut keeps the length of the whole. */
static void test_lengths(void **state)
{
    struct fixture x;

    (void)state;
    open_fixture(&x, "tiny-llama");
    depend_on_length(x.m, CRIL_ROPE_DYNAMIC, 10);
    for (size_t i = 0; i < N_PROTOCOLS; i++)
        check_protocol(&x, &protocols[i]);
    close_fixture(&x);
}

static void test_mixed(void **state)
{
    (void)state;
    check_model("tiny-llama-mixed");
}

static void test_qwen2(void **state)
{
    (void)state;
    check_model("tiny-qwen2");
}

static void test_gemma3(void **state)
{
    (void)state;
    check_model("tiny-gemma3");
}

/* Windows that score nothing of the slice do not go through the model: the count of a slice is that
 * of the windows that do. */
static void test_skipped(void **state)
{
    const cril_score_options o = {.protocol = "hkust", .context = 16, .stride = 16, .threads = 1};
    cril_document_score all[N_DOCUMENTS];
    struct fixture x;
    struct seen seen;
    cril_result whole;
    cril_scorer *s;
    cril_error err;
    uint64_t start = 0;

    (void)state;
    open_fixture(&x, "tiny-llama");
    assert_int_equal(cril_scorer_create(x.m, &o, &s, &err), CRIL_OK);
    assert_int_equal(score(&x, s, 0, UINT64_MAX, &seen, &whole, &err), CRIL_OK);
    for (uint64_t i = 0; i < N_DOCUMENTS; i++) {
        const uint64_t end = start + whole.per_document[i].tokens;
        uint64_t want = 0;

        /* window k reads 16k .. 16k + 15 and scores 16k + 1 .. 16k + 16; it is cut after the
         * document's last token */
        for (uint64_t k = 0; 16 * k + 17 <= whole.tokens; k++)
            if (16 * k + 1 < end && 16 * k + 17 > start)
                want += end < 16 * k + 17 ? end - 16 * k - 1 : 16;
        assert_int_equal(check_slice(&x, s, &whole, i, i + 1, all), want);
        start = end;
    }
    cril_result_free(&whole);
    cril_scorer_free(s);
    close_fixture(&x);
}

/* Of documents in one window each, all that is scored belongs to documents that have been handed
 * out. */
static int all_handed_out(void *user, const cril_score_progress *p)
{
    const struct seen *s = user;
    uint64_t scored = 0;

    for (size_t i = 0; i < s->n_documents; i++)
        scored += s->documents[i].scored_tokens;
    assert_int_equal(p->scored_tokens, scored);
    return 0;
}

/* A document is handed out when its last token is scored, not when the next one's first is. */
static void test_early(void **state)
{
    static const cril_score_options o = {
        .protocol = "document", .context = 256, .stride = 256, .threads = 1, .batch_tokens = 1};
    const cril_corpus_options wanted = {.format = "jsonl"};
    struct seen seen = {.from = 2, .to = 5};
    const cril_score_callbacks callbacks = {&seen, on_token, on_document, all_handed_out, on_text};
    struct fixture x;
    cril_corpus *c;
    cril_result r;
    cril_scorer *s;
    cril_error err;

    (void)state;
    open_fixture(&x, "tiny-llama");
    assert_int_equal(cril_scorer_create(x.m, &o, &s, &err), CRIL_OK);
    assert_int_equal(cril_corpus_open(x.path, &wanted, &c, &err), CRIL_OK);
    assert_int_equal(cril_score_slice(s, c, x.path, 2, 5, &callbacks, &r, &err), CRIL_OK);
    assert_int_equal(seen.n_documents, 3);
    cril_result_free(&r);
    cril_corpus_close(c);
    cril_scorer_free(s);
    close_fixture(&x);
}

/* A copy of tiny-llama whose tokenizer adds EOS instead of BOS: the corpus's last document has it,
 * for halves. */
static void make_eos_model(char *path)
{
    static const char from[] = "tokenizer.ggml.add_bos_token";
    static char bytes[4 << 20];
    char name[1024];
    FILE *f;
    size_t n, at = 0;
    int fd;

    snprintf(name, sizeof(name), "%s/golden/tiny-llama.gguf", CRIL_TEST_DATA);
    f = fopen(name, "rb");
    assert_non_null(f);
    n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    while (at + sizeof(from) + 4 < n && memcmp(bytes + at, from, sizeof(from) - 1) != 0)
        at++;
    assert_true(at + sizeof(from) + 4 < n);
    memcpy(bytes + at, "tokenizer.ggml.add_eos_token", sizeof(from) - 1);
    bytes[at + sizeof(from) - 1 + 4] = 1; /* behind the key its type, then the value */
    strcpy(path, "/tmp/cril-test-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    f = fdopen(fd, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void test_eos(void **state)
{
    struct fixture x;
    char path[64];
    cril_error err;

    (void)state;
    open_fixture(&x, "tiny-qwen2");
    cril_model_close(x.m);
    make_eos_model(path);
    if (cril_model_open(path, &x.m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_true(cril_tokenizer_adds_eos(cril_model_tokenizer(x.m)));
    for (size_t i = 0; i < N_PROTOCOLS; i++)
        check_protocol(&x, &protocols[i]);
    close_fixture(&x);
    unlink(path);
}

static void test_refused(void **state)
{
    static const char *const names[] = {"document", "hkust",  "opencompass",
                                        "rolling",  "halves", "uncheatable"};
    struct fixture x;
    struct seen seen;
    cril_result r;
    cril_scorer *s;
    cril_error err;

    (void)state;
    open_fixture(&x, "tiny-llama");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const cril_score_options o = {.protocol = names[i], .context = 32, .threads = 1};

        assert_int_equal(cril_scorer_create(x.m, &o, &s, &err), CRIL_OK);
        assert_int_equal(score(&x, s, 3, 3, &seen, &r, &err), CRIL_ERR_RANGE);
        assert_int_equal(score(&x, s, N_DOCUMENTS, N_DOCUMENTS + 1, &seen, &r, &err),
                         CRIL_ERR_EMPTY);
        assert_non_null(strstr(err.message, "9 documents"));
        cril_scorer_free(s);
    }
    { /* too short for two chunks, whatever the slice */
        const cril_score_options o = {
            .protocol = "halves", .context = 250, .stride = 0, .threads = 1};
        cril_corpus_options wanted = {.format = "jsonl", .limit = 3};
        cril_corpus *c;

        assert_int_equal(cril_scorer_create(x.m, &o, &s, &err), CRIL_OK);
        assert_int_equal(cril_corpus_open(x.path, &wanted, &c, &err), CRIL_OK);
        assert_int_equal(cril_score_slice(s, c, x.path, 0, 1, NULL, &r, &err), CRIL_ERR_EMPTY);
        assert_non_null(strstr(err.message, "500"));
        cril_corpus_close(c);
        cril_scorer_free(s);
    }
    close_fixture(&x);
}

/* Sums that cannot be are said. */
static void test_sum_refused(void **state)
{
    cril_document_score rows[2] = {{.nats = 1, .characters = 2},
                                   {.nats = 1e308 * 10, .characters = 2}};
    cril_result r = {.documents = 2, .per_document = rows};
    cril_error err;

    (void)state;
    assert_int_equal(cril_result_sum(&r, &err), CRIL_ERR_RANGE);
    rows[1].nats = 3;
    r.interval = (cril_interval){.level = 2};
    assert_int_equal(cril_result_sum(&r, &err), CRIL_ERR_RANGE);
    r.interval = (cril_interval){0};
    assert_int_equal(cril_result_sum(&r, &err), CRIL_OK);
    assert_true(r.nats == 4 && r.characters == 4 && r.interval.resamples == 1000 &&
                r.interval.level == 0.95);
    rows[0].characters = rows[1].characters = 0; /* nothing to divide by: no interval */
    assert_int_equal(cril_result_sum(&r, &err), CRIL_OK);
    assert_true(r.interval.resamples == 0 && r.interval.level == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama),   cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_qwen2),
        cmocka_unit_test(test_gemma3),  cmocka_unit_test(test_skipped),
        cmocka_unit_test(test_early),   cmocka_unit_test(test_eos),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_sum_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
