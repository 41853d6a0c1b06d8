/* Which prefixes of prompts are computed once, counted as a generator would run them; where stop
 * strings begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "score/prefixes.h"
#include "score/stops.h"
#include "util/random.h"

enum { MAX_PROMPTS = 60, MAX_IDS = 300 };

static int32_t ids[MAX_PROMPTS][MAX_IDS];
static struct cril_prefixed prompts[MAX_PROMPTS];

/* Prompt i: stretches of tokens that end at `until`, each of one token, then its own. */
static void put(size_t i, size_t n, size_t length, const int32_t token[], const size_t until[],
                size_t n_stretches)
{
    for (size_t k = 0; k < n; k++) {
        size_t s = 0;

        while (s < n_stretches && k >= until[s])
            s++;
        ids[i][k] = s < n_stretches ? token[s] : 1000 + (int32_t)i;
    }
    prompts[i] = (struct cril_prefixed){.ids = ids[i], .n = n, .length = length, .index = i};
}

/* Shares what n prompts have in common; returns how many tokens then go through a model. */
static size_t tokens_run(size_t n, bool shrinks)
{
    const struct cril_prefixed *kept = NULL; /* whose prefix there is */
    bool seen[MAX_PROMPTS] = {false};
    size_t kept_n = 0, run = 0;

    cril_share_prefixes(prompts, n, shrinks);
    for (size_t i = 0; i < n; i++) {
        const struct cril_prefixed *const p = &prompts[i];
        size_t same = 0;

        assert_false(seen[p->index]);
        seen[p->index] = true;
        assert_true(p->shared < p->n);
        run += p->n - p->shared;
        if (!p->shared)
            continue;
        while (kept && kept->length == p->length && same < kept_n && same < p->shared &&
               kept->ids[same] == p->ids[same])
            same++;
        if (same == p->shared && (shrinks || same == kept_n))
            continue;
        run += p->shared - (same < kept_n && !shrinks ? 0 : same);
        kept = p;
        kept_n = p->shared;
    }
    return run;
}

static void check_sharing(bool shrinks)
{
    /* all begin alike */
    for (size_t i = 0; i < 40; i++)
        put(i, 130 + i, 0, (int32_t[]){1}, (size_t[]){100}, 1);
    assert_int_equal(tokens_run(40, shrinks), 100 + 40 * 30 + 39 * 40 / 2);
    /* pairs of them go on alike, which is not worth losing the first 100 but at the end */
    for (size_t i = 0; i < 40; i++)
        put(i, 160, 0, (int32_t[]){1, 100 + (int32_t)i / 2}, (size_t[]){100, 150}, 2);
    assert_int_equal(tokens_run(40, shrinks), 100 + (shrinks ? 20 * (50 + 2 * 10) : 40 * 60 - 50));
    /* four groups with a long prefix each, and a short one of all */
    for (size_t i = 0; i < 40; i++)
        put(i, 200, 0, (int32_t[]){1, 100 + (int32_t)i % 4}, (size_t[]){20, 180}, 2);
    assert_int_equal(tokens_run(40, shrinks), (shrinks ? 20 + 4 * 160 : 4 * 180) + 40 * 20);
    /* other lengths share nothing */
    for (size_t i = 0; i < 40; i++)
        put(i, 200, 1 + i % 2, (int32_t[]){1}, (size_t[]){180}, 1);
    assert_int_equal(tokens_run(40, shrinks), 2 * 180 + 40 * 20);
    /* equal ones each need their last token */
    for (size_t i = 0; i < 40; i++)
        put(i, 200, 0, (int32_t[]){1}, (size_t[]){200}, 1);
    assert_int_equal(tokens_run(40, shrinks), 199 + 40);
    /* too little to be worth it */
    put(0, 200, 0, (int32_t[]){1}, (size_t[]){30}, 1);
    put(1, 200, 0, (int32_t[]){1}, (size_t[]){30}, 1);
    assert_int_equal(tokens_run(2, shrinks), 400);
    put(0, 1, 0, NULL, NULL, 0);
    assert_int_equal(tokens_run(1, shrinks), 1);
    assert_int_equal(tokens_run(0, shrinks), 0);
}

/* Never more than without sharing. */
static void check_random(bool shrinks)
{
    struct cril_random random = cril_random_seed(3);

    for (size_t round = 0; round < 300; round++) {
        const size_t n = 1 + cril_random_below(&random, MAX_PROMPTS);
        size_t all = 0;

        for (size_t i = 0; i < n; i++) {
            const size_t len = 1 + cril_random_below(&random, MAX_IDS - 1);
            size_t until[3], at = 0;
            int32_t token[3];

            for (size_t k = 0; k < 3; k++) {
                until[k] = at += cril_random_below(&random, 2) ? 80 : 40;
                token[k] = (int32_t)cril_random_below(&random, 3);
            }
            put(i, len, cril_random_below(&random, 2), token, until, 3);
            all += len;
        }
        assert_true(tokens_run(n, shrinks) <= all);
    }
}

static void test_prefixes(void **state)
{
    (void)state;
    check_sharing(false);
    check_sharing(true);
    check_random(false);
    check_random(true);
}

static void test_stops(void **state)
{
    static const char *const until[] = {"ab", "b", "cab"};
    static const size_t len[] = {2, 1, 3};
    const cril_prompt p = {.until = until, .until_len = len, .n_until = 3},
                      first = {.until = until, .until_len = len, .n_until = 1};

    (void)state;
    assert_true(cril_stop_find(&p, "", 0, 0) == SIZE_MAX);
    assert_true(cril_stop_find(&p, "xxa", 3, 0) == SIZE_MAX);
    assert_int_equal(cril_stop_find(&p, "xxab", 4, 0), 2);
    assert_int_equal(cril_stop_find(&p, "xcab", 4, 3), 1);
    assert_int_equal(cril_stop_find(&p, "xb ab", 5, 0), 1);
    assert_true(cril_stop_find(&p, "xcab", 4, 4) == SIZE_MAX);
    assert_int_equal(cril_stop_find(&first, "aab", 3, 0), 1);
    assert_int_equal(cril_stop_find(&first, "aab", 3, 2), 1);
    assert_true(cril_stop_find(&first, "aabx", 4, 3) == SIZE_MAX);
    assert_int_equal(cril_stop_find(&first, "aab\0ab", 6, 4), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prefixes),
                                       cmocka_unit_test(test_stops)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
