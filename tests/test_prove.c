/*
 * Proofs with tiny models: they hold for any batch and threads, also where texts do not spell back;
 * and a corpus that changed, a score that is wrong by one bit, or what else does not belong
 * together is found, and named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/prove.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTEXT = 64, STRIDE = 24, LONG = 3000, MAX_TEXT = 16384 };

/* A corpus of CSV, whose bytes may be any. */
struct corpus {
    char path[64];
    char data[MAX_TEXT];
    size_t n;
};

static void add(struct corpus *c, const char *text, size_t n)
{
    assert_true(c->n + n < MAX_TEXT);
    memcpy(c->data + c->n, text, n);
    c->n += n;
}

/* A record; text has no quotes. */
static void add_record(struct corpus *c, const char *text, size_t n)
{
    add(c, "\"", 1);
    add(c, text, n);
    add(c, "\"\n", 2);
}

/* n bytes of words that tiny models have tokens for, as tests/cli/words.awk makes them. */
static void add_words(struct corpus *c, size_t n)
{
    static const char *const words[] = {"the",  "there", "fing", "aing", "on",    "ring",
                                        "then", "ton",   "area", "the",  "fining"};
    char text[LONG + 16];
    size_t at = 0;

    assert_true(n <= LONG);
    for (uint64_t x = 1; at < n; x = x * 16807 % 2147483647)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%c%s", x % 17 ? ' ' : '\n',
                               words[x % 11]);
    add_record(c, text, n);
}

static void save(const struct corpus *c)
{
    FILE *f = fopen(c->path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(c->data, 1, c->n, f), c->n);
    assert_int_equal(fclose(f), 0);
}

/* Documents 0 to 3; ill: document 4, which is not UTF-8. Line 3 is empty, line 4 a text that no
 * model compresses. */
static void make_corpus(struct corpus *c, bool ill)
{
    static const char noise[] =
        "x#7Kq!z&0-Wj]Vb5$Gm@8^Xp2~Qw;Zk9%Hf?Jt4*Ld|Ns6=Ry3+Cu:Av1{Ep>Ix}<Og_Bh";
    static const char bytes[] =
        "the area \xff\xfe the there ring \xc3( then on the ton\0 the fining area";

    *c = (struct corpus){.path = "/tmp/cril-test-XXXXXX"};
    const int fd = mkstemp(c->path);
    assert_true(fd >= 0);
    close(fd);
    add(c, "content\n", 8);
    add_words(c, 400);
    add_record(c, "", 0);
    add_record(c, noise, sizeof(noise) - 1);
    add_words(c, LONG); /* longer than the context */
    add_record(c, "t\0he", 4);
    if (ill)
        add_record(c, bytes, sizeof(bytes) - 1);
    save(c);
}

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_error err;
    cril_model *m;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static const cril_corpus_options csv = {.format = "csv"};

static cril_result score(cril_model *m, const struct corpus *c, const char *protocol)
{
    const cril_score_options options = {.context = CONTEXT,
                                        .stride = strcmp(protocol, "document") ? 0 : STRIDE,
                                        .protocol = protocol,
                                        .threads = 1};
    cril_scorer *s = NULL;
    cril_corpus *corpus = NULL;
    cril_result r = {0};
    cril_error err;

    if (cril_scorer_create(m, &options, &s, &err) != CRIL_OK ||
        cril_corpus_open(c->path, &csv, &corpus, &err) != CRIL_OK ||
        cril_score_corpus(s, corpus, c->path, NULL, &r, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    cril_corpus_close(corpus);
    cril_scorer_free(s);
    return r;
}

/* What progress was told, and what it shall do. */
struct watch {
    double fraction[2];              /* of each phase, last told */
    bool stop[2];                    /* at the end of a phase */
    const struct corpus *save_after; /* compression; NULL: nothing */
};

static int on_progress(void *user, cril_prove_phase phase, const cril_codec_totals *t,
                       double fraction)
{
    struct watch *w = user;

    assert_non_null(t);
    assert_true(fraction >= w->fraction[phase] && fraction <= 1);
    w->fraction[phase] = fraction;
    if (fraction < 1)
        return 0;
    if (phase == CRIL_PROVE_COMPRESS && w->save_after)
        save(w->save_after);
    return w->stop[phase];
}

struct trial {
    cril_prove_options options;
    cril_corpus_options corpus;
    struct watch watch;
    cril_proof proof;
    cril_error err;
};

/* Into a file of its own, unless the options name one. */
static cril_status prove(cril_model *m, const struct corpus *c, const cril_result *r,
                         struct trial *t)
{
    const cril_prove_callbacks callbacks = {.user = &t->watch, .progress = on_progress};
    FILE *own = t->options.archive ? NULL : tmpfile();
    cril_status st;

    if (own)
        t->options.archive = own;
    assert_non_null(t->options.archive);
    t->err = (cril_error){.status = CRIL_OK};
    st = cril_prove(m, c->path, &t->corpus, r, &t->options, &callbacks, &t->proof, &t->err);
    assert_int_equal(st, t->err.status);
    if (own) {
        if (st == CRIL_OK)
            assert_int_equal(lseek(fileno(own), 0, SEEK_END), t->proof.archive_bytes);
        fclose(own);
        t->options.archive = NULL;
    }
    return st;
}

static struct trial new_trial(void)
{
    return (struct trial){.corpus = csv, .options = {.threads = 1}};
}

/* It fails so, and the sentence names the corpus and says `word`. */
static void expect_refused(cril_model *m, const struct corpus *c, const cril_result *r,
                           struct trial *t, cril_status want, const char *word)
{
    const cril_proof before = t->proof;

    assert_int_equal(prove(m, c, r, t), want);
    if (!strstr(t->err.message, c->path) || !strstr(t->err.message, word))
        fail_msg("%s", t->err.message);
    assert_memory_equal(&before, &t->proof, sizeof(before));
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static void check_proof(const cril_result *r, const cril_proof *p)
{
    assert_int_equal(p->documents, r->documents);
    assert_int_equal(p->characters, r->characters);
    assert_true(same_bits(p->score_nats, r->nats));
    assert_true(cril_proof_coded_bits(p) <=
                cril_proof_ideal_bits(p) * 1.001 + 8 * 64 * (double)p->documents);
    assert_true(cril_proof_coded_bits(p) >= cril_proof_ideal_bits(p));
    assert_true(same_bits(cril_proof_bpc(p), 8 * (double)p->archive_bytes / (double)r->characters));
    assert_true(p->archive_bytes > p->code_bytes);
    assert_int_equal(p->respelled, r->unspelled_documents);
    assert_true(p->compress_seconds >= 0 && p->decode_seconds >= 0);
}

/* ---- What holds ---- */

static void test_holds(void **state)
{
    static const char *const models[] = {"tiny-llama", "tiny-gemma3", "tiny-qwen2"};
    static const cril_prove_options options[] = {{.threads = 1},
                                                 {.threads = 2, .batch_tokens = 1, .streams = 1},
                                                 {.threads = 1, .streams = 2}};
    struct corpus c;

    (void)state;
    make_corpus(&c, true);
    for (size_t k = 0; k < sizeof(models) / sizeof(*models); k++) {
        cril_model *m = open_model(models[k]);
        cril_result r = score(m, &c, "document");

        assert_int_equal(r.documents, 5);
        for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
            struct trial t = new_trial();

            t.options = options[i];
            if (prove(m, &c, &r, &t) != CRIL_OK)
                fail_msg("%s, %zu: %s", models[k], i, t.err.message);
            check_proof(&r, &t.proof);
            assert_int_equal(t.proof.respelled, 1);
            assert_true(t.proof.kept >= 1);
            assert_true(t.proof.code_bytes > 0);
            assert_true(t.watch.fraction[0] >= 1 && t.watch.fraction[1] >= 1);
        }
        cril_result_free(&r);
        cril_model_close(m);
    }
    unlink(c.path);
}

/* All documents are coded by the score's own tokens: the archive's ideal bits are the score's. */
static void test_same_nats(void **state)
{
    cril_model *m = open_model("tiny-llama");
    struct corpus c;

    (void)state;
    make_corpus(&c, false);
    c.n = 8;
    for (size_t n = 500; n <= LONG; n += 500)
        add_words(&c, n);
    save(&c);
    cril_result r = score(m, &c, "document");
    struct trial t = new_trial();
    if (prove(m, &c, &r, &t) != CRIL_OK)
        fail_msg("%s", t.err.message);
    check_proof(&r, &t.proof);
    assert_int_equal(t.proof.respelled, 0);
    assert_int_equal(t.proof.kept, 0);
    assert_true(same_bits(t.proof.ideal_nats, r.nats));
    assert_true(fabs(cril_proof_overhead(&t.proof) + 1 -
                     cril_proof_coded_bits(&t.proof) / cril_result_bits(&r)) < 1e-12);
    cril_result_free(&r);
    cril_model_close(m);
    unlink(c.path);
}

/* ---- What is found ---- */

static void test_wrong_nats(void **state)
{
    cril_model *m = open_model("tiny-llama");
    struct corpus c;

    (void)state;
    make_corpus(&c, true);
    cril_result r = score(m, &c, "document");
    struct trial t = new_trial();
    for (size_t i = 0; i < r.documents; i++) {
        const double right = r.per_document[i].nats;
        char word[64];

        r.per_document[i].nats = nextafter(right, 0);
        snprintf(word, sizeof(word), "document %zu (line %d)", i, (int)r.per_document[i].line);
        t.watch = (struct watch){.save_after = NULL};
        if (i == 4) /* not coded with the tokens that cost that much */
            assert_int_equal(prove(m, &c, &r, &t), CRIL_OK);
        else
            expect_refused(m, &c, &r, &t, CRIL_ERR_MISMATCH, word);
        r.per_document[i].nats = right;
    }
    cril_result_free(&r);
    cril_model_close(m);
    unlink(c.path);
}

static void test_changed(void **state)
{
    enum { FIRST_LETTER = 10 }; /* behind the header, a quote and a blank */
    cril_model *m = open_model("tiny-llama");
    struct corpus c, other;

    (void)state;
    make_corpus(&c, true);
    cril_result r = score(m, &c, "document");
    struct trial t = new_trial();
    for (int i = 0; i < 5; i++) {
        other = c;
        if (i == 0) /* as long as before */
            other.data[FIRST_LETTER] ^= 1;
        else if (i == 1)
            add_record(&other, "the end", 7);
        else if (i == 2)
            other.n = 8 + 403; /* the first record only */
        else if (i == 3)
            add(&other, "\n", 1); /* the same documents */
        else
            other.data[other.n - 3] ^= 1; /* of the one that is not held against the score */
        save(&other);
        t.watch = (struct watch){.save_after = NULL};
        expect_refused(m, &c, &r, &t, CRIL_ERR_MISMATCH, "has changed since it was scored");
        save(&c);
        t.watch = (struct watch){.save_after = &other};
        expect_refused(m, &c, &r, &t, CRIL_ERR_MISMATCH, "has changed since it was scored");
        save(&c);
    }
    unlink(c.path);
    t.watch = (struct watch){.save_after = NULL};
    expect_refused(m, &c, &r, &t, CRIL_ERR_IO, "");
    cril_result_free(&r);
    cril_model_close(m);
}

static void test_refused(void **state)
{
    cril_model *m = open_model("tiny-llama"), *other = open_model("tiny-qwen2");
    struct corpus c;

    (void)state;
    make_corpus(&c, true);
    cril_result r = score(m, &c, "document"), rolling = score(m, &c, "rolling");
    struct trial t = new_trial();

    expect_refused(m, &c, &rolling, &t, CRIL_ERR_RANGE, "rolling");
    expect_refused(other, &c, &r, &t, CRIL_ERR_MISMATCH, "another model");
    r.corpus_prompt_field = (char[]){"context"};
    expect_refused(m, &c, &r, &t, CRIL_ERR_RANGE, "was scored behind prompts");
    r.corpus_prompt_field = NULL;
    r.numerics++;
    expect_refused(m, &c, &r, &t, CRIL_ERR_MISMATCH, "numeric contract");
    r.numerics--;
    t.corpus.limit = 2;
    expect_refused(m, &c, &r, &t, CRIL_ERR_MISMATCH,
                   "document 2 (line 10) is not as it was scored");
    t.corpus = (cril_corpus_options){.format = "text"};
    expect_refused(m, &c, &r, &t, CRIL_ERR_MISMATCH, "document 0 (line 2) is not as it was scored");
    t.corpus = csv;
    for (int phase = 0; phase < 2; phase++) {
        t.watch = (struct watch){.stop = {phase == 0, phase == 1}};
        expect_refused(m, &c, &r, &t, CRIL_ERR_CANCELLED, "stopped");
    }
    t.watch = (struct watch){.save_after = NULL};
    if ((t.options.archive = fopen("/dev/full", "w+")) != NULL) {
        expect_refused(m, &c, &r, &t, CRIL_ERR_IO, "could not be written");
        fclose(t.options.archive);
    }
    cril_result_free(&r);
    cril_result_free(&rolling);
    cril_model_close(m);
    cril_model_close(other);
    unlink(c.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds),      cmocka_unit_test(test_same_nats),
        cmocka_unit_test(test_wrong_nats), cmocka_unit_test(test_changed),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
