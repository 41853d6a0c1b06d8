/*
 * The store: what comes back has the bits that went in; what is known cannot change; several files
 * become one in any order; files of others, of newer versions, damaged or hostile ones are refused;
 * and a process may end at any moment.
 */
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "study/store.h"
#include "study_files.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_DOCUMENTS = 50, N_MODELS = 2 };

/* ---- Something to store ---- */

static cril_store_model model_of(int i)
{
    cril_store_model m = {.parameters = 1000 + (uint64_t)i, .bytes = 5000, .context = 2048};

    memset(m.sha256, 'a' + i, 64);
    strcpy(m.architecture, "llama");
    return m;
}

static const char *const model_names[N_MODELS] = {"m1", "m \"two\" \xce\xa9"};

static cril_store_corpus corpus_of(int i)
{
    cril_store_corpus c = {.documents = N_DOCUMENTS, .characters = 100000, .bytes = 120000};

    memset(c.sha256, '0' + i, 64);
    strcpy(c.field, "content");
    strcpy(c.format, "jsonl");
    assert_int_equal(cril_store_corpus_id(&c, NULL), CRIL_OK);
    return c;
}

static const char *corpus_name(int i)
{
    return i ? "code" : "cc";
}

static cril_cell cell_of(int model, int corpus)
{
    const cril_store_model m = model_of(model);
    const cril_store_corpus c = corpus_of(corpus);
    const cril_study_protocol p = {.name = "document"};
    cril_cell cell;

    assert_int_equal(cril_cell_of(&m, &c, &p, &cell, NULL), CRIL_OK);
    return cell;
}

/* Figures that text, or a number type of less than a double, would lose. */
static cril_document_score document_of(uint64_t i, int model)
{
    static const double odd[] = {0,       5e-324, 2.2250738585072011e-308,
                                 1.0 / 3, 12345,  9007199254740993.0,
                                 1e290,   0.1,    1e15 + 0.5};
    const uint64_t k = i + 100 * (uint64_t)model;

    return (cril_document_score){.index = i,
                                 .line = i + 1,
                                 .nats = i < 9 ? odd[i] : 3.7 * (double)k + 1.0 / (double)(k + 1),
                                 .tokens = 300 + k,
                                 .scored_tokens = 299 + k,
                                 .characters = 1000 + k,
                                 .bytes = 1200 + k,
                                 .unspelled_characters = k % 3,
                                 .escape_bytes = k % 3 * 5,
                                 .token_ids = UINT64_MAX - k};
}

static void put_facts(cril_store *s)
{
    cril_error err;

    for (int i = 0; i < 2; i++) {
        const cril_store_model m = model_of(i);
        const cril_store_corpus c = corpus_of(i);

        check_ok(cril_store_put_model(s, model_names[i], &m, NULL, &err));
        check_ok(cril_store_put_corpus(s, corpus_name(i), &c, NULL, &err));
    }
}

static void put_range(cril_store *s, int model, int corpus, uint64_t from, uint64_t to)
{
    const cril_cell cell = cell_of(model, corpus);
    cril_document_score d[N_DOCUMENTS];
    cril_error err;

    for (uint64_t i = from; i < to; i++)
        d[i - from] = document_of(i, model);
    check_ok(cril_store_put(s, &cell, d, (size_t)(to - from), &err));
}

static cril_store *open_store(const char *path)
{
    const cril_store_options o = {.patience_ms = 10000};
    cril_store *s;
    cril_error err;

    check_ok(cril_store_open(path, &o, &s, &err));
    return s;
}

static cril_status open_only(const char *path, bool read_only, cril_error *err)
{
    const cril_store_options o = {.read_only = read_only, .patience_ms = 100};
    cril_store *s;
    cril_status st = cril_store_open(path, &o, &s, err);

    if (st == CRIL_OK)
        cril_store_close(s);
    return st;
}

static void import_some(cril_store *s)
{
    const cril_figure bpc[] = {{"m1", "cc", 0.7, 0.01, "paper, table 3", 0},
                               {"big", "cc", 5e-324, 0, "\"quoted\" \\ source", 0}};
    const cril_figure scores[] = {{"m1", "GSM8K", 0.25, 0, "leader board", 0},
                                  {"big", "GSM8K", 1, 0, "x", 0},
                                  {"big", "MBPP", 0, 0, "x", 0}};
    cril_error err;

    check_ok(cril_store_import(s, CRIL_FIGURE_BPC, bpc, 2, NULL, &err));
    check_ok(cril_store_import(s, CRIL_FIGURE_SCORE, scores, 3, NULL, &err));
}

static void make_full(const char *path)
{
    static const cril_baseline b[] = {{"xz -9", 34567}, {"zstd -19", 33000}};
    const cril_store_corpus c = corpus_of(0);
    cril_store *s = open_store(path);
    cril_error err;

    put_facts(s);
    put_range(s, 0, 0, 0, N_DOCUMENTS);
    put_range(s, 1, 0, 10, 20);
    put_range(s, 1, 1, 0, N_DOCUMENTS);
    import_some(s);
    check_ok(cril_store_put_baselines(s, c.id, b, 2, &err));
    cril_store_close(s);
}

static void execute(const char *path, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Owned: free. */
static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *bytes = malloc(1 << 22);

    assert_non_null(f);
    assert_non_null(bytes);
    *n = fread(bytes, 1, 1 << 22, f);
    fclose(f);
    return bytes;
}

static void copy_file(const char *from, const char *to)
{
    size_t n;
    char *bytes = read_file(from, &n);

    write_file(to, bytes, n);
    free(bytes);
}

/* ---- Round trips ---- */

static void test_round_trip(void **state)
{
    const cril_cell cell = cell_of(0, 0);
    const cril_interval interval = {.level = 0.9, .resamples = 50, .seed = 3};
    const cril_store_model m = model_of(0);
    const cril_store_corpus corpus = corpus_of(0), c = corpus_of(1);
    cril_document_score want[N_DOCUMENTS];
    cril_result r, sum = {.documents = N_DOCUMENTS, .per_document = want, .interval = interval};
    cril_store_model got_m;
    cril_store_corpus got_c;
    cril_store *s = open_store(file("a.db"));
    cril_error err;
    bool found;

    (void)state;
    put_facts(s);
    for (uint64_t i = 0; i < N_DOCUMENTS; i++) {
        const uint64_t k = i * 37 % N_DOCUMENTS; /* any order */

        check_refused(cril_store_result(s, &cell, &corpus, NULL, &r, &err), CRIL_ERR_EMPTY,
                      "of 50 documents");
        put_range(s, 0, 0, k, k + 1);
        want[k] = document_of(k, 0);
    }
    cril_store_close(s);
    s = open_store(file("a.db"));
    check_ok(cril_store_result(s, &cell, &corpus, &interval, &r, &err));
    assert_int_equal(r.documents, N_DOCUMENTS);
    assert_memory_equal(r.per_document, want, sizeof(want));
    check_ok(cril_result_sum(&sum, &err));
    assert_memory_equal(&r.nats, &sum.nats, sizeof(r.nats));
    assert_memory_equal(&r.interval, &sum.interval, sizeof(r.interval));
    assert_true(r.tokens == sum.tokens && r.scored_tokens == sum.scored_tokens &&
                r.characters == sum.characters && r.bytes == sum.bytes);
    assert_string_equal(r.protocol, "document");
    assert_true(r.context == 1900 && r.stride == 512 && r.numerics == CRIL_NUMERICS);
    assert_string_equal(r.model_name, "m1");
    assert_string_equal(r.model_sha256, m.sha256);
    assert_string_equal(r.corpus_path, "cc");
    cril_result_free(&r);
    check_ok(cril_store_find_model(s, "m1", &got_m, &found, &err));
    assert_true(found);
    assert_memory_equal(&got_m, &m, sizeof(m));
    check_ok(cril_store_find_corpus(s, "code", &got_c, &found, &err));
    assert_true(found);
    assert_memory_equal(&got_c, &c, sizeof(c));
    check_ok(cril_store_find_model(s, "m2", &got_m, &found, &err));
    assert_false(found);
    cril_store_close(s);
}

static void test_missing(void **state)
{
    const cril_cell cell = cell_of(1, 0);
    cril_store *s = open_store(file("a.db"));
    cril_cell *cells;
    cril_slice *r;
    cril_error err;
    size_t n;

    (void)state;
    put_facts(s);
    check_ok(cril_store_missing(s, &cell, N_DOCUMENTS, &r, &n, &err));
    assert_true(n == 1 && r[0].from == 0 && r[0].to == N_DOCUMENTS);
    free(r);
    check_ok(cril_store_cells(s, &cells, &n, &err));
    assert_int_equal(n, 0);
    free(cells);
    put_range(s, 1, 0, 3, 7);
    put_range(s, 1, 0, 7, 9);
    put_range(s, 1, 0, 49, 50);
    check_ok(cril_store_missing(s, &cell, N_DOCUMENTS, &r, &n, &err));
    assert_true(n == 2 && r[0].from == 0 && r[0].to == 3 && r[1].from == 9 && r[1].to == 49);
    free(r);
    put_range(s, 1, 0, 0, 50);
    check_ok(cril_store_missing(s, &cell, N_DOCUMENTS, &r, &n, &err));
    assert_int_equal(n, 0);
    free(r);
    check_ok(cril_store_cells(s, &cells, &n, &err));
    assert_int_equal(n, 1);
    assert_string_equal(cells->model, cell.model);
    assert_string_equal(cells->text, cell.text);
    assert_string_equal(cells->protocol, cell.protocol);
    assert_true(cells->context == cell.context && cells->stride == cell.stride &&
                cells->numerics == cell.numerics && cells->rules == CRIL_RULES &&
                cells->documents == 0);
    free(cells);
    check_ok(cril_store_missing(s, &cell, 20, &r, &n, &err)); /* of a smaller limit */
    assert_int_equal(n, 0);
    free(r);
    cril_store_close(s);
}

static void test_cells(void **state)
{
    const cril_store_model m = model_of(0);
    const cril_store_corpus c = corpus_of(0);
    cril_study_protocol p = {.name = "rolling"};
    cril_cell cell;
    cril_error err;

    (void)state;
    check_ok(cril_cell_of(&m, &c, &p, &cell, &err));
    assert_true(cell.context == 2048 && cell.stride == 2048);
    p = (cril_study_protocol){.name = "hkust", .context = 300};
    check_ok(cril_cell_of(&m, &c, &p, &cell, &err));
    assert_true(cell.context == 300 && cell.stride == 300);
    p = (cril_study_protocol){.name = "none"};
    check_refused(cril_cell_of(&m, &c, &p, &cell, &err), CRIL_ERR_RANGE, "none");
}

/* Corpora that differ in their limit alone share a cell where each document is scored alone; where
 * documents are joined, a cell belongs to their number. */
static void test_limits(void **state)
{
    const cril_study_protocol alone = {.name = "document"}, joined = {.name = "hkust"};
    const cril_store_model m = model_of(0);
    cril_store_corpus all = corpus_of(0), some = all, other = all;
    cril_store *s = open_store(file("a.db"));
    cril_cell a, b;
    cril_slice *missing;
    cril_result r;
    uint64_t n_text;
    cril_error err;
    size_t n;

    (void)state;
    some.limit = some.documents = 20;
    check_ok(cril_store_corpus_id(&some, &err));
    assert_string_not_equal(some.id, all.id);
    assert_string_equal(some.text, all.text);
    strcpy(other.field, "text");
    check_ok(cril_store_corpus_id(&other, &err));
    assert_string_not_equal(other.text, all.text);
    check_ok(cril_cell_of(&m, &all, &alone, &a, &err));
    check_ok(cril_cell_of(&m, &some, &alone, &b, &err));
    assert_memory_equal(&a, &b, sizeof(a));

    check_ok(cril_store_put_model(s, "m1", &m, NULL, &err));
    check_ok(cril_store_put_corpus(s, "cc", &some, NULL, &err));
    check_ok(cril_store_find_text(s, some.text, &n_text, &err));
    assert_int_equal(n_text, 0); /* how many the limit leaves out is not known */
    put_range(s, 0, 0, 0, 20);
    check_ok(cril_store_put_corpus(s, "cc", &all, NULL, &err));
    check_ok(cril_store_find_text(s, some.text, &n_text, &err));
    assert_int_equal(n_text, N_DOCUMENTS);
    check_refused(cril_store_put_text(s, some.text, 7, &err), CRIL_ERR_MISMATCH, "other facts");
    check_ok(cril_store_missing(s, &a, N_DOCUMENTS, &missing, &n, &err));
    assert_true(n == 1 && missing[0].from == 20 && missing[0].to == N_DOCUMENTS);
    free(missing);
    check_ok(cril_store_result(s, &a, &some, NULL, &r, &err));
    assert_int_equal(r.documents, 20);
    assert_int_equal(strlen(r.token_ids_sha256), 64);
    assert_string_equal(r.unicode.pcre2, cril_unicode_here().pcre2);
    cril_result_free(&r);

    check_ok(cril_cell_of(&m, &all, &joined, &a, &err));
    check_ok(cril_cell_of(&m, &some, &joined, &b, &err));
    assert_true(a.documents == N_DOCUMENTS && b.documents == 20);
    cril_store_close(s);
}

/* Documents that were cut into other tokens are told apart, and by what. */
static void test_token_ids(void **state)
{
    const char *const paths[] = {file("b.db")};
    cril_store *s;
    cril_error err;
    char *before, *after;

    (void)state;
    make_full(file("a.db"));
    make_full(paths[0]);
    execute(paths[0], "UPDATE unicode SET pcre2 = '11.0.0'");
    s = open_store(file("a.db"));
    check_ok(cril_store_merge(s, paths, 1, NULL, &err)); /* another version, the same tokens */
    execute(paths[0], "UPDATE documents SET token_ids = 17 WHERE idx = 7");
    before = dump(s);
    assert_non_null(strstr(before, "unicode pcre2 \"11.0.0\""));
    check_refused(cril_store_merge(s, paths, 1, NULL, &err), CRIL_ERR_MISMATCH, "document 7 ");
    assert_non_null(strstr(err.message, "0000000000000011 (Unicode 11.0.0 in PCRE2"));
    assert_non_null(strstr(err.message, "hash ffffffffffffff"));
    assert_non_null(strstr(err.message, ", and 1 more) and came with"));
    after = dump(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    cril_store_close(s);
}

static bool is_claimed(const char *path)
{
    const cril_cell cell = cell_of(0, 0);
    cril_store *s = open_store(path);
    cril_claim *c;
    cril_error err;

    check_ok(cril_store_claim(s, &cell, 0, 1, &c, &err));
    cril_claim_release(c);
    cril_store_close(s);
    return !c;
}

/* Whatever name a database is opened by, its journal and its locks are the same. */
static void test_names_of_a_file(void **state)
{
    static const char *const same[] = {"z.db",     "link.db", "deep/link.db",    "deep/../z.db",
                                       "way/z.db", "hard.db", "deep/to-hard.db", "./z.db"};
    const cril_cell cell = cell_of(0, 0);
    cril_store *s, *new;
    cril_claim *c;
    cril_error err;

    (void)state;
    assert_int_equal(mkdir(file("deep"), 0777), 0);
    assert_int_equal(mkdir(file("far"), 0777), 0);
    make_full(file("z.db"));
    assert_int_equal(symlink("z.db", file("link.db")), 0);
    assert_int_equal(symlink("../link.db", file("deep/link.db")), 0);
    assert_int_equal(symlink(folder, file("way")), 0);
    assert_int_equal(link(file("z.db"), file("hard.db")), 0);
    assert_int_equal(symlink("../hard.db", file("deep/to-hard.db")), 0);
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        s = open_store(file(same[i]));
        assert_string_equal(s->real + strlen(s->real) - 8, "/hard.db"); /* the first one's */
        check_ok(cril_store_claim(s, &cell, 0, 1, &c, &err));
        assert_non_null(c);
        for (size_t k = 0; k < sizeof(same) / sizeof(*same); k++)
            if (!is_claimed(file(same[k])))
                fail_msg("%s does not see the claim by %s", same[k], same[i]);
        cril_claim_release(c);
        cril_store_close(s);
    }
    assert_false(is_claimed(file("z.db")));
    assert_int_equal(access(file("deep/link.db-lock"), F_OK), -1);

    assert_int_equal(symlink("../far/new.db", file("deep/new.db")), 0); /* which is made */
    new = open_store(file("deep/new.db"));
    assert_int_equal(access(file("far/new.db"), F_OK), 0);
    cril_store_close(new);
    assert_int_equal(symlink("round.db", file("round.db")), 0);
    check_refused(open_only(file("round.db"), false, &err), CRIL_ERR_IO, "symbolic links");

    assert_int_equal(link(file("z.db"), file("far/z.db")), 0);
    check_refused(open_only(file("z.db"), false, &err), CRIL_ERR_UNSUPPORTED, "3 names");
    check_refused(open_only(file("far/z.db"), true, &err), CRIL_ERR_UNSUPPORTED, "hard links");
}

/* Not what a build of SQLite happens to have. */
static void test_synchronous(void **state)
{
    cril_store *s = open_store(file("a.db"));
    sqlite3_stmt *q;

    (void)state;
    assert_int_equal(sqlite3_prepare_v2(s->db, "PRAGMA synchronous", -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(q, 0), 2);
    sqlite3_finalize(q);
    cril_store_close(s);
}

/* ---- Of an earlier version ---- */

/* A copy of the golden database of a version, as golden/README.md has it. */
static const char *copy_of_version(int version, const char *name)
{
    char from[1024];
    const char *to = file(name);
    char *bytes;
    size_t n;

    snprintf(from, sizeof(from), "%s/golden/study-%d.db", CRIL_TEST_DATA, version);
    bytes = read_file(from, &n);
    write_file(to, bytes, n);
    free(bytes);
    return to;
}

static const char *copy_old(const char *name)
{
    return copy_of_version(1, name);
}

/* Of version 1: what was measured is there, by rules 1; cells that a limit told apart are one; what
 * was imported stays, and an error of 0 is none. Of versions 2 to 4: all is as it was. */
static void test_upgrade(void **state)
{
    (void)state;
    for (int version = 1; version <= 4; version++) {
        char golden[1024];
        char *want, *got;
        size_t n;

        snprintf(golden, sizeof(golden), "%s/golden/study-%d.txt", CRIL_TEST_DATA, version);
        want = read_file(golden, &n);
        got = dump_of(copy_of_version(version, "old.db")); /* for reading too */
        assert_int_equal(strlen(got), n);
        assert_memory_equal(got, want, n);
        free(got);
        got = dump_of(file("old.db")); /* done once */
        assert_memory_equal(got, want, n);
        free(got);
        free(want);
    }
}

/* All of it or nothing: what cannot be brought to this version stays as it was, byte for byte. */
static void test_upgrade_refused(void **state)
{
    static const struct {
        const char *sql, *word;
    } damages[] = {
        {"UPDATE documents SET nats = -1", "document"},
        {"UPDATE documents SET nats = nats + 1 WHERE cell = (SELECT key FROM cells WHERE protocol "
         "= 'document' LIMIT 1)",
         "is known with"}, /* two limits that do not agree */
        {"UPDATE cells SET stride = stride + 1", "a cell"},
        {"DELETE FROM corpora", "a cell of no corpus"},
        {"UPDATE corpora SET field = 'other'", "a corpus"},
        {"CREATE TABLE more(a)", "tables"},
        {"CREATE TRIGGER t AFTER INSERT ON documents BEGIN DELETE FROM models; END", "tables"},
    };
    char *before, *after;
    size_t n, m;
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        const char *path = copy_old("old.db");

        execute(path, damages[i].sql);
        before = read_file(path, &n);
        assert_int_not_equal(open_only(path, false, &err), CRIL_OK);
        if (!strstr(err.message, damages[i].word))
            fail_msg("%s: no \"%s\" in: %s", damages[i].sql, damages[i].word, err.message);
        after = read_file(path, &m);
        assert_int_equal(n, m);
        assert_memory_equal(before, after, n);
        free(before);
        free(after);
    }
}

/* A file that says version 2 and has not its tables stays as it was. */
static void test_upgrade_of_2_refused(void **state)
{
    static const char *const damages[] = {
        "CREATE TABLE items(cell BLOB NOT NULL, subject TEXT NOT NULL, idx INTEGER NOT NULL, line "
        "TEXT NOT NULL, PRIMARY KEY(cell, subject, idx)) WITHOUT ROWID",
        "CREATE TABLE divergences(cell BLOB NOT NULL, idx INTEGER NOT NULL, tokens INTEGER NOT "
        "NULL, "
        "same_top INTEGER NOT NULL, kl REAL NOT NULL, nats REAL NOT NULL, nats_base REAL NOT NULL,"
        " PRIMARY KEY(cell, idx)) WITHOUT ROWID",
        "DROP TABLE texts", "UPDATE meta SET value = 1 WHERE key = 'schema'"};
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        const char *path = copy_of_version(2, "old.db");
        char *before, *after;
        size_t n, m;

        execute(path, damages[i]);
        before = read_file(path, &n);
        check_refused(open_only(path, false, &err), CRIL_ERR_FORMAT, "tables");
        after = read_file(path, &m);
        assert_int_equal(n, m);
        assert_memory_equal(before, after, n);
        free(before);
        free(after);
    }
}

/* ---- What is known does not change ---- */

static void test_conflicts(void **state)
{
    const cril_cell cell = cell_of(0, 0);
    cril_document_score d[2] = {document_of(30, 0), document_of(4, 0)};
    cril_store *s = open_store(file("a.db"));
    cril_store_model m = model_of(0);
    cril_store_corpus c = corpus_of(0);
    cril_baseline b = {"xz -9", 10};
    cril_error err;
    bool changed;
    char *before, *after;

    (void)state;
    put_facts(s);
    put_range(s, 0, 0, 0, 10);
    before = dump(s);
    put_range(s, 0, 0, 0, 10); /* equal rows are nothing new */
    after = dump(s);
    assert_string_equal(before, after);
    free(after);
    d[1].nats = nextafter(d[1].nats, 1);
    check_refused(cril_store_put(s, &cell, d, 2, &err), CRIL_ERR_MISMATCH, "document 4 ");
    assert_non_null(strstr(err.message, "m1"));
    d[1] = document_of(4, 0);
    d[1].line++;
    check_refused(cril_store_put(s, &cell, d, 2, &err), CRIL_ERR_MISMATCH, "document 4 ");
    m.parameters++;
    check_refused(cril_store_put_model(s, "m1", &m, &changed, &err), CRIL_ERR_MISMATCH, "aaa");
    c.characters--;
    check_refused(cril_store_put_corpus(s, "cc", &c, &changed, &err), CRIL_ERR_MISMATCH, "corpus");
    after = dump(s); /* nor was the other document kept */
    assert_string_equal(before, after);
    check_ok(cril_store_put_baselines(s, c.id, &b, 1, &err));
    check_ok(cril_store_put_baselines(s, c.id, &b, 1, &err));
    b.bytes++;
    check_refused(cril_store_put_baselines(s, c.id, &b, 1, &err), CRIL_ERR_MISMATCH, "xz -9");
    free(before);
    free(after);
    cril_store_close(s);
}

/* A file changed: the name stands for the new one, the old one's figures stay. */
static void test_changed(void **state)
{
    cril_store *s = open_store(file("a.db"));
    const cril_store_corpus old = corpus_of(0), new = corpus_of(5);
    const cril_store_model m = model_of(0);
    cril_store_corpus got;
    cril_error err;
    bool changed = true, found;

    (void)state;
    check_ok(cril_store_put_model(s, "m1", &m, &changed, &err));
    assert_false(changed);
    check_ok(cril_store_put_corpus(s, "cc", &old, &changed, &err));
    assert_false(changed);
    put_range(s, 0, 0, 0, 5);
    check_ok(cril_store_put_corpus(s, "cc", &old, &changed, &err));
    assert_false(changed);
    check_ok(cril_store_put_corpus(s, "cc", &new, &changed, &err));
    assert_true(changed);
    check_ok(cril_store_find_corpus(s, "cc", &got, &found, &err));
    assert_true(found);
    assert_string_equal(got.id, new.id);
    put_range(s, 0, 0, 5, 10);
    cril_store_close(s);
}

static void test_refused_values(void **state)
{
    const cril_cell cell = cell_of(0, 0);
    const cril_document_score good = document_of(3, 0);
    cril_document_score bad[14];
    cril_store *s = open_store(file("a.db"));
    cril_store_model m = model_of(0);
    cril_store_corpus c = corpus_of(0);
    cril_cell other = cell;
    cril_error err;
    char *text;

    (void)state;
    check_refused(cril_store_put(s, &cell, &good, 1, &err), CRIL_ERR_RANGE, "nothing of the model");
    check_ok(cril_store_put_model(s, "m1", &m, NULL, &err));
    check_refused(cril_store_put(s, &cell, &good, 1, &err), CRIL_ERR_RANGE,
                  "nothing of the corpus");
    check_ok(cril_store_put_corpus(s, "cc", &c, NULL, &err));
    for (size_t i = 0; i < 14; i++)
        bad[i] = good;
    bad[0].nats = NAN;
    bad[1].nats = INFINITY;
    bad[2].nats = -1;
    bad[3].nats = -0.0;
    bad[4].nats = 1e300;
    bad[5].index = N_DOCUMENTS;
    bad[6].index = UINT64_MAX;
    bad[7].scored_tokens = good.tokens + 1;
    bad[8].characters = good.bytes + 1;
    bad[9].bytes = UINT64_MAX;
    bad[10].line = UINT64_MAX;
    bad[11].tokens = UINT64_MAX;
    bad[12].unspelled_characters = good.escape_bytes + 1;
    bad[13].escape_bytes = UINT64_MAX;
    for (size_t i = 0; i < 14; i++) {
        const cril_document_score both[2] = {document_of(1, 0), bad[i]};

        check_refused(cril_store_put(s, &cell, both, 2, &err), CRIL_ERR_RANGE,
                      "cannot hold document");
    }
    other.stride = 0;
    check_refused(cril_store_put(s, &other, &good, 1, &err), CRIL_ERR_RANGE, "stride 0");
    other = cell;
    other.model[3] = 'x';
    check_refused(cril_store_put(s, &other, &good, 1, &err), CRIL_ERR_RANGE, "cannot be filed");
    check_refused(cril_store_put_model(s, "", &m, NULL, &err), CRIL_ERR_RANGE, "name");
    check_refused(cril_store_put_model(s, "a\nb", &m, NULL, &err), CRIL_ERR_RANGE, "name");
    check_refused(cril_store_put_model(s, "a\xff", &m, NULL, &err), CRIL_ERR_RANGE, "name");
    m.context = 0;
    check_refused(cril_store_put_model(s, "m2", &m, NULL, &err), CRIL_ERR_RANGE, "context 0");
    c.documents = 0;
    check_refused(cril_store_put_corpus(s, "c2", &c, NULL, &err), CRIL_ERR_RANGE, "0 documents");
    c = corpus_of(0);
    c.id[0] = c.id[0] == '0' ? '1' : '0';
    check_refused(cril_store_put_corpus(s, "c2", &c, NULL, &err), CRIL_ERR_RANGE,
                  "cril_store_corpus_id");
    text = dump(s);
    assert_null(strstr(text, "document 1"));
    assert_null(strstr(text, "cell"));
    free(text);
    cril_store_close(s);
}

/* ---- Figures from elsewhere ---- */

/* A standard error that is not known is none, and not 0: 0 is a known one. */
static void test_unknown_errors(void **state)
{
    cril_store *s = open_store(file("a.db"));
    cril_figure row = {"m9", "cc", 0.5, NAN, "s", 0}, *rows;
    cril_error err;
    size_t n, changed;
    char *text;

    (void)state;
    for (int kind = CRIL_FIGURE_BPC; kind <= CRIL_FIGURE_SCORE; kind++) {
        static const double errors[] = {NAN, NAN, 0, 0, NAN};
        static const size_t changes[] = {1, 0, 1, 0, 1};

        for (size_t i = 0; i < 5; i++) {
            row.se = errors[i];
            check_ok(cril_store_import(s, (cril_figure_kind)kind, &row, 1, &changed, &err));
            assert_int_equal(changed, changes[i]);
            check_ok(cril_store_imported(s, (cril_figure_kind)kind, &rows, &n, &err));
            assert_int_equal(n, 1);
            assert_true(isnan(errors[i]) ? isnan(rows[0].se) : rows[0].se == 0);
            cril_imports_free(rows, n);
            text = dump(s);
            assert_non_null(strstr(text, isnan(errors[i]) ? " 0.5 se unknown " : " 0.5 se 0 "));
            free(text);
        }
    }
    row.se = INFINITY;
    check_refused(cril_store_import(s, CRIL_FIGURE_BPC, &row, 1, &changed, &err), CRIL_ERR_RANGE,
                  "standard error of inf");
    cril_store_close(s);
}

static void test_imports(void **state)
{
    cril_figure bad[] = {{"m1", "cc", 0.5, 0, "s", 0}, {"m2", "cc", NAN, 0, "s", 0}};
    const cril_figure again[] = {{"m1", "cc", 0.75, 0.01, "paper, table 3", 0},
                                 {"big", "cc", 5e-324, 0, "\"quoted\" \\ source", 0}};
    cril_store *s = open_store(file("a.db"));
    cril_figure *rows;
    cril_error err;
    size_t n, changed;
    const double tiny = 5e-324;

    (void)state;
    import_some(s);
    check_ok(cril_store_imported(s, CRIL_FIGURE_BPC, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].model, "big");
    assert_string_equal(rows[0].of, "cc");
    assert_string_equal(rows[0].source, "\"quoted\" \\ source");
    assert_memory_equal(&rows[0].value, &tiny, sizeof(tiny));
    assert_true(rows[1].se == 0.01);
    cril_imports_free(rows, n);
    check_ok(cril_store_import(s, CRIL_FIGURE_BPC, again, 2, &changed, &err));
    assert_int_equal(changed, 1);
    check_ok(cril_store_imported(s, CRIL_FIGURE_SCORE, &rows, &n, &err));
    assert_int_equal(n, 3);
    assert_string_equal(rows[1].of, "MBPP");
    cril_imports_free(rows, n);

    check_refused(cril_store_import(s, CRIL_FIGURE_BPC, bad, 2, &changed, &err), CRIL_ERR_RANGE,
                  "row 2: m2");
    bad[1].value = -1;
    check_refused(cril_store_import(s, CRIL_FIGURE_BPC, bad, 2, &changed, &err), CRIL_ERR_RANGE,
                  "-1");
    bad[1].value = INFINITY;
    check_refused(cril_store_import(s, CRIL_FIGURE_BPC, bad, 2, &changed, &err), CRIL_ERR_RANGE,
                  "inf");
    bad[1].value = 1.4;
    check_refused(cril_store_import(s, CRIL_FIGURE_SCORE, bad, 2, &changed, &err), CRIL_ERR_RANGE,
                  "1.4");
    bad[1].value = NAN;
    check_refused(cril_store_import(s, CRIL_FIGURE_SCORE, bad, 2, &changed, &err), CRIL_ERR_RANGE,
                  "share of 1");
    bad[1] = (cril_figure){"m2", "cc", 0.5, -0.1, "s", 0};
    check_refused(cril_store_import(s, CRIL_FIGURE_BPC, bad, 2, &changed, &err), CRIL_ERR_RANGE,
                  "standard error");
    bad[1] = (cril_figure){"m2", "cc", 0.5, 0, "", 0};
    check_refused(cril_store_import(s, CRIL_FIGURE_BPC, bad, 2, &changed, &err), CRIL_ERR_RANGE,
                  "source");
    bad[1] = (cril_figure){"", "cc", 0.5, 0, "s", 0};
    check_refused(cril_store_import(s, CRIL_FIGURE_BPC, bad, 2, &changed, &err), CRIL_ERR_RANGE,
                  "names");
    check_ok(cril_store_imported(s, CRIL_FIGURE_BPC, &rows, &n,
                                 &err)); /* none of the rows before a bad one either */
    assert_int_equal(n, 2);
    assert_true(rows[1].value == 0.75);
    cril_imports_free(rows, n);
    cril_store_close(s);
}

static void test_table(void **state)
{
    static const cril_study_model models[] = {
        {.name = "m1"}, {.name = "m \"two\" \xce\xa9"}, {.name = "big"}, {.name = "new"}};
    static const cril_study_corpus corpora[] = {{.name = "cc"}, {.name = "code"}};
    static const cril_study_benchmark benchmarks[] = {
        {.name = "GSM8K"}, {.name = "MBPP"}, {.name = "other"}};
    static const cril_study_protocol protocols[] = {{.name = "document"}, {.name = "hkust"}};
    const cril_study_info study = {.models = models,
                                   .corpora = corpora,
                                   .benchmarks = benchmarks,
                                   .protocols = protocols,
                                   .n_models = 4,
                                   .n_corpora = 2,
                                   .n_benchmarks = 3,
                                   .n_protocols = 2};
    const cril_figure both = {model_names[1], "cc", 0.9, 0.125, "elsewhere", 0};
    double bits[N_DOCUMENTS], characters[N_DOCUMENTS], se, value;
    const cril_cell cell = cell_of(0, 0);
    const cril_store_corpus corpus = corpus_of(0);
    cril_study_table t;
    cril_result r;
    cril_store *s;
    cril_error err;
    double escapes;

    (void)state;
    make_full(file("a.db"));
    s = open_store(file("a.db"));
    check_ok(cril_store_import(s, CRIL_FIGURE_BPC, &both, 1, NULL, &err));
    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        const cril_document_score d = document_of(i, 0);

        bits[i] = d.nats / CRIL_LN2;
        characters[i] = (double)d.characters;
    }
    check_refused(cril_store_table(s, &study, &protocols[0], &t, &err), CRIL_ERR_RANGE,
                  "too large"); /* document 6 has 1e290 nats */
    cril_store_close(s);
    execute(file("a.db"), "UPDATE documents SET nats = 7 WHERE idx = 6");
    bits[6] = 7 / CRIL_LN2;
    s = open_store(file("a.db"));
    check_ok(cril_store_result(s, &cell, &corpus, NULL, &r, &err));
    value = cril_result_bpc(&r);
    escapes = 8 * (double)r.escape_bytes / (double)r.characters;
    assert_true(r.unspelled_characters == 49 && r.unspelled_documents == 33);
    cril_result_free(&r);
    check_ok(cril_ratio_error(bits, characters, N_DOCUMENTS, &se, &err));
    check_ok(cril_store_table(s, &study, &protocols[0], &t, &err));
    assert_true(t.n_models == 4 && t.n_corpora == 2 && t.n_benchmarks == 3);
    assert_int_equal(t.bpc[0].origin, CRIL_ORIGIN_MEASURED); /* although an imported one is there */
    assert_memory_equal(&t.bpc[0].value, &value, sizeof(value));
    assert_memory_equal(&t.bpc[0].se, &se, sizeof(se));
    assert_true(t.bpc[0].unspelled_characters == 49 && t.bpc[0].unspelled_documents == 33);
    assert_memory_equal(&t.bpc[0].escapes, &escapes, sizeof(escapes));
    assert_true(escapes > 0 && t.bpc[2].escapes == 0);
    assert_int_equal(t.bpc[1].origin, CRIL_ORIGIN_NONE);
    assert_true(isnan(t.bpc[1].value));
    assert_string_equal(t.bpc[1].source, "");
    assert_int_equal(t.bpc[2].origin, CRIL_ORIGIN_IMPORTED); /* not all documents are there */
    assert_true(t.bpc[2].value == 0.9 && t.bpc[2].se == 0.125);
    assert_string_equal(t.bpc[2].source, "elsewhere");
    assert_int_equal(t.bpc[3].origin, CRIL_ORIGIN_MEASURED);
    assert_int_equal(t.bpc[4].origin, CRIL_ORIGIN_IMPORTED); /* a model without a file */
    assert_int_equal(t.bpc[6].origin, CRIL_ORIGIN_NONE);
    assert_true(t.score[0].value == 0.25 && t.score[0].origin == CRIL_ORIGIN_IMPORTED);
    assert_string_equal(t.score[0].source, "leader board");
    assert_true(t.score[6].value == 1 && t.score[7].value == 0 &&
                t.score[8].origin == CRIL_ORIGIN_NONE);
    cril_study_table_free(&t);
    check_ok(cril_store_table(s, &study, &protocols[1], &t, &err)); /* nothing is measured by it */
    assert_int_equal(t.bpc[0].origin, CRIL_ORIGIN_IMPORTED);
    assert_int_equal(t.bpc[3].origin, CRIL_ORIGIN_NONE);
    cril_study_table_free(&t);
    cril_store_close(s);
}

static void test_baselines(void **state)
{
    const cril_store_corpus c = corpus_of(0), none = corpus_of(1);
    cril_baseline *b;
    cril_store *s;
    cril_error err;
    size_t n;

    (void)state;
    make_full(file("a.db"));
    s = open_store(file("a.db"));
    check_ok(cril_store_baselines(s, c.id, &b, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(b[0].name, "xz -9");
    assert_true(b[0].bytes == 34567 && b[1].bytes == 33000);
    free(b);
    check_ok(cril_store_baselines(s, none.id, &b, &n, &err));
    assert_int_equal(n, 0);
    free(b);
    cril_store_close(s);
}

/* ---- Files ---- */

static void test_files(void **state)
{
    static const char text[] = "title: a study and not a database, whose text is long enough for a "
                               "header of one hundred bytes, which "
                               "SQLite reads before it says so";
    cril_error err;
    char here[256];

    (void)state;
    check_refused(open_only(file("none.db"), true, &err), CRIL_ERR_IO, "no such file");
    assert_int_equal(access(file("none.db"), F_OK), -1);
    check_refused(open_only(file("none/none.db"), false, &err), CRIL_ERR_IO, "No such file");
    check_refused(open_only(folder, false, &err), CRIL_ERR_IO, "not a file");
    check_refused(open_only("", false, &err), CRIL_ERR_RANGE, "empty");
    write_file(file("text.db"), text, sizeof(text));
    check_refused(open_only(file("text.db"), false, &err), CRIL_ERR_FORMAT, "not a database");
    check_refused(open_only(file("text.db"), true, &err), CRIL_ERR_FORMAT, "text.db");
    write_file(file("empty.db"), "", 0);
    check_refused(open_only(file("empty.db"), true, &err), CRIL_ERR_EMPTY, "empty");
    check_ok(open_only(file("empty.db"), false, &err)); /* as a temporary file is left */
    check_ok(open_only(file("empty.db"), true, &err));
    execute(file("other.db"), "CREATE TABLE t(a)");
    check_refused(open_only(file("other.db"), false, &err), CRIL_ERR_FORMAT, "another program");
    execute(file("fossil.db"), "PRAGMA application_id = 252006673");
    check_refused(open_only(file("fossil.db"), false, &err), CRIL_ERR_FORMAT, "another program");
    execute(file("half.db"), "PRAGMA application_id = 0x6372696c; CREATE TABLE t(a)");
    check_refused(open_only(file("half.db"), false, &err), CRIL_ERR_FORMAT, "another program");
    make_full(file("new.db"));
    execute(file("new.db"), "UPDATE meta SET value = 6 WHERE key = 'schema'");
    check_refused(open_only(file("new.db"), false, &err), CRIL_ERR_UNSUPPORTED, "newer cril");
    check_refused(open_only(file("new.db"), true, &err), CRIL_ERR_UNSUPPORTED, "version 6");
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(folder), 0);
    check_ok(open_only(":memory:", false, &err)); /* a file like any other */
    assert_int_equal(access(":memory:", F_OK), 0);
    assert_int_equal(chdir(here), 0);
    if (geteuid() != 0) {
        make_full(file("ro.db"));
        assert_int_equal(chmod(file("ro.db"), 0444), 0);
        check_refused(open_only(file("ro.db"), false, &err), CRIL_ERR_IO, "write-protected");
        check_ok(open_only(file("ro.db"), true, &err));
    }
}

static void test_read_only(void **state)
{
    const cril_store_options o = {.read_only = true};
    const cril_cell cell = cell_of(0, 0);
    const cril_document_score d = document_of(0, 0);
    cril_store *s;
    cril_error err;

    (void)state;
    make_full(file("a.db"));
    check_ok(cril_store_open(file("a.db"), &o, &s, &err));
    check_refused(cril_store_put(s, &cell, &d, 1, &err), CRIL_ERR_IO, "write-protected");
    cril_store_close(s);
}

static void test_locked(void **state)
{
    const cril_store_options o = {.patience_ms = 150};
    const cril_cell cell = cell_of(0, 0);
    const cril_document_score d = document_of(12, 1);
    sqlite3 *db;
    cril_store *s;
    cril_error err;
    cril_cell other = cell_of(1, 0);
    char *before, *after;

    (void)state;
    make_full(file("a.db"));
    before = dump_of(file("a.db"));
    check_ok(cril_store_open(file("a.db"), &o, &s, &err));
    assert_int_equal(sqlite3_open(file("a.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    check_refused(cril_store_put(s, &cell, &d, 1, &err), CRIL_ERR_IO, "locked");
    assert_non_null(strstr(err.message, "0.15 s"));
    check_refused(open_only(file("a.db"), true, &err), CRIL_ERR_IO, "locked");
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    /* A reader keeps a transaction from its end. */
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT * FROM meta", NULL, NULL, NULL), SQLITE_OK);
    check_refused(
        cril_store_put(s, &other, &(cril_document_score){.index = 0, .tokens = 5}, 1, &err),
        CRIL_ERR_IO, "locked");
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    after = dump(s);
    assert_string_equal(before, after);
    check_ok(cril_store_put(s, &other, &d, 1, &err));
    free(before);
    free(after);
    cril_store_close(s);
}

/* No space: SQLite's own bound of pages, then the system's bound of a file's size. */
static void test_full(void **state)
{
    enum { N = 5000 };
    static cril_document_score d[N];
    const cril_cell cell = cell_of(0, 3);
    cril_store_corpus c = corpus_of(3);
    struct rlimit limit, small;
    cril_store *s;
    cril_error err;
    char *before, *after;

    (void)state;
    make_full(file("a.db"));
    s = open_store(file("a.db"));
    c.documents = N;
    check_ok(cril_store_put_corpus(s, "large", &c, NULL, &err));
    before = dump(s);
    for (size_t i = 0; i < N; i++) {
        d[i] = document_of(i % N_DOCUMENTS, 0);
        d[i].index = i;
    }
    assert_int_equal(sqlite3_exec(s->db, "PRAGMA max_page_count = 30", NULL, NULL, NULL),
                     SQLITE_OK);
    check_refused(cril_store_put(s, &cell, d, N, &err), CRIL_ERR_IO, "no space");
    after = dump(s);
    assert_string_equal(before, after);
    free(after);
    assert_int_equal(sqlite3_exec(s->db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 100000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    check_refused(cril_store_put(s, &cell, d, N, &err), CRIL_ERR_IO, "earlier results are kept");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    after = dump(s);
    assert_string_equal(before, after);
    free(after);
    check_ok(cril_store_put(s, &cell, d, N, &err));
    free(before);
    cril_store_close(s);
}

/* ---- Several files ---- */

static void make_part(int i)
{
    char name[16];
    cril_store *s;

    snprintf(name, sizeof(name), "part%d.db", i);
    s = open_store(file(name));
    put_facts(s);
    if (i == 0) {
        put_range(s, 0, 0, 0, 30);
        put_range(s, 1, 1, 40, 50);
    } else if (i == 1) {
        put_range(s, 0, 0, 20, N_DOCUMENTS);
        put_range(s, 1, 0, 10, 20);
        import_some(s);
    } else {
        const cril_store_corpus c = corpus_of(0);
        const cril_baseline b[] = {{"zstd -19", 33000}, {"xz -9", 34567}};

        put_range(s, 1, 1, 0, 45);
        assert_int_equal(cril_store_put_baselines(s, c.id, b, 2, NULL), CRIL_OK);
    }
    cril_store_close(s);
}

static void test_merge(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    cril_error err;
    char *want;

    (void)state;
    make_full(file("whole.db"));
    want = dump_of(file("whole.db"));
    for (int i = 0; i < 3; i++)
        make_part(i);
    for (int i = 0; i < 6; i++) {
        const char *paths[4];
        char name[16], part[16], *got;
        cril_store *s;

        snprintf(name, sizeof(name), "all%d.db", i);
        s = open_store(file(name));
        for (int k = 0; k < 3; k++) {
            snprintf(part, sizeof(part), "part%d.db", orders[i][k]);
            paths[k] = file(part);
        }
        paths[3] = file(name); /* itself */
        if (i % 2)
            check_ok(cril_store_merge(s, paths, 4, NULL, &err));
        for (int k = 0; k < 3; k++) /* one by one, or again */
            check_ok(cril_store_merge(s, paths + k, 1, NULL, &err));
        got = dump(s);
        assert_string_equal(got, want);
        free(got);
        cril_store_close(s);
    }
    free(want);
}

static void check_merge_refused(const char *sql, const char *word)
{
    const char *paths[2];
    char *before, *after;
    cril_store *s;
    cril_error err;

    unlink(file("to.db"));
    unlink(file("changed.db"));
    copy_file(file("whole.db"), file("to.db"));
    copy_file(file("whole.db"), file("changed.db"));
    execute(file("to.db"), "DELETE FROM documents WHERE idx = 3");
    execute(file("changed.db"), sql);
    s = open_store(file("to.db"));
    before = dump(s);
    paths[0] = file("whole.db");
    paths[1] = file("changed.db");
    check_refused(cril_store_merge(s, paths, 2, NULL, &err), CRIL_ERR_MISMATCH, word);
    assert_non_null(strstr(err.message, "changed.db"));
    after = dump(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    cril_store_close(s);
}

static void test_merge_conflicts(void **state)
{
    const char *paths[2];
    cril_store *s;
    cril_error err;

    (void)state;
    make_full(file("whole.db"));
    check_merge_refused("UPDATE documents SET nats = 1.25 WHERE idx = 17", "document 17");
    check_merge_refused("UPDATE documents SET tokens = tokens + 1 WHERE idx = 49", "document 49");
    check_merge_refused("UPDATE documents SET unspelled = 0 WHERE idx = 1", "document 1");
    check_merge_refused("UPDATE documents SET escapes = escapes + 1 WHERE idx = 2", "document 2");
    check_merge_refused("UPDATE bpc SET bpc = 0.71 WHERE model = 'm1'", "0.70999999999999996");
    check_merge_refused("UPDATE scores SET source = 'elsewhere'", "elsewhere");
    check_merge_refused("UPDATE names SET id = (SELECT sha256 FROM models ORDER BY sha256 DESC "
                        "LIMIT 1) WHERE name = 'm1'",
                        "\"m1\"");
    check_merge_refused("UPDATE models SET bytes = 1", "facts");
    check_merge_refused("UPDATE corpora SET characters = 99999", "facts");
    check_merge_refused("UPDATE baselines SET bytes = 1", "xz -9");
    s = open_store(file("to.db"));
    paths[0] = file("whole.db");
    paths[1] = file("none.db");
    check_refused(cril_store_merge(s, paths, 2, NULL, &err), CRIL_ERR_IO, "none.db");
    cril_store_close(s);
}

/* A name that stands for another file in the others is theirs, if they agree; without names and
 * imports, nothing else can differ. */
static void test_merge_options(void **state)
{
    static const char other_name[] = "UPDATE names SET id = (SELECT sha256 FROM models ORDER BY "
                                     "sha256 DESC LIMIT 1) WHERE name = 'm1'";
    const cril_store_merge_options rename = {.rename = true}, measured = {.measured_only = true};
    const char *paths[2];
    char *before, *after, *want;
    cril_store *s;
    cril_error err;

    (void)state;
    make_full(file("whole.db"));
    unlink(file("to.db"));
    unlink(file("changed.db"));
    copy_file(file("whole.db"), file("to.db"));
    copy_file(file("whole.db"), file("changed.db"));
    execute(file("changed.db"), other_name);
    s = open_store(file("to.db"));
    before = dump(s);
    for (int i = 0; i < 2; i++) {
        paths[i] = file("whole.db");
        paths[1 - i] = file("changed.db");
        check_refused(cril_store_merge(s, paths, 2, &rename, &err), CRIL_ERR_MISMATCH, "\"m1\"");
        after = dump(s);
        assert_string_equal(before, after);
        free(after);
    }
    execute(file("changed.db"), "UPDATE bpc SET bpc = 0.71 WHERE model = 'm1'");
    paths[0] = file("changed.db");
    check_refused(cril_store_merge(s, paths, 1, &rename, &err), CRIL_ERR_MISMATCH,
                  "0.70999999999999996");
    check_ok(cril_store_merge(s, paths, 1, &measured, &err));
    after = dump(s);
    assert_string_equal(before, after);
    free(after);
    execute(file("changed.db"), "DELETE FROM bpc");
    paths[1] = paths[0];
    check_ok(cril_store_merge(s, paths, 2, &rename, &err));
    after = dump(s);
    assert_string_not_equal(before, after);
    cril_store_close(s);
    execute(file("to.db"), "DELETE FROM bpc");
    want = dump_of(file("changed.db"));
    free(after);
    after = dump_of(file("to.db"));
    assert_string_equal(after, want);
    free(after);
    free(want);
    free(before);

    unlink(file("to.db"));
    s = open_store(file("to.db"));
    check_ok(cril_store_merge(s, paths, 1, &measured, &err));
    cril_store_close(s);
    execute(file("changed.db"), "DELETE FROM names");
    execute(file("changed.db"), "DELETE FROM scores");
    want = dump_of(file("changed.db"));
    after = dump_of(file("to.db"));
    assert_string_equal(after, want);
    free(after);
    free(want);
}

/* ---- Hostile files ---- */

static void check_hostile(const char *sql, const char *word)
{
    const cril_store_options o = {.read_only = true, .patience_ms = 100};
    cril_store *s;
    cril_error err;
    cril_status st;
    FILE *f = fopen("/dev/null", "w");

    assert_non_null(f);
    unlink(file("bad.db"));
    copy_file(file("whole.db"), file("bad.db"));
    execute(file("bad.db"), sql);
    if ((st = cril_store_open(file("bad.db"), &o, &s, &err)) == CRIL_OK) {
        const char *path = file("bad.db");
        cril_store *to = open_store(file("into.db"));

        st = cril_store_merge(to, &path, 1, NULL, &err);
        cril_store_close(to);
        unlink(file("into.db"));
        assert_int_not_equal(st, CRIL_OK);
        st = cril_store_dump(s, f, &err);
        cril_store_close(s);
    }
    fclose(f);
    if (st != CRIL_ERR_FORMAT || !strstr(err.message, word) || !strstr(err.message, "bad.db"))
        fail_msg("%s: status %d, %s", sql, (int)st, st == CRIL_OK ? "" : err.message);
}

static void test_hostile(void **state)
{
    static const struct {
        const char *sql, *word;
    } cases[] = {
        {"UPDATE documents SET nats = -1 WHERE idx = 3", "document"},
        {"UPDATE documents SET nats = 9e999 WHERE idx = 3", "document"},
        {"UPDATE documents SET nats = 1e300 WHERE idx = 3", "document"},
        {"UPDATE documents SET nats = 'much' WHERE idx = 3", "document"},
        {"UPDATE documents SET nats = x'00' WHERE idx = 3", "document"},
        {"UPDATE documents SET tokens = -1 WHERE idx = 3", "document"},
        {"UPDATE documents SET tokens = 'x' WHERE idx = 3", "document"},
        {"UPDATE documents SET tokens = 0.5 WHERE idx = 3", "document"},
        {"UPDATE documents SET scored_tokens = tokens + 1 WHERE idx = 3", "document"},
        {"UPDATE documents SET characters = bytes + 1 WHERE idx = 3", "document"},
        {"UPDATE documents SET bytes = 9223372036854775807 WHERE idx = 3", "document"},
        {"UPDATE documents SET unspelled = escapes + 1 WHERE idx = 3", "document"},
        {"UPDATE documents SET unspelled = -1 WHERE idx = 3", "document"},
        {"UPDATE documents SET escapes = 9223372036854775807 WHERE idx = 3", "document"},
        {"UPDATE documents SET line = -9223372036854775807 - 1 WHERE idx = 3", "document"},
        {"UPDATE documents SET unspelled = -1 WHERE idx = 3", "document"},
        {"UPDATE documents SET token_ids = 'x' WHERE idx = 3", "document"},
        {"UPDATE documents SET idx = 50 WHERE idx = 3", "document"},
        {"UPDATE documents SET idx = -1 WHERE idx = 3", "document"},
        {"UPDATE documents SET tokens = 9007199254740992, scored_tokens = 1", "document"},
        {"UPDATE cells SET stride = 0", "cell"},
        {"UPDATE cells SET context = context + 1", "cell"},
        {"UPDATE cells SET protocol = 'a name that is too long for a protocol'", "cell"},
        {"UPDATE cells SET numerics = -1", "cell"},
        {"UPDATE cells SET rules = rules + 1", "cell"},
        {"UPDATE cells SET documents = 7", "cell"},
        {"UPDATE cells SET key = x'0011' WHERE key = (SELECT min(key) FROM cells)", "cell"},
        {"UPDATE cells SET model = 'x'", "cell"},
        {"DELETE FROM corpora", "corpus"},
        {"UPDATE corpora SET documents = 0", "corpus"},
        {"UPDATE corpora SET documents = -5", "corpus"},
        {"UPDATE corpora SET documents = 1e18", "corpus"},
        {"UPDATE corpora SET characters = 1", "corpus"},
        {"UPDATE corpora SET field = 'other'", "corpus"},
        {"UPDATE corpora SET field = CAST(zeroblob(500) AS TEXT)", "corpus"},
        {"UPDATE models SET sha256 = 'b' || substr(sha256, 2, 62) || 'X' WHERE sha256 LIKE 'a%'",
         "model"},
        {"UPDATE models SET context = 0", "model"},
        {"UPDATE models SET architecture = ''", "model"},
        {"UPDATE models SET parameters = 9223372036854775807", "model"},
        {"UPDATE names SET kind = 'tribe' WHERE name = 'm1'", "kind"},
        {"UPDATE names SET id = 'nobody' WHERE name = 'm1'", "name"},
        {"UPDATE names SET name = 'a' || char(10) || 'b' WHERE name = 'm1'", "name"},
        {"UPDATE names SET name = CAST(x'c328' AS TEXT) WHERE name = 'm1'", "name"},
        {"UPDATE names SET name = CAST(x'610062' AS TEXT) WHERE name = 'm1'", "name"},
        {"UPDATE names SET name = hex(zeroblob(1000)) WHERE name = 'm1'", "name"},
        {"UPDATE names SET name = hex(zeroblob(3000000)) WHERE name = 'm1'", "too big"},
        {"UPDATE bpc SET bpc = -0.5", "figure"},
        {"UPDATE bpc SET bpc = 1e7", "figure"},
        {"UPDATE bpc SET se = -0.5", "figure"},
        {"UPDATE scores SET se = 'unknown'", "figure"},
        {"UPDATE bpc SET bpc = 'NaN'", "figure"},
        {"UPDATE bpc SET source = ''", "figure"},
        {"UPDATE scores SET score = 1.4", "figure"},
        {"UPDATE scores SET benchmark = x'ff' WHERE benchmark = 'MBPP'", "figure"},
        {"UPDATE baselines SET bytes = -1", "baseline"},
        {"UPDATE baselines SET name = 'a compressor of a very long name' WHERE name = 'xz -9'",
         "baseline"},
        {"UPDATE corpora SET text = sha256", "corpus"},
        {"UPDATE texts SET documents = 0", "text"},
        {"UPDATE unicode SET pcre2 = 'a version that is too long'", "Unicode"},
        {"UPDATE meta SET value = 'x'", "version"},
        {"UPDATE meta SET value = 1", "tables"},
        {"UPDATE meta SET value = 0", "version"},
        {"DELETE FROM meta", "version"},
        {"CREATE TRIGGER t AFTER INSERT ON documents BEGIN DELETE FROM documents; END", "tables"},
        {"CREATE VIEW v AS SELECT 1", "tables"},
        {"CREATE TABLE zz(a)", "tables"},
        {"CREATE INDEX i ON documents(nats)", "tables"},
        {"DROP TABLE scores", "tables"},
        {"ALTER TABLE scores ADD COLUMN more", "tables"},
        {"DROP TABLE scores; CREATE TABLE scores(model, benchmark, score, se, source)", "tables"},
        {"DROP TABLE scores; CREATE VIEW scores AS SELECT 'm' AS model, 'b' AS benchmark, 0.5 AS "
         "score, 0.0 AS se, 's' AS source",
         "tables"},
    };

    (void)state;
    make_full(file("whole.db"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check_hostile(cases[i].sql, cases[i].word);
}

/* Bytes that are flipped end in an error or in nothing: no crash, no hang. */
static void test_damaged(void **state)
{
    const cril_store_options o = {.patience_ms = 100};
    const cril_cell cell = cell_of(0, 0);
    const cril_store_corpus corpus = corpus_of(0);
    uint32_t random = 12345;
    char *bytes;
    size_t n;
    FILE *f = fopen("/dev/null", "w");

    (void)state;
    assert_non_null(f);
    make_full(file("whole.db"));
    bytes = read_file(file("whole.db"), &n);
    for (int i = 0; i < 400; i++) {
        char undo[8];
        size_t at[8], n_flips = 1 + (size_t)i % 8;
        cril_store *s;
        cril_error err;
        cril_result r;
        cril_document_score d = document_of(0, 0);

        for (size_t k = 0; k < n_flips; k++) {
            random = random * 1664525 + 1013904223;
            at[k] = i % 3 ? random % n : (random >> 8) % 4096;
            undo[k] = bytes[at[k]];
            bytes[at[k]] = (char)(bytes[at[k]] ^ (1 << (random >> 28 & 7)));
        }
        if (i % 7 == 0)
            write_file(file("bad.db"), bytes, n / 2 + random % (n / 2));
        else
            write_file(file("bad.db"), bytes, n);
        if (cril_store_open(file("bad.db"), &o, &s, &err) == CRIL_OK) {
            cril_store_dump(s, f, &err);
            if (cril_store_result(s, &cell, &corpus, NULL, &r, &err) == CRIL_OK)
                cril_result_free(&r);
            cril_store_put(s, &cell, &d, 1, &err);
            cril_store_close(s);
        }
        for (size_t k = n_flips; k-- > 0;)
            bytes[at[k]] = undo[k];
        unlink(file("bad.db-journal"));
    }
    free(bytes);
    fclose(f);
}

/* ---- Several processes ---- */

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

enum { N_MANY = 1 << 20, AT_ONCE = 7 };

static cril_document_score many(uint64_t i)
{
    cril_document_score d = document_of(20 + i % 30, 0);

    d.index = i;
    d.nats += (double)i / 3;
    return d;
}

/* A child: documents, AT_ONCE a transaction, until it is killed. */
static void write_for_ever(const char *path, uint64_t from)
{
    const cril_cell cell = cell_of(0, 9);
    cril_document_score d[AT_ONCE];
    cril_store *s;

    if (cril_store_open(path, NULL, &s, NULL) != CRIL_OK)
        _exit(3);
    for (uint64_t i = from; i + AT_ONCE <= N_MANY; i += AT_ONCE) {
        for (size_t k = 0; k < AT_ONCE; k++)
            d[k] = many(i + k);
        if (cril_store_put(s, &cell, d, AT_ONCE, NULL) != CRIL_OK)
            _exit(4);
    }
    _exit(5);
}

static void make_many(const char *path)
{
    cril_store_corpus c = corpus_of(9);
    const cril_store_model m = model_of(0);
    cril_store *s = open_store(path);
    cril_error err;

    c.documents = N_MANY;
    c.characters = c.bytes = 4 * N_MANY;
    check_ok(cril_store_put_model(s, "m1", &m, NULL, &err));
    check_ok(cril_store_put_corpus(s, "many", &c, NULL, &err));
    cril_store_close(s);
}

/* Killed at any moment, a writer leaves whole transactions, and the next one goes on. */
static void test_killed(void **state)
{
    const cril_cell cell = cell_of(0, 9);
    const cril_store_options read_only = {.read_only = true};
    uint64_t known = 0, before;
    cril_error err;

    (void)state;
    make_many(file("a.db"));
    for (int i = 0; i < 40; i++) {
        const char *path = file("a.db");
        const pid_t child = fork();
        cril_document_score *rows;
        cril_store *s;
        size_t n;
        int status;

        if (child == 0)
            write_for_ever(path, known);
        assert_true(child > 0);
        sleep_ms(3 + i * 7 % 31);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        if (i % 2)
            check_ok(cril_store_open(path, &read_only, &s, &err));
        else
            s = open_store(path);
        check_ok(cril_store_rows(s, &cell, N_MANY, &rows, &n, &err));
        assert_int_equal(n % AT_ONCE, 0);
        for (uint64_t k = 0; k < n; k++) {
            const cril_document_score want = many(k);

            assert_memory_equal(&rows[k], &want, sizeof(want));
        }
        before = known;
        known = n;
        assert_true(known >= before);
        free(rows);
        cril_store_close(s);
    }
    assert_true(known > 0);
}

/* Two processes at one cell: nothing is lost, nothing is there twice. */
static void test_two_writers(void **state)
{
    pid_t children[4];
    cril_store *s;
    char *want, *got;

    (void)state;
    make_full(file("whole.db"));
    s = open_store(file("a.db"));
    put_facts(s);
    cril_store_close(s);
    for (int i = 0; i < 4; i++) {
        const char *path = file("a.db");

        if ((children[i] = fork()) == 0) {
            s = open_store(path);
            for (uint64_t k = 0; k < N_DOCUMENTS; k++) {
                const uint64_t d = i % 2 ? N_DOCUMENTS - 1 - k : k;

                put_range(s, 0, 0, d, d + 1);
                put_range(s, 1, 1, d, d + 1);
            }
            cril_store_close(s);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    s = open_store(file("a.db"));
    put_range(s, 1, 0, 10, 20);
    import_some(s);
    {
        const cril_baseline b[] = {{"zstd -19", 33000}, {"xz -9", 34567}};
        const cril_store_corpus c = corpus_of(0);

        assert_int_equal(cril_store_put_baselines(s, c.id, b, 2, NULL), CRIL_OK);
    }
    got = dump(s);
    want = dump_of(file("whole.db"));
    assert_string_equal(got, want);
    free(want);
    free(got);
    cril_store_close(s);
}

/* Processes that find no file at once make one between them. */
static void test_made_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        pid_t children[5];
        char name[16], *text;

        snprintf(name, sizeof(name), "new%d.db", round);
        for (int i = 0; i < 5; i++) {
            const char *path = file(name);

            if ((children[i] = fork()) == 0) {
                cril_store *s;
                cril_status st = cril_store_open(path, NULL, &s, NULL);

                if (st == CRIL_OK)
                    put_facts(s);
                _exit(st != CRIL_OK);
            }
        }
        for (int i = 0; i < 5; i++) {
            int status;

            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        text = dump_of(file(name));
        assert_non_null(strstr(text, "name model \"m1\""));
        free(text);
    }
}

/* A child that claims, says so, and waits to be killed. */
static pid_t claim_in_child(const char *path, const cril_cell *cell, uint64_t from, uint64_t to)
{
    int ends[2];
    char c;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    if ((child = fork()) == 0) {
        cril_store *s;
        cril_claim *claim;

        if (cril_store_open(path, NULL, &s, NULL) != CRIL_OK ||
            cril_store_claim(s, cell, from, to, &claim, NULL) != CRIL_OK || !claim ||
            write(ends[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &c, 1), 1);
    close(ends[0]);
    return child;
}

static bool can_claim(cril_store *s, const cril_cell *cell, uint64_t from, uint64_t to)
{
    cril_claim *c;
    cril_error err;

    check_ok(cril_store_claim(s, cell, from, to, &c, &err));
    if (!c)
        return false;
    cril_claim_release(c);
    return true;
}

static void test_claims(void **state)
{
    const cril_cell cell = cell_of(0, 0), other = cell_of(1, 0);
    const uint64_t max = UINT64_C(1) << 32;
    cril_store *s = open_store(file("a.db"));
    cril_claim *c, *d;
    cril_error err;
    pid_t child;

    (void)state;
    child = claim_in_child(file("a.db"), &cell, 10, 20);
    assert_false(can_claim(s, &cell, 19, 21));
    assert_false(can_claim(s, &cell, 0, max));
    assert_true(can_claim(s, &cell, 20, max));
    assert_true(can_claim(s, &cell, 0, 10));
    assert_true(can_claim(s, &other, 0, max));
    put_facts(s); /* a claim keeps nobody from writing */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(can_claim(s, &cell, 0, max));

    /* within a process too, and beyond the store's end */
    check_ok(cril_store_claim(s, &cell, 5, 6, &c, &err));
    assert_non_null(c);
    assert_false(can_claim(s, &cell, 0, max));
    cril_store_close(s);
    s = open_store(file("a.db"));
    assert_false(can_claim(s, &cell, 5, 6));
    check_ok(cril_store_claim(s, &cell, 6, 7, &d, &err)); /* letting go of one leaves the other */
    cril_claim_release(d);
    assert_false(can_claim(s, &cell, 5, 6));

    /* a child that was forked holds it as well */
    if ((child = fork()) == 0) {
        pause();
        _exit(0);
    }
    cril_claim_release(c);
    assert_false(can_claim(s, &cell, 5, 6));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(can_claim(s, &cell, 5, 6));

    /* but not one that executes another program */
    check_ok(cril_store_claim(s, &cell, 5, 6, &c, &err));
    if ((child = fork()) == 0) {
        execl("/bin/sh", "sh", "-c", "exec sleep 30", (char *)NULL);
        _exit(1);
    }
    cril_claim_release(c);
    for (int i = 0; i < 500 && !can_claim(s, &cell, 5, 6); i++) /* until exec is through */
        sleep_ms(10);
    assert_true(can_claim(s, &cell, 5, 6));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);

    check_refused(cril_store_claim(s, &cell, 5, 5, &c, &err), CRIL_ERR_RANGE, "claimed");
    check_refused(cril_store_claim(s, &cell, 5, max + 1, &c, &err), CRIL_ERR_RANGE, "claimed");
    assert_int_equal(unlink(file("a.db-lock")), 0);
    assert_int_equal(mkdir(file("a.db-lock"), 0777), 0);
    check_refused(cril_store_claim(s, &cell, 5, 6, &c, &err), CRIL_ERR_IO, "a.db-lock");
    cril_store_close(s);
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_round_trip),
        store_test(test_missing),
        store_test(test_cells),
        store_test(test_upgrade),
        store_test(test_upgrade_of_2_refused),
        store_test(test_upgrade_refused),
        store_test(test_limits),
        store_test(test_token_ids),
        store_test(test_names_of_a_file),
        store_test(test_synchronous),
        store_test(test_conflicts),
        store_test(test_changed),
        store_test(test_refused_values),
        store_test(test_imports),
        store_test(test_unknown_errors),
        store_test(test_table),
        store_test(test_baselines),
        store_test(test_files),
        store_test(test_read_only),
        store_test(test_locked),
        store_test(test_full),
        store_test(test_merge),
        store_test(test_merge_conflicts),
        store_test(test_merge_options),
        store_test(test_hostile),
        store_test(test_damaged),
        store_test(test_killed),
        store_test(test_two_writers),
        store_test(test_claims),
        store_test(test_made_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
