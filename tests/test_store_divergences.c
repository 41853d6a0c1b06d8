/*
 * Divergences in a store: what comes back is what went in, figures are those of the sums, what is
 * known cannot change, several files become one in any order, and what no run could have written is
 * refused.
 */
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "study/store.h"
#include "study_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENTS = 12 };

/* ---- Something to store ---- */

static cril_store_model model_of(int i)
{
    cril_store_model m = {.parameters = 1000, .bytes = 5000, .context = i ? 512 : 2048};

    memset(m.sha256, 'a' + i, 64);
    strcpy(m.architecture, "llama");
    return m;
}

static cril_store_corpus corpus_of(uint64_t limit)
{
    cril_store_corpus c = {.field = "content",
                           .limit = limit,
                           .documents = limit ? limit : DOCUMENTS,
                           .characters = 900,
                           .bytes = 1000};

    memset(c.sha256, '7', 64);
    assert_int_equal(cril_store_corpus_id(&c, NULL), CRIL_OK);
    return c;
}

/* Of model m1 beside m0. */
static cril_cell cell_of(const char *protocol)
{
    const cril_store_model m = model_of(1), base = model_of(0);
    const cril_store_corpus c = corpus_of(0);
    const cril_study_protocol p = {.name = protocol};
    cril_cell cell;
    cril_error err;

    check_ok(cril_divergence_cell_of(&m, &base, &c, &p, &cell, &err));
    return cell;
}

/* Of every third nothing is compared. */
static cril_document_divergence document_of(uint64_t i)
{
    const uint64_t n = i % 3 == 2 ? 0 : 10 + i;

    return (cril_document_divergence){.index = i,
                                      .tokens = n,
                                      .same_top = n / 2,
                                      .kl = n ? .125 * (double)(1 + i % 4) : 0,
                                      .nats = n ? 1.5 * (double)n : 0,
                                      .nats_base = n ? (double)n : 0};
}

static cril_store *open_store(const char *path)
{
    cril_store *s;
    cril_error err;

    check_ok(cril_store_open(path, NULL, &s, &err));
    return s;
}

static void put_facts(cril_store *s)
{
    const cril_store_corpus all = corpus_of(0), first = corpus_of(5);
    cril_error err;

    for (int i = 0; i < 2; i++) {
        const cril_store_model m = model_of(i);

        check_ok(cril_store_put_model(s, i ? "m1" : "m0", &m, NULL, &err));
    }
    check_ok(cril_store_put_corpus(s, "cc", &all, NULL, &err));
    check_ok(cril_store_put_corpus(s, "first", &first, NULL, &err));
}

static void put_range(cril_store *s, const char *protocol, uint64_t from, uint64_t to)
{
    const cril_cell cell = cell_of(protocol);
    cril_document_divergence d[DOCUMENTS];
    cril_error err;

    for (uint64_t i = from; i < to; i++)
        d[i - from] = document_of(i);
    check_ok(cril_store_put_divergences(s, &cell, d, (size_t)(to - from), &err));
}

/* ---- Figures ---- */

static void check_figures(cril_store *s, const cril_store_corpus *c, const cril_interval *wanted)
{
    const cril_cell cell = cell_of("document");
    cril_interval interval = {.level = .95, .resamples = 1000};
    double kl[DOCUMENTS], tokens[DOCUMENTS], sum_kl = 0, sum_tokens = 0, top = 0, ratio = 0;
    cril_known_divergence f;
    cril_error err;
    size_t n = 0;

    for (uint64_t i = 0; i < c->documents; i++) {
        const cril_document_divergence d = document_of(i);

        if (!d.tokens)
            continue;
        sum_kl += kl[n] = d.kl;
        sum_tokens += tokens[n++] = (double)d.tokens;
        top += (double)d.same_top;
        ratio += d.nats - d.nats_base;
    }
    if (wanted)
        interval = *wanted;
    check_ok(cril_bootstrap_ratio(kl, tokens, n, &interval, &err));
    check_ok(cril_store_divergence(s, &cell, c, wanted, &f, &err));
    assert_int_equal(f.documents, n);
    assert_int_equal(f.tokens, (uint64_t)sum_tokens);
    assert_true(f.mean_kl == sum_kl / sum_tokens && f.same_top == top / sum_tokens);
    assert_true(fabs(f.ln_ppl_ratio - ratio / sum_tokens) < 1e-12);
    assert_true(interval.high > interval.low);
    assert_memory_equal(&f.mean_kl_interval, &interval, sizeof(interval));
}

static void test_round_trip(void **state)
{
    const cril_interval wanted = {.level = .8, .resamples = 50, .seed = 3};
    const cril_store_corpus all = corpus_of(0), first = corpus_of(5);
    const cril_cell cell = cell_of("document");
    cril_store *s = open_store(file("a.db"));
    cril_known_divergence f;
    cril_slice *missing;
    cril_cell *cells;
    cril_error err;
    uint64_t count;
    size_t n;

    (void)state;
    put_facts(s);
    put_range(s, "document", 7, 9);
    put_range(s, "document", 0, 5);
    check_ok(cril_store_missing(s, &cell, DOCUMENTS, &missing, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(missing[0].from * 100 + missing[0].to, 507);
    assert_int_equal(missing[1].from * 100 + missing[1].to, 912);
    free(missing);
    check_ok(cril_store_count(s, &cell, DOCUMENTS, &count, &err));
    assert_int_equal(count, 7);
    check_figures(s, &first, NULL); /* a limit, of which all is there */
    check_refused(cril_store_divergence(s, &cell, &all, NULL, &f, &err), CRIL_ERR_EMPTY,
                  "7 of 12 documents are known");
    put_range(s, "document", 5, 7);
    put_range(s, "document", 9, DOCUMENTS);
    check_ok(cril_store_missing(s, &cell, DOCUMENTS, &missing, &n, &err));
    assert_int_equal(n, 0);
    free(missing);
    check_figures(s, &all, NULL);
    check_figures(s, &all, &wanted);
    check_ok(cril_store_cells(s, &cells, &n, &err)); /* those of bits are others */
    assert_int_equal(n, 0);
    free(cells);
    cril_store_close(s);
}

static void test_no_token(void **state)
{
    const cril_document_divergence none[2] = {{.index = 0}, {.index = 1}};
    cril_store_corpus c = corpus_of(2);
    const cril_cell cell = cell_of("document");
    cril_store *s = open_store(file("a.db"));
    cril_known_divergence f = {.tokens = 1};
    cril_error err;

    (void)state;
    put_facts(s);
    check_ok(cril_store_put_corpus(s, "two", &c, NULL, &err));
    check_ok(cril_store_put_divergences(s, &cell, none, 2, &err));
    check_ok(cril_store_divergence(s, &cell, &c, NULL, &f, &err));
    assert_int_equal(f.tokens + f.documents, 0);
    cril_store_close(s);
}

/* A cell is filed under what doc/database.md says; its windows are the base's. */
static void test_key(void **state)
{
    cril_cell cell = cell_of("rolling");
    char text[512], hex[65];
    uint8_t key[32];
    cril_error err;

    (void)state;
    assert_int_equal(cell.context, 2048);
    snprintf(text, sizeof(text), "divergence\n%s\n%s\n%s\n0\nrolling\n2048\n2048\n%d\n%d\n",
             model_of(1).sha256, model_of(0).sha256, corpus_of(0).text, CRIL_NUMERICS, CRIL_RULES);
    check_ok(cril_cell_key(&cell, key, &err));
    check_ok(cril_hash_text(text, hex, &err));
    for (size_t i = 0; i < sizeof(key); i++) {
        snprintf(text, sizeof(text), "%02x", key[i]);
        assert_memory_equal(text, hex + 2 * i, 2);
    }
}

/* A cell of bits and one beside a base have nothing to do with each other. */
static void test_claims(void **state)
{
    const cril_store_model m = model_of(1);
    const cril_store_corpus c = corpus_of(0);
    const cril_study_protocol p = {.name = "document"};
    const cril_cell cell = cell_of("document");
    cril_store *s = open_store(file("a.db"));
    cril_claim *one, *two, *three;
    cril_cell bits;
    cril_error err;

    (void)state;
    check_ok(cril_cell_of(&m, &c, &p, &bits, &err));
    check_ok(cril_store_claim(s, &cell, 0, 9, &one, &err));
    check_ok(cril_store_claim(s, &cell, 8, 10, &two, &err));
    check_ok(cril_store_claim(s, &bits, 0, 9, &three, &err));
    assert_true(one && !two && three);
    cril_claim_release(one);
    cril_claim_release(three);
    cril_store_close(s);
}

/* ---- What is refused ---- */

static void test_refused(void **state)
{
    const cril_cell cell = cell_of("document");
    const cril_document_divergence good = document_of(4);
    cril_document_divergence bad[9];
    cril_document_score score = {.index = 4};
    cril_cell other = cell;
    cril_store *s = open_store(file("a.db"));
    char *before, *after;
    cril_error err;

    (void)state;
    put_facts(s);
    before = dump(s);
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].index = DOCUMENTS;
    bad[1].same_top = good.tokens + 1;
    bad[2].kl = -1e-9;
    bad[3].kl = NAN;
    bad[4].nats = INFINITY;
    bad[5].nats_base = -0.0;
    bad[6].tokens = UINT64_C(1) << 60;
    bad[7].kl = 1e300;
    bad[8].nats_base = 1e300;
    for (size_t i = 0; i < 9; i++)
        check_refused(cril_store_put_divergences(s, &cell, &bad[i], 1, &err), CRIL_ERR_RANGE,
                      "cannot hold document");
    check_refused(cril_store_put(s, &cell, &score, 1, &err), CRIL_ERR_RANGE,
                  "a cell of divergence");
    other.base[0] = '\0';
    check_refused(cril_store_put_divergences(s, &other, &good, 1, &err), CRIL_ERR_RANGE, "a base");
    strcpy(other.base, "none");
    check_refused(cril_store_put_divergences(s, &other, &good, 1, &err), CRIL_ERR_RANGE,
                  "cannot be filed");
    other = cell;
    memset(other.base, 'c', 64);
    check_refused(cril_store_put_divergences(s, &other, &good, 1, &err), CRIL_ERR_RANGE,
                  "nothing of the model cccccccccccc");
    memcpy(other.base, cell.model, 64);
    memset(other.text, '3', 64);
    check_refused(cril_store_put_divergences(s, &other, &good, 1, &err), CRIL_ERR_RANGE,
                  "nothing of the corpus 333333333333");
    after = dump(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    cril_store_close(s);
}

static void test_conflicts(void **state)
{
    const cril_cell cell = cell_of("document");
    cril_document_divergence d[6];
    cril_store *s = open_store(file("a.db"));
    char *before, *after;
    cril_error err;

    (void)state;
    put_facts(s);
    put_range(s, "document", 0, 6);
    before = dump(s);
    put_range(s, "document", 2, 6); /* equal rows are nothing new */
    for (size_t i = 0; i < 5; i++)
        d[i] = document_of(4);
    d[0].tokens++;
    d[1].same_top--;
    d[2].kl = nextafter(d[2].kl, 1);
    d[3].nats = nextafter(d[3].nats, 1e9);
    d[4].nats_base = nextafter(d[4].nats_base, 1e9);
    for (size_t i = 0; i < 5; i++)
        check_refused(cril_store_put_divergences(s, &cell, &d[i], 1, &err), CRIL_ERR_MISMATCH,
                      "document 4 of cc by m1 beside m0, protocol document 1900/512, is known");
    after = dump(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    cril_store_close(s);
}

static void test_hostile(void **state)
{
    static const char *const damages[] = {
        "UPDATE divergences SET idx = 12 WHERE idx = 3",
        "UPDATE divergences SET idx = -1 WHERE idx = 3",
        "UPDATE divergences SET tokens = -1 WHERE idx = 3",
        "UPDATE divergences SET tokens = 'x' WHERE idx = 3",
        "UPDATE divergences SET tokens = 9007199254740992",
        "UPDATE divergences SET same_top = tokens + 1 WHERE idx = 3",
        "UPDATE divergences SET kl = -0.5 WHERE idx = 3",
        "UPDATE divergences SET kl = 9e999 WHERE idx = 3",
        "UPDATE divergences SET nats = 'much' WHERE idx = 3",
        "UPDATE divergences SET nats_base = 1e300 WHERE idx = 3",
        "UPDATE divergence_cells SET base = model",
        "UPDATE divergence_cells SET base = ''",
        "UPDATE divergence_cells SET model = 'x'",
        "UPDATE divergence_cells SET context = context + 1",
        "UPDATE divergence_cells SET key = x'0011'",
        "DELETE FROM corpora",
    };
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        cril_store *s, *into;
        const char *from = numbered("bad", (unsigned)i);
        FILE *f = fopen("/dev/null", "w");
        cril_status st;

        s = open_store(from);
        put_facts(s);
        put_range(s, "document", 0, 6);
        check_ok(cril_store_dump(s, f, &err));
        if (sqlite3_exec(s->db, damages[i], NULL, NULL, NULL) != SQLITE_OK)
            fail_msg("%s: %s", damages[i], sqlite3_errmsg(s->db));
        if ((st = cril_store_dump(s, f, &err)) != CRIL_ERR_FORMAT)
            fail_msg("%s: dump gives %d", damages[i], (int)st);
        fclose(f);
        cril_store_close(s);
        into = open_store(file("into.db"));
        if ((st = cril_store_merge(into, &from, 1, NULL, &err)) != CRIL_ERR_FORMAT)
            fail_msg("%s: merge gives %d", damages[i], (int)st);
        cril_store_close(into);
    }
}

/* ---- Merging ---- */

static void test_merge(void **state)
{
    const char *const parts[] = {file("1.db"), file("2.db"), file("3.db")};
    char *want, *got;
    cril_store *s = open_store(file("whole.db"));
    cril_error err;

    (void)state;
    put_facts(s);
    put_range(s, "document", 0, 9);
    put_range(s, "halves", 0, DOCUMENTS);
    want = dump(s);
    cril_store_close(s);
    assert_non_null(strstr(want, "divergence model "));
    assert_non_null(strstr(want, "document 4 tokens 14 same top 7 kl 0.125 nats 21 base 14\n"));
    for (uint64_t i = 0; i < 3; i++) {
        s = open_store(parts[i]);
        put_facts(s);
        put_range(s, "document", 2 * i, i == 2 ? 9 : 2 * i + 4);
        put_range(s, i ? "halves" : "document", 4 * i, 4 * i + 4);
        if (!i)
            put_range(s, "halves", 0, 4);
        cril_store_close(s);
    }
    for (unsigned first = 0; first < 3; first++) {
        const char *const order[] = {parts[first], parts[(first + 1) % 3], parts[(first + 2) % 3]};

        check_ok(merge(numbered("all", first), order, 3, &err));
        got = dump_of(numbered("all", first));
        assert_string_equal(got, want);
        free(got);
    }
    free(want);
}

/* More rows than go in at once. */
static void test_merge_many(void **state)
{
    enum { MANY = 2500 };
    static cril_document_divergence d[MANY];
    const char *const from = file("many.db");
    cril_store_corpus c = corpus_of(MANY);
    const cril_cell cell = cell_of("document");
    cril_store *s = open_store(from);
    cril_error err;

    (void)state;
    put_facts(s);
    c.characters = c.bytes = MANY;
    check_ok(cril_store_put_corpus(s, "many", &c, NULL, &err));
    for (uint64_t i = 0; i < MANY; i++)
        d[i] = document_of(i);
    check_ok(cril_store_put_divergences(s, &cell, d, MANY, &err));
    cril_store_close(s);
    check_ok(merge(file("all.db"), &from, 1, &err));
    check_same(from, file("all.db"));
}

static void test_merge_conflict(void **state)
{
    const cril_cell cell = cell_of("document");
    cril_document_divergence d = document_of(3);
    const char *const other = file("other.db");
    cril_store *s = open_store(file("a.db")), *o = open_store(other);
    cril_error err;

    (void)state;
    put_facts(s);
    put_facts(o);
    put_range(s, "document", 0, 6);
    d.kl *= 2;
    check_ok(cril_store_put_divergences(o, &cell, &d, 1, &err));
    cril_store_close(o);
    check_refused(cril_store_merge(s, &other, 1, NULL, &err), CRIL_ERR_MISMATCH,
                  "document 3 of cc by m1 beside m0");
    cril_store_close(s);
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_round_trip),    store_test(test_no_token),  store_test(test_claims),
        store_test(test_refused),       store_test(test_conflicts), store_test(test_hostile),
        store_test(test_key),           store_test(test_merge),     store_test(test_merge_many),
        store_test(test_merge_conflict)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
