/*
 * Tokens one after another against whole windows: the shares of every token are the same integers,
 * whatever goes together in a step, on any number of threads, with matrices kept as panels or
 * unpacked at every step, in a stream that took its beginning over from another one. The token of
 * the largest logit. Memory for all streams, or an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lengths.h"
#include "model/builtin.h"
#include "model/engine.h"
#include "model/decoder.h"
#include "model/logits.h"
#include "util/random.h"

#include <math.h>
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

/* ---- Forks ---- */

static struct cril_decoder *new_decoder(const cril_model *m, size_t streams, size_t context)
{
    const struct cril_decoder_options options = {
        .threads = 2, .streams = streams, .context = context, .best = true};
    struct cril_decoder *d;
    cril_error err;

    if (cril_decoder_create(m, cril_kernels(), &options, &d, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return d;
}

static void feed(struct cril_decoder *d, size_t stream, const int32_t *ids, size_t n)
{
    cril_error err;

    if (cril_decoder_feed(d, &(struct cril_feed){.stream = stream, .ids = ids, .n = n}, 1, &err) !=
        CRIL_OK)
        fail_msg("%s", err.message);
}

static void fork_stream(struct cril_decoder *d, size_t from, size_t n, size_t to)
{
    cril_error err;

    if (cril_decoder_fork(d, from, n, to, N, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

/* Feeds a stream with the rest of s, a few tokens at a time, against the engine's shares. */
static void go_on(struct cril_decoder *d, size_t stream, struct stream *s, size_t from)
{
    for (size_t n; from < s->n; from += n) {
        n = s->n - from < 13 ? s->n - from : 13;
        feed(d, stream, s->ids + from, n);
        s->at = from + n;
        compare(d, 0, s);
    }
}

/* Streams 0 and 1 of the engine's begin alike for their first n tokens, as far as they are forked.
 */
static void check_forks(const cril_model *m)
{
    static const size_t forks[] = {1, 31, 32, 33, 64, 95, 100};
    static struct stream s[STREAMS];
    const bool within = cril_model_forks_within(m);

    for (size_t i = 0; i < sizeof(forks) / sizeof(*forks); i++) {
        const size_t n = forks[i];
        struct cril_decoder *d = new_decoder(m, 3, N);
        struct cril_random random = cril_random_seed(n);
        int32_t other[N];
        cril_error err;

        expect(m, s);
        for (size_t k = 0; k < N; k++)
            other[k] = k < n ? s[0].ids[k]
                             : (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(m));
        feed(d, 2, s[2].ids, s[2].n); /* what the fork replaces */
        feed(d, 1, other, n);
        assert_int_equal(cril_decoder_fork(d, 1, n + 1, 2, N, &err), CRIL_ERR_RANGE);
        fork_stream(d, 1, n, 2);
        go_on(d, 2, &s[0], n);
        feed(d, 1, other + n, N - n); /* the first stream goes its own way */
        fork_stream(d, 2, N, 0);      /* a whole one, which is full */
        assert_int_equal(cril_decoder_feed(d, &(struct cril_feed){.ids = other, .n = 1}, 1, &err),
                         CRIL_ERR_RANGE);
        if (within) {
            fork_stream(d, 1, n, 0);
            go_on(d, 0, &s[0], n);
            fork_stream(d, 1, n, 1); /* cut */
            go_on(d, 1, &s[0], n);
        } else {
            assert_int_equal(cril_decoder_fork(d, 1, n, 0, N, &err), CRIL_ERR_RANGE);
        }
        assert_int_equal(cril_decoder_fork(d, 1, N + 1, 0, N, &err), CRIL_ERR_RANGE);
        assert_int_equal(cril_decoder_fork(d, 1, 0, 0, N, &err), CRIL_ERR_RANGE);
        assert_int_equal(cril_decoder_fork(d, 1, N, 0, N - 1, &err), CRIL_ERR_RANGE);
        assert_int_equal(cril_decoder_fork(d, 1, N, 0, N + 1, &err), CRIL_ERR_RANGE);
        cril_decoder_free(d);
    }
}

static void test_forks(void **state)
{
    static const char *const names[] = {"tiny-llama-mixed", "tiny-gemma3", "tiny-llama-window"};
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        cril_model *m = open_model(names[i]);

        assert_true(cril_model_forks_within(m));
        check_forks(m);
        cril_model_close(m);
    }
    for (size_t i = 3; i < CRIL_N_BUILTIN; i++) { /* all operations */
        struct cril_builtin b;

        if (cril_builtin_create(i, &b, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        assert_false(cril_model_forks_within(b.model));
        check_forks(b.model);
        cril_builtin_free(&b);
    }
}

/* Positions of passes of other lengths may have other figures. */
static void test_fork_lengths(void **state)
{
    static const int32_t ids[] = {1, 2, 3, 4};
    cril_model *m = open_model("tiny-llama");
    struct cril_decoder *d;
    cril_error err;

    (void)state;
    depend_on_length(m, CRIL_ROPE_DYNAMIC, 50);
    d = new_decoder(m, 2, N);
    assert_int_equal(cril_decoder_reset(d, 0, 60, &err), CRIL_OK);
    feed(d, 0, ids, 4);
    assert_int_equal(cril_decoder_fork(d, 0, 3, 1, 60, &err), CRIL_OK);
    assert_int_equal(cril_decoder_fork(d, 0, 3, 1, 61, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_decoder_fork(d, 0, 3, 1, 40, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_decoder_reset(d, 0, 40, &err), CRIL_OK);
    feed(d, 0, ids, 4);
    assert_int_equal(cril_decoder_fork(d, 0, 3, 1, 50, &err), CRIL_OK);
    assert_int_equal(cril_decoder_fork(d, 0, 3, 1, 51, &err), CRIL_ERR_RANGE);
    cril_decoder_free(d);
    cril_model_close(m);
}

/* ---- The largest logit ---- */

static void test_best_of_chunk(void **state)
{
    float x[CRIL_CHUNK];

    (void)state;
    for (size_t n = 1; n <= CRIL_CHUNK; n += n < 40 ? 1 : 123)
        for (size_t at = 0; at < n; at += n < 40 ? 1 : 61) {
            for (size_t i = 0; i < n; i++)
                x[i] = -0.25f;
            x[at] = nextafterf(-0.25f, 0); /* e^(difference) is 1 in fp32 */
            assert_int_equal(cril_logits_best(x, n), at);
            x[n - 1] = x[at];
            assert_int_equal(cril_logits_best(x, n), at);
            x[n / 2] = NAN;
            assert_int_equal(cril_logits_best(x, n), -1);
            x[n / 2] = -INFINITY;
            assert_int_equal(cril_logits_best(x, n), -1);
            x[n / 2] = INFINITY;
            assert_int_equal(cril_logits_best(x, n), -1);
        }
    x[0] = 0;
    x[1] = -0.0f;
    assert_int_equal(cril_logits_best(x, 2), 0);
}

/* What the token is of the distribution: of a chunk's weight, as its value is of the chunk's sum.
 */
static double share_of(const struct cril_distribution *p, size_t id)
{
    const size_t chunk = id / CRIL_CHUNK, first = chunk * CRIL_CHUNK;
    double sum = 0;

    for (size_t i = first; i < p->n && i < first + CRIL_CHUNK; i++)
        sum += (double)p->values[i];
    return p->weights[chunk] * (double)p->values[id] / sum;
}

/* It has the largest share of the distribution, whichever chunk it is in. */
static void test_best(void **state)
{
    struct cril_random random = cril_random_seed(9);
    struct cril_builtin b;
    cril_error err;
    bool in_chunk[3] = {false};

    (void)state;
    assert_int_equal(cril_builtin_create(2, &b, &err), CRIL_OK);
    const uint32_t n_logits = (uint32_t)cril_model_logits(b.model);
    struct cril_decoder *d = new_decoder(b.model, 2, N);
    for (size_t i = 0; i < N; i++) {
        const int32_t ids[] = {(int32_t)cril_random_below(&random, n_logits),
                               (int32_t)cril_random_below(&random, n_logits)};
        const struct cril_feed feeds[] = {{.stream = 1, .ids = &ids[0], .n = 1},
                                          {.stream = 0, .ids = &ids[1], .n = 1}};
        assert_int_equal(cril_decoder_feed(d, feeds, 2, &err), CRIL_OK);
        for (size_t k = 0; k < 2; k++) {
            const struct cril_distribution p = cril_decoder_distribution(d, k);
            int32_t best;

            assert_int_equal(cril_decoder_best(d, k, &best, &err), CRIL_OK);
            const double most = share_of(&p, (size_t)best);
            for (size_t id = 0; id < p.n; id++)
                if (p.values[id] >= 1) /* the largest of its chunk */
                    assert_true(share_of(&p, id) <= most * (1 + 1e-6));
            in_chunk[best / CRIL_CHUNK] = true;
        }
    }
    assert_true(in_chunk[0] && in_chunk[1]);
    cril_decoder_free(d);
    cril_builtin_free(&b);
}

/* A logit that is infinite is an error, also where it is no token's largest. */
static void test_infinite(void **state)
{
    const int32_t id = 3;
    size_t from_feed = 0, from_best = 0;
    cril_error err;

    (void)state;
    for (unsigned sign = 0; sign < 2; sign++) {
        struct cril_builtin b;
        int32_t best;

        assert_int_equal(cril_builtin_create(1, &b, &err), CRIL_OK);
        const struct cril_matrix *const t = cril_logits_matrix(b.model);
        assert_int_equal(t->type, CRIL_F32);
        float *const row = (float *)(uintptr_t)t->data + 700 * t->columns;
        for (size_t i = 0; i < t->columns; i++)
            row[i] = sign ? -3e38f : 3e38f;
        struct cril_decoder *d = new_decoder(b.model, 1, N);
        const cril_status st =
            cril_decoder_feed(d, &(struct cril_feed){.ids = &id, .n = 1}, 1, &err);
        from_feed += st == CRIL_ERR_NUMERIC;
        from_best += st == CRIL_OK && cril_decoder_best(d, 0, &best, &err) == CRIL_ERR_NUMERIC;
        cril_decoder_free(d);
        cril_builtin_free(&b);
    }
    assert_true(from_feed == 1 && from_best == 1);
}

/* ---- Memory ---- */

static void test_all_streams(void **state)
{
    struct cril_decoder_options options = {
        .threads = 1, .streams = 5, .context = 200, .memory = 1, .all_streams = true};
    cril_model *m = open_model("tiny-llama");
    struct cril_decoder *d = NULL;
    cril_error err;

    (void)state;
    assert_int_equal(cril_decoder_create(m, cril_kernels(), &options, &d, &err), CRIL_ERR_RANGE);
    assert_null(d);
    assert_non_null(strstr(err.message, "5 streams of 200 tokens; give "));
    options.memory = 0;
    assert_int_equal(cril_decoder_create(m, cril_kernels(), &options, &d, &err), CRIL_OK);
    assert_int_equal(cril_decoder_streams(d), 5);
    cril_decoder_free(d);
    cril_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama),         cmocka_unit_test(test_llama_mixed),
        cmocka_unit_test(test_qwen2),         cmocka_unit_test(test_gemma3),
        cmocka_unit_test(test_forks),         cmocka_unit_test(test_fork_lengths),
        cmocka_unit_test(test_best_of_chunk), cmocka_unit_test(test_best),
        cmocka_unit_test(test_infinite),      cmocka_unit_test(test_all_streams)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
