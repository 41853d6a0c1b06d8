/*
 * Draws of shots against Python's: samples of random.Random(seed), taken one after another from one
 * generator, as CPython 3.11 printed them, on both sides of every limit at which it changes its
 * method; and with CRIL_SHARED the draws of vec_fewshot_draws.jsonl.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tasks/draw.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* A sample of one from so large a pool is the generator's next 32 bits. */
static uint32_t next_word(struct cril_draws *d)
{
    size_t word;

    assert_int_equal(cril_draw_sample(d, UINT32_MAX, 1, &word, NULL), CRIL_OK);
    return (uint32_t)word;
}

static void first_words(void **state)
{
    static const uint32_t want[] = {4150886329u, 3342196574u, 1892932127u, 501869158u};
    struct cril_draws d;

    (void)state;
    cril_draw_init(&d, 1234);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(next_word(&d), want[i]);
}

static const struct {
    size_t pool, k;
    uint64_t hash[2]; /* FNV-1a over the numbers, for the seeds 1234 and 0 */
} samples[] = {
    {1, 1, {0xaf63bd4c8601b7df, 0xaf63bd4c8601b7df}},
    {5, 0, {0xcbf29ce484222325, 0xcbf29ce484222325}},
    {5, 5, {0x6d744fb7d1373117, 0xfa1b7603a76911e3}},
    {21, 5, {0x59ef533e02db60d7, 0xeb40193d19e67fd8}},
    {22, 5, {0x578d2e7d0e9776ba, 0x8f1626986477f6c}},
    {85, 6, {0xf188c47fd5406315, 0xd29994877245252e}},
    {86, 6, {0xffff0128cdaa9ccc, 0x23189f96e5e98b10}},
    {277, 25, {0x6ebd51c03b043322, 0x21a5bcf4cbbaa3a}},
    {278, 25, {0x631a18224e7d9dd1, 0x136936cbfa2769c5}},
    {1119, 25, {0xd76853d014bd7e1f, 0x4360abbee8be3829}},
    {7473, 5, {0xbfe77e0f4eda5383, 0xb912ab4923468c9b}},
    {85, 22, {0x74adecff7fa3d619, 0xccf12272627a4ee5}},
    {1045, 22, {0xb18aac3d217f5012, 0x13287b6185514ec6}},
    {1046, 22, {0xb8eb92600f6c5d02, 0x7ce905ea9711e4ba}},
    {277, 85, {0x6fecf978ed326b59, 0xbd6d10ae42666dde}},
    {278, 86, {0x7ee854c5d8940bc0, 0x976b45fe6664f60c}},
    {3000, 3000, {0xb574d1f67a81a8f, 0x49cce7e9501eef31}},
    {100000, 7, {0xd96e733166849688, 0xdfc7b48ed109e7ac}},
};

static void samples_are_pythons(void **state)
{
    static const uint32_t seeds[] = {1234, 0}, last[] = {2796949598u, 251739982u};
    size_t out[3000];
    struct cril_draws d;

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        cril_draw_init(&d, seeds[s]);
        for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
            uint64_t hash = 0xcbf29ce484222325;

            assert_int_equal(cril_draw_sample(&d, samples[i].pool, samples[i].k, out, NULL),
                             CRIL_OK);
            for (size_t j = 0; j < samples[i].k; j++)
                hash = (hash ^ out[j]) * 1099511628211u;
            assert_int_equal(hash, samples[i].hash[s]);
        }
        assert_int_equal(next_word(&d), last[s]);
    }
}

/* Of pools whose numbers take two words. */
static void large_pools(void **state)
{
    static const uint64_t want[] = {4942859575, 2795742288, 2301595691};
    struct cril_draws d;
    size_t out[3];

    (void)state;
    cril_draw_init(&d, 7);
    assert_int_equal(cril_draw_sample(&d, ((size_t)1 << 33) + 5, 3, out, NULL), CRIL_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(out[i], want[i]);
}

static void too_many(void **state)
{
    struct cril_draws d;
    size_t out[4];
    cril_error err;

    (void)state;
    cril_draw_init(&d, 1);
    assert_int_equal(cril_draw_sample(&d, 3, 4, out, &err), CRIL_ERR_RANGE);
    assert_string_equal(err.message, "4 shots cannot be drawn from a pool of 3");
    assert_int_equal(cril_draw_sample(&d, 0, 0, out, &err), CRIL_OK);
}

static size_t number(const json_t *line, const char *name)
{
    const json_t *const value = json_object_get(line, name);

    assert_true(json_is_integer(value));
    return (size_t)json_integer_value(value);
}

static void check_vector(const json_t *line)
{
    const json_t *const want = json_object_get(line, "indices");
    const size_t k = number(line, "k");
    size_t *const out = calloc(k + 1, sizeof(*out));
    struct cril_draws d;

    assert_non_null(out);
    assert_int_equal(json_array_size(want), k);
    cril_draw_init(&d, (uint32_t)number(line, "seed"));
    for (size_t i = 0; i <= number(line, "draw_number"); i++)
        assert_int_equal(cril_draw_sample(&d, number(line, "pool"), k, out, NULL), CRIL_OK);
    for (size_t i = 0; i < k; i++)
        assert_int_equal(out[i], json_integer_value(json_array_get(want, i)));
    free(out);
}

static void published_vectors(void **state)
{
    const char *const shared = getenv("CRIL_SHARED");
    char path[600];
    json_t *line;
    size_t n = 0;
    FILE *f;

    (void)state;
    if (!shared) {
        print_message("skipped: CRIL_SHARED names no folder with vectors\n");
        skip();
    }
    snprintf(path, sizeof(path), "%s/tasks/given/vec_fewshot_draws.jsonl", shared);
    assert_non_null(f = fopen(path, "r"));
    for (; (line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)); n++) {
        check_vector(line);
        json_decref(line);
    }
    fclose(f);
    print_message("%zu draws\n", n);
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_words),       cmocka_unit_test(samples_are_pythons),
        cmocka_unit_test(large_pools),       cmocka_unit_test(too_many),
        cmocka_unit_test(published_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
