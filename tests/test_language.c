/*
 * The step that keeps documents in some languages: what it tells, what it cannot tell, the same in
 * any locale and from any thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/step.h"
#include "util/threads.h"

#include <stdlib.h>
#include <string.h>

static const char
    english[] = "The river had risen in the night, and by morning the lower fields lay "
                "under water; nobody in the village remembered such a spring.",
    german[] = "Der Fluss war in der Nacht gestiegen, und am Morgen standen die unteren "
               "Felder unter Wasser; niemand im Dorf erinnerte sich an so etwas.",
    french[] = "La rivière avait monté pendant la nuit, et le matin les champs du bas "
               "étaient sous l'eau ; personne au village ne se souvenait de cela.",
    russian[] = "Река поднялась за ночь, и утром нижние поля стояли под водой; никто в "
                "деревне не помнил такой весны.",
    japanese[] = "川は夜のうちに増水し、朝には下の畑が水に沈んでいた。村の誰もこのような春を覚えて"
                 "いなかった。";

static struct cril_step_run open_step(const char *const *languages, size_t n,
                                      struct cril_step_options *o)
{
    struct cril_step_run r;
    cril_error err;

    *o = (struct cril_step_options){.languages = languages, .n_languages = n};
    if (cril_step_create(&cril_step_language, o, &r, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return r;
}

static bool keeps(struct cril_step_run *r, const char *text, size_t len,
                  struct cril_step_count *count)
{
    struct cril_draft d = {0};
    cril_error err;
    bool keep;

    cril_draft_set(&d, text, len);
    if (cril_step_apply(r, &d, count, &keep, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    cril_draft_free(&d);
    return keep;
}

static void test_languages(void **state)
{
    static const char *const codes[] = {"en", "de", "fr", "ru", "ja"}, *const texts[] = {
                                                                           english, german, french,
                                                                           russian, japanese};
    struct cril_step_options o;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct cril_step_run r = open_step(&codes[i], 1, &o);

        for (size_t k = 0; k < 5; k++) {
            struct cril_step_count count = {0};

            assert_int_equal(keeps(&r, texts[k], strlen(texts[k]), &count), i == k);
            assert_int_equal(count.by[0], i != k);
        }
        cril_step_free(&r);
    }
}

static void test_several(void **state)
{
    static const char *const codes[] = {"de", "en"};
    struct cril_step_count count = {0};
    struct cril_step_options o;
    struct cril_step_run r = open_step(codes, 2, &o);

    (void)state;
    assert_true(keeps(&r, english, strlen(english), &count));
    assert_true(keeps(&r, german, strlen(german), &count));
    assert_false(keeps(&r, french, strlen(french), &count));
    cril_step_free(&r);
}

/* Short ones, numbers alone, and texts with NUL; a text is cut between characters. */
static void test_odd(void **state)
{
    static const char *const codes[] = {"en"};
    struct cril_step_count count = {0};
    struct cril_step_options o;
    struct cril_step_run r = open_step(codes, 1, &o);
    char text[4001], nul[sizeof(english)];

    (void)state;
    assert_false(keeps(&r, "", 0, &count));
    assert_false(keeps(&r, english, 39, &count));
    assert_int_equal(count.by[1], 2);
    memset(text, '7', sizeof(text));
    assert_false(keeps(&r, text, 4000, &count));
    assert_int_equal(count.by[1], 3);
    memcpy(nul, english, sizeof(nul));
    nul[60] = '\0';
    assert_true(keeps(&r, nul, sizeof(nul) - 1, &count));
    memcpy(text, english, sizeof(english) - 1);
    for (size_t i = sizeof(english) - 1; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2); /* a cut at 600 bytes meets the middle of one */
    keeps(&r, text, 4000, &count);
    cril_step_free(&r);
}

static void refused(const char *const *languages, size_t n, cril_status status, const char *part)
{
    const struct cril_step_options o = {.languages = languages, .n_languages = n};
    struct cril_step_run r;
    cril_error err;

    assert_int_equal(cril_step_create(&cril_step_language, &o, &r, &err), status);
    if (!strstr(err.message, part))
        fail_msg("'%s' lacks '%s'", err.message, part);
}

static void test_refused(void **state)
{
    static const char *const near[] = {"en", "enn"}, *const far[] = {"esperanto-of-old"};

    (void)state;
    refused(near, 2, CRIL_ERR_RANGE, "the nearest is 'en'");
    refused(far, 1, CRIL_ERR_RANGE, "codes such as 'en'");
    refused(NULL, 0, CRIL_ERR_RANGE, "--language");
}

struct shared {
    struct cril_step_run run;
    unsigned kept[8]; /* by worker */
};

static void apply_often(void *arg, size_t task, size_t worker)
{
    struct shared *s = arg;
    struct cril_step_run run = s->run;
    struct cril_step_count count = {0};
    const char *text = task % 2 ? german : english;

    s->kept[worker] += keeps(&run, text, strlen(text), &count);
}

static void test_threads(void **state)
{
    static const char *const codes[] = {"de"};
    struct cril_step_options o;
    struct shared s = {.run = open_step(codes, 1, &o)};
    cril_pool *pool;
    cril_error err;
    unsigned kept = 0;

    (void)state;
    assert_int_equal(cril_pool_create(4, &pool, &err), CRIL_OK);
    cril_pool_run(pool, 400, apply_often, &s);
    for (size_t i = 0; i < 4; i++)
        kept += s.kept[i];
    assert_int_equal(kept, 200);
    cril_pool_free(pool);
    cril_step_free(&s.run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_languages), cmocka_unit_test(test_several),
        cmocka_unit_test(test_odd),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
