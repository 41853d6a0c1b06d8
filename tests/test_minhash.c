/*
 * Near-duplicates: signatures against datatrove's, keys that come again against a plain search,
 * clusters, and how often pairs of a known similarity are found against the theory. Memory changes
 * no result: every bound is tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/minhash.h"
#include "gather/repeats.h"
#include "gather/step.h"
#include "shingle_pairs.h"
#include "util/random.h"
#include "util/xxh64.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(cril_status st, const cril_error *err)
{
    if (st != CRIL_OK)
        fail_msg("%s", err->message);
}

/* Short texts, whose values python-xxhash gives; test_golden has long ones. */
static void test_xxh64(void **state)
{
    (void)state;
    assert_int_equal(cril_xxh64("", 0, 0), UINT64_C(0xef46db3751d8e999));
    assert_int_equal(cril_xxh64("a", 1, 0), UINT64_C(0xd24ec4f1a98c6e5b));
    assert_int_equal(cril_xxh64("abc", 3, 0), UINT64_C(0x44bc2cf5ad770999));
}

static void test_golden(void **state)
{
    FILE *f = fopen(CRIL_TEST_DATA "/golden/quality.jsonl", "r");
    struct cril_minhash_hashes h;
    struct cril_draft d = {0};
    json_t *record;
    size_t line = 0;

    (void)state;
    assert_non_null(f);
    cril_minhash_init(&h);
    while ((record = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        const json_t *text = json_object_get(record, "text");
        const char *want = json_string_value(json_object_get(record, "minhash"));
        uint64_t minima[CRIL_MINHASH_HASHES], keys[CRIL_MINHASH_BANDS];
        char got[17];
        cril_error err;
        size_t n;

        line++;
        cril_draft_set(&d, json_string_value(text), json_string_length(text));
        check(cril_minhash_of(&h, &d, minima, &n, &err), &err);
        assert_int_equal(n > 0, want != NULL);
        if (n) {
            cril_minhash_keys(minima, keys);
            snprintf(got, sizeof(got), "%016llx",
                     (unsigned long long)cril_xxh64(keys, sizeof(keys), 0));
            if (strcmp(got, want) != 0)
                fail_msg("line %zu: got %s, want %s: '%s'", line, got, want,
                         json_string_value(text));
        }
        json_decref(record);
    }
    assert_true(line > 150);
    fclose(f);
    cril_draft_free(&d);
}

/* first of each key, by number. */
static void take_first(void *arg, uint64_t first, uint64_t again)
{
    uint64_t *firsts = arg;

    assert_true(first < again);
    assert_true(firsts[again] == again || firsts[again] == first);
    firsts[again] = first;
}

/* n keys, about a third of them new; of `few` values where that is not 0; crowded: of one range. */
static uint64_t *make_keys(size_t n, uint32_t few, bool crowded)
{
    uint64_t *keys = malloc(n * sizeof(*keys));
    struct cril_random g = cril_random_seed(n);

    assert_non_null(keys);
    for (size_t i = 0; i < n; i++) {
        const uint32_t value =
            few ? cril_random_below(&g, few) : cril_random_below(&g, (uint32_t)n);

        keys[i] = cril_xxh64(&value, sizeof(value), 0) >> (crowded ? 30 : 0);
    }
    if (n > 500) { /* the ends of the range of keys */
        keys[100] = keys[400] = UINT64_MAX;
        keys[200] = keys[500] = 0;
    }
    return keys;
}

static void check_repeats(const uint64_t *keys, size_t n, size_t memory, size_t table)
{
    uint64_t *firsts = malloc(n * sizeof(*firsts));
    struct cril_repeats *r;
    cril_error err;

    assert_non_null(firsts);
    check(cril_repeats_create(memory, NULL, &r, &err), &err);
    for (size_t i = 0; i < n; i++) {
        firsts[i] = i;
        check(cril_repeats_add(r, keys[i], &err), &err);
    }
    assert_int_equal(cril_repeats_count(r), n);
    assert_true(cril_repeats_memory(r) <= (memory > 4096 ? memory : 4096) + 256);
    check(cril_repeats_find(r, table, take_first, firsts, &err), &err);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(keys[firsts[i]], keys[i]);
        /* It is the first: its own first is itself, and two firsts are of different keys below. */
        assert_int_equal(firsts[firsts[i]], firsts[i]);
    }
    for (size_t i = 1; i < n && i < 2000; i++) {
        size_t k = 0;

        while (keys[k] != keys[i])
            k++;
        assert_int_equal(firsts[i], k);
    }
    cril_repeats_free(r);
    free(firsts);
}

static void test_repeats(void **state)
{
    static const struct {
        size_t n;
        uint32_t few;
        bool crowded;
    } cases[] = {{0, 0, false},     {1, 0, false},      {512, 0, false}, {513, 5, false},
                 {30000, 0, false}, {30000, 10, false}, {30000, 0, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t *keys = make_keys(cases[i].n, cases[i].few, cases[i].crowded);

        check_repeats(keys, cases[i].n, 0, 0);
        check_repeats(keys, cases[i].n, 100000, 0);
        check_repeats(keys, cases[i].n, 1 << 20, 1 << 20);
        free(keys);
    }
}

/* A folder that is not there: the error names it. Without need of a file there is none. */
static void test_folder(void **state)
{
    struct cril_repeats *r;
    cril_error err;
    cril_status st = CRIL_OK;

    (void)state;
    check(cril_repeats_create(0, "/nonexistent/folder", &r, &err), &err);
    for (uint64_t i = 0; i < 512; i++)
        check(cril_repeats_add(r, i, &err), &err);
    st = cril_repeats_add(r, 512, &err);
    assert_int_equal(st, CRIL_ERR_IO);
    assert_non_null(strstr(err.message, "/nonexistent/folder"));
    cril_repeats_free(r);
}

/* Document i has keys of its own but where it shares band b with another one. */
static void own_keys(uint64_t keys[CRIL_MINHASH_BANDS], uint64_t i)
{
    for (uint64_t b = 0; b < CRIL_MINHASH_BANDS; b++) {
        const uint64_t at[2] = {i, b};

        keys[b] = cril_xxh64(at, sizeof(at), 7);
    }
}

static void test_clusters(void **state)
{
    /* 0 and 3 share band 13, 3 and 5 band 0, so 5 is in the cluster of 0; 2 and 4 have no keys; 7
     * and 8 share a number, but not of the same band. */
    static const bool repeats[] = {false, false, false, true, false, true, false, false, false};
    uint64_t keys[9][CRIL_MINHASH_BANDS];
    struct cril_clusters *c;
    cril_error err;

    (void)state;
    for (uint64_t i = 0; i < 9; i++)
        own_keys(keys[i], i);
    keys[3][13] = keys[0][13];
    keys[5][0] = keys[3][0];
    keys[8][2] = keys[7][1];
    check(cril_clusters_create(1 << 20, NULL, &c, &err), &err);
    for (size_t i = 0; i < 9; i++)
        check(cril_clusters_add(c, i == 2 || i == 4 ? NULL : keys[i], &err), &err);
    check(cril_clusters_decide(c, &err), &err);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(cril_clusters_repeats(c, i), repeats[i]);
    assert_false(cril_clusters_repeats(c, 9));
    cril_clusters_free(c);
}

static void test_too_little(void **state)
{
    uint64_t keys[CRIL_MINHASH_BANDS];
    struct cril_clusters *c;
    cril_error err;

    (void)state;
    check(cril_clusters_create(4000, NULL, &c, &err), &err);
    for (uint64_t i = 0; i < 600; i++) {
        own_keys(keys, i);
        check(cril_clusters_add(c, keys, &err), &err);
    }
    assert_int_equal(cril_clusters_decide(c, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "600 documents"));
    cril_clusters_free(c);
}

/*
 * Pairs found, against the sum of each one's probability. A pair is found or not by its own
 * shingles' hashes, so the count's variance is the sum of p (1 - p); 4 standard deviations and half
 * a pair are allowed in each of 10 bins, which chance exceeds once in 1,500 runs; this is one run.
 */
static void test_pairs(void **state)
{
    struct cril_pair_bin bins[CRIL_PAIR_BINS] = {{0}};
    cril_error err;

    (void)state;
    check(cril_pairs_measure(2000 / CRIL_TEST_SCALE, bins, &err), &err);
    for (size_t i = 0; i < CRIL_PAIR_BINS; i++) {
        const double off = fabs((double)bins[i].found - bins[i].expected);

        if (off > 4 * sqrt(bins[i].variance) + 0.5)
            fail_msg("similarity %zu/%d: %zu of %zu pairs found, %.1f expected", i, CRIL_PAIR_BINS,
                     bins[i].found, bins[i].n, bins[i].expected);
    }
    assert_int_equal(bins[CRIL_PAIR_BINS - 1].found, bins[CRIL_PAIR_BINS - 1].n);
}

enum { N_TEXTS = 3000, TEXT_BYTES = 400 };

/* Which of N_TEXTS texts the step drops, with so much memory; ones of 0 to 20 words, with
 * repetitions and small changes. */
static void run_step(size_t memory, bool *kept, struct cril_step_count *count)
{
    const struct cril_step_options o = {.memory_bytes = memory};
    struct cril_step_marks m = {0};
    struct cril_draft d = {0};
    struct cril_step_run run;
    char text[TEXT_BYTES];
    cril_error err;

    check(cril_step_create(&cril_step_near_duplicates, &o, &run, &err), &err);
    for (int pass = 0; pass < 2; pass++) {
        struct cril_random g = cril_random_seed(5);

        for (size_t i = 0; i < N_TEXTS; i++) {
            const uint32_t start = cril_random_below(&g, 900), n = cril_random_below(&g, 21);
            int len = 0;

            for (uint32_t k = 0; k < n; k++)
                len += snprintf(text + len, sizeof(text) - (size_t)len, "w%c%c%s ",
                                'a' + (int)((start + k) % 26), 'a' + (int)((start + k) / 26),
                                cril_random_below(&g, 40) ? "" : "x");
            cril_draft_set(&d, text, (size_t)len);
            if (pass) {
                check(cril_step_apply(&run, &d, count, &kept[i], &err), &err);
            } else {
                check(cril_step_mark(&run, &d, &m, &err), &err);
                check(cril_step_note(&run, &m, &err), &err);
            }
        }
        if (!pass)
            check(cril_step_decide(&run, &err), &err);
    }
    cril_step_free(&run);
    cril_draft_free(&d);
    free(m.values);
}

static void test_step(void **state)
{
    static const size_t memory[] = {1 << 16, 1 << 18};
    static bool want[N_TEXTS], got[N_TEXTS];
    struct cril_step_count count = {0};

    (void)state;
    run_step(0, want, &count);
    assert_int_equal(count.in, N_TEXTS);
    assert_int_equal(count.by[0], count.in - count.out);
    assert_true(count.by[0] > 100 && count.out > 1000);
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
        run_step(memory[i], got, &count);
        assert_memory_equal(got, want, sizeof(want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xxh64),    cmocka_unit_test(test_golden),
        cmocka_unit_test(test_repeats),  cmocka_unit_test(test_folder),
        cmocka_unit_test(test_clusters), cmocka_unit_test(test_too_little),
        cmocka_unit_test(test_pairs),    cmocka_unit_test(test_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
