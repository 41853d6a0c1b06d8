/* Many sequences at once have the nats of each alone; what they have in common is computed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lengths.h"
#include "model/engine.h"
#include "model/model.h"

#include <cril/score.h>
#include <cril/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEQUENCES = 60, LENGTH = 150 };

static uint64_t seed = 11;

static size_t below(size_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % n;
}

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_model *m;
    cril_error err;
    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static cril_scorer *open_scorer(cril_model *m, size_t batch)
{
    cril_scorer *s;
    cril_error err;
    const cril_score_options o = {
        .context = LENGTH, .stride = LENGTH, .threads = 2, .batch_tokens = batch};
    if (cril_scorer_create(m, &o, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return s;
}

struct seen {
    size_t done;
    uint64_t rows, rows_of_done, largest; /* largest: rows of a batch */
    size_t calls, stop_at;
};

static int see(void *user, size_t done, uint64_t rows)
{
    struct seen *s = user;
    assert_true(done >= s->done && rows >= s->rows);
    if (done > s->done) {
        s->largest = rows - s->rows_of_done > s->largest ? rows - s->rows_of_done : s->largest;
        s->rows_of_done = rows;
    }
    s->done = done;
    s->rows = rows;
    return ++s->calls == s->stop_at;
}

static void score(cril_scorer *s, const cril_score_window *w, size_t n, struct seen *seen,
                  size_t *order)
{
    cril_error err;
    if (cril_score_windows(s, w, n, see, seen, order, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(seen->done, n);
}

/* Families of sequences, each a beginning of another one with something else behind it. */
static void make(cril_score_window *w, int32_t (*tokens)[LENGTH], double (*nats)[LENGTH],
                 size_t vocabulary)
{
    for (size_t i = 0; i < SEQUENCES; i++) {
        const size_t from = below(i + 1), n = 2 + below(LENGTH - 1),
                     same = from < i ? below(w[from].n < n ? w[from].n : n) : 0;
        for (size_t k = 0; k < n; k++)
            tokens[i][k] = k < same ? tokens[from][k] : (int32_t)below(vocabulary);
        w[i] = (cril_score_window){tokens[i], n, 1 + below(n - 1), nats[i], NULL};
    }
}

static void check(cril_model *m, const char *name)
{
    static int32_t tokens[SEQUENCES][LENGTH];
    static double nats[SEQUENCES][LENGTH], alone[LENGTH];
    static const size_t batches[] = {0, 1, 300, 100000};
    for (size_t round = 0; round < (CRIL_TEST_SCALE > 1 ? 4 : 8); round++) {
        cril_scorer *s = open_scorer(m, batches[round % 4]);
        cril_score_window w[SEQUENCES];
        size_t order[SEQUENCES], all = 0;
        bool there[SEQUENCES] = {false};
        struct seen seen = {0};
        make(w, tokens, nats, cril_model_logits(m));
        score(s, w, SEQUENCES, &seen, order);
        for (size_t i = 0; i < SEQUENCES; i++) {
            assert_int_equal(cril_score_tokens(s, w[i].tokens, w[i].n, alone, NULL), CRIL_OK);
            if (memcmp(alone + w[i].first - 1, nats[i], (w[i].n - w[i].first) * sizeof(double)))
                fail_msg("%s, round %zu: sequence %zu differs", name, round, i);
            assert_true(order[i] < SEQUENCES && !there[order[i]]);
            there[order[i]] = true;
            all += w[i].n - 1;
        }
        const size_t batch = batches[round % 4],
                     max = cril_engine_window_rows(0, batch > LENGTH ? batch : LENGTH);
        assert_true(!batch || seen.largest <= max);
        if (cril_model_depends_on_length(m))
            assert_int_equal(seen.rows, all);
        else if (batches[round % 4] != 1)
            assert_true(seen.rows < all);
        cril_scorer_free(s);
    }
}

static void test_bits(void **state)
{
    static const char *const names[] = {"tiny-llama", "tiny-gemma3"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cril_model *m = open_model(names[i]);
        check(m, names[i]);
        cril_model_close(m);
    }
}

/* Nothing is shared where a position's figures depend on the length of its pass. */
static void test_lengths(void **state)
{
    cril_model *m = open_model("tiny-llama");
    (void)state;
    depend_on_length(m, CRIL_ROPE_LONG, 60);
    check(m, "tiny-llama by lengths");
    cril_model_close(m);
}

/* The most likely id that follows, of those that are not `but`. */
static int32_t follow(cril_session *s, size_t n, int32_t but)
{
    const float *logits = cril_session_logits(s, 0);
    size_t best = but == 0;
    for (size_t i = best + 1; i < n; i++)
        best = logits[i] > logits[best] && i != (size_t)but ? i : best;
    return (int32_t)best;
}

/* A greedy text is made of the most likely ids; one token of another, a second best, is not. */
static void test_tops(void **state)
{
    enum { PROMPT = 10, TEXT = 30 };
    const cril_session_options o = {.threads = 1, .context = TEXT};
    cril_model *m = open_model("tiny-llama");
    cril_scorer *scorer = open_scorer(m, 0);
    int32_t tokens[3][TEXT], second = -1;
    double nats[3][TEXT], plain[TEXT - 1];
    bool tops[2][TEXT] = {{false}, {true}};
    cril_score_window w[3];
    cril_session *s;
    (void)state;
    assert_int_equal(cril_session_create(m, &o, &s, NULL), CRIL_OK);
    for (size_t i = 0; i < TEXT; i++) {
        const cril_feed feed = {.ids = &tokens[0][i], .n = 1};
        tokens[0][i] =
            i < PROMPT ? (int32_t)below(cril_model_logits(m)) : follow(s, cril_model_logits(m), -1);
        if (i == TEXT - 3)
            second = follow(s, cril_model_logits(m), tokens[0][i]);
        assert_int_equal(cril_session_feed(s, &feed, 1, NULL), CRIL_OK);
    }
    for (size_t i = 1; i < 3; i++)
        memcpy(tokens[i], tokens[0], sizeof(tokens[0]));
    tokens[1][TEXT - 3] = second;
    for (size_t i = 0; i < 3; i++)
        w[i] = (cril_score_window){tokens[i], TEXT, PROMPT, nats[i], i < 2 ? tops[i] : NULL};
    assert_int_equal(cril_score_windows(scorer, w, 3, NULL, NULL, NULL, NULL), CRIL_OK);
    for (size_t i = 0; i < TEXT - PROMPT; i++) {
        assert_true(tops[0][i]);
        if (i + PROMPT <= TEXT - 3)
            assert_int_equal(tops[1][i], i + PROMPT < TEXT - 3);
    }
    for (size_t one = 0; one < 2; one++) { /* one of them alone asks */
        memset(tops, 0, sizeof(tops));
        for (size_t i = 0; i < 3; i++)
            w[i].is_top = i == one ? tops[i] : NULL;
        assert_int_equal(cril_score_windows(scorer, w, 3, NULL, NULL, NULL, NULL), CRIL_OK);
        assert_true(tops[one][0] && !tops[1 - one][0]);
    }
    assert_int_equal(cril_score_tokens(scorer, tokens[0], TEXT, plain, NULL), CRIL_OK);
    assert_memory_equal(plain + PROMPT - 1, nats[0], (TEXT - PROMPT) * sizeof(double));
    assert_memory_equal(nats[0], nats[2], (TEXT - PROMPT) * sizeof(double));
    cril_session_free(s);
    cril_scorer_free(scorer);
    cril_model_close(m);
}

/* Ten items of 4 choices behind 100 tokens that all have, and 12 that the choices of one have. */
static void test_saves(void **state)
{
    static int32_t tokens[40][LENGTH];
    static double nats[40][LENGTH];
    cril_model *m = open_model("tiny-llama");
    cril_scorer *s = open_scorer(m, 0);
    cril_score_window w[40];
    struct seen seen = {0};
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        for (size_t k = 0; k < 116; k++)
            tokens[i][k] = (int32_t)(k < 100   ? k % 50
                                     : k < 112 ? 60 + (i / 4 + k) % 20
                                               : 100 + (i % 4 * 4 + k) % 50);
        tokens[i][100] = (int32_t)(60 + i / 4);
        tokens[i][112] = (int32_t)(100 + i % 4);
        w[i] = (cril_score_window){tokens[i], 116, 112, nats[i], NULL};
    }
    score(s, w, 40, &seen, NULL);
    /* The last token of a context predicts the first of a choice: each choice has it alone. */
    assert_int_equal(seen.rows, 100 + 10 * 11 + 40 * 4);
    cril_scorer_free(s);
    cril_model_close(m);
}

static void test_refused(void **state)
{
    const int32_t tokens[] = {1, 2, 3};
    double nats[2];
    cril_model *m = open_model("tiny-llama");
    cril_scorer *s = open_scorer(m, 0);
    cril_error err;
    cril_score_window w = {tokens, 3, 0, nats, NULL};
    struct seen seen = {.stop_at = 1};
    (void)state;
    assert_int_equal(cril_score_windows(s, &w, 1, NULL, NULL, NULL, &err), CRIL_ERR_RANGE);
    w.first = 3;
    assert_int_equal(cril_score_windows(s, &w, 1, NULL, NULL, NULL, &err), CRIL_ERR_RANGE);
    w = (cril_score_window){tokens, 1, 1, nats, NULL};
    assert_int_equal(cril_score_windows(s, &w, 1, NULL, NULL, NULL, &err), CRIL_ERR_RANGE);
    w = (cril_score_window){tokens, 3, 1, nats, NULL};
    assert_int_equal(cril_score_windows(s, &w, 1, see, &seen, NULL, &err), CRIL_ERR_CANCELLED);
    assert_int_equal(cril_score_windows(s, &w, 0, NULL, NULL, NULL, &err), CRIL_OK);
    cril_scorer_free(s);
    cril_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tops),    cmocka_unit_test(test_bits),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_saves),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
