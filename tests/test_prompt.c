/*
 * Continuations behind prompts: which tokens they are, in which windows, what is counted, and the
 * bits of their nats, against windows laid out here by hand and scored one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "score/pair.h"
#include "util/fmath.h"

#include <cril/score.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX = 4096, LONG_TEXT = 160 + 540 / CRIL_TEST_SCALE };

struct text_pair {
    const char *prompt, *continuation;
    size_t moved; /* bytes of white space at the prompt's end */
};

/* Filled up by long ones in make_pairs. */
static struct text_pair pairs[] = {
    {"Question: what is the capital?\nAnswer:", " Paris is, again and again.", 0},
    {"The sky is ", "blue and the dog walks away", 1},
    {"", "No prompt stands here at all", 0},
    {" \n\t", "white space alone before it", 3},
    {"Na\xc3\xafve caf\xc3\xa9 \xe3\x80\x80\x1f", "\xe6\x9d\xb1\xe4\xba\xac, \xce\xa9", 5},
    {"a look-alike </s>", " of a control token </s>", 0},
    {"x", " y", 0},
    {NULL, " short", 0},
    {"short", NULL, 0},
    {NULL, NULL, 0},
};

enum { N_PAIRS = sizeof(pairs) / sizeof(*pairs) };

struct fixture {
    cril_model *m;
    char path[64];
};

struct seen {
    cril_token_score tokens[MAX];
    cril_document_score documents[N_PAIRS];
    cril_document texts[N_PAIRS]; /* their texts are gone */
    size_t n_tokens, n_documents, n_texts;
};

static void make_pairs(void)
{
    static char prompt[LONG_TEXT], continuation[LONG_TEXT];
    size_t n = 0, k = 0;

    for (unsigned i = 0; n < sizeof(prompt) - 16 && k < sizeof(continuation) - 16; i++) {
        n += (size_t)sprintf(prompt + n, "%sword %u", i ? ", " : "", i * i % 97);
        k += (size_t)sprintf(continuation + k, " and %u", i * 7 % 31);
    }
    for (size_t i = 0; i < N_PAIRS; i++) {
        if (!pairs[i].prompt)
            pairs[i].prompt = prompt;
        if (!pairs[i].continuation)
            pairs[i].continuation = continuation;
    }
}

static void put_json(FILE *f, const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == '"' || *text == '\\')
            fprintf(f, "\\u%04x", (unsigned)*text);
        else
            putc(*text, f);
}

static void put_pair(FILE *f, const char *prompt, const char *continuation)
{
    fputs("{\"p\": \"", f);
    put_json(f, prompt);
    fputs("\", \"c\": \"", f);
    put_json(f, continuation);
    fputs("\"}\n", f);
}

static FILE *create(struct fixture *x)
{
    int fd;

    strcpy(x->path, "/tmp/cril-test-XXXXXX");
    fd = mkstemp(x->path);
    assert_true(fd >= 0);
    return fdopen(fd, "w");
}

static void open_fixture(struct fixture *x, const char *name)
{
    char path[1024];
    cril_error err;
    FILE *f;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &x->m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_non_null(f = create(x));
    for (size_t i = 0; i < N_PAIRS; i++)
        put_pair(f, pairs[i].prompt, pairs[i].continuation);
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

    assert_true(s->n_tokens < MAX);
    s->tokens[s->n_tokens++] = *t;
    return 0;
}

static int on_document(void *user, const cril_document_score *d)
{
    struct seen *s = user;

    assert_true(s->n_documents < s->n_texts);
    assert_int_equal(d->index, s->texts[s->n_documents].index);
    assert_int_equal(d->bytes, s->texts[s->n_documents].len_bytes);
    s->documents[s->n_documents++] = *d;
    return 0;
}

/* The text behind the prompt, as long as its row will say. */
static int on_text(void *user, const cril_document *doc)
{
    struct seen *s = user;

    s->texts[s->n_texts++] = *doc;
    return 0;
}

static cril_status run(const struct fixture *x, const cril_score_options *o, bool strict,
                       uint64_t from, uint64_t to, struct seen *seen, cril_result *r,
                       cril_corpus_stats *stats, cril_error *err)
{
    const cril_score_callbacks callbacks = {seen, on_token, on_document, NULL, on_text};
    const cril_corpus_options wanted = {
        .field = "c", .prompt_field = "p", .format = "jsonl", .strict = strict};
    cril_scorer *s;
    cril_corpus *c;
    cril_status st;

    assert_int_equal(cril_scorer_create(x->m, o, &s, err), CRIL_OK);
    assert_int_equal(cril_corpus_open(x->path, &wanted, &c, err), CRIL_OK);
    memset(seen, 0, sizeof(*seen));
    st = cril_score_slice(s, c, x->path, from, to, &callbacks, r, err);
    cril_corpus_stats_get(c, stats);
    stats->field = stats->prompt_field = NULL;
    cril_corpus_close(c);
    cril_scorer_free(s);
    return st;
}

/* ---- tokens ---- */

static const cril_tokenizer *tokenizer(const struct fixture *x)
{
    return cril_model_tokenizer(x->m);
}

/* ids of the first n_text bytes of the pair's texts, one after the other. */
static size_t encode_start(const struct fixture *x, const struct text_pair *p, size_t n_text,
                           int32_t *ids)
{
    char text[2 * LONG_TEXT];
    cril_ids got = {0};
    size_t n;

    snprintf(text, sizeof(text), "%s%s", p->prompt, p->continuation);
    assert_int_equal(cril_tokenizer_encode(tokenizer(x), text, n_text, 0, &got, NULL), CRIL_OK);
    n = got.n;
    if (n)
        memcpy(ids, got.data, n * sizeof(*ids));
    cril_ids_free(&got);
    return n;
}

/* The pair's ids by the rule; *n_prompt of them are the prompt's. */
static size_t encode_pair(const struct fixture *x, const struct text_pair *p, int32_t *ids,
                          size_t *n_prompt)
{
    const size_t kept = strlen(p->prompt) - p->moved;
    int32_t whole[MAX];
    const size_t n = encode_start(x, p, strlen(p->prompt) + strlen(p->continuation), whole);

    *n_prompt = kept ? encode_start(x, p, kept, ids) : 0;
    for (size_t i = *n_prompt; i < n; i++)
        ids[i] = whole[i];
    return n;
}

static void test_encode(void **state)
{
    struct cril_pair p = {0};
    struct fixture x;

    (void)state;
    open_fixture(&x, "tiny-qwen2");
    for (size_t i = 0; i < N_PAIRS; i++) {
        const struct text_pair *t = &pairs[i];
        const size_t kept = strlen(t->prompt) - t->moved;
        int32_t want[MAX];
        size_t n_prompt;
        const size_t n = encode_pair(&x, t, want, &n_prompt);

        assert_int_equal(cril_pair_encode(&p, tokenizer(&x), t->prompt, strlen(t->prompt),
                                          t->continuation, strlen(t->continuation), 0, NULL),
                         CRIL_OK);
        assert_int_equal(p.n_prompt, n_prompt);
        assert_int_equal(p.ids.n, n);
        assert_memory_equal(p.ids.data, want, n * sizeof(*want));
        assert_true(p.splits);
        assert_int_equal(p.continuation_bytes, t->moved + strlen(t->continuation));
        assert_memory_equal(p.continuation, t->prompt + kept, t->moved);
        assert_memory_equal(p.continuation + t->moved, t->continuation, strlen(t->continuation));
    }
    cril_pair_free(&p);
    close_fixture(&x);
}

/* Python's rstrip: every character that str.isspace knows, and no other. */
static void test_white_space(void **state)
{
    static const struct {
        const char *prompt;
        size_t moved;
    } rows[] = {
        {"a\t\n\v\f\r ", 6},
        {"a\x1c\x1d\x1e\x1f", 4},
        {"a\xc2\x85\xc2\xa0", 4},
        {"a\xe1\x9a\x80\xe2\x80\x80\xe2\x80\x8a", 9},
        {"a\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\x9f\xe3\x80\x80", 15},
        {"a\xe2\x80\x8b", 0}, /* zero width */
        {"a\xe1\xa0\x8e", 0}, /* U+180E */
        {"a\x1b", 0},
        {"a \xa0", 0},           /* not UTF-8 */
        {"a \xe3\x80", 0},       /* cut short */
        {"\xe3\x80\x80\x80", 0}, /* one byte too many */
        {"\xe3\x80\x80", 3},
    };
    struct cril_pair p = {0};
    struct fixture x;

    (void)state;
    open_fixture(&x, "tiny-qwen2");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const size_t n = strlen(rows[i].prompt);

        assert_int_equal(cril_pair_encode(&p, tokenizer(&x), rows[i].prompt, n, "end", 3, 0, NULL),
                         CRIL_OK);
        assert_int_equal(p.continuation_bytes, rows[i].moved + 3);
        assert_memory_equal(p.continuation, rows[i].prompt + n - rows[i].moved, rows[i].moved);
    }
    cril_pair_free(&p);
    close_fixture(&x);
}

/* ---- nats ---- */

/* Nats of ids [from, n) of a window of its own, BOS in front where the tokenizer adds it. */
static void score_window(const struct fixture *x, cril_scorer *s, const int32_t *ids, size_t n,
                         size_t from, double *nats)
{
    int32_t tokens[MAX];
    double all[MAX];
    size_t bos = 0;

    if (cril_tokenizer_adds_bos(tokenizer(x)))
        tokens[bos++] = cril_tokenizer_bos(tokenizer(x));
    memcpy(tokens + bos, ids, n * sizeof(*ids));
    assert_int_equal(cril_score_tokens(s, tokens, bos + n, all, NULL), CRIL_OK);
    memcpy(nats, all + bos + from - 1, (n - from) * sizeof(*nats));
}

/* Nats of the continuation's ids, ids [n_prompt, n); returns the inputs of all windows. */
static size_t expect_nats(const struct fixture *x, cril_scorer *s, const cril_score_options *o,
                          const int32_t *ids, size_t n, size_t n_prompt, double *nats)
{
    const bool bos = cril_tokenizer_adds_bos(tokenizer(x));
    const size_t room = o->context + !bos; /* tokens of one window */
    size_t from = 0, done = n_prompt, inputs = 0;

    if (n > room) { /* the first window scores a stride, or what there is */
        const size_t first = n - n_prompt < o->stride ? n - n_prompt : o->stride;

        if (n_prompt + first > room)
            from = n_prompt + first - room;
    }
    if (!bos && n_prompt == 0) {
        nats[0] = cril_log((double)cril_model_logits(x->m));
        done = 1;
    }
    for (size_t end = from + room < n ? from + room : n; done < n;) {
        score_window(x, s, ids + from, end - from, done - from, nats + done - n_prompt);
        inputs += end - from - !bos;
        done = end;
        end = end + o->stride < n ? end + o->stride : n;
        from = end - room;
    }
    return inputs;
}

static void check(const struct fixture *x, const cril_score_options *o)
{
    static struct seen seen;
    cril_corpus_stats stats;
    cril_scorer *s;
    cril_result r;
    cril_error err;
    size_t at = 0, forward = 0;
    double total = 0;

    assert_int_equal(cril_scorer_create(x->m, o, &s, &err), CRIL_OK);
    if (run(x, o, true, 0, UINT64_MAX, &seen, &r, &stats, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(seen.n_documents, N_PAIRS);
    for (size_t i = 0; i < N_PAIRS; i++) {
        const struct text_pair *p = &pairs[i];
        const cril_document_score *d = &seen.documents[i];
        const char *const text = p->prompt + strlen(p->prompt) - p->moved;
        int32_t ids[MAX];
        double nats[MAX], sum = 0;
        size_t n_prompt;
        const size_t n = encode_pair(x, p, ids, &n_prompt);

        forward += expect_nats(x, s, o, ids, n, n_prompt, nats);
        for (size_t k = 0; k < n - n_prompt; k++, at++) {
            const cril_token_score *t = &seen.tokens[at];

            sum += nats[k];
            if (t->document != i || t->position != k || t->id != ids[n_prompt + k] ||
                memcmp(&t->nats, &nats[k], sizeof(nats[k])) != 0)
                fail_msg("pair %zu, token %zu: document %d, position %d, id %d, %.17g nats", i, k,
                         (int)t->document, (int)t->position, (int)t->id, t->nats);
        }
        assert_memory_equal(&d->nats, &sum, sizeof(sum));
        assert_true(d->index == i && d->line == i + 1);
        assert_true(d->tokens == n - n_prompt && d->scored_tokens == d->tokens);
        assert_int_equal(d->bytes, p->moved + strlen(p->continuation));
        assert_int_equal(d->characters,
                         cril_count_characters(text, p->moved) +
                             cril_count_characters(p->continuation, strlen(p->continuation)));
        assert_int_equal(d->unspelled_characters, 0);
        assert_memory_equal(&r.per_document[i], d, sizeof(*d));
        total += sum;
    }
    assert_int_equal(seen.n_tokens, at);
    assert_memory_equal(&r.nats, &total, sizeof(total));
    assert_int_equal(r.forward_tokens, forward);
    assert_string_equal(r.corpus_field, "c");
    assert_string_equal(r.corpus_prompt_field, "p");
    cril_result_free(&r);
    cril_scorer_free(s);
}

/* Windows that hold a pair, those that do not, and strides of all of a window and of one token. */
static void check_model(const char *name)
{
    static const size_t layouts[][2] = {{600, 512}, {40, 16}, {24, 24}, {9, 1}};
    static const size_t batches[] = {0, 1, 50};
    struct fixture x;

    open_fixture(&x, name);
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
        for (size_t k = 0; k < 3; k++)
            check(&x, &(cril_score_options){.context = layouts[i][0],
                                            .stride = layouts[i][1],
                                            .threads = k ? 1 : 2,
                                            .batch_tokens = batches[k]});
    close_fixture(&x);
}

static void test_bos(void **state)
{
    (void)state;
    check_model("tiny-llama");
}

static void test_no_bos(void **state)
{
    (void)state;
    check_model("tiny-qwen2");
}

/* Nats of the whole less those of the prompt. */
static void test_differences(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.context = 2000, .stride = 512, .threads = 1};
    cril_corpus_stats stats;
    struct fixture x;
    cril_scorer *s;
    cril_result r;
    cril_error err;

    (void)state;
    open_fixture(&x, "tiny-llama");
    assert_int_equal(cril_scorer_create(x.m, &o, &s, &err), CRIL_OK);
    assert_int_equal(run(&x, &o, true, 0, UINT64_MAX, &seen, &r, &stats, &err), CRIL_OK);
    for (size_t i = 0; i < N_PAIRS; i++) {
        int32_t ids[MAX];
        double nats[MAX], whole = 0, prompt = 0;
        size_t n_prompt;
        const size_t n = encode_pair(&x, &pairs[i], ids, &n_prompt);

        score_window(&x, s, ids, n, 0, nats);
        for (size_t k = 0; k < n; k++)
            whole += nats[k];
        if (n_prompt)
            score_window(&x, s, ids, n_prompt, 0, nats);
        for (size_t k = 0; k < n_prompt; k++)
            prompt += nats[k];
        assert_true(fabs(r.per_document[i].nats - (whole - prompt)) <= 1e-9 * whole);
    }
    cril_result_free(&r);
    cril_scorer_free(s);
    close_fixture(&x);
}

/* A slice has the rows of the whole. */
static void test_slices(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.context = 40, .stride = 16, .threads = 1};
    cril_corpus_stats stats;
    struct fixture x;
    cril_result whole, r;
    cril_error err;

    (void)state;
    open_fixture(&x, "tiny-qwen2");
    assert_int_equal(run(&x, &o, true, 0, UINT64_MAX, &seen, &whole, &stats, &err), CRIL_OK);
    for (uint64_t from = 0; from < N_PAIRS; from++)
        for (uint64_t to = from + 1; to <= N_PAIRS + 1; to++) {
            const uint64_t n = (to < N_PAIRS ? to : N_PAIRS) - from;

            assert_int_equal(run(&x, &o, true, from, to, &seen, &r, &stats, &err), CRIL_OK);
            assert_int_equal(r.documents, n);
            assert_memory_equal(r.per_document, whole.per_document + from,
                                n * sizeof(*r.per_document));
            cril_result_free(&r);
        }
    cril_result_free(&whole);
    close_fixture(&x);
}

/* The compressors get the continuations alone. */
static void test_baselines(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.context = 64, .threads = 1, .baselines = true};
    cril_corpus_stats stats;
    cril_baselines *b;
    cril_baseline *want;
    struct fixture x;
    cril_result r;
    cril_error err;
    size_t n;

    (void)state;
    open_fixture(&x, "tiny-llama");
    assert_int_equal(cril_baselines_create(&b, &err), CRIL_OK);
    for (size_t i = 0; i < N_PAIRS; i++) {
        const struct text_pair *p = &pairs[i];

        assert_int_equal(
            cril_baselines_add(b, p->prompt + strlen(p->prompt) - p->moved, p->moved, &err),
            CRIL_OK);
        assert_int_equal(cril_baselines_add(b, p->continuation, strlen(p->continuation), &err),
                         CRIL_OK);
    }
    assert_int_equal(cril_baselines_finish(b, &want, &n, &err), CRIL_OK);
    cril_baselines_free(b);
    assert_int_equal(run(&x, &o, true, 0, UINT64_MAX, &seen, &r, &stats, &err), CRIL_OK);
    assert_int_equal(r.n_baselines, n);
    assert_memory_equal(r.baselines, want, n * sizeof(*want));
    assert_true(r.text_bytes == r.bytes && r.text_characters == r.characters);
    free(want);
    cril_result_free(&r);
    close_fixture(&x);
}

/* ---- faults ---- */

/* A token of letters that is cut behind its first: alone the letter is one token, and so is all. */
static bool find_spanning(const struct fixture *x, char *text, size_t size)
{
    const cril_tokenizer *t = tokenizer(x);

    for (int32_t id = 0; (size_t)id < cril_tokenizer_size(t); id++) {
        size_t len, k = 0;
        const char *piece = cril_tokenizer_piece(t, id, &len);
        cril_ids ids = {0};

        while (piece && k < len && piece[k] >= 'a' && piece[k] <= 'z')
            k++;
        if (!piece || len < 3 || k < len || len >= size)
            continue;
        memcpy(text, piece, len);
        text[len] = '\0';
        assert_int_equal(cril_tokenizer_encode(t, text, len, 0, &ids, NULL), CRIL_OK);
        k = ids.n;
        cril_ids_free(&ids);
        if (k == 1)
            return true;
    }
    return false;
}

/* What is no token of its own is a bad line and leaves a gap; tokens that are not the text's are
 * unspelled. */
static void test_spanning(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.context = 64, .threads = 1};
    char text[32], first[2] = "", more[64];
    cril_corpus_stats stats;
    struct fixture x;
    cril_result r;
    cril_error err;
    FILE *f;

    (void)state;
    open_fixture(&x, "tiny-qwen2");
    assert_true(find_spanning(&x, text, sizeof(text)));
    first[0] = text[0];
    snprintf(more, sizeof(more), "%s and \xc3\xa9", text + 1);
    unlink(x.path);
    assert_non_null(f = create(&x));
    put_pair(f, first, " good");
    put_pair(f, first, text + 1);
    put_pair(f, "an empty continuation is dropped ", "");
    put_pair(f, first, more);
    fputs("{\"c\": \"no prompt\"}\n", f);
    put_pair(f, "", text);
    assert_int_equal(fclose(f), 0);
    if (run(&x, &o, false, 0, UINT64_MAX, &seen, &r, &stats, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(r.documents, 3);
    assert_true(stats.documents == 3 && stats.bad_lines == 2 && stats.empty == 1);
    assert_non_null(strstr(stats.first_bad, "line 2: no token is the continuation's alone"));
    assert_true(r.per_document[0].index == 0 && r.per_document[0].line == 1);
    assert_true(r.per_document[1].index == 2 && r.per_document[1].line == 4);
    assert_true(r.per_document[2].index == 3 && r.per_document[2].line == 6);
    assert_memory_equal(seen.documents, r.per_document, 3 * sizeof(*r.per_document));
    for (size_t i = 0; i < seen.n_tokens; i++)
        assert_int_not_equal(seen.tokens[i].document, 1);
    assert_int_equal(r.unspelled_documents, 1);
    assert_int_equal(r.per_document[1].unspelled_characters,
                     cril_count_characters(more, strlen(more)));
    assert_true(r.per_document[1].escape_bytes > strlen(more) &&
                r.per_document[1].escape_bytes < strlen(more) + 5);
    cril_result_free(&r);
    assert_int_equal(run(&x, &o, true, 0, UINT64_MAX, &seen, &r, &stats, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "line 2: no token is the continuation's alone"));
    /* nothing else is left to score */
    assert_int_equal(run(&x, &o, false, 1, 2, &seen, &r, &stats, &err), CRIL_ERR_EMPTY);
    unlink(x.path);
    assert_non_null(f = create(&x));
    put_pair(f, first, text + 1);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(run(&x, &o, false, 0, UINT64_MAX, &seen, &r, &stats, &err), CRIL_ERR_EMPTY);
    assert_non_null(strstr(err.message, "line 1: no token"));
    close_fixture(&x);
}

/* The other protocols follow programs that have no prompts. */
static void test_protocols(void **state)
{
    static struct seen seen;
    cril_corpus_stats stats;
    struct fixture x;
    cril_result r;
    cril_error err;

    (void)state;
    open_fixture(&x, "tiny-llama");
    for (size_t i = 1; cril_protocol_name(i); i++) {
        const cril_score_options o = {.protocol = cril_protocol_name(i), .context = 32};

        assert_int_equal(run(&x, &o, true, 0, UINT64_MAX, &seen, &r, &stats, &err), CRIL_ERR_RANGE);
        assert_non_null(strstr(err.message, "has no prompts"));
    }
    close_fixture(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),      cmocka_unit_test(test_white_space),
        cmocka_unit_test(test_bos),         cmocka_unit_test(test_no_bos),
        cmocka_unit_test(test_differences), cmocka_unit_test(test_slices),
        cmocka_unit_test(test_baselines),   cmocka_unit_test(test_spanning),
        cmocka_unit_test(test_protocols),
    };

    make_pairs();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
