/*
 * Leak scores in a store: what comes back is what went in, what is known cannot change, a name
 * moves to other texts, several files become one in any order, and what no run could have written
 * is refused.
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

static const char *const scores[] = {"min_k_20", "min_k_plus_plus_20", "loss", "blind"};

static cril_store_leak row_of(int model, int texts, size_t score)
{
    cril_store_leak l = {.numerics = CRIL_NUMERICS,
                         .rules = CRIL_RULES,
                         .n_set = 30,
                         .n_control = 20,
                         .auc = .5 + .1 * (double)score,
                         .low = .25,
                         .high = .875};

    memset(l.model, 'a' + model, 64);
    memset(l.texts, '0' + texts, 64);
    strcpy(l.score, scores[score]);
    return l;
}

static cril_store *open_store(const char *path)
{
    cril_store *s;
    cril_error err;

    check_ok(cril_store_open(path, NULL, &s, &err));
    return s;
}

static void put(cril_store *s, const char *name, int model, int texts)
{
    cril_store_leak rows[4];
    cril_error err;

    for (size_t i = 0; i < 4; i++)
        rows[i] = row_of(model, texts, i);
    check_ok(cril_store_put_leaks(s, name, rows[0].texts, rows, 4, &err));
}

static bool has(cril_store *s, const char *name, int model, size_t score, cril_store_leak *out)
{
    const cril_store_leak key = row_of(model, 0, score);
    cril_error err;
    bool found;

    check_ok(cril_store_find_leak(s, name, key.model, key.score, out, &found, &err));
    return found;
}

static void test_round_trip(void **state)
{
    cril_store *s = open_store(file("a.db"));
    cril_store_leak got, want = row_of(1, 2, 3);
    const cril_store_leak other = row_of(0, 3, 0);
    cril_error err;
    bool found;

    (void)state;
    assert_false(has(s, "G test", 1, 3, &got));
    put(s, "G test", 1, 2);
    put(s, "G train", 1, 3);
    put(s, "G train", 0, 3);
    assert_true(has(s, "G test", 1, 3, &got));
    assert_memory_equal(&got, &want, sizeof(got));
    assert_true(has(s, "G train", 0, 0, &got));
    assert_true(got.auc == other.auc);
    assert_false(has(s, "G test", 0, 0, &got));
    assert_false(has(s, "H test", 1, 0, &got));
    check_ok(cril_store_find_leak(s, "G test", want.model, "zlib", &got, &found, &err));
    assert_false(found);
    check_ok(cril_store_find_leak(s, "G test", want.model,
                                  "a name that is longer than any score's, and does not fit", &got,
                                  &found, &err));
    assert_false(found);
    check_ok(cril_store_find_leak(s, "G test", "x", "loss", &got, &found, &err));
    assert_false(found);
    check_ok(cril_store_has_leak(s, want.texts, want.model, &found, &err));
    assert_true(found);
    check_ok(cril_store_has_leak(s, want.texts, other.model, &found, &err));
    assert_false(found);
    want.numerics++; /* of another contract: kept, and not the study's */
    want.auc = .1;
    check_ok(cril_store_put_leaks(s, "G test", want.texts, &want, 1, &err));
    assert_true(has(s, "G test", 1, 3, &got) && got.auc != .1);
    check_ok(cril_store_put_leaks(s, "G test", other.texts, NULL, 0, &err)); /* other texts */
    assert_false(!has(s, "G test", 0, 0, &got) || strcmp(got.texts, other.texts) != 0);
    cril_store_close(s);
}

static void test_conflicts(void **state)
{
    cril_store *s = open_store(file("a.db"));
    cril_store_leak rows[5];
    char *before, *after;
    cril_error err;

    (void)state;
    put(s, "G test", 1, 2);
    before = dump(s);
    put(s, "G test", 1, 2);
    for (size_t i = 0; i < 5; i++)
        rows[i] = row_of(1, 2, 1);
    rows[0].auc = nextafter(rows[0].auc, 1);
    rows[1].low = nextafter(rows[1].low, 1);
    rows[2].high = nextafter(rows[2].high, 1);
    rows[3].n_set++;
    rows[4].n_control++;
    for (size_t i = 0; i < 5; i++)
        check_refused(cril_store_put_leaks(s, "G test", rows[i].texts, &rows[i], 1, &err),
                      CRIL_ERR_MISMATCH, "min_k_plus_plus_20 by bbbbbbbbbbbb on G test is known");
    after = dump(s);
    assert_string_equal(before, after);
    assert_non_null(strstr(before, "score loss numerics 1 rules 2 set 30 control 20 auc 0.7 low "
                                   "0.25 high 0.875\n"));
    free(before);
    free(after);
    cril_store_close(s);
}

static void test_refused(void **state)
{
    cril_store *s = open_store(file("a.db"));
    cril_store_leak bad[9];
    cril_error err;

    (void)state;
    for (size_t i = 0; i < 9; i++)
        bad[i] = row_of(1, 2, 0);
    bad[0].auc = 1.5;
    bad[1].auc = NAN;
    bad[2].low = -.1;
    bad[3].high = .1; /* below low */
    bad[4].n_set = 1;
    bad[5].n_control = 1;
    strcpy(bad[6].score, "zlib"); /* its figures differ between machines */
    bad[7].model[3] = 'x';
    bad[8].rules = -1;
    for (size_t i = 0; i < 9; i++)
        check_refused(cril_store_put_leaks(s, "G test", bad[i].texts, &bad[i], 1, &err),
                      CRIL_ERR_RANGE, "cannot hold the leak score");
    check_refused(cril_store_put_leaks(s, "G test", "12", NULL, 0, &err), CRIL_ERR_RANGE,
                  "no SHA-256");
    bad[0] = row_of(1, 2, 0);
    bad[1] = row_of(1, 3, 1);
    check_refused(cril_store_put_leaks(s, "G test", bad[0].texts, bad, 2, &err), CRIL_ERR_RANGE,
                  "not of the texts");
    check_refused(cril_store_put_leaks(s, "", bad[0].texts, bad, 1, &err), CRIL_ERR_RANGE,
                  "name of a leak");
    cril_store_close(s);
}

static void test_hostile(void **state)
{
    static const char *const damages[] = {
        "UPDATE leaks SET auc = 2 WHERE score = 'loss'",
        "UPDATE leaks SET auc = 'x' WHERE score = 'loss'",
        "UPDATE leaks SET low = -1 WHERE score = 'loss'",
        "UPDATE leaks SET high = 0.1 WHERE score = 'loss'",
        "UPDATE leaks SET n_set = 1 WHERE score = 'loss'",
        "UPDATE leaks SET n_control = -3 WHERE score = 'loss'",
        "UPDATE leaks SET score = 'chess' WHERE score = 'loss'",
        "UPDATE leaks SET model = 'x' WHERE score = 'loss'",
        "UPDATE leaks SET texts = '' WHERE score = 'loss'",
        "UPDATE leaks SET numerics = -1 WHERE score = 'loss'",
        "UPDATE names SET kind = 'leaks' WHERE kind = 'leak'",
    };
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        const char *from = numbered("bad", (unsigned)i);
        cril_store *s = open_store(from), *into;
        FILE *f = fopen("/dev/null", "w");
        cril_status st;

        put(s, "G test", 1, 2);
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

static void test_merge(void **state)
{
    const char *const one = file("1.db"), *const two = file("2.db"), *const both[] = {one, two},
                      *const turned[] = {two, one};
    cril_store *s = open_store(file("whole.db"));
    cril_store_leak row = row_of(1, 2, 0);
    cril_error err;

    (void)state;
    put(s, "G test", 1, 2);
    put(s, "G test", 0, 2);
    put(s, "G train", 0, 3);
    cril_store_close(s);
    s = open_store(one);
    put(s, "G test", 1, 2);
    put(s, "G train", 0, 3);
    cril_store_close(s);
    s = open_store(two);
    put(s, "G test", 0, 2);
    put(s, "G test", 1, 2);
    cril_store_close(s);
    check_ok(merge(file("a.db"), both, 2, &err));
    check_ok(merge(file("b.db"), turned, 2, &err));
    check_same(file("a.db"), file("whole.db"));
    check_same(file("b.db"), file("whole.db"));
    s = open_store(file("other.db"));
    row.auc = .5625;
    check_ok(cril_store_put_leaks(s, "G test", row.texts, &row, 1, &err));
    cril_store_close(s);
    check_refused(merge(file("a.db"), (const char *[]){file("other.db")}, 1, &err),
                  CRIL_ERR_MISMATCH, "min_k_20 by bbbbbbbbbbbb on G test is known");
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {store_test(test_round_trip), store_test(test_conflicts),
                                       store_test(test_refused), store_test(test_hostile),
                                       store_test(test_merge)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
