/*
 * A corpus through the scorer against the same windows one by one: whatever the batch, each token's
 * nats have the bits of cril_score_tokens, and positions, documents, characters and sums are those
 * of doc/scoring.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "score/protocol.h"
#include "util/fmath.h"

#include <cril/score.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX = 8192, N_DOCUMENTS = 6 };

static const char *const texts[N_DOCUMENTS] = {
    "The quick brown fox jumps over the lazy dog, again and again, until the dog gets up and walks "
    "away from it all.",
    "x",
    "Na\xc3\xafve caf\xc3\xa9, \xe6\x9d\xb1\xe4\xba\xac, \xce\xa9; a look-alike </s> of a control "
    "token stands here.",
    "1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584 4181 6765 10946 17711 28657 46368 "
    "75025 121393 196418 317811",
    "\n\n",
    "And one line more, to end with.",
};

struct fixture {
    cril_model *m;
    char path[64];
};

/* What the callbacks saw. */
struct seen {
    cril_token_score tokens[MAX];
    cril_document_score documents[MAX];
    size_t n_tokens, n_documents, n_texts, stop_at;
    double last_share;
};

static void write_corpus(char *path)
{
    FILE *f;
    int fd;

    strcpy(path, "/tmp/cril-test-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    assert_non_null(f);
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        fputs("{\"content\": \"", f);
        for (const char *p = texts[i]; *p; p++)
            fputs(*p == '\n' ? "\\n" : (char[2]){*p}, f);
        fputs("\"}\n", f);
    }
    assert_int_equal(fclose(f), 0);
}

static void open_fixture(struct fixture *x, const char *name)
{
    char path[1024];
    cril_error err;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &x->m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    write_corpus(x->path);
}

static void close_fixture(struct fixture *x)
{
    cril_model_close(x->m);
    unlink(x->path);
}

static int on_token(void *user, const cril_token_score *t)
{
    struct seen *s = user;

    s->tokens[s->n_tokens++] = *t;
    return s->stop_at && s->n_tokens == s->stop_at;
}

static int on_document(void *user, const cril_document_score *d)
{
    struct seen *s = user;

    assert_true(s->n_texts > s->n_documents);
    s->documents[s->n_documents++] = *d;
    return 0;
}

static int on_text(void *user, const cril_document *doc)
{
    struct seen *s = user;

    assert_int_equal(doc->index, s->n_texts++);
    assert_true(doc->len_bytes > 0);
    return 0;
}

static int on_progress(void *user, const cril_score_progress *p)
{
    struct seen *s = user;

    assert_true(p->fraction >= s->last_share && p->fraction <= 1);
    s->last_share = p->fraction;
    return 0;
}

static cril_status run(const struct fixture *x, const cril_score_options *o, uint64_t limit,
                       struct seen *seen, cril_result *r, cril_error *err)
{
    const cril_score_callbacks callbacks = {seen, on_token, on_document, on_progress, on_text};
    const cril_corpus_options wanted = {.limit = limit, .format = "jsonl"};
    cril_scorer *s;
    cril_corpus *c;
    cril_status st = cril_scorer_create(x->m, o, &s, err);

    if (st != CRIL_OK)
        return st;
    assert_int_equal(cril_corpus_open(x->path, &wanted, &c, err), CRIL_OK);
    st = cril_score_corpus(s, c, x->path, &callbacks, r, err);
    cril_corpus_close(c);
    cril_scorer_free(s);
    return st;
}

/* The streams of a protocol: ids, and where each document ends in them. */
struct streams {
    cril_ids ids[N_DOCUMENTS]; /* a document's where they are apart; else all in the first */
    uint64_t ends[N_DOCUMENTS];
    size_t n;
};

static void make_streams(const cril_model *m, const struct cril_protocol *p, struct streams *s)
{
    const cril_tokenizer *t = cril_model_tokenizer(m);
    cril_error err;

    *s = (struct streams){.n = p->per_document ? N_DOCUMENTS : 1};
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        cril_ids *ids = &s->ids[p->per_document ? i : 0];
        unsigned flags = p->encode;

        if (p->special_once && i == 0)
            flags |= CRIL_ENCODE_ADD_SPECIAL; /* these tokenizers add no EOS */
        assert_int_equal(cril_tokenizer_encode(t, texts[i], strlen(texts[i]), flags, ids, &err),
                         CRIL_OK);
        s->ends[i] = ids->n;
    }
}

/* The nats of one stream, window by window. */
static void expect_stream(cril_scorer *scorer, const struct cril_protocol *p,
                          const struct cril_layout *l, const cril_ids *ids, const struct streams *s,
                          uint64_t document, struct seen *want)
{
    static double nats[MAX];
    static int32_t one[MAX];
    struct cril_span w;
    cril_error err;

    for (uint64_t k = 0; p->window(l, k, ids->n, true, &w); k++) {
        size_t n = 0;

        if (w.first_token >= 0)
            one[n++] = w.first_token;
        for (uint64_t i = w.from; i < w.end; i++)
            one[n++] = ids->data[i];
        assert_int_equal(cril_score_tokens(scorer, one, n, nats, &err), CRIL_OK);
        for (uint64_t i = w.first; i < w.end; i++) {
            while (!p->per_document && i >= s->ends[document])
                document++;
            want->tokens[want->n_tokens++] =
                (cril_token_score){.document = document,
                                   .position = i,
                                   .id = ids->data[i],
                                   .nats = nats[n - 1 - (size_t)(w.end - i)]};
        }
    }
}

static void check(const struct fixture *x, const cril_score_options *o)
{
    static struct seen got, want;
    const struct cril_protocol *p = cril_protocol_find(o->protocol);
    const cril_tokenizer *t = cril_model_tokenizer(x->m);
    struct cril_layout l = {.context = o->context,
                            .stride = o->stride ? o->stride : o->context,
                            .first_token = -1,
                            .rules = CRIL_RULES};
    struct streams s;
    cril_scorer *scorer;
    cril_result r;
    cril_error err;
    double nats[N_DOCUMENTS] = {0}, total = 0;
    uint64_t tokens = 0;

    memset(&got, 0, sizeof(got));
    memset(&want, 0, sizeof(want));
    if (p->first_token == CRIL_FIRST_ANY ||
        (p->first_token == CRIL_FIRST_ADDED_BOS && cril_tokenizer_adds_bos(t)))
        l.first_token = cril_tokenizer_bos(t);
    make_streams(x->m, p, &s);
    assert_int_equal(cril_scorer_create(x->m, o, &scorer, &err), CRIL_OK);
    for (size_t i = 0; i < s.n; i++) {
        if (p->uniform_first && l.first_token < 0 && s.ids[i].n)
            want.tokens[want.n_tokens++] =
                (cril_token_score){.document = i,
                                   .id = s.ids[i].data[0],
                                   .nats = cril_log((double)cril_model_logits(x->m))};
        expect_stream(scorer, p, &l, &s.ids[i], &s, i, &want);
        tokens += s.ids[i].n;
        cril_ids_free(&s.ids[i]);
    }
    cril_scorer_free(scorer);

    if (run(x, o, 0, &got, &r, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(got.n_tokens, want.n_tokens);
    for (size_t i = 0; i < want.n_tokens; i++) {
        const cril_token_score *a = &got.tokens[i], *b = &want.tokens[i];

        if (a->document != b->document || a->position != b->position || a->id != b->id ||
            memcmp(&a->nats, &b->nats, sizeof(a->nats)) != 0)
            fail_msg("%s: scored token %zu: document %d, position %d, id %d, %.17g nats", p->name,
                     i, (int)a->document, (int)a->position, (int)a->id, a->nats);
        nats[b->document] += b->nats;
    }
    assert_int_equal(got.n_documents, N_DOCUMENTS);
    assert_int_equal(r.documents, N_DOCUMENTS);
    assert_int_equal(r.scored_tokens, want.n_tokens);
    assert_int_equal(r.tokens, tokens);
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        total += nats[i];
        assert_memory_equal(&got.documents[i].nats, &nats[i], sizeof(nats[i]));
        assert_memory_equal(&r.per_document[i], &got.documents[i], sizeof(got.documents[i]));
        assert_int_equal(got.documents[i].line, i + 1);
        if (!p->scored_text) {
            assert_int_equal(got.documents[i].bytes, strlen(texts[i]));
            assert_int_equal(got.documents[i].characters,
                             cril_count_characters(texts[i], strlen(texts[i])));
        }
    }
    assert_memory_equal(&r.nats, &total, sizeof(total));
    assert_int_equal(r.interval.resamples, 1000);
    assert_true(r.interval.low <= cril_result_bpc(&r) && cril_result_bpc(&r) <= r.interval.high);
    cril_result_free(&r);
}

static void check_model(const char *name)
{
    static const size_t batches[] = {0, 1, 50};
    struct fixture x;

    open_fixture(&x, name);
    for (size_t i = 0; i < 3; i++) {
        check(&x, &(cril_score_options){.protocol = "document",
                                        .context = 40,
                                        .stride = 16,
                                        .threads = 2,
                                        .batch_tokens = batches[i]});
        check(&x, &(cril_score_options){.protocol = "hkust",
                                        .context = 48,
                                        .stride = 13,
                                        .threads = 1,
                                        .batch_tokens = batches[i]});
        check(&x,
              &(cril_score_options){
                  .protocol = "rolling", .context = 32, .threads = 2, .batch_tokens = batches[i]});
        check(&x,
              &(cril_score_options){
                  .protocol = "halves", .context = 33, .threads = 2, .batch_tokens = batches[i]});
        check(&x, &(cril_score_options){.protocol = "uncheatable",
                                        .context = 24,
                                        .threads = 2,
                                        .batch_tokens = batches[i]});
    }
    close_fixture(&x);
}

static void test_adds_bos(void **state)
{
    (void)state;
    check_model("tiny-llama");
}

static void test_no_bos(void **state)
{
    (void)state;
    check_model("tiny-qwen2");
}

/* Characters of `halves` are those of the scored tokens' text. */
static void test_scored_text(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.protocol = "halves", .context = 32, .threads = 1};
    struct fixture x;
    cril_result r;
    cril_error err;
    uint64_t characters = 0, bytes = 0;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    open_fixture(&x, "tiny-llama");
    assert_int_equal(run(&x, &o, 0, &seen, &r, &err), CRIL_OK);
    for (size_t i = 0; i < seen.n_tokens; i++) {
        size_t len;
        const char *piece =
            cril_tokenizer_piece(cril_model_tokenizer(x.m), seen.tokens[i].id, &len);

        bytes += len;
        for (size_t k = 0; k < len; k++)
            characters += ((unsigned char)piece[k] & 0xc0) != 0x80;
    }
    assert_int_equal(r.characters, characters);
    assert_int_equal(r.bytes, bytes);
    cril_result_free(&r);
    close_fixture(&x);
}

/* Sizes are those of all text, also where a part of it is scored; nothing else changes. */
static void test_baselines(void **state)
{
    static const char *const protocols[] = {"document", "hkust",  "opencompass",
                                            "rolling",  "halves", "uncheatable"};
    static struct seen seen;
    cril_baselines *b;
    cril_baseline *want;
    size_t n, text_bytes = 0, text_characters = 0;
    struct fixture x;
    cril_error err;

    (void)state;
    open_fixture(&x, "tiny-llama");
    assert_int_equal(cril_baselines_create(&b, &err), CRIL_OK);
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        assert_int_equal(cril_baselines_add(b, texts[i], strlen(texts[i]), &err), CRIL_OK);
        text_bytes += strlen(texts[i]);
        text_characters += cril_count_characters(texts[i], strlen(texts[i]));
    }
    assert_int_equal(cril_baselines_finish(b, &want, &n, &err), CRIL_OK);
    cril_baselines_free(b);
    for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
        cril_score_options o = {.protocol = protocols[i], .context = 32, .threads = 1};
        const bool all = strcmp(protocols[i], "halves") != 0;
        cril_result r, plain;

        memset(&seen, 0, sizeof(seen));
        assert_int_equal(run(&x, &o, 0, &seen, &plain, &err), CRIL_OK);
        assert_true(!plain.baselines && !plain.n_baselines);
        assert_true(!plain.text_bytes && !plain.text_characters);
        memset(&seen, 0, sizeof(seen));
        o.baselines = true;
        assert_int_equal(run(&x, &o, 0, &seen, &r, &err), CRIL_OK);
        assert_int_equal(r.n_baselines, n);
        assert_memory_equal(r.baselines, want, n * sizeof(*want));
        assert_int_equal(r.text_bytes, text_bytes);
        assert_int_equal(r.text_characters, text_characters);
        assert_true((r.bytes == text_bytes) == all && (r.characters == text_characters) == all);
        assert_int_equal(r.model_bytes, cril_model_bytes(x.m));
        assert_string_equal(r.model_path, cril_model_path(x.m));
        assert_string_equal(r.model_types, cril_model_types(x.m));
        assert_string_equal(r.corpus_field, "content");
        assert_int_equal(r.corpus_limit, 0);
        assert_memory_equal(&r.nats, &plain.nats, sizeof(r.nats));
        assert_int_equal(r.scored_tokens, plain.scored_tokens);
        cril_result_free(&plain);
        cril_result_free(&r);
        assert_null(r.baselines);
    }
    free(want);
    close_fixture(&x);
}

static void test_baselines_cancelled(void **state)
{
    static struct seen seen;
    const cril_score_options o = {
        .context = 64, .threads = 1, .batch_tokens = 1, .baselines = true};
    struct fixture x;
    cril_result r;
    cril_error err;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    seen.stop_at = 7;
    open_fixture(&x, "tiny-llama");
    /* ASan looks for what is left */
    assert_int_equal(run(&x, &o, 0, &seen, &r, &err), CRIL_ERR_CANCELLED);
    close_fixture(&x);
}

static void test_one_document(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.context = 64, .stride = 32, .threads = 1};
    struct fixture x;
    cril_result r;
    cril_error err;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    open_fixture(&x, "tiny-llama");
    assert_int_equal(run(&x, &o, 1, &seen, &r, &err), CRIL_OK);
    assert_int_equal(r.documents, 1);
    assert_int_equal(r.interval.resamples, 0); /* one document has no spread */
    cril_result_free(&r);
    close_fixture(&x);
}

static void test_cancelled(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.context = 64, .stride = 32, .threads = 1, .batch_tokens = 1};
    struct fixture x;
    cril_result r;
    cril_error err;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    seen.stop_at = 7;
    open_fixture(&x, "tiny-llama");
    assert_int_equal(run(&x, &o, 0, &seen, &r, &err), CRIL_ERR_CANCELLED);
    assert_int_equal(seen.n_tokens, 7);
    close_fixture(&x);
}

/* U+2581 is a space to SentencePiece: no token spells it. */
static void write_unspelled(const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(
        "{\"content\": \"a\xe2\x96\x81longer text of two characters that are lost\xe2\x96\x81\"}\n"
        "{\"content\": \"nothing lost, but a </s> that looks like a control token\"}\n"
        "{\"content\": \"\xe2\x96\x81\"}\n",
        f);
    assert_int_equal(fclose(f), 0);
}

/* The counts are of the text, by whatever protocol and batch it is scored; tokens of protocols that
   add a BOS or parse a look-alike say nothing else. */
static void test_unspelled(void **state)
{
    static const char *const models[] = {"tiny-llama", "tiny-gemma3", "tiny-qwen2"};
    static struct seen seen;

    (void)state;
    for (size_t k = 0; k < sizeof(models) / sizeof(*models); k++) {
        const bool lost = strcmp(models[k], "tiny-gemma3") == 0; /* SentencePiece */
        struct fixture x;

        open_fixture(&x, models[k]);
        write_unspelled(x.path);
        for (size_t i = 0; cril_protocol_name(i); i++) {
            const cril_score_options o = {.protocol = cril_protocol_name(i),
                                          .context = 16,
                                          .threads = 1,
                                          .batch_tokens = i % 2};
            cril_result r;
            cril_error err;

            memset(&seen, 0, sizeof(seen));
            if (run(&x, &o, 0, &seen, &r, &err) != CRIL_OK)
                fail_msg("%s: %s", o.protocol, err.message);
            assert_int_equal(r.unspelled_characters, lost ? 3 : 0);
            assert_int_equal(r.unspelled_documents, lost ? 2 : 0);
            assert_int_equal(r.per_document[0].unspelled_characters, lost ? 2 : 0);
            assert_int_equal(r.per_document[1].unspelled_characters, 0);
            assert_int_equal(r.per_document[2].unspelled_characters, lost);
            assert_int_equal(r.escape_bytes,
                             r.per_document[0].escape_bytes + r.per_document[2].escape_bytes);
            assert_true(!lost || r.per_document[2].escape_bytes >= 3);
            cril_result_free(&r);
        }
        close_fixture(&x);
    }
}

/* tiny-gemma3 with its byte tokens as plain ones: what has no piece is unknown. */
static void open_without_bytes(struct fixture *x)
{
    static const char key[] = "tokenizer.ggml.token_type";
    static uint8_t data[1 << 20];
    char path[] = "/tmp/cril-test-XXXXXX";
    FILE *f = fopen(CRIL_TEST_DATA "/golden/tiny-gemma3.gguf", "rb");
    uint32_t n;
    cril_error err;

    assert_non_null(f);
    const size_t size = fread(data, 1, sizeof(data), f);
    fclose(f);
    uint8_t *at = data;
    while (memcmp(at, key, sizeof(key) - 1) != 0)
        at++;
    at += sizeof(key) - 1 + 8; /* type of value, type of element, count, elements */
    memcpy(&n, at, sizeof(n));
    for (at += 8; n--; at += 4)
        if (*at == 6)
            *at = 5;
    f = fdopen(mkstemp(path), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    if (cril_model_open(path, &x->m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    write_corpus(x->path);
}

/* A thousand characters in one unknown token: almost free as a score, and not as an archive. */
static void test_unknown(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.context = 128, .threads = 1, .baselines = true};
    struct fixture x;
    cril_result r;
    cril_error err;
    FILE *f;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    open_without_bytes(&x);
    f = fopen(x.path, "w");
    assert_non_null(f);
    fputs("{\"content\": \"", f);
    for (unsigned i = 0; i < 1000; i++) /* U+4E00 and on */
        fprintf(f, "\\u%04x", 0x4e00 + i * 7);
    fputs("\"}\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(run(&x, &o, 0, &seen, &r, &err), CRIL_OK);
    assert_int_equal(r.characters, 1000);
    assert_int_equal(r.tokens, 1);
    assert_true(cril_result_bpc(&r) < 0.1);
    assert_int_equal(r.unspelled_characters, 1000);
    assert_int_equal(r.unspelled_documents, 1);
    assert_int_equal(r.escape_bytes, 3000 + 3);
    assert_true(cril_result_bpc_with_escapes(&r) >= 24);
    assert_true(cril_result_archive_bytes(&r) >= 3003);
    assert_true(isnan(cril_result_break_even(&r)));
    cril_result_free(&r);
    unlink(cril_model_path(x.m));
    close_fixture(&x);
}

static void check_refused(const struct fixture *x, cril_score_options o, cril_status want,
                          const char *word)
{
    static struct seen seen;
    cril_result r;
    cril_error err;

    memset(&seen, 0, sizeof(seen));
    o.threads = 1;
    assert_int_equal(run(x, &o, 0, &seen, &r, &err), want);
    if (!strstr(err.message, word))
        fail_msg("no word of \"%s\": %s", word, err.message);
}

/* A corpus of which nothing is scored has no figure: documents of one token, without a BOS. */
static void test_nothing_scored(void **state)
{
    static struct seen seen;
    const cril_score_options o = {.protocol = "uncheatable", .context = 16, .threads = 1};
    struct fixture x;
    cril_result r;
    cril_error err;
    FILE *f;

    (void)state;
    open_fixture(&x, "tiny-qwen2");
    f = fopen(x.path, "w");
    assert_non_null(f);
    fputs("{\"content\": \"x\"}\n{\"content\": \"y\"}\n", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(run(&x, &o, 0, &seen, &r, &err), CRIL_ERR_EMPTY);
    assert_non_null(strstr(err.message, "no document has a token that the protocol uncheatable"));
    close_fixture(&x);
}

/* Windows beyond what the model was made for, 256 tokens: by default, the protocol's 1900. */
static void test_beyond_context(void **state)
{
    static const size_t contexts[] = {256, 257, 0};
    static struct seen seen;
    struct fixture x;

    (void)state;
    open_fixture(&x, "tiny-llama");
    for (size_t i = 0; i < 3; i++) {
        const cril_score_options o = {.context = contexts[i], .threads = 1};
        cril_result r;
        cril_error err;

        memset(&seen, 0, sizeof(seen));
        assert_int_equal(run(&x, &o, 0, &seen, &r, &err), CRIL_OK);
        assert_int_equal(r.beyond_context, i > 0);
        cril_result_free(&r);
    }
    close_fixture(&x);
}

static void test_refused(void **state)
{
    struct fixture x;

    (void)state;
    open_fixture(&x, "tiny-llama");
    check_refused(&x, (cril_score_options){.protocol = "none"}, CRIL_ERR_RANGE, "none");
    check_refused(&x, (cril_score_options){.context = 16777217}, CRIL_ERR_RANGE, "16777216");
    check_refused(&x, (cril_score_options){.context = 16, .stride = 17}, CRIL_ERR_RANGE, "17");
    check_refused(&x, (cril_score_options){.protocol = "rolling", .stride = 8}, CRIL_ERR_RANGE,
                  "stride");
    check_refused(&x, (cril_score_options){.protocol = "halves", .context = 2}, CRIL_ERR_RANGE,
                  "3");
    check_refused(&x, (cril_score_options){.context = 8, .stride = 8, .level = 1.5}, CRIL_ERR_RANGE,
                  "1.5");
    check_refused(&x, (cril_score_options){.context = 8, .stride = 8, .level = -1}, CRIL_ERR_RANGE,
                  "-1");
    /* about 420 tokens: two chunks of 256 need 512 */
    check_refused(&x, (cril_score_options){.protocol = "halves", .context = 256}, CRIL_ERR_EMPTY,
                  "512");
    close_fixture(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adds_bos),    cmocka_unit_test(test_no_bos),
        cmocka_unit_test(test_scored_text), cmocka_unit_test(test_one_document),
        cmocka_unit_test(test_cancelled),   cmocka_unit_test(test_beyond_context),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_nothing_scored),
        cmocka_unit_test(test_baselines),   cmocka_unit_test(test_baselines_cancelled),
        cmocka_unit_test(test_unspelled),   cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
