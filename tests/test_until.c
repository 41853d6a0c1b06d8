/*
 * A stopping rule: which documents it draws, where it ends, that each has the bits of a run over
 * the whole corpus, that other models get the same documents, and that a stopped run goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/random.h"

#include <cril/report.h>
#include <cril/score.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_DOCUMENTS = 90 };

static char cache[64], corpus[64];
static cril_model *llama, *mixed;
static cril_result whole; /* all documents by llama */

static const cril_score_options options = {
    .context = 40, .stride = 16, .threads = 1, .batch_tokens = 1};
static const cril_until rule = {.share = .075, .min_documents = 10, .seed = 5};

static void must(cril_status st, const cril_error *err)
{
    if (st != CRIL_OK)
        fail_msg("%s", err->message);
}

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_model *m;
    cril_error err;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    must(cril_model_open(path, &m, &err), &err);
    return m;
}

static void write_corpus(void)
{
    static const char *const words[] = {"the ",   "area ", "of 12 ",  "r\xc3\xado ",
                                        "stone ", "and ",  "water, ", "unlike "};
    struct cril_random g = cril_random_seed(1);
    FILE *f;
    int fd;

    strcpy(corpus, "/tmp/cril-test-XXXXXX");
    fd = mkstemp(corpus);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    assert_non_null(f);
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        const uint32_t kinds = 1 + cril_random_below(&g, 8);

        fputs("{\"content\": \"", f);
        for (uint32_t n = 3 + cril_random_below(&g, 25); n; n--)
            fputs(words[cril_random_below(&g, kinds)], f);
        fputs(i % 30 == 7 ? "\"}\n\n{\"content\": \"\"}\nno line\n" : "\"}\n", f);
    }
    fclose(f);
}

static cril_scorer *make_scorer(cril_model *m, const cril_score_options *o)
{
    cril_scorer *s;
    cril_error err;

    must(cril_scorer_create(m, o, &s, &err), &err);
    return s;
}

static cril_result score(cril_model *m, const cril_until *u, const cril_result *first,
                         const cril_score_callbacks *callbacks, cril_corpus_stats *stats)
{
    static const cril_corpus_options as_lines = {.format = "jsonl"};
    cril_scorer *s = make_scorer(m, &options);
    cril_result r = {0};
    cril_error err;

    must(cril_score_until(s, corpus, &as_lines, u, first, callbacks, &r, stats, &err), &err);
    cril_scorer_free(s);
    return r;
}

/* All but seconds. */
static void check_same(const cril_result *a, const cril_result *b)
{
    assert_memory_equal(&a->nats, &b->nats, sizeof(a->nats));
    assert_memory_equal(&a->interval.low, &b->interval.low, sizeof(double));
    assert_memory_equal(&a->interval.high, &b->interval.high, sizeof(double));
    assert_int_equal(a->documents, b->documents);
    assert_int_equal(a->forward_tokens, b->forward_tokens);
    assert_int_equal(a->scored_tokens, b->scored_tokens);
    assert_int_equal(a->characters, b->characters);
    assert_int_equal(a->until.n_order, b->until.n_order);
    assert_memory_equal(a->until.order, b->until.order, a->until.n_order * sizeof(*a->until.order));
    assert_memory_equal(a->per_document, b->per_document,
                        (size_t)a->documents * sizeof(*a->per_document));
    assert_string_equal(a->token_ids_sha256, b->token_ids_sha256);
    assert_string_equal(a->model_sha256, b->model_sha256);
    assert_string_equal(a->corpus_sha256, b->corpus_sha256);
}

/* The only file of finished documents; false: there is none. */
static bool find_journal(char path[320])
{
    char folder[128];
    DIR *d;
    bool found = false;

    snprintf(folder, sizeof(folder), "%s/cril/score", cache);
    d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') {
            assert_false(found);
            found = true;
            snprintf(path, 320, "%s/%.180s", folder, e->d_name);
        }
    if (d)
        closedir(d);
    return found;
}

/* ---- Which documents ---- */

static void draw(uint64_t order[N_DOCUMENTS], uint64_t seed)
{
    struct cril_random g = cril_random_seed(seed);

    for (uint64_t i = 0; i < N_DOCUMENTS; i++)
        order[i] = i;
    for (uint64_t i = 0; i < N_DOCUMENTS; i++) {
        const uint64_t k = i + cril_random_below(&g, (uint32_t)(N_DOCUMENTS - i));
        const uint64_t t = order[i];

        order[i] = order[k];
        order[k] = t;
    }
}

/* Whether the rule is met by the first n of the order, from the whole run's documents. */
static bool is_met(const uint64_t *order, size_t n, cril_result *out)
{
    bool chosen[N_DOCUMENTS] = {false};
    cril_error err;

    *out = (cril_result){0};
    out->per_document = malloc(n * sizeof(*out->per_document));
    assert_non_null(out->per_document);
    for (size_t i = 0; i < n; i++)
        chosen[order[i]] = true;
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        if (chosen[i])
            out->per_document[out->documents++] = whole.per_document[i];
    must(cril_result_sum(out, &err), &err);
    return (out->interval.high - out->interval.low) / 2 < rule.share * cril_result_bpc(out);
}

static void test_draws(void **state)
{
    (void)state;
    uint64_t order[N_DOCUMENTS];
    cril_corpus_stats stats;
    cril_result r = score(llama, &rule, NULL, NULL, &stats), expected;
    size_t n = 10;

    draw(order, 5);
    while (!is_met(order, n, &expected)) {
        cril_result_free(&expected);
        n += n / 4;
        assert_in_range(n, 10, N_DOCUMENTS - 1); /* the case is of use */
    }
    assert_in_range(n, 11, N_DOCUMENTS);
    assert_int_equal(r.until.n_order, n);
    assert_memory_equal(r.until.order, order, n * sizeof(*order));
    assert_true(r.until.reached);
    assert_true(r.until.share == .075);
    assert_int_equal(r.until.min_documents, 10);
    assert_int_equal(r.until.seed, 5);
    assert_int_equal(r.until.of, N_DOCUMENTS);
    assert_memory_equal(&r.nats, &expected.nats, sizeof(r.nats));
    assert_memory_equal(&r.interval, &expected.interval, sizeof(r.interval));
    assert_memory_equal(r.per_document, expected.per_document, n * sizeof(*r.per_document));
    assert_int_equal(stats.bad_lines, 3);
    assert_int_equal(stats.empty, 3);
    assert_int_equal(stats.documents, N_DOCUMENTS);
    cril_until_done(&r);
    assert_int_not_equal(access(r.until.journal, F_OK), 0);
    cril_result_free(&r);
    cril_result_free(&expected);
}

/* A rule that is never met ends with the whole corpus, and its very figures. */
static void test_never_met(void **state)
{
    (void)state;
    const cril_until never = {.share = 1e-9, .min_documents = 7};
    const cril_until few = {.share = .5, .min_documents = 1000};
    cril_result r = score(llama, &never, NULL, NULL, NULL);

    assert_false(r.until.reached);
    assert_int_equal(r.until.n_order, N_DOCUMENTS);
    assert_memory_equal(&r.nats, &whole.nats, sizeof(r.nats));
    assert_int_equal(r.forward_tokens, whole.forward_tokens);
    assert_string_equal(r.token_ids_sha256, whole.token_ids_sha256);
    assert_memory_equal(&r.interval, &whole.interval, sizeof(r.interval));
    cril_result_free(&r);
    r = score(llama, &few, NULL, NULL, NULL); /* fewer documents than the least */
    assert_true(r.until.reached);
    assert_int_equal(r.documents, N_DOCUMENTS);
    cril_until_done(&r);
    cril_result_free(&r);
}

static void test_other_model(void **state)
{
    (void)state;
    const cril_until other = {.share = .4, .min_documents = 3, .seed = 99};
    cril_result a = score(llama, &rule, NULL, NULL, NULL), b = score(mixed, &other, &a, NULL, NULL);
    cril_comparison c = {0};
    cril_error err;

    assert_memory_equal(a.until.order, b.until.order, a.until.n_order * sizeof(*a.until.order));
    assert_int_equal(b.documents, a.documents);
    assert_true(b.until.share == .075);
    must(cril_compare(&a, &b, &c, &err), &err);
    assert_int_equal(c.n_documents, a.documents);
    cril_comparison_free(&c);
    b.until.order[0] ^= b.until.order[1];
    assert_int_equal(cril_compare(&a, &b, &c, &err), CRIL_ERR_MISMATCH);
    assert_int_equal(cril_compare(&a, &whole, &c, &err), CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "a stopping rule"));
    cril_until_done(&a);
    cril_until_done(&b);
    cril_result_free(&a);
    cril_result_free(&b);
}

/* ---- Stopped runs ---- */

struct stop {
    size_t n, after;
    const char *nested; /* what a second run is told */
    double last;
};

static int on_document(void *user, const cril_document_score *d)
{
    struct stop *s = user;
    cril_error err;

    (void)d;
    if (s->nested) { /* another run of the same, while this one is at work */
        cril_scorer *other = make_scorer(llama, &options);
        cril_result r;

        assert_int_equal(cril_score_until(other, corpus, &(cril_corpus_options){.format = "jsonl"},
                                          &rule, NULL, NULL, &r, NULL, &err),
                         CRIL_ERR_MISMATCH);
        assert_non_null(strstr(err.message, s->nested));
        cril_scorer_free(other);
        s->nested = NULL;
    }
    return ++s->n == s->after;
}

static int on_progress(void *user, const cril_score_progress *p)
{
    struct stop *s = user;

    assert_true(p->fraction == -1 || (p->fraction >= 0 && p->fraction <= 1));
    s->last = p->fraction;
    return 0;
}

static void stop_after(size_t n)
{
    struct stop stop = {.after = n};
    const cril_score_callbacks callbacks = {.user = &stop, .on_document = on_document};
    cril_scorer *s = make_scorer(llama, &options);
    cril_result r;
    cril_error err;

    assert_int_equal(cril_score_until(s, corpus, &(cril_corpus_options){.format = "jsonl"}, &rule,
                                      NULL, &callbacks, &r, NULL, &err),
                     CRIL_ERR_CANCELLED);
    cril_scorer_free(s);
}

static size_t score_rest(const cril_result *want, bool fresh)
{
    struct stop all = {.nested = "another process"};
    const cril_score_callbacks callbacks = {
        .user = &all, .on_document = on_document, .on_progress = on_progress};
    cril_until u = rule;
    cril_result r;

    u.fresh = fresh;
    r = score(llama, &u, NULL, &callbacks, NULL);
    check_same(&r, want);
    assert_true(all.last > 0);
    cril_result_free(&r);
    return all.n;
}

static void damage(const char *how)
{
    char path[320];
    FILE *f;

    assert_true(find_journal(path));
    f = fopen(path, "r+");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    if (strcmp(how, "torn") == 0)
        assert_int_equal(ftruncate(fileno(f), ftell(f) - 3), 0);
    else
        fputs(how, f);
    fclose(f);
}

static void test_goes_on(void **state)
{
    (void)state;
    cril_result want = score(llama, &rule, NULL, NULL, NULL);
    const size_t n = (size_t)want.documents;

    cril_until_done(&want);
    for (size_t after = 1; after < n; after += 7) {
        stop_after(after);
        assert_int_equal(score_rest(&want, false), n - after);
        cril_until_done(&want);
    }
    stop_after(12);
    damage("torn");
    assert_int_equal(score_rest(&want, false), n - 11);
    cril_until_done(&want);
    for (size_t i = 0; i < 4; i++) {
        static const char *const lines[] = {
            "no JSON\n", "[1,\"0000000000000001\",1,2,3,4,5,6,7,8]\n",
            "[-1,\"0000000000000001\",88,1,1,1,1,1,0,0,1]\n",
            "[1,\"0000000000000001\",88,1,1,2,1,1,0,0,1]\n"}; /* more scored than tokens */

        stop_after(12);
        damage(lines[i]);
        assert_int_equal(score_rest(&want, false), n - 12);
        cril_until_done(&want);
    }
    stop_after(12);
    assert_int_equal(score_rest(&want, true), n);
    { /* everything is known: nothing is computed, and the model is still named */
        struct stop none = {0};
        const cril_score_callbacks callbacks = {.user = &none, .on_document = on_document};
        cril_result r = score(llama, &rule, NULL, &callbacks, NULL);

        check_same(&r, &want);
        assert_string_equal(r.model_name, want.model_name);
        assert_int_equal(none.n, 0);
        cril_result_free(&r);
    }
    cril_until_done(&want);
    cril_result_free(&want);
}

static void count_notes(void *user, const char *sentence)
{
    size_t *n = user;

    assert_non_null(strstr(sentence, "/proc/none"));
    ++*n;
}

static void test_no_cache(void **state)
{
    (void)state;
    size_t n_notes = 0;
    cril_until u = rule;
    cril_result r, want = score(llama, &rule, NULL, NULL, NULL);

    cril_until_done(&want);
    u.on_note = count_notes;
    u.user = &n_notes;
    setenv("XDG_CACHE_HOME", "/proc/none", 1);
    r = score(llama, &u, NULL, NULL, NULL);
    setenv("XDG_CACHE_HOME", cache, 1);
    check_same(&r, &want);
    assert_null(r.until.journal);
    assert_int_equal(n_notes, 1);
    cril_until_done(&r);
    cril_until_done(NULL);
    cril_result_free(&r);
    cril_result_free(&want);
}

static int change_corpus(void *user, const cril_document_score *d)
{
    FILE *f = fopen(corpus, "a");

    (void)user;
    (void)d;
    assert_non_null(f);
    fputs("{\"content\": \"more\"}\n", f);
    fclose(f);
    return 0;
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        cril_until u;
        const char *protocol;
        bool baselines;
    } cases[] = {{{.share = 0}, NULL, false},
                 {{.share = 1}, NULL, false},
                 {{.share = .1, .min_documents = 1}, NULL, false},
                 {{.share = .1}, "hkust", false},
                 {{.share = .1}, "halves", false},
                 {{.share = .1}, NULL, true}};
    const cril_corpus_options as_lines = {.format = "jsonl"};
    const cril_score_callbacks changes = {.on_document = change_corpus};
    char path[320];
    cril_scorer *s;
    cril_result r;
    cril_error err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        s = make_scorer(llama, &(cril_score_options){.protocol = cases[i].protocol,
                                                     .context = 24,
                                                     .threads = 1,
                                                     .baselines = cases[i].baselines});
        assert_int_equal(
            cril_score_until(s, corpus, &as_lines, &cases[i].u, NULL, NULL, &r, NULL, &err),
            CRIL_ERR_RANGE);
        cril_scorer_free(s);
    }
    s = make_scorer(llama, &options);
    assert_int_equal(cril_score_until(s, corpus, &as_lines, &rule, &whole, NULL, &r, NULL, &err),
                     CRIL_ERR_MISMATCH);
    assert_int_equal(cril_score_until(s, "/dev/null", NULL, &rule, NULL, NULL, &r, NULL, &err),
                     CRIL_ERR_EMPTY);
    assert_false(find_journal(path));
    assert_int_equal(cril_score_until(s, corpus, &as_lines, &rule, NULL, &changes, &r, NULL, &err),
                     CRIL_ERR_MISMATCH);
    cril_scorer_free(s);
}

static int set_up(void **state)
{
    (void)state;
    const cril_corpus_options as_lines = {.format = "jsonl"};
    cril_scorer *s;
    cril_corpus *c;
    cril_error err;

    strcpy(cache, "/tmp/cril-test-XXXXXX");
    assert_non_null(mkdtemp(cache));
    setenv("XDG_CACHE_HOME", cache, 1);
    write_corpus();
    llama = open_model("tiny-llama");
    mixed = open_model("tiny-llama-mixed");
    s = make_scorer(llama, &options);
    must(cril_corpus_open(corpus, &as_lines, &c, &err), &err);
    must(cril_score_corpus(s, c, corpus, NULL, &whole, &err), &err);
    assert_int_equal(whole.documents, N_DOCUMENTS);
    cril_corpus_close(c);
    cril_scorer_free(s);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];

    cril_result_free(&whole);
    cril_model_close(llama);
    cril_model_close(mixed);
    unlink(corpus);
    snprintf(command, sizeof(command), "rm -rf '%s'", cache);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws),       cmocka_unit_test(test_never_met),
        cmocka_unit_test(test_other_model), cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_no_cache),    cmocka_unit_test(test_refused), /* changes the corpus */
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
