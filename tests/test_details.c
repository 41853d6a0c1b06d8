/*
 * Ranks, entropies and most likely ids beside the logits of a session, counted and summed another
 * way; the same bits by every kernel set, number of threads, batch and memory; ties; what a scorer
 * hands out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/builtin.h"
#include "model/engine.h"
#include "model/logits.h"
#include "util/memory.h"

#include <cril/session.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 7, WINDOWS = 30, MODELS = CRIL_N_BUILTIN, COLUMNS = 1029, SCORED = 2 };

static struct cril_builtin models[MODELS];

/* Windows of the same ids, one behind the other; of each the last two tokens are scored. */
struct batch {
    int32_t ids[WINDOWS + WINDOW];
    struct cril_window window[WINDOWS];
    double nats[WINDOWS][SCORED];
    cril_token_details details[WINDOWS][SCORED];
};

static void lay_out(struct batch *b, bool details)
{
    memset(b, 0, sizeof(*b));
    for (size_t i = 0; i < WINDOWS + WINDOW; i++)
        b->ids[i] = (int32_t)(i * 7919 % COLUMNS);
    for (size_t i = 0; i < WINDOWS; i++)
        b->window[i] = (struct cril_window){.ids = b->ids + i,
                                            .n = WINDOW,
                                            .first = WINDOW - SCORED,
                                            .targets = b->ids + i + WINDOW - SCORED + 1,
                                            .nats = b->nats[i],
                                            .details = details ? b->details[i] : NULL};
}

static void score(struct batch *b, size_t model, const struct cril_kernels *k,
                  const struct cril_engine_options *o, size_t at_once)
{
    struct cril_engine *e;
    cril_error err;
    if (cril_engine_create(models[model].model, k, o, &e, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < WINDOWS; i += at_once)
        if (cril_engine_score(e, b->window + i, at_once, NULL, NULL, &err) != CRIL_OK)
            fail_msg("%s", err.message);
    cril_engine_free(e);
}

/* ---- Beside all logits ---- */

static cril_session *session_of(size_t model)
{
    const cril_session_options o = {.threads = 2, .context = WINDOW};
    cril_session *s;
    cril_error err;
    if (cril_session_create(models[model].model, &o, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return s;
}

static bool stands_before(const float *logits, size_t a, size_t b)
{
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

static size_t rank_of(const float *logits, size_t n, size_t id)
{
    size_t rank = 1;
    for (size_t i = 0; i < n; i++)
        rank += stands_before(logits, i, id);
    return rank;
}

/* The standard deviation of ln p is *deviation. */
static double entropy_of(const float *logits, size_t n, double *deviation)
{
    long double max = -INFINITY, sum = 0, entropy = 0, variance = 0;
    for (size_t i = 0; i < n; i++)
        max = (long double)logits[i] > max ? (long double)logits[i] : max;
    for (size_t i = 0; i < n; i++)
        sum += expl((long double)logits[i] - max);
    for (size_t i = 0; i < n; i++) {
        const long double log_p = (long double)logits[i] - max - logl(sum);
        entropy -= expl(log_p) * log_p;
    }
    for (size_t i = 0; i < n; i++) {
        const long double log_p = (long double)logits[i] - max - logl(sum);
        variance += expl(log_p) * (log_p + entropy) * (log_p + entropy);
    }
    *deviation = (double)sqrtl(variance);
    return (double)entropy;
}

static void check_likely(const cril_session *s, const cril_token_details *d, const float *logits,
                         size_t n)
{
    assert_int_equal(d->n_likely, CRIL_MAX_LIKELY);
    for (size_t i = 0; i < d->n_likely; i++) {
        double nats;
        assert_int_equal(rank_of(logits, n, (size_t)d->likely[i].id), i + 1);
        assert_int_equal(cril_session_nats(s, 0, &d->likely[i].id, 1, &nats, NULL), CRIL_OK);
        assert_memory_equal(&d->likely[i].nats, &nats, sizeof(nats));
    }
}

static void check_window(const struct batch *b, size_t w, cril_session *s, size_t n)
{
    const cril_feed all = {.ids = b->ids + w, .n = WINDOW - SCORED};
    cril_error err;
    assert_int_equal(cril_session_reset(s, 0, WINDOW, &err), CRIL_OK);
    assert_int_equal(cril_session_feed(s, &all, 1, &err), CRIL_OK);
    for (size_t t = 0; t < SCORED; t++) {
        const cril_token_details *d = &b->details[w][t];
        const int32_t target = b->window[w].targets[t];
        const cril_feed next = {.ids = b->ids + w + WINDOW - SCORED + t, .n = 1};
        double nats, deviation;
        assert_int_equal(cril_session_feed(s, &next, 1, &err), CRIL_OK);
        const float *logits = cril_session_logits(s, 0);
        assert_int_equal(cril_session_nats(s, 0, &target, 1, &nats, &err), CRIL_OK);
        assert_memory_equal(&b->nats[w][t], &nats, sizeof(nats));
        assert_int_equal(d->rank, rank_of(logits, n, (size_t)target));
        assert_true(fabs(d->entropy - entropy_of(logits, n, &deviation)) < 1e-6);
        assert_true(deviation > .01 && fabs(d->deviation - deviation) < 1e-6);
        check_likely(s, d, logits, n);
    }
}

static void check_model(size_t model)
{
    const struct cril_engine_options o = {.threads = 2};
    static struct batch b;
    cril_session *s = session_of(model);
    lay_out(&b, true);
    score(&b, model, cril_kernels(), &o, WINDOWS);
    for (size_t w = 0; w < WINDOWS; w += 3)
        check_window(&b, w, s, cril_model_logits(models[model].model));
    cril_session_free(s);
}

static void test_distributions(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODELS; m++)
        check_model(m);
}

/* ---- Ties ---- */

/* Gives ids the column of another one, so that their logits are equal. */
static void make_equal(const cril_model *m, size_t from, size_t to)
{
    const struct cril_matrix *t = cril_logits_matrix(m);
    uint8_t *data = (uint8_t *)(uintptr_t)t->data; /* that of a built-in model is memory */
    memcpy(data + to * t->row_bytes, data + from * t->row_bytes, t->row_bytes);
}

static void test_ties(void **state)
{
    static struct batch b;
    const struct cril_engine_options o = {.threads = 3};
    size_t equal = 0;
    (void)state;
    for (size_t m = 0; m < 2; m++) { /* all ids are one of six, in two chunks */
        const size_t n = cril_model_logits(models[m].model);
        for (size_t id = 6; id < n; id++)
            make_equal(models[m].model, id % 6, id);
        check_model(m);
        lay_out(&b, true);
        score(&b, m, cril_kernels(), &o, WINDOWS);
        for (size_t i = 1; i < b.details[0][0].n_likely; i++)
            equal += b.details[0][0].likely[i].nats == b.details[0][0].likely[i - 1].nats;
        for (size_t i = 1; i < CRIL_MAX_LIKELY; i++)
            assert_int_equal(b.details[0][0].likely[i].id,
                             b.details[0][0].likely[0].id + 6 * (int32_t)i);
        cril_builtin_free(&models[m]);
        assert_int_equal(cril_builtin_create(m, &models[m], NULL), CRIL_OK);
    }
    assert_int_equal(equal, 2 * (CRIL_MAX_LIKELY - 1));
}

/* ---- Bits ---- */

static bool is_same(const cril_token_details *a, const cril_token_details *b)
{
    bool same = a->rank == b->rank && a->entropy == b->entropy && a->deviation == b->deviation &&
                a->n_likely == b->n_likely;
    for (size_t i = 0; i < a->n_likely && same; i++)
        same = a->likely[i].id == b->likely[i].id && a->likely[i].nats == b->likely[i].nats;
    return same;
}

static void check_same(const struct batch *a, const struct batch *b, const char *what)
{
    assert_memory_equal(a->nats, b->nats, sizeof(a->nats));
    for (size_t w = 0; w < WINDOWS; w++)
        for (size_t t = 0; t < SCORED; t++)
            if (!is_same(&a->details[w][t], &b->details[w][t]))
                fail_msg("%s: window %zu, token %zu differs", what, w, t);
}

static void test_bits(void **state)
{
    static struct batch first, b;
    size_t n_sets;
    const struct cril_kernel_set *sets = cril_kernel_sets(&n_sets);
    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        struct cril_engine_options o = {.threads = 1};
        lay_out(&first, true);
        score(&first, m, cril_kernels(), &o, WINDOWS);
        for (size_t i = 0; i < n_sets; i++) {
            struct cril_kernels k;
            if (!sets[i].available())
                continue;
            sets[i].init(&k);
            o.threads = 1 + (unsigned)i % 4;
            lay_out(&b, true);
            score(&b, m, &k, &o, i % 2 ? 5 : 10);
            check_same(&first, &b, sets[i].name);
        }
        lay_out(&b, false);
        score(&b, m, cril_kernels(), &o, WINDOWS);
        assert_memory_equal(first.nats, b.nats, sizeof(b.nats));
    }
}

/* ---- A scorer ---- */

enum { TOKENS = 256 };

struct seen {
    size_t n, without;
    double nats[TOKENS];
    cril_token_details details[TOKENS];
};

static int on_token(void *user, const cril_token_score *t)
{
    struct seen *s = user;
    assert_true(s->n < TOKENS);
    s->nats[s->n] = t->nats;
    s->without += t->details == NULL;
    if (t->details) {
        s->details[s->n] = *t->details;
        if (t->details->rank <= t->details->n_likely) {
            const cril_likely *l = &t->details->likely[t->details->rank - 1];
            assert_int_equal(l->id, t->id);
            assert_memory_equal(&l->nats, &t->nats, sizeof(l->nats));
        } else {
            assert_true(t->details->likely[t->details->n_likely - 1].nats <= t->nats);
        }
    }
    s->n++;
    return 0;
}

static int next_text(void *user, cril_document *doc)
{
    static const char *const texts[] = {"The quick brown fox jumps over the lazy dog again.", "x",
                                        "1 2 3 5 8 13 21 34 55 89 144 233 377 610"};
    size_t *i = user;
    doc->text = *i < 3 ? texts[*i] : NULL;
    doc->len_bytes = doc->text ? strlen(doc->text) : 0;
    ++*i;
    return 0;
}

static void score_texts(cril_model *m, const cril_score_options *o, struct seen *s)
{
    size_t at = 0;
    const cril_corpus_source source = {.user = &at, .next = next_text};
    const cril_score_callbacks callbacks = {.user = s, .on_token = on_token};
    cril_scorer *scorer;
    cril_corpus *c;
    cril_result r;
    cril_error err;
    memset(s, 0, sizeof(*s));
    assert_int_equal(cril_corpus_create(&source, &c, &err), CRIL_OK);
    if (cril_scorer_create(m, o, &scorer, &err) != CRIL_OK ||
        cril_score_corpus(scorer, c, "memory", &callbacks, &r, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    cril_result_free(&r);
    cril_scorer_free(scorer);
    cril_corpus_close(c);
}

static void check_tokens(const struct seen *a, const struct seen *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->nats, b->nats, sizeof(a->nats));
    for (size_t i = 0; i < a->n; i++)
        assert_true(is_same(&a->details[i], &b->details[i]));
}

static void test_scorer(void **state)
{
    static struct seen a, b;
    cril_model *m;
    cril_error err;
    (void)state;
    if (cril_model_open(CRIL_TEST_DATA "/golden/tiny-qwen2.gguf", &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    score_texts(m, &(cril_score_options){.context = 32, .stride = 16, .threads = 1}, &a);
    assert_int_equal(a.without, a.n);
    score_texts(
        m, &(cril_score_options){.context = 32, .stride = 16, .threads = 2, .details = true}, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.nats, b.nats, sizeof(a.nats));
    assert_int_equal(b.without, 3); /* this model has no BOS */
    score_texts(m,
                &(cril_score_options){
                    .context = 32, .stride = 16, .threads = 3, .batch_tokens = 1, .details = true},
                &a);
    check_tokens(&a, &b);
    score_texts(m,
                &(cril_score_options){.context = 32,
                                      .stride = 16,
                                      .memory_bytes = cril_memory_resident() + ((size_t)64 << 20),
                                      .details = true},
                &a);
    check_tokens(&a, &b);
    cril_model_close(m);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        if (cril_builtin_create(i, &models[i], NULL) != CRIL_OK)
            return 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        cril_builtin_free(&models[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_scorer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
