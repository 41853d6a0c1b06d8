/*
 * Sessions: what follows tokens has the bits of a score, however they were fed; streams that go
 * back, are copied, start anew; what is refused, and that it changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lengths.h"
#include "model/builtin.h"
#include "model/logits.h"
#include "util/random.h"

#include <cril/score.h>
#include <cril/session.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 130, STREAMS = 3 };

static int32_t ids[STREAMS][N];
static double nats[STREAMS][N]; /* of ids[i][t + 1], by the scorer */
static cril_error err;

static void must(cril_status st)
{
    if (st != CRIL_OK)
        fail_msg("%s", err.message);
}

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_model *m;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    must(cril_model_open(path, &m, &err));
    return m;
}

/* The last stream begins as the first does. */
static void score(cril_model *m)
{
    struct cril_random random = cril_random_seed(3);
    const cril_score_options options = {.context = N, .stride = N};
    cril_scorer *s;

    must(cril_scorer_create(m, &options, &s, &err));
    for (size_t i = 0; i < STREAMS; i++) {
        for (size_t t = 0; t < N; t++)
            ids[i][t] = i == STREAMS - 1 && t < N / 2
                            ? ids[0][t]
                            : (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(m));
        must(cril_score_tokens(s, ids[i], N, nats[i], &err));
    }
    cril_scorer_free(s);
}

static void feed(cril_session *s, size_t stream, const int32_t *from, size_t n)
{
    const cril_feed f = {.stream = stream, .ids = from, .n = n};

    must(cril_session_feed(s, &f, 1, &err));
}

/* What follows the stream, which has the first t + 1 tokens of ids[i], is as scored. */
static void follows(cril_session *s, size_t stream, size_t i)
{
    const size_t t = cril_session_tokens(s, stream) - 1;
    double one;

    must(cril_session_nats(s, stream, &ids[i][t + 1], 1, &one, &err));
    if (memcmp(&one, &nats[i][t], sizeof(one)) != 0)
        fail_msg("stream %zu, token %zu: %a, scored %a", stream, t, one, nats[i][t]);
}

static void check_steps(cril_model *m, unsigned threads)
{
    const cril_session_options options = {.threads = threads, .streams = STREAMS, .context = N};
    cril_session *s;

    must(cril_session_create(m, &options, &s, &err));
    assert_int_equal(cril_session_streams(s), STREAMS);
    assert_int_equal(cril_session_context(s), N);
    for (size_t i = 0; i < STREAMS; i++)
        must(cril_session_reset(s, i, N - 1, &err)); /* a score of N tokens has so many inputs */
    for (size_t t = 0; t < N - 1; t++) {             /* the first two together, in one call */
        const cril_feed feeds[] = {{1, &ids[1][t], 1}, {0, &ids[0][t], 1}};

        must(cril_session_feed(s, feeds, 2, &err));
        follows(s, 0, 0);
        follows(s, 1, 1);
    }
    cril_session_free(s);
}

/* Goes back in one stream and on in a copy. */
static void check_back(cril_model *m)
{
    const cril_session_options options = {.threads = 2, .streams = 2, .context = N + 5};
    cril_session *s;
    double one;

    must(cril_session_create(m, &options, &s, &err));
    must(cril_session_reset(s, 0, N - 1, &err));
    feed(s, 0, ids[0], N / 2);
    must(cril_session_fork(s, 0, 1, &err));
    follows(s, 1, 0);
    feed(s, 1, ids[2] + N / 2, 20);
    follows(s, 1, 2);
    follows(s, 0, 0);
    feed(s, 0, ids[0] + N / 2, 20);
    follows(s, 0, 0);
    must(cril_session_rewind(s, 0, N / 2 + 20, &err)); /* nothing to do */
    follows(s, 0, 0);
    if (cril_session_rewind(s, 0, N / 2 - 1, &err) == CRIL_OK) {
        assert_int_equal(cril_session_tokens(s, 0), N / 2 - 1);
        assert_int_equal(cril_session_nats(s, 0, ids[0], 1, &one, NULL), CRIL_ERR_RANGE);
        assert_null(cril_session_logits(s, 0));
        feed(s, 0, ids[2] + N / 2 - 1, 21);
        follows(s, 0, 2);
    }
    must(cril_session_rewind(s, 0, 0, &err));
    assert_int_equal(cril_session_tokens(s, 0), 0);
    must(cril_session_fork(s, 0, 1, &err)); /* of nothing */
    assert_int_equal(cril_session_tokens(s, 1), 0);
    assert_null(cril_session_logits(s, 1));
    feed(s, 1, ids[1], N - 1);
    follows(s, 1, 1);
    cril_session_free(s);
}

static void check_model(cril_model *m)
{
    score(m);
    check_steps(m, 1);
    check_steps(m, 3);
    check_back(m);
}

static void test_golden(void **state)
{
    static const char *const names[] = {"tiny-llama-window", "tiny-llama-mixed", "tiny-gemma3"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        cril_model *m = open_model(names[i]);

        check_model(m);
        cril_model_close(m);
    }
}

static void test_lengths(void **state)
{
    cril_model *m = open_model("tiny-llama");

    (void)state;
    depend_on_length(m, CRIL_ROPE_LONG, 100);
    check_model(m);
    cril_model_close(m);
}

/* Models with scans among them, whose streams cannot go back. */
static void test_builtin(void **state)
{
    (void)state;
    for (size_t i = 0; i < CRIL_N_BUILTIN; i++) {
        struct cril_builtin b;

        must(cril_builtin_create(i, &b, &err));
        check_model(b.model);
        cril_builtin_free(&b);
    }
}

/* Nats of all ids are those of logits, and of a distribution. */
static void test_all_ids(void **state)
{
    cril_model *m = open_model("tiny-llama");
    const size_t n = cril_model_logits(m);
    double *all = malloc(n * sizeof(*all)), sum = 0;
    cril_session *s;

    (void)state;
    assert_non_null(all);
    score(m);
    must(cril_session_create(m, NULL, &s, &err));
    assert_int_equal(cril_session_streams(s), 1);
    assert_int_equal(cril_session_context(s), cril_model_context(m));
    feed(s, 0, ids[0], 9);
    must(cril_session_nats(s, 0, NULL, n, all, &err));
    const float *const logits = cril_session_logits(s, 0);
    for (size_t i = 0; i < n; i++) {
        double one;

        must(cril_session_nats(s, 0, &(int32_t){(int32_t)i}, 1, &one, &err));
        assert_memory_equal(&one, &all[i], sizeof(one));
        assert_true(fabs((double)logits[0] - (double)logits[i] - (all[i] - all[0])) < 1e-5);
        sum += exp(-all[i]);
    }
    assert_true(fabs(sum - 1) < 1e-6);
    cril_session_free(s);
    cril_model_close(m);
    free(all);
}

static void refused(cril_session *s, cril_feed a, cril_feed b, const char *words)
{
    const cril_feed feeds[] = {a, b};

    assert_int_equal(cril_session_feed(s, feeds, 2, &err), CRIL_ERR_RANGE);
    if (!strstr(err.message, words))
        fail_msg("'%s' lacks '%s'", err.message, words);
    assert_int_equal(cril_session_tokens(s, 0), 4);
    assert_int_equal(cril_session_tokens(s, 1), 0);
}

static void test_refused(void **state)
{
    cril_model *m = open_model("tiny-llama");
    const cril_feed good = {1, ids[1], 1};
    const int32_t outside = (int32_t)cril_model_logits(m);
    cril_session_options options = {.streams = 2, .context = 12};
    cril_session *s = NULL;
    double one = 5;

    (void)state;
    score(m);
    must(cril_session_create(m, &options, &s, &err));
    feed(s, 0, ids[0], 4);
    refused(s, good, (cril_feed){2, ids[0], 1}, "stream 2 of a session that has 2");
    refused(s, good, (cril_feed){1, ids[0], 1}, "fed twice");
    refused(s, good, (cril_feed){0, ids[0], 0}, "no token");
    refused(s, good, (cril_feed){0, NULL, 1}, "no token");
    refused(s, good, (cril_feed){0, ids[0], 9}, "9 tokens more for a stream of 12 that has 4");
    refused(s, good, (cril_feed){0, &outside, 1}, "outside the vocabulary");
    must(cril_session_feed(s, NULL, 0, &err));
    assert_int_equal(cril_session_nats(s, 0, &outside, 1, &one, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_session_nats(s, 0, NULL, (size_t)outside + 1, &one, &err),
                     CRIL_ERR_RANGE);
    assert_int_equal(cril_session_nats(s, 2, ids[0], 1, &one, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_session_nats(s, 1, ids[0], 1, &one, &err), CRIL_ERR_RANGE);
    assert_true(one == 5);
    assert_int_equal(cril_session_reset(s, 0, 13, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_session_reset(s, 2, 1, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_session_rewind(s, 0, 5, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_session_rewind(s, 2, 0, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_session_fork(s, 0, 2, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_session_fork(s, 2, 0, &err), CRIL_ERR_RANGE);
    must(cril_session_fork(s, 0, 0, &err));
    follows(s, 0, 0); /* after all that */
    must(cril_session_rewind(s, 0, 3, &err));
    must(cril_session_reset(s, 0, 2, &err));
    feed(s, 0, ids[0], 1);
    assert_int_equal(cril_session_feed(s, &(cril_feed){0, ids[0], 2}, 1, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_session_tokens(s, 0), 1);
    cril_session_free(s);
    s = NULL;
    options.context = SIZE_MAX;
    assert_int_equal(cril_session_create(m, &options, &s, &err), CRIL_ERR_RANGE);
    options = (cril_session_options){.streams = 4097};
    assert_int_equal(cril_session_create(m, &options, &s, &err), CRIL_ERR_RANGE);
    options = (cril_session_options){.streams = 4, .memory_bytes = 1};
    assert_int_equal(cril_session_create(m, &options, &s, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "4 streams"));
    assert_null(s);
    cril_model_close(m);
}

/* Weights so large that a logit is no number: an error that leaves the stream empty, or, far below
 * the others, a token of probability 0. */
static void test_infinite(void **state)
{
    const cril_session_options options = {.context = N};
    static int32_t many[N];
    size_t refused_feeds = 0, infinite = 0;

    (void)state;
    for (unsigned sign = 0; sign < 2; sign++) {
        struct cril_builtin b;
        cril_session *s;
        double one;

        must(cril_builtin_create(1, &b, &err));
        const struct cril_matrix *const t = cril_logits_matrix(b.model);
        float *const row = (float *)(uintptr_t)t->data + 700 * t->columns;
        for (size_t i = 0; i < t->columns; i++)
            row[i] = sign ? -3e38f : 3e38f;
        must(cril_session_create(b.model, &options, &s, &err));
        cril_status st = cril_session_feed(s, &(cril_feed){0, many, N}, 1, &err);
        if (st == CRIL_OK) {
            must(cril_session_nats(s, 0, &(int32_t){700}, 1, &one, &err));
            infinite += isinf(one) && one > 0;
        } else {
            assert_int_equal(st, CRIL_ERR_NUMERIC);
            assert_int_equal(cril_session_tokens(s, 0), 0);
            st = cril_session_feed(s, &(cril_feed){0, many, N}, 1, &err); /* there is room again */
            assert_int_equal(st, CRIL_ERR_NUMERIC);
            refused_feeds++;
        }
        cril_session_free(s);
        cril_builtin_free(&b);
    }
    assert_true(refused_feeds == 1 && infinite == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),  cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_builtin), cmocka_unit_test(test_all_ids),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_infinite)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
