/*
 * The protocols' windows, for every stream length, against the tools' own loops written out again:
 * the lists of tokens that their programs build, not the arithmetic that ours uses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "score/protocol.h"

#include <cril/status.h>
#include <string.h>

enum { FIRST_TOKEN = 1000, LONGEST = 64 };

/* A window as lists: tokens are their own positions, FIRST_TOKEN the opening token. */
struct lists {
    size_t n_inputs, n_targets;
    int inputs[LONGEST], targets[LONGEST];
};

static struct lists lists_of(const struct cril_span *s)
{
    struct lists w = {0};

    if (s->first_token >= 0)
        w.inputs[w.n_inputs++] = s->first_token;
    for (uint64_t i = s->from; i + 1 < s->end; i++)
        w.inputs[w.n_inputs++] = (int)i;
    for (uint64_t i = s->first; i < s->end; i++)
        w.targets[w.n_targets++] = (int)i;
    return w;
}

/* inputs: first_token (unless -1), then [from, to); targets [first, end). */
static struct lists expected(int first_token, int from, int to, int first, int end)
{
    struct lists w = {0};

    if (first_token >= 0)
        w.inputs[w.n_inputs++] = first_token;
    for (int i = from; i < to; i++)
        w.inputs[w.n_inputs++] = i;
    for (int i = first; i < end; i++)
        w.targets[w.n_targets++] = i;
    return w;
}

static void check_window(const char *name, const struct cril_layout *l, uint64_t k, uint64_t n,
                         const struct lists *want)
{
    struct cril_span s = {0};
    struct lists got;

    assert_true(cril_protocol_find(name)->window(l, k, n, true, &s));
    assert_true(s.from <= s.first && s.first < s.end && s.end <= n);
    assert_true(s.from < s.first || s.first_token >= 0);
    got = lists_of(&s);
    assert_memory_equal(&got, want, sizeof(got));
}

static void check_no_window(const char *name, const struct cril_layout *l, uint64_t k, uint64_t n)
{
    struct cril_span s;

    assert_false(cril_protocol_find(name)->window(l, k, n, true, &s));
}

/* PackedDataset: items of block + 1 tokens every stride; the first scores all, later ones their
 * last stride. */
static void test_hkust(void **state)
{
    const struct cril_layout l = {.context = 19, .stride = 5, .first_token = -1};
    const int block = 20, stride = 5;

    (void)state;
    for (int n = 0; n < 60; n++) {
        int windows = n < block ? 0 : (n - block) / stride + 1;

        for (int i = 0; i < windows; i++) {
            int at = stride * i;
            struct lists want =
                expected(-1, at, at + block - 1, i ? at + block - stride : 1, at + block);
            check_window("hkust", &l, (uint64_t)i, (uint64_t)n, &want);
        }
        check_no_window("hkust", &l, (uint64_t)windows, (uint64_t)n);
        assert_int_equal(cril_protocol_find("hkust")->min_tokens(&l) <= (uint64_t)n, windows > 0);
    }
}

/* The paper's sizes: 1900 and 512 leave up to 511 tokens out, and nothing fits below 1901. */
static void test_hkust_sizes(void **state)
{
    const struct cril_protocol *p = cril_protocol_find("hkust");
    const struct cril_layout l = {.context = p->context, .stride = p->stride, .first_token = -1};
    struct cril_span s;

    (void)state;
    assert_int_equal(p->min_tokens(&l), 1901);
    assert_false(p->window(&l, 0, 1900, true, &s));
    assert_true(p->window(&l, 0, 1901, false, &s));
    assert_int_equal(s.end - s.first, 1900);
    assert_false(p->window(&l, 1, 2412, true, &s));
    assert_true(p->window(&l, 1, 2413, false, &s));
    assert_int_equal(s.first, 1901);
    assert_int_equal(s.end, 2413);
    assert_int_equal(s.first - s.from, 1389);
}

/* get_rolling_token_windows with context_len 1, then make_disjoint_window. */
static void test_rolling(void **state)
{
    const int max = 7;
    const struct cril_layout l = {.context = (size_t)max, .first_token = FIRST_TOKEN};

    (void)state;
    for (int n = 1; n < 50; n++) {
        int predicted = n < max ? n : max;
        uint64_t k = 0;
        struct lists want = expected(FIRST_TOKEN, 0, predicted - 1, 0, predicted);

        check_window("rolling", &l, k++, (uint64_t)n, &want);
        while (predicted < n) {
            int more = n - predicted < max ? n - predicted : max, end = predicted + more;
            int context =
                max - (more - 1); /* of a's `max` tokens, those before the targets but one */

            want = expected(-1, end - max - 1, end - max - 1 + context + more - 1, predicted, end);
            check_window("rolling", &l, k++, (uint64_t)n, &want);
            predicted = end;
        }
        check_no_window("rolling", &l, k, (uint64_t)n);
    }
}

/* llama-perplexity: chunks of n_ctx, token 0 replaced by BOS, targets from n_ctx / 2 + 1 on. */
static void test_halves(void **state)
{
    (void)state;
    for (int n_ctx = 3; n_ctx < 12; n_ctx++)
        for (int bos = 0; bos < 2; bos++) {
            const struct cril_layout l = {.context = (size_t)n_ctx,
                                          .first_token = bos ? FIRST_TOKEN : -1};
            const int n = 5 * n_ctx - 1;

            for (int i = 0; i < n / n_ctx; i++) {
                int at = i * n_ctx;
                struct lists want = expected(bos ? FIRST_TOKEN : at, at + 1, at + n_ctx - 1,
                                             at + n_ctx / 2 + 1, at + n_ctx);
                check_window("halves", &l, (uint64_t)i, (uint64_t)n, &want);
            }
            check_no_window("halves", &l, (uint64_t)(n / n_ctx), (uint64_t)n);
            assert_int_equal(cril_protocol_find("halves")->min_tokens(&l), 2 * n_ctx);
        }
}

/* OpenCompass's windows are those of the paper's program. */
static void test_opencompass(void **state)
{
    const struct cril_protocol *p = cril_protocol_find("opencompass"),
                               *hkust = cril_protocol_find("hkust");

    (void)state;
    assert_ptr_equal(p->window, hkust->window);
    assert_ptr_equal(p->min_tokens, hkust->min_tokens);
    assert_int_equal(p->context, hkust->context);
    assert_int_equal(p->stride, hkust->stride);
    assert_int_equal(p->encode, hkust->encode);
    assert_int_equal(p->first_token, hkust->first_token);
    assert_true(p->fill_records && !hkust->fill_records);
}

/* eval_hf_model: chunks by range(0, n, chunk), logits [:-1] against targets [1:] of each. */
static void test_uncheatable(void **state)
{
    const int chunk = 7;
    const struct cril_layout l = {.context = (size_t)chunk, .first_token = -1};

    (void)state;
    assert_int_equal(cril_protocol_find("uncheatable")->context, 1024);
    for (int n = 0; n < 40; n++) {
        uint64_t k = 0;

        for (int begin = 0; begin < n; begin += chunk) {
            const int end = n < begin + chunk ? n : begin + chunk;
            const struct lists want = expected(-1, begin, end - 1, begin + 1, end);

            if (end - begin > 1)
                check_window("uncheatable", &l, k++, (uint64_t)n, &want);
        }
        check_no_window("uncheatable", &l, k, (uint64_t)n);
    }
}

/*
 * The first window scores all it has; later ones end `stride` further, the last one where the
 * document ends, and have `context` inputs. Of these first_token is the first, but by the rules of
 * version 1, where it opens the first window alone.
 */
static void check_document(unsigned rules, bool bos, size_t context, size_t stride, int n)
{
    const struct cril_layout l = {.context = context,
                                  .stride = stride,
                                  .first_token = bos ? FIRST_TOKEN : -1,
                                  .rules = rules};
    const int opening = bos ? 0 : 1, again = bos && rules > 1 ? FIRST_TOKEN : -1;
    int end = opening + (int)context < n ? opening + (int)context : n;
    uint64_t k = 0;

    if (opening < n) {
        const struct lists want = expected(bos ? FIRST_TOKEN : -1, 0, end - 1, opening, end);
        check_window("document", &l, k++, (uint64_t)n, &want);
    }
    while (opening < n && end < n) {
        const int more = n - end < (int)stride ? n - end : (int)stride,
                  text = (int)context - (again >= 0);
        const struct lists want =
            expected(again, end + more - 1 - text, end + more - 1, end, end + more);

        assert_int_equal(want.n_inputs, context);
        check_window("document", &l, k++, (uint64_t)n, &want);
        end += more;
    }
    check_no_window("document", &l, k, (uint64_t)n);
}

static void test_document(void **state)
{
    static const size_t sizes[][2] = {{11, 4}, {11, 11}, {11, 1}, {2, 2}, {2, 1}, {1, 1}};

    (void)state;
    for (unsigned rules = 1; rules <= CRIL_RULES; rules++)
        for (int bos = 0; bos < 2; bos++)
            for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
                for (int n = 0; n < 60; n++)
                    check_document(rules, bos, sizes[i][0], sizes[i][1], n);
}

/*
 * A prompt stays whole where one window holds it and its continuation; else its end stays, as much
 * as the first window holds beside the part of the continuation that it scores: a stride, or all.
 */
static void test_prompt(void **state)
{
    static const size_t sizes[][2] = {{11, 4}, {11, 11}, {11, 1}, {2, 1}, {1, 1}};
    const struct cril_protocol *p = cril_protocol_find("document");

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        for (size_t n = 1; n < 40; n++)
            for (size_t n_prompt = 0; n_prompt < 40; n_prompt++)
                for (int bos = 0; bos < 2; bos++) {
                    const struct cril_layout l = {.context = sizes[i][0],
                                                  .stride = sizes[i][1],
                                                  .first_token = bos ? FIRST_TOKEN : -1,
                                                  .rules = CRIL_RULES};
                    const size_t room = l.context + !bos, kept = p->kept_prompt(&l, n_prompt, n);
                    struct cril_span s;

                    assert_true(kept <= n_prompt);
                    assert_true(n_prompt + n > room || kept == n_prompt);
                    if (kept < n_prompt) { /* the first window is full, and scores what it should */
                        assert_true(p->window(&l, 0, kept + n, true, &s));
                        assert_int_equal(s.end, room);
                        assert_int_equal(s.end - kept, n < l.stride ? n : l.stride);
                    }
                    assert_true(bos || n_prompt == 0 || kept > 0);
                }
    for (size_t i = 1; cril_protocol_at(i); i++)
        assert_null(cril_protocol_at(i)->kept_prompt);
}

/* What is scored today follows the rules of today. */
static void test_rules(void **state)
{
    struct cril_layout l = {0};

    (void)state;
    cril_protocol_lay(cril_protocol_find("document"), 0, 0, 4096, &l);
    assert_true(l.context == 1900 && l.stride == 512 && l.rules == CRIL_RULES);
}

/* A stream that may still grow has no last window yet. */
static void test_unfinished(void **state)
{
    const struct cril_layout l = {.context = 8, .stride = 4, .first_token = -1};
    struct cril_span s;

    (void)state;
    assert_false(cril_protocol_find("document")->window(&l, 0, 5, false, &s));
    assert_false(cril_protocol_find("rolling")->window(&l, 0, 5, false, &s));
    assert_false(cril_protocol_find("uncheatable")->window(&l, 0, 8, false, &s));
    assert_true(cril_protocol_find("hkust")->window(&l, 0, 9, false, &s));
    assert_true(cril_protocol_find("halves")->window(&l, 0, 8, false, &s));
}

static void test_table(void **state)
{
    (void)state;
    assert_string_equal(cril_protocol_find(NULL)->name, "document");
    assert_null(cril_protocol_find("Document"));
    for (size_t i = 0; cril_protocol_at(i); i++)
        assert_ptr_equal(cril_protocol_find(cril_protocol_at(i)->name), cril_protocol_at(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hkust),       cmocka_unit_test(test_hkust_sizes),
        cmocka_unit_test(test_opencompass), cmocka_unit_test(test_uncheatable),
        cmocka_unit_test(test_rolling),     cmocka_unit_test(test_halves),
        cmocka_unit_test(test_document),    cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_rules),       cmocka_unit_test(test_table),
        cmocka_unit_test(test_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
