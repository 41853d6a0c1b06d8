/*
 * Benchmarks in a store: what comes back is what went in, benchmarks that differ in their limit
 * share items, what is known cannot change, several files become one in any order, and what no run
 * could have written is refused.
 */
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "study/store.h"
#include "study_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Something to store ---- */

static cril_store_model model_of(int i)
{
    cril_store_model m = {.parameters = 1000, .bytes = 5000, .context = 2048};

    memset(m.sha256, 'a' + i, 64);
    strcpy(m.architecture, "llama");
    return m;
}

/* Places 2, 4 ... 2 n of algebra and 0 ... 9 of biology; limit 0: n is 5. */
static cril_store_benchmark benchmark_of(uint64_t limit, cril_store_subject subjects[2])
{
    const uint64_t algebra = limit ? limit : 5, biology = limit ? limit : 10;
    cril_store_benchmark b = {
        .task = "mmlu", .protocol = "paper", .limit = limit, .items = algebra + biology};

    memset(b.protocol_sha256, '1', 64);
    memset(b.data_sha256, '2', 64);
    assert_int_equal(cril_store_benchmark_id(&b, NULL), CRIL_OK);
    subjects[0] = (cril_store_subject){"algebra", algebra, 2 * algebra};
    subjects[1] = (cril_store_subject){"biology", biology, biology - 1};
    return b;
}

static cril_item_cell cell_of(int model)
{
    const cril_store_model m = model_of(model);
    cril_store_subject subjects[2];
    const cril_store_benchmark b = benchmark_of(0, subjects);
    cril_item_cell c;

    cril_item_cell_of(&m, &b, &c);
    return c;
}

static cril_store *open_store(const char *path)
{
    cril_store *s;
    cril_error err;

    check_ok(cril_store_open(path, NULL, &s, &err));
    return s;
}

static void put_benchmark(cril_store *s, const char *name, uint64_t limit)
{
    cril_store_subject subjects[2];
    const cril_store_benchmark b = benchmark_of(limit, subjects);
    cril_error err;

    check_ok(cril_store_put_benchmark(s, name, &b, subjects, 2, NULL, &err));
}

static void put_facts(cril_store *s)
{
    cril_error err;

    for (int i = 0; i < 2; i++) {
        const cril_store_model m = model_of(i);

        check_ok(cril_store_put_model(s, i ? "m2" : "m1", &m, NULL, &err));
    }
    put_benchmark(s, "MMLU", 0);
}

/* The line of an item, until the next call. */
static cril_store_item item_of(const char *subject, uint64_t index, int acc)
{
    static char line[160];
    const int len = snprintf(line, sizeof(line),
                             "{\"task\": \"mmlu\", \"subject\": \"%s\", \"protocol\": \"paper\", "
                             "\"index\": %u, \"acc\": %d}",
                             subject, (unsigned)index, acc);

    return (cril_store_item){subject, index, line, (size_t)len};
}

static cril_status put(cril_store *s, int model, const char *subject, uint64_t index, int acc,
                       const char *programs, cril_error *err)
{
    const cril_item_cell c = cell_of(model);
    const cril_store_item item = item_of(subject, index, acc);

    return cril_store_put_items(s, &c, &item, 1, programs, err);
}

static void put_some(cril_store *s, int model, const char *subject, uint64_t from, uint64_t to,
                     uint64_t step)
{
    cril_error err;

    for (uint64_t i = from; i <= to; i += step)
        check_ok(put(s, model, subject, i, i % 3 == 0, NULL, &err));
}

static uint64_t count(cril_store *s, int model, uint64_t limit)
{
    const cril_item_cell c = cell_of(model);
    cril_store_subject subjects[2];
    const cril_store_benchmark b = benchmark_of(limit, subjects);
    uint64_t n;
    cril_error err;

    check_ok(cril_store_count_items(s, &c, &b, &n, &err));
    return n;
}

/* ---- Round trips ---- */

struct seen {
    char text[400];
    size_t n;
};

static cril_status see(void *user, const cril_store_item *item, cril_error *err)
{
    struct seen *x = user;
    const size_t len = strlen(x->text);

    (void)err;
    snprintf(x->text + len, sizeof(x->text) - len, "%.3s%u ", item->subject, (unsigned)item->index);
    x->n += item->len;
    return CRIL_OK;
}

static void test_round_trip(void **state)
{
    const cril_item_cell c = cell_of(0);
    cril_store_subject subjects[2];
    cril_store *s = open_store(file("a.db"));
    cril_store_benchmark b = benchmark_of(3, subjects), got = {.limit = 0};
    struct seen seen = {.n = 0};
    cril_item_cell *cells;
    cril_error err;
    size_t n;
    bool found, changed;
    char *text;

    (void)state;
    put_facts(s);
    put_benchmark(s, "first", 3);
    put_some(s, 0, "biology", 0, 9, 1);
    put_some(s, 0, "algebra", 4, 10, 2);
    put_some(s, 1, "algebra", 2, 2, 1);
    assert_int_equal(count(s, 0, 0), 14);
    assert_int_equal(count(s, 0, 3), 5); /* what is there serves any limit */
    assert_int_equal(count(s, 1, 3), 1);
    check_ok(cril_store_each_item(s, &c, &b, see, &seen, &err));
    assert_string_equal(seen.text, "alg4 alg6 bio0 bio1 bio2 ");
    assert_true(seen.n > 5 * 60);

    check_ok(cril_store_find_benchmark(s, "first", &got, &found, &err));
    assert_true(found);
    assert_memory_equal(&got, &b, sizeof(b));
    assert_int_equal(got.items, 6);
    check_ok(cril_store_find_benchmark(s, "second", &got, &found, &err));
    assert_false(found);
    b = benchmark_of(4, subjects);
    check_ok(cril_store_put_benchmark(s, "first", &b, subjects, 2, &changed, &err));
    assert_true(changed);
    check_ok(cril_store_put_benchmark(s, "first", &b, subjects, 2, &changed, &err));
    assert_false(changed);

    check_ok(cril_store_item_cells(s, &cells, &n, &err));
    assert_int_equal(n, 2);
    assert_true(!memcmp(&cells[0], &c, sizeof(c)) || !memcmp(&cells[1], &c, sizeof(c)));
    free(cells);
    text = dump(s);
    assert_non_null(strstr(text, "task \"mmlu\" protocol \"paper\" 1111"));
    assert_non_null(strstr(text, " limit 3 items 6\nsubject \"algebra\" items 3 last 6\n"
                                 "subject \"biology\" items 3 last 2\n"));
    assert_non_null(strstr(text, "\nitem \"algebra\" 4 {\"task\": \"mmlu\""));
    assert_non_null(strstr(text, "\nname benchmark \"MMLU\" "));
    assert_non_null(strstr(text, "\nunicode pcre2 "));
    free(text);
    cril_store_close(s);
}

/* Items of a task without subjects. */
static void test_no_subject(void **state)
{
    static const char line[] = "{\"task\": \"arc\", \"index\": 7}";
    const cril_store_item item = {"", 7, line, sizeof(line) - 1};
    const cril_store_subject subject = {"", 3, 9};
    const cril_store_model m = model_of(0);
    cril_store_benchmark b = {.task = "arc", .protocol = "harness,shots=3"};
    cril_store *s = open_store(file("a.db"));
    cril_item_cell c;
    uint64_t n;
    cril_error err;

    (void)state;
    memset(b.protocol_sha256, '1', 64);
    memset(b.data_sha256, '2', 64);
    check_ok(cril_store_benchmark_id(&b, &err));
    cril_item_cell_of(&m, &b, &c);
    put_facts(s);
    check_ok(cril_store_put_benchmark(s, "ARC", &b, &subject, 1, NULL, &err));
    check_ok(cril_store_put_items(s, &c, &item, 1, NULL, &err));
    check_ok(cril_store_count_items(s, &c, &b, &n, &err));
    assert_int_equal(n, 1);
    free(dump(s));
    cril_store_close(s);
}

/* ---- What is refused ---- */

static void test_conflicts(void **state)
{
    cril_store_subject subjects[2];
    cril_store_benchmark b = benchmark_of(0, subjects);
    cril_store *s = open_store(file("a.db"));
    char *before, *after;
    cril_error err;

    (void)state;
    put_facts(s);
    check_ok(put(s, 0, "biology", 3, 1, "Python 3.11.2 numpy 1.26.4", &err));
    before = dump(s);
    assert_non_null(strstr(before, "\nprograms \"Python 3.11.2 numpy 1.26.4\"\n"));
    check_ok(put(s, 0, "biology", 3, 1, NULL, &err)); /* the same is nothing new */
    check_refused(put(s, 0, "biology", 3, 0, "Python 3.12.1", &err), CRIL_ERR_MISMATCH,
                  "item 3 of biology of MMLU by m1, protocol 111111111111, is known with \"acc\" 1 "
                  "(Python 3.11.2 numpy 1.26.4) and came with \"acc\" 0 (Python 3.12.1)");
    subjects[1].last++;
    check_refused(cril_store_put_benchmark(s, "MMLU", &b, subjects, 2, NULL, &err),
                  CRIL_ERR_MISMATCH, "has other facts of the benchmark");
    after = dump(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    cril_store_close(s);
}

static void check_line_refused(cril_store *s, const char *subject, uint64_t index, const char *line,
                               const char *word)
{
    const cril_item_cell c = cell_of(0);
    const cril_store_item item = {subject, index, line, strlen(line)};
    cril_error err;

    check_refused(cril_store_put_items(s, &c, &item, 1, NULL, &err), CRIL_ERR_RANGE, word);
}

static void test_refused(void **state)
{
    static const char good[] = "{\"task\": \"mmlu\", \"subject\": \"biology\", \"index\": 3}";
    const cril_store_item item = {"biology", 3, good, sizeof(good) - 1};
    cril_store_subject subjects[2];
    cril_store_benchmark b = benchmark_of(0, subjects);
    cril_store *s = open_store(file("a.db"));
    cril_item_cell c = cell_of(2);
    cril_error err;

    (void)state;
    put_facts(s);
    check_line_refused(s, "biology", 10, good, "no benchmark that it knows asks for it");
    check_line_refused(s, "chemistry", 3, good, "no benchmark that it knows asks for it");
    check_line_refused(s, "biology", 4, good, "item 4 of biology of the task mmlu: its line");
    check_line_refused(s, "algebra", 3, good, "its line is not");
    check_line_refused(s, "biology", 3, "", "its line is not");
    check_line_refused(s, "biology", 3, "[3]", "its line is not");
    check_line_refused(s, "biology", 3, "{\"task\": \"mmlu\", \"index\": 3}", "its line is not");
    check_line_refused(s, "biology", 3,
                       "{\"task\": \"mmlu\", \"subject\": \"biology\", \"index\": 3.0}",
                       "its line is not");
    check_line_refused(s, "biology", 3,
                       "{\"task\": \"arc\", \"subject\": \"biology\", \"index\": 3}",
                       "its line is not");
    check_line_refused(s, "biology", 3,
                       "{\"task\": \"mmlu\",\n\"subject\": \"biology\", \"index\": 3}",
                       "its line is not");
    check_refused(cril_store_put_items(s, &c, &item, 1, NULL, &err), CRIL_ERR_RANGE,
                  "nothing of the model cccccccccccc");
    c = cell_of(0);
    memset(c.data_sha256, '3', 64);
    check_refused(cril_store_put_items(s, &c, &item, 1, NULL, &err), CRIL_ERR_RANGE,
                  "nothing of the data 333333333333");
    c.task[0] = '\n';
    check_refused(cril_store_put_items(s, &c, &item, 1, NULL, &err), CRIL_ERR_RANGE,
                  "cannot be filed");
    c = cell_of(0);
    check_refused(cril_store_put_items(s, &c, &item, 1, "a\nb", &err), CRIL_ERR_RANGE,
                  "versions of what ran programs");
    b.id[0] = b.id[0] == '0' ? '1' : '0';
    check_refused(cril_store_put_benchmark(s, "MMLU", &b, subjects, 2, NULL, &err), CRIL_ERR_RANGE,
                  "cannot hold a benchmark");
    b = benchmark_of(0, subjects);
    subjects[0].items = 0;
    check_refused(cril_store_put_benchmark(s, "MMLU", &b, subjects, 2, NULL, &err), CRIL_ERR_RANGE,
                  "with 2 subjects");
    subjects[0] = (cril_store_subject){"algebra", 12, 10}; /* more items than places */
    check_refused(cril_store_put_benchmark(s, "MMLU", &b, subjects, 2, NULL, &err), CRIL_ERR_RANGE,
                  "with 2 subjects");
    assert_int_equal(count(s, 0, 0), 0);
    cril_store_close(s);
}

/* Rows that no run has written, put there by another program. */
static void test_hostile(void **state)
{
    static const char *const damages[] = {
        "UPDATE items SET line = '{}' WHERE idx = 4",
        "UPDATE items SET line = x'7b7d' WHERE idx = 4",
        "UPDATE items SET line = line || ' ' || x'0a' WHERE idx = 4",
        "UPDATE items SET idx = 5 WHERE idx = 4",
        "UPDATE items SET idx = -1 WHERE idx = 4",
        "UPDATE items SET subject = 'biology' WHERE idx = 10",
        "UPDATE items SET subject = x'00' WHERE idx = 4",
        "INSERT INTO items SELECT cell, subject, 12, replace(line, '10,', '12,') FROM items WHERE "
        "idx = 10",
        "UPDATE item_cells SET rules = rules + 1",
        "UPDATE item_cells SET task = 'arc'",
        "UPDATE item_cells SET model = 'x'",
        "UPDATE benchmarks SET lim = 3",
        "UPDATE benchmarks SET task = ''",
        "UPDATE benchmarks SET data = 'abc'",
        "UPDATE benchmarks SET protocol = x'07'",
        "DELETE FROM subjects",
        "DELETE FROM subjects WHERE subject = 'algebra'",
        "DELETE FROM benchmarks",
        "UPDATE subjects SET items = 0",
        "UPDATE subjects SET items = 'x'",
        "UPDATE subjects SET last = 1",
        "UPDATE subjects SET last = -1",
        "UPDATE programs SET versions = ''",
        "UPDATE programs SET versions = x'05'",
        "UPDATE names SET kind = 'task' WHERE kind = 'benchmark'",
    };
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        char path[32];
        cril_store *s, *into;
        const char *from;
        cril_status st;
        FILE *f = fopen("/dev/null", "w");

        snprintf(path, sizeof(path), "%zu.db", i);
        s = open_store(from = file(path));
        put_facts(s);
        put_some(s, 0, "algebra", 2, 10, 2);
        check_ok(put(s, 0, "biology", 0, 1, "Python 3", &err));
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
    cril_store *s;
    cril_error err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        s = open_store(parts[i]);
        put_facts(s);
        put_benchmark(s, "first", 3);
        if (i != 1)
            put_some(s, 0, "biology", (uint64_t)i, 6, 1);
        put_some(s, i == 2, "algebra", 2, 4 + 2 * (uint64_t)i, 2);
        check_ok(put(s, 1, "biology", 9, 1, i ? "Python 3.11" : "Python 3.12", &err));
        cril_store_close(s);
    }
    for (int first = 0; first < 3; first++) {
        char name[16];
        const char *const order[] = {parts[first], parts[(first + 1) % 3], parts[(first + 2) % 3]};

        snprintf(name, sizeof(name), "all-%d.db", first);
        s = open_store(file(name));
        check_ok(cril_store_merge(s, order, 3, NULL, &err));
        got = dump(s);
        if (first) {
            assert_string_equal(got, want);
            free(got);
        } else {
            want = got;
            assert_int_equal(count(s, 0, 0), 7 + 3);
            assert_non_null(strstr(want, "programs \"Python 3.11\"\nprograms \"Python 3.12\"\n"));
        }
        cril_store_close(s);
    }
    free(want);
    s = open_store(file("measured.db"));
    check_ok(
        cril_store_merge(s, parts, 3, &(cril_store_merge_options){.measured_only = true}, &err));
    got = dump(s);
    assert_null(strstr(got, "\nname "));
    assert_int_equal(count(s, 0, 0), 7 + 3);
    free(got);
    cril_store_close(s);
}

static void test_merge_conflicts(void **state)
{
    const char *const other = file("other.db");
    cril_store *s = open_store(file("a.db"));
    cril_store *o = open_store(other);
    char *before, *after;
    cril_error err;

    (void)state;
    put_facts(s);
    put_facts(o);
    put_some(s, 0, "biology", 0, 5, 1);
    put_some(o, 0, "biology", 0, 4, 1);
    check_ok(put(o, 0, "biology", 5, 1, "Python 3.12", &err));
    put_some(o, 0, "biology", 6, 9, 1);
    cril_store_close(o);
    before = dump(s);
    check_refused(cril_store_merge(s, &other, 1, NULL, &err), CRIL_ERR_MISMATCH,
                  "item 5 of biology of MMLU by m1, protocol 111111111111, is known with \"acc\" 0 "
                  "(no program) and came with \"acc\" 1 (Python 3.12)");
    o = open_store(other);
    put_benchmark(o, "MMLU", 3); /* a name for another thing */
    cril_store_close(o);
    check_refused(cril_store_merge(s, &other, 1, NULL, &err), CRIL_ERR_MISMATCH,
                  "here the benchmark \"MMLU\" is");
    after = dump(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    cril_store_close(s);
}

static void test_claims(void **state)
{
    const cril_item_cell c = cell_of(0), d = cell_of(1);
    cril_store *s = open_store(file("a.db"));
    cril_claim *one, *two, *three;
    cril_error err;

    (void)state;
    check_ok(cril_claim_items(s, &c, 0, 5, &one, &err));
    assert_non_null(one);
    check_ok(cril_claim_items(s, &c, 4, 6, &two, &err));
    assert_null(two);
    check_ok(cril_claim_items(s, &c, 5, 6, &two, &err));
    check_ok(cril_claim_items(s, &d, 0, 5, &three, &err));
    assert_true(two && three);
    cril_claim_release(one);
    cril_claim_release(two);
    cril_claim_release(three);
    cril_store_close(s);
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_round_trip),      store_test(test_no_subject), store_test(test_conflicts),
        store_test(test_refused),         store_test(test_hostile),    store_test(test_merge),
        store_test(test_merge_conflicts), store_test(test_claims),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
