/*
 * Texts of a model by cril_generate: the same ones with any number of streams and threads, with
 * prompts that share prefixes and one by one; and each token the one that the engine finds
 * likeliest.
 */
#ifndef CRIL_TESTS_GENERATE_CHECK_H
#define CRIL_TESTS_GENERATE_CHECK_H

#include "model/engine.h"
#include "model/model.h"
#include "util/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/generate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROMPTS = 13, LONGEST = 110, MAX_NEW = 30 };

/* What became of a prompt. */
struct said {
    int32_t ids[MAX_NEW];
    size_t n, len;
    char text[MAX_NEW * 32];
    cril_generation_end end;
    unsigned times;
};

static int32_t prompt_ids[PROMPTS][LONGEST];
static const char *const a_stop[] = {"e\n", "a"};
static const size_t a_stop_len[] = {2, 1};

/* Prompts of up to `context` tokens less a text: eight begin alike, three of these for longer, two
 * are the same, one is the beginning of another, one stands alone. */
static void make_prompts(const cril_model *m, size_t context, cril_prompt *p)
{
    const size_t longest = context < LONGEST + MAX_NEW ? context - MAX_NEW : LONGEST;
    struct cril_random random = cril_random_seed(5);
    int32_t ids[3][LONGEST];

    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < LONGEST; i++)
            ids[k][i] = (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(m));
    for (size_t i = 0; i < PROMPTS; i++) {
        const size_t shared = i < 8 ? longest / 2 : i < 10 ? longest - 3 : 0;

        for (size_t k = 0; k < LONGEST; k++)
            prompt_ids[i][k] =
                k < shared ? ids[0][k]
                : i < 3 && k < shared + longest / 4
                    ? ids[1][k]
                    : (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(m));
        p[i] = (cril_prompt){.ids = prompt_ids[i],
                             .n = i < 3   ? longest - i
                                  : i < 8 ? shared + 1 + 3 * i
                                          : longest,
                             .max_tokens = i == 4 ? 1 : MAX_NEW - i % 3};
        if (i % 2) {
            p[i].until = a_stop;
            p[i].until_len = a_stop_len;
            p[i].n_until = 2;
        }
    }
    p[9].ids = p[8].ids;
    p[10].ids = p[8].ids;
    p[10].n = longest / 3;
    p[11].n = 1;
}

static int keep_text(void *user, size_t prompt, const cril_generation *g)
{
    struct said *const s = (struct said *)user + prompt;

    assert_true(g->n >= 1 && g->n <= MAX_NEW && g->len < sizeof(s->text));
    memcpy(s->ids, g->ids, g->n * sizeof(*g->ids));
    memcpy(s->text, g->text, g->len);
    s->n = g->n;
    s->len = g->len;
    s->end = g->end;
    s->times++;
    return 0;
}

static cril_generator *new_generator(cril_model *m, size_t streams, unsigned threads,
                                     size_t context)
{
    const cril_generator_options options = {
        .streams = streams, .threads = threads, .context = context};
    cril_generator *g;
    cril_error err;

    if (cril_generator_create(m, &options, &g, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return g;
}

static void generate(cril_generator *g, const cril_prompt *p, size_t n, struct said *out)
{
    const cril_generate_callbacks call = {.user = out, .on_text = keep_text};
    cril_error err;

    if (cril_generate(g, p, n, &call, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

/* Of `some` tokens, none is likelier behind the first n of ids than `want`, by the engine in a pass
 * of `length` inputs. */
static void check_likeliest(const cril_model *m, const int32_t *ids, size_t n, size_t length,
                            int32_t want, size_t some)
{
    const size_t vocab = cril_model_logits(m), step = vocab / some ? vocab / some : 1;
    const struct cril_engine_options options = {.threads = 2};
    struct cril_engine *e;
    double of_want = 0;
    cril_error err;

    assert_int_equal(cril_engine_create(m, cril_kernels(), &options, &e, &err), CRIL_OK);
    for (size_t i = 0; i < vocab + step; i += step) {
        const int32_t target = i ? (int32_t)(i - step) : want;
        double nats;
        const struct cril_window w = {.ids = ids,
                                      .n = n,
                                      .first = n - 1,
                                      .targets = &target,
                                      .nats = &nats,
                                      .length = cril_model_depends_on_length(m) ? length : 0};

        if (cril_engine_score(e, &w, 1, NULL, NULL, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        of_want = i ? of_want : nats;
        if (nats < of_want)
            fail_msg("%s: token %d was generated, %d is likelier", cril_model_path(m), (int)want,
                     (int)target);
    }
    cril_engine_free(e);
}

static void check_same(const struct said *a, const struct said *b, const char *model,
                       const char *how)
{
    for (size_t i = 0; i < PROMPTS; i++)
        if (a[i].n != b[i].n || memcmp(a[i].ids, b[i].ids, a[i].n * sizeof(*a->ids)) != 0 ||
            a[i].len != b[i].len || memcmp(a[i].text, b[i].text, a[i].len) != 0 ||
            a[i].end != b[i].end || b[i].times != 1)
            fail_msg("%s, prompt %zu: another text %s", model, i, how);
}

/* Writes the texts to out, if that is not NULL. */
static void check_texts(cril_model *m, FILE *out)
{
    static struct said alone[PROMPTS], together[PROMPTS];
    static const struct {
        size_t streams;
        unsigned threads;
    } ways[] = {{3, 1}, {16, 3}, {1, 1}};
    const char *const path = cril_model_path(m);
    const size_t max = cril_model_max_window(m), context = max < 150 ? max : 150;
    cril_prompt p[PROMPTS];
    int32_t ids[LONGEST + MAX_NEW];

    make_prompts(m, context, p);
    memset(alone, 0, sizeof(alone));
    cril_generator *g = new_generator(m, 1, 1, context);
    for (size_t i = 0; i < PROMPTS; i++) {
        generate(g, &p[i], 1, &alone[i]);
        assert_int_equal(alone[i].times, 1);
    }
    cril_generator_free(g);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        memset(together, 0, sizeof(together));
        g = new_generator(m, ways[i].streams, ways[i].threads, context);
        generate(g, p, PROMPTS, together);
        check_same(alone, together, path, "beside others");
        if (!i) {
            memset(together, 0, sizeof(together));
            generate(g, p, PROMPTS, together);
            check_same(alone, together, path, "in a second call");
        }
        cril_generator_free(g);
    }
    for (size_t i = 0; i < 12; i += 11) { /* with a shared prefix; of one token */
        const struct said *const s = &alone[i];
        const size_t n = p[i].n, last = i && s->n > 4 ? 4 : s->n - 1;

        memcpy(ids, p[i].ids, n * sizeof(*ids));
        memcpy(ids + n, s->ids, s->n * sizeof(*ids));
        check_likeliest(m, ids, n, n + p[i].max_tokens, s->ids[0], 40);
        check_likeliest(m, ids, n + last, n + p[i].max_tokens, s->ids[last], i ? 150 : 40);
    }
    for (size_t i = 0; out && i < PROMPTS; i++) {
        fprintf(out, "%zu %d", i, (int)alone[i].end);
        for (size_t k = 0; k < alone[i].n; k++)
            fprintf(out, " %d", (int)alone[i].ids[k]);
        fprintf(out, "\n");
    }
}

#endif
