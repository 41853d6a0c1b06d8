/*
 * Tokens one after another against whole windows: the shares of every token are the same integers,
 * whatever goes together in a step, on any number of threads, with matrices kept as panels or
 * unpacked at every step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/engine.h"
#include "model/decoder.h"
#include "util/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 150, STREAMS = 3 };

struct stream {
    int32_t ids[N + 1];
    struct cril_shares shares[N]; /* of ids[1 ..], by the engine */
    double nats[N];
    size_t n, at; /* tokens that are used of it; that have been fed */
};

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_error err;
    cril_model *m;
    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static void expect(const cril_model *m, struct stream *s)
{
    const struct cril_engine_options options = {.threads = 1};
    struct cril_random random = cril_random_seed(7);
    struct cril_window w[STREAMS];
    struct cril_engine *e;
    cril_error err;
    assert_int_equal(cril_engine_create(m, cril_kernels(), &options, &e, &err), CRIL_OK);
    for (size_t i = 0; i < STREAMS; i++) {
        s[i].n = N - 40 * i;
        s[i].at = 0;
        for (size_t k = 0; k <= N; k++)
            s[i].ids[k] = (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(m));
        w[i] = (struct cril_window){.ids = s[i].ids,
                                    .n = s[i].n,
                                    .targets = s[i].ids + 1,
                                    .nats = s[i].nats,
                                    .shares = s[i].shares};
    }
    if (cril_engine_score(e, w, STREAMS, NULL, NULL, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    cril_engine_free(e);
}

static void compare(const struct cril_decoder *decoder, size_t feed, const struct stream *s)
{
    const struct cril_distribution d = cril_decoder_distribution(decoder, feed);
    const size_t id = (size_t)s->ids[s->at], chunk = id / CRIL_CHUNK, first = chunk * CRIL_CHUNK;
    const size_t n = d.n - first < CRIL_CHUNK ? d.n - first : CRIL_CHUNK;
    const struct cril_shares *want = &s->shares[s->at - 1];
    const struct cril_share c = cril_share_of_weight(d.weights, d.sum, d.n_chunks, chunk),
                            t = cril_share_of_value(d.values + first, n, id - first);
    if (memcmp(&c, &want->chunk, sizeof(c)) != 0 || memcmp(&t, &want->token, sizeof(t)) != 0)
        fail_msg("token %zu: shares differ from the engine's", s->at);
}

/* Feeds random numbers of tokens to random streams until all are used up, twice, the second time
 * after a reset. */
static void run(const cril_model *m, struct stream *s, unsigned threads, size_t memory)
{
    const struct cril_decoder_options options = {
        .threads = threads, .streams = STREAMS, .context = N, .memory = memory};
    struct cril_random random = cril_random_seed(threads);
    struct cril_decoder *decoder;
    cril_error err;
    if (cril_decoder_create(m, cril_kernels(), &options, &decoder, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    const size_t n_streams = cril_decoder_streams(decoder);
    assert_int_equal(n_streams, memory ? 1 : STREAMS);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < n_streams; i++) {
            assert_int_equal(cril_decoder_reset(decoder, i, s[i].n, &err), CRIL_OK);
            s[i].at = 0;
        }
        for (size_t left = 1; left;) {
            struct cril_feed feeds[STREAMS];
            size_t n = 0;
            left = 0;
            for (size_t i = 0; i < n_streams; i++) {
                const size_t most = s[i].n - s[i].at;
                left += most;
                if (!most || cril_random_below(&random, 4) == 0)
                    continue;
                feeds[n] = (struct cril_feed){.stream = i, .ids = s[i].ids + s[i].at, .n = 1};
                if (cril_random_below(&random, 8) == 0)
                    feeds[n].n = 1 + cril_random_below(&random, (uint32_t)most);
                s[i].at += feeds[n++].n;
            }
            if (cril_decoder_feed(decoder, feeds, n, &err) != CRIL_OK)
                fail_msg("%s", err.message);
            for (size_t i = 0; i < n; i++)
                compare(decoder, i, &s[feeds[i].stream]);
        }
    }
    assert_int_equal(
        cril_decoder_feed(decoder, &(struct cril_feed){.ids = s[0].ids, .n = 1}, 1, &err),
        CRIL_ERR_RANGE);
    assert_int_equal(cril_decoder_reset(decoder, 0, 0, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_decoder_reset(decoder, 0, N + 1, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_decoder_reset(decoder, 0, 1, &err), CRIL_OK);
    const int32_t bad = (int32_t)cril_model_logits(m);
    assert_int_equal(cril_decoder_feed(decoder, &(struct cril_feed){.ids = &bad, .n = 1}, 1, &err),
                     CRIL_ERR_RANGE);
    cril_decoder_free(decoder);
}

static void check(const char *name)
{
    static struct stream s[STREAMS];
    cril_model *m = open_model(name);
    expect(m, s);
    for (unsigned threads = 1; threads <= 5; threads += 2)
        run(m, s, threads, 0);
    run(m, s, 2, 1); /* no room for anything: one stream, nothing kept */
    cril_model_close(m);
}

static void test_llama(void **state)
{
    (void)state;
    check("tiny-llama");
}

static void test_llama_mixed(void **state)
{
    (void)state;
    check("tiny-llama-mixed");
}

static void test_qwen2(void **state)
{
    (void)state;
    check("tiny-qwen2");
}

static void test_gemma3(void **state)
{
    (void)state;
    check("tiny-gemma3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_llama),
                                       cmocka_unit_test(test_llama_mixed),
                                       cmocka_unit_test(test_qwen2), cmocka_unit_test(test_gemma3)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
