/*
 * The feeder by itself: tokens come to the sink once each and in order, with the same bits however
 * a stream grows and batches are cut; an error of the sink ends the work; tokens that no later
 * window needs are dropped.
 */
#include "model/model.h"
#include "score/feeder.h"
#include "score/layout.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"
#include "util/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_TOKENS = 500, CONTEXT = 32, STRIDE = 8 };

static cril_model *model;
static int32_t tokens[N_TOKENS];

struct seen {
    size_t n, n_batches, n_rows, fail_at; /* fail_at: of tokens; 0: never */
    uint64_t stream;
    double nats[N_TOKENS]; /* by position; < 0: not scored */
    bool with_shares;
};

static cril_status see_token(void *user, const struct cril_scored_token *t, cril_error *err)
{
    struct seen *s = user;

    if (++s->n == s->fail_at)
        return cril_fail(err, CRIL_ERR_IO, "the sink is full");
    assert_true(t->stream == s->stream && t->position < N_TOKENS);
    assert_int_equal(t->id, tokens[t->position]);
    for (uint64_t p = t->position; p < N_TOKENS; p++)
        assert_true(s->nats[p] < 0);
    assert_true((t->shares != NULL) == s->with_shares);
    s->nats[t->position] = t->nats;
    return CRIL_OK;
}

static cril_status see_batch(void *user, size_t n_rows, cril_error *err)
{
    struct seen *s = user;

    (void)err;
    s->n_batches++;
    s->n_rows += n_rows;
    return CRIL_OK;
}

/* Feeds the tokens by `piece` at once, in batches of so many rows. */
static cril_status feed(const char *protocol, size_t piece, size_t rows, struct seen *seen,
                        size_t *max_kept, cril_error *err)
{
    const struct cril_protocol *p = cril_protocol_find(protocol);
    const struct cril_engine_options options = {.threads = 1, .rows = rows};
    const struct cril_feeder_sink sink = {.user = seen, .token = see_token, .batch = see_batch};
    struct cril_token_stream stream = {0};
    struct cril_feeder f = {0};
    struct cril_layout l;
    cril_status st = cril_layout_choose(p, model, CONTEXT, p->stride ? STRIDE : 0, &l, err);

    for (size_t i = 0; i < N_TOKENS; i++)
        seen->nats[i] = -1;
    *max_kept = 0;
    if (st == CRIL_OK)
        st = cril_feeder_init(&f, model, p, &l, options, seen->with_shares, err);
    cril_feeder_start(&f, &sink);
    cril_token_stream_start(&stream, seen->stream);
    for (size_t at = 0, n; st == CRIL_OK && at < N_TOKENS; at += n) {
        n = N_TOKENS - at < piece ? N_TOKENS - at : piece;
        for (size_t i = 0; i < n; i++)
            assert_int_equal(cril_ids_push(&stream.ids, tokens[at + i], err), CRIL_OK);
        st = cril_feeder_lay_out(&f, &stream, at + n == N_TOKENS, err);
        *max_kept = stream.ids.n > *max_kept ? stream.ids.n : *max_kept;
    }
    if (st == CRIL_OK)
        st = cril_feeder_flush(&f, err);
    if (st == CRIL_OK) /* of an empty batch: nothing happens */
        st = cril_feeder_flush(&f, err);
    cril_ids_free(&stream.ids);
    cril_feeder_free(&f);
    return st;
}

static struct seen must_feed(const char *protocol, size_t piece, size_t rows, bool with_shares,
                             size_t *max_kept)
{
    struct seen seen = {.stream = 77, .with_shares = with_shares};
    cril_error err = {.message = ""};

    if (feed(protocol, piece, rows, &seen, max_kept, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return seen;
}

/* hkust drops the last tokens; document and rolling score all. */
static void test_same_bits(void **state)
{
    static const char *const protocols[] = {"document", "hkust", "rolling", "uncheatable"};
    static const size_t pieces[] = {1, 7, 100}, rows[] = {1, 96, 4096};
    size_t kept;

    (void)state;
    for (size_t p = 0; p < 4; p++) {
        const struct seen whole = must_feed(protocols[p], N_TOKENS, 4096, false, &kept);

        assert_true(whole.n >= N_TOKENS - N_TOKENS / CONTEXT - CONTEXT);
        for (size_t i = 0; i < 3; i++) {
            const struct seen s = must_feed(protocols[p], pieces[i], rows[i], i % 2 == 0, &kept);

            assert_int_equal(s.n, whole.n);
            assert_int_equal(s.n_rows, whole.n_rows);
            assert_true(rows[i] > N_TOKENS || s.n_batches > 1);
            assert_memory_equal(s.nats, whole.nats, sizeof(s.nats));
        }
    }
}

static void test_drops_tokens(void **state)
{
    size_t kept;

    (void)state;
    must_feed("hkust", 1, 96, false, &kept);
    assert_in_range(kept, CONTEXT, 2 * (CONTEXT + 1));
}

static void test_sink_fails(void **state)
{
    struct seen seen = {.fail_at = 20};
    cril_error err = {.message = ""};
    size_t kept;

    (void)state;
    assert_int_equal(feed("hkust", 1, 96, &seen, &kept, &err), CRIL_ERR_IO);
    assert_string_equal(err.message, "the sink is full");
    assert_int_equal(seen.n, 20);
}

static int open_model(void **state)
{
    struct cril_random random = cril_random_seed(5);

    (void)state;
    if (cril_model_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &model, NULL) != CRIL_OK)
        return -1;
    for (size_t i = 0; i < N_TOKENS; i++)
        tokens[i] = (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(model));
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    cril_model_close(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_drops_tokens),
        cmocka_unit_test(test_sink_fails),
    };

    return cmocka_run_group_tests(tests, open_model, close_model);
}
